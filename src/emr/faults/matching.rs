//! Which behaviour of the script plays when.

use std::sync::Arc;
use std::time::Duration;

use crate::hl7::Message;
use crate::plan::fault::{SetOff, Stand};
use crate::plan::{Behaviour, Match, MessageKind, Moment, Play};

/// What is known of the moment when something could play.
#[derive(Clone, Debug, Default)]
pub(crate) struct Occasion<'a> {
    pub(crate) exam: Option<&'a str>,
    /// Other exams of its order that had been handed over by then.
    pub(crate) other_exams: &'a [Arc<str>],
    pub(crate) attempt: u32,
    pub(crate) message: u32,
    pub(crate) connection: u32,
    pub(crate) endpoint: &'a str,
    pub(crate) kind: Option<MessageKind>,
    /// The message itself, once it is whole.
    pub(crate) content: Option<&'a Message<'a>>,
    /// Which message of its connection it is.
    pub(crate) heard: u32,
    /// How long after the message before at its endpoint it has come.
    pub(crate) gap: Option<Duration>,
    /// How many other connections to the endpoint are open.
    pub(crate) others: u32,
}

/// What sets a behaviour off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The exam is handed over: the endpoint stops listening.
    Listening,
    /// A connection is accepted.
    Accept,
    /// This many bytes of a message have arrived.
    Bytes(u64),
    /// A whole message has arrived.
    Message,
    /// So many messages have arrived on a connection, or twice as many, and so on.
    Every(u32),
    /// A message has arrived so soon after the one before at its endpoint.
    Within(Duration),
    /// A connection is accepted beside at least so many others.
    Beside(u32),
    /// A whole message has arrived, or a connection is accepted beside another.
    MessageOrSecond,
}

impl Trigger {
    /// Whether a whole message sets it off at this moment.
    pub(crate) fn is_due_on_message(self, moment: &Occasion<'_>) -> bool {
        match self {
            Self::Message | Self::MessageOrSecond => true,
            Self::Every(count) => moment.heard.is_multiple_of(count.max(1)),
            Self::Within(time) => moment.gap.is_some_and(|gap| gap < time),
            _ => false,
        }
    }

    /// Whether an accepted connection sets it off at this moment.
    pub(crate) const fn is_due_on_accept(self, moment: &Occasion<'_>) -> bool {
        match self {
            Self::Accept => true,
            Self::Beside(count) => moment.others >= count,
            Self::MessageOrSecond => moment.others > 0,
            _ => false,
        }
    }
}

/// What sets a behaviour off: the moment that its author names, or else its first entry.
pub(crate) fn trigger(behaviour: &Behaviour) -> Trigger {
    match behaviour.on.moment {
        Some(Moment::Accepted) => return Trigger::Accept,
        Some(Moment::Bytes(count)) => return Trigger::Bytes(count),
        Some(Moment::Message) => return Trigger::Message,
        None => {}
    }
    let Some(Play::Fault { fault, with }) = behaviour.play.first() else {
        return Trigger::Message;
    };
    match fault.nature().set_off_by {
        SetOff::Handover => Trigger::Listening,
        SetOff::Accept | SetOff::Handshake => Trigger::Accept,
        SetOff::EveryNth => Trigger::Every(with.count()),
        SetOff::Beside => Trigger::Beside(with.count()),
        SetOff::TooSoon => Trigger::Within(with.after()),
        SetOff::MessageOrSecond => Trigger::MessageOrSecond,
        SetOff::Bytes => Trigger::Bytes(with.bytes()),
        SetOff::Message => Trigger::Message,
    }
}

/// The script, and how often each behaviour has been begun.
#[derive(Debug)]
pub(crate) struct Script {
    behaviours: Vec<Behaviour>,
    begun: Vec<u32>,
    healed: bool,
}

impl Script {
    pub(crate) fn new(behaviours: Vec<Behaviour>) -> Self {
        let begun = vec![0; behaviours.len()];
        Self { behaviours, begun, healed: false }
    }

    /// From now on nothing plays.
    pub(crate) const fn heal(&mut self) {
        self.healed = true;
    }

    /// Whether anything could ever play at a byte count.
    pub(crate) fn byte_triggers(&self) -> bool {
        !self.healed && self.behaviours.iter().any(|one| matches!(trigger(one), Trigger::Bytes(_)))
    }

    /// Whether what plays may depend on what a message says.
    pub(crate) fn reads_fields(&self) -> bool {
        self.behaviours.iter().any(|one| !one.on.fields.is_empty())
    }

    /// How often a behaviour has begun.
    pub(crate) fn begun(&self, index: usize) -> u32 {
        self.begun[index]
    }

    /// Whether anybody wants to know how many connections there are.
    pub(crate) fn counts_connections(&self) -> bool {
        let counts = |one| matches!(trigger(one), Trigger::Beside(_) | Trigger::MessageOrSecond);
        !self.healed && self.behaviours.iter().any(counts)
    }

    /// What a behaviour plays.
    pub(crate) fn play(&self, index: usize) -> &[Play] {
        &self.behaviours[index].play
    }

    /// The exam that a behaviour is about, if it names one.
    pub(crate) fn exam(&self, index: usize) -> Option<Arc<str>> {
        self.behaviours[index].on.exam.as_deref().map(Arc::from)
    }

    /// What sets a behaviour off.
    pub(crate) fn trigger(&self, index: usize) -> Trigger {
        trigger(&self.behaviours[index])
    }

    /// The first behaviour that is set off by a whole message at this moment.
    pub(crate) fn on_message(&mut self, moment: &Occasion<'_>) -> Option<usize> {
        self.first(moment, |trigger| trigger.is_due_on_message(moment))
    }

    /// The first behaviour that is set off by an accepted connection.
    pub(crate) fn on_accept(&mut self, moment: &Occasion<'_>) -> Option<usize> {
        self.first(moment, |trigger| trigger.is_due_on_accept(moment))
    }

    /// The first behaviour that a byte count would set off at this moment, and that count.
    pub(crate) fn due_at_bytes(&self, moment: &Occasion<'_>) -> Option<(usize, u64)> {
        let index = self.find(moment, |trigger| matches!(trigger, Trigger::Bytes(_)))?;
        match trigger(&self.behaviours[index]) {
            Trigger::Bytes(count) => Some((index, count)),
            _ => None,
        }
    }

    /// Notes that a behaviour has begun.
    pub(crate) fn begin(&mut self, index: usize) {
        self.begun[index] += 1;
    }

    /// Behaviours that stand at an endpoint from the moment when `exam` is handed over; from the
    /// start, those that name no exam.
    pub(crate) fn on_listening(&mut self, exam: Option<&str>) -> Vec<usize> {
        let mut found = Vec::new();
        for (index, behaviour) in self.behaviours.iter().enumerate() {
            let due =
                trigger(behaviour) == Trigger::Listening && behaviour.on.exam.as_deref() == exam;
            if due && !self.healed && self.begun[index] < behaviour.times.unwrap_or(1) {
                self.begun[index] += 1;
                found.push(index);
            }
        }
        found
    }

    /// What a behaviour that stands at an endpoint is, at which one, and for how long.
    pub(crate) fn standing(&self, index: usize) -> Option<(Stand, Option<&str>, Duration)> {
        let behaviour = &self.behaviours[index];
        let Some(Play::Fault { fault, with }) = behaviour.play.first() else {
            return None;
        };
        Some((fault.nature().stands?, behaviour.on.endpoint.as_deref(), with.after()))
    }

    fn first(&mut self, moment: &Occasion<'_>, due: impl Fn(Trigger) -> bool) -> Option<usize> {
        let found = self.find(moment, due)?;
        self.begin(found);
        Some(found)
    }

    fn find(&self, moment: &Occasion<'_>, due: impl Fn(Trigger) -> bool) -> Option<usize> {
        if self.healed {
            return None;
        }
        self.behaviours.iter().enumerate().position(|(index, behaviour)| {
            due(trigger(behaviour))
                && behaviour.times.is_none_or(|times| self.begun[index] < times)
                && matches(&behaviour.on, moment)
        })
    }
}

fn matches(on: &Match, moment: &Occasion<'_>) -> bool {
    let is_of =
        |exam| moment.exam == Some(exam) || moment.other_exams.iter().any(|one| **one == *exam);
    on.exam.as_deref().is_none_or(is_of)
        && on.attempt.is_none_or(|attempt| moment.attempt == attempt)
        && on.message.is_none_or(|message| moment.message == message)
        && on.connection.is_none_or(|connection| moment.connection == connection)
        && on.endpoint.as_deref().is_none_or(|endpoint| moment.endpoint == endpoint)
        && moment.kind.is_none_or(|kind| kind == on.kind.unwrap_or(MessageKind::Charge))
        && on.fields.iter().all(|field| {
            moment.content.is_some_and(|message| message.text(&field.path) == field.value)
        })
}

#[cfg(test)]
mod tests {
    use super::{Occasion, Script};
    use crate::plan::fault::Answer;
    use crate::plan::{Behaviour, Fault, Match, MessageKind, Parameters, Play};

    fn behaviour(fault: Fault, on: Match) -> Behaviour {
        let play = vec![Play::Fault { fault, with: Parameters::default() }];
        Behaviour { on, play, times: None }
    }

    fn moment(exam: &str, attempt: u32) -> Occasion<'_> {
        let kind = Some(MessageKind::Charge);
        let moment =
            Occasion { exam: Some(exam), attempt, message: 1, kind, ..Occasion::default() };
        Occasion { connection: 1, endpoint: "emr", ..moment }
    }

    #[test]
    fn the_first_behaviour_that_matches_plays() {
        let on = |attempt| Match { exam: Some("a".into()), attempt, ..Match::default() };
        let mut script = Script::new(vec![
            behaviour(Fault::Answer(Answer::Reject), on(Some(1))),
            behaviour(Fault::Answer(Answer::Error), on(None)),
        ]);
        assert_eq!(script.on_message(&moment("a", 1)), Some(0));
        assert_eq!(script.on_message(&moment("a", 2)), Some(1));
        assert_eq!(script.on_message(&moment("b", 1)), None);
    }

    #[test]
    fn a_bounded_behaviour_plays_no_more_often_than_it_says() {
        let mut one = behaviour(Fault::Answer(Answer::Reject), Match::default());
        one.times = Some(2);
        let mut script = Script::new(vec![one]);
        let played: Vec<bool> =
            (1..=4).map(|attempt| script.on_message(&moment("a", attempt)).is_some()).collect();
        assert_eq!(played, [true, true, false, false]);
    }

    #[test]
    fn a_behaviour_is_about_charges_unless_it_names_results() {
        let mut script =
            Script::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
        let result = Occasion { kind: Some(MessageKind::Result), ..moment("a", 1) };
        assert_eq!(script.on_message(&result), None);
    }

    #[test]
    fn a_healed_script_plays_nothing() {
        let mut script =
            Script::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
        script.heal();
        assert_eq!(script.on_message(&moment("a", 1)), None);
    }
}
