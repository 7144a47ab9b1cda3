//! The stored form of a history.

use chargeproof::history::{HistoryError, Seal, read, write};

/// What can be read can be written, and reads the same.
pub(super) fn history(bytes: &[u8]) {
    let history = match read(bytes) {
        Ok(history) => history,
        Err(HistoryError::Line { line, .. }) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            return assert!((1..=lines).contains(&line), "{line} of {lines}");
        }
        Err(HistoryError::Io(_)) => return,
    };
    let mut stored = Vec::new();
    write(&history, &mut stored).expect("invariant: writing to memory does not fail");
    let again = read(&stored[..]).expect("what was written can be read");
    assert_eq!(again.events, history.events);
    assert_eq!(again.header.plan.get(), history.header.plan.get());
    let seal = match history.seal {
        Seal::None | Seal::Intact => Seal::Intact,
        what_it_was @ (Seal::Broken | Seal::Missing) => what_it_was,
    };
    assert_eq!(again.seal, seal);
    let mut twice = Vec::new();
    write(&again, &mut twice).expect("invariant: writing to memory does not fail");
    assert_eq!(twice, stored);
}
