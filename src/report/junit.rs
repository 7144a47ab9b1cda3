//! The report for a build server: JUnit XML, written by hand.
//!
//! A build server counts what is neither failure nor error as green, so whatever is not green
//! here is one of the two: a broken promise is a failure, and what is pending, inconclusive,
//! undriven, interrupted or did not run at all is an error. It does **not** use `skipped`.

use std::fmt;
use std::io::{self, Write};

use super::proof::{Row, row, rows};
use super::wording::{count, meaning, name_of, next_step, one_line, verdict};
use crate::history::Micros;
use crate::verdict::{CaseOutcome, Exit, RunOutcome, Verdict, Weight};

/// Writes the report of `outcome`: one suite, and a test case for each case.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(outcome: &RunOutcome, out: &mut dyn Write) -> io::Result<()> {
    let run = about_the_run(outcome);
    let tests = outcome.cases.len() + usize::from(run.is_some());
    let failures = outcome.counts().get(&Verdict::Fail).copied().unwrap_or(0);
    let open = outcome.counts().get(&Verdict::Inconclusive).copied().unwrap_or(0);
    let totals = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\" time=\"{}\"",
        open + usize::from(run.is_some()),
        Seconds(outcome.took),
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"chargeproof\" {totals}>")?;
    writeln!(out, "  <testsuite name=\"{}\" {totals} skipped=\"0\">", Attribute(&outcome.sender))?;
    properties(outcome, out)?;
    for case in &outcome.cases {
        test_case(case, out)?;
    }
    if let Some((kind, message)) = run {
        writeln!(out, "    <testcase classname=\"chargeproof\" name=\"run\" time=\"0.000000\">")?;
        writeln!(out, "      <error type=\"{kind}\" message=\"{message}\"/>")?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// What is not green about the run itself, although no case says so.
fn about_the_run(outcome: &RunOutcome) -> Option<(&'static str, &'static str)> {
    if outcome.cases.is_empty() {
        Some(("nothing-ran", "nothing ran, so nothing is proven"))
    } else if outcome.interrupted {
        Some(("interrupted", "the run was interrupted: what did not run is not proven"))
    } else {
        None
    }
}

fn properties(outcome: &RunOutcome, out: &mut dyn Write) -> io::Result<()> {
    let exit: Exit = outcome.exit();
    writeln!(out, "    <properties>")?;
    for (name, value) in [
        ("verdict", verdict(outcome.verdict()).to_owned()),
        ("exit-code", exit.code().to_string()),
        ("meaning", meaning(exit).to_owned()),
        ("seed", outcome.seed.to_string()),
    ] {
        writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", Attribute(&value))?;
    }
    writeln!(out, "    </properties>")
}

fn test_case(case: &CaseOutcome, out: &mut dyn Write) -> io::Result<()> {
    // The axes may hold a slash of their own, so the directory ends before them.
    let stem = case.id.split('[').next().unwrap_or_default();
    let directory = stem.rsplit_once('/').map_or("chargeproof", |(directory, _)| directory);
    writeln!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">",
        Attribute(directory),
        Attribute(&case.id),
        Seconds(case.took)
    )?;
    if case.judgement.verdict != Verdict::Pass {
        complaint(case, out)?;
    }
    let mut said = vec![row("title", one_line(&case.title)), row("repeat", one_line(&case.repeat))];
    said.extend(case.history.as_deref().map(|history| row("history", one_line(history))));
    writeln!(out, "      <system-out>{}</system-out>", Text(&lines(&said)))?;
    writeln!(out, "    </testcase>")
}

/// The one failure or error of a case: named after its worst finding, with all of them as text.
fn complaint(case: &CaseOutcome, out: &mut dyn Write) -> io::Result<()> {
    let findings = &case.judgement.findings;
    let Some(worst) = findings.iter().max_by_key(|finding| finding.weight) else {
        let kind = if case.judgement.verdict == Verdict::Fail { "failure" } else { "error" };
        return writeln!(out, "      <{kind} type=\"verdict\" message=\"no rule says why\"/>");
    };
    let (element, kind) = match worst.weight {
        Weight::Broken | Weight::SentTwice => ("failure", &*worst.rule),
        Weight::Undriven => ("error", "undriven"),
        Weight::Inconclusive => ("error", "inconclusive"),
        Weight::Pending => ("error", "pending"),
    };
    let mut said = Vec::new();
    for finding in findings {
        said.push(row("rule", one_line(&finding.rule)));
        said.push(row("found", one_line(&finding.message)));
        if !finding.circumstance.is_empty() {
            said.push(row("when", one_line(&finding.circumstance)));
        }
        said.extend(finding.proof.iter().flat_map(rows));
        said.extend(next_step(finding).map(|next| row("next", next)));
    }
    let mut message = worst.message.clone();
    if findings.len() > 1 {
        message.push_str(&format!(" (of {})", count(findings.len(), "finding")));
    }
    let (kind, message) = (Attribute(kind), Attribute(&message));
    let text = lines(&said);
    let text = Text(&text);
    writeln!(out, "      <{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>")
}

/// Labelled lines, each with its line end, after a first line end that keeps them apart from
/// their element.
fn lines(rows: &[Row]) -> String {
    let mut text = String::from("\n");
    for Row { label, text: said } in rows {
        text.push_str(&format!("{label:<10}{said}\n"));
    }
    text
}

/// Character data of an element.
struct Text<'a>(&'a str);

/// The value of an attribute between double quotes.
struct Attribute<'a>(&'a str);

/// A time as JUnit writes it.
struct Seconds(Micros);

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\n' | '\t' => write!(out, "{character}"),
            _ => escaped(character, out),
        })
    }
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| escaped(character, out))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:06}", self.0.0 / 1_000_000, self.0.0 % 1_000_000)
    }
}

/// Writes a character so that any reader of XML 1.0 gives it back, or gives back its name where
/// XML 1.0, section 2.2, has no way to carry it.
fn escaped(character: char, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match character {
        '<' => out.write_str("&lt;"),
        '>' => out.write_str("&gt;"),
        '&' => out.write_str("&amp;"),
        '"' => out.write_str("&quot;"),
        '\u{fffe}' | '\u{ffff}' | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
            let name = name_of(character);
            write!(out, "&lt;{}&gt;", name.trim_matches(['<', '>']))
        }
        _ => write!(out, "{character}"),
    }
}
