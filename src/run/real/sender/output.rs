//! What a sender prints: read so that it never blocks on it, looked through for data of patients, its
//! last lines kept.
//!
//! It may hold patient data, so it is neither stored nor shown unless somebody asks for it.

use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;

use crate::history::Standard;
use crate::run::disclosure::{Listening, Lookout, Overheard};

/// The last lines that a sender has printed, and a line that is waited for.
#[derive(Default)]
pub(crate) struct Output {
    said: RefCell<Said>,
    /// How many streams are still being read.
    open: Cell<usize>,
    changed: Notify,
    lookout: RefCell<Rc<Lookout>>,
    overheard: Rc<RefCell<Overheard>>,
}

#[derive(Default)]
struct Said {
    lines: VecDeque<String>,
    wanted: Option<String>,
    seen: bool,
}

impl Output {
    /// An output in which a line with this text is waited for, and what `lookout` looks for. What
    /// that is goes to `overheard`.
    pub(crate) fn new(
        wanted: Option<String>,
        lookout: &Rc<Lookout>,
        overheard: &Rc<RefCell<Overheard>>,
    ) -> Rc<Self> {
        let said = RefCell::new(Said { wanted, ..Said::default() });
        let lookout = RefCell::new(Rc::clone(lookout));
        Rc::new(Self { said, lookout, overheard: Rc::clone(overheard), ..Self::default() })
    }

    /// Nothing was overheard yet, and from now on it is `lookout` that looks.
    pub(crate) fn turn_to(&self, lookout: &Rc<Lookout>) {
        *self.lookout.borrow_mut() = Rc::clone(lookout);
        *self.overheard.borrow_mut() = Overheard::default();
    }

    /// What was overheard so far.
    pub(crate) fn overheard(&self) -> Ref<'_, Overheard> {
        self.overheard.borrow()
    }

    /// Reads `stream` to its end; only where it is the standard output can its lines be waited for.
    pub(crate) async fn follow(
        self: Rc<Self>,
        mut stream: impl AsyncRead + Unpin,
        standard: Standard,
    ) {
        self.open.set(self.open.get() + 1);
        let mut buffer = [0; 4096];
        let mut line = Vec::new();
        let mut listening = Listening::new(Rc::clone(&self.lookout.borrow()), standard);
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            listening.turn_to(&self.lookout.borrow());
            listening.hear(&buffer[..read], &mut self.overheard.borrow_mut());
            for &byte in &buffer[..read] {
                if byte == b'\n' {
                    self.heard(&line, standard);
                    line.clear();
                } else if line.len() < LINE_BYTES {
                    line.push(byte);
                }
            }
        }
        if !line.is_empty() {
            self.heard(&line, standard);
        }
        listening.end(&mut self.overheard.borrow_mut());
        self.open.set(self.open.get() - 1);
        self.changed.notify_waiters();
    }

    /// Waits until everything was read that a sender which is gone has printed. What it has left
    /// behind may hold its outputs open, so it is not waited for any longer than that.
    pub(crate) async fn read_out(&self) {
        let ended = async {
            loop {
                let changed = self.changed.notified();
                if self.open.get() == 0 {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(REST, ended).await;
    }

    fn heard(&self, line: &[u8], standard: Standard) {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        let mut said = self.said.borrow_mut();
        let wanted = said.wanted.as_ref().is_some_and(|wanted| line.contains(wanted));
        if wanted && standard == Standard::Output {
            said.seen = true;
            self.changed.notify_waiters();
        }
        if said.lines.len() == LINES {
            said.lines.pop_front();
        }
        said.lines.push_back(line);
    }

    /// Waits until the wanted line was printed.
    pub(crate) async fn wanted(&self) {
        loop {
            let changed = self.changed.notified();
            if self.said.borrow().seen {
                return;
            }
            changed.await;
        }
    }

    /// The last lines so far.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.said.borrow().lines.iter().cloned().collect()
    }
}

/// How long the rest of an output may take to be read.
const REST: Duration = Duration::from_millis(200);

/// How many lines are kept.
const LINES: usize = 12;

/// How much of a line is kept.
const LINE_BYTES: usize = 400;

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{LINE_BYTES, LINES, Output, Standard};

    #[tokio::test]
    async fn the_last_lines_are_kept_and_no_more_than_that() {
        let output = Output::new(None, &Rc::default(), &Rc::default());
        let long = "x".repeat(10 * LINE_BYTES);
        let text: String = (0..100).map(|line| format!("{line} {long}\n")).collect();
        Rc::clone(&output).follow(text.as_bytes(), Standard::Error).await;
        let lines = output.last_lines();
        assert_eq!(lines.len(), LINES);
        assert!(lines[LINES - 1].starts_with("99 x"));
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES));
    }

    #[tokio::test]
    async fn a_line_that_is_waited_for_counts_on_standard_output_only() {
        let output = Output::new(Some("listening".to_owned()), &Rc::default(), &Rc::default());
        let follow = |standard| Rc::clone(&output).follow(&b"now listening on 1\n"[..], standard);
        follow(Standard::Error).await;
        assert!(!output.said.borrow().seen);
        follow(Standard::Output).await;
        output.wanted().await;
    }
}
