//! Words of a scenario and of a sender file that a plan carries on as they are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// For how long one process of the sender lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// For one case, restarts aside.
    #[default]
    Case,
    /// For all cases of a run, which come to it one after the other.
    Run,
    /// For one exam.
    Exam,
    /// For ever: it is not ours to start, and an operator does what has to be done.
    Observed,
}

impl Lifetime {
    /// Whether a case may end and restart it.
    #[must_use]
    pub const fn is_ours_to_end(self) -> bool {
        matches!(self, Self::Case | Self::Exam)
    }
}

/// A way to the sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedBy {
    /// A file in the folder `{inbox}`, whole or not at all.
    #[default]
    Inbox,
    /// Its standard input, each document with this after it.
    StandardInput(Separator),
    /// An HTTP POST to this address, placeholders still in it.
    Post(String),
    /// An MLLP frame to this address, placeholders still in it.
    Mllp(String),
    /// An operator, who is told which exam it is.
    Hand,
}

/// What stands after a document on a standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    /// A line feed: a document is a line.
    Line,
    /// A NUL byte.
    Nul,
    /// An empty line.
    BlankLine,
}

/// What shows that a sender is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadyWhen {
    /// A line of its standard output that holds this text.
    Line(String),
    /// This address accepts a connection, placeholders still in it.
    Port(String),
    /// This file is there, placeholders still in it.
    File(String),
}

/// How a sender is asked what became of its charges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Account {
    /// A command that prints it; its program is found as that of `start` is.
    Command(Vec<String>),
    /// In a word.
    Word(AccountWord),
    /// An address that answers a GET with it, placeholders still in it.
    Get(String),
}

/// What says what became of a charge, where nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountWord {
    /// The exit code of the process that was started for it: 0 that it was delivered, anything
    /// else nothing.
    #[serde(rename = "exit-code")]
    ExitCode,
    /// The answer to what feeds the sender, as of an engine that hands back what the EMR has said.
    #[serde(rename = "answer")]
    Answer,
}

/// Something on the wire that a step can wait for; the first one after the step began counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WireEvent {
    /// Nothing: there is no need to wait.
    AtOnce,
    /// A connection was accepted.
    Accepted,
    /// The first byte of a message arrived.
    FirstByte,
    /// This many bytes of a message arrived.
    Bytes(u64),
    /// The message has come to its first FT1.
    InsideFt1,
    /// The whole message arrived; nothing was answered.
    EndOfMessage,
    /// The reply is due, and is not written.
    BeforeReply,
    /// This many bytes of the reply were written; the rest is not.
    ReplyBytes(u64),
    /// The whole reply was written.
    ReplySent,
}

impl fmt::Display for WireEvent {
    /// As an author writes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(count) => write!(out, "bytes: {count}"),
            Self::ReplyBytes(count) => write!(out, "reply-bytes: {count}"),
            one_word => out.write_str(named(WIRE_EVENTS, one_word)),
        }
    }
}

/// Wire events that are one word.
pub(crate) const WIRE_EVENTS: &[(&str, WireEvent)] = &[
    ("at-once", WireEvent::AtOnce),
    ("accepted", WireEvent::Accepted),
    ("first-byte", WireEvent::FirstByte),
    ("inside-ft1", WireEvent::InsideFt1),
    ("end-of-message", WireEvent::EndOfMessage),
    ("before-reply", WireEvent::BeforeReply),
    ("reply-sent", WireEvent::ReplySent),
];

/// The word that stands for `value`.
pub(crate) fn named<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, known)| known == value);
    found.map_or("", |(word, _)| word)
}
