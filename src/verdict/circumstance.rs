//! Circumstances: under what a finding showed, in words that are the same in every case.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! circumstances {
    ($($variant:ident $words:literal)*) => {
        /// Under which circumstance a finding showed. The same defect under the same circumstance has
        /// the same words in every case.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Circumstance {
            $(#[doc = $words] $variant,)*
            /// A fault or an answer of the EMR, by its name, such as `answer/reject`.
            Fault(String),
            /// Something that had happened before, such as a fault.
            After(String),
            /// The charge was given up because of a fault that was over.
            GivenUpAfter(String),
            /// A reply to an earlier message had more behind its first frame.
            LeftOverFrom(String),
            /// A bound of the plan, in words.
            Bound(String),
            /// A field, or a line of a message, by its path, such as `FT1[1]-26`.
            Field(String),
            /// What the sender's account says, and what the EMR did with the charge before that.
            Account(Entry, Option<Box<Circumstance>>),
            /// A circumstance, and how a second charge was dressed up or found out.
            Qualified(Box<Circumstance>, Qualifier),
        }

        impl fmt::Display for Circumstance {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($words),)*
                    Self::Fault(name) | Self::Bound(name) | Self::Field(name) => f.write_str(name),
                    Self::After(what) => write!(f, "after {what}"),
                    Self::GivenUpAfter(fault) => write!(f, "given up after {fault}"),
                    Self::LeftOverFrom(fault) => write!(f, "left over from {fault}"),
                    Self::Account(says, Some(after)) => write!(f, "{says} after {after}"),
                    Self::Account(says, None) => write!(f, "{says} without an attempt"),
                    Self::Qualified(of, qualifier) => write!(f, "{of}, {qualifier}"),
                }
            }
        }

        #[cfg(test)]
        const WORDS: &[&str] = &[$($words,)*];
    };
}

circumstances! {
    // Between two attempts.
    Kill "kill"
    Restart "restart"
    SecondInstance "second instance"
    HandedOverTwice "exam given twice"
    WantedAgainOnce "wanted again once"
    NoAnswer "no answer"
    EmrReset "the EMR reset the connection"
    EmrClosed "the EMR closed the connection"
    AfterEmrEnded "after the EMR had ended the connection"
    InsideOneMessage "inside one message"
    SentAgainLate "sent again late"
    // What a message may carry.
    OrderNotReadable "order not readable"
    MessageNotReadable "message not readable"
    PartNotReadable "part of a charge that cannot be told"
    ChargeInUnagreedMessage "charge in a message that nobody agreed on"
    ChargeInUnagreedSegment "charge in a segment that nobody agreed on"
    PerhapsAnotherOrder "order that may be another's"
    NamesAnExam "names an exam, and nobody agreed on it"
    ResultOfNoOrder "result of no order"
    // Evidence that a case lacks.
    FaultNotPlayed "fault not played"
    SenderNotStarted "sender not started"
    ExamNotHandedOver "exam not given"
    NotSentAgain "not sent again"
    ResendNotAskedFor "resend not asked for"
    KillNotProven "kill not proven"
    EndNotProven "end not proven"
    PauseNotProven "pause not proven"
    SecondInstanceNotProven "second instance not proven"
    ClockNotMoved "clock not moved"
    NotDrained "not drained"
    NotWatchedLongEnough "not watched long enough"
    NothingSent "nothing was sent"
    WaitedInVain "timed out waiting"
    ProbeTimedOut "probe timed out"
    HistoryCut "history cut"
    HistoryAltered "history altered"
    TimesOutOfOrder "times out of order"
    BytesNotReadable "bytes that cannot be read"
    SnapshotNotApproved "snapshot not approved"
    MoreOfTheSame "more of the same"
    // Time that the machine did not have.
    HarnessLate "harness late"
    SenderStarved "sender starved"
    // Delivery.
    HealthyEmr "healthy EMR"
    ChargeNotDue "charge not due"
    NotHandedOver "not given"
    // Accounts.
    NoAccount "no account"
    OrderNobodyPlaced "order that nobody placed"
    AccountContradictsItself "account contradicts itself"
    AccountRepeatsItself "account says a thing twice"
    // The form of what is on the wire.
    TlsOnPlainEndpoint "TLS on a plain endpoint"
    ControlCharacter "control character"
    StartWithoutFrame "start byte without a frame"
    StrayBytes "stray bytes outside a frame"
    StartInside "start byte inside a frame"
    EndInside "end byte inside a frame"
    NoCarriageReturn "no carriage return after the end byte"
    NoEnd "no end of the frame"
    EmptyFrame "empty frame"
    TwoMessagesInOneFrame "two messages in one frame"
    MessageInTwoFrames "a message in two frames"
    EmptySegment "empty segment"
    LineFeed "line feed"
    NoFinalCarriageReturn "no final carriage return"
    DanglingEscape "dangling escape"
    DelimiterInValue "delimiter in a value"
    ControlIdEmpty "empty"
    ControlIdTooLong "too long"
    ControlIdHoldsDelimiter "delimiter in a control id"
    ControlIdShared "shared"
    NotInDeclaredCharset "MSH-18"
    OtherVersion "MSH-12"
    NotUtc "MSH-7 is not UTC"
    NoTime "MSH-7 is no time"
    TrailingDelimiters "trailing delimiters"
    Acknowledged "acknowledged"
    AcknowledgedWithoutId "acknowledged without its id"
    AcknowledgesTheUnknown "acknowledges what nobody knows"
    NotAnsweredYet "not answered yet"
    InTheClear "in the clear"
    // The sender's process.
    Start "start"
    ExitUnasked "exit unasked"
    EarlierLifeNotGone "earlier run not seen to end"
    ProcessesLeftBehind "processes left behind"
    StopIgnored "stop ignored"
    StopSeenLate "stop seen late"
    OversizeMessage "oversize message"
    OutputTooLong "output too long"
    StandardOutput "standard output"
    StandardError "standard error"
    HungUpOn "hung up on"
    OpenedInReserve "opened in reserve"
}

/// What a sender's account is held against, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The charge was accepted.
    Delivered,
    /// It was refused.
    Rejected,
    /// No byte of it was sent.
    NotSent,
    /// Nothing any more of a charge that was attempted.
    Vanished,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::NotSent => "not-sent",
            Self::Vanished => "vanished",
        })
    }
}

/// How a second charge was dressed up, or how it was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// A part that was cut too early to say so is its, for it can be nobody else's.
    ByElimination,
    /// Beyond all the lines that are agreed for its order.
    AsAnotherLine,
    /// In a message that nobody agreed on.
    InAnotherMessage,
    /// In a segment that nobody agreed on.
    BesideSomethingElse,
    /// Without the number of its order.
    WithoutItsOrder,
    /// Under the number of an order that nobody placed.
    UnderANewOrder,
    /// Under a number that reads like its own.
    UnderAnotherSpelling,
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByElimination => "by elimination",
            Self::AsAnotherLine => "as another line",
            Self::InAnotherMessage => "in another message",
            Self::BesideSomethingElse => "beside something else",
            Self::WithoutItsOrder => "without its order",
            Self::UnderANewOrder => "under a new order",
            Self::UnderAnotherSpelling => "under another spelling",
        })
    }
}

impl Circumstance {
    /// The same, with how a second charge was dressed up or found out.
    #[must_use]
    pub fn with(self, qualifier: Qualifier) -> Self {
        Self::Qualified(Box::new(self), qualifier)
    }
}

impl Serialize for Circumstance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Circumstance, Entry, Qualifier, WORDS};

    #[test]
    fn the_same_words_are_of_one_circumstance() {
        let all: BTreeSet<&str> = WORDS.iter().copied().collect();
        assert_eq!(all.len(), WORDS.len());
    }

    #[test]
    fn a_circumstance_of_several_parts_reads_as_one() {
        let fault = || Circumstance::Fault("answer/reject".to_owned());
        let twice = fault().with(Qualifier::AsAnotherLine).with(Qualifier::ByElimination);
        assert_eq!(twice.to_string(), "answer/reject, as another line, by elimination");
        let account = Circumstance::Account(Entry::NotSent, Some(Box::new(fault())));
        assert_eq!(account.to_string(), "not-sent after answer/reject");
        let none = Circumstance::Account(Entry::Vanished, None);
        assert_eq!(none.to_string(), "vanished without an attempt");
    }
}
