//! The report for a person: quiet when everything held, complete when it did not.
//!
//! Findings come first, grouped so that one defect is one headline with one proof; then which
//! promises were proven and how often they were exercised; the last line says what the exit code
//! means. It does **not** decide whether to colour, and its form may change between versions: a
//! program reads [`json`](super::json).
//!
//! ```text
//! FAIL once/per-order: order 273013 was sent twice                          (answer/reject, 6 cases)
//!   case      once/rejected[reply=reject]
//!   charge    order 273013, exam john-doe, 92250 CG, 92000035 TC
//!   1st       0.412 s  connection 1, emr, life 1, MSH-10 20260101120000, 1204 bytes
//!             0.413 s  the EMR answered AR (answer/reject)
//!   2nd       0.615 s  connection 2, emr, life 1, MSH-10 20260101120001, 1204 bytes
//!   differ    MSH-10: 20260101120000 | 20260101120001
//!   repeat    chargeproof run 'once/rejected[reply=reject]' --seed 7
//! ```

use std::io::{self, Write};

use super::group::{Group, Proven, groups, held, requirements};
use super::layout::{Colour, Page, TEXT_WIDTH, Tone};
use super::proof;
use super::wording::{
    count, duration, headword, meaning, next_step, one_line, tally, verdict, watched,
};
use crate::verdict::{Exit, RunOutcome, Weight};

/// Writes the report of `outcome`, at most 100 columns wide.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(outcome: &RunOutcome, colour: Colour, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, colour);
    for group in groups(outcome) {
        finding(&mut page, &group)?;
        page.gap()?;
    }
    proven(&mut page, outcome)?;
    summary(&mut page, outcome)
}

/// One headline, and the proof of the first case that shows it.
fn finding(page: &mut Page<'_>, group: &Group<'_>) -> io::Result<()> {
    let [first, others @ ..] = group.cases.as_slice() else { return Ok(()) };
    let [shown, further @ ..] = first.findings.as_slice() else { return Ok(()) };
    let text =
        format!("{} {}: {}", headword(group.weight), one_line(group.rule), one_line(&shown.message));
    let cases = count(group.cases.len(), "case");
    let note = match group.circumstance {
        "" => format!("({cases})"),
        circumstance => format!("({}, {cases})", one_line(circumstance)),
    };
    page.headline(tone(group.weight), &text, &note)?;
    page.row("case", &one_line(&first.case.id))?;
    for row in shown.proof.iter().flat_map(proof::rows) {
        page.row(&row.label, &row.text)?;
    }
    for other in further {
        page.row("and", &one_line(&other.message))?;
    }
    if let Some(next) = next_step(shown) {
        page.row("next", &next)?;
    }
    page.row("repeat", &one_line(&first.case.repeat))?;
    if let Some(history) = &first.case.history {
        page.row("history", &one_line(history))?;
    }
    if others.is_empty() {
        return Ok(());
    }
    let others: Vec<String> = others.iter().map(|witness| one_line(&witness.case.id)).collect();
    page.row("also in", &as_many_as_fit(&others))
}

/// As many of `names` as fit on one line, and how many there are besides; at least one.
fn as_many_as_fit(names: &[String]) -> String {
    let all = names.join(", ");
    if all.chars().count() <= TEXT_WIDTH {
        return all;
    }
    let shortened = |shown: usize| {
        format!("{}, … {} more", names[..shown].join(", "), names.len() - shown)
    };
    let fits = |&shown: &usize| shortened(shown).chars().count() <= TEXT_WIDTH;
    match (1..names.len()).take_while(fits).last() {
        Some(shown) => shortened(shown),
        None if names.len() == 1 => all,
        None => shortened(1),
    }
}

/// Which promises were exercised, in how many cases, and whether they held in all of them.
fn proven(page: &mut Page<'_>, outcome: &RunOutcome) -> io::Result<()> {
    let requirements = requirements(outcome);
    let widest = requirements.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (label, wanted) in [("broken", Standing::Broken), ("open", Standing::Open), ("proven", Standing::Proven)] {
        let rows = requirements.iter().filter(|(_, proven)| standing(**proven) == wanted);
        for (index, (name, proven)) in rows.enumerate() {
            let text = format!("{:widest$}  {}", one_line(name), in_cases(*proven));
            page.row(if index == 0 { label } else { "" }, &text)?;
        }
    }
    let held: Vec<String> = held(outcome)
        .into_iter()
        .map(|(rule, times)| format!("{} {times}×", one_line(rule)))
        .collect();
    if !held.is_empty() {
        page.row("held", &held.join(", "))?;
    }
    Ok(())
}

/// Whether a requirement is proven by this run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Proven,
    Open,
    Broken,
}

const fn standing(proven: Proven) -> Standing {
    match proven {
        Proven { failed: 1.., .. } => Standing::Broken,
        Proven { inconclusive: 1.., .. } => Standing::Open,
        Proven { .. } => Standing::Proven,
    }
}

fn in_cases(proven: Proven) -> String {
    let cases = count(proven.cases(), "case");
    if proven.passed == proven.cases() {
        return format!("{:>3} {}", proven.cases(), &cases[cases.find(' ').map_or(0, |at| at + 1)..]);
    }
    let mut text = format!("{:>3} of {cases}", proven.passed);
    for (number, word) in [(proven.failed, "failed"), (proven.inconclusive, "inconclusive")] {
        if number > 0 {
            text.push_str(&format!(", {number} {word}"));
        }
    }
    text
}

/// How the run came out, and what its exit code means unless all is well.
fn summary(page: &mut Page<'_>, outcome: &RunOutcome) -> io::Result<()> {
    let exit = outcome.exit();
    let tone = match exit {
        Exit::Passed => Tone::Good,
        Exit::Failed | Exit::SentTwice | Exit::Internal | Exit::Usage => Tone::Bad,
        Exit::Pending | Exit::NothingRan | Exit::Inconclusive | Exit::Undriven => Tone::Open,
    };
    if outcome.interrupted {
        let text = "INTERRUPTED: what did not run is not proven";
        page.pieces(&[(Tone::Open, text)])?;
    }
    if outcome.cases.is_empty() {
        page.pieces(&[(Tone::Open, "0 cases"), (Tone::Normal, ": nothing ran, so nothing is proven")])?;
    } else {
        let mut rest = String::new();
        if exit == Exit::Passed {
            rest.push_str(&format!(": {}", claim(outcome)));
        }
        for part in watched(&outcome.cases).into_iter().chain([duration(outcome.took)]) {
            rest.push_str(&format!(" · {part}"));
        }
        page.pieces(&[(tone, &tally(outcome)), (Tone::Normal, &rest)])?;
    }
    if exit == Exit::Passed {
        return Ok(());
    }
    let word = verdict(outcome.verdict()).to_uppercase();
    let code = format!(" · exit {}: {}", exit.code(), meaning(exit));
    page.pieces(&[(tone, &word), (Tone::Normal, &code)])
}

/// What a green run may claim: no more than what it saw.
fn claim(outcome: &RunOutcome) -> &'static str {
    let charges: u64 = outcome.cases.iter().map(|case| case.judgement.charges).sum();
    let judged = held(outcome).keys().any(|rule| rule.starts_with("once/"));
    match (charges, judged) {
        (0, _) => "no charge was sent at all",
        (_, true) => "no charge was sent twice",
        (_, false) => "whether a charge was sent twice was not judged",
    }
}

const fn tone(weight: Weight) -> Tone {
    match weight {
        Weight::Pending | Weight::Inconclusive | Weight::Undriven => Tone::Open,
        Weight::Broken | Weight::SentTwice => Tone::Bad,
    }
}

#[cfg(test)]
mod dump {
    #[test]
    fn dump() {
        for (n, o) in crate::report::samples::all() {
            let mut out = Vec::new();
            super::write(&o, super::Colour::Plain, &mut out).unwrap();
            std::fs::write(format!("/tmp/w/dump-{}.txt", n.replace(' ', "-")), &out).unwrap();
            let mut out = Vec::new();
            crate::report::junit::write(&o, &mut out).unwrap();
            std::fs::write(format!("/tmp/w/dump-{}.xml", n.replace(' ', "-")), &out).unwrap();
            let mut out = Vec::new();
            crate::report::json::write(&o, &mut out).unwrap();
            std::fs::write(format!("/tmp/w/dump-{}.json", n.replace(' ', "-")), &out).unwrap();
        }
    }
}
