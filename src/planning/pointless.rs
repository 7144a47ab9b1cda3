//! What an author wrote that tests nothing, though every word of it makes sense: told before it is run,
//! where it stands.
//!
//! Does **not** decide anything, and what is drawn rather than written is not held to it.

use crate::plan::fault::SetOff;
use crate::plan::{Behaviour, Charged, Fault, Match, MessageKind, Moment, Plan, Play, Step};
use crate::scenario::{Act, Case};
use crate::yaml::{Diagnostic, Place};

/// Refuses a case of which a part can show nothing.
///
/// # Errors
/// The first such part, with its place.
pub(crate) fn refuse(case: &Case, plan: &Plan) -> Result<(), Diagnostic> {
    never_handed_over(case, plan)?;
    second_without_work(case)?;
    covered(case, plan)
}

/// An exam that is expected to be charged never, and that nobody hands over.
fn never_handed_over(case: &Case, plan: &Plan) -> Result<(), Diagnostic> {
    let never = |name: &str| plan.expect.charges.get(name) == Some(&Charged::Never);
    let handed = |name: &str| {
        plan.steps.iter().any(|step| matches!(step, Step::Submit(exam) if exam == name))
    };
    let names = case.expect.charges.iter().map(|(word, _)| word);
    let Some(name) = { names }.find(|word| never(&word.text) && !handed(&word.text)) else {
        return Ok(());
    };
    let message =
        format!("`{}` is never charged because it is never given to the sender", name.text);
    let hint = format!("add the step `submit: {}`, or take the exam out", name.text);
    Err(name.place.error(message).hint(hint))
}

/// A second instance beside which nothing is done.
fn second_without_work(case: &Case) -> Result<(), Diagnostic> {
    let mut idle: Option<&Place> = None;
    for act in case.steps.iter().flatten() {
        match act {
            Act::StartSecond(place) => idle = Some(place),
            Act::StopSecond(_) => break,
            Act::Heal | Act::Account => {}
            _ => idle = None,
        }
    }
    let Some(place) = idle else { return Ok(()) };
    let mistake = place.error("nothing happens while the second instance runs");
    Err(mistake.hint("hand an exam over before it is stopped, or let it `settle`"))
}

/// An entry of the script in whose place an earlier one plays whenever it is due.
fn covered(case: &Case, plan: &Plan) -> Result<(), Diagnostic> {
    for (index, behaviour) in plan.script.iter().enumerate() {
        let covers = |earlier: &Behaviour| earlier.covers(behaviour);
        let Some(earlier) = plan.script[..index].iter().position(covers) else { continue };
        let Some(place) = case.script.get(index).map(|entry| &entry.place) else { continue };
        let line = case.script.get(earlier).map_or(0, |entry| entry.place.line);
        let mistake = place.error("this entry can never play");
        let hint = format!(
            "the one in line {line} plays whenever this one is due, and the first that matches plays: \
             put this one before it, or give that one `times` or an `attempt`"
        );
        return Err(mistake.hint(hint));
    }
    Ok(())
}

impl Behaviour {
    /// Whether this one, standing before `later` in a script, plays whenever that is due.
    #[must_use]
    pub fn covers(&self, later: &Self) -> bool {
        self.times.is_none()
            && self.occasion().covers(later.occasion())
            && self.on.covers(&later.on)
    }

    /// Whether it plays inside a message, before that is whole.
    #[must_use]
    pub fn plays_inside_messages(&self) -> bool {
        self.occasion() == Occasion::Bytes
    }

    /// What sets it off: the moment that its author names, or else its first entry.
    fn occasion(&self) -> Occasion {
        match self.on.moment {
            Some(Moment::Accepted) => return Occasion::Accepted,
            Some(Moment::Bytes(_)) => return Occasion::Bytes,
            Some(Moment::Message) => return Occasion::Message,
            None => {}
        }
        match self.play.first() {
            Some(Play::Fault { fault, .. }) => Occasion::of(*fault),
            _ => Occasion::Message,
        }
    }
}

/// What sets a behaviour off, as far as one can stand in another's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// A whole message.
    Message,
    /// A whole message, and something besides.
    SomeMessages,
    /// So many bytes of a message.
    Bytes,
    /// A connection that is accepted.
    Accepted,
    /// Something of its own, in whose way nothing stands.
    Own,
}

impl Occasion {
    const fn of(fault: Fault) -> Self {
        match fault.nature().set_off_by {
            SetOff::Handover | SetOff::Beside | SetOff::MessageOrSecond => Self::Own,
            SetOff::EveryNth | SetOff::TooSoon => Self::SomeMessages,
            SetOff::Bytes => Self::Bytes,
            SetOff::Accept | SetOff::Handshake => Self::Accepted,
            SetOff::Message => Self::Message,
        }
    }

    const fn covers(self, later: Self) -> bool {
        matches!(
            (self, later),
            (Self::Message, Self::Message | Self::SomeMessages)
                | (Self::Bytes, Self::Bytes)
                | (Self::Accepted, Self::Accepted)
        )
    }
}

impl Match {
    /// Whether it holds whenever `other` does.
    fn covers(&self, other: &Self) -> bool {
        let number = |wanted: Option<u32>, here: Option<u32>| wanted.is_none() || wanted == here;
        let text =
            |wanted: &Option<String>, here: &Option<String>| wanted.is_none() || wanted == here;
        let kind = |one: &Self| one.kind.unwrap_or(MessageKind::Charge);
        text(&self.exam, &other.exam)
            && text(&self.endpoint, &other.endpoint)
            && number(self.attempt, other.attempt)
            && number(self.message, other.message)
            && number(self.connection, other.connection)
            && kind(self) == kind(other)
            && self.fields.iter().all(|field| other.fields.contains(field))
    }
}
