//! Reads the script of the EMR: on what, and with what, it reacts.

use std::time::Duration;

use super::raw::{Text, raw, some};
use super::{Word, duration};
use crate::plan::{MessageKind, Moment};
use crate::yaml::{Diagnostic, Fields, Key, Node, Place, Value};

/// The keys of an entry of the script.
pub(super) const ENTRY_KEYS: &[&str] = &["on", "reply", "times", "optional"];

/// The keys of `on`.
pub(super) const ON_KEYS: &[&str] =
    &["exam", "attempt", "message", "connection", "endpoint", "kind", "field", "moment", "bytes"];

/// The moments that are one word.
pub(super) const MOMENTS: &[(&str, Moment)] = &[
    ("accepted", Moment::Accepted),
    ("first-byte", Moment::Bytes(1)),
    ("message", Moment::Message),
];

/// The ways to end a connection.
pub(super) const ENDS: &[(&str, How)] =
    &[("close", How::Close), ("reset", How::Reset), ("half-close", How::HalfClose)];

/// The kinds of messages.
pub(super) const KINDS: &[(&str, MessageKind)] =
    &[("charge", MessageKind::Charge), ("result", MessageKind::Result)];

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
    pub kind: Option<MessageKind>,
    /// Fields by their paths, and the value that each must have.
    pub fields: Vec<(Word, String)>,
    /// At which moment.
    pub moment: Option<(Moment, Place)>,
}

/// How a connection can be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// In order.
    Close,
    /// By a reset.
    Reset,
    /// In order, and only in our direction.
    HalfClose,
}

/// One thing that plays.
#[derive(Clone, Debug)]
pub enum Part {
    /// A fault or answer, by a name that must be looked up.
    Fault {
        /// Its name.
        name: Word,
        /// Its parameters.
        with: Vec<Given>,
    },
    /// Bytes, with what is filled in between them.
    Raw(Vec<Text>),
    /// A pause.
    Wait(Duration),
    /// The end of the connection.
    End(How),
}

/// A parameter of a fault. Which ones a fault reads, and as what, is for those to say who know
/// the faults.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its name.
    pub name: Word,
    pub(super) value: Node,
}

impl Given {
    /// The parameter `name`, as an author writes it.
    #[must_use]
    pub const fn new(name: Word, value: Node) -> Self {
        Self { name, value }
    }

    /// Where its value is written.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.value.place
    }

    /// Its value as a duration.
    ///
    /// # Errors
    /// It is none, or longer than an hour.
    pub fn duration(&self) -> Result<Duration, Diagnostic> {
        duration::read(&self.value)
    }

    /// Its value as a whole number from `least` on.
    ///
    /// # Errors
    /// It is none.
    pub fn count(&self, least: u32) -> Result<u32, Diagnostic> {
        self.value.count(least)
    }

    /// Its value as text. `wanted` says what it should be, as in `a text`.
    ///
    /// # Errors
    /// It is no text.
    pub fn text(&self, wanted: &str) -> Result<&str, Diagnostic> {
        self.value.text(wanted)
    }
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
            let mistake = reply.error("there is nothing to reply with");
            return Err(mistake.hint("an EMR that says nothing, and stays, is `none`"));
        }
        Value::List(items) => {
            let parts = items.iter().map(part).collect::<Result<Vec<_>, _>>()?;
            ends_last(items, &parts)?;
            parts
        }
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
    let count = |key| {
        let number =
            |node: &Node| node.count(1).map_err(|mistake| mistake.hint("they are counted from 1"));
        fields.get(key).map(number).transpose()
    };
    let kind = |node: &Node| node.word("a kind of message", "valid kinds", KINDS);
    Ok(On {
        exam: word("exam", "the name of an exam")?,
        attempt: count("attempt")?,
        message: count("message")?,
        connection: count("connection")?,
        endpoint: word("endpoint", "the name of an endpoint")?,
        kind: fields.get("kind").map(kind).transpose()?,
        fields: fields.get("field").map_or_else(|| Ok(Vec::new()), values)?,
        moment: moment(&fields)?,
    })
}

/// A map from paths to values.
fn values(node: &Node) -> Result<Vec<(Word, String)>, Diagnostic> {
    let value = |(key, value): &(Key, Node)| {
        let path = Word { text: key.name.clone(), place: key.place.clone() };
        Ok((path, value.text("the value of a field")?.to_owned()))
    };
    node.entries("fields and their values, as in `{ FT1-7.1: \"92250\" }`")?
        .iter()
        .map(value)
        .collect()
}

fn moment(fields: &Fields<'_>) -> Result<Option<(Moment, Place)>, Diagnostic> {
    let named = fields.get("moment");
    let counted = fields.get("bytes");
    if let (Some(_), Some(bytes)) = (named, counted) {
        return Err(bytes.error("`moment` and `bytes` are two moments").hint("write one of them"));
    }
    let named = named.map(|node| {
        let when = node.word("a moment", "valid moments", MOMENTS)?;
        Ok((when, node.place.clone()))
    });
    let counted = counted.map(|node| {
        let count = node.count(1)?;
        Ok((Moment::Bytes(count.into()), node.place.clone()))
    });
    named.or(counted).transpose()
}

fn part(node: &Node) -> Result<Part, Diagnostic> {
    if let Value::Map(_) = node.value {
        let (key, value) = node.only_entry("a fault with its parameters")?;
        let special = SPECIAL.iter().any(|(word, _)| *word == key.name);
        if !special && !matches!(value.value, Value::Map(_)) {
            return Err(no_parameters(key, value));
        }
        return match key.name.as_str() {
            "raw" => raw(value).map(Part::Raw),
            "hex" => hex(value).map(|bytes| Part::Raw(vec![Text::Bytes(bytes)])),
            "wait" => duration::read(value).map(Part::Wait),
            "end" => value.word("a way to end", "valid ways", ENDS).map(Part::End),
            _ => {
                let name = Word { text: key.name.clone(), place: key.place.clone() };
                Ok(Part::Fault { name, with: with(value)? })
            }
        };
    }
    let name = Word::read(node, "a fault, or a list of them")?;
    Ok(Part::Fault { name, with: Vec::new() })
}

/// What stands in a reply beside faults, and how it is written.
pub const SPECIAL: &[(&str, &str)] = &[
    ("raw", "{ raw: '<VT>MSH|…<CR><FS><CR>' }"),
    ("hex", "{ hex: 0B 1C 0D }"),
    ("wait", "{ wait: 300ms }"),
    ("end", "{ end: close }"),
];

/// A fault whose value is no map: perhaps it is meant as something else.
fn no_parameters(key: &Key, value: &Node) -> Diagnostic {
    let wanted = "parameters of a fault, as in `{ after: 500ms }`";
    let mistake = value.unexpected(wanted);
    let words = SPECIAL.iter().map(|(word, _)| *word);
    mistake.hint(format!("`{}` is taken for a fault here", key.name)).hint_words(
        &key.name,
        "what is none and has a value",
        words,
    )
}

fn with(node: &Node) -> Result<Vec<Given>, Diagnostic> {
    let given = |(key, value): &(Key, Node)| Given {
        name: Word { text: key.name.clone(), place: key.place.clone() },
        value: value.clone(),
    };
    Ok(node.entries("parameters of a fault, as in `{ after: 500ms }`")?.iter().map(given).collect())
}

/// Nothing follows an end: no byte can leave any more. Only half an end can be followed by a reset.
fn ends_last(items: &[Node], parts: &[Part]) -> Result<(), Diagnostic> {
    let mut ended = None;
    for (item, part) in items.iter().zip(parts) {
        match (ended, part) {
            (None, Part::End(how)) => ended = Some(*how),
            (None, _) | (Some(How::HalfClose), Part::Wait(_)) => {}
            (Some(How::HalfClose), Part::End(How::Reset)) => ended = Some(How::Reset),
            (Some(_), _) => {
                let mistake = item.error("this stands behind the end of the connection");
                return Err(mistake.hint(
                    "an end comes last; behind `end: half-close` only `wait` and `end: reset` may stand",
                ));
            }
        }
    }
    Ok(())
}

/// Bytes as pairs of hexadecimal digits, blanks between them as one likes.
fn hex(node: &Node) -> Result<Vec<u8>, Diagnostic> {
    let text = node.text("bytes in hexadecimal, such as `0B 06 1C 0D`")?;
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for word in text.split_whitespace() {
        // A word is a part of the text, so that its place is the distance between them.
        let place = node.place_within(word.as_ptr() as usize - text.as_ptr() as usize);
        if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            let mistake = place.error(format!("`{word}` is written without `0x`"));
            return Err(mistake.hint(format!("write `{digits}`, as in `0B 06 1C 0D`")));
        }
        if let Some(letter) = word.chars().find(|letter| !letter.is_ascii_hexdigit()) {
            let mistake = place.error(format!("`{letter}` in `{word}` is no hexadecimal digit"));
            return Err(mistake.hint("bytes as text, with control characters as `<VT>`, are `raw`"));
        }
        if !word.len().is_multiple_of(2) {
            let mistake = place.error(format!("`{word}` has half a byte at its end"));
            return Err(mistake.hint("a byte has two digits, as in `0B 06 1C 0D`"));
        }
        let pairs = word.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    }
    some(node, !bytes.is_empty())?;
    Ok(bytes)
}
