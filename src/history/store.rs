//! The stored form: JSON lines, a header, then one event a line, and last the seal.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::plausible::too_large;
use super::seal::{Checksum, Checksums};
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

/// The seal of what was altered before it was written again: it fits nothing.
const BROKEN: &str = "broken";

/// Writes `history` as JSON lines, and seals it. What was altered or cut before is not sealed again.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(history: &History, out: impl Write) -> io::Result<()> {
    let mut writer = Writer::begin(&history.header, out)?;
    for event in &history.events {
        writer.add(event)?;
    }
    match history.seal {
        Seal::None | Seal::Intact => writer.seal(),
        Seal::Broken => writer.end_with(BROKEN),
        Seal::Missing => writer.flush(),
    }
}

/// Writes a history as it comes.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    checksum: Checksum,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// A history that begins with `header`.
    ///
    /// # Errors
    /// Whatever `out` fails with.
    pub fn begin(header: &Header, out: W) -> io::Result<Self> {
        let mut writer = Self { out, checksum: Checksum::new(), line: Vec::new() };
        writer.put(&Header { sealed: true, ..header.clone() })?;
        Ok(writer)
    }

    /// Adds the next event.
    ///
    /// # Errors
    /// Whatever the writer fails with.
    pub fn add(&mut self, event: &Event) -> io::Result<()> {
        self.put(event)
    }

    /// Hands on what was added so far.
    ///
    /// # Errors
    /// Whatever the writer fails with.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// Whatever the writer fails with.
    pub fn seal(self) -> io::Result<()> {
        let seal = self.checksum.text();
        self.end_with(&seal)
    }

    fn end_with(mut self, seal: &str) -> io::Result<()> {
        self.put(&Last { seal: seal.to_owned() })?;
        self.flush()
    }

    fn put(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.checksum.add(&self.line);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }
}

/// Reads a history that [`write()`] wrote, or that was written by hand. Of one that was cut off in the
/// middle of its last line, whatever came before is read.
///
/// # Errors
/// The first line that cannot be read as what it should be, or that is out of order.
pub fn read(input: impl BufRead) -> Result<History, HistoryError> {
    let mut lines = Reader::begin(input)?;
    let mut events = Vec::new();
    while let Some(event) = lines.next()? {
        events.push(event);
    }
    Ok(History { seal: lines.seal(), header: lines.header, events })
}

/// Reads a stored history one event at a time.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    /// The first line.
    pub header: Header,
    line: Vec<u8>,
    number: usize,
    checksums: Checksums,
    seal: Seal,
    last: Option<u64>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// A first line that is no header of a history that this program reads.
    pub fn begin(mut input: R) -> Result<Self, HistoryError> {
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line)?;
        let first = text(&line)?;
        let header: Header = parse(first, 1)?;
        if header.format != "chargeproof-history" {
            return Err(mistake(1, 1, "this is no chargeproof history"));
        }
        if header.version != FORMAT_VERSION {
            let message =
                format!("history version {} is not one that this program reads", header.version);
            return Err(mistake(1, 1, message));
        }
        let mut checksums = Checksums::new();
        checksums.add(first.as_bytes());
        let seal = if header.sealed { Seal::Missing } else { Seal::None };
        Ok(Self { input, header, line, number: 1, checksums, seal, last: None })
    }

    /// The next event, or none at the end.
    ///
    /// # Errors
    /// A line that cannot be read as what it should be, or that is out of order.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend its errors a place")]
    pub fn next(&mut self) -> Result<Option<Event>, HistoryError> {
        loop {
            self.line.clear();
            if self.input.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            match self.read_line() {
                Ok(None) => {}
                // Whoever wrote it was ended in the middle of this line.
                Err(_) if self.seal == Seal::Missing && !self.line.ends_with(b"\n") => {
                    return Ok(None);
                }
                event => return event,
            }
        }
    }

    /// The event of a line; none if it is the seal.
    fn read_line(&mut self) -> Result<Option<Event>, HistoryError> {
        let (line, number) = (text(&self.line)?, self.number);
        if line.starts_with(LAST) {
            let last: Last = parse(line, number)?;
            // There is one, and it is the last line: any other was put there.
            let is_first = self.seal == Seal::Missing;
            let fits = is_first && self.header.sealed && self.checksums.fit(&last.seal);
            self.seal = if fits { Seal::Intact } else { Seal::Broken };
            return Ok(None);
        }
        if let Some((at, digits)) = too_large(line) {
            let message = format!("a number of {digits} digits is none of anything that happened");
            return Err(mistake(number, at + 1, message));
        }
        let event: Event = parse(line, number)?;
        if self.seal == Seal::Intact {
            self.seal = Seal::Broken; // something stands below the seal
        }
        self.checksums.add(line.as_bytes());
        if self.last.is_some_and(|last| last >= event.seq) {
            return Err(mistake(number, 1, "events are out of order"));
        }
        self.last = Some(event.seq);
        Ok(Some(event))
    }

    /// Whether it is as it was written, as far as it has been read.
    pub const fn seal(&self) -> Seal {
        self.seal
    }
}

/// A line without what ends it.
fn text(line: &[u8]) -> Result<&str, HistoryError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error).into())
}

fn parse<T: serde::de::DeserializeOwned>(line: &str, number: usize) -> Result<T, HistoryError> {
    serde_json::from_str(line).map_err(|error| mistake(number, error.column(), error.to_string()))
}

fn mistake(line: usize, column: usize, message: impl Into<String>) -> HistoryError {
    HistoryError::Line { line, column, message: message.into() }
}
