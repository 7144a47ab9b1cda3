//! The guardian: a process beside ours that leaves nothing of ours behind, whatever has ended us.
//!
//! We tell it through a pipe which processes we have started and which folders we have made. When the
//! pipe closes, because we have ended or were killed, it ends what is still there and removes what we
//! could not. It is this program once more, in a process group of its own, so that what a terminal
//! sends to ours does not reach it. It does **not** look at anything while we are there.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::run::real::descendants::{Seen, marked_folder, processes};

/// The word by which this program is told to be a guardian.
pub const GUARDIAN: &str = "guardian";

/// The guardian of this process, where it has one.
static OURS: Mutex<Option<Guardian>> = Mutex::new(None);

fn ours() -> MutexGuard<'static, Option<Guardian>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Guardian {
    process: Child,
    /// What it says once no signal ends it any more, until that was heard.
    ready: Option<ChildStdout>,
}

impl Guardian {
    /// Writes to it, once it can be relied on.
    fn hear(&mut self, line: &[u8]) {
        if let Some(mut ready) = self.ready.take() {
            let _ = ready.read(&mut [0]);
        }
        // A guardian that is gone cannot be told anything.
        let _ = self.process.stdin.as_mut().map(|stdin| stdin.write_all(line));
    }
}

/// Something that would be left behind, or is no longer there.
pub(crate) enum Told<'a> {
    /// A process was started that leads a group of this number.
    Group(Pid),
    /// It has ended.
    GroupGone(Pid),
    /// A folder was made.
    Folder(&'a Path),
    /// It is removed.
    FolderGone(&'a Path),
}

/// From now on somebody sees to it that nothing is left. Where this program cannot be started once
/// more there is nobody, and the next run sweeps up.
pub fn engage() {
    let mut ours = ours();
    if ours.is_none() {
        // Whatever has become of the file, this is what runs now.
        let mut program = Command::new("/proc/self/exe");
        program.arg(GUARDIAN).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let process = program.current_dir("/").process_group(0).spawn();
        *ours = process.ok().map(|mut process| Guardian { ready: process.stdout.take(), process });
    }
}

/// Lets the guardian go, who ends what is still there, and waits until it has.
pub fn dismiss() {
    let guardian = ours().take();
    if let Some(mut guardian) = guardian {
        drop(guardian.process.stdin.take());
        let _ = guardian.process.wait();
    }
}

/// Whether a process is the guardian.
pub(crate) fn is_guardian(process: Pid) -> bool {
    let number = process.as_raw_nonzero().get();
    ours().as_ref().is_some_and(|guardian| i32::try_from(guardian.process.id()) == Ok(number))
}

/// Tells the guardian, if there is one.
pub(crate) fn tell(told: &Told<'_>) {
    if let Some(guardian) = ours().as_mut() {
        guardian.hear(&told.line());
    }
}

impl Told<'_> {
    /// A sign, what it is about, and a NUL, which stands in no path.
    fn line(&self) -> Vec<u8> {
        let number = |group: &Pid| group.as_raw_nonzero().to_string().into_bytes();
        let path = |folder: &Path| folder.as_os_str().as_bytes().to_vec();
        let (sign, what): (&[u8], Vec<u8>) = match self {
            Told::Group(group) => (b"+g", number(group)),
            Told::GroupGone(group) => (b"-g", number(group)),
            Told::Folder(folder) => (b"+f", path(folder)),
            Told::FolderGone(folder) => (b"-f", path(folder)),
        };
        [sign, &what, b"\0"].concat()
    }
}

/// Is the guardian of whoever holds the other end of `pipe`, until that is closed and nothing is
/// left; says a byte to `ready` once no signal that can be ignored ends it.
///
/// # Errors
/// A system that gives us no event queue.
pub fn stand_guard(mut pipe: impl BufRead, mut ready: impl Write) -> io::Result<()> {
    // Whoever ends all that is called like us means those that run, and not who cleans up after them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let deaf_to = [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
    ];
    let _unheard = deaf_to.map(signal);
    // Who does not wait for this is gone, and will be seen to be.
    let _ = ready.write_all(b"+").and_then(|()| ready.flush());
    let mut ward = Ward::default();
    let mut line = Vec::new();
    while pipe.read_until(0, &mut line).is_ok_and(|read| read > 0) {
        ward.hear(line.strip_suffix(b"\0").unwrap_or_default());
        line.clear();
    }
    ward.end();
    Ok(())
}

/// What is to be ended and removed.
#[derive(Debug, Default)]
struct Ward {
    groups: BTreeSet<i32>,
    folders: BTreeSet<PathBuf>,
}

impl Ward {
    fn hear(&mut self, line: &[u8]) {
        let Some((sign, what)) = line.split_at_checked(2) else { return };
        let group = || std::str::from_utf8(what).ok()?.parse::<i32>().ok();
        let folder = || PathBuf::from(OsStr::from_bytes(what));
        match sign {
            b"+g" => self.groups.extend(group()),
            b"-g" => drop(group().map(|group| self.groups.remove(&group))),
            b"+f" => drop(self.folders.insert(folder())),
            b"-f" => drop(self.folders.remove(&folder())),
            _ => {}
        }
    }

    /// Asks whoever is still there to stop, then kills them, and removes the folders.
    fn end(&self) {
        if self.groups.is_empty() && self.folders.is_empty() {
            return;
        }
        let asked = Instant::now();
        for process in self.left() {
            let _ = kill_process(process, Signal::TERM);
            let _ = kill_process(process, Signal::CONT); // one that stands still hears nothing
        }
        while asked.elapsed() < GRACE && !self.left().is_empty() {
            std::thread::sleep(GLANCE);
        }
        for _ in 0..MOST_ROUNDS {
            let left = self.left();
            if left.is_empty() {
                break;
            }
            for process in left {
                let _ = kill_process(process, Signal::KILL);
            }
            std::thread::sleep(GLANCE);
        }
        for folder in &self.folders {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    /// The processes that are of a group or of a case, and whoever descends from one of them.
    fn left(&self) -> Vec<Pid> {
        let all: BTreeMap<i32, Seen> =
            processes().map(|seen| (number(seen.process), seen)).collect();
        let mut left: BTreeSet<i32> = all
            .values()
            .filter(|seen| self.groups.contains(&seen.group) || self.is_of_a_case(seen.process))
            .map(|seen| number(seen.process))
            .collect();
        loop {
            let descends =
                |seen: &&Seen| left.contains(&seen.parent) && !left.contains(&number(seen.process));
            let more: Vec<i32> =
                all.values().filter(descends).map(|seen| number(seen.process)).collect();
            if more.is_empty() {
                break;
            }
            left.extend(more);
        }
        left.remove(&number(getpid()));
        left.into_iter().filter_map(Pid::from_raw).collect()
    }

    fn is_of_a_case(&self, process: Pid) -> bool {
        marked_folder(process).is_some_and(|folder| self.folders.contains(&folder))
    }
}

fn number(process: Pid) -> i32 {
    process.as_raw_nonzero().get()
}

/// How long whoever is still there may take to stop: nobody waits for what they would say.
const GRACE: Duration = Duration::from_millis(500);

/// How often it is looked whether they have.
const GLANCE: Duration = Duration::from_millis(10);

/// How often whoever is left is killed: a process may start others meanwhile.
const MOST_ROUNDS: usize = 500;

#[cfg(test)]
mod tests {
    use super::{Path, Pid, Told, Ward};

    #[test]
    fn what_was_told_and_is_not_gone_is_left() {
        let pid = |number| Pid::from_raw(number).unwrap();
        let (one, two) = (Path::new("/tmp/a\nb"), Path::new("/tmp/c"));
        let told = [
            Told::Group(pid(7)),
            Told::Folder(one),
            Told::Folder(two),
            Told::Group(pid(8)),
            Told::GroupGone(pid(7)),
            Told::FolderGone(two),
        ];
        let lines = told.map(|told| told.line()).concat();
        let mut ward = Ward::default();
        for line in lines.split(|&byte| byte == 0) {
            ward.hear(line);
        }
        assert_eq!(ward.groups.into_iter().collect::<Vec<_>>(), [8]);
        assert_eq!(ward.folders.into_iter().collect::<Vec<_>>(), [one]);
    }
}
