//! What a case names, looked up: its mappings and its exams. Cases that name the same may share
//! it, so that a thousand of them read no file twice.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use super::library::mapping;
use super::made::Made;
use super::{Library, defaults, exams};
use crate::exam::Exam;
use crate::mapping::Mapping;
use crate::scenario::{Case, Word};
use crate::yaml::{Diagnostic, Place};

/// The mappings and exams that a case names.
#[derive(Debug)]
pub struct Named {
    /// The beginning of the case's file, for what is written nowhere.
    pub(super) start: Place,
    pub(super) mapping: Arc<Mapping>,
    pub(super) results: Option<Arc<Mapping>>,
    /// Without probes.
    pub(super) exams: IndexMap<String, Arc<Exam>>,
    /// With as many probes as the place in the list says.
    with_probes: [OnceLock<WithProbes>; MOST_PROBES],
}

/// The exams of a plan with its probes, and what is made of them.
#[derive(Clone, Debug)]
pub(super) struct WithProbes {
    pub(super) exams: Arc<IndexMap<String, Arc<Exam>>>,
    /// The names of the probes.
    pub(super) probes: Vec<String>,
    pub(super) made: Made,
}

/// So many probes are remembered; a case may well have more.
const MOST_PROBES: usize = 8;

impl Named {
    /// Looks up what `case` names; `start` is the beginning of its file, for what it does not.
    ///
    /// # Errors
    /// The first name that means nothing, with its place.
    pub fn of(case: &Case, library: &dyn Library, start: &Place) -> Result<Self, Diagnostic> {
        let default = Word { text: defaults::MAPPING.to_owned(), place: start.clone() };
        let exams = exams::read_all(&case.exams, library)?;
        let charges = charges(case.mapping.as_ref().unwrap_or(&default), library)?;
        let results = case.results.as_ref().map(|word| results(word, library)).transpose()?;
        Ok(Self {
            start: start.clone(),
            mapping: Arc::new(charges),
            results: results.map(Arc::new),
            exams,
            with_probes: Default::default(),
        })
    }

    /// The exams with this many probes.
    pub(super) fn with_probes(&self, count: usize) -> Result<WithProbes, Diagnostic> {
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
