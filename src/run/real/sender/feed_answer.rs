//! What a sender answers to whoever has handed an exam to it: an acknowledgement in MLLP, or a status of
//! HTTP.
//!
//! It may be the sender's own word, or the EMR's that it hands back. Does **not** decide whether the
//! exam was taken: that shows in what comes of it.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::history::Outcome;
use crate::run::real::sender::http;
use crate::run::real::sender::http::HttpError;

/// A document that was written whole, and where its answer comes from.
pub(crate) enum Written {
    /// From nowhere.
    Unanswered,
    /// By HTTP.
    Post(http::Sent),
    /// By MLLP.
    Mllp {
        /// The connection.
        stream: TcpStream,
        /// Where it leads.
        address: String,
    },
}

/// An answer.
pub(crate) struct Answer {
    /// What it says became of the charge, taken for the EMR's.
    pub(crate) outcome: Outcome,
    /// How it refuses the exam, if it does.
    pub(crate) refusal: Option<Refusal>,
}

/// How an answer refuses an exam. A code says nothing of a patient; whatever else stands there may.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// By a code of HL7.
    #[error("it was answered by `{0}`")]
    Code(String),
    /// By something else.
    #[error("it was answered by no code that HL7 knows")]
    NoCode,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// Over HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The connection failed.
    #[error("`{address}`: {error}")]
    Connection {
        /// Where it leads.
        address: String,
        /// How.
        #[source]
        error: io::Error,
    },
    /// There is no acknowledgement in what came.
    #[error("`{0}` did not acknowledge")]
    NotAcknowledged(String),
}

impl Written {
    /// The answer to `document`.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn answer(self, document: &[u8]) -> Result<Answer, AnswerError> {
        match self {
            Self::Unanswered => Ok(Answer { outcome: Outcome::Unknown, refusal: None }),
            // A status says whether the exam was taken, and not what became of its charge.
            Self::Post(sent) => {
                sent.answer().await?;
                Ok(Answer { outcome: Outcome::Unknown, refusal: None })
            }
            Self::Mllp { stream, address } => match read_frame(stream).await {
                Ok(frame) => read_acknowledgement(&frame, document)
                    .ok_or(AnswerError::NotAcknowledged(address)),
                Err(error) => Err(AnswerError::Connection { address, error }),
            },
        }
    }
}

/// Reads to the end of a frame, or of the connection.
async fn read_frame(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(b"\x1c\r") && answer.len() < LARGEST {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => answer.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(answer)
}

/// What an acknowledgement says of `document` (HL7 v2.4, sections 2.9.2 and 2.16.8). One of another
/// message says nothing of it, and one that only says that it was received nothing of its charge.
/// Nothing, if it is no acknowledgement.
fn read_acknowledgement(frame: &[u8], document: &[u8]) -> Option<Answer> {
    let frame = String::from_utf8_lossy(frame).into_owned();
    let msa = frame.split('\r').find_map(|segment| segment.strip_prefix("MSA|"));
    let mut msa = msa?.split('|');
    let code = msa.next().unwrap_or_default();
    let is_its = control_id(document).is_none_or(|own| msa.next() == Some(&own));
    let outcome = match code {
        "AA" if is_its => Outcome::Delivered,
        "AE" | "AR" | "CE" | "CR" if is_its => Outcome::Rejected,
        _ => Outcome::Unknown,
    };
    let refusal = match code {
        "AA" | "CA" => None,
        "AE" | "AR" | "CE" | "CR" => Some(Refusal::Code(code.to_owned())),
        _ => Some(Refusal::NoCode),
    };
    Some(Answer { outcome, refusal })
}

/// The control id of a document that is a message.
fn control_id(document: &[u8]) -> Option<String> {
    let header = document.strip_prefix(b"MSH")?.split(|&byte| byte == b'\r').next()?;
    let separator = *header.first()?;
    let field = header.split(|&byte| byte == separator).nth(9)?;
    Some(String::from_utf8_lossy(field).into_owned())
}

/// How much of an answer is read.
const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{AnswerError, read_acknowledgement};
    use crate::history::Outcome;

    const DOCUMENT: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||DFT^P03|77|P|2.4\rPID|1\r";

    #[rstest]
    #[case::accepted("MSA|AA|77", Outcome::Delivered, false)]
    #[case::of_another("MSA|AA|78", Outcome::Unknown, false)]
    #[case::received("MSA|CA|77", Outcome::Unknown, false)]
    #[case::refused("MSA|AE|77|why", Outcome::Rejected, true)]
    #[case::another_refused("MSA|AR|78", Outcome::Unknown, true)]
    #[case::junk("MSA|XX|77", Outcome::Unknown, true)]
    fn an_answer_says_what_became_of_its_own_message(
        #[case] msa: &str,
        #[case] outcome: Outcome,
        #[case] refused: bool,
    ) {
        let frame = format!("\x0bMSH|^~\\&|||||||ACK||P|2.4\r{msa}\r\x1c\r");
        let answer = read_acknowledgement(frame.as_bytes(), DOCUMENT).unwrap();
        assert_eq!((answer.outcome, answer.refusal.is_some()), (outcome, refused));
    }

    #[test]
    fn what_does_not_acknowledge_says_so() {
        assert!(read_acknowledgement(b"", DOCUMENT).is_none());
        let why = AnswerError::NotAcknowledged("127.0.0.1:1".to_owned()).to_string();
        assert_eq!(why, "`127.0.0.1:1` did not acknowledge");
    }

    #[test]
    fn a_document_that_is_no_message_has_no_id_to_look_for() {
        let answer = read_acknowledgement(b"\x0bMSH|\rMSA|AA|1\r\x1c\r", b"{}").unwrap();
        assert_eq!(answer.outcome, Outcome::Delivered);
    }
}
