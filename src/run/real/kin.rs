//! Which processes belong to a sender: those of its process group, and those that have left it.

use std::path::Path;

use rustix::process::Pid;

/// What tells the processes of one sender from all others.
pub(super) struct Sought {
    /// The process group that its leader has led.
    pub(super) group: Option<Pid>,
    /// The environment entry that all of them inherit, also those that have left the group.
    pub(super) mark: Vec<u8>,
}

/// The processes of a sender that are still there and not merely waiting to be reaped.
pub(super) fn left_behind(sought: &Sought) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| sought.alive(&entry.path())).collect()
}

impl Sought {
    /// The number of the process that this folder of the system describes, if it is alive and one
    /// of those.
    fn alive(&self, process: &Path) -> Option<Pid> {
        let number = process.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let stat = std::fs::read(process.join("stat")).ok()?;
        // After the command in parentheses: state, parent, group.
        let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
        let stat = String::from_utf8_lossy(&stat[after..]).into_owned();
        let mut fields = stat.split_whitespace();
        if matches!(fields.next()?, "Z" | "X") {
            return None;
        }
        let group = fields.nth(1)?.parse().ok().and_then(Pid::from_raw);
        let of_group = group.is_some() && group == self.group;
        (of_group || self.is_marked(process)).then_some(number)
    }

    fn is_marked(&self, process: &Path) -> bool {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == self.mark)
    }
}

/// The environment entry by which the processes of the case in `folder` are known.
pub(super) fn mark(folder: &Path) -> Vec<u8> {
    [MARK.as_bytes(), b"=", folder.as_os_str().as_encoded_bytes()].concat()
}

/// The environment variable by which the processes of a sender are known, whatever group or session
/// they have moved to.
pub(super) const MARK: &str = "CHARGEPROOF_CASE";
