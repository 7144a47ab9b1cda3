//! What a row expects, and whether bytes with their times are that.
//!
//! `<VT>`, `<FS>`, `<CR>`, `<LF>` and two hexadecimal digits in angle brackets are bytes, `…` is some
//! text without a control, `<any>` is anything, `<120ms>` says that what follows came at least so long, and so much more
//! than the pauses before it, after the message was sent. There are no upper bounds: a machine may
//! be slow.

use std::time::Duration;

/// A row's text as a sequence that bytes can be held against.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Byte(u8),
    Digit,
    /// Any number of bytes of a kind.
    Some(Kind),
    Pause(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Word,
    Any,
}

impl Kind {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Text => byte >= 0x20 && byte != 0x7f,
            Self::Word => byte.is_ascii_alphanumeric(),
            Self::Any => true,
        }
    }
}

/// Words in braces, the composed ones first. `{ID}` is the MSH-10 that the client sent, and `{own}`
/// and `{time}` are what an acknowledgement has of its own.
const WORDS: [(&str, &str); 7] = [
    ("{AA}", "<VT>{ack}<FS><CR>"),
    ("{CA}", "<VT>{msh}<CR>MSA|CA|{ID}<CR><FS><CR>"),
    ("{ack}", "{msh}<CR>{msa}<CR>"),
    ("{msa}", "MSA|AA|{ID}"),
    ("{msh}", "{head}||ACK^P03^ACK|{own}|P|2.4"),
    ("{head}", "MSH|^~\\&|EMR|CLINIC|IRIS|IRIS|{time}"),
    ("{time}", "{d}{d}{d}{d}{d}{d}{d}{d}{d}{d}{d}{d}{d}{d}"),
];

impl Pattern {
    /// Reads `text`, in which `{ID}` is `id`.
    pub(crate) fn read(text: &str, id: &str) -> Self {
        let spelled = WORDS.iter().fold(text.to_owned(), |text, (word, is)| text.replace(word, is));
        let spelled = spelled.replace("{ID}", id);
        let mut tokens = Vec::new();
        let mut rest = spelled.as_str();
        while let Some(first) = rest.chars().next() {
            let (read, length) = token(rest, first);
            tokens.extend(read);
            rest = &rest[length..];
        }
        Self { tokens }
    }

    pub(crate) fn then(&mut self, more: Self) {
        self.tokens.extend(more.tokens);
    }

    /// Why `bytes`, each with its time, are not this.
    pub(crate) fn differs(&self, bytes: &[(Duration, u8)]) -> Option<String> {
        let Some(pauses) = self.place(bytes) else {
            return Some("other bytes".to_owned());
        };
        let mut least = Duration::ZERO;
        for (at, pause) in pauses {
            least += pause;
            // What comes after the last byte is an end, which has a time of its own.
            if let Some((came, _)) = bytes.get(at)
                && *came < least
            {
                return Some(format!("byte {at} came after {came:?}, and {least:?} was the least"));
            }
        }
        None
    }

    /// How long all of it has to take at the least.
    pub(crate) fn least(&self) -> Duration {
        let pauses = self.tokens.iter().filter_map(|token| match token {
            Token::Pause(time) => Some(*time),
            _ => None,
        });
        pauses.sum()
    }

    /// Before which byte each pause stands, if `bytes` match.
    fn place(&self, bytes: &[(Duration, u8)]) -> Option<Vec<(usize, Duration)>> {
        let mut pauses: Vec<(usize, usize, Duration)> = Vec::new();
        let (mut at, mut next) = (0, 0);
        let mut open: Option<(usize, usize)> = None; // the last token that can take more, and till where
        loop {
            match self.tokens.get(next) {
                Some(Token::Pause(time)) => {
                    pauses.retain(|(token, ..)| *token < next);
                    pauses.push((next, at, *time));
                    next += 1;
                }
                Some(Token::Some(_)) => {
                    open = Some((next, at));
                    next += 1;
                }
                Some(Token::Byte(wanted)) if bytes.get(at).is_some_and(|(_, is)| is == wanted) => {
                    (at, next) = (at + 1, next + 1);
                }
                Some(Token::Digit) if bytes.get(at).is_some_and(|(_, is)| is.is_ascii_digit()) => {
                    (at, next) = (at + 1, next + 1);
                }
                None if at == bytes.len() => break,
                _ => {
                    let (token, till) = open?;
                    let Token::Some(kind) = self.tokens[token] else { return None };
                    let (_, byte) = bytes.get(till)?;
                    if !kind.has(*byte) {
                        return None;
                    }
                    open = Some((token, till + 1));
                    (at, next) = (till + 1, token + 1);
                }
            }
        }
        Some(pauses.into_iter().map(|(_, at, time)| (at, time)).collect())
    }
}

/// The tokens that `rest` begins with, and how long their text is.
fn token(rest: &str, first: char) -> (Vec<Token>, usize) {
    let literal = |byte| vec![Token::Byte(byte)];
    for (name, byte) in [("<VT>", 0x0b), ("<FS>", 0x1c), ("<CR>", b'\r'), ("<LF>", b'\n')] {
        if rest.starts_with(name) {
            return (literal(byte), name.len());
        }
    }
    if rest.starts_with("{d}") {
        return (vec![Token::Digit], 3);
    }
    if rest.starts_with("<any>") {
        return (vec![Token::Some(Kind::Any)], 5);
    }
    if rest.starts_with("{own}") {
        return (vec![Token::Some(Kind::Word)], 5);
    }
    if first == '…' {
        return (vec![Token::Some(Kind::Text)], first.len_utf8());
    }
    if let Some((inside, _)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let length = inside.len() + 2;
        if let Some(pause) = inside.strip_suffix("ms").and_then(|count| count.parse().ok()) {
            return (vec![Token::Pause(Duration::from_millis(pause))], length);
        }
        if inside.len() == 2
            && let Ok(byte) = u8::from_str_radix(inside, 16)
        {
            return (literal(byte), length);
        }
    }
    let mut buffer = [0; 4];
    let bytes = first.encode_utf8(&mut buffer).bytes().map(Token::Byte).collect();
    (bytes, first.len_utf8())
}
