//! Answering a batch: one acknowledgement for each of its messages, in a batch of their own.

use crate::hl7::{BatchFile, Delimiters, Message};

/// The envelope of an answer to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// FHS-11 and BHS-11 of the answer.
    pub control_id: String,
    /// FHS-7 and BHS-7, `yyyyMMddHHmmss`.
    pub at: String,
}

impl Envelope {
    /// The answer to `file` whose batches are answered by these acknowledgements, each of them a
    /// payload. It goes back to where the batch came from, refers to it by FHS-12 and BHS-12, and counts
    /// in BTS-1 and FTS-1 (HL7 v2 chapter 2, the batch protocol and its segments).
    #[must_use]
    pub fn to(&self, file: &BatchFile<'_>, acknowledgements: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(header) = file.header {
            self.write_header(header, &mut out);
        }
        for (batch, acknowledgements) in file.batches.iter().zip(acknowledgements) {
            if let Some(header) = batch.header {
                self.write_header(header, &mut out);
            }
            out.extend(acknowledgements.iter().flatten());
            if let Some(header) = batch.header {
                write_trailer("BTS", acknowledgements.len(), header, &mut out);
            }
        }
        if let Some(header) = file.header {
            let batches = file.batches.iter().filter(|batch| batch.header.is_some()).count();
            write_trailer("FTS", batches.max(1), header, &mut out);
        }
        out
    }

    /// FHS and BHS have the same fields, in the same places.
    fn write_header(&self, asked: &[u8], out: &mut Vec<u8>) {
        let message = Message::read(asked);
        let separator = message.delimiters().field;
        let (id, from) = (&asked[..3], message.segment(&String::from_utf8_lossy(&asked[..3]), 1));
        let given = |field| {
            let field = from.as_ref().and_then(|from| from.field(field));
            field.map_or(&[][..], |field| field.raw())
        };
        let fields = [
            given(2),
            given(5),
            given(6),
            given(3),
            given(4),
            self.at.as_bytes(),
            b"",
            b"",
            b"",
            self.control_id.as_bytes(),
            given(11),
        ];
        let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        out.extend_from_slice(id);
        out.push(separator);
        out.extend(fields[..filled].join(&separator));
        out.push(b'\r');
    }
}

fn write_trailer(id: &str, count: usize, header: &[u8], out: &mut Vec<u8>) {
    let separator = Delimiters::declared(header).unwrap_or_default().field;
    out.extend_from_slice(id.as_bytes());
    out.push(separator);
    out.extend_from_slice(count.to_string().as_bytes());
    out.push(b'\r');
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Envelope;
    use crate::hl7::{BatchFile, visible};

    #[rstest]
    #[case::file(
        "FHS|^~\\&|IRIS|I|EMR|E|2020||||F1\rBHS|^~\\&|IRIS|I|EMR|E|2020||||B1\rMSH|^~\\&|\rMSH|^~\\&|\rBTS|2\rFTS|1\r",
        "FHS|^~\\&|EMR|E|IRIS|I|20260105||||7|F1<CR>BHS|^~\\&|EMR|E|IRIS|I|20260105||||7|B1<CR>A<CR>B<CR>BTS|2<CR>FTS|1<CR>"
    )]
    #[case::batch_with_delimiters_of_its_own(
        "BHS#*~\\&#IRIS#I#EMR#E#2020\rMSH|^~\\&|\rMSH|^~\\&|\rBTS#2\r",
        "BHS#*~\\&#EMR#E#IRIS#I#20260105####7<CR>A<CR>B<CR>BTS#2<CR>"
    )]
    fn a_batch_is_answered_by_a_batch(#[case] asked: &str, #[case] expected: &str) {
        let file = BatchFile::read(asked.as_bytes()).unwrap();
        let envelope = Envelope { control_id: "7".to_owned(), at: "20260105".to_owned() };
        let answers = vec![vec![b"A\r".to_vec(), b"B\r".to_vec()]];
        assert_eq!(visible(&envelope.to(&file, &answers)), expected);
    }
}
