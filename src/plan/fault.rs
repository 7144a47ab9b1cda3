//! The faults and answers that a simulated EMR can play, by their stable names.
//!
//! Names only: what each one puts on the wire is the EMR's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which layer a fault belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A well-formed answer.
    Answer,
    /// A well-formed answer to the wrong message.
    Match,
    /// A malformed answer in a good frame.
    Payload,
    /// Malformed framing.
    Frame,
    /// Something that happens to the connection.
    Connection,
}

macro_rules! faults {
    ($($variant:ident $kind:ident $name:literal $what:literal)*) => {
        /// A fault or answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $(#[doc = $what] $variant,)*
        }

        impl Fault {
            /// Every fault, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name, such as `answer/accept`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it puts on the wire, in one line.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }

            /// The layer that it belongs to.
            #[must_use]
            pub const fn kind(self) -> FaultKind {
                match self { $(Self::$variant => FaultKind::$kind,)* }
            }
        }
    };
}

faults! {
    AnswerAccept Answer "answer/accept" "AA, or what MSH-15 and MSH-16 ask for"
    AnswerError Answer "answer/error" "AE with text and an ERR in the form of the message's version"
    AnswerReject Answer "answer/reject" "AR with text and an ERR in the form of the message's version"
    AnswerCommitAccept Answer "answer/commit-accept" "CA and nothing more"
    AnswerCommitError Answer "answer/commit-error" "CE and nothing more"
    AnswerCommitReject Answer "answer/commit-reject" "CR and nothing more"
    AnswerCommitThenAccept Answer "answer/commit-then-accept" "CA, a delay, then AA on the same connection"
    AnswerCommitThenError Answer "answer/commit-then-error" "CA, a delay, then AE on the same connection"
    AnswerCommitThenReject Answer "answer/commit-then-reject" "CA, a delay, then AR on the same connection"
    AnswerAcceptLost Answer "answer/accept-lost" "the EMR posts the charge, then closes without a byte"
    AnswerLate Answer "answer/late" "AA after the sender's timeout"
    AnswerLateAfterNext Answer "answer/late-after-next" "AA for a message written when the next one has arrived, before its own"
    AnswerDuplicateControlId Answer "answer/duplicate-control-id" "AR with 0357 code 205: the control id already exists"
    AnswerLocked Answer "answer/locked" "AE with 0357 code 206: record locked, which sounds transient"
    AnswerErrorThenAccept Answer "answer/error-then-accept" "AE, a delay, then an unsolicited AA for the same message"
    AnswerNone Answer "answer/none" "read everything, answer nothing, keep the connection open"
    AnswerOtherType Answer "answer/other-type" "MSA with AA inside a message of another type"
    AnswerAcceptWithErr Answer "answer/accept-with-err" "AA with an ERR of severity information"
    AnswerBatch Answer "answer/batch" "the acknowledgement inside a batch"
    AnswerSlow Answer "answer/slow" "AA just before the sender's timeout"
    MatchOther Match "match/other" "MSA-2 is the id of no message"
    MatchPrevious Match "match/previous" "MSA-2 is the id of the message before"
    MatchEmpty Match "match/empty" "MSA-2 is empty"
    MatchTruncated Match "match/truncated" "MSA-2 is cut to ten characters"
    MatchPadded Match "match/padded" "MSA-2 is padded with blanks"
    MatchNumeric Match "match/numeric" "MSA-2 has passed through a number"
    MatchInMsh10Only Match "match/in-msh10-only" "the id stands in the acknowledgement's MSH-10, and MSA-2 is absent"
    MatchTwice Match "match/twice" "two identical acknowledgements"
    MatchConflict Match "match/conflict" "AA, then AR, for the same message"
    MatchOnConnect Match "match/on-connect" "a stale acknowledgement as soon as the connection is accepted"
    MatchEcho Match "match/echo" "the message itself comes back"
    PayloadJunk Payload "payload/junk" "the word `fail`"
    PayloadSemiJunk Payload "payload/semi-junk" "the letters `MSA`"
    PayloadEmpty Payload "payload/empty" "a frame without payload"
    PayloadBlank Payload "payload/blank" "a frame of blanks"
    PayloadNoMsa Payload "payload/no-msa" "an acknowledgement without MSA"
    PayloadNoMsh Payload "payload/no-msh" "an acknowledgement without MSH"
    PayloadErrWithoutMsa Payload "payload/err-without-msa" "an acknowledgement with ERR in place of MSA"
    PayloadMsaFirst Payload "payload/msa-first" "MSA before MSH"
    PayloadCodeEmpty Payload "payload/code-empty" "MSA-1 is empty"
    PayloadCodeUnknown Payload "payload/code-unknown" "MSA-1 is `OK`"
    PayloadCodePrefix Payload "payload/code-prefix" "MSA-1 is `AAX`"
    PayloadCodeCase Payload "payload/code-case" "MSA-1 is `aa`"
    PayloadTwoMsa Payload "payload/two-msa" "one MSA with AA and one with AE"
    PayloadLf Payload "payload/lf" "segments end in line feeds"
    PayloadCrlf Payload "payload/crlf" "segments end in carriage return and line feed"
    PayloadMerged Payload "payload/merged" "no carriage return between MSH and MSA"
    PayloadNoFinalCr Payload "payload/no-final-cr" "the last segment has no carriage return"
    PayloadLiteralNewline Payload "payload/literal-newline" "segments end in a backslash and an `n`"
    PayloadProse Payload "payload/prose" "a sentence instead of HL7"
    PayloadHttp Payload "payload/http" "an HTTP error page"
    PayloadXml Payload "payload/xml" "the acknowledgement as XML"
    PayloadDelimiters Payload "payload/delimiters" "the acknowledgement in other delimiters"
    PayloadShifted Payload "payload/shifted" "every MSH field one place off"
    PayloadNul Payload "payload/nul" "a NUL byte inside the acknowledgement"
    PayloadTruncated Payload "payload/truncated" "the payload ends inside MSA"
    FrameNoVt Frame "frame/no-vt" "the start byte is missing"
    FrameUnframed Frame "frame/unframed" "neither start nor end bytes"
    FrameNoFsCr Frame "frame/no-fs-cr" "the end bytes are missing and the connection stays open"
    FrameFsOnly Frame "frame/fs-only" "the end byte without its carriage return"
    FrameFsLf Frame "frame/fs-lf" "the end byte with a line feed in place of its carriage return"
    FrameCrFf Frame "frame/cr-ff" "carriage return and form feed in place of the end bytes"
    FrameTrailingLf Frame "frame/trailing-lf" "a line feed after the frame"
    FrameDoubleWrapped Frame "frame/double-wrapped" "a frame inside a frame"
    FrameJunkBefore Frame "frame/junk-before" "stray bytes before the frame"
    FrameJunkAfter Frame "frame/junk-after" "stray bytes after the frame"
    FrameVtInside Frame "frame/vt-inside" "a start byte inside the frame, ahead of MSA"
    FrameFsInside Frame "frame/fs-inside" "an end byte inside the frame, ahead of MSA"
    FrameTwoInOneWrite Frame "frame/two-in-one-write" "two acknowledgements of the message in one write"
    FrameByteByByte Frame "frame/byte-by-byte" "the frame one byte at a time, in time"
    FrameHeaderFirst Frame "frame/header-first" "the start byte, a pause, the rest"
    FrameTrailerLate Frame "frame/trailer-late" "the end bytes after a pause"
    FrameCrLate Frame "frame/cr-late" "the last carriage return after a pause"
    FramePauseInside Frame "frame/pause-inside" "a pause in the middle of the frame"
    FrameDrip Frame "frame/drip" "one byte per half timeout, so that the reply never ends in time"
    FramePartialThenClose Frame "frame/partial-then-close" "half a frame, then a close"
    FramePartialThenReset Frame "frame/partial-then-reset" "half a frame, then a reset"
    FramePartialThenSilence Frame "frame/partial-then-silence" "half a frame, then nothing"
    FrameMllp2Ack Frame "frame/mllp2-ack" "a release 2 commit acknowledgement and no HL7 answer"
    FrameMllp2Nak Frame "frame/mllp2-nak" "a release 2 negative acknowledgement and no HL7 answer"
    FrameBareAckByte Frame "frame/bare-ack-byte" "the control byte ACK (06) alone, without a frame"
    FrameBareNakByte Frame "frame/bare-nak-byte" "the control byte NAK (15) alone, without a frame"
    FrameKeepaliveNoise Frame "frame/keepalive-noise" "AA, then a line feed, a NUL and an empty frame over the idle line"
    FrameHllp Frame "frame/hllp" "a block of the hybrid protocol, with a count and a checksum before its end"
    FrameCustomBytes Frame "frame/custom-bytes" "STX and ETX in place of the start and end bytes"
    FrameSplitInTwoFrames Frame "frame/split-in-two-frames" "MSH in one frame, MSA in the next"
    ConnectionRefused Connection "connection/refused" "the endpoint does not listen for a while"
    ConnectionAcceptClose Connection "connection/accept-close" "closed as soon as it is accepted"
    ConnectionAcceptReset Connection "connection/accept-reset" "reset as soon as it is accepted"
    ConnectionResetAfterBytes Connection "connection/reset-after-bytes" "reset inside the message"
    ConnectionCloseBeforeReply Connection "connection/close-before-reply" "closed after the message, before any answer"
    ConnectionResetBeforeReply Connection "connection/reset-before-reply" "reset after the message, before any answer"
    ConnectionReplyThenClose Connection "connection/reply-then-close" "AA, then a close"
    ConnectionReplyThenReset Connection "connection/reply-then-reset" "AA, then a reset"
    ConnectionHalfClose Connection "connection/half-close" "the EMR ends its side without an answer and keeps reading"
}

/// No fault has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault `{0}`")]
pub struct UnknownFault(pub String);

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads a stable name; one without a kind, such as `reject`, means an answer.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let wanted = |fault: &&Self| {
            fault.name() == text || fault.name().strip_prefix("answer/") == Some(text)
        };
        Self::ALL.iter().find(wanted).copied().ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn the_page_for_authors_lists_every_fault_and_no_other() {
        let page = include_str!("../../scenarios/README.md");
        let (_, listed) = page.split_once("\n## Every fault\n").unwrap();
        let rows: Vec<&str> = listed.lines().filter(|line| line.starts_with("| `")).collect();
        let row = |fault: &Fault| format!("| `{}` | {} |", fault.name(), fault.what());
        assert_eq!(rows, Fault::ALL.iter().map(row).collect::<Vec<String>>());
    }
}
