//! The judge against stored histories, whose verdicts and witnesses were settled by reasoning.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Place;
use serde_json::Value;

/// One line of the table.
struct Expected {
    name: String,
    exit: i32,
    rule: String,
    /// `seq` of the events that are the witnesses.
    witnesses: Vec<u64>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn table() -> Vec<Expected> {
    let text = fs::read_to_string(folder().join("expected.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, exit, rule, witnesses, why] = columns[..] else { panic!("{line}") };
        assert_ne!(why, "", "{line}");
        let witnesses = witnesses.split_whitespace().filter_map(|seq| seq.parse().ok()).collect();
        Expected { name: name.into(), exit: exit.parse().unwrap(), rule: rule.into(), witnesses }
    };
    lines.map(entry).collect()
}

fn witnesses(finding: &Value) -> Vec<u64> {
    let attempts = finding["proof"]["attempts"].as_array();
    attempts.into_iter().flatten().map(|attempt| attempt["event"].as_u64().unwrap()).collect()
}

#[test]
fn every_history_is_judged_as_reasoned() {
    for expected in table() {
        let place = Place::new();
        let file = folder().join(format!("{}.jsonl", expected.name));
        let ran = place.run(&["check", file.to_str().unwrap(), "--out", "o", "--report", "json"]);
        assert_eq!(ran.code, Some(expected.exit), "{}\n{}", expected.name, ran.out);
        let report = place.json("o/report.json");
        let findings = report["cases"][0]["findings"].as_array().unwrap();
        if expected.rule == "held" {
            assert_eq!(findings, &Vec::<Value>::new(), "{}", expected.name);
            continue;
        }
        let finding = findings.iter().find(|finding| finding["rule"] == expected.rule.as_str());
        let finding = finding.unwrap_or_else(|| panic!("{}\n{}", expected.name, ran.out));
        if !expected.witnesses.is_empty() {
            assert_eq!(witnesses(finding), expected.witnesses, "{}", expected.name);
        }
    }
}

/// The rule that a history is there for is the only one that it breaks.
#[test]
fn no_history_breaks_another_rule_than_its_own() {
    for expected in table() {
        let place = Place::new();
        let file = folder().join(format!("{}.jsonl", expected.name));
        place.run(&["check", file.to_str().unwrap(), "--out", "o", "--report", "json"]);
        let report = place.json("o/report.json");
        let findings = report["cases"][0]["findings"].as_array().unwrap().iter();
        let broken: BTreeSet<&str> = findings
            .filter(|one| one["weight"] == "broken" || one["weight"] == "sent-twice")
            .map(|one| one["rule"].as_str().unwrap())
            .collect();
        let allowed = [expected.rule.as_str(), "snapshot"];
        assert!(broken.iter().all(|rule| allowed.contains(rule)), "{}: {broken:?}", expected.name);
    }
}

#[test]
fn the_table_names_every_history_and_no_other() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let stored: BTreeSet<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let named: BTreeSet<String> = table().into_iter().map(|expected| expected.name).collect();
    assert_eq!(stored, named);
}

/// A rule without a history that breaks it, or is undecided by it, would not be proven here.
#[test]
fn every_rule_has_a_history_of_its_own() {
    let place = Place::new();
    let explained = place.run(&["explain"]).exits(0).out;
    let named: BTreeSet<String> = table().into_iter().map(|expected| expected.rule).collect();
    let rules = explained.lines().filter_map(|line| line.split_whitespace().next());
    let without: Vec<&str> = rules.filter(|rule| !named.contains(*rule)).collect();
    assert_eq!(without, Vec::<&str>::new());
    assert!(named.len() > 15, "{explained}");
}
