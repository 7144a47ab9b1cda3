//! Honest habits of the reference sender, by their stable names: what a correct sender may do and
//! must not be convicted for.

use std::fmt;
use std::str::FromStr;

macro_rules! variants {
    ($($variant:ident $name:literal $what:literal)*) => {
        /// An honest habit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Variant {
            $(#[doc = $what] $variant,)*
        }

        impl Variant {
            /// Every habit, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name, such as `connection-per-message`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does, in one line.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }
        }
    };
}

variants! {
    ConnectionPerMessage "connection-per-message" "closes its connection after each answer"
    ReconnectBetween "reconnect-between" "keeps its connection until the next message, then opens a new one"
    ConnectsEarly "connects-early" "connects as soon as it starts"
    SlowStart "slow-start" "waits 100 ms before each message"
    PiecemealWrites "piecemeal-writes" "writes each message in three pieces, 10 ms apart"
    PatientRetry "patient-retry" "waits twice as long after each refused connection, at most the retry interval"
    ControlIdCounter "control-id-counter" "numbers its messages from 1 in MSH-10"
    SingleTryResults "single-try-results" "never sends a result again"
}

/// No honest habit has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown variant `{0}`")]
pub struct UnknownVariant(pub String);

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, UnknownVariant> {
        let found = Self::ALL.iter().find(|variant| variant.name() == text);
        found.copied().ok_or_else(|| UnknownVariant(text.to_owned()))
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Variant;

    #[test]
    fn every_name_reads_back_as_its_variant() {
        for variant in Variant::ALL {
            assert_eq!(variant.name().parse(), Ok(*variant));
        }
    }
}
