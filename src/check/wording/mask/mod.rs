//! What may be shown of the bytes that came over the wire: nothing but what is known to be harmless.
//!
//! Known are the values of the plan's own exams, which are made up. Harmless is what stands in a field
//! of the list in [`forms`] and looks like what belongs there. Everything else is masked with its
//! length kept, an unknown segment as a whole. [`Masked`] can be made here alone, and no other file of
//! this room turns bytes into words, which a test holds: nobody can forget to mask. This does **not**
//! touch snapshots, which are only taken of exams of the plan.

mod forms;
mod reply;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;

use crate::charge::CREDIT;
use crate::hl7::{Delimiters, Difference, Message, Path, Segment, visible};
use crate::verdict::FieldDifference;

use crate::check::evidence::index::Evidence;
use crate::check::evidence::known::{Known, SEPARATORS};
use forms::{Form, is_identifier, is_placeholder, is_segment, stands};

/// Text of the wire that may be shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Masked(String);

impl Masked {
    /// Whether there was nothing to show.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing of it is masked.
    pub(crate) fn is_clear(&self) -> bool {
        !self.0.contains(MASK)
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<Masked> for String {
    fn from(masked: Masked) -> Self {
        masked.0
    }
}

/// What decides over the values of one history.
#[derive(Clone, Copy)]
pub(crate) struct Mask<'e> {
    evidence: &'e Evidence<'e>,
}

impl<'e> Mask<'e> {
    /// The mask over what `evidence` holds.
    pub(crate) const fn of(evidence: &'e Evidence<'_>) -> Self {
        Self { evidence }
    }

    /// A message of which something is to be shown.
    pub(crate) fn page<'m>(self, message: &'m Message<'m>) -> Page<'m>
    where
        'e: 'm,
    {
        let order = self.evidence.plan.mapping.identity.order.parse().ok();
        let is_driven = !self.evidence.is_field_capture();
        let origin = if is_driven { Origin::Driven } else { Origin::Anywhere };
        Page { known: self.known(), order, origin, message, private: OnceCell::new() }
    }

    /// A value that says which order, message or transaction is meant, apart from any message.
    pub(crate) fn identifier(self, value: &[u8]) -> Masked {
        self.page(&Message::read(b"")).parts(value, Some(Form::Identifier), Trust::Given)
    }

    /// What the agreement says: it was not on the wire.
    pub(crate) fn agreed(self, value: &[u8]) -> Masked {
        Masked(visible(value))
    }

    fn known(self) -> &'e Known {
        self.evidence.known()
    }
}

/// Who sent what is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A sender that was handed exams of the plan.
    Driven,
    /// Whoever connected.
    Anywhere,
}

/// Whether the place of a value can be relied on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Given,
    Withheld,
}

/// A message of which something is to be shown.
pub(crate) struct Page<'m> {
    known: &'m Known,
    /// Where the agreement has the order.
    order: Option<Path>,
    origin: Origin,
    message: &'m Message<'m>,
    /// What the message itself says of its patient.
    private: OnceCell<BTreeSet<&'m [u8]>>,
}

impl<'m> Page<'m> {
    /// An order that line `ft1` of the message is of.
    pub(crate) fn order(&self, order: &[u8], ft1: usize) -> Masked {
        let (number, credit) = match order.strip_suffix(CREDIT.as_bytes()) {
            Some(number) => (number, CREDIT),
            None => (order, ""),
        };
        let named = self.order.as_ref().filter(|path| path.segment != "FT1");
        let segment = match named {
            Some(path) => self.message.segment(&path.segment, path.occurrence),
            None => self.message.segment("FT1", ft1),
        };
        let shown = self.parts(number, Some(Form::Identifier), trust(segment.as_ref()));
        Masked(format!("{shown}{credit}"))
    }

    /// MSH-10. In a run of ours the sender made it up, in whatever letters it likes.
    pub(crate) fn control_id(&self) -> Masked {
        let id = self.message.control_id();
        let is_ours = self.origin == Origin::Driven && is_identifier(id);
        if is_ours && !self.private().contains(id) {
            return Masked(visible(id));
        }
        let header = self.message.segments().next();
        self.parts(id, Some(Form::Identifier), trust(header.as_ref()))
    }

    /// The value at `path`, which names a field or less.
    pub(crate) fn at(&self, path: &Path) -> Masked {
        let value = self.message.get(path).unwrap_or_default();
        let segment = self.message.segment(&path.segment, path.occurrence);
        match segment {
            Some(segment) if path.component.is_none() => {
                Masked(self.field(&segment, path.field, value, trust(Some(&segment))))
            }
            segment => {
                let place = (path.field, path.component.unwrap_or(1));
                let form = self.form(path.segment.as_bytes(), place.0, place.1);
                self.parts(value, form, trust(segment.as_ref()))
            }
        }
    }

    /// What a segment is called.
    pub(crate) fn name(&self, segment: &Segment<'_>) -> Masked {
        let id = segment.id();
        Masked(if is_segment(id) { visible(id) } else { whole(id) })
    }

    /// The whole of a line that is a segment, or was to be one.
    pub(crate) fn line(&self, raw: &[u8]) -> Masked {
        let mut segments = self.message.segments();
        let segment = segments.find(|segment| segment.raw() == raw);
        Masked(segment.map_or_else(|| whole(raw), |segment| self.segment(&segment, raw)))
    }

    /// A value that stands at the place that a difference names: a field, or a whole segment.
    fn value(&self, place: Option<&Place>, raw: &[u8]) -> Masked {
        let segment =
            place.and_then(|place| self.message.segment(&place.segment, place.occurrence));
        let Some((place, segment)) = place.zip(segment) else { return Masked(whole(raw)) };
        Masked(match place.field {
            Some(number) => self.field(&segment, number, raw, trust(Some(&segment))),
            None => self.segment(&segment, raw),
        })
    }

    /// A segment with the delimiters of `like`; one that HL7 does not know, as a whole.
    fn segment(&self, like: &Segment<'_>, raw: &[u8]) -> String {
        let id = like.id();
        if !is_segment(id) || id[0] == b'Z' {
            return whole(raw);
        }
        let separator = like.delimiters().field;
        // MSH-1 is the separator itself, so that the field numbers of a header are one ahead.
        let shift = usize::from(is_header(id));
        let trust = trust(Some(like));
        let mut shown = String::new();
        for (index, field) in raw.split(|&byte| byte == separator).enumerate() {
            if index == 0 {
                shown.push_str(&visible(field));
            } else {
                shown.push_str(&visible(&[separator]));
                shown.push_str(&self.field(like, index + shift, field, trust));
            }
        }
        shown
    }

    fn field(&self, of: &Segment<'_>, number: usize, raw: &[u8], trust: Trust) -> String {
        let id = of.id();
        let Delimiters { component, repetition, subcomponent, .. } = of.delimiters();
        if is_header(id) && number <= 2 {
            return self.part(raw, self.form(id, number, 1), trust);
        }
        if [component, repetition, subcomponent].iter().any(u8::is_ascii_alphanumeric) {
            return whole(raw); // what separates its parts may be a letter of a name
        }
        joined(raw, repetition, |_, raw| {
            joined(raw, component, |place, raw| {
                let form = self.form(id, number, place);
                joined(raw, subcomponent, |place, raw| {
                    self.part(raw, form.filter(|_| place == 1), trust)
                })
            })
        })
    }

    /// A value of which only the first component has a form.
    fn parts(&self, value: &[u8], form: Option<Form>, trust: Trust) -> Masked {
        let Delimiters { component, subcomponent, .. } = Delimiters::default();
        Masked(joined(value, component, |place, raw| {
            joined(raw, subcomponent, |inner, raw| {
                self.part(raw, form.filter(|_| (place, inner) == (1, 1)), trust)
            })
        }))
    }

    /// A value without separators.
    fn part(&self, part: &[u8], form: Option<Form>, trust: Trust) -> String {
        let is_harmless = |form: Form| {
            let is_ambiguous = form.is_ambiguous(part);
            form.fits(part)
                && (!is_ambiguous || trust == Trust::Given && !self.private().contains(part))
        };
        let may_be_shown = part.is_empty()
            || self.known.has(part)
            || is_placeholder(part)
            || form.is_some_and(is_harmless);
        if may_be_shown { visible(part) } else { whole(part) }
    }

    fn form(&self, id: &[u8], number: usize, component: usize) -> Option<Form> {
        let is_order = self.order.as_ref().is_some_and(|path| {
            (path.segment.as_bytes(), path.field, path.component.unwrap_or(1))
                == (id, number, component)
        });
        if is_order { Some(Form::Identifier) } else { forms::at(id, number, component) }
    }

    /// What the fields of the patient hold, but for the order where the agreement has it there.
    fn private(&self) -> &BTreeSet<&'m [u8]> {
        self.private.get_or_init(|| {
            let fields = self.message.segments().flat_map(|segment| {
                let id = segment.id();
                let private = segment.fields().filter(move |(number, _)| is_private(id, *number));
                private.filter(|(number, _)| self.form(id, *number, 1) != Some(Form::Identifier))
            });
            let parts =
                fields.flat_map(|(_, field)| field.raw().split(|byte| SEPARATORS.contains(byte)));
            parts.filter(|part| part.len() >= SHORTEST_PRIVATE).collect()
        })
    }
}

/// How two messages, or a message and the agreement, differ.
pub(crate) struct Sides<'s, 'm> {
    /// Where what was expected comes from; from the agreement, if from no message.
    pub(crate) expected: Option<&'s Page<'m>>,
    /// The message that has what was found.
    pub(crate) found: &'s Page<'m>,
}

impl Sides<'_, '_> {
    /// A difference with all that must not be shown masked, its path too: where delimiters are not
    /// what they should be, a segment may be called as a patient.
    pub(crate) fn show(&self, difference: &Difference) -> FieldDifference {
        let place = Place::read(&difference.path);
        let path = if place.is_some() {
            difference.path.clone()
        } else {
            whole(difference.path.as_bytes())
        };
        let expected = match self.expected {
            Some(page) => page.value(place.as_ref(), &difference.expected),
            None => Masked(visible(&difference.expected)),
        };
        let found = self.found.value(place.as_ref(), &difference.found);
        FieldDifference { path, expected: expected.into(), found: found.into() }
    }
}

/// Where a difference lies.
struct Place {
    segment: String,
    occurrence: usize,
    field: Option<usize>,
}

impl Place {
    /// What a path names, `FT1[2]-26` or `FT1[2]`; nothing where that is no segment of HL7.
    fn read(path: &str) -> Option<Self> {
        let segment = path.get(..3).filter(|id| is_segment(id.as_bytes()))?.to_owned();
        let (place, field) = match path[3..].split_once('-') {
            Some((place, field)) => (place, Some(field.split(['.', '[']).next()?.parse().ok()?)),
            None => (&path[3..], None),
        };
        let occurrence = match place.strip_prefix('[') {
            Some(number) => number.strip_suffix(']')?.parse().ok()?,
            None => place.is_empty().then_some(1)?,
        };
        Some(Self { segment, occurrence, field })
    }
}

fn trust(segment: Option<&Segment<'_>>) -> Trust {
    if segment.is_some_and(stands) { Trust::Given } else { Trust::Withheld }
}

/// A value of which nothing is shown but its length.
fn whole(value: &[u8]) -> String {
    if value.is_empty() {
        return String::new();
    }
    format!("{MASK}({})", visible(value).chars().count())
}

/// What stands in place of a value.
const MASK: &str = "•••";

/// The parts of a value, each as `show` has it, with what separates them.
fn joined(raw: &[u8], separator: u8, show: impl Fn(usize, &[u8]) -> String) -> String {
    let parts = raw.split(|&byte| byte == separator).enumerate();
    let parts: Vec<String> = parts.map(|(index, part)| show(index + 1, part)).collect();
    parts.join(&visible(&[separator]))
}

fn is_header(id: &[u8]) -> bool {
    matches!(id, b"MSH" | b"FHS" | b"BHS")
}

/// The fields that say who the patient is, or somebody beside him.
fn is_private(id: &[u8], number: usize) -> bool {
    match id {
        b"PID" | b"NK1" | b"GT1" | b"IN1" | b"IN2" | b"IN3" => number > 1,
        b"PV1" => number == 19,
        b"FT1" => number == 9,
        _ => false,
    }
}

/// A value of a patient that is shorter may stand anywhere by chance.
const SHORTEST_PRIVATE: usize = 3;

#[cfg(test)]
mod tests;
