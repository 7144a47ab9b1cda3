//! What a broken sender puts a charge into when it sends it again: messages of other types, other
//! notations, and places where nobody agreed that a charge may stand.

use crate::hl7::{Delimiters, Message, escape};
use crate::sender::broken::draft::Draft;

/// A form that nobody agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// BAR^P05 with the procedure in PR1 and the order in PV1-50.
    Bill,
    /// ORU^R01 with the charge's segments, escaped, in OBX-5.
    Observation,
    /// MDM^T02 with the whole charge in OBX-5, in base64.
    Document,
    /// XML.
    Markup,
    /// A message of its own type, with the charge lines in segments of their own.
    OwnSegment,
    /// The same message with the ids of its segments in lower case.
    LowerCase,
    /// The same message with the order in FT1-2 and none in FT1-3.
    OrderElsewhere,
    /// The same message with zeros before the order's number.
    PaddedOrder,
    /// The same message with another modifier and another transaction id on each line.
    OtherLine,
}

impl Wrapping {
    /// `payload`, a charge, in this form.
    pub(crate) fn of(self, payload: &[u8]) -> Vec<u8> {
        match self {
            Self::Bill => bill(payload),
            Self::Observation => reported(payload, "ORU^R01", &escaped(payload)),
            Self::Document => reported(payload, "MDM^T02", &base64(payload)),
            Self::Markup => markup(payload),
            Self::OwnSegment => own_segment(payload),
            Self::LowerCase => lower_case(payload),
            Self::OrderElsewhere => each_line(payload, |line| {
                let order = line.text(3);
                line.set(2, order);
                line.set(3, "");
            }),
            Self::PaddedOrder => each_line(payload, |line| {
                let order = line.text(3);
                line.set(3, format!("000{order}"));
            }),
            Self::OtherLine => each_line(payload, |line| {
                let other = format!("{}R", line.text(2));
                line.set(2, other);
                line.set(26, "76");
            }),
        }
    }
}

fn each_line(
    payload: &[u8],
    change: impl FnMut(&mut crate::sender::broken::draft::Line),
) -> Vec<u8> {
    let mut draft = Draft::of(payload);
    draft.each("FT1", change);
    draft.bytes()
}

/// The header and the patient under another type.
fn head(payload: &[u8], kind: &str) -> Draft {
    let mut draft = Draft::of(payload);
    draft.each("MSH", |header| header.set(9, kind));
    for id in ["FT1", "EVN", "PV1"] {
        draft.replace(id, Vec::new());
    }
    draft
}

fn bill(payload: &[u8]) -> Vec<u8> {
    let message = Message::read(payload);
    let text = |path| String::from_utf8_lossy(message.value(path)).into_owned();
    let mut draft = head(payload, "BAR^P05");
    draft.append(&format!("PV1|1|O{}{}", "|".repeat(48), text("FT1-3")));
    draft.append(&format!("PR1|1||{}||{}", text("FT1-7"), text("FT1-4")));
    draft.bytes()
}

fn reported(payload: &[u8], kind: &str, value: &str) -> Vec<u8> {
    let mut draft = head(payload, kind);
    draft.append("OBR|1|||SUMMARY^Summary");
    draft.append(&format!("OBX|1|TX|SUMMARY^Summary||{value}||||||F"));
    draft.bytes()
}

fn own_segment(payload: &[u8]) -> Vec<u8> {
    with_own_segments(&head(payload, "ZFT^Z03").bytes(), payload)
}

/// A message with the lines of a charge behind it, in segments of the sender's own.
pub(crate) fn with_own_segments(message: &[u8], charge: &[u8]) -> Vec<u8> {
    let mut draft = Draft::of(message);
    for line in Draft::of(charge).lines("FT1") {
        draft.append(&format!("ZFT|{}|{}|{}", line.text(3), line.text(6), line.text(7)));
    }
    draft.bytes()
}

fn escaped(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    escape::escape(&text, Delimiters::default()).replace("\\X0D\\", "\\.br\\")
}

fn markup(payload: &[u8]) -> Vec<u8> {
    let message = Message::read(payload);
    let mut out = String::from("<DFT_P03>");
    for segment in message.segments() {
        let id = String::from_utf8_lossy(segment.id());
        out.push_str(&format!("<{id}>"));
        for (number, field) in segment.fields().filter(|(_, field)| !field.raw().is_empty()) {
            let text = message.decoded(field.raw()).replace('&', "&amp;").replace('<', "&lt;");
            out.push_str(&format!("<{id}.{number}>{text}</{id}.{number}>"));
        }
        out.push_str(&format!("</{id}>"));
    }
    out.push_str("</DFT_P03>\r");
    out.into_bytes()
}

/// The header keeps its id: without one, nobody would read on.
fn lower_case(payload: &[u8]) -> Vec<u8> {
    let mut out = payload.to_vec();
    let mut starts: Vec<usize> = memchr::memchr_iter(b'\r', payload).map(|end| end + 1).collect();
    starts.retain(|start| start + 3 <= payload.len());
    for start in starts {
        out[start..start + 3].make_ascii_lowercase();
    }
    out
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    out
}
