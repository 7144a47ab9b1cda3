//! What is said: the actions of a connection's jobs, one after the other, as far as the wire
//! takes them.

use crate::emr::connection::Job;
use crate::emr::machine::Output;
use crate::emr::play::Action;
use crate::emr::turn::Turn;
use crate::history::{ConnectionId, End, What};
use crate::plan::WireEvent;

impl Turn<'_, '_> {
    pub(super) fn queue(&mut self, id: ConnectionId, job: Job) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        if connection.writable {
            connection.jobs.push_back(job);
            self.advance(id);
        }
    }

    /// Nothing more can be written on a connection: what was under way is cut off.
    pub(super) fn abandon(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.writable = false;
        connection.in_hand = false;
        if let Some(until) = connection.until.take() {
            self.emr.waits.remove(&(until, id));
        }
        let jobs = std::mem::take(&mut connection.jobs);
        self.emr.outputs.retain(|output| {
            !matches!(output, Output::Write { connection, .. } | Output::End { connection, .. } if *connection == id)
        });
        for mut job in jobs {
            if let Some(reply) = job.take_reply(id, false) {
                self.record(reply);
            }
            if let Some(exam) = job.exam.take() {
                self.emr.outputs.push_back(Output::Dealt(exam));
            }
        }
    }

    pub(super) fn wrote(&mut self, id: ConnectionId, bytes: &[u8], complete: bool) {
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
        let written = job.written() as u64;
        if let Some(WireEvent::ReplyBytes(wanted)) = self.emr.watch
            && written >= wanted
        {
            self.reach(WireEvent::ReplyBytes(wanted));
        }
        if !complete {
            self.abandon(id);
        }
        self.advance(id);
    }

    pub(super) fn end_done(&mut self, id: ConnectionId, how: End) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.in_hand = false;
        connection.writable = false;
        if how == End::Reset {
            self.finish_reading(id);
        }
        self.record(What::EndedByEmr { connection: id, how });
        self.advance(id);
        if how == End::Reset {
            self.abandon(id);
            self.emr.connections.remove(id);
        }
    }

    /// Goes on with what is to be said on a connection, as far as that is possible now.
    pub(super) fn advance(&mut self, id: ConnectionId) {
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
                    connection.until = Some(until);
                    self.emr.waits.insert((until, id));
                }
                Then::Stop
            }
            Action::AwaitNext => self.await_next(id),
            Action::Mark => {
                let job = self.emr.connections.get_mut(id).and_then(|one| one.jobs.front_mut());
                if let Some(behaviour) = job.and_then(|job| job.behaviour.take()) {
                    self.played(behaviour, Some(id));
                }
                Then::GoOn
            }
            Action::End(how) => self.end(id, how),
        }
    }

    fn write(&mut self, id: ConnectionId, mut bytes: Vec<u8>) -> Then {
        let watch = self.emr.watch;
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        if !connection.writable {
            self.abandon(id);
            return Then::Stop;
        }
        let Some(job) = connection.jobs.front_mut() else {
            return Then::GoOn;
        };
        let written = job.written();
        if let Some(WireEvent::ReplyBytes(wanted)) = watch {
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            if written < wanted && written + bytes.len() > wanted {
                let rest = bytes.split_off(wanted - written);
                job.actions.push_front(Action::Write(rest));
            }
        }
        connection.in_hand = true;
        if written == 0 {
            self.reach(WireEvent::BeforeReply);
        }
        self.emr.outputs.push_back(Output::Write { connection: id, bytes });
        Then::Stop
    }

    /// Puts what is left of the front job aside until another message arrives at its endpoint.
    fn await_next(&mut self, id: ConnectionId) -> Then {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        if let Some(mut job) = connection.jobs.pop_front() {
            if let Some(exam) = job.exam.take() {
                self.emr.outputs.push_back(Output::Dealt(exam));
            }
            self.emr.parked.push((connection.endpoint, job));
        }
        Then::GoOn
    }

    fn end(&mut self, id: ConnectionId, how: End) -> Then {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        if !connection.writable {
            return Then::GoOn;
        }
        connection.in_hand = true;
        let reply = connection.jobs.front_mut().and_then(|job| job.take_reply(id, true));
        if let Some(reply) = reply {
            self.record(reply);
        }
        self.emr.outputs.push_back(Output::End { connection: id, how });
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
        if let Some(behaviour) = job.behaviour {
            self.played(behaviour, Some(id));
        }
        if let Some(exam) = job.exam {
            self.emr.outputs.push_back(Output::Dealt(exam));
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
            self.emr.outputs.push_back(Output::End { connection: id, how: End::Close });
        }
    }
}

/// Whether a connection can go on at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Stop,
}
