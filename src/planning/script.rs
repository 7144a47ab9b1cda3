//! The script of the EMR: names looked up, and the parameters of every fault decided.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::exam::Exam;
use crate::history::{End, Micros};
use crate::hl7::ack::Code;
use crate::hl7::{Path, PathError};
use crate::plan::fault::{self, Answer, SetOff};
use crate::plan::{
    Behaviour, Cut, Fault, FieldIs, Match, Moment, Parameter, Parameters, Play, Tls,
};
use crate::planning::library::unknown;
use crate::planning::text;
use crate::planning::{defaults, sequence};
use crate::scenario::{Given, How, On, Part, Reaction, SPECIAL, SenderLimits, Word};
use crate::yaml::Diagnostic;

/// The behaviours that `reactions` are.
pub(crate) fn read(
    reactions: &[Reaction],
    exams: &IndexMap<String, Arc<Exam>>,
    endpoints: &[String],
    sender: &SenderLimits,
) -> Result<Vec<Behaviour>, Diagnostic> {
    let behaviour = |reaction: &Reaction| {
        let play = reaction.play.iter().map(|part| play(part, &reaction.on, sender));
        let behaviour = Behaviour {
            on: on(&reaction.on, exams, endpoints)?,
            play: play.collect::<Result<_, _>>()?,
            times: reaction.times,
        };
        knows_what_it_names(reaction, &behaviour)?;
        sequence::can_all_play(reaction, &behaviour)?;
        Ok(behaviour)
    };
    reactions.iter().map(behaviour).collect()
}

/// Nothing has come yet when an endpoint is met in another way: no message and no connection can
/// be what that waits for.
fn knows_what_it_names(reaction: &Reaction, behaviour: &Behaviour) -> Result<(), Diagnostic> {
    let (Some(Part::Fault { name, .. }), Some(Play::Fault { fault, .. })) =
        (reaction.play.first(), behaviour.play.first())
    else {
        return Ok(());
    };
    let stands = fault.nature().set_off_by == SetOff::Handover;
    let on = &behaviour.on;
    let named = [
        ("message", on.message.is_some()),
        ("connection", on.connection.is_some()),
        ("attempt", on.attempt.is_some()),
        ("kind", on.kind.is_some()),
        ("fields", !on.fields.is_empty()),
    ];
    let Some((word, _)) = named.into_iter().find(|(_, named)| *named) else { return Ok(()) };
    if !stands || on.moment.is_some() {
        return Ok(());
    }
    let mistake = name.place.error(format!("`{fault}` cannot wait for a `{word}`"));
    Err(mistake.hint("it stands at an endpoint before anything comes: name an `exam`, from whose handing over it stands, or an `endpoint`"))
}

/// Whether every answer that is to come late comes when the sender has given up.
pub(crate) fn late_enough(
    reactions: &[Reaction],
    behaviours: &[Behaviour],
    patience: Micros,
) -> Result<(), Diagnostic> {
    for (reaction, behaviour) in reactions.iter().zip(behaviours) {
        let mut waited = Micros(0);
        for (part, play) in reaction.play.iter().zip(&behaviour.play) {
            waited.0 = waited.0.saturating_add(match play {
                Play::Wait(time) => time.0,
                Play::Fault { fault: Fault::Answer(Answer::Late), with } => {
                    with.after.unwrap_or_default().0
                }
                _ => 0,
            });
            let (
                Part::Fault { name, with },
                Play::Fault { fault: Fault::Answer(Answer::Late), .. },
            ) = (part, play)
            else {
                continue;
            };
            if waited <= patience {
                let (waited, patience) = (waited.0 / 1000, patience.0 / 1000);
                let what = format!("an answer after {waited} ms is not late for this sender");
                let place = with.first().map_or(&name.place, |given| given.place());
                return Err(place.error(what).hint(format!(
                    "it waits for {patience} ms (`ack_timeout`): write a longer `after`, or none, which is {} ms",
                    patience * 2
                )));
            }
        }
    }
    Ok(())
}

/// Whether every fault of TLS can be played where the endpoints speak `tls`, or plain MLLP.
pub(crate) fn fit_for_tls(
    reactions: &[Reaction],
    behaviours: &[Behaviour],
    tls: Option<&Tls>,
) -> Result<(), Diagnostic> {
    for (reaction, behaviour) in reactions.iter().zip(behaviours) {
        for (index, (part, play)) in reaction.play.iter().zip(&behaviour.play).enumerate() {
            let (Part::Fault { name, .. }, Play::Fault { fault, .. }) = (part, play) else {
                continue;
            };
            if matches!(fault, Fault::Tls(_)) {
                fits(*fault, index == 0, tls).map_err(|hint| {
                    name.place.error(format!("`{fault}` cannot be played here")).hint(hint)
                })?;
            }
        }
    }
    Ok(())
}

/// What must be otherwise for a fault of TLS to be played.
fn fits(fault: Fault, is_first: bool, tls: Option<&Tls>) -> Result<(), &'static str> {
    let mutual = tls.is_some_and(Tls::is_mutual);
    match (fault, tls) {
        (Fault::Tls(fault::Tls::TlsOnPlaintext), None) => Ok(()),
        (Fault::Tls(fault::Tls::TlsOnPlaintext), Some(_)) => {
            Err("it is about an endpoint without TLS: drop the key `tls`")
        }
        (_, None) => Err("it is about an endpoint with TLS: add `tls: true` to the scenario"),
        (Fault::Tls(fault::Tls::NoCloseNotify), _) => Ok(()),
        _ if !is_first => Err("it happens before anything is answered: put it first in the list"),
        (Fault::Tls(fault::Tls::ClientCertRefused), _) if !mutual => {
            Err("the sender shows no certificate unless asked: write `tls: { client: required }`")
        }
        (Fault::Tls(fault::Tls::ClientCertRequired), _) if mutual => {
            Err("the sender has a certificate here: write `tls: true`")
        }
        _ => Ok(()),
    }
}

fn on(
    on: &On,
    exams: &IndexMap<String, Arc<Exam>>,
    endpoints: &[String],
) -> Result<Match, Diagnostic> {
    if let Some(word) = on.exam.as_ref().filter(|word| !exams.contains_key(&word.text)) {
        let names: Vec<String> = exams.keys().cloned().collect();
        return Err(unknown("exam", &word.text, &word.place, &names));
    }
    if let Some(word) = on.endpoint.as_ref().filter(|word| !endpoints.contains(&word.text)) {
        return Err(unknown("endpoint", &word.text, &word.place, endpoints));
    }
    let fields = on.fields.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let moment = on.moment.as_ref().map(|(moment, _)| *moment);
    if let (Some((Moment::Accepted | Moment::Bytes(_), place)), false) =
        (&on.moment, fields.is_empty())
    {
        let mistake = place.error("at this moment no field of the message is known");
        return Err(mistake.hint("a field can be named for whole messages only"));
    }
    let text = |word: &Word| word.text.clone();
    Ok(Match {
        exam: on.exam.as_ref().map(text),
        attempt: on.attempt,
        message: on.message,
        connection: on.connection,
        endpoint: on.endpoint.as_ref().map(text),
        kind: on.kind,
        fields,
        moment,
    })
}

/// A field by its path and the value that it must have.
fn field((path, value): &(Word, String)) -> Result<FieldIs, Diagnostic> {
    let path = path_at(path)?;
    Ok(FieldIs { path, value: value.clone() })
}

fn path_at(word: &Word) -> Result<Path, Diagnostic> {
    word.text.parse().map_err(|error: PathError| {
        word.place
            .error(format!("`{}` is no path: {}", word.text, error.why()))
            .hint("a path is written like `PID-5.1`, `FT1[2]-7` or `FT1-26[2].1`")
    })
}

fn play(part: &Part, on: &On, sender: &SenderLimits) -> Result<Play, Diagnostic> {
    Ok(match part {
        Part::Raw(parts) => text::read(parts, on)?,
        Part::Wait(time) => Play::Wait((*time).into()),
        Part::End(how) => Play::End(match how {
            How::Close => End::Close,
            How::Reset => End::Reset,
            How::HalfClose => End::HalfClose,
        }),
        Part::Fault { name, with } => {
            let fault = fault(name)?;
            Play::Fault { fault, with: parameters(fault, with, sender)? }
        }
    })
}

fn fault(name: &Word) -> Result<Fault, Diagnostic> {
    name.text.parse().map_err(|_| {
        if let Some(mistake) = no_fault(name) {
            return mistake;
        }
        // Both spellings of an answer are valid, so both may be what is meant.
        let names = Fault::ALL.iter().map(|fault| fault.name());
        let short = names.clone().filter_map(|name| name.strip_prefix("answer/"));
        let mistake = name.place.error(format!("unknown fault `{}`", name.text));
        let words = ["raw", "hex", "wait", "end"];
        mistake
            .hint_words(&name.text, "valid faults", short.chain(names).chain(words))
            .hint("an answer has a short name, as in `reject`; every other fault has its kind before it, as in `payload/junk`")
    })
}

/// A word that has its place in a reply and is no fault: an end, or what needs a value.
fn no_fault(name: &Word) -> Option<Diagnostic> {
    let word = name.text.as_str();
    let mistake = || name.place.error(format!("`{word}` is no fault by itself"));
    if matches!(word, "close" | "reset" | "half-close") {
        let ends = format!("to end the connection so is written `{{ end: {word} }}`");
        return Some(mistake().hint(ends).hint(
            "with an answer before it: `connection/reply-then-close`, or a list that ends in it",
        ));
    }
    let (_, written) = SPECIAL.iter().find(|(special, _)| *special == word)?;
    Some(mistake().hint(format!("it needs a value, as in `{written}`")))
}

/// What the author wrote, over the defaults of the fault.
fn parameters(
    fault: Fault,
    with: &[Given],
    sender: &SenderLimits,
) -> Result<Parameters, Diagnostic> {
    let mut parameters = defaults::parameters(fault, sender);
    for given in with {
        let word = &given.name;
        let read = fault.reads().iter().find(|one| one.name() == word.text);
        let Some(read) = read else { return Err(not_read(fault, word)) };
        set(&mut parameters, *read, fault, given)?;
    }
    Ok(parameters)
}

fn not_read(fault: Fault, word: &Word) -> Diagnostic {
    let mistake = word.place.error(format!("`{fault}` does not read `{}`", word.text));
    if fault.reads().is_empty() {
        return mistake.hint("it has no parameters");
    }
    let names = fault.reads().iter().map(|parameter| parameter.name());
    mistake.hint_words(&word.text, "it reads", names)
}

/// Sets one parameter to what the author gave.
fn set(
    parameters: &mut Parameters,
    parameter: Parameter,
    fault: Fault,
    given: &Given,
) -> Result<(), Diagnostic> {
    match parameter {
        Parameter::After => parameters.after = Some(after(fault, parameters.after, given)?),
        Parameter::Bytes => parameters.bytes = Some(bytes(fault, given)?),
        Parameter::Times => parameters.times = Some(times(fault, given)?),
        Parameter::Count => parameters.count = Some(given.count(0)?),
        Parameter::Text => parameters.text = Some(given.text("a text")?.to_owned()),
        Parameter::Code => {
            let codes: Vec<&str> = fault.codes().iter().map(|code| code.as_str()).collect();
            let code = one_of(given, "an acknowledgement code", &codes)?;
            parameters.code = Code::exactly(code.as_bytes());
        }
        Parameter::Error => {
            let code = given.count(0)?;
            let known = u16::try_from(code).ok().filter(|code| ERRORS.contains(code));
            let mistake = || {
                let codes: Vec<String> = ERRORS.iter().map(u16::to_string).collect();
                given
                    .place()
                    .error(format!("table 0357 has no code `{code}`"))
                    .hint(format!("its codes: {}", codes.join(", ")))
            };
            parameters.error = Some(known.ok_or_else(mistake)?);
        }
        Parameter::At => {
            let text = given.text("a field such as `FT1[2]-7`")?.to_owned();
            let path = path_at(&Word { text, place: given.place().clone() })?;
            parameters.at = Some(path);
        }
        Parameter::Severity => {
            let severity = one_of(given, "a severity", &["E", "W", "I", "F"])?;
            parameters.severity = severity.chars().next();
        }
        Parameter::Form => {
            parameters.form = Some(one_of(given, "a form", fault.forms())?.to_owned());
        }
        Parameter::Cut => {
            parameters.cut = Some(match given.text("`half` or a number of bytes")? {
                "half" => Cut::Half,
                _ => {
                    let count = given
                        .count(1)
                        .map_err(|mistake| mistake.hint("an EMR that says nothing is `none`"))?;
                    Cut::Bytes(count.into())
                }
            });
        }
    }
    Ok(())
}

/// A time; none at all only where it lies between two things that may come at once.
fn after(fault: Fault, usual: Option<Micros>, given: &Given) -> Result<Micros, Diagnostic> {
    let time = Micros::from(given.duration()?);
    if time != Micros(0) || fault.nature().may_be_at_once {
        return Ok(time);
    }
    let mistake = given.place().error(format!("`{fault}` needs a time that passes"));
    let usual = usual.map_or(0, |usual| usual.0 / 1000);
    Err(mistake.hint(format!("without `after` it is {usual} ms for this sender")))
}

fn one_of<'w>(given: &Given, what: &str, words: &[&'w str]) -> Result<&'w str, Diagnostic> {
    let text = given.text(what)?;
    words.iter().find(|word| **word == text).copied().ok_or_else(|| {
        let mistake = given.place().error(format!("expected {what}, found `{text}`"));
        mistake.hint_words(text, "one of", words.iter().copied())
    })
}

/// How many times; what is said so often in one reply is built at once, so that is bounded.
fn times(fault: Fault, given: &Given) -> Result<u32, Diagnostic> {
    let times = given.count(1)?;
    if fault == Fault::Answer(Answer::Batch) && times > MOST_IN_A_BATCH {
        let mistake = given.place().error(format!("`{times}` answers are out of range"));
        return Err(mistake.hint(format!(
            "`{fault}` takes 1 to {MOST_IN_A_BATCH}; `payload/giant` is a reply of any length"
        )));
    }
    Ok(times)
}

/// Some hundred bytes each.
const MOST_IN_A_BATCH: u32 = 1_000;

fn bytes(fault: Fault, given: &Given) -> Result<u64, Diagnostic> {
    let bytes = u64::from(given.count(0)?);
    match defaults::range(fault) {
        Some(range) if !range.contains(&bytes) => {
            let mistake = given.place().error(format!("`{bytes}` bytes are out of range"));
            Err(mistake.hint(format!("`{fault}` takes {} to {}", range.start(), range.end())))
        }
        _ => Ok(bytes),
    }
}

/// The codes of table 0357.
const ERRORS: [u16; 14] = [0, 100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 205, 206, 207];
