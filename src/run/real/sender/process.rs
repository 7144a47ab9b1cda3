//! The sender's process: its start, its end, and what is handed to it in between.
//!
//! The sender leads a process group of its own, and what it leaves behind is ended with it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::sync::Arc;
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
use crate::history::{Ending, Incarnation, Micros, Standard};
use crate::plan::{
    Account, Driving, Fault, FeedBy, HandedOver, Lifetime, Plan, ReadyWhen, SenderPlan, StopBy,
    Writer,
};
use crate::run::command::Command;
use crate::run::disclosure::{Lookout, Overheard};
use crate::run::drive::{Happening, stop_signal};
use crate::run::real::Case;
use crate::run::real::descendants::{
    AFTER_ITS_LEADER, GLANCE, LIFE, MARK, Sought, is_stopped, left_behind, life_mark, mark, name,
};
use crate::run::real::sender::account::{Ask, CommandError, Outcomes, printed_by, read_account};
use crate::run::real::sender::feed::{Parcel, Queue};
use crate::run::real::sender::folder::{Folder, is_alone};
use crate::run::real::sender::orphans;
use crate::run::real::sender::output::Output;
use crate::run::real::sender::per_exam::Each;
use crate::run::real::sender::placeholders::{fill, values};
use crate::run::real::sender::ready;
use crate::run::real::sender::ready::ReadyError;

/// The sender under test.
pub(crate) struct Process {
    plan: SenderPlan,
    exams: Arc<IndexMap<String, Arc<Exam>>>,
    writer: Writer,
    patience: Duration,
    /// How long it may take to stop.
    pub(crate) stop_limit: Duration,
    values: BTreeMap<&'static str, String>,
    folder: Folder,
    submitted: u32,
    /// Its lives that are up: one, or two beside each other.
    lives: Vec<Life>,
    /// The standard input of a sender that was started apart from this case.
    borrowed: Option<Rc<pipe::Sender>>,
    /// What the process that was started last has printed, where each exam gets its own.
    output: Rc<Output>,
    /// What is looked for in what it prints, and what was overheard of the life that is up.
    lookout: Rc<Lookout>,
    overheard: Rc<RefCell<Overheard>>,
    /// By how much its clock was moved so far.
    moved: Micros,
    /// Whether it can be fed.
    pub(crate) up: watch::Sender<bool>,
    /// What waits for being handed over.
    pub(crate) queue: Option<Queue>,
    /// The processes that were started for exams, where each gets its own.
    pub(crate) each: Each,
    /// What became of each charge, as far as an exit or an answer says it.
    pub(crate) said: Outcomes,
}

/// One life of the sender that is up.
struct Life {
    incarnation: Incarnation,
    group: Option<Pid>,
    stdin: Option<Rc<pipe::Sender>>,
    /// What it has printed so far.
    output: Rc<Output>,
    /// Who waits until it is ready.
    waiting: Option<AbortHandle>,
    /// When it was asked to stop, if it was; one that was killed has no time left.
    asked: Option<Duration>,
}

/// Why the sender could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// What it is told the path of could not be written.
    #[error("cannot write the exam down: {0}")]
    Exam(#[source] io::Error),
    /// There is nothing to start.
    #[error("the sender file names no program")]
    NoProgram,
    /// The system does not start it.
    #[error("cannot start `{program}`: {error}")]
    Spawn {
        /// What.
        program: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
}

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
    pub(crate) fn new(
        plan: &Plan,
        executable: PathBuf,
        folder: Folder,
        addresses: &[SocketAddr],
    ) -> Self {
        // Who serves a whole run is told the port before anybody knows which cases call it.
        let calls = plan.plays(Fault::AnswerAcceptOnOtherConnection)
            || plan.sender.driving.life == Lifetime::Run;
        let ack_port = calls.then(free_port);
        let (lookout, overheard) = (Lookout::of(&plan.exams), Rc::default());
        let values = values(plan, &executable, &folder, addresses, free_port(), ack_port);
        Self {
            plan: plan.sender.clone(),
            exams: plan.exams.clone(),
            writer: Writer::new(plan),
            patience: plan.limits.patience.into(),
            stop_limit: plan.limits.stop.into(),
            values,
            folder,
            submitted: 0,
            lives: Vec::new(),
            borrowed: None,
            output: Output::new(None, &lookout, &overheard),
            lookout,
            overheard,
            moved: Micros(0),
            up: watch::Sender::new(false),
            queue: None,
            each: Each::default(),
            said: Outcomes::default(),
        }
    }

    /// How long one process of it lives.
    pub(crate) const fn life(&self) -> Lifetime {
        self.plan.driving.life
    }

    /// How it is asked to stop.
    pub(crate) const fn stop(&self) -> StopBy {
        self.plan.stop
    }

    /// The documents that an exam is handed over as.
    pub(crate) fn documents(&mut self, exam: &str) -> Vec<HandedOver> {
        let now = Timestamp::now().to_zoned(TimeZone::UTC).datetime();
        self.exams.get(exam).map(|exam| self.writer.documents(exam, now)).unwrap_or_default()
    }

    /// The order number of an exam, for a person.
    pub(crate) fn order(&self, exam: &str) -> String {
        self.exams.get(exam).map(|exam| exam.order.number.clone()).unwrap_or_default()
    }

    /// The sender takes acknowledgements at this port of loopback.
    pub(crate) fn takes_calls_at(&mut self, port: u16) {
        self.values.insert("ack_port", port.to_string());
    }

    /// The port at which the sender takes acknowledgements; 0 if it is not told any.
    pub(crate) fn ack_port(&self) -> u16 {
        self.values["ack_port"].parse().unwrap_or(0)
    }

    /// By which way exams are handed over.
    pub(crate) const fn feed(&self) -> &FeedBy {
        &self.plan.driving.by
    }

    /// The standard input of the sender that is up; of two instances, the first one's.
    pub(crate) fn input(&self) -> Option<Rc<pipe::Sender>> {
        let own = self.lives.first().and_then(|life| life.stdin.clone());
        own.or_else(|| self.borrowed.clone())
    }

    /// How long it may take to take a document: less than a step waits for what comes of it.
    pub(crate) fn taking(&self) -> Duration {
        self.patience * 3 / 4
    }

    /// A text with its placeholders filled in.
    pub(crate) fn filled(&self, text: &str) -> String {
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
    pub(crate) fn spawn_for(
        &mut self,
        incarnation: Incarnation,
        parcel: &Parcel,
    ) -> Result<Child, StartError> {
        let inbox = self.folder.path("inbox");
        self.submitted += 1;
        let path = parcel.drop_into(&inbox, self.submitted);
        let path = path.map_err(StartError::Exam)?;
        let told = self.plan.start.iter().any(|argument| argument.contains("{exam}"));
        self.values.insert("exam", path.to_string_lossy().into_owned());
        self.spawn(incarnation, if told { Stdio::null() } else { Stdio::piped() })
    }

    /// Starts a process of the sender.
    fn spawn(&self, incarnation: Incarnation, input: Stdio) -> Result<Child, StartError> {
        let program = self.program(&self.plan.start);
        let mut program = program.ok_or(StartError::NoProgram)?;
        program.env(MARK, self.folder.root.path());
        program.env(LIFE, incarnation.to_string());
        program.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = orphans::spawn(&mut program).map_err(|error| {
            let program = fill(&self.plan.start[0], &self.values);
            StartError::Spawn { program, error }
        })?;
        bound(&child, &self.plan.driving);
        Ok(child)
    }

    /// Starts the sender apart from any case.
    pub(crate) fn start_alone(&mut self) -> Result<Child, StartError> {
        let incarnation = 1;
        let mut child = self.spawn(incarnation, Stdio::piped())?;
        self.take_output(&mut child);
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (stdin, output) = (child.stdin.take().and_then(input), Rc::clone(&self.output));
        self.lives.push(Life { incarnation, group, stdin, output, waiting: None, asked: None });
        Ok(child)
    }

    /// Waits until a sender that was started alone is ready.
    pub(crate) async fn ready_alone(&self) -> Result<(), ReadyError> {
        match self.readiness() {
            Some((when, within)) => ready::wait(&when, within, &self.output).await,
            None => Ok(()),
        }
    }

    /// Takes over where the sender of another is fed and keeps its state.
    pub(crate) fn take_places(&mut self, of: &Self) {
        for name in ["inbox", "state", "feed_port", "ack_port"] {
            self.values.insert(name, of.values[name].clone());
        }
    }

    /// The leader of the process group.
    pub(crate) fn leader(&self) -> Option<Pid> {
        self.lives.first()?.group
    }

    /// The leaders of all its processes that were started.
    pub(crate) fn leaders(&self) -> Vec<Pid> {
        let lives = self.lives.iter().filter_map(|life| life.group);
        lives.chain(self.each.running()).collect()
    }

    /// Ends the standard input.
    pub(crate) fn close_input(&mut self) {
        for life in &mut self.lives {
            life.stdin = None;
        }
    }

    /// Writes to the standard input of a sender that was started by another.
    pub(crate) fn write_to(&mut self, input: Option<Rc<pipe::Sender>>) {
        self.borrowed = input;
    }

    /// Takes the output of a sender that was started by another for its own.
    pub(crate) fn listen_to(&mut self, of: &Self) {
        self.output = Rc::clone(&of.output);
        self.output.turn_to(&self.lookout);
    }

    /// What the process that was started last prints.
    pub(crate) fn output(&self) -> Rc<Output> {
        Rc::clone(&self.output)
    }

    /// A new life begins, of which nothing was overheard.
    pub(crate) fn overhear_anew(&mut self) {
        self.overheard = Rc::default();
    }

    /// What was overheard of a life, told once it is over.
    fn printed(&mut self, incarnation: Incarnation) -> Happening<'static> {
        match self.life_of(incarnation) {
            Some(life) => Happening::printed(incarnation, &life.output.overheard()),
            None => Happening::printed(incarnation, &self.overheard.borrow()),
        }
    }

    /// Reads what a process prints, from now on.
    pub(crate) fn take_output(&mut self, child: &mut Child) {
        let wanted = match self.readiness() {
            Some((ReadyWhen::Line(text), _)) => Some(text),
            _ => None,
        };
        self.output = Output::new(wanted, &self.lookout, &self.overheard);
        if let Some(stdout) = child.stdout.take() {
            tokio::task::spawn_local(Rc::clone(&self.output).follow(stdout, Standard::Output));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::task::spawn_local(Rc::clone(&self.output).follow(stderr, Standard::Error));
        }
    }

    /// Puts a document into the inbox.
    pub(crate) fn drop_into_inbox(&mut self, parcel: &Parcel) -> io::Result<()> {
        self.submitted += 1;
        parcel.drop_into(Path::new(&self.values["inbox"]), self.submitted).map(drop)
    }

    fn life_of(&mut self, incarnation: Incarnation) -> Option<&mut Life> {
        self.lives.iter_mut().find(|life| life.incarnation == incarnation)
    }

    /// The process group of a life, and the number of its leader.
    fn group(&self, incarnation: Incarnation) -> Option<Pid> {
        self.lives.iter().find(|life| life.incarnation == incarnation)?.group
    }

    fn signal(&self, incarnation: Incarnation, signal: Signal) {
        if let Some(group) = self.group(incarnation) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// What tells the processes of one life from all others.
    fn sought(&self, incarnation: Incarnation) -> Sought {
        Sought {
            group: self.group(incarnation),
            mark: mark(self.folder.root.path()),
            life: Some(life_mark(incarnation)),
        }
    }

    /// What tells the processes of every life that is up.
    pub(crate) fn all_sought(&self) -> Vec<(Incarnation, Sought)> {
        let lives = self.lives.iter().map(|life| life.incarnation);
        lives.map(|incarnation| (incarnation, self.sought(incarnation))).collect()
    }

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

    /// Ends whatever is left of the sender.
    pub(crate) fn end_for_good(&mut self) {
        self.each.signal(Signal::KILL);
        for life in std::mem::take(&mut self.lives) {
            if let Some(group) = life.group {
                let _ = kill_process_group(group, Signal::KILL);
                orphans::let_go(group);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end_for_good();
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
                self.0.stage.borrow_mut().tasks.push(task.abort_handle());
            }
            Command::Account => {
                let task = tokio::task::spawn_local(self.clone().account());
                self.0.stage.borrow_mut().tasks.push(task.abort_handle());
            }
            Command::LeaveAlone => self.leave_alone(),
            Command::Finish => {}
        }
    }

    fn start(&self, incarnation: Incarnation) {
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
        self.0.stage.borrow_mut().tasks.push(task.abort_handle());
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
        stage.tasks.push(task.abort_handle());
        if let Some(life) = stage.process.life_of(incarnation) {
            life.waiting = Some(task.abort_handle());
        }
    }

    /// The output of a life that is up.
    fn output_of(&self, incarnation: Incarnation) -> Option<Rc<Output>> {
        let process = &mut self.0.stage.borrow_mut().process;
        process.life_of(incarnation).map(|life| Rc::clone(&life.output))
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

/// The placeholders that may stand for nothing, and their argument with them.
const LEFT_OUT: &[&str] = &["ack_port", "results", "ca", "cert", "key"];

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

/// How many processes that were left behind are asked for their names.
const MOST_NAMES: usize = 16;

/// How long a process may take to stand still.
const STANDSTILL: Duration = Duration::from_millis(50);

/// A port that was free just now, for the sender to be fed at; 0 where there is none.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map_or(0, |address| address.port())
}
