//! Lines for a person: labels in one column, text wrapped beside them, colours only when asked.
//!
//! It does **not** know what is written and never asks whether the writer is a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

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

/// What a report is written onto.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether it shows colours.
    pub colour: Colour,
    /// How many columns it has: no line is wider. A word that alone is wider is cut.
    pub columns: usize,
}

impl Screen {
    /// A page of text: no colours, 100 columns.
    pub const PAGE: Self = Self { colour: Colour::Plain, columns: 100 };
}

/// Where text begins after its label.
const TEXT: usize = 12;

/// Fewer columns than this are treated as this many.
const NARROWEST: usize = 40;

/// Where a label begins.
const LABEL: usize = 2;

/// A page of lines on its way to a writer.
pub(super) struct Page<'w> {
    out: &'w mut dyn Write,
    screen: Screen,
}

impl<'w> Page<'w> {
    pub(super) fn new(out: &'w mut dyn Write, screen: Screen) -> Self {
        let columns = screen.columns.max(NARROWEST);
        Self { out, screen: Screen { columns, ..screen } }
    }

    /// How wide the text beside a label is.
    pub(super) const fn text_width(&self) -> usize {
        self.screen.columns - TEXT
    }

    /// One sentence, its first words coloured; what does not fit goes onto further lines.
    pub(super) fn sentence(&mut self, tone: Tone, first: &str, rest: &str) -> io::Result<()> {
        let all = format!("{first}{rest}");
        let mut lines = wrap(&all, self.screen.columns).into_iter();
        let line = lines.next().unwrap_or_default();
        match line.strip_prefix(first) {
            Some(rest) => self.pieces(&[(tone, first), (Tone::Normal, rest)])?,
            None => self.pieces(&[(tone, &line)])?,
        }
        lines.try_for_each(|line| self.pieces(&[(Tone::Normal, &line)]))
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
        let room = self.screen.columns.saturating_sub(columns(text) + columns(note));
        if room >= 2 {
            let space = " ".repeat(room);
            let rest = format!(" {rest}{space}");
            return self.pieces(&[(tone, word), (Tone::Normal, &rest), (Tone::Faint, note)]);
        }
        let lines = wrap(rest, self.screen.columns - columns(word) - 1);
        for (index, line) in lines.iter().enumerate() {
            let lead = if index == 0 { word.to_owned() } else { " ".repeat(columns(word)) };
            self.pieces(&[(tone, &lead), (Tone::Normal, " "), (Tone::Normal, line)])?;
        }
        for line in wrap(note, self.screen.columns) {
            let space = " ".repeat(self.screen.columns.saturating_sub(columns(&line)));
            self.pieces(&[(Tone::Faint, &format!("{space}{line}"))])?;
        }
        Ok(())
    }

    /// A label, a lead (a time, a side of a comparison) and a text, wrapped under itself.
    pub(super) fn row(&mut self, label: &str, lead: &str, text: &str) -> io::Result<()> {
        let (before, hang) = (TEXT - LABEL, columns(lead));
        for (index, line) in wrap(text, self.text_width() - hang).iter().enumerate() {
            let (label, lead) = if index == 0 { (label, lead) } else { ("", "") };
            let label = format!("{:LABEL$}{label:<before$}", "");
            let line = format!("{lead:<hang$}{line}");
            self.pieces(&[(Tone::Faint, &label), (Tone::Normal, &line)])?;
        }
        Ok(())
    }

    /// A label that is too long to stand beside its text, and the text below it.
    pub(super) fn below(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.pieces(&[(Tone::Faint, &format!("{:LABEL$}{label}", ""))])?;
        self.row("", "", text)
    }

    fn paint(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        let style = tone.style();
        if self.screen.colour == Colour::Plain || style == Style::new() || text.trim().is_empty() {
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
pub fn columns(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
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

/// Lines of at most `width` columns in which `text` stands beside `lead` and is wrapped under itself; or
/// below it, where too little room is left beside it.
#[must_use]
pub fn hang(lead: &str, text: &str, width: usize) -> Vec<String> {
    let beside = columns(lead);
    if beside + LEAST <= width || beside + columns(text) <= width {
        let lines = wrap(text, width.saturating_sub(beside).max(1));
        let lead = |index| if index == 0 { lead.to_owned() } else { " ".repeat(beside) };
        let line = |(index, line): (usize, String)| format!("{}{line}", lead(index));
        return lines.into_iter().enumerate().map(|one| line(one).trim_end().to_owned()).collect();
    }
    let below = wrap(text, width.saturating_sub(INDENT.len()).max(1));
    let below = below.into_iter().map(|line| format!("{INDENT}{line}"));
    wrap(lead.trim_end(), width).into_iter().chain(below).collect()
}

/// How much room a text needs beside what leads it.
const LEAST: usize = 24;

/// What stands before a text below what leads it.
const INDENT: &str = "    ";

/// Cuts `text` into lines of at most `width` columns: at the last space that fits, or in the middle of
/// a word that alone is too long. Spaces that do not fall on a cut are kept.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let fits = beginning(rest, width);
        if fits.len() == rest.len() {
            break;
        }
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

    use super::{Colour, Page, Screen, Tone, columns, hang, wrap};

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

    fn written(screen: Screen, write: impl Fn(&mut Page<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Page::new(&mut out, screen));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plain_page_holds_no_escape_sequence_and_a_coloured_one_the_same_text() {
        let write = |page: &mut Page<'_>| page.headline(Tone::Bad, "FAIL it", "(once)").unwrap();
        let plain = written(Screen::PAGE, write);
        let ansi = written(Screen { colour: Colour::Ansi, ..Screen::PAGE }, write);
        assert!(!plain.contains('\u{1b}'));
        assert!(ansi.starts_with("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m"), "{ansi:?}");
        assert_eq!(anstream::adapter::strip_str(&ansi).to_string(), plain);
    }

    #[test]
    fn a_note_stands_at_the_right_margin_even_when_it_has_no_room_beside_its_text() {
        for words in [3, 30] {
            let text = "word ".repeat(words);
            let page = written(Screen::PAGE, |page| {
                page.headline(Tone::Bad, text.trim(), "(note)").unwrap();
            });
            assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
            assert!(page.ends_with("(note)\n"));
            assert_eq!(page.lines().last().unwrap().chars().count(), 100);
        }
    }

    #[rstest]
    #[case::beside("a  ", "one two three four five six", 30, &["a  one two three four five six"])]
    #[case::under_itself("a  ", "one two three four five six", 27, &["a  one two three four five", "   six"])]
    #[case::below("a long lead  ", "one two three four", 20, &["a long lead", "    one two three", "    four"])]
    fn a_text_hangs_beside_its_lead_or_below_it(
        #[case] lead: &str,
        #[case] text: &str,
        #[case] width: usize,
        #[case] lines: &[&str],
    ) {
        let hung = hang(lead, text, width);
        assert_eq!(hung, lines);
        assert!(hung.iter().all(|line| columns(line) <= width));
    }
}
