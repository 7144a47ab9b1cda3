//! Which charge a text is about, whatever its form: by the numbers that it names, and by whether it
//! carries what is charged.
//!
//! Numbers are compared as people read them: without leading zeros, in any case, with or without
//! letters before them. Does **not** judge, and does not ask where in a message a number stands.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap};

use crate::charge::{as_read, read_alike, without_zeros};

use crate::check::evidence::layers::Layers;
use foldhash::fast::RandomState;

/// The shortest number that can be told from others.
const SHORTEST: usize = 3;

/// A number so short is only taken for one where nothing stands beside it.
const SHORT: usize = 5;

/// What a charge is known by.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    /// The order's number as it stands on the wire.
    pub(crate) order: Vec<u8>,
    /// Numbers of the order: ours and the EMR's.
    pub(crate) orders: Vec<Vec<u8>>,
    /// Numbers of the patient: record and account.
    pub(crate) patients: Vec<Vec<u8>>,
    /// The codes of what is charged.
    pub(crate) codes: Vec<Vec<u8>>,
}

/// Subjects, found by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    list: Vec<Subject>,
    /// Subjects by a number, as people read it.
    by_order: HashMap<Vec<u8>, Vec<usize>, RandomState>,
    by_patient: HashMap<Vec<u8>, Vec<usize>, RandomState>,
    /// Those numbers that are written in several parts: no other is put together from parts.
    in_parts: BTreeSet<Vec<u8>>,
}

/// Whom a text is about.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Subjects whose order is named; if there is none, those whose patient is.
    pub(crate) subjects: Vec<usize>,
    /// Whether their orders are named.
    pub(crate) by_order: bool,
    /// Those of them whose charge it carries.
    pub(crate) charged: Vec<usize>,
    /// Subjects whose patient is named.
    pub(crate) of_patients: BTreeSet<usize>,
}

/// What kind of text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nobody agreed on it: whatever can be taken for a charge is one.
    Nothing,
    /// A result was agreed, which names order, patient and procedure: only a charge line in it is one.
    Result,
    /// Segments that nobody agreed on, in a message that somebody did.
    Beside,
}

/// The subjects of a history, once somebody asks.
pub(crate) type KnownSubjects<'e> = LazyCell<Subjects, Box<dyn FnOnce() -> Subjects + 'e>>;

impl Subjects {
    /// Adds a subject.
    pub(crate) fn add(&mut self, subject: Subject) {
        let index = self.list.len();
        for (numbers, map) in
            [(&subject.orders, &mut self.by_order), (&subject.patients, &mut self.by_patient)]
        {
            let long = |number: &&Vec<u8>| as_read(number).len() >= SHORTEST;
            for number in numbers.iter().filter(long) {
                let has_parts = number.iter().any(|byte| joins(*byte));
                let number = as_read(number);
                if has_parts {
                    self.in_parts.insert(number.clone());
                }
                let known = map.entry(number).or_default();
                if known.last() != Some(&index) {
                    known.push(index);
                }
            }
        }
        self.list.push(subject);
    }

    /// The subject at this place.
    pub(crate) fn get(&self, index: usize) -> &Subject {
        &self.list[index]
    }

    /// The first subject of this order.
    pub(crate) fn of_order(&self, order: &[u8]) -> Option<usize> {
        let found = self.by_order.get(&as_read(order))?;
        let reads =
            |index: &usize| self.list[*index].orders.iter().any(|own| read_alike(order, own));
        found.iter().copied().find(reads)
    }

    /// The one subject whose order is part of this one, or the other way round: with a prefix or a
    /// suffix it is the same number to whoever reads it.
    pub(crate) fn of_part(&self, order: &[u8]) -> Option<usize> {
        let number = as_read(order);
        let is_part = |subject: &&Subject| {
            let own = as_read(&subject.order);
            own.len() >= SHORT
                && number.len() >= SHORT
                && (contains(&number, &own) || contains(&own, &number))
        };
        let mut found = (0..).zip(&self.list).filter(|(_, subject)| is_part(subject));
        let only = found.next().map(|(index, _)| index);
        only.filter(|_| found.next().is_none())
    }

    /// Whether the numbers of a charge are this subject's: one of its patients, and one of its codes.
    pub(crate) fn agrees(&self, index: usize, patient: &[u8], code: &[u8]) -> bool {
        let subject = &self.list[index];
        let patient = as_read(patient);
        subject.patients.iter().any(|own| as_read(own) == patient)
            && names_one(code, &subject.codes)
    }

    /// Whether it is of this patient.
    pub(crate) fn is_of(&self, index: usize, patient: &[u8]) -> bool {
        let patient = as_read(patient);
        self.list[index].patients.iter().any(|own| as_read(own) == patient)
    }

    /// Subjects of which a text has the code, and the order in parts, among other digits or in a record
    /// of fixed columns. Without the code, digits that happen to be an order's are a time or a number of
    /// somebody else.
    fn spelled_apart(&self, layers: &Layers<'_>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for whole in &layers.texts {
            let text = squeezed(whole);
            for (order, subjects) in &self.by_order {
                let is_there = match order.len() >= SHORT {
                    true => contains(&text, order),
                    false => has_run(whole, order),
                };
                if is_there {
                    let has_code = |index: &&usize| self.has_code_in(**index, &text);
                    found.extend(subjects.iter().filter(has_code).copied());
                }
            }
        }
        found
    }

    fn has_code_in(&self, index: usize, squeezed: &[u8]) -> bool {
        self.list[index].codes.iter().any(|code| contains(squeezed, &as_read(code)))
    }

    /// Whom a text is about.
    pub(crate) fn named(&self, layers: &Layers<'_>, expected: Expected) -> Named {
        let (mut orders, mut patients) = (BTreeSet::new(), BTreeSet::new());
        for text in &layers.texts {
            each_number(text, &mut |number, joined| {
                if joined && !self.in_parts.contains(number) {
                    return;
                }
                orders.extend(self.by_order.get(number).into_iter().flatten().copied());
                patients.extend(self.by_patient.get(number).into_iter().flatten().copied());
            });
        }
        if orders.is_empty() && patients.is_empty() && expected == Expected::Nothing {
            orders = self.spelled_apart(layers);
        }
        let by_order = !orders.is_empty();
        let of_patients = patients.clone();
        let subjects = if by_order { orders } else { patients };
        let carries = |index: &usize| {
            let texts = layers.texts.iter().enumerate();
            let subject = &self.list[*index];
            texts.into_iter().any(|(layer, text)| match expected {
                Expected::Result => has_charge_line(text) && names_one(text, &subject.codes),
                Expected::Beside if layer == 0 => has_own_line(text, subject),
                Expected::Nothing | Expected::Beside => carries_charge(text, subject, layer == 0),
            })
        };
        let subjects: Vec<usize> = subjects.into_iter().collect();
        let charged = subjects.iter().copied().filter(|index| carries(index)).collect();
        Named { subjects, by_order, charged, of_patients }
    }
}

/// Whether one of the segments charges an order: FT1 in any case, or a segment of the sender's own.
fn has_own_line(text: &[u8], subject: &Subject) -> bool {
    let mut lines = text.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.any(|line| {
        let is_own = segment_id(line).is_some_and(|id| id[0] == b'Z' || id == *b"FT1");
        is_own && names_one(line, &subject.codes) && names_one(line, &subject.orders)
    })
}

/// The letters and digits of a text without its headers and without highlighting, in capitals; digits of
/// full width are digits.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let is_header = |line: &&[u8]| HEADERS.iter().any(|id| line.starts_with(&id[..]));
    let lines = text.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !is_header(line));
    let mut out = Vec::with_capacity(text.len());
    for line in lines {
        let mut rest = line;
        while let [first, after @ ..] = rest {
            rest = match rest {
                // \H\ and \N\ begin and end highlighting (HL7 v2 chapter 2, section 2.7).
                [b'\\', b'H' | b'N', b'\\', more @ ..] => more,
                [0xEF, 0xBC, digit @ 0x90..=0x99, more @ ..] => {
                    out.push(digit - 0x90 + b'0');
                    more
                }
                _ => {
                    out.extend(first.is_ascii_alphanumeric().then(|| first.to_ascii_uppercase()));
                    after
                }
            };
        }
    }
    out
}

/// Whether a short number is a whole run of digits of a text.
fn has_run(text: &[u8], number: &[u8]) -> bool {
    let is_digit =
        |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
    let mut places = memchr::memmem::find_iter(text, number);
    places.any(|at| !is_digit(at.checked_sub(1)) && !is_digit(Some(at + number.len())))
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(whole, part).is_some()
}

/// Calls `found` with every number that may be read in a text, and whether it was put together from
/// parts: each run of letters and digits, several with what joins them, and the digits beside letters.
fn each_number(text: &[u8], found: &mut dyn FnMut(&[u8], bool)) {
    let is_run = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let mut joined: Vec<u8> = Vec::new();
    let mut parts = 0;
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().position(|byte| !is_run(byte)).unwrap_or(text.len() - at);
        let run: Vec<u8> = text[at..at + length].iter().map(u8::to_ascii_uppercase).collect();
        let next = text.get(at + length).copied();
        if !run.is_empty() {
            let alone = parts == 0 && next.is_none_or(|byte| !joins(byte));
            number_of(&run, alone, found);
            joined.extend_from_slice(&run);
            parts += 1;
        }
        let goes_on = length > 0 && next.is_some_and(joins) && joined.len() < LONGEST_NUMBER;
        if !goes_on {
            if parts > 1 {
                found(without_zeros(&joined), true);
            }
            joined.clear();
            parts = 0;
        }
        at += length + 1;
    }
}

/// The longest number that is put together from its parts.
const LONGEST_NUMBER: usize = 64;

/// What stands inside numbers: `2017-041006`, `A.17/6`.
const fn joins(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'/' | b'_' | b':')
}

fn number_of(run: &[u8], alone: bool, found: &mut dyn FnMut(&[u8], bool)) {
    let whole = without_zeros(run);
    if whole.len() >= SHORT || alone {
        found(whole, false);
    }
    if run.iter().all(u8::is_ascii_digit) {
        return;
    }
    // The letters beside digits may be somebody's prefix or suffix.
    for digits in run.split(|byte| !byte.is_ascii_digit()).map(without_zeros) {
        if digits.len() >= SHORT {
            found(digits, false);
        }
    }
}

/// Whether a text names one of these codes.
pub(crate) fn names_one(text: &[u8], codes: &[Vec<u8>]) -> bool {
    let mut found = false;
    let is_one = |number: &[u8]| codes.iter().any(|code| as_read(code) == number);
    each_number(text, &mut |number, _| found |= is_one(number));
    found
}

/// Whether a text has a charge line: FT1 in any case, where a segment or an element begins.
pub(crate) fn has_charge_line(text: &[u8]) -> bool {
    let begins = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x0B | b'<' | b'"' | b'\'');
    let is_line = |at: usize| {
        let is_id = text[at..].get(1..3).is_some_and(|rest| rest.eq_ignore_ascii_case(b"T1"));
        let before = text[..at].iter().rev().find(|byte| **byte != b' ');
        if !is_id || !before.is_none_or(begins) {
            return false;
        }
        match text[at + 3..] {
            // A word in quotes is the name of what follows, or a word.
            [b'"' | b'\'', ref rest @ ..] => rest.trim_ascii_start().starts_with(b":"),
            [end, ..] => end.is_ascii_punctuation(),
            [] => false,
        }
    };
    memchr::memchr2_iter(b'F', b'f', text).any(is_line)
}

/// Whether a text that nobody agreed on carries one of these codes as a charge of one of these orders. A
/// procedure that was ordered, reported or documented is none; in a bill, in a segment of a site's own
/// beside the order, and in a text that speaks of charges it is.
fn carries_charge(text: &[u8], subject: &Subject, is_whole: bool) -> bool {
    if !names_one(text, &subject.codes) {
        return false;
    }
    if has_charge_line(text) {
        return true;
    }
    let text = text.trim_ascii_start();
    let begins = |id: &[u8; 3]| text.get(..3).is_some_and(|own| own.eq_ignore_ascii_case(id));
    if !HEADERS.iter().any(|id| begins(id)) {
        return is_whole && speaks_of_charges(text);
    }
    let mut lines = text.split(|byte| matches!(byte, b'\r' | b'\n'));
    let code = lines.clone().next().map(code_of).unwrap_or_default();
    let is_bill = matches!(code.as_slice(), b"BAR" | b"DFT");
    let is_own = begins(b"FHS") || begins(b"BHS") || code.starts_with(b"Z");
    lines.any(|line| {
        let Some(id) = segment_id(line) else { return false };
        let tells = match &id {
            b"PR1" => is_bill,
            [b'Z', ..] => is_own || is_bill,
            _ => (begins(b"FHS") || begins(b"BHS")) && !HEADERS.contains(&&id),
        };
        let names_order = || id == *b"PR1" || names_one(line, &subject.orders);
        tells && names_one(line, &subject.codes) && names_order()
    })
}

/// The id of the segment that a line is, in capitals; none where it is no segment but a line of text.
fn segment_id(line: &[u8]) -> Option<[u8; 3]> {
    let line = line.trim_ascii_start();
    let [a, b, c, separator, ..] = *line else { return None };
    let is_id = a.is_ascii_alphabetic() && b.is_ascii_alphanumeric() && c.is_ascii_alphanumeric();
    let is_apart = separator.is_ascii_graphic() && !separator.is_ascii_alphanumeric();
    (is_id && is_apart).then(|| [a, b, c].map(|byte| byte.to_ascii_uppercase()))
}

/// The code of a message's type by its header, in capitals, whichever case it is written in.
fn code_of(header: &[u8]) -> Vec<u8> {
    let separator = header.get(3).copied().unwrap_or(b'|');
    let kind = header.split(|&byte| byte == separator).nth(8).unwrap_or_default();
    let code = kind.split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    code.to_ascii_uppercase()
}

/// Whether a text of somebody's own has a word for what is charged.
fn speaks_of_charges(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 9] =
        [b"CHARGE", b"CHG", b"BILL", b"INVOICE", b"CLAIM", b"AMOUNT", b"PRICE", b"FT1", b"DFT"];
    let text = text.to_ascii_uppercase();
    WORDS.iter().any(|word| contains(&text, word))
}

/// What begins a text of HL7.
const HEADERS: [&[u8; 3]; 3] = [b"MSH", b"FHS", b"BHS"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Expected, Subject, Subjects};
    use crate::check::evidence::layers::Layers;

    fn subjects() -> Subjects {
        let subject = |order: &str, emr: &str, patient: &str| Subject {
            order: order.into(),
            orders: vec![order.into(), emr.into()],
            patients: vec![patient.into()],
            codes: vec![b"92250".to_vec()],
        };
        let mut subjects = Subjects::default();
        subjects.add(subject("273013", "2017-041006", "ITCC20170410"));
        subjects.add(subject("77", "EPIC17", "ITCC20170410"));
        subjects
    }

    #[rstest]
    #[case::order("ZZZ|273013|", &[0])]
    #[case::zeros("ZZZ|00273013|", &[0])]
    #[case::prefix("ZZZ|IRIS273013|", &[0])]
    #[case::suffix("ZZZ|273013A|", &[0])]
    #[case::suffix_apart("ZZZ|273013-2|", &[0])]
    #[case::component("ZZZ|273013^EPIC|", &[0])]
    #[case::of_the_emr("ZZZ|2017-041006|", &[0])]
    #[case::of_the_emr_without_what_joins("ZZZ|2017041006|", &[0])]
    #[case::other_case("ZZZ|epic17|", &[1])]
    #[case::short_and_alone("ZZZ|EPIC17^77|", &[1])]
    #[case::short_in_a_time("ZZZ|12.77|", &[])]
    #[case::inside_a_number("ZZZ|12730130|", &[])]
    #[case::behind_a_digit_and_a_letter("ZZZ|1X273013|", &[0])]
    #[case::in_a_version("MSH|^~\\&|27.30.13", &[])]
    #[case::patient("PID|||itcc20170410", &[0, 1])]
    #[case::nobody("MSH|^~\\&|IRIS|IRIS|||20170410151351||NMQ^N01|170410151351|P|2.4\r", &[])]
    fn a_text_is_about_whom_it_names(#[case] text: &str, #[case] expected: &[usize]) {
        let named = subjects().named(&Layers::of(text.as_bytes()), Expected::Nothing);
        assert_eq!(named.subjects, expected);
    }

    #[rstest]
    #[case::bill("MSH|^~\\&|||||||BAR^P05|1\rPR1|1||92250\rPV1|1||||||||||273013\r", true)]
    #[case::patient_with_a_procedure(
        "MSH|^~\\&|||||||ADT^A08|1\rPR1|1||92250\rPV1|1||273013\r",
        false
    )]
    #[case::report("MSH|^~\\&|||||||ORU^R01|1\rOBR|1|273013||92250\r", false)]
    #[case::own_segment("MSH|^~\\&|||||||ZFT^Z01|1\rZFT|273013|92250\r", true)]
    #[case::lower_case("msh|^~\\&|||||||dft^p03|1\rft1|1||273013||||92250\r", true)]
    #[case::flat("BHS|^~\\&|\rCHG;273013;92250\rBTS|1\r", true)]
    #[case::markup("<DFT_P03><FT1><FT1.3>273013</FT1.3><FT1.7>92250</FT1.7></FT1></DFT_P03>", true)]
    #[case::object("{\"charge\": {\"order\": \"273013\", \"code\": \"92250\"}}", true)]
    #[case::report_as_an_object("{\"order\": \"273013\", \"report\": \"92250\"}", false)]
    #[case::ward_called_so("MSH|^~\\&|||||||ORU^R01|1\rPV1|1|O|FT1\rOBR|1|273013||92250\r", false)]
    #[case::lines_of_a_document(
        "MSH|^~\\&|||||||MDM^T02|1\rTXA|273013\rOBX|1|TX|||Done:\\.br\\92250\r",
        false
    )]
    #[case::named_like_a_bill(
        "MSH|^~\\&|DFT|BAR|||||ADT^A08|1\rPR1|1||92250\rPV1|1||273013\r",
        false
    )]
    #[case::images("MSH|^~\\&|||||||OMI^O23|1\rORC|NW|273013\rIPC|273013|92250\r", false)]
    #[case::own_segment_of_a_report(
        "MSH|^~\\&|||||||ORU^R01|1\rOBR|1|273013\rZPR|273013|92250\r",
        false
    )]
    #[case::wrapped(
        "MSH|^~\\&|||||||MDM^T02|1\rOBX|1|TX|||FT1\\F\\1\\F\\\\F\\273013\\F\\92250\r",
        true
    )]
    #[case::told("MSH|^~\\&|||||||MDM^T02|1\rOBX|1|TX|||92250 was done for order 273013\r", false)]
    #[case::other_code("MSH|^~\\&|||||||ZFT^Z01|1\rZFT|273013|92228\r", false)]
    fn a_charge_is_known_in_any_form(#[case] text: &str, #[case] expected: bool) {
        let named = subjects().named(&Layers::of(text.as_bytes()), Expected::Nothing);
        assert_eq!(named.subjects, [0]);
        assert_eq!(!named.charged.is_empty(), expected);
    }
}
