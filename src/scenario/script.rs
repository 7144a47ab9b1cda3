//! Reads the script of the EMR: on what, and with what, it reacts.

use std::time::Duration;

use super::{Word, duration};
use crate::yaml::{Diagnostic, Node, Place, Value};

/// The keys of an entry of the script.
pub(super) const ENTRY_KEYS: &[&str] = &["on", "reply", "times", "optional"];

/// The keys of `on`.
pub(super) const ON_KEYS: &[&str] =
    &["exam", "attempt", "message", "connection", "endpoint", "kind"];

/// The parameters of a fault.
pub(super) const WITH_KEYS: &[&str] = &["after", "bytes", "times", "text", "code"];

/// The kinds of messages.
pub(super) const KINDS: &[(&str, Kind)] = &[("charge", Kind::Charge), ("result", Kind::Result)];

/// One entry of the script.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// Where it is written.
    pub place: Place,
    /// When it plays.
    pub on: On,
    /// What plays, in order.
    pub play: Vec<Part>,
    /// How many times at the most.
    pub times: Option<u32>,
    /// Whether it need not play.
    pub optional: bool,
}

/// When a reaction plays: everything that is named must hold.
#[derive(Clone, Debug, Default)]
pub struct On {
    /// The exam.
    pub exam: Option<Word>,
    /// Which attempt, from 1.
    pub attempt: Option<u32>,
    /// Which message, from 1.
    pub message: Option<u32>,
    /// Which connection, from 1.
    pub connection: Option<u32>,
    /// The endpoint.
    pub endpoint: Option<Word>,
    /// The kind of message.
    pub kind: Option<Kind>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A charge.
    Charge,
    /// A result.
    Result,
}

/// One thing that plays.
#[derive(Clone, Debug)]
pub enum Part {
    /// A fault or answer, by a name that must be looked up.
    Fault {
        /// Its name.
        name: Word,
        /// Its parameters.
        with: With,
    },
    /// Bytes.
    Raw(Vec<u8>),
    /// A pause.
    Wait(Duration),
}

/// Parameters of a fault, where they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct With {
    /// How long.
    pub after: Option<Duration>,
    /// How many bytes.
    pub bytes: Option<u64>,
    /// How many times.
    pub times: Option<u32>,
    /// Text to carry.
    pub text: Option<String>,
    /// Acknowledgement code.
    pub code: Option<String>,
}

/// Reads the list that stands under `emr`.
pub(super) fn read(node: &Node) -> Result<Vec<Reaction>, Diagnostic> {
    node.list("a list of entries with `on` and `reply`")?.iter().map(reaction).collect()
}

fn reaction(node: &Node) -> Result<Reaction, Diagnostic> {
    let fields = node.fields("an entry with `on` and `reply`", ENTRY_KEYS)?;
    let reply = fields.require("reply")?;
    let play = match &reply.value {
        Value::List(items) if items.is_empty() => {
            return Err(reply.error("there is nothing to reply with"));
        }
        Value::List(items) => items.iter().map(part).collect::<Result<_, _>>()?,
        _ => vec![part(reply)?],
    };
    Ok(Reaction {
        place: node.place.clone(),
        on: on(fields.require("on")?)?,
        play,
        times: fields.get("times").map(|node| node.count(1)).transpose()?,
        optional: fields.get("optional").map_or(Ok(false), Node::boolean)?,
    })
}

fn on(node: &Node) -> Result<On, Diagnostic> {
    let fields = node.fields("when it plays, as in `{ exam: john-doe }`", ON_KEYS)?;
    let word = |key, wanted| fields.get(key).map(|node| Word::read(node, wanted)).transpose();
    let count = |key| fields.get(key).map(|node| node.count(1)).transpose();
    let kind = |node: &Node| node.word("a kind of message", "valid kinds", KINDS);
    Ok(On {
        exam: word("exam", "the name of an exam")?,
        attempt: count("attempt")?,
        message: count("message")?,
        connection: count("connection")?,
        endpoint: word("endpoint", "the name of an endpoint")?,
        kind: fields.get("kind").map(kind).transpose()?,
    })
}

fn part(node: &Node) -> Result<Part, Diagnostic> {
    if let Value::Map(_) = node.value {
        let (key, value) = node.only_entry("a fault with its parameters")?;
        return match key.name.as_str() {
            "raw" => Ok(Part::Raw(raw(value.text("bytes such as `<VT>MSH|…<CR><FS><CR>`")?))),
            "wait" => duration::read(value).map(Part::Wait),
            _ => {
                let name = Word { text: key.name.clone(), place: key.place.clone() };
                Ok(Part::Fault { name, with: with(value)? })
            }
        };
    }
    let name = Word::read(node, "a fault, or a list of them")?;
    Ok(Part::Fault { name, with: With::default() })
}

fn with(node: &Node) -> Result<With, Diagnostic> {
    let fields = node.fields("parameters of a fault", WITH_KEYS)?;
    let text =
        |key, wanted| fields.get(key).map(|node| node.text(wanted).map(str::to_owned)).transpose();
    Ok(With {
        after: fields.get("after").map(duration::read).transpose()?,
        bytes: fields.get("bytes").map(|node| node.count(0).map(u64::from)).transpose()?,
        times: fields.get("times").map(|node| node.count(1)).transpose()?,
        text: text("text", "a text")?,
        code: text("code", "an acknowledgement code")?,
    })
}

/// Bytes as an author writes them: `<VT>`, `<CR>`, `<FS>`, `<LF>`, and any byte as two
/// hexadecimal digits, as in `<E9>`. Everything else stands for itself, in UTF-8.
fn raw(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        bytes.extend_from_slice(before.as_bytes());
        let named = after.split_once('>').and_then(|(name, after)| Some((byte(name)?, after)));
        rest = if let Some((byte, after)) = named {
            bytes.push(byte);
            after
        } else {
            bytes.push(b'<');
            after
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn byte(name: &str) -> Option<u8> {
    match name {
        "VT" => Some(0x0B),
        "FS" => Some(0x1C),
        "CR" => Some(0x0D),
        "LF" => Some(0x0A),
        hex if hex.len() == 2 && hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u8::from_str_radix(hex, 16).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::raw;

    #[rstest]
    #[case::names("<VT>A<CR><FS><LF>", b"\x0bA\r\x1c\n")]
    #[case::any_byte_in_hexadecimal("J<E9>r<00>", b"J\xe9r\x00")]
    #[case::other_letters_are_utf_8("Jér", b"J\xc3\xa9r")]
    #[case::what_is_no_name_stands_for_itself("<x> < <VTT> <", b"<x> < <VTT> <")]
    #[case::the_sign_itself_by_its_number("<3C>CR>", b"<CR>")]
    fn raw_bytes(#[case] text: &str, #[case] expected: &[u8]) {
        assert_eq!(raw(text), expected);
    }
}
