//! The sender's process: its start, its end, and what is handed to it in between.
//!
//! The sender leads a process group of its own, and what it leaves behind is ended with it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStdin, Command as Program};

use crate::history::Ending;
use crate::plan::{Plan, SenderPlan};
use crate::run::drive::{Command, Happening, stop_signal};
use crate::run::real::Case;
use crate::run::real::account::read_account;
use crate::run::real::folder::Folder;
use crate::run::real::kin::{MARK, Sought, left_behind, mark};
use crate::run::real::placeholders::{fill, values};

/// The sender under test.
pub(super) struct Process {
    plan: SenderPlan,
    exams: BTreeMap<String, Vec<u8>>,
    values: BTreeMap<&'static str, String>,
    folder: Folder,
    submitted: u32,
    group: Option<Pid>,
    stdin: Option<ChildStdin>,
}

impl Process {
    pub(super) fn new(
        plan: &Plan,
        executable: PathBuf,
        folder: Folder,
        addresses: &[SocketAddr],
    ) -> Self {
        let values = values(plan, &executable, &folder, addresses);
        let exam = |(name, exam): (&String, &_)| {
            (name.clone(), serde_json::to_vec_pretty(exam).unwrap_or_default())
        };
        Self {
            plan: plan.sender.clone(),
            exams: plan.exams.iter().map(exam).collect(),
            values,
            folder,
            submitted: 0,
            group: None,
            stdin: None,
        }
    }

    fn program(&self, argv: &[String]) -> Option<Program> {
        let argv: Vec<String> = argv.iter().flat_map(|one| self.arguments(one)).collect();
        let (program, arguments) = argv.split_first()?;
        let mut command = Program::new(program);
        command.args(arguments);
        for (name, value) in &self.plan.environment {
            command.env(name, fill(value, &self.values));
        }
        let directory =
            self.plan.directory.as_ref().map(|one| PathBuf::from(fill(one, &self.values)));
        command.current_dir(directory.unwrap_or_else(|| self.folder.root.path().to_owned()));
        command.process_group(0).kill_on_drop(true);
        Some(command)
    }

    /// One argument of a sender file, filled: once for every endpoint where it names `{endpoint}`,
    /// and not at all where it names results that the sender is not to send.
    fn arguments(&self, argument: &str) -> Vec<String> {
        if argument.contains("{results}") && self.values["results"].is_empty() {
            return Vec::new();
        }
        if !argument.contains("{endpoint}") {
            return vec![fill(argument, &self.values)];
        }
        let one = |endpoint: &str| fill(&argument.replace("{endpoint}", endpoint), &self.values);
        self.values["endpoints"].split(',').map(one).collect()
    }

    /// Puts an exam into the inbox, whole or not at all.
    fn submit(&mut self, exam: &str) -> io::Result<()> {
        self.submitted += 1;
        let name = format!("{:04}-{}", self.submitted, file_name(exam));
        let inbox = self.folder.path("inbox");
        let written = inbox.join(format!("{name}.part"));
        let bytes = self.exams.get(exam).map_or(&[][..], Vec::as_slice);
        std::fs::write(&written, bytes)?;
        std::fs::rename(written, inbox.join(format!("{name}.json")))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends whatever is left of the sender.
    pub(super) fn end_for_good(&mut self) {
        self.signal(Signal::KILL);
        self.stdin = None;
        self.group = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end_for_good();
    }
}

impl Case {
    pub(super) fn command(&self, command: Command) {
        match command {
            Command::Start { .. } => self.start(),
            Command::Submit { exam } => {
                let submitted = self.0.stage.borrow_mut().process.submit(&exam);
                if let Err(error) = submitted {
                    self.note(Happening::Failed(format!("cannot hand over `{exam}`: {error}")));
                }
            }
            Command::End { how: Ending::Stop } => self.ask_to_stop(),
            Command::End { how: Ending::Kill } => {
                self.0.stage.borrow().process.signal(Signal::KILL);
            }
            Command::Account => {
                let task = tokio::task::spawn_local(self.clone().account());
                self.0.stage.borrow_mut().tasks.push(task.abort_handle());
            }
            Command::Finish => {}
        }
    }

    fn start(&self) {
        let spawned = {
            let mut stage = self.0.stage.borrow_mut();
            let process = &mut stage.process;
            match process.program(&process.plan.start) {
                None => Err("the sender file names no program".to_owned()),
                Some(mut program) => {
                    program.env(MARK, process.folder.root.path());
                    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                    program.spawn().map_err(|error| {
                        let name = fill(&process.plan.start[0], &process.values);
                        format!("cannot start `{name}`: {error}")
                    })
                }
            }
        };
        let mut child = match spawned {
            Ok(child) => child,
            Err(why) => return self.note(Happening::Failed(why)),
        };
        {
            let mut stage = self.0.stage.borrow_mut();
            stage.process.stdin = child.stdin.take();
            stage.process.group =
                child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        }
        let outputs = [child.stdout.take().map(boxed), child.stderr.take().map(boxed)];
        for output in outputs.into_iter().flatten() {
            tokio::task::spawn_local(swallow(output));
        }
        self.note(Happening::Started);
        let case = self.clone();
        let sought = self.sought();
        let task = tokio::task::spawn_local(async move {
            let status = child.wait().await;
            // Looking through all processes takes its time, and no other case should wait for it.
            let left = tokio::task::spawn_blocking(move || left_behind(&sought)).await;
            case.exited(status.ok(), &left.unwrap_or_default());
        });
        self.0.stage.borrow_mut().tasks.push(task.abort_handle());
    }

    /// What tells the processes of this sender from all others.
    fn sought(&self) -> Sought {
        let process = &self.0.stage.borrow().process;
        Sought { group: process.group, mark: mark(process.folder.root.path()) }
    }

    fn ask_to_stop(&self) {
        let mut stage = self.0.stage.borrow_mut();
        match stop_signal(stage.process.plan.stop) {
            Some(signal) => {
                // The leader is asked; what it does with its children is its own affair.
                if let Some(leader) = stage.process.group {
                    let _ = rustix::process::kill_process(leader, signal);
                }
            }
            None => stage.process.stdin = None,
        }
    }

    /// The sender's process is gone: everything it has sent is accepted before this is told.
    fn exited(&self, status: Option<ExitStatus>, left: &[Pid]) {
        let endpoints = self.0.stage.borrow().endpoints.len();
        for endpoint in 0..endpoints {
            self.accept_waiting(endpoint);
        }
        let group = {
            let mut stage = self.0.stage.borrow_mut();
            stage.process.stdin = None;
            stage.process.group.take()
        };
        let signal =
            status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
        let killed = signal == Some(Signal::KILL.as_raw());
        if !left.is_empty() && !killed {
            self.note(Happening::LeftBehind(u32::try_from(left.len()).unwrap_or(u32::MAX)));
        }
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        for process in left {
            let _ = rustix::process::kill_process(*process, Signal::KILL);
        }
        let code = status.and_then(|status| status.code());
        self.happened(Happening::Exited { code, signal });
    }

    async fn account(self) {
        let program = {
            let stage = self.0.stage.borrow();
            let argv = stage.process.plan.account.clone();
            argv.and_then(|argv| stage.process.program(&argv))
        };
        let happening = match program {
            None => Happening::NoAccount("the sender file names no account command".to_owned()),
            Some(program) => match read_account(program).await {
                Ok(charges) => Happening::Account(charges),
                Err(why) => Happening::NoAccount(why),
            },
        };
        self.happened(happening);
    }
}

fn boxed(output: impl AsyncRead + Unpin + 'static) -> Box<dyn AsyncRead + Unpin> {
    Box::new(output)
}

/// Reads a sender's output so that it never blocks on it. It is no evidence, so it is not kept.
async fn swallow(mut output: Box<dyn AsyncRead + Unpin>) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = output.read(&mut buffer).await {}
}

fn file_name(exam: &str) -> String {
    exam.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect()
}
