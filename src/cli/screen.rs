//! The screen that is written onto: how wide it is, and whether it shows colours.

use std::io::{self, Write};

use anstream::ColorChoice;
use clap::ValueEnum;

use crate::cli::failure::Failure;
use chargeproof::report::{Colour, Screen, hang, wrap};

/// When colours are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal that has not said `NO_COLOR`
    #[default]
    Auto,
    /// Always, as for `less -R`
    Always,
    /// Never
    Never,
}

impl Color {
    /// From now on, for all that is written.
    pub(super) fn choose(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::AlwaysAnsi,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Standard output. The stream itself strips colours where nobody would see them.
pub(super) fn output() -> Screen {
    Screen { colour: Colour::Ansi, columns: columns(&io::stdout()).unwrap_or(PAGE) }
}

/// How many columns standard output has; nothing where it is no terminal.
pub(super) fn output_columns() -> Option<usize> {
    columns(&io::stdout())
}

/// How many columns standard error has; nothing where it is no terminal.
pub(super) fn error_columns() -> Option<usize> {
    columns(&io::stderr())
}

/// How many columns are written to a file or a pipe.
const PAGE: usize = Screen::PAGE.columns;

/// How many columns a terminal has that does not say so.
const USUAL: usize = 80;

fn columns(stream: &(impl std::os::fd::AsFd + io::IsTerminal)) -> Option<usize> {
    let size = || terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0));
    stream.is_terminal().then(|| size().filter(|columns| *columns > 0).unwrap_or(USUAL))
}

/// Writes `text` beside `lead`, wrapped under itself.
pub(super) fn beside(out: &mut dyn Write, lead: &str, text: &str) -> Result<(), Failure> {
    for line in hang(lead, text, output().columns) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes a paragraph.
pub(super) fn paragraph(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    for line in wrap(text, output().columns) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
