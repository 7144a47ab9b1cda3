//! Holds the recipes of `CONTRIBUTING.md`: what belongs to a fault or a rule is there, and what is not is
//! named.
//!
//! It does **not** look for what the compiler asks for already: a fault without a nature, and one that the
//! EMR does not know how to play.

use std::path::Path;

use chargeproof::check::explanation;
use chargeproof::plan::Fault;
use chargeproof::verdict::Rule;

const GUIDE: &str = include_str!("../../CONTRIBUTING.md");
const BROKEN_SENDERS: &str = include_str!("../../docs/judge.md");
const FAULTS_PAGE: &str = include_str!("../../scenarios/README.md");
const ROWS: &str = include_str!("observer/rows.rs");
const UNDER_TLS: &str = include_str!("tls.rs");

/// Rules that no broken sender of the catalogue breaks: what breaks this one is no sender.
const WITHOUT_A_SENDER: &[Rule] = &[Rule::SenderStarts];

#[test]
fn every_fault_has_a_page_a_case_and_bytes_that_a_stranger_sees() {
    let scenarios = shipped(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")));
    let mut missing = Vec::new();
    for fault in Fault::ALL {
        let name = fault.name();
        let short = name.strip_prefix("answer/").unwrap_or(name);
        let mut lack = |there: bool, what: &str| {
            if !there {
                missing.push(format!("{name}: {what}"));
            }
        };
        lack(!fault.what().is_empty(), "no word on what it is, in src/plan/fault");
        lack(!fault.stands_for().is_empty(), "no word on what causes it, in src/plan/fault");
        lack(FAULTS_PAGE.contains(&format!("| `{name}` |")), "no row in scenarios/README.md");
        let seen = ROWS.contains(&format!("\"{name}\"")) || UNDER_TLS.contains(name);
        lack(seen, "nobody sees its bytes, in tests/it/observer/rows.rs or tests/it/tls.rs");
        let is_in = |text: &String| words(text).any(|word| word == name || word == short);
        lack(scenarios.iter().any(is_in), "no case in scenarios/");
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_rule_has_a_text_a_source_and_a_broken_sender() {
    let mut missing = Vec::new();
    for rule in Rule::ALL {
        let text = explanation(*rule);
        let mut lack = |there: bool, what: &str| {
            if !there {
                missing.push(format!("{rule}: {what}"));
            }
        };
        lack(!text.title.is_empty() && !text.promise.is_empty(), "no text in src/check/rules");
        lack(!text.source.is_empty(), "no source in src/check/rules");
        lack(!text.how_to_read.is_empty(), "no word on how to read a finding, in src/check/rules");
        let convicts = BROKEN_SENDERS.contains(&format!("\n| `{rule}` | `"));
        let exempt = WITHOUT_A_SENDER.contains(rule);
        lack(convicts || exempt, "no broken sender in docs/judge.md");
        lack(!(convicts && exempt), "it has a broken sender, and is said to have none");
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

/// A recipe that names a file which was moved leads nobody anywhere.
#[test]
fn every_file_that_the_guide_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let quoted = GUIDE.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|text| {
        ["src/", "tests/", "scenarios/", "benches/", "ci/"].iter().any(|at| text.starts_with(at))
    });
    let paths: Vec<&str> = paths.filter(|path| !path.contains('<')).collect();
    assert!(paths.len() > 20, "{paths:?}");
    let gone: Vec<&&str> = paths.iter().filter(|path| !root.join(path).exists()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

/// The texts of all scenarios below a folder.
fn shipped(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut shipped(&path));
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// The names in a text: letters, digits and what joins them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|one: char| !one.is_ascii_alphanumeric() && !"/-".contains(one))
}
