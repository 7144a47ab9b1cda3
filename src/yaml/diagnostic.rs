//! A mistake in a file, as a person reads it: place, message, excerpt with a caret, advice.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{At, Source, nearest};

/// A mistake in a file: where it is, what it is, and what to try next.
///
/// ```
/// use chargeproof::yaml::{Diagnostic, Source};
///
/// let source = Source::new("once/late.yaml", "title: Late\nstpes: [start]\n");
/// let mistake = Diagnostic::new(&source, 2, 1, "unknown key `stpes`").hint("did you mean `steps`?");
/// assert_eq!(
///     mistake.to_string(),
///     "once/late.yaml:2:1: unknown key `stpes`\n  |\n2 | stpes: [start]\n  | ^^^^^\nhint: did you mean `steps`?",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    source: Source,
    line: usize,
    column: usize,
    message: String,
    hints: Vec<String>,
}

impl Diagnostic {
    /// A mistake at `line` and `column`, both from 1 and counted in characters; what lies
    /// before the beginning (0) is put there.
    pub fn new(source: &Source, line: usize, column: usize, message: impl Into<String>) -> Self {
        let (line, column) = (line.max(1), column.max(1));
        let message = one_line(&message.into());
        Self { source: source.clone(), line, column, message, hints: Vec::new() }
    }

    /// A mistake at the place of a located value.
    pub fn at<T>(source: &Source, place: &At<T>, message: impl Into<String>) -> Self {
        let line = usize::try_from(place.referenced.line()).unwrap_or(0);
        let column = usize::try_from(place.referenced.column()).unwrap_or(0);
        Self::new(source, line, column, message)
    }

    /// The same mistake with advice on what to try; several are shown in the order given.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(one_line(&hint.into()));
        self
    }

    /// The same mistake with the valid word that is nearest to `word`, and with all the valid
    /// words when they are few. `plural` names them, as in `valid keys`.
    #[must_use]
    pub fn hint_words<'a>(
        mut self,
        word: &str,
        plural: &str,
        valid: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let valid: Vec<&str> = valid.into_iter().collect();
        if let Some(meant) = nearest(word, valid.iter().copied()) {
            self = self.hint(format!("did you mean `{meant}`?"));
        }
        if !valid.is_empty() && valid.len() <= FEW {
            self = self.hint(format!("{plural}: {}", valid.join(", ")));
        }
        self
    }

    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// Line and column, from 1.
    #[must_use]
    pub const fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// What is wrong, without place and advice.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The advice.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The whole text as [`fmt::Display`] writes it, with the excerpt coloured for a terminal.
    #[must_use]
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut text =
            format!("{}:{}:{}: {}", self.source.name, self.line, self.column, self.message);
        if let Some(excerpt) = self.excerpt(renderer) {
            text.push('\n');
            text.push_str(&excerpt);
        }
        for hint in &self.hints {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text
    }

    /// The line with a caret below what is wrong; none where the line is empty or missing.
    fn excerpt(&self, renderer: &Renderer) -> Option<String> {
        let line = self.source.line(self.line).filter(|line| !line.trim().is_empty())?;
        let (line, column) = window(line, self.column);
        let snippet = Snippet::source(&line)
            .line_start(self.line)
            .annotation(AnnotationKind::Primary.span(token(&line, column)));
        let group = Group::with_level(Level::ERROR).element(snippet);
        Some(renderer.render(&[group]).trim_end().to_owned())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Diagnostic {}

/// The longest message, in characters: it may quote what somebody wrote.
const LONGEST: usize = 400;

/// `text` on one line of bearable length, with control characters escaped, so that what a file
/// holds cannot speak to a terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (index, letter) in text.chars().enumerate() {
        if index == LONGEST {
            line.push('…');
            break;
        }
        if letter.is_control() {
            line.extend(letter.escape_debug());
        } else {
            line.push(letter);
        }
    }
    line
}

/// Up to this many valid words are all shown.
const FEW: usize = 10;

/// The longest excerpt, in characters.
const WIDTH: usize = 120;

/// The part of a long line around `column`, with every control character made visible, and the
/// column within it.
fn window(line: &str, column: usize) -> (String, usize) {
    let start = if column > WIDTH { column - WIDTH / 2 } else { 0 };
    let visible = |letter: char| match letter {
        '\t' => '→',
        control if control.is_control() => '\u{fffd}',
        other => other,
    };
    (line.chars().skip(start).take(WIDTH).map(visible).collect(), column - start)
}

/// The bytes of `line` that the caret marks: the word that begins at `column` (from 1).
fn token(line: &str, column: usize) -> Range<usize> {
    let offset = |(offset, _)| offset;
    let start = line.char_indices().nth(column - 1).map_or(line.len(), offset);
    let rest = line.get(start..).unwrap_or_default();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
    let length = match quote {
        Some(quote) => rest.get(1..).and_then(|inner| inner.find(quote)).map(|end| end + 2),
        None => rest.find(|end: char| end.is_whitespace() || ",[]{}:\"'".contains(end)),
    };
    let first = rest.chars().next().map_or(0, char::len_utf8);
    start..start + length.unwrap_or(rest.len()).max(first)
}
