//! Which FT1 lines are the same charge: identity and fingerprint.
//!
//! The identity is what the agreement says makes a charge: its order and the parts of an FT1 that
//! make another charge of the same order. The fingerprint is the content without what changes from
//! one sending to the next, so that a charge sent again under other numbers is still recognised.
//! Neither looks at the control id: a resend under a new one is still a second charge.
//!
//! This room does **not** say whether two equal lines are a fault; that is a rule's to say.

mod fingerprint;

pub(crate) use fingerprint::patient;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::hl7::{Delimiters, Field, Message, Path, escape};

/// What makes a charge, as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Where the order's number stands, whatever occurrence the path names: a field of FT1 is each
    /// line's own, and any other is read from the segment that belongs to the line.
    pub order: Path,
    /// The parts that make another charge of the same order. FT1-26 as a whole counts only by the
    /// component that it names, 26 or TC: with or without 52 it is the same charge.
    pub distinct: Vec<Path>,
    /// Whether a credit is counted apart from the charge that it takes back: as an order of its own,
    /// named like that of the charge with [`CREDIT`] behind it.
    pub credits: bool,
}

/// What stands behind the number of an order of which there is a credit.
pub const CREDIT: &str = " CD";

/// The order as which a credit of this order is counted.
#[must_use]
pub fn credit_of(order: &[u8]) -> Vec<u8> {
    [order, CREDIT.as_bytes()].concat()
}

/// A number as people read it: the letters and digits of its first component, in capitals and without
/// leading zeros. Numbers that read the same are spellings of one.
///
/// ```
/// use chargeproof::charge::as_read;
/// assert_eq!(as_read(b"00273013^EPIC"), as_read(b"273013"));
/// assert_eq!(as_read(b"ab-17"), b"AB17");
/// ```
#[must_use]
pub fn as_read(number: &[u8]) -> Vec<u8> {
    read_as(number).into_owned()
}

/// What [`as_read`] returns, and no copy of a number that is as it is read.
pub(crate) fn read_as(number: &[u8]) -> Cow<'_, [u8]> {
    let is_plain = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || *byte >= 0x80;
    if number.iter().all(is_plain) {
        return Cow::Borrowed(without_zeros(number));
    }
    let first = number.split(|&byte| matches!(byte, b'^' | b'&' | b'~')).next().unwrap_or_default();
    let plain = first.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80);
    let number: Vec<u8> = plain.map(u8::to_ascii_uppercase).collect();
    Cow::Owned(without_zeros(&number).to_vec())
}

/// Whether two numbers read the same, and nothing that both say tells them apart: what joins their parts,
/// and further components.
#[must_use]
pub fn read_alike(one: &[u8], other: &[u8]) -> bool {
    let parts = |number: &[u8]| -> Vec<Vec<u8>> {
        let mut all = number.split(|byte| matches!(byte, b'^' | b'&' | b'~'));
        let first = all.next().unwrap_or_default();
        let runs = first.split(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80);
        runs.filter(|run| !run.is_empty())
            .map(|run| without_zeros(run).to_ascii_uppercase())
            .collect()
    };
    let rest = |number: &[u8]| -> Vec<u8> {
        let end = number.iter().position(|byte| matches!(byte, b'^' | b'&' | b'~'));
        end.map_or(Vec::new(), |end| number[end..].trim_ascii().to_ascii_uppercase())
    };
    let (mine, theirs) = (parts(one), parts(other));
    let (more, further) = (rest(one), rest(other));
    let are_apart = mine.len() > 1 && theirs.len() > 1 && mine != theirs;
    as_read(one) == as_read(other)
        && !are_apart
        && (more.is_empty() || further.is_empty() || more == further)
}

/// A number without its leading zeros; nothing but zeros stays as it is.
pub(crate) fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == b'0').count();
    if zeros == number.len() { number } else { &number[zeros..] }
}

impl Default for Agreement {
    /// The order in FT1-3; transaction type, code and component modifier tell charges apart.
    fn default() -> Self {
        Self {
            order: Path::field("FT1", 3),
            distinct: ["FT1-6", "FT1-7.1", "FT1-26"].map(Path::literal).to_vec(),
            credits: false,
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
    let patient = patient(message);
    let mut scratch = Vec::new();
    let line = |charge: Charge<'_, '_>| Line {
        ft1: charge.ft1,
        order: charge.order(agreement).into_owned(),
        identity: charge.identity(agreement),
        fingerprint: fingerprint::of(&charge, &patient, &mut scratch),
    };
    charges(message).map(line).collect()
}

/// The charges of `message`, one for each FT1, in order, for whoever needs only some of what
/// [`lines`] makes of them.
pub fn charges<'m, 'a>(message: &'m Message<'a>) -> impl Iterator<Item = Charge<'m, 'a>> {
    let segments = message.segments().enumerate();
    let charges = segments.filter(|(_, segment)| segment.id() == b"FT1");
    charges.map(move |(index, segment)| Charge { message, index, ft1: segment.occurrence() })
}

/// One FT1 of a message.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'m, 'a> {
    message: &'m Message<'a>,
    /// At which position it stands among the segments.
    index: usize,
    ft1: usize,
}

impl<'a> Charge<'_, 'a> {
    /// Which FT1 it is, from 1.
    #[must_use]
    pub const fn ft1(&self) -> usize {
        self.ft1
    }

    /// The order's number; empty when the message names none.
    #[must_use]
    pub fn order(&self, agreement: &Agreement) -> Cow<'a, [u8]> {
        let order = self.part(&agreement.order);
        if agreement.credits && !order.is_empty() && self.is_credit() {
            return Cow::Owned(credit_of(&order));
        }
        order
    }

    /// Whether it takes a charge back.
    #[must_use]
    pub fn is_credit(&self) -> bool {
        let kind = self.field(TRANSACTION_TYPE).and_then(|field| field.repetitions().next());
        let code = kind.and_then(|kind| kind.component(1)).unwrap_or_default();
        &*plain(code, self.message.delimiters()) == b"CD"
    }

    /// Whether the line goes so far that it is a charge or a credit, if that makes a difference.
    #[must_use]
    pub fn tells_its_kind(&self, agreement: &Agreement) -> bool {
        !agreement.credits || self.field(TRANSACTION_TYPE).is_some()
    }

    /// Adds to `out` the parts that make another charge of the same order, each with its length
    /// before it: an order and these are a charge's identity.
    pub fn write_distinct(&self, agreement: &Agreement, out: &mut Vec<u8>) {
        for path in &agreement.distinct {
            append(out, &self.part(path));
        }
    }

    /// Field `number`, from 1.
    fn field(&self, number: usize) -> Option<Field<'a>> {
        self.message.field(self.index, number)
    }

    /// The value of `path` for this line, written the same however it was escaped or delimited.
    fn part(&self, path: &Path) -> Cow<'a, [u8]> {
        let raw = if path.segment == "FT1" {
            if (path.field, path.repetition, path.component) == (MODIFIERS, None, None) {
                return Cow::Borrowed(self.component_modifier());
            }
            self.field(path.field).and_then(|field| field.at(path))
        } else {
            let own = own_segment(self.message, self.index, path.segment.as_bytes());
            let field = own.and_then(|segment| self.message.field(segment, path.field));
            field.and_then(|field| field.at(path))
        };
        let value = plain(raw.unwrap_or_default(), self.message.delimiters());
        // Codes of table 0017 are the same in either case.
        let is_type = path.segment == "FT1" && path.field == TRANSACTION_TYPE;
        match is_type && value.iter().any(u8::is_ascii_lowercase) {
            true => Cow::Owned(value.to_ascii_uppercase()),
            false => value,
        }
    }

    fn identity(&self, agreement: &Agreement) -> Vec<u8> {
        let mut identity = Vec::with_capacity(32);
        append(&mut identity, &self.order(agreement));
        self.write_distinct(agreement, &mut identity);
        identity
    }

    /// The modifier that says which component of the procedure is charged: 26 for the
    /// professional, TC for the technical one. Any other modifier describes the same charge.
    fn component_modifier(&self) -> &'static [u8] {
        let Some(field) = self.field(MODIFIERS) else {
            return b"";
        };
        let (mut professional, mut technical) = (false, false);
        for repetition in field.repetitions() {
            match repetition.component(1).map(<[u8]>::trim_ascii) {
                Some(b"26") => professional = true,
                Some(b"TC") => technical = true,
                _ => {}
            }
        }
        match (professional, technical) {
            (true, true) => b"26~TC",
            (true, false) => b"26",
            (false, true) => b"TC",
            (false, false) => b"",
        }
    }
}

/// At which position the segment with this id stands that belongs to the FT1 at `line`: where such
/// segments follow the lines (HL7 v2.5 chapter 6, FINANCIAL_COMMON_ORDER), the first one behind it and
/// before the next FT1; else the last one before it, which may be the whole message's.
fn own_segment(message: &Message<'_>, line: usize, id: &[u8]) -> Option<usize> {
    let is = |(_, found): &(usize, &[u8])| *found == id;
    let mut ending = message.ids(0..usize::MAX).rev().take(GROUP);
    let last = ending.find(|one| is(one) || one.1 == b"FT1");
    let behind = last.filter(is).and_then(|_| {
        let group = message.ids(line + 1..line + 1 + GROUP).take_while(|(_, id)| *id != b"FT1");
        { group }.find(is)
    });
    let before = || message.ids(line.saturating_sub(GROUP)..line).rev().find(is);
    let of_message = || message.ids(0..line.min(GROUP)).find(is);
    behind.or_else(before).or_else(of_message).map(|(index, _)| index)
}

/// How many segments away from its line one is looked for: a message of a hundred thousand lines must
/// not cost the square of them.
const GROUP: usize = 256;

/// A value without escapes, without the separators that end it and without blanks around it; those
/// inside it are written the usual way.
fn plain(raw: &[u8], delimiters: Delimiters) -> Cow<'_, [u8]> {
    let Delimiters { component, subcomponent, repetition, escape, .. } = delimiters;
    let simple = escape.is_none_or(|escape| memchr::memchr(escape, raw).is_none())
        && memchr::memchr3(component, subcomponent, repetition, raw).is_none();
    if simple {
        return Cow::Borrowed(trim_usual(raw.trim_ascii()));
    }
    let mut out = Vec::new();
    write_plain(raw, delimiters, &mut out);
    Cow::Owned(out)
}

/// Writes what [`plain`] gives into `out`, in place of what was there.
fn write_plain(raw: &[u8], delimiters: Delimiters, out: &mut Vec<u8>) {
    let usual = Delimiters::default();
    let Delimiters { component, subcomponent, repetition, .. } = delimiters;
    out.clear();
    out.reserve(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr3(component, subcomponent, repetition, rest) {
        out.extend_from_slice(escape::unescape(&rest[..at], delimiters).trim_ascii());
        out.push(match rest[at] {
            byte if byte == component => usual.component,
            byte if byte == subcomponent => usual.subcomponent,
            _ => usual.repetition,
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(escape::unescape(rest, delimiters).trim_ascii());
    out.truncate(trim_usual(out).len());
}

/// Without the separators at its end.
fn trim_usual(value: &[u8]) -> &[u8] {
    let usual = Delimiters::default();
    let is_ending =
        |byte: &u8| [usual.component, usual.subcomponent, usual.repetition].contains(byte);
    let length = value.iter().rposition(|byte| !is_ending(byte)).map_or(0, |last| last + 1);
    &value[..length]
}

fn append(identity: &mut Vec<u8>, part: &[u8]) {
    append_number(identity, part.len());
    identity.push(b':');
    identity.extend_from_slice(part);
    identity.push(b',');
}

fn append_number(out: &mut Vec<u8>, number: usize) {
    if number >= 10 {
        append_number(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}

/// FT1-6, transaction type (HL7 v2.4 section 6.5.1.6, table 0017): `CG` charge, `CD` credit.
const TRANSACTION_TYPE: usize = 6;

/// FT1-26, procedure code modifier (HL7 v2.3.1 on, section 6.5.1.26).
const MODIFIERS: usize = 26;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Agreement, Line, lines};
    use crate::hl7::{Message, Path};

    const DIAGNOSES: &str =
        "E11.41^Type 2 diabetes mellitus^ICD-10-CM~H35.81^Retinal edema^ICD-10-CM";

    /// A message with the given FT1; `{dx}` in a line stands for its diagnoses.
    fn message(control_id: &str, charges: &[String]) -> String {
        let head = format!(
            "MSH|^~\\&|IRIS|IRIS|E|F|20170410151351||DFT^P03|{control_id}|P|2.4\rEVN|P03|20170410151351\r"
        );
        let charges: String = charges.iter().map(|charge| format!("{charge}\r")).collect();
        format!("{head}PID||ITCC20170410^^^^MRN|ITCC20170410||DOE^JOHN\r{charges}")
    }

    /// An FT1 in which everything that matters can be given.
    struct Charge<'c> {
        set_id: &'c str,
        transaction_id: &'c str,
        order: &'c str,
        posted: &'c str,
        kind: &'c str,
        code: &'c str,
        diagnoses: &'c str,
        modifiers: &'c str,
    }

    const USUAL: Charge<'_> = Charge {
        set_id: "1",
        transaction_id: "",
        order: "273013",
        posted: "20170410151351",
        kind: "CG",
        code: "92250^Fundus photography^CPT",
        diagnoses: DIAGNOSES,
        modifiers: "26",
    };

    fn ft1(charge: &Charge<'_>) -> String {
        let Charge { set_id, transaction_id, order, posted, kind, code, diagnoses, modifiers } =
            charge;
        format!(
            "FT1|{set_id}|{transaction_id}|{order}|20170410145901|{posted}|{kind}|{code}||ITCC20170410|1\
             |||POC01||IRIS|POC01|||{diagnoses}|GR0001|OP0001||2017041006^EPIC||{code}|{modifiers}"
        )
    }

    fn of(text: &str) -> Vec<Line> {
        lines(&Message::read(text.as_bytes()), &Agreement::default())
    }

    fn one(charge: &Charge<'_>) -> Line {
        of(&message("1", &[ft1(charge)])).remove(0)
    }

    #[test]
    fn an_identity_is_the_order_and_the_distinct_parts() {
        let line = one(&USUAL);
        assert_eq!((line.ft1, &line.order[..]), (1, &b"273013"[..]));
        assert_eq!(String::from_utf8(line.identity).unwrap(), "6:273013,2:CG,5:92250,2:26,");
    }

    #[rstest]
    #[case::set_id(Charge { set_id: "2", ..USUAL })]
    #[case::transaction_id(Charge { transaction_id: "T9", ..USUAL })]
    #[case::posting_time(Charge { posted: "20170410173627", ..USUAL })]
    #[case::order_of_diagnoses(Charge {
        diagnoses: "H35.81^Retinal edema^ICD-10-CM~E11.41^Type 2 diabetes mellitus^ICD-10-CM", ..USUAL })]
    #[case::trailing_components(Charge { code: "92250^Fundus photography^CPT^^", ..USUAL })]
    #[case::escapes(Charge { code: "92250^Fundus\\X20\\photography^CPT", ..USUAL })]
    #[case::blanks(Charge { order: "273013 ", ..USUAL })]
    fn a_resend_in_other_words_is_the_same_charge(#[case] again: Charge<'_>) {
        let (first, again) = (one(&USUAL), one(&again));
        assert_eq!(first.identity, again.identity);
        assert_eq!(first.fingerprint, again.fingerprint);
    }

    #[test]
    fn a_resend_under_a_new_control_id_is_the_same_charge() {
        let charges = [ft1(&USUAL)];
        assert_eq!(of(&message("200130165606", &charges)), of(&message("200130165612", &charges)));
    }

    #[test]
    fn other_delimiters_write_the_same_charge() {
        let usual = message("1", &[ft1(&USUAL)]);
        let other = usual.replace('|', "#").replace('^', "*");
        assert_eq!(of(&usual), of(&other));
    }

    #[rstest]
    #[case::credit(Charge { kind: "CD", ..USUAL })]
    #[case::code(Charge { code: "3072F^No evidence of retinopathy", ..USUAL })]
    #[case::technical(Charge { modifiers: "TC", ..USUAL })]
    #[case::no_component(Charge { modifiers: "", ..USUAL })]
    fn another_kind_code_or_component_is_another_charge(#[case] other: Charge<'_>) {
        let (first, other) = (one(&USUAL), one(&other));
        assert_eq!(first.order, other.order);
        assert_ne!(first.identity, other.identity);
        assert_ne!(first.fingerprint, other.fingerprint);
    }

    #[rstest]
    #[case::reduced("26~52")]
    #[case::not_charged("26~NC")]
    #[case::other_order("52~26")]
    fn a_modifier_that_names_no_component_is_the_same_charge(#[case] modifiers: &str) {
        assert_eq!(one(&USUAL).identity, one(&Charge { modifiers, ..USUAL }).identity);
    }

    #[test]
    fn twin_procedures_of_two_orders_are_two_charges() {
        let (first, twin) = (one(&USUAL), one(&Charge { order: "273014", ..USUAL }));
        assert_ne!(first.identity, twin.identity);
        assert_ne!(first.order, twin.order);
    }

    #[test]
    fn a_charge_under_another_order_number_keeps_its_fingerprint() {
        assert_eq!(one(&USUAL).fingerprint, one(&Charge { order: "999", ..USUAL }).fingerprint);
    }

    #[test]
    fn another_patient_has_another_fingerprint() {
        let text = message("1", &[ft1(&USUAL)]);
        let other = text.replace("|ITCC20170410||DOE", "|ITCC20170411||DOE");
        assert_ne!(of(&text)[0].fingerprint, of(&other)[0].fingerprint);
    }

    #[test]
    fn the_record_number_may_stand_in_either_field() {
        let text = message("1", &[ft1(&USUAL)]);
        let only_first = text.replace("|ITCC20170410||DOE", "|||DOE");
        assert_eq!(of(&text), of(&only_first));
    }

    #[test]
    fn each_line_of_a_message_is_counted() {
        let second = Charge { set_id: "2", modifiers: "TC", ..USUAL };
        let found = of(&message("1", &[ft1(&USUAL), ft1(&second), ft1(&USUAL)]));
        assert_eq!(found.iter().map(|line| line.ft1).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(found[0].identity, found[2].identity);
        assert_ne!(found[0].identity, found[1].identity);
    }

    #[rstest]
    #[case::transaction_id("FT1-3", &["FT1-2"], "6:273013,2:T1,")]
    #[case::order_elsewhere_in_the_line("FT1-23.1", &["FT1-6"], "10:2017041006,2:CG,")]
    #[case::order_elsewhere_in_the_message("PID-3", &[], "12:ITCC20170410,")]
    #[case::occurrence_is_the_line("FT1[2]-3", &[], "6:273013,")]
    #[case::one_modifier("FT1-3", &["FT1-26[1]"], "6:273013,2:26,")]
    fn the_agreement_says_where_to_look(
        #[case] order: &str,
        #[case] distinct: &[&str],
        #[case] expected: &str,
    ) {
        let text = message("1", &[ft1(&Charge { transaction_id: "T1", ..USUAL })]);
        let distinct = distinct.iter().map(|path| Path::literal(path)).collect();
        let agreement = Agreement { order: Path::literal(order), distinct, credits: false };
        let found = lines(&Message::read(text.as_bytes()), &agreement);
        assert_eq!(String::from_utf8(found[0].identity.clone()).unwrap(), expected);
    }

    #[rstest]
    #[case::charge("CG", true, "273013")]
    #[case::credit("CD", true, "273013 CD")]
    #[case::credit_with_its_text("CD^Credit", true, "273013 CD")]
    #[case::adjustment("AJ", true, "273013")]
    #[case::credit_that_nobody_agreed("CD", false, "273013")]
    fn a_credit_is_counted_apart_where_that_is_agreed(
        #[case] kind: &str,
        #[case] credits: bool,
        #[case] expected: &str,
    ) {
        let text = message("1", &[ft1(&Charge { kind, ..USUAL })]);
        let agreement = Agreement { credits, ..Agreement::default() };
        let found = lines(&Message::read(text.as_bytes()), &agreement);
        assert_eq!(String::from_utf8(found[0].order.clone()).unwrap(), expected);
    }

    #[rstest]
    #[case::ahead_of_each("ORC|NW|O1\rFT1|1\rORC|NW|O2\rFT1|2\r", &["O1", "O2"])]
    #[case::ahead_of_several("ORC|NW|O1\rFT1|1\rFT1|2\rORC|NW|O2\rFT1|3\r", &["O1", "O1", "O2"])]
    #[case::behind_each("FT1|1\rORC|NW|O1\rFT1|2\rORC|NW|O2\r", &["O1", "O2"])]
    #[case::behind_each_and_one_of_the_visit("ORC|NW|V\rFT1|1\rORC|NW|O1\rFT1|2\rORC|NW|O2\r", &["O1", "O2"])]
    #[case::behind_some("ORC|NW|V\rFT1|1\rFT1|2\rORC|NW|O2\r", &["V", "O2"])]
    #[case::of_the_visit("ORC|NW|V\rDG1|1\rFT1|1\rPR1|1\rFT1|2\r", &["V", "V"])]
    #[case::nowhere("FT1|1\rPR1|1\r", &[""])]
    fn an_order_outside_the_line_is_of_its_own_group(
        #[case] rest: &str,
        #[case] expected: &[&str],
    ) {
        let agreement = Agreement { order: Path::literal("ORC-2"), ..Agreement::default() };
        let text = format!("MSH|^~\\&|IRIS\r{rest}");
        let found = lines(&Message::read(text.as_bytes()), &agreement);
        let orders: Vec<&[u8]> = found.iter().map(|line| &*line.order).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|order| order.as_bytes()).collect();
        assert_eq!(orders, expected);
    }

    #[rstest]
    #[case::zeros("00273013", "273013", true)]
    #[case::component("700001", "700001^EPIC", true)]
    #[case::joined("2017-041006", "2017041006", true)]
    #[case::other_case("ab17", "AB17", true)]
    #[case::other_parts("26-1-11", "26-11-1", false)]
    #[case::other_components("700001^1", "700001^2", false)]
    #[case::another("273013", "273014", false)]
    fn numbers_read_alike_unless_what_both_say_differs(
        #[case] one: &str,
        #[case] other: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(super::read_alike(one.as_bytes(), other.as_bytes()), expected);
    }

    #[test]
    fn parts_cannot_be_mistaken_for_each_other() {
        let agreement = Agreement {
            order: Path::literal("FT1-3"),
            distinct: ["FT1-2", "FT1-6"].map(Path::literal).to_vec(),
            credits: false,
        };
        let read = |transaction_id, kind| {
            let text = message("1", &[ft1(&Charge { transaction_id, kind, ..USUAL })]);
            lines(&Message::read(text.as_bytes()), &agreement).remove(0).identity
        };
        assert_ne!(read("A", "BC"), read("AB", "C"));
    }

    #[test]
    fn a_fingerprint_is_the_same_on_every_machine() {
        assert_eq!(of("FT1\r")[0].fingerprint, EMPTY);
    }

    /// The folded product of six empty parts and two list ends, worked out apart from this program.
    const EMPTY: u64 = 0x60d4_f44c_78e6_85ae;
}
