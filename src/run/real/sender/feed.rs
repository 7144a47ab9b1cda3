//! Hands exams over to the sender, by the way that its sender file names.
//!
//! What is dropped into an inbox is there at once. Everything else needs a sender that is up: it
//! goes through a queue, in order, and what could not be written whole because the sender was ended
//! goes to its next life. What was written is handed over, whatever is answered to it, and is never
//! handed over again: a sender that hands back what the EMR has said refuses what the EMR refuses.
//! Does **not** know what a document says.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::unix::pipe;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::history::Outcome;
use crate::plan::{FeedBy, HandedOver, Lifetime, Separator};
use crate::run::drive::Happening;
use crate::run::file_name;
use crate::run::real::Case;
use crate::run::real::sender::feed_answer::{Answer, Written};
use crate::run::real::sender::http;
use crate::run::real::sender::http::{Body, HttpError};

/// One document on its way to the sender.
pub(crate) struct Parcel {
    exam: String,
    order: String,
    document: HandedOver,
}

/// Why a document was not handed over whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// It took too long.
    #[error("it was not taken within {0:?}")]
    NotTaken(Duration),
    /// There is nothing to write to.
    #[error("it has closed its standard input")]
    InputClosed,
    /// It could not be written there.
    #[error("its standard input: {0}")]
    Input(#[source] io::Error),
    /// Nobody could tell where it ends.
    #[error("the document holds what should end it; choose another `end`")]
    EndsInside,
    /// It could not be written to a connection.
    #[error("`{address}`: {error}")]
    Connection {
        /// Where it leads.
        address: String,
        /// How.
        #[source]
        error: io::Error,
    },
    /// It could not be posted.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Nobody is there to hand it over.
    #[error("there is no operator at the terminal")]
    NoOperator,
}

/// The queue to the sender, for every way but the inbox.
pub(crate) type Queue = UnboundedSender<Parcel>;

impl Case {
    /// Hands an exam over, or sees to it that it will be.
    pub(crate) fn hand_over(&self, exam: &str) {
        let (by, parcels) = {
            let mut stage = self.0.stage.borrow_mut();
            let order = stage.process.order(exam);
            let documents = stage.process.documents(exam).into_iter();
            let parcel =
                |document| Parcel { exam: exam.to_owned(), order: order.clone(), document };
            let parcels: Vec<Parcel> = documents.map(parcel).collect();
            (stage.process.feed().clone(), parcels)
        };
        let each = self.0.stage.borrow().process.life() == Lifetime::Exam;
        for parcel in parcels {
            if each {
                self.start_for(parcel);
                continue;
            }
            if by == FeedBy::Inbox {
                let dropped = self.0.stage.borrow_mut().process.drop_into_inbox(&parcel);
                if let Err(error) = dropped {
                    self.note(Happening::Failed(in_vain(exam, &error)));
                }
                continue;
            }
            // A queue that nobody reads any more belongs to a sender that has failed.
            let _ = self.queue().send(parcel);
        }
    }

    /// The queue; whoever reads it comes with the first document.
    fn queue(&self) -> Queue {
        let mut stage = self.0.stage.borrow_mut();
        if let Some(queue) = &stage.process.queue {
            return queue.clone();
        }
        let (queue, parcels) = unbounded_channel();
        stage.process.queue = Some(queue.clone());
        let task = tokio::task::spawn_local(self.clone().feed(parcels));
        stage.begin(task.abort_handle());
        queue
    }

    async fn feed(self, mut parcels: UnboundedReceiver<Parcel>) {
        while let Some(parcel) = parcels.recv().await {
            if let Err(why) = self.deliver(&parcel).await {
                return self.happened(Happening::Failed(in_vain(&parcel.exam, &why)));
            }
        }
    }

    async fn deliver(&self, parcel: &Parcel) -> Result<(), FeedError> {
        let mut up = self.0.stage.borrow().process.up.subscribe();
        loop {
            let _ = up.wait_for(|&up| up).await;
            let Err(why) = self.deliver_once(parcel).await else { return Ok(()) };
            // A sender that was ended is seen to have gone a moment later than its sockets.
            let gone = tokio::time::timeout(GONE, up.wait_for(|&up| !up)).await;
            if gone.is_err() {
                return Err(why);
            }
        }
    }

    /// Delivers a document within the time that a step waits for what comes of it, and waits in the
    /// rest of it for an answer.
    async fn deliver_once(&self, parcel: &Parcel) -> Result<(), FeedError> {
        if *self.0.stage.borrow().process.feed() == FeedBy::Hand {
            return ask_operator(parcel).await; // who takes the time that a person takes
        }
        let within = self.0.stage.borrow().process.taking();
        let until = tokio::time::Instant::now() + within;
        let written = tokio::time::timeout_at(until, self.write_to_program(parcel)).await;
        let written = written.map_err(|_| FeedError::NotTaken(within))??;
        self.0.stage.borrow_mut().process.said.of(&parcel.order, Outcome::Unknown);
        let answered = tokio::time::timeout_at(until, written.answer(&parcel.document.bytes)).await;
        match answered {
            Ok(Ok(Answer { outcome, refusal })) => {
                self.0.stage.borrow_mut().process.said.of(&parcel.order, outcome);
                if let Some(why) = refusal {
                    self.not_accepted(parcel, &why);
                }
            }
            Ok(Err(why)) => self.not_accepted(parcel, &why),
            Err(_) => self.not_accepted(parcel, &FeedError::NotTaken(within)),
        }
        Ok(())
    }

    fn not_accepted(&self, parcel: &Parcel, why: &dyn fmt::Display) {
        let (exam, why) = (parcel.exam.clone(), in_vain(&parcel.exam, why));
        self.happened(Happening::NotAccepted { exam, why });
    }

    /// Writes a document whole.
    async fn write_to_program(&self, parcel: &Parcel) -> Result<Written, FeedError> {
        let document = &parcel.document;
        let (by, filled) = {
            let stage = self.0.stage.borrow();
            let by = stage.process.feed().clone();
            let filled = match &by {
                FeedBy::Post(address) | FeedBy::Mllp(address) => stage.process.filled(address),
                _ => String::new(),
            };
            (by, filled)
        };
        match by {
            FeedBy::Inbox | FeedBy::Hand => Ok(Written::Unanswered),
            FeedBy::StandardInput(separator) => {
                self.write_input(&ended(&document.bytes, separator)?).await?;
                Ok(Written::Unanswered)
            }
            FeedBy::Post(_) => {
                let kind = media_type(&document.ending);
                let body = Body { bytes: &document.bytes, kind };
                Ok(Written::Post(http::send("POST", &filled, Some(body)).await?))
            }
            FeedBy::Mllp(_) => write_mllp(filled, &document.bytes).await,
        }
    }

    /// Writes to the standard input of the sender that is up.
    async fn write_input(&self, mut bytes: &[u8]) -> Result<(), FeedError> {
        let input: Option<Rc<pipe::Sender>> = self.0.stage.borrow().process.input();
        let input = input.ok_or(FeedError::InputClosed)?;
        let written = async {
            while !bytes.is_empty() {
                input.writable().await?;
                match input.try_write(bytes) {
                    Ok(written) => bytes = &bytes[written..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        written.await.map_err(FeedError::Input)
    }
}

impl Parcel {
    /// Puts the document into `inbox`, whole or not at all.
    pub(crate) fn drop_into(&self, inbox: &Path, number: u32) -> io::Result<PathBuf> {
        let name = format!("{number:04}-{}", file_name(&self.exam));
        let (written, whole) = (
            inbox.join(format!("{name}.part")),
            inbox.join(format!("{name}.{}", self.document.ending)),
        );
        std::fs::write(&written, &self.document.bytes)?;
        std::fs::rename(written, &whole)?;
        Ok(whole)
    }

    /// The number of its order.
    pub(crate) fn order(&self) -> &str {
        &self.order
    }

    /// The document.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.document.bytes
    }
}

fn in_vain(exam: &str, why: &dyn fmt::Display) -> String {
    format!("cannot hand over `{exam}`: {why}")
}

/// The document with what ends it after it.
fn ended(document: &[u8], separator: Separator) -> Result<Vec<u8>, FeedError> {
    let (end, inside): (&[u8], &[u8]) = match separator {
        Separator::Line => (b"\n", b"\n"),
        Separator::Nul => (b"\0", b"\0"),
        Separator::BlankLine => (b"\n\n", b"\n\n"),
    };
    let document = match separator {
        Separator::Nul => document,
        _ => without_last_line_ends(document),
    };
    if document.windows(inside.len()).any(|window| window == inside) {
        return Err(FeedError::EndsInside);
    }
    Ok([document, end].concat())
}

/// Writes a document in an MLLP frame (HL7 MLLP release 1).
async fn write_mllp(address: String, document: &[u8]) -> Result<Written, FeedError> {
    let written = async {
        let mut stream = TcpStream::connect(&address).await?;
        stream.write_all(&[b"\x0b", document, b"\x1c\r"].concat()).await?;
        Ok(stream)
    };
    match written.await {
        Ok(stream) => Ok(Written::Mllp { stream, address }),
        Err(error) => Err(FeedError::Connection { address, error }),
    }
}

/// Tells the operator which exam it is, and waits for Enter.
async fn ask_operator(parcel: &Parcel) -> Result<(), FeedError> {
    let (exam, order) = (parcel.exam.clone(), parcel.order.clone());
    let (tell, told) = oneshot::channel();
    // A read from a terminal cannot be taken back, so that it gets a thread which nobody waits for.
    std::thread::spawn(move || {
        let text = format!("hand over exam {exam} (order {order}) now, then press Enter\n");
        let asked = io::stderr().write_all(text.as_bytes());
        let mut line = String::new();
        let read = asked.and_then(|()| io::stdin().read_line(&mut line));
        let _ = tell.send(read.is_ok_and(|read| read > 0));
    });
    match told.await {
        Ok(true) => Ok(()),
        _ => Err(FeedError::NoOperator),
    }
}

fn media_type(ending: &str) -> &'static str {
    match ending {
        "json" => "application/json",
        "xml" => "application/xml",
        "hl7" => "x-application/hl7-v2+er7",
        _ => "text/plain; charset=utf-8",
    }
}

/// The document without the line ends after it.
fn without_last_line_ends(document: &[u8]) -> &[u8] {
    let end = document.iter().rposition(|&byte| byte != b'\n').map_or(0, |last| last + 1);
    &document[..end]
}

/// How long after its sockets a sender may be seen to have gone.
const GONE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::ended;
    use crate::plan::Separator;

    #[rstest]
    #[case("{}", Separator::Line, Some("{}\n"))]
    #[case("a;b\n", Separator::Line, Some("a;b\n"))]
    #[case("a\nb", Separator::Line, None)]
    #[case("a\nb", Separator::BlankLine, Some("a\nb\n\n"))]
    #[case("a\n\nb", Separator::BlankLine, None)]
    #[case("MSH|\rPID|\r", Separator::Line, Some("MSH|\rPID|\r\n"))]
    #[case("a\nb\n", Separator::Nul, Some("a\nb\n\0"))]
    #[case("a\0b", Separator::Nul, None)]
    fn a_document_ends_where_its_separator_stands(
        #[case] document: &str,
        #[case] separator: Separator,
        #[case] written: Option<&str>,
    ) {
        let bytes = ended(document.as_bytes(), separator).ok();
        assert_eq!(bytes.as_deref(), written.map(str::as_bytes));
    }
}
