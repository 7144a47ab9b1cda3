//! How much of the processors is used, by this program with its senders and by all programs: what the
//! system counts (proc(5)).

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

/// How long a tick is by which Linux counts: `sysconf(_SC_CLK_TCK)` is 100 on every platform.
const TICK: Duration = Duration::from_millis(10);

fn read(own: &str, all: &str) -> Option<Used> {
    let ticks = |count: u64| TICK.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
    // The name, which may hold anything, ends in the last parenthesis; utime is field 14.
    let after = own.rsplit_once(')')?.1;
    let times = after.split_whitespace().skip(11).take(4).map(|field| field.parse::<u64>().ok());
    let here = times.sum::<Option<u64>>()?;
    let first = all.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> =
        first.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is counted in user.
    let [user, nice, system, idle, waiting, rest @ ..] = fields.as_slice() else { return None };
    let busy = user + nice + system + rest.iter().take(3).sum::<u64>();
    Some(Used { here: ticks(here), busy: ticks(busy), all: ticks(busy + idle + waiting) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Used, read, used};

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
    fn this_system_says_it() {
        let used = used().unwrap();
        assert!(used.busy <= used.all && used.all > Duration::ZERO);
    }
}
