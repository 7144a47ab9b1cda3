//! Listeners and connections.
//!
//! Every listener keeps its port while it does not listen, so that a refusal is a refusal and
//! the port is still ours afterwards.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, listen, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::emr::Input;
use crate::history::{ConnectionId, End};
use crate::run::drive::Happening;
use crate::run::real::Case;

/// One address that the EMR listens on.
pub(super) struct Endpoint {
    address: SocketAddr,
    /// Bound and never listening: it keeps the port while nobody listens.
    _guard: rustix::fd::OwnedFd,
    listener: Option<Rc<TcpListener>>,
    acceptor: Option<AbortHandle>,
}

impl Endpoint {
    /// Takes the port and does not listen yet.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        if address.port() != 0 {
            // Our own two sockets share the port; a stranger's must not, or he would take half
            // of the connections. Who cannot bind alone is not alone.
            drop(socket(address, Sharing::Alone)?);
        }
        let guard = socket(address, Sharing::WithOurOwn)?;
        let bound = rustix::net::getsockname(&guard)?;
        let address = SocketAddr::try_from(bound)?;
        Ok(Self { address, _guard: guard, listener: None, acceptor: None })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn open(&mut self) -> io::Result<Rc<TcpListener>> {
        let socket = socket(self.address, Sharing::WithOurOwn)?;
        listen(&socket, BACKLOG)?;
        let listener = std::net::TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        let listener = Rc::new(TcpListener::from_std(listener)?);
        self.listener = Some(Rc::clone(&listener));
        Ok(listener)
    }

    fn shut(&mut self) {
        if let Some(listener) = self.listener.take() {
            // The accepting task lets go of it later; nobody must get through until then.
            let _ = rustix::net::shutdown(&*listener, rustix::net::Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.abort();
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Whether several sockets may have the same port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    WithOurOwn,
}

fn socket(address: SocketAddr, sharing: Sharing) -> io::Result<rustix::fd::OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, sharing == Sharing::WithOurOwn)?;
    bind(&socket, &address)?;
    Ok(socket)
}

/// One accepted connection.
pub(super) struct Line {
    stream: Rc<TcpStream>,
    reader: AbortHandle,
    /// The sender's side has ended and was read to its end.
    read_out: bool,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Case {
    pub(super) fn listen(&self, endpoint: usize, up: bool) {
        if up {
            let mut stage = self.0.stage.borrow_mut();
            let place = &mut stage.endpoints[endpoint];
            if place.listener.is_some() {
                return;
            }
            let Ok(listener) = place.open() else {
                return; // without a listener nothing arrives, and the verdict says so
            };
            let case = self.clone();
            let task = tokio::task::spawn_local(case.accept_all(endpoint, listener));
            place.acceptor = Some(task.abort_handle());
            drop(stage);
            self.note(Happening::Emr(Input::Listening { endpoint, up }));
            return;
        }
        self.accept_waiting(endpoint);
        let address = {
            let mut stage = self.0.stage.borrow_mut();
            stage.endpoints[endpoint].shut();
            stage.endpoints[endpoint].address()
        };
        self.note(Happening::Emr(Input::Listening { endpoint, up }));
        let probe = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200));
        if probe.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            self.note(Happening::Emr(Input::RefusalSeen { endpoint }));
        }
    }

    async fn accept_all(self, endpoint: usize, listener: Rc<TcpListener>) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.accepted(endpoint, stream),
                Err(error) => match failed_accept(&error) {
                    FailedAccept::NextMayDo => {}
                    FailedAccept::Shut => return,
                    FailedAccept::Unseen => {
                        self.happened(Happening::CannotAccept);
                        tokio::time::sleep(BREATH).await;
                    }
                },
            }
        }
    }

    /// Accepts whatever the system has taken on our behalf, without waiting.
    pub(super) fn accept_waiting(&self, endpoint: usize) {
        let listener = self.0.stage.borrow().endpoints[endpoint].listener.clone();
        let Some(listener) = listener else {
            return;
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        loop {
            let accepted = rustix::net::accept_with(&*listener, flags).map_err(io::Error::from);
            match accepted.and_then(|socket| TcpStream::from_std(socket.into())) {
                Ok(stream) => self.accepted(endpoint, stream),
                Err(error) => match failed_accept(&error) {
                    FailedAccept::NextMayDo => {}
                    FailedAccept::Shut => return,
                    FailedAccept::Unseen => return self.note(Happening::CannotAccept),
                },
            }
        }
    }

    fn accepted(&self, endpoint: usize, stream: TcpStream) {
        let _ = stream.set_nodelay(true); // only the timing of small writes depends on it
        let (id, incarnation) = {
            let mut stage = self.0.stage.borrow_mut();
            if stage.lines.len() >= self.0.connections {
                drop(stage);
                self.happened(Happening::TooManyConnections);
                return;
            }
            stage.accepted += 1;
            let id = stage.accepted;
            let stream = Rc::new(stream);
            let task = tokio::task::spawn_local(self.clone().read_all(id, Rc::clone(&stream)));
            let reader = task.abort_handle();
            stage.lines.insert(id, Line { stream, reader, read_out: false });
            (id, stage.drive.incarnation())
        };
        self.emr(Input::Accepted { connection: id, endpoint, incarnation });
    }

    async fn read_all(self, connection: ConnectionId, stream: Rc<TcpStream>) {
        while stream.readable().await.is_ok() {
            let mut scratch = self.0.scratch.borrow_mut();
            match read_now(&stream, &mut scratch) {
                Ok(0) => return self.read_out(connection, End::Close, scratch),
                Ok(count) => {
                    let input = Input::Received { connection, bytes: &scratch[..count] };
                    self.note(Happening::Emr(input));
                    drop(scratch);
                    self.pump();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.read_out(connection, End::Reset, scratch),
            }
        }
    }

    /// Accepts and reads whatever the system has taken on our behalf by now, without waiting.
    pub(super) fn take_in_what_arrived(&self) {
        let endpoints = self.0.stage.borrow().endpoints.len();
        for endpoint in 0..endpoints {
            self.accept_waiting(endpoint);
        }
        let open: Vec<(ConnectionId, Rc<TcpStream>)> = {
            let stage = self.0.stage.borrow();
            let unread = stage.lines.iter().filter(|(_, line)| !line.read_out);
            unread.map(|(&id, line)| (id, Rc::clone(&line.stream))).collect()
        };
        for (connection, stream) in open {
            self.read_what_arrived(connection, &stream);
        }
        self.pump();
    }

    /// Reads what has arrived on a connection by now. An end is not told apart here: we are about
    /// to end it ourselves.
    fn read_what_arrived(&self, connection: ConnectionId, stream: &TcpStream) {
        for _ in 0..MOST_READS {
            let mut scratch = self.0.scratch.borrow_mut();
            let Ok((count @ 1.., _)) =
                rustix::net::recv(stream, &mut scratch[..], RecvFlags::DONTWAIT)
            else {
                return;
            };
            self.note(Happening::Emr(Input::Received { connection, bytes: &scratch[..count] }));
        }
    }

    fn read_out(
        &self,
        connection: ConnectionId,
        how: End,
        scratch: std::cell::RefMut<'_, Vec<u8>>,
    ) {
        drop(scratch);
        {
            let mut stage = self.0.stage.borrow_mut();
            if how == End::Reset {
                stage.lines.remove(&connection);
            } else if let Some(line) = stage.lines.get_mut(&connection) {
                line.read_out = true;
            }
        }
        self.emr(Input::Ended { connection, how });
    }

    pub(super) fn write(&self, connection: ConnectionId, bytes: Vec<u8>) {
        let stream = self.stream(connection);
        // Straight to the system: this very moment is when the reply is due.
        let taken = match stream.as_ref().map(|stream| rustix::net::send(stream, &bytes, NOW)) {
            Some(Ok(taken)) => taken,
            Some(Err(rustix::io::Errno::WOULDBLOCK)) => 0,
            _ => {
                self.note(Happening::Emr(Input::Wrote { connection, bytes: &[], complete: false }));
                return;
            }
        };
        if taken == bytes.len() {
            self.note(Happening::Emr(Input::Wrote { connection, bytes: &bytes, complete: true }));
        } else if let Some(stream) = stream {
            let rest = self.clone().write_rest(connection, stream, bytes, taken);
            let task = tokio::task::spawn_local(rest);
            self.0.stage.borrow_mut().tasks.push(task.abort_handle());
        }
    }

    /// Writes what the system did not take at once, as it takes it.
    async fn write_rest(
        self,
        connection: ConnectionId,
        stream: Rc<TcpStream>,
        bytes: Vec<u8>,
        mut taken: usize,
    ) {
        while taken < bytes.len() {
            if stream.writable().await.is_err() {
                break;
            }
            match stream.try_write(&bytes[taken..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        let complete = taken == bytes.len();
        self.emr(Input::Wrote { connection, bytes: &bytes[..taken], complete });
    }

    pub(super) fn end(&self, connection: ConnectionId, how: End) {
        if let Some(stream) = self.stream(connection) {
            if how == End::Reset {
                // What has arrived is recorded before the system throws it away.
                self.read_what_arrived(connection, &stream);
                // Sends the reset now: a socket that is merely dropped sends it when the last of
                // its readers and writers is gone, and only if it does not linger.
                let _ = sockopt::set_socket_linger(&*stream, Some(Duration::ZERO));
                let _ = rustix::net::connect_unspec(&*stream);
            } else {
                let _ = rustix::net::shutdown(&*stream, rustix::net::Shutdown::Write);
            }
        }
        let mut stage = self.0.stage.borrow_mut();
        let over = stage.lines.get(&connection).is_some_and(|line| line.read_out);
        if how == End::Reset || over {
            stage.lines.remove(&connection);
        }
        drop(stage);
        self.note(Happening::Emr(Input::EndDone { connection, how }));
    }

    fn stream(&self, connection: ConnectionId) -> Option<Rc<TcpStream>> {
        self.0.stage.borrow().lines.get(&connection).map(|line| Rc::clone(&line.stream))
    }
}

/// What follows from a connection that could not be accepted.
enum FailedAccept {
    /// It is gone already: the next one may do.
    NextMayDo,
    /// There is none, or nobody listens any more.
    Shut,
    /// It is there, and what it carries is not seen: out of descriptors or memory.
    Unseen,
}

fn failed_accept(error: &io::Error) -> FailedAccept {
    match error.kind() {
        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => FailedAccept::NextMayDo,
        io::ErrorKind::WouldBlock | io::ErrorKind::InvalidInput => FailedAccept::Shut,
        _ => FailedAccept::Unseen,
    }
}

/// Lets this process have as many sockets as the system allows, up to what a run can need.
///
/// A limit that cannot be raised shows where a connection cannot be accepted.
pub fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(MOST_DESCRIPTORS, |most| most.min(MOST_DESCRIPTORS));
    if limit.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit });
    }
}

/// Reads what is there. A read that does not fill the buffer has emptied the socket, so that the
/// next one waits for the system to say that there is more, instead of asking in vain.
fn read_now(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut short = None;
    let full = stream.try_io(Interest::READABLE, || {
        match rustix::net::recv(stream, &mut *buffer, RecvFlags::DONTWAIT)? {
            (_, count) if count > 0 && count < buffer.len() => {
                short = Some(count);
                Err(io::ErrorKind::WouldBlock.into())
            }
            (_, count) => Ok(count),
        }
    });
    short.map_or(full, Ok)
}

/// A write that neither waits nor signals.
const NOW: rustix::net::SendFlags =
    rustix::net::SendFlags::DONTWAIT.union(rustix::net::SendFlags::NOSIGNAL);

/// As many descriptors as sixteen cases with the most connections that a plan allows.
const MOST_DESCRIPTORS: u64 = 1 << 17;

/// How long a listener that cannot accept leaves the case alone.
const BREATH: Duration = Duration::from_millis(20);

/// How often a connection is read when a run is interrupted: as much as the system may hold for
/// it, and not for ever where the sender goes on.
const MOST_READS: usize = 128;

/// As many connections as the system lets wait for us.
const BACKLOG: i32 = 1024;
