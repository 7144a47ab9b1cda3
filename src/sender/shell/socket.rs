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
use crate::sender::shell::tls::{Heard, Layer, Trust};

/// A connection that is open or being opened.
pub(crate) struct Socket {
    link: Link,
    state: State,
    tls: Option<Layer>,
    /// Where a broken sender goes on in the clear.
    fallback: Option<String>,
    unsent: Vec<u8>,
    /// Whether a byte of the last write has left.
    begun: bool,
    /// Why it could not be made, if so.
    why: Option<ErrorKind>,
}

enum State {
    Opening(Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>),
    /// In the handshake of TLS.
    Shaking(TcpStream),
    Open(TcpStream),
    /// Its end was told to the machine.
    Over,
}

impl Socket {
    /// Begins to connect to `endpoint`, a host and port; under TLS, if there is something to trust.
    pub(crate) fn open(link: Link, endpoint: &str, trust: Option<&Trust>) -> Self {
        let layer = trust.map(|trust| trust.begin(endpoint)).transpose();
        let fallback = trust.filter(|trust| trust.falls_back()).map(|_| endpoint.to_owned());
        let (state, tls) = match layer {
            Ok(tls) => (connect(endpoint.to_owned()), tls),
            Err(error) => {
                let never = std::future::ready(Err(io::Error::other(error)));
                (State::Opening(Box::pin(never)), None)
            }
        };
        Self { link, state, tls, fallback, unsent: Vec::new(), begun: false, why: None }
    }

    /// A connection that somebody has made to us.
    pub(crate) fn of(link: Link, stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true); // only the timing of small writes depends on it
        let state = State::Open(stream);
        let (tls, fallback) = (None, None);
        Self { link, state, tls, fallback, unsent: Vec::new(), begun: false, why: None }
    }

    /// Why it could not be made, where the system has said so.
    pub(crate) const fn why_refused(&self) -> Option<ErrorKind> {
        self.why
    }

    /// Waits until there may be something to do; for ever if it is over.
    pub(crate) async fn ready(&mut self) -> Option<Input> {
        match &mut self.state {
            State::Opening(connecting) => match connecting.await {
                Ok(stream) => {
                    // A message is one write; there is nothing to gather.
                    let _ = stream.set_nodelay(true);
                    let Some(layer) = &mut self.tls else {
                        self.state = State::Open(stream);
                        return Some(Input::Connected(self.link));
                    };
                    layer.drain(&mut self.unsent);
                    self.state = State::Shaking(stream);
                    None
                }
                Err(error) => {
                    self.state = State::Over;
                    self.why = Some(error.kind());
                    Some(Input::Refused(self.link))
                }
            },
            State::Shaking(stream) | State::Open(stream) => {
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
    pub(crate) fn drain(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while let State::Shaking(stream) | State::Open(stream) = &self.state {
            match recv(stream, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) if self.tls.is_some() => {
                    self.over(&mut inputs, Input::Truncated(self.link));
                }
                Ok((0, _)) => self.over(&mut inputs, Input::Ended(self.link)),
                Ok((length, _)) if self.tls.is_some() => self.hear(&buffer[..length], &mut inputs),
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
        if let State::Shaking(_) = self.state {
            self.hear(&[], &mut inputs); // it may have waited for long enough
        }
        inputs
    }

    /// Hears what bytes of the wire say under TLS.
    fn hear(&mut self, bytes: &[u8], inputs: &mut Vec<Input>) {
        let Some(layer) = &mut self.tls else { return };
        let heard = layer.take(bytes);
        layer.drain(&mut self.unsent);
        for heard in heard {
            match heard {
                Heard::Up => {
                    self.state = match std::mem::replace(&mut self.state, State::Over) {
                        State::Shaking(stream) => State::Open(stream),
                        other => other,
                    };
                    inputs.push(Input::Connected(self.link));
                }
                Heard::Bytes(bytes) => inputs.push(Input::Received(self.link, bytes)),
                Heard::Ended => return self.over(inputs, Input::Ended(self.link)),
                Heard::Failed => return self.over(inputs, Input::Reset(self.link)),
            }
        }
    }

    /// Takes `bytes` to write; [`Socket::flush`] writes them.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.begun = !self.unsent.is_empty();
        match &mut self.tls {
            Some(layer) => layer.seal(bytes, &mut self.unsent),
            None => self.unsent.extend_from_slice(bytes),
        }
    }

    /// Writes what can be written now.
    pub(crate) fn flush(&mut self) -> Option<Input> {
        while !self.unsent.is_empty() {
            let (State::Shaking(stream) | State::Open(stream)) = &self.state else { return None };
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
        // Not one byte of what was to be written has left: that is no attempt.
        let free = !self.unsent.is_empty() && !self.begun;
        if free && matches!(self.state, State::Open(_)) {
            self.unsent.clear(); // nor must it leave with the last word
        } else {
            self.farewell();
        }
        if let State::Shaking(_) = self.state {
            self.not_secured(inputs);
            return;
        }
        self.state = State::Over;
        inputs.push(if free { Input::Refused(self.link) } else { how });
    }

    /// The handshake has failed: no byte of a message has left.
    fn not_secured(&mut self, inputs: &mut Vec<Input>) {
        self.tls = None;
        self.unsent.clear();
        self.state = State::Over;
        match self.fallback.take() {
            Some(endpoint) => self.state = connect(endpoint),
            None => inputs.push(Input::Refused(self.link)),
        }
    }

    /// Says the last word of TLS, as far as the kernel takes it at once.
    fn farewell(&mut self) {
        let (State::Shaking(stream) | State::Open(stream)) = &self.state else { return };
        if let Some(layer) = &mut self.tls {
            layer.end(&mut self.unsent);
            let _ = send(stream, &self.unsent, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.farewell();
    }
}

/// Begins to connect.
fn connect(endpoint: String) -> State {
    State::Opening(Box::pin(TcpStream::connect(endpoint)))
}

/// Tells the runtime that the kernel has nothing more, so that it waits for the kernel again.
fn forget_readiness(stream: &TcpStream, interest: Interest) {
    let nothing = || -> io::Result<()> { Err(ErrorKind::WouldBlock.into()) };
    let _ = stream.try_io(interest, nothing);
}
