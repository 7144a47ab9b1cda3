//! The stored form: JSON lines, a header, then one event a line, and last the seal.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::plausible::too_large;
use super::seal::{Checksum, Sealing};
use super::{Event, FORMAT_VERSION, Header, History, Seal};

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

/// The last line of a sealed history.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    seal: String,
}

/// How the last line of a sealed history begins, and no event.
const LAST: &str = "{\"seal\":";

/// Writes `history` as JSON lines, and seals it. What was altered before is not sealed again.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(history: &History, out: impl Write) -> io::Result<()> {
    let mut out = Sealing::new(out);
    serde_json::to_writer(&mut out, &Header { sealed: true, ..history.header.clone() })?;
    out.write_all(b"\n")?;
    for event in &history.events {
        serde_json::to_writer(&mut out, event)?;
        out.write_all(b"\n")?;
    }
    if history.seal != Seal::Broken {
        let last = Last { seal: out.checksum.text() };
        serde_json::to_writer(&mut out, &last)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Reads a history that [`write()`] wrote, or that was written by hand.
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
    let mut checksum = Checksum::new();
    checksum.add(first.as_bytes());
    checksum.add(b"\n");
    let mut events: Vec<Event> = Vec::new();
    let mut seal = if header.sealed { Seal::Broken } else { Seal::None };
    for (index, line) in lines.enumerate() {
        let line = line?;
        if line.starts_with(LAST) {
            let last: Last = parse(&line, index + 2)?;
            let fits = header.sealed && last.seal == checksum.text();
            seal = if fits { Seal::Intact } else { Seal::Broken };
            continue;
        }
        if seal == Seal::Intact {
            seal = Seal::Broken; // something stands below the seal
        }
        checksum.add(line.as_bytes());
        checksum.add(b"\n");
        if let Some((at, digits)) = too_large(&line) {
            let message = format!("a number of {digits} digits is none of anything that happened");
            return Err(mistake(index + 2, at + 1, message));
        }
        let event: Event = parse(&line, index + 2)?;
        if events.last().is_some_and(|last| last.seq >= event.seq) {
            return Err(mistake(index + 2, 1, "events are out of order"));
        }
        events.push(event);
    }
    Ok(History { header, events, seal })
}

fn parse<T: serde::de::DeserializeOwned>(line: &str, number: usize) -> Result<T, HistoryError> {
    serde_json::from_str(line).map_err(|error| mistake(number, error.column(), error.to_string()))
}

fn mistake(line: usize, column: usize, message: impl Into<String>) -> HistoryError {
    HistoryError::Line { line, column, message: message.into() }
}
