//! What a good sender does after a fault, in words.
//!
//! It follows from the outcome alone: a charge that may have been posted is never sent again, and
//! a result may be (HL7 v2 chapter 2, section 2.9; the agreement between sender and EMR).

use super::Fault;
use crate::history::Outcome;

impl Fault {
    /// What a good sender does about the charge (DFT) that met this fault.
    #[must_use]
    pub const fn for_charge(self) -> &'static str {
        match self.outcome() {
            Outcome::Delivered => "records it as `delivered` and never sends it again",
            Outcome::Rejected => {
                "records it as `rejected`, tells a person, and never sends it again: the charge may \
                 have been posted all the same"
            }
            Outcome::Unknown => {
                "records it as `unknown`, tells a person, and never sends it again: nobody knows \
                 whether the charge was posted"
            }
            Outcome::NotSent => "keeps it as `not-sent` and may try again: no byte of it has left",
        }
    }

    /// What a good sender does about a result (ORU, MDM) that met this fault.
    #[must_use]
    pub const fn for_result(self) -> &'static str {
        match self.outcome() {
            Outcome::Delivered => "does not send it again either: an accepted result is done",
            Outcome::Rejected | Outcome::Unknown => {
                "may send it again, a bounded number of times, until it is accepted"
            }
            Outcome::NotSent => "may try again as well",
        }
    }
}
