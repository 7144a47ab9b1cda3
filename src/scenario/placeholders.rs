//! Commands, and what stands in braces in them.

use crate::yaml::{Diagnostic, Node};

pub(super) fn command(node: &Node) -> Result<Vec<String>, Diagnostic> {
    let items = node.list("a list: the program and its arguments")?;
    if items.is_empty() {
        return Err(node.error("there is no program to start"));
    }
    let argument = |item: &Node| {
        let text = item.text("an argument")?;
        placeholders(text, item)?;
        Ok(text.to_owned())
    };
    items.iter().map(argument).collect()
}

/// Whether everything in braces that looks like a placeholder is one.
pub(super) fn placeholders(text: &str, at: &Node) -> Result<(), Diagnostic> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        let Some((name, _)) = after.split_once('}') else { break };
        let looks =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if looks && !PLACEHOLDERS.iter().any(|(valid, _)| *valid == name) {
            let valid = PLACEHOLDERS.iter().map(|(valid, _)| *valid);
            let mistake = at.error(format!("unknown placeholder `{{{name}}}`"));
            return Err(mistake.hint_words(name, "valid placeholders", valid));
        }
    }
    Ok(())
}

/// What may stand in braces in `start`, `account` and `environment`, and what it becomes.
///
/// An argument that holds `{endpoint}` is repeated for every endpoint; one that holds
/// `{results}`, `{ack_port}`, `{ca}`, `{cert}` or `{key}` is left out where there is no such thing.
/// So a flag and its value are one argument, as in `--endpoint={endpoint}`.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("chargeproof", "path of this program"),
    ("beside", "directory that the sender file is in"),
    ("endpoint", "`host:port` of an endpoint; the argument is repeated for each"),
    ("endpoints", "`host:port` of all endpoints, joined by commas"),
    ("host", "host of the first endpoint"),
    ("port", "port of the first endpoint"),
    ("state", "directory that outlives a restart of the sender"),
    ("inbox", "directory in which exams appear as `*.json`"),
    ("exam", "path of the exam, for a process that is started for each"),
    ("order", "number of the order that is to be sent once more, in `resend`"),
    ("feed_port", "a free port for the sender to be fed at"),
    (
        "ack_port",
        "a free port where the sender takes acknowledgements; the argument is dropped where none come",
    ),
    ("mapping", "path of the mapping as JSON"),
    ("results", "path of the mapping for results as JSON; the argument is dropped without one"),
    ("ca", "path of the authority to trust, PEM; the argument is dropped where there is no TLS"),
    ("cert", "path of a client certificate, PEM; the argument is dropped where none is asked for"),
    ("key", "path of the key of that certificate, PEM; dropped with it"),
    ("ack_timeout_ms", "how long to wait for an acknowledgement, in milliseconds"),
    ("longest_retry_ms", "the longest time after which it tries anything again, in milliseconds"),
];
