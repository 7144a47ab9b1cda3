//! How a sender is started, fed, and known to be ready, as its sender file says.

use core::net::SocketAddr;
use std::time::Duration;

use super::placeholders::{command, placeholders};
use super::{Word, duration};
use crate::plan::{FeedBy, Lifetime, ReadyWhen, Separator};
use crate::yaml::{Diagnostic, Fields, Node, Value};

/// The lifetimes that `start: { per: … }` can name.
pub(super) const PER: &[(&str, Lifetime)] =
    &[("case", Lifetime::Case), ("run", Lifetime::Run), ("exam", Lifetime::Exam)];

/// The word that stands in place of a program that is not ours to start.
pub(super) const OBSERVE: &str = "observe";

/// The keys of `start`, where it is more than a command.
pub(super) const START_KEYS: &[&str] = &["command", "per"];

/// How exams are handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// By which way.
    pub by: FeedBy,
    /// As what.
    pub form: Form,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The facts of the exam as JSON.
    Json,
    /// An order, ORM^O01, and its result, ORU^R01.
    Hl7,
    /// The finished charge message, for a sender that only transports.
    Message,
    /// A text of the author's own with facts in it: the file of this name.
    Template(Word),
}

/// How a started sender shows that it is ready to be fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// By what.
    pub when: ReadyWhen,
    /// How long that may take.
    pub within: Duration,
}

/// The keys of `feed`.
pub(super) const FEED_KEYS: &[&str] = &["by", "post", "mllp", "as", "end"];

/// The ways to feed a sender that need no address.
pub(super) const FEEDS: &[(&str, FeedBy)] = &[
    ("inbox", FeedBy::Inbox),
    ("standard-input", FeedBy::StandardInput(Separator::Line)),
    ("by-hand", FeedBy::Hand),
];

/// What stands after a document on a standard input.
pub(super) const SEPARATORS: &[(&str, Separator)] =
    &[("line", Separator::Line), ("nul", Separator::Nul), ("blank-line", Separator::BlankLine)];

/// The forms of a document that are one word; `template` has a file.
pub(super) const FORMS: &[&str] = &["json", "hl7", "message"];

/// The keys of `ready`.
pub(super) const READY_KEYS: &[&str] = &["line", "port", "file", "within"];

/// How long a sender may take to be ready, where its file does not say.
const WITHIN: Duration = Duration::from_secs(10);

/// A command, and how long one process of it lives.
pub(super) fn start(node: &Node) -> Result<(Vec<String>, Lifetime), Diagnostic> {
    match &node.value {
        Value::List(_) => Ok((command(node)?, Lifetime::Case)),
        Value::Text(text) if text == OBSERVE => Ok((Vec::new(), Lifetime::Observed)),
        Value::Map(_) => {
            let fields = node.fields("how it is started", START_KEYS)?;
            let per = |node: &Node| node.word("what one process is for", "valid words", PER);
            let per = fields.get("per").map_or(Ok(Lifetime::Case), per)?;
            Ok((command(fields.require("command")?)?, per))
        }
        _ => Err(node
            .unexpected("the program and its arguments")
            .hint("a list such as [./send.sh, \"{port}\"]; `observe` if it is not ours to start")),
    }
}

/// The addresses that the EMR listens on: one, or a list.
pub(super) fn listen(node: &Node) -> Result<Vec<SocketAddr>, Diagnostic> {
    let one = |node: &Node| {
        let text = node.text("an address such as 127.0.0.1:2575")?;
        let mistake = || node.error(format!("expected an address and a port, found `{text}`"));
        text.parse().map_err(|_| mistake().hint("as in `127.0.0.1:2575`"))
    };
    match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(node)?]),
    }
}

/// How exams are handed over to a sender of this lifetime.
pub(super) fn feed(node: Option<&Node>, life: Lifetime) -> Result<Feed, Diagnostic> {
    let usual = match life {
        Lifetime::Observed => FeedBy::Hand,
        _ => FeedBy::Inbox,
    };
    let Some(node) = node else { return Ok(Feed { by: usual, form: Form::Json }) };
    if !matches!(node.value, Value::Map(_)) {
        return Ok(Feed { by: way(node)?, form: Form::Json });
    }
    let fields = node.fields("how exams are given to the sender", FEED_KEYS)?;
    let form = fields.get("as").map_or(Ok(Form::Json), form)?;
    let by = fed_by(node, &fields)?;
    if life == Lifetime::Exam && by.is_some() {
        let mistake = node.error("a process for each exam is given it by `{exam}`");
        return Err(mistake.hint("or on its standard input, where no argument names `{exam}`"));
    }
    Ok(Feed { by: by.unwrap_or(usual), form })
}

fn way(node: &Node) -> Result<FeedBy, Diagnostic> {
    let text = node.text("a way to feed it")?;
    let found = FEEDS.iter().find(|(word, _)| *word == text).map(|(_, by)| by.clone());
    found.ok_or_else(|| {
        let mistake = node.error(format!("expected a way to feed it, found `{text}`"));
        mistake
            .hint_words(text, "valid ways", FEEDS.iter().map(|(word, _)| *word))
            .hint("or at an address: `feed: { post: \"http://…\" }`, `feed: { mllp: \"…\" }`")
    })
}

/// The one way that is named, if one is.
fn fed_by(node: &Node, fields: &Fields<'_>) -> Result<Option<FeedBy>, Diagnostic> {
    let named = ["by", "post", "mllp"].map(|key| fields.get(key));
    if named.iter().flatten().count() > 1 {
        let mistake = node.error("an exam is given to the sender in one way");
        return Err(mistake.hint("keep one of `by`, `post` and `mllp`"));
    }
    let address = |node: &Node| {
        let text = node.text("an address")?;
        placeholders(text, node)?;
        Ok::<_, Diagnostic>(text.to_owned())
    };
    let mut by = match named {
        [Some(by), ..] => Some(way(by)?),
        [_, Some(post), _] => {
            let url = address(post)?;
            if !url.starts_with("http://") {
                return Err(post.error("only `http://` can be posted to"));
            }
            Some(FeedBy::Post(url))
        }
        [.., Some(mllp)] => Some(FeedBy::Mllp(address(mllp)?)),
        _ => None,
    };
    if let Some(end) = fields.get("end") {
        let separator = end.word("what ends a document", "valid ends", SEPARATORS)?;
        match &mut by {
            Some(FeedBy::StandardInput(after)) => *after = separator,
            _ => return Err(end.error("only what is written to a standard input has an end")),
        }
    }
    Ok(by)
}

fn form(node: &Node) -> Result<Form, Diagnostic> {
    if let Value::Map(_) = node.value {
        let fields = node.fields("the form of a document", &["template"])?;
        return Word::read(fields.require("template")?, "a file").map(Form::Template);
    }
    match node.text("the form of a document")? {
        "json" => Ok(Form::Json),
        "hl7" => Ok(Form::Hl7),
        "message" => Ok(Form::Message),
        other => {
            let mistake = node.error(format!("expected the form of a document, found `{other}`"));
            Err(mistake
                .hint_words(other, "valid forms", FORMS.iter().copied())
                .hint("or a file of your own: `as: { template: exam.txt }`"))
        }
    }
}

/// What shows that it is ready.
pub(super) fn ready(node: &Node) -> Result<Ready, Diagnostic> {
    let fields = node.fields("what shows that it is ready", READY_KEYS)?;
    let text = |node: &Node| {
        let text = node.text("a text")?;
        placeholders(text, node)?;
        Ok::<_, Diagnostic>(text.to_owned())
    };
    let when = match ["line", "port", "file"].map(|key| fields.get(key)) {
        [Some(line), None, None] => ReadyWhen::Line(text(line)?),
        [None, Some(port), None] => ReadyWhen::Port(text(port)?),
        [None, None, Some(file)] => ReadyWhen::File(text(file)?),
        _ => {
            let mistake = node.error("one thing shows that it is ready");
            return Err(
                mistake.hint("`line`, `port` or `file`; without `ready`, being started does")
            );
        }
    };
    let within = fields.get("within").map_or(Ok(WITHIN), duration::read)?;
    Ok(Ready { when, within })
}
