//! One call of the machine: what happens to endpoints, connections and time.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use crate::emr::boundary::Output;
use crate::emr::faults::action::Action;
use crate::emr::faults::matching::Occasion;
use crate::emr::faults::matching::Trigger;
use crate::emr::faults::play;
use crate::emr::faults::scene::Scene;
use crate::emr::machine::Emr;
use crate::emr::machine::connection::{Connection, Job};
use crate::emr::machine::twins::counted_as;
use crate::history::{ConnectionId, End, Incarnation, Recorder, What};
use crate::hl7::Message;
use crate::plan::{Parameters, WireEvent};

/// One call of [`Emr::handle`]: the machine, the time and the recorder together.
pub(crate) struct Turn<'e, 'r> {
    pub(crate) emr: &'e mut Emr,
    pub(crate) now: Duration,
    pub(crate) recorder: &'r mut Recorder,
}

impl Turn<'_, '_> {
    pub(crate) fn record(&mut self, what: What) -> u64 {
        self.recorder.record(self.now.into(), what)
    }

    pub(crate) fn reach(&mut self, event: WireEvent) {
        if self.emr.watch == Some(event) {
            self.emr.watch = None;
            self.emr.outputs.push_back(Output::Reached(event));
        }
    }

    pub(crate) fn played(&mut self, behaviour: usize, connection: Option<ConnectionId>) {
        let name = play::name(self.emr.script.play(behaviour));
        self.record(What::Played { behaviour, name, connection });
    }

    pub(crate) fn not_played(
        &mut self,
        behaviour: usize,
        connection: Option<ConnectionId>,
        why: &str,
    ) {
        let name = play::name(self.emr.script.play(behaviour));
        self.record(What::NotPlayed { behaviour, name, connection, why: why.to_owned() });
    }

    pub(crate) fn listening(&mut self, endpoint: usize, up: bool) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::Listening { endpoint: name, up });
    }

    pub(crate) fn submitted(&mut self, exam: &str) {
        self.emr.expecting = Some(Arc::from(exam));
        self.note_twin(exam);
        self.stand(Some(exam));
    }

    pub(crate) fn heal(&mut self) {
        self.emr.script.heal();
        self.lift(|_| true);
    }

    pub(crate) fn accepted(&mut self, id: ConnectionId, endpoint: usize, incarnation: Incarnation) {
        let name = self.emr.settings.endpoints[endpoint].clone();
        self.record(What::Opened { connection: id, endpoint: name, incarnation });
        self.emr.endpoints[endpoint].connections += 1;
        let number = self.emr.endpoints[endpoint].connections;
        let limit = self.emr.settings.message_bytes;
        let mut connection = Connection::new(endpoint, incarnation, number, limit);
        // A connection may be taken out of the backlog after its process has died.
        if self.emr.killed.contains(&incarnation) {
            connection.mute = Some(KILLED);
        }
        let others = if self.emr.script.counts_connections() { self.open_at(endpoint) } else { 0 };
        self.emr.connections.insert(id, connection);
        self.accepted_at(endpoint, id);
        self.reach(WireEvent::Accepted);
        let Emr { script, expecting, attempts, settings, endpoints, .. } = &mut *self.emr;
        let exam = expecting.as_deref();
        let moment = Occasion {
            exam,
            attempt: exam.map_or(1, |exam| {
                attempts.get(counted_as(&settings.orders, exam)).map_or(1, |count| count + 1)
            }),
            message: endpoints[endpoint].messages + 1,
            connection: number,
            endpoint: &settings.endpoints[endpoint],
            others: u32::try_from(others).unwrap_or(u32::MAX),
            ..Occasion::default()
        };
        let mut due = script.on_accept(&moment);
        let takes_over = due.filter(|one| script.trigger(*one) == Trigger::MessageOrSecond);
        let tls = settings.tls.clone();
        if let Some(behaviour) = takes_over {
            due = None;
            self.take_over(endpoint, Some(id), behaviour);
        }
        match (tls, due) {
            (Some(tls), due) => self.begin_handshake(id, &tls, due),
            (None, Some(behaviour)) => self.play_without_message(id, behaviour, None),
            (None, None) => {}
        }
    }

    /// How many connections to an endpoint are open at both ends.
    fn open_at(&self, endpoint: usize) -> usize {
        let here = self.emr.connections.all().filter(|one| one.endpoint == endpoint);
        here.filter(|one| one.mute.is_none() && !one.ended_by_sender).count()
    }

    /// Plays a behaviour that no whole message set off.
    pub(crate) fn play_without_message(
        &mut self,
        id: ConnectionId,
        behaviour: usize,
        exam: Option<Arc<str>>,
    ) {
        let nothing = Message::read(b"MSH|^~\\&|IRIS|IRIS|||||DFT^P03||P|2.4\r");
        let attempt = self.emr.script.begun(behaviour);
        let actions = self.actions(id, behaviour, &nothing, attempt);
        let name = Cow::Owned(play::name(self.emr.script.play(behaviour)));
        let mut job = Job::new(name, actions);
        job.behaviour = Some(behaviour);
        job.silent = play::is_silent(self.emr.script.play(behaviour));
        job.exam = exam;
        self.queue(id, job);
    }

    pub(crate) fn actions(
        &mut self,
        id: ConnectionId,
        index: usize,
        message: &Message<'_>,
        attempt: u32,
    ) -> Vec<Action> {
        #[cfg(debug_assertions)]
        if crate::planted::is(crate::planted::Planted::FaultOnlyClaimed) {
            return std::iter::once(Action::Mark).chain(self.acceptance(id, message)).collect();
        }
        self.with_scene(id, message, attempt, |emr, scene| {
            play::actions(emr.script.play(index), scene)
        })
    }

    pub(crate) fn acceptance(&mut self, id: ConnectionId, message: &Message<'_>) -> Vec<Action> {
        self.with_scene(id, message, 1, |_, scene| scene.accept(&Parameters::default()))
    }

    pub(crate) fn with_scene<T>(
        &mut self,
        id: ConnectionId,
        message: &Message<'_>,
        attempt: u32,
        make: impl FnOnce(&Emr, &Scene<'_>) -> T,
    ) -> T {
        let emr = &*self.emr;
        let endpoint = emr.connections.get(id).map_or(0, |connection| connection.endpoint);
        let since = jiff::SignedDuration::try_from(self.now).unwrap_or_default();
        let scene = Scene {
            message,
            payload: message.bytes(),
            previous: &emr.endpoints[endpoint].previous,
            attempt,
            seed: emr.settings.seed,
            ack_timeout: emr.settings.ack_timeout,
            now: emr.settings.epoch.saturating_add(since),
            number: Cell::new(emr.answers),
        };
        let made = make(emr, &scene);
        self.emr.answers = scene.number.get();
        made
    }

    /// Ends every connection: half a message at the end is an attempt like any other.
    pub(crate) fn over(&mut self) {
        let open = self.emr.connections.numbers();
        for id in open {
            self.abandon(id, OVER);
            self.finish_reading(id);
            self.record(What::EndedByEmr { connection: id, how: End::Close });
            self.emr.connections.remove(id);
        }
        for parked in std::mem::take(&mut self.emr.parked) {
            self.drop_job(None, parked.job, "no other message came");
        }
        self.hang_up(OVER);
        self.tell_unseen();
    }

    pub(crate) fn sender_killed(&mut self, incarnation: Incarnation) {
        self.emr.killed.insert(incarnation);
        let ids = self.emr.connections.numbers();
        for id in ids {
            if self.emr.connections.get(id).is_some_and(|one| one.incarnation == incarnation) {
                self.abandon(id, KILLED);
            }
        }
    }

    pub(crate) fn tick(&mut self) {
        while let Some((at, id)) = self.emr.waits.first().copied() {
            if at > self.now {
                break;
            }
            self.emr.waits.pop_first();
            if let Some(connection) = self.emr.connections.get_mut(id) {
                connection.until = None;
                let lasted = self.now.saturating_sub(connection.since).into();
                if let Some(job) = connection.jobs.front_mut() {
                    job.paused(lasted);
                }
            }
            self.advance(id);
        }
        self.end_idle();
        self.end_standing();
    }
}

const KILLED: &str = "the sender had been killed";
const OVER: &str = "the case was over";
