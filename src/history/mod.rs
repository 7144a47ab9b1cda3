//! What was observed: owned events in one total order, with their raw bytes, and the form in
//! which they are stored.
//!
//! Everything above this room acts, everything below it judges. A history says only what was
//! seen. It does **not** say what was asked for (that is the plan, which travels in its header)
//! and it draws no conclusion.

mod plausible;
mod raw;
mod recorder;
mod seal;
mod store;
mod tls;

pub use raw::Raw;
pub use recorder::{Bounds, Recorder};
pub use seal::{Seal, fingerprint};
pub use store::{HistoryError, Reader, Writer, read, write};
pub use tls::{Shown, Side, TlsVersion};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use crate::mllp::{Anomaly, AnomalyKind};

/// Version of the stored form that this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// One recorded case.
#[derive(Clone, Debug)]
pub struct History {
    /// What the events belong to.
    pub header: Header,
    /// The events, in the order in which they were observed.
    pub events: Vec<Event>,
    /// Whether it is as it was written, if it was read from its stored form.
    pub seal: Seal,
}

/// The first line of a stored history.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `chargeproof-history`.
    pub format: String,
    /// Version of the form; see [`FORMAT_VERSION`].
    pub version: u32,
    /// Id of the case.
    pub case: String,
    /// When the case started, RFC 3339; the zero of every [`Micros`].
    pub started: String,
    /// Whether the last line is the seal of all lines before it. A history that was written by
    /// hand needs none, and says nothing here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sealed: bool,
    /// The plan that was carried out, as JSON, so that the history can be judged again.
    pub plan: Box<RawValue>,
}

/// Microseconds since the case started, on a clock that never goes back.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub u64);

/// One thing that was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the total order, from 1.
    pub seq: u64,
    /// When it was observed.
    pub at: Micros,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
}

/// Number of a connection within its case, from 1, in the order of acceptance.
pub type ConnectionId = u32;

/// Number of a life of the sender process within its case, from 1.
pub type Incarnation = u32;

/// What can be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// The sender process was started.
    SenderStarted {
        /// Which life this is.
        incarnation: Incarnation,
        /// The life that was up at that moment, where this is a second instance beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<Incarnation>,
    },
    /// The sender process was seen to stand still: the system shows it as stopped.
    SenderPaused {
        /// Which life.
        incarnation: Incarnation,
    },
    /// The sender process was still standing when it was let go on.
    SenderResumed {
        /// Which life.
        incarnation: Incarnation,
        /// For how long it had stood still.
        paused: Micros,
    },
    /// The sender's wall clock was moved forward; the messages that follow show whether it went.
    ClockJumped {
        /// By how much.
        by: Micros,
    },
    /// The sender could not be started or driven.
    SenderFailed {
        /// Which life it would have been.
        incarnation: Incarnation,
        /// What went wrong.
        why: String,
    },
    /// An exam was handed to the sender.
    Submitted {
        /// Name of the exam in the plan.
        exam: String,
        /// To which life it was handed.
        incarnation: Incarnation,
    },
    /// An exam was handed over whole, and the sender's answer to that was no acceptance, or none came.
    /// Whoever hands an answer of the EMR back to where an exam came from says no more than that.
    NotAccepted {
        /// Name of the exam in the plan.
        exam: String,
        /// What came instead.
        why: String,
    },
    /// An operator told the sender to send the charge of an exam once more.
    ResendAsked {
        /// Name of the exam in the plan.
        exam: String,
        /// Which life was told.
        incarnation: Incarnation,
    },
    /// The harness ended the sender: asked it to stop, or killed it.
    SenderEnding {
        /// Which life is ended.
        incarnation: Incarnation,
        /// How.
        how: Ending,
    },
    /// The last lines that the sender printed, where somebody asked for them.
    SenderSaid {
        /// Which life printed them.
        incarnation: Incarnation,
        /// The lines, cut where they are long.
        lines: Vec<String>,
    },
    /// The sender printed data of a patient. Which text that was is not kept.
    Disclosed {
        /// Which life printed it.
        incarnation: Incarnation,
        /// To which of its outputs.
        output: Standard,
        /// The exam whose patient it is; the first of those that share the patient.
        exam: String,
        /// What was printed, each kind once.
        data: Vec<Datum>,
    },
    /// All that a life of the sender printed was read and looked through for data of its patients.
    OutputRead {
        /// Which life.
        incarnation: Incarnation,
        /// How many bytes it had printed.
        length: u64,
    },
    /// A life of the sender printed more than is looked through: the rest was read and dropped.
    OutputOverran {
        /// Which life.
        incarnation: Incarnation,
        /// How many bytes were looked through.
        length: u64,
    },
    /// The sender process has exited.
    SenderExited {
        /// Which life has ended.
        incarnation: Incarnation,
        /// Exit code, or none after a signal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        /// The signal that ended it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// Whether the harness had asked for it.
        asked: bool,
    },
    /// Processes of the sender's group outlived it, and the time in which it was to stop, and were
    /// ended.
    LeftBehind {
        /// Whose they were.
        incarnation: Incarnation,
        /// How many were seen.
        processes: u32,
        /// The names of their programs, each once; of very many only some.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        names: Vec<String>,
    },
    /// An endpoint began to listen, or stopped.
    Listening {
        /// Name of the endpoint.
        endpoint: String,
        /// Whether it listens now.
        up: bool,
    },
    /// The harness's own connect to a closed endpoint was refused: the sender's would be too.
    RefusalSeen {
        /// Name of the endpoint.
        endpoint: String,
    },
    /// The harness's own connect to an endpoint got neither an answer nor a refusal: the sender's
    /// would not either.
    SilenceSeen {
        /// Name of the endpoint.
        endpoint: String,
        /// For how long.
        waited: Micros,
    },
    /// The system has taken a connection for an endpoint, and the EMR does not accept it yet.
    Waiting {
        /// Name of the endpoint.
        endpoint: String,
    },
    /// A connection of the harness's own to an endpoint was accepted, in another client's name.
    Visited {
        /// Name of the endpoint.
        endpoint: String,
    },
    /// The EMR stopped reading a connection, or goes on.
    Reading {
        /// Which connection.
        connection: ConnectionId,
        /// Whether it goes on.
        on: bool,
        /// How many bytes have waited for it.
        waiting: u64,
    },
    /// A connection was accepted.
    Opened {
        /// Its number.
        connection: ConnectionId,
        /// The endpoint that accepted it.
        endpoint: String,
        /// The life of the sender that opened it; 0 where two were up and it is not known which.
        incarnation: Incarnation,
    },
    /// The sender asked for TLS: its ClientHello arrived.
    ClientHello {
        /// On which connection.
        connection: ConnectionId,
    },
    /// The handshake is complete: what follows on the connection is under TLS.
    Secured {
        /// Which connection.
        connection: ConnectionId,
        /// The version that both agreed on.
        version: TlsVersion,
        /// The cipher suite, by its registered name.
        suite: String,
        /// The certificate that the EMR showed.
        showed: Shown,
        /// The subject of the certificate that the sender showed, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<String>,
    },
    /// TLS failed on a connection: in the handshake, unless it was secured before.
    TlsFailed {
        /// Which connection.
        connection: ConnectionId,
        /// Who broke it off.
        by: Side,
        /// The alert with which that was said, by its name in RFC 8446.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<String>,
        /// What was amiss, where no alert says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The sender wrote before it could hear that TLS had failed: what is received from here on
    /// was under it all the same.
    WroteAhead {
        /// On which connection.
        connection: ConnectionId,
    },
    /// The sender, which had greeted with TLS, speaks without it: what is received from here on was
    /// in the clear.
    WroteInTheClear {
        /// On which connection.
        connection: ConnectionId,
    },
    /// Bytes arrived after TLS had failed or was ended, or without their end, so nobody can read
    /// them. They are not kept.
    Undecryptable {
        /// On which connection.
        connection: ConnectionId,
        /// How many came at first; more may have followed.
        bytes: u64,
    },
    /// The EMR opened a connection to the sender's own port, and the sender took it.
    Called {
        /// Its number.
        connection: ConnectionId,
        /// The endpoint on whose behalf.
        endpoint: String,
        /// The life of the sender that took it.
        incarnation: Incarnation,
    },
    /// A whole piece of what the sender sent: a frame, stray bytes, or what was left at the end.
    Received {
        /// On which connection.
        connection: ConnectionId,
        /// Offset of the piece's first byte among all bytes received on this connection.
        offset: u64,
        /// When its first byte arrived.
        began: Micros,
        /// What kind of piece it is.
        piece: Piece,
        /// Its bytes as they were on the wire, framing included, up to the recording limit.
        bytes: Raw,
        /// How many bytes it had; more than are kept once the limit is passed.
        length: u64,
        /// What was wrong with its framing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        anomalies: Vec<Anomaly>,
    },
    /// The EMR wrote to the sender.
    Replied {
        /// On which connection.
        connection: ConnectionId,
        /// The `seq` of the [`What::Received`] that it answers, if it answers one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
        /// Stable name of the answer or fault, such as `answer/accept`.
        name: String,
        /// The bytes that the operating system took; of very many only the first.
        bytes: Raw,
        /// How many it took, where not all of them are kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length: Option<u64>,
        /// When the first of them was written.
        began: Micros,
        /// In how many writes they went out.
        writes: u32,
        /// Where the EMR waited before it wrote on or ended the connection; of very many only the
        /// first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pauses: Vec<Pause>,
        /// Whether all that was meant to be written was taken.
        complete: bool,
    },
    /// A scripted behaviour happened as asked.
    Played {
        /// Index of the behaviour in the plan's script.
        behaviour: usize,
        /// Stable name of the fault, such as `connection/reset-before-reply`.
        name: String,
        /// Where, if it belongs to one connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<ConnectionId>,
    },
    /// A scripted behaviour was due and could not happen as asked.
    NotPlayed {
        /// Index of the behaviour in the plan's script.
        behaviour: usize,
        /// Stable name of the fault.
        name: String,
        /// Where, if it belongs to one connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<ConnectionId>,
        /// What stood in its way.
        why: String,
    },
    /// Bytes that had arrived on a connection when the EMR broke off in the middle of a message:
    /// it never read them, but they left the sender.
    Unread {
        /// On which connection.
        connection: ConnectionId,
        /// Offset of the first of them among all bytes received on this connection.
        offset: u64,
        /// The bytes, up to the recording limit.
        bytes: Raw,
        /// How many there were.
        length: u64,
    },
    /// The EMR ended a connection, or its half of it. A reset after a close answers what the
    /// sender wrote to a connection that was closed.
    EndedByEmr {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// The sender ended a connection, or its half of it.
    EndedBySender {
        /// Which connection.
        connection: ConnectionId,
        /// How.
        how: End,
    },
    /// The harness came to itself later than it had meant to: what it saw and did until then may
    /// be as late.
    HarnessLate {
        /// By how much.
        by: Micros,
    },
    /// Processes of the sender were ready to run and got no processor, as the system counts it: what
    /// they did until then may be as late.
    SenderStarved {
        /// For how long, all of them together, and no longer than the time in which it was counted.
        by: Micros,
        /// In which time up to this event that was.
        within: Micros,
    },
    /// The harness watched a quiet wire to its end.
    Watched {
        /// For how long nothing was seen.
        quiet: Micros,
        /// For how long that should have been so.
        wanted: Micros,
    },
    /// A step of the plan waited for something that did not come.
    WaitedInVain {
        /// For what.
        wanted: String,
        /// For how long.
        waited: Micros,
    },
    /// What the sender says became of its charges.
    Account {
        /// One entry per order that the sender knows.
        charges: Vec<Accounted>,
        /// When it was asked: what was sent after that it need not know. Recordings of earlier
        /// versions do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Micros>,
    },
    /// The sender was asked for its account and gave none.
    NoAccount {
        /// What it did instead.
        why: String,
    },
    /// A bound was reached; what lies beyond it was not recorded.
    Bound {
        /// Which bound.
        what: String,
    },
    /// The history ends here because the run was broken off.
    Interrupted {
        /// Why the harness broke it off itself; none where somebody interrupted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The harness carried out its last step: nothing is cut off.
    Finished,
}

/// What kind of piece a sender sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// A frame with its end.
    Frame,
    /// Bytes outside any frame.
    Stray,
    /// A frame that had no end when the connection ended.
    Unfinished,
    /// A frame or stray run that outgrew the limit; only its beginning is kept.
    Oversize,
}

/// A pause in the middle of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// How many bytes of the reply were out.
    pub after: u64,
    /// For how long nothing followed.
    pub lasted: Micros,
}

/// How a connection, or half of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// An orderly end in both directions; under TLS, with the close_notify that is due.
    Close,
    /// An orderly end of the connection whose TLS was not ended: without a close_notify.
    Truncated,
    /// A reset.
    Reset,
    /// An orderly end of this side's sending only.
    HalfClose,
}

/// How the harness ended the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It was asked to stop, as its sender file says.
    Stop,
    /// It was killed at once.
    Kill,
}

/// One of the two outputs of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// A kind of data that tells who a patient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Datum {
    /// The medical record number.
    Mrn,
    /// Family and given name together.
    Name,
    /// The birth date, in any of its usual spellings.
    BirthDate,
    /// The account (visit, encounter) number.
    Account,
}

/// What the sender says of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounted {
    /// The order's internal number.
    pub order: String,
    /// What became of its charge.
    pub outcome: Outcome,
}

/// What became of a charge, in the sender's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The EMR took it.
    Delivered,
    /// The EMR refused it.
    Rejected,
    /// It was sent and nobody knows; a person must look.
    Unknown,
    /// No byte of it was sent.
    NotSent,
}

impl Micros {
    /// The time from `earlier` to this one; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl From<std::time::Duration> for Micros {
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}
impl From<Micros> for std::time::Duration {
    fn from(micros: Micros) -> Self {
        Self::from_micros(micros.0)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
