//! What is said: the actions of a connection's jobs, one after the other, as far as the wire
//! takes them.

use std::time::Duration;

use crate::emr::boundary::{Output, WireAct};
use crate::emr::faults::action::Action;
use crate::emr::faults::stream::Stream;
use crate::emr::machine::connection::Job;
use crate::emr::machine::turn::Turn;
use crate::emr::machine::{Parked, Turns};
use crate::history::{ConnectionId, End, What};
use crate::plan::WireEvent;
use crate::plan::fault::Stand;

impl Turn<'_, '_> {
    pub(crate) fn queue(&mut self, id: ConnectionId, job: Job) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return self.drop_job(Some(id), job, GONE);
        };
        match connection.mute {
            // A connection that we have ended can still be reset, and nothing else.
            Some(why) if !(connection.ended_by_us && only_resets(&job)) => {
                self.drop_job(Some(id), job, why);
            }
            _ => {
                self.leave_refusing(id);
                if let Some(connection) = self.emr.connections.get_mut(id) {
                    connection.jobs.push_back(job);
                }
                self.advance(id);
            }
        }
    }

    /// Nothing more can be said on a connection: what was under way is cut off.
    pub(crate) fn abandon(&mut self, id: ConnectionId, why: &'static str) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.mute.get_or_insert(why);
        connection.ended_by_us = false;
        self.cut_off(id, why);
    }

    /// What was under way on a connection is not gone on with.
    pub(crate) fn cut_off(&mut self, id: ConnectionId, why: &str) {
        self.forget_idle(id, why);
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.in_hand = false;
        if let Some(until) = connection.until.take() {
            self.emr.waits.remove(&(until, id));
        }
        let jobs = std::mem::take(&mut connection.jobs);
        self.emr.outputs.retain(|output| {
            !matches!(
                output,
                Output::Wire(WireAct::Write { connection, .. } | WireAct::End { connection, .. })
                    if *connection == id
            )
        });
        for job in jobs {
            self.drop_job(Some(id), job, why);
        }
    }

    /// A job that cannot go on: what it wrote is told, and what it should have played was not.
    pub(crate) fn drop_job(&mut self, id: Option<ConnectionId>, mut job: Job, why: &str) {
        if let Some(reply) = id.and_then(|id| job.take_reply(id, false)) {
            self.record(reply);
        }
        if let Some(behaviour) = job.behaviour {
            self.not_played(behaviour, id, why);
        }
        if let Some(exam) = job.exam {
            self.dealt(exam);
        }
    }

    fn drop_front_job(&mut self, id: ConnectionId, why: &str) {
        let front = self.emr.connections.get_mut(id).and_then(|one| one.jobs.pop_front());
        if let Some(job) = front {
            self.drop_job(Some(id), job, why);
        }
    }

    pub(crate) fn wrote(&mut self, id: ConnectionId, bytes: &[u8], complete: bool) {
        let now = self.now.into();
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        let Some(job) = connection.jobs.front_mut() else {
            return;
        };
        connection.in_hand = false;
        if !bytes.is_empty() {
            job.wrote(now, bytes);
        }
        if complete {
            job.acted = true;
        }
        self.stir(id);
        let Some(job) = self.emr.connections.get_mut(id).and_then(|one| one.jobs.front_mut())
        else {
            return;
        };
        let written = job.written();
        if let Some(WireEvent::ReplyBytes(wanted)) = self.emr.watch
            && written >= wanted
        {
            self.reach(WireEvent::ReplyBytes(wanted));
        }
        if !complete {
            self.abandon(id, "the connection took no more bytes");
        }
        self.advance(id);
        self.take_up(id);
    }

    pub(crate) fn end_done(&mut self, id: ConnectionId, how: End) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        let endpoint = connection.endpoint;
        connection.in_hand = false;
        connection.mute.get_or_insert(ENDED);
        connection.ended_by_us = true;
        connection.closed |= matches!(how, End::Close | End::Truncated);
        if let Some(job) = connection.jobs.front_mut() {
            job.acted = true;
        }
        if how == End::Reset {
            self.finish_reading(id);
        }
        self.record(What::EndedByEmr { connection: id, how });
        self.advance(id);
        if how == End::Reset {
            self.abandon(id, ENDED);
            self.emr.connections.remove(id);
        }
        self.restarted(endpoint);
        self.take_up(id);
    }

    /// Goes on with what is to be said on a connection, as far as that is possible now.
    pub(crate) fn advance(&mut self, id: ConnectionId) {
        loop {
            let Some(connection) = self.emr.connections.get_mut(id) else {
                return;
            };
            if connection.in_hand || connection.until.is_some() {
                return;
            }
            let Some(job) = connection.jobs.front_mut() else {
                self.idle(id);
                return;
            };
            let Some(action) = job.actions.pop_front() else {
                self.finish_job(id);
                continue;
            };
            if self.act(id, action) == Then::Stop {
                return;
            }
        }
    }

    fn act(&mut self, id: ConnectionId, action: Action) -> Then {
        match action {
            Action::Write(bytes) => self.write(id, bytes),
            Action::Wait(time) => {
                let until = self.now + time;
                if let Some(connection) = self.emr.connections.get_mut(id) {
                    connection.since = self.now;
                    connection.until = Some(until);
                    self.emr.waits.insert((until, id));
                }
                Then::Stop
            }
            Action::Stream(stream) => self.stream(id, stream),
            Action::AwaitNext => self.await_next(id, Turns::First),
            Action::AwaitNextAnswered => self.await_next(id, Turns::Last),
            Action::Forgo(why) => {
                if let Some(behaviour) = self.take_behaviour(id) {
                    self.not_played(behaviour, Some(id), why);
                }
                Then::GoOn
            }
            Action::Mark => {
                if let Some(behaviour) = self.take_behaviour(id) {
                    self.played(behaviour, Some(id));
                }
                Then::GoOn
            }
            Action::Call(say) => {
                self.call(id, say);
                Then::GoOn
            }
            Action::End(how) => self.end(id, how),
            Action::EndIdle(time) => self.await_idle(id, time),
            Action::LetInAnother => self.let_in_another(id),
            Action::Restart(stays) => self.restart(id, stays),
        }
    }

    /// What the front job plays, which from here on is told.
    fn take_behaviour(&mut self, id: ConnectionId) -> Option<usize> {
        self.emr.connections.get_mut(id)?.jobs.front_mut()?.behaviour.take()
    }

    fn write(&mut self, id: ConnectionId, mut bytes: Vec<u8>) -> Then {
        let watch = self.emr.watch;
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        if let Some(why) = connection.mute {
            self.drop_front_job(id, why);
            return Then::GoOn;
        }
        let Some(job) = connection.jobs.front_mut() else {
            return Then::GoOn;
        };
        let written = job.written();
        if let Some(WireEvent::ReplyBytes(wanted)) = watch {
            let before = usize::try_from(wanted.saturating_sub(written)).unwrap_or(usize::MAX);
            if before > 0 && bytes.len() > before {
                let rest = bytes.split_off(before);
                job.actions.push_front(Action::Write(rest));
            }
        }
        connection.in_hand = true;
        if written == 0 {
            self.reach(WireEvent::BeforeReply);
        }
        self.emr.ask(WireAct::Write { connection: id, bytes });
        Then::Stop
    }

    /// Writes the next piece of what is made as it goes out.
    fn stream(&mut self, id: ConnectionId, mut stream: Stream) -> Then {
        let Some(piece) = stream.piece() else { return Then::GoOn };
        if let Some(job) = self.emr.connections.get_mut(id).and_then(|one| one.jobs.front_mut()) {
            job.actions.push_front(Action::Stream(stream));
        }
        self.write(id, piece)
    }

    /// Puts what is left of the front job aside until another message arrives at its endpoint.
    fn await_next(&mut self, id: ConnectionId, turn: Turns) -> Then {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        let endpoint = connection.endpoint;
        if let Some(mut job) = connection.jobs.pop_front() {
            // What was said so far is said, whether the rest ever is or not.
            if let Some(reply) = job.take_reply(id, true) {
                self.record(reply);
            }
            if let Some(exam) = job.exam.take() {
                self.dealt(exam);
            }
            self.emr.parked.push(Parked { endpoint, from: id, turn, job });
        }
        Then::GoOn
    }

    /// The EMR goes down and comes back: what the front job plays is now the endpoint's affair.
    fn restart(&mut self, id: ConnectionId, stays: Duration) -> Then {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        let endpoint = connection.endpoint;
        let job = connection.jobs.front_mut();
        let behaviour = job.and_then(|job| job.behaviour.take());
        if let Some(behaviour) = behaviour {
            self.begin_to_stand(behaviour, Stand::Restarting, endpoint, stays);
        }
        Then::Stop
    }

    fn end(&mut self, id: ConnectionId, how: End) -> Then {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        let cuts_off = how == End::Reset && connection.ended_by_us;
        if let Some(why) = connection.mute.filter(|_| !cuts_off) {
            self.drop_front_job(id, why);
            return Then::GoOn;
        }
        connection.in_hand = true;
        let reply = connection.jobs.front_mut().and_then(|job| job.take_reply(id, true));
        if let Some(reply) = reply {
            self.record(reply);
        }
        self.emr.ask(WireAct::End { connection: id, how });
        Then::Stop
    }

    /// The front job has nothing left to do.
    fn finish_job(&mut self, id: ConnectionId) {
        let front = self.emr.connections.get_mut(id).and_then(|one| one.jobs.pop_front());
        let Some(mut job) = front else {
            return;
        };
        let replied = job.take_reply(id, true);
        let spoke = replied.is_some();
        if let Some(reply) = replied {
            self.record(reply);
        }
        match job.behaviour {
            Some(behaviour) if job.acted || job.silent => self.played(behaviour, Some(id)),
            Some(behaviour) => self.not_played(behaviour, Some(id), NOTHING_DUE),
            None => {}
        }
        if let Some(exam) = job.exam {
            self.dealt(exam);
        }
        if spoke {
            self.reach(WireEvent::ReplySent);
        }
    }

    /// Nothing is left to say: a connection that the sender has ended is ended on our side too.
    fn idle(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get(id) else {
            return;
        };
        if connection.ended_by_sender {
            self.emr.connections.remove(id);
            self.emr.ask(WireAct::End { connection: id, how: End::Close });
        }
    }
}

/// Whether a job comes to a reset without having to say anything before.
fn only_resets(job: &Job) -> bool {
    let speaks =
        |action: &&Action| matches!(action, Action::Write(_) | Action::Stream(_) | Action::End(_));
    job.actions.iter().find(speaks) == Some(&Action::End(End::Reset))
}

/// Why something could not be said.
const ENDED: &str = "the EMR had ended the connection";
const GONE: &str = "the connection was gone";
const NOTHING_DUE: &str = "the message asks for no such answer in MSH-15 and MSH-16";

/// Whether a connection can go on at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    Stop,
}
