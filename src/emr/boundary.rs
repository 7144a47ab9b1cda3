//! What a driver of the EMR sees of it: what goes in, what is to be done, and the doors and handshakes
//! by which those are met who connect.

use std::sync::Arc;
use std::time::Duration;

use crate::history::{ConnectionId, End, Incarnation, Shown, Side, TlsVersion};
use crate::plan::WireEvent;

/// Something that happened to the EMR.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// An endpoint listens now, or no longer.
    Listening {
        /// Index of the endpoint.
        endpoint: usize,
        /// Whether it listens.
        up: bool,
    },
    /// A connect to a closed endpoint was seen to be refused.
    RefusalSeen {
        /// Index of the endpoint.
        endpoint: usize,
    },
    /// A connect to an endpoint got neither an answer nor a refusal.
    SilenceSeen {
        /// Index of the endpoint.
        endpoint: usize,
        /// For how long.
        waited: Duration,
    },
    /// The system has taken a connection for an endpoint that is unattended.
    Waiting {
        /// Index of the endpoint.
        endpoint: usize,
    },
    /// Bytes have come on a connection that is not read.
    Held {
        /// Which connection.
        connection: ConnectionId,
    },
    /// Reading was stopped, or goes on.
    Reading {
        /// Which connection.
        connection: ConnectionId,
        /// Whether it goes on.
        on: bool,
        /// How many bytes have waited for it.
        waiting: u64,
    },
    /// A connection of the harness's own was accepted, or could not be made.
    Visited {
        /// Index of the endpoint.
        endpoint: usize,
        /// Whether it was accepted.
        accepted: bool,
    },
    /// A connection was accepted.
    Accepted {
        /// Its number.
        connection: ConnectionId,
        /// Index of the endpoint.
        endpoint: usize,
        /// The life of the sender that opened it.
        incarnation: Incarnation,
    },
    /// The sender has taken a call: a connection to its own port.
    Called {
        /// Which call.
        call: u32,
        /// The number of the connection.
        connection: ConnectionId,
        /// The life of the sender that took it.
        incarnation: Incarnation,
    },
    /// The sender has not taken a call.
    CallFailed {
        /// Which call.
        call: u32,
    },
    /// Bytes arrived.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A connection's ClientHello arrived.
    Greeted {
        /// On which connection.
        connection: ConnectionId,
    },
    /// A connection's handshake is complete; what is received from here on was under TLS.
    Secured {
        /// Which connection.
        connection: ConnectionId,
        /// What both sides agreed on.
        secured: Secured,
    },
    /// TLS failed on a connection.
    TlsFailed {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        failure: Failure,
    },
    /// What is received from here on was under the TLS that has failed.
    WroteAhead {
        /// On which connection.
        connection: ConnectionId,
    },
    /// The sender speaks in the clear where it had greeted with TLS.
    WroteInTheClear {
        /// On which connection.
        connection: ConnectionId,
    },
    /// Bytes arrived that nobody can read; to be told once for a connection.
    Undecryptable {
        /// On which connection.
        connection: ConnectionId,
        /// How many.
        bytes: u64,
    },
    /// So many bytes have arrived and are not read, for there were too many.
    LeftUnread {
        /// On which connection.
        connection: ConnectionId,
        /// How many.
        bytes: u64,
    },
    /// The sender ended its side.
    Ended {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// A write that was asked for has been taken, in whole or in part.
    Wrote {
        /// On which connection.
        connection: ConnectionId,
        /// What was taken.
        bytes: &'a [u8],
        /// Whether that was all of it; if not, the connection takes no more.
        complete: bool,
    },
    /// An end that was asked for has been carried out.
    EndDone {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// An exam was handed to the sender.
    Submitted {
        /// Its name.
        exam: &'a str,
    },
    /// The sender was killed: nothing more is said to this life of it.
    SenderKilled {
        /// Which life.
        incarnation: Incarnation,
    },
    /// The sender's process is gone.
    SenderGone,
    /// Somebody waits for this wire event; the first from now on is reported.
    Watch(WireEvent),
    /// From here on the EMR is healthy.
    Heal,
    /// Time has passed.
    Tick,
    /// Nothing more will be waited for: what the system holds for us is to be read.
    Closing,
    /// The case is over: what is under way on connections that are still open is all there is.
    Over,
}

/// Something that the driver is to do, or wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To be done on the wire.
    Wire(WireAct),
    /// The wire event that was waited for has come.
    Reached(WireEvent),
    /// The EMR has dealt with the message of this exam.
    Dealt(Arc<str>),
}

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

/// How an endpoint meets those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It listens, and accepts whoever comes.
    Open,
    /// Nobody listens: a connect is refused.
    Shut,
    /// The system takes connections on its behalf, and nobody accepts them.
    Unattended,
    /// The queue before it is full: a connect is neither answered nor refused.
    Full,
}

/// How the driver is to meet the handshake of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// What to do about it.
    pub manner: Manner,
    /// The versions to offer.
    pub versions: Vec<TlsVersion>,
}

/// What to do about a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Hold it.
    Hold {
        /// The certificate to show.
        show: Shown,
        /// What to ask of the sender.
        client: Asked,
    },
    /// Read the ClientHello, and say nothing of your own.
    Ignore,
}

/// What a sender is asked to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// A certificate that this EMR knows.
    Certificate,
    /// A certificate; this EMR knows none that a sender could have.
    StrangeCertificate,
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite, by its registered name.
    pub suite: String,
    /// The subject of the sender's certificate, if it showed one.
    pub client: Option<String>,
}

/// How TLS failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who broke it off.
    pub by: Side,
    /// The alert that said so, by its name.
    pub alert: Option<String>,
    /// What was amiss, where no alert says so.
    pub why: Option<String>,
    /// Whether the sender speaks no TLS at all, so that its bytes can be read as they are.
    pub plain: bool,
}
