//! Processes of a sender that have left its group, its session and its environment behind.
//!
//! Once the harness has asked for it, the system hands every process to it whose parent has gone
//! (PR_SET_CHILD_SUBREAPER), so that nothing can get away. Which sender such a process belongs to can
//! only be said while there is one case at a time; at the end of a run it does not matter.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, waitid, waitpid,
};
use tokio::process::{Child, Command};

use crate::run::real::descendants::{MARK, environment, is_dead, parent};
use crate::run::real::sender::guardian;
use crate::run::real::sender::guardian::Told;

/// The children that were started on purpose; whoever else is a child of ours is an orphan.
static OWN: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn own() -> MutexGuard<'static, BTreeSet<i32>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on whoever loses his parent is handed to this process. Where the system does not do
/// that, a sender that hides well gets away.
pub fn adopt() {
    let _ = rustix::process::set_child_subreaper(Some(getpid()));
}

/// Starts a child that is no orphan.
pub(crate) fn spawn(program: &mut Command) -> io::Result<Child> {
    let mut own = own(); // nobody looks for orphans before it is known
    let child = program.spawn()?;
    let number = child.id().and_then(|id| i32::try_from(id).ok());
    own.extend(number);
    if let Some(group) = number.and_then(Pid::from_raw) {
        guardian::tell(&Told::Group(group));
    }
    Ok(child)
}

/// A child that was started has ended, and its number may be given to another.
pub(crate) fn forget(child: Option<Pid>) {
    if let Some(child) = child {
        own().remove(&child.as_raw_nonzero().get());
        guardian::tell(&Told::GroupGone(child));
    }
}

/// Nobody waits for this child any more, which was killed: its number is not to be remembered, since
/// it may be given to another.
pub(crate) fn let_go(child: Pid) {
    guardian::tell(&Told::GroupGone(child));
}

/// The orphans that were handed to us and say nothing of whose they are.
pub(crate) fn unmarked() -> Vec<Pid> {
    let own = own(); // nobody is started while we look
    let is_orphan = |child: &Pid| !own.contains(&child.as_raw_nonzero().get());
    let orphans = children().into_iter().filter(is_orphan);
    orphans.filter(|orphan| !is_dead(orphan) && !is_marked(*orphan)).collect()
}

/// Ends every child that is still there, and whoever is orphaned by that: nobody is left. To be
/// called when no sender is wanted any more.
pub fn end_children() {
    for _ in 0..MOST_ROUNDS {
        let children = children();
        let (dead, living): (Vec<Pid>, Vec<Pid>) = children.into_iter().partition(is_dead);
        for orphan in dead.into_iter().filter(|child| !is_own(child)) {
            let _ = waitpid(Some(orphan), WaitOptions::NOHANG); // nobody else waits for it
        }
        if living.is_empty() {
            return;
        }
        for child in living {
            let _ = kill_process(child, Signal::KILL);
            // It has let go of its own children when it is dead, and not before.
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
    }
}

/// The children of this process, but for its guardian.
fn children() -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let processes = processes.filter_map(Pid::from_raw);
    let is_child = |process: &Pid| parent(*process) == Some(getpid());
    processes.filter(|process| is_child(process) && !guardian::is_guardian(*process)).collect()
}

fn is_own(child: &Pid) -> bool {
    own().contains(&child.as_raw_nonzero().get())
}

fn is_marked(process: Pid) -> bool {
    let marked = |variable: &[u8]| variable.starts_with(MARK.as_bytes());
    environment(process).split(|&byte| byte == 0).any(marked)
}

/// How often it is looked whether anybody is left: a process may start others while it is ended.
const MOST_ROUNDS: usize = 1_000;
