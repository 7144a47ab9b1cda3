//! What must be seen of each fault: what is written, waited for and ended, in this order, and what
//! else belongs to it.
//!
//! A fault without a row is never believed, so that a new one cannot be believed unseen.

use std::ops::Range;

use crate::history::{End, Micros, Raw};
use crate::hl7::ack::Code;
use crate::plan::fault::{Answer, Connection, Frame, Mismatch, Payload, Tls};
use crate::plan::{Cut, Fault, Parameters, Text};

use crate::check::proof::span::plus;

/// One thing that is seen of a behaviour, in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing for so long.
    Pause(Micros),
    /// Bytes.
    Says(Says),
    /// The EMR ends the connection.
    End(End),
}

impl Part {
    pub(crate) const fn pause(&self) -> Option<Micros> {
        match self {
            Self::Pause(time) => Some(*time),
            _ => None,
        }
    }

    pub(crate) const fn end(&self) -> Option<End> {
        match self {
            Self::End(how) => Some(*how),
            _ => None,
        }
    }
}

/// What else must be seen of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Besides {
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
    pub(crate) const fn is_written(self) -> bool {
        matches!(self, Self::Length | Self::Dripped)
    }
}

/// The parts of a fault, and what else belongs to it.
type Sign = (Vec<Part>, Besides);

/// What must be seen of `fault`; none if nobody knows.
pub(crate) fn expected(fault: Fault, with: &Parameters) -> Option<Sign> {
    let (parts, besides) = whole(fault, with)?;
    let Some(at) = with.cut else { return Some((parts, besides)) };
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
    Some((lead, kept))
}

fn whole(fault: Fault, with: &Parameters) -> Option<Sign> {
    match fault {
        Fault::Answer(_) => answer(fault, with),
        Fault::Match(_) => Some(wrong_match(fault, with)),
        Fault::Payload(_) => Some(payload(fault)),
        Fault::Frame(_) => frame(fault, with),
        Fault::Connection(_) => connection(fault, with),
        Fault::Tls(_) => tls(fault),
    }
}

fn answer(fault: Fault, with: &Parameters) -> Option<Sign> {
    let after = pause(with);
    let refused = |codes| refusal(codes, with.error);
    let parts = match fault {
        Fault::Answer(Answer::Accept) => vec![Part::Says(Says::AsDue(ACCEPTS))],
        Fault::Answer(Answer::Error) => vec![refused(&[Code::AE, Code::CE])],
        Fault::Answer(Answer::Reject) => vec![refused(&[Code::AR, Code::CR])],
        Fault::Answer(Answer::CommitAccept) => vec![ack(&[Code::CA])],
        Fault::Answer(Answer::CommitError) => vec![refused(&[Code::CE])],
        Fault::Answer(Answer::CommitReject) => vec![refused(&[Code::CR])],
        Fault::Answer(Answer::CommitThenAccept) => vec![ack(&[Code::CA]), after, ack(AA)],
        Fault::Answer(Answer::CommitThenError) => {
            vec![ack(&[Code::CA]), after, refused(&[Code::AE])]
        }
        Fault::Answer(Answer::CommitThenReject) => {
            vec![ack(&[Code::CA]), after, refused(&[Code::AR])]
        }
        Fault::Answer(Answer::AcceptOnOtherConnection) => {
            let said = match with.code {
                Some(Code::AE) => refused(&[Code::AE]),
                Some(Code::AR) => refused(&[Code::AR]),
                _ => ack(AA),
            };
            return Some((vec![said], Besides::ElsewhereToo));
        }
        Fault::Answer(Answer::AcceptLost) => vec![Part::End(End::Close)],
        Fault::Answer(Answer::Late) => return Some((vec![after, ack(AA)], Besides::PastTimeout)),
        Fault::Answer(Answer::Slow) => return Some((vec![after, ack(AA)], Besides::InTime)),
        Fault::Answer(Answer::LateAfterNext) => {
            return Some((vec![ack(AA)], Besides::AfterNext { answered: false }));
        }
        // What it complains of is what makes it this fault, and no refusal like others.
        Fault::Answer(Answer::DuplicateControlId) => vec![complaint(with, 207)],
        Fault::Answer(Answer::Locked) => vec![complaint(with, 206)],
        // The first attempts are refused, the others accepted.
        Fault::Answer(Answer::FailThenAccept) => vec![ack(ANY)],
        Fault::Answer(Answer::ErrorThenAccept) => vec![refused(&[Code::AE]), after, ack(AA)],
        Fault::Answer(Answer::None) => return Some((Vec::new(), Besides::StaysOpen)),
        Fault::Answer(Answer::OtherType)
        | Fault::Answer(Answer::AcceptWithErr)
        | Fault::Answer(Answer::Batch) => vec![odd()],
        _ => return None,
    };
    Some((parts, Besides::Nothing))
}

/// What is wrong with most of these is in their bytes: not those of a plain acceptance.
fn wrong_match(fault: Fault, with: &Parameters) -> Sign {
    match fault {
        Fault::Match(Mismatch::OutOfOrder) => {
            (vec![ack(AA)], Besides::AfterNext { answered: true })
        }
        Fault::Match(Mismatch::Twice) => (vec![ack(AA), pause(with), ack(AA)], Besides::Nothing),
        Fault::Match(Mismatch::Conflict) => {
            (vec![ack(AA), pause(with), ack(&[Code::AR])], Besides::Nothing)
        }
        Fault::Match(Mismatch::OnConnect) => (vec![odd()], Besides::BeforeAnything),
        _ => (vec![odd()], Besides::Nothing),
    }
}

/// What is wrong with these is in their bytes.
fn payload(fault: Fault) -> Sign {
    match fault {
        Fault::Payload(Payload::Giant) => (Vec::new(), Besides::Length),
        _ => (vec![odd()], Besides::Nothing),
    }
}

fn frame(fault: Fault, with: &Parameters) -> Option<Sign> {
    let bytes = |count: u64| Part::Says(Says::Bytes(count));
    let in_time = |parts: Vec<Part>| Some((parts, Besides::InTime));
    let some = || Part::Says(Says::Some);
    let parts = match fault {
        Fault::Frame(Frame::PartialThenSilence) | Fault::Frame(Frame::NoFsCr) => {
            return Some((vec![odd()], Besides::StaysOpen));
        }
        Fault::Frame(Frame::TwoInOneWrite) => return Some((vec![odd()], Besides::InOneWrite)),
        Fault::Frame(Frame::ByteByByte) => {
            return Some((vec![Part::Says(Says::Paced(AA))], Besides::ByteByByte));
        }
        Fault::Frame(Frame::HeaderFirst) => return in_time(vec![bytes(1), pause(with), ack(AA)]),
        Fault::Frame(Frame::TrailerLate) => {
            return in_time(vec![ack(AA), pause(with), exactly(b"\x1c\r")]);
        }
        Fault::Frame(Frame::CrLate) => return in_time(vec![ack(AA), pause(with), exactly(b"\r")]),
        Fault::Frame(Frame::PauseInside) => return in_time(vec![some(), pause(with), some()]),
        Fault::Frame(Frame::Drip) => return Some((Vec::new(), Besides::Dripped)),
        Fault::Frame(Frame::PartialThenClose) => vec![odd(), Part::End(End::Close)],
        Fault::Frame(Frame::PartialThenReset) => vec![odd(), Part::End(End::Reset)],
        Fault::Frame(Frame::Mllp2Ack) => vec![exactly(b"\x0b\x06\x1c\r")],
        Fault::Frame(Frame::Mllp2Nak) => vec![exactly(b"\x0b\x15\x1c\r")],
        Fault::Frame(Frame::BareAckByte) => vec![exactly(b"\x06")],
        Fault::Frame(Frame::BareNakByte) => vec![exactly(b"\x15")],
        Fault::Frame(Frame::KeepaliveNoise) => {
            let noise = [&b"\n"[..], b"\0", b"\x0b\x1c\r"];
            let noise = noise.into_iter().flat_map(|bytes| [pause(with), exactly(bytes)]);
            [ack(AA)].into_iter().chain(noise).collect()
        }
        // What is wrong with these is in their bytes: not those of a plain acceptance.
        Fault::Frame(Frame::NoVt)
        | Fault::Frame(Frame::Unframed)
        | Fault::Frame(Frame::FsOnly)
        | Fault::Frame(Frame::FsLf)
        | Fault::Frame(Frame::CrFf)
        | Fault::Frame(Frame::TrailingLf)
        | Fault::Frame(Frame::DoubleWrapped)
        | Fault::Frame(Frame::JunkBefore)
        | Fault::Frame(Frame::JunkAfter)
        | Fault::Frame(Frame::VtInside)
        | Fault::Frame(Frame::FsInside)
        | Fault::Frame(Frame::Hllp)
        | Fault::Frame(Frame::CustomBytes)
        | Fault::Frame(Frame::SplitInTwoFrames) => vec![odd()],
        _ => return None,
    };
    Some((parts, Besides::Nothing))
}

fn connection(fault: Fault, with: &Parameters) -> Option<Sign> {
    let end = |how| vec![Part::End(how)];
    let accepted = |how| vec![ack(AA), Part::End(how)];
    Some(match fault {
        Fault::Connection(Connection::AcceptClose) => (end(End::Close), Besides::BeforeAnything),
        Fault::Connection(Connection::AcceptReset) => (end(End::Reset), Besides::BeforeAnything),
        Fault::Connection(Connection::ResetAfterBytes) => (end(End::Reset), Besides::InsideMessage),
        Fault::Connection(Connection::CloseBeforeReply) => (end(End::Close), Besides::Nothing),
        Fault::Connection(Connection::ResetBeforeReply) => (end(End::Reset), Besides::Nothing),
        Fault::Connection(Connection::ReplyThenClose) => (accepted(End::Close), Besides::Nothing),
        Fault::Connection(Connection::ReplyThenReset) => (accepted(End::Reset), Besides::Nothing),
        Fault::Connection(Connection::HalfClose) => (end(End::HalfClose), Besides::Nothing),
        Fault::Connection(Connection::IdleDrop) => (accepted(End::Close), Besides::Idle),
        Fault::Connection(Connection::CloseEvery) => {
            (accepted(End::Close), Besides::Every(with.count))
        }
        Fault::Connection(Connection::MaxConnections) => {
            (end(End::Close), Besides::Beside(with.count))
        }
        Fault::Connection(Connection::MinGap) => {
            let says = Says::Complaint(&[Code::AR], with.error.unwrap_or(207));
            (vec![Part::Says(says)], Besides::TooSoon)
        }
        Fault::Connection(Connection::Refused)
        | Fault::Connection(Connection::Blackhole)
        | Fault::Connection(Connection::SlowAccept)
        | Fault::Connection(Connection::NoRead)
        | Fault::Connection(Connection::StealSession)
        | Fault::Connection(Connection::Restart) => (Vec::new(), Besides::Door),
        _ => return None,
    })
}

fn tls(fault: Fault) -> Option<Sign> {
    Some(match fault {
        Fault::Tls(Tls::Expired)
        | Fault::Tls(Tls::WrongHost)
        | Fault::Tls(Tls::UnknownCa)
        | Fault::Tls(Tls::HandshakeStall)
        | Fault::Tls(Tls::ClientCertRequired)
        | Fault::Tls(Tls::ClientCertRefused) => (Vec::new(), Besides::Handshake),
        Fault::Tls(Tls::PlaintextOnTls) => (vec![Part::Says(Says::Some)], Besides::Handshake),
        Fault::Tls(Tls::TlsOnPlaintext) => {
            (vec![exactly(UNEXPECTED_MESSAGE), Part::End(End::Close)], Besides::Nothing)
        }
        Fault::Tls(Tls::NoCloseNotify) => {
            (vec![ack(AA), Part::End(End::Truncated)], Besides::Handshake)
        }
        _ => return None,
    })
}

fn pause(with: &Parameters) -> Part {
    Part::Pause(with.after.unwrap_or_default())
}

const fn ack(codes: &'static [Code]) -> Part {
    Part::Says(Says::Ack(codes))
}

/// A refusal, with the error that its author wants, if there is one.
fn refusal(codes: &'static [Code], error: Option<u16>) -> Part {
    Part::Says(error.map_or(Says::Ack(codes), |error| Says::Complaint(codes, error)))
}

/// A refusal that complains of this, where its author wants nothing else.
fn complaint(with: &Parameters, usual: u16) -> Part {
    let codes: &[Code] = match with.code {
        Some(Code::AE) => &[Code::AE],
        Some(Code::AR) => &[Code::AR],
        _ => &[Code::AE, Code::AR],
    };
    Part::Says(Says::Complaint(codes, with.error.unwrap_or(usual)))
}

const fn odd() -> Part {
    Part::Says(Says::Odd)
}

fn exactly(bytes: &[u8]) -> Part {
    Part::Says(Says::Exactly(Raw::from(bytes)))
}

const AA: &[Code] = &[Code::AA];
const ACCEPTS: &[Code] = &[Code::AA, Code::CA];
const ANY: &[Code] = &[Code::AA, Code::CA, Code::AE, Code::AR, Code::CE, Code::CR];

/// The alert unexpected_message, in a record of its own (RFC 8446 sections 5.1 and 6).
const UNEXPECTED_MESSAGE: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a];

/// What bytes must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// An acknowledgement of the message with one of these codes.
    Ack(&'static [Code]),
    /// The same, with an ERR that has this code of table 0357.
    Complaint(&'static [Code], u16),
    /// The same as an acknowledgement, where MSH-15 and MSH-16 ask for one.
    AsDue(&'static [Code]),
    /// The same, however many pauses are inside.
    Paced(&'static [Code]),
    /// Anything but the plain acceptance of the message.
    Odd,
    /// The beginning of something, and not more of it than this.
    Cut(Option<u64>),
    /// These.
    Exactly(Raw),
    /// These, with what is filled in from the message and from what is the EMR's own.
    Filled(Vec<Text>),
    /// So many.
    Bytes(u64),
    /// Any.
    Some,
}

/// How a fault lies among the other parts of its behaviour.
#[derive(Clone, Copy)]
pub(crate) struct Among {
    /// What follows is pauses, if anything.
    pub(crate) last: bool,
    /// Another part says something.
    pub(crate) others_speak: bool,
    /// How many pauses lie between the first word of the behaviour and the fault's own.
    pub(crate) pauses_before: usize,
    /// For how long the others pause, all in all.
    pub(crate) others_pause: Micros,
}

impl Among {
    pub(crate) fn of(parts: &[Part], own: Range<usize>) -> Self {
        let is_pause = |part: &&Part| part.pause().is_some();
        let others = parts[..own.start].iter().chain(&parts[own.end..]);
        let speaks = |part: &Part| matches!(part, Part::Says(_));
        let lead = parts.iter().take_while(is_pause).count();
        let own_lead = parts[own.clone()].iter().take_while(is_pause).count();
        let up_to_words = &parts[..own.start + own_lead];
        Self {
            last: parts[own.end..].iter().all(|part| part.pause().is_some()),
            others_speak: others.clone().any(speaks),
            pauses_before: up_to_words.iter().skip(lead).filter(is_pause).count(),
            others_pause: others.filter_map(Part::pause).fold(Micros(0), plus),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::expected;
    use crate::plan::{Fault, Parameters};

    #[test]
    fn every_fault_has_a_sign() {
        for &fault in Fault::ALL {
            assert!(expected(fault, &Parameters::default()).is_some(), "{fault}");
        }
    }
}
