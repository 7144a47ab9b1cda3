//! One real connection of the sender: opened, read and written without blocking.
//!
//! Reads ask the kernel itself, not the runtime's memory of what the kernel said, so that bytes
//! which arrived while the process was paused are seen before any timer is believed.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::sender::machine::{Input, Link};

/// A connection that is open or being opened.
pub(super) struct Socket {
    link: Link,
    state: State,
    unsent: Vec<u8>,
    /// Whether a byte of the last write has left.
    begun: bool,
}

enum State {
    Opening(Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>),
    Open(TcpStream),
    /// Its end was told to the machine.
    Over,
}

impl Socket {
    /// Begins to connect to `endpoint`, a host and port.
    pub(super) fn open(link: Link, endpoint: String) -> Self {
        let connecting = Box::pin(TcpStream::connect(endpoint));
        Self { link, state: State::Opening(connecting), unsent: Vec::new(), begun: false }
    }

    /// Waits until there may be something to do; for ever if it is over.
    pub(super) async fn ready(&mut self) -> Option<Input> {
        match &mut self.state {
            State::Opening(connecting) => match connecting.await {
                Ok(stream) => {
                    // A message is one write; there is nothing to gather.
                    let _ = stream.set_nodelay(true);
                    self.state = State::Open(stream);
                    Some(Input::Connected(self.link))
                }
                Err(_) => {
                    self.state = State::Over;
                    Some(Input::Refused(self.link))
                }
            },
            State::Open(stream) => {
                let interest = if self.unsent.is_empty() {
                    Interest::READABLE
                } else {
                    Interest::READABLE | Interest::WRITABLE
                };
                let _ = stream.ready(interest).await;
                None
            }
            State::Over => std::future::pending().await,
        }
    }

    /// Everything that can be read now.
    pub(super) fn drain(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while let State::Open(stream) = &self.state {
            match recv(stream, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) => self.over(&mut inputs, Input::Ended(self.link)),
                Ok((length, _)) => {
                    inputs.push(Input::Received(self.link, buffer[..length].to_vec()));
                }
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => {
                    forget_readiness(stream, Interest::READABLE);
                    break;
                }
                Err(_) => self.over(&mut inputs, Input::Reset(self.link)),
            }
        }
        inputs
    }

    /// Takes `bytes` to write; [`Socket::flush`] writes them.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.begun = !self.unsent.is_empty();
        self.unsent.extend_from_slice(bytes);
    }

    /// Writes what can be written now.
    pub(super) fn flush(&mut self) -> Option<Input> {
        while !self.unsent.is_empty() {
            let State::Open(stream) = &self.state else { return None };
            match send(stream, &self.unsent, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(length) => {
                    self.begun = true;
                    self.unsent.drain(..length);
                }
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => {
                    forget_readiness(stream, Interest::WRITABLE);
                    return None;
                }
                Err(_) => {
                    let mut inputs = Vec::new();
                    self.over(&mut inputs, Input::Reset(self.link));
                    return inputs.pop();
                }
            }
        }
        None
    }

    fn over(&mut self, inputs: &mut Vec<Input>, how: Input) {
        self.state = State::Over;
        // Not one byte of what was to be written has left: that is no attempt.
        let free = !self.unsent.is_empty() && !self.begun;
        inputs.push(if free { Input::Refused(self.link) } else { how });
    }
}

/// Tells the runtime that the kernel has nothing more, so that it waits for the kernel again.
fn forget_readiness(stream: &TcpStream, interest: Interest) {
    let nothing = || -> io::Result<()> { Err(ErrorKind::WouldBlock.into()) };
    let _ = stream.try_io(interest, nothing);
}
