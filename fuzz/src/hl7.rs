//! HL7 text: messages, paths, escapes, charsets, acknowledgements.

use chargeproof::charge::{Agreement, charges, lines};
use chargeproof::hl7::ack::{Answer, Code, Problem, Reading, due};
use chargeproof::hl7::escape::{escape, mistakes, unescape};
use chargeproof::hl7::{Charset, Delimiters, Field, Message, Path, Segment, diff, visible};

/// A message is what it was read from, in whatever pieces one asks for it.
pub(super) fn message(bytes: &[u8]) {
    let message = Message::read(bytes);
    assert_eq!(message.bytes(), bytes);
    let mut whole = Vec::with_capacity(bytes.len());
    for segment in message.segments() {
        assert_eq!(&bytes[segment.range()], segment.raw());
        whole.extend_from_slice(segment.raw());
        whole.extend_from_slice(segment.end().as_bytes());
        fields(&segment);
    }
    assert_eq!(whole, bytes, "the segments are the message");
    assert!(diff(&message, &message).is_empty(), "a message is equal to itself");
    places(&message);
    header(&message);
    charged(&message);
    differs_both_ways(bytes);
    let shown = visible(bytes);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

/// Each field is what its parts are, with the delimiters between.
fn fields(segment: &Segment<'_>) {
    let separator = segment.delimiters().field;
    let mut whole = segment.id().to_vec();
    for (number, field) in segment.fields() {
        let is_separator = number == 1 && field.raw() == [separator] && is_header(segment);
        match (is_separator, number) {
            (true, _) => whole.extend_from_slice(field.raw()),
            (false, 2) if is_header(segment) => whole.extend_from_slice(field.raw()),
            (false, _) => {
                whole.push(separator);
                whole.extend_from_slice(field.raw());
            }
        }
        parts(&field);
    }
    assert_eq!(whole, segment.raw(), "the fields are the segment");
}

fn is_header(segment: &Segment<'_>) -> bool {
    let is_named = [&b"MSH"[..], b"FHS", b"BHS"].contains(&segment.id());
    is_named && segment.raw().len() > segment.id().len()
}

fn parts(field: &Field<'_>) {
    let Delimiters { component, repetition, subcomponent, .. } = field.delimiters();
    let repetitions: Vec<_> = field.repetitions().collect();
    if let [only] = &repetitions[..]
        && only.components().count() == 1
    {
        return; // the commonest, and what MSH-2 is
    }
    let raws: Vec<Vec<u8>> = repetitions
        .iter()
        .map(|one| one.components().collect::<Vec<_>>().join(&component))
        .collect();
    assert_eq!(raws.join(&repetition), field.raw(), "the repetitions are the field");
    for (index, one) in repetitions.iter().enumerate().take(FEW) {
        for (place, raw) in one.components().enumerate().take(FEW) {
            assert_eq!(one.component(place + 1), Some(raw));
            let subs = (1..).map_while(|number| one.subcomponent(place + 1, number));
            let subs: Vec<&[u8]> = subs.take(raw.len() + 1).collect();
            assert_eq!(subs.join(&subcomponent), raw, "the subcomponents are the component");
            if index == 0 {
                assert_eq!(field.component(place + 1), Some(raw));
            }
        }
    }
}

/// What a path finds is what walking finds.
fn places(message: &Message<'_>) {
    for segment in message.segments().take(FEW) {
        let Ok(id) = std::str::from_utf8(segment.id()) else { continue };
        let found = message.segment(id, segment.occurrence());
        assert_eq!(found.map(|one| one.range()), Some(segment.range()), "{segment:?}");
        let path = |field| Path { occurrence: segment.occurrence(), ..Path::field(id, field) };
        for (number, field) in segment.fields().take(FEW) {
            assert_eq!(message.get(&path(number)), Some(field.raw()), "{id}-{number}");
            assert_eq!(segment.get(&path(number)), Some(field.raw()), "{id}-{number}");
            assert_eq!(message.text(&path(number)), message.decoded(field.raw()));
        }
        assert_eq!(message.get(&path(0)), None);
    }
}

/// A header that is read alone says what it says in its message.
fn header(message: &Message<'_>) {
    let alone = Message::read_header(message.bytes());
    assert_eq!(alone.has_header(), message.has_header());
    if message.has_header() {
        assert_eq!(alone.delimiters(), message.delimiters());
        assert_eq!(alone.control_id(), message.control_id());
        assert_eq!((alone.code(), alone.trigger()), (message.code(), message.trigger()));
        assert_eq!((alone.version(), alone.charset()), (message.version(), message.charset()));
        assert_eq!(message.control_id(), message.value("MSH-10"));
    }
    let reading = Reading::of(message);
    let answered = reading.of_message(&reading.control_id);
    assert!(answered.is_none() || message.has_header() && message.value("MSA-2") != b"");
    let _ = due(message);
}

/// There is a line for each FT1, and it says what FT1 it is.
fn charged(message: &Message<'_>) {
    let agreement = Agreement::default();
    let lines = lines(message, &agreement);
    assert_eq!(lines.len(), charges(message).count());
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line.ft1, index + 1);
    }
}

/// Two messages differ in the same places, whichever of them is the expected one.
fn differs_both_ways(bytes: &[u8]) {
    let (one, other) = bytes.split_at(bytes.len() / 2);
    let (one, other) = (Message::read(one), Message::read(other));
    let mut there = diff(&one, &other);
    let mut back = diff(&other, &one);
    for difference in &mut back {
        std::mem::swap(&mut difference.expected, &mut difference.found);
    }
    let key = |one: &chargeproof::hl7::Difference| {
        (one.path.clone(), one.expected.clone(), one.found.clone())
    };
    there.sort_by_key(key);
    back.sort_by_key(key);
    assert_eq!(there, back);
}

/// What is a path reads as itself when it is written.
pub(super) fn path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match text.parse::<Path>() {
        Ok(path) => {
            let written = path.to_string();
            assert_eq!(written.parse().as_ref(), Ok(&path), "{written}");
            let message = Message::read(b"MSH|^~\\&|A^B&C~D\rFT1|1||273013\rFT1|2\r");
            let _ = (message.get(&path), message.text(&path));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A text that was escaped is without mistakes, and the same when it is unescaped.
pub(super) fn escapes(bytes: &[u8]) {
    let delimiters = Delimiters::declared(bytes).unwrap_or_default();
    let undone = unescape(bytes, delimiters);
    assert!(undone.len() <= bytes.len(), "unescaping makes no text longer");
    let wrong = mistakes(bytes, delimiters);
    assert!(wrong.is_sorted());
    let declared =
        bytes.split(|byte| matches!(byte, b'\r' | b'\n')).filter_map(Delimiters::declared);
    let marks: Vec<u8> = declared.chain([delimiters]).filter_map(|one| one.escape).collect();
    for at in wrong {
        assert!(marks.contains(&bytes[at]), "{}", bytes[at]);
    }
    if !can_escape(delimiters) {
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    let escaped = escape(&text, delimiters);
    assert_eq!(mistakes(escaped.as_bytes(), delimiters), [] as [usize; 0], "{escaped:?}");
    assert_eq!(unescape(escaped.as_bytes(), delimiters), text.as_bytes());
    let Delimiters { field, component, repetition, subcomponent, .. } = delimiters;
    let special = [field, component, repetition, subcomponent];
    assert!(!escaped.bytes().any(|byte| byte < b' ' || special.contains(&byte)), "{escaped:?}");
}

/// Whether a text can be escaped with these delimiters at all: not where two of them are the same, or
/// one is a letter of a sequence, or a part of a character.
fn can_escape(delimiters: Delimiters) -> bool {
    let Delimiters { field, component, repetition, escape, subcomponent } = delimiters;
    let Some(mark) = escape else { return false };
    let mut all = [field, component, repetition, mark, subcomponent];
    all.sort_unstable();
    let differ = all.windows(2).all(|two| two[0] != two[1]);
    differ && all.iter().all(u8::is_ascii_punctuation)
}

/// What a charset holds reads as text, and is the same when it is written.
pub(super) fn charset(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let name = CHARSETS[usize::from(*which) % CHARSETS.len()];
    let charset = Charset::named(name).expect("invariant: it is in table 0211");
    assert_eq!(Charset::named(charset.name()), Some(charset));
    let text = charset.decode(bytes);
    let written = charset.encode(&text);
    if charset.holds(bytes) {
        assert!(!text.contains('\u{fffd}') || text.as_bytes() == bytes, "{name}: {text:?}");
        // Nobody writes the letters that Hong Kong added to BIG-5: they are read alone.
        let is_written = name != "BIG-5" || !written.contains(&b'?');
        assert!(!is_written || charset.decode(&written) == text, "{name}: {text:?}");
    }
    assert!(charset.holds(&written), "{name} holds what was written in it: {written:?}");
    let own = String::from_utf8_lossy(bytes);
    let own = charset.encode(&own);
    assert!(charset.holds(&own), "{name} holds what was written in it: {own:?}");
}

/// The names of table 0211 that are read.
const CHARSETS: &[&str] = &[
    "",
    "ASCII",
    "UNICODE UTF-8",
    "UNICODE",
    "8859/1",
    "8859/2",
    "8859/3",
    "8859/4",
    "8859/5",
    "8859/6",
    "8859/7",
    "8859/8",
    "8859/9",
    "8859/10",
    "8859/11",
    "8859/13",
    "8859/14",
    "8859/15",
    "GB 18030-2000",
    "KS X 1001",
    "BIG-5",
];

/// An answer to whatever came is an acknowledgement of it, with the code that was meant.
pub(super) fn acknowledgement(bytes: &[u8]) {
    let message = Message::read(bytes);
    let which = bytes.len() % CODES.len();
    let at = Path { repetition: Some(2), component: Some(3), ..Path::field("PID", 5) };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
    let answer = Answer {
        code: CODES[which],
        text: text.clone(),
        error: (which % 2 == 1).then_some(Problem { at, code0357: 101, text, severity: 'E' }),
        control_id: "EMR1".to_owned(),
        at: "20260105080000".to_owned(),
    };
    let answer = answer.to(&message);
    let read = Message::read(&answer);
    assert!(read.has_header());
    assert_eq!(read.delimiters(), message.delimiters());
    assert_eq!(read.value("MSA-1"), CODES[which].as_str().as_bytes());
    assert_eq!(read.segment("MSA", 2).map(|one| one.range()), None);
    assert_eq!(read.value("MSA-2"), message.control_id());
    if can_escape(message.delimiters()) {
        let reading = Reading::of(&read);
        assert!(reading.is_ack);
        let code = (!message.control_id().is_empty()).then_some(CODES[which]);
        assert_eq!(reading.of_message(message.control_id()), code);
    }
}

const CODES: &[Code] = &[Code::AA, Code::AE, Code::AR, Code::CA, Code::CE, Code::CR];

/// How much of a part is looked at where looking at all of it would cost the square of its length.
const FEW: usize = 12;
