//! The driver over real sockets and real processes.
//!
//! One thread per run, no locks: every case is a handful of local tasks around one
//! [`RefCell`], and whoever has seen something feeds it in and carries out what follows before
//! anything else can happen.

pub(crate) mod descendants;
pub mod processors;
pub(crate) mod sender;
pub(crate) mod spool;
pub(crate) mod tls;
pub(crate) mod wire;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::emr::{Input, WireAct};
use crate::history::{ConnectionId, Event, FORMAT_VERSION, Header, History, Seal};
use crate::plan::fault::Connection;
use crate::plan::{Fault, Plan};
use crate::run::drive::{Do, Drive, Happening};
use sender::process::Process;
use sender::starvation::Starved;
use spool::Spool;
use wire::doors::Endpoint;
use wire::sockets::Line;

pub use sender::folder::abandon;
pub use sender::guardian::{GUARDIAN, dismiss, engage, stand_guard};
pub use sender::orphans::{adopt, end_children};
pub use sender::per_run::Kept;
pub use spool::{Keeper, Peer};
pub use tls::authority::{Authority, AuthorityError, Issued, Own};
pub use wire::sockets::allow_many_connections;

/// Why a case could not be run at all. What the sender does is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The case's own folder could not be made or filled.
    #[error("cannot prepare the folder of the case: {0}")]
    Folder(#[source] std::io::Error),
    /// An endpoint could not be bound.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        error: std::io::Error,
    },
    /// There can be no TLS.
    #[error("{0}")]
    Tls(String),
    /// What was recorded could not be kept, so nothing can be said of it.
    #[error("cannot keep what is recorded: {0}")]
    Keep(#[source] std::io::Error),
    /// The plan could not be written down.
    #[error("cannot write the plan down: {0}")]
    Plan(#[from] serde_json::Error),
}

/// Where a run takes place.
#[derive(Clone, Debug)]
pub struct Place {
    /// The program itself, which is also the reference sender.
    pub executable: PathBuf,
    /// The addresses to listen on, one per endpoint.
    pub addresses: Vec<SocketAddr>,
    /// The host of any further ones, with a port of the system's choice.
    pub host: IpAddr,
    /// Who vouches for the EMR where TLS is spoken.
    pub authority: Arc<Authority>,
    /// Becomes true when somebody interrupts the run.
    pub interrupted: watch::Receiver<bool>,
    /// The port of loopback at which a sender that we do not start takes acknowledgements.
    pub ack_port: Option<u16>,
    /// The sender that serves all cases, where there is one.
    pub kept: Option<Rc<Kept>>,
}

impl Place {
    fn address(&self, endpoint: usize) -> SocketAddr {
        let other = SocketAddr::new(self.host, 0);
        let addresses = self.kept.as_ref().map_or(&self.addresses, |kept| &kept.addresses);
        addresses.get(endpoint).copied().unwrap_or(other)
    }
}

/// Runs one case to its end and returns what was observed. Must run inside a local task set.
///
/// # Errors
/// Only what this machine does not let us do: bind, make a folder.
pub async fn run(
    plan: &Plan,
    place: &Place,
    bound: impl FnOnce(&[SocketAddr]),
) -> Result<History, RunError> {
    let started = Timestamp::now();
    let header = header(plan, started)?;
    let case = Case::prepare(plan, place, started, None)?;
    let events = case.run(place, bound).await?;
    Ok(History { header, events, seal: Seal::None })
}

/// Runs one case to its end like [`run`], and has what was observed kept as it comes: nothing of it
/// stays in memory.
///
/// # Errors
/// What this machine does not let us do: bind, make a folder, keep what was recorded.
pub async fn record(
    plan: &Plan,
    place: &Place,
    keeper: Box<dyn Keeper>,
    bound: impl FnOnce(&[SocketAddr]),
) -> Result<(), RunError> {
    let started = Timestamp::now();
    let keeping = Some((header(plan, started)?, keeper));
    let case = Case::prepare(plan, place, started, keeping)?;
    case.run(place, bound).await?;
    Ok(())
}

fn header(plan: &Plan, started: Timestamp) -> Result<Header, RunError> {
    Ok(Header {
        format: "chargeproof-history".to_owned(),
        version: FORMAT_VERSION,
        case: plan.id.clone(),
        started: started.to_string(),
        sealed: false,
        plan: serde_json::value::to_raw_value(plan)?,
    })
}

/// One case under way.
#[derive(Clone)]
struct Case(Rc<Inner>);

struct Inner {
    stage: RefCell<Stage>,
    scratch: RefCell<Vec<u8>>,
    started: Instant,
    /// The time when something was last seen: what follows from it is done at that time.
    seen: Cell<Duration>,
    /// Until when the loop sleeps; it is only woken for what is due sooner.
    sleeping: Cell<Option<Duration>>,
    /// For how long the sender got no processor.
    starved: RefCell<Starved>,
    changed: Notify,
    connections: usize,
    /// Who vouches for the EMR, where every connection is under TLS.
    authority: Option<Arc<Authority>>,
    /// The sender that serves all cases, where there is one.
    kept: Option<Rc<Kept>>,
    /// Where events go as they come; without it they stay in memory.
    spool: Option<Spool>,
}

/// Everything that changes.
struct Stage {
    drive: Drive,
    endpoints: Vec<Endpoint>,
    lines: BTreeMap<ConnectionId, Line>,
    accepted: ConnectionId,
    process: Process,
    tasks: Vec<AbortHandle>,
}

impl Stage {
    /// Keeps hold of a task for as long as it may have to be ended.
    fn begin(&mut self, task: AbortHandle) {
        if self.tasks.len() == self.tasks.capacity() {
            self.tasks.retain(|task| !task.is_finished());
        }
        self.tasks.push(task);
    }
}

impl Case {
    /// Binds, and makes the folder.
    fn prepare(
        plan: &Plan,
        place: &Place,
        started: Timestamp,
        keeping: Option<(Header, Box<dyn Keeper>)>,
    ) -> Result<Self, RunError> {
        let folder = sender::folder::Folder::new(plan).map_err(RunError::Folder)?;
        let window = plan.plays(Fault::Connection(Connection::NoRead)).then_some(SMALL_WINDOW);
        if let Some(tls) = &plan.tls {
            let issued =
                place.authority.issued().map_err(|error| RunError::Tls(error.to_string()))?;
            issued.write(folder.root.path(), tls.is_mutual()).map_err(RunError::Folder)?;
        }
        let endpoints = (0..plan.endpoints.len()).map(|index| {
            let address = place.address(index);
            Endpoint::bind(address, window).map_err(|error| RunError::Listen { address, error })
        });
        let endpoints: Vec<Endpoint> = endpoints.collect::<Result<_, _>>()?;
        let addresses: Vec<SocketAddr> = endpoints.iter().map(Endpoint::address).collect();
        let mut process = Process::new(plan, place.executable.clone(), folder, &addresses);
        if let Some(port) = place.ack_port {
            process.takes_calls_at(port);
        }
        if let Some(kept) = &place.kept {
            let input = kept.lend(&mut process);
            process.write_to(input);
        }
        let epoch = started.to_zoned(TimeZone::UTC).datetime();
        let authority = plan.tls.as_ref().map(|_| Arc::clone(&place.authority));
        let drive = Drive::new(plan, epoch);
        let (connections, kept) = (plan.limits.connections, place.kept.clone());
        // Last, so that of a case that cannot begin nothing is kept.
        let spool = keeping.map(|(header, keeper)| Spool::begin(&header, keeper)).transpose();
        let spool = spool.map_err(RunError::Keep)?;
        Ok(Self::new(drive, endpoints, process, connections, authority, kept, spool))
    }

    /// Goes through the case, and gives back what was not spooled of its events.
    async fn run(
        self,
        place: &Place,
        bound: impl FnOnce(&[SocketAddr]),
    ) -> Result<Vec<Event>, RunError> {
        let addresses: Vec<SocketAddr> =
            self.0.stage.borrow().endpoints.iter().map(Endpoint::address).collect();
        self.pump();
        bound(&addresses);
        self.drive_to_the_end(place.interrupted.clone()).await;
        if let Some(spool) = &self.0.spool {
            spool.put(self.0.stage.borrow_mut().drive.drain());
            spool.end().map_err(RunError::Keep)?;
        }
        Ok(self.0.stage.borrow_mut().drive.take_events())
    }

    fn new(
        drive: Drive,
        endpoints: Vec<Endpoint>,
        process: Process,
        connections: u32,
        authority: Option<Arc<Authority>>,
        kept: Option<Rc<Kept>>,
        spool: Option<Spool>,
    ) -> Self {
        let lines = BTreeMap::new();
        let stage = Stage { drive, endpoints, lines, accepted: 0, process, tasks: Vec::new() };
        Self(Rc::new(Inner {
            stage: RefCell::new(stage),
            scratch: RefCell::new(vec![0; READ_BYTES]),
            started: Instant::now(),
            seen: Cell::new(Duration::ZERO),
            sleeping: Cell::new(None),
            starved: RefCell::default(),
            changed: Notify::new(),
            connections: usize::try_from(connections).unwrap_or(usize::MAX),
            authority,
            kept,
            spool,
        }))
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Feeds in what was seen and carries out what follows.
    fn happened(&self, happening: Happening<'_>) {
        self.note(happening);
        self.pump();
    }

    /// Feeds in what was seen, and leaves what follows to the caller.
    fn note(&self, happening: Happening<'_>) {
        let now = self.look();
        self.0.stage.borrow_mut().drive.happened(now, happening);
        self.spool(MANY_EVENTS);
    }

    /// Hands over what was recorded, where there are at least so many events.
    fn spool(&self, least: usize) {
        if let Some(spool) = &self.0.spool {
            let mut stage = self.0.stage.borrow_mut();
            if stage.drive.events().len() >= least {
                spool.put(stage.drive.drain());
            }
        }
    }

    /// Says who has opened a connection, where that is wanted.
    fn met(&self, connection: ConnectionId, stream: &TcpStream) {
        if let Some(spool) = &self.0.spool
            && let Ok(peer) = stream.peer_addr()
        {
            spool.met((connection, peer));
        }
    }

    /// Waits until what is recorded can no longer be kept.
    async fn cannot_spool(&self) {
        match &self.0.spool {
            Some(spool) => spool.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Looks at the clock for what is seen from now on.
    fn look(&self) -> Duration {
        let now = self.now();
        self.0.seen.set(now);
        now
    }

    fn emr(&self, input: Input<'_>) {
        self.happened(Happening::Emr(input));
    }

    /// Carries out everything that is to be done now.
    fn pump(&self) {
        loop {
            let next = self.0.stage.borrow_mut().drive.next(self.0.seen.get());
            let is_write = matches!(next, Some(Do::Wire(WireAct::Write { .. })));
            match next {
                Some(Do::Wire(act)) => self.act(act),
                Some(Do::Drain) => self.take_in_what_arrived(),
                Some(Do::Sender(command)) => self.command(command),
                None => break,
            }
            if !is_write {
                self.look(); // a write does it itself, for what was taken
            }
        }
        self.spool(1);
        let (finished, deadline) = self.outlook(self.0.seen.get());
        let sleeping = self.0.sleeping.get();
        let sooner = deadline.is_some_and(|at| sleeping.is_none_or(|sleeping| at < sleeping));
        if finished || sooner {
            self.0.changed.notify_one();
        }
    }

    fn act(&self, act: WireAct) {
        match act {
            WireAct::Write { connection, bytes } => self.write(connection, bytes),
            WireAct::End { connection, how } => self.end(connection, how),
            WireAct::Secure { connection, handshake } => self.secure(connection, &handshake),
            WireAct::Listen { endpoint, door } => self.listen(endpoint, door),
            WireAct::Visit { endpoint } => self.visit(endpoint),
            WireAct::Read { connection, on } => self.read(connection, on),
            WireAct::Call { call } => self.call(call),
        }
    }

    /// Whether the case is over, and when it wants a tick if not.
    fn outlook(&self, now: Duration) -> (bool, Option<Duration>) {
        let stage = self.0.stage.borrow();
        (stage.drive.is_finished(), stage.drive.deadline(now))
    }

    async fn drive_to_the_end(&self, mut interrupted: watch::Receiver<bool>) {
        let mut listening = true;
        loop {
            self.look_for_starvation();
            let (finished, deadline) = self.outlook(self.now());
            if finished {
                break;
            }
            let glance = self.now() + GLANCE;
            let wake = deadline.map_or(glance, |deadline| deadline.min(glance));
            self.0.sleeping.set(Some(wake));
            let until = tokio::time::Instant::from_std(self.0.started + wake);
            tokio::select! {
                () = self.0.changed.notified() => {}
                () = self.cannot_spool() => break,
                () = tokio::time::sleep_until(until) => self.woken(wake, deadline),
                result = interrupted.wait_for(|&it| it), if listening => {
                    listening = false;
                    if result.is_ok() {
                        self.accept_all_waiting();
                        self.pump(); // TLS is laid over what was accepted
                        self.take_in_what_arrived();
                        self.happened(Happening::Interrupted);
                    }
                }
            }
        }
        self.close();
    }

    /// Tells from time to time for how long the sender got no processor.
    fn look_for_starvation(&self) {
        let now = self.now();
        let mut starved = self.0.starved.borrow_mut();
        if !starved.is_due(now) {
            return;
        }
        let mut leaders = self.0.stage.borrow().process.leaders();
        leaders.extend(self.0.kept.as_ref().and_then(|kept| kept.leader()));
        if let Some((by, within)) = starved.look(now, &leaders) {
            drop(starved);
            self.note(Happening::Starved { by, within });
        }
    }

    /// Time has passed until `wake`, or longer: a machine with too much to do wakes nobody in time,
    /// and what came meanwhile is only seen now.
    fn woken(&self, wake: Duration, deadline: Option<Duration>) {
        let by = self.now().saturating_sub(wake);
        if by >= LATE {
            self.note(Happening::Late { by });
        }
        if deadline.is_some_and(|deadline| deadline <= self.now()) {
            self.happened(Happening::Tick);
        }
    }

    /// Ends everything that still belongs to the case.
    fn close(&self) {
        let mut stage = self.0.stage.borrow_mut();
        stage.process.end_for_good();
        for task in stage.tasks.drain(..) {
            task.abort();
        }
        stage.lines.clear();
        stage.endpoints.clear();
    }
}

/// How much the system may take in for a connection where the script wants the sender to find
/// its window closed: a message or two.
const SMALL_WINDOW: usize = 8 * 1024;

/// How many events are handed over although more of the same follow at once.
const MANY_EVENTS: usize = 64;

/// How often the loop looks up although nothing is due, to see whether it is woken in time.
const GLANCE: Duration = Duration::from_millis(100);

/// How late is told: less is what any machine does.
const LATE: Duration = Duration::from_millis(100);

/// How much is read from a socket at once; one buffer serves all connections of a case.
const READ_BYTES: usize = 64 * 1024;
