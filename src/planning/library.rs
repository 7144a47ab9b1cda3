//! What a scenario refers to by name.

use crate::mapping::{Mapping, resolve};
use crate::scenario::Word;
use crate::yaml::{Diagnostic, Place, Source};

/// Where mappings, exams and approved snapshots come from: the files beside the scenarios, the
/// ones that are built in, or a test's own.
pub trait Library {
    /// The mapping of this name, such as `iris/option-2`.
    fn mapping(&self, name: &str) -> Option<Source>;
    /// The exam of this name, such as `john-doe`.
    fn exam(&self, name: &str) -> Option<Source>;
    /// The approved snapshot of this name, without insta's header.
    fn snapshot(&self, name: &str) -> Option<String>;
    /// The names of all mappings.
    fn mappings(&self) -> Vec<String>;
    /// The names of all exams.
    fn exams(&self) -> Vec<String>;
}

/// The mapping of this name with every parent resolved.
pub(crate) fn mapping(library: &dyn Library, word: &Word) -> Result<Mapping, Diagnostic> {
    match library.mapping(&word.text) {
        Some(_) => resolve(&word.text, &|name| library.mapping(name)),
        None => Err(unknown("mapping", &word.text, &word.place, &library.mappings())),
    }
}

/// The mistake that there is nothing of this name, with the nearest name that there is.
pub(crate) fn unknown(what: &str, name: &str, place: &Place, valid: &[String]) -> Diagnostic {
    let mistake = place.error(format!("unknown {what} `{name}`"));
    let valid: Vec<&str> = valid.iter().map(String::as_str).collect();
    if valid.is_empty() {
        return mistake.hint(format!("there is no {what} at all"));
    }
    mistake.hint_words(name, &format!("valid {what}s"), valid)
}
