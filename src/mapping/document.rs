//! A text of an author's own with the facts of an exam in it: what a sender is fed with that takes
//! neither our JSON nor our HL7.
//!
//! `{fact}` is replaced by what it says of the exam, written so that the document stays what its
//! file name says it is: escaped as HL7, as a JSON string, as XML text, or as it is. `{{` and `}}`
//! are braces. `{message}` is the finished charge message, and `{result}` the finished result, empty where
//! none is sent, for a sender that only transports: each of their bytes is the character of that number,
//! so that any charset gets through. There are no conditions and no repetitions: who needs those takes
//! the JSON.

use serde::{Deserialize, Serialize};

use crate::exam::Exam;
use crate::hl7::Delimiters;
use crate::hl7::escape::unescape;
use crate::yaml::{Diagnostic, Source};

use crate::mapping::Stamp;
use crate::mapping::expression::fact::Fact;
use crate::mapping::expression::field_text::FieldText;
use crate::mapping::expression::scope::Scope;
use crate::mapping::expression::template::{Part, Template};
use crate::mapping::mistake::Mistake;

/// A document with facts in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The ending of its file, such as `json`.
    pub ending: String,
    /// What stands before, between and after the places of finished messages.
    pieces: Vec<Template>,
    /// Which of those places, from 0, are the result's; the others are the charge's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    results: Vec<usize>,
}

/// Where the finished charge message stands.
const MESSAGE: &str = "{message}";

/// Where the finished result stands.
const RESULT: &str = "{result}";

impl Document {
    /// Reads the file that `source` is; how it is escaped follows from its ending.
    ///
    /// # Errors
    /// The first thing in braces that is no fact of an exam, with its line.
    pub fn read(source: &Source) -> Result<Self, Diagnostic> {
        let ending = source.name.rsplit_once('.').map_or("txt", |(_, ending)| ending).to_owned();
        for (index, line) in source.text.lines().enumerate() {
            for piece in around_messages(line).0 {
                let read = piece.parse().and_then(|piece: Template| facts_of_an_exam(&piece));
                read.map_err(|mistake| wrong(source, index + 1, &mistake))?;
            }
        }
        let (pieces, results) = around_messages(&source.text);
        let pieces = pieces.into_iter().map(str::parse).collect::<Result<_, _>>();
        let pieces = pieces.map_err(|mistake| wrong(source, 1, &mistake))?;
        Ok(Self { ending, pieces, results })
    }

    /// Whether the finished charge message stands in it.
    #[must_use]
    pub const fn holds_message(&self) -> bool {
        self.pieces.len() > self.results.len() + 1
    }

    /// Whether the finished result stands in it.
    #[must_use]
    pub const fn holds_result(&self) -> bool {
        !self.results.is_empty()
    }

    /// Whether it says of an exam that it takes a charge back.
    #[must_use]
    pub fn tells_credits(&self) -> bool {
        self.pieces.iter().flat_map(Template::facts).any(|fact| fact == Fact::Transaction)
    }

    /// The document for `exam`, in UTF-8, with these messages in it.
    #[must_use]
    pub fn fill(&self, exam: &Exam, stamp: &Stamp, charge: &[u8], result: &[u8]) -> Vec<u8> {
        let scope = Scope::of(exam, Some(stamp));
        let mut out = String::new();
        for (index, piece) in self.pieces.iter().enumerate() {
            if let Some(place) = index.checked_sub(1) {
                let message = if self.results.contains(&place) { result } else { charge };
                let message: String = message.iter().copied().map(char::from).collect();
                out.push_str(&self.escaped(message));
            }
            self.write(piece, &scope, &mut out);
        }
        out.into_bytes()
    }

    fn write(&self, piece: &Template, scope: &Scope<'_>, out: &mut String) {
        for part in piece.parts() {
            match part {
                // The segments of HL7 end in a carriage return, whatever an editor writes.
                Part::Text(text) if self.is_hl7() => {
                    out.push_str(&text.replace("\r\n", "\r").replace('\n', "\r"));
                }
                Part::Text(text) => out.push_str(text),
                Part::Structure(separator) => out.push(*separator),
                Part::Fact(fact) => {
                    let mut text = FieldText::default();
                    fact.write(scope, &mut text);
                    out.push_str(&self.value(text.finish().to_owned()));
                }
            }
        }
    }

    fn is_hl7(&self) -> bool {
        self.ending == "hl7"
    }

    /// A value that is escaped as HL7, escaped as this document is.
    fn value(&self, value: String) -> String {
        if self.is_hl7() {
            return value;
        }
        let plain = unescape(value.as_bytes(), Delimiters::default());
        self.escaped(String::from_utf8_lossy(&plain).into_owned())
    }

    /// A text, escaped as this document is; a whole message within HL7 stays as it is.
    fn escaped(&self, plain: String) -> String {
        match self.ending.as_str() {
            "json" => {
                let quoted = serde_json::Value::from(plain).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            "xml" => {
                let signs = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;")];
                signs.iter().fold(plain, |text, (sign, name)| text.replace(*sign, name))
            }
            _ => plain,
        }
    }
}

/// What stands around the finished messages, and which of these, from 0, are results.
fn around_messages(text: &str) -> (Vec<&str>, Vec<usize>) {
    let (mut pieces, mut results) = (Vec::new(), Vec::new());
    for part in text.split(RESULT) {
        results.extend(pieces.len().checked_sub(1));
        pieces.extend(part.split(MESSAGE));
    }
    (pieces, results)
}

/// Whether every fact is one of the exam as a whole.
fn facts_of_an_exam(template: &Template) -> Result<(), Mistake> {
    match template.facts().find(|fact| fact.needs().is_some()) {
        Some(fact) => Err(Mistake::new(format!("`{{{fact}}}` says nothing of an exam as a whole"))
            .hint("a document has no repetitions; its author may take the exam as JSON")),
        None => Ok(()),
    }
}

fn wrong(source: &Source, line: usize, mistake: &Mistake) -> Diagnostic {
    let diagnostic = Diagnostic::new(source, line, 1, mistake.message());
    match mistake.advice() {
        Some(advice) => diagnostic.hint(advice),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;

    use super::Document;
    use crate::exam::Exam;
    use crate::mapping::Stamp;
    use crate::yaml::Source;

    fn exam() -> Exam {
        let text = include_str!("../../scenarios/exams/john-doe.yaml");
        let mut exam: Exam = crate::yaml::read(&Source::new("john-doe.yaml", text)).unwrap();
        exam.patient.family = "O\"NEIL & <SONS>|^".into();
        exam
    }

    #[rstest]
    #[case(
        "a.hl7",
        "PID|||{patient.mrn}||{patient.family}^{patient.given}\nPV1|1\n",
        "PID|||ITCC20170410||O\"NEIL \\T\\ <SONS>\\F\\\\S\\^JOHN\rPV1|1\r"
    )]
    #[case(
        "a.json",
        "{{\"family\": \"{patient.family}\"}}\n",
        "{\"family\": \"O\\\"NEIL & <SONS>|^\"}\n"
    )]
    #[case("a.xml", "<p>{patient.family}</p>", "<p>O&quot;NEIL &amp; &lt;SONS&gt;|^</p>")]
    #[case("a.csv", "{order.number};{patient.family}\n", "273013;O\"NEIL & <SONS>|^\n")]
    #[case("a.csv", "{control_id};{now}", "ID7;20261121120000")]
    #[case("a.json", "{{\"m\": \"{message}\"}}", "{\"m\": \"MSH|\u{e9}\\r\"}")]
    #[case("a.csv", "{result};{message};{order.number};{result}", "ORU;MSH|\u{e9}\r;273013;ORU")]
    fn a_fact_is_written_as_its_document_needs_it(
        #[case] name: &str,
        #[case] text: &str,
        #[case] filled: &str,
    ) {
        let document = Document::read(&Source::new(name, text)).unwrap();
        let now = date(2026, 11, 21).at(12, 0, 0, 0);
        let stamp = Stamp { now, control_id: "ID7".to_owned() };
        assert_eq!(
            String::from_utf8(document.fill(&exam(), &stamp, b"MSH|\xe9\r", b"ORU")).unwrap(),
            filled
        );
    }

    #[rstest]
    #[case("{order.number}", (false, false))]
    #[case("{message}", (true, false))]
    #[case("{result}", (false, true))]
    #[case("{result}{message}", (true, true))]
    fn a_document_says_which_messages_stand_in_it(#[case] text: &str, #[case] held: (bool, bool)) {
        let document = Document::read(&Source::new("a.txt", text)).unwrap();
        assert_eq!((document.holds_message(), document.holds_result()), held);
    }

    #[rstest]
    #[case("{order.number} {order.charged}", false)]
    #[case("{order.transaction} {order.charged}", true)]
    fn a_document_says_whether_it_tells_of_credits(#[case] text: &str, #[case] told: bool) {
        let document = Document::read(&Source::new("a.txt", text)).unwrap();
        assert_eq!(document.tells_credits(), told);
    }

    #[rstest]
    #[case("one\n{sight}\n", "a.txt:2:1: there is no fact `sight`")]
    #[case("{diagnosis.code}", "a.txt:1:1: `{diagnosis.code}` says nothing of an exam as a whole")]
    #[case("a { b", "a.txt:1:1: a `{` without its `}` in `a { b`")]
    fn a_document_that_makes_no_sense_is_a_mistake(#[case] text: &str, #[case] message: &str) {
        let mistake = Document::read(&Source::new("a.txt", text)).unwrap_err().to_string();
        assert!(mistake.starts_with(message), "{mistake}");
    }
}
