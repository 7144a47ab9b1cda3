//! Whether the case proved anything: the faults played, the kills killed, the wire was watched.
//!
//! A pass is evidence that the thing was exercised, never the absence of a failure. Whatever is
//! missing here is inconclusive under the once rule of the agreement, with a circumstance that
//! names it. This does **not** judge the sender.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;

use crate::history::{ConnectionId, Event, Incarnation, Micros, Piece, Seal, What};
use crate::hl7::Message;
use crate::plan::{Behaviour, Charged, Lifetime, MessageKind, Plan, Play, ProcessFault, Step};
use crate::verdict::{Circumstance, NotDone, Rule, Subject, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::evidence::time::to_the_second;
use crate::check::findings::{Findings, Told};
use crate::check::proof;
use crate::check::rules::agreed_rule;

/// The signal that a kill ends with.
const SIGKILL: i32 = 9;

/// Looks for what should have happened and did not.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let rule = agreed_rule(evidence);
    // The usual course of a case restarts the sender, where that is ours to do.
    if evidence.plan.steps.contains(&Step::LeaveAlone) {
        findings.unjudged(
            Subject::Step("restart"),
            "the sender is not ours to restart (`observe` or `per: run`)",
        );
    }
    let mut missing = |circumstance, message: String| {
        findings.add(rule, Weight::Inconclusive, || Told::plainly(circumstance, message));
    };
    // Of a sender that could not be driven nothing else is to be said: the rest is why.
    if !evidence.is_undriven() {
        not_played(evidence, &mut missing);
        not_done(evidence, &mut missing);
        not_struck(evidence, &mut missing);
        not_watched(evidence, &mut missing);
        nothing_sent(evidence, &mut missing);
    }
    not_drained(evidence, &mut missing);
    cut(evidence, &mut missing);
    let explained = findings.has(Rule::Delivers, Weight::Broken)
        || findings.has(Rule::Recovers, Weight::Broken)
        || findings.has(Rule::SenderStaysUp, Weight::Broken)
        || findings.has(Rule::SenderStarts, Weight::Undriven);
    if !explained {
        waited_in_vain(evidence, rule, findings);
    }
}

/// A stored history that is not as it was written proves nothing, whatever it shows: neither its
/// plan nor its events are known to be what they were.
pub(crate) fn altered(evidence: &Evidence<'_>, seal: Seal, findings: &mut Findings) {
    if seal == Seal::Broken {
        findings.add(agreed_rule(evidence), Weight::Inconclusive, || {
            let message = "the history was altered after it was written: its seal does not fit";
            Told::plainly(Circumstance::HistoryAltered, message)
        });
    }
}

/// The steps of the usual course that this plan had to do without.
pub(crate) fn left_undone(plan: &Plan) -> Vec<NotDone> {
    let life = plan.sender.driving.life;
    let why = match life {
        // Whoever serves or records has no course of his own to follow.
        _ if life.is_ours_to_end() || !plan.steps.contains(&Step::LeaveAlone) => return Vec::new(),
        Lifetime::Observed => "the sender runs apart from us (`start: observe`)",
        _ => "one process serves the whole run (`per: run`)",
    };
    let unproven = "that after a restart it sends no charge again, and none is lost";
    vec![NotDone { step: "restart".to_owned(), why: why.to_owned(), unproven: unproven.to_owned() }]
}

type Missing<'m> = &'m mut dyn FnMut(Circumstance, String);

/// The entries of the script that need not play and did not, in words.
pub(crate) fn idle(evidence: &Evidence<'_>) -> Vec<String> {
    let optional = evidence.plan.expect.optional_behaviours.iter();
    let entries = optional.filter_map(|&index| Some((index, evidence.plan.script.get(index)?)));
    let idle = entries.filter(|(index, _)| played(evidence, *index).is_err());
    idle.map(|(_, behaviour)| told(behaviour).trim_end_matches(',').to_owned()).collect()
}

/// Whether a behaviour was seen to play; if not, what is missing of one that is said to have played.
fn played(evidence: &Evidence<'_>, index: usize) -> Result<(), Option<String>> {
    let claims = evidence.played.iter().filter(|fault| fault.behaviour == index);
    let mut lacks = None;
    for claim in claims.take(MOST_CLAIMS) {
        lacks = proof::missing(evidence, claim);
        if lacks.is_none() {
            return Ok(());
        }
    }
    Err(lacks)
}

fn not_played(evidence: &Evidence<'_>, missing: Missing<'_>) {
    for (index, behaviour) in evidence.plan.script.iter().enumerate() {
        if evidence.plan.expect.optional_behaviours.contains(&index) {
            continue;
        }
        let Err(claim) = played(evidence, index) else { continue };
        let claim = claim.map(|what| format!("the EMR says so, and the history does not: {what}"));
        let why = claim
            .or_else(|| why(evidence, index))
            .or_else(|| shadowed(evidence, index))
            .or_else(|| never_due(evidence, behaviour));
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        let message = format!("{} was never played{why}", told(behaviour));
        missing(Circumstance::FaultNotPlayed, message);
    }
}

/// How many times that a behaviour is said to have played are looked at: one that is there is enough.
const MOST_CLAIMS: usize = 64;

/// What stood in the way of a behaviour when it last was due.
fn why(evidence: &Evidence<'_>, index: usize) -> Option<String> {
    evidence.events.iter().rev().find_map(|event| match &event.what {
        What::NotPlayed { behaviour, why, .. } if *behaviour == index => Some(why.clone()),
        _ => None,
    })
}

/// Which entry of the script played in the place of this one: an earlier one that is due whenever this
/// is, and as often.
fn shadowed(evidence: &Evidence<'_>, index: usize) -> Option<String> {
    let behaviour = evidence.plan.script.get(index)?;
    let played = |earlier: usize| evidence.played.iter().any(|one| one.behaviour == earlier);
    let earlier =
        (0..index).find(|&at| evidence.plan.script[at].covers(behaviour) && played(at))?;
    let it = told(&evidence.plan.script[earlier]);
    Some(format!("{it} stands before it in the script, and played in its place"))
}

/// Why a behaviour was never due, where what came shows it: too few messages, connections, attempts
/// or bytes for what the script names.
fn never_due(evidence: &Evidence<'_>, behaviour: &Behaviour) -> Option<String> {
    let on = &behaviour.on;
    let here = |endpoint: &str| on.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint);
    let mut connections = BTreeSet::new();
    let mut pieces = Vec::new();
    for event in evidence.events {
        match &event.what {
            What::Opened { connection, endpoint, .. } if here(endpoint) => {
                connections.insert(*connection);
            }
            What::Received { connection, length, .. } if connections.contains(connection) => {
                pieces.push(*length);
            }
            _ => {}
        }
    }
    let (opened, received) = (connections.len(), pieces.len());
    let longest = pieces.into_iter().max().unwrap_or(0);
    let bytes = behaviour.play.iter().find_map(|play| match play {
        Play::Fault { with, .. } => with.bytes,
        _ => None,
    });
    let fewer = |wanted: Option<u32>, seen: usize| wanted.is_some_and(|one| seen < one as usize);
    let attempts = on.exam.as_ref().and_then(|exam| {
        let exam = evidence.exams.iter().find(|one| one.name == exam)?;
        Some(evidence.attempts_at(&exam.order).len())
    });
    if opened == 0 {
        let whom = on.endpoint.as_deref().unwrap_or("the EMR");
        Some(format!("nobody connected to {whom}"))
    } else if fewer(on.connection, opened) {
        Some(format!("connections came to {opened}"))
    } else if fewer(on.message, received) {
        Some(format!("messages came to {received}"))
    } else if on.kind == Some(MessageKind::Result) && evidence.plan.results.is_none() {
        Some("this case asks for no results".to_owned())
    } else if attempts.is_some_and(|attempts| fewer(on.attempt, attempts)) {
        Some(format!("attempts at it came to {}", attempts.unwrap_or_default()))
    } else if bytes.is_some_and(|bytes| longest < bytes) {
        Some(format!("the longest message had {longest} bytes"))
    } else {
        None
    }
}

/// A behaviour as a person knows it: what it plays, and for whom.
fn told(behaviour: &Behaviour) -> String {
    let play = |play: &Play| match play {
        Play::Fault { fault, .. } => format!("`{fault}`"),
        Play::Raw(_) | Play::Filled(_) => "`raw`".to_owned(),
        Play::Wait(_) => "`wait`".to_owned(),
        Play::End(_) => "`end`".to_owned(),
    };
    let plays: Vec<String> = behaviour.play.iter().map(play).collect();
    let on = &behaviour.on;
    let number = |what: &str, number: Option<u32>| number.map(|one| format!("{what} {one}"));
    let fields = on.fields.iter().map(|field| Some(format!("{} {}", field.path, field.value)));
    let whom = [
        (on.kind == Some(MessageKind::Result)).then(|| "results".to_owned()),
        on.exam.clone(),
        number("attempt", on.attempt.filter(|attempt| *attempt > 1)),
        number("message", on.message),
        number("connection", on.connection),
        on.endpoint.clone(),
    ];
    let whom: Vec<String> = whom.into_iter().chain(fields).flatten().collect();
    let whom = match whom.as_slice() {
        [] => "any message".to_owned(),
        [one] => one.clone(),
        several => format!("{},", several.join(", ")),
    };
    format!("{} for {whom}", plays.join(", "))
}

/// Steps of the plan that left no trace: starts, exams, kills and stops.
fn not_done(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let planned =
        |wanted: fn(&Step) -> bool| evidence.plan.steps.iter().filter(|step| wanted(step)).count();
    let seen = |wanted: &dyn Fn(&What) -> bool| {
        evidence.events.iter().filter(|event| wanted(&event.what)).count()
    };
    let starts =
        seen(&|what| matches!(what, What::SenderStarted { .. } | What::SenderFailed { .. }));
    if starts < planned(|step| matches!(step, Step::Start | Step::StartSecond)) {
        missing(
            Circumstance::SenderNotStarted,
            "a start of the plan is not in the history".to_owned(),
        );
    }
    let handed = seen(&|what| matches!(what, What::Submitted { .. }));
    if handed < planned(|step| matches!(step, Step::Submit(_))) {
        missing(
            Circumstance::ExamNotHandedOver,
            "an exam of the plan was not handed over".to_owned(),
        );
    }
    for exam in &evidence.exams {
        let wanted = exam.wanted_again.len();
        if wanted > 0 && evidence.attempts_at(&exam.order).len() < 1 + wanted {
            let message = format!("an operator wanted the charge of {} sent once more", exam.name);
            missing(Circumstance::NotSentAgain, format!("{message}, and it was not"));
        }
    }
    let asked = seen(&|what| matches!(what, What::ResendAsked { .. }));
    if asked < planned(|step| matches!(step, Step::Resend(_))) {
        missing(
            Circumstance::ResendNotAskedFor,
            "a resend of the plan was not asked for".to_owned(),
        );
    }
    let killed = seen(&|what| match what {
        What::SenderExited { incarnation, signal, .. } => {
            let life = evidence.lives.get(incarnation);
            let killed = life.is_some_and(|life| life.killed.is_some() && life.asked.is_none());
            killed && *signal == Some(SIGKILL)
        }
        _ => false,
    });
    let is_kill =
        |step: &Step| matches!(step, Step::Kill(_) | Step::Fault { fault: ProcessFault::Kill, .. });
    if killed < planned(is_kill) {
        missing(
            Circumstance::KillNotProven,
            "a kill of the plan did not end the sender by signal 9".to_owned(),
        );
    }
    let ended =
        evidence.lives.values().filter(|life| life.asked.is_some() || life.killed.is_some());
    let alive = ended.filter(|life| life.exited.is_none()).count();
    if alive > 0 {
        missing(
            Circumstance::EndNotProven,
            "the sender was ended, and its exit was not seen".to_owned(),
        );
    }
}

/// Pauses, jumps of the clock and second instances that were asked for and not seen.
fn not_struck(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let events = || evidence.events.iter().map(|event| &event.what);
    let faults = evidence.plan.steps.iter().filter_map(|step| match step {
        Step::Fault { fault, .. } => Some(*fault),
        _ => None,
    });
    let mut pauses = events().filter_map(|what| match what {
        What::SenderResumed { paused, .. } => Some(*paused),
        _ => None,
    });
    let mut jumped = false;
    for fault in faults {
        match fault {
            ProcessFault::Pause(length) if pauses.next().is_none_or(|paused| paused < length) => {
                let message = "the sender was not seen to stand still for as long as it should";
                missing(Circumstance::PauseNotProven, message.to_owned());
            }
            ProcessFault::Jump(_) => jumped = true,
            _ => {}
        }
    }
    if jumped {
        clock_not_moved(evidence, missing);
    }
    let seconds = evidence.plan.steps.iter().filter(|step| **step == Step::StartSecond).count();
    let beside =
        events().filter(|what| matches!(what, What::SenderStarted { beside: Some(_), .. }));
    if beside.count() < seconds {
        let message = "a second instance of the plan was not seen beside the first";
        missing(Circumstance::SecondInstanceNotProven, message.to_owned());
    }
}

/// A jump of the clock is proven by the times in the messages: MSH-7 after it, against the last
/// one before it.
fn clock_not_moved(evidence: &Evidence<'_>, missing: Missing<'_>) {
    for event in evidence.events {
        let What::ClockJumped { by } = event.what else { continue };
        let (before, after): (Vec<_>, Vec<_>) = evidence
            .sent
            .iter()
            .filter_map(|sent| Some((evidence.place(sent), written(sent.payload)?)))
            .partition(|(place, _)| place.seq < event.seq);
        let last = before.iter().map(|(_, time)| *time).max();
        let moved = last.zip(after.iter().map(|(_, time)| *time).max());
        // A message may have been written before the jump and sent after it, and the other way
        // round, so that not the whole jump need show.
        let enough = i64::try_from(by.0 / 2_000_000).unwrap_or(i64::MAX);
        if moved.is_none_or(|(before, after)| after.duration_since(before).as_secs() < enough) {
            let hours = by.0 / 3_600_000_000;
            let message = format!(
                "the sender's clock was to jump by {hours} h, and no message after it shows so"
            );
            missing(Circumstance::ClockNotMoved, message);
        }
    }
}

/// When a message was written, by its own MSH-7.
fn written(payload: &[u8]) -> Option<DateTime> {
    let message = Message::read_header(payload);
    to_the_second(message.value("MSH-7").get(..14)?)
}

/// What a life of the sender has sent is read to its end before the next one is started, so that
/// nothing of the one can be taken for the other's.
fn not_drained(evidence: &Evidence<'_>, missing: Missing<'_>) {
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
                "connection {connection} of life {of} was still read when the next one was started"
            );
            missing(Circumstance::NotDrained, message);
            return;
        }
    }
}

fn not_watched(evidence: &Evidence<'_>, missing: Missing<'_>) {
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

fn cut(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let finished = evidence.events.iter().any(|event| event.what == What::Finished);
    let interrupted = evidence.events.iter().find_map(|event| match &event.what {
        What::Interrupted { why } => Some(why.as_deref()),
        _ => None,
    });
    if interrupted.is_some() || !finished {
        let why = interrupted.flatten().map(|why| format!(": {why}")).unwrap_or_default();
        missing(Circumstance::HistoryCut, format!("the history ends before its last step{why}"));
    }
    let numbers = evidence.events.iter().zip(1..);
    if let Some((event, number)) = { numbers }.find(|(event, number)| event.seq != *number) {
        let seq = event.seq;
        missing(
            Circumstance::HistoryCut,
            format!("event {seq} stands where event {number} should be"),
        );
    }
    out_of_time(evidence, missing);
    bytes_lost(evidence, missing);
    not_readable(evidence, missing);
}

/// Not even `never` is proven by a sender that may have been dead.
fn nothing_sent(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let is_hidden = !evidence.disguises.attempts.is_empty();
    if evidence.orders.is_empty() && evidence.unexplained.is_empty() && !is_hidden {
        missing(Circumstance::NothingSent, "no charge was attempted at all".to_owned());
    }
}

/// What came and could not be read, or was more than is kept, may have been another attempt.
fn not_readable(evidence: &Evidence<'_>, missing: Missing<'_>) {
    for event in evidence.events {
        match event.what {
            What::Undecryptable { connection, bytes } => {
                let message = format!(
                    "{bytes} bytes or more came on connection {connection} under a TLS that had failed or ended, \
                     and nobody can say that no charge was among them"
                );
                missing(Circumstance::BytesNotReadable, message);
            }
            What::Unread { connection, ref bytes, length, .. }
                if (bytes.as_slice().len() as u64) < length =>
            {
                let kept = bytes.as_slice().len();
                let message = format!(
                    "{length} bytes came on connection {connection} when the EMR had broken off, and {kept} of them were kept"
                );
                missing(Circumstance::HistoryCut, message);
            }
            _ => {}
        }
    }
}

/// The clock of a history never goes back, and nothing lasted for longer than the case.
fn out_of_time(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let mut pairs = evidence.events.windows(2);
    if let Some([before, event]) = pairs.find(|pair| pair[1].at < pair[0].at) {
        let message = format!(
            "event {} is said to be {} µs before event {}, which stands before it",
            event.seq,
            before.at.since(event.at).0,
            before.seq,
        );
        missing(Circumstance::TimesOutOfOrder, message);
    }
    let lasted = |what: &What| match what {
        What::Watched { quiet, .. } => Some(*quiet),
        What::Received { began, .. } => Some(*began),
        _ => None,
    };
    let is_too_long = |event: &&Event| lasted(&event.what).is_some_and(|time| time > event.at);
    if let Some(event) = evidence.events.iter().find(is_too_long) {
        let message =
            format!("event {} speaks of a time that had not come or not passed", event.seq);
        missing(Circumstance::TimesOutOfOrder, message);
    }
}

/// The pieces of a connection follow one another without a gap.
fn bytes_lost(evidence: &Evidence<'_>, missing: Missing<'_>) {
    let mut read: BTreeMap<ConnectionId, u64> = BTreeMap::new();
    for event in evidence.events {
        let What::Received { connection, offset, length, piece, ref bytes, .. } = event.what else {
            continue;
        };
        let next = read.entry(connection).or_insert(0);
        let kept = bytes.as_slice().len() as u64;
        if *next != offset || kept > length {
            let message =
                format!("bytes {next} to {offset} of connection {connection} are missing");
            missing(Circumstance::HistoryCut, message);
            return;
        }
        // Of one that outgrew the limit only the beginning is kept, and another rule says so.
        if kept < length && piece != Piece::Oversize {
            let message = format!(
                "{length} bytes came at once on connection {connection}, and {kept} of them are in \
                 the history"
            );
            missing(Circumstance::HistoryCut, message);
            return;
        }
        *next = offset.saturating_add(length);
    }
}

/// A step that waited for nothing, unless the exam need not come.
fn waited_in_vain(evidence: &Evidence<'_>, rule: Rule, findings: &mut Findings) {
    for event in evidence.events {
        let What::WaitedInVain { wanted, .. } = &event.what else { continue };
        let named = evidence.exams.iter().find(|exam| names(wanted, exam.name));
        if named.is_some_and(|exam| exam.charged != Charged::Once) {
            continue;
        }
        findings.add(rule, Weight::Inconclusive, || {
            Told::plainly(Circumstance::WaitedInVain, format!("a step waited in vain for {wanted}"))
        });
    }
}

/// Whether `text` names `exam` as a whole word.
fn names(text: &str, exam: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    text.split(|character| !is_part(character)).any(|word| word == exam)
}
