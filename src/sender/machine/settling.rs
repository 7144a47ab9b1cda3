//! What became of a message: replies, silence and lost connections, and what the sender makes of
//! them.
//!
//! For a charge every road ends in a record and none leads back to the wire, except in the broken
//! senders that `resend` names. A result may be sent again until it is accepted.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::hl7::ack::Code;
use crate::mllp::{Decoder, Found};
use crate::sender::answer;
use crate::sender::answer::Answer;
use crate::sender::broken::bug::Bug;
use crate::sender::broken::defect;
use crate::sender::broken::resend;
use crate::sender::broken::resend::{Again, Over, Rewrite, Trouble};
use crate::sender::broken::wrapping;
use crate::sender::job::{Job, Shape, Task, wall_clock};
use crate::sender::journal::{Kind, Outcome, Record};
use crate::sender::machine::sending::{REPLY_LIMIT, Stage};
use crate::sender::machine::{Link, Machine, Output};
use crate::sender::variant::Variant;

/// A charge without an answer, as a broken sender keeps it to send it along with the next.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) order: String,
    payload: Vec<u8>,
}

impl Unanswered {
    /// `payload` with this charge's FT1 lines ahead of its own, or behind them in segments of a
    /// broken sender's own.
    pub(crate) fn beside(&self, payload: &[u8], bug: Option<Bug>) -> Vec<u8> {
        match bug {
            Some(Bug::RebatchInOwnSegment) => wrapping::with_own_segments(payload, &self.payload),
            _ => defect::rebatched(&self.payload, payload),
        }
    }
}

impl Machine {
    pub(crate) fn received(&mut self, now: Duration, bytes: &[u8]) {
        if let Some(line) = &mut self.line {
            line.decoder.feed(bytes);
        }
        while let Some(found) = self.line.as_mut().and_then(|line| line.decoder.next()) {
            self.replied(now, &found);
        }
    }

    /// Somebody has connected to answer here.
    pub(crate) fn called(&mut self, link: Link) {
        if self.callers.len() < MOST_CALLERS {
            self.callers.insert(link, Decoder::new(REPLY_LIMIT));
        } else {
            self.outputs.push_back(Output::Disconnect(link));
        }
    }

    /// Takes what a caller says. An acknowledgement is never acknowledged, so nothing goes back.
    pub(crate) fn told(&mut self, now: Duration, link: Link, bytes: &[u8]) {
        if let Some(decoder) = self.callers.get_mut(&link) {
            decoder.feed(bytes);
        }
        while let Some(found) = self.callers.get_mut(&link).and_then(Decoder::next) {
            self.acknowledge(link, &found);
            self.replied(now, &found);
        }
    }

    /// Answers an acknowledgement, as a broken sender does.
    fn acknowledge(&mut self, link: Link, found: &Found) {
        if self.config.bug == Some(Bug::AcknowledgesAcknowledgements)
            && let Some(bytes) = defect::acknowledgement(found)
        {
            self.outputs.push_back(Output::Write { link, bytes });
        }
    }

    /// Answers the acknowledgement of its own message, as a broken sender does.
    fn acknowledge_without_id(&mut self, link: Link, found: &Found) {
        if self.config.bug == Some(Bug::AcknowledgesWithoutId)
            && let Some(bytes) = defect::acknowledgement_without_id(found)
        {
            self.outputs.push_back(Output::Write { link, bytes });
        }
    }

    /// Takes one piece of what the peer sent, if a message waits for it.
    pub(crate) fn replied(&mut self, now: Duration, found: &Found) {
        self.resend_after_late(found);
        if !matches!(self.stage, Stage::Writing { .. } | Stage::Awaiting { .. }) {
            return;
        }
        let Some(sent) = self.current.as_ref().and_then(|job| job.message.as_ref()) else { return };
        let answer = answer::read(found, &sent.payload, self.config.bug);
        let link = self.line.as_ref().map(|line| line.link);
        if let (Answer::Accepted, Some(link)) = (answer, link) {
            self.acknowledge_without_id(link, found);
        }
        match answer {
            Answer::Accepted if self.doubts() => {
                self.stage = Stage::Doubting { until: now + DOUBT };
            }
            Answer::Accepted => {
                self.accepted(now);
            }
            Answer::Refused(code) => {
                self.poisoned();
                self.trouble(now, refusal(code));
            }
            Answer::Committed => {}
            Answer::OtherId => self.ignored(now, Trouble::WrongId),
            Answer::Junk => {
                self.poisoned();
                self.ignored(now, Trouble::Junk);
            }
        }
    }

    /// A broken sender hears late of a charge that it has given up, and sends it again.
    fn resend_after_late(&mut self, found: &Found) {
        let Some((order, sent)) = &self.hoping else { return };
        if answer::read(found, sent, None) == Answer::Accepted {
            self.queue.push_back(Task::whole(order.clone(), Kind::Charge));
            self.hoping = None;
        }
    }

    /// The message was accepted.
    pub(crate) fn accepted(&mut self, now: Duration) -> bool {
        self.conclude(now, Outcome::Delivered);
        true
    }

    /// No valid acknowledgement came in time.
    pub(crate) fn timed_out(&mut self, now: Duration) -> bool {
        if self.races_timer(now) {
            self.trouble(now, Trouble::RacedTimer);
            return true;
        }
        let begun = self.line.as_ref().is_some_and(|line| line.decoder.pending().is_some());
        if begun && self.config.bug == Some(Bug::HangsOnPartialAck) {
            self.stage = Stage::Awaiting { until: now + FOR_EVER };
            return true;
        }
        let cut = begun && self.config.bug == Some(Bug::ResendOnPartialAck);
        self.trouble(now, if cut { Trouble::CutShort } else { Trouble::Timeout });
        true
    }

    /// Whether a broken sender believes a timer that it looks at long after its time.
    fn races_timer(&self, now: Duration) -> bool {
        let until = self.deadline().unwrap_or(now);
        self.config.bug == Some(Bug::PauseRace) && now.saturating_sub(until) >= LONG_AFTER
    }

    /// The wall clock went forward. The correct sender measures by another clock, and only its
    /// messages have other times from now on.
    pub(crate) fn clock_moved(&mut self, now: Duration, by: Duration) {
        let span = SignedDuration::try_from(by).unwrap_or_default();
        self.config.epoch = self.config.epoch.saturating_add(span);
        match self.config.bug {
            Some(Bug::ClockJump)
                if by >= OVERDUE && matches!(self.stage, Stage::Awaiting { .. }) =>
            {
                self.trouble(now, Trouble::Overdue);
            }
            Some(Bug::NightlySweep) => self.sweep(now),
            _ => {}
        }
    }

    /// A broken sender takes up again what had no answer half a day ago.
    fn sweep(&mut self, now: Duration) {
        let clock = wall_clock(self.config.epoch, now);
        let old = |at: &DateTime| clock.duration_since(*at) >= HALF_A_DAY;
        let entries = self.ledger.entries.iter().filter(|(_, entry)| {
            let charge = &entry.charge;
            let last = charge.last.as_ref().is_some_and(|(_, at)| old(at));
            last && charge.outcome == Some(Outcome::Unknown)
        });
        let orders: Vec<String> = entries.map(|(order, _)| order.clone()).collect();
        self.queue.extend(orders.into_iter().map(|order| Task::whole(order, Kind::Charge)));
    }

    /// Something went wrong after bytes have left.
    pub(crate) fn trouble(&mut self, now: Duration, trouble: Trouble) {
        let Some(job) = &self.current else { return };
        if job.task.kind == Kind::Result {
            self.result_failed(now, trouble);
            return;
        }
        let resends = job.resends;
        self.failures += 1;
        let at_last = match self.config.bug {
            Some(Bug::ThirdAttemptOnly) => self.failures == 3,
            Some(Bug::ResendOnSecondReject) => self.failures == 2 && trouble == Trouble::Reject,
            _ => false,
        };
        let again = resend::again(self.config.bug, trouble, self.config.endpoints)
            .or_else(|| at_last.then_some(resend::SAME_AGAIN));
        match again {
            Some(again) if resends < MOST_RESENDS => self.send_again(now, again),
            _ => self.conclude(now, self.outcome_of(trouble)),
        }
    }

    /// A reply that is no answer: the sender keeps waiting.
    fn ignored(&mut self, now: Duration, trouble: Trouble) {
        let Some(job) = &self.current else { return };
        let again = resend::again(self.config.bug, trouble, self.config.endpoints);
        if let (Kind::Charge, Some(again)) = (job.task.kind, again)
            && job.resends < MOST_RESENDS
        {
            self.send_again(now, again);
        }
    }

    fn outcome_of(&self, trouble: Trouble) -> Outcome {
        match trouble {
            Trouble::Error | Trouble::Reject | Trouble::CommitRefused => Outcome::Rejected,
            Trouble::ResetAfterAccept => Outcome::Delivered,
            _ if self.config.bug == Some(Bug::FalseAck) => Outcome::Delivered,
            _ if self.config.bug == Some(Bug::FalseUnsent) => Outcome::NotSent,
            _ => Outcome::Unknown,
        }
    }

    fn send_again(&mut self, now: Duration, again: Again) {
        let Some(mut job) = self.current.take() else { return };
        job.resends += 1;
        if again.rewrite != Rewrite::Nothing {
            job.message = self.compose(now, &mut job, again.rewrite);
            if let Some(record) = job.mark() {
                job.ticket = self.store(record);
            }
        }
        self.current = Some(job);
        if again.over != Over::SameConnection {
            self.disconnect();
        }
        if again.over == Over::NextEndpoint {
            self.endpoint = (self.endpoint + 1) % self.config.endpoints.max(1);
        }
        self.open(now);
    }

    /// A result may be sent again, but not for ever, and never before its time.
    fn result_failed(&mut self, now: Duration, trouble: Trouble) {
        let refused = matches!(trouble, Trouble::Error | Trouble::Reject | Trouble::CommitRefused);
        if self.stopping {
            self.let_go();
            return;
        }
        let tries = self.current.as_ref().map_or(0, |job| job.tries);
        if self.config.variant == Some(Variant::SingleTryResults) || tries >= MOST_RESULT_TRIES {
            self.conclude(now, if refused { Outcome::Rejected } else { Outcome::Unknown });
            return;
        }
        if let Some(job) = &mut self.current {
            job.marked = false;
        }
        if !refused {
            self.disconnect();
        }
        self.stage = Stage::Pausing { until: now + self.config.retry_every };
    }

    /// Records what became of the message and makes room for the next.
    fn conclude(&mut self, now: Duration, outcome: Outcome) {
        if self.repeats_result(now, outcome) {
            return;
        }
        self.mark_now();
        let Some(job) = self.current.take() else { return };
        self.stage = Stage::Idle;
        self.concluded = Some(now);
        let kind = job.task.kind;
        let orders = job.carried.iter().chain([&job.task.order]);
        for order in orders.cloned() {
            self.settle(order, kind, outcome);
        }
        if self.config.variant == Some(Variant::Pings) {
            self.ping();
        }
        // A late acknowledgement must find nobody: it would be credited to the next message.
        let lied = matches!(self.config.bug, Some(Bug::FalseAck | Bug::FalseUnsent));
        let fresh = (outcome == Outcome::Unknown || lied) && !self.hopes(&job, outcome);
        if fresh || self.config.variant == Some(Variant::ConnectionPerMessage) {
            self.disconnect();
        }
        if kind == Kind::Charge {
            if let (Outcome::Unknown, Some(Bug::Rebatch | Bug::RebatchInOwnSegment)) =
                (outcome, self.config.bug)
                && let Some(message) = job.message
            {
                let order = job.task.order.clone();
                self.unanswered = Some(Unanswered { order, payload: message.payload });
            }
            self.follow_up(&job.task);
        }
    }

    /// Whether a broken sender keeps its connection to hear of the charge later.
    fn hopes(&mut self, job: &Job, outcome: Outcome) -> bool {
        let late = self.config.bug == Some(Bug::ResendOnLateAck) && outcome == Outcome::Unknown;
        let Some(message) = job.message.as_ref().filter(|_| late && job.task.kind == Kind::Charge)
        else {
            return false;
        };
        self.hoping = Some((job.task.order.clone(), message.payload.clone()));
        true
    }

    /// Notes what became of a message; broken senders note more.
    pub(crate) fn settle(&mut self, order: String, kind: Kind, outcome: Outcome) {
        let open = kind == Kind::Charge && outcome == Outcome::Unknown;
        if open && self.config.bug == Some(Bug::BothWords) {
            self.store(Record::Claimed { order: order.clone(), outcome: Outcome::Delivered });
        }
        self.store(self.settled(order, kind, outcome));
    }

    fn settled(&self, order: String, kind: Kind, outcome: Outcome) -> Record {
        if kind == Kind::Charge && self.config.variant == Some(Variant::DoubtsEverything) {
            return Record::Settled { order, kind, outcome: Outcome::Unknown };
        }
        match (outcome, self.config.bug) {
            (Outcome::Rejected, Some(Bug::SilentDrop))
            | (Outcome::Unknown, Some(Bug::HidesUnknown))
                if kind == Kind::Charge =>
            {
                Record::Forgotten { order }
            }
            _ => Record::Settled { order, kind, outcome },
        }
    }

    /// The order's result follows its charge; broken senders have more to say.
    pub(crate) fn follow_up(&mut self, task: &Task) {
        let Some(entry) = self.ledger.entries.get(&task.order) else { return };
        let result = Task::whole(task.order.clone(), Kind::Result);
        let untried = self.config.results.is_some() && entry.result.attempts == 0;
        if untried && !self.queue.contains(&result) {
            self.queue.push_front(result);
        }
        if !task.shape.is_whole() {
            return;
        }
        let more = |shape| Task { order: task.order.clone(), kind: Kind::Charge, shape };
        match self.config.bug {
            Some(Bug::SecondEvent) => self.queue.push_front(more(Shape::SecondEvent)),
            Some(Bug::SplitResend) => {
                self.queue.push_front(more(Shape::Line(1)));
                self.queue.push_front(more(Shape::Line(0)));
            }
            _ => {}
        }
    }

    /// Whether a broken sender sends an accepted result once more.
    fn repeats_result(&mut self, now: Duration, outcome: Outcome) -> bool {
        if self.config.bug != Some(Bug::ResendAcceptedResult) || outcome != Outcome::Delivered {
            return false;
        }
        match &mut self.current {
            Some(job) if job.task.kind == Kind::Result && job.resends == 0 => {
                job.resends += 1;
                self.open(now)
            }
            _ => false,
        }
    }

    fn doubts(&self) -> bool {
        let charge = self.current.as_ref().is_some_and(|job| job.task.kind == Kind::Charge);
        let bug = self.config.bug;
        charge && matches!(bug, Some(Bug::ResendAfterAckReset | Bug::ResendAfterTruncation))
    }

    fn poisoned(&mut self) {
        if self.config.bug == Some(Bug::PoisonBlocksQueue) {
            self.blocked = true;
        }
    }
}

const fn refusal(code: Code) -> Trouble {
    match code {
        Code::AE => Trouble::Error,
        Code::CE | Code::CR => Trouble::CommitRefused,
        Code::AA | Code::CA | Code::AR => Trouble::Reject,
    }
}

/// A broken sender sends a charge again this often at the most.
const MOST_RESENDS: u32 = 2;
/// How many may have connected to answer at once.
const MOST_CALLERS: usize = 64;
/// A result is tried once, and three times more.
const MOST_RESULT_TRIES: u32 = 4;
/// By how much a timer must be late for a broken sender to believe it blindly.
const LONG_AFTER: Duration = Duration::from_millis(100);
/// By how much the clock must jump for a broken sender to give a message up.
const OVERDUE: Duration = Duration::from_secs(3600);
/// How long a broken sender waits for the rest of a reply.
const FOR_EVER: Duration = Duration::from_secs(3600);
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);
/// How long a broken sender doubts an acknowledgement.
const DOUBT: Duration = Duration::from_millis(50);
