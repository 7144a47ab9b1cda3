//! The catalogue: every fault and answer that a simulated EMR can play, a file for each family.
//!
//! A row says its stable name, the outcome that a good sender books for a charge that met it, the
//! parameters that it reads, what it is on the wire, and what it stands for in the field. How it is
//! put on the wire is the EMR's business.

/// A family of faults: an enum, and a row for each of its faults.
///
/// A fault that reads `Form` or `Code` says which words that may be, the one that is meant without
/// it first.
macro_rules! family {
    ($(#[$doc:meta])* pub enum $family:ident {
        $($variant:ident $name:literal $outcome:ident
            reads [$($reads:ident),*]
            $(forms [$($form:literal),*])?
            $(codes [$($code:ident),*])?
            $what:literal
            $stands_for:literal)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $family {
            $(#[doc = $what] $variant,)*
        }

        impl $family {
            /// Every fault of the family, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(super) const fn row(self) -> &'static super::Row {
                match self {
                    $(Self::$variant => &super::Row {
                        name: $name,
                        outcome: super::Outcome::$outcome,
                        reads: &[$(super::Parameter::$reads),*],
                        forms: &[$($($form),*)?],
                        codes: &[$($(super::Code::$code),*)?],
                        what: $what,
                        stands_for: $stands_for,
                    },)*
                }
            }
        }
    };
}

mod answer;
mod connection;
mod frame;
mod mismatch;
mod nature;
mod payload;
mod tls;
mod usual;

pub use answer::Answer;
pub use connection::Connection;
pub use frame::Frame;
pub use mismatch::Mismatch;
pub use nature::{Company, Nature, SetOff, Silence, Stand};
pub use payload::Payload;
pub use tls::Tls;
pub use usual::Patience;

use super::parameters::Parameter;
use crate::history::Outcome;
use crate::hl7::ack::Code;

/// A fault or answer, by its family: the layer that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A well-formed answer.
    Answer(Answer),
    /// A well-formed answer to the wrong message.
    Match(Mismatch),
    /// A malformed answer in a good frame.
    Payload(Payload),
    /// Malformed framing.
    Frame(Frame),
    /// Something that happens to the connection.
    Connection(Connection),
    /// Something that happens to its TLS.
    Tls(Tls),
}

impl Fault {
    /// Every fault, in the order of the catalogue.
    pub const ALL: &[Self] = &every();

    /// Its stable name, such as `answer/accept`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What it puts on the wire, in one line.
    #[must_use]
    pub const fn what(self) -> &'static str {
        self.row().what
    }

    /// What it stands for in the field: which engine, proxy, firewall, operator or bug causes it.
    #[must_use]
    pub const fn stands_for(self) -> &'static str {
        self.row().stands_for
    }

    /// What a good sender has to say of a charge that met it, once and with the parameters that it
    /// has by itself.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        self.row().outcome
    }

    /// The parameters that it reads.
    #[must_use]
    pub const fn reads(self) -> &'static [Parameter] {
        self.row().reads
    }

    /// The forms that go by its name, the one that is meant without a word first.
    #[must_use]
    pub const fn forms(self) -> &'static [&'static str] {
        self.row().forms
    }

    /// The codes that its parameter `code` may be, the one that is meant without it first.
    #[must_use]
    pub const fn codes(self) -> &'static [Code] {
        self.row().codes
    }

    const fn row(self) -> &'static Row {
        match self {
            Self::Answer(one) => one.row(),
            Self::Match(one) => one.row(),
            Self::Payload(one) => one.row(),
            Self::Frame(one) => one.row(),
            Self::Connection(one) => one.row(),
            Self::Tls(one) => one.row(),
        }
    }
}

/// What the catalogue says of a fault.
struct Row {
    name: &'static str,
    outcome: Outcome,
    reads: &'static [Parameter],
    forms: &'static [&'static str],
    codes: &'static [Code],
    what: &'static str,
    stands_for: &'static str,
}

/// The families one behind the other.
const fn every() -> [Fault; COUNT] {
    let mut all = [Fault::Answer(Answer::ALL[0]); COUNT];
    let mut filled = 0;
    macro_rules! append {
        ($family:ident of $faults:expr) => {
            let mut index = 0;
            while index < $faults.len() {
                all[filled] = Fault::$family($faults[index]);
                filled += 1;
                index += 1;
            }
        };
    }
    append!(Answer of Answer::ALL);
    append!(Match of Mismatch::ALL);
    append!(Payload of Payload::ALL);
    append!(Frame of Frame::ALL);
    append!(Connection of Connection::ALL);
    append!(Tls of Tls::ALL);
    assert!(filled == COUNT);
    all
}

const COUNT: usize = Answer::ALL.len()
    + Mismatch::ALL.len()
    + Payload::ALL.len()
    + Frame::ALL.len()
    + Connection::ALL.len()
    + Tls::ALL.len();

#[cfg(test)]
mod tests {
    use super::{Fault, Parameter};

    #[test]
    fn a_fault_has_forms_and_codes_where_it_reads_them_and_nowhere_else() {
        for fault in Fault::ALL {
            let reads = |parameter| fault.reads().contains(&parameter);
            assert_eq!(reads(Parameter::Form), fault.forms().len() > 1, "{fault}");
            assert_eq!(reads(Parameter::Code), fault.codes().len() > 1, "{fault}");
        }
    }

    #[test]
    fn no_fault_reads_a_parameter_twice() {
        for fault in Fault::ALL {
            let mut reads = fault.reads().to_vec();
            reads.sort();
            reads.dedup();
            assert_eq!(reads.len(), fault.reads().len(), "{fault}");
        }
    }

    /// The order of the catalogue is that of the lists and reports that show it.
    #[test]
    fn faults_are_ordered_as_they_are_listed() {
        assert!(Fault::ALL.is_sorted());
    }
}
