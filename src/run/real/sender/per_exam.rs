//! A sender that is started anew for each exam: it is handed one document, and ends by itself.
//!
//! A life of such a sender is the time between a start and a stop of the plan. Ending it ends the
//! processes that run at that moment. How each of them exits may be all that it says of its charge.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;

use crate::history::{Ending, Incarnation, Outcome};
use crate::run::drive::{Happening, stop_signal};
use crate::run::real::Case;
use crate::run::real::descendants::{AFTER_ITS_LEADER, GLANCE, processes};
use crate::run::real::sender::feed::Parcel;
use crate::run::real::sender::orphans;

/// The processes that were started for exams.
#[derive(Default)]
pub(crate) struct Each {
    /// The leaders of those that run.
    running: Vec<Pid>,
    /// Whether this life is being ended.
    ending: bool,
    /// When it was asked to, unless it was killed.
    asked: Option<Duration>,
}

impl Each {
    /// A new life.
    pub(crate) const fn begin(&mut self) {
        self.ending = false;
        self.asked = None;
    }

    /// The leaders of those that run.
    pub(crate) fn running(&self) -> impl Iterator<Item = Pid> {
        self.running.iter().copied()
    }

    /// Signals all that run, and whatever they have started.
    pub(crate) fn signal(&self, signal: Signal) {
        for group in &self.running {
            let _ = kill_process_group(*group, signal);
        }
    }
}

impl Case {
    /// Starts the process for a document.
    pub(crate) fn start_for(&self, parcel: Parcel) {
        let started = {
            let mut stage = self.0.stage.borrow_mut();
            let incarnation = stage.drive.incarnation();
            stage.process.spawn_for(incarnation, &parcel)
        };
        let mut child = match started {
            Ok(child) => child,
            Err(why) => return self.note(Happening::Failed(why.to_string())),
        };
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let output = {
            let mut stage = self.0.stage.borrow_mut();
            stage.process.take_output(&mut child);
            stage.process.each.running.extend(leader);
            stage.process.said.of(parcel.order(), Outcome::Unknown);
            stage.process.output()
        };
        if let Some(stdin) = child.stdin.take() {
            tokio::task::spawn_local(write(stdin, parcel.bytes().to_vec()));
        }
        let case = self.clone();
        let task = tokio::task::spawn_local(async move {
            let status = child.wait().await.ok();
            orphans::forget(leader);
            output.read_out().await;
            case.ended_for(&parcel, leader, status).await;
        });
        self.0.stage.borrow_mut().begin(task.abort_handle());
    }

    /// A process that was started for a document is gone.
    async fn ended_for(&self, parcel: &Parcel, leader: Option<Pid>, status: Option<ExitStatus>) {
        self.accept_all_waiting();
        let over = {
            let process = &mut self.0.stage.borrow_mut().process;
            // An exit code says that the charge was delivered, by 0, or nothing.
            if status.is_some_and(|status| status.success()) {
                process.said.of(parcel.order(), Outcome::Delivered);
            }
            let each = &mut process.each;
            each.running.retain(|running| Some(*running) != leader);
            each.ending && each.running.is_empty()
        };
        // What it has left behind must not send any more once it is gone, and its time to stop is over.
        if let Some(leader) = leader {
            self.wait_for_children_of(leader).await;
            let _ = kill_process_group(leader, Signal::KILL);
        }
        if over {
            let incarnation = self.0.stage.borrow().drive.incarnation();
            let left = self.left_behind(incarnation).await;
            self.exited(incarnation, status, &left);
        }
    }

    /// Waits until a group is empty whose leader was asked to stop and has, for as long as it had.
    async fn wait_for_children_of(&self, leader: Pid) {
        let gone = self.now();
        let until = {
            let process = &self.0.stage.borrow().process;
            process
                .each
                .asked
                .map(|asked| (asked + process.stop_limit).max(gone + AFTER_ITS_LEADER))
        };
        let group = leader.as_raw_nonzero().get();
        while until.is_some_and(|until| self.now() < until) {
            let any = move || processes().any(|seen| seen.group == group);
            if !tokio::task::spawn_blocking(any).await.unwrap_or_default() {
                return;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Ends the processes that run, by asking them or by force. Where none does, the life is over.
    pub(crate) fn end_each(&self, incarnation: Incarnation, how: Ending) {
        let now = self.now();
        let idle = {
            let mut stage = self.0.stage.borrow_mut();
            let signal = stop_signal(stage.process.stop()).unwrap_or(Signal::TERM);
            let each = &mut stage.process.each;
            each.ending = true;
            each.asked = (how == Ending::Stop).then_some(now);
            for leader in &each.running {
                let _ = match how {
                    Ending::Kill => kill_process_group(*leader, Signal::KILL),
                    Ending::Stop => kill_process(*leader, signal),
                };
            }
            each.running.is_empty()
        };
        if idle {
            let case = self.clone();
            let task = tokio::task::spawn_local(async move {
                let left = case.left_behind(incarnation).await;
                case.exited(incarnation, Some(ExitStatus::default()), &left);
            });
            self.0.stage.borrow_mut().begin(task.abort_handle());
        }
    }
}

/// Writes a document to a standard input and ends it. Who does not read it has the exit to show.
async fn write(mut stdin: ChildStdin, bytes: Vec<u8>) {
    let _ = stdin.write_all(&bytes).await;
}
