//! What is seen of TLS on a connection: what was shown, agreed and refused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of TLS that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

/// The certificate that the EMR showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// One that a sender should take.
    Good,
    /// One whose time is over.
    Expired,
    /// One of another host.
    WrongHost,
    /// One of an authority that the sender was not told to trust.
    UnknownCa,
}

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The EMR.
    Emr,
    /// The sender.
    Sender,
}

impl TlsVersion {
    /// The version as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Shown {
    /// What was wrong with it, in words that go before `certificate`; nothing if it was good.
    #[must_use]
    pub const fn flaw(self) -> Option<&'static str> {
        match self {
            Self::Good => None,
            Self::Expired => Some("an expired certificate"),
            Self::WrongHost => Some("a certificate of another host"),
            Self::UnknownCa => Some("a certificate of an unknown authority"),
        }
    }
}
