//! Answers that are wrong inside a good frame: malformed payloads, and acknowledgements of
//! another message.

use crate::emr::faults::scene::{Scene, join};
use crate::hl7::ack::Code;
use crate::hl7::escape::escape;
use crate::plan::fault::{Mismatch, Payload};
use crate::plan::{Fault, Parameters};

/// A malformed payload, by the name of its fault.
pub(crate) fn payload(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<u8> {
    let msh = || scene.segments().swap_remove(0);
    let msa = || scene.msa(b"AA", scene.message.control_id());
    let good = || scene.acknowledge(Code::AA, with);
    let form = || with.form.as_deref().or_else(|| fault.forms().first().copied()).unwrap_or("");
    match fault {
        Fault::Payload(Payload::Junk) => text(with, "fail"),
        Fault::Payload(Payload::SemiJunk) => text(with, "MSA"),
        Fault::Payload(Payload::Empty) => Vec::new(),
        Fault::Payload(Payload::Blank) => b"   \r".to_vec(),
        Fault::Payload(Payload::NoMsa) => join(&[msh()]),
        Fault::Payload(Payload::NoMsh) => join(&[msa()]),
        Fault::Payload(Payload::ErrWithoutMsa) => join(&[msh(), scene.complaint(103, with)]),
        Fault::Payload(Payload::MsaFirst) => join(&[msa(), msh()]),
        Fault::Payload(Payload::CodeEmpty) => coded(scene, b""),
        Fault::Payload(Payload::CodeUnknown) | Fault::Payload(Payload::CodePrefix) => {
            coded(scene, form().as_bytes())
        }
        Fault::Payload(Payload::CodeCase) => {
            coded(scene, if form() == "blank" { b"AA " } else { b"aa" })
        }
        Fault::Payload(Payload::TwoMsa) => {
            join(&[msh(), msa(), scene.msa(b"AE", scene.message.control_id())])
        }
        Fault::Payload(Payload::Lf) => with_ends(&good(), b"\n"),
        Fault::Payload(Payload::Crlf) => with_ends(&good(), b"\r\n"),
        Fault::Payload(Payload::LiteralNewline) => with_ends(&good(), b"\\n"),
        Fault::Payload(Payload::Merged) => join(&[[msh(), msa()].concat()]),
        Fault::Payload(Payload::NoFinalCr) => without_final_cr(good()),
        Fault::Payload(Payload::Prose) => {
            text(with, "NACK sent from receiver: charge could not be posted")
        }
        Fault::Payload(Payload::Http) => {
            text(with, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        }
        Fault::Payload(Payload::Xml) => xml(scene),
        Fault::Payload(Payload::Delimiters) => other_delimiters(&good()),
        Fault::Payload(Payload::Shifted) => shifted(&msh(), msa()),
        Fault::Payload(Payload::Nul) => nul(good()),
        Fault::Payload(Payload::Truncated) => truncated(&good()),
        _ => odd(fault, form(), scene),
    }
}

/// An acknowledgement whose MSA-2 is not the id of the message, by the name of its fault.
pub(crate) fn misrouted(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<u8> {
    let id = scene.message.control_id();
    let wrong: Vec<u8> = match fault {
        Fault::Match(Mismatch::Previous) => scene.previous.to_vec(),
        Fault::Match(Mismatch::Empty) | Fault::Match(Mismatch::InMsh10Only) => Vec::new(),
        Fault::Match(Mismatch::Truncated) => {
            let most = with.bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(10);
            id[..id.len().saturating_sub(1).min(most)].to_vec()
        }
        Fault::Match(Mismatch::Padded) => [id, b"    "].concat(),
        Fault::Match(Mismatch::Numeric) if with.form.as_deref() == Some("leading-zeros") => {
            without_leading_zeros(id)
        }
        Fault::Match(Mismatch::Numeric) => numeric(id),
        Fault::Match(Mismatch::ReEscaped) => escaped_again(id, scene),
        Fault::Match(Mismatch::OnConnect) => text(with, "STALE0001"),
        _ => text(with, "NOT-YOUR-MESSAGE"), // match/other
    };
    let mut segments = scene.segments();
    segments.truncate(1);
    if fault == Fault::Match(Mismatch::InMsh10Only) {
        segments[0] = with_field(scene, &segments[0], 9, id);
    }
    segments.push(scene.msa(b"AA", &wrong));
    join(&segments)
}

fn text(with: &Parameters, default: &str) -> Vec<u8> {
    with.text.as_deref().unwrap_or(default).as_bytes().to_vec()
}

fn coded(scene: &Scene<'_>, code: &[u8]) -> Vec<u8> {
    let msh = scene.segments().swap_remove(0);
    join(&[msh, scene.msa(code, scene.message.control_id())])
}

/// A segment with the piece at `index` (counted by separators) replaced.
pub(crate) fn with_field(scene: &Scene<'_>, segment: &[u8], index: usize, value: &[u8]) -> Vec<u8> {
    let separator = scene.message.delimiters().field;
    let mut fields: Vec<&[u8]> = segment.split(|&byte| byte == separator).collect();
    if let Some(field) = fields.get_mut(index) {
        *field = value;
    }
    fields.join(&separator)
}

pub(crate) fn with_ends(payload: &[u8], end: &[u8]) -> Vec<u8> {
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

/// What is left of an id that somebody kept as a floating point number, as a spreadsheet shows it.
fn numeric(id: &[u8]) -> Vec<u8> {
    let number: Option<f64> = std::str::from_utf8(id).ok().and_then(|text| text.parse().ok());
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return b"0".to_vec();
    };
    format!("{number:.4E}").replace('E', "E+").into_bytes()
}

/// What is left of an id that somebody kept as a whole number.
pub(crate) fn without_leading_zeros(id: &[u8]) -> Vec<u8> {
    let zeros = id.iter().take_while(|&&byte| byte == b'0').count();
    id[zeros.min(id.len().saturating_sub(1))..].to_vec()
}

/// An id that was escaped although it was escaped already. Most ids have nothing to escape; of
/// those an over-eager writer escapes the first character.
fn escaped_again(id: &[u8], scene: &Scene<'_>) -> Vec<u8> {
    let delimiters = scene.message.delimiters();
    let mark = char::from(delimiters.escape.unwrap_or(b'\\'));
    let text = String::from_utf8_lossy(id);
    let again = escape(&text, delimiters);
    match id.split_first() {
        Some((first, rest)) if again.as_bytes() == id => {
            [format!("{mark}X{first:02X}{mark}").as_bytes(), rest].concat()
        }
        _ => again.into_bytes(),
    }
}

/// An acknowledgement that says what it should in a form that trips readers: odd types, versions and
/// encodings, wild text, a flipped bit, segments that nobody expects.
fn odd(fault: Fault, form: &str, scene: &Scene<'_>) -> Vec<u8> {
    let good = || scene.acknowledge(Code::AA, &Parameters::default());
    match fault {
        Fault::Payload(Payload::EscapedLf) if form == "ends" => with_ends(&good(), b"\\X0A\\"),
        Fault::Payload(Payload::EscapedLf) => {
            header_with(scene, SENDING_APPLICATION, b"EMR\\X0A\\")
        }
        Fault::Payload(Payload::TypeVariants) => {
            let kind = if form == "missing" { "" } else { form };
            header_with(scene, MESSAGE_TYPE, kind.as_bytes())
        }
        Fault::Payload(Payload::VersionVariants) => {
            header_with(scene, VERSION, version(form, scene))
        }
        Fault::Payload(Payload::ProcessingId) => {
            let test = scene.message.value("MSH-11") != b"T";
            header_with(scene, PROCESSING_ID, if test { b"T" } else { b"P" })
        }
        // Neither of these is UTF-8 anywhere: a lone lead byte, and bytes that never occur.
        Fault::Payload(Payload::BadUtf8) => with_text(scene, b"charge posted \xC3\x28 \xFF\xFE"),
        Fault::Payload(Payload::Utf16) => utf16(&good()),
        Fault::Payload(Payload::Bom) => [b"\xEF\xBB\xBF", &good()[..]].concat(),
        Fault::Payload(Payload::WildMsa3) => with_text(scene, &wild(form)),
        Fault::Payload(Payload::BitFlip) => flipped(good(), scene),
        Fault::Payload(Payload::ExtraSegments) => {
            let mut segments = scene.segments();
            let extra: &[u8] =
                if form == "Z" { b"ZAC|1|posted by EMR" } else { b"SFT|EMR|9.1|EMR Gateway|7" };
            segments.insert(1, extra.to_vec());
            join(&segments)
        }
        _ => good(),
    }
}

/// Pieces of MSH counted by separators, the segment id being 0: one less than their numbers.
const SENDING_APPLICATION: usize = 2;
const MESSAGE_TYPE: usize = 8;
const PROCESSING_ID: usize = 10;
const VERSION: usize = 11;

fn header_with(scene: &Scene<'_>, index: usize, value: &[u8]) -> Vec<u8> {
    let mut segments = scene.segments();
    segments[0] = with_field(scene, &segments[0], index, value);
    join(&segments)
}

/// An acceptance with `text` in MSA-3, whatever that breaks.
pub(crate) fn with_text(scene: &Scene<'_>, text: &[u8]) -> Vec<u8> {
    let mut segments = scene.segments();
    segments.truncate(1);
    let msa = scene.msa(b"AA", scene.message.control_id());
    segments.push([&msa[..], &[scene.message.delimiters().field], text].concat());
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
