//! The folder of one case: the sender's inbox and state, and the mappings in effect.

use std::collections::BTreeSet;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::plan::Plan;
use crate::run::real::descendants::{Sought, left_behind, mark};
use crate::run::real::sender::guardian;
use crate::run::real::sender::guardian::Told;
use crate::run::real::sender::orphans::end_children;
use crate::run::real::sender::sweep::{PREFIX, claim, sweep};

/// The folder of one case, removed at its end.
pub(crate) struct Folder {
    pub(crate) root: TempDir,
    /// By which it is known to be ours as long as we are there.
    _claim: File,
}

impl Folder {
    /// Makes the folder with the inbox, the sender's state and the mappings in it.
    pub(crate) fn new(plan: &Plan) -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&std::env::temp_dir()));
        let root = private()?;
        guardian::tell(&Told::Folder(root.path()));
        let claim = claim(root.path())?;
        let folder = Self { root, _claim: claim };
        open_folders().insert(folder.root.path().to_owned());
        for name in ["inbox", "state"] {
            std::fs::create_dir(folder.path(name))?;
        }
        std::fs::write(folder.path("mapping.json"), serde_json::to_vec(&*plan.mapping)?)?;
        if let Some(results) = &plan.results {
            std::fs::write(folder.path("results.json"), serde_json::to_vec(&**results)?)?;
        }
        Ok(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

/// A folder that its owner alone may open: exams and messages lie in it.
fn private() -> io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir()
}

impl Drop for Folder {
    fn drop(&mut self) {
        open_folders().remove(self.root.path());
        // Before anybody is told that it is: the folder removes itself only after this.
        let _ = std::fs::remove_dir_all(self.root.path());
        guardian::tell(&Told::FolderGone(self.root.path()));
    }
}

/// The folders of the cases under way, for whoever has to leave at once.
fn open_folders() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is one case under way, so that whatever nobody knows is its own.
pub(crate) fn is_alone() -> bool {
    open_folders().len() == 1
}

/// Ends the senders of all cases under way and removes their folders, for a program that is about
/// to exit without waiting for them.
pub fn abandon() {
    for folder in std::mem::take(&mut *open_folders()) {
        for process in left_behind(&Sought { group: None, mark: mark(&folder), life: None }) {
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(folder);
    }
    end_children();
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::private;

    #[test]
    fn the_folder_of_a_case_is_open_to_its_owner_alone() {
        let folder = private().unwrap();
        let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
