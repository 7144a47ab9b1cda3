//! A plain client: a socket, a clock, and what the system says. It knows nothing of the program.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How a connection ended, as the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// `read` returned 0.
    Eof,
    /// ECONNRESET.
    Reset,
}

/// One connection and what was read from it.
pub(crate) struct Client {
    stream: TcpStream,
    /// How long anything is waited for.
    within: Duration,
    /// What times are counted from: the sending of the last message, or the connecting.
    since: Instant,
    /// Every byte with the time at which it was read.
    pub(crate) bytes: Vec<(Duration, u8)>,
    /// How and when it ended.
    pub(crate) ended: Option<(Duration, Ended)>,
}

impl Client {
    /// Connects within this time, or says what the system said; a read waits as long.
    pub(crate) fn connect(address: SocketAddr, within: Duration) -> Result<Self, ErrorKind> {
        let since = Instant::now();
        let stream = TcpStream::connect_timeout(&address, within).map_err(|error| error.kind())?;
        let _ = stream.set_nodelay(true); // nothing can be set once it was reset
        let _ = stream.set_read_timeout(Some(within));
        let _ = stream.set_write_timeout(Some(within));
        Ok(Self { stream, within, since, bytes: Vec::new(), ended: None })
    }

    /// Writes; that a peer has gone is found out by reading.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.since = Instant::now();
        let _ = self.stream.write_all(bytes);
    }

    /// Reads once more, unless it has ended.
    pub(crate) fn read(&mut self) -> Result<(), String> {
        let mut buffer = vec![0; 1 << 16];
        let read = self.stream.read(&mut buffer);
        let at = self.since.elapsed();
        match read {
            Ok(0) => self.ended = Some((at, Ended::Eof)),
            Ok(count) => self.bytes.extend(buffer[..count].iter().map(|byte| (at, *byte))),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.ended = Some((at, Ended::Reset));
            }
            Err(error) => return Err(format!("after {at:?}: {error}")),
        }
        Ok(())
    }

    /// Writes until the system takes no more for a while; whether it came to that before `most`.
    pub(crate) fn stuffs(&mut self, most: usize) -> bool {
        self.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        let block = vec![b'x'; 1 << 16];
        let mut written = 0;
        while written < most {
            match self.stream.write(&block) {
                Ok(count) => written += count,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Says that nothing more will be written.
    pub(crate) fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Writes for a while, and says whether the system of the other side took every byte without a
    /// reset.
    pub(crate) fn is_heard(&mut self, bytes: &[u8]) -> bool {
        let (begun, until) = (Instant::now(), Instant::now() + BOUND);
        while Instant::now() < until {
            if self.stream.write_all(bytes).is_err() {
                return false;
            }
            match self.settled(until) {
                Some(true) if begun.elapsed() < A_WHILE => std::thread::sleep(PACE),
                settled => return settled == Some(true),
            }
        }
        false
    }

    /// Whether all that was written is acknowledged without a reset; nothing if neither comes.
    fn settled(&self, until: Instant) -> Option<bool> {
        while Instant::now() < until {
            match unacknowledged(&self.stream) {
                Some(0) => return Some(self.stream.take_error().unwrap().is_none()),
                Some(_) => std::thread::sleep(Duration::from_millis(2)),
                None => return Some(false), // the system has forgotten it: it was reset
            }
        }
        None
    }

    /// Writes again and again, and says whether the system refuses it in the end.
    pub(crate) fn is_refused(&mut self, bytes: &[u8]) -> bool {
        let until = Instant::now() + self.within;
        while Instant::now() < until {
            match self.stream.write_all(bytes).map_err(|error| error.kind()) {
                Ok(()) => std::thread::sleep(PACE),
                Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => return true,
                Err(_) => return false,
            }
        }
        false
    }
}

/// How many written bytes the system of the other side has not acknowledged, by /proc/net/tcp.
fn unacknowledged(stream: &TcpStream) -> Option<u64> {
    let (own, peer) = (stream.local_addr().unwrap().port(), stream.peer_addr().ok()?.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = |field: &str| u16::from_str_radix(field.split_once(':').unwrap().1, 16).unwrap();
        let is_it = (port(fields[1]), port(fields[2])) == (own, peer);
        is_it.then(|| u64::from_str_radix(fields[4].split_once(':').unwrap().0, 16).unwrap())
    })
}

/// How long anything may take before it counts as never.
pub(crate) const BOUND: Duration = Duration::from_secs(40);

/// For how long a connection is written to that should stay.
const A_WHILE: Duration = Duration::from_secs(2);

/// How long such a client takes from one message to the next: it is no flood.
const PACE: Duration = Duration::from_millis(10);
