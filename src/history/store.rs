//! The stored form: JSON lines, a header and then one event a line.

use std::io::{self, BufRead, Write};

use super::{Event, FORMAT_VERSION, Header, History};

/// Why a stored history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file could not be read at all.
    #[error("cannot read the history: {0}")]
    Io(#[from] io::Error),
    /// A line is not what it should be.
    #[error("{line}:{column}: {message}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// Which column, from 1.
        column: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// Writes `history` as JSON lines.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(history: &History, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &history.header)?;
    out.write_all(b"\n")?;
    for event in &history.events {
        serde_json::to_writer(&mut out, event)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Reads a history that [`write()`] wrote.
///
/// # Errors
/// The first line that cannot be read as what it should be, or that is out of order.
pub fn read(input: impl BufRead) -> Result<History, HistoryError> {
    let mut lines = input.lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let header: Header = parse(&first, 1)?;
    if header.format != "chargeproof-history" {
        return Err(mistake(1, 1, "this is no chargeproof history"));
    }
    if header.version != FORMAT_VERSION {
        let message =
            format!("history version {} is not one that this program reads", header.version);
        return Err(mistake(1, 1, message));
    }
    let mut events: Vec<Event> = Vec::new();
    for (index, line) in lines.enumerate() {
        let event: Event = parse(&line?, index + 2)?;
        if events.last().is_some_and(|last| last.seq >= event.seq) {
            return Err(mistake(index + 2, 1, "events are out of order"));
        }
        events.push(event);
    }
    Ok(History { header, events })
}

fn parse<T: serde::de::DeserializeOwned>(line: &str, number: usize) -> Result<T, HistoryError> {
    serde_json::from_str(line).map_err(|error| mistake(number, error.column(), error.to_string()))
}

fn mistake(line: usize, column: usize, message: impl Into<String>) -> HistoryError {
    HistoryError::Line { line, column, message: message.into() }
}
