//! One claim, and what the history has around it: the reply, the message that set it off, how the
//! connection ended.

use crate::check::evidence::frame::frame_payload;
use crate::check::evidence::index::{Evidence, Fault as Claim};
use crate::check::evidence::message::Sent;
use crate::check::proof::reply::Reply;
use crate::history::{ConnectionId, End, Event, Micros, What};
use crate::hl7::ack::due;
use crate::hl7::{BatchFile, Message};
use crate::plan::{Behaviour, MessageKind, Moment};

/// What is missing, in words.
pub(crate) type Shown = Result<(), String>;

/// One claim, and the part of the history that it is about.
pub(crate) struct Scene<'s, 'h> {
    pub(crate) evidence: &'s Evidence<'h>,
    pub(crate) claim: &'s Claim<'h>,
    pub(crate) behaviour: &'s Behaviour,
    /// Index of the first event that may belong to it: what comes before belongs to the same
    /// behaviour's last time.
    from: usize,
}

impl<'s, 'h> Scene<'s, 'h> {
    pub(crate) fn of(
        evidence: &'s Evidence<'h>,
        claim: &'s Claim<'h>,
        behaviour: &'s Behaviour,
    ) -> Self {
        let same = |other: &&Claim<'_>| {
            other.behaviour == claim.behaviour
                && other.connection == claim.connection
                && other.event < claim.event
        };
        let before = evidence.played.iter().filter(same).map(|other| other.event).max();
        Self { evidence, claim, behaviour, from: before.map_or(0, |event| event + 1) }
    }

    /// What happened up to the claim, as far as it may belong to it.
    pub(crate) fn before(&self) -> &'h [Event] {
        &self.evidence.events[self.from..self.claim.event]
    }

    /// The same with what came after it.
    pub(crate) fn around(&self) -> &'h [Event] {
        &self.evidence.events[self.from..]
    }

    /// The connection that the claim is about.
    pub(crate) fn connection(&self) -> Result<ConnectionId, String> {
        self.claim.connection.ok_or_else(|| "it is not said on which connection".to_owned())
    }

    /// The reply that left on the connection under the behaviour's name.
    pub(crate) fn reply(&self) -> Result<Reply<'h>, String> {
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
    pub(crate) fn may_concern(&self, piece: u64) -> bool {
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
    pub(crate) fn message(&self) -> &'h [u8] {
        let Some(event) = self.message_event() else { return &[] };
        let What::Received { bytes, .. } = &event.what else { return &[] };
        if !self.is_batch(event.seq) {
            return frame_payload(bytes.as_slice());
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
    pub(crate) fn is_batch(&self, seq: u64) -> bool {
        let event = self.evidence.events.get(self.evidence.index_of(seq));
        event.is_some_and(|event| match &event.what {
            What::Received { bytes, .. } => BatchFile::begins(frame_payload(bytes.as_slice())),
            _ => false,
        })
    }

    pub(crate) fn message_event(&self) -> Option<&'h Event> {
        let to = self.reply().ok().and_then(|reply| reply.to);
        match to {
            Some(to) => self.evidence.events.get(self.evidence.index_of(to)),
            None => self.last_piece(self.claim.event),
        }
    }

    /// The last piece that came on the connection before an event.
    pub(crate) fn last_piece(&self, before: usize) -> Option<&'h Event> {
        let wanted = self.claim.connection?;
        let mut earlier = self.evidence.events[..before].iter().rev();
        earlier.find(|event| {
            matches!(&event.what, What::Received { connection, .. } if *connection == wanted)
                && self.may_concern(event.seq)
        })
    }

    /// When it was set off, or could have been at the earliest.
    pub(crate) fn set_off(&self) -> Micros {
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
    pub(crate) fn asks_for_nothing(&self) -> bool {
        let due = due(&Message::read_header(self.message()));
        !due.accept.on_success() && !due.application.on_success()
    }

    /// Whether a piece came to which the EMR wrote nothing until the claim, and of what it wrote
    /// nothing came later either.
    pub(crate) fn is_unanswered(&self) -> Shown {
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
    pub(crate) fn has_ended(&self, wanted: &[End]) -> Shown {
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

    pub(crate) fn first_end(&self, wanted: &[End]) -> Option<Micros> {
        let first = wanted.first()?;
        let mut ends = self.ends(self.claim.connection?);
        ends.find(|(_, how)| how == first).map(|(at, _)| at)
    }

    /// How the EMR ended a connection by the time of the claim, and when.
    pub(crate) fn ends(&self, of: ConnectionId) -> impl Iterator<Item = (Micros, End)> + use<'h> {
        self.before().iter().filter_map(move |event| match event.what {
            What::EndedByEmr { connection, how } if connection == of => Some((event.at, how)),
            _ => None,
        })
    }

    pub(crate) fn endpoint_of(&self, connection: ConnectionId) -> &'h str {
        self.evidence.connections.get(&connection).map_or("", |one| one.endpoint)
    }
}

const fn by(end: End) -> &'static str {
    match end {
        End::Close => "a close",
        End::Truncated => "a close without a close_notify",
        End::Reset => "a reset",
        End::HalfClose => "a half-close",
    }
}
