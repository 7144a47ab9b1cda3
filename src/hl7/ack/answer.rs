//! Writing an acknowledgement in the form of the version of the message that it answers.
//!
//! UAC and SFT are optional in every version and are not written.

use std::borrow::Cow;

use crate::hl7::ack::Code;
use crate::hl7::escape::escape;
use crate::hl7::{Delimiters, Message, Path, SegmentWriter};

/// What is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// MSA-1.
    pub code: Code,
    /// What a person should read; may be empty.
    pub text: String,
    /// What an ERR segment says; no segment without it.
    pub error: Option<Problem>,
    /// MSH-10 of the acknowledgement itself.
    pub control_id: String,
    /// MSH-7 of the acknowledgement, `yyyyMMddHHmmss`.
    pub at: String,
}

/// What is wrong with the message, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, or the part of it. Versions before 2.5 say no more than the field.
    pub at: Path,
    /// The code of table 0357.
    pub code0357: u16,
    /// What a person should read.
    pub text: String,
    /// `E`, `W`, `I` or `F`; written from v2.5 on.
    pub severity: char,
}

impl Answer {
    /// The acknowledgement of `message`, without framing: with its delimiters, in its charset, and
    /// in the form of its version. A message that says no version is answered in v2.4.
    #[must_use]
    pub fn to(&self, message: &Message<'_>) -> Vec<u8> {
        let delimiters = message.delimiters();
        let form = Form::of(message.version());
        let mut out = Vec::with_capacity(256);
        self.write_header(message, &form, &mut out);
        out.extend_from_slice(b"MSA");
        let words = if form.has_text { text(&self.text, message) } else { Cow::Borrowed(&[][..]) };
        let msa = [self.code.as_str().as_bytes(), message.control_id(), &words];
        write_fields(&msa, delimiters.field, &mut out);
        if let Some(problem) = &self.error {
            problem.segment(message, &form).write_to(&mut out, delimiters);
        }
        out
    }

    /// Writes MSH without a [`SegmentWriter`]: this is what an EMR under load writes most.
    fn write_header(&self, message: &Message<'_>, form: &Form, out: &mut Vec<u8>) {
        let given = |field: usize| message.header(field, None);
        let or = |field: usize, usual: &'static [u8]| match given(field) {
            b"" => usual,
            value => value,
        };
        let (at, control_id) = (text(&self.at, message), text(&self.control_id, message));
        let kind = form.message_type(message);
        let mut fields = [&[][..]; 16];
        // The answer goes back to where the message came from.
        (fields[0], fields[1], fields[2], fields[3]) = (given(5), given(6), given(3), given(4));
        (fields[4], fields[6], fields[7]) = (&at, &kind, &control_id);
        (fields[8], fields[9], fields[15]) = (or(11, b"P"), or(12, b"2.4"), given(18));
        let delimiters = message.delimiters();
        out.extend_from_slice(b"MSH");
        out.push(delimiters.field);
        // Before a batch stands a header of its own, whose delimiters are those of the whole.
        let as_written = if message.has_header() { given(2) } else { b"" };
        write_encoding(as_written, delimiters, out);
        write_fields(&fields, delimiters.field, out);
    }
}

impl Problem {
    fn segment(&self, message: &Message<'_>, form: &Form) -> SegmentWriter {
        let component = char::from(message.delimiters().component);
        let Path { segment, occurrence, field, .. } = &self.at;
        let place = format!("{segment}{component}{occurrence}{component}{field}");
        let mut err = SegmentWriter::new("ERR");
        if !form.has_located_errors {
            err.set(1, format!("{place}{component}{}", self.code0357));
            return err;
        }
        let meaning = meaning(self.code0357);
        err.set(2, place + &self.within(component));
        err.set(3, format!("{}{component}{meaning}{component}HL70357", self.code0357));
        err.set(4, self.severity.to_string());
        err.set(8, text(&self.text, message));
        err
    }

    /// ERL-4 to 6: the place inside the field, as far as it is named.
    fn within(&self, separator: char) -> String {
        let Path { repetition, component, subcomponent, .. } = &self.at;
        let first = (component.is_some() || subcomponent.is_some()).then_some(1);
        let parts = [repetition.or(first), *component, *subcomponent];
        parts.into_iter().flatten().map(|part| format!("{separator}{part}")).collect()
    }
}

/// How a version writes an acknowledgement.
struct Form {
    /// MSH-9.2 echoes the trigger event: from v2.4.
    echoes_trigger: bool,
    /// MSH-9.3 is required: from v2.5.
    requires_structure: bool,
    /// MSA-3 is there: withdrawn with v2.7.
    has_text: bool,
    /// ERR-2, 3, 4 and 8 instead of ERR-1: from v2.5.
    has_located_errors: bool,
}

impl Form {
    fn of(version: &[u8]) -> Self {
        let version = number(version).unwrap_or((2, 4));
        Self {
            echoes_trigger: version >= (2, 4),
            requires_structure: version >= (2, 5),
            has_text: version < (2, 7),
            has_located_errors: version >= (2, 5),
        }
    }

    fn message_type(&self, message: &Message<'_>) -> Vec<u8> {
        let component = message.delimiters().component;
        let trigger = message.trigger();
        let mut out = Vec::with_capacity(16);
        out.extend_from_slice(b"ACK");
        let echoed = self.echoes_trigger && !trigger.is_empty();
        if echoed || self.requires_structure {
            out.push(component);
            out.extend_from_slice(trigger);
            out.push(component);
            out.extend_from_slice(b"ACK");
        }
        out
    }
}

/// The first two numbers of a version; what follows them (the last one of 2.5.1) changes nothing
/// in an acknowledgement.
fn number(version: &[u8]) -> Option<(u16, u16)> {
    let mut parts = std::str::from_utf8(version).ok()?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Adds the delimiters as the message that is answered writes them, with its truncation character and
/// without what it leaves out.
fn write_encoding(as_written: &[u8], delimiters: Delimiters, out: &mut Vec<u8>) {
    match as_written.len() {
        1..=MOST_ENCODING => out.extend_from_slice(as_written),
        _ => out.extend(delimiters.encoding_characters()),
    }
}

/// How many characters MSH-2 may have (HL7 v2.7 chapter 2, MSH-2: with the truncation character).
const MOST_ENCODING: usize = 5;

/// Adds fields, without the empty ones at their end, and the end of their segment.
fn write_fields(fields: &[&[u8]], separator: u8, out: &mut Vec<u8>) {
    let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
    for field in &fields[..filled] {
        out.push(separator);
        out.extend_from_slice(field);
    }
    out.push(b'\r');
}

fn text<'t>(text: &'t str, message: &Message<'_>) -> Cow<'t, [u8]> {
    let delimiters = message.delimiters();
    let is_special = |byte: u8| delimiters.all().any(|one| one == byte);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() && !is_special(byte);
    if message.header(18, None).is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text.as_bytes());
    }
    let text = escape(text, message.delimiters());
    Cow::Owned(message.charset().encode(&text).into_owned())
}

/// Table 0357.
fn meaning(code: u16) -> &'static str {
    match code {
        0 => "Message accepted",
        100 => "Segment sequence error",
        101 => "Required field missing",
        102 => "Data type error",
        103 => "Table value not found",
        104 => "Value too long",
        200 => "Unsupported message type",
        201 => "Unsupported event code",
        202 => "Unsupported processing id",
        203 => "Unsupported version id",
        204 => "Unknown key identifier",
        205 => "Duplicate key identifier",
        206 => "Application record locked",
        207 => "Application internal error",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Answer, Problem};
    use crate::hl7::ack::{Code, Reading};
    use crate::hl7::{Message, Path, visible};

    fn dft(version: &str) -> Vec<u8> {
        format!("MSH|^~\\&|IRIS|PARENT|Cerner|CLINIC|20200130165606||DFT^P03|200130165606|T|{version}\rEVN|P03\r")
            .into_bytes()
    }

    fn answer(code: Code) -> Answer {
        let (text, control_id, at) = (String::new(), "A1".to_owned(), "20200130165607".to_owned());
        Answer { code, text, error: None, control_id, at }
    }

    fn refusal() -> Answer {
        let text = "no such patient".to_owned();
        let at = Path::field("PID", 3);
        let problem = Problem { at, code0357: 204, text: text.clone(), severity: 'E' };
        Answer { text, error: Some(problem), ..answer(Code::AE) }
    }

    #[rstest]
    #[case("2.1", "ACK")]
    #[case("2.2", "ACK")]
    #[case("2.3", "ACK")]
    #[case("2.3.1", "ACK")]
    #[case("2.4", "ACK^P03^ACK")]
    #[case("2.5", "ACK^P03^ACK")]
    #[case("2.5.1", "ACK^P03^ACK")]
    #[case("2.6", "ACK^P03^ACK")]
    #[case("2.7", "ACK^P03^ACK")]
    #[case("2.7.1", "ACK^P03^ACK")]
    #[case("2.8", "ACK^P03^ACK")]
    #[case("2.8.1", "ACK^P03^ACK")]
    #[case("2.8.2", "ACK^P03^ACK")]
    fn an_acceptance_goes_back_in_the_version_it_came_in(
        #[case] version: &str,
        #[case] kind: &str,
    ) {
        let bytes = answer(Code::AA).to(&Message::read(&dft(version)));
        let expected = format!(
            "MSH|^~\\&|Cerner|CLINIC|IRIS|PARENT|20200130165607||{kind}|A1|T|{version}<CR>MSA|AA|200130165606<CR>"
        );
        assert_eq!(visible(&bytes), expected);
    }

    #[rstest]
    #[case("2.1", "MSA|AE|200130165606|no such patient<CR>ERR|PID^1^3^204<CR>")]
    #[case("2.2", "MSA|AE|200130165606|no such patient<CR>ERR|PID^1^3^204<CR>")]
    #[case("2.3", "MSA|AE|200130165606|no such patient<CR>ERR|PID^1^3^204<CR>")]
    #[case("2.3.1", "MSA|AE|200130165606|no such patient<CR>ERR|PID^1^3^204<CR>")]
    #[case("2.4", "MSA|AE|200130165606|no such patient<CR>ERR|PID^1^3^204<CR>")]
    #[case(
        "2.5",
        "MSA|AE|200130165606|no such patient<CR>ERR||PID^1^3|204^Unknown key identifier^HL70357|E||||no such patient<CR>"
    )]
    #[case(
        "2.5.1",
        "MSA|AE|200130165606|no such patient<CR>ERR||PID^1^3|204^Unknown key identifier^HL70357|E||||no such patient<CR>"
    )]
    #[case(
        "2.6",
        "MSA|AE|200130165606|no such patient<CR>ERR||PID^1^3|204^Unknown key identifier^HL70357|E||||no such patient<CR>"
    )]
    #[case(
        "2.7",
        "MSA|AE|200130165606<CR>ERR||PID^1^3|204^Unknown key identifier^HL70357|E||||no such patient<CR>"
    )]
    #[case(
        "2.8",
        "MSA|AE|200130165606<CR>ERR||PID^1^3|204^Unknown key identifier^HL70357|E||||no such patient<CR>"
    )]
    fn a_refusal_names_the_field_in_the_form_of_its_version(
        #[case] version: &str,
        #[case] expected: &str,
    ) {
        let line = visible(&refusal().to(&Message::read(&dft(version))));
        let (_, body) = line.split_once("<CR>").unwrap();
        assert_eq!(body, expected);
    }

    #[rstest]
    #[case("2.4", "FT1[2]-7", "ERR|FT1^2^7^103")]
    #[case("2.4", "FT1[2]-7.1", "ERR|FT1^2^7^103")]
    #[case("2.5", "FT1[2]-7", "ERR||FT1^2^7|103^")]
    #[case("2.5.1", "FT1[2]-7.1", "ERR||FT1^2^7^1^1|103^")]
    #[case("2.7", "FT1[3]-26[2].1.2", "ERR||FT1^3^26^2^1^2|103^")]
    #[case("2.8", "FT1-19[2]", "ERR||FT1^1^19^2|103^")]
    fn a_refusal_points_at_the_very_part_of_the_very_segment(
        #[case] version: &str,
        #[case] at: &str,
        #[case] expected: &str,
    ) {
        let mut answer = refusal();
        answer.error.as_mut().unwrap().at = at.parse().unwrap();
        answer.error.as_mut().unwrap().code0357 = 103;
        let line = visible(&answer.to(&Message::read(&dft(version))));
        let (_, err) = line.rsplit_once("<CR>ERR").unwrap();
        assert!(format!("ERR{err}").starts_with(expected), "{line}");
    }

    #[rstest]
    #[case(Code::AA)]
    #[case(Code::AE)]
    #[case(Code::AR)]
    #[case(Code::CA)]
    #[case(Code::CE)]
    #[case(Code::CR)]
    fn what_is_written_is_read_as_the_answer_to_that_message(#[case] code: Code) {
        for version in ["2.1", "2.3.1", "2.4", "2.5.1", "2.7"] {
            let bytes = Answer { code, ..refusal() }.to(&Message::read(&dft(version)));
            let reading = Reading::of(&Message::read(&bytes));
            assert_eq!(reading.of_message(b"200130165606"), Some(code));
            assert_eq!(reading.text, "no such patient");
        }
    }

    #[rstest]
    #[case::no_escape_character("^~&", "a b c\\d")]
    #[case::truncation_character("^~\\&#", "a\\F\\b\\S\\c\\E\\d")]
    #[case::components_alone("^", "a\\F\\b\\S\\c\\E\\d")]
    fn the_answer_declares_the_delimiters_as_the_message_does(
        #[case] encoding: &str,
        #[case] words: &str,
    ) {
        let asked = format!("MSH|{encoding}|A|B|C|D|2020||DFT^P03|7|P|2.4\r");
        let text = "a|b^c\\d".to_owned();
        let bytes = Answer { text, ..answer(Code::AR) }.to(&Message::read(asked.as_bytes()));
        let expected = format!(
            "MSH|{encoding}|C|D|A|B|20200130165607||ACK^P03^ACK|A1|P|2.4<CR>MSA|AR|7|{words}<CR>"
        );
        assert_eq!(visible(&bytes), expected);
    }

    #[test]
    fn the_answer_to_a_batch_is_read_with_the_delimiters_of_the_batch() {
        let asked = Message::read(b"BHS|^~\\&|A\rMSH|*!?@|A\r");
        let bytes = answer(Code::AR).to(&asked);
        assert_eq!(Message::read(&bytes).delimiters(), asked.delimiters());
    }

    #[test]
    fn the_answer_keeps_delimiters_and_charset_of_the_message() {
        let asked = b"MSH#*~\\&#A#B#C#D#2020##DFT*P03#7#P#2.4######8859/1\r";
        let text = "Zo\u{eb} # *".to_owned();
        let bytes = Answer { text, ..answer(Code::AR) }.to(&Message::read(asked));
        let expected = "MSH#*~\\&#C#D#A#B#20200130165607##ACK*P03*ACK#A1#P#2.4######8859/1<CR>\
                        MSA#AR#7#Zo<EB> \\F\\ \\S\\<CR>";
        assert_eq!(visible(&bytes), expected);
    }

    #[rstest]
    #[case::nothing("", "MSH|^~\\&|||||20200130165607||ACK|A1|P|2.4<CR>MSA|AA<CR>")]
    #[case::no_trigger(
        "MSH|^~\\&|A||||||DFT|1|P|2.5\r",
        "MSH|^~\\&|||A||20200130165607||ACK^^ACK|A1|P|2.5<CR>MSA|AA|1<CR>"
    )]
    #[case::version_with_country(
        "MSH|^~\\&|A||||||DFT^P03|1|P|2.7^USA\r",
        "MSH|^~\\&|||A||20200130165607||ACK^P03^ACK|A1|P|2.7^USA<CR>MSA|AA|1<CR>"
    )]
    fn an_incomplete_message_is_answered_too(#[case] asked: &str, #[case] expected: &str) {
        let bytes = answer(Code::AA).to(&Message::read(asked.as_bytes()));
        assert_eq!(visible(&bytes), expected);
    }
}
