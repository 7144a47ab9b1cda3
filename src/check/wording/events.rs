//! Events, orders and charges in plain words, for a person who reads a proof.
//!
//! Does **not** judge. An event for which there are no words, a proof does not show.

use std::time::Duration;

use crate::history::{ConnectionId, End, Ending, Event, Side, What};
use crate::hl7::{Message, Path};
use crate::plan::Fault;
use crate::plan::fault::Answer;

use crate::check::evidence::frame::frame_payload;
use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::{Sent, SentLine};
use crate::check::wording::lateness;
use crate::check::wording::mask::{Mask, Masked};

/// What a healthy EMR answers.
pub(crate) const ACCEPT: &str = Fault::Answer(Answer::Accept).name();

/// How long an answer's text may be in a sentence, in characters.
const ANSWER_SHOWN: usize = 60;

/// An event that came after the attempt `first`; of events of a connection only those of one that is
/// `relevant`.
pub(crate) fn describe_event(
    evidence: &Evidence<'_>,
    event: &Event,
    first: u64,
    relevant: &dyn Fn(&ConnectionId) -> bool,
) -> Option<String> {
    let what = &event.what;
    said_by_emr(evidence, event, first, relevant)
        .or_else(|| connection(what, relevant))
        .or_else(|| life(what))
        .or_else(|| driven(what))
}

/// What the EMR answered or played.
fn said_by_emr(
    evidence: &Evidence<'_>,
    event: &Event,
    first: u64,
    relevant: &dyn Fn(&ConnectionId) -> bool,
) -> Option<String> {
    Some(match &event.what {
        What::Replied { connection, to, name, bytes, complete, .. }
            if relevant(connection) || *to == Some(first) =>
        {
            let part = if *complete { "" } else { ", and not all of it was taken" };
            let answer = answer(evidence, event, bytes.as_slice());
            match to {
                Some(to) if *to == first => format!("the EMR answered {answer} ({name}){part}"),
                Some(_) if name == ACCEPT => return None,
                Some(_) => format!("the EMR answered another message: {answer} ({name}){part}"),
                None => format!("the EMR sent {answer} unasked ({name}){part}"),
            }
        }
        What::Played { name, connection, .. } if connection.as_ref().is_none_or(relevant) => {
            format!("the EMR played {name}")
        }
        _ => return None,
    })
}

/// What became of a connection, and of TLS on it.
fn connection(what: &What, relevant: &dyn Fn(&ConnectionId) -> bool) -> Option<String> {
    Some(match what {
        What::Opened { connection, endpoint, .. } if relevant(connection) => {
            format!("the sender opened connection {connection} to {endpoint}")
        }
        What::Called { connection, .. } if relevant(connection) => {
            format!("the EMR opened connection {connection} to the sender's port")
        }
        What::EndedByEmr { connection, how } if relevant(connection) => {
            format!("the EMR {} connection {connection}", ended(*how))
        }
        What::EndedBySender { connection, how } if relevant(connection) => {
            format!("the sender {} connection {connection}", ended(*how))
        }
        What::Secured { connection, version, showed, .. } if relevant(connection) => {
            match showed.flaw() {
                Some(flaw) => format!("the sender took {flaw} on connection {connection}"),
                None => format!("connection {connection} was secured by TLS {version}"),
            }
        }
        What::TlsFailed { connection, by, alert, why } if relevant(connection) => {
            let who = match by {
                Side::Emr => "the EMR",
                Side::Sender => "the sender",
            };
            let told = alert.as_ref().or(why.as_ref()).map_or("", String::as_str);
            format!("{who} broke TLS off on connection {connection}: {told}")
        }
        _ => return None,
    })
}

/// What became of the sender's process.
fn life(what: &What) -> Option<String> {
    Some(match what {
        What::SenderStarted { incarnation, beside: None } => {
            format!("the sender was started: run {incarnation}")
        }
        What::SenderStarted { incarnation, beside: Some(other) } => {
            format!("a second instance was started: run {incarnation}, beside run {other}")
        }
        What::SenderPaused { .. } => "the sender was stopped where it stood".to_owned(),
        What::SenderResumed { paused, .. } => {
            format!("the sender went on after {:.3} s", Duration::from(*paused).as_secs_f64())
        }
        What::SenderEnding { how: Ending::Kill, .. } => "the sender was killed".to_owned(),
        What::SenderEnding { how: Ending::Stop, .. } => "the sender was asked to stop".to_owned(),
        What::SenderExited { signal: Some(signal), .. } => {
            format!("the sender was ended by signal {signal}")
        }
        What::SenderExited { code: Some(code), .. } => {
            format!("the sender exited with code {code}")
        }
        What::SenderExited { .. } => "the sender exited".to_owned(),
        _ => return None,
    })
}

/// What the harness did otherwise: what it handed over or asked for, and what went amiss with it.
fn driven(what: &What) -> Option<String> {
    Some(match what {
        What::Submitted { exam, .. } => format!("{exam} was given to the sender"),
        What::NotAccepted { exam, .. } => {
            format!("the sender's answer to {exam} was no acceptance")
        }
        What::ResendAsked { exam, .. } => {
            format!("an operator wanted the charge of {exam} sent once more")
        }
        What::ClockJumped { by } => {
            format!("the sender's clock jumped by {} s", Duration::from(*by).as_secs())
        }
        What::HarnessLate { by } => lateness::describe_late(*by),
        What::SenderStarved { by, .. } => lateness::describe_starved(*by),
        _ => return None,
    })
}

fn ended(how: End) -> &'static str {
    match how {
        End::Close => "closed",
        End::Reset => "reset",
        End::HalfClose => "ended its side of",
        End::Truncated => "closed, without a close_notify,",
    }
}

/// An answer by its code if it has one, otherwise by its beginning.
fn answer(evidence: &Evidence<'_>, event: &Event, bytes: &[u8]) -> String {
    let payload = frame_payload(bytes);
    let code = Message::read(payload).value("MSA-1");
    let mask = Mask::of(evidence);
    if !code.is_empty() && code.len() <= 8 {
        return mask.reply(event, code).into();
    }
    if bytes.is_empty() {
        return "no byte".to_owned();
    }
    let text = String::from(mask.reply(event, bytes));
    let shown: String = text.chars().take(ANSWER_SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("`{shown}{more}`")
}

/// An order in words: its number, and the exam if it is known.
pub(crate) fn describe_order(evidence: &Evidence<'_>, order: &[u8]) -> String {
    if let Some(exam) = evidence.exam(order) {
        return format!("{} ({})", Mask::of(evidence).agreed(order), exam.name);
    }
    let attempts = evidence.attempts_at(order).iter().map(|attempt| attempt.sent as usize);
    let mut shown = attempts.take(LOOKED_AT).map(|sent| unknown_order(evidence, order, sent));
    let first = shown.next().unwrap_or_else(|| Mask::of(evidence).identifier(order));
    // One message may be in disorder, and another say the same in order.
    shown.find(|other| other.is_clear()).filter(|_| !first.is_clear()).unwrap_or(first).into()
}

/// The order of a message, which is none of ours.
fn unknown_order(evidence: &Evidence<'_>, order: &[u8], sent: usize) -> Masked {
    let sent = &evidence.sent[sent];
    let of_order = |line: &&SentLine| *evidence.orders[line.order as usize].order == *order;
    let line = sent.lines(evidence).iter().find(of_order);
    let (payload, _) = sent.apart.unwrap_or((sent.payload, sent.whole));
    let ft1 = line.map_or(1, |line| line.ft1 as usize);
    Mask::of(evidence).page(&Message::read(payload)).order(order, ft1)
}

/// At how many attempts is looked for one that shows its order.
const LOOKED_AT: usize = 8;

/// MSH-10 of a message.
pub(crate) fn describe_control_id(evidence: &Evidence<'_>, sent: &Sent<'_>) -> Masked {
    Mask::of(evidence).page(&Message::read(sent.payload)).control_id()
}

/// A charge in words: the order, the exam, the codes with their modifiers.
pub(crate) fn describe_charge(evidence: &Evidence<'_>, order: &[u8], sent: &Sent<'_>) -> String {
    let message = Message::read(sent.payload);
    let page = Mask::of(evidence).page(&message);
    let codes = message.segments().filter(|segment| segment.id() == b"FT1").take(8).map(|line| {
        let of_line = |path: &str| {
            let occurrence = line.occurrence();
            page.at(&Path { occurrence, ..Path::literal(path) })
        };
        let (code, modifiers) = (of_line("FT1-7.1"), of_line("FT1-26"));
        match (code.is_empty(), modifiers.is_empty()) {
            (true, _) => String::new(),
            (false, true) => code.to_string(),
            (false, false) => format!("{code}-{modifiers}"),
        }
    });
    let codes: Vec<String> = codes.filter(|code| !code.is_empty()).collect();
    let order = describe_order(evidence, order);
    if codes.is_empty() {
        format!("order {order}")
    } else {
        format!("order {order}: {}", codes.join(", "))
    }
}
