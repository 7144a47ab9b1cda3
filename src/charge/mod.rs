//! Which FT1 lines are the same charge: identity and fingerprint.
//!
//! The identity is what the agreement says makes a charge: its order and the parts of an FT1 that
//! make another charge of the same order. The fingerprint is the content without what changes from
//! one sending to the next, so that a charge sent again under other numbers is still recognised.
//! Neither looks at the control id: a resend under a new one is still a second charge.
//!
//! This room does **not** say whether two equal lines are a fault; that is a rule's to say.

mod fingerprint;

use serde::{Deserialize, Serialize};

use crate::hl7::{Delimiters, Field, Message, Path, Segment, escape};

/// What makes a charge, as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Where the order's number stands. A path in FT1 is read from each line, whatever occurrence
    /// it names; any other from the message.
    pub order: Path,
    /// The parts that make another charge of the same order. FT1-26 as a whole counts only by the
    /// component that it names, 26 or TC: with or without 52 it is the same charge.
    pub distinct: Vec<Path>,
}

impl Default for Agreement {
    /// The order in FT1-3; transaction type, code and component modifier tell charges apart.
    fn default() -> Self {
        Self {
            order: Path::field("FT1", 3),
            distinct: ["FT1-6", "FT1-7.1", "FT1-26"].map(Path::literal).to_vec(),
        }
    }
}

/// One charge of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which FT1 it is, from 1.
    pub ft1: usize,
    /// The order's number; empty when the message names none.
    pub order: Vec<u8>,
    /// The order and the distinct parts, each with its length before it, so that no two lists of
    /// parts read the same: `6:273013,2:CG,5:92250,2:TC,`.
    pub identity: Vec<u8>,
    /// The content without its volatile fields; the same in every run and on every machine.
    pub fingerprint: u64,
}

/// The charges of `message`, one for each FT1, in order.
#[must_use]
pub fn lines(message: &Message<'_>, agreement: &Agreement) -> Vec<Line> {
    let patient = fingerprint::patient(message);
    let charges = message.segments().filter(|segment| segment.id() == b"FT1");
    charges.map(|segment| line(message, &segment, agreement, &patient)).collect()
}

fn line(message: &Message<'_>, segment: &Segment<'_>, agreement: &Agreement, patient: &[u8]) -> Line {
    let order = part(message, segment, &agreement.order);
    let mut identity = Vec::new();
    append(&mut identity, &order);
    for path in &agreement.distinct {
        append(&mut identity, &part(message, segment, path));
    }
    let fingerprint = fingerprint::of(segment, patient);
    Line { ft1: segment.occurrence(), order, identity, fingerprint }
}

/// The value of `path` for one line, written the same however it was escaped or delimited.
fn part(message: &Message<'_>, segment: &Segment<'_>, path: &Path) -> Vec<u8> {
    if path.segment != "FT1" {
        return plain(message.get(path).unwrap_or_default(), message.delimiters());
    }
    if (path.field, path.repetition, path.component) == (MODIFIERS, None, None) {
        return component_modifier(segment);
    }
    plain(segment.get(path).unwrap_or_default(), message.delimiters())
}

/// The modifier that says which component of the procedure is charged: 26 for the professional, TC
/// for the technical one. Any other modifier describes the same charge.
fn component_modifier(segment: &Segment<'_>) -> Vec<u8> {
    let Some(field) = segment.field(MODIFIERS) else { return Vec::new() };
    let codes = field.repetitions().filter_map(|repetition| repetition.component(1));
    let mut components: Vec<&[u8]> =
        codes.map(<[u8]>::trim_ascii).filter(|code| matches!(*code, b"26" | b"TC")).collect();
    components.sort_unstable();
    components.dedup();
    components.join(&b'~')
}

/// A value without escapes, without the separators that end it and without blanks around it; those
/// inside it are written the usual way.
fn plain(raw: &[u8], delimiters: Delimiters) -> Vec<u8> {
    let usual = Delimiters::default();
    let separator = |byte: u8| match byte {
        _ if byte == delimiters.component => Some(usual.component),
        _ if byte == delimiters.subcomponent => Some(usual.subcomponent),
        _ if byte == delimiters.repetition => Some(usual.repetition),
        _ => None,
    };
    let mut out = Vec::with_capacity(raw.len());
    for piece in raw.chunk_by(|&left, &right| separator(left).is_none() && separator(right).is_none()) {
        match piece {
            [byte] if separator(*byte).is_some() => out.extend(separator(*byte)),
            _ => out.extend_from_slice(escape::unescape(piece, delimiters).trim_ascii()),
        }
    }
    let is_ending = |byte: &u8| [usual.component, usual.subcomponent, usual.repetition].contains(byte);
    let length = out.iter().rposition(|byte| !is_ending(byte)).map_or(0, |last| last + 1);
    out.truncate(length);
    out
}

fn append(identity: &mut Vec<u8>, part: &[u8]) {
    identity.extend_from_slice(part.len().to_string().as_bytes());
    identity.push(b':');
    identity.extend_from_slice(part);
    identity.push(b',');
}

/// FT1-26, procedure code modifier (HL7 v2.3.1 on, section 6.5.1.26).
const MODIFIERS: usize = 26;
