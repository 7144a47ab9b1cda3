//! Whether the script played: every entry that must play is seen in the history.

use std::collections::BTreeSet;

use crate::history::What;
use crate::plan::{Behaviour, MessageKind, Play};
use crate::verdict::Circumstance;

use crate::check::evidence::index::Evidence;
use crate::check::exercise::missing::Missing;
use crate::check::proof;

/// The entries of the script that need not play and did not, in words.
pub(crate) fn idle(evidence: &Evidence<'_>) -> Vec<String> {
    let optional = evidence.plan.expect.optional_behaviours.iter();
    let entries = optional.filter_map(|&index| Some((index, evidence.plan.script.get(index)?)));
    let idle = entries.filter(|(index, _)| played(evidence, *index).is_err());
    idle.map(|(_, behaviour)| describe(behaviour).trim_end_matches(',').to_owned()).collect()
}

/// Whether a behaviour was seen to play; if not, what is missing of one that is said to have played.
fn played(evidence: &Evidence<'_>, index: usize) -> Result<(), Option<String>> {
    let claims = evidence.played.iter().filter(|fault| fault.behaviour == index);
    let mut lacks = None;
    for claim in claims.take(MOST_CLAIMS) {
        lacks = proof::missing(evidence, claim);
        if lacks.is_none() {
            return Ok(());
        }
    }
    Err(lacks)
}

pub(crate) fn not_played(evidence: &Evidence<'_>, missing: Missing<'_>) {
    for (index, behaviour) in evidence.plan.script.iter().enumerate() {
        if evidence.plan.expect.optional_behaviours.contains(&index) {
            continue;
        }
        let Err(claim) = played(evidence, index) else { continue };
        let claim = claim.map(|what| format!("the EMR says so, and the history does not: {what}"));
        let why = claim
            .or_else(|| why(evidence, index))
            .or_else(|| shadowed(evidence, index))
            .or_else(|| never_due(evidence, behaviour));
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        let message = format!("{} was never played{why}", describe(behaviour));
        missing(Circumstance::FaultNotPlayed, message);
    }
}

/// How many there were, where the script names more.
fn only(count: usize, what: &str) -> String {
    let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
    let plural = if count == 1 { "" } else { "s" };
    format!("only {count} {} came", format!("{first}{plural} {rest}").trim_end())
}

/// How many times that a behaviour is said to have played are looked at: one that is there is enough.
const MOST_CLAIMS: usize = 64;

/// What stood in the way of a behaviour when it last was due.
fn why(evidence: &Evidence<'_>, index: usize) -> Option<String> {
    evidence.events.iter().rev().find_map(|event| match &event.what {
        What::NotPlayed { behaviour, why, .. } if *behaviour == index => Some(why.clone()),
        _ => None,
    })
}

/// Which entry of the script played in the place of this one: an earlier one that is due whenever this
/// is, and as often.
fn shadowed(evidence: &Evidence<'_>, index: usize) -> Option<String> {
    let behaviour = evidence.plan.script.get(index)?;
    let played = |earlier: usize| evidence.played.iter().any(|one| one.behaviour == earlier);
    let earlier =
        (0..index).find(|&at| evidence.plan.script[at].covers(behaviour) && played(at))?;
    let it = describe(&evidence.plan.script[earlier]);
    Some(format!("{it} stands before it in the script, and played in its place"))
}

/// Why a behaviour was never due, where what came shows it: too few messages, connections, attempts
/// or bytes for what the script names.
fn never_due(evidence: &Evidence<'_>, behaviour: &Behaviour) -> Option<String> {
    let on = &behaviour.on;
    let here = |endpoint: &str| on.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint);
    let mut connections = BTreeSet::new();
    let mut pieces = Vec::new();
    for event in evidence.events {
        match &event.what {
            What::Opened { connection, endpoint, .. } if here(endpoint) => {
                connections.insert(*connection);
            }
            What::Received { connection, length, .. } if connections.contains(connection) => {
                pieces.push(*length);
            }
            _ => {}
        }
    }
    let (opened, received) = (connections.len(), pieces.len());
    let longest = pieces.into_iter().max().unwrap_or(0);
    let bytes = behaviour.play.iter().find_map(|play| match play {
        Play::Fault { with, .. } => with.bytes,
        _ => None,
    });
    let fewer = |wanted: Option<u32>, seen: usize| wanted.is_some_and(|one| seen < one as usize);
    let attempts = on.exam.as_ref().and_then(|exam| {
        let exam = evidence.exams.iter().find(|one| one.name == exam)?;
        Some(evidence.attempts_at(&exam.order).len())
    });
    if opened == 0 {
        let whom = on.endpoint.as_deref().unwrap_or("the EMR");
        Some(format!("nobody connected to {whom}"))
    } else if fewer(on.connection, opened) {
        Some(only(opened, "connection"))
    } else if fewer(on.message, received) {
        Some(only(received, "message"))
    } else if on.kind == Some(MessageKind::Result) && evidence.plan.results.is_none() {
        Some("this case asks for no results".to_owned())
    } else if attempts.is_some_and(|attempts| fewer(on.attempt, attempts)) {
        Some(only(attempts.unwrap_or_default(), "attempt at it"))
    } else if bytes.is_some_and(|bytes| longest < bytes) {
        Some(format!("the longest message had {longest} bytes"))
    } else {
        None
    }
}

/// A behaviour as a person knows it: what it plays, and for whom.
fn describe(behaviour: &Behaviour) -> String {
    let play = |play: &Play| match play {
        Play::Fault { fault, .. } => format!("`{fault}`"),
        Play::Raw(_) | Play::Filled(_) => "`raw`".to_owned(),
        Play::Wait(_) => "`wait`".to_owned(),
        Play::End(_) => "`end`".to_owned(),
    };
    let plays: Vec<String> = behaviour.play.iter().map(play).collect();
    let on = &behaviour.on;
    let number = |what: &str, number: Option<u32>| number.map(|one| format!("{what} {one}"));
    let fields = on.fields.iter().map(|field| Some(format!("{} {}", field.path, field.value)));
    let whom = [
        (on.kind == Some(MessageKind::Result)).then(|| "results".to_owned()),
        on.exam.clone(),
        number("attempt", on.attempt.filter(|attempt| *attempt > 1)),
        number("message", on.message),
        number("connection", on.connection),
        on.endpoint.clone(),
    ];
    let whom: Vec<String> = whom.into_iter().chain(fields).flatten().collect();
    let whom = match whom.as_slice() {
        [] => "any message".to_owned(),
        [one] => one.clone(),
        several => format!("{},", several.join(", ")),
    };
    format!("{} for {whom}", plays.join(", "))
}
