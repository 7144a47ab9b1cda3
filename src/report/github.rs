//! What GitHub shows of a run: annotations, and a job summary in Markdown.
//!
//! A step shows ten errors and drops the rest without a word, so that there are nine, and a last one says
//! how many more there are. Rules, circumstances and cases are named; what a message says is not, for it may
//! hold values of a patient.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::group::{Group, Proven, groups, requirements};
use super::wording::{count, meaning, one_line, tally, verdict};
use crate::verdict::{RunOutcome, Weight};

/// How many annotations of a kind are shown before the last one, which counts the rest.
const SHOWN: usize = 9;

/// How many rows a table of the summary has: a summary may have 1 MiB, and nobody reads that.
const ROWS: usize = 50;

/// Writes an annotation for each rule and circumstance, the worst first.
///
/// # Errors
/// Whatever the writer fails with.
pub fn annotations(outcome: &RunOutcome, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(outcome);
    let (broken, open): (Vec<_>, Vec<_>) =
        groups.iter().partition(|group| group.weight >= Weight::Undriven);
    for (kind, groups) in [("error", broken), ("warning", open)] {
        for group in groups.iter().take(SHOWN) {
            let title = format!("{}: {}", group.rule, one_line(&group.circumstance));
            let text = format!("{}; first {}", count(group.cases.len(), "case"), first(group));
            writeln!(out, "::{kind} title={}::{}", property(&title), data(&text))?;
        }
        if let Some(more) = groups.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            writeln!(out, "::{kind} title=chargeproof::and {more} more")?;
        }
    }
    Ok(())
}

fn first(group: &Group<'_>) -> String {
    group.cases.first().map_or_else(String::new, |witness| one_line(&witness.case.id))
}

/// A text behind `::`, as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value of a property, as the runner reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary of a run in Markdown.
#[must_use]
pub fn summary(outcome: &RunOutcome) -> String {
    let exit = outcome.exit();
    let mut text = format!(
        "## chargeproof: {}\n\n{} · exit {}: {}\n",
        verdict(outcome.verdict()),
        cell(&tally(outcome)),
        exit.code(),
        meaning(exit),
    );
    if outcome.not_chosen > 0 {
        let others = count(outcome.not_chosen, "case");
        let _ = write!(text, "\n{others} not chosen, of which nothing is said.\n");
    }
    let groups = groups(outcome);
    if !groups.is_empty() {
        text.push_str("\n| rule | when | cases | first |\n|---|---|--:|---|\n");
        for group in groups.iter().take(ROWS) {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | `{}` |",
                group.rule,
                cell(&group.circumstance),
                group.cases.len(),
                code(&first(group)),
            );
        }
        if groups.len() > ROWS {
            let _ = writeln!(text, "\nand {} more", groups.len() - ROWS);
        }
    }
    let requirements = requirements(outcome);
    if !requirements.is_empty() {
        text.push_str("\n| requirement | passed | failed | inconclusive | not judged |\n");
        text.push_str("|---|--:|--:|--:|--:|\n");
        for (name, Proven { passed, unjudged, inconclusive, failed }) in
            requirements.into_iter().take(ROWS)
        {
            let name = cell(name);
            let _ =
                writeln!(text, "| {name} | {passed} | {failed} | {inconclusive} | {unjudged} |");
        }
    }
    text
}

/// A text as it stands between backticks in a table, where nothing but those and bars means anything.
fn code(text: &str) -> String {
    text.replace('`', "'").replace('|', "\\|")
}

/// A text as a cell of a table takes it.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for character in one_line(text).chars() {
        match character {
            '|' | '\\' | '`' | '<' | '>' | '*' | '_' | '[' | ']' => {
                let _ = write!(cell, "&#{};", u32::from(character));
            }
            _ => cell.push(character),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::{annotations, summary};
    use crate::report::samples;
    use crate::verdict::{Circumstance, RunOutcome};

    fn annotated(outcome: &RunOutcome) -> Vec<String> {
        let mut out = Vec::new();
        annotations(outcome, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn one_defect_is_one_annotation() {
        let lines = annotated(&samples::duplicate());
        let wanted = "::error title=once/per-order%3A answer/reject::6 cases; first ";
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(wanted), "{lines:?}");
        assert_eq!(annotated(&samples::green()), [""; 0]);
    }

    #[test]
    fn what_github_would_drop_is_counted() {
        let mut outcome = samples::duplicate();
        let case = outcome.cases.swap_remove(0);
        outcome.cases = (0..12)
            .map(|number| {
                let mut case = case.clone();
                case.id = format!("once/{number}");
                let fault = Circumstance::Fault(format!("payload/{number}"));
                case.judgement.findings[0].circumstance = fault;
                case
            })
            .collect();
        let lines = annotated(&outcome);
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[9], "::error title=chargeproof::and 3 more");
    }

    #[test]
    fn no_sender_writes_a_command_a_table_or_a_message_of_its_own() {
        for (name, outcome) in samples::all() {
            for line in annotated(&outcome) {
                assert!(
                    line.starts_with("::error ") || line.starts_with("::warning "),
                    "{name}: {line}"
                );
            }
            let page = summary(&outcome);
            assert!(page.len() < 64 * 1024, "{name}");
            for finding in outcome.cases.iter().flat_map(|case| &case.judgement.findings) {
                assert!(!page.contains(&*finding.message), "{name}: {page}");
            }
            let rows = page.lines().filter(|line| line.starts_with('|'));
            assert!(rows.clone().all(|row| row.ends_with('|')), "{name}: {page}");
        }
    }
}
