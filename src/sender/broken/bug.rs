//! The defects that can be built into the reference sender, by their stable names.
//!
//! Names and one line each; what a defect does stands where the correct sender does the opposite.

use crate::sender::catalogue::catalogue;

catalogue! {
    /// A defect. With it the sender is otherwise the correct one.
    Bug, UnknownBug "unknown bug `{0}`":

    ResendOnTimeout "resend-on-timeout" "no answer in time: sends the charge again on the same connection"
    ResendOnTimeoutReconnect "resend-on-timeout-reconnect" "no answer in time: sends the charge again on a new connection"
    ResendOnClose "resend-on-close" "closed before the reply: sends the charge again"
    ResendOnReset "resend-on-reset" "reset before the reply: sends the charge again"
    ResendAfterAckReset "resend-after-ack-reset" "reset right after AA: forgets the AA and sends the charge again"
    ResendAfterTruncation "resend-after-truncation" "closed without a close_notify right after AA: forgets the AA and sends the charge again"
    ResendOnError "resend-on-error" "sends the charge again after AE"
    ResendOnReject "resend-on-reject" "sends the charge again after AR"
    ResendOnCommitError "resend-on-commit-error" "sends the charge again after CE or CR"
    ResendOnJunk "resend-on-junk" "sends the charge again after a reply that it cannot read"
    ResendOnPartialAck "resend-on-partial-ack" "sends the charge again after a reply that was cut short"
    ResendOnWrongId "resend-on-wrong-id" "sends the charge again after a reply to another message"
    ResendOnPartialWrite "resend-on-partial-write" "reset while it writes: sends the charge again"
    ReplayAfterKill "replay-after-kill" "marks a charge as sent only after the reply, so a kill in between sends it again"
    ReplayAfterEarlyKill "replay-after-early-kill" "marks a charge as sent only after the write returned, so a kill during the write sends it again"
    ReplayOnRestart "replay-on-restart" "remembers in memory only what it has sent, so a restart sends everything again"
    ReplayWholeSpool "replay-whole-spool" "starts one record too early after a restart, so the last charge is sent again"
    FailoverResend "failover-resend" "no answer in time: sends the charge again to the next endpoint"
    ResendNewControlId "resend-new-control-id" "no answer in time: sends the charge again under a new MSH-10 and MSH-7"
    ResendNewTransactionId "resend-new-transaction-id" "no answer in time: sends the charge again under a new MSH-10, MSH-7 and FT1-2"
    Rebatch "rebatch" "sends an unanswered charge again inside the next charge's message"
    RebatchInOwnSegment "rebatch-in-own-segment" "sends an unanswered charge again in Z segments of the next charge's message"
    ReEncode "re-encode" "no answer in time: sends the charge again, written differently"
    ResendAsBill "resend-as-bill" "no answer in time: sends the charge again as BAR^P05"
    ResendInObservation "resend-in-observation" "no answer in time: sends the charge again inside the OBX-5 of an ORU^R01"
    ResendInDocument "resend-in-document" "no answer in time: sends the charge again in base64 in the OBX-5 of an MDM^T02"
    ResendAsMarkup "resend-as-markup" "no answer in time: sends the charge again as XML"
    ResendInOwnSegment "resend-in-own-segment" "no answer in time: sends the charge again in Z segments"
    ResendInLowerCase "resend-in-lower-case" "no answer in time: sends the charge again with the ids of its segments in lower case"
    ResendWithOrderElsewhere "resend-with-order-elsewhere" "no answer in time: sends the charge again with the order in FT1-2"
    ResendUnderPaddedOrder "resend-under-padded-order" "no answer in time: sends the charge again with zeros before the order's number"
    ResendAsOtherLine "resend-as-other-line" "no answer in time: sends the charge again with modifier 76 and other transaction ids"
    SecondEvent "second-event" "sends each charge as P03 and again as P11"
    SplitResend "split-resend" "sends the message, then each of its FT1 alone"
    DoubleSubmit "double-submit" "sends an exam twice that it was given twice"
    ResendsTwiceOnRequest "resends-twice-on-request" "sends a charge two more times when an operator asks for one"
    NoLock "no-lock" "works on a state directory that another instance holds"
    NightlySweep "nightly-sweep" "sends charges without an answer again once they are half a day old"
    ClockJump "clock-jump" "measures its patience by the wall clock, and sends again what is overdue by hours"
    PauseRace "pause-race" "believes its timer before it reads the answer that has arrived meanwhile, and sends again"
    ThirdAttemptOnly "third-attempt-only" "behaves twice, and sends again when a third charge goes wrong"
    ResendOnSecondReject "resend-on-second-reject" "bears one AR, and sends the charge again after the second in a row"
    TwoWorkers "two-workers" "two of its workers pick the same charge when several wait"
    ResendOnLateAck "resend-on-late-ack" "takes an acknowledgement that comes late for a failure, and sends the charge again"
    DuplicateLine "duplicate-line" "writes the last FT1 twice into the message"
    Brick "brick" "never connects"
    SilentDrop "silent-drop" "leaves a rejected charge out of its account"
    FalseAck "false-ack" "accounts for a charge as delivered though no valid reply came"
    FalseUnsent "false-unsent" "accounts for a charge without an answer as not sent"
    HidesUnknown "hides-unknown" "leaves a charge without an answer out of its account"
    AcceptsCommit "accepts-commit-as-application" "takes a CA for the acceptance that is still due"
    AcceptsHttp "accepts-http" "takes an HTTP reply for an acceptance"
    AcceptsAnyAck "accepts-any-ack" "takes an acknowledgement of another message for its own"
    AcceptsJunk "accepts-junk" "takes any reply for an acceptance"
    AcceptsCodePrefix "accepts-code-prefix" "takes every code that begins with AA for AA"
    BothWords "both-words" "accounts for a charge without an answer as delivered, and again as unknown"
    GhostOrders "ghost-orders" "accounts for orders as delivered that nobody placed"
    GivesUpWhenRefused "gives-up-when-refused" "takes a refused connection for the end of its charge"
    PoisonBlocksQueue "poison-blocks-queue" "sends nothing more after a refusal or a reply that it cannot read"
    HangsOnPartialAck "hangs-on-partial-ack" "waits for ever for the rest of a reply that has begun"
    NeverReconnects "never-reconnects" "sends nothing more once it has lost a connection"
    ReconnectStorm "reconnect-storm" "connects again at once, and again, when it is hung up on"
    UnusedConnections "unused-connections" "opens forty connections for each that it uses"
    LfSegments "lf-segments" "ends segments in a line feed"
    NoFinalCr "no-final-cr" "leaves out the last segment's carriage return"
    LfAfterFrame "lf-after-frame" "writes a line feed after each frame"
    NoFs "no-fs" "ends frames in a carriage return without the end byte"
    VtInside "vt-inside" "writes a start byte inside the frame"
    TwoStartBytes "two-start-bytes" "writes a start byte ahead of each frame's own"
    BatchWithoutEnd "batch-without-end" "begins a batch with each charge, and never ends it"
    BatchOfOne "batch-of-one" "writes each charge into a batch of its own, which nobody agreed on"
    TwoMessagesInOneFrame "two-messages-in-one-frame" "writes another message into the frame of a charge"
    OneMessageInTwoFrames "one-message-in-two-frames" "writes the charge lines into a frame of their own"
    EndlessMessage "endless-message" "sends 100 MiB without an end ahead of its first charge"
    UnescapedDelimiters "unescaped-delimiters" "writes delimiters inside a value as they are"
    ReusedControlId "reused-control-id" "uses the same MSH-10 for every charge"
    WrongMessageType "wrong-message-type" "writes ORU^R01 into the MSH-9 of a charge"
    OtherVersion "other-version" "writes another version of HL7 into the MSH-12 of a charge than was agreed"
    WrongOption "wrong-option" "adds a technical charge where only a professional one is agreed"
    MissingModifier "missing-modifier" "leaves out 26 and TC"
    WrongModifierOrder "wrong-modifier-order" "writes the modifiers of a charge in reverse"
    SignedForCaptured "signed-for-captured" "takes one event's time for the other's in FT1-4"
    SetIdNotSequential "set-id-not-sequential" "numbers every FT1 as the first"
    DiagnosisDropped "diagnosis-dropped" "leaves out the last diagnosis"
    DiagnosisReordered "diagnosis-reordered" "writes the diagnoses in reverse"
    AccountMismatch "account-mismatch" "writes another account number into PV1-19 than into PID-18"
    DriftedMapping "drifted-mapping" "writes another patient class into PV1-2 than was agreed"
    WrongCharset "wrong-charset" "writes letters as UTF-8, whatever was agreed"
    Cpt2ForMinor "cpt2-for-minor" "reports a normal result of a minor as CPT II"
    Cpt2ForPathology "cpt2-for-pathology" "reports a pathological result as normal by CPT II"
    Cpt2OnBirthday "cpt2-on-birthday" "takes the day of the 18th birthday for over 18"
    ChargeForUngradable "charge-for-ungradable" "charges for images that cannot be graded as for others"
    CreditAsCharge "credit-as-charge" "writes a credit as another charge of its order"
    LocalTimeForUtc "local-time-for-utc" "writes the time of a zone where UTC was agreed"
    SsnSent "ssn-sent" "writes a social security number into PID-19"
    StrangersSegment "strangers-segment" "writes a PID of another patient behind each charge, in delimiters of its own"
    ResendAcceptedResult "resend-accepted-result" "sends a result again after AA"
    ResendAltered "resend-altered" "writes another quantity into a charge that an operator wants sent once more"
    GarblesResults "garbles-results" "writes another patient and another grade into its results"
    ZeroTimes "zero-times" "writes fourteen zeros for the time, as from a clock that was never set"
    DelimitersInControlId "delimiters-in-control-id" "writes delimiters into MSH-10 as they are"
    TrailingDelimiters "trailing-delimiters" "ends every segment with three more delimiters"
    EscapesAsHtml "escapes-as-html" "writes ' \" < and > of a name as HTML has them"
    ComposesLetters "composes-letters" "writes a letter and the accent behind it as one letter"
    DropsByteOrderMark "drops-byte-order-mark" "leaves a byte order mark out of the middle of a name"
    LosesWideLetters "loses-wide-letters" "writes a question mark for a letter of four bytes"
    Latin1UnderUtf8 "latin-1-under-utf-8" "writes letters as Latin-1 where its header says UTF-8"
    DriftsAfterRestart "drifts-after-restart" "writes another patient class into PV1-2 once it was restarted"
    AcceptsExpiredCertificate "accepts-expired-certificate" "sends charges to an EMR whose certificate has expired"
    AcceptsAnyCertificate "accepts-any-certificate" "sends charges to an EMR whatever its certificate says"
    IgnoresHostName "ignores-host-name" "sends charges to an EMR that shows a certificate of another host"
    TrustsOnSecondUse "trusts-on-second-use" "takes whatever certificate it is shown once it has refused one"
    ShowsNoCertificate "shows-no-certificate" "shows no certificate though it has one, and loses the charge that it writes before it hears of the refusal"
    FallsBackToPlaintext "falls-back-to-plaintext" "sends charges in the clear where TLS fails"
    HangsInHandshake "hangs-in-handshake" "waits for ever for a connection to stand"
    Pipelines "pipelines" "writes the next charge before the one ahead of it is answered"
    AcknowledgesAcknowledgements "acknowledges-acknowledgements" "answers an acknowledgement that comes to its own port with one of its own"
    AcknowledgesWithoutId "acknowledges-without-id" "answers the acknowledgement of its charge with one of its own that names nothing in MSA-2"
    IgnoresTerminate "ignores-terminate" "goes on when it is asked to stop"
    PrintsSecrets "prints-secrets" "writes whose exam it has taken to its log, with name, MRN and birth date"
    PrintsNames "prints-names" "writes whose exam it has taken to its log, with the name in small letters and the birth date in words"
    LeavesChild "leaves-child" "leaves a child process behind"
    Floods "floods" "goes on writing messages that nobody asked for"
    DiesAtStart "dies-at-start" "exits as soon as it is started"
}

impl Bug {
    /// Whether the defect lives in the process around the machine, so that only a real process
    /// shows it.
    #[must_use]
    pub const fn needs_process(self) -> bool {
        matches!(self, Self::LeavesChild | Self::DiesAtStart)
    }
}

#[cfg(test)]
mod tests {
    use super::Bug;

    #[test]
    fn every_name_reads_back_as_its_bug() {
        for bug in Bug::ALL {
            assert_eq!(bug.name().parse(), Ok(*bug));
        }
    }

    #[test]
    fn a_name_that_no_bug_has_is_an_error() {
        assert!("resend-on-timeouts".parse::<Bug>().is_err());
    }
}
