//! How two messages that carry one charge are laid beside each other, for whoever reads the proof.

use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::{Sent, SentLine};
use crate::check::findings::Told;
use crate::check::wording::circumstance::{circumstance, moments, witness};
use crate::check::wording::events::describe_charge;
use crate::check::wording::mask::{Mask, Sides};
use crate::hl7::{Message, diff};
use crate::verdict::{FieldDifference, Proof};

/// How many differences between two witnesses are shown.
const DIFFERENCES: usize = 20;

/// A finding with two witnesses and what happened between them.
pub(crate) fn laid_out(
    evidence: &Evidence<'_>,
    mask: &Mask,
    order: &[u8],
    (first, second): (&Sent<'_>, &Sent<'_>),
    message: String,
) -> Told {
    let shown = if first.whole { first } else { second };
    let proof = Proof {
        charge: describe_charge(evidence, order, shown),
        attempts: vec![witness(evidence, first), witness(evidence, second)],
        between: moments(evidence, first, Some(second)),
        differences: differences(first, second, mask),
    };
    Told { circumstance: circumstance(evidence, order, first, second), message, proof: Some(proof) }
}

/// How the second message differs from the first; nothing for a part, which differs everywhere.
fn differences(first: &Sent<'_>, second: &Sent<'_>, mask: &Mask) -> Vec<FieldDifference> {
    if !(first.whole && second.whole) {
        return Vec::new();
    }
    let (first, second) = (Message::read(first.payload), Message::read(second.payload));
    differences_of(&first, &second, mask)
}

/// How two lines differ.
pub(crate) fn line_differences(
    (sent, first): (&Sent<'_>, &SentLine),
    (again, second): (&Sent<'_>, &SentLine),
    mask: &Mask,
) -> Vec<FieldDifference> {
    let message =
        |sent: &Sent<'_>| sent.apart.map_or(sent.payload, |(payload, _)| payload).to_vec();
    let (one, other) = (message(sent), message(again));
    let line = |message: &[u8], line: &SentLine| {
        let segment = Message::read(message).segment("FT1", line.ft1 as usize);
        segment.map(|segment| segment.range())
    };
    let of = |message: &[u8], range: Option<std::ops::Range<usize>>| {
        range.map_or(Vec::new(), |range| message[range].to_vec())
    };
    let (one, other) = (of(&one, line(&one, first)), of(&other, line(&other, second)));
    differences_of(&Message::read(&one), &Message::read(&other), mask)
}

fn differences_of(first: &Message<'_>, second: &Message<'_>, mask: &Mask) -> Vec<FieldDifference> {
    let (first_page, second_page) = (mask.page(first), mask.page(second));
    let sides = Sides { expected: Some(&first_page), found: &second_page };
    diff(first, second).iter().take(DIFFERENCES).map(|difference| sides.show(difference)).collect()
}
