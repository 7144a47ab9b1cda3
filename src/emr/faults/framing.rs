//! Malformed framing around a good acknowledgement, and good framing at a bad pace.
//!
//! What is inside the frame is sound, so a sender that reads leniently may well make sense of it.

use std::time::Duration;

use crate::emr::faults::action::Action;
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::mllp;
use crate::plan::Parameters;
use crate::plan::fault::Frame;

/// What each of these faults puts on the wire.
pub(crate) fn frames(fault: Frame, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let payload = scene.acknowledge(Code::AA, with);
    let framed = mllp::encode(&payload);
    let half = framed.len() / 2;
    let pause = Action::Wait(with.after());
    let write = |bytes: &[u8]| Action::Write(bytes.to_vec());
    let end = framed.len() - 2;
    match fault {
        Frame::NoVt => vec![write(&framed[1..])],
        Frame::Unframed => vec![write(&payload)],
        Frame::NoFsCr => vec![write(&framed[..end])],
        Frame::FsOnly => vec![write(&framed[..=end])],
        Frame::FsLf => vec![write(&[&framed[..end], b"\x1c\n"].concat())],
        Frame::CrFf => vec![write(&[&framed[..end], b"\r\x0c"].concat())],
        Frame::TrailingLf => vec![write(&[&framed[..], b"\n"].concat())],
        Frame::VtInside => vec![write(&before_msa(&framed, b"\x0b"))],
        Frame::FsInside => vec![write(&before_msa(&framed, b"\x1c"))],
        Frame::TwoInOneWrite => {
            let second = mllp::encode(&scene.acknowledge(Code::AA, with));
            vec![write(&[framed, second].concat())]
        }
        Frame::DoubleWrapped => vec![write(&mllp::encode(&framed))],
        Frame::JunkBefore => vec![write(b"*** EMR GATEWAY ***\r\n"), write(&framed)],
        Frame::JunkAfter => vec![write(&framed), write(b"\r\nOK\r\n")],
        Frame::ByteByByte => spread(&framed, with.after()),
        Frame::Drip => outlast(&framed, with.after(), scene),
        Frame::HeaderFirst => vec![write(&framed[..1]), pause, write(&framed[1..])],
        Frame::TrailerLate => {
            vec![write(&framed[..end]), pause, write(&framed[end..])]
        }
        Frame::CrLate => {
            vec![write(&framed[..=end]), pause, write(&framed[end + 1..])]
        }
        Frame::PauseInside => {
            vec![write(&framed[..half]), pause, write(&framed[half..])]
        }
        Frame::PartialThenClose => {
            vec![write(&framed[..half]), Action::End(End::Close)]
        }
        Frame::PartialThenReset => {
            vec![write(&framed[..half]), Action::End(End::Reset)]
        }
        Frame::PartialThenSilence => vec![write(&framed[..half])],
        Frame::Mllp2Ack => vec![write(b"\x0b\x06\x1c\r")],
        Frame::Mllp2Nak => vec![write(b"\x0b\x15\x1c\r")],
        Frame::BareAckByte => vec![write(b"\x06")],
        Frame::BareNakByte => vec![write(b"\x15")],
        Frame::KeepaliveNoise => noise(&framed, &pause),
        Frame::Hllp => vec![write(&mllp::encode(&hybrid(&payload)))],
        Frame::CustomBytes => vec![write(&[b"\x02", &payload[..], b"\x03"].concat())],
        Frame::SplitInTwoFrames => scene.split_frames(&payload),
    }
}

/// `framed` with some bytes ahead of its MSA segment.
fn before_msa(framed: &[u8], bytes: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(framed, b"\rMSA").map_or(framed.len() / 2, |at| at + 1);
    [&framed[..at], bytes, &framed[at..]].concat()
}

/// A good answer, then what some interfaces send over an idle line to keep it open.
fn noise(framed: &[u8], pause: &Action) -> Vec<Action> {
    let mut all = vec![Action::Write(framed.to_vec())];
    for sign_of_life in [&b"\n"[..], b"\0", b"\x0b\x1c\r"] {
        all.extend([pause.clone(), Action::Write(sign_of_life.to_vec())]);
    }
    all
}

/// A payload as a data block of the hybrid lower layer protocol (HL7 v2.1 to 2.3, appendix C.2):
/// `D21<CR>`, the data, the count of all characters so far (the start byte included) in five
/// digits, and their exclusive or in three.
fn hybrid(payload: &[u8]) -> Vec<u8> {
    let mut block = [b"\x0bD21\r", payload].concat();
    let checksum = block.iter().fold(0, |all, byte| all ^ byte);
    let trailer = format!("{:05}{checksum:03}", block.len());
    block.extend_from_slice(trailer.as_bytes());
    block.split_off(1) // the frame brings the start byte itself
}

/// One byte at a time, all of them within about `total`: a pause is never shorter than a timer
/// can be trusted with, so there are fewer pauses than bytes.
fn spread(bytes: &[u8], total: Duration) -> Vec<Action> {
    let pauses = usize::try_from(total.as_millis() / PAUSE.as_millis()).unwrap_or(1).max(1);
    let every = bytes.len().div_ceil(pauses).max(1);
    let mut all = Vec::with_capacity(bytes.len() + pauses);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % every == 0 {
            all.push(Action::Wait(PAUSE));
        }
        all.push(Action::Write(vec![*byte]));
    }
    all
}

/// The shortest pause within a reply.
const PAUSE: Duration = Duration::from_millis(10);

/// One byte, a gap, the next byte.
fn drip(bytes: &[u8], gap: Duration) -> Vec<Action> {
    let mut all = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        if !all.is_empty() {
            all.push(Action::Wait(gap));
        }
        all.push(Action::Write(vec![*byte]));
    }
    all
}

/// A drip that lasts past the sender's timeout and has been played once it has.
fn outlast(bytes: &[u8], gap: Duration, scene: &Scene<'_>) -> Vec<Action> {
    let mut all = drip(bytes, gap);
    let gaps = scene.ack_timeout.as_micros().div_ceil(gap.as_micros().max(1));
    let past = usize::try_from(gaps).unwrap_or(usize::MAX).saturating_mul(2);
    all.insert(past.min(all.len()), Action::Mark);
    all
}
