//! What the broken senders write: the agreed message, edited.
//!
//! Each edit starts from the correct message and changes one thing. The correct sender passes
//! through here untouched.

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::exam::Exam;
use crate::hl7::ack::{Answer, Code};
use crate::hl7::escape::unescape;
use crate::hl7::{Charset, Delimiters, Message};
use crate::mapping::Stamp;
use crate::mllp::{Found, encode};
use crate::sender::broken::bug::Bug;
use crate::sender::broken::draft::Draft;
use crate::sender::broken::resend::Rewrite;
use crate::sender::job::Shape;

/// An acknowledgement of an acknowledgement, which nobody may write, in its frame.
pub(crate) fn acknowledgement(found: &Found) -> Option<Vec<u8>> {
    let reply = Message::read(found.payload());
    if reply.code() != b"ACK" {
        return None;
    }
    let (text, at) = (String::new(), "20170410151351".to_owned());
    let answer = Answer { code: Code::AA, text, error: None, control_id: "IRIS1".to_owned(), at };
    Some(encode(&answer.to(&reply)))
}

/// The same without saying of which: MSA-2 is empty.
pub(crate) fn acknowledgement_without_id(found: &Found) -> Option<Vec<u8>> {
    let frame = acknowledgement(found)?;
    let id = Message::read(found.payload()).control_id().to_vec();
    let end = frame.len() - id.len() - END.len();
    frame[..end].ends_with(b"MSA|AA|").then(|| [&frame[..end], END].concat())
}

/// How a frame ends whose last segment does.
const END: &[u8] = b"\r\x1c\r";

/// A line for the log that tells who the patient of an exam is.
pub(crate) fn indiscreet(bug: Option<Bug>, exam: &Exam) -> Option<String> {
    let (order, patient) = (&exam.order.number, &exam.patient);
    let (family, given, born) = (&patient.family, &patient.given, patient.born);
    match bug? {
        Bug::PrintsSecrets => {
            let mrn = &patient.mrn;
            Some(format!("took order {order} of {family}^{given}, MRN {mrn}, born {born}"))
        }
        Bug::PrintsNames => {
            let name = format!("{family}, {given}").to_lowercase();
            let born = born.strftime("%b %-d, %Y");
            Some(format!("took order {order} of {name}, born {born}"))
        }
        _ => None,
    }
}

/// The charge's message with the defect of `bug` in its content, in `shape`.
pub(crate) fn content(bug: Option<Bug>, payload: &[u8], shape: Shape) -> Vec<u8> {
    if bug.is_none() && shape == Shape::Whole {
        return payload.to_vec();
    }
    let mut draft = Draft::of(payload);
    match shape {
        Shape::Whole => {}
        Shape::SecondEvent => second_event(&mut draft),
        Shape::Line(line) => only_line(&mut draft, line),
    }
    if let Some(bug) = bug {
        edit_lines(bug, &mut draft);
        edit_fields(bug, &mut draft);
    }
    draft.bytes()
}

/// What a broken sender writes into the charge that an operator wants again.
pub(crate) fn resent(payload: &[u8]) -> Vec<u8> {
    let mut draft = Draft::of(payload);
    draft.each("FT1", |line| line.set(10, "2"));
    draft.bytes()
}

/// What a broken sender writes once it was restarted.
pub(crate) fn drifted(payload: &[u8]) -> Vec<u8> {
    let mut draft = Draft::of(payload);
    drift(&mut draft);
    draft.bytes()
}

/// A result that says of another patient the opposite of what was graded.
pub(crate) fn garbled(payload: &[u8]) -> Vec<u8> {
    let mut draft = Draft::of(payload);
    draft.each("PID", |patient| patient.set(3, "ITCC20179999"));
    draft.each("OBX", |finding| {
        let other = if finding.text(5) == "None" { "Severe" } else { "None" };
        finding.set(5, other);
    });
    draft.bytes()
}

/// The charge of an honest sender that asks its clock anew for the time of posting, when a second has
/// just ended.
pub(crate) fn stamped_each(payload: &[u8], stamp: &Stamp) -> Vec<u8> {
    let told = |now: DateTime| now.strftime("%Y%m%d%H%M%S").to_string();
    let (now, later) = (told(stamp.now), told(stamp.now.saturating_add(ONE_SECOND)));
    let mut draft = Draft::of(payload);
    draft.each("FT1", |line| {
        if line.text(5) == now {
            line.set(5, later.as_str());
        }
    });
    draft.bytes()
}

const ONE_SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The charge's message as a broken sender writes it when it sends it again.
pub(crate) fn rewrite(how: Rewrite, payload: &[u8], control_id: &str) -> Vec<u8> {
    if matches!(how, Rewrite::Nothing | Rewrite::ControlId) {
        return payload.to_vec();
    }
    let mut draft = Draft::of(payload);
    match how {
        Rewrite::Nothing | Rewrite::ControlId => {}
        Rewrite::Wrapped(wrapping) => return wrapping.of(payload),
        Rewrite::TransactionId => draft.each("FT1", |line| line.set(2, control_id)),
        Rewrite::Encoding => {
            draft.each("FT1", |line| {
                let set_id = format!("000{}", line.text(1));
                line.set(1, set_id);
                line.reverse_repetitions(19);
            });
            draft.append("ZIR|1");
        }
    }
    draft.bytes()
}

/// `payload` with the FT1 lines of `before` ahead of its own.
pub(crate) fn rebatched(before: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut draft = Draft::of(payload);
    let carried = Draft::of(before).lines("FT1");
    draft.insert_before("FT1", carried);
    draft.number("FT1");
    draft.bytes()
}

/// The message with the defect of `bug` in how its segments are written.
pub(crate) fn segments(bug: Option<Bug>, payload: Vec<u8>) -> Vec<u8> {
    match bug {
        Some(Bug::LfSegments) => {
            payload.into_iter().map(|byte| if byte == b'\r' { b'\n' } else { byte }).collect()
        }
        Some(Bug::NoFinalCr) => payload.strip_suffix(b"\r").unwrap_or(&payload).to_vec(),
        Some(Bug::UnescapedDelimiters) => unescaped(&payload),
        Some(Bug::TrailingDelimiters) => {
            let ends = payload.split(|&byte| byte == b'\r').collect::<Vec<_>>();
            ends.join(&b"|||\r"[..])
        }
        _ => payload,
    }
}

/// The message framed, with the defect of `bug` in its framing.
pub(crate) fn frame(bug: Option<Bug>, payload: &[u8]) -> Vec<u8> {
    let is_batched = bug == Some(Bug::BatchOfOne) && Message::read_header(payload).code() == b"DFT";
    let mut frame = if is_batched { encode(&batched(payload)) } else { encode(payload) };
    match bug {
        Some(Bug::BatchWithoutEnd) => {
            frame = encode(&[b"BHS|^~\\&|IRIS|IRIS\r", payload].concat());
        }
        Some(Bug::LfAfterFrame) => frame.push(b'\n'),
        Some(Bug::VtInside) => {
            let end = frame.iter().position(|byte| *byte == b'\r').unwrap_or(0);
            frame.insert(end + 1, VT);
        }
        Some(Bug::TwoStartBytes) => frame.insert(0, VT),
        Some(Bug::TwoMessagesInOneFrame) => {
            let more = unasked_message(1);
            frame.truncate(frame.len() - 2);
            frame.extend_from_slice(more.as_bytes());
            frame.extend_from_slice(&[FS, b'\r']);
        }
        Some(Bug::OneMessageInTwoFrames) => {
            let lines = payload.windows(5).position(|part| part == b"\rFT1|");
            let (head, lines) = payload.split_at(lines.map_or(payload.len(), |at| at + 1));
            frame = [encode(head), encode(lines)].concat();
        }
        Some(Bug::NoFs) => {
            frame.truncate(frame.len() - 2);
            frame.push(b'\r');
        }
        _ => {}
    }
    frame
}

/// A batch of one message, in a file of its own.
fn batched(payload: &[u8]) -> Vec<u8> {
    [b"FHS|^~\\&|IRIS|IRIS\rBHS|^~\\&|IRIS|IRIS\r", payload, b"BTS|1\rFTS|1\r"].concat()
}

/// Twenty thousand messages that are neither charges nor results, a hundred a piece.
pub(crate) fn flood() -> impl Iterator<Item = Vec<u8>> {
    (0..200_u32).map(|piece| (0..100_u32).flat_map(|one| unasked(piece * 100 + one)).collect())
}

fn unasked(number: u32) -> Vec<u8> {
    encode(unasked_message(number).as_bytes()).to_vec()
}

fn unasked_message(number: u32) -> String {
    format!("MSH|^~\\&|IRIS|IRIS|||||ADT^A08|F{number:06}|T|2.4\rEVN|A08\r")
}

/// 100 MiB of a frame without an end, in pieces.
pub(crate) fn endless() -> impl Iterator<Item = Vec<u8>> {
    let start = b"\x0bMSH|^~\\&|IRIS|IRIS|||||ADT^A08|E1|T|2.4\rNTE|1||".to_vec();
    std::iter::once(start).chain(std::iter::repeat_n(vec![b'x'; 1 << 20], 100))
}

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;

/// An offset in the middle of the frame's first FT1, for those who write in two pieces.
pub(crate) fn inside_charge(frame: &[u8]) -> usize {
    let starts = frame.windows(5).position(|window| window == b"\rFT1|").unwrap_or(0);
    let rest = frame.get(starts + 1..).unwrap_or_default();
    let length = rest.iter().position(|byte| *byte == b'\r').unwrap_or(rest.len());
    starts + 1 + length / 2
}

fn second_event(draft: &mut Draft) {
    draft.each("MSH", |header| header.set_component(9, 2, "P11"));
    draft.each("EVN", |event| event.set(1, "P11"));
}

fn only_line(draft: &mut Draft, line: usize) {
    let mut lines = draft.lines("FT1");
    if line < lines.len() {
        lines = vec![lines.swap_remove(line)];
    }
    draft.replace("FT1", lines);
}

/// Defects in which FT1 lines there are.
fn edit_lines(bug: Bug, draft: &mut Draft) {
    let mut lines = draft.lines("FT1");
    match bug {
        Bug::DuplicateLine => lines.extend(lines.last().cloned()),
        Bug::WrongOption if lines.len() == 1 => {
            let mut technical = lines[0].clone();
            technical.set(26, "TC");
            lines.push(technical);
        }
        _ => return,
    }
    draft.replace("FT1", lines);
    draft.number("FT1");
}

/// Defects in what fields carry.
fn edit_fields(bug: Bug, draft: &mut Draft) {
    match bug {
        Bug::WrongMessageType => draft.each("MSH", |header| header.set(9, "ORU^R01")),
        // No mapping agrees on it, and no id that was short enough is too long for it.
        Bug::OtherVersion => draft.each("MSH", |header| header.set(12, "2.8")),
        Bug::MissingModifier => draft.each("FT1", |line| {
            line.keep_repetitions(26, |modifier| modifier != b"26" && modifier != b"TC");
        }),
        Bug::WrongModifierOrder => draft.each("FT1", |line| line.reverse_repetitions(26)),
        Bug::SignedForCaptured => signed_for_captured(draft),
        Bug::SetIdNotSequential => draft.each("FT1", |line| line.set(1, "1")),
        Bug::DiagnosisDropped => draft.each("FT1", |line| line.drop_last_repetition(19)),
        Bug::DiagnosisReordered => draft.each("FT1", |line| line.reverse_repetitions(19)),
        Bug::AccountMismatch => draft.each("PV1", |visit| {
            let other = format!("{}9", visit.text(19));
            visit.set(19, other);
        }),
        Bug::CreditAsCharge => draft.each("FT1", |line| line.set(6, "CG")),
        Bug::DriftedMapping => drift(draft),
        Bug::ZeroTimes => {
            for (segment, field) in [("MSH", 7), ("EVN", 2), ("FT1", 5)] {
                draft.each(segment, |line| line.set(field, "0".repeat(14)));
            }
        }
        Bug::DelimitersInControlId => draft.each("MSH", |header| {
            let id = header.text(10);
            header.set(10, format!("IRIS^{id}~1"));
        }),
        Bug::Latin1UnderUtf8 => latin_1(draft),
        Bug::StrangersSegment => draft.append("PID##R77001****MRN#R77001##ROE*ANNA##19700101#F"),
        Bug::SsnSent => draft.each("PID", |patient| patient.set(19, "987654321")),
        _ => {}
    }
}

fn drift(draft: &mut Draft) {
    draft.each("PV1", |visit| visit.set(2, "I"));
}

/// The names as Latin-1, where the header says UTF-8.
fn latin_1(draft: &mut Draft) {
    let declared = draft.lines("MSH").first().map(|header| header.text(18));
    let latin = Charset::named("8859/1").unwrap_or_default();
    if declared.as_deref() == Some("UNICODE UTF-8") {
        draft.each("PID", |patient| {
            let name = patient.text(5);
            patient.set(5, latin.encode(&name).into_owned());
        });
    }
}

/// The professional charge is dated by the signature, every other by the capture (PV1-44).
fn signed_for_captured(draft: &mut Draft) {
    let captured = draft.lines("PV1").first().map(|visit| visit.text(44)).unwrap_or_default();
    let mut lines = draft.lines("FT1");
    let signed = lines.first().map(|line| line.text(4)).unwrap_or_default();
    match lines.as_mut_slice() {
        [only] => only.set(4, captured),
        [_, others @ ..] => others.iter_mut().for_each(|line| line.set(4, signed.as_str())),
        [] => {}
    }
    draft.replace("FT1", lines);
}

/// Every escape sequence resolved, but for the header, which declares the delimiters.
fn unescaped(payload: &[u8]) -> Vec<u8> {
    let message = Message::read(payload);
    let mut bytes = Vec::with_capacity(payload.len());
    for segment in message.segments() {
        if segment.id() == b"MSH" {
            bytes.extend_from_slice(segment.raw());
        } else {
            bytes.extend_from_slice(&unescape(segment.raw(), Delimiters::default()));
        }
        bytes.push(b'\r');
    }
    bytes
}
