//! Defects of the harness itself, to be planted one at a time: whoever looks on, above all
//! `selftest`, has to notice each of them.
//!
//! Compiled in with debug assertions only, which nothing that is published has; and even then all is
//! well until somebody plants one.

use std::sync::OnceLock;

/// A defect of the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The judge finds nothing, whatever there is.
    CheckerAlwaysHolds,
    /// What is not known counts as held.
    OpenCountsAsHeld,
    /// Two attempts count as one unless they have the same control id.
    TwiceByControlIdOnly,
    /// Two attempts count as one unless the same life of the sender made them.
    LivesApart,
    /// Two attempts count as one unless they came on the same connection.
    ConnectionsApart,
    /// Half a message is no attempt.
    PartsIgnored,
    /// No behaviour of a script ever plays.
    FaultNeverFires,
    /// Behaviours are said to have played, and are not.
    FaultOnlyClaimed,
    /// What a dead sender has sent is not read to its end before the next one starts.
    DrainSkipped,
    /// A connection belongs to whoever was started first.
    BytesByTime,
    /// The exit code is always 0.
    ExitAlways0,
}

impl Planted {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::CheckerAlwaysHolds,
        Self::OpenCountsAsHeld,
        Self::TwiceByControlIdOnly,
        Self::LivesApart,
        Self::ConnectionsApart,
        Self::PartsIgnored,
        Self::FaultNeverFires,
        Self::FaultOnlyClaimed,
        Self::DrainSkipped,
        Self::BytesByTime,
        Self::ExitAlways0,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckerAlwaysHolds => "checker-always-holds",
            Self::OpenCountsAsHeld => "open-counts-as-held",
            Self::TwiceByControlIdOnly => "twice-by-control-id-only",
            Self::LivesApart => "lives-apart",
            Self::ConnectionsApart => "connections-apart",
            Self::PartsIgnored => "parts-ignored",
            Self::FaultNeverFires => "fault-never-fires",
            Self::FaultOnlyClaimed => "fault-only-claimed",
            Self::DrainSkipped => "drain-skipped",
            Self::BytesByTime => "bytes-by-time",
            Self::ExitAlways0 => "exit-always-0",
        }
    }
}

static CHOSEN: OnceLock<Planted> = OnceLock::new();

/// Plants the defect of this name, once and for all; whether there is one.
pub fn plant(name: &str) -> bool {
    let found = Planted::ALL.iter().find(|one| one.name() == name);
    found.is_some_and(|one| CHOSEN.set(*one).is_ok())
}

/// Whether this defect was planted.
#[must_use]
pub fn is(defect: Planted) -> bool {
    CHOSEN.get() == Some(&defect)
}
