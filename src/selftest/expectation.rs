//! The conviction that each broken sender must get: by which rule, which others may speak beside it, and
//! under which circumstance where its name is a proof by itself.

use crate::sender::Bug;
use crate::verdict::{Circumstance, Rule};

/// The rule that must convict a defect.
#[must_use]
pub const fn own_rule(bug: Bug) -> Rule {
    expectation(bug).0
}

/// The rule that must convict a defect, and the rules that may do so beside it because the
/// defect breaks their promise too.
pub(super) const fn expectation(bug: Bug) -> (Rule, &'static [Rule]) {
    match bug {
        Bug::ResendOnTimeout
        | Bug::ResendOnTimeoutReconnect
        | Bug::ResendOnClose
        | Bug::ResendOnReset
        | Bug::ResendAfterAckReset
        | Bug::ResendAfterTruncation
        | Bug::ResendOnError
        | Bug::ResendOnReject
        | Bug::ResendOnCommitError
        | Bug::ResendOnJunk
        | Bug::ResendOnPartialAck
        | Bug::ResendOnWrongId
        | Bug::ResendOnPartialWrite
        | Bug::ReplayAfterKill
        | Bug::ReplayAfterEarlyKill
        | Bug::ReplayOnRestart
        | Bug::ReplayWholeSpool
        | Bug::FailoverResend
        | Bug::ResendNewControlId
        | Bug::ResendNewTransactionId
        | Bug::ReEncode
        | Bug::SplitResend
        | Bug::DoubleSubmit
        | Bug::ResendsTwiceOnRequest
        | Bug::NoLock
        | Bug::NightlySweep
        | Bug::ClockJump
        | Bug::PauseRace
        | Bug::ThirdAttemptOnly
        | Bug::ResendOnSecondReject
        | Bug::TwoWorkers => (Rule::OncePerOrder, &[]),
        // Under another event the message is not what was agreed, should the first not be seen.
        Bug::SecondEvent => (Rule::OncePerOrder, &[Rule::Snapshot]),
        // The message of the next charge names the older order first, so that nobody sees the next
        // one come in time.
        Bug::Rebatch => (Rule::OncePerOrder, &[Rule::Recovers]),
        // Nor is the message of the next charge what was agreed, and the sender takes the answer to it
        // for one to both.
        Bug::RebatchInOwnSegment => (Rule::OncePerOrder, &[Rule::Accounts, Rule::Snapshot]),
        // An answer that drips is late for ever, and so it never comes to the next charge.
        Bug::ResendOnLateAck => (Rule::OncePerOrder, &[Rule::Recovers]),
        // What answers it answers another message, so that the sender believes what nobody has said;
        // a line without its order or under another is not what was agreed, either.
        Bug::ResendAsBill | Bug::ResendInDocument | Bug::ResendInOwnSegment => {
            (Rule::OncePerOrder, &[Rule::Accounts])
        }
        // Where results are agreed, it is not the one that was agreed.
        Bug::ResendInObservation => (Rule::OncePerOrder, &[Rule::Accounts, Rule::Snapshot]),
        // In XML nothing of HL7's is escaped.
        Bug::ResendAsMarkup => (Rule::OncePerOrder, &[Rule::Accounts, Rule::WireEscapes]),
        Bug::ResendInLowerCase => (Rule::OncePerOrder, &[Rule::Accounts, Rule::Snapshot]),
        Bug::ResendWithOrderElsewhere | Bug::ResendUnderPaddedOrder => {
            (Rule::OncePerCharge, &[Rule::Accounts, Rule::Snapshot])
        }
        Bug::ResendAsOtherLine => (Rule::OncePerOrder, &[Rule::Snapshot]),
        Bug::DuplicateLine => (Rule::OncePerCharge, &[Rule::Snapshot]),
        // The credit itself never comes, though the sender says so.
        Bug::CreditAsCharge => {
            (Rule::OncePerCharge, &[Rule::Delivers, Rule::Accounts, Rule::Recovers, Rule::Snapshot])
        }
        Bug::Brick => (Rule::Delivers, &[]),
        // A charge that is refused after a fault is given up too.
        Bug::GivesUpWhenRefused => (Rule::Delivers, &[Rule::Recovers]),
        // Nor does anything come after a fault.
        Bug::ShowsNoCertificate => (Rule::Delivers, &[Rule::Recovers]),
        Bug::PoisonBlocksQueue | Bug::HangsOnPartialAck | Bug::NeverReconnects => {
            (Rule::Recovers, &[])
        }
        Bug::ReconnectStorm | Bug::UnusedConnections => (Rule::SenderConnections, &[]),
        Bug::SilentDrop
        | Bug::FalseAck
        | Bug::FalseUnsent
        | Bug::HidesUnknown
        | Bug::BothWords
        | Bug::GhostOrders
        | Bug::AcceptsCommit
        | Bug::AcceptsHttp
        | Bug::AcceptsAnyAck
        | Bug::AcceptsJunk
        | Bug::AcceptsCodePrefix => (Rule::Accounts, &[]),
        Bug::LfSegments | Bug::NoFinalCr => (Rule::WireSegments, &[]),
        Bug::LfAfterFrame | Bug::TwoMessagesInOneFrame | Bug::TwoStartBytes => {
            (Rule::WireFraming, &[])
        }
        // What stands before the second start byte is not what was agreed, either.
        Bug::VtInside => (Rule::WireFraming, &[Rule::Snapshot]),
        // Half a message is not what was agreed, either, and the first half names no order, so that
        // nobody sees the charge come.
        Bug::OneMessageInTwoFrames => (Rule::WireFraming, &[Rule::Snapshot, Rule::Recovers]),
        Bug::LocalTimeForUtc => (Rule::WireClock, &[]),
        // Without an end there is no message, so nothing arrives either.
        Bug::NoFs => (Rule::WireFraming, &[Rule::Delivers, Rule::Recovers]),
        // A field separator that is not escaped moves every field behind it.
        Bug::UnescapedDelimiters => (Rule::WireEscapes, &[Rule::Snapshot]),
        Bug::ReusedControlId => (Rule::WireControlIds, &[]),
        Bug::WrongMessageType
        | Bug::BatchOfOne
        | Bug::BatchWithoutEnd
        | Bug::WrongOption
        | Bug::MissingModifier
        | Bug::WrongModifierOrder
        | Bug::SignedForCaptured
        | Bug::SetIdNotSequential
        | Bug::DiagnosisDropped
        | Bug::DiagnosisReordered
        | Bug::AccountMismatch
        | Bug::DriftedMapping
        | Bug::Cpt2ForMinor
        | Bug::Cpt2ForPathology
        | Bug::Cpt2OnBirthday
        | Bug::ChargeForUngradable
        | Bug::SsnSent
        | Bug::ResendAltered
        | Bug::GarblesResults
        | Bug::TrailingDelimiters
        | Bug::EscapesAsHtml
        | Bug::ComposesLetters
        | Bug::DropsByteOrderMark
        | Bug::LosesWideLetters
        | Bug::StrangersSegment
        | Bug::DriftsAfterRestart => (Rule::Snapshot, &[]),
        // What is no time, or no control id, is not what was agreed, either.
        Bug::ZeroTimes => (Rule::WireClock, &[Rule::Snapshot]),
        Bug::DelimitersInControlId => (Rule::WireControlIds, &[Rule::Snapshot]),
        Bug::Latin1UnderUtf8 => (Rule::WireCharset, &[Rule::Snapshot]),
        // Nor is another version.
        Bug::OtherVersion => (Rule::WireVersion, &[Rule::Snapshot]),
        // Where letters of UTF-8 are none of the character set that is declared.
        Bug::WrongCharset => (Rule::Snapshot, &[Rule::WireCharset]),
        Bug::AcceptsExpiredCertificate
        | Bug::AcceptsAnyCertificate
        | Bug::IgnoresHostName
        | Bug::TrustsOnSecondUse
        | Bug::FallsBackToPlaintext => {
            // Where the EMR stays bad, no charge is due.
            (Rule::TlsVerified, &[Rule::Delivers])
        }
        Bug::HangsInHandshake => (Rule::Recovers, &[]),
        Bug::ResendAcceptedResult => (Rule::ResultsSettled, &[]),
        Bug::Pipelines => (Rule::WireInFlight, &[]),
        Bug::AcknowledgesAcknowledgements | Bug::AcknowledgesWithoutId => {
            (Rule::WireAcknowledgements, &[])
        }
        Bug::IgnoresTerminate | Bug::LeavesChild => (Rule::SenderStops, &[]),
        Bug::Floods => (Rule::SenderBounded, &[]),
        // What has no end is no frame.
        Bug::EndlessMessage => (Rule::SenderBounded, &[Rule::WireFraming]),
        Bug::PrintsNames | Bug::PrintsSecrets => (Rule::SenderDiscreet, &[]),
        Bug::DiesAtStart => (Rule::SenderStaysUp, &[]),
    }
}

/// The circumstance that a defect must be shown under, where the name of the circumstance is itself
/// a proof: here, that bytes are credited to the process that has sent them.
pub(super) const fn circumstance(bug: Bug) -> Option<Circumstance> {
    match bug {
        Bug::NoLock => Some(Circumstance::SecondInstance),
        _ => None,
    }
}
