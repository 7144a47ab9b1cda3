//! The text of one field while it is put together: structure is written as it is, everything
//! else is escaped.
//!
//! It does not know where the text comes from, and does not encode it.

use crate::hl7::Delimiters;
use crate::hl7::escape::escape_to;

use crate::mapping::expression::form::Hole;

/// The text of one field, in the default delimiters `|^~\&`.
#[derive(Debug, Default)]
pub(crate) struct FieldText {
    out: String,
}

impl FieldText {
    /// Adds text in which no character has a meaning.
    pub(crate) fn text(&mut self, text: &str) {
        escape_to(text, Delimiters::default(), &mut self.out);
    }

    /// Leaves a place open that the stamp fills.
    pub(crate) fn hole(&mut self, hole: Hole) {
        self.out.push(hole.mark());
    }

    /// Adds text that is escaped already.
    pub(crate) fn escaped(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Ends a subcomponent (`&`), component (`^`) or repetition (`~`), and drops the empty parts
    /// at its end.
    pub(crate) fn separator(&mut self, separator: char) {
        self.drop_trailing(match separator {
            '~' => b"^&",
            '^' => b"&",
            _ => b"",
        });
        self.out.push(separator);
    }

    /// Adds components, each of them text.
    pub(crate) fn components<'a>(&mut self, components: impl IntoIterator<Item = &'a str>) {
        for (index, component) in components.into_iter().enumerate() {
            if index > 0 {
                self.separator('^');
            }
            self.text(component);
        }
    }

    /// The whole text, without empty parts at its end.
    pub(crate) fn finish(&mut self) -> &str {
        self.drop_trailing(b"^&~");
        &self.out
    }

    /// Begins another field.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
    }

    fn drop_trailing(&mut self, separators: &[u8]) {
        let is_empty = |last: &u8| separators.contains(last);
        while self.out.as_bytes().last().is_some_and(is_empty) {
            self.out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldText;

    #[test]
    fn empty_parts_at_an_end_are_not_written() {
        let mut field = FieldText::default();
        field.components(["A", "", "B", "", ""]);
        field.separator('~');
        field.components(["", "", ""]);
        field.separator('~');
        field.components(["C", ""]);
        field.separator('&');
        field.separator('^');
        assert_eq!(field.finish(), "A^^B~~C");
    }

    #[test]
    fn text_cannot_make_structure() {
        let mut field = FieldText::default();
        field.text("a^b~c&d|e\\f");
        assert_eq!(field.finish(), "a\\S\\b\\R\\c\\T\\d\\F\\e\\E\\f");
    }
}
