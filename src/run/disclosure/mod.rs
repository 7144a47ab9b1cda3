//! A lookout over what a sender prints: whether data of the patients whose exams it was handed
//! stand in it.
//!
//! One pass, whatever is printed and however it is cut; what was read is not kept. A datum that is
//! so short, or so much like something that a log must say, that it may stand there by chance is
//! not looked for: it is better to miss one than to blame a sender for a port or a file name. It does
//! **not** judge.

mod listening;
mod places;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::civil::Date;

use crate::exam::{Exam, Patient};
use crate::history::Datum;
use crate::run::file_name;
use places::{Index, character_before};
use words::is_word;

pub use listening::Disclosure;
pub(crate) use listening::{Listening, Overheard};

/// What to look for, made once for a case. Data that patients share are the first exam's.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    /// The names of the exams.
    exams: Vec<String>,
    /// Texts that give a patient away by themselves.
    wholes: Index<Whole>,
    /// Birth dates in small letters.
    dates: Index<Whole>,
    /// Family and given names in small letters, which tell who it is only beside one another.
    halves: Index<Half>,
    /// Whose name two halves are, family name first.
    names: BTreeMap<(usize, usize), usize>,
    /// Whose family name a half is, where it tells who it is by itself.
    families: BTreeMap<usize, usize>,
    /// How many halves there are.
    known_halves: usize,
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
    /// Whether a log may hold it as a word: in small letters it is one then, as in `it will be sent`.
    word: bool,
}

/// What stands at a place.
#[derive(Clone, Copy)]
enum Clue {
    Whole(Whole),
    /// A half, and whether it may be a word.
    Half(usize, bool),
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
            let text = text.to_ascii_lowercase();
            self.dates.add(text.as_bytes(), Whole { exam, datum: Datum::BirthDate, born });
        }
        let (family, given) = (&patient.family, &patient.given);
        if family.chars().count() >= SHORTEST_FAMILY && !is_word(family) {
            let half = self.add_half(family);
            self.families.entry(half).or_insert(exam);
        }
        let shortest = family.len().min(given.len());
        if shortest >= SHORTEST_HALF && family.len() + given.len() >= SHORTEST {
            let name = (self.add_half(family), self.add_half(given));
            self.names.entry(name).or_insert(exam);
        }
    }

    /// A half in every case in which it may be written, in UTF-8 and, where it has it, in Latin-1.
    fn add_half(&mut self, name: &str) -> usize {
        let mut number = self.known_halves;
        for text in cases(name) {
            let text = text.to_ascii_lowercase();
            let latin: Option<Vec<u8>> =
                text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
            for bytes in [Some(text.into_bytes()), latin].into_iter().flatten() {
                number = self.halves.add(&bytes, Half { number, word: is_word(name) }).number;
            }
        }
        self.known_halves = self.known_halves.max(number + 1);
        number
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
                        Clue::Half(number, _) => _ = halves.insert(number),
                    }
                }
            }
        }
        self.wholes.texts.retain(|text, _| !wholes.contains(text));
        self.dates.texts.retain(|_, whole| whole.born.is_none_or(|born| !days.contains(&born)));
        self.families.retain(|half, _| !halves.contains(half));
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
        let wholes = self.wholes.at(held, at);
        let wholes =
            wholes.filter(move |(_, end)| apart(|byte| byte.is_ascii_alphanumeric(), *end));
        let dates = self.dates.at(folded, at);
        let dates = dates.filter(move |(_, end)| apart(|byte| byte.is_ascii_digit(), *end));
        let halves = self.halves.at(folded, at).filter(move |(_, end)| apart(joins_a_name, *end));
        let wholes = wholes.chain(dates).map(|(whole, end)| (Clue::Whole(*whole), end));
        wholes.chain(halves.map(move |(half, end)| {
            (Clue::Half(half.number, half.word && held[at].is_ascii_lowercase()), end)
        }))
    }

    /// How many bytes the longest clue has.
    fn longest(&self) -> usize {
        self.wholes.longest.max(self.dates.longest).max(self.halves.longest)
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

/// A name as it stands, in small letters, in capitals, and with one of each.
fn cases(name: &str) -> [String; 4] {
    let mut letters = name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let title = first + &letters.as_str().to_lowercase();
    [name.to_owned(), name.to_lowercase(), name.to_uppercase(), title]
}

/// A date in its usual spellings.
fn spelt(date: Date) -> impl Iterator<Item = String> {
    DATES.iter().map(move |form| date.strftime(form).to_string())
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

/// How many letters a family name must have at least that tells by itself who it is.
const SHORTEST_FAMILY: usize = 4;

/// The usual spellings of a date. The year in two digits stands only between strokes: with dots or
/// dashes it may be a version, an address or a time.
const DATES: &[&str] = &[
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%-m/%-d/%Y",
    "%-d/%-m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%-d.%-m.%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%b %-d, %Y",
    "%b %d, %Y",
    "%b %-d %Y",
    "%b %d %Y",
    "%B %-d, %Y",
    "%B %d, %Y",
    "%B %-d %Y",
    "%-d %b %Y",
    "%d %b %Y",
    "%-d %B %Y",
    "%d %B %Y",
    "%-d. %B %Y",
    "%d-%b-%Y",
    "%-d-%b-%Y",
    "%d%b%Y",
    "%a %b %-d %Y",
    "%b %-d, %y",
];

#[cfg(test)]
mod tests;
