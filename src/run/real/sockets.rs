//! Connections: what is read from them and written to them.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use rustix::net::{RecvFlags, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::emr::{Handshake, Input};
use crate::history::{ConnectionId, End, Incarnation};
use crate::run::drive::Happening;
use crate::run::real::kin::holds_socket;
use crate::run::real::peer::socket_of;
use crate::run::real::tls::{Heard, Layer};
use crate::run::real::{Case, Stage};

/// One accepted connection.
pub(super) struct Line {
    stream: Rc<TcpStream>,
    reader: AbortHandle,
    /// Its TLS, if any was asked for.
    tls: Option<Layer>,
    /// The sender's side has ended and was read to its end.
    read_out: bool,
    hold: Rc<Hold>,
}

/// Whether a connection is read.
#[derive(Default)]
struct Hold {
    on: Cell<bool>,
    let_go: Notify,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Case {
    /// Takes an accepted connection in, and leaves what follows to the caller.
    pub(super) fn accepted(&self, endpoint: usize, stream: TcpStream) {
        if let Some((connection, incarnation)) = self.line(stream) {
            self.note(Happening::Emr(Input::Accepted { connection, endpoint, incarnation }));
        }
    }

    /// Connects to the port on which the sender takes acknowledgements.
    pub(super) fn call(&self, call: u32) {
        let address = (Ipv4Addr::LOCALHOST, self.0.stage.borrow().process.ack_port());
        let case = self.clone();
        let calling = async move {
            let connecting = tokio::time::timeout(CALL, TcpStream::connect(address));
            let stream = connecting.await.ok().and_then(Result::ok);
            let line = stream.and_then(|stream| case.line(stream));
            case.emr(match line {
                Some((connection, incarnation)) => Input::Called { call, connection, incarnation },
                None => Input::CallFailed { call },
            });
        };
        let task = tokio::task::spawn_local(calling).abort_handle();
        self.0.stage.borrow_mut().tasks.push(task);
    }

    /// Numbers a connection and begins to read it, unless there are too many.
    fn line(&self, stream: TcpStream) -> Option<(ConnectionId, Incarnation)> {
        let _ = stream.set_nodelay(true); // only the timing of small writes depends on it
        let mut stage = self.0.stage.borrow_mut();
        if stage.lines.len() >= self.0.connections {
            drop(stage);
            self.note(Happening::TooManyConnections);
            return None;
        }
        stage.accepted += 1;
        let id = stage.accepted;
        let incarnation = opened_by(&stage, &stream);
        let stream = Rc::new(stream);
        let hold = Rc::new(Hold::default());
        let reading = self.clone().read_all(id, Rc::clone(&stream), Rc::clone(&hold));
        let reader = tokio::task::spawn_local(reading).abort_handle();
        stage.lines.insert(id, Line { stream, reader, tls: None, read_out: false, hold });
        Some((id, incarnation))
    }

    async fn read_all(self, connection: ConnectionId, stream: Rc<TcpStream>, hold: Rc<Hold>) {
        while stream.readable().await.is_ok() {
            if hold.on.get() {
                self.hold(connection, &stream, &hold).await;
                continue;
            }
            let mut scratch = self.0.scratch.borrow_mut();
            match read_now(&stream, &mut scratch) {
                Ok(0) => {
                    let how = self.without_notice(connection);
                    return self.read_out(connection, how, scratch);
                }
                Ok(count) => {
                    let then = self.arrived(connection, &scratch[..count]);
                    if then == Then::Ended {
                        return self.read_out(connection, End::Close, scratch);
                    }
                    drop(scratch);
                    self.pump();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.read_out(connection, End::Reset, scratch),
            }
        }
    }

    /// Leaves unread what has come, until it may be read.
    async fn hold(&self, connection: ConnectionId, stream: &TcpStream, hold: &Hold) {
        let peeked = rustix::net::recv(stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        match peeked {
            Ok((1.., _)) => self.emr(Input::Held { connection }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                // Nothing has come after all.
                let would_block = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                let _ = stream.try_io(Interest::READABLE, would_block);
                return;
            }
            _ => {} // an end, which can wait as well
        }
        while hold.on.get() {
            hold.let_go.notified().await;
        }
    }

    /// Stops reading a connection, or goes on.
    pub(super) fn read(&self, connection: ConnectionId, on: bool) {
        let line = {
            let stage = self.0.stage.borrow();
            let line = stage.lines.get(&connection);
            line.map(|line| (Rc::clone(&line.stream), Rc::clone(&line.hold)))
        };
        let Some((stream, hold)) = line else {
            return;
        };
        hold.on.set(!on);
        let waiting = if on { rustix::io::ioctl_fionread(&*stream).unwrap_or(0) } else { 0 };
        self.note(Happening::Emr(Input::Reading { connection, on, waiting }));
        hold.let_go.notify_one();
    }

    /// Accepts and reads whatever the system has taken on our behalf by now, without waiting, and
    /// leaves what follows to the caller.
    pub(super) fn take_in_what_arrived(&self) {
        let endpoints = self.0.stage.borrow().endpoints.len();
        for endpoint in 0..endpoints {
            self.accept_waiting(endpoint);
        }
        let open: Vec<(ConnectionId, Rc<TcpStream>)> = {
            let stage = self.0.stage.borrow();
            // Of a connection that was accepted this very moment TLS has yet to be laid over.
            let readable =
                |line: &Line| !line.read_out && (line.tls.is_some() || self.0.authority.is_none());
            let unread = stage.lines.iter().filter(|(_, line)| readable(line));
            unread.map(|(&id, line)| (id, Rc::clone(&line.stream))).collect()
        };
        for (connection, stream) in open {
            self.read_what_arrived(connection, &stream);
        }
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
            self.arrived(connection, &scratch[..count]);
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

    /// Bytes of the wire have arrived: what they say is told.
    fn arrived(&self, connection: ConnectionId, bytes: &[u8]) -> Then {
        let heard = {
            let mut stage = self.0.stage.borrow_mut();
            let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
            layer.map(|layer| (layer.take(bytes), layer.take_outgoing()))
        };
        let Some((heard, out)) = heard else {
            self.note(Happening::Emr(Input::Received { connection, bytes }));
            return Then::MoreMayCome;
        };
        self.send_beside(connection, out);
        for heard in heard {
            let input = match &heard {
                Heard::Greeting => Input::Greeted { connection },
                Heard::Secured(secured) => Input::Secured { connection, secured: secured.clone() },
                Heard::Failed(failure) => Input::TlsFailed { connection, failure: failure.clone() },
                Heard::Bytes(bytes) => Input::Received { connection, bytes },
                Heard::Undecryptable(bytes) => Input::Undecryptable { connection, bytes: *bytes },
                Heard::Ended => return Then::Ended,
            };
            self.note(Happening::Emr(input));
        }
        Then::MoreMayCome
    }

    /// How a connection has ended whose sender ended it below TLS.
    fn without_notice(&self, connection: ConnectionId) -> End {
        let stage = self.0.stage.borrow();
        let layer = stage.lines.get(&connection).and_then(|line| line.tls.as_ref());
        if layer.is_some_and(Layer::is_secured) { End::Truncated } else { End::Close }
    }

    /// Lays TLS over a connection of which nothing was read yet.
    pub(super) fn secure(&self, connection: ConnectionId, handshake: &Handshake) {
        let issued = self.0.authority.as_ref().and_then(|authority| authority.issued().ok());
        let Some(Ok(layer)) = issued.map(|issued| Layer::new(issued, handshake)) else {
            return self.note(Happening::CannotAccept);
        };
        let mut stage = self.0.stage.borrow_mut();
        if let Some(line) = stage.lines.get_mut(&connection) {
            line.tls = Some(layer);
        }
    }

    /// Sends what belongs to TLS and to no reply.
    fn send_beside(&self, connection: ConnectionId, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let Some(stream) = self.stream(connection) else {
            return;
        };
        // A peer that is gone has no use for it.
        let taken = rustix::net::send(&*stream, &bytes, NOW).unwrap_or(0);
        if taken < bytes.len() {
            let task = tokio::task::spawn_local(async move {
                write_all(&stream, &bytes, taken).await;
            });
            self.0.stage.borrow_mut().tasks.push(task.abort_handle());
        }
    }

    pub(super) fn write(&self, connection: ConnectionId, bytes: Vec<u8>) {
        let stream = self.stream(connection);
        let sealed = {
            let mut stage = self.0.stage.borrow_mut();
            let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
            layer.map(|layer| layer.seal(&bytes))
        };
        if let Some((sealed, stream)) = sealed.zip(stream.clone()) {
            return self.write_sealed(connection, stream, bytes, sealed);
        }
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
        taken: usize,
    ) {
        let taken = write_all(&stream, &bytes, taken).await;
        let complete = taken == bytes.len();
        self.emr(Input::Wrote { connection, bytes: &bytes[..taken], complete });
    }

    /// Writes the bytes of the wire that say `bytes`. Of a message that the system did not take
    /// whole it cannot be said how much can be read.
    fn write_sealed(
        &self,
        connection: ConnectionId,
        stream: Rc<TcpStream>,
        bytes: Vec<u8>,
        sealed: Vec<u8>,
    ) {
        let taken = match rustix::net::send(&*stream, &sealed, NOW) {
            Ok(taken) => taken,
            Err(rustix::io::Errno::WOULDBLOCK) => 0,
            Err(_) => {
                let nothing = Input::Wrote { connection, bytes: &[], complete: false };
                return self.note(Happening::Emr(nothing));
            }
        };
        if taken == sealed.len() {
            let all = Input::Wrote { connection, bytes: &bytes, complete: true };
            return self.note(Happening::Emr(all));
        }
        let case = self.clone();
        let task = tokio::task::spawn_local(async move {
            let complete = write_all(&stream, &sealed, taken).await == sealed.len();
            let bytes = if complete { &bytes[..] } else { &[] };
            case.emr(Input::Wrote { connection, bytes, complete });
        });
        self.0.stage.borrow_mut().tasks.push(task.abort_handle());
    }

    pub(super) fn end(&self, connection: ConnectionId, how: End) {
        if matches!(how, End::Close | End::HalfClose) {
            let last = {
                let mut stage = self.0.stage.borrow_mut();
                let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
                layer.map(Layer::end)
            };
            self.send_beside(connection, last.unwrap_or_default());
        }
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

/// The life of the sender that has opened a connection; 0 if it is not known.
///
/// Of one life that is up everything is its own, since what an earlier one has sent is read to its
/// end before the next is started. Of two, the one is asked for whose process holds the socket.
fn opened_by(stage: &Stage, stream: &TcpStream) -> Incarnation {
    if !stage.drive.is_beside() {
        return stage.drive.incarnation();
    }
    let addresses = stream.peer_addr().ok().zip(stream.local_addr().ok());
    let socket = addresses.and_then(|(peer, own)| socket_of(peer, own));
    let lives = stage.process.all_sought();
    let holder = socket.and_then(|socket| {
        lives.iter().find(|(_, sought)| holds_socket(sought, socket)).map(|(life, _)| *life)
    });
    holder.unwrap_or(0)
}

/// Writes from `taken` on, as the system takes it; how much it has taken in the end.
async fn write_all(stream: &TcpStream, bytes: &[u8], mut taken: usize) -> usize {
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
    taken
}

/// Whether a connection may bring anything more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    MoreMayCome,
    Ended,
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

/// How long a call may wait to be taken.
const CALL: Duration = Duration::from_secs(1);

/// How often a connection is read when a run is interrupted: as much as the system may hold for
/// it, and not for ever where the sender goes on.
const MOST_READS: usize = 128;
