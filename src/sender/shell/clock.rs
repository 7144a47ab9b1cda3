//! The wall clock that somebody else may move: a file in the state directory says how many seconds
//! are to be added to the machine's own.
//!
//! Only for tests of the sender: in service nobody writes that file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;

/// The moved clock.
#[derive(Debug)]
pub(crate) struct Clock {
    file: PathBuf,
    moved: Duration,
}

impl Clock {
    /// The clock of the sender with this state directory.
    pub(crate) fn of(state: &Path) -> Self {
        let mut clock = Self { file: state.join("clock"), moved: Duration::ZERO };
        clock.moved = clock.read();
        clock
    }

    /// How far it was moved when it was last looked at.
    pub(crate) fn moved(&self) -> SignedDuration {
        SignedDuration::try_from(self.moved).unwrap_or_default()
    }

    /// By how much it was moved forward since.
    pub(crate) fn has_moved(&mut self) -> Option<Duration> {
        let moved = self.read();
        let by = moved.checked_sub(self.moved).filter(|by| !by.is_zero())?;
        self.moved = moved;
        Some(by)
    }

    /// What the file says; nothing that can be read is no time at all.
    fn read(&self) -> Duration {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.trim().parse().map(Duration::from_secs).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Clock;

    #[test]
    fn the_clock_moves_by_what_the_file_says_more_than_before() {
        let state = tempfile::tempdir().unwrap();
        let mut clock = Clock::of(state.path());
        assert_eq!(clock.has_moved(), None);
        std::fs::write(state.path().join("clock"), "90").unwrap();
        assert_eq!(clock.has_moved(), Some(Duration::from_secs(90)));
        assert_eq!(clock.has_moved(), None);
        std::fs::write(state.path().join("clock"), "100").unwrap();
        assert_eq!(Clock::of(state.path()).moved().as_secs(), 100);
        assert_eq!(clock.has_moved(), Some(Duration::from_secs(10)));
    }
}
