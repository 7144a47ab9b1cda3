//! Whether a reply has the bytes that it should, with the pauses between them.

use memchr::memmem;

use crate::history::{ConnectionId, Event, Micros, Pause, What};
use crate::hl7::Message;
use crate::hl7::ack::{Answer, Code};
use crate::plan::Text;

use crate::check::evidence::frame::{FS, VT, frame_payload};
use crate::check::proof::signs::{Part, Says};
use crate::check::proof::span::ms;

/// What the EMR wrote.
pub(crate) struct Reply<'h> {
    pub(crate) seq: u64,
    pub(crate) connection: ConnectionId,
    pub(crate) to: Option<u64>,
    pub(crate) name: &'h str,
    pub(crate) bytes: &'h [u8],
    pub(crate) length: u64,
    pub(crate) began: Micros,
    pub(crate) ended: Micros,
    pub(crate) writes: u32,
    pub(crate) pauses: &'h [Pause],
    complete: bool,
}

impl<'h> Reply<'h> {
    pub(crate) fn read(event: &'h Event) -> Option<Self> {
        match &event.what {
            What::Replied {
                connection,
                to,
                name,
                bytes,
                length,
                began,
                writes,
                pauses,
                complete,
            } => Some(Self {
                seq: event.seq,
                connection: *connection,
                to: *to,
                name,
                bytes: bytes.as_slice(),
                length: length.unwrap_or(bytes.as_slice().len() as u64),
                began: *began,
                ended: event.at,
                writes: *writes,
                pauses,
                complete: *complete,
            }),
            _ => None,
        }
    }

    /// Whether it is what these parts say, in answer to `message`.
    pub(crate) fn has(&self, parts: &[Part], message: &[u8]) -> Result<(), String> {
        if !self.complete {
            return Err("not all of it left".to_owned());
        }
        if self.length == 0 {
            return Err("no byte of it left".to_owned());
        }
        let runs = runs(parts);
        let paced = parts.iter().any(|part| matches!(part, Part::Says(Says::Paced(_))));
        let alone = runs.len() == 1;
        let mut pauses = self.pauses.iter();
        let mut start = 0;
        for (words, pause) in runs {
            let end = match pause.filter(|_| !paced) {
                None => self.bytes.len(),
                Some(asked) => {
                    let Some(pause) = pauses.next() else {
                        return Err("there was no pause inside it where one should be".to_owned());
                    };
                    if pause.lasted < asked {
                        let (lasted, asked) = (ms(pause.lasted), ms(asked));
                        return Err(format!("a pause inside it lasted {lasted} and not {asked}"));
                    }
                    usize::try_from(pause.after).unwrap_or(usize::MAX).min(self.bytes.len())
                }
            };
            let said = self.bytes.get(start..end).unwrap_or_default();
            let length = if alone { self.length } else { said.len() as u64 };
            says(&words, said, length, message)?;
            start = end;
        }
        Ok(())
    }
}

/// The words between the pauses, each with the pause after them.
fn runs(parts: &[Part]) -> Vec<(Vec<&Says>, Option<Micros>)> {
    let mut runs = Vec::new();
    let mut words = Vec::new();
    for part in parts {
        match part {
            Part::Says(says) => words.push(says),
            Part::Pause(time) => runs.push((std::mem::take(&mut words), Some(*time))),
            Part::End(_) => {}
        }
    }
    if !words.is_empty() {
        runs.push((words, None));
    }
    runs
}

/// Whether bytes that left without a pause are these words, one after the other.
fn says(words: &[&Says], said: &[u8], length: u64, message: &[u8]) -> Result<(), String> {
    let id = Message::read_header(message).control_id().to_vec();
    let alone = words.len() == 1;
    let mut rest = said;
    for word in words {
        match word {
            Says::Ack(codes) | Says::AsDue(codes) | Says::Paced(codes) => {
                rest = after_ack(rest, codes, &id).ok_or_else(|| {
                    format!("it does not say {} of the message", describe_codes(codes))
                })?;
            }
            Says::Complaint(codes, error) => {
                let found = acks(rest, &id)
                    .filter(|(code, _)| is_one_of(codes, code))
                    .find(|(_, end)| error_code(&rest[*end..], message) == Some(*error));
                let (_, end) = found.ok_or_else(|| {
                    let codes = describe_codes(codes);
                    format!("it does not say {codes} of the message with the error {error}")
                })?;
                rest = &rest[end..];
            }
            Says::Exactly(bytes) => {
                let at = memmem::find(rest, bytes.as_slice());
                let at = at.filter(|_| !alone || rest == bytes.as_slice());
                let Some(at) = at else { return Err(OTHER_BYTES.to_owned()) };
                rest = &rest[at + bytes.as_slice().len()..];
            }
            Says::Filled(text) => {
                let ends = |at: usize| Some((at, filled(text, &rest[at..], message)?));
                let found = (0..=rest.len()).find_map(ends);
                let found = found.filter(|found| !alone || *found == (0, rest.len()));
                let Some((at, length)) = found else { return Err(OTHER_BYTES.to_owned()) };
                rest = &rest[at + length..];
            }
            Says::Odd if alone && is_plain_acceptance(said, message) => {
                return Err("what left is the plain acceptance of the message".to_owned());
            }
            Says::Cut(Some(most)) if alone && length > *most => {
                return Err(format!("{length} bytes left, and not {most}"));
            }
            Says::Bytes(count) if length != *count => {
                return Err(format!("{length} bytes left, and not {count}"));
            }
            Says::Odd | Says::Cut(_) | Says::Bytes(_) | Says::Some if rest.is_empty() => {
                return Err("a part of it is missing".to_owned());
            }
            Says::Odd | Says::Cut(_) | Says::Bytes(_) | Says::Some => {}
        }
    }
    Ok(())
}

/// How many of these bytes are `text` in answer to `message`, if they begin with it. What is the EMR's
/// own is a time or a number, and so any letters and digits.
fn filled(text: &[Text], bytes: &[u8], message: &[u8]) -> Option<usize> {
    let message = Message::read(message);
    let mut rest = bytes;
    for part in text {
        rest = match part.of(&message) {
            Some(known) => rest.strip_prefix(known)?,
            None => {
                let own = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                rest.get(own..).filter(|_| own > 0)?
            }
        };
    }
    Some(bytes.len() - rest.len())
}

const OTHER_BYTES: &str = "other bytes left than were asked for";

/// What follows the first acknowledgement of the message `id` in `bytes` that has one of `codes`.
fn after_ack<'b>(bytes: &'b [u8], wanted: &[Code], id: &[u8]) -> Option<&'b [u8]> {
    acks(bytes, id).find(|(code, _)| is_one_of(wanted, code)).map(|(_, end)| &bytes[end..])
}

fn is_one_of(wanted: &[Code], code: &[u8]) -> bool {
    wanted.iter().any(|one| one.as_str().as_bytes() == code)
}

fn describe_codes(codes: &[Code]) -> String {
    codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(" or ")
}

/// The code of table 0357 in the ERR of the acknowledgement whose MSA-2 `bytes` follow: ERR-3.1, or
/// the last part of ERR-1 (HL7 v2.5 and later, and before, chapter 2, ERR).
fn error_code(bytes: &[u8], message: &[u8]) -> Option<u16> {
    let delimiters = Message::read_header(message).delimiters();
    let frame = &bytes[..memchr::memchr(FS, bytes).unwrap_or(bytes.len())];
    let mut segments = frame.split(|&byte| byte == b'\r').skip(1);
    let segments = segments.by_ref().take_while(|segment| !segment.starts_with(b"MSH"));
    let err = segments.into_iter().find(|segment| segment.starts_with(b"ERR"))?;
    let mut fields = err.split(|&byte| byte == delimiters.field).skip(1);
    let (place, code) = (fields.next()?, fields.nth(1));
    let mut parts = place.split(|&byte| byte == delimiters.component);
    let code = match code {
        Some(code) => code.split(|&byte| byte == delimiters.component).next(),
        None => parts.nth(3),
    };
    std::str::from_utf8(code?).ok()?.parse().ok()
}

/// The codes of the acknowledgements of the message `id`, in their order.
pub(crate) fn codes<'b>(bytes: &'b [u8], id: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
    acks(bytes, id).map(|(code, _)| code)
}

/// MSA-1 of each acknowledgement of the message `id`, and where its MSA-2 ends.
fn acks<'b>(bytes: &'b [u8], id: &'b [u8]) -> impl Iterator<Item = (&'b [u8], usize)> {
    memmem::find_iter(bytes, b"MSA").filter_map(move |start| {
        let separator = *bytes.get(start + 3)?;
        let mut ends = memchr::memchr_iter(separator, &bytes[start + 4..]);
        let code_end = start + 4 + ends.next()?;
        let rest = &bytes[code_end + 1..];
        let whole = rest.strip_prefix(id)?;
        let ended = whole.first().is_none_or(|next| *next == separator || next.is_ascii_control());
        ended.then(|| (&bytes[start + 4..code_end], code_end + 1 + id.len()))
    })
}

/// Whether bytes are what a healthy EMR answers, but for its own time and number.
fn is_plain_acceptance(bytes: &[u8], message: &[u8]) -> bool {
    if message.is_empty() {
        return false;
    }
    let said = Message::read(frame_payload(bytes));
    let own = |path: &str| String::from_utf8_lossy(said.value(path)).into_owned();
    let answer = Answer {
        code: Code::AA,
        text: String::new(),
        error: None,
        control_id: own("MSH-10"),
        at: own("MSH-7"),
    };
    let plain = answer.to(&Message::read(message));
    bytes == [&[VT][..], &plain, &[FS, b'\r']].concat()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{codes, is_plain_acceptance};

    const MESSAGE: &[u8] = b"MSH|^~\\&|IRIS|IRIS|EMR|F|20170410||DFT^P03|17|P|2.4\r";
    const PLAIN: &str =
        "\u{b}MSH|^~\\&|EMR|F|IRIS|IRIS|1||ACK^P03^ACK|9|P|2.4\rMSA|AA|17\r\u{1c}\r";

    #[rstest]
    #[case::plain(PLAIN.to_owned(), true)]
    #[case::another_time(PLAIN.replace("|1||", "|2||"), true)]
    #[case::refused(PLAIN.replace("|AA|", "|AR|"), false)]
    #[case::of_another(PLAIN.replace("|17", "|18"), false)]
    #[case::no_end(PLAIN.replace("\u{1c}\r", ""), false)]
    #[case::more(format!("{PLAIN}\n"), false)]
    #[case::twice(PLAIN.repeat(2), false)]
    fn a_plain_acceptance_is_known_byte_for_byte(#[case] bytes: String, #[case] plain: bool) {
        assert_eq!(is_plain_acceptance(bytes.as_bytes(), MESSAGE), plain);
    }

    #[rstest]
    #[case("MSA|AA|17\r", &["AA"])]
    #[case("MSA|CA|17\rMSA|AE|17|text\r", &["CA", "AE"])]
    #[case("MSA|AA|177\r", &[])]
    #[case("MSA|AA|17", &["AA"])]
    #[case("MSA|A", &[])]
    fn codes_are_those_of_the_message(#[case] bytes: &str, #[case] expected: &[&str]) {
        let found: Vec<&[u8]> = codes(bytes.as_bytes(), b"17").collect();
        let expected: Vec<&[u8]> = expected.iter().map(|code| code.as_bytes()).collect();
        assert_eq!(found, expected);
    }
}
