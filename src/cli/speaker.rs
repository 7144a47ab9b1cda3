//! A thread that writes lines onto a screen, however slow that is: whoever says something never waits.
//!
//! What there is no room for is counted, and said as a number.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use jiff::Zoned;

use crate::cli::screen;
use chargeproof::report::{hang, thousands};

/// Something to be said.
#[derive(Debug)]
pub(super) struct Line {
    /// What stands before it.
    pub(super) lead: String,
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Normal,
    /// It helps, and may be overlooked.
    Faint,
    /// It should be seen.
    Bad,
}

/// What was not said line by line.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    /// Messages.
    pub(super) messages: AtomicU64,
    /// Those of them whose order had come before.
    pub(super) again: AtomicU64,
    /// Connections that came and went.
    pub(super) others: AtomicU64,
    /// Lines for which the screen had no time.
    dropped: AtomicU64,
}

/// Says lines.
pub(super) struct Speaker {
    lines: SyncSender<Line>,
    unsaid: Arc<Unsaid>,
}

/// Writes what a [`Speaker`] says, until that is gone.
pub(super) struct Voice(Option<JoinHandle<()>>);

impl Speaker {
    /// A speaker to standard output, and its voice.
    ///
    /// # Errors
    /// A system that gives us no thread.
    pub(super) fn new() -> io::Result<(Self, Voice)> {
        let (lines, said) = sync_channel(MOST_WAITING);
        let unsaid = Arc::new(Unsaid::default());
        let counted = Arc::clone(&unsaid);
        let builder = std::thread::Builder::new().name("voice".to_owned());
        let thread = builder.spawn(move || speak(&said, &counted))?;
        Ok((Self { lines, unsaid }, Voice(Some(thread))))
    }

    /// Says a line, if there is room for one.
    pub(super) fn say(&self, line: Line) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line) {
            self.unsaid.dropped.fetch_add(1, Relaxed);
        }
    }

    /// What is only counted.
    pub(super) fn unsaid(&self) -> &Unsaid {
        &self.unsaid
    }
}

impl Voice {
    /// Waits until all is written that was said; its speaker must be gone.
    pub(super) fn end(&mut self) {
        let _ = self.0.take().map(JoinHandle::join); // it had nothing to say that is needed
    }
}

/// Writes lines until nobody can say any more, or nobody reads them.
fn speak(said: &Receiver<Line>, unsaid: &Unsaid) {
    let mut summed = Instant::now();
    loop {
        let left = EVERY.saturating_sub(summed.elapsed());
        let over = match said.recv_timeout(left) {
            Ok(line) => {
                if write(&line).is_err() {
                    return;
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if over || summed.elapsed() >= EVERY {
            let line = sum(unsaid, summed.elapsed());
            summed = Instant::now();
            if line.is_some_and(|line| write(&line).is_err()) {
                return;
            }
        }
        if over {
            return;
        }
    }
}

/// What was not said, in a line.
fn sum(unsaid: &Unsaid, within: Duration) -> Option<Line> {
    let take = |number: &AtomicU64| number.swap(0, Relaxed);
    let (messages, again) = (take(&unsaid.messages), take(&unsaid.again));
    let (others, dropped) = (take(&unsaid.others), take(&unsaid.dropped));
    let mut parts = Vec::new();
    if messages > 0 {
        parts.push(format!("{} messages", thousands(messages)));
    }
    if again > 0 {
        parts.push(format!("{} of them with an order that came again", thousands(again)));
    }
    if others > 0 {
        parts.push(format!("{} connections opened or closed", thousands(others)));
    }
    if dropped > 0 {
        parts.push(format!("{} lines that the screen had no time for", thousands(dropped)));
    }
    if parts.is_empty() {
        return None;
    }
    let time = match within.as_millis() {
        ..1_500 => "in the last second".to_owned(),
        millis => format!("in the last {} s", (millis + 500) / 1000),
    };
    let when = Zoned::now().strftime("%H:%M:%S%.3f").to_string();
    let text = format!("{time}: {}", parts.join(", "));
    let tone = if again > 0 { Tone::Bad } else { Tone::Normal };
    Some(Line { lead: format!("{when}      "), text, tone })
}

fn write(line: &Line) -> io::Result<()> {
    let style = match line.tone {
        Tone::Normal => Style::new(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Bad => AnsiColor::Red.on_default(),
    };
    let columns = screen::output_columns().unwrap_or(usize::MAX);
    let mut out = anstream::stdout().lock();
    for line in hang(&line.lead, &line.text, columns) {
        writeln!(out, "{style}{line}{style:#}")?;
    }
    out.flush()
}

/// How many lines may wait to be written.
const MOST_WAITING: usize = 256;

/// How often it is said how much was not.
const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    use super::{Tone, Unsaid, sum};

    #[test]
    fn what_was_not_said_is_said_once_as_a_number() {
        let unsaid = Unsaid::default();
        let second = Duration::from_secs(1);
        assert!(sum(&unsaid, second).is_none());
        unsaid.messages.fetch_add(12_345, Relaxed);
        unsaid.again.fetch_add(2, Relaxed);
        let line = sum(&unsaid, second).unwrap();
        let text = "in the last second: 12,345 messages, 2 of them with an order that came again";
        assert_eq!((line.text.as_str(), line.tone), (text, Tone::Bad));
        assert!(sum(&unsaid, second).is_none());
    }
}
