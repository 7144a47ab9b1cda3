//! Reads the steps of a scenario.

use super::Word;
use crate::yaml::{Diagnostic, Node, Place, Value};

/// Steps that are one word.
pub(super) const BARE: &[&str] =
    &["start", "stop", "restart", "heal", "settle", "account", "probe"];

/// Steps that say what with.
pub(super) const WITH_VALUE: &[&str] = &["submit", "await", "kill"];

/// Wire events that are one word.
pub(super) const TRIGGERS: &[(&str, Trigger)] = &[
    ("accepted", Trigger::Accepted),
    ("first-byte", Trigger::FirstByte),
    ("inside-ft1", Trigger::InsideFt1),
    ("end-of-message", Trigger::EndOfMessage),
    ("before-reply", Trigger::BeforeReply),
    ("reply-sent", Trigger::ReplySent),
];

/// Wire events that come after a number of bytes.
pub(super) const COUNTED: &[&str] = &["bytes", "reply-bytes"];

/// One step, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Start the sender.
    Start(Place),
    /// Hand over an exam.
    Submit(Word),
    /// Wait for an exam's message.
    Await(Word),
    /// Kill the sender at a wire event.
    Kill(Place, Trigger),
    /// Stop the sender.
    Stop(Place),
    /// Stop it and start it again.
    Restart(Place),
    /// Make the EMR healthy.
    Heal,
    /// Watch until the wire is quiet.
    Settle,
    /// Ask the sender for its account.
    Account,
    /// Hand over a fresh exam of our own, and wait for its message.
    Probe,
}

/// A wire event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A connection was accepted.
    Accepted,
    /// The first byte of a message arrived.
    FirstByte,
    /// This many bytes of a message arrived.
    Bytes(u64),
    /// The message has come to its first FT1.
    InsideFt1,
    /// The whole message arrived.
    EndOfMessage,
    /// The reply is due.
    BeforeReply,
    /// This many bytes of the reply were written.
    ReplyBytes(u64),
    /// The whole reply was written.
    ReplySent,
}

/// Reads the list that stands under `steps`.
pub(super) fn read(node: &Node) -> Result<Vec<Act>, Diagnostic> {
    let items = node.list("a list of steps")?;
    if items.is_empty() {
        return Err(node
            .error("there are no steps")
            .hint("without the key there are default steps"));
    }
    let mut acts = Vec::new();
    for item in items {
        acts.append(&mut step(item)?);
    }
    Ok(acts)
}

/// One step; `submit` and `await` may name several exams, which are several steps.
fn step(node: &Node) -> Result<Vec<Act>, Diagnostic> {
    if let Value::Text(word) = &node.value {
        return bare(word, node).map(|act| vec![act]);
    }
    let (key, value) = node.only_entry("a step")?;
    match key.name.as_str() {
        "submit" => Ok(words(value)?.into_iter().map(Act::Submit).collect()),
        "await" => Ok(words(value)?.into_iter().map(Act::Await).collect()),
        "kill" => Ok(vec![Act::Kill(node.place.clone(), trigger(value)?)]),
        other => Err(unknown(other, &key.place)),
    }
}

fn bare(word: &str, node: &Node) -> Result<Act, Diagnostic> {
    let place = node.place.clone();
    match word {
        "start" => Ok(Act::Start(place)),
        "stop" => Ok(Act::Stop(place)),
        "restart" => Ok(Act::Restart(place)),
        "heal" => Ok(Act::Heal),
        "settle" => Ok(Act::Settle),
        "account" => Ok(Act::Account),
        "probe" => Ok(Act::Probe),
        "submit" | "await" => Err(node
            .error(format!("the step `{word}` needs the name of an exam"))
            .hint(format!("as in `{word}: john-doe`"))),
        "kill" => Err(node
            .error("the step `kill` needs to know when")
            .hint("as in `kill: { at: end-of-message }`")),
        other => Err(unknown(other, &place)),
    }
}

fn unknown(word: &str, place: &Place) -> Diagnostic {
    if BARE.contains(&word) {
        return place.error(format!("the step `{word}` stands alone, as in `- {word}`"));
    }
    let valid = BARE.iter().chain(WITH_VALUE).copied();
    place.error(format!("unknown step `{word}`")).hint_words(word, "valid steps", valid)
}

fn words(node: &Node) -> Result<Vec<Word>, Diagnostic> {
    let read = |node| Word::read(node, "the name of an exam");
    match &node.value {
        Value::List(items) => items.iter().map(read).collect(),
        _ => Ok(vec![read(node)?]),
    }
}

/// `end-of-message`, `{ at: end-of-message }`, `{ bytes: 300 }` or `{ at: { bytes: 300 } }`.
fn trigger(node: &Node) -> Result<Trigger, Diagnostic> {
    let Value::Map(_) = node.value else {
        return node.word("a wire event", "valid events", TRIGGERS);
    };
    let (key, value) = node.only_entry("a wire event, as in `{ at: end-of-message }`")?;
    match key.name.as_str() {
        "at" => trigger(value),
        "bytes" => value.count(1).map(|count| Trigger::Bytes(u64::from(count))),
        "reply-bytes" => value.count(1).map(|count| Trigger::ReplyBytes(u64::from(count))),
        other => {
            let words = TRIGGERS.iter().map(|(word, _)| *word);
            let valid: Vec<&str> = ["at"].into_iter().chain(COUNTED.iter().copied()).collect();
            let mistake = key.place.error(format!("unknown key `{other}`"));
            if words.clone().any(|word| word == other) {
                return Err(mistake.hint(format!("did you mean `at: {other}`?")));
            }
            Err(mistake.hint_words(other, "valid keys", valid))
        }
    }
}
