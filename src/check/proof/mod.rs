//! Whether a behaviour that is said to have played can be seen in the history, as it was asked for:
//! the bytes that left, the pauses between them, how the connection ended, what met those who
//! connected.
//!
//! The simulated EMR says that a behaviour played; this does not take its word for it. It does
//! **not** look at what the sender made of it.

mod doors;
mod handshake;
mod reply;
mod signs;
mod struck;
mod timing;

use std::ops::Range;

use crate::history::{ConnectionId, End, Event, Micros, What};
use crate::hl7::BatchFile;
use crate::plan::{Behaviour, MessageKind, Moment, Play};

use crate::check::evidence::index::{Evidence, Fault as Claim};
use crate::check::evidence::reading::Sent;
use reply::Reply;
use signs::{Part, expected};

pub(crate) use struck::struck;

/// What the history lacks of what `claim` says; none if it shows all of it.
pub(crate) fn missing(evidence: &Evidence<'_>, claim: &Claim<'_>) -> Option<String> {
    let Some(behaviour) = evidence.plan.script.get(claim.behaviour) else {
        return Some("the script has no such behaviour".to_owned());
    };
    let scene = Scene::of(evidence, claim, behaviour);
    scene.is_shown().err()
}

/// What is missing, in words.
type Shown = Result<(), String>;

/// How a fault lies among the other parts of its behaviour.
#[derive(Clone, Copy)]
struct Among {
    /// What follows is pauses, if anything.
    last: bool,
    /// Another part says something.
    others_speak: bool,
    /// How many pauses lie between the first word of the behaviour and the fault's own.
    pauses_before: usize,
    /// For how long the others pause, all in all.
    others_pause: Micros,
}

impl Among {
    fn of(parts: &[Part], own: Range<usize>) -> Self {
        let is_pause = |part: &&Part| part.pause().is_some();
        let others = parts[..own.start].iter().chain(&parts[own.end..]);
        let speaks = |part: &Part| matches!(part, Part::Says(_));
        let lead = parts.iter().take_while(is_pause).count();
        let own_lead = parts[own.clone()].iter().take_while(is_pause).count();
        let up_to_words = &parts[..own.start + own_lead];
        Self {
            last: parts[own.end..].iter().all(|part| part.pause().is_some()),
            others_speak: others.clone().any(speaks),
            pauses_before: up_to_words.iter().skip(lead).filter(is_pause).count(),
            others_pause: others.filter_map(Part::pause).fold(Micros(0), plus),
        }
    }
}

/// One claim, and the part of the history that it is about.
struct Scene<'s, 'h> {
    evidence: &'s Evidence<'h>,
    claim: &'s Claim<'h>,
    behaviour: &'s Behaviour,
    /// Index of the first event that may belong to it: what comes before belongs to the same
    /// behaviour's last time.
    from: usize,
}

impl<'s, 'h> Scene<'s, 'h> {
    fn of(evidence: &'s Evidence<'h>, claim: &'s Claim<'h>, behaviour: &'s Behaviour) -> Self {
        let same = |other: &&Claim<'_>| {
            other.behaviour == claim.behaviour
                && other.connection == claim.connection
                && other.event < claim.event
        };
        let before = evidence.played.iter().filter(same).map(|other| other.event).max();
        Self { evidence, claim, behaviour, from: before.map_or(0, |event| event + 1) }
    }

    /// What happened up to the claim, as far as it may belong to it.
    fn before(&self) -> &'h [Event] {
        &self.evidence.events[self.from..self.claim.event]
    }

    /// The same with what came after it.
    fn around(&self) -> &'h [Event] {
        &self.evidence.events[self.from..]
    }

    /// The connection that the claim is about.
    fn connection(&self) -> Result<ConnectionId, String> {
        self.claim.connection.ok_or_else(|| "it is not said on which connection".to_owned())
    }

    fn is_shown(&self) -> Shown {
        self.struck_its_own()?;
        let mut parts = Vec::new();
        let mut besides = Vec::new();
        for play in &self.behaviour.play {
            match play {
                Play::Fault { fault, with } => {
                    let Some((more, of_its_own)) = expected(*fault, with) else {
                        return Err(format!("nobody knows by what {fault} is seen"));
                    };
                    besides.push((*fault, with, of_its_own, parts.len()..parts.len() + more.len()));
                    parts.extend(more);
                }
                Play::Raw(bytes) => parts.push(Part::Says(reply::Says::Exactly(bytes.clone()))),
                Play::Filled(text) => parts.push(Part::Says(reply::Says::Filled(text.clone()))),
                Play::Wait(time) => parts.push(Part::Pause(*time)),
                Play::End(how) => parts.push(Part::End(*how)),
            }
        }
        let writes = besides.iter().any(|(_, _, of_its_own, _)| of_its_own.is_written());
        for (fault, with, of_its_own, own) in besides {
            let among = Among::of(&parts, own);
            self.has(fault, with, of_its_own, among)?;
        }
        if parts.is_empty() {
            return Ok(());
        }
        self.follows(&parts, writes)
    }

    /// Whether what is written, waited for and ended was so, in this order; something is written
    /// even where no part says what, if it is one that `writes` at length.
    fn follows(&self, parts: &[Part], writes: bool) -> Shown {
        let ends: Vec<End> = parts.iter().filter_map(Part::end).collect();
        let before_ends = parts.iter().position(|part| matches!(part, Part::End(_)));
        let written = &parts[..before_ends.unwrap_or(parts.len())];
        let lead = written.iter().map_while(Part::pause).fold(Micros(0), plus);
        let words = &written[written.iter().take_while(|part| part.pause().is_some()).count()..];
        let begun = if words.is_empty() {
            self.first_end(&ends).unwrap_or(self.evidence.events[self.claim.event].at)
        } else if let [Part::Says(reply::Says::AsDue(_))] = words
            && self.asks_for_nothing()
        {
            self.is_unanswered()?;
            return self.has_ended(&ends);
        } else {
            let reply = self.reply()?;
            reply.has(words, self.message())?;
            reply.began
        };
        let waited = begun.since(self.set_off());
        if waited < lead {
            return Err(format!("it came after {} and not after {}", ms(waited), ms(lead)));
        }
        if words.is_empty() && !ends.is_empty() && !writes {
            self.is_unanswered()?;
        }
        self.has_ended(&ends)
    }

    /// The reply that left on the connection under the behaviour's name.
    fn reply(&self) -> Result<Reply<'h>, String> {
        let connection = self.connection()?;
        let name = self.claim.name;
        let mut replies = self.before().iter().rev().filter_map(Reply::read);
        let reply = replies.find(|one| {
            let concerns = one.to.is_none_or(|to| self.may_concern(to));
            // The answers to a batch leave together, under the name of one of them.
            let named = one.name == name || one.to.is_some_and(|to| self.is_batch(to));
            one.connection == connection && named && concerns
        });
        reply.ok_or_else(|| format!("no byte of it left on connection {connection}"))
    }

    /// Whether the behaviour may be about a piece: it names no exam, or the piece is of that one as far
    /// as anybody can tell.
    fn may_concern(&self, piece: u64) -> bool {
        let on = &self.behaviour.on;
        let named = on.exam.as_ref().filter(|_| on.kind != Some(MessageKind::Result));
        let mut exams = self.evidence.exams.iter();
        let Some(exam) = named.and_then(|name| exams.find(|exam| exam.name == name)) else {
            return true;
        };
        let attempts = self.evidence.attempts_at(&exam.order);
        let of_it = |event: usize| self.evidence.events[event].seq == piece;
        attempts.is_empty()
            || attempts.iter().any(|one| of_it(self.evidence.sent[one.sent as usize].event))
    }

    /// The whole message that set it off, as far as that is known: the one that its reply answers,
    /// or the last one on its connection. Empty if there is none.
    fn message(&self) -> &'h [u8] {
        let Some(event) = self.message_event() else { return &[] };
        let What::Received { bytes, .. } = &event.what else { return &[] };
        if !self.is_batch(event.seq) {
            return crate::check::evidence::frame::frame_payload(bytes.as_slice());
        }
        // Of a batch it is the first that has a header, or the one of the exam that is named.
        let sent = || {
            let of_it = |one: &&Sent<'_>| self.evidence.events[one.event].seq == event.seq;
            self.evidence.sent.iter().filter(of_it)
        };
        let exam = self.behaviour.on.exam.as_ref();
        let order = exam.and_then(|name| {
            self.evidence.exams.iter().find(|exam| exam.name == name).map(|exam| &exam.order)
        });
        let of_order = |one: &&Sent<'h>| {
            let mut lines = one.lines(self.evidence).iter();
            order.is_some_and(|order| {
                lines.any(|line| *self.evidence.orders[line.order as usize].order == **order)
            })
        };
        let named = sent().find(of_order);
        let first = || sent().find(|one| one.payload.starts_with(b"MSH"));
        named.or_else(first).map_or(&[], |one| one.payload)
    }

    /// Whether a piece that was received holds a batch.
    fn is_batch(&self, seq: u64) -> bool {
        let event = self.evidence.events.get(self.evidence.index_of(seq));
        event.is_some_and(|event| match &event.what {
            What::Received { bytes, .. } => {
                BatchFile::begins(crate::check::evidence::frame::frame_payload(bytes.as_slice()))
            }
            _ => false,
        })
    }

    fn message_event(&self) -> Option<&'h Event> {
        let to = self.reply().ok().and_then(|reply| reply.to);
        match to {
            Some(to) => self.evidence.events.get(self.evidence.index_of(to)),
            None => self.last_piece(self.claim.event),
        }
    }

    /// The last piece that came on the connection before an event.
    fn last_piece(&self, before: usize) -> Option<&'h Event> {
        let wanted = self.claim.connection?;
        let mut earlier = self.evidence.events[..before].iter().rev();
        earlier.find(|event| {
            matches!(&event.what, What::Received { connection, .. } if *connection == wanted)
                && self.may_concern(event.seq)
        })
    }

    /// When it was set off, or could have been at the earliest.
    fn set_off(&self) -> Micros {
        let opened = || {
            let opened = self.claim.connection.and_then(|id| self.evidence.connections.get(&id));
            opened.map_or(Micros(0), |opened| self.evidence.time_of(opened.opened))
        };
        let answers = self.reply().is_ok_and(|reply| reply.to.is_some());
        let by_message = matches!(self.behaviour.on.moment, None | Some(Moment::Message));
        match self.message_event() {
            Some(message) if answers || by_message => message.at,
            _ => opened(),
        }
    }

    /// Whether the message asks for no answer of success (MSH-15 and MSH-16).
    fn asks_for_nothing(&self) -> bool {
        let due = crate::hl7::ack::due(&crate::hl7::Message::read_header(self.message()));
        !due.accept.on_success() && !due.application.on_success()
    }

    /// Whether a piece came to which the EMR wrote nothing until the claim, and of what it wrote
    /// nothing came later either.
    fn is_unanswered(&self) -> Shown {
        let connection = self.connection()?;
        let answered = |seq: u64| {
            let is = |what: &What| matches!(what, What::Replied { to: Some(to), .. } if *to == seq);
            self.around().iter().any(|event| is(&event.what))
        };
        let mut pieces = self.before().iter().rev().filter(|event| {
            matches!(&event.what, What::Received { connection: on, .. } if *on == connection)
                && self.may_concern(event.seq)
        });
        let mut any = pieces.clone();
        if any.next().is_none() || pieces.any(|piece| !answered(piece.seq)) {
            return Ok(());
        }
        Err("the EMR had answered".to_owned())
    }

    /// Whether the EMR ended the connection so, after what it wrote.
    fn has_ended(&self, wanted: &[End]) -> Shown {
        if wanted.is_empty() {
            return Ok(());
        }
        let connection = self.connection()?;
        let mut seen = self.ends(connection).map(|(_, how)| how);
        for end in wanted {
            if !seen.any(|how| how == *end) {
                return Err(format!("the EMR did not end connection {connection} by {}", by(*end)));
            }
        }
        Ok(())
    }

    fn first_end(&self, wanted: &[End]) -> Option<Micros> {
        let first = wanted.first()?;
        let mut ends = self.ends(self.claim.connection?);
        ends.find(|(_, how)| how == first).map(|(at, _)| at)
    }

    /// How the EMR ended a connection by the time of the claim, and when.
    fn ends(&self, of: ConnectionId) -> impl Iterator<Item = (Micros, End)> + use<'h> {
        self.before().iter().filter_map(move |event| match event.what {
            What::EndedByEmr { connection, how } if connection == of => Some((event.at, how)),
            _ => None,
        })
    }

    fn endpoint_of(&self, connection: ConnectionId) -> &'h str {
        self.evidence.connections.get(&connection).map_or("", |one| one.endpoint)
    }
}

fn plus(all: Micros, more: Micros) -> Micros {
    Micros(all.0.saturating_add(more.0))
}

fn ms(time: Micros) -> String {
    format!("{} ms", time.0 / 1000)
}

const fn by(end: End) -> &'static str {
    match end {
        End::Close => "a close",
        End::Truncated => "a close without a close_notify",
        End::Reset => "a reset",
        End::HalfClose => "a half-close",
    }
}
