//! How much of the processors is used, by this program with its senders and by all programs: what the
//! system counts (proc(5)).

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// What the system has counted so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Time that processors have worked for this program and for senders that have ended.
    pub here: Duration,
    /// Time that all processors have worked for anybody.
    pub busy: Duration,
    /// Time that they have worked or had nothing to do.
    pub all: Duration,
}

/// What the system counts now; nothing where it does not say.
#[must_use]
pub fn used() -> Option<Used> {
    read(&fs::read_to_string("/proc/self/stat").ok()?, &fs::read_to_string("/proc/stat").ok()?)
}

/// How long a run has been going on.
#[derive(Clone, Copy, Debug)]
pub struct Elapsed(Instant);

impl Elapsed {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// For how long.
    #[must_use]
    pub fn so_far(self) -> Duration {
        self.0.elapsed()
    }
}

/// How many processors this program may use.
#[must_use]
pub fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The processes that this program starts from now on, and what they start: those that run.
#[derive(Debug)]
pub struct Family {
    /// Those that were there before.
    before: BTreeSet<u32>,
}

/// What a family of processes takes at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Time that processors have worked for those that run, and for those of them that have ended and
    /// were waited for.
    pub worked: Duration,
    /// Memory that they hold, in bytes; what they share counts for each.
    pub memory: u64,
}

impl Family {
    /// From now on.
    #[must_use]
    pub fn from_now_on() -> Self {
        Self { before: children("self").collect() }
    }

    /// What it takes now. Nothing where the system does not say.
    #[must_use]
    pub fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        let new = |process: &u32| !self.before.contains(process);
        let mut processes: Vec<u32> = children("self").filter(new).collect();
        let mut seen = 0;
        while let Some(process) = processes.pop() {
            seen += 1;
            if seen > MOST_PROCESSES {
                break;
            }
            let place = process.to_string();
            let stat = fs::read_to_string(format!("/proc/{place}/stat")).unwrap_or_default();
            taken.worked += worked(&stat).unwrap_or_default();
            let status = fs::read_to_string(format!("/proc/{place}/status")).unwrap_or_default();
            taken.memory = taken.memory.saturating_add(resident(&status).unwrap_or(0));
            processes.extend(children(&place));
        }
        taken
    }
}

/// How many processes of a family are looked at.
const MOST_PROCESSES: usize = 1_000;

/// The children of a process, whichever of its threads has started them.
fn children(process: &str) -> impl Iterator<Item = u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let listed = threads.map(|thread| fs::read_to_string(thread.path().join("children")));
    listed.flat_map(|list| {
        let list = list.unwrap_or_default();
        list.split_whitespace().filter_map(|one| one.parse().ok()).collect::<Vec<u32>>()
    })
}

/// The memory that a process holds, by its `status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// How long a tick is by which Linux counts: `sysconf(_SC_CLK_TCK)` is 100 on every platform.
const TICK: Duration = Duration::from_millis(10);

/// The time that processors have worked for a process and for those of its children that have ended.
fn worked(stat: &str) -> Option<Duration> {
    // The name, which may hold anything, ends in the last parenthesis; utime is field 14.
    let after = stat.rsplit_once(')')?.1;
    let times = after.split_whitespace().skip(11).take(4).map(|field| field.parse::<u64>().ok());
    times.sum::<Option<u64>>().map(ticks)
}

fn ticks(count: u64) -> Duration {
    TICK.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

fn read(own: &str, all: &str) -> Option<Used> {
    let here = worked(own)?;
    let first = all.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> =
        first.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is counted in user.
    let [user, nice, system, idle, waiting, rest @ ..] = fields.as_slice() else { return None };
    let busy = user + nice + system + rest.iter().take(3).sum::<u64>();
    Some(Used { here, busy: ticks(busy), all: ticks(busy + idle + waiting) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Family, Used, children, read, resident, used};

    #[test]
    fn the_times_of_a_program_with_an_odd_name_are_found() {
        let own = "12 (a) b (c) S 1 12 12 0 -1 4194560 900 800 0 0 10 20 30 40 20 0 1 0 100 0 0";
        let all = "cpu  100 10 200 1000 50 1 2 3 7 0\ncpu0 50 5 100 500 25 1 1 1 0 0\n";
        let wanted = Used {
            here: Duration::from_secs(1),
            busy: Duration::from_millis(3_160),
            all: Duration::from_millis(13_660),
        };
        assert_eq!(read(own, all), Some(wanted));
        assert_eq!(read("", all), None);
        assert_eq!(read(own, "intr 1"), None);
    }

    #[test]
    fn a_process_that_was_started_is_of_the_family_and_one_that_was_there_is_not() {
        let start = || std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut older = start();
        let family = Family::from_now_on();
        let mut younger = start();
        let (taken, there) = (family.taken(), children("self").collect::<Vec<u32>>());
        for child in [&mut older, &mut younger] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let (older, younger) = (older.id(), younger.id());
        assert!(there.contains(&older) && there.contains(&younger));
        assert!(family.before.contains(&older) && !family.before.contains(&younger));
        assert!(taken.memory > 0, "{taken:?}");
        assert_eq!(resident("Name:\ta\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
    }

    #[test]
    fn this_system_says_it() {
        let used = used().unwrap();
        assert!(used.busy <= used.all && used.all > Duration::ZERO);
    }
}
