//! What is recorded leaves memory as it comes: a thread of its own takes it to where it is kept.
//!
//! Whoever serves never waits for a disk, unless so much waits for it already that memory would fill.
//! What cannot be kept ends the run: nothing is judged of which a part was lost.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::history::{ConnectionId, Event, Header, What};

/// Keeps what is recorded, in its order.
pub trait Keeper: Send {
    /// Takes the header, before anything else.
    ///
    /// # Errors
    /// What stands in the way.
    fn begin(&mut self, header: &Header) -> io::Result<()>;

    /// Takes the next events, and who has opened connections among them. What it has taken is kept,
    /// however this process ends.
    ///
    /// # Errors
    /// What stands in the way.
    fn keep(&mut self, events: &[Event], peers: &[Peer]) -> io::Result<()>;

    /// That was all.
    ///
    /// # Errors
    /// What stands in the way.
    fn end(&mut self) -> io::Result<()>;
}

/// Who has opened a connection.
pub type Peer = (ConnectionId, SocketAddr);

/// A thread that keeps what is put before it.
pub(crate) struct Spool {
    shared: Arc<Shared>,
    thread: Cell<Option<JoinHandle<io::Result<()>>>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    came: Condvar,
    went: Condvar,
    /// Told once nothing more can be kept.
    failed: Notify,
}

#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    peers: Vec<Peer>,
    bytes: usize,
    /// The thread sleeps until it is told that something came.
    idle: bool,
    /// Nothing more will come.
    over: bool,
    /// Nothing more can be kept.
    failed: bool,
}

impl Spool {
    /// Begins to keep what `header` is the header of.
    pub(crate) fn begin(header: &Header, mut keeper: Box<dyn Keeper>) -> io::Result<Self> {
        keeper.begin(header)?;
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("spool".to_owned());
        let thread = builder.spawn(move || {
            let kept = of_thread.keep_all(&mut *keeper);
            if kept.is_err() {
                of_thread.lock().failed = true;
                of_thread.went.notify_all();
                of_thread.failed.notify_one();
            }
            kept
        })?;
        Ok(Self { shared, thread: Cell::new(Some(thread)) })
    }

    /// Puts events before the thread.
    pub(crate) fn put(&self, events: impl Iterator<Item = Event>) {
        let mut waiting = self.shared.lock();
        while waiting.bytes > MOST_WAITING && !waiting.failed {
            waiting = self.shared.went.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        for event in events {
            waiting.bytes += size(&event);
            waiting.events.push(event);
        }
        if waiting.idle {
            waiting.idle = false;
            drop(waiting);
            self.shared.came.notify_one();
        }
    }

    /// Says who has opened a connection, before that is put there as an event.
    pub(crate) fn met(&self, peer: Peer) {
        self.shared.lock().peers.push(peer);
    }

    /// Waits until nothing more can be kept.
    pub(crate) async fn failed(&self) {
        self.shared.failed.notified().await;
    }

    /// Waits until all is kept, or until it is known that it cannot be.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.shared.lock().over = true;
        self.shared.came.notify_one();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(io::Error::other("what was to keep it died")))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what comes until nothing more will.
    fn keep_all(&self, keeper: &mut dyn Keeper) -> io::Result<()> {
        let (mut events, mut peers) = (Vec::new(), Vec::new());
        while self.take(&mut events, &mut peers) {
            keeper.keep(&events, &peers)?;
            // Dropped here, where nobody waits for it.
            events.clear();
            peers.clear();
        }
        keeper.end()
    }

    /// Takes what has come, and waits for it if nothing has; whether there is any.
    fn take(&self, events: &mut Vec<Event>, peers: &mut Vec<Peer>) -> bool {
        let mut waiting = self.lock();
        if waiting.events.is_empty() && !waiting.over {
            // Where much comes, more has come by then, and whoever brings it need not wake us.
            (waiting, _) =
                self.came.wait_timeout(waiting, GATHERING).unwrap_or_else(PoisonError::into_inner);
        }
        while waiting.events.is_empty() {
            if waiting.over {
                return false;
            }
            waiting.idle = true;
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.idle = false;
        std::mem::swap(events, &mut waiting.events);
        std::mem::swap(peers, &mut waiting.peers);
        waiting.bytes = 0;
        drop(waiting);
        self.went.notify_all();
        true
    }
}

/// What an event takes in memory, roughly.
fn size(event: &Event) -> usize {
    let bytes = match &event.what {
        What::Received { bytes, .. } | What::Replied { bytes, .. } | What::Unread { bytes, .. } => {
            bytes.as_slice().len()
        }
        _ => 0,
    };
    size_of::<Event>() + bytes
}

/// How many bytes may wait to be kept before whoever brings more has to wait.
const MOST_WAITING: usize = 12 << 20;

/// How long nothing comes before the thread has to be told that something did.
const GATHERING: Duration = Duration::from_millis(2);
