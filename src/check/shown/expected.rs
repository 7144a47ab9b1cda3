//! What must be seen of each fault: what is written, waited for and ended, in this order, and what
//! else belongs to it.
//!
//! There is no fault without a row, so that a new one cannot be believed unseen.

use crate::history::{End, Micros, Raw};
use crate::hl7::ack::Code;
use crate::plan::{Cut, Fault, Parameters};

use super::said::Says;

/// One thing that is seen of a behaviour, in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing for so long.
    Pause(Micros),
    /// Bytes.
    Says(Says),
    /// The EMR ends the connection.
    End(End),
}

impl Part {
    pub(super) const fn pause(&self) -> Option<Micros> {
        match self {
            Self::Pause(time) => Some(*time),
            _ => None,
        }
    }

    pub(super) const fn end(&self) -> Option<End> {
        match self {
            Self::End(how) => Some(*how),
            _ => None,
        }
    }
}

/// What else must be seen of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Besides {
    /// Its parts are all there is.
    Nothing,
    /// The connection stays as it is for as long as the sender waits.
    StaysOpen,
    /// All of it is out before the sender's timeout.
    InTime,
    /// It begins after the sender's timeout.
    PastTimeout,
    /// Its bytes come singly until after the timeout.
    Dripped,
    /// Its bytes come singly, and in time.
    ByteByByte,
    /// It leaves in one write.
    InOneWrite,
    /// It comes after the next message.
    AfterNext {
        /// And after the answer to that.
        answered: bool,
    },
    /// It comes on a connection of the EMR's own, and a confirmation on the sender's.
    ElsewhereToo,
    /// It comes before the sender has said anything.
    BeforeAnything,
    /// Nothing was said for a while before the connection was ended.
    Idle,
    /// The connection ends inside a message.
    InsideMessage,
    /// It comes with every so many messages.
    Every(Option<u32>),
    /// So many other connections are open.
    Beside(Option<u32>),
    /// Another message came shortly before.
    TooSoon,
    /// It is longer than any acknowledgement has to be.
    Length,
    /// The way in which those who connect are met.
    Door,
    /// What happens in or to a handshake.
    Handshake,
}

impl Besides {
    /// Whether something is written whose words are not looked at one by one.
    pub(super) const fn is_written(self) -> bool {
        matches!(self, Self::Length | Self::Dripped)
    }
}

/// What must be seen of `fault`.
pub(super) fn expected(fault: Fault, with: &Parameters) -> (Vec<Part>, Besides) {
    let (parts, besides) = whole(fault, with);
    let Some(at) = with.cut else { return (parts, besides) };
    // Nothing follows where it was cut off, and how much was left out is seen in what was written.
    let lead = parts.iter().take_while(|part| part.pause().is_some()).cloned();
    let most = match at {
        Cut::Half => None,
        Cut::Bytes(bytes) => Some(bytes),
    };
    let lead = lead.chain([Part::Says(Says::Cut(most))]).collect();
    let kept = match besides {
        Besides::InTime | Besides::PastTimeout | Besides::AfterNext { .. } => besides,
        _ => Besides::Nothing,
    };
    (lead, kept)
}

fn whole(fault: Fault, with: &Parameters) -> (Vec<Part>, Besides) {
    let after = with.after.unwrap_or_default();
    let pause = || Part::Pause(after);
    let ack = |codes: &'static [Code]| Part::Says(Says::Ack(codes));
    let odd = || Part::Says(Says::Odd);
    let bytes = |count: u64| Part::Says(Says::Bytes(count));
    let exactly = |bytes: &[u8]| Part::Says(Says::Exactly(Raw::from(bytes)));
    match fault {
        Fault::AnswerAccept => (vec![Part::Says(Says::AsDue(ACCEPTS))], Besides::Nothing),
        Fault::AnswerError => (vec![ack(&[Code::AE, Code::CE])], Besides::Nothing),
        Fault::AnswerReject => (vec![ack(&[Code::AR, Code::CR])], Besides::Nothing),
        Fault::AnswerCommitAccept => (vec![ack(&[Code::CA])], Besides::Nothing),
        Fault::AnswerCommitError => (vec![ack(&[Code::CE])], Besides::Nothing),
        Fault::AnswerCommitReject => (vec![ack(&[Code::CR])], Besides::Nothing),
        Fault::AnswerCommitThenAccept => {
            (vec![ack(&[Code::CA]), pause(), ack(AA)], Besides::Nothing)
        }
        Fault::AnswerCommitThenError => {
            (vec![ack(&[Code::CA]), pause(), ack(&[Code::AE])], Besides::Nothing)
        }
        Fault::AnswerCommitThenReject => {
            (vec![ack(&[Code::CA]), pause(), ack(&[Code::AR])], Besides::Nothing)
        }
        Fault::AnswerAcceptOnOtherConnection => {
            let said = match with.code {
                Some(Code::AE) => ack(&[Code::AE]),
                Some(Code::AR) => ack(&[Code::AR]),
                _ => ack(AA),
            };
            (vec![said], Besides::ElsewhereToo)
        }
        Fault::AnswerAcceptLost | Fault::ConnectionCloseBeforeReply => {
            (vec![Part::End(End::Close)], Besides::Nothing)
        }
        Fault::AnswerLate => (vec![pause(), ack(AA)], Besides::PastTimeout),
        Fault::AnswerSlow => (vec![pause(), ack(AA)], Besides::InTime),
        Fault::AnswerLateAfterNext => (vec![ack(AA)], Besides::AfterNext { answered: false }),
        Fault::MatchOutOfOrder => (vec![ack(AA)], Besides::AfterNext { answered: true }),
        Fault::AnswerDuplicateControlId | Fault::AnswerLocked => {
            (vec![ack(&[Code::AE, Code::AR])], Besides::Nothing)
        }
        // The first attempts are refused, the others accepted.
        Fault::AnswerFailThenAccept => (vec![ack(ANY)], Besides::Nothing),
        Fault::AnswerErrorThenAccept => {
            (vec![ack(&[Code::AE]), pause(), ack(AA)], Besides::Nothing)
        }
        Fault::AnswerNone => (Vec::new(), Besides::StaysOpen),
        Fault::FramePartialThenSilence | Fault::FrameNoFsCr => (vec![odd()], Besides::StaysOpen),
        Fault::MatchTwice => (vec![ack(AA), pause(), ack(AA)], Besides::Nothing),
        Fault::MatchConflict => (vec![ack(AA), pause(), ack(&[Code::AR])], Besides::Nothing),
        Fault::MatchOnConnect => (vec![odd()], Besides::BeforeAnything),
        Fault::PayloadGiant => (Vec::new(), Besides::Length),
        Fault::FrameTwoInOneWrite => (vec![odd()], Besides::InOneWrite),
        Fault::FrameByteByByte => (vec![Part::Says(Says::Paced(AA))], Besides::ByteByByte),
        Fault::FrameHeaderFirst => (vec![bytes(1), pause(), ack(AA)], Besides::InTime),
        Fault::FrameTrailerLate => (vec![ack(AA), pause(), exactly(b"\x1c\r")], Besides::InTime),
        Fault::FrameCrLate => (vec![ack(AA), pause(), exactly(b"\r")], Besides::InTime),
        Fault::FramePauseInside => {
            (vec![Part::Says(Says::Some), pause(), Part::Says(Says::Some)], Besides::InTime)
        }
        Fault::FrameDrip => (Vec::new(), Besides::Dripped),
        Fault::FramePartialThenClose => (vec![odd(), Part::End(End::Close)], Besides::Nothing),
        Fault::FramePartialThenReset => (vec![odd(), Part::End(End::Reset)], Besides::Nothing),
        Fault::FrameMllp2Ack => (vec![exactly(b"\x0b\x06\x1c\r")], Besides::Nothing),
        Fault::FrameMllp2Nak => (vec![exactly(b"\x0b\x15\x1c\r")], Besides::Nothing),
        Fault::FrameBareAckByte => (vec![exactly(b"\x06")], Besides::Nothing),
        Fault::FrameBareNakByte => (vec![exactly(b"\x15")], Besides::Nothing),
        Fault::FrameKeepaliveNoise => {
            let noise = [&b"\n"[..], b"\0", b"\x0b\x1c\r"];
            let noise = noise.into_iter().flat_map(|bytes| [pause(), exactly(bytes)]);
            ([ack(AA)].into_iter().chain(noise).collect(), Besides::Nothing)
        }
        // What is wrong with these is in their bytes: not those of a plain acceptance.
        Fault::AnswerOtherType
        | Fault::AnswerAcceptWithErr
        | Fault::AnswerBatch
        | Fault::MatchOther
        | Fault::MatchPrevious
        | Fault::MatchEmpty
        | Fault::MatchTruncated
        | Fault::MatchPadded
        | Fault::MatchNumeric
        | Fault::MatchReEscaped
        | Fault::MatchInMsh10Only
        | Fault::MatchEcho
        | Fault::PayloadJunk
        | Fault::PayloadSemiJunk
        | Fault::PayloadEmpty
        | Fault::PayloadBlank
        | Fault::PayloadNoMsa
        | Fault::PayloadNoMsh
        | Fault::PayloadErrWithoutMsa
        | Fault::PayloadMsaFirst
        | Fault::PayloadCodeEmpty
        | Fault::PayloadCodeUnknown
        | Fault::PayloadCodePrefix
        | Fault::PayloadCodeCase
        | Fault::PayloadTwoMsa
        | Fault::PayloadLf
        | Fault::PayloadCrlf
        | Fault::PayloadMerged
        | Fault::PayloadNoFinalCr
        | Fault::PayloadLiteralNewline
        | Fault::PayloadProse
        | Fault::PayloadHttp
        | Fault::PayloadXml
        | Fault::PayloadDelimiters
        | Fault::PayloadShifted
        | Fault::PayloadNul
        | Fault::PayloadEscapedLf
        | Fault::PayloadTypeVariants
        | Fault::PayloadVersionVariants
        | Fault::PayloadProcessingId
        | Fault::PayloadBadUtf8
        | Fault::PayloadUtf16
        | Fault::PayloadBom
        | Fault::PayloadWildMsa3
        | Fault::PayloadBitFlip
        | Fault::PayloadExtraSegments
        | Fault::PayloadTruncated
        | Fault::FrameNoVt
        | Fault::FrameUnframed
        | Fault::FrameFsOnly
        | Fault::FrameFsLf
        | Fault::FrameCrFf
        | Fault::FrameTrailingLf
        | Fault::FrameDoubleWrapped
        | Fault::FrameJunkBefore
        | Fault::FrameJunkAfter
        | Fault::FrameVtInside
        | Fault::FrameFsInside
        | Fault::FrameHllp
        | Fault::FrameCustomBytes
        | Fault::FrameSplitInTwoFrames => (vec![odd()], Besides::Nothing),
        Fault::ConnectionAcceptClose => (vec![Part::End(End::Close)], Besides::BeforeAnything),
        Fault::ConnectionAcceptReset => (vec![Part::End(End::Reset)], Besides::BeforeAnything),
        Fault::ConnectionResetAfterBytes => (vec![Part::End(End::Reset)], Besides::InsideMessage),
        Fault::ConnectionResetBeforeReply => (vec![Part::End(End::Reset)], Besides::Nothing),
        Fault::ConnectionReplyThenClose => (vec![ack(AA), Part::End(End::Close)], Besides::Nothing),
        Fault::ConnectionReplyThenReset => (vec![ack(AA), Part::End(End::Reset)], Besides::Nothing),
        Fault::ConnectionHalfClose => (vec![Part::End(End::HalfClose)], Besides::Nothing),
        Fault::ConnectionIdleDrop => (vec![ack(AA), Part::End(End::Close)], Besides::Idle),
        Fault::ConnectionCloseEvery => {
            (vec![ack(AA), Part::End(End::Close)], Besides::Every(with.count))
        }
        Fault::ConnectionMaxConnections => {
            (vec![Part::End(End::Close)], Besides::Beside(with.count))
        }
        Fault::ConnectionMinGap => (vec![ack(&[Code::AR])], Besides::TooSoon),
        Fault::ConnectionRefused
        | Fault::ConnectionBlackhole
        | Fault::ConnectionSlowAccept
        | Fault::ConnectionNoRead
        | Fault::ConnectionStealSession
        | Fault::ConnectionRestart => (Vec::new(), Besides::Door),
        Fault::TlsExpired
        | Fault::TlsWrongHost
        | Fault::TlsUnknownCa
        | Fault::TlsHandshakeStall
        | Fault::TlsClientCertRequired
        | Fault::TlsClientCertRefused => (Vec::new(), Besides::Handshake),
        Fault::TlsPlaintextOnTls => (vec![Part::Says(Says::Some)], Besides::Handshake),
        Fault::TlsTlsOnPlaintext => {
            (vec![exactly(UNEXPECTED_MESSAGE), Part::End(End::Close)], Besides::Nothing)
        }
        Fault::TlsNoCloseNotify => (vec![ack(AA), Part::End(End::Truncated)], Besides::Handshake),
    }
}

const AA: &[Code] = &[Code::AA];
const ACCEPTS: &[Code] = &[Code::AA, Code::CA];
const ANY: &[Code] = &[Code::AA, Code::CA, Code::AE, Code::AR, Code::CE, Code::CR];

/// The alert unexpected_message, in a record of its own (RFC 8446 sections 5.1 and 6).
const UNEXPECTED_MESSAGE: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a];
