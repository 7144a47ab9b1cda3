//! Messages that travel together: a batch from its BHS to its BTS, or a file of batches from its FHS
//! to its FTS (HL7 v2 chapter 2, the batch protocol).
//!
//! What stands in one is a message like any other, with delimiters of its own. This does **not** say
//! whether a batch is what was agreed.

use std::ops::Range;

use super::delimiters::is_header;
use super::{Delimiters, Message};

/// A file of batches, or a batch without a file around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFile<'a> {
    /// FHS, if there is one.
    pub header: Option<&'a [u8]>,
    /// The batches; messages that stand in none are one without a header.
    pub batches: Vec<Batch<'a>>,
}

/// Messages from a BHS on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// BHS, if there is one.
    pub header: Option<&'a [u8]>,
    /// Where its messages lie: each from its MSH up to the next one, or to the end of the batch.
    pub messages: Vec<Range<usize>>,
}

impl<'a> BatchFile<'a> {
    /// Whether `bytes` begin as a file or a batch does.
    #[must_use]
    pub fn begins(bytes: &[u8]) -> bool {
        !bytes.starts_with(b"MSH") && Delimiters::declared(bytes).is_some()
    }

    /// Reads a payload that begins with an FHS or a BHS; none if it does not.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        if !Self::begins(bytes) {
            return None;
        }
        let mut file = Self { header: None, batches: Vec::new() };
        let mut open: Option<usize> = None;
        let message = Message::read(bytes);
        for segment in message.segments() {
            let (raw, start) = (segment.raw(), segment.range().start);
            let separator = raw.get(3).copied().unwrap_or_default();
            let Some(part) = Part::of(raw, separator) else { continue };
            if let Some(from) = open.take() {
                file.last().messages.push(from..start);
            }
            match part {
                Part::File => file.header = file.header.or(Some(raw)),
                Part::Batch => {
                    let header = Some(raw);
                    file.batches.push(Batch { header, ..Batch::default() });
                }
                Part::Message => open = Some(start),
                Part::End => {}
            }
        }
        if let Some(from) = open {
            file.last().messages.push(from..bytes.len());
        }
        Some(file)
    }

    /// The messages of all batches, in their order.
    pub fn messages(&self) -> impl Iterator<Item = &Range<usize>> {
        self.batches.iter().flat_map(|batch| &batch.messages)
    }

    fn last(&mut self) -> &mut Batch<'a> {
        if self.batches.is_empty() {
            self.batches.push(Batch::default());
        }
        let last = self.batches.len() - 1;
        &mut self.batches[last]
    }
}

/// What a segment does in a file.
enum Part {
    File,
    Batch,
    Message,
    End,
}

impl Part {
    fn of(segment: &[u8], separator: u8) -> Option<Self> {
        match segment.get(..3)? {
            b"FHS" if is_header(segment, separator) => Some(Self::File),
            b"BHS" if is_header(segment, separator) => Some(Self::Batch),
            b"MSH" if is_header(segment, separator) => Some(Self::Message),
            b"BTS" | b"FTS" => Some(Self::End),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Batch, BatchFile};
    use crate::hl7::visible;

    const FILE: &str = "FHS|^~\\&|A\rBHS|^~\\&|B\rMSH|^~\\&|1\rPID|1\rMSH#*~\\&#2\rBTS|2\rFTS|1\r";

    #[rstest]
    #[case::file(FILE, &["BHS|^~\\&|B: MSH|^~\\&|1<CR>PID|1<CR> + MSH#*~\\&#2<CR>"])]
    #[case::batch_alone("BHS|^~\\&|B\rMSH|^~\\&|1\rBTS|1\r", &["BHS|^~\\&|B: MSH|^~\\&|1<CR>"])]
    #[case::file_alone("FHS|^~\\&|A\rMSH|^~\\&|1\rFTS|1\r", &[": MSH|^~\\&|1<CR>"])]
    #[case::two(
        "FHS|^~\\&|A\rBHS|^~\\&|B\rMSH|^~\\&|1\rBTS|1\rBHS|^~\\&|C\rMSH|^~\\&|2\rBTS|1\r",
        &["BHS|^~\\&|B: MSH|^~\\&|1<CR>", "BHS|^~\\&|C: MSH|^~\\&|2<CR>"]
    )]
    #[case::without_an_end("BHS|^~\\&|B\rMSH|^~\\&|1\r", &["BHS|^~\\&|B: MSH|^~\\&|1<CR>"])]
    #[case::line_feeds("BHS|^~\\&|B\nMSH|^~\\&|1\nBTS|1\n", &["BHS|^~\\&|B: MSH|^~\\&|1<LF>"])]
    #[case::nothing_in_it("BHS|^~\\&|B\rBTS|0\r", &["BHS|^~\\&|B: "])]
    fn messages_lie_between_headers_and_trailers(#[case] text: &str, #[case] expected: &[&str]) {
        let file = BatchFile::read(text.as_bytes()).unwrap();
        let said = |batch: &Batch<'_>| {
            let messages =
                batch.messages.iter().map(|range| visible(text[range.clone()].as_bytes()));
            let messages: Vec<String> = messages.collect();
            format!("{}: {}", visible(batch.header.unwrap_or_default()), messages.join(" + "))
        };
        let found: Vec<String> = file.batches.iter().map(said).collect();
        assert_eq!(found, expected);
        assert_eq!(file.header.is_some(), text.starts_with("FHS"));
    }

    #[rstest]
    #[case("MSH|^~\\&|1\r")]
    #[case("PID|1\r")]
    #[case("BHSX")]
    #[case("")]
    fn what_does_not_begin_with_a_header_of_a_batch_is_none(#[case] text: &str) {
        assert_eq!(BatchFile::read(text.as_bytes()), None);
    }
}
