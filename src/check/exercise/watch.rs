//! Whether the wire was watched for long enough, and read to its end between two lives of the sender.

use std::collections::BTreeSet;

use crate::history::{Incarnation, Micros, What};
use crate::plan::Step;
use crate::verdict::Circumstance;

use crate::check::evidence::index::Evidence;
use crate::check::exercise::missing::Missing;

/// What a life of the sender has sent is read to its end before the next one is started, so that
/// nothing of the one can be taken for the other's.
pub(crate) fn not_drained(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let follower = |of: Incarnation| {
        let later = evidence.lives.range(of + 1..).filter(|(_, life)| life.beside.is_none());
        later.map(|(_, life)| life.started).find(|&started| started > 0)
    };
    // The end of a connection that has carried nothing hides nothing.
    let mut used = BTreeSet::new();
    for event in evidence.events {
        let connection = match &event.what {
            What::Received { connection, .. } => {
                used.insert(*connection);
                connection
            }
            What::EndedBySender { connection, .. } if used.contains(connection) => connection,
            _ => continue,
        };
        let of = evidence.connections.get(connection).map_or(0, |opened| opened.incarnation);
        if of > 0 && follower(of).is_some_and(|started| event.seq > started) {
            let message = format!(
                "connection {connection} of sender run {of} was still read when the next one was started"
            );
            missing(Circumstance::NotDrained, message);
            return;
        }
    }
}

pub(crate) fn not_watched(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let watches = |step: &&Step| matches!(step, Step::Settle | Step::Hold);
    let wanted = evidence.plan.steps.iter().filter(watches).count();
    let watched = watches_done(evidence);
    if watched.quiet < wanted {
        let message = "the wire was not watched quiet for as long as the sender may wait before it tries again";
        missing(Circumstance::NotWatchedLongEnough, message.to_owned());
    } else if let Some(quiet) = watched.too_short {
        let retry = evidence.plan.limits.longest_retry;
        let message =
            format!("the sender retries after {}; it was watched for {}", span(retry), span(quiet));
        missing(Circumstance::NotWatchedLongEnough, message);
    }
}

/// What came of the watches of a case.
struct Watches {
    /// How many saw the wire quiet for as long as the plan asks for.
    quiet: usize,
    /// The shortest of those after which the sender may still have tried something again.
    too_short: Option<Micros>,
}

/// The watches of a case. Each must last for twice the sender's longest retry, on the sender's own
/// clock: a jump of it counts until something comes on the wire, and a watch that was shorter is
/// made good by the next one if nothing but such jumps lies between the two.
fn watches_done(evidence: &Evidence<'_>) -> Watches {
    let horizon = evidence.plan.limits.longest_retry.0.saturating_mul(2);
    let mut watches = Watches { quiet: 0, too_short: None };
    let mut jumped = 0_u64;
    let mut open: Option<Micros> = None;
    let shorter = |one: Option<Micros>, other: Option<Micros>| one.into_iter().chain(other).min();
    for event in evidence.events {
        match &event.what {
            What::ClockJumped { by } => jumped = jumped.saturating_add(by.0),
            What::Watched { quiet, wanted } if quiet >= wanted => {
                watches.quiet += 1;
                let is_long = quiet.0.saturating_add(jumped) >= horizon;
                open = if is_long { None } else { shorter(open, Some(*quiet)) };
            }
            What::Received { .. } => jumped = 0,
            What::Submitted { .. } | What::SenderStarted { .. } | What::SenderEnding { .. } => {
                jumped = 0;
                watches.too_short = shorter(watches.too_short, open.take());
            }
            _ => {}
        }
    }
    watches.too_short = shorter(watches.too_short, open);
    watches
}

/// A length of time in the largest unit that it is a whole number of: `1 h`, `90 s`.
fn span(time: Micros) -> String {
    let millis = time.0 / 1000;
    match millis {
        3_600_000.. if millis.is_multiple_of(3_600_000) => format!("{} h", millis / 3_600_000),
        120_000.. if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        1_000.. => format!("{} s", millis / 1_000),
        _ => format!("{millis} ms"),
    }
}
