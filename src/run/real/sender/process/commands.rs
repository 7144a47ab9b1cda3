//! Carries out what is to be done to the sender: each command of the director, but for its start.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use super::Process;
use crate::history::{Ending, Incarnation, Micros};
use crate::plan::{Account, Lifetime};
use crate::run::command::Command;
use crate::run::drive::{Happening, stop_signal};
use crate::run::real::Case;
use crate::run::real::descendants::is_stopped;
use crate::run::real::sender::account::{Ask, CommandError, printed_by, read_account};
use crate::run::real::sender::placeholders::fill;

/// Why the sender's clock could not be moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClockError {
    /// It has none that can.
    #[error("the sender file names no `clock`")]
    None,
    /// It could not be told.
    #[error("cannot write its clock: {0}")]
    Write(#[source] io::Error),
}

/// Why the sender could not be told to send a charge once more.
#[derive(Debug, thiserror::Error)]
enum ResendError {
    /// There is no way to tell it.
    #[error("the sender file names no `resend`")]
    NoCommand,
    /// The command did not do it.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Process {
    /// Moves the sender's clock: writes how many seconds it is to add, whole or not at all.
    fn move_clock(&mut self, by: Micros) -> Result<(), ClockError> {
        let file = self.plan.clock.as_ref().ok_or(ClockError::None)?;
        let file = PathBuf::from(fill(file, &self.values));
        self.moved.0 = self.moved.0.saturating_add(by.0);
        let written = file.with_extension("part");
        let seconds = (self.moved.0 / 1_000_000).to_string();
        let moved =
            std::fs::write(&written, seconds).and_then(|()| std::fs::rename(&written, file));
        moved.map_err(ClockError::Write)
    }
}

impl Case {
    pub(crate) fn command(&self, command: Command) {
        match command {
            Command::Start { incarnation } => self.start(incarnation),
            Command::Submit { exam } => self.hand_over(&exam),
            Command::End { incarnation, how }
                if self.0.stage.borrow().process.life() == Lifetime::Exam =>
            {
                self.end_each(incarnation, how);
            }
            Command::End { incarnation, how: Ending::Stop } => self.ask_to_stop(incarnation),
            Command::End { incarnation, how: Ending::Kill } => {
                let process = &mut self.0.stage.borrow_mut().process;
                process.signal(incarnation, Signal::KILL);
                if let Some(life) = process.life_of(incarnation) {
                    life.asked = None;
                }
            }
            Command::Pause { incarnation } => self.pause(incarnation),
            Command::Resume { incarnation } => self.resume(incarnation),
            Command::Jump { by } => {
                let moved = self.0.stage.borrow_mut().process.move_clock(by);
                let failed = moved.err().map(|error| error.to_string());
                self.note(Happening::Jumped { by, failed });
            }
            Command::Resend { exam } => {
                let task = tokio::task::spawn_local(self.clone().resend(exam));
                self.0.stage.borrow_mut().begin(task.abort_handle());
            }
            Command::Account => {
                let task = tokio::task::spawn_local(self.clone().account());
                self.0.stage.borrow_mut().begin(task.abort_handle());
            }
            Command::LeaveAlone => self.leave_alone(),
            Command::Finish => {}
        }
    }

    /// Tells what was overheard of a sender that is started apart from this case, in the time that
    /// the case has taken.
    fn leave_alone(&self) {
        if self.0.kept.is_none() {
            return; // nobody sees what it prints
        }
        let printed = {
            let stage = self.0.stage.borrow();
            let incarnation = stage.drive.incarnation();
            Happening::printed(incarnation, &stage.process.output.overheard())
        };
        self.note(printed);
    }

    fn ask_to_stop(&self, incarnation: Incarnation) {
        let asked = self.now();
        let mut stage = self.0.stage.borrow_mut();
        if let Some(life) = stage.process.life_of(incarnation) {
            life.asked = Some(asked);
        }
        match stop_signal(stage.process.plan.stop) {
            Some(signal) => {
                // The leader is asked; what it does with its children is its own affair.
                if let Some(leader) = stage.process.group(incarnation) {
                    let _ = rustix::process::kill_process(leader, signal);
                }
            }
            None => {
                if let Some(life) = stage.process.life_of(incarnation) {
                    life.stdin = None;
                }
            }
        }
    }

    /// Stops a life where it stands, and looks whether it does.
    fn pause(&self, incarnation: Incarnation) {
        self.0.stage.borrow().process.signal(incarnation, Signal::STOP);
        let leader = self.0.stage.borrow().process.group(incarnation);
        // The signal takes effect when the process next leaves the kernel, which is at once
        // unless it waits for a disk.
        let seen = leader.is_some_and(|leader| {
            let until = self.now() + STANDSTILL;
            while !is_stopped(leader) && self.now() < until {
                std::thread::yield_now();
            }
            is_stopped(leader)
        });
        self.look();
        self.note(Happening::Paused { seen });
    }

    fn resume(&self, incarnation: Incarnation) {
        let leader = self.0.stage.borrow().process.group(incarnation);
        let seen = leader.is_some_and(is_stopped);
        self.note(Happening::Resumed { seen });
        self.0.stage.borrow().process.signal(incarnation, Signal::CONT);
    }

    /// Does what an operator does who wants a charge sent once more.
    async fn resend(self, exam: String) {
        let program = {
            let mut stage = self.0.stage.borrow_mut();
            let process = &mut stage.process;
            let order = process.order(&exam);
            process.values.insert("order", order);
            process.plan.resend.as_ref().and_then(|argv| process.program(argv))
        };
        let done = match program {
            Some(program) => printed_by(program).await.map(drop).map_err(ResendError::from),
            None => Err(ResendError::NoCommand),
        };
        self.happened(Happening::Asked { failed: done.err().map(|error| error.to_string()) });
    }

    async fn account(self) {
        let asked = {
            let stage = self.0.stage.borrow();
            let process = &stage.process;
            match &process.plan.account {
                None => None,
                Some(Account::Word(_)) => Some(Ask::Known(process.said.account())),
                Some(Account::Get(url)) => Some(Ask::At(process.filled(url))),
                Some(Account::Command(argv)) => process.program(argv).map(Ask::Program),
            }
        };
        let happening = match asked {
            None => Happening::NoAccount("the sender file names no `account`".to_owned()),
            Some(ask) => match read_account(ask).await {
                Ok(charges) => Happening::Account(charges),
                Err(why) => Happening::NoAccount(why.to_string()),
            },
        };
        self.happened(happening);
    }
}

/// How long a process may take to stand still.
const STANDSTILL: Duration = Duration::from_millis(50);
