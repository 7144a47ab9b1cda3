//! Calls: connections that the EMR opens to the sender's own port, to answer there.
//!
//! In enhanced mode the application acknowledgement may come on another connection (HL7 v2
//! chapter 2, section 2.9.3). What the sender says back on it is recorded and never answered.

use crate::emr::boundary::WireAct;
use crate::emr::faults::action::Action;
use crate::emr::machine::connection::{Connection, Job};
use crate::emr::machine::turn::Turn;
use crate::history::{ConnectionId, Incarnation, What};

/// A call under way: who asked for it, and what is to be said.
#[derive(Debug)]
pub(crate) struct Call {
    number: u32,
    endpoint: usize,
    job: Job,
}

impl Turn<'_, '_> {
    /// Calls the sender, and leaves what the front job plays to that call.
    pub(crate) fn call(&mut self, id: ConnectionId, say: Vec<Action>) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        let endpoint = connection.endpoint;
        let Some(front) = connection.jobs.front_mut() else {
            return;
        };
        let mut job = Job::new(front.name.clone(), say);
        job.to = front.to;
        job.exam = front.exam.take();
        job.behaviour = front.behaviour.take();
        self.emr.called += 1;
        let number = self.emr.called;
        self.emr.calls.push(Call { number, endpoint, job });
        self.emr.ask(WireAct::Call { call: number });
    }

    /// The sender has taken the call.
    pub(crate) fn called(&mut self, call: u32, id: ConnectionId, incarnation: Incarnation) {
        let Some(call) = self.take_call(call) else {
            return;
        };
        let endpoint = self.emr.settings.endpoints[call.endpoint].clone();
        self.record(What::Called { connection: id, endpoint, incarnation });
        let limit = self.emr.settings.message_bytes;
        let mut connection = Connection::new(call.endpoint, incarnation, 0, limit);
        connection.is_call = true;
        self.emr.connections.insert(id, connection);
        self.queue(id, call.job);
    }

    /// The sender has not taken the call.
    pub(crate) fn call_failed(&mut self, call: u32) {
        if let Some(call) = self.take_call(call) {
            self.drop_job(None, call.job, "the sender took no connection at its own port");
        }
    }

    /// Gives up the calls that are still under way.
    pub(crate) fn hang_up(&mut self, why: &str) {
        for call in std::mem::take(&mut self.emr.calls) {
            self.drop_job(None, call.job, why);
        }
    }

    fn take_call(&mut self, number: u32) -> Option<Call> {
        let at = self.emr.calls.iter().position(|call| call.number == number)?;
        Some(self.emr.calls.remove(at))
    }
}
