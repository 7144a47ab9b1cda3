//! What is written to the folder that `--out` names: reports, which anybody may read, and histories,
//! which hold messages and are for their owner alone.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::cli::arguments::ReportKind;
use crate::cli::failure::Failure;
use chargeproof::history::{self, History};
use chargeproof::report;
use chargeproof::verdict::RunOutcome;

/// The folder of one run.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    reports: Vec<ReportKind>,
    /// Held for as long as this program writes to the folder.
    _lock: Option<File>,
}

/// Where a history is stored.
#[derive(Debug)]
pub(super) struct Place {
    /// Its path within the folder.
    pub(super) below: String,
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Store {
    /// A store, if the command line asks for one: `--out`, or `--report` alone. The folder is
    /// made at once, so that nobody waits for a run that cannot be written down.
    ///
    /// # Errors
    /// A folder that cannot be made, or that another program writes to.
    pub(super) fn asked_for(
        out: Option<&Path>,
        reports: &[ReportKind],
    ) -> Result<Option<Self>, Failure> {
        if out.is_none() && reports.is_empty() {
            return Ok(None);
        }
        let folder = out.unwrap_or(Path::new("chargeproof-out")).to_owned();
        std::fs::create_dir_all(&folder).map_err(|error| unfit(&folder, &error))?;
        let lock = locked(&folder)?;
        let all = [ReportKind::Json, ReportKind::Junit];
        let reports = if reports.is_empty() { all.to_vec() } else { reports.to_vec() };
        Ok(Some(Self { folder, reports, _lock: lock }))
    }

    /// Makes room for the histories of a run, before anybody waits for it.
    ///
    /// # Errors
    /// Something below `cases` that no run wrote, or that cannot be removed, or made.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        let cases = self.folder.join(CASES);
        self.clear(&cases)?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&cases);
        made.map_err(|error| unfit(&self.folder, &error))
    }

    /// Removes the histories of an earlier run, and says so: a folder holds one run, so that what is
    /// judged again is what ran together.
    fn clear(&self, cases: &Path) -> Result<(), Failure> {
        let found = match earlier(cases) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found.map_err(Failure::reading(cases))?,
        };
        let removed = match found {
            Earlier::Cases(0) => return Ok(()),
            Earlier::Cases(count) => count,
            Earlier::Foreign(path) => {
                let message = format!("`{}` was written by no run", path.display());
                let hint = "the histories of an earlier run are cleared away before the next; name another folder, or move that away";
                return Err(Failure::usage(message, hint));
            }
        };
        std::fs::remove_dir_all(cases).map_err(Failure::writing(cases))?;
        let what = if removed == 1 { "the history" } else { "the histories" };
        let folder = cases.display();
        // If nobody hears it, the run is still worth making.
        let _ = writeln!(
            anstream::stderr(),
            "cleared {what} of {removed} earlier case{} from {folder}",
            if removed == 1 { "" } else { "s" }
        );
        Ok(())
    }

    /// Stores the history of a case and returns its path within the folder.
    ///
    /// # Errors
    /// A file or folder that cannot be written.
    pub(super) fn keep(&self, case: &str, history: &History) -> Result<String, Failure> {
        let Place { below, path, file } = self.open(case)?;
        history::write(history, BufWriter::new(file)).map_err(Failure::writing(&path))?;
        Ok(below)
    }

    /// Makes the file of the history of a case.
    ///
    /// # Errors
    /// A file or folder that cannot be written.
    pub(super) fn open(&self, case: &str) -> Result<Place, Failure> {
        let below = format!("{CASES}/{}/{HISTORY}", folder_of(case));
        let path = self.folder.join(&below);
        let parent = path.parent().unwrap_or(&self.folder);
        let mut folders = DirBuilder::new();
        folders.recursive(true).mode(0o700).create(parent).map_err(Failure::writing(parent))?;
        let mut file = OpenOptions::new();
        file.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = file.open(&path).map_err(Failure::writing(&path))?;
        Ok(Place { below, path, file })
    }

    /// Writes the reports.
    ///
    /// # Errors
    /// A file or folder that cannot be written.
    pub(super) fn report(&self, outcome: &RunOutcome) -> Result<(), Failure> {
        for kind in &self.reports {
            let name = kind.file_name();
            let mut out = self.create(name)?;
            let written = match kind {
                ReportKind::Json => report::json::write(outcome, &mut out),
                ReportKind::Junit => report::junit::write(outcome, &mut out),
                ReportKind::Markdown => out.write_all(report::github::summary(outcome).as_bytes()),
            };
            let path = self.folder.join(name);
            let flushed = written.and_then(|()| out.flush());
            flushed.map_err(Failure::writing(&path))?;
        }
        Ok(())
    }

    /// The paths of the reports.
    pub(super) fn written(&self) -> Vec<String> {
        self.reports.iter().map(|kind| self.pasteable(kind.file_name())).collect()
    }

    /// Makes the paths of the histories such that they can be pasted into a shell where the
    /// program was started. That is for people: reports name them within the folder, which may
    /// be moved.
    pub(super) fn show(&self, outcome: &mut RunOutcome) {
        for history in outcome.cases.iter_mut().filter_map(|case| case.history.as_mut()) {
            *history = self.pasteable(history);
        }
    }

    /// The path of something within the folder, as one word of a shell.
    pub(super) fn pasteable(&self, below: &str) -> String {
        quoted(&self.folder.join(below))
    }

    fn create(&self, below: &str) -> Result<BufWriter<File>, Failure> {
        let path = self.folder.join(below);
        let file = File::create(&path).map_err(Failure::writing(&path))?;
        Ok(BufWriter::new(file))
    }
}

/// A lock on `folder`, which goes with the program that holds it, however that ends; none on a disk
/// that has no locks.
fn locked(folder: &Path) -> Result<Option<File>, Failure> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another run is writing to `{}`", folder.display());
            let hint = "a folder holds one run: wait until that has ended, or name another folder";
            Err(Failure::usage(message, hint))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Why nothing can be stored in `folder`. The system's word for it is often no help: below `/proc` it
/// says that there is no such folder, which is why it was to be made.
fn unfit(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("`{}` cannot be the folder for reports: {error}", folder.display());
    let above = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let name = above.display();
    let hint = if above.is_dir() {
        format!("nothing can be made in `{name}`: name a folder on a disk that you may write to")
    } else {
        format!("`{name}` is no folder, and `--out` names one, which is made if there is none")
    };
    Failure::usage(message, hint)
}

/// Where the histories lie, a folder for each case.
const CASES: &str = "cases";

/// What the history of a case is called.
const HISTORY: &str = "history.jsonl";

/// What lies where the histories of an earlier run may.
enum Earlier {
    /// So many histories, and nothing else.
    Cases(usize),
    /// This among them.
    Foreign(PathBuf),
}

/// What lies in `folder`; links are not followed, for no run makes any.
fn earlier(folder: &Path) -> io::Result<Earlier> {
    if !std::fs::symlink_metadata(folder)?.is_dir() {
        return Ok(Earlier::Foreign(folder.to_owned()));
    }
    let mut count = 0;
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() && entry.file_name() == HISTORY {
                count += 1;
            } else {
                return Ok(Earlier::Foreign(entry.path()));
            }
        }
    }
    Ok(Earlier::Cases(count))
}

/// The folder of a case. Its id may hold what an author wrote as an axis, so a part of it that
/// would lead elsewhere is written as a name.
fn folder_of(case: &str) -> String {
    let name = |part: &str| match part {
        "" | "." | ".." => "_".to_owned(),
        part => part.replace('\0', "_"),
    };
    case.split('/').map(name).collect::<Vec<String>>().join("/")
}

/// A path as a shell takes it for one word.
pub(super) fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+:=@%,".contains(letter);
    if !path.is_empty() && path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{folder_of, quoted};
    use rstest::rstest;

    #[rstest]
    #[case("out/cases/serve/history.jsonl", "out/cases/serve/history.jsonl")]
    #[case("out/once/a[reply=x]", "'out/once/a[reply=x]'")]
    #[case("it's here", r"'it'\''s here'")]
    fn a_path_is_one_word_of_a_shell(#[case] path: &str, #[case] word: &str) {
        assert_eq!(quoted(Path::new(path)), word);
    }

    #[rstest]
    #[case("once/rejected[reply=reject]", "once/rejected[reply=reject]")]
    #[case("once/rejected[reply=payload/junk]", "once/rejected[reply=payload/junk]")]
    #[case("a[reply=x/../../y]", "a[reply=x/_/_/y]")]
    #[case("a[reply=x//y]", "a[reply=x/_/y]")]
    fn no_id_leads_out_of_the_folder(#[case] id: &str, #[case] folder: &str) {
        assert_eq!(folder_of(id), folder);
    }
}
