//! A mapping and an exam for the tests of rooms that do not read YAML themselves.

use crate::exam::Exam;
use crate::mapping::{Mapping, read, shipped};
use crate::yaml::{self, Source};

/// The mapping that a text is.
pub(crate) fn mapping(text: &str) -> Mapping {
    read(&Source::new("m.yaml", text), &shipped).expect("invariant: a test's mapping can be read")
}

/// The exam of John Doe that is shipped.
pub(crate) fn john_doe() -> Exam {
    let text = include_str!("../../scenarios/exams/john-doe.yaml");
    yaml::read(&Source::new("john-doe.yaml", text)).expect("invariant: a shipped exam can be read")
}
