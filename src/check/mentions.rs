//! Which charge a text is about, whatever its form: by the numbers that it names, and by whether it
//! carries what is charged.
//!
//! Numbers are compared as people read them: without leading zeros, in any case, with or without
//! letters before them. Does **not** judge, and does not ask where in a message a number stands.

use std::collections::{BTreeSet, HashMap};

use crate::charge::{as_read, without_zeros};

use super::layers::Layers;
use super::quick::Quick;

/// The shortest number that can be told from others.
const SHORTEST: usize = 3;

/// A number so short is only taken for one where nothing stands beside it.
const SHORT: usize = 5;

/// What a charge is known by.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The order's number as it stands on the wire.
    pub(super) order: Vec<u8>,
    /// Numbers of the order: ours and the EMR's.
    pub(super) orders: Vec<Vec<u8>>,
    /// Numbers of the patient: record and account.
    pub(super) patients: Vec<Vec<u8>>,
    /// The codes of what is charged.
    pub(super) codes: Vec<Vec<u8>>,
}

/// Subjects, found by their numbers.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    list: Vec<Subject>,
    /// Subjects by a number, as people read it.
    by_order: HashMap<Vec<u8>, Vec<usize>, Quick>,
    by_patient: HashMap<Vec<u8>, Vec<usize>, Quick>,
}

/// Whom a text is about.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Subjects whose order is named; if there is none, those whose patient is.
    pub(super) subjects: Vec<usize>,
    /// Whether their orders are named.
    pub(super) by_order: bool,
    /// Those of them whose charge it carries.
    pub(super) charged: Vec<usize>,
}

/// What kind of text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nobody agreed on it: whatever can be taken for a charge is one.
    Nothing,
    /// A result was agreed, which names order, patient and procedure: only a charge line in it is one.
    Result,
}

impl Subjects {
    /// Adds a subject.
    pub(super) fn add(&mut self, subject: Subject) {
        let index = self.list.len();
        for (numbers, map) in
            [(&subject.orders, &mut self.by_order), (&subject.patients, &mut self.by_patient)]
        {
            let numbers = numbers.iter().map(|number| as_read(number));
            for number in numbers.filter(|number| number.len() >= SHORTEST) {
                let known = map.entry(number).or_default();
                if known.last() != Some(&index) {
                    known.push(index);
                }
            }
        }
        self.list.push(subject);
    }

    /// The subject at this place.
    pub(super) fn get(&self, index: usize) -> &Subject {
        &self.list[index]
    }

    /// The first subject of this order.
    pub(super) fn of_order(&self, order: &[u8]) -> Option<usize> {
        let number = as_read(order);
        self.by_order.get(&number).and_then(|found| found.first()).copied()
    }

    /// The one subject whose order is part of this one, or the other way round: with a prefix or a
    /// suffix it is the same number to whoever reads it.
    pub(super) fn of_part(&self, order: &[u8]) -> Option<usize> {
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
    pub(super) fn agrees(&self, index: usize, patient: &[u8], code: &[u8]) -> bool {
        let subject = &self.list[index];
        let patient = as_read(patient);
        subject.patients.iter().any(|own| as_read(own) == patient)
            && names_one(code, &subject.codes)
    }

    /// Whom a text is about.
    pub(super) fn named(&self, layers: &Layers<'_>, expected: Expected) -> Named {
        let (mut orders, mut patients) = (BTreeSet::new(), BTreeSet::new());
        for text in &layers.texts {
            each_number(text, &mut |number| {
                orders.extend(self.by_order.get(number).into_iter().flatten().copied());
                patients.extend(self.by_patient.get(number).into_iter().flatten().copied());
            });
        }
        let by_order = !orders.is_empty();
        let subjects = if by_order { orders } else { patients };
        let carries = |index: &usize| {
            let texts = layers.texts.iter().enumerate();
            let codes = &self.list[*index].codes;
            texts.into_iter().any(|(layer, text)| match expected {
                Expected::Result => has_charge_line(text) && names_one(text, codes),
                Expected::Nothing => carries_charge(text, codes, layer == 0),
            })
        };
        let subjects: Vec<usize> = subjects.into_iter().collect();
        let charged = subjects.iter().copied().filter(|index| carries(index)).collect();
        Named { subjects, by_order, charged }
    }
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(whole, part).is_some()
}

/// Calls `found` with every number that may be read in a text: each run of letters and digits, with
/// what joins such runs and without, and the digits behind letters.
fn each_number(text: &[u8], found: &mut dyn FnMut(&[u8])) {
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
                found(without_zeros(&joined));
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

fn number_of(run: &[u8], alone: bool, found: &mut dyn FnMut(&[u8])) {
    let whole = without_zeros(run);
    if whole.len() >= SHORT || alone {
        found(whole);
    }
    // The letters before it, and then its zeros, may be somebody's prefix, and those behind it a suffix.
    let letters = run.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = run[letters..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = without_zeros(&run[letters..letters + digits]);
    if digits < run.len() && number.len() >= SHORT {
        found(number);
    }
}

/// Whether a text names one of these codes.
pub(super) fn names_one(text: &[u8], codes: &[Vec<u8>]) -> bool {
    let mut found = false;
    let is_one = |number: &[u8]| codes.iter().any(|code| without_zeros(code) == number);
    each_number(text, &mut |number| found |= is_one(number));
    found
}

/// Whether a text has a charge line: FT1 in any case, and in any notation.
fn has_charge_line(text: &[u8]) -> bool {
    let starts = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let behind = text.get(at + 3);
        let apart = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        apart(before) && apart(behind)
    };
    let is_id =
        |at: &usize| text[*at..].get(1..3).is_some_and(|rest| rest.eq_ignore_ascii_case(b"T1"));
    memchr::memchr2_iter(b'F', b'f', text).filter(is_id).any(|at| starts(&at))
}

/// Whether a text that nobody agreed on carries one of these codes as a charge. A procedure that was
/// ordered, reported or documented is none; in a billing message, in a segment that HL7 does not have
/// and in a text of somebody's own it is.
fn carries_charge(text: &[u8], codes: &[Vec<u8>], is_whole: bool) -> bool {
    if !names_one(text, codes) {
        return false;
    }
    if has_charge_line(text) {
        return true;
    }
    let text = text.trim_ascii_start();
    let is_hl7 =
        HEADERS.iter().any(|id| text.get(..3).is_some_and(|own| own.eq_ignore_ascii_case(*id)));
    if !is_hl7 {
        return is_whole;
    }
    let mut lines = text.split(|byte| matches!(byte, b'\r' | b'\n'));
    let is_bill = lines.clone().next().is_some_and(names_a_bill);
    lines.any(|line| {
        let id: Vec<u8> = line.iter().take(3).map(u8::to_ascii_uppercase).collect();
        let tells = match id.as_slice() {
            b"PR1" => is_bill,
            id => !CLINICAL.iter().any(|known| **known == *id),
        };
        tells && names_one(line, codes)
    })
}

/// Whether a header is that of a message for an account: BAR, or DFT.
fn names_a_bill(header: &[u8]) -> bool {
    let is_bill =
        |word: &[u8]| word.eq_ignore_ascii_case(b"BAR") || word.eq_ignore_ascii_case(b"DFT");
    header.split(|byte| !byte.is_ascii_alphanumeric()).any(is_bill)
}

/// What begins a text of HL7.
const HEADERS: [&[u8; 3]; 3] = [b"MSH", b"FHS", b"BHS"];

/// Segments that may name a procedure and charge nobody (HL7 v2.8 appendix A).
const CLINICAL: &[&[u8; 3]] = &[
    b"ABS", b"ACC", b"AIG", b"AIL", b"AIP", b"AIS", b"AL1", b"APR", b"ARQ", b"AUT", b"BHS", b"BTS",
    b"CSR", b"CTD", b"CTI", b"DB1", b"DG1", b"DRG", b"DSC", b"DSP", b"ERR", b"EVN", b"FHS", b"FTS",
    b"GOL", b"GT1", b"IAM", b"IN1", b"IN2", b"IN3", b"MRG", b"MSA", b"MSH", b"NCK", b"NK1", b"NST",
    b"NTE", b"OBR", b"OBX", b"ODS", b"ODT", b"ORC", b"PD1", b"PDA", b"PID", b"PRB", b"PRD", b"PTH",
    b"PV1", b"PV2", b"QAK", b"QID", b"QPD", b"QRD", b"QRF", b"RCP", b"RDF", b"RDT", b"RGS", b"RMI",
    b"ROL", b"RQ1", b"RQD", b"RXA", b"RXC", b"RXD", b"RXE", b"RXG", b"RXO", b"RXR", b"SAC", b"SCH",
    b"SFT", b"SPM", b"TCC", b"TCD", b"TQ1", b"TQ2", b"TXA", b"UB1", b"UB2", b"UAC", b"VAR",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Expected, Subject, Subjects};
    use crate::check::layers::Layers;

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
    #[case::object("{\"order\": \"273013\", \"code\": \"92250\"}", true)]
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
