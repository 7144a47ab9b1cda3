//! Well-formed acknowledgements to one message.

use std::cell::Cell;
use std::time::Duration;

use jiff::civil::DateTime;

use crate::emr::faults::action::{Action, frame};
use crate::hl7::ack::{self, AckCondition, Answer, Code, Envelope, Problem};
use crate::hl7::{Message, Path};
use crate::mllp;
use crate::plan::{Fill, Parameters, Text};

/// What an answer is made from: the message, and what this EMR knows at that moment.
pub(crate) struct Scene<'a> {
    /// The message that is answered.
    pub(crate) message: &'a Message<'a>,
    /// Its bytes, without framing.
    pub(crate) payload: &'a [u8],
    /// MSH-10 of the message before it on the same endpoint.
    pub(crate) previous: &'a [u8],
    /// Which attempt at its order it is, from 1, as far as this EMR can tell.
    pub(crate) attempt: u32,
    /// What decides every random choice.
    pub(crate) seed: u64,
    /// How long the sender waits for an acknowledgement.
    pub(crate) ack_timeout: Duration,
    /// The EMR's wall clock, UTC.
    pub(crate) now: DateTime,
    /// Number of the last acknowledgement that was made; each has an MSH-10 of its own.
    pub(crate) number: Cell<u64>,
}

impl Scene<'_> {
    /// An acknowledgement with `code`, as payload.
    pub(crate) fn acknowledge(&self, code: Code, with: &Parameters) -> Vec<u8> {
        match code {
            Code::AA | Code::CA => self.answer(code, with.text.as_deref().unwrap_or(""), None),
            Code::AE | Code::CE => self.problem(code, 103, with),
            Code::AR | Code::CR => self.problem(code, 207, with),
        }
    }

    /// An acknowledgement with an ERR that points at what it complains of.
    ///
    /// `usual` is from HL7 table 0357, and is meant where the author names no code; 0 makes the
    /// ERR informational.
    pub(crate) fn problem(&self, code: Code, usual: u16, with: &Parameters) -> Vec<u8> {
        let code0357 = with.error.unwrap_or(usual);
        let (at, text) = complaint(code0357);
        let text = with.text.as_deref().unwrap_or(text);
        let usual = match code0357 {
            0 => 'I',
            _ if code.accepts() => 'W',
            _ => 'E',
        };
        let problem = Problem {
            at: with.at.clone().unwrap_or_else(|| Path::literal(at)),
            code0357,
            text: text.to_owned(),
            severity: with.severity.unwrap_or(usual),
        };
        self.answer(code, text, Some(problem))
    }

    /// The ERR segment alone that complains by `with`, without its end.
    pub(crate) fn complaint(&self, usual: u16, with: &Parameters) -> Vec<u8> {
        let payload = self.problem(Code::AE, usual, with);
        let mut lines = payload.split(|&byte| byte == b'\r').filter(|line| !line.is_empty());
        lines.next_back().unwrap_or_default().to_vec()
    }

    /// What an EMR that takes the charge answers, as MSH-15 and MSH-16 ask for.
    pub(crate) fn accept(&self, with: &Parameters) -> Vec<Action> {
        let due = ack::due(self.message);
        let mut all = Vec::new();
        if due.accept.on_success() {
            all.push(frame(&self.acknowledge(Code::CA, &Parameters::default())));
        }
        if due.application.on_success() {
            all.push(frame(&self.acknowledge(Code::AA, with)));
        }
        all
    }

    /// What an EMR that refuses the charge answers: an application acknowledgement where one is
    /// due, otherwise an accept acknowledgement, and nothing where MSH-15 and MSH-16 ask for
    /// nothing.
    pub(crate) fn refuse(&self, code: Code, commit: Code, with: &Parameters) -> Vec<Action> {
        let due = ack::due(self.message);
        let mut all = Vec::new();
        if matches!(due.application, AckCondition::Never) {
            if due.accept.on_error() {
                all.push(frame(&self.acknowledge(commit, with)));
            }
            return all;
        }
        if due.accept.on_success() {
            all.push(frame(&self.acknowledge(Code::CA, &Parameters::default())));
        }
        if due.application.on_error() {
            all.push(frame(&self.acknowledge(code, with)));
        }
        all
    }

    /// An acceptance inside a message of another type.
    pub(crate) fn other_type(&self, message_type: &[u8]) -> Vec<u8> {
        let mut segments = self.segments();
        let separator = self.message.delimiters().field;
        let mut fields: Vec<&[u8]> = segments[0].split(|&byte| byte == separator).collect();
        if fields.len() > 8 {
            fields[8] = message_type;
        }
        segments[0] = fields.join(&separator);
        join(&segments)
    }

    /// Acceptances inside a batch: the last one is of this message, those before it are of the
    /// message before.
    pub(crate) fn batch(&self, count: u32) -> Vec<u8> {
        let mut out = b"FHS|^~\\&|EMR\rBHS|^~\\&|EMR\r".to_vec();
        for _ in 1..count {
            let mut segments = self.segments();
            segments.truncate(1);
            segments.push(self.msa(b"AA", self.previous));
            out.extend(join(&segments));
        }
        out.extend(self.acknowledge(Code::AA, &Parameters::default()));
        out.extend_from_slice(format!("BTS|{count}\rFTS|1\r").as_bytes());
        out
    }

    /// An MSA, without its end.
    pub(crate) fn msa(&self, code: &[u8], id: &[u8]) -> Vec<u8> {
        [b"MSA", code, id].join(&self.message.delimiters().field)
    }

    /// MSH in one frame, the rest in the next.
    pub(crate) fn split_frames(&self, payload: &[u8]) -> Vec<Action> {
        let cut = payload.iter().position(|&byte| byte == b'\r').map_or(0, |at| at + 1);
        let mut all = mllp::encode(&payload[..cut]);
        all.extend(mllp::encode(&payload[cut..]));
        vec![Action::Write(all)]
    }

    /// The segments of an acceptance, without their ends: MSH, MSA.
    pub(crate) fn segments(&self) -> Vec<Vec<u8>> {
        let payload = self.acknowledge(Code::AA, &Parameters::default());
        let lines = payload.split(|&byte| byte == b'\r').filter(|line| !line.is_empty());
        lines.map(<[u8]>::to_vec).collect()
    }

    /// A segment with the piece at `index` (counted by separators) replaced.
    pub(crate) fn with_field(&self, segment: &[u8], index: usize, value: &[u8]) -> Vec<u8> {
        let separator = self.message.delimiters().field;
        let mut fields: Vec<&[u8]> = segment.split(|&byte| byte == separator).collect();
        if let Some(field) = fields.get_mut(index) {
            *field = value;
        }
        fields.join(&separator)
    }

    /// An acceptance with `text` in MSA-3, whatever that breaks.
    pub(crate) fn with_text(&self, text: &[u8]) -> Vec<u8> {
        let mut segments = self.segments();
        segments.truncate(1);
        let msa = self.msa(b"AA", self.message.control_id());
        segments.push([&msa[..], &[self.message.delimiters().field], text].concat());
        join(&segments)
    }

    /// Bytes of a script with what is filled in.
    pub(crate) fn filled(&self, parts: &[Text]) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts {
            match part.of(self.message) {
                Some(bytes) => out.extend_from_slice(bytes),
                None if *part == Text::Fill(Fill::Time) => out.extend(stamp(self.now).bytes()),
                None => out.extend(self.next_control_id().bytes()),
            }
        }
        out
    }

    /// What answers to a batch go back in.
    pub(crate) fn envelope(&self) -> Envelope {
        Envelope { control_id: self.next_control_id(), at: stamp(self.now) }
    }

    fn next_control_id(&self) -> String {
        let number = self.number.get() + 1;
        self.number.set(number);
        format!("EMR{number}")
    }

    fn answer(&self, code: Code, text: &str, error: Option<Problem>) -> Vec<u8> {
        let answer = Answer {
            code,
            text: text.to_owned(),
            error,
            control_id: self.next_control_id(),
            at: stamp(self.now),
        };
        answer.to(self.message)
    }
}

/// What an EMR complains of by a code of table 0357, and where.
const fn complaint(code0357: u16) -> (&'static str, &'static str) {
    match code0357 {
        0 => ("FT1-7", "charge accepted, price list is being updated"),
        100 => ("FT1-1", "segments are out of order"),
        101 => ("PV1-19", "the account number is missing"),
        102 => ("FT1-4", "the date of the charge cannot be read"),
        103 => ("FT1-7", "unknown charge code"),
        104 => ("PID-5", "the name is too long"),
        200 => ("MSH-9.1", "unsupported message type"),
        201 => ("MSH-9.2", "unsupported event"),
        202 => ("MSH-11", "unsupported processing id"),
        203 => ("MSH-12", "unsupported version"),
        204 => ("PID-3", "unknown patient"),
        205 => ("MSH-10", "control id already exists"),
        206 => ("PID-3", "record locked"),
        _ => ("FT1-7", "application internal error"),
    }
}

/// `yyyyMMddHHmmss`.
fn stamp(now: DateTime) -> String {
    let year = u64::try_from(now.year()).unwrap_or(0);
    let rest = [now.month(), now.day(), now.hour(), now.minute(), now.second()];
    let number =
        rest.into_iter().fold(year, |all, part| all * 100 + u64::from(part.unsigned_abs()));
    format!("{number:014}")
}

/// Segments joined into a payload, each with its carriage return.
pub(crate) fn join(segments: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in segments {
        out.extend_from_slice(segment);
        out.push(b'\r');
    }
    out
}
