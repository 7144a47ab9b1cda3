//! Writing an acknowledgement in the form of the version of the message that it answers.
//!
//! UAC and SFT are optional in every version and are not written.

use crate::hl7::ack::Code;
use crate::hl7::escape::escape;
use crate::hl7::{Message, SegmentWriter};

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
    /// Id of the segment.
    pub segment: String,
    /// Which of the segments with that id, from 1.
    pub sequence: usize,
    /// Number of the field.
    pub field: usize,
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
        self.header(message, &form).write_to(&mut out, delimiters);
        let mut msa = SegmentWriter::new("MSA");
        msa.set(1, self.code.as_str()).set(2, message.control_id());
        if form.has_text {
            msa.set(3, text(&self.text, message));
        }
        msa.write_to(&mut out, delimiters);
        if let Some(problem) = &self.error {
            problem.segment(message, &form).write_to(&mut out, delimiters);
        }
        out
    }

    fn header<'m>(&self, message: &Message<'m>, form: &Form) -> SegmentWriter {
        let or = |value: &'m [u8], usual: &'static str| match value {
            b"" => usual.as_bytes(),
            value => value,
        };
        let mut msh = SegmentWriter::new("MSH");
        // The answer goes back to where the message came from.
        msh.set(3, message.value("MSH-5")).set(4, message.value("MSH-6"));
        msh.set(5, message.value("MSH-3")).set(6, message.value("MSH-4"));
        msh.set(7, text(&self.at, message));
        msh.set(9, form.message_type(message));
        msh.set(10, text(&self.control_id, message));
        msh.set(11, or(message.value("MSH-11"), "P"));
        msh.set(12, or(message.value("MSH-12"), "2.4"));
        msh.set(18, message.value("MSH-18"));
        msh
    }
}

impl Problem {
    fn segment(&self, message: &Message<'_>, form: &Form) -> SegmentWriter {
        let component = char::from(message.delimiters().component);
        let place =
            format!("{}{component}{}{component}{}", self.segment, self.sequence, self.field);
        let mut err = SegmentWriter::new("ERR");
        if !form.has_located_errors {
            err.set(1, format!("{place}{component}{}", self.code0357));
            return err;
        }
        let meaning = meaning(self.code0357);
        err.set(2, place);
        err.set(3, format!("{}{component}{meaning}{component}HL70357", self.code0357));
        err.set(4, self.severity.to_string());
        err.set(8, text(&self.text, message));
        err
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
        let mut out = b"ACK".to_vec();
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

fn text(text: &str, message: &Message<'_>) -> Vec<u8> {
    message.charset().encode(&escape(text, message.delimiters()))
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
    use crate::hl7::{Message, visible};

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
        let segment = "PID".to_owned();
        let problem = Problem {
            segment,
            sequence: 1,
            field: 3,
            code0357: 204,
            text: text.clone(),
            severity: 'E',
        };
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
