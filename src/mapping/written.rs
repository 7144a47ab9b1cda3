//! Where a value of a mapping was written, for as long as it can still be found to be wrong.

use crate::yaml::{At, Diagnostic, Source};

use crate::mapping::mistake::Mistake;

/// A value and the place where its author wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Written<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// A place in a mapping file.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    source: Source,
    line: usize,
    column: usize,
    /// How many parents the file has: a greater depth has the last word.
    pub(crate) depth: usize,
}

impl Place {
    /// The file as a whole.
    pub(crate) const fn whole(source: Source, depth: usize) -> Self {
        Self { source, line: 0, column: 0, depth }
    }

    /// The place of a located value in this place's file.
    pub(crate) fn of<T>(&self, located: &At<T>) -> Self {
        let number = |number: u64| usize::try_from(number).unwrap_or(0);
        let line = number(located.referenced.line());
        let column = number(located.referenced.column());
        Self { line, column, ..self.clone() }
    }

    /// What is wrong here; points at the wrong part where that can be found in the text.
    pub(crate) fn wrong(&self, mistake: &Mistake) -> Diagnostic {
        let found = mistake.place().and_then(|part| self.find(part));
        let (line, column) = found.unwrap_or((self.line, self.column));
        let diagnostic = Diagnostic::new(&self.source, line, column, mistake.message());
        match mistake.advice() {
            Some(advice) => diagnostic.hint(advice),
            None => diagnostic,
        }
    }

    /// Where `part` stands: on the value's line or the line above, where a key stands whose value
    /// begins on a line of its own.
    fn find(&self, part: &str) -> Option<(usize, usize)> {
        if part.is_empty() {
            return None;
        }
        [self.line, self.line.checked_sub(1)?].into_iter().find_map(|line| {
            let text = self.source.text.lines().nth(line.checked_sub(1)?)?;
            let (before, _) = text.split_once(part)?;
            Some((line, before.chars().count() + 1))
        })
    }

    /// `text` read as a `T`.
    pub(crate) fn read<T>(&self, text: &str) -> Result<Written<T>, Diagnostic>
    where
        T: std::str::FromStr<Err = Mistake>,
    {
        let value = text.parse().map_err(|mistake| self.wrong(&mistake))?;
        Ok(Written { value, place: self.clone() })
    }
}
