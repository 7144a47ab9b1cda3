//! Axes: `$name` anywhere in a file stands for one value after another, and several axes make
//! their product.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::yaml::{Diagnostic, Key, Node, Value};

/// The value chosen on one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name of the axis.
    pub axis: String,
    /// The value on one line, as the id of the case shows it.
    pub value: String,
}

/// A product larger than this is a mistake, or nobody would wait for it.
const MOST_CASES: usize = 2_000;

struct Axis<'a> {
    key: &'a Key,
    values: Vec<(String, Cow<'a, Node>)>,
}

/// The keys of a range.
pub(super) const RANGE_KEYS: &[&str] = &["from", "to", "step"];

/// One tree for each combination of axis values, without its axes; `top` itself if it has none.
///
/// # Errors
/// An axis is empty, repeats a value or is not used, or something refers to an axis that does
/// not exist.
pub(super) fn expand(top: &Node) -> Result<Vec<(Vec<Choice>, Node)>, Diagnostic> {
    let entries = top.entries("a scenario")?;
    let axes = match entries.iter().find(|(key, _)| key.name == "axes") {
        Some((_, node)) => axes(node)?,
        None => Vec::new(),
    };
    let rest = entries.iter().filter(|(key, _)| key.name != "axes").cloned().collect();
    let rest = Node { place: top.place.clone(), value: Value::Map(rest) };
    let mut used = BTreeSet::new();
    let mut cases = Vec::new();
    for chosen in product(&axes)? {
        let mut substitution = Substitution { chosen: &chosen, used: &mut used };
        let tree = substitution.node(&rest)?;
        let choice = |(axis, label, _): &(&str, &str, &Node)| Choice {
            axis: (*axis).to_owned(),
            value: (*label).to_owned(),
        };
        cases.push((chosen.iter().map(choice).collect(), tree));
    }
    match axes.iter().find(|axis| !used.contains(&axis.key.name)) {
        Some(axis) => {
            let name = &axis.key.name;
            let mistake = axis.key.place.error(format!("the axis `{name}` is not used"));
            Err(mistake.hint(format!("write `${name}` where its values belong, or drop it")))
        }
        None => Ok(cases),
    }
}

fn axes(node: &Node) -> Result<Vec<Axis<'_>>, Diagnostic> {
    node.entries("a map of axes, each with a list of values")?.iter().map(axis).collect()
}

fn axis((key, node): &(Key, Node)) -> Result<Axis<'_>, Diagnostic> {
    if name_length(&key.name) != key.name.len() || key.name.is_empty() {
        let mistake = key.place.error(format!("`{}` is no name for an axis", key.name));
        return Err(mistake.hint("a name has lower-case letters, digits and `-`"));
    }
    if matches!(node.value, Value::Map(_)) {
        return Ok(Axis { key, values: range(node)? });
    }
    let items = node.list("a list of values, or a range")?;
    if items.is_empty() {
        return Err(node.error(format!("the axis `{}` has no values", key.name)));
    }
    let mut values: Vec<(String, Cow<'_, Node>)> = Vec::new();
    for item in items {
        let label = label(item);
        if values.iter().any(|(other, _)| *other == label) {
            let message = format!("the axis `{}` has the value `{label}` twice", key.name);
            return Err(item.error(message));
        }
        values.push((label, Cow::Borrowed(item)));
    }
    Ok(Axis { key, values })
}

/// `{ from: 64, to: 1024, step: 64 }`: both ends are values of the axis.
fn range(node: &Node) -> Result<Vec<(String, Cow<'_, Node>)>, Diagnostic> {
    let fields = node.fields("a range", RANGE_KEYS)?;
    let number = |key, least| fields.require(key)?.count(least);
    let (from, to, step) = (number("from", 0)?, number("to", 0)?, number("step", 1)?);
    if from > to {
        return Err(node.error(format!("there is nothing from {from} to {to}")));
    }
    let count = (to - from) / step + 1;
    if count as usize > MOST_CASES {
        let message = format!("the range makes {count} cases, which is too many");
        return Err(node.error(message).hint(format!("a scenario may have {MOST_CASES} cases")));
    }
    let value = |number: u32| {
        let text = number.to_string();
        let node = Node { place: node.place.clone(), value: Value::Number(text.clone()) };
        (text, Cow::Owned(node))
    };
    Ok((from..=to).step_by(step as usize).map(value).collect())
}

/// A value on one line; it becomes part of the id of a case.
fn label(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) | Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(label).collect::<Vec<_>>().join("+"),
        Value::Map(entries) => {
            let entry = |(key, value): &(Key, Node)| format!("{}:{}", key.name, label(value));
            entries.iter().map(entry).collect::<Vec<_>>().join("+")
        }
    }
}

/// Axis, label and value.
type Chosen<'a> = Vec<(&'a str, &'a str, &'a Node)>;

/// Every combination; the last axis changes fastest.
fn product<'a>(axes: &'a [Axis<'a>]) -> Result<Vec<Chosen<'a>>, Diagnostic> {
    let mut combinations: Vec<Chosen<'a>> = vec![Vec::new()];
    for axis in axes {
        let count = combinations.len().saturating_mul(axis.values.len());
        if count > MOST_CASES {
            let message = format!("the axes make {count} cases, which is too many");
            let hint = format!("a scenario may have {MOST_CASES} cases; split it");
            return Err(axis.key.place.error(message).hint(hint));
        }
        let extend = |chosen: Chosen<'a>| {
            axis.values.iter().map(move |(label, node)| {
                let mut chosen = chosen.clone();
                chosen.push((axis.key.name.as_str(), label.as_str(), node.as_ref()));
                chosen
            })
        };
        combinations = combinations.into_iter().flat_map(extend).collect();
    }
    Ok(combinations)
}

struct Substitution<'a> {
    chosen: &'a [(&'a str, &'a str, &'a Node)],
    used: &'a mut BTreeSet<String>,
}

impl<'a> Substitution<'a> {
    fn node(&mut self, node: &Node) -> Result<Node, Diagnostic> {
        let value = match &node.value {
            Value::Text(text) => {
                if let Some(name) = text.strip_prefix('$').filter(|name| is_name(name)) {
                    return self.value(name, node).map(|(_, value)| value.clone());
                }
                Value::Text(self.text(text, node)?)
            }
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let mut substituted = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    substituted.push((self.key(key)?, self.node(value)?));
                }
                Value::Map(substituted)
            }
            other => other.clone(),
        };
        Ok(Node { place: node.place.clone(), value })
    }

    fn key(&mut self, key: &Key) -> Result<Key, Diagnostic> {
        let node = Node { place: key.place.clone(), value: Value::Null };
        Ok(Key { place: key.place.clone(), name: self.text(&key.name, &node)? })
    }

    /// Replaces every `$name` and `${name}` inside a text; `$$` stands for the sign itself.
    fn text(&mut self, text: &str, at: &Node) -> Result<String, Diagnostic> {
        let mut substituted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            substituted.push_str(before);
            let bare = name_length(after);
            let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            rest = if let Some(after) = after.strip_prefix('$') {
                substituted.push('$');
                after
            } else if let Some((name, after)) = braced {
                substituted.push_str(self.value(name, at)?.0);
                after
            } else if bare > 0 {
                let (name, after) = after.split_at(bare);
                substituted.push_str(self.value(name, at)?.0);
                after
            } else {
                substituted.push('$');
                after
            };
        }
        substituted.push_str(rest);
        Ok(substituted)
    }

    fn value(&mut self, name: &str, at: &Node) -> Result<(&'a str, &'a Node), Diagnostic> {
        let found = self.chosen.iter().find(|(axis, _, _)| *axis == name);
        let Some((axis, label, value)) = found else {
            let valid = self.chosen.iter().map(|(axis, _, _)| *axis);
            return Err(at
                .error(format!("there is no axis `{name}`"))
                .hint_words(name, "axes", valid)
                .hint("a `$` that means itself is written `$$`"));
        };
        self.used.insert((*axis).to_owned());
        Ok((label, value))
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && name_length(text) == text.len()
}

/// How many bytes at the beginning of `text` are the name of an axis.
fn name_length(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        return 0;
    }
    let valid = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    text.bytes().take_while(valid).count()
}
