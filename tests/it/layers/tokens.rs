//! Rust source as tokens: enough to see its paths, without comments, strings and characters.
//!
//! It does **not** parse Rust; it only never mistakes text for code.

/// A token with the line that it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

/// The tokens of `source`: identifiers, `::`, and every other visible character by itself.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.pass(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.pass(block_comment(rest));
        } else if let Some(length) = literal(rest) {
            self.keep("\"\"", length);
        } else if rest.starts_with("::") {
            self.keep("::", 2);
        } else {
            let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let length =
                if word > 0 { word } else { rest.chars().next().map_or(1, char::len_utf8) };
            if rest.starts_with(char::is_whitespace) {
                self.pass(length);
            } else {
                self.keep(rest[..length].trim_start_matches("r#"), length);
            }
        }
    }

    fn keep(&mut self, text: &str, length: usize) {
        self.tokens.push(Token { text: text.to_owned(), line: self.line });
        self.pass(length);
    }

    fn pass(&mut self, length: usize) {
        self.line += self.rest[..length].matches('\n').count();
        self.rest = &self.rest[length..];
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of the block comment that `text` begins with; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of the string, byte string or character that `text` begins with, if it does.
fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['"', '#', '\'']))
    })?;
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        // A raw identifier such as `r#type` has no quote after its hash.
        let body = rest[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    if let Some(body) = rest.strip_prefix('"') {
        return Some(prefix.len() + 1 + quoted(body, '"'));
    }
    let body = rest.strip_prefix('\'').filter(|_| matches!(prefix, "" | "b"))?;
    let mut characters = body.chars();
    let (first, second) = (characters.next()?, characters.next()?);
    // A lifetime has no quote after its first letter.
    let is_character = first == '\\' || second == '\'';
    is_character.then(|| prefix.len() + 1 + quoted(body, '\''))
}

/// The length up to and including the quote that ends `body`.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in body.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    body.len()
}
