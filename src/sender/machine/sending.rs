//! How a message goes out: connect, record the attempt, and only then write.
//!
//! The order is the promise. Until the record is durable not one byte leaves, so a kill at any
//! point leaves either no byte on the wire or a record that forbids another attempt.

use std::collections::VecDeque;
use std::time::Duration;

use crate::mapping::Stamp;
use crate::mllp::{Decoder, FoundKind};
use crate::sender::broken::bug::Bug;
use crate::sender::broken::defect;
use crate::sender::broken::misread;
use crate::sender::broken::resend::{Rewrite, Trouble};
use crate::sender::job::{Job, Shape, Task, Written, control_id, wall_clock};
use crate::sender::journal::{Kind, Outcome, Record};
use crate::sender::machine::settling::Unanswered;
use crate::sender::machine::{Link, Machine, Output};
use crate::sender::variant::Variant;

/// Where the sender stands with its message.
#[derive(Debug)]
pub(crate) enum Stage {
    /// No message is on its way.
    Idle,
    /// Waiting before the next try at a connection.
    Pausing { until: Duration },
    /// Waiting for a connection to stand.
    Connecting { until: Duration },
    /// An honest sender has written a start byte and waits whether anybody hangs up.
    Testing { until: Duration },
    /// Waiting for the record of the attempt to be durable.
    Storing,
    /// Some bytes have left, more follow.
    Writing { rest: VecDeque<Vec<u8>>, until: Duration },
    /// All bytes have left; waiting for an acknowledgement.
    Awaiting { until: Duration },
    /// A broken sender has its acknowledgement and still doubts it.
    Doubting { until: Duration },
}

/// The connection that is open or being opened.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) link: Link,
    /// Whether it stands.
    up: bool,
    pub(crate) decoder: Decoder,
}

/// How a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Closed,
    /// Closed, without the close_notify of TLS.
    Truncated,
    Reset,
}

impl Stage {
    /// Whether nothing of the message has left and nothing is about to.
    pub(crate) const fn is_waiting_for_connection(&self) -> bool {
        matches!(self, Self::Pausing { .. } | Self::Connecting { .. } | Self::Testing { .. })
    }
}

impl Machine {
    /// Takes one step if its time has come; whether it did.
    pub(crate) fn step(&mut self, now: Duration) -> bool {
        match &self.stage {
            Stage::Idle => self.begin(now),
            Stage::Pausing { until } if now >= *until => self.open(now),
            Stage::Connecting { until } if now >= *until => {
                self.disconnect();
                self.pause(now)
            }
            Stage::Testing { until } if now >= *until => {
                self.record(now);
                true
            }
            Stage::Storing if self.is_durable() => self.write(now),
            Stage::Writing { until, .. } if now >= *until => self.write_more(now),
            Stage::Awaiting { until } if now >= *until => self.timed_out(now),
            Stage::Doubting { until } if now >= *until => self.accepted(now),
            _ => false,
        }
    }

    /// When a step will be due although nothing happens.
    pub(crate) const fn deadline(&self) -> Option<Duration> {
        match self.stage {
            Stage::Pausing { until }
            | Stage::Connecting { until }
            | Stage::Testing { until }
            | Stage::Writing { until, .. }
            | Stage::Awaiting { until }
            | Stage::Doubting { until } => Some(until),
            Stage::Idle | Stage::Storing => None,
        }
    }

    fn begin(&mut self, now: Duration) -> bool {
        if !self.may_begin() {
            return false;
        }
        let Some(task) = self.queue.pop_front() else { return false };
        self.pick_twice(&task);
        let entry = self.ledger.entries.get(&task.order);
        let tries = entry.map_or(0, |entry| entry.progress(task.kind).attempts);
        self.current = Some(Job::new(task, tries));
        let gap = self.config.variant.map(Variant::gap).unwrap_or_default();
        let until = self.concluded.map_or(now, |concluded| concluded + gap);
        match self.config.variant {
            Some(Variant::GapBetween) if until > now => {
                self.stage = Stage::Pausing { until };
                true
            }
            Some(Variant::SlowStart) => {
                self.stage = Stage::Pausing { until: now + SLOW_START };
                true
            }
            Some(Variant::ReconnectBetween) => {
                self.disconnect();
                self.open(now)
            }
            _ => self.open(now),
        }
    }

    /// A broken sender lets a second worker pick the charge too, where more than one waits.
    fn pick_twice(&mut self, task: &Task) {
        let busy = self.config.bug == Some(Bug::TwoWorkers) && !self.queue.is_empty();
        if busy && task.kind == Kind::Charge && self.picked.insert(task.order.clone()) {
            self.queue.push_front(task.clone());
        }
    }

    /// Goes on over the connection that stands, or asks for one.
    pub(crate) fn open(&mut self, now: Duration) -> bool {
        match &self.line {
            Some(line) if line.up => self.prepare(now),
            Some(_) => self.stage = Stage::Connecting { until: now + self.config.ack_timeout },
            None => self.connect(now),
        }
        true
    }

    /// Asks for a connection to the endpoint whose turn it is.
    pub(crate) fn connect(&mut self, now: Duration) {
        if self.config.bug == Some(Bug::UnusedConnections) {
            for _ in 0..UNUSED {
                let (link, endpoint) = (self.new_link(), self.endpoint);
                self.outputs.push_back(Output::Connect { link, endpoint });
            }
        }
        let link = self.new_link();
        self.line = Some(Line { link, up: false, decoder: Decoder::new(REPLY_LIMIT) });
        self.outputs.push_back(Output::Connect { link, endpoint: self.endpoint });
        let patience = match self.config.bug {
            Some(Bug::HangsInHandshake) => FOR_EVER,
            _ => self.config.ack_timeout,
        };
        self.stage = Stage::Connecting { until: now + patience };
    }

    /// Closes the connection, if there is one.
    pub(crate) fn disconnect(&mut self) {
        if let Some(line) = self.line.take() {
            self.outputs.push_back(Output::Disconnect(line.link));
        }
    }

    pub(crate) fn connected(&mut self, now: Duration) {
        if let Some(line) = &mut self.line {
            line.up = true;
        }
        if matches!(self.stage, Stage::Connecting { .. }) {
            self.prepare(now);
        }
    }

    /// The connection could not be made, or not one byte of the message has left.
    pub(crate) fn refused(&mut self, now: Duration) {
        // Bytes of the write before may have arrived: that is no refusal.
        if self.current.as_ref().is_some_and(|job| job.writes > 1) {
            self.lost(now, Loss::Reset);
            return;
        }
        self.line = None;
        self.endpoint = (self.endpoint + 1) % self.config.endpoints.max(1);
        if self.gives_up() {
            return;
        }
        if !matches!(self.stage, Stage::Idle | Stage::Pausing { .. }) {
            self.pause(now);
        }
    }

    /// Whether a broken sender takes a refused connection for the end of its charge.
    fn gives_up(&mut self) -> bool {
        let unsent = |job: &mut Job| job.writes == 0 && job.task.kind == Kind::Charge;
        if self.config.bug != Some(Bug::GivesUpWhenRefused) {
            return false;
        }
        let Some(job) = self.current.take_if(unsent) else { return false };
        self.stage = Stage::Idle;
        self.store(Record::Forgotten { order: job.task.order });
        true
    }

    /// Waits before the next try at a connection.
    pub(crate) fn pause(&mut self, now: Duration) -> bool {
        if self.stopping {
            self.let_go();
            return true;
        }
        let refusals = self.current.as_mut().map_or(0, |job| {
            job.refusals += 1;
            job.refusals
        });
        let whole = self.config.retry_every;
        if self.config.bug == Some(Bug::ReconnectStorm) {
            self.stage = Stage::Pausing { until: now + STORM };
            return true;
        }
        let wait = match self.config.variant {
            Some(Variant::PatientRetry) => {
                (whole / 8).saturating_mul(1 << refusals.min(4)).min(whole)
            }
            _ => whole,
        };
        self.stage = Stage::Pausing { until: now + wait };
        true
    }

    /// A connection stands: goes on at once, unless the line is tested before.
    fn prepare(&mut self, now: Duration) {
        let link = self.line.as_ref().map(|line| line.link);
        match (link, self.config.variant) {
            (Some(link), Some(Variant::TestsTheLine)) => {
                self.outputs.push_back(Output::Write { link, bytes: vec![START] });
                self.stage = Stage::Testing { until: now + TEST };
            }
            _ => self.record(now),
        }
    }

    /// Makes the message and records the attempt, unless both are done.
    fn record(&mut self, now: Duration) {
        self.stage = Stage::Storing;
        let Some(mut job) = self.current.take() else { return };
        if job.message.is_none() {
            job.message = self.compose(now, &mut job, Rewrite::Nothing);
        }
        if !job.marked && !self.marks_late(job.task.kind) {
            job.marked = true;
            if let Some(record) = job.mark() {
                job.ticket = self.store(record);
            }
        }
        self.current = Some(job);
    }

    /// The message of `job` as it is sent at `now`.
    pub(crate) fn compose(
        &mut self,
        now: Duration,
        job: &mut Job,
        how: Rewrite,
    ) -> Option<Written> {
        let bug = self.config.bug;
        let stamp = self.stamp(now, job);
        let entry = self.ledger.entries.get(&job.task.order)?;
        let charge = job.task.kind == Kind::Charge;
        let mapping = if charge { &self.config.mapping } else { self.config.results.as_ref()? };
        let of = bug.filter(|_| charge);
        let mut payload = misread::compose(of, mapping, &entry.exam, &stamp);
        if charge {
            payload = defect::content(bug, &payload, job.task.shape);
            if self.config.variant == Some(Variant::StampsEachField) {
                payload = defect::stamped_each(&payload, &stamp);
            }
            if bug == Some(Bug::DriftsAfterRestart) && self.has_lived {
                payload = defect::drifted(&payload);
            }
            if bug == Some(Bug::ResendAltered) && !entry.requests.is_empty() {
                payload = defect::resent(&payload);
            }
            payload = defect::rewrite(how, &payload, &stamp.control_id);
            let other = |before: &Unanswered| before.order != job.task.order;
            if let Some(before) = self.unanswered.take().filter(other) {
                payload = before.beside(&payload, bug);
                job.carried = Some(before.order);
            }
        }
        if !charge && bug == Some(Bug::GarblesResults) {
            payload = defect::garbled(&payload);
        }
        let payload = defect::segments(bug, payload);
        Some(Written { payload, control_id: stamp.control_id, at: stamp.now })
    }

    /// A result that is sent again is the same message; everything else has its own time and id.
    fn stamp(&self, now: Duration, job: &Job) -> Stamp {
        let entry = self.ledger.entries.get(&job.task.order);
        let before = entry.and_then(|entry| entry.progress(job.task.kind).last.as_ref());
        if let (Kind::Result, Some((control_id, at))) = (job.task.kind, before) {
            return Stamp { now: *at, control_id: control_id.clone() };
        }
        let at = wall_clock(self.config.epoch, now);
        let last = self.ledger.last_control_id.as_deref();
        let fresh = control_id(at, last, self.config.variant);
        Stamp { now: at, control_id: self.reused_id(job).unwrap_or(fresh) }
    }

    fn reused_id(&self, job: &Job) -> Option<String> {
        if self.config.bug != Some(Bug::ReusedControlId) || job.task.kind != Kind::Charge {
            return None;
        }
        let mut charges = self.ledger.entries.values().map(|entry| &entry.charge);
        charges.find_map(|charge| charge.last.as_ref()).map(|(id, _)| id.clone())
    }

    /// Whether a broken sender records an attempt only after the fact.
    pub(crate) fn marks_late(&self, kind: Kind) -> bool {
        let late =
            matches!(self.config.bug, Some(Bug::ReplayAfterKill | Bug::ReplayAfterEarlyKill));
        late && kind == Kind::Charge
    }

    fn is_durable(&self) -> bool {
        self.current.as_ref().is_some_and(|job| self.stored >= job.ticket)
    }

    /// Writes the message: the point of no return.
    pub(crate) fn write(&mut self, now: Duration) -> bool {
        if self.line.as_ref().is_none_or(|line| !line.up) {
            return self.open(now);
        }
        if !self.flooded {
            self.flood();
        }
        let Some(job) = &mut self.current else { return false };
        let Some(message) = &job.message else { return false };
        job.tries += 1;
        job.writes = 0;
        let mut frame = defect::frame(self.config.bug, &message.payload);
        if self.config.variant == Some(Variant::TestsTheLine) {
            frame.remove(0); // it stands on the wire already
        }
        let rest = pieces(frame, job.task.kind, self.config.bug, self.config.variant);
        self.stage = Stage::Writing { rest, until: now };
        self.write_more(now)
    }

    fn write_more(&mut self, now: Duration) -> bool {
        let Stage::Writing { rest, until } = &mut self.stage else { return false };
        let Some(line) = &self.line else { return false };
        if let Some(bytes) = rest.pop_front() {
            self.outputs.push_back(Output::Write { link: line.link, bytes });
        }
        if let Some(job) = &mut self.current {
            job.writes += 1;
        }
        if rest.is_empty() {
            self.stage = Stage::Awaiting { until: now + self.config.ack_timeout };
            self.mark_after_write();
            self.write_ahead(now);
        } else {
            *until = now + pause_between(self.config.variant);
        }
        true
    }

    /// A broken sender writes the charge that waits behind the one that it has just written, and never
    /// looks for its answer.
    fn write_ahead(&mut self, now: Duration) {
        let Some(link) = self.line.as_ref().map(|line| line.link) else { return };
        let is_charge = |task: &Task| task.kind == Kind::Charge;
        let next = self.queue.iter().position(is_charge);
        let Some(next) = next
            .filter(|_| self.config.bug == Some(Bug::Pipelines) && self.config.results.is_none())
        else {
            return;
        };
        let Some(task) = self.queue.remove(next) else { return };
        let mut job = Job::new(task, 0);
        job.message = self.compose(now, &mut job, Rewrite::Nothing);
        let (Some(record), Some(message)) = (job.mark(), &job.message) else { return };
        let bytes = defect::frame(None, &message.payload);
        self.store(record);
        self.outputs.push_back(Output::Write { link, bytes });
        self.settle(job.task.order.clone(), Kind::Charge, Outcome::Unknown);
        self.follow_up(&job.task);
    }

    fn mark_after_write(&mut self) {
        if self.config.bug == Some(Bug::ReplayAfterEarlyKill) {
            self.mark_now();
        }
    }

    /// Records the attempt of a broken sender that has not done so in time.
    pub(crate) fn mark_now(&mut self) {
        let Some(job) = &mut self.current else { return };
        if job.marked {
            return;
        }
        job.marked = true;
        if let Some(record) = job.mark() {
            self.store(record);
        }
    }

    /// The connection is gone.
    pub(crate) fn lost(&mut self, now: Duration, loss: Loss) {
        let Some(mut line) = self.line.take() else { return };
        if self.config.bug == Some(Bug::NeverReconnects) {
            self.blocked = true;
        }
        match self.stage {
            Stage::Idle | Stage::Pausing { .. } => {}
            // Not one byte has left: a new connection is free.
            Stage::Connecting { .. } | Stage::Testing { .. } | Stage::Storing => {
                self.pause(now);
            }
            Stage::Writing { .. } if loss == Loss::Reset => self.trouble(now, Trouble::ResetInside),
            Stage::Doubting { .. } if self.doubts_after(loss) => {
                self.trouble(now, Trouble::ResetAfterAccept);
            }
            Stage::Doubting { .. } => {
                self.accepted(now);
            }
            Stage::Writing { .. } | Stage::Awaiting { .. } => {
                let begun = line.decoder.pending().is_some();
                // A reply without its end was cut short; anything else may still be an answer.
                if let Some(found) = line.decoder.finish()
                    && found.kind != FoundKind::Unfinished
                {
                    self.replied(now, &found);
                }
                self.line_ended(now, loss, begun);
            }
        }
    }

    fn line_ended(&mut self, now: Duration, loss: Loss, begun: bool) {
        // The last bytes may have settled it.
        if !matches!(self.stage, Stage::Writing { .. } | Stage::Awaiting { .. }) {
            return;
        }
        let trouble = match loss {
            _ if begun => Trouble::CutShort,
            Loss::Closed | Loss::Truncated => Trouble::Closed,
            Loss::Reset => Trouble::Reset,
        };
        self.trouble(now, trouble);
    }

    /// Whether a broken sender forgets the acknowledgement that it has, because of how the
    /// connection ended.
    fn doubts_after(&self, loss: Loss) -> bool {
        match self.config.bug {
            Some(Bug::ResendAfterTruncation) => loss == Loss::Truncated,
            _ => loss == Loss::Reset,
        }
    }

    fn flood(&mut self) {
        let Some(line) = &self.line else { return };
        let link = line.link;
        let write = |bytes| Output::Write { link, bytes };
        match self.config.bug {
            Some(Bug::Floods) => self.outputs.extend(defect::flood().map(write)),
            Some(Bug::EndlessMessage) => self.outputs.extend(defect::endless().map(write)),
            _ => return,
        }
        self.flooded = true;
    }
}

/// The writes that a frame goes out in: one, but for those who write slowly.
fn pieces(
    frame: Vec<u8>,
    kind: Kind,
    bug: Option<Bug>,
    variant: Option<Variant>,
) -> VecDeque<Vec<u8>> {
    let slow = matches!(bug, Some(Bug::ReplayAfterEarlyKill | Bug::ResendOnPartialWrite));
    let cuts = match variant {
        _ if slow && kind == Kind::Charge => vec![defect::inside_charge(&frame)],
        Some(Variant::PiecemealWrites) => vec![frame.len() / 3, frame.len() / 3 * 2],
        _ => Vec::new(),
    };
    let mut rest = frame;
    let mut pieces = VecDeque::new();
    for cut in cuts.into_iter().rev() {
        pieces.push_front(rest.split_off(cut.min(rest.len())));
    }
    pieces.push_front(rest);
    pieces
}

fn pause_between(variant: Option<Variant>) -> Duration {
    match variant {
        Some(Variant::PiecemealWrites) => Duration::from_millis(10),
        // Long enough that a reset inside the message is seen before the rest is written.
        _ => Duration::from_millis(80),
    }
}

impl Shape {
    /// Whether more may follow of the same order.
    pub(crate) const fn is_whole(self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// How long a broken sender waits for a connection.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);
/// A reply may have this many bytes.
pub(crate) const REPLY_LIMIT: usize = 1 << 20;
/// How many connections a broken sender opens beside each that it uses.
const UNUSED: usize = 40;
/// How long a broken sender waits before it connects again.
const STORM: Duration = Duration::from_millis(1);
/// A start byte, and how long an honest sender waits behind it.
const START: u8 = 0x0B;
const TEST: Duration = Duration::from_millis(50);
const SLOW_START: Duration = Duration::from_millis(100);
