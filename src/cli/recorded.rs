//! A stored history that cannot be read: where, what, and what to try next.
//!
//! The line is shown without what may be of a patient.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::cli::failure::Failure;
use chargeproof::history::{self, History, HistoryError};
use chargeproof::yaml::{Diagnostic, Source, nearest};

/// Reads a stored history.
///
/// # Errors
/// A file that cannot be read, or that is no history.
pub(super) fn read(path: &Path) -> Result<History, Failure> {
    let file = File::open(path).map_err(Failure::reading(path))?;
    read_from(BufReader::new(file), path)
}

/// Reads a stored history that lies at `path`.
///
/// # Errors
/// A file that cannot be read, or that is no history.
pub(super) fn read_from(input: impl BufRead, path: &Path) -> Result<History, Failure> {
    history::read(input).map_err(|error| match error {
        HistoryError::Io(error) => Failure::reading(path)(error),
        HistoryError::Line { line, column, message } => {
            mistake(path, line, column, &message).into()
        }
    })
}

/// What is wrong with a line of the history at `path`.
pub(super) fn mistake(path: &Path, line: usize, column: usize, message: &str) -> Diagnostic {
    let (text, is_last) = line_of(path, line).unwrap_or_default();
    let told = Told::of(message, &text);
    let column = match &told.word {
        Some(word) => text.find(&format!("\"{word}\"")).map_or(column, |at| at + 1),
        None => column,
    };
    // JSON counts bytes, and a person letters.
    let before =
        text.get(..column.saturating_sub(1)).map_or(column, |before| before.chars().count() + 1);
    let source = Source::new(
        path.display().to_string(),
        format!("{}{}", "\n".repeat(line.saturating_sub(1)), veiled(&text)),
    );
    let mistake = Diagnostic::new(&source, line, before, told.message);
    let mistake = match &told.meant {
        Some(meant) => mistake.hint(format!("did you mean `{meant}`?")),
        None => mistake,
    };
    mistake.hint(match (line, is_last, told.ends_too_soon) {
        (1, ..) => "a history is the `history.jsonl` that `run --out` or `serve --out` wrote, and its first line is its header",
        (_, true, true) => "the file was cut off while it was written: without its last line, what came before can be judged, as one that was altered",
        _ => "the line was altered or damaged since it was written: take the file from where it was recorded, or run the case again",
    })
}

/// A line of a file, without its end, and whether it is the last.
fn line_of(path: &Path, number: usize) -> Option<(String, bool)> {
    let mut lines = BufReader::new(File::open(path).ok()?).lines();
    let line = lines.nth(number.checked_sub(1)?)?.ok()?;
    Some((line, lines.next().is_none()))
}

/// What a person is told of what the reader of JSON said.
struct Told {
    message: String,
    /// The word that it is about, as it stands in the line.
    word: Option<String>,
    meant: Option<String>,
    ends_too_soon: bool,
}

impl Told {
    fn of(message: &str, line: &str) -> Self {
        // The place is told in another way.
        let message = message.split(" at line ").next().unwrap_or(message);
        let plain = |message: &str| Self {
            message: message.to_owned(),
            word: None,
            meant: None,
            ends_too_soon: message.starts_with("EOF"),
        };
        if line.trim().is_empty() {
            return Self { ends_too_soon: true, ..plain("there is nothing on this line") };
        }
        if message.starts_with("EOF") {
            return Self { ends_too_soon: true, ..plain("the line ends before it is complete") };
        }
        let mut quoted = message.split('`').skip(1).step_by(2);
        let known = [("unknown variant", "unknown event"), ("unknown field", "unknown key")];
        if let Some((_, what)) = known.iter().find(|(begin, _)| message.starts_with(begin))
            && let Some(word) = quoted.next()
        {
            if !is_plain(word) {
                return plain(what);
            }
            let meant = nearest(word, quoted).map(str::to_owned);
            return Self {
                word: Some(word.to_owned()),
                meant,
                ..plain(&format!("{what} `{word}`"))
            };
        }
        if let Some(field) = message.strip_prefix("missing field ") {
            return plain(&format!("missing key {field}"));
        }
        let invalid = ["invalid type: ", "invalid value: "];
        let invalid = invalid.iter().find_map(|begin| message.strip_prefix(begin));
        if let Some((found, wanted)) = invalid.and_then(|rest| rest.rsplit_once(", expected ")) {
            let found = if found.starts_with("string ") { "a text" } else { found };
            let is_number = matches!(wanted, "u64" | "u32" | "u16" | "usize" | "i32");
            let wanted = if is_number { "a whole number" } else { wanted };
            return plain(&format!("expected {wanted}, found {found}"));
        }
        if SYNTAX.iter().any(|begin| message.starts_with(begin)) {
            return plain(&format!("this is no JSON: {message}"));
        }
        plain(message)
    }
}

/// How the reader of JSON begins to say that something is none.
const SYNTAX: &[&str] = &[
    "expected ",
    "key must be",
    "control character",
    "trailing ",
    "invalid escape",
    "invalid number",
    "lone leading",
    "unexpected end",
    "number out of range",
];

/// The keys whose values are words of this program, of a plan, or of TLS.
const PUBLIC: &[&str] = &[
    "event", "piece", "how", "output", "name", "endpoint", "exam", "kind", "by", "alert",
    "version", "showed", "outcome", "format",
];

/// A line with every letter and digit veiled that may be of a patient: all that stands in quotes, but
/// for keys and the words of this program; the whole of what is not even the beginning of an event.
fn veiled(line: &str) -> String {
    if !line.starts_with("{\"") {
        return veil(line);
    }
    let mut shown = String::with_capacity(line.len());
    let mut key = "";
    let mut rest = line;
    while let Some(quote) = rest.find('"') {
        shown.push_str(&rest[..=quote]);
        rest = &rest[quote + 1..];
        let end = end_of_text(rest);
        let (text, after) = rest.split_at(end);
        if after.starts_with("\":") {
            key = text;
        }
        let is_public = after.starts_with("\":") || PUBLIC.contains(&key) && after.starts_with('"');
        shown.push_str(&if is_public && is_plain(text) { text.to_owned() } else { veil(text) });
        let quote = usize::from(after.starts_with('"'));
        shown.push_str(&after[..quote]);
        rest = &after[quote..];
    }
    shown.push_str(rest);
    shown
}

/// Where the text in quotes ends that a line goes on with.
fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    end.unwrap_or(rest.len())
}

fn veil(text: &str) -> String {
    text.chars().map(|letter| if letter.is_alphanumeric() { '*' } else { letter }).collect()
}

/// Whether a text has the form of our own words: small letters, and digits among them.
fn is_plain(text: &str) -> bool {
    let is_of_word =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_/.".contains(&byte);
    text.len() <= 60
        && text.bytes().all(is_of_word)
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::veiled;

    #[rstest]
    #[case(
        r#"{"seq":4,"event":"received","bytes":"PID|Doe^Jane"}"#,
        r#"{"seq":4,"event":"received","bytes":"***|***^****"}"#
    )]
    #[case(r#"{"seq":4,"event":"finished"}"#, r#"{"seq":4,"event":"finished"}"#)]
    #[case("PID|1||Doe^Jane", "***|*||***^****")]
    #[case(
        r#"{"seq":4,"event":"Doe","bites":"a\"b"}"#,
        r#"{"seq":4,"event":"***","bites":"*\"*"}"#
    )]
    #[case(r#"{"seq":"doe jane","endpoint":"emr"}"#, r#"{"seq":"*** ****","endpoint":"emr"}"#)]
    #[case(r#"{"event":"received","bytes":"PID|do"#, r#"{"event":"received","bytes":"***|**"#)]
    fn what_may_be_of_a_patient_is_veiled(#[case] line: &str, #[case] shown: &str) {
        assert_eq!(veiled(line), shown);
    }
}
