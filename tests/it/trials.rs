//! Senders that nobody built in, each of a kind that a judge may misjudge, over real processes: the
//! table in `tests/trials/senders.txt` says what must be said of each.
//!
//! A row that is known to be wrong is marked there, and fails here once it is right. Without Python
//! nothing is proven, and that is said, unless `CHARGEPROOF_REQUIRE_CLIENTS` says that none may be missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::command::{Place, python, skipped};
use serde_json::Value;

#[test]
fn every_sender_is_judged_as_its_row_says() {
    let Some(python) = python() else { return skipped("every sender of the table") };
    let rows = table();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = row.tried(&python);
                    wrong.lock().unwrap().extend(row.complaint(outcome));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} rows are not as they should be:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_sender_is_in_the_table_and_no_other() {
    let named: BTreeSet<String> = table().into_iter().map(|row| row.sender).collect();
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let python = files.filter(|path| path.extension().is_some_and(|ending| ending == "py"));
    let text: String = python.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let written =
        text.lines().filter_map(|line| line.strip_prefix("@sender(\"")?.strip_suffix("\")"));
    let mut written: BTreeSet<String> = written.map(str::to_owned).collect();
    written.insert("honest".to_owned());
    assert_eq!(named, written);
}

/// One line of the table.
struct Row {
    /// Whether the judge is known to be wrong about it.
    open: bool,
    sender: String,
    exits: Vec<i32>,
    /// Any one of which must have found something, and those that must not.
    rules: Vec<String>,
    cases: Vec<String>,
    /// What must be printed, and what must never be.
    words: Vec<String>,
    line: usize,
}

impl Row {
    fn read(line: usize, text: &str) -> Self {
        let columns: Vec<&str> = text.split('|').map(str::trim).collect();
        let [state, sender, exits, rules, cases, words, why] = columns[..] else {
            panic!("line {line} has {} columns: {text}", columns.len());
        };
        assert!(["holds", "open"].contains(&state) && !why.is_empty(), "line {line}: {text}");
        let list = |column: &str| column.split_whitespace().map(str::to_owned).collect();
        let words = words.split(';').map(|word| word.trim().to_owned());
        Self {
            open: state == "open",
            sender: sender.to_owned(),
            exits: exits.split_whitespace().map(|exit| exit.parse().unwrap()).collect(),
            rules: list(rules),
            cases: list(cases),
            words: words.filter(|word| !word.is_empty()).collect(),
            line,
        }
    }

    /// What is wrong with how it came out. On a busy machine a case may be left open, so that it is tried
    /// once more, with nothing beside it of its own.
    fn tried(&self, python: &str) -> Result<(), String> {
        let first = self.run(python, "2");
        let open = matches!(&first, Err((Some(5), _)));
        let last = if open { self.run(python, "1") } else { first };
        last.map_err(|(_, why)| why)
    }

    fn run(&self, python: &str, jobs: &str) -> Result<(), (Option<i32>, String)> {
        let place = Place::new();
        let scenarios = folder().join("scenarios");
        let scenarios = scenarios.to_str().unwrap();
        let cases: Vec<String> =
            self.cases.iter().map(|case| case.replace("SCENARIOS", scenarios)).collect();
        place.write("charge.json", include_str!("../../senders/charge.json"));
        place.write("sender.yaml", sender_file(python, &self.sender));
        let rest = ["--sender", "sender.yaml", "--jobs", jobs, "--out", "out", "--report", "json"];
        let arguments =
            [&["run"], &cases.iter().map(String::as_str).collect::<Vec<_>>()[..], &rest];
        let mut command = place.command(&arguments.concat());
        let output = command.env("PYTHONDONTWRITEBYTECODE", "1").timeout(ONE_ROW).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let report = std::fs::read_to_string(place.path("out/report.json")).unwrap_or_default();
        let wrong = self.wrong(output.status.code(), &printed, &report);
        wrong.map_or(Ok(()), |why| Err((output.status.code(), format!("{why}\n{printed}"))))
    }

    fn wrong(&self, exit: Option<i32>, printed: &str, report: &str) -> Option<String> {
        if !exit.is_some_and(|exit| self.exits.contains(&exit)) {
            return Some(format!("exit {exit:?}, not {:?}", self.exits));
        }
        let found = rules_found(report);
        if !self.is_found(&found) {
            return Some(format!("{found:?} found something, not {:?}", self.rules));
        }
        let is_kept = |word: &&String| match word.split_at(1) {
            ("+", word) => printed.contains(word),
            ("!", word) => !printed.contains(word) && !report.contains(word),
            _ => panic!("line {}: `{word}` says neither `+` nor `!`", self.line),
        };
        let broken = self.words.iter().find(|word| !is_kept(word))?;
        Some(format!("`{broken}` does not hold of what was printed"))
    }

    /// Whether one of the rules found something that should have, and none that may not.
    fn is_found(&self, found: &BTreeSet<String>) -> bool {
        let (never, any): (Vec<&str>, Vec<&str>) =
            self.rules.iter().map(String::as_str).partition(|rule| rule.starts_with('!'));
        let is_quiet = never.iter().all(|rule| !found.contains(&rule[1..]));
        let is_one = match any[..] {
            [] | ["any"] => true,
            ["-"] => found.is_empty(),
            _ => any.iter().any(|rule| found.contains(*rule)),
        };
        is_quiet && is_one
    }

    fn complaint(&self, outcome: Result<(), String>) -> Option<String> {
        let Self { sender, line, cases, .. } = self;
        let cases = cases.join(" ");
        match outcome {
            Ok(()) if self.open => Some(format!(
                "line {line}, {sender}: it is right now, so take away its mark `open`"
            )),
            Err(why) if !self.open => Some(format!("line {line}, {sender} in {cases}: {why}")),
            Ok(()) | Err(_) => None,
        }
    }
}

/// The rules that found something, of any weight.
fn rules_found(report: &str) -> BTreeSet<String> {
    let report: Value = serde_json::from_str(report).unwrap_or_default();
    let cases = report["cases"].as_array().into_iter().flatten();
    let findings = cases.flat_map(|case| case["findings"].as_array().into_iter().flatten());
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

fn table() -> Vec<Row> {
    let text = std::fs::read_to_string(folder().join("senders.txt")).unwrap();
    let lines = text.lines().enumerate();
    let rows = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    rows.map(|(index, line)| Row::read(index + 1, line)).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trials")
}

/// A sender file for the sender of this name.
fn sender_file(python: &str, sender: &str) -> String {
    let send = folder().join("send.py");
    let call = format!("'{python}', '{}', '{sender}'", send.display());
    format!(
        "name: {sender}\n\
         start: [{call}, send, '{{endpoints}}', '{{state}}', '{{inbox}}', '{{ack_timeout_ms}}', \
         '{{ca}}', '{{cert}}', '{{key}}']\n\
         ready: {{ line: ready, within: 30s }}\n\
         account: [{call}, account, '{{state}}']\n\
         resend: [{call}, resend, '{{state}}', '{{order}}']\n\
         feed: {{ by: inbox, as: {{ template: charge.json }} }}\n\
         limits: {{ ack_timeout: 500ms, longest_retry: 200ms, in_flight: 1, stop: 5s }}\n"
    )
}

/// How many rows are tried at a time: most of what they do is wait.
const SIDE_BY_SIDE: usize = 6;

/// How long one row may take; the longest takes a fifth of it where nothing else runs.
const ONE_ROW: Duration = Duration::from_secs(170);
