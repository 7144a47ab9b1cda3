//! The one line that lives while a run goes on: `12/60 · 3 running · once/late …`.
//!
//! It holds what the caller told it and makes a text of it. It does **not** write, wait, or move
//! a cursor.

use std::fmt::Write;

use super::layout;
use super::wording::one_line;
use crate::verdict::Verdict;

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    total: usize,
    done: usize,
    failed: usize,
    inconclusive: usize,
    running: Vec<String>,
}

impl Progress {
    /// A run of `total` cases of which none has started.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self { total, ..Self::default() }
    }

    /// The case of this id has started.
    pub fn started(&mut self, id: &str) {
        self.running.push(id.to_owned());
    }

    /// The case of this id has come out.
    pub fn finished(&mut self, id: &str, verdict: Verdict) {
        if let Some(at) = self.running.iter().position(|running| running == id) {
            self.running.remove(at);
        }
        self.done += 1;
        match verdict {
            Verdict::Pass => {}
            Verdict::Inconclusive => self.inconclusive += 1,
            Verdict::Fail => self.failed += 1,
        }
    }

    /// The line as it is now, in at most `columns` characters: what has come out, and the case
    /// that has run the longest, since that is the one that a person waits for.
    #[must_use]
    pub fn line(&self, columns: usize) -> String {
        let mut line = format!("{}/{}", self.done, self.total);
        for (number, word) in [
            (self.failed, "failed"),
            (self.inconclusive, "inconclusive"),
            (self.running.len(), "running"),
        ] {
            if number > 0 {
                // Writing to a string cannot fail.
                let _ = write!(line, " · {number} {word}");
            }
        }
        if let Some(oldest) = self.running.first() {
            let _ = write!(line, " · {}", one_line(oldest));
            if self.running.len() > 1 {
                line.push_str(" …");
            }
        }
        if layout::columns(&line) > columns {
            let ellipsis = if columns > 0 { "…" } else { "" };
            line = format!("{}{ellipsis}", layout::beginning(&line, columns.saturating_sub(1)));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;
    use crate::verdict::Verdict;

    fn some_way_on() -> Progress {
        let mut progress = Progress::new(60);
        for id in ["once/late", "once/rejected[reply=reject]", "wire/escapes", "once/reset"] {
            progress.started(id);
        }
        progress.finished("once/rejected[reply=reject]", Verdict::Pass);
        progress
    }

    #[test]
    fn the_line_names_the_case_that_has_run_the_longest() {
        let mut progress = some_way_on();
        assert_eq!(progress.line(80), "1/60 · 3 running · once/late …");
        progress.finished("once/late", Verdict::Fail);
        assert_eq!(progress.line(80), "2/60 · 1 failed · 2 running · wire/escapes …");
        progress.finished("wire/escapes", Verdict::Inconclusive);
        assert_eq!(progress.line(80), "3/60 · 1 failed · 1 inconclusive · 1 running · once/reset");
    }

    #[test]
    fn the_line_is_never_wider_than_the_terminal() {
        let progress = some_way_on();
        for columns in 0..40 {
            assert!(progress.line(columns).chars().count() <= columns, "{columns}");
        }
        assert_eq!(progress.line(12), "1/60 · 3 ru…");
    }

    #[test]
    fn a_line_before_and_after_the_run_is_only_the_count() {
        assert_eq!(Progress::new(2).line(80), "0/2");
        let mut progress = Progress::new(1);
        progress.started("once/late");
        progress.finished("once/late", Verdict::Pass);
        assert_eq!(progress.line(80), "1/1");
    }
}
