//! For how long the processes of a sender were ready to run and got no processor, as the system counts it
//! for each thread (`/proc/PID/schedstat`, the second number; see sched-stats in the kernel's documentation).
//!
//! Where the system does not count it, nobody is ever starved. Does **not** say what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Pid;

/// What was counted so far.
#[derive(Debug, Default)]
pub(crate) struct Starved {
    /// For how long each thread has run and has waited.
    counted: BTreeMap<i32, Counted>,
    /// When it was last looked at.
    looked: Duration,
}

/// Nanoseconds on a processor, and waiting for one.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    ran: u64,
    waited: u64,
}

impl Starved {
    /// Whether it is time to look again.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        now.saturating_sub(self.looked) >= PERIOD
    }

    /// Looks at the processes that these lead, and at all that descend from them: for how long they were
    /// starved since the last look, all together and no longer than that, and how long ago that was.
    /// None if it is little, or if they had a processor for as long: who always has something to do
    /// always waits, too.
    pub(crate) fn look(&mut self, now: Duration, leaders: &[Pid]) -> Option<(Duration, Duration)> {
        let within = now.saturating_sub(self.looked);
        self.looked = now;
        let mut counted = BTreeMap::new();
        let mut processes: Vec<i32> =
            leaders.iter().map(|leader| leader.as_raw_nonzero().get()).collect();
        while let Some(process) = processes.pop() {
            if counted.len() >= MOST_THREADS {
                break;
            }
            for thread in threads(process) {
                let place = format!("/proc/{process}/task/{thread}");
                counted.insert(thread, count(&place));
                processes.extend(children(&place));
            }
        }
        let (mut ran, mut waited) = (0_u64, 0_u64);
        for (thread, now) in &counted {
            let before = self.counted.get(thread).copied().unwrap_or_default();
            ran = ran.saturating_add(now.ran.saturating_sub(before.ran));
            waited = waited.saturating_add(now.waited.saturating_sub(before.waited));
        }
        self.counted = counted;
        let by = Duration::from_nanos(waited).min(within);
        (waited > ran && by >= within / LITTLE).then_some((by, within))
    }
}

fn threads(process: i32) -> impl Iterator<Item = i32> {
    let entries =
        std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn count(thread: &str) -> Counted {
    let counted = std::fs::read_to_string(format!("{thread}/schedstat")).unwrap_or_default();
    let mut numbers = counted.split_whitespace().map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    Counted { ran: next(), waited: next() }
}

fn children(thread: &str) -> Vec<i32> {
    let children = std::fs::read_to_string(format!("{thread}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// How often it is looked.
const PERIOD: Duration = Duration::from_millis(250);

/// Less than this part of the time is what any machine does.
const LITTLE: u32 = 8;

/// How many threads are looked at.
const MOST_THREADS: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::getpid;

    use super::{PERIOD, Starved};

    #[test]
    fn nobody_is_starved_for_longer_than_the_time() {
        let mut starved = Starved::default();
        assert!(!starved.is_due(PERIOD / 2) && starved.is_due(PERIOD));
        let within = Duration::from_micros(10);
        let first = starved.look(within, &[getpid()]);
        assert!(first.is_none_or(|(by, of)| by <= within && of == within));
        assert!(!starved.counted.is_empty(), "the threads of this process are found");
        assert!(!starved.is_due(PERIOD));
        assert_eq!(starved.look(PERIOD, &[]), None, "nobody is there any more");
    }
}
