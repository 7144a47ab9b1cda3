//! Holds the pages to the program: every link leads somewhere, every sample says what it is, every session
//! prints what the page shows, every file is read by its reader, every command line is understood.
//!
//! The first word after a fence says what a sample is: `console` (commands after `$`, and what they print, `...`
//! standing for lines that are skipped; `simulated` where `run` need not take its time), `sh` (command lines),
//! `yaml` and `json` with the kind of file, or `text`. `file=NAME` puts a sample where the sessions of its page
//! find it. A session that no test can run says `not-run: REASON`; a text says `why: REASON`.

mod pages;
mod printed;

use std::collections::BTreeSet;

use self::pages::{Sample, anchors, documents, links, samples, spoken};
use self::printed::{difference, words};
use crate::command::Place;
use serde_json::Value;

#[test]
fn every_link_leads_somewhere() {
    let pages = documents();
    let mut wrong = Vec::new();
    for page in &pages {
        for link in links(&page.text) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let name = if path.is_empty() { page.name.clone() } else { page.beside(path) };
            let there = pages::root().join(&name);
            let found = anchor.is_empty()
                || std::fs::read_to_string(&there)
                    .is_ok_and(|text| anchors(&text).contains(anchor));
            if !there.exists() || !found {
                wrong.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_index() {
    let pages = documents();
    let index = pages.iter().find(|page| page.name == "docs/README.md").unwrap();
    let listed: BTreeSet<String> =
        links(&index.text).iter().map(|link| index.beside(link)).collect();
    let pages = pages.iter().map(|page| &page.name).filter(|name| name.starts_with("docs/"));
    let missing: Vec<_> =
        pages.filter(|&name| *name != index.name && !listed.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_sample_says_what_it_is() {
    let samples = samples();
    assert!(samples.len() > 25, "{}", samples.len());
    let wrong: Vec<String> =
        samples.iter().filter(|one| !one.says_what_it_is()).map(Sample::place).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_session_prints_what_the_page_shows() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for sample in
        samples().iter().filter(|one| one.is("console") && !one.info.contains("not-run: "))
    {
        let place = with_files(&sample.page);
        for (command, shown) in sample.session() {
            let mut arguments = words(&command);
            assert_eq!(arguments.remove(0), "chargeproof", "{}", sample.place());
            let in_memory = sample.info.contains("simulated") && arguments[0] == "run";
            arguments.extend(in_memory.then(|| "--simulated".to_owned()));
            let ran = place.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            // A session that says anything on its standard output shows that.
            let printed = if ran.out.is_empty() { ran.err } else { ran.out };
            let differs = difference(&shown, &printed);
            wrong.extend(differs.map(|what| format!("{}: {command}\n{what}", sample.place())));
            tried += 1;
        }
    }
    assert!(tried > 5, "{tried}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// `--help` at its end: what stands before it is read first, and what is no command, option or value of one
/// is refused.
#[test]
fn every_command_line_is_understood() {
    let (place, mut lines) = (Place::new(), BTreeSet::new());
    for sample in samples().iter().filter(|one| one.is("sh") || one.is("console")) {
        lines.extend(sample.commands());
    }
    lines.extend(documents().iter().flat_map(|page| spoken(&page.text)));
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.contains("COMMAND")).collect();
    assert!(lines.len() > 40, "{lines:?}");
    let refused = |line: &&String| {
        let mut arguments = words(line);
        arguments.push("--help".to_owned());
        place.run(&arguments[1..].iter().map(String::as_str).collect::<Vec<_>>()).code != Some(0)
    };
    let refused: Vec<&String> = lines.iter().filter(refused).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn every_file_of_a_page_is_read_by_its_reader() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for sample in samples().iter().filter(|one| one.is("yaml") || one.is("json")) {
        let kind = sample.info.split(' ').nth(1).unwrap_or_default();
        let place = with_files(&sample.page);
        let said = match kind {
            "sender" => {
                place.write("sender.yaml", &sample.text);
                said(&place, &["list", "options/option-1", "--sender", "sender.yaml"])
            }
            "project" => {
                place.write("acme.yaml", SENDER);
                place.write("chargeproof.yaml", &sample.text);
                said(&place, &["list"])
            }
            "scenario" => {
                place.write("sample.yaml", &sample.text);
                said(&place, &["list", "sample.yaml"])
            }
            "reply" => {
                let begins = "title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n";
                place.write("sample.yaml", format!("{begins}{}", sample.text));
                said(&place, &["list", "sample.yaml"])
            }
            "mapping" => {
                let (_, named) = sample.text.split_once("mapping: ").unwrap();
                let name = named.lines().next().unwrap();
                place.write(&format!("mappings/{name}.yaml"), &sample.text);
                place.write(
                    "scenarios/sample.yaml",
                    format!("{PLAIN}exams: [john-doe]\nmapping: {name}\n"),
                );
                said(&place, &["run", "sample", "--simulated"])
            }
            "exam" => {
                place.write("scenarios/exams/a-sample.yaml", &sample.text);
                place.write("scenarios/sample.yaml", format!("{PLAIN}exams: [a-sample]\n"));
                said(&place, &["run", "sample", "--simulated"])
            }
            "account" => {
                serde_json::from_str::<Value>(&sample.text).err().map(|error| error.to_string())
            }
            // It is wrong on purpose, and a session shows what comes of it.
            file => (!file.starts_with("file=")).then(|| format!("`{file}` is no kind of file")),
        };
        wrong.extend(said.map(|said| format!("{}: {said}", sample.place())));
        read += 1;
    }
    assert!(read > 8, "{read}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A place with the files that a page shows.
fn with_files(page: &str) -> Place {
    let place = Place::new();
    for sample in samples().iter().filter(|one| one.page == page) {
        if let Some((_, file)) = sample.info.split_once("file=") {
            place.write(file, &sample.text);
        }
    }
    place
}

/// What is said where a command does not succeed.
fn said(place: &Place, arguments: &[&str]) -> Option<String> {
    let ran = place.run(arguments);
    (ran.code != Some(0)).then(|| ran.out + &ran.err)
}

/// A sender file with what it must say.
const SENDER: &str =
    "name: acme\nstart: [./acme]\nlimits: { ack_timeout: 1s, longest_retry: 1s }\n";

/// How a scenario begins in which nothing goes wrong.
const PLAIN: &str = "title: It is sent as it should be\n";
