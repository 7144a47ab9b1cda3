//! The tree of what an author wrote: every value and every key with its place.

use super::{Diagnostic, Source};

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which file.
    pub source: Source,
    /// On which line, from 1.
    pub line: usize,
    /// At which column, from 1, in characters.
    pub column: usize,
}

impl Place {
    /// A mistake here.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.source, self.line, self.column, message)
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it is written.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// A key of a map with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it is written.
    pub place: Place,
    /// Its text.
    pub name: String,
}

/// What can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, or `null`, or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is spelled.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order in which it is written; its keys are unique.
    Map(Vec<(Key, Node)>),
}

impl Value {
    /// What kind of value it is, for a message.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Number(text) => format!("the number `{text}`"),
            Self::Text(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
            Self::Text(_) => "a text".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

impl Node {
    /// A mistake at this value.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        self.place.error(message)
    }

    /// The mistake that this value is not `wanted`, as in `a duration`.
    #[must_use]
    pub fn unexpected(&self, wanted: &str) -> Diagnostic {
        self.error(format!("expected {wanted}, found {}", self.value.kind()))
    }

    /// Where the part of its text begins that stands `offset` bytes into it; its own place, if the
    /// text does not stand in its file as it is.
    #[must_use]
    pub fn place_within(&self, offset: usize) -> Place {
        let place = self.place.clone();
        let (Value::Text(text) | Value::Number(text)) = &self.value else { return place };
        let line = place.source.line(place.line).unwrap_or_default();
        let start = line.char_indices().nth(place.column.saturating_sub(1)).map(|(at, _)| at);
        let rest = start.and_then(|start| line.get(start..)).unwrap_or_default();
        let quote = usize::from(rest.starts_with(['"', '\'']));
        let stands = rest.get(quote..).is_some_and(|rest| rest.starts_with(text.as_str()));
        match text.get(..offset).filter(|_| stands) {
            Some(before) => {
                Place { column: place.column + quote + before.chars().count(), ..place }
            }
            None => place,
        }
    }

    /// Its text; a number gives its spelling. `wanted` says what it should be, as in `a title`.
    ///
    /// # Errors
    /// It is neither text nor a number.
    pub fn text(&self, wanted: &str) -> Result<&str, Diagnostic> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Ok(text),
            Value::Bool(value) => {
                Err(self.unexpected(wanted).hint(format!("text is put in quotes: \"{value}\"")))
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// Its items.
    ///
    /// # Errors
    /// It is no list.
    pub fn list(&self, wanted: &str) -> Result<&[Self], Diagnostic> {
        match &self.value {
            Value::List(items) => Ok(items),
            Value::Text(text) | Value::Number(text) => {
                Err(self.unexpected(wanted).hint(format!("one item is a list too: [{text}]")))
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// Its texts, where it is a list of them.
    ///
    /// # Errors
    /// It is no list, or an item is no text.
    pub fn texts(&self, wanted: &str, item: &str) -> Result<Vec<String>, Diagnostic> {
        self.list(wanted)?.iter().map(|node| node.text(item).map(str::to_owned)).collect()
    }

    /// Its entries, whatever their keys.
    ///
    /// # Errors
    /// It is no map.
    pub fn entries(&self, wanted: &str) -> Result<&[(Key, Self)], Diagnostic> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// Its entries, where only the keys in `valid` may stand.
    ///
    /// # Errors
    /// It is no map, or has another key.
    pub fn fields(&self, wanted: &str, valid: &[&str]) -> Result<Fields<'_>, Diagnostic> {
        let entries = self.entries(wanted)?;
        let stranger = entries.iter().find(|(key, _)| !valid.contains(&key.name.as_str()));
        if let Some((key, _)) = stranger {
            let message = format!("unknown key `{}`", key.name);
            let mistake = key.place.error(message);
            return Err(mistake.hint_words(&key.name, "valid keys", valid.iter().copied()));
        }
        Ok(Fields { node: self, entries })
    }

    /// The only entry of a map that must have one.
    ///
    /// # Errors
    /// It is no map, or has none or several entries.
    pub fn only_entry(&self, wanted: &str) -> Result<(&Key, &Self), Diagnostic> {
        match self.entries(wanted)? {
            [(key, value)] => Ok((key, value)),
            [] => Err(self.error(format!("expected {wanted}, found an empty map"))),
            [_, (second, _), ..] => Err(second
                .place
                .error(format!("expected {wanted}, found a second key `{}`", second.name))
                .hint("a new item of a list begins with `- `")),
        }
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// It is anything else.
    pub fn boolean(&self) -> Result<bool, Diagnostic> {
        match &self.value {
            Value::Bool(value) => Ok(*value),
            _ => Err(self.unexpected("`true` or `false`")),
        }
    }

    /// A whole number from `least` upward.
    ///
    /// # Errors
    /// It is no number, or out of range.
    pub fn count(&self, least: u32) -> Result<u32, Diagnostic> {
        let wanted = format!("a whole number from {least}");
        match &self.value {
            Value::Number(text) => {
                let number = text.parse().ok().filter(|number| *number >= least);
                number.ok_or_else(|| self.unexpected(&wanted))
            }
            _ => Err(self.unexpected(&wanted)),
        }
    }

    /// One of a few words.
    ///
    /// # Errors
    /// It is no text, or another word. `plural` names the words, as in `valid steps`.
    pub fn word<T: Copy>(
        &self,
        what: &str,
        plural: &str,
        words: &[(&str, T)],
    ) -> Result<T, Diagnostic> {
        let text = self.text(what)?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let valid = words.iter().map(|(word, _)| *word);
            self.error(format!("expected {what}, found `{text}`")).hint_words(text, plural, valid)
        })
    }
}

/// The entries of a map whose keys are all known to be valid.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    node: &'a Node,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The value of `key`, if it is there.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(found, _)| found.name == key).map(|(_, value)| value)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// It is not there; the map itself is blamed.
    pub fn require(&self, key: &str) -> Result<&'a Node, Diagnostic> {
        self.get(key).ok_or_else(|| self.node.error(format!("missing key `{key}`")).hint(add(key)))
    }
}

/// What to do about a key that is missing.
pub(super) fn add(key: &str) -> String {
    format!("add `{key}: …` beside the keys of this map")
}
