//! Reads the steps of a scenario.

use std::time::Duration;

use super::{Word, duration};
use crate::plan::{WIRE_EVENTS, WireEvent};
use crate::yaml::{Diagnostic, Fields, Node, Place, Value};

/// Steps that are one word.
pub(super) const BARE: &[&str] = &[
    "start",
    "stop",
    "restart",
    "start-second",
    "stop-second",
    "heal",
    "settle",
    "account",
    "probe",
];

/// Steps that say what with.
pub(super) const WITH_VALUE: &[&str] =
    &["submit", "await", "resend", "kill", "terminate", "pause", "jump", "storm"];

/// The keys that say when something is done to the sender.
pub(super) const WHEN_KEYS: &[&str] = &["at", "bytes", "reply-bytes", "after"];

/// The same for a pause, and how long it lasts.
pub(super) const PAUSE_KEYS: &[&str] = &["at", "bytes", "reply-bytes", "after", "for"];

/// The same for a jump of the clock, and how far.
pub(super) const JUMP_KEYS: &[&str] = &["at", "bytes", "reply-bytes", "after", "by"];

/// Moments around the sender's own timeout.
pub(super) const DELAYS: &[(&str, Delay)] = &[
    ("before-timeout", Delay::BeforeTimeout),
    ("at-timeout", Delay::AtTimeout),
    ("past-timeout", Delay::PastTimeout),
];

/// One step, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Start the sender.
    Start(Place),
    /// Hand over an exam.
    Submit(Word),
    /// Wait for an exam's message.
    Await(Word),
    /// Be the operator who has an exam's charge sent once more.
    Resend(Place, Word),
    /// Kill the sender at a moment.
    Kill(Place, When),
    /// Ask it to stop at a moment.
    Terminate(Place, When),
    /// Stop it where it stands at a moment, for so long.
    Pause(Place, When, Option<Duration>),
    /// Move its clock forward at a moment, by so much.
    Jump(Place, When, Duration),
    /// End it and start it again, so many times in a row.
    Storm(Place, u32),
    /// Start a second instance on the same state.
    StartSecond(Place),
    /// Stop the second instance.
    StopSecond(Place),
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

/// A moment of the wire, and how long after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// What is waited for.
    pub at: WireEvent,
    /// How long after that; at once if absent.
    pub after: Option<Delay>,
}

/// How long after a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// So long.
    Time(Duration),
    /// Just before a sender that has sent its message gives up waiting.
    BeforeTimeout,
    /// As long as it waits.
    AtTimeout,
    /// Just after it has given up.
    PastTimeout,
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
        "resend" => {
            let resend = |word| Act::Resend(node.place.clone(), word);
            Ok(words(value)?.into_iter().map(resend).collect())
        }
        "kill" => Ok(vec![Act::Kill(node.place.clone(), when(value)?)]),
        "terminate" => Ok(vec![Act::Terminate(node.place.clone(), when(value)?)]),
        "pause" => pause(node, value),
        "jump" => jump(node, value),
        "storm" => storm(node, value),
        other => Err(unknown(other, &key.place)),
    }
}

fn bare(word: &str, node: &Node) -> Result<Act, Diagnostic> {
    let place = node.place.clone();
    match word {
        "start" => Ok(Act::Start(place)),
        "stop" => Ok(Act::Stop(place)),
        "restart" => Ok(Act::Restart(place)),
        "start-second" => Ok(Act::StartSecond(place)),
        "stop-second" => Ok(Act::StopSecond(place)),
        "heal" => Ok(Act::Heal),
        "settle" => Ok(Act::Settle),
        "account" => Ok(Act::Account),
        "probe" => Ok(Act::Probe),
        "submit" | "await" | "resend" => Err(node
            .error(format!("the step `{word}` needs the name of an exam"))
            .hint(format!("as in `{word}: john-doe`"))),
        "kill" | "terminate" | "pause" => Err(node
            .error(format!("the step `{word}` needs to know when"))
            .hint(format!("as in `{word}: {{ at: end-of-message }}`"))),
        "jump" => Err(node
            .error("the step `jump` needs to know how far")
            .hint("as in `jump: { by: 25h }`")),
        "storm" => Err(node
            .error("the step `storm` needs to know how many restarts")
            .hint("as in `storm: 5`")),
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

/// `end-of-message`, `{ at: end-of-message, after: 50ms }`, `{ bytes: 300 }` or
/// `{ at: { bytes: 300 } }`.
fn when(node: &Node) -> Result<When, Diagnostic> {
    if !matches!(node.value, Value::Map(_)) {
        let at = node.word("a wire event", "valid events", WIRE_EVENTS)?;
        return Ok(When { at, after: None });
    }
    let fields = node.fields(WHEN, WHEN_KEYS).map_err(|mistake| meant_as_value(node, mistake))?;
    moment(node, &fields)?.ok_or_else(|| no_moment(node))
}

/// `{ at: end-of-message, for: 1s }`.
fn pause(node: &Node, value: &Node) -> Result<Vec<Act>, Diagnostic> {
    let fields = value.fields(WHEN, PAUSE_KEYS)?;
    let when = moment(value, &fields)?.ok_or_else(|| no_moment(value))?;
    let length = fields.get("for").map(duration::read).transpose()?;
    Ok(vec![Act::Pause(node.place.clone(), when, length)])
}

/// `{ by: 25h }` or `{ at: end-of-message, by: 25h }`.
fn jump(node: &Node, value: &Node) -> Result<Vec<Act>, Diagnostic> {
    let fields = value.fields("how far, as in `{ by: 25h }`", JUMP_KEYS)?;
    let now = When { at: WireEvent::AtOnce, after: None };
    let when = moment(value, &fields)?.unwrap_or(now);
    let by = duration::read_jump(fields.require("by")?)?;
    Ok(vec![Act::Jump(node.place.clone(), when, by)])
}

/// How many restarts in a row; each is a stop and a start that a case waits for.
fn storm(node: &Node, value: &Node) -> Result<Vec<Act>, Diagnostic> {
    let restarts = value.count(2)?;
    if restarts > MOST_RESTARTS {
        let mistake = value.error(format!("`{restarts}` restarts are too many"));
        return Err(mistake.hint(format!("a storm has 2 to {MOST_RESTARTS} restarts")));
    }
    Ok(vec![Act::Storm(node.place.clone(), restarts)])
}

const MOST_RESTARTS: u32 = 1_000;

const WHEN: &str = "a wire event, as in `{ at: end-of-message }`";

/// The moment that the keys of a step name, if they name one.
fn moment(node: &Node, fields: &Fields<'_>) -> Result<Option<When>, Diagnostic> {
    let after = fields.get("after").map(delay).transpose()?;
    let count = |node: &Node| node.count(1).map(u64::from);
    let at = fields.get("at").map(|node| match &node.value {
        Value::Map(_) => when(node).map(|when| when.at),
        _ => node.word("a wire event", "valid events", WIRE_EVENTS),
    });
    let bytes = fields.get("bytes").map(|node| count(node).map(WireEvent::Bytes));
    let reply = fields.get("reply-bytes").map(|node| count(node).map(WireEvent::ReplyBytes));
    let mut named = [at, bytes, reply].into_iter().flatten();
    let Some(at) = named.next() else {
        return match after {
            None => Ok(None),
            Some(_) => Err(no_moment(node)),
        };
    };
    if named.next().is_some() {
        let mistake = node.error("two wire events are named, and only one can be waited for");
        return Err(mistake.hint("keep one of `at`, `bytes` and `reply-bytes`"));
    }
    Ok(Some(When { at: at?, after }))
}

/// A duration, or a moment around the sender's own timeout.
fn delay(node: &Node) -> Result<Delay, Diagnostic> {
    let word = DELAYS.iter().find(|(word, _)| node.text("a duration").is_ok_and(|it| it == *word));
    match word {
        Some((_, delay)) => Ok(*delay),
        None => duration::read(node).map(Delay::Time).map_err(|mistake| {
            mistake.hint("or one of `before-timeout`, `at-timeout` and `past-timeout`")
        }),
    }
}

fn no_moment(node: &Node) -> Diagnostic {
    node.error("no wire event is named").hint("as in `{ at: end-of-message }`")
}

/// `{ end-of-message: … }` is a value that was written as a key.
fn meant_as_value(node: &Node, mistake: Diagnostic) -> Diagnostic {
    let Value::Map(entries) = &node.value else { return mistake };
    let event =
        entries.iter().find(|(key, _)| WIRE_EVENTS.iter().any(|(word, _)| *word == key.name));
    match event {
        Some((key, _)) => {
            let name = &key.name;
            key.place
                .error(format!("unknown key `{name}`"))
                .hint(format!("did you mean `at: {name}`?"))
        }
        None => mistake,
    }
}
