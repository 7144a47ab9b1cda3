//! What a case names, looked up: its mappings and its exams. Cases that name the same may share
//! it, so that a thousand of them read no file twice.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use crate::exam::Exam;
use crate::mapping::Mapping;
use crate::plan::Made;
use crate::planning::library::mapping;
use crate::planning::{Library, defaults, exams};
use crate::scenario::{Case, Word};
use crate::yaml::{Diagnostic, Place};

/// The mappings and exams that a case names.
#[derive(Debug)]
pub struct Named {
    /// The beginning of the case's file, for what is written nowhere.
    pub(crate) start: Place,
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) results: Option<Arc<Mapping>>,
    /// Without probes.
    pub(crate) exams: IndexMap<String, Arc<Exam>>,
    /// With as many probes as the place in the list says.
    with_probes: [OnceLock<WithProbes>; MOST_PROBES],
}

/// What names were found to mean, for many cases that name the same: no file is read twice.
#[derive(Debug, Default)]
pub struct Meanings {
    cases: BTreeMap<String, Arc<Named>>,
    charges: BTreeMap<String, Arc<Mapping>>,
    results: BTreeMap<String, Arc<Mapping>>,
    /// Sets of exams, by their names.
    exams: BTreeMap<String, IndexMap<String, Arc<Exam>>>,
}

impl Meanings {
    /// What `case` names, if a case was asked about that names the same.
    #[must_use]
    pub fn known(&self, case: &Case) -> Option<Arc<Named>> {
        self.cases.get(&key(case)).cloned()
    }

    /// What `case` names. The name of an exam must mean the same facts in every case.
    ///
    /// # Errors
    /// The first name that means nothing, with its place.
    pub fn learn(
        &mut self,
        case: &Case,
        library: &dyn Library,
        start: &Place,
    ) -> Result<Arc<Named>, Diagnostic> {
        let named = Arc::new(self.look_up(case, library, start)?);
        self.cases.insert(key(case), Arc::clone(&named));
        Ok(named)
    }

    fn look_up(
        &mut self,
        case: &Case,
        library: &dyn Library,
        start: &Place,
    ) -> Result<Named, Diagnostic> {
        let default = Word { text: defaults::MAPPING.to_owned(), place: start.clone() };
        let exams = match self.exams.get(&exam_names(case)) {
            Some(known) => known.clone(),
            None => exams::read_all(&case.exams, library)?,
        };
        let charge = case.mapping.as_ref().unwrap_or(&default);
        let mapping = once(&mut self.charges, charge, || charges(charge, library))?;
        exams::credits_are_written(&case.exams, &exams, &mapping)?;
        let result = case.results.as_ref();
        let results = result
            .map(|word| once(&mut self.results, word, || results(word, library)))
            .transpose()?;
        self.exams.entry(exam_names(case)).or_insert_with(|| exams.clone());
        let (start, with_probes) = (start.clone(), Default::default());
        Ok(Named { start, mapping, results, exams, with_probes })
    }
}

/// The mapping that a word names, read when it is named for the first time.
fn once(
    known: &mut BTreeMap<String, Arc<Mapping>>,
    word: &Word,
    read: impl FnOnce() -> Result<Mapping, Diagnostic>,
) -> Result<Arc<Mapping>, Diagnostic> {
    if let Some(mapping) = known.get(&word.text) {
        return Ok(Arc::clone(mapping));
    }
    let mapping = Arc::new(read()?);
    known.insert(word.text.clone(), Arc::clone(&mapping));
    Ok(mapping)
}

/// What cases have in common that name the same.
fn key(case: &Case) -> String {
    let mut key = exam_names(case);
    for word in [&case.mapping, &case.results] {
        key.push_str(" | ");
        key.push_str(word.as_ref().map_or("", |word| word.text.as_str()));
    }
    key
}

fn exam_names(case: &Case) -> String {
    let mut names = String::with_capacity(64);
    for exam in &case.exams {
        names.push_str(&exam.name.text);
        names.push(' ');
    }
    names
}

/// The exams of a plan with its probes, and what is made of them.
#[derive(Clone, Debug)]
pub(crate) struct WithProbes {
    pub(crate) exams: Arc<IndexMap<String, Arc<Exam>>>,
    /// The names of the probes.
    pub(crate) probes: Vec<String>,
    pub(crate) made: Made,
}

/// So many probes are remembered; a case may well have more.
const MOST_PROBES: usize = 8;

impl Named {
    /// Looks up what `case` names; `start` is the beginning of its file, for what it does not.
    ///
    /// # Errors
    /// The first name that means nothing, with its place.
    pub fn of(case: &Case, library: &dyn Library, start: &Place) -> Result<Self, Diagnostic> {
        Meanings::default().look_up(case, library, start)
    }

    /// The exams with this many probes.
    pub(crate) fn with_probes(&self, count: usize) -> Result<WithProbes, Diagnostic> {
        let remembered = self.with_probes.get(count);
        if let Some(known) = remembered.and_then(OnceLock::get) {
            return Ok(known.clone());
        }
        let mut exams = self.exams.clone();
        let probes = exams::add_probes(&mut exams, count)?;
        let made = WithProbes { exams: Arc::new(exams), probes, made: Made::default() };
        Ok(remembered.map_or(made.clone(), |place| place.get_or_init(|| made).clone()))
    }
}

fn charges(word: &Word, library: &dyn Library) -> Result<Mapping, Diagnostic> {
    let found = mapping(library, word)?;
    if !is_charge(&found) {
        let (name, message) = (&word.text, &found.message);
        let mistake = format!("the mapping `{name}` makes {message}, which is no charge");
        return Err(word.place.error(mistake).hint("a charge is a DFT: `message: DFT^P03`"));
    }
    Ok(found)
}

/// The mapping for results, which may be resent, so that a charge must not pass for one.
fn results(word: &Word, library: &dyn Library) -> Result<Mapping, Diagnostic> {
    let found = mapping(library, word)?;
    if is_charge(&found) {
        let mistake = format!("the mapping `{}` makes charges, and no results", word.text);
        return Err(word.place.error(mistake).hint("results are made by `iris/result`"));
    }
    Ok(found)
}

/// Whether a mapping makes messages that carry money.
fn is_charge(mapping: &Mapping) -> bool {
    mapping.message.starts_with("DFT")
}
