//! The sender's process: its start, its end, and what is handed to it in between.
//!
//! The sender leads a process group of its own, and what it leaves behind is ended with it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command as Program};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::exam::Exam;
use crate::history::Ending;
use crate::plan::{
    Account, Driving, FeedBy, HandedOver, Lifetime, Plan, ReadyWhen, SenderPlan, StopBy, Writer,
};
use crate::run::drive::{Command, Happening, stop_signal};
use crate::run::real::Case;
use crate::run::real::account::{Ask, read_account};
use crate::run::real::each::Each;
use crate::run::real::folder::Folder;
use crate::run::real::handover::{Parcel, Queue};
use crate::run::real::kin::{MARK, Sought, left_behind, mark};
use crate::run::real::output::{Output, Standard};
use crate::run::real::placeholders::{fill, values};
use crate::run::real::ready;

/// The sender under test.
pub(super) struct Process {
    plan: SenderPlan,
    exams: IndexMap<String, Exam>,
    writer: Writer,
    patience: Duration,
    values: BTreeMap<&'static str, String>,
    folder: Folder,
    submitted: u32,
    group: Option<Pid>,
    stdin: Option<Rc<pipe::Sender>>,
    /// What it has printed in its life.
    output: Rc<Output>,
    /// Who waits until it is ready.
    waiting: Option<AbortHandle>,
    /// Whether it can be fed.
    pub(super) up: watch::Sender<bool>,
    /// What waits for being handed over.
    pub(super) queue: Option<Queue>,
    /// The processes that were started for exams, where each gets its own.
    pub(super) each: Each,
}

impl Process {
    pub(super) fn new(
        plan: &Plan,
        executable: PathBuf,
        folder: Folder,
        addresses: &[SocketAddr],
    ) -> Self {
        let values = values(plan, &executable, &folder, addresses, free_port());
        Self {
            plan: plan.sender.clone(),
            exams: plan.exams.clone(),
            writer: Writer::new(plan),
            patience: plan.limits.patience.into(),
            values,
            folder,
            submitted: 0,
            group: None,
            stdin: None,
            output: Output::new(None),
            waiting: None,
            up: watch::Sender::new(false),
            queue: None,
            each: Each::default(),
        }
    }

    /// How long one process of it lives.
    pub(super) const fn life(&self) -> Lifetime {
        self.plan.driving.life
    }

    /// How it is asked to stop.
    pub(super) const fn stop(&self) -> StopBy {
        self.plan.stop
    }

    /// The documents that an exam is handed over as.
    pub(super) fn documents(&mut self, exam: &str) -> Vec<HandedOver> {
        let now = Timestamp::now().to_zoned(TimeZone::UTC).datetime();
        self.exams.get(exam).map(|exam| self.writer.documents(exam, now)).unwrap_or_default()
    }

    /// The order number of an exam, for a person.
    pub(super) fn order(&self, exam: &str) -> String {
        self.exams.get(exam).map(|exam| exam.order.number.clone()).unwrap_or_default()
    }

    /// By which way exams are handed over.
    pub(super) const fn feed(&self) -> &FeedBy {
        &self.plan.driving.by
    }

    /// The standard input of the sender that is up.
    pub(super) fn input(&self) -> Option<Rc<pipe::Sender>> {
        self.stdin.clone()
    }

    /// How long it may take to take a document: less than a step waits for what comes of it.
    pub(super) fn taking(&self) -> Duration {
        self.patience * 3 / 4
    }

    /// A text with its placeholders filled in.
    pub(super) fn filled(&self, text: &str) -> String {
        fill(text, &self.values)
    }

    /// What shows that it is ready, filled in.
    fn readiness(&self) -> Option<(ReadyWhen, Duration)> {
        let ready = self.plan.driving.ready.as_ref()?;
        let when = match &ready.when {
            ReadyWhen::Line(text) => ReadyWhen::Line(self.filled(text)),
            ReadyWhen::Port(address) => ReadyWhen::Port(self.filled(address)),
            ReadyWhen::File(path) => ReadyWhen::File(self.filled(path)),
        };
        Some((when, ready.within.into()))
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
    /// and not at all where it names something that there is not: results that the sender is not
    /// to send, an authority where no TLS is spoken, a certificate that it is not to show.
    fn arguments(&self, argument: &str) -> Vec<String> {
        let is_absent = |name: &&str| {
            argument.contains(&format!("{{{name}}}")) && self.values[*name].is_empty()
        };
        if LEFT_OUT.iter().any(is_absent) {
            return Vec::new();
        }
        if !argument.contains("{endpoint}") {
            return vec![fill(argument, &self.values)];
        }
        let one = |endpoint: &str| fill(&argument.replace("{endpoint}", endpoint), &self.values);
        self.values["endpoints"].split(',').map(one).collect()
    }

    /// Starts a process for a document: it is told its path, or reads it from its standard input.
    pub(super) fn spawn_for(&mut self, parcel: &Parcel) -> Result<Child, String> {
        let inbox = self.folder.path("inbox");
        self.submitted += 1;
        let path = parcel.drop_into(&inbox, self.submitted);
        let path = path.map_err(|error| format!("cannot write the exam down: {error}"))?;
        let told = self.plan.start.iter().any(|argument| argument.contains("{exam}"));
        self.values.insert("exam", path.to_string_lossy().into_owned());
        self.spawn(if told { Stdio::null() } else { Stdio::piped() })
    }

    /// Starts a process of the sender.
    fn spawn(&self, input: Stdio) -> Result<Child, String> {
        let program = self.program(&self.plan.start);
        let mut program = program.ok_or("the sender file names no program")?;
        program.env(MARK, self.folder.root.path());
        program.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = program.spawn().map_err(|error| {
            format!("cannot start `{}`: {error}", fill(&self.plan.start[0], &self.values))
        })?;
        bound(&child, &self.plan.driving);
        Ok(child)
    }

    /// Reads what a process prints, from now on.
    pub(super) fn take_output(&mut self, child: &mut Child) {
        let wanted = match self.readiness() {
            Some((ReadyWhen::Line(text), _)) => Some(text),
            _ => None,
        };
        self.output = Output::new(wanted);
        if let Some(stdout) = child.stdout.take() {
            tokio::task::spawn_local(Rc::clone(&self.output).follow(stdout, Standard::Output));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::task::spawn_local(Rc::clone(&self.output).follow(stderr, Standard::Error));
        }
    }

    /// Puts a document into the inbox.
    pub(super) fn drop_into_inbox(&mut self, parcel: &Parcel) -> io::Result<()> {
        self.submitted += 1;
        parcel.drop_into(&self.folder.path("inbox"), self.submitted).map(drop)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends whatever is left of the sender.
    pub(super) fn end_for_good(&mut self) {
        self.signal(Signal::KILL);
        self.each.signal(Signal::KILL);
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
            Command::Submit { exam } => self.hand_over(&exam),
            Command::End { how } if self.0.stage.borrow().process.life() == Lifetime::Exam => {
                self.end_each(how);
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
        if self.0.stage.borrow().process.life() == Lifetime::Exam {
            self.0.stage.borrow_mut().process.each.begin();
            return self.is_up();
        }
        let spawned = self.0.stage.borrow().process.spawn(Stdio::piped());
        let mut child = match spawned {
            Ok(child) => child,
            Err(why) => return self.note(Happening::Failed(why)),
        };
        {
            let process = &mut self.0.stage.borrow_mut().process;
            process.stdin = child.stdin.take().and_then(input);
            process.take_output(&mut child);
            process.group =
                child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        }
        self.wait_until_ready();
        let case = self.clone();
        let sought = self.sought();
        let task = tokio::task::spawn_local(async move {
            let status = child.wait().await;
            if let Some(output) = case.shown_output() {
                output.read_out().await;
            }
            // Looking through all processes takes its time, and no other case should wait for it.
            let left = tokio::task::spawn_blocking(move || left_behind(&sought)).await;
            case.exited(status.ok(), &left.unwrap_or_default());
        });
        self.0.stage.borrow_mut().tasks.push(task.abort_handle());
    }

    /// Tells that the sender is up once it shows that it is ready; at once, if nothing shows it.
    fn wait_until_ready(&self) {
        let mut stage = self.0.stage.borrow_mut();
        let Some((when, within)) = stage.process.readiness() else {
            drop(stage);
            return self.is_up();
        };
        let (case, output) = (self.clone(), Rc::clone(&stage.process.output));
        let task = tokio::task::spawn_local(async move {
            match ready::wait(&when, within, &output).await {
                Ok(()) => {
                    case.is_up();
                    case.pump();
                }
                Err(why) => {
                    case.note_output();
                    case.happened(Happening::Failed(why));
                }
            }
        });
        stage.tasks.push(task.abort_handle());
        stage.process.waiting = Some(task.abort_handle());
    }

    /// What the sender has printed, if somebody asks for it.
    fn shown_output(&self) -> Option<Rc<Output>> {
        let process = &self.0.stage.borrow().process;
        process.plan.driving.show_output.then(|| Rc::clone(&process.output))
    }

    fn note_output(&self) {
        let lines = self.shown_output().map(|output| output.last_lines()).unwrap_or_default();
        if !lines.is_empty() {
            self.note(Happening::Said(lines));
        }
    }

    fn is_up(&self) {
        self.note(Happening::Started);
        self.0.stage.borrow().process.up.send_replace(true);
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

    /// Accepts what a process has opened that is gone.
    pub(super) fn accept_all_waiting(&self) {
        let endpoints = self.0.stage.borrow().endpoints.len();
        for endpoint in 0..endpoints {
            self.accept_waiting(endpoint);
        }
    }

    /// The sender's process is gone: everything it has sent is accepted before this is told.
    pub(super) fn exited(&self, status: Option<ExitStatus>, left: &[Pid]) {
        self.accept_all_waiting();
        let group = {
            let mut stage = self.0.stage.borrow_mut();
            stage.process.stdin = None;
            stage.process.up.send_replace(false);
            if let Some(waiting) = stage.process.waiting.take() {
                waiting.abort();
            }
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
        self.note_output();
        let code = status.and_then(|status| status.code());
        self.happened(Happening::Exited { code, signal });
    }

    async fn account(self) {
        let asked = {
            let stage = self.0.stage.borrow();
            let process = &stage.process;
            match &process.plan.account {
                None => None,
                Some(Account::Word(_)) => Some(Ask::Known(process.each.account())),
                Some(Account::Get(url)) => Some(Ask::At(process.filled(url))),
                Some(Account::Command(argv)) => process.program(argv).map(Ask::Program),
            }
        };
        let happening = match asked {
            None => Happening::NoAccount("the sender file names no `account`".to_owned()),
            Some(ask) => match read_account(ask).await {
                Ok(charges) => Happening::Account(charges),
                Err(why) => Happening::NoAccount(why),
            },
        };
        self.happened(happening);
    }
}

/// The placeholders that may stand for nothing, and their argument with them.
const LEFT_OUT: &[&str] = &["results", "ca", "cert", "key"];

/// The standard input of a child, written to without waiting for it.
fn input(stdin: ChildStdin) -> Option<Rc<pipe::Sender>> {
    pipe::Sender::from_owned_fd(stdin.into_owned_fd().ok()?).ok().map(Rc::new)
}

/// Bounds what a child, and whatever it starts from now on, may take. A limit that the system does
/// not grant is none.
fn bound(child: &Child, driving: &Driving) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let seconds = driving.cpu.map(|time| time.0.div_ceil(1_000_000));
    for (resource, amount) in [(Resource::Cpu, seconds), (Resource::Data, driving.memory)] {
        if let (Some(pid), Some(amount)) = (pid, amount) {
            // A process that does not mind its limit of processor time is killed a second later.
            let maximum = Some(amount + u64::from(resource == Resource::Cpu));
            let _ = prlimit(Some(pid), resource, Rlimit { current: Some(amount), maximum });
        }
    }
}

/// A port that was free just now, for the sender to be fed at; 0 where there is none.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map_or(0, |address| address.port())
}
