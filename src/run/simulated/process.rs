//! The sender's processes in virtual time: what is done to them, and what they do.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{EPOCH, Line, Process, SimulationError, World};
use crate::history::{
    Accounted, ConnectionId, End, Ending, Incarnation, Micros, Outcome, Standard,
};
use crate::plan::Plan;
use crate::run::command::Command;
use crate::run::disclosure::{Listening, Lookout, Overheard};
use crate::run::drive::Happening;
use crate::sender::{self, Bug, Config, Machine, Output, Poll, Record, Variant};

impl World<'_> {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Start { incarnation } => self.start(incarnation),
            Command::Submit { exam } => {
                if let Some(exam) = self.plan.exams.get(&exam) {
                    self.inbox.push(Arc::clone(exam));
                    self.everybody(&sender::Input::Exam(Arc::clone(exam)));
                }
            }
            Command::Resend { exam } => {
                if let Some(exam) = self.plan.exams.get(&exam) {
                    self.requests += 1;
                    let (order, request) = (exam.order.number.clone(), self.requests.to_string());
                    self.everybody(&sender::Input::Resend { order, request });
                }
                self.drive.happened(self.now, Happening::Asked { failed: None });
            }
            Command::End { incarnation, how: Ending::Stop } => {
                if self.config.bug == Some(Bug::IgnoresTerminate) {
                    return;
                }
                self.sender(incarnation, sender::Input::Stop);
            }
            Command::End { incarnation, how: Ending::Kill } => {
                self.exited(incarnation, None, Some(9));
            }
            Command::Pause { incarnation } => {
                let process = self.processes.get_mut(&incarnation);
                let seen = process.map(|one| one.held = Some(Vec::new())).is_some();
                self.drive.happened(self.now, Happening::Paused { seen });
            }
            Command::Resume { incarnation } => self.resume(incarnation),
            Command::Jump { by } => self.jump_clock(by),
            Command::Account => self.account(),
            Command::LeaveAlone | Command::Finish => {}
        }
    }

    fn start(&mut self, incarnation: Incarnation) {
        self.drive.happened(self.now, Happening::Started { incarnation });
        if !self.processes.is_empty() && self.config.bug != Some(Bug::NoLock) {
            // It finds the state locked, says so and leaves.
            self.printed(incarnation, None);
            let exited = Happening::Exited { incarnation, code: Some(LOCKED_OUT), signal: None };
            self.drive.happened(self.now, exited);
            return;
        }
        let machine = Machine::start(self.config.clone(), &self.journal, self.now);
        let overheard = Overheard::default();
        let process = Process { machine, wake: None, held: None, log: None, overheard };
        self.processes.insert(incarnation, process);
        for exam in self.inbox.clone() {
            self.sender(incarnation, sender::Input::Exam(exam));
        }
    }

    /// Lets a process go on that was standing still. What has arrived meanwhile it hears before
    /// any timer, unless its defect is the other way round.
    fn resume(&mut self, incarnation: Incarnation) {
        let process = self.processes.get_mut(&incarnation);
        let held = process.and_then(|one| one.held.take());
        self.drive.happened(self.now, Happening::Resumed { seen: held.is_some() });
        if self.config.bug == Some(Bug::PauseRace) {
            while self.poll_one(incarnation) {}
        }
        for input in held.into_iter().flatten() {
            self.sender(incarnation, input);
        }
    }

    /// Moves the wall clock, of this life and of all that follow.
    fn jump_clock(&mut self, by: Micros) {
        let span = jiff::SignedDuration::try_from(Duration::from(by));
        self.config.epoch = self.config.epoch.saturating_add(span.unwrap_or_default());
        self.everybody(&sender::Input::ClockMoved(by.into()));
        self.drive.happened(self.now, Happening::Jumped { by, failed: None });
    }

    fn account(&mut self) {
        let rows = sender::account(&self.journal);
        let rows = rows.into_iter();
        let charges = rows.map(|(order, outcome)| Accounted { order, outcome: said(outcome) });
        self.drive.happened(self.now, Happening::Account(charges.collect()));
    }

    /// A process of the sender is gone, and its connections end.
    fn exited(&mut self, incarnation: Incarnation, code: Option<i32>, signal: Option<i32>) {
        let process = self.processes.remove(&incarnation);
        for endpoint in 0..self.doors.len() {
            self.accept_waiting(endpoint);
        }
        let of = |(id, line): (&ConnectionId, &Line)| (line.of == incarnation).then_some(*id);
        let open: Vec<ConnectionId> = self.lines.iter().filter_map(of).collect();
        // Who is killed says no last word.
        let how = if signal.is_some() { End::Truncated } else { End::Close };
        for connection in open {
            self.end_by_sender(connection, how);
        }
        self.printed(incarnation, process);
        self.drive.happened(self.now, Happening::Exited { incarnation, code, signal });
    }

    /// Tells what a process has printed that is gone.
    fn printed(&mut self, incarnation: Incarnation, process: Option<Process>) {
        let (log, mut overheard) = process.map(|one| (one.log, one.overheard)).unwrap_or_default();
        if let Some(mut log) = log {
            log.end(&mut overheard);
        }
        self.drive.happened(self.now, Happening::printed(incarnation, &overheard));
    }

    /// A process prints a line.
    fn print(&mut self, of: Incarnation, line: &str) {
        let lookout = self.lookout.get_or_insert_with(|| Lookout::of(&self.plan.exams));
        if let Some(process) = self.processes.get_mut(&of) {
            let listening = || Listening::new(Rc::clone(lookout), Standard::Error);
            let log = process.log.get_or_insert_with(listening);
            log.hear(format!("{line}\n").as_bytes(), &mut process.overheard);
        }
    }

    /// Lets the sender do one thing; whether it had anything to do.
    pub(super) fn poll_sender(&mut self) -> bool {
        let mut next = self.processes.keys().next().copied();
        while let Some(of) = next {
            if self.poll_one(of) {
                return true;
            }
            next = self.processes.range(of + 1..).next().map(|(of, _)| *of);
        }
        false
    }

    fn poll_one(&mut self, of: Incarnation) -> bool {
        let Some(process) = self.processes.get_mut(&of).filter(|one| one.held.is_none()) else {
            return false;
        };
        match process.machine.poll(self.now) {
            Poll::Output(output) => self.sender_output(of, output),
            Poll::WaitUntil(_) if process.machine.is_stopped() => self.exited(of, Some(0), None),
            Poll::WaitUntil(wake) => {
                process.wake = wake;
                return false;
            }
        }
        true
    }

    fn sender_output(&mut self, of: Incarnation, output: Output) {
        match output {
            Output::Connect { link, endpoint } => self.connect(of, link, endpoint),
            Output::Write { link, bytes } => self.write_to_emr(of, link, bytes.into()),
            Output::Disconnect(link) => {
                if let Some(connection) = self.connection(of, link) {
                    self.end_by_sender(connection, End::Close);
                }
            }
            Output::Store(record) => {
                if let Record::Taken { exam } = &record {
                    self.inbox.retain(|one| one.order.number != exam.order.number);
                }
                self.journal.push(record);
                self.sender(of, sender::Input::Stored);
            }
            Output::Log(line) => self.print(of, &line),
        }
    }
}

pub(super) fn config(plan: &Plan) -> Result<Config, SimulationError> {
    let unknown = |name: &String| SimulationError::UnknownHabit(name.clone());
    let bug = plan.sender.bug.as_ref();
    let bug: Option<Bug> = bug.map(|name| name.parse().map_err(|_| unknown(name))).transpose()?;
    if let Some(bug) = bug.filter(|bug| bug.needs_process()) {
        return Err(SimulationError::NeedsProcess(bug));
    }
    let variant = plan.sender.variant.as_ref();
    let variant: Option<Variant> =
        variant.map(|name| name.parse().map_err(|_| unknown(name))).transpose()?;
    Ok(Config {
        mapping: plan.mapping.clone(),
        results: plan.results.clone(),
        endpoints: plan.endpoints.len(),
        ack_timeout: plan.limits.ack_timeout.into(),
        retry_every: plan.limits.longest_retry.into(),
        epoch: EPOCH,
        bug,
        variant,
    })
}

const fn said(outcome: sender::Outcome) -> Outcome {
    match outcome {
        sender::Outcome::Delivered => Outcome::Delivered,
        sender::Outcome::Rejected => Outcome::Rejected,
        sender::Outcome::Unknown => Outcome::Unknown,
        sender::Outcome::NotSent => Outcome::NotSent,
    }
}

/// The exit code of the reference sender when another one holds its state.
const LOCKED_OUT: i32 = 1;
