//! Acknowledgements that say what they should in a form that trips readers: odd types, versions
//! and encodings, wild text, a flipped bit, segments that nobody expects.

use crate::emr::answer::{Scene, join};
use crate::emr::wrong::{with_ends, with_field};
use crate::hl7::ack::Code;
use crate::plan::{Fault, Parameters};

/// The payload of a fault of this file, in the form that goes by `form`.
pub(crate) fn payload(fault: Fault, form: &str, scene: &Scene<'_>) -> Vec<u8> {
    let good = || scene.acknowledge(Code::AA, &Parameters::default());
    match fault {
        Fault::PayloadEscapedLf if form == "ends" => with_ends(&good(), b"\\X0A\\"),
        Fault::PayloadEscapedLf => header_with(scene, SENDING_APPLICATION, b"EMR\\X0A\\"),
        Fault::PayloadTypeVariants => {
            let kind = if form == "missing" { "" } else { form };
            header_with(scene, MESSAGE_TYPE, kind.as_bytes())
        }
        Fault::PayloadVersionVariants => header_with(scene, VERSION, version(form, scene)),
        Fault::PayloadProcessingId => {
            let test = scene.message.value("MSH-11") != b"T";
            header_with(scene, PROCESSING_ID, if test { b"T" } else { b"P" })
        }
        // Neither of these is UTF-8 anywhere: a lone lead byte, and bytes that never occur.
        Fault::PayloadBadUtf8 => with_text(scene, b"charge posted \xC3\x28 \xFF\xFE"),
        Fault::PayloadUtf16 => utf16(&good()),
        Fault::PayloadBom => [b"\xEF\xBB\xBF", &good()[..]].concat(),
        Fault::PayloadWildMsa3 => with_text(scene, &wild(form)),
        Fault::PayloadBitFlip => flipped(good(), scene),
        Fault::PayloadExtraSegments => {
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
