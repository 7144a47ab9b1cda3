//! Honest habits of the reference sender, by their stable names: what a correct sender may do and
//! must not be convicted for.

use std::time::Duration;

use crate::sender::catalogue::catalogue;

catalogue! {
    /// An honest habit.
    Variant, UnknownVariant "unknown variant `{0}`":

    ConnectionPerMessage "connection-per-message" "closes its connection after each answer"
    ReconnectBetween "reconnect-between" "keeps its connection until the next message, then opens a new one"
    ConnectsEarly "connects-early" "connects as soon as it starts"
    SlowStart "slow-start" "waits 100 ms before each message"
    GapBetween "gap-between" "waits 2 s between two messages"
    PiecemealWrites "piecemeal-writes" "writes each message in three pieces, 10 ms apart"
    TestsTheLine "tests-the-line" "writes a start byte alone, and its message 50 ms later if nobody has hung up"
    PatientRetry "patient-retry" "waits twice as long after each refused connection, at most the retry interval"
    ControlIdCounter "control-id-counter" "numbers its messages from 1 in MSH-10"
    LongControlIds "long-control-ids" "numbers its messages in eighteen characters, with letters and a hyphen"
    Pings "pings" "looks after each message whether the EMR is there: a connection that it closes without a byte"
    StampsEachField "stamps-each-field" "asks its clock anew for each field, so that a second may end in between"
    DoubtsEverything "doubts-everything" "accounts for every charge that it has sent as unknown"
    SingleTryResults "single-try-results" "never sends a result again"
}

impl Variant {
    /// How long nothing comes between two messages because of the habit: so much longer the wire must
    /// be watched.
    #[must_use]
    pub const fn gap(self) -> Duration {
        match self {
            Self::GapBetween => Duration::from_secs(2),
            _ => Duration::ZERO,
        }
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
