//! The sender file: how any sender is started, fed and stopped, and how patient it is.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::time::Duration;

use super::driving::{Feed, Ready, feed, listen, ready, start};
use super::duration;
use super::placeholders::{command, placeholders};
use crate::mapping::Document;
use crate::plan::{Account, AccountWord, AttemptMode, FeedBy, Lifetime};
use crate::yaml::{Diagnostic, Node, Source, Value, parse};

/// The keys of a sender file.
pub(super) const KEYS: &[&str] = &[
    "name",
    "mapping",
    "start",
    "listen",
    "environment",
    "directory",
    "feed",
    "ready",
    "stop",
    "limits",
    "attempts",
    "account",
    "clock",
    "resend",
];

/// The keys of `limits`.
pub(super) const LIMIT_KEYS: &[&str] =
    &["ack_timeout", "longest_retry", "in_flight", "stop", "cpu", "memory"];

/// The keys of `clock`.
pub(super) const CLOCK_KEYS: &[&str] = &["file"];

/// The ways to stop a sender.
pub(super) const STOPS: &[(&str, StopBy)] = &[
    ("terminate", StopBy::Terminate),
    ("interrupt", StopBy::Interrupt),
    ("standard-input", StopBy::StandardInput),
];

/// The ways to count attempts.
pub(super) const ATTEMPTS: &[(&str, AttemptMode)] =
    &[("strict", AttemptMode::Strict), ("frame", AttemptMode::Frame)];

/// A sender file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderFile {
    /// Its name, for people.
    pub name: String,
    /// The mappings that it is configured for, results' included; without this it follows
    /// `{mapping}` and `{results}`, or, where it does not name them, serves `iris/option-1`.
    pub mappings: Option<Vec<String>>,
    /// The program and its arguments, placeholders still in them. A relative path of a program,
    /// as in `./send.sh`, is meant from the folder of the sender file; whoever reads the file
    /// from a disk knows that folder and makes the path absolute.
    pub start: Vec<String>,
    /// How long one process of it lives.
    pub life: Lifetime,
    /// The addresses that the EMR listens on, one for each endpoint; loopback and any port for
    /// those that are not listed.
    pub listen: Vec<SocketAddr>,
    /// Environment variables to set, placeholders still in them.
    pub environment: BTreeMap<String, String>,
    /// Directory to start it in; the case's own if absent.
    pub directory: Option<String>,
    /// How exams are handed over.
    pub feed: Feed,
    /// The author's own form of an exam; whoever reads the file from a disk reads this too.
    pub template: Option<Document>,
    /// What shows that it is ready to be fed; being started, if absent.
    pub ready: Option<Ready>,
    /// How it is asked to stop.
    pub stop: StopBy,
    /// How patient it is.
    pub limits: SenderLimits,
    /// When an attempt counts.
    pub attempts: AttemptMode,
    /// The file that moves its wall clock, placeholders still in it: how many seconds to add. None
    /// if its clock cannot be moved.
    pub clock: Option<String>,
    /// The command by which an operator has a charge sent once more, placeholders still in it; its
    /// program is found as that of `start` is. None if nobody can.
    pub resend: Option<Vec<String>>,
    /// How it is asked what became of its charges.
    pub account: Option<Account>,
}

/// The accounts that are one word.
pub(super) const ACCOUNTS: &[(&str, AccountWord)] =
    &[("exit-code", AccountWord::ExitCode), ("answer", AccountWord::Answer)];

/// How patient a sender is, by its own configuration, and how much it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderLimits {
    /// How long it waits for an acknowledgement.
    pub ack_timeout: Duration,
    /// The longest time after which it tries anything again.
    pub longest_retry: Duration,
    /// How many messages it may have on their way at once on one connection; not judged if absent.
    pub in_flight: Option<u32>,
    /// How long it may take to stop; the plan's default if absent.
    pub stop: Option<Duration>,
    /// How much processor time one process may take; no limit if absent.
    pub cpu: Option<Duration>,
    /// How much memory one process may ask for, in bytes; no limit if absent.
    pub memory: Option<u64>,
}

/// How a sender is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopBy {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// The end of its standard input.
    StandardInput,
}

impl SenderFile {
    /// Reads the sender file that `source` is.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn read(source: &Source) -> Result<Self, Diagnostic> {
        if source.is_blank() {
            let mistake = Diagnostic::new(source, 1, 1, "the file is empty");
            return Err(mistake.hint("`chargeproof init NAME.yaml` writes one to be filled in"));
        }
        let top = parse(source)?;
        let fields = top.fields("a sender file", KEYS)?;
        let start_at = fields.require("start")?;
        let (start, life) = start(start_at)?;
        let listen = fields.get("listen").map_or_else(|| Ok(Vec::new()), listen)?;
        if life == Lifetime::Observed && listen.is_empty() {
            let mistake = start_at.error("nobody can tell this sender where the EMR is");
            return Err(mistake.hint("add the address that it sends to: `listen: 127.0.0.1:2575`"));
        }
        let feed = feed(fields.get("feed"), life)?;
        let by = feed.by.clone();
        let stop = |node: &Node| node.word("a way to stop it", "valid ways", STOPS);
        let directory = |node: &Node| node.text("a directory").map(str::to_owned);
        Ok(Self {
            name: fields.require("name")?.text("a name")?.to_owned(),
            mappings: fields.get("mapping").map(mappings).transpose()?,
            start,
            life,
            listen,
            environment: fields
                .get("environment")
                .map_or_else(|| Ok(BTreeMap::new()), environment)?,
            directory: fields.get("directory").map(directory).transpose()?,
            feed,
            template: None,
            ready: fields.get("ready").map(ready).transpose()?,
            stop: fields.get("stop").map_or(Ok(StopBy::Terminate), stop)?,
            limits: limits(fields.require("limits")?)?,
            attempts: fields.get("attempts").map_or(Ok(AttemptMode::Strict), attempts)?,
            clock: fields.get("clock").map(clock).transpose()?,
            resend: fields.get("resend").map(command).transpose()?,
            account: fields.get("account").map(|node| account(node, life, &by)).transpose()?,
        })
    }
}

impl SenderFile {
    /// Whether the sender is told what the placeholder of this name stands for, in its arguments or
    /// its environment.
    #[must_use]
    pub fn uses(&self, placeholder: &str) -> bool {
        let placeholder = format!("{{{placeholder}}}");
        let told = self.start.iter().chain(self.environment.values()).chain(&self.directory);
        told.into_iter().any(|text| text.contains(&placeholder))
    }
}

/// Reads `strict` or `frame`.
pub(super) fn attempts(node: &Node) -> Result<AttemptMode, Diagnostic> {
    node.word("`strict` or `frame`", "valid words", ATTEMPTS)
}

/// One name, or a list of them.
fn mappings(node: &Node) -> Result<Vec<String>, Diagnostic> {
    if let Value::List(_) = node.value {
        return node.texts("a list of mappings", "the name of a mapping");
    }
    Ok(vec![node.text("the name of a mapping, or a list of them")?.to_owned()])
}

fn limits(node: &Node) -> Result<SenderLimits, Diagnostic> {
    let fields = node.fields("limits", LIMIT_KEYS)?;
    let ack_timeout = fields.require("ack_timeout")?;
    let limits = SenderLimits {
        ack_timeout: duration::read(ack_timeout)?,
        longest_retry: duration::read(fields.require("longest_retry")?)?,
        in_flight: fields.get("in_flight").map(|node| node.count(1)).transpose()?,
        stop: fields.get("stop").map(duration::read).transpose()?,
        cpu: fields.get("cpu").map(duration::read).transpose()?,
        memory: fields.get("memory").map(bytes).transpose()?,
    };
    if limits.ack_timeout.is_zero() {
        return Err(ack_timeout.error("a sender that never waits cannot be answered in time"));
    }
    Ok(limits)
}

/// A number of bytes, as in `64MiB`.
fn bytes(node: &Node) -> Result<u64, Diagnostic> {
    let text = node.text("an amount such as `64MiB`")?;
    let amount = ["KiB", "MiB", "GiB"].iter().zip([10, 20, 30]).find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
    });
    amount.ok_or_else(|| {
        let mistake = node.error(format!("expected an amount of memory, found `{text}`"));
        mistake.hint("a whole number and `KiB`, `MiB` or `GiB`, as in `64MiB`")
    })
}

/// A command, `{ get: http://… }`, `exit-code` or `answer`.
fn account(node: &Node, life: Lifetime, by: &FeedBy) -> Result<Account, Diagnostic> {
    if let Value::List(_) = node.value {
        return command(node).map(Account::Command);
    }
    if let Value::Text(_) = node.value {
        let word = node.word("a command that prints its account", "or in a word", ACCOUNTS)?;
        let is_answered = matches!(by, FeedBy::Mllp(_));
        if word == AccountWord::Answer && !is_answered {
            let mistake = node.error("only what feeds it by MLLP gets an answer that says it so");
            return Err(mistake.hint("as in `feed: { mllp: '127.0.0.1:{feed_port}' }`"));
        }
        if word == AccountWord::ExitCode && life != Lifetime::Exam {
            let mistake = node.error("only a process that is for one exam can say it so");
            return Err(mistake.hint("as in `start: { command: […], per: exam }`"));
        }
        return Ok(Account::Word(word));
    }
    let fields = node.fields("how it is asked for its account", &["get"])?;
    let get = fields.require("get")?;
    let url = get.text("an address")?;
    placeholders(url, get)?;
    if !url.starts_with("http://") {
        return Err(get.error("only `http://` can be asked"));
    }
    Ok(Account::Get(url.to_owned()))
}

/// `{ file: "{state}/clock" }`.
fn clock(node: &Node) -> Result<String, Diagnostic> {
    let fields = node.fields("how its clock is moved", CLOCK_KEYS)?;
    let file = fields.require("file")?;
    let text = file.text("a file")?;
    placeholders(text, file)?;
    Ok(text.to_owned())
}

fn environment(node: &Node) -> Result<BTreeMap<String, String>, Diagnostic> {
    let mut environment = BTreeMap::new();
    for (key, value) in node.entries("a map of variables")? {
        let text = value.text("the value of a variable")?;
        placeholders(text, value)?;
        environment.insert(key.name.clone(), text.to_owned());
    }
    Ok(environment)
}
