//! Reads a scenario file.

use super::{Case, Choice, ExamEntry, Expectation, Scenario, Word};
use super::{axes, script, sender_file, steps, tls};
use crate::plan::Charged;
use crate::yaml::{Diagnostic, Key, Node, Source, Value, parse};

/// The keys of a scenario.
pub(super) const KEYS: &[&str] = &[
    "title",
    "requirements",
    "mapping",
    "results",
    "exams",
    "endpoints",
    "tls",
    "emr",
    "axes",
    "steps",
    "expect",
];

/// The keys of `expect`.
pub(super) const EXPECT_KEYS: &[&str] = &["charges", "snapshot", "attempts"];

/// The words that say how often a charge must be attempted.
pub(super) const HOW_OFTEN: &[(&str, Charged)] =
    &[("once", Charged::Once), ("at-most-once", Charged::AtMostOnce), ("never", Charged::Never)];

impl Scenario {
    /// Reads the scenario that `source` is.
    ///
    /// # Errors
    /// The first mistake, with its place. Names of exams, mappings and faults are not looked up
    /// here, so they are not yet known to exist.
    pub fn read(source: &Source) -> Result<Self, Diagnostic> {
        let top = parse(source)?;
        top.fields("a scenario", KEYS)?.require("title")?;
        let cases = axes::expand(&top)?;
        let cases = cases.into_iter().map(|(choices, node)| case(choices, &node));
        Ok(Self { source: source.clone(), cases: cases.collect::<Result<_, _>>()? })
    }
}

fn case(choices: Vec<Choice>, node: &Node) -> Result<Case, Diagnostic> {
    let fields = node.fields("a scenario", KEYS)?;
    let word = |key, wanted| fields.get(key).map(|node| Word::read(node, wanted)).transpose();
    let title = fields.require("title")?;
    if title.text("a title")?.trim().is_empty() {
        return Err(title.error("the title is empty"));
    }
    Ok(Case {
        choices,
        title: title.text("a title")?.to_owned(),
        requirements: match fields.get("requirements") {
            Some(node) => node.texts("a list of requirements", "a requirement")?,
            None => Vec::new(),
        },
        mapping: word("mapping", "the name of a mapping")?,
        results: word("results", "the name of a mapping")?,
        exams: fields.get("exams").map_or_else(|| Ok(Vec::new()), exams)?,
        endpoints: fields.get("endpoints").map_or_else(|| Ok(Vec::new()), endpoints)?,
        tls: fields.get("tls").map(tls::read).transpose()?.flatten(),
        script: fields.get("emr").map_or_else(|| Ok(Vec::new()), script::read)?,
        steps: fields.get("steps").map(steps::read).transpose()?,
        expect: fields.get("expect").map_or_else(|| Ok(Expectation::default()), expectation)?,
    })
}

fn endpoints(node: &Node) -> Result<Vec<Word>, Diagnostic> {
    let items = node.list("a list of endpoints")?;
    if items.is_empty() {
        return Err(node.error("there must be an endpoint").hint("without the key there is `emr`"));
    }
    let mut endpoints: Vec<Word> = Vec::new();
    for item in items {
        let word = Word::read(item, "the name of an endpoint")?;
        if endpoints.iter().any(|other| other.text == word.text) {
            return Err(item.error(format!("the endpoint `{}` is named twice", word.text)));
        }
        endpoints.push(word);
    }
    Ok(endpoints)
}

fn exams(node: &Node) -> Result<Vec<ExamEntry>, Diagnostic> {
    node.list("a list of exams")?.iter().map(exam).collect()
}

/// An exam by the name of its file, or `name: { facts }`.
fn exam(node: &Node) -> Result<ExamEntry, Diagnostic> {
    if let Value::Text(_) | Value::Number(_) = node.value {
        let name = Word::read(node, "the name of an exam")?;
        return Ok(ExamEntry { like: Some(name.clone()), name, facts: None, same_order: false });
    }
    let (key, value) = node.only_entry("the name of an exam, or `name: { facts }`")?;
    let name = Word { text: key.name.clone(), place: key.place.clone() };
    let entries = value.entries("the facts of an exam")?;
    let own =
        |wanted: &str| entries.iter().find(|(key, _)| key.name == wanted).map(|(_, value)| value);
    let like = own("like").map(|node| Word::read(node, "the name of an exam")).transpose()?;
    let same_order = own("same_order").map_or(Ok(false), Node::boolean)?;
    let is_fact = |(key, _): &&(Key, Node)| !matches!(key.name.as_str(), "like" | "same_order");
    let facts = Value::Map(entries.iter().filter(is_fact).cloned().collect());
    let facts = Some(Node { place: value.place.clone(), value: facts });
    Ok(ExamEntry { name, like, facts, same_order })
}

fn expectation(node: &Node) -> Result<Expectation, Diagnostic> {
    let fields = node.fields("what is expected", EXPECT_KEYS)?;
    let mut charges = Vec::new();
    if let Some(node) = fields.get("charges") {
        for (key, value) in node.entries("a map from exams to `once`, `at-most-once` or `never`")? {
            let how_often = value.word("a number of times", "valid words", HOW_OFTEN)?;
            charges.push((Word { text: key.name.clone(), place: key.place.clone() }, how_often));
        }
    }
    Ok(Expectation {
        charges,
        snapshot: fields.get("snapshot").map_or(Ok(false), Node::boolean)?,
        attempts: fields.get("attempts").map(sender_file::attempts).transpose()?,
    })
}
