//! The pages, and what stands in them: samples between fences, links, anchors, command lines in the text.
//!
//! Does **not** read Markdown in general: fences, headings and links as the pages here write them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A page of the project.
pub(super) struct Page {
    /// From the root of the project, such as `docs/serve.md`.
    pub(super) name: String,
    pub(super) text: String,
}

impl Page {
    /// The name of a file whose path is given from this page.
    pub(super) fn beside(&self, path: &str) -> String {
        let mut parts: Vec<&str> = self.name.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            match part {
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        parts.join("/")
    }
}

/// What stands between two fences.
pub(super) struct Sample {
    pub(super) page: String,
    line: usize,
    /// What stands behind the first fence.
    pub(super) info: String,
    pub(super) text: String,
}

impl Sample {
    /// Where it stands.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    /// Whether it is of this language.
    pub(super) fn is(&self, language: &str) -> bool {
        self.info.split(' ').next() == Some(language)
    }

    /// Whether somebody can see what should become of it.
    pub(super) fn says_what_it_is(&self) -> bool {
        match self.info.split_once(' ').unwrap_or((&self.info, "")) {
            ("sh", "") | ("console", "" | "simulated") => true,
            ("console", reason) => {
                reason.strip_prefix("not-run: ").is_some_and(|why| !why.is_empty())
            }
            ("text", reason) => reason.strip_prefix("why: ").is_some_and(|why| !why.is_empty()),
            ("yaml" | "json", kind) => !kind.is_empty(),
            _ => false,
        }
    }

    /// The commands of a session, each with what it prints.
    pub(super) fn session(&self) -> Vec<(String, String)> {
        let mut session: Vec<(String, String)> = Vec::new();
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                session.push((command.to_owned(), String::new()));
            } else {
                let (_, shown) = session.last_mut().expect("a session begins with a command");
                *shown += line;
                shown.push('\n');
            }
        }
        session
    }

    /// The command lines of this program in it.
    pub(super) fn commands(&self) -> Vec<String> {
        let lines = self.text.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line));
        let lines = lines.flat_map(|line| line.split(" && "));
        lines.filter(|line| line.starts_with("chargeproof ")).map(str::to_owned).collect()
    }
}

/// The root of the project.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages.
pub(super) fn documents() -> Vec<Page> {
    let folder = std::fs::read_dir(root().join("docs")).unwrap();
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let others =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "scenarios/README.md", "benches/README.md"];
    paths.extend(others.map(|name| root().join(name)));
    let page = |path: PathBuf| Page {
        name: path.strip_prefix(root()).unwrap().display().to_string(),
        text: std::fs::read_to_string(&path).unwrap(),
    };
    paths.into_iter().map(page).collect()
}

/// All samples of the pages for users.
pub(super) fn samples() -> Vec<Sample> {
    let for_users =
        |page: &Page| !["CONTRIBUTING.md", "benches/README.md"].contains(&page.name.as_str());
    documents().iter().filter(|page| for_users(page)).flat_map(of_page).collect()
}

fn of_page(page: &Page) -> Vec<Sample> {
    let mut found: Vec<Sample> = Vec::new();
    let mut within = false;
    for (index, line) in page.text.lines().enumerate() {
        match (line.strip_prefix("```"), within) {
            (Some(info), false) => {
                let (page, info) = (page.name.clone(), info.to_owned());
                found.push(Sample { page, line: index + 1, info, text: String::new() });
            }
            (None, true) => {
                let sample = found.last_mut().unwrap();
                sample.text += line;
                sample.text.push('\n');
            }
            _ => {}
        }
        within ^= line.starts_with("```");
    }
    assert!(!within, "{}: a fence is open at its end", page.name);
    found
}

/// The lines that stand between no fences.
fn prose(text: &str) -> String {
    let outside = |(index, part): (usize, &str)| (index % 2 == 0).then(|| part.to_owned());
    text.split("```").enumerate().filter_map(outside).collect()
}

/// What the links of a page lead to, but for those to other places of the net.
pub(super) fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).map(|after| after.split(')').next().unwrap());
    targets.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// The anchors of the headings of a page.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// As the hosts of repositories make them: in small letters, without signs, dashes for blanks.
fn anchor(heading: &str) -> String {
    let kept = |one: &char| one.is_alphanumeric() || " -_".contains(*one);
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

/// The command lines that stand in the text, between backticks.
pub(super) fn spoken(text: &str) -> Vec<String> {
    let prose = prose(text);
    let code = prose.split('`').skip(1).step_by(2);
    let lines = code.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| line.starts_with("chargeproof ")).collect()
}
