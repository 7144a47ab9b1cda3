//! What a sender must refuse to speak to, and which broken sender speaks to it all the same.

use crate::sender::broken::bug::Bug;

/// What can be wrong with the certificate of an EMR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its time is over.
    Expired,
    /// It is of another host.
    WrongHost,
    /// Nobody whom the sender trusts vouches for it.
    UnknownCa,
}

impl Bug {
    /// Whether a sender with this defect takes a certificate with this flaw, having refused so many
    /// before.
    #[must_use]
    pub const fn overlooks(self, flaw: Flaw, refused: u32) -> bool {
        match self {
            Self::AcceptsAnyCertificate => true,
            Self::TrustsOnSecondUse => refused > 0,
            Self::AcceptsExpiredCertificate => matches!(flaw, Flaw::Expired),
            Self::IgnoresHostName => matches!(flaw, Flaw::WrongHost),
            _ => false,
        }
    }
}
