//! How messages are written: segment ends, escapes, control ids, character sets, versions.
//!
//! Each kind of mistake is one finding with its first witness and a count, however often it was
//! made. Does **not** look at what the messages say.

use crate::hl7::{Charset, Delimiters, Message, Path, Segment, SegmentEnd, escape};
use crate::verdict::{Circumstance, FieldDifference, Proof, Rule, Weight};

use crate::check::evidence::frame::may_begin_message;
use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::{CONTROL_ID_LENGTH, Kind, Sent};
use crate::check::findings::{Findings, Told};
use crate::check::rules::compared::{Compared, unescaped};
use crate::check::rules::mistakes::Mistakes;
use crate::check::rules::{Explanation, framing};
use crate::check::wording::circumstance::witness;
use crate::check::wording::events::{describe_control_id, describe_order};
use crate::check::wording::mask::{Mask, Sides};

/// Of `wire/segments`.
pub(crate) const SEGMENTS: Explanation = Explanation {
    title: "segments end in a carriage return",
    promise: "Every segment ends in one CR, the last one too, and none is empty.",
    source: "HL7 v2 chapter 2, message construction: the segment terminator is always CR",
    how_to_read: "The segment and the end that it has are named.",
};

/// Of `wire/escapes`.
pub(crate) const ESCAPES: Explanation = Explanation {
    title: "delimiters inside values are escaped",
    promise: "A delimiter inside a value is written as its escape sequence, and every escape \
              sequence has an end.",
    source: "HL7 v2 chapter 2, use of escape sequences in text fields",
    how_to_read: "The field is named with the value that the mapping agrees on and the one that \
                  was found.",
};

/// Of `wire/control-ids`.
pub(crate) const CONTROL_IDS: Explanation = Explanation {
    title: "every message has its own control id",
    promise: "MSH-10 is present, no longer than the version allows, without a delimiter in it, and \
              not shared by messages about different orders.",
    source: "HL7 v2 chapter 2, MSH-10: a string of 20 characters, 199 from version 2.7; it \
             identifies the message for its acknowledgement",
    how_to_read: "A shared id lets the acknowledgement of one message be credited to the other. \
                  A resend under the same id is not reported here.",
};

/// Of `wire/charset`.
pub(crate) const CHARSET: Explanation = Explanation {
    title: "the text is in the character set that MSH-18 declares",
    promise: "Where MSH-18 names a character set of table 0211, all bytes of the message are text \
              in it.",
    source: "HL7 v2 chapter 2, MSH-18: the character set of the entire message",
    how_to_read: "The first byte that is none of the declared set is named, with its segment. \
                  Latin-1 under a declared UTF-8 is the usual mistake. A message that declares \
                  nothing, or several sets to switch between, is not judged here.",
};

/// Of `wire/version`.
pub(crate) const VERSION: Explanation = Explanation {
    title: "MSH-12 is the version that was agreed",
    promise: "MSH-12 of every charge of an exam is the one that the mapping agrees on; so is that of \
              every result, where results are agreed.",
    source: "HL7 v2 chapter 2, MSH-12: the receiving system matches it to its own version, to be \
             sure that the message is interpreted correctly; `version` of the mapping says which",
    how_to_read: "The version that the mapping agrees on and the one that was found are named. An \
                  EMR reads every other field, and writes its answer, by the one that was found. \
                  A message that does not begin with MSH, and one that is a second charge, are not \
                  judged here.",
};

/// The longest MSH-10 from version 2.7 on (HL7 v2 chapter 2, MSH-10).
const CONTROL_ID_LENGTH_2_7: usize = 199;

/// Judges every piece and every message.
pub(crate) fn judge(
    evidence: &Evidence<'_>,
    messages: &[Compared<'_, '_>],
    findings: &mut Findings,
) {
    let mut mistakes = Mistakes::default();
    framing::judge(evidence, &mut mistakes, findings);
    let mut faultless = 0;
    for sent in &evidence.sent {
        charset(evidence, sent, &mut mistakes, findings);
        delimiters_in_id(evidence, sent, &mut mistakes);
        if sent.faultless {
            faultless += 1;
            continue;
        }
        if is_transport(sent.payload) || !may_begin_message(sent.payload) {
            continue;
        }
        let message = Message::read(sent.payload);
        segments(evidence, sent, &message, &mut mistakes, findings);
        framing::control_characters(sent, &mut mistakes);
        if sent.whole {
            findings.exercised(Rule::WireEscapes, 1);
            if let Some(&offset) = escape::mistakes(sent.payload, message.delimiters()).first() {
                let what = || format!("an escape character without a sequence, at byte {offset}");
                mistakes.note(Rule::WireEscapes, &Circumstance::DanglingEscape, Some(sent), what);
            }
        }
        control_id(sent, &message, &mut mistakes, findings);
    }
    for rule in [Rule::WireSegments, Rule::WireEscapes, Rule::WireControlIds] {
        findings.exercised(rule, faultless);
    }
    delimiters_in_values(evidence, messages, findings);
    for message in messages {
        version(evidence, message, &mut mistakes, findings);
    }
    shared_control_ids(evidence, findings);
    mistakes.add_to(evidence, findings);
}

/// The commit acknowledgements of MLLP release 2, positive and negative, which are whole frames
/// of their own and no messages.
fn is_transport(payload: &[u8]) -> bool {
    matches!(payload, [0x06 | 0x15])
}

/// HL7 v2 chapter 2: the segment terminator is always a carriage return.
fn segments<'e, 'h>(
    evidence: &Evidence<'h>,
    sent: &'e Sent<'h>,
    message: &Message<'_>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    findings.exercised(Rule::WireSegments, 1);
    let name = |segment: &Segment<'_>| {
        let page = Mask::of(evidence).page(message);
        format!("{}[{}]", page.name(segment), segment.occurrence())
    };
    for segment in message.segments() {
        match segment.end() {
            // After a lost end byte its carriage return looks like one.
            SegmentEnd::Cr if segment.raw().is_empty() && sent.whole => {
                let what = || "a carriage return ends no segment".to_owned();
                mistakes.note(Rule::WireSegments, &Circumstance::EmptySegment, Some(sent), what);
                return;
            }
            SegmentEnd::Cr => {}
            SegmentEnd::Lf | SegmentEnd::CrLf => {
                let what = || format!("{} ends in a line feed", name(&segment));
                mistakes.note(Rule::WireSegments, &Circumstance::LineFeed, Some(sent), what);
                return;
            }
            SegmentEnd::None if sent.whole => {
                let what =
                    || format!("{}, the last segment, has no carriage return", name(&segment));
                mistakes.note(
                    Rule::WireSegments,
                    &Circumstance::NoFinalCarriageReturn,
                    Some(sent),
                    what,
                );
                return;
            }
            SegmentEnd::None => {}
        }
    }
}

/// Values that the mapping escapes and that were sent unescaped.
fn delimiters_in_values(
    evidence: &Evidence<'_>,
    messages: &[Compared<'_, '_>],
    findings: &mut Findings,
) {
    let mask = Mask::of(evidence);
    for message in messages.iter().filter(|message| message.made_of.is_none()) {
        let (sent, Some(&exam)) = (message.sent, message.exams.first()) else { continue };
        let agreed = message.agreed(exam);
        let segments = unescaped(message.mapping, exam, &agreed, sent.payload);
        if segments.is_empty() {
            continue;
        }
        findings.add(Rule::WireEscapes, Weight::Broken, || {
            let order = describe_order(evidence, &exam.order);
            let message = Message::read(sent.payload);
            let sides = Sides { expected: None, found: &mask.page(&message) };
            let differences: Vec<FieldDifference> =
                segments.iter().map(|segment| sides.show(segment)).collect();
            let path = differences.first().map_or("", |difference| difference.path.as_str());
            let message = format!("{path} of order {order} holds a delimiter that is not escaped");
            let attempts = vec![witness(evidence, sent)];
            let proof = Proof {
                charge: format!("order {order}"),
                attempts,
                differences,
                ..Proof::default()
            };
            Told::plainly(Circumstance::DelimiterInValue, message).with(proof)
        });
    }
}

fn control_id<'e, 'h>(
    sent: &'e Sent<'h>,
    message: &Message<'_>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    if !sent.whole || !message.has_header() {
        return;
    }
    findings.exercised(Rule::WireControlIds, 1);
    let id = sent.control_id;
    let longest =
        if is_2_7_or_later(message.version()) { CONTROL_ID_LENGTH_2_7 } else { CONTROL_ID_LENGTH };
    if id.is_empty() {
        mistakes.note(Rule::WireControlIds, &Circumstance::ControlIdEmpty, Some(sent), || {
            "MSH-10 is empty".to_owned()
        });
    } else if id.len() > longest {
        let what = || format!("MSH-10 has {} characters, and may have {longest}", id.len());
        mistakes.note(Rule::WireControlIds, &Circumstance::ControlIdTooLong, Some(sent), what);
    }
}

/// A control id is a string: it has no components and is not repeated.
fn delimiters_in_id<'e, 'h>(
    evidence: &Evidence<'h>,
    sent: &'e Sent<'h>,
    mistakes: &mut Mistakes<'e, 'h>,
) {
    let id = sent.control_id;
    if !sent.whole || id.iter().all(|byte| byte.is_ascii_alphanumeric()) {
        return;
    }
    let Delimiters { component, repetition, subcomponent, .. } =
        Message::read_header(sent.payload).delimiters();
    if memchr::memchr3(component, repetition, subcomponent, id).is_some() {
        let id = || describe_control_id(evidence, sent);
        let what = || format!("MSH-10 is `{}`, which holds a delimiter", id());
        mistakes.note(
            Rule::WireControlIds,
            &Circumstance::ControlIdHoldsDelimiter,
            Some(sent),
            what,
        );
    }
}

/// HL7 v2 chapter 2, MSH-18: the character set of the entire message. Of several sets, which a message
/// switches between by escape sequences, nothing is said.
fn charset<'e, 'h>(
    evidence: &Evidence<'h>,
    sent: &'e Sent<'h>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    if !sent.whole || sent.payload.is_ascii() {
        return;
    }
    let header = Message::read_header(sent.payload);
    let declared = std::str::from_utf8(header.value("MSH-18")).unwrap_or_default();
    let Some(charset) = Charset::named(declared).filter(|_| !declared.is_empty()) else { return };
    findings.exercised(Rule::WireCharset, 1);
    if charset.holds(sent.payload) {
        return;
    }
    let message = Message::read(sent.payload);
    let mut segments = message.segments();
    let what = || {
        let wrong = segments.find(|segment| !charset.holds(segment.raw()));
        let page = Mask::of(evidence).page(&message);
        let place =
            wrong.map_or_else(String::new, |segment| format!(", in {}", page.name(&segment)));
        let declared = page.at(&Path::literal("MSH-18"));
        format!(
            "MSH-18 declares {declared}, and the message holds bytes that are none of it{place}"
        )
    };
    mistakes.note(Rule::WireCharset, &Circumstance::NotInDeclaredCharset, Some(sent), what);
}

/// HL7 v2 chapter 2, MSH-12. A message that is what its mapping makes has the version that was agreed.
fn version<'e, 'h>(
    evidence: &Evidence<'h>,
    message: &Compared<'e, 'h>,
    mistakes: &mut Mistakes<'e, 'h>,
    findings: &mut Findings,
) {
    let (sent, Some(&exam)) = (message.sent, message.exams.first()) else { return };
    let found = Message::read_header(sent.payload);
    if message.repeats || !found.has_header() {
        return;
    }
    findings.exercised(Rule::WireVersion, 1);
    if message.made_of.is_some() {
        return;
    }
    // It is of the mapping, and not of the exam: that of one exam is that of all.
    let agreed = message.agreed(exam);
    let agreed = Message::read_header(&agreed).value("MSH-12");
    if found.value("MSH-12") == agreed {
        return;
    }
    let what = || {
        let mask = Mask::of(evidence);
        let agreed = mask.agreed(agreed);
        match found.value("MSH-12") {
            b"" => format!("MSH-12 is empty, and the mapping agrees on {agreed}"),
            _ => {
                let found = mask.page(&found).at(&Path::literal("MSH-12"));
                format!("MSH-12 is {found}, and the mapping agrees on {agreed}")
            }
        }
    };
    mistakes.note(Rule::WireVersion, &Circumstance::OtherVersion, Some(sent), what);
}

fn is_2_7_or_later(version: &[u8]) -> bool {
    let text = std::str::from_utf8(version).unwrap_or_default();
    let mut numbers = text.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (major, minor) >= (2, 7)
}

/// Two messages about different orders, or a charge and a result, under one control id. Messages
/// that have an order in common are a resend, which other rules judge.
fn shared_control_ids(evidence: &Evidence<'_>, findings: &mut Findings) {
    let ids = evidence.control_ids();
    let mut first_with: Vec<Option<&Sent<'_>>> = vec![None; ids.count()];
    for (number, sent) in evidence.sent.iter().enumerate() {
        let Some(id) = ids.number(number) else { continue };
        let judged = matches!(sent.kind, Kind::Charge | Kind::Result);
        if !judged || !sent.whole {
            continue;
        }
        let first = *first_with[id].get_or_insert(sent);
        if std::ptr::eq(first, sent) || same_subject(evidence, first, sent) {
            continue;
        }
        findings.add(Rule::WireControlIds, Weight::Broken, || {
            let id = describe_control_id(evidence, sent);
            let message = format!("two messages about different things share the control id {id}");
            let attempts = vec![witness(evidence, first), witness(evidence, sent)];
            Told::plainly(Circumstance::ControlIdShared, message)
                .with(Proof { attempts, ..Proof::default() })
        });
    }
}

fn same_subject(evidence: &Evidence<'_>, first: &Sent<'_>, other: &Sent<'_>) -> bool {
    if first.payload == other.payload {
        return true;
    }
    match (first.kind, other.kind) {
        (Kind::Charge, Kind::Charge) => {
            let orders = first.lines(evidence);
            other
                .lines(evidence)
                .iter()
                .any(|line| orders.iter().any(|known| known.order == line.order))
        }
        (Kind::Result, Kind::Result) => first.subject() == other.subject(),
        _ => false,
    }
}
