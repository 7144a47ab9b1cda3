//! What the EMR does on the wire, as a driver carries it out.

use crate::emr::machine::doors::Door;
use crate::emr::machine::handshake::Handshake;
use crate::history::{ConnectionId, End};

#[cfg(doc)]
use crate::emr::machine::Input;

/// An act on the wire, and what a driver reports of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireAct {
    /// Write to a connection, then report [`Input::Wrote`].
    Write {
        /// On which connection.
        connection: ConnectionId,
        /// What.
        bytes: Vec<u8>,
    },
    /// End a connection, then report [`Input::EndDone`].
    ///
    /// A close ends our side and goes on reading, so that nothing goes unseen, until a reset is
    /// asked for as well; a reset reads what has arrived first.
    End {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// Lay TLS over a connection before anything of it is read; then report [`Input::Greeted`],
    /// and [`Input::Secured`] or [`Input::TlsFailed`].
    Secure {
        /// Which connection.
        connection: ConnectionId,
        /// How to meet its handshake.
        handshake: Handshake,
    },
    /// Meet those who connect to an endpoint in another way. Report [`Input::Listening`] if it begins
    /// or ceases to listen. Prove a shut or a full door with a connect of your own, and report
    /// [`Input::RefusalSeen`] or [`Input::SilenceSeen`]; report [`Input::Waiting`] when the first
    /// connection waits before an unattended one.
    Listen {
        /// Index of the endpoint.
        endpoint: usize,
        /// How.
        door: Door,
    },
    /// Stop reading a connection, or go on, then report [`Input::Reading`]; in between, report
    /// [`Input::Held`] when the first bytes wait.
    Read {
        /// Which connection.
        connection: ConnectionId,
        /// Whether to go on.
        on: bool,
    },
    /// Connect to an endpoint in another client's name, then report [`Input::Visited`].
    Visit {
        /// Index of the endpoint.
        endpoint: usize,
    },
    /// Connect to the sender's own port, then report [`Input::Called`] or [`Input::CallFailed`].
    Call {
        /// Which call.
        call: u32,
    },
}
