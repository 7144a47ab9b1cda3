//! Listeners and connections.
//!
//! Every listener keeps its port while it does not listen, so that a refusal is a refusal and
//! the port is still ours afterwards.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, listen, sockopt};
use tokio::io::unix::AsyncFd;
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
    listener: Option<Rc<AsyncFd<TcpListener>>>,
    acceptor: Option<AbortHandle>,
}

impl Endpoint {
    /// Takes the port and does not listen yet.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let guard = socket(address)?;
        let bound = rustix::net::getsockname(&guard)?;
        let address = SocketAddr::try_from(bound)?;
        Ok(Self { address, _guard: guard, listener: None, acceptor: None })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn open(&mut self) -> io::Result<Rc<AsyncFd<TcpListener>>> {
        let socket = socket(self.address)?;
        listen(&socket, BACKLOG)?;
        let listener = TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        let listener = Rc::new(AsyncFd::new(listener)?);
        self.listener = Some(Rc::clone(&listener));
        Ok(listener)
    }

    fn shut(&mut self) {
        self.listener = None;
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

fn socket(address: SocketAddr) -> io::Result<rustix::fd::OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(
        family,
        SocketType::STREAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket)
}

/// One accepted connection.
pub(super) struct Line {
    stream: Rc<AsyncFd<TcpStream>>,
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
        let probe = TcpStream::connect_timeout(&address, Duration::from_millis(200));
        if probe.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            self.note(Happening::Emr(Input::RefusalSeen { endpoint }));
        }
    }

    async fn accept_all(self, endpoint: usize, listener: Rc<AsyncFd<TcpListener>>) {
        loop {
            let Ok(mut ready) = listener.readable().await else {
                return;
            };
            match listener.get_ref().accept() {
                Ok((stream, _)) => self.accepted(endpoint, stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Accepts whatever the system has taken on our behalf, without waiting.
    pub(super) fn accept_waiting(&self, endpoint: usize) {
        let listener = self.0.stage.borrow().endpoints[endpoint].listener.clone();
        while let Some(Ok((stream, _))) = listener.as_ref().map(|one| one.get_ref().accept()) {
            self.accepted(endpoint, stream);
        }
    }

    fn accepted(&self, endpoint: usize, stream: TcpStream) {
        let prepared = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
        let Ok(stream) = prepared.and_then(|()| AsyncFd::new(stream)) else {
            return;
        };
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

    async fn read_all(self, connection: ConnectionId, stream: Rc<AsyncFd<TcpStream>>) {
        loop {
            let Ok(mut ready) = stream.readable().await else {
                return;
            };
            let mut scratch = self.0.scratch.borrow_mut();
            match stream.get_ref().read(&mut scratch) {
                Ok(0) => break self.read_out(connection, End::Close, scratch),
                Ok(count) => {
                    let input = Input::Received { connection, bytes: &scratch[..count] };
                    self.note(Happening::Emr(input));
                    drop(scratch);
                    self.pump();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break self.read_out(connection, End::Reset, scratch),
            }
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
        let taken = match stream.as_ref().map(|stream| stream.get_ref().write(&bytes)) {
            Some(Ok(taken)) => taken,
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => 0,
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
        stream: Rc<AsyncFd<TcpStream>>,
        bytes: Vec<u8>,
        mut taken: usize,
    ) {
        while taken < bytes.len() {
            let Ok(mut ready) = stream.writable().await else {
                break;
            };
            match stream.get_ref().write(&bytes[taken..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(_) => break,
            }
        }
        let complete = taken == bytes.len();
        self.emr(Input::Wrote { connection, bytes: &bytes[..taken], complete });
    }

    pub(super) fn end(&self, connection: ConnectionId, how: End) {
        if let Some(stream) = self.stream(connection) {
            if how == End::Reset {
                // Without a lingering close the system sends a reset instead of an end.
                let _ = sockopt::set_socket_linger(stream.get_ref(), Some(Duration::ZERO));
            } else {
                let _ = stream.get_ref().shutdown(Shutdown::Write);
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

    fn stream(&self, connection: ConnectionId) -> Option<Rc<AsyncFd<TcpStream>>> {
        self.0.stage.borrow().lines.get(&connection).map(|line| Rc::clone(&line.stream))
    }
}

/// As many connections as the system lets wait for us.
const BACKLOG: i32 = 1024;
