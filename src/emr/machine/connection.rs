//! One connection of the simulated EMR: what has arrived on it and what is still to be said.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use crate::emr::faults::action::Action;
use crate::emr::machine::handshake::Security;
use crate::history::{ConnectionId, Incarnation, Micros, Pause, Raw, What};
use crate::mllp::Decoder;

/// What is being said on a connection because of one message or one moment.
#[derive(Debug)]
pub(crate) struct Job {
    /// `seq` of the piece that it answers.
    pub(crate) to: Option<u64>,
    /// The exam whose message it deals with.
    pub(crate) exam: Option<Arc<str>>,
    /// The behaviour that it plays; none for a plain acceptance, or once it has been played.
    pub(crate) behaviour: Option<usize>,
    /// The name that its reply goes by.
    pub(crate) name: Cow<'static, str>,
    /// What is still to be done.
    pub(crate) actions: VecDeque<Action>,
    /// What has been written so far.
    reply: Option<Reply>,
    /// Something of it was seen to happen on the wire.
    pub(crate) acted: bool,
    /// It is played by doing nothing.
    pub(crate) silent: bool,
}

#[derive(Debug)]
struct Reply {
    began: Micros,
    /// Its first bytes.
    bytes: Vec<u8>,
    length: u64,
    writes: u32,
    pauses: Vec<Pause>,
}

impl Job {
    pub(crate) fn new(name: Cow<'static, str>, actions: Vec<Action>) -> Self {
        let actions = actions.into();
        Self {
            to: None,
            exam: None,
            behaviour: None,
            name,
            actions,
            reply: None,
            acted: false,
            silent: false,
        }
    }

    /// Notes what the driver has written.
    pub(crate) fn wrote(&mut self, now: Micros, bytes: &[u8]) {
        let reply = self.reply.get_or_insert_with(|| Reply {
            began: now,
            bytes: Vec::new(),
            length: 0,
            writes: 0,
            pauses: Vec::new(),
        });
        let kept = MOST_KEPT.saturating_sub(reply.bytes.len()).min(bytes.len());
        reply.bytes.extend_from_slice(&bytes[..kept]);
        reply.length += bytes.len() as u64;
        reply.writes += 1;
    }

    /// Notes that nothing was said for so long.
    pub(crate) fn paused(&mut self, lasted: Micros) {
        if let Some(reply) = self.reply.as_mut().filter(|one| one.pauses.len() < MOST_PAUSES) {
            reply.pauses.push(Pause { after: reply.length, lasted });
        }
    }

    /// How many bytes of the reply are out.
    pub(crate) fn written(&self) -> u64 {
        self.reply.as_ref().map_or(0, |reply| reply.length)
    }

    /// The reply as an event, once: taken when it is complete, or when nothing more can follow.
    pub(crate) fn take_reply(&mut self, connection: ConnectionId, complete: bool) -> Option<What> {
        let Reply { began, bytes, length, writes, pauses } = self.reply.take()?;
        let length = (length > bytes.len() as u64).then_some(length);
        let (to, name, bytes) = (self.to, self.name.clone().into_owned(), Raw::from(bytes));
        Some(What::Replied { connection, to, name, bytes, length, began, writes, pauses, complete })
    }
}

/// How much of a reply a history keeps: a giant's beginning says what it is.
const MOST_KEPT: usize = 128 * 1024;

/// How many of its pauses: an acknowledgement that drips has about a hundred.
const MOST_PAUSES: usize = 256;

/// A job that goes on when its connection has been idle for a while.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) time: Duration,
    pub(crate) until: Duration,
    pub(crate) job: Job,
}

/// A connection and its state.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Index of the endpoint that accepted it.
    pub(crate) endpoint: usize,
    /// The life of the sender that opened it; 0 if it is not known.
    pub(crate) incarnation: Incarnation,
    /// Which connection of its endpoint it is, from 1.
    pub(crate) number: u32,
    /// Finds the frames in what arrives.
    pub(crate) decoder: Decoder,
    /// When the first byte of the piece that is under way arrived.
    pub(crate) began: Micros,
    /// What is being said, and what comes after.
    pub(crate) jobs: VecDeque<Job>,
    /// What has arrived and is not taken in before the driver has done what a byte count set off.
    pub(crate) put_off: BytesMut,
    /// The driver has something of ours in hand: a write or an end.
    pub(crate) in_hand: bool,
    /// Nothing happens before this time.
    pub(crate) until: Option<Duration>,
    /// Since when that is so.
    pub(crate) since: Duration,
    /// Why nothing can be written any more, if that is so.
    pub(crate) mute: Option<&'static str>,
    /// We opened it: what the sender says on it is not answered.
    pub(crate) is_call: bool,
    /// We have ended our side, and the sender's is still open.
    pub(crate) ended_by_us: bool,
    /// That was all of it: whatever comes now is refused with a reset.
    pub(crate) closed: bool,
    /// It is being refused.
    pub(crate) refusing: bool,
    /// Whole messages that were heard on it.
    pub(crate) heard: u32,
    /// What ends it when nothing is said for so long, and when that will be.
    pub(crate) idle: Option<Idle>,
    /// It is not read.
    pub(crate) held: bool,
    /// Bytes that were read.
    pub(crate) taken: u64,
    /// The EMR broke off inside a message: what comes now it does not read.
    pub(crate) broken_off: bool,
    /// The beginning of what it did not read, and how much that was.
    pub(crate) unread: (Vec<u8>, u64),
    /// Whether the sender has ended its side.
    pub(crate) ended_by_sender: bool,
    /// How it stands with TLS.
    pub(crate) security: Security,
}

impl Connection {
    pub(crate) fn new(
        endpoint: usize,
        incarnation: Incarnation,
        number: u32,
        limit: usize,
    ) -> Self {
        Self {
            endpoint,
            incarnation,
            number,
            decoder: Decoder::new(limit),
            began: Micros(0),
            jobs: VecDeque::new(),
            put_off: BytesMut::new(),
            in_hand: false,
            until: None,
            since: Duration::ZERO,
            mute: None,
            is_call: false,
            ended_by_us: false,
            closed: false,
            refusing: false,
            heard: 0,
            idle: None,
            held: false,
            taken: 0,
            broken_off: false,
            unread: (Vec::new(), 0),
            ended_by_sender: false,
            security: Security::Over,
        }
    }
}
