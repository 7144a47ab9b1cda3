//! What authors write: YAML, mappings, scenarios, sender files.

use chargeproof::exam::Exam;
use chargeproof::hl7::Message;
use chargeproof::mapping::{Document, Mapping, Stamp, read as read_mapping, shipped};
use chargeproof::plan::Plan;
use chargeproof::planning::{Choices, expand};
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::yaml::{Diagnostic, Node, Place, Source, Value, parse, read};

use super::shelf::{Shelf, john_doe};

/// A tree lies within its text, and a mistake can be shown.
pub(super) fn yaml(bytes: &[u8]) {
    let Some(source) = source("file.yaml", bytes) else { return };
    match parse(&source) {
        // A return alone ends a line of YAML as well.
        Ok(node) => within(&node, source.text.split(['\n', '\r']).count()),
        Err(mistake) => shown(&mistake),
    }
    if let Err(mistake) = read::<Exam>(&source) {
        shown(&mistake);
    }
    if let Err(mistake) = Document::read(&source) {
        shown(&mistake);
    }
}

/// A mapping makes a message, and is the same after it travelled as JSON.
pub(super) fn mapping(bytes: &[u8]) {
    let Some(source) = source("mappings/own.yaml", bytes) else { return };
    let mapping = match read_mapping(&source, &shipped) {
        Ok(mapping) => mapping,
        Err(mistake) => return shown(&mistake),
    };
    let stamp =
        Stamp { now: "2026-01-05T08:00:00".parse().expect("a time"), control_id: "1".into() };
    let message = mapping.message(john_doe(), &stamp);
    assert!(Message::read(&message).has_header());
    let _ = (mapping.lines(john_doe()), mapping.volatile(), mapping.writes_credits());
    let travelled = serde_json::to_string(&mapping).expect("a mapping is JSON");
    let travelled: Mapping =
        serde_json::from_str(&travelled).expect("what was written can be read");
    assert_eq!(travelled, mapping);
    assert_eq!(travelled.message(john_doe(), &stamp), message);
}

/// A scenario gives plans that travel as JSON, and each of its cases can be written as a scenario of
/// its own.
pub(super) fn scenario(bytes: &[u8]) {
    let Some(source) = source("scenarios/own.yaml", bytes) else { return };
    let scenario = match Scenario::read(&source) {
        Ok(scenario) => scenario,
        Err(mistake) => return shown(&mistake),
    };
    for case in scenario.cases.iter().take(MOST_CASES) {
        let written = Source::new("again.yaml", case.to_yaml("written again"));
        let again =
            Scenario::read(&written).unwrap_or_else(|error| panic!("{error}\n{}", written.text));
        let [again] = &again.cases[..] else { panic!("one case:\n{}", written.text) };
        assert_eq!(again.to_yaml("written again"), *written.text);
    }
    if scenario.cases.len() > MOST_CASES {
        return;
    }
    match expand(&scenario, "own", Shelf::get(), Shelf::get().sender(), &Choices::default()) {
        Ok(plans) => plans.iter().take(2).for_each(travels),
        Err(mistake) => shown(&mistake),
    }
}

fn travels(plan: &Plan) {
    let written = serde_json::to_string(plan).expect("a plan is JSON");
    let read: Plan = serde_json::from_str(&written)
        .unwrap_or_else(|error| panic!("what was written can be read: {error}\n{written}"));
    assert_eq!(serde_json::to_string(&read).expect("a plan is JSON"), written);
}

/// A sender file is read or refused; a scenario can be made ready for it or says why not.
pub(super) fn sender_file(bytes: &[u8]) {
    let Some(source) = source("sender.yaml", bytes) else { return };
    let sender = match SenderFile::read(&source) {
        Ok(sender) => sender,
        Err(mistake) => return shown(&mistake),
    };
    let scenario = Shelf::get().silence();
    match expand(scenario, "once/silence", Shelf::get(), &sender, &Choices::default()) {
        Ok(plans) => plans.iter().take(1).for_each(travels),
        Err(mistake) => shown(&mistake),
    }
}

fn source(name: &str, bytes: &[u8]) -> Option<Source> {
    match Source::from_bytes(name, bytes.to_vec()) {
        Ok(source) => Some(source),
        Err(mistake) => {
            shown(&mistake);
            None
        }
    }
}

fn shown(mistake: &Diagnostic) {
    let text = mistake.to_string();
    assert!(text.contains(mistake.message()), "{text}");
    assert!(mistake.place() >= (1, 1), "{text}");
    let _ = mistake.coloured();
}

/// Every value lies on one of the file's lines.
fn within(node: &Node, lines: usize) {
    let Place { line, column, .. } = node.place;
    assert!((1..=lines).contains(&line) && column >= 1, "{line}:{column} of {lines} lines");
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| within(item, lines)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| within(value, lines)),
        _ => {}
    }
}

/// Of how many cases of a scenario each is written: axes multiply.
const MOST_CASES: usize = 4;
