//! The inbox: a directory into which exams are put, one JSON file each.
//!
//! Files appear under another name and are renamed to `*.json`, so a file that is seen is whole.
//! They are taken in the order of their names. A file leaves the inbox only after its exam is in
//! the journal, so a kill finds it in one of the two places, or in both: then the order number
//! tells that it is known.

use std::fs::{copy, create_dir_all, read, read_dir, read_to_string, remove_file, rename, write};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::exam::Exam;

/// The inbox and where its files go.
#[derive(Debug)]
pub(crate) struct Inbox {
    directory: PathBuf,
    done: PathBuf,
    rejected: PathBuf,
}

/// One file of the inbox.
#[derive(Debug)]
pub(crate) struct Letter {
    path: PathBuf,
    /// Its exam, or why it is none.
    pub(crate) exam: Result<Arc<Exam>, String>,
}

/// A file by which an operator has a charge sent once more: its name is the name of the request.
#[derive(Debug)]
pub(crate) struct Request {
    path: PathBuf,
    /// The number of the order.
    pub(crate) order: String,
}

impl Request {
    /// The name of the request.
    pub(crate) fn name(&self) -> String {
        name(&self.path)
    }
}

/// Puts a request into the inbox `directory`, whole or not at all.
pub(crate) fn request(directory: &Path, order: &str) -> io::Result<()> {
    let now = jiff::Timestamp::now().as_nanosecond();
    let stem = format!("{now}-{}", std::process::id());
    let (written, whole) = (format!("{stem}.part"), format!("{stem}.{REQUEST}"));
    write(directory.join(&written), order)?;
    rename(directory.join(written), directory.join(whole))
}

/// The ending of a request's file.
const REQUEST: &str = "resend";

impl Inbox {
    /// The inbox `directory`, created if need be; its files go to `done` and `rejected` in
    /// `state`.
    pub(crate) fn open(directory: &Path, state: &Path) -> io::Result<Self> {
        let inbox = Self {
            directory: directory.to_owned(),
            done: state.join("done"),
            rejected: state.join("rejected"),
        };
        create_dir_all(&inbox.directory)?;
        create_dir_all(&inbox.done)?;
        create_dir_all(&inbox.rejected)?;
        Ok(inbox)
    }

    /// What lies in the inbox, in the order of the file names.
    pub(crate) fn letters(&self) -> io::Result<Vec<Letter>> {
        Ok(self.files("json")?.into_iter().map(Letter::open).collect())
    }

    /// What an operator asks for, in the order of asking.
    pub(crate) fn requests(&self) -> io::Result<Vec<Request>> {
        let open = |path: PathBuf| {
            let order = read_to_string(&path)?;
            Ok(Request { order: order.trim().to_owned(), path })
        };
        self.files(REQUEST)?.into_iter().map(open).collect()
    }

    fn files(&self, ending: &str) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == ending) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// Files `request` as taken: it is in the journal, or there is nothing to be done about it.
    pub(crate) fn heard(&self, request: &Request) -> io::Result<()> {
        shift(&request.path, &self.done)
    }

    /// Files `letter` as taken: its exam is in the journal.
    pub(crate) fn taken(&self, letter: &Letter) -> io::Result<()> {
        shift(&letter.path, &self.done)
    }

    /// Files `letter` as something that is no exam.
    pub(crate) fn rejected(&self, letter: &Letter) -> io::Result<()> {
        shift(&letter.path, &self.rejected)
    }
}

impl Letter {
    fn open(path: PathBuf) -> Self {
        let exam = read(&path).map_err(|error| error.to_string()).and_then(|bytes| {
            serde_json::from_slice(&bytes).map(Arc::new).map_err(|error| error.to_string())
        });
        Self { path, exam }
    }

    /// Its file name, for people.
    pub(crate) fn name(&self) -> String {
        name(&self.path)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Moves `path` into `directory`, which may be on another file system. A file that somebody else
/// has taken away meanwhile is filed well enough.
fn shift(path: &Path, directory: &Path) -> io::Result<()> {
    let target = directory.join(path.file_name().unwrap_or_default());
    if rename(path, &target).is_ok() {
        return Ok(());
    }
    match copy(path, &target).and_then(|_| remove_file(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
