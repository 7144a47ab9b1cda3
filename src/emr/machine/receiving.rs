//! What arrives: bytes become pieces, pieces become events, messages are looked up in the script.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Buf;

use crate::emr::faults::matching::Occasion;
use crate::emr::faults::play;
use crate::emr::machine::connection::Job;
use crate::emr::machine::turn::Turn;
use crate::emr::machine::twins::{Subject, counted_as};
use crate::emr::machine::{Emr, Parked, Turns};
use crate::history::{ConnectionId, End, Piece, Raw, What};
use crate::hl7::ack::is_acknowledgement;
use crate::hl7::{BatchFile, Message};
use crate::mllp::{Found, FoundKind};
use crate::plan::{MessageKind, WireEvent};

impl Turn<'_, '_> {
    /// Takes bytes in, but none beyond the count that sets a behaviour off before that is carried
    /// out.
    pub(crate) fn received(&mut self, id: ConnectionId, bytes: &[u8]) {
        let waits = self.emr.connections.get(id).is_some_and(|one| !one.put_off.is_empty());
        let taken = if waits { 0 } else { self.take_until_due(id, bytes) };
        if taken < bytes.len() {
            if let Some(connection) = self.emr.connections.get_mut(id) {
                connection.put_off.extend_from_slice(&bytes[taken..]);
            }
            self.take_up(id);
        }
    }

    /// Takes bytes in up to what sets a behaviour off; how many.
    fn take_until_due(&mut self, id: ConnectionId, bytes: &[u8]) -> usize {
        // A count begins anew with every message, and only a byte shows where that is.
        let at_once = if self.counts_bytes() { 1 } else { bytes.len().max(1) };
        let mut taken = 0;
        while taken < bytes.len() {
            if self.leaves_unread(id, &bytes[taken..]) {
                return bytes.len();
            }
            let piece = &bytes[taken..bytes.len().min(taken + at_once)];
            let due = self.due_at(id);
            self.take_in(id, piece);
            taken += piece.len();
            if let Some((behaviour, 1)) = due {
                self.play_at_bytes(id, behaviour);
                if !play::resets(self.emr.script.play(behaviour)) {
                    return taken;
                }
            }
        }
        taken
    }

    /// Puts aside what an EMR that has broken off no longer reads; whether it has.
    fn leaves_unread(&mut self, id: ConnectionId, bytes: &[u8]) -> bool {
        let limit = self.emr.settings.message_bytes;
        let Some(connection) = self.emr.connections.get_mut(id).filter(|one| one.broken_off) else {
            return false;
        };
        let (kept, length) = &mut connection.unread;
        let room = limit.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
        *length += bytes.len() as u64;
        true
    }

    /// There is more than is read.
    pub(crate) fn left_unread(&mut self, id: ConnectionId, bytes: u64) {
        if let Some(connection) = self.emr.connections.get_mut(id) {
            connection.unread.1 += bytes;
        }
    }

    /// Takes in what was put off, as far as nothing is in the way any more.
    pub(crate) fn take_up(&mut self, id: ConnectionId) {
        let limit = self.emr.settings.message_bytes;
        while let Some(connection) = self.emr.connections.get_mut(id) {
            // Whoever goes on sending while we cannot write must not fill the memory.
            let free = !connection.in_hand || connection.put_off.len() > limit;
            if !free || connection.put_off.is_empty() {
                return;
            }
            let mut bytes = std::mem::take(&mut connection.put_off);
            let taken = self.take_until_due(id, &bytes);
            bytes.advance(taken);
            if let Some(connection) = self.emr.connections.get_mut(id) {
                connection.put_off = bytes;
            }
        }
    }

    /// Whether anybody wants to know how many bytes of a message have come.
    fn counts_bytes(&self) -> bool {
        self.emr.script.byte_triggers() || matches!(self.emr.watch, Some(WireEvent::Bytes(_)))
    }

    fn take_in(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        if connection.decoder.pending().is_none() {
            connection.began = self.now.into();
            self.reach(WireEvent::FirstByte);
        }
        self.byte_events(id, bytes);
        if let Some(connection) = self.emr.connections.get_mut(id) {
            connection.taken += bytes.len() as u64;
            self.stir(id);
        }
        if let Some(connection) = self.emr.connections.get_mut(id) {
            connection.decoder.feed(bytes);
        }
        while let Some(found) = self.next_found(id) {
            self.found(id, found);
        }
        self.refuse(id);
    }

    fn next_found(&mut self, id: ConnectionId) -> Option<Found> {
        self.emr.connections.get_mut(id)?.decoder.next()
    }

    /// Reports byte-level wire events that somebody waits for.
    fn byte_events(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.emr.connections.get(id) else {
            return;
        };
        let pending = connection.decoder.pending();
        let length = pending.as_ref().map_or(0, |pending| pending.length);
        let before = pending.as_ref().map_or(&[][..], |pending| pending.bytes);
        match self.emr.watch {
            Some(WireEvent::Bytes(wanted)) if length + bytes.len() as u64 >= wanted => {
                self.reach(WireEvent::Bytes(wanted));
            }
            Some(WireEvent::InsideFt1) => {
                // Only what a find can begin in: a sender may send a megabyte byte by byte.
                let before = &before[before.len().saturating_sub(FT1.len() - 1)..];
                if memchr::memmem::find(&[before, bytes].concat(), FT1).is_some() {
                    self.reach(WireEvent::InsideFt1);
                }
            }
            _ => {}
        }
    }

    /// The behaviour that a byte count will set off, and how many bytes are missing until then.
    fn due_at(&self, id: ConnectionId) -> Option<(usize, u64)> {
        let Emr { script, connections, expecting, attempts, settings, endpoints, .. } = &*self.emr;
        if !script.byte_triggers() {
            return None;
        }
        let connection = connections.get(id)?;
        let exam = expecting.as_deref();
        let moment = Occasion {
            exam,
            attempt: exam.map_or(1, |exam| {
                attempts.get(counted_as(&settings.orders, exam)).map_or(1, |count| count + 1)
            }),
            message: endpoints[connection.endpoint].messages + 1,
            connection: connection.number,
            endpoint: &settings.endpoints[connection.endpoint],
            ..Occasion::default()
        };
        let (behaviour, wanted) = script.due_at_bytes(&moment)?;
        let pending = connection.decoder.pending().map_or(0, |pending| pending.length);
        let missing = wanted.checked_sub(pending)?;
        (missing > 0).then_some((behaviour, missing))
    }

    /// Plays what a byte count has set off.
    fn play_at_bytes(&mut self, id: ConnectionId, behaviour: usize) {
        self.emr.script.begin(behaviour);
        if !play::resets(self.emr.script.play(behaviour)) {
            // The message goes on, and is dealt with when it is whole.
            return self.play_without_message(id, behaviour, None);
        }
        let exam = self.emr.expecting.clone();
        if let Some(exam) = &exam {
            let slot = counted_as(&self.emr.settings.orders, exam);
            count(&mut self.emr.attempts, slot);
        }
        if let Some(connection) = self.emr.connections.get_mut(id) {
            connection.broken_off = true;
        }
        self.play_without_message(id, behaviour, exam);
    }

    /// Records a piece, and answers it if it is a message.
    pub(crate) fn found(&mut self, id: ConnectionId, found: Found) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        let began = connection.began;
        connection.began = self.now.into();
        let what = What::Received {
            connection: id,
            offset: found.offset,
            began,
            piece: piece(found.kind),
            bytes: Raw(found.bytes.clone()),
            length: found.length,
            anomalies: found.anomalies.clone(),
        };
        let seq = self.record(what);
        if found.kind == FoundKind::Frame {
            self.reach(WireEvent::EndOfMessage);
            self.message(id, seq, found.payload());
        }
    }

    fn message(&mut self, id: ConnectionId, seq: u64, payload: &[u8]) {
        if self.emr.connections.get(id).is_some_and(|connection| connection.is_call) {
            return; // whatever comes back on a call has nobody to answer it
        }
        if BatchFile::begins(payload) {
            return self.batch(id, seq, payload);
        }
        if let Some(job) = self.job(id, seq, payload) {
            self.answer_in_turn(id, job);
        }
    }

    /// What is to be said and done because of a message; none if it has no answer.
    pub(crate) fn job(&mut self, id: ConnectionId, seq: u64, payload: &[u8]) -> Option<Job> {
        // To an EMR that knows no exam the header says everything, unless it announces a result:
        // one with charge lines is a charge.
        let may_suffice = self.emr.settings.orders.is_empty() && !self.emr.script.reads_fields();
        let mut message =
            if may_suffice { Message::read_header(payload) } else { Message::read(payload) };
        let says_more = || is_result(&message) || memchr::memmem::find(payload, b"MSA").is_some();
        if may_suffice && says_more() {
            message = Message::read(payload);
        }
        if !message.has_header() || is_acknowledgement(&message) {
            return None; // an acknowledgement is never acknowledged, what is no message not answered
        }
        let kind = kind(&message);
        let subject = self.subject_of(&message, kind);
        let (behaviour, attempt) = self.look_up(id, &message, kind, subject.as_ref())?;
        let mut job = match behaviour {
            Some(index) => {
                let name = Cow::Owned(play::name(self.emr.script.play(index)));
                // Who knows no exams can only count how often the behaviour has played.
                let attempt =
                    if subject.is_some() { attempt } else { self.emr.script.begun(index) };
                let whole = may_suffice.then(|| Message::read(payload));
                let whole = whole.as_ref().unwrap_or(&message);
                Job::new(name, self.actions(id, index, whole, attempt))
            }
            None => Job::new(Cow::Borrowed("answer/accept"), self.acceptance(id, &message)),
        };
        (job.to, job.behaviour) = (Some(seq), behaviour);
        job.silent = behaviour.is_none_or(|index| play::is_silent(self.emr.script.play(index)));
        let exam = subject.map(|subject| subject.exam);
        job.exam = exam.filter(|_| kind == MessageKind::Charge);
        self.remember(id, &message);
        Some(job)
    }

    /// Counts a message, and looks up what it sets off; that, and which attempt at its exam it is.
    /// None if its connection is gone.
    fn look_up(
        &mut self,
        id: ConnectionId,
        message: &Message<'_>,
        kind: MessageKind,
        subject: Option<&Subject>,
    ) -> Option<(Option<usize>, u32)> {
        if subject.is_some_and(|subject| self.emr.is_expected(subject, kind)) {
            self.emr.expecting = None;
        }
        let Emr { script, connections, attempts, settings, endpoints, .. } = &mut *self.emr;
        let connection = connections.get_mut(id)?;
        connection.heard += 1;
        let endpoint = &mut endpoints[connection.endpoint];
        endpoint.messages += 1;
        let gap = endpoint.heard.replace(self.now).map(|before| self.now.saturating_sub(before));
        let mut attempt = 1;
        if let Some(subject) = subject {
            let exam = counted_as(&settings.orders, &subject.exam);
            attempt = match kind {
                MessageKind::Charge => count(attempts, exam),
                MessageKind::Result => count(attempts, &result_of(exam)),
            };
        }
        let moment = Occasion {
            exam: subject.map(|subject| &*subject.exam),
            other_exams: subject.map_or(&[], |subject| &subject.others),
            attempt,
            message: endpoint.messages,
            connection: connection.number,
            endpoint: &settings.endpoints[connection.endpoint],
            kind: Some(kind),
            content: Some(message),
            heard: connection.heard,
            gap,
            others: 0,
        };
        Some((script.on_message(&moment), attempt))
    }

    /// Answers a message, with whatever waited for it before the answer and after.
    pub(crate) fn answer_in_turn(&mut self, id: ConnectionId, job: Job) {
        let (before, after) = self.unpark(id);
        for one in before {
            self.queue(id, one.job);
        }
        self.queue(id, job);
        for one in after {
            // A sender with two connections hears it where it asked.
            let open = self.emr.connections.get(one.from).is_some_and(|from| !from.ended_by_sender);
            self.queue(if open { one.from } else { id }, one.job);
        }
    }

    fn subject_of(&self, message: &Message<'_>, kind: MessageKind) -> Option<Subject> {
        let settings = &self.emr.settings;
        if settings.orders.is_empty() {
            return None; // an EMR that is simply there knows no exam
        }
        self.emr.subject(match kind {
            MessageKind::Charge => settings.orders.charged(message),
            MessageKind::Result => settings.orders.reported(message),
        })
    }

    fn remember(&mut self, id: ConnectionId, message: &Message<'_>) {
        if let Some(connection) = self.emr.connections.get(id) {
            let previous = &mut self.emr.endpoints[connection.endpoint].previous;
            previous.clear();
            previous.extend_from_slice(message.control_id());
        }
    }

    /// Another message has arrived: whatever waited for it, to be said before its answer and
    /// after.
    fn unpark(&mut self, id: ConnectionId) -> (Vec<Parked>, Vec<Parked>) {
        let endpoint = self.emr.connections.get(id).map(|connection| connection.endpoint);
        let due = self.emr.parked.extract_if(.., |one| Some(one.endpoint) == endpoint);
        due.partition(|one| one.turn == Turns::First)
    }

    pub(crate) fn ended(&mut self, id: ConnectionId, how: End) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.ended_by_sender = true;
        self.need_not_refuse(id);
        self.forget_idle(id, "the sender had ended the connection");
        self.finish_reading(id);
        self.record(What::EndedBySender { connection: id, how });
        self.handshake_cut(id);
        if how == End::Reset {
            self.abandon(id, "the sender had reset the connection");
            self.emr.connections.remove(id);
        } else {
            self.advance(id);
        }
    }

    /// No more bytes come: what was under way is a piece as it is.
    pub(crate) fn finish_reading(&mut self, id: ConnectionId) {
        if let Some(connection) = self.emr.connections.get_mut(id) {
            let bytes = std::mem::take(&mut connection.put_off);
            if !bytes.is_empty() {
                self.take_in(id, &bytes);
            }
        }
        while let Some(found) =
            self.emr.connections.get_mut(id).and_then(|one| one.decoder.finish())
        {
            self.found(id, found);
        }
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        let ((bytes, length), offset) = (std::mem::take(&mut connection.unread), connection.taken);
        if length > 0 {
            self.record(What::Unread { connection: id, offset, bytes: Raw(bytes.into()), length });
        }
    }
}

/// How an FT1 begins after the segment before it.
const FT1: &[u8] = b"\rFT1|";

const fn piece(kind: FoundKind) -> Piece {
    match kind {
        FoundKind::Frame => Piece::Frame,
        FoundKind::Stray => Piece::Stray,
        FoundKind::Unfinished => Piece::Unfinished,
        FoundKind::Oversize => Piece::Oversize,
    }
}

fn kind(message: &Message<'_>) -> MessageKind {
    if is_result(message) && message.segment("FT1", 1).is_none() {
        MessageKind::Result
    } else {
        MessageKind::Charge
    }
}

fn is_result(message: &Message<'_>) -> bool {
    matches!(message.code(), b"ORU" | b"MDM")
}

fn result_of(exam: &str) -> String {
    format!("{exam}\u{0}result")
}

/// Counts one more attempt, and returns which it is.
fn count(attempts: &mut BTreeMap<Arc<str>, u32>, name: &str) -> u32 {
    if let Some(count) = attempts.get_mut(name) {
        *count += 1;
        return *count;
    }
    attempts.insert(Arc::from(name), 1);
    1
}
