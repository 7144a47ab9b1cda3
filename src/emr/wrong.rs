//! Answers that are wrong inside a good frame: malformed payloads, and acknowledgements of
//! another message.

use crate::emr::answer::{Scene, join};
use crate::emr::odd;
use crate::hl7::ack::Code;
use crate::hl7::escape::escape;
use crate::plan::{Fault, Parameters};

/// A malformed payload, by the name of its fault.
pub(crate) fn payload(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<u8> {
    let msh = || scene.segments().swap_remove(0);
    let msa = || scene.msa(b"AA", scene.message.control_id());
    let good = || scene.acknowledge(Code::AA, with);
    let form = || with.form.as_deref().or_else(|| fault.forms().first().copied()).unwrap_or("");
    match fault {
        Fault::PayloadJunk => text(with, "fail"),
        Fault::PayloadSemiJunk => text(with, "MSA"),
        Fault::PayloadEmpty => Vec::new(),
        Fault::PayloadBlank => b"   \r".to_vec(),
        Fault::PayloadNoMsa => join(&[msh()]),
        Fault::PayloadNoMsh => join(&[msa()]),
        Fault::PayloadErrWithoutMsa => join(&[msh(), scene.complaint(103, with)]),
        Fault::PayloadMsaFirst => join(&[msa(), msh()]),
        Fault::PayloadCodeEmpty => coded(scene, b""),
        Fault::PayloadCodeUnknown | Fault::PayloadCodePrefix => coded(scene, form().as_bytes()),
        Fault::PayloadCodeCase => coded(scene, if form() == "blank" { b"AA " } else { b"aa" }),
        Fault::PayloadTwoMsa => join(&[msh(), msa(), scene.msa(b"AE", scene.message.control_id())]),
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
        Fault::PayloadTruncated => truncated(&good()),
        _ => odd::payload(fault, form(), scene),
    }
}

/// An acknowledgement whose MSA-2 is not the id of the message, by the name of its fault.
pub(crate) fn misrouted(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<u8> {
    let id = scene.message.control_id();
    let wrong: Vec<u8> = match fault {
        Fault::MatchPrevious => scene.previous.to_vec(),
        Fault::MatchEmpty | Fault::MatchInMsh10Only => Vec::new(),
        Fault::MatchTruncated => {
            let most = with.bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(10);
            id[..id.len().saturating_sub(1).min(most)].to_vec()
        }
        Fault::MatchPadded => [id, b"    "].concat(),
        Fault::MatchNumeric if with.form.as_deref() == Some("leading-zeros") => {
            without_leading_zeros(id)
        }
        Fault::MatchNumeric => numeric(id),
        Fault::MatchReEscaped => escaped_again(id, scene),
        Fault::MatchOnConnect => text(with, "STALE0001"),
        _ => text(with, "NOT-YOUR-MESSAGE"), // match/other
    };
    let mut segments = scene.segments();
    segments.truncate(1);
    if fault == Fault::MatchInMsh10Only {
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
