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
use crate::run::real::descendants::holds_socket;
use crate::run::real::tls::connection::{Heard, Layer};
use crate::run::real::wire::outbox::{After, NOW, Outbox, write_all};
use crate::run::real::wire::peer::socket_of;
use crate::run::real::{Case, Stage};

/// One accepted connection.
pub(crate) struct Line {
    stream: Rc<TcpStream>,
    reader: AbortHandle,
    /// Its TLS, if any was asked for.
    tls: Option<Layer>,
    /// What is to be sent under TLS, in its order.
    outbox: Rc<Outbox>,
    /// TLS is to be laid over it before anything of it is read.
    to_be_secured: bool,
    /// The sender has ended its side; below TLS there may be more.
    ended: bool,
    /// It was read to its end.
    read_out: bool,
    /// We have ended our side.
    done: bool,
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
    pub(crate) fn accepted(&self, endpoint: usize, stream: TcpStream) {
        if let Some((connection, incarnation)) = self.line(stream, self.0.authority.is_some()) {
            self.note(Happening::Emr(Input::Accepted { connection, endpoint, incarnation }));
        }
    }

    /// Connects to the port on which the sender takes acknowledgements.
    pub(crate) fn call(&self, call: u32) {
        let address = (Ipv4Addr::LOCALHOST, self.0.stage.borrow().process.ack_port());
        let case = self.clone();
        let calling = async move {
            let connecting = tokio::time::timeout(CALL, TcpStream::connect(address));
            let stream = connecting.await.ok().and_then(Result::ok);
            let line = stream.and_then(|stream| case.line(stream, false));
            case.emr(match line {
                Some((connection, incarnation)) => Input::Called { call, connection, incarnation },
                None => Input::CallFailed { call },
            });
        };
        let task = tokio::task::spawn_local(calling).abort_handle();
        self.0.stage.borrow_mut().begin(task);
    }

    /// Numbers a connection and begins to read it, unless there are too many.
    fn line(&self, stream: TcpStream, to_be_secured: bool) -> Option<(ConnectionId, Incarnation)> {
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
        self.met(id, &stream);
        let stream = Rc::new(stream);
        let hold = Rc::new(Hold::default());
        let reading = self.clone().read_all(id, Rc::clone(&stream), Rc::clone(&hold));
        let reader = tokio::task::spawn_local(reading).abort_handle();
        let (tls, outbox) = (None, Rc::default());
        let (ended, read_out, done) = (false, false, false);
        let line = Line { stream, reader, tls, outbox, to_be_secured, ended, read_out, done, hold };
        stage.lines.insert(id, line);
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
                    self.arrived(connection, &scratch[..count]);
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
    pub(crate) fn read(&self, connection: ConnectionId, on: bool) {
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
    pub(crate) fn take_in_what_arrived(&self) {
        self.accept_all_waiting();
        let (fresh, open): (Vec<_>, Vec<_>) = {
            let stage = self.0.stage.borrow();
            let unread = stage.lines.iter().filter(|(_, line)| !line.read_out);
            let of = |(&id, line): (&ConnectionId, &Line)| {
                (id, Rc::clone(&line.stream), line.to_be_secured)
            };
            unread.map(of).partition(|(_, _, to_be_secured)| *to_be_secured)
        };
        for (connection, stream, _) in open {
            self.read_what_arrived(connection, &stream);
            self.tell_rest(connection);
        }
        if !fresh.is_empty() {
            // They are read when TLS was laid over them.
            self.0.stage.borrow_mut().drive.drain_again();
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
        let left = rustix::io::ioctl_fionread(stream).unwrap_or(0);
        if left > 0 {
            self.note(Happening::Emr(Input::LeftUnread { connection, bytes: left }));
        }
    }

    /// Tells what nobody can read of a connection that brings nothing more.
    fn tell_rest(&self, connection: ConnectionId) {
        let rest = {
            let mut stage = self.0.stage.borrow_mut();
            let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
            layer.and_then(Layer::rest)
        };
        if let Some(bytes) = rest {
            self.note(Happening::Emr(Input::Undecryptable { connection, bytes }));
        }
    }

    fn read_out(
        &self,
        connection: ConnectionId,
        how: End,
        scratch: std::cell::RefMut<'_, Vec<u8>>,
    ) {
        drop(scratch);
        self.tell_rest(connection);
        let told = {
            let mut stage = self.0.stage.borrow_mut();
            let line = stage.lines.get_mut(&connection);
            let told = line.as_ref().is_some_and(|line| line.ended);
            let over = line.map(|line| {
                (line.ended, line.read_out) = (true, true);
                line.done
            });
            if how == End::Reset || over == Some(true) {
                stage.lines.remove(&connection);
            }
            told
        };
        if told {
            return self.pump();
        }
        self.emr(Input::Ended { connection, how });
    }

    /// The sender has ended its TLS, and may say more that nobody reads.
    fn ended(&self, connection: ConnectionId) {
        if let Some(line) = self.0.stage.borrow_mut().lines.get_mut(&connection) {
            line.ended = true;
        }
        self.note(Happening::Emr(Input::Ended { connection, how: End::Close }));
    }

    /// Bytes of the wire have arrived: what they say is told.
    fn arrived(&self, connection: ConnectionId, bytes: &[u8]) {
        let heard = {
            let mut stage = self.0.stage.borrow_mut();
            let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
            layer.map(|layer| (layer.take(bytes), layer.take_outgoing()))
        };
        let Some((heard, out)) = heard else {
            return self.note(Happening::Emr(Input::Received { connection, bytes }));
        };
        self.send(connection, out, After::Nothing);
        for heard in heard {
            let input = match &heard {
                Heard::Greeting => Input::Greeted { connection },
                Heard::Secured(secured) => Input::Secured { connection, secured: secured.clone() },
                Heard::Failed(failure) => Input::TlsFailed { connection, failure: failure.clone() },
                Heard::Bytes(bytes) => Input::Received { connection, bytes },
                Heard::Ahead => Input::WroteAhead { connection },
                Heard::Clear => Input::WroteInTheClear { connection },
                Heard::Undecryptable(bytes) => Input::Undecryptable { connection, bytes: *bytes },
                Heard::Ended => {
                    self.ended(connection);
                    continue;
                }
            };
            self.note(Happening::Emr(input));
        }
    }

    /// How a connection has ended whose sender ended it below TLS.
    fn without_notice(&self, connection: ConnectionId) -> End {
        let stage = self.0.stage.borrow();
        let layer = stage.lines.get(&connection).and_then(|line| line.tls.as_ref());
        if layer.is_some_and(Layer::is_secured) { End::Truncated } else { End::Close }
    }

    /// Lays TLS over a connection of which nothing was read yet.
    pub(crate) fn secure(&self, connection: ConnectionId, handshake: &Handshake) {
        if let Some(line) = self.0.stage.borrow_mut().lines.get_mut(&connection) {
            line.to_be_secured = false;
        }
        let issued = self.0.authority.as_ref().and_then(|authority| authority.issued().ok());
        let Some(Ok(layer)) = issued.map(|issued| Layer::new(issued, handshake)) else {
            let why = "TLS could not be laid over a connection".to_owned();
            return self.note(Happening::CannotAccept(why));
        };
        let mut stage = self.0.stage.borrow_mut();
        if let Some(line) = stage.lines.get_mut(&connection) {
            line.tls = Some(layer);
        }
    }

    pub(crate) fn write(&self, connection: ConnectionId, bytes: Vec<u8>) {
        let stream = self.stream(connection);
        let sealed = {
            let mut stage = self.0.stage.borrow_mut();
            let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
            layer.map(|layer| layer.seal(&bytes))
        };
        if let Some(sealed) = sealed {
            return self.send(connection, sealed, After::Wrote(bytes));
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
            self.0.stage.borrow_mut().begin(task.abort_handle());
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

    pub(crate) fn end(&self, connection: ConnectionId, how: End) {
        if matches!(how, End::Close | End::HalfClose) {
            let last = {
                let mut stage = self.0.stage.borrow_mut();
                let layer = stage.lines.get_mut(&connection).and_then(|line| line.tls.as_mut());
                layer.map(Layer::end)
            };
            self.send(connection, last.unwrap_or_default(), After::Nothing);
        }
        if let Some(stream) = self.stream(connection) {
            if how == End::Reset {
                // What has arrived is recorded before the system throws it away.
                self.read_what_arrived(connection, &stream);
                self.tell_rest(connection);
                // Sends the reset now: a socket that is merely dropped sends it when the last of
                // its readers and writers is gone, and only if it does not linger.
                let _ = sockopt::set_socket_linger(&*stream, Some(Duration::ZERO));
                let _ = rustix::net::connect_unspec(&*stream);
            } else {
                self.send(connection, Vec::new(), After::Shut);
            }
        }
        let mut stage = self.0.stage.borrow_mut();
        let over = stage.lines.get_mut(&connection).is_some_and(|line| {
            line.done |= how != End::HalfClose;
            line.read_out
        });
        if how == End::Reset || over {
            stage.lines.remove(&connection);
        }
        drop(stage);
        self.note(Happening::Emr(Input::EndDone { connection, how }));
    }

    /// Where what is sent on a connection waits, if it is there.
    pub(crate) fn outbox(&self, connection: ConnectionId) -> Option<(Rc<TcpStream>, Rc<Outbox>)> {
        let stage = self.0.stage.borrow();
        let line = stage.lines.get(&connection)?;
        Some((Rc::clone(&line.stream), Rc::clone(&line.outbox)))
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

/// As many descriptors as sixteen cases with the most connections that a plan allows.
const MOST_DESCRIPTORS: u64 = 1 << 17;

/// How long a call may wait to be taken.
const CALL: Duration = Duration::from_secs(1);

/// How often a connection is read at its end: as much as the system may hold for it, and not for
/// ever where the sender goes on.
const MOST_READS: usize = 128;
