//! The folders of runs that have died together with whoever should have cleaned up after them.
//!
//! A folder is somebody's as long as he holds the lock on the file in it, which the system lets go of
//! when he is gone, whatever has ended him. What has no such file is not ours to remove.

use std::fs::{DirEntry, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::process::{Signal, getuid, kill_process};

use crate::run::real::descendants::{Sought, left_behind, mark};

/// How the names of our folders begin.
pub(crate) const PREFIX: &str = "chargeproof-";

/// The file by which a folder is known to be somebody's.
const OWNER: &str = ".owner";

/// Says that `folder` is ours, until what is returned is dropped or we are gone.
pub(crate) fn claim(folder: &Path) -> io::Result<File> {
    // It has its name only once it is locked: until then nobody takes it for one that nobody holds.
    let (unlocked, locked) = (folder.join(".owner-to-be"), folder.join(OWNER));
    let file = File::create_new(&unlocked)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    std::fs::rename(unlocked, locked)?;
    Ok(file)
}

/// Removes the folders below `place` that are ours by name and user, and nobody's any more, and ends
/// what still runs in them.
pub(crate) fn sweep(place: &Path) {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    for entry in entries.filter(is_of_our_making) {
        let folder = entry.path();
        let Some(held) = abandoned(&folder) else { continue };
        for process in left_behind(&Sought { group: None, mark: mark(&folder), life: None }) {
            let _ = kill_process(process, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(&folder);
        drop(held); // nobody else has begun to remove it meanwhile
    }
}

fn is_of_our_making(entry: &DirEntry) -> bool {
    let named = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
    // What the link itself is, and not where it leads.
    let is_ours = || {
        let metadata = entry.metadata();
        metadata.is_ok_and(|it| it.is_dir() && it.uid() == getuid().as_raw())
    };
    named && is_ours()
}

/// The lock on a folder that nobody holds.
fn abandoned(folder: &Path) -> Option<rustix::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(folder.join(OWNER), flags, Mode::empty()).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::{OWNER, claim, sweep};

    #[test]
    fn only_what_is_ours_and_nobodys_any_more_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = place.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (held, dead) = (folder("chargeproof-held"), folder("chargeproof-dead"));
        let (unclaimed, other) = (folder("chargeproof-unclaimed"), folder("another-dead"));
        let _lock = claim(&held).unwrap();
        drop(claim(&dead).unwrap());
        drop(claim(&other).unwrap());
        std::os::unix::fs::symlink(&other, place.path().join("chargeproof-link")).unwrap();
        sweep(place.path());
        let left = [&held, &dead, &unclaimed, &other].map(|folder| folder.is_dir());
        assert_eq!(left, [true, false, true, true]);
        assert!(other.join(OWNER).exists());
    }
}
