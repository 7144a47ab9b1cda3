//! The sender's process: its start, its end, and what is handed to it in between.
//!
//! The sender leads a process group of its own, and what it leaves behind is ended with it. How a
//! process is started stands in `starting`, how it lives and ends in `lives`, and what else is done to
//! it in `commands`.

mod commands;
mod lives;
mod starting;

pub(crate) use starting::StartError;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::exam::Exam;
use crate::history::{Incarnation, Micros, Standard};
use crate::plan::fault::Answer;
use crate::plan::{
    Fault, FeedBy, HandedOver, Lifetime, Plan, ReadyWhen, SenderPlan, StopBy, Writer,
};
use crate::run::disclosure::{Lookout, Overheard};
use crate::run::drive::Happening;
use crate::run::real::descendants::{Sought, life_mark, mark};
use crate::run::real::sender::account::Outcomes;
use crate::run::real::sender::feed::{Parcel, Queue};
use crate::run::real::sender::folder::Folder;
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

impl Process {
    pub(crate) fn new(
        plan: &Plan,
        executable: PathBuf,
        folder: Folder,
        addresses: &[SocketAddr],
    ) -> Self {
        // Who serves a whole run is told the port before anybody knows which cases call it.
        let calls = plan.plays(Fault::Answer(Answer::AcceptOnOtherConnection))
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

/// A port that was free just now, for the sender to be fed at; 0 where there is none.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map_or(0, |address| address.port())
}
