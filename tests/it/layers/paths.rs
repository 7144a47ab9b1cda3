//! The paths that a file names, with what a reader needs to judge them.
//!
//! It does **not** judge, and it does not resolve: a path is what stands in the source.

use super::tokens::{Token, tokens};

/// One path such as `crate::hl7::Message` or, out of a `use` tree, `std::fs::File`.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// Whether it stands in a `use` item.
    pub(super) imported: bool,
    /// Whether that item hands on what it imports.
    pub(super) exported: bool,
    /// How many inline modules enclose it.
    pub(super) depth: usize,
    /// Whether one of them is only compiled for tests.
    pub(super) in_test: bool,
}

/// What a file of the crate holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) paths: Vec<Named>,
    /// Names of the macros that are called, and their lines.
    pub(super) macros: Vec<Named>,
    /// Modules declared for tests whose text is in another file.
    pub(super) test_files: Vec<String>,
}

/// How many tokens before a `mod` are searched for its attributes.
const ATTRIBUTES: usize = 40;

/// Reads the paths out of `source`.
pub(super) fn read(source: &str) -> Contents {
    let tokens = tokens(source);
    let mut reader =
        Reader { tokens: &tokens, at: 0, open: Vec::new(), contents: Contents::default() };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.contents
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// For each brace that is open: the module that it opened, as whether that is a test's.
    open: Vec<Option<bool>>,
    contents: Contents,
}

impl Reader<'_> {
    fn step(&mut self) {
        match self.text(0) {
            "{" => self.brace(None),
            "}" => {
                self.open.pop();
                self.at += 1;
            }
            "mod" if self.is_name(1) => self.module(),
            // `use<'a>` in a return type captures; it imports nothing.
            "use" if self.text(1) != "<" => {
                let before = self.at.checked_sub(1).map_or("", |before| &self.tokens[before].text);
                let exported = matches!(before, "pub" | ")");
                self.at += 1;
                self.tree(&[], exported);
            }
            _ if self.text(1) == "!" && self.is_name(0) && self.text(2) != "=" => {
                let called = self.named(vec![self.text(0).to_owned()], false);
                self.contents.macros.push(called);
                self.at += 2;
            }
            _ if self.is_name(0) => self.path(),
            _ => self.at += 1,
        }
    }

    fn brace(&mut self, module: Option<bool>) {
        self.open.push(module);
        self.at += 1;
    }

    /// `mod name;` or `mod name {`.
    fn module(&mut self) {
        let before: String = self.tokens[self.at.saturating_sub(ATTRIBUTES)..self.at]
            .iter()
            .map(|t| &*t.text)
            .collect();
        let attributes = before.rsplit([';', '}', '{']).next().unwrap_or_default();
        let for_tests = attributes.contains("#[cfg(test)]");
        if self.text(2) == "{" {
            self.at += 2;
            self.brace(Some(for_tests));
            return;
        }
        if for_tests {
            self.contents.test_files.push(self.text(1).to_owned());
        }
        self.at += 2;
    }

    /// A path in an expression or a type; its first segment stands here.
    fn path(&mut self) {
        let mut segments = vec![self.text(0).to_owned()];
        while self.text(1) == "::" && self.is_name(2) {
            segments.push(self.text(2).to_owned());
            self.at += 2;
        }
        if self.text(1) == "!" && self.text(2) != "=" {
            let called = self.named(segments.split_off(segments.len() - 1), false);
            self.contents.macros.push(called);
        }
        let path = self.named(segments, false);
        self.contents.paths.push(path);
        self.at += 1;
    }

    /// A `use` tree, of which `before` has been read.
    fn tree(&mut self, before: &[String], exported: bool) {
        let mut segments = before.to_vec();
        loop {
            match self.text(0) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | ";" | "") {
                        self.tree(&segments, exported);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "::" => self.at += 1,
                "as" => self.at += 2,
                "," | ";" | "}" | "" => break,
                other => {
                    segments.push(other.to_owned());
                    self.at += 1;
                }
            }
        }
        let path = Named { exported, ..self.named(segments, true) };
        self.contents.paths.push(path);
    }

    fn named(&self, segments: Vec<String>, imported: bool) -> Named {
        Named {
            segments,
            line: self.tokens[self.at.min(self.tokens.len() - 1)].line,
            imported,
            exported: false,
            depth: self.open.iter().flatten().count(),
            in_test: self.open.contains(&Some(true)),
        }
    }

    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    fn is_name(&self, ahead: usize) -> bool {
        self.text(ahead).starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}
