//! The state directory: the journal on disk, and the lock that keeps a second sender out.
//!
//! A record is one JSON line. A kill may cut the last line short; what was cut had not been
//! confirmed to anybody, so it is dropped. Anything else that cannot be read is an error, because
//! a sender that forgets sends twice.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::sender::broken::bug::Bug;
use crate::sender::journal::Record;

/// A state directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The operating system refused something.
    #[error("{what} `{}` failed: {source}", path.display())]
    Disk {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Another sender holds the directory.
    #[error("state directory `{}` is in use by another sender", .0.display())]
    InUse(PathBuf),
    /// A record cannot be read, and it is not the last one cut short.
    #[error("journal `{}` is damaged at line {line}: {source}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// An open state directory.
#[derive(Debug)]
pub(crate) struct Spool {
    journal: File,
    path: PathBuf,
    /// Held for as long as the sender lives; the kernel lets go of it even after a kill.
    _lock: Option<File>,
}

impl Spool {
    /// Opens `state`, creating it if need be, and reads its journal.
    /// A broken sender does without the lock.
    pub(crate) fn open(state: &Path, bug: Option<Bug>) -> Result<(Self, Vec<Record>), SpoolError> {
        create_dir_all(state).map_err(failed("creating", state))?;
        let lock = if bug == Some(Bug::NoLock) { None } else { Some(lock(state)?) };
        let path = state.join(JOURNAL);
        let mut options = OpenOptions::new();
        let mut journal = options
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed("opening", &path))?;
        let mut bytes = Vec::new();
        journal.read_to_end(&mut bytes).map_err(failed("reading", &path))?;
        let whole = whole_lines(&bytes);
        let records = parse(whole, &path)?;
        journal.set_len(whole.len() as u64).map_err(failed("mending", &path))?;
        Ok((Self { journal, path, _lock: lock }, records))
    }

    /// Makes `record` durable: over a kill in any case, over a power cut too.
    pub(crate) fn store(&mut self, record: &Record) -> Result<(), SpoolError> {
        let mut line = serde_json::to_vec(record).expect("invariant: a record is plain data");
        line.push(b'\n');
        self.journal.write_all(&line).map_err(failed("writing", &self.path))?;
        // An outcome that a power cut takes away reads back as unknown: safe, and not worth a
        // wait. What was taken and what was attempted must never be forgotten.
        if matches!(record, Record::Taken { .. } | Record::Attempting { .. }) {
            self.journal.sync_data().map_err(failed("syncing", &self.path))?;
        }
        Ok(())
    }
}

/// The records of `state`, without locking it and whether or not a sender is alive; none if it
/// has no journal.
pub(crate) fn read(state: &Path) -> Result<Vec<Record>, SpoolError> {
    let path = state.join(JOURNAL);
    match std::fs::read(&path) {
        Ok(bytes) => parse(whole_lines(&bytes), &path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed("reading", &path)(error)),
    }
}

fn lock(state: &Path) -> Result<File, SpoolError> {
    let path = state.join(LOCK);
    let file = File::create(&path).map_err(failed("creating", &path))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
        if error == rustix::io::Errno::WOULDBLOCK {
            SpoolError::InUse(state.to_owned())
        } else {
            failed("locking", &path)(error.into())
        }
    })?;
    Ok(file)
}

/// `bytes` without what follows the last line end.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}

fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Record>, SpoolError> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|source| SpoolError::Damaged {
                path: path.to_owned(),
                line: index + 1,
                source,
            })
        })
        .collect()
}

/// What `what` on `path` failed of.
pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Disk { what, path, source }
}

const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::{JOURNAL, Spool, SpoolError, read};
    use crate::sender::journal::{Kind, Outcome, Record};

    fn settled(order: &str) -> Record {
        Record::Settled { order: order.into(), kind: Kind::Charge, outcome: Outcome::Delivered }
    }

    #[test]
    fn records_come_back_in_order() {
        let state = tempfile::tempdir().unwrap();
        let (mut spool, none) = Spool::open(state.path(), None).unwrap();
        assert!(none.is_empty());
        spool.store(&settled("1")).unwrap();
        spool.store(&settled("2")).unwrap();
        assert_eq!(read(state.path()).unwrap(), [settled("1"), settled("2")]);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_written_over() {
        let state = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(state.path(), None).unwrap();
        spool.store(&settled("1")).unwrap();
        spool.journal.write_all(br#"{"record":"settled","ord"#).unwrap();
        drop(spool);
        let (mut spool, records) = Spool::open(state.path(), None).unwrap();
        assert_eq!(records, [settled("1")]);
        spool.store(&settled("2")).unwrap();
        assert_eq!(read(state.path()).unwrap(), [settled("1"), settled("2")]);
    }

    #[test]
    fn damage_before_the_last_line_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join(JOURNAL), "{}\n").unwrap();
        assert!(matches!(
            Spool::open(state.path(), None),
            Err(SpoolError::Damaged { line: 1, .. })
        ));
    }

    #[test]
    fn a_second_sender_is_kept_out_until_the_first_is_gone() {
        let state = tempfile::tempdir().unwrap();
        let first = Spool::open(state.path(), None).unwrap();
        assert!(matches!(Spool::open(state.path(), None), Err(SpoolError::InUse(_))));
        drop(first);
        assert!(Spool::open(state.path(), None).is_ok());
    }
}
