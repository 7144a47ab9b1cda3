//! The sender as a process: the machine with real sockets, a real clock, an inbox and a journal
//! on disk.
//!
//! One thread. Everything that can be read is read before the machine is asked what time has
//! brought, and what the machine wants stored is durable before it hears so. It does **not**
//! print: what people should know goes to the caller's log.

mod clock;
mod inbox;
mod socket;
mod spool;
#[cfg(test)]
mod tests;
mod tls;
mod voice;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::Poll as Task;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep_until};

use crate::mapping::Mapping;
use crate::sender::broken::bug::Bug;
use crate::sender::journal::{Outcome, account};
use crate::sender::machine::{Config, Input, Link, Machine, Output, Poll};
use crate::sender::variant::Variant;
use clock::Clock;
use inbox::{Inbox, Letter};
use socket::Socket;
pub use spool::SpoolError;
use spool::{Spool, read};
use tls::Trust;
pub use tls::{TlsError, TlsFiles};
use voice::Voice;

/// What a sender process is started with.
#[derive(Clone, Debug)]
pub struct ShellOptions {
    /// Addresses of the EMR, `host:port`, at least one.
    pub endpoints: Vec<String>,
    /// Where the journal and the files that were dealt with are kept.
    pub state: PathBuf,
    /// Where exams are put, one `*.json` each, written under another name and then renamed.
    pub inbox: PathBuf,
    /// What charges are made by.
    pub mapping: Mapping,
    /// What results are made by; none are sent without it.
    pub results: Option<Mapping>,
    /// The port of loopback at which acknowledgements are taken, too.
    pub ack_port: Option<u16>,
    /// How long to wait for an acknowledgement.
    pub ack_timeout: Duration,
    /// How long to wait after a refused connection, and before a result is sent again.
    pub retry_every: Duration,
    /// What TLS is spoken with; plain MLLP is spoken without it.
    pub tls: Option<TlsFiles>,
    /// Whether it says what it waits for, what it sends and what comes of that.
    pub talks: bool,
    /// The defect that is built in.
    pub bug: Option<Bug>,
    /// The honest habit that is switched on.
    pub variant: Option<Variant>,
}

/// A sender that cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// It was told of no endpoint.
    #[error("no endpoint\n\nhint: give at least one `--endpoint host:port`")]
    NoEndpoint,
    /// Its state directory cannot be used.
    #[error(transparent)]
    State(#[from] SpoolError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system refused something.
    #[error("{what} failed: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// It was built to die.
    #[error("died at start, as the bug `dies-at-start` wants it")]
    Died,
}

/// Runs a sender until it is asked to stop by SIGTERM or SIGINT. It then finishes what is in
/// flight and returns. `log` is told what people should know, a line at a time.
///
/// # Errors
/// If another sender uses the state directory, if the journal is damaged, or if the operating
/// system refuses a file or the signals. What an EMR does is never an error.
pub fn serve(options: &ShellOptions, log: &mut dyn FnMut(&str)) -> Result<(), SenderError> {
    if options.bug == Some(Bug::DiesAtStart) {
        return Err(SenderError::Died);
    }
    if options.endpoints.is_empty() {
        return Err(SenderError::NoEndpoint);
    }
    block_on(async {
        let stop = signals().map_err(failed("listening for signals"))?;
        let shell = Shell::start(options, log, stop)?;
        if let Some(line) = shell.voice.waiting(&options.inbox) {
            (shell.log)(&line);
        }
        shell.run().await
    })
}

/// What became of each charge, by the journal in `state`, whether or not its sender is alive.
///
/// # Errors
/// If the journal cannot be read.
pub fn account_of(state: &Path) -> Result<Vec<(String, Outcome)>, SenderError> {
    Ok(account(&read(state)?))
}

/// Tells the sender that takes its exams from `inbox` to send the charge of an order once more, if it
/// was attempted before.
///
/// # Errors
/// If the inbox cannot be written to.
pub fn ask_to_resend(inbox: &Path, order: &str) -> Result<(), SenderError> {
    inbox::request(inbox, order).map_err(failed("writing to the inbox"))
}

pub(crate) fn block_on(
    work: impl Future<Output = Result<(), SenderError>>,
) -> Result<(), SenderError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(failed("starting the runtime"))?.block_on(work)
}

/// A sender process at work.
pub(crate) struct Shell<'a> {
    machine: Machine,
    spool: Spool,
    inbox: Inbox,
    endpoints: &'a [String],
    trust: Option<Trust>,
    sockets: BTreeMap<Link, Socket>,
    listener: Option<TcpListener>,
    callers: BTreeMap<Link, Socket>,
    calls: u64,
    started: Instant,
    next_look: Instant,
    stop: Receiver<()>,
    deaf: bool,
    /// A broken sender looks at its timers before it reads.
    hasty: bool,
    stopping: bool,
    clock: Clock,
    voice: Voice,
    retry_every: Duration,
    log: &'a mut dyn FnMut(&str),
}

/// What has woken the shell.
enum Woken {
    Caller(TcpStream),
    Socket(Option<Input>),
    Stop,
    Time,
}

impl<'a> Shell<'a> {
    pub(crate) fn start(
        options: &'a ShellOptions,
        log: &'a mut dyn FnMut(&str),
        stop: Receiver<()>,
    ) -> Result<Self, SenderError> {
        let (spool, journal) = Spool::open(&options.state, options.bug)?;
        let inbox =
            Inbox::open(&options.inbox, &options.state).map_err(failed("opening the inbox"))?;
        if options.bug == Some(Bug::LeavesChild) {
            leave_child()?;
        }
        let trust = options
            .tls
            .as_ref()
            .map(|files| Trust::read(files, options.bug, options.ack_timeout / DOUBTFUL_PART));
        let trust = trust.transpose()?;
        let started = Instant::now();
        let clock = Clock::of(&options.state);
        let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC).datetime();
        let config = Config {
            mapping: Arc::new(options.mapping.clone()),
            results: options.results.clone().map(Arc::new),
            endpoints: options.endpoints.len(),
            ack_timeout: options.ack_timeout,
            retry_every: options.retry_every,
            epoch: now.saturating_add(clock.moved()),
            bug: options.bug,
            variant: options.variant,
        };
        Ok(Self {
            machine: Machine::start(config, &journal, Duration::ZERO),
            spool,
            inbox,
            endpoints: &options.endpoints,
            trust,
            sockets: BTreeMap::new(),
            listener: options.ack_port.map(listen).transpose()?,
            callers: BTreeMap::new(),
            calls: 0,
            started,
            next_look: started,
            stop,
            deaf: options.bug == Some(Bug::IgnoresTerminate),
            hasty: options.bug == Some(Bug::PauseRace),
            stopping: false,
            clock,
            voice: Voice::new(options.talks),
            retry_every: options.retry_every,
            log,
        })
    }

    pub(crate) async fn run(mut self) -> Result<(), SenderError> {
        loop {
            self.look_into_inbox()?;
            let deadline = self.settle()?;
            if self.machine.is_stopped() {
                return Ok(());
            }
            match self.wait(deadline).await {
                Woken::Caller(stream) => {
                    self.calls += 1;
                    let link = Link::of_caller(self.calls);
                    self.callers.insert(link, Socket::of(link, stream));
                    self.machine.handle(self.now(), Input::Called(link));
                }
                Woken::Socket(Some(input)) => {
                    self.tell_of_connecting(&input);
                    self.machine.handle(self.now(), input);
                }
                Woken::Stop if !self.deaf => {
                    self.stopping = true;
                    self.machine.handle(self.now(), Input::Stop);
                }
                Woken::Socket(None) | Woken::Stop | Woken::Time => {}
            }
        }
    }

    /// Tells whether a connection could be made.
    fn tell_of_connecting(&mut self, input: &Input) {
        let line = match input {
            Input::Connected(link) => self.voice.connected(*link),
            Input::Refused(link) => {
                let why = self.sockets.get(link).and_then(Socket::why_refused);
                self.voice.refused(*link, why, self.retry_every)
            }
            _ => None,
        };
        if let Some(line) = line {
            (self.log)(&line);
        }
    }

    /// Does everything that can be done now; when time will bring more, if it will.
    fn settle(&mut self) -> Result<Option<Duration>, SenderError> {
        let mut hasty = self.hasty;
        loop {
            let blind = std::mem::take(&mut hasty);
            if !blind {
                self.drain();
            }
            match self.machine.poll(self.now()) {
                Poll::Output(output) => self.carry_out(output)?,
                Poll::WaitUntil(_) if blind => {}
                Poll::WaitUntil(deadline) => return Ok(deadline),
            }
        }
    }

    /// Reads what is readable and writes what is writable.
    fn drain(&mut self) {
        let now = self.started.elapsed();
        let mut inputs = Vec::new();
        for socket in self.sockets.values_mut().chain(self.callers.values_mut()) {
            inputs.extend(socket.drain());
            inputs.extend(socket.flush());
        }
        for input in inputs {
            self.tell_of_connecting(&input);
            self.machine.handle(now, input);
        }
    }

    fn carry_out(&mut self, output: Output) -> Result<(), SenderError> {
        match output {
            Output::Connect { link, endpoint } => {
                let address = &self.endpoints[endpoint % self.endpoints.len()];
                self.voice.connecting(link, address);
                self.sockets.insert(link, Socket::open(link, address, self.trust.as_ref()));
            }
            Output::Write { link, bytes } => {
                let own = self.sockets.get_mut(&link);
                if let Some(socket) = own.or_else(|| self.callers.get_mut(&link)) {
                    socket.write(&bytes);
                }
            }
            Output::Disconnect(link) => {
                self.voice.given_up(link);
                self.sockets.remove(&link);
                self.callers.remove(&link);
            }
            Output::Store(record) => {
                self.spool.store(&record)?;
                if let Some(line) = self.voice.stored(&record) {
                    (self.log)(&line);
                }
                self.machine.handle(self.now(), Input::Stored);
            }
            Output::Log(line) => (self.log)(&line),
        }
        Ok(())
    }

    fn look_into_inbox(&mut self) -> Result<(), SenderError> {
        if self.stopping || Instant::now() < self.next_look {
            return Ok(());
        }
        self.next_look = Instant::now() + LOOK_EVERY;
        if let Some(by) = self.clock.has_moved() {
            self.machine.handle(self.now(), Input::ClockMoved(by));
        }
        let letters = self.inbox.letters().map_err(failed("reading the inbox"))?;
        for letter in letters {
            self.take(&letter)?;
        }
        for request in self.inbox.requests().map_err(failed("reading the inbox"))? {
            let (order, name) = (request.order.clone(), request.name());
            self.machine.handle(self.now(), Input::Resend { order, request: name });
            self.settle()?;
            self.inbox.heard(&request).map_err(failed("filing a request"))?;
        }
        Ok(())
    }

    fn take(&mut self, letter: &Letter) -> Result<(), SenderError> {
        match &letter.exam {
            Ok(exam) => {
                self.machine.handle(self.now(), Input::Exam(exam.clone()));
                // Once everything is carried out, the exam is in the journal.
                self.settle()?;
                self.inbox.taken(letter).map_err(failed("filing an exam"))
            }
            Err(why) => {
                (self.log)(&format!("`{}` is no exam: {why}", letter.name()));
                self.inbox.rejected(letter).map_err(failed("filing what is no exam"))
            }
        }
    }

    async fn wait(&mut self, deadline: Option<Duration>) -> Woken {
        let due = deadline.map(|deadline| self.started + deadline);
        let look = (!self.stopping).then_some(self.next_look);
        // While it stops there is always something in flight, so there is always a deadline.
        let until =
            due.into_iter().chain(look).min().unwrap_or_else(|| Instant::now() + LOOK_EVERY);
        tokio::select! {
            biased;
            input = any_ready(&mut self.sockets) => Woken::Socket(input),
            input = any_ready(&mut self.callers) => Woken::Socket(input),
            Some(stream) = caller(self.listener.as_ref()) => Woken::Caller(stream),
            Some(()) = self.stop.recv() => Woken::Stop,
            () = sleep_until(until) => Woken::Time,
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Waits until there may be something to do on a connection; the newest first.
async fn any_ready(sockets: &mut BTreeMap<Link, Socket>) -> Option<Input> {
    let waits = sockets.values_mut().rev().map(|socket| Box::pin(socket.ready()));
    let mut waits: Vec<_> = waits.collect();
    poll_fn(|context| {
        let ready = waits.iter_mut().find_map(|wait| match wait.as_mut().poll(context) {
            Task::Ready(input) => Some(input),
            Task::Pending => None,
        });
        ready.map_or(Task::Pending, Task::Ready)
    })
    .await
}

/// Who connects to the port of our own.
async fn caller(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        // Somebody who is gone already was no caller.
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// Listens at a port of loopback.
fn listen(port: u16) -> Result<TcpListener, SenderError> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listening = listener.and_then(|listener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    listening.map_err(failed("listening for acknowledgements"))
}

/// Hears of each SIGTERM and SIGINT.
fn signals() -> io::Result<Receiver<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (tell, hear) = channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if tell.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(hear)
}

/// Starts a process that outlives this one, as a broken sender does.
fn leave_child() -> Result<(), SenderError> {
    let mut sleep = Command::new("sleep");
    sleep.arg("60").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    sleep.spawn().map(drop).map_err(failed("starting a child"))
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> SenderError {
    move |source| SenderError::System { what, source }
}

/// Which part of its patience the sender waits for a word of an EMR that has asked for its
/// certificate.
const DOUBTFUL_PART: u32 = 4;

/// How often the inbox is looked into.
const LOOK_EVERY: Duration = Duration::from_millis(10);
