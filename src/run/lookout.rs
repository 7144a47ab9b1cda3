//! A lookout over what a sender prints: whether data of the patients whose exams it was handed
//! stand in it.
//!
//! One pass, whatever is printed and however it is cut; what was read is not kept. A datum that is
//! so short, or so much like something that a log must say, that it may stand there by chance is
//! not looked for: it is better to miss one than to blame a sender for a port or a file name. It does
//! **not** judge.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::civil::Date;

use super::file_name;
use crate::exam::{Exam, Patient};
use crate::history::{Datum, Standard};

/// What to look for, made once for a case. Data that patients share are the first exam's.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    /// The names of the exams.
    exams: Vec<String>,
    /// Texts that give a patient away by themselves.
    wholes: Index<Whole>,
    /// Family and given names in small letters, which tell who it is only beside one another.
    halves: Index<Half>,
    /// Whose name two halves are, family name first.
    names: BTreeMap<(usize, usize), usize>,
}

/// An identifier, or a birth date in one spelling.
#[derive(Clone, Copy, Debug)]
struct Whole {
    /// Of which exam.
    exam: usize,
    datum: Datum,
    /// The date that is spelt.
    born: Option<Date>,
}

/// A family or given name.
#[derive(Clone, Copy, Debug)]
struct Half {
    number: usize,
    /// Whether a patient has it with a small letter at its beginning. Without that a word that begins
    /// with one is a word: `it will be sent` names nobody.
    small: bool,
}

/// Texts, found by what stands at a place.
#[derive(Debug)]
struct Index<T> {
    texts: BTreeMap<Vec<u8>, T>,
    /// How long the texts are that begin with a byte.
    lengths: BTreeMap<u8, BTreeSet<usize>>,
    /// How many bytes the longest has.
    longest: usize,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { texts: BTreeMap::new(), lengths: BTreeMap::new(), longest: 0 }
    }
}

impl<T> Index<T> {
    /// What is there for `text`, or `new` from now on.
    fn add(&mut self, text: &[u8], new: T) -> &mut T {
        if let Some(&first) = text.first() {
            self.lengths.entry(first).or_default().insert(text.len());
            self.longest = self.longest.max(text.len());
        }
        self.texts.entry(text.to_vec()).or_insert(new)
    }

    /// The texts that begin at a place, and where each ends.
    fn at<'i>(&'i self, text: &'i [u8], at: usize) -> impl Iterator<Item = (&'i T, usize)> {
        let lengths = text.get(at).and_then(|first| self.lengths.get(first)).into_iter().flatten();
        lengths.filter_map(move |length| {
            let end = at + length;
            Some((self.texts.get(text.get(at..end)?)?, end))
        })
    }
}

/// What stands at a place.
#[derive(Clone, Copy)]
enum Clue {
    Whole(Whole),
    Half(usize),
}

impl Lookout {
    /// A lookout for data of the patients of `exams`.
    pub(crate) fn of(exams: &IndexMap<String, Arc<Exam>>) -> Rc<Self> {
        let mut lookout = Self::default();
        for (name, exam) in exams {
            lookout.exams.push(name.clone());
            lookout.add(lookout.exams.len() - 1, &exam.patient);
        }
        lookout.allow(&sayable(exams));
        Rc::new(lookout)
    }

    fn add(&mut self, exam: usize, patient: &Patient) {
        for (text, datum) in [(&patient.mrn, Datum::Mrn), (&patient.account, Datum::Account)] {
            if tells(text) {
                self.wholes.add(text.as_bytes(), Whole { exam, datum, born: None });
            }
        }
        for text in spelt(patient.born) {
            let born = Some(patient.born);
            self.wholes.add(text.as_bytes(), Whole { exam, datum: Datum::BirthDate, born });
        }
        let (family, given) = (&patient.family, &patient.given);
        let shortest = family.len().min(given.len());
        if shortest >= SHORTEST_HALF && family.len() + given.len() >= SHORTEST {
            let name = (self.add_half(family), self.add_half(given));
            self.names.entry(name).or_insert(exam);
        }
    }

    fn add_half(&mut self, name: &str) -> usize {
        let new = Half { number: self.halves.texts.len(), small: false };
        let half = self.halves.add(name.to_ascii_lowercase().as_bytes(), new);
        half.small |= name.starts_with(|first: char| first.is_ascii_lowercase());
        half.number
    }

    /// Looks no more for what stands in texts that an honest log may hold. A name is let go of only
    /// if both its halves may stand there: a log with `ROE^JOHN` and `DOE^JACK` in it names no patient.
    fn allow(&mut self, texts: &BTreeSet<String>) {
        let (mut wholes, mut days, mut halves) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for text in texts.iter().map(String::as_bytes) {
            let folded = text.to_ascii_lowercase();
            for at in 0..text.len() {
                for (clue, end) in self.at(text, &folded, at) {
                    match clue {
                        Clue::Whole(Whole { born: Some(born), .. }) => _ = days.insert(born),
                        Clue::Whole(_) => _ = wholes.insert(text[at..end].to_vec()),
                        Clue::Half(number) => _ = halves.insert(number),
                    }
                }
            }
        }
        self.wholes.texts.retain(|text, whole| {
            !wholes.contains(text) && whole.born.is_none_or(|born| !days.contains(&born))
        });
        self.names.retain(|name, _| !halves.contains(&name.0) || !halves.contains(&name.1));
    }

    /// What stands at a place, apart from what is around it, and where it ends.
    fn at<'l>(
        &'l self,
        held: &'l [u8],
        folded: &'l [u8],
        at: usize,
    ) -> impl Iterator<Item = (Clue, usize)> {
        let apart = move |joins: fn(u8) -> bool, end: usize| {
            let before = character_before(&held[..at]);
            ![before, held.get(end).copied()].into_iter().flatten().any(joins)
        };
        let wholes = self.wholes.at(held, at).filter(move |(whole, end)| match whole.born {
            Some(_) => apart(|byte| byte.is_ascii_digit(), *end),
            None => apart(|byte| byte.is_ascii_alphanumeric(), *end),
        });
        let halves = self.halves.at(folded, at).filter(move |(half, end)| {
            (half.small || !held[at].is_ascii_lowercase()) && apart(joins_a_name, *end)
        });
        let wholes = wholes.map(|(whole, end)| (Clue::Whole(*whole), end));
        wholes.chain(halves.map(|(half, end)| (Clue::Half(half.number), end)))
    }

    /// How many bytes the longest clue has.
    fn longest(&self) -> usize {
        self.wholes.longest.max(self.halves.longest)
    }
}

/// What a log may say, though it may look like a datum: the orders, the exams and the files they
/// came in, the providers, and the days of the exams.
fn sayable(exams: &IndexMap<String, Arc<Exam>>) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for (name, exam) in exams {
        let order = &exam.order;
        texts.extend([name.clone(), file_name(name), exam.site.clone()]);
        texts.extend([&order.number, &order.emr_number, &order.application].map(String::clone));
        texts.extend(exam.procedure.iter().map(|procedure| procedure.code.clone()));
        for person in [&exam.ordering_provider, &exam.interpreter] {
            texts.insert(person.id.clone());
            // However a provider's name is written, a log may write it in capitals.
            texts.extend([&person.family, &person.given].map(|half| half.to_ascii_uppercase()));
        }
        let days = exam.images.iter().map(|image| image.captured.date());
        texts.extend(days.chain([exam.grading.signed.date()]).flat_map(spelt));
    }
    texts
}

/// Whether an identifier is no number, word or day that stands in a log by chance.
fn tells(identifier: &str) -> bool {
    if !identifier.bytes().all(|byte| byte.is_ascii_digit()) {
        return identifier.len() >= SHORTEST;
    }
    let a_day = identifier.len() == 8 && Date::strptime("%Y%m%d", identifier).is_ok();
    identifier.len() >= SHORTEST_NUMBER && !a_day
}

/// A date in its usual spellings.
fn spelt(date: Date) -> impl Iterator<Item = String> {
    DATES.iter().map(move |form| date.strftime(form).to_string())
}

/// What was seen in the outputs of one life.
#[derive(Debug, Default)]
pub(crate) struct Overheard {
    /// How many bytes were read.
    pub(crate) length: u64,
    seen: BTreeMap<(Standard, usize), (String, BTreeSet<Datum>)>,
}

/// What was printed of one patient to one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// To which.
    pub output: Standard,
    /// The exam whose patient it is.
    pub exam: String,
    /// What.
    pub data: Vec<Datum>,
}

/// How much of what a life prints is looked through: a sender that floods its log must not cost the
/// harness the time in which it has to answer.
const LOOKED_THROUGH: u64 = 1 << 20;

impl Overheard {
    /// Whether all that was printed was looked through.
    pub(crate) const fn is_whole(&self) -> bool {
        self.length <= LOOKED_THROUGH
    }

    /// What was seen, by output and exam, in a fixed order.
    pub(crate) fn disclosed(&self) -> Vec<Disclosure> {
        let told = self.seen.iter().map(|((output, _), (exam, data))| Disclosure {
            output: *output,
            exam: exam.clone(),
            data: data.iter().copied().collect(),
        });
        told.collect()
    }
}

/// The reading of one output.
#[derive(Debug)]
pub(crate) struct Listening {
    lookout: Rc<Lookout>,
    output: Standard,
    /// The last bytes: some that were looked at, and those in which a clue may have begun.
    held: Vec<u8>,
    /// How many of them were looked at.
    past: usize,
    /// Where they begin.
    offset: u64,
    /// The halves of names that stood last on this line, and where each ends.
    halves: Vec<(usize, u64)>,
}

impl Listening {
    /// Nothing was read yet.
    pub(crate) const fn new(lookout: Rc<Lookout>, output: Standard) -> Self {
        Self { lookout, output, held: Vec::new(), past: 0, offset: 0, halves: Vec::new() }
    }

    /// Looks for the patients of another case from now on.
    pub(crate) fn turn_to(&mut self, lookout: &Rc<Lookout>) {
        if !Rc::ptr_eq(&self.lookout, lookout) {
            self.lookout = Rc::clone(lookout);
            self.halves.clear();
        }
    }

    /// Takes what was printed next.
    pub(crate) fn hear(&mut self, bytes: &[u8], overheard: &mut Overheard) {
        let is_too_much = !overheard.is_whole();
        overheard.length += bytes.len() as u64;
        if is_too_much {
            return;
        }
        self.held.extend_from_slice(bytes);
        // A clue is known by the byte behind it, too.
        let sure = self.held.len().saturating_sub(self.lookout.longest());
        self.look(sure, overheard);
    }

    /// Nothing more will be printed.
    pub(crate) fn end(&mut self, overheard: &mut Overheard) {
        self.look(self.held.len(), overheard);
    }

    /// Looks at what begins within the first bytes that are held, and lets go of them.
    fn look(&mut self, sure: usize, overheard: &mut Overheard) {
        let lookout = Rc::clone(&self.lookout);
        let held = std::mem::take(&mut self.held);
        let folded = held.to_ascii_lowercase();
        let sure = sure.max(self.past);
        for at in self.past..sure {
            if held[at] == b'\n' {
                self.halves.clear();
            }
            for (clue, end) in lookout.at(&held, &folded, at) {
                let place = (self.offset + at as u64, self.offset + end as u64);
                self.found(clue, place, overheard);
            }
        }
        let gone = sure.saturating_sub(LONGEST_ESCAPE);
        self.held = held;
        self.held.drain(..gone);
        self.past = sure - gone;
        self.offset += gone as u64;
    }

    fn found(&mut self, clue: Clue, place: (u64, u64), overheard: &mut Overheard) {
        let half = match clue {
            Clue::Whole(whole) => return self.saw(whole.exam, whole.datum, overheard),
            Clue::Half(half) => half,
        };
        let (from, end) = place;
        self.halves.retain(|(_, end)| from.saturating_sub(*end) <= GAP);
        let lookout = Rc::clone(&self.lookout);
        for &(other, _) in self.halves.iter().filter(|(_, end)| *end <= from) {
            for name in [(other, half), (half, other)] {
                if let Some(&exam) = lookout.names.get(&name) {
                    self.saw(exam, Datum::Name, overheard);
                }
            }
        }
        self.halves.push((half, end));
    }

    fn saw(&self, exam: usize, datum: Datum, overheard: &mut Overheard) {
        let seen = overheard.seen.entry((self.output, exam));
        let name = || (self.lookout.exams[exam].clone(), BTreeSet::new());
        seen.or_insert_with(name).1.insert(datum);
    }
}

/// The character that some bytes end in, if it is within ASCII, or a byte that is not; an escape of a
/// URL or of JSON is what it stands for.
fn character_before(bytes: &[u8]) -> Option<u8> {
    let escaped = |mark: &[u8], digits: usize| {
        let (rest, digits) = bytes.split_at_checked(bytes.len().checked_sub(digits)?)?;
        let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
        let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        rest.ends_with(mark).then(|| u8::try_from(code).unwrap_or(u8::MAX))
    };
    let blank = match bytes {
        [.., b'\\', b't' | b'n' | b'r'] => Some(b' '),
        _ => None,
    };
    let character = blank.or_else(|| escaped(b"%", 2)).or_else(|| escaped(b"\\u", 4));
    character.or_else(|| bytes.last().copied())
}

/// Whether a byte beside a name makes it a part of something else. An exam's own name, as in
/// `john-doe`, is no patient's.
const fn joins_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..)
}

/// How many bytes a datum must have at least.
const SHORTEST: usize = 6;

/// How many digits an identifier must have at least that has nothing else: six are a fraction of a
/// second, or a time of day.
const SHORTEST_NUMBER: usize = 8;

/// How many bytes each half of a name must have at least.
const SHORTEST_HALF: usize = 2;

/// How many bytes may stand between the two halves of a name, as in `"family": "…", "given": "…"`.
const GAP: u64 = 32;

/// How many bytes the longest escape has, `\u005e`.
const LONGEST_ESCAPE: usize = 6;

/// The usual spellings of a date.
const DATES: &[&str] = &["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y"];

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use indexmap::IndexMap;
    use quickcheck::quickcheck;
    use rstest::rstest;

    use super::{Datum, Disclosure, Listening, Lookout, Overheard, Standard};
    use crate::exam::Exam;

    fn exam(order: &str, patient: &serde_json::Value) -> Exam {
        let facts = serde_json::json!({
            "order": {"number": order, "emr_number": "2017041006", "application": "EPIC"},
            "site": "POC01",
            "patient": patient,
            "ordering_provider": {"id": "OP0001", "family": "DOE", "given": "JACK"},
            "interpreter": {"id": "GR0001", "family": "DOE", "given": "JANE"},
            "images": [{"eye": "left", "captured": "2017-04-10T14:58:03"}],
            "grading": {"signed": "2017-04-10T14:59:01"},
        });
        serde_json::from_value(facts).unwrap()
    }

    fn john() -> serde_json::Value {
        serde_json::json!({"mrn": "ITCC20170410", "family": "DOE", "given": "JOHN",
            "born": "1958-10-12", "sex": "M", "account": "201026045"})
    }

    fn lookout(patient: &serde_json::Value) -> Rc<Lookout> {
        let exams = [("john-doe".to_owned(), exam("273013", patient).into())];
        Lookout::of(&IndexMap::from(exams))
    }

    fn heard_in(lookout: &Rc<Lookout>, pieces: &[&[u8]]) -> Vec<Disclosure> {
        let mut listening = Listening::new(Rc::clone(lookout), Standard::Error);
        let mut overheard = Overheard::default();
        for piece in pieces {
            listening.hear(piece, &mut overheard);
        }
        listening.end(&mut overheard);
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        assert_eq!(overheard.length, length as u64);
        overheard.disclosed()
    }

    fn data(patient: &serde_json::Value, text: &str) -> Vec<Datum> {
        let told = heard_in(&lookout(patient), &[text.as_bytes()]);
        assert!(told.iter().all(|one| one.exam == "john-doe" && one.output == Standard::Error));
        told.into_iter().flat_map(|one| one.data).collect()
    }

    #[rstest]
    #[case::as_hl7_has_it("PID||ITCC20170410^^^^MRN|", &[Datum::Mrn])]
    #[case::at_the_very_end("sent for ITCC20170410", &[Datum::Mrn])]
    #[case::with_a_label("mrn_ITCC20170410", &[Datum::Mrn])]
    #[case::inside_another_word("XITCC201704101", &[])]
    #[case::name_of_hl7("|DOE^JOHN|", &[Datum::Name])]
    #[case::name_the_other_way_round("for JOHN DOE.", &[Datum::Name])]
    #[case::name_as_json(r#"{"family": "DOE", "given": "JOHN"}"#, &[Datum::Name])]
    #[case::half_a_name("DOE", &[])]
    #[case::halves_far_apart("DOE is one, and much further on in the log stands JOHN", &[])]
    #[case::another_person("DOE^JACK signed, DOE^JANE read", &[])]
    #[case::a_file_of_the_inbox("took 0003-john-doe.json", &[])]
    #[case::the_same_in_capitals("took 0003-JOHN-DOE.json", &[])]
    #[case::name_in_other_letters("for John Doe", &[Datum::Name])]
    #[case::words_of_a_sentence("for john doe", &[])]
    #[case::name_in_a_url("?name=DOE%20JOHN", &[Datum::Name])]
    #[case::name_of_hl7_in_a_url("?pid5=DOE%5EJOHN", &[Datum::Name])]
    #[case::name_of_hl7_in_json(r"DOE\u005eJOHN", &[Datum::Name])]
    #[case::a_hyphen_in_a_url("DOE%2DJOHN", &[])]
    #[case::a_letter_in_json(r"DOE \u004aJOHN", &[])]
    #[case::after_a_tabulator_in_json(r"\tITCC20170410", &[Datum::Mrn])]
    #[case::after_a_line_end_in_json(r"PID\r19581012\n201026045", &[Datum::BirthDate, Datum::Account])]
    #[case::halves_on_two_lines("DOE\nJOHN", &[])]
    #[case::born("born 1958-10-12T00:00:00", &[Datum::BirthDate])]
    #[case::born_as_hl7_has_it("||19581012|M", &[Datum::BirthDate])]
    #[case::born_as_a_form_has_it("10/12/1958", &[Datum::BirthDate])]
    #[case::digits_among_others("id 119581012", &[])]
    #[case::account("PV1 201026045", &[Datum::Account])]
    #[case::what_a_log_needs("order 273013, EPIC 2017041006: AA at 2017-04-10 14:58:03", &[])]
    fn what_gives_a_patient_away_is_told_from_what_a_log_needs(
        #[case] text: &str,
        #[case] expected: &[Datum],
    ) {
        assert_eq!(data(&john(), text), expected);
    }

    /// A datum that may stand in a log by chance proves nothing.
    #[rstest]
    #[case::short_numbers("mrn", "2575", "listening on 127.0.0.1:2575")]
    #[case::a_fraction_of_a_second("mrn", "123456", "01:23:23.123456 msg")]
    #[case::the_day_of_the_log("mrn", "20261122", "20261122 started")]
    #[case::the_order_itself("mrn", "273013", "order 273013 was sent")]
    #[case::the_account_is_the_order("account", "273013", "order 273013 was sent")]
    #[case::the_number_of_the_emr("account", "2017041006", "order 2017041006 was sent")]
    #[case::a_letter_for_a_name("given", "J", "DOE J: J")]
    #[case::no_name_at_all("given", "", "DOE")]
    #[case::the_grader_of_the_exam("given", "JANE", "graded by DOE^JANE")]
    #[case::born_on_the_day_of_the_exam("born", "2017-04-10", "captured 2017-04-10")]
    fn what_may_stand_there_by_chance_is_not_looked_for(
        #[case] fact: &str,
        #[case] value: &str,
        #[case] text: &str,
    ) {
        let mut patient = john();
        patient[fact] = value.into();
        assert_eq!(data(&patient, text), []);
    }

    /// What a log must name is no datum, though one is a part of it.
    #[rstest]
    #[case::the_file_of_the_exam("ITCC20170410", "273013", "took 0003-ITCC20170410.json")]
    #[case::the_exam_by_its_date("dob-1958-10-12", "273013", "took 0003-dob-1958-10-12.json")]
    #[case::the_file_by_another_date("dob.1958/10.12", "273013", "took 0003-dob-1958-10-12.json")]
    #[case::the_exam_by_its_name("JOHN", "273013", "took JOHN, ordered by DOE^JACK")]
    #[case::an_order_of_the_account("john-doe", "201026045-1", "order 201026045-1 was sent")]
    #[case::an_order_of_the_mrn("john-doe", "ITCC20170410-1", "order ITCC20170410-1 was sent")]
    fn an_order_or_an_exam_may_be_named(
        #[case] name: &str,
        #[case] order: &str,
        #[case] text: &str,
    ) {
        let exams = [(name.to_owned(), exam(order, &john()).into())];
        let lookout = Lookout::of(&IndexMap::from(exams));
        assert_eq!(heard_in(&lookout, &[text.as_bytes()]), []);
        let others = heard_in(&lookout, &[b"ITCC20170410 1958-10-12 201026045"]);
        assert_eq!(others.len(), 1, "the rest is looked for still");
    }

    #[test]
    fn the_names_of_two_providers_are_no_patients() {
        let mut facts = exam("273013", &john());
        let text = "graded by ROE^JOHN, ordered by DOE^JACK";
        facts.interpreter.family = "ROE".into();
        facts.interpreter.given = "John".into();
        let exams = [("john-doe".to_owned(), facts.into())];
        assert_eq!(heard_in(&Lookout::of(&IndexMap::from(exams)), &[text.as_bytes()]), []);
        assert_eq!(data(&john(), text), [Datum::Name], "where no provider is called so");
    }

    /// Twice as many exams take about twice as long: each is compared with what is known once.
    #[test]
    fn of_an_output_without_end_the_beginning_is_looked_through() {
        let lookout = lookout(&john());
        let mut overheard = Overheard::default();
        let mut listening = Listening::new(Rc::clone(&lookout), Standard::Output);
        let line = [b"flood\n".repeat(683).as_slice(), b"ITCC20170410\n"].concat();
        listening.hear(&line[..line.len() - 13], &mut overheard);
        assert!(overheard.is_whole() && overheard.disclosed().is_empty());
        while overheard.is_whole() {
            listening.hear(&line[..line.len() - 13], &mut overheard);
        }
        listening.hear(&line, &mut overheard);
        listening.end(&mut overheard);
        assert_eq!(overheard.disclosed(), []);
    }

    #[test]
    fn ten_thousand_exams_are_looked_for_at_once() {
        let exams = (0..10_000).map(|number: u32| {
            let mut patient = john();
            patient["mrn"] = format!("ITCC{number:08}").into();
            patient["account"] = format!("2010{number:08}").into();
            (format!("exam-{number}"), exam(&format!("ORDER{number}"), &patient).into())
        });
        let lookout = Lookout::of(&exams.collect());
        let text = "ITCC00009999 DOE^JOHN\n".repeat(1000);
        let told = heard_in(&lookout, &[text.as_bytes()]);
        let told: Vec<_> = told.iter().map(|one| (one.exam.as_str(), &*one.data)).collect();
        assert_eq!(told, [("exam-0", &[Datum::Name][..]), ("exam-9999", &[Datum::Mrn][..])]);
    }

    #[test]
    fn letters_beyond_ascii_are_a_name_like_any_other() {
        let mut patient = john();
        patient["family"] = "MÜLLER-GARÇON".into();
        patient["given"] = "ÅSA".into();
        assert_eq!(data(&patient, "für ÅSA MÜLLER-GARÇON"), [Datum::Name]);
        assert_eq!(data(&patient, "für KÅSA MÜLLER-GARÇON"), []);
    }

    #[test]
    fn a_patient_of_two_exams_is_the_first_ones() {
        let exams = ["john-doe", "twin"].map(|name| (name.to_owned(), exam(name, &john()).into()));
        let lookout = Lookout::of(&IndexMap::from(exams));
        let told = heard_in(&lookout, &[b"ITCC20170410 DOE^JOHN 1958-10-12"]);
        let john = told.iter().map(|one| one.exam.as_str()).collect::<Vec<_>>();
        assert_eq!(john, ["john-doe"]);
    }

    quickcheck! {
        fn how_the_output_is_cut_changes_nothing(cuts: Vec<usize>, before: Vec<u8>) -> bool {
            let mut text = before;
            text.extend_from_slice(b" DOE^JOHN|ITCC20170410|19581012 201026045");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            let lookout = lookout(&john());
            let whole = heard_in(&lookout, &[&text]);
            whole.len() == 1 && whole[0].data.len() == 4 && heard_in(&lookout, &pieces) == whole
        }
    }
}
