//! Connections that end for reasons of their own: nothing was said for a while, another client
//! took their place, or the sender wrote to what the EMR had closed.

use std::time::Duration;

use crate::emr::boundary::WireAct;
use crate::emr::faults::action::Action;
use crate::emr::faults::play;
use crate::emr::machine::connection::{Idle, Job};
use crate::emr::machine::sending::Then;
use crate::emr::machine::turn::Turn;
use crate::history::{ConnectionId, End, What};

impl Turn<'_, '_> {
    /// Puts what is left of the front job aside until nothing was said for so long.
    pub(crate) fn await_idle(&mut self, id: ConnectionId, time: Duration) -> Then {
        let until = self.now + time;
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        if let Some(mut job) = connection.jobs.pop_front() {
            let reply = job.take_reply(id, true);
            job.actions.push_front(Action::End(End::Close));
            let before = connection.idle.replace(Idle { time, until, job });
            self.emr.idles.insert((until, id));
            if let Some(reply) = reply {
                self.record(reply);
            }
            if let Some(before) = before {
                self.emr.idles.remove(&(before.until, id));
                self.drop_job(Some(id), before.job, "a later message began to wait in its place");
            }
        }
        Then::GoOn
    }

    /// Something was said on a connection: its idle time begins anew.
    pub(crate) fn stir(&mut self, id: ConnectionId) {
        let now = self.now;
        let idle = self.emr.connections.get_mut(id).and_then(|one| one.idle.as_mut());
        if let Some(idle) = idle {
            self.emr.idles.remove(&(idle.until, id));
            idle.until = now + idle.time;
            self.emr.idles.insert((idle.until, id));
        }
    }

    pub(crate) fn forget_idle(&mut self, id: ConnectionId, why: &str) {
        let idle = self.emr.connections.get_mut(id).and_then(|one| one.idle.take());
        if let Some(idle) = idle {
            self.emr.idles.remove(&(idle.until, id));
            self.drop_job(Some(id), idle.job, why);
        }
    }

    /// Ends the connections on which nothing was said for as long as it takes.
    pub(crate) fn end_idle(&mut self) {
        while let Some((until, id)) = self.emr.idles.first().copied() {
            if until > self.now {
                return;
            }
            self.emr.idles.pop_first();
            let idle = self.emr.connections.get_mut(id).and_then(|one| one.idle.take());
            if let Some(idle) = idle {
                self.queue(id, idle.job);
            }
        }
    }

    /// Bytes have come on a connection that we have closed: the system of an EMR that is gone
    /// answers with a reset (RFC 9293, section 3.6). It takes as long as over a line, so that what
    /// is sent in one go is read as one, however it was cut.
    pub(crate) fn refuse(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        if connection.closed && !connection.ended_by_sender && connection.jobs.is_empty() {
            let actions = vec![Action::Wait(ROUND_TRIP), Action::End(End::Reset)];
            self.queue(id, Job::new("".into(), actions));
            if let Some(connection) = self.emr.connections.get_mut(id) {
                connection.refusing = true;
            }
        }
    }

    /// The script has a reset of its own for what has come: it takes the place of the refusal that
    /// the first bytes of it have set off, as if all of them had come at once.
    pub(crate) fn leave_refusing(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        if connection.refusing
            && let Some(until) = connection.until.take()
        {
            connection.refusing = false;
            connection.jobs.clear(); // there is nothing but the refusal, or it would not have begun
            self.emr.waits.remove(&(until, id));
        }
    }

    /// The sender has hung up before it was refused.
    pub(crate) fn need_not_refuse(&mut self, id: ConnectionId) {
        if let Some(connection) = self.emr.connections.get_mut(id)
            && std::mem::take(&mut connection.refusing)
        {
            self.cut_off(id, "");
        }
    }

    /// Another client is to connect before the front job goes on.
    pub(crate) fn let_in_another(&mut self, id: ConnectionId) -> Then {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return Then::Stop;
        };
        let endpoint = connection.endpoint;
        connection.in_hand = true;
        self.emr.visits.push((endpoint, id));
        self.emr.ask(WireAct::Visit { endpoint });
        Then::Stop
    }

    /// Another client has come, or could not: who waited for it goes on.
    pub(crate) fn visited(&mut self, endpoint: usize, accepted: bool) {
        if accepted {
            let name = self.emr.settings.endpoints[endpoint].clone();
            self.record(What::Visited { endpoint: name });
        }
        let Some(at) = self.emr.visits.iter().position(|(where_to, _)| *where_to == endpoint)
        else {
            return;
        };
        let (_, id) = self.emr.visits.remove(at);
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.in_hand = false;
        let behaviour = connection.jobs.front_mut().and_then(|job| job.behaviour.take());
        match behaviour {
            Some(behaviour) if accepted => self.take_over(endpoint, None, behaviour),
            Some(behaviour) => self.not_played(behaviour, Some(id), "no other client got through"),
            None => {}
        }
        self.advance(id);
        self.take_up(id);
    }

    /// Ends every connection to an endpoint but the newcomer's.
    pub(crate) fn take_over(
        &mut self,
        endpoint: usize,
        newcomer: Option<ConnectionId>,
        behaviour: usize,
    ) {
        let name = play::name(self.emr.script.play(behaviour));
        let mut behaviour = Some(behaviour);
        for id in self.connections_at(endpoint) {
            let open = self.emr.connections.get(id).is_some_and(|one| one.mute.is_none());
            if Some(id) == newcomer || !open {
                continue;
            }
            self.cut_off(id, "another client took over the session");
            let mut job = Job::new(name.clone().into(), vec![Action::End(End::Close)]);
            job.behaviour = behaviour.take();
            self.queue(id, job);
        }
    }
}

/// How long it takes until a sender hears that nobody is there any more.
const ROUND_TRIP: Duration = Duration::from_millis(20);
