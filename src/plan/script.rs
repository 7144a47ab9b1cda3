//! The script of the EMR: names looked up, and the parameters of every fault decided.

use indexmap::IndexMap;

use super::defaults;
use super::library::unknown;
use super::{Behaviour, Fault, Match, MessageKind, Parameters, Play};
use crate::exam::Exam;
use crate::history::Micros;
use crate::scenario::{Kind, On, Part, Reaction, SenderLimits, With, Word};
use crate::yaml::Diagnostic;

/// The behaviours that `reactions` are.
pub(super) fn read(
    reactions: &[Reaction],
    exams: &IndexMap<String, Exam>,
    endpoints: &[String],
    sender: &SenderLimits,
) -> Result<Vec<Behaviour>, Diagnostic> {
    let behaviour = |reaction: &Reaction| {
        let play = reaction.play.iter().map(|part| play(part, sender));
        Ok(Behaviour {
            on: on(&reaction.on, exams, endpoints)?,
            play: play.collect::<Result<_, _>>()?,
            times: reaction.times,
        })
    };
    reactions.iter().map(behaviour).collect()
}

fn on(on: &On, exams: &IndexMap<String, Exam>, endpoints: &[String]) -> Result<Match, Diagnostic> {
    if let Some(word) = on.exam.as_ref().filter(|word| !exams.contains_key(&word.text)) {
        let names: Vec<String> = exams.keys().cloned().collect();
        return Err(unknown("exam", &word.text, &word.place, &names));
    }
    if let Some(word) = on.endpoint.as_ref().filter(|word| !endpoints.contains(&word.text)) {
        return Err(unknown("endpoint", &word.text, &word.place, endpoints));
    }
    let text = |word: &Word| word.text.clone();
    let kind = |kind| match kind {
        Kind::Charge => MessageKind::Charge,
        Kind::Result => MessageKind::Result,
    };
    Ok(Match {
        exam: on.exam.as_ref().map(text),
        attempt: on.attempt,
        message: on.message,
        connection: on.connection,
        endpoint: on.endpoint.as_ref().map(text),
        kind: on.kind.map(kind),
    })
}

fn play(part: &Part, sender: &SenderLimits) -> Result<Play, Diagnostic> {
    Ok(match part {
        Part::Raw(bytes) => Play::Raw(bytes.clone().into()),
        Part::Wait(time) => Play::Wait((*time).into()),
        Part::Fault { name, with } => {
            let fault = fault(name)?;
            Play::Fault { fault, with: parameters(fault, with, sender) }
        }
    })
}

fn fault(name: &Word) -> Result<Fault, Diagnostic> {
    name.text.parse().map_err(|_| {
        // Both spellings of an answer are valid, so both may be what is meant.
        let names = Fault::ALL.iter().map(|fault| fault.name());
        let short = names.clone().filter_map(|name| name.strip_prefix("answer/"));
        let mistake = name.place.error(format!("unknown fault `{}`", name.text));
        let words = ["raw", "wait"];
        mistake
            .hint_words(&name.text, "valid faults", short.chain(names).chain(words))
            .hint("an answer has a short name, as in `reject`; every other fault has its kind before it, as in `payload/junk`")
    })
}

/// What the author wrote, over the defaults of the fault.
fn parameters(fault: Fault, with: &With, sender: &SenderLimits) -> Parameters {
    let default = defaults::parameters(fault, sender);
    Parameters {
        after: with.after.map(Micros::from).or(default.after),
        bytes: with.bytes.or(default.bytes),
        times: with.times.or(default.times),
        text: with.text.clone().or(default.text),
        code: with.code.clone().or(default.code),
    }
}
