//! Answers that are wrong inside a good frame.

use crate::emr::faults::action::{Action, frame};
use crate::emr::faults::giant;
use crate::emr::faults::scene::{Scene, join};
use crate::hl7::ack::Code;
use crate::plan::Parameters;
use crate::plan::fault::Payload;

/// A malformed payload: in a good frame, but for one that comes without any.
pub(crate) fn payloads(fault: Payload, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let msh = || scene.segments().swap_remove(0);
    let msa = || scene.msa(b"AA", scene.message.control_id());
    let good = || scene.acknowledge(Code::AA, with);
    let form = with.form();
    let payload = match fault {
        Payload::Junk => text(with, "fail"),
        Payload::SemiJunk => text(with, "MSA"),
        Payload::Empty => Vec::new(),
        Payload::Blank => b"   \r".to_vec(),
        Payload::NoMsa => join(&[msh()]),
        Payload::NoMsh => join(&[msa()]),
        Payload::ErrWithoutMsa => join(&[msh(), scene.complaint(103, with)]),
        Payload::MsaFirst => join(&[msa(), msh()]),
        Payload::CodeEmpty => coded(scene, b""),
        Payload::CodeUnknown | Payload::CodePrefix => coded(scene, form.as_bytes()),
        Payload::CodeCase => coded(scene, if form == "blank" { b"AA " } else { b"aa" }),
        Payload::TwoMsa => join(&[msh(), msa(), scene.msa(b"AE", scene.message.control_id())]),
        Payload::TwoMsh => join(&[msh(), msh(), msa()]),
        Payload::Lf => with_ends(&good(), b"\n"),
        Payload::Crlf => with_ends(&good(), b"\r\n"),
        Payload::LiteralNewline => with_ends(&good(), b"\\n"),
        Payload::Merged => join(&[[msh(), msa()].concat()]),
        Payload::NoFinalCr => without_final_cr(good()),
        Payload::Prose => text(with, "NACK sent from receiver: charge could not be posted"),
        Payload::Http => {
            let page = text(with, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            if form == "raw" {
                return vec![Action::Write(page)];
            }
            page
        }
        Payload::Xml => xml(scene),
        Payload::Delimiters => other_delimiters(&good()),
        Payload::Shifted => shifted(&msh(), msa()),
        Payload::Nul => nul(good()),
        Payload::Truncated => truncated(&good()),
        Payload::EscapedLf if form == "ends" => with_ends(&good(), b"\\X0A\\"),
        Payload::EscapedLf => header_with(scene, SENDING_APPLICATION, b"EMR\\X0A\\"),
        Payload::TypeVariants => header_with(scene, MESSAGE_TYPE, message_type(form)),
        Payload::VersionVariants => header_with(scene, VERSION, version(form, scene)),
        Payload::ProcessingId => header_with(scene, PROCESSING_ID, other_processing_id(scene)),
        // Neither of these is UTF-8 anywhere: a lone lead byte, and bytes that never occur.
        Payload::BadUtf8 => scene.with_text(b"charge posted \xC3\x28 \xFF\xFE"),
        Payload::Utf16 => utf16(&good()),
        Payload::Bom => [b"\xEF\xBB\xBF", &good()[..]].concat(),
        Payload::WildMsa3 => scene.with_text(&wild(form)),
        Payload::Giant => return giant::reply(with, scene),
        Payload::BitFlip => flipped(good(), scene),
        Payload::ExtraSegments => with_segment(scene, form),
    };
    vec![frame(&payload)]
}

fn text(with: &Parameters, default: &str) -> Vec<u8> {
    with.text.as_deref().unwrap_or(default).as_bytes().to_vec()
}

fn coded(scene: &Scene<'_>, code: &[u8]) -> Vec<u8> {
    let msh = scene.segments().swap_remove(0);
    join(&[msh, scene.msa(code, scene.message.control_id())])
}

fn with_ends(payload: &[u8], end: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in payload.split(|&byte| byte == b'\r').filter(|line| !line.is_empty()) {
        out.extend_from_slice(line);
        out.extend_from_slice(end);
    }
    out
}

fn without_final_cr(mut payload: Vec<u8>) -> Vec<u8> {
    payload.pop();
    payload
}

fn xml(scene: &Scene<'_>) -> Vec<u8> {
    let id = String::from_utf8_lossy(scene.message.control_id()).into_owned();
    format!("<ACK><MSA><MSA.1>AA</MSA.1><MSA.2>{id}</MSA.2></MSA></ACK>").into_bytes()
}

fn other_delimiters(payload: &[u8]) -> Vec<u8> {
    let swap = |byte: &u8| match *byte {
        b'|' => b'#',
        b'^' => b'*',
        other => other,
    };
    payload.iter().map(swap).collect()
}

/// Every MSH field one place off, so that MSH-9 and MSH-10 are read from the wrong places.
fn shifted(msh: &[u8], msa: Vec<u8>) -> Vec<u8> {
    let head = b"MSH|^~\\&|".len().min(msh.len());
    let moved = [&msh[..head], b"|", &msh[head..]].concat();
    join(&[moved, msa])
}

fn nul(mut payload: Vec<u8>) -> Vec<u8> {
    let middle = payload.len() / 2;
    payload.insert(middle, 0);
    payload
}

/// The payload up to the first letter of MSA-1.
fn truncated(payload: &[u8]) -> Vec<u8> {
    let at = payload.windows(4).position(|window| window == b"MSA|");
    payload[..at.map_or(payload.len() / 2, |at| at + 5)].to_vec()
}

/// One more segment ahead of MSA.
fn with_segment(scene: &Scene<'_>, form: &str) -> Vec<u8> {
    let mut segments = scene.segments();
    let extra: &[u8] =
        if form == "Z" { b"ZAC|1|posted by EMR" } else { b"SFT|EMR|9.1|EMR Gateway|7" };
    segments.insert(1, extra.to_vec());
    join(&segments)
}

const fn message_type(form: &str) -> &[u8] {
    match form.as_bytes() {
        b"missing" => b"",
        form => form,
    }
}

/// Test for a message in production, production for any other.
fn other_processing_id(scene: &Scene<'_>) -> &'static [u8] {
    if scene.message.value("MSH-11") == b"T" { b"P" } else { b"T" }
}

/// Pieces of MSH counted by separators, the segment id being 0: one less than their numbers.
const SENDING_APPLICATION: usize = 2;
const MESSAGE_TYPE: usize = 8;
const PROCESSING_ID: usize = 10;
const VERSION: usize = 11;

fn header_with(scene: &Scene<'_>, index: usize, value: &[u8]) -> Vec<u8> {
    let mut segments = scene.segments();
    segments[0] = scene.with_field(&segments[0], index, value);
    join(&segments)
}

fn version<'v>(form: &str, scene: &Scene<'_>) -> &'v [u8] {
    match form {
        "missing" => b"",
        "2.9" => b"2.9",
        // A version that exists and is not the message's.
        _ if scene.message.version() == b"2.3" => b"2.6",
        _ => b"2.3",
    }
}

fn utf16(payload: &[u8]) -> Vec<u8> {
    let units = String::from_utf8_lossy(payload).into_owned();
    let units = units.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

/// Text that nobody should put into MSA-3.
fn wild(form: &str) -> Vec<u8> {
    match form {
        "long" => b"charge posted, see the log of the interface; "
            .iter()
            .copied()
            .cycle()
            .take(WILD_BYTES)
            .collect(),
        "lines" => (1..=WILD_LINES).map(|line| format!("line {line}\n")).collect::<String>().into(),
        _ => b"a|b^c~d\\e&f|MSA|AE|0".to_vec(),
    }
}

/// How long a wild text is, and how many lines.
const WILD_BYTES: usize = 64 * 1024;
const WILD_LINES: u32 = 200;

/// One bit of the MSA segment is another, and the seed and the message decide which. In MSH it
/// could hit the answer's own time or number, where one is as good as another.
fn flipped(mut payload: Vec<u8>, scene: &Scene<'_>) -> Vec<u8> {
    let start = payload.windows(3).position(|window| window == b"MSA").unwrap_or(0);
    let bits = (payload.len() - start) as u64 * 8;
    let bit = mixed(scene.seed ^ (u64::from(scene.attempt) << 32)) % bits.max(1);
    if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| payload.get_mut(start + at)) {
        *byte ^= 1 << (bit % 8);
    }
    payload
}

/// A number that depends on every bit of `number` (the finaliser of SplitMix64).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}
