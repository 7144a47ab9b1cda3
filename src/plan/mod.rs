//! What will be done: one case of a scenario with every default, seed, limit and axis decided.
//!
//! A plan travels in the header of the history that it leads to, so that the history can be
//! judged again without the files it came from. It does **not** read files and does not act.

mod arc_serde;
mod conduct;
mod driving;
pub mod fault;
mod messages;
mod naming;
mod origin;
mod parameters;
mod text;
mod words;

pub use driving::{DocumentForm, Driving, HandedOver, Ready, Writer};
pub use fault::Fault;
pub use messages::{Agreed, Made, Messages, Orders};
pub use naming::UnknownFault;
pub use origin::Origin;
pub use parameters::{Cut, Parameter, Parameters};
pub use text::{Fill, Text};
pub use words::{Account, AccountWord, FeedBy, Lifetime, ReadyWhen, Separator, WireEvent};
pub(crate) use words::{WIRE_EVENTS, named};

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::exam::Exam;
use crate::history::{End, Micros, TlsVersion};
use crate::hl7::Path;
use crate::mapping::Mapping;

/// One case, decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Plan {
    /// Id of the case: path of the scenario and its axes, as in `once/rejected[reply=answer/reject]`.
    pub id: String,
    /// What the scenario is about, in one line.
    pub title: String,
    /// The promises that it exercises.
    pub requirements: Vec<String>,
    /// What decides every random choice.
    pub seed: u64,
    /// What the message is made by, and which fields make a charge.
    #[serde(with = "arc_serde")]
    pub mapping: Arc<Mapping>,
    /// What results are made by, if the sender is to send any.
    #[serde(with = "arc_serde::option")]
    pub results: Option<Arc<Mapping>>,
    /// The exams by name, in the order in which they were written; probes included.
    #[serde(with = "arc_serde")]
    pub exams: Arc<IndexMap<String, Arc<Exam>>>,
    /// Names of the endpoints that the EMR listens on.
    pub endpoints: Vec<String>,
    /// TLS at every endpoint; none where the sender is to speak plain MLLP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What the EMR does other than accept; the first behaviour that matches plays.
    pub script: Vec<Behaviour>,
    /// What the harness does, in order.
    pub steps: Vec<Step>,
    /// Where its history comes from; stored where the steps do not show it.
    #[serde(default, skip_serializing_if = "Origin::shows")]
    pub origin: Origin,
    /// How long and how much.
    pub limits: Limits,
    /// What must come of it.
    pub expect: Expect,
    /// The sender under test.
    pub sender: SenderPlan,
    /// What the mappings make of the exams; see [`Plan::messages`].
    #[serde(skip)]
    pub made: Made,
}

impl Plan {
    /// Whether the script plays this fault anywhere.
    #[must_use]
    pub fn plays(&self, wanted: Fault) -> bool {
        let is = |play: &Play| matches!(play, Play::Fault { fault, .. } if *fault == wanted);
        self.script.iter().flat_map(|behaviour| &behaviour.play).any(is)
    }
}

/// TLS, as the EMR asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The versions that the EMR speaks, the lowest first.
    pub versions: Vec<TlsVersion>,
    /// Whether it asks for a certificate of the sender, which is given one then and not otherwise.
    pub client: ClientCertificate,
}

impl Tls {
    /// Whether the sender must show a certificate.
    #[must_use]
    pub fn is_mutual(&self) -> bool {
        self.client == ClientCertificate::Required
    }
}

/// Whether a sender must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    /// It is not asked for one.
    None,
    /// Without one there is no connection.
    Required,
}

/// One entry of the EMR's script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// When it plays.
    pub on: Match,
    /// What it plays, in order.
    pub play: Vec<Play>,
    /// How many times at the most; no bound if absent.
    pub times: Option<u32>,
}

/// When a behaviour plays: everything that is named must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The exam whose order the message carries; before a message is whole, the exam that was
    /// handed over last.
    pub exam: Option<String>,
    /// Which attempt at that order, from 1, as this EMR counts.
    pub attempt: Option<u32>,
    /// Which message of its endpoint, from 1.
    pub message: Option<u32>,
    /// Which connection of its endpoint, from 1.
    pub connection: Option<u32>,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// The kind of message; charges only, if absent.
    pub kind: Option<MessageKind>,
    /// Values that fields of the message must have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldIs>,
    /// At which moment, where the author names one; otherwise the fault decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
}

/// A field that must have a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldIs {
    /// The field, or a part of it.
    pub path: Path,
    /// Its text, escapes and charset decoded.
    pub value: String,
}

/// A moment at which something can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// A connection has been accepted.
    Accepted,
    /// So many bytes of a message have arrived.
    Bytes(u64),
    /// A whole message has arrived.
    Message,
}

/// What a message is about, by MSH-9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// DFT: money, at most one time.
    Charge,
    /// ORU or MDM: may be resent until it is accepted.
    Result,
}

/// One thing that the EMR plays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Play {
    /// A fault or answer by its stable name.
    Fault {
        /// Which.
        fault: Fault,
        /// Its parameters.
        #[serde(default)]
        with: Parameters,
    },
    /// Bytes exactly as written.
    Raw(crate::history::Raw),
    /// Bytes in which something is filled in.
    Filled(Vec<Text>),
    /// A pause.
    Wait(Micros),
    /// The end of the connection, or of our half of it.
    End(End),
}

/// One step of the harness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Start the sender.
    Start,
    /// Hand over an exam.
    Submit(String),
    /// Be the operator who tells the sender to send the exam's charge once more.
    Resend(String),
    /// Wait until the EMR has dealt with the exam's message: answered it, or played its fault.
    Await(String),
    /// Wait for a wire event, then kill the sender at once and read its connections to the end.
    Kill(WireEvent),
    /// Do something else to the sender's process at a moment of the wire.
    Fault {
        /// What.
        fault: ProcessFault,
        /// The wire event that is waited for.
        at: WireEvent,
        /// How long after that event.
        #[serde(default)]
        after: Micros,
    },
    /// Start a second instance of the sender on the same state, beside the first, and wait until
    /// it has gone or has had the time to come up.
    StartSecond,
    /// Ask the second instance to stop, if it is still there, and read its connections to the end.
    StopSecond,
    /// Ask the sender to stop, and wait until it has and its connections are read to the end.
    Stop,
    /// Forget the rest of the script: from here on the EMR is healthy.
    Heal,
    /// Watch until the wire has been quiet for as long as the limits say.
    Settle,
    /// Ask the sender what became of its charges.
    Account,
    /// Be done with a sender that is not ours to end: from here on it is let alone.
    LeaveAlone,
    /// Go on until somebody interrupts: an EMR that is simply there.
    Hold,
}

/// Something that is done to the sender's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessFault {
    /// It is killed, and its connections are read to the end.
    Kill,
    /// It is asked to stop, and its connections are read to the end.
    Terminate,
    /// It is stopped where it stands, and goes on after this time.
    Pause(Micros),
    /// Its wall clock jumps forward by this much.
    Jump(Micros),
}

/// How long and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How long the sender waits for an acknowledgement.
    pub ack_timeout: Micros,
    /// The longest time after which the sender tries anything again.
    pub longest_retry: Micros,
    /// How many messages may be on their way at once on one connection; not judged if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// How long the wire must be quiet to count as settled: twice the longest of the two above, or
    /// less where that is not waited for.
    pub settle: Micros,
    /// How long a step waits for what it wants before it goes on.
    pub patience: Micros,
    /// How long the sender may take to stop before it is killed.
    pub stop: Micros,
    /// The largest message that is kept whole, in bytes.
    pub message_bytes: u64,
    /// How many connections may be open at once.
    pub connections: u32,
    /// How many messages are recorded before the sender counts as flooding.
    pub messages: u32,
    /// How many bytes are recorded before the sender counts as flooding.
    pub recorded_bytes: u64,
}

/// What must come of the case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// For each exam, how often its charge must be attempted.
    pub charges: IndexMap<String, Charged>,
    /// When an attempt counts.
    pub attempts: AttemptMode,
    /// The approved snapshot of each exam's message, by snapshot name; none if not yet approved.
    /// Empty unless the scenario asks for snapshots.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Names of exams that stand for the harness's own probes.
    pub probes: Vec<String>,
    /// Behaviours that need not play, by index; every other one must be seen to have played.
    pub optional_behaviours: Vec<usize>,
}

/// The snapshot of one exam's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The exam whose message it is.
    pub exam: String,
    /// The approved text, without insta's header.
    pub approved: Option<String>,
}

/// How often a charge must be attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charged {
    /// Exactly once.
    Once,
    /// Once or not at all: the sender was killed about the time, or could not connect.
    AtMostOnce,
    /// Not at all.
    Never,
}

/// When an attempt counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptMode {
    /// One byte of the message on the wire is an attempt.
    #[default]
    Strict,
    /// Only a complete message is; declared by the sender file.
    Frame,
}

/// The sender under test, as its sender file says, decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderPlan {
    /// Its name, for people.
    pub name: String,
    /// The program and its arguments, with placeholders such as `{inbox}` still in them.
    pub start: Vec<String>,
    /// Environment variables to set, placeholders allowed.
    pub environment: BTreeMap<String, String>,
    /// Directory to start it in; the case's own if absent.
    pub directory: Option<String>,
    /// How it is asked for its account, placeholders allowed.
    pub account: Option<Account>,
    /// How it is driven.
    #[serde(default)]
    pub driving: Driving,
    /// How it is asked to stop.
    pub stop: StopBy,
    /// The file that moves its wall clock, placeholders allowed: how many seconds to add, as a
    /// decimal number. None if its clock cannot be moved.
    #[serde(default)]
    pub clock: Option<String>,
    /// The command by which an operator has a charge sent once more, placeholders allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend: Option<Vec<String>>,
    /// For the reference sender, the defect that is built in.
    pub bug: Option<String>,
    /// For the reference sender, the honest habit that is switched on.
    pub variant: Option<String>,
}

/// How a sender is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopBy {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// The end of its standard input.
    StandardInput,
}
