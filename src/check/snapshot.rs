//! The message of each exam is exactly as agreed, and its text in snapshot form.
//!
//! The form is byte-exact: framing and segment ends are written visibly, one segment a line,
//! because text snapshots silently drop trailing white space and a lost final CR. Every byte that
//! does not stand for itself is written in angle brackets (`<VT>`, `<CR>`, `<E9>`), a literal `<`
//! as `<3C>`, so that [`parse`] gives back what [`show`] was given. The header that insta puts
//! before the text is **not** known here.

use std::cell::LazyCell;

use similar::{ChangeTag, TextDiff};

use crate::history::What;
use crate::hl7::{Difference, Message, diff};
use crate::mapping::OnceRule;
use crate::plan::{AttemptMode, Snapshot};
use crate::verdict::{FieldDifference, Proof, SnapshotSeen, Weight};

use super::attempts::{Sent, SentLine};
use super::between::witness;
use super::compare::{Normaliser, first_whole, is_as_made, lies_in, unescaped};
use super::evidence::{Evidence, KnownExam};
use super::findings::{Findings, Told};
use super::frame::{FS, VT, frame_payload};
use super::mask::{Mask, Page, Sides};
use super::once::repeated_line;
use super::rules::SNAPSHOT;
use super::words::order_in_words;

/// How many differences are shown.
const DIFFERENCES: usize = 40;

/// Bytes that have a name in a snapshot.
const NAMED: [(u8, &str); 4] = [(VT, "VT"), (FS, "FS"), (b'\r', "CR"), (b'\n', "LF")];

/// Compares the first whole message of every exam with what was agreed, and returns the texts of
/// those that a snapshot was asked for.
pub(super) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) -> Vec<SnapshotSeen> {
    let normaliser = LazyCell::new(|| Normaliser::of(&evidence.plan.mapping));
    let mask = Mask::of(evidence);
    let mut seen = Vec::new();
    for exam in &evidence.exams {
        let Some(sent) = first_whole(evidence, exam) else { continue };
        let asked =
            evidence.plan.expect.snapshots.iter().filter(|(_, asked)| asked.exam == exam.name);
        let asked: Vec<(&String, &Snapshot)> = asked.collect();
        if asked.is_empty() && is_plainly_as_agreed(evidence, exam, sent) {
            findings.exercised(SNAPSHOT, u64::from(!is_repetition(evidence, sent)));
            continue;
        }
        let found = normaliser.normalise(sent.payload);
        let on_the_wire = framed(evidence, sent, &found);
        for (name, snapshot) in &asked {
            let text = show(&on_the_wire);
            pending(exam, name, snapshot, findings);
            let approved = snapshot.approved.as_deref().map(str::trim_end) == Some(&text);
            seen.push(SnapshotSeen { name: (*name).clone(), text, approved });
        }
        let approved = asked.iter().find_map(|(_, snapshot)| snapshot.approved.as_deref());
        let agreed = match approved {
            Some(text) => parse(text),
            None if exam.expected.is_empty() => continue,
            None => [&[VT], normaliser.normalise(&exam.expected).as_slice(), &[FS, b'\r']].concat(),
        };
        if is_repetition(evidence, sent) {
            continue;
        }
        findings.exercised(SNAPSHOT, 1);
        // Equal bytes have one text, and only a difference is shown.
        if agreed != on_the_wire {
            let text = show(&on_the_wire);
            let compared = Compared { exam, sent, agreed: &agreed, found: &found, text: &text };
            compared.judge(evidence, &mask, findings);
        }
    }
    seen
}

/// Whether a message in its frame is what the mapping makes of the exam: what is left when the
/// volatile values are replaced is then the same, too.
fn is_plainly_as_agreed(evidence: &Evidence<'_>, exam: &KnownExam<'_>, sent: &Sent<'_>) -> bool {
    let (before, after) = around(evidence, sent);
    before.last() == Some(&VT)
        && after.starts_with(&[FS, b'\r'])
        && is_as_made(evidence, exam, sent.payload)
}

/// A message that already is a fault of the once rules has no agreed form: it repeats a line, or an
/// order that was attempted before. After a part, a sender that may send again must still send what
/// was agreed.
fn is_repetition(evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
    let seq = evidence.place(sent).seq;
    let strict = evidence.mode() == AttemptMode::Strict
        && evidence.plan.mapping.identity.rule == OnceRule::PerOrder;
    let attempted_before = |line: &SentLine| {
        let attempts = evidence.orders[line.order as usize].attempts.iter();
        let mut before = attempts.map(|attempt| &evidence.sent[attempt.sent as usize]);
        before.any(|other| evidence.place(other).seq < seq && (strict || other.whole))
    };
    sent.lines(evidence).iter().any(attempted_before) || repeated_line(evidence, sent).is_some()
}

fn pending(exam: &KnownExam<'_>, name: &str, snapshot: &Snapshot, findings: &mut Findings) {
    if snapshot.approved.is_some() {
        return;
    }
    findings.add(SNAPSHOT, Weight::Pending, || {
        let message = format!(
            "the message of {} has no approved snapshot `{name}`; run `chargeproof run --update`, \
             then `cargo insta review`",
            exam.name,
        );
        Told::plainly("snapshot not approved", message)
    });
}

/// One message beside what was agreed.
struct Compared<'c, 'h> {
    exam: &'c KnownExam<'h>,
    sent: &'c Sent<'h>,
    agreed: &'c [u8],
    found: &'c [u8],
    text: &'c str,
}

impl Compared<'_, '_> {
    fn judge(&self, evidence: &Evidence<'_>, mask: &Mask, findings: &mut Findings) {
        let explained = unescaped(evidence, self.exam, self.sent.payload);
        let (agreed, found) =
            (Message::read(frame_payload(self.agreed)), Message::read(self.found));
        let page = mask.page(&found);
        let fields = diff(&agreed, &found);
        let fields: Vec<&Difference> =
            fields.iter().filter(|difference| !lies_in(&difference.path, &explained)).collect();
        let differences: Vec<FieldDifference> = if fields.is_empty() {
            if content(&agreed, &explained) == content(&found, &explained) {
                // Only what the wire rules report is different: framing, segment ends, escapes.
                return;
            }
            self.line_differences(&page)
        } else {
            let sides = Sides { expected: None, found: &page };
            fields.iter().take(DIFFERENCES).map(|difference| sides.show(difference)).collect()
        };
        findings.add(SNAPSHOT, Weight::Broken, || {
            let order = order_in_words(evidence, &self.exam.order);
            let first = differences.first();
            let told = first.map_or(String::new(), |difference| {
                let FieldDifference { path, expected, found } = difference;
                format!(": {path}: expected {}, got {}", quoted(expected), quoted(found))
            });
            let more = match differences.len() {
                0 | 1 => String::new(),
                several => format!(" and {} more", several - 1),
            };
            let message = format!("the message of order {order} is not as agreed{told}{more}");
            let circumstance =
                first.map_or("line", |difference| difference.path.as_str()).to_owned();
            let attempts = vec![witness(evidence, self.sent)];
            let charge = format!("order {order}");
            let proof = Proof { charge, attempts, differences, ..Proof::default() };
            Told::plainly(circumstance, message).with(proof)
        });
    }

    /// What differs line by line where no field differs: the order of segments, empty fields at
    /// their ends.
    fn line_differences(&self, page: &Page<'_>) -> Vec<FieldDifference> {
        let agreed = show(self.agreed);
        let lines = TextDiff::from_lines(agreed.as_str(), self.text);
        let mut differences = Vec::new();
        for change in lines.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal) {
            let line = change.old_index().or(change.new_index()).unwrap_or_default() + 1;
            let value = change.value().trim_end_matches('\n').to_owned();
            let (expected, found) = match change.tag() {
                ChangeTag::Delete => (value, String::new()),
                _ => (String::new(), shown(page, &value)),
            };
            differences.push(FieldDifference { path: format!("line {line}"), expected, found });
        }
        differences.truncate(DIFFERENCES);
        differences
    }
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("`{value}`") }
}

/// A line of a text in snapshot form, as it came, with all that must not be shown masked.
fn shown(page: &Page<'_>, line: &str) -> String {
    let bytes = parse(line);
    let is_frame = |byte: &u8| NAMED.iter().any(|(named, _)| named == byte);
    let begin = bytes.iter().position(|byte| !is_frame(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_frame(byte)).map_or(begin, |last| last + 1);
    let (before, after) = (show(&bytes[..begin]), show(&bytes[end..]));
    format!(
        "{}{}{}",
        before.replace('\n', ""),
        page.line(&bytes[begin..end]),
        after.replace('\n', "")
    )
}

/// The segments in order without their ends, and without those that are explained.
fn content<'m>(message: &Message<'m>, explained: &[Difference]) -> Vec<&'m [u8]> {
    let segments = message.segments().filter(|segment| {
        let path = format!("{}[{}]", String::from_utf8_lossy(segment.id()), segment.occurrence());
        !segment.raw().is_empty() && !lies_in(&path, explained)
    });
    segments.map(|segment| segment.raw()).collect()
}

/// A normalised payload with the framing that it had on the wire.
fn framed(evidence: &Evidence<'_>, sent: &Sent<'_>, payload: &[u8]) -> Vec<u8> {
    let (before, after) = around(evidence, sent);
    let start_byte: &[u8] = if before.last() == Some(&VT) { &[VT] } else { &[] };
    let end_bytes = match after {
        [FS, b'\r', ..] => &after[..2],
        [FS, ..] => &after[..1],
        _ => &[],
    };
    [start_byte, payload, end_bytes].concat()
}

/// What stands before a message and behind it, in the piece that brought it.
fn around<'h>(evidence: &Evidence<'h>, sent: &Sent<'h>) -> (&'h [u8], &'h [u8]) {
    let (What::Received { bytes, .. } | What::Unread { bytes, .. }) =
        &evidence.events[sent.event].what
    else {
        unreachable!("invariant: a message is only read out of what was received");
    };
    let bytes = bytes.as_slice();
    let start = (sent.payload.as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize);
    let before = &bytes[..start.min(bytes.len())];
    (before, &bytes[(start + sent.payload.len()).min(bytes.len())..])
}

/// The text of `bytes` in snapshot form, without a line feed at its end.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(special) = rest.find(|one: char| one == '<' || one.is_ascii_control()) {
            text.push_str(&rest[..special]);
            let mut after = rest[special..].chars();
            if let Some(character) = after.next() {
                show_character(character, after.clone().next(), &mut text);
            }
            rest = after.as_str();
        }
        text.push_str(rest);
        for byte in chunk.invalid() {
            text.push_str(&format!("<{byte:02X}>"));
        }
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn show_character(character: char, next: Option<char>, text: &mut String) {
    let named = NAMED.iter().find(|(byte, _)| char::from(*byte) == character);
    match (character, named) {
        (_, Some((byte, name))) => {
            text.push_str(&format!("<{name}>"));
            let ends_line = *byte == b'\n' || (*byte == b'\r' && next != Some('\n'));
            if ends_line {
                text.push('\n');
            }
        }
        ('<', None) => text.push_str("<3C>"),
        (control, None) if control.is_ascii_control() => {
            text.push_str(&format!("<{:02X}>", u32::from(control)));
        }
        (other, None) => text.push(other),
    }
}

/// The bytes of a text in snapshot form. What is no name in angle brackets stands for itself.
#[must_use]
pub fn parse(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['<', '\n', '\r']) {
        bytes.extend_from_slice(&rest.as_bytes()[..start]);
        rest = &rest[start..];
        let name = rest.strip_prefix('<').and_then(|name| name.split_once('>'));
        match name.and_then(|(name, after)| Some((named_byte(name)?, after))) {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                if rest.starts_with('<') {
                    bytes.push(b'<');
                }
                rest = &rest[1..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn named_byte(name: &str) -> Option<u8> {
    let named = NAMED.iter().find(|(_, other)| *other == name).map(|(byte, _)| *byte);
    let is_hex = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    named.or_else(|| u8::from_str_radix(name, 16).ok().filter(|_| is_hex))
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use rstest::rstest;

    use super::{parse, show};

    #[rstest]
    #[case::frame(b"\x0bMSH|^~\\&|A\rPID|1\r\x1c\r", "<VT>MSH|^~\\&|A<CR>\nPID|1<CR>\n<FS><CR>")]
    #[case::no_final_cr(b"\x0bPID|1\x1c\r", "<VT>PID|1<FS><CR>")]
    #[case::line_feeds(b"MSH|A\r\nPID|1\n", "MSH|A<CR><LF>\nPID|1<LF>")]
    #[case::latin_1(b"PID|\xe9\x85<\x00", "PID|<E9><85><3C><00>")]
    #[case::utf_8("PID|é".as_bytes(), "PID|é")]
    fn bytes_are_shown(#[case] bytes: &[u8], #[case] text: &str) {
        assert_eq!(show(bytes), text);
    }

    quickcheck! {
        fn what_is_shown_can_be_read_back(bytes: Vec<u8>) -> bool {
            parse(&show(&bytes)) == bytes
        }

        fn any_text_can_be_read(text: String) -> bool {
            parse(&text).len() <= text.len()
        }
    }
}
