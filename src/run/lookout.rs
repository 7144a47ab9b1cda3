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

use crate::exam::{Exam, Patient};
use crate::history::{Datum, Standard};

/// What to look for, made once for a case.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    clues: Vec<Clue>,
    /// The clues that begin with a byte.
    by_first: BTreeMap<u8, Vec<usize>>,
    /// The names of the exams that clues belong to.
    exams: Vec<String>,
    /// How many bytes the longest clue has.
    longest: usize,
}

/// A text that is, or is part of, a datum.
#[derive(Debug)]
struct Clue {
    text: Vec<u8>,
    /// Of which exam.
    exam: usize,
    sign: Sign,
}

/// What a clue is a sign of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Identifier(Datum),
    BirthDate,
    /// A family (0) or given (1) name, which tells who it is only beside the other.
    Half(usize),
}

impl Lookout {
    /// A lookout for data of the patients of `exams`.
    pub(crate) fn of(exams: &IndexMap<String, Arc<Exam>>) -> Rc<Self> {
        let known = Known::of(exams);
        let mut lookout = Self::default();
        for (name, exam) in exams {
            let number = lookout.exams.len();
            lookout.exams.push(name.clone());
            for (text, sign) in clues(&exam.patient, &known) {
                lookout.add(Clue { text: text.into_bytes(), exam: number, sign });
            }
        }
        Rc::new(lookout)
    }

    /// Patients that exams share are the first one's.
    fn add(&mut self, clue: Clue) {
        let halves = matches!(clue.sign, Sign::Half(_));
        let known = self.clues.iter().any(|one| one.text == clue.text && one.sign == clue.sign);
        let Some(&first) = clue.text.first().filter(|_| halves || !known) else { return };
        self.longest = self.longest.max(clue.text.len());
        self.by_first.entry(first).or_default().push(self.clues.len());
        self.clues.push(clue);
    }
}

/// What a log may say, though it looks like a datum.
struct Known<'e> {
    words: BTreeSet<&'e str>,
    names: BTreeSet<(&'e str, &'e str)>,
    days: BTreeSet<Date>,
}

impl<'e> Known<'e> {
    fn of(exams: &'e IndexMap<String, Arc<Exam>>) -> Self {
        let mut known =
            Self { words: BTreeSet::new(), names: BTreeSet::new(), days: BTreeSet::new() };
        for exam in exams.values() {
            let order = &exam.order;
            known.words.extend([&*order.number, &order.emr_number, &order.application, &exam.site]);
            known.words.extend(exam.procedure.iter().map(|procedure| procedure.code.as_str()));
            for person in [&exam.ordering_provider, &exam.interpreter] {
                known.words.insert(&person.id);
                known.names.insert((&person.family, &person.given));
            }
            known.days.extend(exam.images.iter().map(|image| image.captured.date()));
            known.days.insert(exam.grading.signed.date());
        }
        known
    }
}

/// The texts that give a patient away.
fn clues(patient: &Patient, known: &Known<'_>) -> Vec<(String, Sign)> {
    let mut found = Vec::new();
    for (text, datum) in [(&patient.mrn, Datum::Mrn), (&patient.account, Datum::Account)] {
        if text.len() >= SHORTEST && !known.words.contains(text.as_str()) {
            found.push((text.clone(), Sign::Identifier(datum)));
        }
    }
    let halves = [&patient.family, &patient.given];
    let long = halves.iter().all(|half| half.len() >= SHORTEST_HALF)
        && halves.iter().map(|half| half.len()).sum::<usize>() >= SHORTEST;
    if long && !known.names.contains(&(patient.family.as_str(), patient.given.as_str())) {
        let halves = halves.into_iter().enumerate();
        found.extend(halves.map(|(number, half)| (half.clone(), Sign::Half(number))));
    }
    if !known.days.contains(&patient.born) {
        let spelt = |form: &&str| (patient.born.strftime(form).to_string(), Sign::BirthDate);
        found.extend(DATES.iter().map(spelt));
    }
    found
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

impl Overheard {
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
    /// The last bytes, in which a clue may have begun.
    held: Vec<u8>,
    /// The byte before them.
    before: Option<u8>,
    /// Where they begin.
    offset: u64,
    /// Where the half of a name stood last, from and to, by exam.
    halves: BTreeMap<usize, [Option<(u64, u64)>; 2]>,
}

impl Listening {
    /// Nothing was read yet.
    pub(crate) const fn new(lookout: Rc<Lookout>, output: Standard) -> Self {
        let halves = BTreeMap::new();
        Self { lookout, output, held: Vec::new(), before: None, offset: 0, halves }
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
        overheard.length += bytes.len() as u64;
        self.held.extend_from_slice(bytes);
        // A clue is known by the byte behind it, too.
        let sure = self.held.len().saturating_sub(self.lookout.longest);
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
        for at in 0..sure {
            let Some(clues) = lookout.by_first.get(&held[at]) else { continue };
            let before = if at == 0 { self.before } else { Some(held[at - 1]) };
            for clue in clues.iter().map(|&number| &lookout.clues[number]) {
                let end = at + clue.text.len();
                let apart = |byte: Option<u8>| !byte.is_some_and(|byte| joins(clue.sign, byte));
                let stands = held[at..].starts_with(&clue.text);
                if stands && apart(before) && apart(held.get(end).copied()) {
                    let place = (self.offset + at as u64, self.offset + end as u64);
                    self.found(clue, place, overheard);
                }
            }
        }
        if sure > 0 {
            self.before = Some(held[sure - 1]);
        }
        self.held = held;
        self.held.drain(..sure);
        self.offset += sure as u64;
    }

    fn found(&mut self, clue: &Clue, place: (u64, u64), overheard: &mut Overheard) {
        let datum = match clue.sign {
            Sign::Identifier(datum) => datum,
            Sign::BirthDate => Datum::BirthDate,
            Sign::Half(number) => {
                let halves = self.halves.entry(clue.exam).or_default();
                halves[number] = Some(place);
                match halves[1 - number] {
                    Some((_, end)) if place.0.saturating_sub(end) <= GAP && place.0 >= end => {
                        Datum::Name
                    }
                    _ => return,
                }
            }
        };
        let exam = &self.lookout.exams[clue.exam];
        let seen = overheard.seen.entry((self.output, clue.exam));
        seen.or_insert_with(|| (exam.clone(), BTreeSet::new())).1.insert(datum);
    }
}

/// Whether a byte beside a clue makes it a part of something else.
const fn joins(sign: Sign, byte: u8) -> bool {
    match sign {
        Sign::Identifier(_) => byte.is_ascii_alphanumeric(),
        Sign::BirthDate => byte.is_ascii_digit(),
        // An exam's own name, as in `john-doe`, is no patient's.
        Sign::Half(_) => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..),
    }
}

/// How many bytes a datum must have at least.
const SHORTEST: usize = 6;

/// How many bytes each half of a name must have at least.
const SHORTEST_HALF: usize = 2;

/// How many bytes may stand between the two halves of a name, as in `"family": "…", "given": "…"`.
const GAP: u64 = 32;

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
        let told = heard_in(&lookout, &[b"ITCC20170410"]);
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
