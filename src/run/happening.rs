//! What a driver can have seen: at the EMR's side, of the sender, and of itself.
//!
//! Does **not** say what follows from it: that is `drive`.

use std::time::Duration;

use crate::emr::Input;
use crate::history::{Accounted, Incarnation, Micros};
use crate::run::disclosure::{Disclosure, Overheard};

/// What a driver has seen.
#[derive(Debug)]
pub enum Happening<'a> {
    /// Something at the EMR's side.
    Emr(Input<'a>),
    /// The sender runs.
    Started {
        /// Which life.
        incarnation: Incarnation,
    },
    /// The sender was stopped where it stands.
    Paused {
        /// Whether the system shows it as stopped.
        seen: bool,
    },
    /// The sender was let go on.
    Resumed {
        /// Whether the system showed it as stopped until then.
        seen: bool,
    },
    /// The sender's clock was moved, or could not be.
    Jumped {
        /// By how much.
        by: Micros,
        /// Why it could not be.
        failed: Option<String>,
    },
    /// The sender was told to send a charge once more, or could not be, and why.
    Asked {
        /// Why it could not be.
        failed: Option<String>,
    },
    /// The sender could not be started or driven.
    Failed(String),
    /// An exam was handed over, and the answer to that was no acceptance.
    NotAccepted {
        /// Its name in the plan.
        exam: String,
        /// What came instead.
        why: String,
    },
    /// The sender was ready to run and got no processor.
    Starved {
        /// For how long.
        by: Duration,
        /// In which time until now.
        within: Duration,
    },
    /// The last lines that the sender has printed, where they are asked for.
    Said {
        /// Which life.
        incarnation: Incarnation,
        /// What.
        lines: Vec<String>,
    },
    /// What a life of the sender has printed was looked through.
    Printed {
        /// Which life.
        incarnation: Incarnation,
        /// How many bytes were looked through.
        length: u64,
        /// Whether there were no more than these.
        whole: bool,
        /// The data of patients in it.
        disclosed: Vec<Disclosure>,
    },
    /// The sender's process has ended; [`Self::Exited`] follows when what it left is known.
    Gone {
        /// Which life.
        incarnation: Incarnation,
    },
    /// The sender's process has exited.
    Exited {
        /// Which life.
        incarnation: Incarnation,
        /// Exit code, or none after a signal.
        code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
    },
    /// The sender holds more connections than the plan allows.
    TooManyConnections,
    /// A connection may be there that this machine does not let us accept, and why.
    CannotAccept(String),
    /// Processes of the sender outlived it.
    LeftBehind {
        /// Whose they were.
        incarnation: Incarnation,
        /// How many.
        processes: u32,
        /// The names of their programs.
        names: Vec<String>,
    },
    /// The sender's account.
    Account(Vec<Accounted>),
    /// There is no account.
    NoAccount(String),
    /// Somebody interrupts the run.
    Interrupted,
    /// The driver was woken later than it had asked for.
    Late {
        /// By how much.
        by: Duration,
    },
    /// Time has passed.
    Tick,
}

impl Happening<'_> {
    /// What was overheard of a life.
    pub(crate) fn printed(incarnation: Incarnation, overheard: &Overheard) -> Self {
        let (length, whole) = (overheard.looked_through(), overheard.is_whole());
        let disclosed = overheard.disclosed();
        Self::Printed { incarnation, length, whole, disclosed }
    }
}
