//! Answers that are wrong inside a good frame: malformed payloads, and acknowledgements of
//! another message.

use crate::emr::answer::{Scene, join};
use crate::hl7::ack::Code;
use crate::plan::{Fault, Parameters};

/// A malformed payload, by the name of its fault.
pub(crate) fn payload(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<u8> {
    let msh = || scene.segments().swap_remove(0);
    let msa = || msa(scene, b"AA", scene.message.control_id());
    let good = || scene.acknowledge(Code::AA, with);
    match fault {
        Fault::PayloadJunk => text(with, "fail"),
        Fault::PayloadSemiJunk => text(with, "MSA"),
        Fault::PayloadEmpty => Vec::new(),
        Fault::PayloadBlank => b"   \r".to_vec(),
        Fault::PayloadNoMsa => join(&[msh()]),
        Fault::PayloadNoMsh => join(&[msa()]),
        Fault::PayloadErrWithoutMsa => join(&[msh(), b"ERR|FT1^1^7^103".to_vec()]),
        Fault::PayloadMsaFirst => join(&[msa(), msh()]),
        Fault::PayloadCodeEmpty => coded(scene, b""),
        Fault::PayloadCodeUnknown => coded(scene, b"OK"),
        Fault::PayloadCodePrefix => coded(scene, b"AAX"),
        Fault::PayloadCodeCase => coded(scene, b"aa"),
        Fault::PayloadTwoMsa => {
            join(&[msh(), msa(), self::msa(scene, b"AE", scene.message.control_id())])
        }
        Fault::PayloadLf => with_ends(&good(), b"\n"),
        Fault::PayloadCrlf => with_ends(&good(), b"\r\n"),
        Fault::PayloadLiteralNewline => with_ends(&good(), b"\\n"),
        Fault::PayloadMerged => join(&[[msh(), msa()].concat()]),
        Fault::PayloadNoFinalCr => without_final_cr(good()),
        Fault::PayloadProse => text(with, "NACK sent from receiver: charge could not be posted"),
        Fault::PayloadHttp => text(with, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        Fault::PayloadXml => xml(scene),
        Fault::PayloadDelimiters => other_delimiters(&good()),
        Fault::PayloadShifted => shifted(&msh(), msa()),
        Fault::PayloadNul => nul(good()),
        _ => truncated(&good()), // payload/truncated
    }
}

/// An acknowledgement whose MSA-2 is not the id of the message, by the name of its fault.
pub(crate) fn misrouted(fault: Fault, scene: &Scene<'_>) -> Vec<u8> {
    let id = scene.message.control_id();
    let wrong: Vec<u8> = match fault {
        Fault::MatchPrevious => scene.previous.to_vec(),
        Fault::MatchEmpty | Fault::MatchInMsh10Only => Vec::new(),
        Fault::MatchTruncated => id[..id.len().saturating_sub(1).min(10)].to_vec(),
        Fault::MatchPadded => [id, b"    "].concat(),
        Fault::MatchNumeric => numeric(id),
        Fault::MatchOnConnect => b"STALE0001".to_vec(),
        _ => b"NOT-YOUR-MESSAGE".to_vec(), // match/other
    };
    let mut segments = scene.segments();
    segments.truncate(1);
    if fault == Fault::MatchInMsh10Only {
        segments[0] = with_field(scene, &segments[0], 9, id);
    }
    segments.push(msa(scene, b"AA", &wrong));
    join(&segments)
}

fn text(with: &Parameters, default: &str) -> Vec<u8> {
    with.text.as_deref().unwrap_or(default).as_bytes().to_vec()
}

fn msa(scene: &Scene<'_>, code: &[u8], id: &[u8]) -> Vec<u8> {
    [b"MSA", code, id].join(&scene.message.delimiters().field)
}

fn coded(scene: &Scene<'_>, code: &[u8]) -> Vec<u8> {
    let msh = scene.segments().swap_remove(0);
    join(&[msh, msa(scene, code, scene.message.control_id())])
}

/// A segment with the piece at `index` (counted by separators) replaced.
fn with_field(scene: &Scene<'_>, segment: &[u8], index: usize, value: &[u8]) -> Vec<u8> {
    let separator = scene.message.delimiters().field;
    let mut fields: Vec<&[u8]> = segment.split(|&byte| byte == separator).collect();
    if let Some(field) = fields.get_mut(index) {
        *field = value;
    }
    fields.join(&separator)
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

/// What is left of an id that somebody kept as a floating point number, as a spreadsheet shows it.
fn numeric(id: &[u8]) -> Vec<u8> {
    let number: Option<f64> = std::str::from_utf8(id).ok().and_then(|text| text.parse().ok());
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return b"0".to_vec();
    };
    format!("{number:.4E}").replace('E', "E+").into_bytes()
}
