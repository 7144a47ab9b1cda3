//! Listeners: how an endpoint meets those who connect.
//!
//! Every endpoint keeps its port while it does not listen, so that a refusal is a refusal and
//! the port is still ours afterwards. A full door is a listener whose short queue is taken up by
//! connections of our own: the system drops whatever else wants to connect, as a firewall does.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, sockopt};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::emr::{Door, Input};
use crate::run::drive::Happening;
use crate::run::real::Case;

/// One address that the EMR listens on.
pub(crate) struct Endpoint {
    address: SocketAddr,
    /// Bound and never listening: it keeps the port while nobody listens.
    _guard: OwnedFd,
    /// How much the system may take in for a connection that is not read, if it is to be little.
    receive_buffer: Option<usize>,
    door: Door,
    listener: Option<Rc<Listener>>,
    /// Accepts, or tries a full door from outside.
    task: Option<AbortHandle>,
    /// Rings when an unattended door is attended again.
    attended: Rc<Notify>,
    /// Connections of our own that are not accepted yet.
    own: Vec<TcpStream>,
}

/// A listening socket. The runtime's own listener does not say that somebody waits without
/// accepting him; its stream lends the readiness of any socket.
type Listener = TcpStream;

impl Endpoint {
    /// Takes the port and does not listen yet.
    pub(crate) fn bind(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<Self> {
        if address.port() != 0 {
            // Our own two sockets share the port; a stranger's must not, or he would take half
            // of the connections. Who cannot bind alone is not alone.
            drop(socket(address, Sharing::Alone)?);
        }
        let guard = socket(address, Sharing::WithOurOwn)?;
        let bound = rustix::net::getsockname(&guard)?;
        Ok(Self {
            address: SocketAddr::try_from(bound)?,
            _guard: guard,
            receive_buffer,
            door: Door::Shut,
            listener: None,
            task: None,
            attended: Rc::default(),
            own: Vec::new(),
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    const fn listens(&self) -> bool {
        matches!(self.door, Door::Open | Door::Unattended)
    }

    fn open(&mut self, backlog: i32) -> io::Result<Rc<Listener>> {
        let socket = socket(self.address, Sharing::WithOurOwn)?;
        if let Some(size) = self.receive_buffer {
            // Connections inherit it; once a connection stands, its window does not shrink.
            sockopt::set_socket_recv_buffer_size(&socket, size)?;
        }
        listen(&socket, backlog)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        let listener = Rc::new(TcpStream::from_std(socket.into())?);
        self.listener = Some(Rc::clone(&listener));
        Ok(listener)
    }

    fn shut(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        if let Some(listener) = self.listener.take() {
            // The task lets go of it later; nobody must get through until then.
            let _ = rustix::net::shutdown(&*listener, rustix::net::Shutdown::Both);
        }
        self.own.clear();
        self.door = Door::Shut;
    }

    /// Connects to the endpoint itself: takes up one place of the queue before it.
    fn connect_itself(&mut self) -> io::Result<()> {
        let family =
            if self.address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &self.address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        self.own.push(TcpStream::from_std(socket.into())?);
        Ok(())
    }

    fn is_own(&self, stream: &TcpStream) -> bool {
        let Ok(peer) = stream.peer_addr() else {
            return false;
        };
        self.own.iter().any(|own| own.local_addr().is_ok_and(|address| address == peer))
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

fn socket(address: SocketAddr, sharing: Sharing) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, sharing == Sharing::WithOurOwn)?;
    bind(&socket, &address)?;
    Ok(socket)
}

impl Case {
    /// Meets those who connect to an endpoint in another way.
    pub(crate) fn listen(&self, endpoint: usize, door: Door) {
        match door {
            Door::Open | Door::Unattended => self.open(endpoint, door),
            Door::Shut | Door::Full => self.close_door(endpoint, door),
        }
    }

    fn open(&self, endpoint: usize, door: Door) {
        let (listened, attended) = {
            let mut stage = self.0.stage.borrow_mut();
            let place = &mut stage.endpoints[endpoint];
            let listened = place.listens();
            if listened {
                place.door = door;
            }
            (listened, Rc::clone(&place.attended))
        };
        if listened {
            if door == Door::Open {
                self.accept_waiting(endpoint);
                attended.notify_one();
            }
            return;
        }
        self.accept_queue(endpoint); // who slipped into the queue of a full door
        let mut stage = self.0.stage.borrow_mut();
        let place = &mut stage.endpoints[endpoint];
        place.shut();
        let listener = match place.open(BACKLOG) {
            Ok(listener) => listener,
            Err(error) => {
                drop(stage);
                // The sender can do nothing about it.
                let why = format!("the listener could not be opened again: {error}");
                return self.note(Happening::CannotAccept(why));
            }
        };
        place.door = door;
        let task = tokio::task::spawn_local(self.clone().attend(endpoint, listener, attended));
        place.task = Some(task.abort_handle());
        drop(stage);
        self.note(Happening::Emr(Input::Listening { endpoint, up: true }));
    }

    fn close_door(&self, endpoint: usize, door: Door) {
        self.accept_queue(endpoint);
        let (address, listened) = {
            let mut stage = self.0.stage.borrow_mut();
            let place = &mut stage.endpoints[endpoint];
            let listened = place.listens();
            place.shut();
            place.door = door;
            if door == Door::Full && place.open(0).is_ok() {
                // Without an end of our own in it, the first of the sender's would get through.
                let _ = place.connect_itself();
                let task = tokio::task::spawn_local(self.clone().meet_silence(endpoint));
                place.task = Some(task.abort_handle());
            }
            (place.address, listened)
        };
        if listened {
            self.note(Happening::Emr(Input::Listening { endpoint, up: false }));
        }
        if door == Door::Shut {
            let probe = std::net::TcpStream::connect_timeout(&address, SILENCE);
            if probe.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
                self.note(Happening::Emr(Input::RefusalSeen { endpoint }));
            }
        }
    }

    /// Connects in another client's name; accepting it says that it has come.
    pub(crate) fn visit(&self, endpoint: usize) {
        let made = self.0.stage.borrow_mut().endpoints[endpoint].connect_itself();
        if made.is_err() {
            self.note(Happening::Emr(Input::Visited { endpoint, accepted: false }));
        }
    }

    /// A connection of our own was accepted: it has done what it was made for.
    fn let_in_own(&self, endpoint: usize, stream: &TcpStream) {
        let is_open = {
            let mut stage = self.0.stage.borrow_mut();
            let place = &mut stage.endpoints[endpoint];
            let peer = stream.peer_addr().ok();
            place.own.retain(|own| own.local_addr().ok() != peer);
            place.door == Door::Open
        };
        if is_open {
            self.note(Happening::Emr(Input::Visited { endpoint, accepted: true }));
        }
    }

    /// Connects to a full door until a connect gets no answer: then nobody does.
    async fn meet_silence(self, endpoint: usize) {
        let address = self.0.stage.borrow().endpoints[endpoint].address;
        for _ in 0..MOST_OWN {
            match tokio::time::timeout(SILENCE, TcpStream::connect(address)).await {
                Err(_) => return self.emr(Input::SilenceSeen { endpoint, waited: SILENCE }),
                Ok(Ok(stream)) => self.0.stage.borrow_mut().endpoints[endpoint].own.push(stream),
                Ok(Err(_)) => return, // an answer of some kind: the door is not full
            }
        }
    }

    /// Accepts whoever comes, as long as the door is attended.
    async fn attend(self, endpoint: usize, listener: Rc<Listener>, attended: Rc<Notify>) {
        while listener.readable().await.is_ok() {
            if self.0.stage.borrow().endpoints[endpoint].door == Door::Unattended {
                if !is_readable(&listener) {
                    nobody_waits(&listener);
                    continue;
                }
                self.emr(Input::Waiting { endpoint });
                while self.0.stage.borrow().endpoints[endpoint].door == Door::Unattended {
                    attended.notified().await;
                }
                continue;
            }
            let accepted = self.accept_waiting(endpoint);
            if accepted == Accepting::Drained {
                nobody_waits(&listener);
            }
            self.pump();
            match accepted {
                Accepting::Drained => {}
                Accepting::Shut => return,
                Accepting::Unseen => tokio::time::sleep(BREATH).await,
            }
        }
    }

    /// Accepts whatever the system has taken on our behalf, without waiting, and leaves what
    /// follows to the caller.
    pub(crate) fn accept_waiting(&self, endpoint: usize) -> Accepting {
        if self.0.stage.borrow().endpoints[endpoint].door == Door::Full {
            return Accepting::Drained; // it would no longer be full
        }
        self.accept_queue(endpoint)
    }

    fn accept_queue(&self, endpoint: usize) -> Accepting {
        let listener = self.0.stage.borrow().endpoints[endpoint].listener.clone();
        let Some(listener) = listener else {
            return Accepting::Shut;
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        loop {
            let accepted = rustix::net::accept_with(&*listener, flags).map_err(io::Error::from);
            match accepted.and_then(|socket| TcpStream::from_std(socket.into())) {
                Ok(stream) if self.0.stage.borrow().endpoints[endpoint].is_own(&stream) => {
                    self.let_in_own(endpoint, &stream);
                }
                Ok(stream) => self.accepted(endpoint, stream),
                Err(error) => match error.kind() {
                    // It is gone already: the next one may do.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Accepting::Drained,
                    io::ErrorKind::InvalidInput => return Accepting::Shut,
                    _ => {
                        let why = format!("a connection could not be accepted: {error}");
                        self.note(Happening::CannotAccept(why));
                        return Accepting::Unseen;
                    }
                },
            }
        }
    }
}

/// How it ended to accept whoever had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepting {
    /// Nobody else waits.
    Drained,
    /// Nobody listens any more.
    Shut,
    /// Somebody is there, and what he sends is not seen: out of descriptors or memory.
    Unseen,
}

/// The runtime forgets that somebody waited, until the system says so again.
fn nobody_waits(listener: &Listener) {
    let would_block = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
    let _ = listener.try_io(Interest::READABLE, would_block);
}

/// Whether there is a connection to be accepted.
fn is_readable(listener: &Listener) -> bool {
    let mut wanted = [PollFd::new(listener, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut wanted, Some(&now)).is_ok_and(|count| count > 0)
}

/// How long a listener that cannot accept leaves the case alone.
const BREATH: Duration = Duration::from_millis(20);

/// How long a connect of our own waits for an answer before there is none. Over loopback the
/// system answers at once, if it answers at all.
const SILENCE: Duration = Duration::from_millis(200);

/// How many connections of our own a full door takes at the most; its queue has room for one.
const MOST_OWN: usize = 8;

/// As many connections as the system lets wait for us.
const BACKLOG: i32 = 1024;
