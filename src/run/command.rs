//! What the harness does to the sender, as its driver is told.

use crate::history::{Ending, Incarnation, Micros};

/// Something that the harness does to the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start it.
    Start {
        /// Which life this is.
        incarnation: Incarnation,
    },
    /// Hand an exam over.
    Submit {
        /// Its name in the plan.
        exam: String,
    },
    /// Tell it to send the charge of an exam once more, then report [`Happening::Asked`](super::Happening::Asked).
    Resend {
        /// Its name in the plan.
        exam: String,
    },
    /// End it.
    End {
        /// Which life.
        incarnation: Incarnation,
        /// How.
        how: Ending,
    },
    /// Stop its processes where they stand, then report [`Happening::Paused`](super::Happening::Paused).
    Pause {
        /// Which life.
        incarnation: Incarnation,
    },
    /// Let them go on, then report [`Happening::Resumed`](super::Happening::Resumed).
    Resume {
        /// Which life.
        incarnation: Incarnation,
    },
    /// Move its wall clock forward, then report [`Happening::Jumped`](super::Happening::Jumped).
    Jump {
        /// By how much.
        by: Micros,
    },
    /// Ask it what became of its charges.
    Account,
    /// It is not ours to end, and the case is done with it: what it has printed is told, if it can be
    /// read.
    LeaveAlone,
    /// Nothing more will be asked for.
    Finish,
}
