//! Reading an acknowledgement, strictly.
//!
//! A code is a code only when MSA-1 is exactly that, in capitals and alone: engines that match by
//! prefix take `AAX` for an acceptance.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::hl7::{Message, Path};

/// An acknowledgement code (table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Code {
    /// Application accept.
    AA,
    /// Application error.
    AE,
    /// Application reject.
    AR,
    /// Commit accept.
    CA,
    /// Commit error.
    CE,
    /// Commit reject.
    CR,
}

impl Code {
    /// As it is written in MSA-1.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CA => "CA",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }

    /// The code that `bytes` are exactly.
    #[must_use]
    pub fn exactly(bytes: &[u8]) -> Option<Self> {
        let all = [Self::AA, Self::AE, Self::AR, Self::CA, Self::CE, Self::CR];
        all.into_iter().find(|code| code.as_str().as_bytes() == bytes)
    }

    /// Whether it accepts: `AA` or `CA`.
    #[must_use]
    pub const fn accepts(self) -> bool {
        matches!(self, Self::AA | Self::CA)
    }

    /// Whether it is an immediate (accept) acknowledgement: `CA`, `CE` or `CR`.
    #[must_use]
    pub const fn is_commit(self) -> bool {
        matches!(self, Self::CA | Self::CE | Self::CR)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        Self::exactly(text.as_bytes()).ok_or_else(|| CodeError(text.to_owned()))
    }
}

/// A text that is no acknowledgement code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no acknowledgement code\nhint: one of AA, AE, AR, CA, CE and CR")]
pub struct CodeError(String);

/// What a message says as an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The code, when MSA-1 is exactly one and there is one MSA behind one MSH.
    pub code: Option<Code>,
    /// MSA-1 of the first MSA as it stands; empty when absent.
    pub raw_code: Vec<u8>,
    /// MSA-2 of the first MSA: the control id of the message that is answered.
    pub control_id: Vec<u8>,
    /// Whether MSH-9.1 says `ACK`.
    pub is_ack: bool,
    /// What it says to a person: ERR-8, else MSA-3.
    pub text: String,
}

impl Reading {
    /// Reads any message as an acknowledgement.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Self {
        let raw_code = message.value("MSA-1");
        // Two MSA may contradict each other, and behind two MSH nobody knows whose MSA it is, so they
        // say nothing.
        let alone = ["MSH", "MSA"].into_iter().all(|id| message.segment(id, 2).is_none());
        let user_text = message.text(&Path::field("ERR", 8));
        let text =
            if user_text.is_empty() { message.text(&Path::field("MSA", 3)) } else { user_text };
        Self {
            code: Code::exactly(raw_code).filter(|_| alone),
            raw_code: raw_code.to_vec(),
            control_id: message.value("MSA-2").to_vec(),
            is_ack: message.has_header() && message.code() == b"ACK",
            text,
        }
    }

    /// The code, when this is an acknowledgement of the message with that control id and nothing
    /// about it is in doubt.
    #[must_use]
    pub fn of_message(&self, control_id: &[u8]) -> Option<Code> {
        self.code.filter(|_| self.is_ack && !control_id.is_empty() && self.control_id == control_id)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Code, Reading};
    use crate::hl7::Message;

    const MSH: &str = "MSH|^~\\&|EMR|F|IRIS|IRIS|20200130165607||ACK^P03^ACK|1|P|2.4\r";

    #[rstest]
    #[case::accept("MSA|AA|200130165606\r", Some(Code::AA))]
    #[case::error("MSA|AE|200130165606|bad\r", Some(Code::AE))]
    #[case::reject("MSA|AR|200130165606\r", Some(Code::AR))]
    #[case::commit("MSA|CA|200130165606\r", Some(Code::CA))]
    #[case::commit_error("MSA|CE|200130165606\r", Some(Code::CE))]
    #[case::commit_reject("MSA|CR|200130165606\r", Some(Code::CR))]
    #[case::no_final_return("MSA|AA|200130165606", Some(Code::AA))]
    #[case::another_message("MSA|AA|200130165605\r", None)]
    #[case::shortened_id("MSA|AA|2001301656\r", None)]
    #[case::no_id("MSA|AA\r", None)]
    #[case::prefix("MSA|AAX|200130165606\r", None)]
    #[case::component("MSA|AA^|200130165606\r", None)]
    #[case::lower_case("MSA|aa|200130165606\r", None)]
    #[case::blank("MSA|AA |200130165606\r", None)]
    #[case::empty("MSA||200130165606\r", None)]
    #[case::cut("MSA|A", None)]
    #[case::two("MSA|AA|200130165606\rMSA|AE|200130165606\r", None)]
    #[case::none("", None)]
    fn only_an_exact_code_for_this_message_counts(
        #[case] rest: &str,
        #[case] expected: Option<Code>,
    ) {
        let bytes = format!("{MSH}{rest}");
        let reading = Reading::of(&Message::read(bytes.as_bytes()));
        assert_eq!(reading.of_message(b"200130165606"), expected);
    }

    #[rstest]
    #[case::no_header("MSA|AA|1\r")]
    #[case::other_type("MSH|^~\\&|EMR|F|||2020||ORR^O02|9|P|2.4\rMSA|AA|1\r")]
    #[case::two_headers(
        "MSH|^~\\&|EMR|F|||2020||ACK|8|P|2.4\rMSH|^~\\&|EMR|F|||2020||ACK|9|P|2.4\rMSA|AA|1\r"
    )]
    #[case::code_last("MSA|AA|1\rMSH|^~\\&|EMR|F|||2020||ACK|9|P|2.4\r")]
    #[case::http("HTTP/1.1 400 Bad Request\r\n\r\n")]
    #[case::prose("NACK sent from receiver")]
    #[case::nothing("")]
    fn what_is_no_ack_answers_nothing(#[case] bytes: &str) {
        assert_eq!(Reading::of(&Message::read(bytes.as_bytes())).of_message(b"1"), None);
    }

    #[rstest]
    #[case::msa("MSA|AE|1|no such \\T\\ patient\r", "no such & patient")]
    #[case::err(
        "MSA|AE|1|old\rERR||PID^1^3|204^Unknown key^HL70357|E||||no such patient\r",
        "no such patient"
    )]
    #[case::nothing("MSA|AA|1\r", "")]
    fn the_text_is_what_a_person_should_read(#[case] rest: &str, #[case] expected: &str) {
        let bytes = format!("{MSH}{rest}");
        assert_eq!(Reading::of(&Message::read(bytes.as_bytes())).text, expected);
    }

    #[test]
    fn delimiters_of_the_answer_are_its_own() {
        let message = Message::read(b"MSH#*~\\&#EMR#F###2020##ACK*P03#9#P#2.4\rMSA#AA#1\r");
        assert_eq!(Reading::of(&message).of_message(b"1"), Some(Code::AA));
    }
}
