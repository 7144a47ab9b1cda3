//! Lines for a person: labels in one column, text wrapped beside them, colours only when asked.
//!
//! It does **not** know what is written and never asks whether the writer is a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a report is coloured; the caller knows what it writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text only.
    Plain,
    /// ANSI escape sequences for colours and weights.
    Ansi,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Ordinary text.
    Normal,
    /// A promise that was broken.
    Bad,
    /// Something that is open.
    Open,
    /// Something that held.
    Good,
    /// Something that helps the eye, and may be overlooked.
    Faint,
}

/// The widest line, in characters; only a single unbreakable word could be wider, and it is cut.
pub(super) const COLUMNS: usize = 100;

/// Where text begins after its label.
const TEXT: usize = 12;

/// How wide the text beside a label is.
pub(super) const TEXT_WIDTH: usize = COLUMNS - TEXT;

/// Where a label begins.
const LABEL: usize = 2;

/// A page of lines on its way to a writer.
pub(super) struct Page<'w> {
    out: &'w mut dyn Write,
    colour: Colour,
}

impl<'w> Page<'w> {
    pub(super) fn new(out: &'w mut dyn Write, colour: Colour) -> Self {
        Self { out, colour }
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// One line of differently coloured pieces, exactly as given.
    pub(super) fn pieces(&mut self, pieces: &[(Tone, &str)]) -> io::Result<()> {
        for &(tone, text) in pieces {
            self.paint(tone, text)?;
        }
        self.gap()
    }

    /// A headline: a coloured word, a text, and a note at the right margin; the note and what
    /// does not fit beside the word go onto lines of their own.
    pub(super) fn headline(&mut self, tone: Tone, text: &str, note: &str) -> io::Result<()> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let room = COLUMNS.saturating_sub(columns(text) + columns(note));
        if room >= 2 {
            let space = " ".repeat(room);
            let rest = format!(" {rest}{space}");
            return self.pieces(&[(tone, word), (Tone::Normal, &rest), (Tone::Faint, note)]);
        }
        for (index, line) in wrap(rest, COLUMNS - columns(word) - 1).iter().enumerate() {
            let lead = if index == 0 { word.to_owned() } else { " ".repeat(columns(word)) };
            self.pieces(&[(tone, &lead), (Tone::Normal, " "), (Tone::Normal, line)])?;
        }
        let space = " ".repeat(COLUMNS.saturating_sub(columns(note)));
        self.pieces(&[(Tone::Faint, &format!("{space}{note}"))])
    }

    /// A label, a lead (a time, a side of a comparison) and a text, wrapped under itself.
    pub(super) fn row(&mut self, label: &str, lead: &str, text: &str) -> io::Result<()> {
        let (before, hang) = (TEXT - LABEL, columns(lead));
        for (index, line) in wrap(text, TEXT_WIDTH - hang).iter().enumerate() {
            let (label, lead) = if index == 0 { (label, lead) } else { ("", "") };
            let label = format!("{:LABEL$}{label:<before$}", "");
            let line = format!("{lead:<hang$}{line}");
            self.pieces(&[(Tone::Faint, &label), (Tone::Normal, &line)])?;
        }
        Ok(())
    }

    fn paint(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        let style = tone.style();
        if self.colour == Colour::Plain || style == Style::new() || text.trim().is_empty() {
            return self.out.write_all(text.as_bytes());
        }
        write!(self.out, "{style}{text}{style:#}")
    }
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Normal => Style::new(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Open => AnsiColor::Yellow.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// How many columns of a terminal `text` takes: none for a mark on the letter before it, two for a
/// wide letter (Unicode Standard Annex 11).
#[must_use]
pub(super) fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The beginning of `text` that takes at most `width` columns.
#[must_use]
pub(super) fn beginning(text: &str, width: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        taken += character.width().unwrap_or(0);
        (taken > width).then_some(at)
    });
    &text[..end.unwrap_or(text.len())]
}

/// Cuts `text` into lines of at most `width` columns: at the last space that fits, or in the middle of
/// a word that alone is too long. Spaces that do not fall on a cut are kept.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while columns(rest) > width {
        let fits = beginning(rest, width);
        // A space right behind what fits is as good a place.
        let space = match rest[fits.len()..].starts_with(' ') {
            true => Some(fits.len()),
            false => fits.rfind(' '),
        };
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let cut = space.filter(|&at| at > 0).unwrap_or_else(|| fits.len().max(first));
        lines.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start_matches(' ');
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Colour, Page, Tone, wrap};

    #[rstest]
    #[case("", &[""])]
    #[case("0123456789", &["0123456789"])]
    #[case("01234 6789", &["01234 6789"])]
    #[case("01234 678901", &["01234", "678901"])]
    #[case("0123456789 x", &["0123456789", "x"])]
    #[case("0123456789012345", &["0123456789", "012345"])]
    #[case("a  b", &["a  b"])]
    #[case("ÄÖÜäöüßÄÖÜ äö", &["ÄÖÜäöüßÄÖÜ", "äö"])]
    #[case("a\u{308}a\u{308}a\u{308} 456789 x", &["a\u{308}a\u{308}a\u{308} 456789", "x"])]
    #[case("検査の料金 は 二回", &["検査の料金", "は 二回"])]
    #[case("検査の料金検", &["検査の料金", "検"])]
    fn text_is_cut_at_spaces_and_long_words_anywhere(#[case] text: &str, #[case] lines: &[&str]) {
        assert_eq!(wrap(text, 10), lines);
    }

    fn written(colour: Colour, write: impl Fn(&mut Page<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Page::new(&mut out, colour));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plain_page_holds_no_escape_sequence_and_a_coloured_one_the_same_text() {
        let write = |page: &mut Page<'_>| page.headline(Tone::Bad, "FAIL it", "(once)").unwrap();
        let plain = written(Colour::Plain, write);
        let ansi = written(Colour::Ansi, write);
        assert!(!plain.contains('\u{1b}'));
        assert!(ansi.starts_with("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m"), "{ansi:?}");
        assert_eq!(anstream::adapter::strip_str(&ansi).to_string(), plain);
    }

    #[test]
    fn a_note_stands_at_the_right_margin_even_when_it_has_no_room_beside_its_text() {
        for words in [3, 30] {
            let text = "word ".repeat(words);
            let page = written(Colour::Plain, |page| {
                page.headline(Tone::Bad, text.trim(), "(note)").unwrap();
            });
            assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
            assert!(page.ends_with("(note)\n"));
            assert_eq!(page.lines().last().unwrap().chars().count(), 100);
        }
    }
}
