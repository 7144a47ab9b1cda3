//! Tells in words what happens in a case: its title, and what its file is called.

use crate::plan::{MessageKind, WireEvent};
use crate::scenario::{Act, Case, Part, Reaction};

/// One sentence that says what happens, for a person.
pub(crate) fn title(case: &Case) -> String {
    let mut parts: Vec<String> = case.script.iter().map(met).collect();
    parts.extend(done(case));
    let mut text = if parts.is_empty() {
        "A charge is sent, and the sender is restarted".to_owned()
    } else {
        parts.join("; ")
    };
    if let Some(first) = text.get(..1) {
        let first = first.to_uppercase();
        text.replace_range(..1, &first);
    }
    text
}

/// The same in the letters of a file's name.
pub(crate) fn name(case: &Case) -> String {
    let faults = case.script.iter().map(|reaction| plays(reaction, "-then-"));
    let acts = case.steps.iter().flatten().filter_map(|act| match act {
        Act::Kill(_, when) => Some(format!("killed-{}", moment(when.at).replace(' ', "-"))),
        Act::Terminate(_, when) => Some(format!("ended-{}", moment(when.at).replace(' ', "-"))),
        Act::Pause(..) => Some("paused".to_owned()),
        Act::Jump(..) => Some("clock-jumped".to_owned()),
        Act::Storm(..) => Some("restarted-often".to_owned()),
        Act::StartSecond(_) => Some("second-instance".to_owned()),
        Act::Restart(_) => Some("restarted".to_owned()),
        Act::Resend(..) => Some("resent-on-request".to_owned()),
        _ => None,
    });
    let again = submitted_again(case).then(|| "given-twice".to_owned());
    let mut parts: Vec<String> = faults.chain(acts).chain(again).collect();
    parts.dedup();
    if parts.is_empty() {
        return "plain".to_owned();
    }
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    parts.join("-and-").chars().map(safe).collect()
}

/// What a message meets.
fn met(reaction: &Reaction) -> String {
    let on = &reaction.on;
    let result = if on.kind == Some(MessageKind::Result) { "the result" } else { "the charge" };
    let mut whose = match (&on.exam, on.message, on.connection) {
        (Some(exam), ..) => format!("{result} of {}", exam.text),
        (_, Some(number), _) => format!("message {number}"),
        (_, _, Some(number)) => format!("connection {number}"),
        _ if on.kind == Some(MessageKind::Result) => "every result".to_owned(),
        _ => "every charge".to_owned(),
    };
    if let Some(endpoint) = &on.endpoint {
        whose = format!("{whose} at {}", endpoint.text);
    }
    format!("{whose} meets {}", plays(reaction, ", then "))
}

fn plays(reaction: &Reaction, then: &str) -> String {
    let part = |part: &Part| match part {
        Part::Fault { name, .. } => name.text.clone(),
        Part::Raw(_) => "raw bytes".to_owned(),
        Part::Wait(_) => "a pause".to_owned(),
        Part::End(_) => "the end of the connection".to_owned(),
    };
    reaction.play.iter().map(part).collect::<Vec<String>>().join(then)
}

/// What the harness does that is not the usual course.
fn done(case: &Case) -> Vec<String> {
    let mut parts = Vec::new();
    if submitted_again(case) {
        parts.push("the exam is given twice".to_owned());
    }
    for act in case.steps.iter().flatten() {
        match act {
            Act::Kill(_, when) => parts.push(format!("the sender dies at {}", moment(when.at))),
            Act::Terminate(_, when) => {
                parts.push(format!("the sender is asked to stop at {}", moment(when.at)));
            }
            Act::Pause(_, when, _) => {
                parts.push(format!("the sender stands still at {}", moment(when.at)));
            }
            Act::Jump(..) => parts.push("the sender's clock jumps".to_owned()),
            Act::Storm(..) => parts.push("the sender is restarted again and again".to_owned()),
            Act::StartSecond(_) => parts.push("a second instance is started".to_owned()),
            Act::Restart(_) => parts.push("the sender is restarted".to_owned()),
            Act::Resend(_, exam) => {
                parts.push(format!("an operator has the charge of {} sent once more", exam.text));
            }
            Act::Heal => parts.push("the EMR recovers".to_owned()),
            _ => {}
        }
    }
    parts.dedup();
    parts
}

fn submitted_again(case: &Case) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    case.steps.iter().flatten().any(|act| match act {
        Act::Submit(exam) if seen.contains(&exam.text.as_str()) => true,
        Act::Submit(exam) => {
            seen.push(&exam.text);
            false
        }
        _ => false,
    })
}

fn moment(trigger: WireEvent) -> String {
    match trigger {
        WireEvent::AtOnce => "once".to_owned(),
        WireEvent::Accepted => "accepted".to_owned(),
        WireEvent::FirstByte => "first-byte".to_owned(),
        WireEvent::Bytes(count) => format!("byte {count}"),
        WireEvent::InsideFt1 => "inside-ft1".to_owned(),
        WireEvent::EndOfMessage => "end-of-message".to_owned(),
        WireEvent::BeforeReply => "before-reply".to_owned(),
        WireEvent::ReplyBytes(count) => format!("byte {count} of the reply"),
        WireEvent::ReplySent => "reply-sent".to_owned(),
    }
}
