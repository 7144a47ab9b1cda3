//! Text to tree: the YAML library reads, and its complaints become [`Diagnostic`]s.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_yaml::{Error, Location, Options};

use super::{At, Diagnostic, Key, MAX_BYTES, Node, Place, Source, Value};

/// Reads the one document of `source`.
///
/// # Errors
/// The text is no YAML, is empty, holds several documents, is nested or expanded beyond any
/// reason, or repeats a key.
pub fn parse(source: &Source) -> Result<Node, Diagnostic> {
    if source.text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, which is too many", source.text.len());
        let hint = format!("a file may have {MAX_BYTES} bytes at the most");
        return Err(Diagnostic::new(source, 1, 1, message).hint(hint));
    }
    if source.is_blank() {
        return Err(Diagnostic::new(source, 1, 1, "the file is empty")
            .hint("`chargeproof schema --help` names the formats that can be printed"));
    }
    let raw: At<Raw> = serde_yaml::from_str_with_options(&source.text, options())
        .map_err(|error| complaint(source, &error))?;
    node(source, raw)
}

/// A hand-written file needs a small part of what these bounds allow. Depth costs stack: the
/// library and the tree take some 30 KB a level in a debug build.
fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: 24,
            flow_nesting_limit: 24,
            max_documents: 2,
            max_nodes: 100_000,
            max_events: 300_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 8,
        },
        // The tree is built with every key, so that a second one can be shown with the first.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// What the library hands over, before places and spellings are filled in.
enum Raw {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<At<Self>>),
    Map(Vec<(At<String>, At<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

fn node(source: &Source, raw: At<Raw>) -> Result<Node, Diagnostic> {
    let place = place(source, raw.referenced);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Number => Value::Number(spelling(source, raw.defined)),
        Raw::Text(text) => Value::Text(text),
        Raw::List(items) => {
            Value::List(items.into_iter().map(|item| node(source, item)).collect::<Result<_, _>>()?)
        }
        Raw::Map(entries) => map(source, entries)?,
    };
    Ok(Node { place, value })
}

fn map(source: &Source, entries: Vec<(At<String>, At<Raw>)>) -> Result<Value, Diagnostic> {
    let mut read: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
    let mut seen = std::collections::BTreeMap::new();
    for (key, value) in entries {
        let key = Key { place: place(source, key.referenced), name: key.value };
        if let Some(first) = seen.insert(key.name.clone(), key.place.line) {
            let message = format!("the key `{}` stands here for the second time", key.name);
            let hint = format!("it was first written on line {first}");
            return Err(key.place.error(message).hint(hint));
        }
        read.push((key, node(source, value)?));
    }
    Ok(Value::Map(read))
}

fn place(source: &Source, at: Location) -> Place {
    let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
    Place { source: source.clone(), line: number(at.line()), column: number(at.column()) }
}

/// A number as its author spelled it: `0012` and `1.50` are not what their values print as.
fn spelling(source: &Source, at: Location) -> String {
    let bound = |bound: Option<u64>| bound.and_then(|bound| usize::try_from(bound).ok());
    let start = bound(at.span().byte_offset()).unwrap_or_default();
    let length = bound(at.span().byte_len()).unwrap_or_default();
    source.text.get(start..start + length).unwrap_or_default().trim().to_owned()
}

/// What the library says, in our words where it matters to an author.
fn complaint(source: &Source, error: &Error) -> Diagnostic {
    let at = error.location().unwrap_or(Location::UNKNOWN);
    let here = |message: &str| place(source, at).error(message);
    match innermost(error) {
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            here("the file is nested or expanded too far")
                .hint("write the values out instead of referring to them with `*`")
        }
        Error::MultipleDocuments { .. } => here("a second document begins here")
            .hint("a file holds one document; remove the `---` and what follows it"),
        Error::MergeKeyNotAllowed { .. } => here("merge keys (`<<`) are not read")
            .hint("write the keys out; an exam can say `like:`, a mapping `extends:`"),
        other => tab(source, &place(source, at)).unwrap_or_else(|| {
            let words = words(other);
            let mistake = here(&format!("this is no YAML: {words}"));
            match advice(&words) {
                Some(advice) => mistake.hint(advice),
                None => mistake,
            }
        }),
    }
}

fn innermost(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } =
        error
    {
        error = inner;
    }
    error
}

/// The library's message without its own place, which stands before it already.
fn words(error: &Error) -> String {
    let text = error.to_string();
    let end = text.find(" at line ").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).lines().next().unwrap_or_default().to_owned()
}

/// What usually lies behind the commonest of the library's messages.
fn advice(words: &str) -> Option<&'static str> {
    let known = [
        (
            "mapping values are not allowed",
            "a text that holds `: ` is put in quotes, and keys of one map stand below each other",
        ),
        ("unexpected character", "a text that begins with this character is put in quotes"),
        ("multiline quoted scalar", "a quote may have been left open above"),
        ("unclosed bracket", "the bracket that opens here is never closed"),
    ];
    known.iter().find(|(part, _)| words.contains(part)).map(|(_, advice)| *advice)
}

/// A tab in the indentation, which is the likeliest cause of a complaint at or after it.
fn tab(source: &Source, at: &Place) -> Option<Diagnostic> {
    for (index, line) in source.text.lines().enumerate().take(at.line.saturating_add(1)) {
        let indentation = line.chars().take_while(|letter| letter.is_whitespace());
        if let Some(column) = indentation.into_iter().position(|letter| letter == '\t') {
            let mistake =
                Diagnostic::new(source, index + 1, column + 1, "a tab in the indentation");
            return Some(mistake.hint("YAML is indented with spaces"));
        }
    }
    None
}
