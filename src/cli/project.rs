//! Where scenarios, mappings, exams and snapshots come from.
//!
//! A folder with `scenarios/` is a project of its own; the built-in mappings and exams are there
//! for it to use and to extend, and its own come first where names are equal. Anywhere else the
//! built-in scenarios are used, with their snapshots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::cli::failure::Failure;
use crate::cli::snapshots;
use chargeproof::mapping::{self, Mapping};
use chargeproof::planning::Library;
use chargeproof::yaml::Source;

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");
static MAPPINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");
static SNAPSHOTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/snapshots");
static REFERENCE: &str = include_str!("../../senders/reference.yaml");

/// The scenarios, mappings, exams and snapshots of one run, by name.
#[derive(Debug)]
pub(super) struct Project {
    /// Scenario files by id, in the order of their ids.
    scenarios: BTreeMap<String, Source>,
    exams: BTreeMap<String, Source>,
    mappings: BTreeMap<String, Source>,
    snapshots: BTreeMap<String, String>,
    /// Where new snapshots are written.
    folder: PathBuf,
}

impl Project {
    /// Reads the project in `folder`, or the built-in one where the folder has no `scenarios/`.
    ///
    /// # Errors
    /// A file that cannot be read, or is not UTF-8.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        if !folder.is_dir() {
            let message = format!("there is no folder `{}`", folder.display());
            return Err(Failure::usage(message, "name one that holds `scenarios/`"));
        }
        Self::at(folder)
    }

    fn at(folder: &Path) -> Result<Self, Failure> {
        let own = folder.join("scenarios").is_dir();
        let (mut exams, mut scenarios) = split_exams(built_in(&SCENARIOS, "yaml", "scenarios")?);
        if own {
            let written = split_exams(from_disk(&folder.join("scenarios"), "yaml")?);
            exams.extend(written.0);
            scenarios = written.1;
        }
        let mut mappings = built_in(&MAPPINGS, "yaml", "mappings")?;
        mappings.extend(from_disk(&folder.join("mappings"), "yaml")?);
        let approved = if own {
            from_disk(&folder.join("snapshots"), "snap")?
        } else {
            built_in(&SNAPSHOTS, "snap", "snapshots")?
        };
        let content = |(name, source): (String, Source)| (name, snapshots::content(&source.text));
        let snapshots = approved.into_iter().map(content).collect();
        Ok(Self { scenarios, exams, mappings, snapshots, folder: folder.to_owned() })
    }

    /// The built-in project alone, wherever the program runs.
    ///
    /// # Errors
    /// None in a sound build.
    pub(super) fn built_in() -> Result<Self, Failure> {
        Self::at(Path::new("/nonexistent"))
    }

    /// The scenarios by id.
    pub(super) const fn scenarios(&self) -> &BTreeMap<String, Source> {
        &self.scenarios
    }

    /// The folder of the project.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A mapping with its parents resolved.
    ///
    /// # Errors
    /// A name that no mapping has, or a mistake in its file.
    pub(super) fn resolved(&self, name: &str) -> Result<Mapping, Failure> {
        self.resolved_beside(name, None)
    }

    /// The same for a name that may mean a file of its own.
    ///
    /// # Errors
    /// A name that no mapping has, or a mistake in its file.
    pub(super) fn resolved_beside(
        &self,
        name: &str,
        own: Option<&Source>,
    ) -> Result<Mapping, Failure> {
        let find = |wanted: &str| match own {
            Some(source) if wanted == name => Some(source.clone()),
            _ => self.mapping(wanted),
        };
        if find(name).is_none() {
            let hint = format!("the mappings are {}", self.mappings().join(", "));
            return Err(Failure::usage(format!("no mapping is called `{name}`"), hint));
        }
        Ok(mapping::resolve(name, &find)?)
    }

    /// The sender file of the reference sender.
    pub(super) fn reference() -> Source {
        Source::new("senders/reference.yaml", REFERENCE)
    }
}

impl Library for Project {
    fn mapping(&self, name: &str) -> Option<Source> {
        self.mappings.get(name).cloned()
    }

    fn exam(&self, name: &str) -> Option<Source> {
        self.exams.get(name).cloned()
    }

    fn snapshot(&self, name: &str) -> Option<String> {
        self.snapshots.get(name).cloned()
    }

    fn mappings(&self) -> Vec<String> {
        self.mappings.keys().cloned().collect()
    }

    fn exams(&self) -> Vec<String> {
        self.exams.keys().cloned().collect()
    }
}

/// Reads one file as an author wrote it.
///
/// # Errors
/// A file that cannot be read, or is not UTF-8.
pub(super) fn read_source(path: &Path) -> Result<Source, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::reading(path))?;
    let name = path.strip_prefix("./").unwrap_or(path).to_string_lossy().into_owned();
    Ok(Source::from_bytes(name, bytes)?)
}

/// The same for a file that must be YAML. One that is something else and may hold a patient is refused
/// before a line of it can stand in an error message.
///
/// # Errors
/// A file that cannot be read, is a message or a recording, or is not UTF-8.
pub(super) fn read_yaml(path: &Path) -> Result<Source, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::reading(path))?;
    let (what, hint) = match elsewhere(&bytes) {
        None => return read_source(path),
        Some(Elsewhere::Message) => (
            "a message",
            "none of its lines is shown, for they may be of a patient; a scenario begins with `title:`, \
             and bytes to answer with stand in its `raw`",
        ),
        Some(Elsewhere::Recording) => {
            ("a recording", "recordings are judged again by `chargeproof check`")
        }
    };
    let message = format!("`{}` is {what}, and no YAML", path.display());
    Err(Failure::usage(message, hint))
}

/// What a file is that came from a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elsewhere {
    Message,
    Recording,
}

/// Whether a file is not what somebody wrote, but what was received: by a line that is a segment, by
/// the bytes of a frame, or by the form of a history.
fn elsewhere(bytes: &[u8]) -> Option<Elsewhere> {
    let text = bytes.trim_ascii_start();
    if [&b"{\"format\":\"chargeproof-history\""[..], b"{\"seq\":"]
        .iter()
        .any(|begin| text.starts_with(begin))
    {
        return Some(Elsewhere::Recording);
    }
    let is_segment = |line: &[u8]| match line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) {
        [first, second, third, separator, ..] => {
            first.is_ascii_alphabetic()
                && [second, third].iter().all(|byte| byte.is_ascii_alphanumeric())
                && (*separator == b'|'
                    || [*first, *second, *third] == *b"MSH" && separator.is_ascii_punctuation())
        }
        _ => false,
    };
    let is_framed = bytes.iter().any(|byte| matches!(byte, 0x0B | 0x1C));
    let lines = || bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
    // What an author writes of a message is indented, under a key; a log or a page has no keys.
    let is_indented = |line: &[u8]| line.first().is_none_or(u8::is_ascii_whitespace);
    let has_key = lines().any(|line| {
        let end = line.iter().position(|byte| !(byte.is_ascii_lowercase() || *byte == b'_'));
        end.is_some_and(|end| end > 0 && line[end] == b':')
    });
    let mut suspects = lines().filter(|line| !has_key || !is_indented(line));
    let is_message = is_framed || suspects.any(|line| is_segment(line) || speaks_of_patients(line));
    is_message.then_some(Elsewhere::Message)
}

/// Whether a line has what stands in messages, wherever it stands in it.
fn speaks_of_patients(line: &[u8]) -> bool {
    const SIGNS: [&[u8]; 6] = [b"MSH|", b"PID|", b"<MSH", b"<PID", b"\"MSH", b"\"PID"];
    // Two bytes a letter are the same letters.
    let plain: Vec<u8> =
        line.iter().filter(|byte| **byte != 0).map(u8::to_ascii_uppercase).collect();
    SIGNS.iter().any(|sign| memchr::memmem::find(&plain, sign).is_some())
}

/// Every file below `folder` with this ending, by its path without the ending.
fn from_disk(folder: &Path, ending: &str) -> Result<BTreeMap<String, Source>, Failure> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(place) = waiting.pop() {
        if !place.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&place).map_err(Failure::reading(&place))?;
        for entry in entries {
            let path = entry.map_err(Failure::reading(&place))?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|one| one == ending) {
                let source = if ending == "yaml" { read_yaml(&path)? } else { read_source(&path)? };
                found.insert(name_below(folder, &path), source);
            }
        }
    }
    Ok(found)
}

fn built_in(
    folder: &Dir<'_>,
    ending: &str,
    title: &str,
) -> Result<BTreeMap<String, Source>, Failure> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder];
    while let Some(place) = waiting.pop() {
        waiting.extend(place.dirs());
        for file in place.files() {
            if file.path().extension().is_some_and(|one| one == ending) {
                let name = format!("{title}/{}", file.path().display());
                let source = Source::from_bytes(name, file.contents().to_vec())?;
                found.insert(name_below(Path::new(""), file.path()), source);
            }
        }
    }
    Ok(found)
}

/// `folder/a/b.yaml` below `folder` is `a/b`.
fn name_below(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<String>>().join("/")
}

/// Exams live beside the scenarios, in `scenarios/exams/`.
fn split_exams(
    all: BTreeMap<String, Source>,
) -> (BTreeMap<String, Source>, BTreeMap<String, Source>) {
    let mut exams = BTreeMap::new();
    let mut scenarios = BTreeMap::new();
    for (name, source) in all {
        match name.strip_prefix("exams/") {
            Some(exam) => exams.insert(exam.to_owned(), source),
            None => scenarios.insert(name, source),
        };
    }
    (exams, scenarios)
}

/// The built-in scenarios, by their paths.
#[cfg(test)]
pub(super) fn shipped_scenarios() -> Vec<(&'static str, &'static str)> {
    fn below(folder: &Dir<'static>, found: &mut Vec<(&'static str, &'static str)>) {
        for file in folder.files() {
            let path = file.path().to_str().unwrap_or_default();
            found.push((path, file.contents_utf8().unwrap_or_default()));
        }
        folder.dirs().for_each(|folder| below(folder, found));
    }
    let mut found = Vec::new();
    below(&SCENARIOS, &mut found);
    found.retain(|(path, _)| path.ends_with(".yaml") && !path.starts_with("exams"));
    found
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Elsewhere, elsewhere};

    #[rstest]
    #[case::scenario(b"title: A case\nexams: [john-doe]\n", None)]
    #[case::bytes_to_answer(b"emr:\n  - reply:\n      raw: |\n        MSH|^~\\&|A\n", None)]
    #[case::message(b"MSH|^~\\&|A\rPID|1||77\r", Some(Elsewhere::Message))]
    #[case::other_delimiters(b"MSH#*~\\&#A\r", Some(Elsewhere::Message))]
    #[case::lower_case(b"msh|^~\\&|a\npid|1||77\n", Some(Elsewhere::Message))]
    #[case::indented(b"  MSH|^~\\&|A\n  PID|1||77\n", Some(Elsewhere::Message))]
    #[case::markup(b"<DFT_P03>\n  <PID><PID.3>77</PID.3></PID>\n", Some(Elsewhere::Message))]
    #[case::log(b"12:00:01 sent MSH|^~\\&|A PID|1||77\n", Some(Elsewhere::Message))]
    #[case::its_fields(b"{\"PID-5\": \"DOE\"}\n", Some(Elsewhere::Message))]
    #[case::two_bytes_a_letter(b"M\0S\0H\0|\0A\0\n\0", Some(Elsewhere::Message))]
    #[case::mapping(b"message: DFT^P03\nfields:\n  PID-3: { fact: patient.mrn }\n", None)]
    #[case::its_rest(b"2026-01-05 sent\nPID|1||77\n", Some(Elsewhere::Message))]
    #[case::in_a_frame(b"log: \x0bpid\x1c\r", Some(Elsewhere::Message))]
    #[case::recording(
        b"{\"format\":\"chargeproof-history\",\"version\":1}\n",
        Some(Elsewhere::Recording)
    )]
    #[case::part_of_one(b"{\"seq\":4,\"at\":1}\n", Some(Elsewhere::Recording))]
    fn what_was_received_is_told_from_what_was_written(
        #[case] bytes: &[u8],
        #[case] expected: Option<Elsewhere>,
    ) {
        assert_eq!(elsewhere(bytes), expected);
    }
}
