//! What is sent on a connection, piece after piece: the records of TLS must not run into each other,
//! and the last of them must be out before the end.
//!
//! A piece goes straight to the system, for that very moment is when it is due; only what the
//! system does not take at once waits, and whatever comes after waits behind it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use rustix::io::Errno;
use rustix::net::Shutdown;
use tokio::net::TcpStream;

use crate::emr::Input;
use crate::history::ConnectionId;
use crate::run::drive::Happening;
use crate::run::real::Case;

/// What waits for the system to take it, behind the piece that it is taking; none if it takes none.
#[derive(Default)]
pub(crate) struct Outbox(RefCell<Option<VecDeque<Piece>>>);

type Piece = (Vec<u8>, After);

/// What is done when a piece is out.
pub(crate) enum After {
    Nothing,
    /// Say that these bytes were written, for that is what the piece says.
    Wrote(Vec<u8>),
    /// End our side.
    Shut,
}

impl Case {
    /// Sends a piece behind those that were sent before. Of a piece that the system does not take
    /// whole it cannot be said how much can be read.
    pub(crate) fn send(&self, connection: ConnectionId, bytes: Vec<u8>, after: After) {
        if bytes.is_empty() && matches!(after, After::Nothing) {
            return;
        }
        let Some((stream, outbox)) = self.outbox(connection) else {
            return self.sent(connection, None, after, false);
        };
        if let Some(waiting) = outbox.0.borrow_mut().as_mut() {
            return waiting.push_back((bytes, after));
        }
        let taken = match rustix::net::send(&*stream, &bytes, NOW) {
            Ok(taken) => taken,
            Err(Errno::WOULDBLOCK) => 0,
            Err(_) => return self.sent(connection, Some(&stream), after, bytes.is_empty()),
        };
        if taken == bytes.len() {
            return self.sent(connection, Some(&stream), after, true);
        }
        *outbox.0.borrow_mut() = Some(VecDeque::new());
        let case = self.clone();
        let task = tokio::task::spawn_local(async move {
            let mut next = Some((bytes, after, taken));
            while let Some((bytes, after, taken)) = next {
                let complete = write_all(&stream, &bytes, taken).await == bytes.len();
                case.sent(connection, Some(&stream), after, complete);
                next = outbox.next().map(|(bytes, after)| (bytes, after, 0));
                case.pump();
            }
        });
        self.0.stage.borrow_mut().begin(task.abort_handle());
    }

    fn sent(
        &self,
        connection: ConnectionId,
        stream: Option<&Rc<TcpStream>>,
        after: After,
        complete: bool,
    ) {
        match after {
            After::Nothing => {}
            After::Wrote(bytes) => {
                let bytes = if complete { &bytes[..] } else { &[] };
                self.note(Happening::Emr(Input::Wrote { connection, bytes, complete }));
            }
            After::Shut => {
                if let Some(stream) = stream {
                    let _ = rustix::net::shutdown(&**stream, Shutdown::Write);
                }
            }
        }
    }
}

impl Outbox {
    /// The next piece; if there is none, nothing waits any more.
    fn next(&self) -> Option<Piece> {
        let mut waiting = self.0.borrow_mut();
        let next = waiting.as_mut().and_then(VecDeque::pop_front);
        if next.is_none() {
            *waiting = None;
        }
        next
    }
}

/// Writes from `taken` on, as the system takes it; how much it has taken in the end.
pub(crate) async fn write_all(stream: &TcpStream, bytes: &[u8], mut taken: usize) -> usize {
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

/// A write that neither waits nor signals.
pub(crate) const NOW: rustix::net::SendFlags =
    rustix::net::SendFlags::DONTWAIT.union(rustix::net::SendFlags::NOSIGNAL);
