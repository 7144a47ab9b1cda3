//! Which processes belong to a sender: those of its process group, and those that have left it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use crate::history::Incarnation;

/// What tells the processes of one sender from all others.
#[derive(Clone)]
pub(crate) struct Sought {
    /// The process group that its leader has led.
    pub(crate) group: Option<Pid>,
    /// The environment entry that all of them inherit, also those that have left the group.
    pub(crate) mark: Vec<u8>,
    /// The entry that tells this life of the sender from the others of its case; none for all.
    pub(crate) life: Option<Vec<u8>>,
}

/// Whether one of these processes holds the socket with this number.
pub(crate) fn holds_socket(sought: &Sought, socket: u64) -> bool {
    let link = format!("socket:[{socket}]");
    left_behind(sought).into_iter().any(|process| {
        let open = std::fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero()));
        let mut open = open.into_iter().flatten().flatten();
        open.any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == &*link))
    })
}

/// Whether the system shows a process as stopped where it stands.
pub(crate) fn is_stopped(process: Pid) -> bool {
    let stat = std::fs::read(format!("/proc/{}/stat", process.as_raw_nonzero()));
    stat.is_ok_and(|stat| state_of(&stat).is_some_and(|state| matches!(state, b'T' | b't')))
}

/// Whether a process has ended, and only waits to be taken notice of.
pub(crate) fn is_dead(process: &Pid) -> bool {
    let stat = std::fs::read(format!("/proc/{}/stat", process.as_raw_nonzero()));
    stat.map_or(true, |stat| state_of(&stat).is_none_or(|state| matches!(state, b'Z' | b'X')))
}

/// The state stands after the command, which is in parentheses and may hold some itself.
fn state_of(stat: &[u8]) -> Option<u8> {
    let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
    stat[after..].iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// The parent of a process.
pub(crate) fn parent(process: Pid) -> Option<Pid> {
    let stat = std::fs::read(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let fields = String::from_utf8_lossy(&stat[after..]).into_owned();
    Pid::from_raw(fields.split_whitespace().nth(1)?.parse().ok()?)
}

/// The environment that a process was started with.
pub(crate) fn environment(process: Pid) -> Vec<u8> {
    std::fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default()
}

/// A process that is there and not merely waiting to be reaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) process: Pid,
    pub(crate) parent: i32,
    pub(crate) group: i32,
}

/// Every process that is there.
pub(crate) fn processes() -> impl Iterator<Item = Seen> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| seen(&entry.path()))
}

/// The process that this folder of the system describes, if it is one and alive.
fn seen(folder: &Path) -> Option<Seen> {
    let process = folder.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)?;
    let stat = std::fs::read(folder.join("stat")).ok()?;
    // After the command in parentheses: state, parent, group.
    let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let stat = String::from_utf8_lossy(&stat[after..]).into_owned();
    let mut fields = stat.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Seen { process, parent, group })
}

/// The processes of a sender that are still there.
pub(crate) fn left_behind(sought: &Sought) -> Vec<Pid> {
    processes().filter(|seen| sought.is(seen)).map(|seen| seen.process).collect()
}

/// The name of a process: of its program, as far as the system keeps it.
pub(crate) fn name(process: Pid) -> String {
    let name =
        std::fs::read(format!("/proc/{}/comm", process.as_raw_nonzero())).unwrap_or_default();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(byte);
    name.iter().filter(|byte| is_plain(byte)).map(|&byte| char::from(byte)).collect()
}

impl Sought {
    fn is(&self, seen: &Seen) -> bool {
        let of_group = self.group.is_some_and(|group| group.as_raw_nonzero().get() == seen.group);
        of_group || self.is_marked(seen.process)
    }

    fn is_marked(&self, process: Pid) -> bool {
        let environment = environment(process);
        let has = |wanted: &[u8]| environment.split(|&byte| byte == 0).any(|one| one == wanted);
        has(&self.mark) && self.life.as_ref().is_none_or(|life| has(life))
    }
}

/// The folder of the case that a process belongs to, by the mark in its environment.
pub(crate) fn marked_folder(process: Pid) -> Option<PathBuf> {
    let environment = environment(process);
    let mut entries = environment.split(|&byte| byte == 0);
    let folder = entries.find_map(|entry| entry.strip_prefix(MARK.as_bytes())?.strip_prefix(b"="));
    folder.map(|folder| PathBuf::from(OsStr::from_bytes(folder)))
}

/// The environment entry by which the processes of the case in `folder` are known.
pub(crate) fn mark(folder: &Path) -> Vec<u8> {
    [MARK.as_bytes(), b"=", folder.as_os_str().as_encoded_bytes()].concat()
}

/// The environment entry by which the processes of one life are known.
pub(crate) fn life_mark(incarnation: Incarnation) -> Vec<u8> {
    format!("{LIFE}={incarnation}").into_bytes()
}

/// The environment variable that tells the lives of one case apart.
pub(crate) const LIFE: &str = "CHARGEPROOF_LIFE";

/// The environment variable by which the processes of a sender are known, whatever group or session
/// they have moved to.
pub(crate) const MARK: &str = "CHARGEPROOF_CASE";

/// How long the children of a sender have at least when it has ended in the last moment.
pub(crate) const AFTER_ITS_LEADER: Duration = Duration::from_millis(500);

/// How often it is looked whether they are gone.
pub(crate) const GLANCE: Duration = Duration::from_millis(25);
