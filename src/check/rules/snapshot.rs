//! Every message of an exam is exactly as agreed, and its text in snapshot form.
//!
//! The form is byte-exact: framing and segment ends are written visibly, one segment a line,
//! because text snapshots silently drop trailing white space and a lost final CR. Every byte that
//! does not stand for itself is written in angle brackets (`<VT>`, `<CR>`, `<E9>`), a literal `<`
//! as `<3C>`, so that [`parse`] gives back what [`show`] was given. The header that insta puts
//! before the text is **not** known here.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use similar::{ChangeTag, TextDiff};

use crate::history::What;
use crate::hl7::{BatchFile, Difference, Message, Path, Segment, diff};
use crate::plan::{MessageKind, Snapshot};
use crate::verdict::{Circumstance, FieldDifference, Proof, Rule, SnapshotSeen, Weight};

use crate::check::evidence::disguise::is_about_another;
use crate::check::evidence::frame::{FS, VT, frame_payload};
use crate::check::evidence::index::{Evidence, KnownExam};
use crate::check::evidence::message::Sent;
use crate::check::evidence::timestamp::Stamps;
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::rules::compared::{Compared, lies_in, unescaped};
use crate::check::wording::circumstance::witness;
use crate::check::wording::events::describe_order;
use crate::check::wording::mask::{Mask, Page, Sides};

/// Of `snapshot`.
pub(crate) const SNAPSHOT: Explanation = Explanation {
    title: "the message is exactly as agreed",
    promise: "Every charge of an exam is the approved snapshot, or, where none is asked for, what \
              the mapping makes of the exam, apart from the sender's clock and control id; so is \
              every result, where results are agreed. Where the clock is written, a real time \
              stands in the agreed precision, and the times of one message are no further apart \
              than the mapping's `stamps_within` says: one second, where it says nothing.",
    source: "the mapping instructions of the EMR",
    how_to_read: "Differences are listed by field. Of several times the one that the others do \
                  not agree with is named. A message that is a second charge is not compared. \
                  Where exams share an order, a message is that of any that the sender had been \
                  given by then. If the new message is right, run with `--update` and review it with \
                  `cargo insta review`.",
};

/// How many differences are shown.
const DIFFERENCES: usize = 40;

/// Bytes that have a name in a snapshot.
const NAMED: [(u8, &str); 4] = [(VT, "VT"), (FS, "FS"), (b'\r', "CR"), (b'\n', "LF")];

/// Compares every message of every exam with what was agreed, and returns the texts of those that a
/// snapshot was asked for. `started` is the time of day at which the history begins, if it is known.
pub(crate) fn judge(
    evidence: &Evidence<'_>,
    messages: &[Compared<'_, '_>],
    started: Option<DateTime>,
    findings: &mut Findings,
) -> Vec<SnapshotSeen> {
    let mask = Mask::of(evidence);
    let mut seen: Vec<SnapshotSeen> = Vec::new();
    for message in messages {
        if message.exams.is_empty() {
            not_placed(evidence, message, findings);
            continue;
        }
        let asked =
            message.kind == MessageKind::Charge && !evidence.plan.expect.snapshots.is_empty();
        if !asked && message.made_of.is_some() && is_well_framed(evidence, message.sent) {
            findings.exercised(Rule::Snapshot, u64::from(!message.repeats));
            continue;
        }
        let now = started.map(|started| now(evidence, message.sent, started));
        let laid = message.exams.iter().map(|exam| Laid::beside(evidence, message, exam, now));
        // It is the message of one of its exams: of the one that it is most like.
        let Some(laid) = laid.min_by_key(|laid| laid.differences.len()) else { continue };
        laid.take_snapshots(&mut seen, findings);
        if !message.repeats {
            findings.exercised(Rule::Snapshot, 1);
            laid.judge(evidence, &mask, findings);
        }
    }
    seen
}

/// About the time at which a message was made.
fn now(evidence: &Evidence<'_>, sent: &Sent<'_>, started: DateTime) -> DateTime {
    let since = SignedDuration::try_from(Duration::from(evidence.place(sent).began));
    started.saturating_add(since.unwrap_or_default())
}

/// Whether a message stands in its frame as it should: where it is what the mapping makes of the
/// exam, it is so when the volatile values are replaced, too.
fn is_well_framed(evidence: &Evidence<'_>, sent: &Sent<'_>) -> bool {
    let (before, after) = around(evidence, sent);
    before.last() == Some(&VT) && after.starts_with(&[FS, b'\r'])
}

/// A result that names no order of which there is an exam.
fn not_placed(evidence: &Evidence<'_>, message: &Compared<'_, '_>, findings: &mut Findings) {
    if evidence.is_field_capture() || is_about_another(evidence, message.sent) {
        return;
    }
    findings.add(Rule::Snapshot, Weight::Broken, || {
        let result = Message::read(message.sent.payload);
        let order: Option<Path> = message.mapping.identity.order.parse().ok();
        let order = order.and_then(|path| result.get(&path)).unwrap_or_default();
        let told = match order.is_empty() {
            true => "a result names no order".to_owned(),
            false => {
                let order = Mask::of(evidence).identifier(order);
                format!("a result names the order {order}, which nobody placed")
            }
        };
        let attempts = vec![witness(evidence, message.sent)];
        Told::plainly(Circumstance::ResultOfNoOrder, told)
            .with(Proof { attempts, ..Proof::default() })
    });
}

fn pending(exam: &KnownExam<'_>, name: &str, snapshot: &Snapshot, findings: &mut Findings) {
    if snapshot.approved.is_some() {
        return;
    }
    findings.add(Rule::Snapshot, Weight::Pending, || {
        let message = format!(
            "the message of {} has no approved snapshot `{name}`; run with `--update`, look at \
             what it writes, and rename it to end in `.snap`",
            exam.name,
        );
        Told::plainly(Circumstance::SnapshotNotApproved, message)
    });
}

/// A message laid beside what was agreed for one of its exams.
struct Laid<'c, 'h> {
    message: &'c Compared<'c, 'h>,
    exam: &'c KnownExam<'h>,
    /// The snapshots that are asked for of this exam.
    asked: Vec<(&'c String, &'c Snapshot)>,
    /// Both with their frames, and with what varies replaced.
    agreed: Vec<u8>,
    found: Vec<u8>,
    /// The fields in which they differ, but for those that the wire rules report.
    differences: Vec<Difference>,
    explained: Vec<Difference>,
}

impl<'c, 'h> Laid<'c, 'h> {
    fn beside(
        evidence: &'c Evidence<'h>,
        message: &'c Compared<'c, 'h>,
        exam: &'c KnownExam<'h>,
        now: Option<DateTime>,
    ) -> Self {
        let of_exam = |(_, asked): &(&String, &Snapshot)| {
            message.kind == MessageKind::Charge && asked.exam == exam.name
        };
        let asked: Vec<_> = evidence.plan.expect.snapshots.iter().filter(of_exam).collect();
        let (payload, made) = (message.sent.payload, message.agreed(exam));
        let stamps = Stamps::of(message.mapping, exam.exam);
        let found = framed(evidence, message.sent, &stamps.normalise(payload, now));
        let approved = asked.iter().find_map(|(_, snapshot)| snapshot.approved.as_deref());
        let agreed = match approved {
            Some(text) => parse(text),
            None => [&[VT], stamps.normalise(&made, None).as_slice(), &[FS, b'\r']].concat(),
        };
        let mut laid = Self {
            message,
            exam,
            asked,
            agreed,
            found,
            differences: Vec::new(),
            explained: Vec::new(),
        };
        if laid.agreed != laid.found {
            laid.explained = unescaped(message.mapping, exam, &made, payload);
            let (agreed, found) = laid.payloads();
            laid.differences = diff(&Message::read(agreed), &Message::read(found));
            laid.differences.retain(|difference| !lies_in(&difference.path, &laid.explained));
        }
        laid
    }

    fn payloads(&self) -> (&[u8], &[u8]) {
        (frame_payload(&self.agreed), frame_payload(&self.found))
    }

    /// Takes the text of the exam's first message for each snapshot that is asked for.
    fn take_snapshots(&self, seen: &mut Vec<SnapshotSeen>, findings: &mut Findings) {
        for (name, snapshot) in &self.asked {
            if seen.iter().any(|seen| seen.name == **name) {
                continue;
            }
            let text = show(&self.found);
            pending(self.exam, name, snapshot, findings);
            let approved = snapshot.approved.as_deref().map(str::trim_end) == Some(&text);
            seen.push(SnapshotSeen { name: (*name).clone(), text, approved });
        }
    }

    fn judge(&self, evidence: &Evidence<'_>, mask: &Mask, findings: &mut Findings) {
        let told = self.told(mask).or_else(|| header_of_batch(evidence, self.message.sent));
        let Some((circumstance, differences)) = told else { return };
        findings.add(Rule::Snapshot, Weight::Broken, || {
            let order = describe_order(evidence, &self.exam.order);
            let what = match self.message.kind {
                MessageKind::Charge => "message",
                MessageKind::Result => "result",
            };
            let told = differences.first().map_or(String::new(), |difference| {
                let FieldDifference { path, expected, found } = difference;
                format!(": {path}: expected {}, got {}", quoted(expected), quoted(found))
            });
            let why = match circumstance == Circumstance::TrailingDelimiters {
                true => "differs in trailing delimiters alone",
                false => "is not as agreed",
            };
            let more = match differences.len() {
                0 | 1 => String::new(),
                several => format!(" and {} more", several - 1),
            };
            let message = format!("the {what} of order {order} {why}{told}{more}");
            let attempts = vec![witness(evidence, self.message.sent)];
            let charge = format!("order {order}");
            let proof = Proof { charge, attempts, differences, ..Proof::default() };
            Told::plainly(circumstance, message).with(proof)
        });
    }

    /// Under which circumstance a difference is told, and what differs; nothing where nothing does
    /// but what the wire rules report: framing, segment ends, escapes.
    fn told(&self, mask: &Mask) -> Option<(Circumstance, Vec<FieldDifference>)> {
        if self.agreed == self.found {
            return None;
        }
        let sent = Message::read(self.message.sent.payload);
        let page = mask.page(&sent);
        if self.differences.is_empty() {
            return self.told_without_fields(&page);
        }
        let differences = self.differences.iter().take(DIFFERENCES);
        let differences: Vec<FieldDifference> =
            differences.map(|one| shown(one, &sent, &page)).collect();
        let is_trailing = |one: &Difference| trimmed(&one.expected) == trimmed(&one.found);
        let circumstance = match self.differences.iter().all(is_trailing) {
            true => Circumstance::TrailingDelimiters,
            false => Circumstance::Field(differences[0].path.clone()),
        };
        Some((circumstance, differences))
    }

    fn told_without_fields(&self, page: &Page<'_>) -> Option<(Circumstance, Vec<FieldDifference>)> {
        let (agreed, found) = self.payloads();
        let (agreed, found) = (Message::read(agreed), Message::read(found));
        let (wanted, seen) = (content(&agreed, &self.explained), content(&found, &self.explained));
        let raw = |segments: &[Segment<'_>]| -> Vec<Vec<u8>> {
            segments.iter().map(|segment| segment.raw().to_vec()).collect()
        };
        if raw(&wanted) == raw(&seen) {
            return None;
        }
        if let Some(ends) = ends(&wanted, &seen) {
            return Some((Circumstance::TrailingDelimiters, ends));
        }
        let lines = self.line_differences(page);
        let path = lines.first().map_or("line", |first| first.path.as_str());
        Some((Circumstance::Field(path.to_owned()), lines))
    }

    /// What differs line by line where no field differs: the order of segments.
    fn line_differences(&self, page: &Page<'_>) -> Vec<FieldDifference> {
        let (agreed, found) = (show(&self.agreed), show(&self.found));
        let lines = TextDiff::from_lines(agreed.as_str(), found.as_str());
        let mut differences = Vec::new();
        for change in lines.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal) {
            let line = change.old_index().or(change.new_index()).unwrap_or_default() + 1;
            let value = change.value().trim_end_matches('\n').to_owned();
            let (expected, found) = match change.tag() {
                ChangeTag::Delete => (value, String::new()),
                _ => (String::new(), shown_line(page, &value)),
            };
            differences.push(FieldDifference { path: format!("line {line}"), expected, found });
        }
        differences.truncate(DIFFERENCES);
        differences
    }
}

/// A difference for people: where what varies differs, the value itself.
fn shown(difference: &Difference, sent: &Message<'_>, page: &Page<'_>) -> FieldDifference {
    let varies = [&b"[time "[..], b"[control id "];
    let varies = varies.iter().any(|word| memchr::memmem::find(&difference.found, word).is_some());
    let path = difference.path.parse::<Path>().ok().filter(|_| varies);
    let sides = Sides { expected: None, found: page };
    match path.and_then(|path| sent.get(&path)) {
        Some(value) => sides.show(&Difference { found: value.to_vec(), ..difference.clone() }),
        None => sides.show(difference),
    }
}

/// Where segments differ in nothing but the delimiters at their ends: those of each that does.
fn ends(wanted: &[Segment<'_>], seen: &[Segment<'_>]) -> Option<Vec<FieldDifference>> {
    let pairs = || wanted.iter().zip(seen).map(|(one, other)| (one.raw(), other));
    if wanted.len() != seen.len()
        || !pairs().all(|(wanted, seen)| trimmed(wanted) == trimmed(seen.raw()))
    {
        return None;
    }
    let end = |raw: &[u8]| raw[trimmed(raw).len()..].iter().copied().map(char::from).collect();
    let difference = |(wanted, seen): (&[u8], &Segment<'_>)| {
        // What was agreed is called like this, and so is what came.
        let id: String = seen.id().iter().copied().map(char::from).collect();
        let path = format!("the end of {id}[{}]", seen.occurrence());
        FieldDifference { path, expected: end(wanted), found: end(seen.raw()) }
    };
    let differ = pairs().filter(|(wanted, seen)| *wanted != seen.raw());
    Some(differ.take(DIFFERENCES).map(difference).collect())
}

/// A value or a segment without the delimiters at its end.
fn trimmed(raw: &[u8]) -> &[u8] {
    let is_delimiter = |byte: &u8| matches!(byte, b'|' | b'^' | b'~' | b'&');
    let end = raw.iter().rposition(|byte| !is_delimiter(byte)).map_or(0, |last| last + 1);
    &raw[..end]
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("`{value}`") }
}

/// A line of a text in snapshot form, as it came, with all that must not be shown masked.
fn shown_line(page: &Page<'_>, line: &str) -> String {
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

/// The segments in order, without those that are explained.
fn content<'m>(message: &Message<'m>, explained: &[Difference]) -> Vec<Segment<'m>> {
    let segments = message.segments().filter(|segment| {
        let path = format!("{}[{}]", String::from_utf8_lossy(segment.id()), segment.occurrence());
        !segment.raw().is_empty() && !lies_in(&path, explained)
    });
    segments.collect()
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

/// The header of a batch or a file right before a message, which no mapping makes.
fn header_of_batch(
    evidence: &Evidence<'_>,
    sent: &Sent<'_>,
) -> Option<(Circumstance, Vec<FieldDifference>)> {
    let (before, _) = around(evidence, sent);
    let frame = before.iter().rposition(|&byte| byte == VT).map_or(0, |start| start + 1);
    let file = BatchFile::read(&before[frame..])?;
    let is_first = file.messages().next().is_none();
    let id = if file.batches.is_empty() { "FHS" } else { "BHS" };
    is_first.then(|| {
        let header = format!("a header {id}");
        let beyond =
            FieldDifference { path: id.to_owned(), expected: String::new(), found: header };
        (Circumstance::Field(id.to_owned()), vec![beyond])
    })
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
pub(crate) fn show(bytes: &[u8]) -> String {
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
pub(crate) fn parse(text: &str) -> Vec<u8> {
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
