//! The lives of the sender's process: each begins, is ready, and is over when nothing of it is left.

use std::collections::BTreeSet;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;

use rustix::process::{Pid, Signal, kill_process_group};

use super::Life;
use super::starting::input;
use crate::history::Incarnation;
use crate::plan::Lifetime;
use crate::run::drive::Happening;
use crate::run::real::Case;
use crate::run::real::descendants::{AFTER_ITS_LEADER, GLANCE, left_behind, name};
use crate::run::real::sender::folder::is_alone;
use crate::run::real::sender::orphans;
use crate::run::real::sender::output::Output;
use crate::run::real::sender::ready;

impl Case {
    pub(super) fn start(&self, incarnation: Incarnation) {
        match self.0.kept.as_ref().map(|kept| kept.failure()) {
            Some(Some(why)) => return self.note(Happening::Failed(why)),
            Some(None) => return self.is_up(incarnation),
            None if self.0.stage.borrow().process.life() == Lifetime::Observed => {
                return self.is_up(incarnation);
            }
            None => {}
        }
        if self.0.stage.borrow().process.life() == Lifetime::Exam {
            {
                let process = &mut self.0.stage.borrow_mut().process;
                process.overhear_anew();
                process.each.begin();
            }
            return self.is_up(incarnation);
        }
        let spawned = self.0.stage.borrow().process.spawn(incarnation, Stdio::piped());
        let mut child = match spawned {
            Ok(child) => child,
            Err(why) => return self.note(Happening::Failed(why.to_string())),
        };
        {
            let process = &mut self.0.stage.borrow_mut().process;
            process.overhear_anew();
            process.take_output(&mut child);
            let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            let stdin = child.stdin.take().and_then(input);
            let output = Rc::clone(&process.output);
            process.lives.push(Life {
                incarnation,
                group,
                stdin,
                output,
                waiting: None,
                asked: None,
            });
        }
        self.wait_until_ready(incarnation);
        let case = self.clone();
        let leader = self.0.stage.borrow().process.group(incarnation);
        let task = tokio::task::spawn_local(async move {
            let status = child.wait().await;
            // What comes next takes its time on a busy machine, and none of the sender's.
            case.note(Happening::Gone { incarnation });
            orphans::forget(leader);
            let left = case.outlived(incarnation).await;
            // What was left behind may hold its outputs open, and is not waited for.
            let output = case.output_of(incarnation).filter(|_| left.is_empty());
            if let Some(output) = output {
                output.read_out().await;
            }
            case.exited(incarnation, status.ok(), &left);
        });
        self.0.stage.borrow_mut().begin(task.abort_handle());
    }

    /// The processes of a life that are still there when its leader has gone.
    pub(crate) async fn left_behind(&self, incarnation: Incarnation) -> Vec<Pid> {
        let sought = self.0.stage.borrow().process.sought(incarnation);
        // Looking through all processes takes its time, and no other case should wait for it.
        let left = tokio::task::spawn_blocking(move || {
            let mut left = left_behind(&sought);
            if is_alone() {
                left.extend(orphans::unmarked());
            }
            left
        });
        left.await.unwrap_or_default()
    }

    /// The processes of a life that are still there when its leader has gone, and the time has gone by
    /// in which all of it was to stop, if it was asked to: its children have as long as it has.
    async fn outlived(&self, incarnation: Incarnation) -> Vec<Pid> {
        let gone = self.now();
        loop {
            let left = self.left_behind(incarnation).await;
            let until = {
                let process = &mut self.0.stage.borrow_mut().process;
                let limit = process.stop_limit;
                let asked = process.life_of(incarnation).and_then(|life| life.asked);
                asked.map(|asked| (asked + limit).max(gone + AFTER_ITS_LEADER))
            };
            if left.is_empty() || until.is_none_or(|until| self.now() >= until) {
                return left;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Tells that the sender is up once it shows that it is ready; at once, if nothing shows it.
    fn wait_until_ready(&self, incarnation: Incarnation) {
        let mut stage = self.0.stage.borrow_mut();
        let readiness = stage.process.readiness();
        let output = stage.process.life_of(incarnation).map(|life| Rc::clone(&life.output));
        let Some(((when, within), output)) = readiness.zip(output) else {
            drop(stage);
            return self.is_up(incarnation);
        };
        let case = self.clone();
        let task = tokio::task::spawn_local(async move {
            match ready::wait(&when, within, &output).await {
                Ok(()) => {
                    case.is_up(incarnation);
                    case.pump();
                }
                Err(why) => {
                    case.note_output(incarnation);
                    case.happened(Happening::Failed(why.to_string()));
                }
            }
        });
        stage.begin(task.abort_handle());
        if let Some(life) = stage.process.life_of(incarnation) {
            life.waiting = Some(task.abort_handle());
        }
    }

    /// The output of a life that is up.
    fn output_of(&self, incarnation: Incarnation) -> Option<Rc<Output>> {
        let process = &mut self.0.stage.borrow_mut().process;
        process.life_of(incarnation).map(|life| Rc::clone(&life.output))
    }

    /// What a life has printed, if somebody asks for it.
    fn shown_output(&self, incarnation: Incarnation) -> Option<Rc<Output>> {
        let process = &mut self.0.stage.borrow_mut().process;
        let shown = process.plan.driving.show_output;
        let last = Rc::clone(&process.output);
        let output = process.life_of(incarnation).map_or(last, |life| Rc::clone(&life.output));
        shown.then_some(output)
    }

    fn note_output(&self, incarnation: Incarnation) {
        let output = self.shown_output(incarnation);
        let lines = output.map(|output| output.last_lines()).unwrap_or_default();
        if !lines.is_empty() {
            self.note(Happening::Said { incarnation, lines });
        }
    }

    fn is_up(&self, incarnation: Incarnation) {
        self.note(Happening::Started { incarnation });
        self.0.stage.borrow().process.up.send_replace(true);
    }

    /// Accepts what a process has opened that is gone.
    pub(crate) fn accept_all_waiting(&self) {
        let endpoints = self.0.stage.borrow().endpoints.len();
        for endpoint in 0..endpoints {
            self.accept_waiting(endpoint);
        }
    }

    /// The sender's process is gone: everything it has sent is accepted before this is told.
    pub(crate) fn exited(
        &self,
        incarnation: Incarnation,
        status: Option<ExitStatus>,
        left: &[Pid],
    ) {
        self.accept_all_waiting();
        let printed = self.0.stage.borrow_mut().process.printed(incarnation);
        self.note(printed);
        self.note_output(incarnation);
        let group = {
            let mut stage = self.0.stage.borrow_mut();
            let lives = &mut stage.process.lives;
            let gone = lives.iter().position(|life| life.incarnation == incarnation);
            let gone = gone.map(|at| lives.remove(at));
            let any = !lives.is_empty();
            stage.process.up.send_replace(any);
            if let Some(waiting) = gone.as_ref().and_then(|life| life.waiting.as_ref()) {
                waiting.abort();
            }
            gone.and_then(|life| life.group)
        };
        let signal =
            status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
        let killed = signal == Some(Signal::KILL.as_raw());
        if !left.is_empty() && !killed {
            let processes = u32::try_from(left.len()).unwrap_or(u32::MAX);
            let names: BTreeSet<String> =
                left.iter().take(MOST_NAMES).map(|one| name(*one)).collect();
            let names = names.into_iter().collect();
            self.note(Happening::LeftBehind { incarnation, processes, names });
        }
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        for process in left {
            let _ = rustix::process::kill_process(*process, Signal::KILL);
        }
        let code = status.and_then(|status| status.code());
        self.happened(Happening::Exited { incarnation, code, signal });
    }
}

/// How many processes that were left behind are asked for their names.
const MOST_NAMES: usize = 16;
