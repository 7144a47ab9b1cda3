//! What happens to a whole endpoint for a while: nobody listens, a connect meets silence, nobody
//! accepts, nobody reads.
//!
//! Such a behaviour stands from the moment when its exam is handed over, or from the beginning,
//! since no message could set it off. It has been played once it was seen from outside: by a
//! connect of the harness's own, or by what waited before the door. It does **not** last longer
//! than the life of the sender that it was meant for needs it to.

use std::time::Duration;

use crate::emr::boundary::{Door, WireAct};
use crate::emr::faults::action::Action;
use crate::emr::machine::connection::{Connection, Job};
use crate::emr::machine::turn::Turn;
use crate::history::{ConnectionId, End, What};
use crate::plan::fault::Stand;

/// A behaviour that stands at an endpoint.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) behaviour: usize,
    pub(crate) endpoint: usize,
    pub(crate) stand: Stand,
    /// How long it stays.
    pub(crate) stays: Duration,
    /// When it ends, once that is known.
    pub(crate) until: Option<Duration>,
    /// It was seen to happen.
    pub(crate) seen: bool,
    /// A connect of our own was refused.
    pub(crate) refused: bool,
    /// Its time is over.
    pub(crate) over: bool,
}

impl Turn<'_, '_> {
    /// Begins what the script wants of endpoints when `exam` is handed over; without an exam, at
    /// the start.
    pub(crate) fn stand(&mut self, exam: Option<&str>) {
        for behaviour in self.emr.script.on_listening(exam) {
            let Some((stand, endpoint, stays)) = self.emr.script.standing(behaviour) else {
                continue;
            };
            let endpoints = &self.emr.settings.endpoints;
            let named = endpoint.and_then(|name| endpoints.iter().position(|one| one == name));
            self.begin_to_stand(behaviour, stand, named.unwrap_or(0), stays);
        }
    }

    pub(crate) fn begin_to_stand(
        &mut self,
        behaviour: usize,
        stand: Stand,
        endpoint: usize,
        stays: Duration,
    ) {
        // Those are timed from what is seen of them.
        let observed = matches!(stand, Stand::Unattended | Stand::Unread);
        let until = (!observed).then(|| self.now + stays);
        let (seen, refused, over) = (false, false, false);
        let standing = Standing { behaviour, endpoint, stand, stays, until, seen, refused, over };
        self.emr.standing.push(standing);
        match stand {
            Stand::Shut => self.door(endpoint, Door::Shut),
            Stand::Full => self.door(endpoint, Door::Full),
            Stand::Unattended => self.door(endpoint, Door::Unattended),
            Stand::Unread => {
                for connection in self.connections_at(endpoint) {
                    self.stop_reading(connection);
                }
            }
            Stand::Restarting => {
                self.door(endpoint, Door::Shut);
                for connection in self.connections_at(endpoint) {
                    self.abandon(connection, "the EMR had been restarted");
                    if let Some(one) = self.emr.connections.get_mut(connection) {
                        one.in_hand = true;
                        self.emr.ask(WireAct::End { connection, how: End::Close });
                    }
                }
            }
        }
    }

    fn door(&mut self, endpoint: usize, door: Door) {
        self.emr.ask(WireAct::Listen { endpoint, door });
    }

    pub(crate) fn connections_at(&self, endpoint: usize) -> Vec<ConnectionId> {
        let ids = self.emr.connections.numbers().into_iter();
        ids.filter(|id| self.emr.connections.get(*id).is_some_and(|one| one.endpoint == endpoint))
            .collect()
    }

    /// Whether nobody reads what comes to this endpoint now.
    pub(crate) fn is_unread(&self, endpoint: usize) -> bool {
        let unread = |one: &Standing| one.stand == Stand::Unread && !one.over;
        self.emr.standing.iter().any(|one| unread(one) && one.endpoint == endpoint)
    }

    pub(crate) fn refusal_seen(&mut self, endpoint: usize) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::RefusalSeen { endpoint: name });
        self.seen(endpoint, None, |stand| stand == Stand::Shut);
        for one in self.emr.standing.iter_mut().filter(|one| one.endpoint == endpoint) {
            one.refused = true;
        }
        self.restarted(endpoint);
    }

    /// A restart has happened once nobody gets in and everybody was sent away.
    pub(crate) fn restarted(&mut self, endpoint: usize) {
        let refused = |one: &Standing| one.refused && one.endpoint == endpoint;
        let open =
            |one: &Connection| one.endpoint == endpoint && !one.ended_by_us && !one.ended_by_sender;
        if self.emr.standing.iter().any(refused) && !self.emr.connections.all().any(open) {
            self.seen(endpoint, None, |fault| fault == Stand::Restarting);
        }
    }

    pub(crate) fn silence_seen(&mut self, endpoint: usize, waited: Duration) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::SilenceSeen { endpoint: name, waited: waited.into() });
        self.seen(endpoint, None, |stand| stand == Stand::Full);
    }

    /// A connection waits before an unattended door.
    pub(crate) fn waiting(&mut self, endpoint: usize) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::Waiting { endpoint: name });
        self.time(endpoint, Stand::Unattended);
    }

    /// Bytes wait on a connection that is not read.
    pub(crate) fn held(&mut self, id: ConnectionId) {
        if let Some(endpoint) = self.emr.connections.get(id).map(|one| one.endpoint) {
            self.time(endpoint, Stand::Unread);
        }
    }

    /// From now on the time of a standing behaviour runs.
    fn time(&mut self, endpoint: usize, stand: Stand) {
        let now = self.now;
        let standing = self.emr.standing.iter_mut();
        for one in standing.filter(|one| one.endpoint == endpoint && one.stand == stand) {
            one.until.get_or_insert(now + one.stays);
        }
    }

    /// Reading was stopped, or goes on with so many bytes that have waited for it.
    pub(crate) fn reading(&mut self, connection: ConnectionId, on: bool, waiting: u64) {
        let Some(endpoint) = self.emr.connections.get(connection).map(|one| one.endpoint) else {
            return;
        };
        self.record(What::Reading { connection, on, waiting });
        if on && waiting > 0 && self.has_lasted(endpoint) {
            self.seen(endpoint, Some(connection), |fault| fault == Stand::Unread);
        }
    }

    /// A connection was accepted: late, if the door had been unattended.
    pub(crate) fn accepted_at(&mut self, endpoint: usize, connection: ConnectionId) {
        if self.has_lasted(endpoint) {
            self.seen(endpoint, Some(connection), |fault| fault == Stand::Unattended);
        }
        if self.is_unread(endpoint) {
            self.stop_reading(connection);
        }
        let restarts = |one: &Standing| one.stand == Stand::Restarting && !one.over;
        if self.emr.standing.iter().any(|one| one.endpoint == endpoint && restarts(one)) {
            // It had come before the door was shut, and nobody had accepted it.
            self.queue(connection, Job::new("".into(), vec![Action::End(End::Close)]));
        }
    }

    /// Whether what stands at an endpoint has stood for its time.
    fn has_lasted(&self, endpoint: usize) -> bool {
        let now = self.now;
        let lasted = |one: &Standing| one.until.is_some_and(|until| now >= until);
        self.emr.standing.iter().any(|one| one.endpoint == endpoint && lasted(one))
    }

    fn stop_reading(&mut self, connection: ConnectionId) {
        if let Some(one) = self.emr.connections.get_mut(connection) {
            one.held = true;
            self.emr.ask(WireAct::Read { connection, on: false });
        }
    }

    fn seen(
        &mut self,
        endpoint: usize,
        connection: Option<ConnectionId>,
        of: impl Fn(Stand) -> bool,
    ) {
        let mut played = Vec::new();
        for one in &mut self.emr.standing {
            if one.endpoint == endpoint && of(one.stand) && !std::mem::replace(&mut one.seen, true)
            {
                played.push(one.behaviour);
            }
        }
        for behaviour in played {
            self.played(behaviour, connection);
        }
        self.emr.standing.retain(|one| !(one.seen && one.over));
    }

    /// Ends what has stood for its time.
    pub(crate) fn end_standing(&mut self) {
        let now = self.now;
        self.lift(|one| one.until.is_some_and(|until| until <= now));
    }

    /// Ends what stands, as far as it is meant; what was never seen is told when the case is over.
    pub(crate) fn lift(&mut self, meant: impl Fn(&Standing) -> bool) {
        for index in 0..self.emr.standing.len() {
            let one = &mut self.emr.standing[index];
            if one.over || !meant(one) {
                continue;
            }
            one.over = true;
            let (endpoint, stand) = (one.endpoint, one.stand);
            if stand == Stand::Unread {
                self.read_again(endpoint);
            } else {
                self.door(endpoint, Door::Open);
            }
        }
        self.emr.standing.retain(|one| !(one.seen && one.over));
    }

    fn read_again(&mut self, endpoint: usize) {
        for connection in self.connections_at(endpoint) {
            let one = self.emr.connections.get_mut(connection);
            if one.is_some_and(|one| std::mem::take(&mut one.held)) {
                self.emr.ask(WireAct::Read { connection, on: true });
            }
        }
    }

    /// The case is over: what was never seen did not happen.
    pub(crate) fn tell_unseen(&mut self) {
        for one in std::mem::take(&mut self.emr.standing) {
            if !one.seen {
                self.not_played(one.behaviour, None, never_seen(one.stand));
            }
        }
    }
}

/// What was not seen of a behaviour that stood at an endpoint.
const fn never_seen(stand: Stand) -> &'static str {
    match stand {
        Stand::Unread => "no byte waited to be read for as long as it should",
        Stand::Unattended => "no connection waited to be accepted for as long as it should",
        Stand::Full => "a connect of our own was answered or refused",
        Stand::Shut | Stand::Restarting => "no connect of our own was refused",
    }
}
