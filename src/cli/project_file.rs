//! `chargeproof.yaml`: what somebody would type each time.
//!
//! A value stands in for an option that was not typed; whatever is typed counts for more.

use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::ValueEnum;
use clap::parser::ValueSource;
use serde_json::{Value as Json, json};

use crate::cli::arguments::{Command, Doctor, Filter, ReportKind, Run, Selection};
use crate::cli::failure::Failure;
use crate::cli::project::read_yaml;
use crate::cli::values::{jobs, time};
use chargeproof::suite::SideBySide;
use chargeproof::yaml::{Diagnostic, Node, Value, parse};

/// Its name, in the folder of a project.
pub(super) const FILE: &str = "chargeproof.yaml";

/// Its keys.
const KEYS: &[&str] =
    &["sender", "cases", "exclude", "seed", "watch_for", "host", "jobs", "out", "report"];

/// What the project file says.
#[derive(Debug, Default)]
struct ProjectFile {
    sender: Option<PathBuf>,
    cases: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    seed: Option<u64>,
    watch_for: Option<Duration>,
    host: Option<IpAddr>,
    jobs: Option<SideBySide>,
    out: Option<PathBuf>,
    report: Option<Vec<ReportKind>>,
}

/// Fills in what `command` leaves to the project file; `matches` knows what was typed.
///
/// # Errors
/// A file that cannot be read, or the first mistake in it.
pub(super) fn fill(command: &mut Command, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((_, matches)) = matches.subcommand() else { return Ok(()) };
    let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    match command {
        Command::Run(run) => ProjectFile::of(&run.selection.project)?.fill_run(run, &typed),
        Command::List(list) => {
            let file = ProjectFile::of(&list.selection.project)?;
            file.fill_selection(&mut list.selection, &typed);
            file.fill_filter(&mut list.filter, &typed);
        }
        Command::Doctor(doctor) => {
            ProjectFile::of(&doctor.project)?.fill_doctor(doctor, &typed);
        }
        _ => {}
    }
    Ok(())
}

impl ProjectFile {
    /// The one in `folder`; one that says nothing where there is none.
    fn of(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        // What is there and cannot be read is a mistake, and not the same as nothing.
        let found = std::fs::symlink_metadata(&path);
        if found.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(Self::default());
        }
        let source = read_yaml(&path)?;
        if source.is_blank() {
            return Ok(Self::default());
        }
        // What is beside the file is found from wherever the command runs.
        let beside = |text: &str| match folder == Path::new(".") {
            true => PathBuf::from(text),
            false => folder.join(text),
        };
        Ok(Self::read(&parse(&source)?, &beside)?)
    }

    fn read(top: &Node, beside: &dyn Fn(&str) -> PathBuf) -> Result<Self, Diagnostic> {
        let fields = top.fields("a project file", KEYS)?;
        let path = |key, what| fields.get(key).map(|node| node.text(what).map(beside)).transpose();
        let cases = |key| {
            let list = |node: &Node| node.texts("a list of cases", "an id or a pattern");
            fields.get(key).map(list).transpose()
        };
        Ok(Self {
            sender: path("sender", "the path of a sender file")?,
            cases: cases("cases")?,
            exclude: cases("exclude")?,
            seed: parsed(fields.get("seed"), "a whole number", |text| {
                text.parse().map_err(|_| "it is a whole number, as in `--seed`".to_owned())
            })?,
            watch_for: parsed(fields.get("watch_for"), "a duration such as `2h`", time)?,
            host: parsed(fields.get("host"), "an address such as `::1`", |text| {
                text.parse().map_err(|_| "it is an IP address of this machine".to_owned())
            })?,
            jobs: parsed(fields.get("jobs"), "`auto` or a number", jobs)?,
            out: path("out", "the path of a folder")?,
            report: fields.get("report").map(reports).transpose()?,
        })
    }

    fn fill_run(self, run: &mut Run, typed: &dyn Fn(&str) -> bool) {
        self.fill_selection(&mut run.selection, typed);
        self.fill_filter(&mut run.filter, typed);
        // Virtual time has no sender but the reference sender.
        if run.simulated
            && let Some(sender) = run.selection.sender.take()
        {
            let sender = sender.display();
            let line = format!("`--simulated` runs the reference sender, not `{sender}` of {FILE}");
            let _ = writeln!(anstream::stderr(), "{line}");
        }
        if let Some(host) = self.host.filter(|_| !typed("host")) {
            run.host = host;
        }
        if let Some(jobs) = self.jobs.filter(|_| !typed("jobs")) {
            run.jobs = jobs;
        }
        if let Some(report) = self.report.filter(|_| !typed("report")) {
            run.report = report;
        }
        run.out = run.out.take().or(self.out);
    }

    fn fill_selection(&self, selection: &mut Selection, typed: &dyn Fn(&str) -> bool) {
        let is_reference = typed("bug") || typed("variant");
        if selection.sender.is_none() && !is_reference {
            selection.sender.clone_from(&self.sender);
        }
        if let Some(cases) = self.cases.as_ref().filter(|_| !typed("scenarios")) {
            selection.scenarios.clone_from(cases);
        }
        if let Some(seed) = self.seed.filter(|_| !typed("seed")) {
            selection.seed = seed;
        }
        selection.watch_for = selection.watch_for.or(self.watch_for);
    }

    /// What is never to run stays away from what was typed, too.
    fn fill_filter(&self, filter: &mut Filter, typed: &dyn Fn(&str) -> bool) {
        if let Some(exclude) = self.exclude.as_ref().filter(|_| !typed("exclude")) {
            filter.exclude.clone_from(exclude);
        }
    }

    fn fill_doctor(self, doctor: &mut Doctor, typed: &dyn Fn(&str) -> bool) {
        if let Some(sender) = self.sender.filter(|_| !typed("file")) {
            doctor.file = sender;
        }
    }
}

/// A value as the option of that name reads it.
fn parsed<T>(
    node: Option<&Node>,
    wanted: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Diagnostic> {
    let Some(node) = node else { return Ok(None) };
    let text = node.text(wanted)?;
    let value = read(text)
        .map_err(|hint| node.error(format!("expected {wanted}, found `{text}`")).hint(hint))?;
    Ok(Some(value))
}

/// One kind of report, or a list of them.
fn reports(node: &Node) -> Result<Vec<ReportKind>, Diagnostic> {
    let words: Vec<(String, ReportKind)> = ReportKind::value_variants()
        .iter()
        .filter_map(|kind| Some((kind.to_possible_value()?.get_name().to_owned(), *kind)))
        .collect();
    let words: Vec<(&str, ReportKind)> =
        words.iter().map(|(word, kind)| (word.as_str(), *kind)).collect();
    let one = |node: &Node| node.word("a kind of report", "valid kinds", &words);
    match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(node)?]),
    }
}

/// Its JSON Schema.
pub(super) fn schema() -> Json {
    let texts = |description: &str| json!({ "description": description, "type": "array", "items": { "type": "string" } });
    let text = |description: &str| json!({ "description": description, "type": "string" });
    let kinds = json!({ "enum": ["json", "junit", "markdown"] });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A project file",
        "description": "What `run`, `list` and `doctor` take where an option is not typed.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "sender": text("The sender file, beside this file."),
            "cases": texts("The cases that are meant where none is named."),
            "exclude": texts("Cases that do not run."),
            "seed": { "description": "What decides every random choice.", "type": "integer", "minimum": 0 },
            "watch_for": text("How long the wire is watched after each case at the most, as in `2h`."),
            "host": text("Address of this machine that the EMR listens on."),
            "jobs": {
                "description": "How many cases run side by side.",
                "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1, "maximum": 256 }],
            },
            "out": text("Folder for reports and histories."),
            "report": {
                "description": "Reports to write into that folder.",
                "anyOf": [kinds, { "type": "array", "items": kinds }],
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{KEYS, schema};

    #[test]
    fn the_schema_has_every_key_and_no_other() {
        let schema = schema();
        let properties = schema["properties"].as_object().unwrap();
        let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let mut keys = KEYS.to_vec();
        known.sort_unstable();
        keys.sort_unstable();
        assert_eq!(known, keys);
    }
}
