//! The report for a person: quiet when everything held, complete when it did not.
//!
//! Findings come first, grouped so that one defect is one headline with one proof, and a defect
//! that shows everywhere is three proofs and a list; what could only not be seen because of them
//! is a line each; then which promises were proven and how long
//! the wire was watched; the last line says what the exit code means. It does **not** decide whether to colour, and its form may change between versions: a
//! program reads [`json`](super::json).
//!
//! ```text
//! FAIL once/per-order: order 273013 was sent twice                          (answer/reject, 6 cases)
//!   case      once/rejected[reply=reject]
//!   charge    order 273013, exam john-doe, 92250 CG, 92000035 TC
//!   1st       0.412 s  connection 1, emr, sender run 1, MSH-10 20260101120000, 1204 bytes
//!             0.413 s  the EMR answered AR (answer/reject)
//!   2nd       0.615 s  connection 2, emr, sender run 1, MSH-10 20260101120001, 1204 bytes
//!   differ    MSH-10: 20260101120000 | 20260101120001
//!   repeat    chargeproof run 'once/rejected[reply=reject]' --seed 7
//! ```

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::group::{self, Group, Proven, groups, held, requirements};
use super::layout::{Page, Screen, Tone, columns};
use super::proof;
pub use super::wording::one_line;
use super::wording::{
    count, duration, headword, meaning, next_step, plural, tally, verdict, watched,
};
use crate::verdict::{CaseOutcome, Exit, LeftOut, RunOutcome, Weight};

/// A circumstance that a history leaves without a name.
const NOTHING_NAMED: &str = "none in particular";

/// How many circumstances of one rule are shown with a proof; the others are only named.
const PROOFS: usize = 3;

/// Writes the report of `outcome`.
///
/// ```
/// use chargeproof::history::Micros;
/// use chargeproof::report::{Screen, terminal};
/// use chargeproof::verdict::RunOutcome;
///
/// let outcome = RunOutcome {
///     sender: "reference".into(),
///     seed: 7,
///     cases: vec![],
///     left_out: vec![],
///     not_chosen: 0,
///     shard: None,
///     took: Micros(1_000),
///     interrupted: false,
/// };
/// let mut text = Vec::new();
/// terminal::write(&outcome, Screen::PAGE, &mut text)?;
/// assert!(text.ends_with(b"exit 4: nothing ran\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(outcome: &RunOutcome, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, screen);
    let groups = groups(outcome);
    let red = groups.iter().any(|group| group.weight > Weight::Inconclusive);
    let (consequences, groups): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|group| group.is_consequence(red));
    for of_rule in
        groups.chunk_by(|one, other| (one.weight, one.rule) == (other.weight, other.rule))
    {
        let (shown, rest) = of_rule.split_at(of_rule.len().min(PROOFS));
        for group in shown {
            finding(&mut page, group)?;
            page.gap()?;
        }
        further(&mut page, rest)?;
    }
    consequence(&mut page, &consequences)?;
    proven(&mut page, outcome)?;
    summary(&mut page, outcome)
}

/// One line on how a case came out: its worst finding, if it has one.
#[must_use]
pub fn headline(case: &CaseOutcome) -> String {
    let id = one_line(&case.id);
    match case.judgement.findings.iter().max_by_key(|finding| finding.weight) {
        None => format!("PASS {id} · {}", duration(case.took)),
        Some(worst) => {
            let message = one_line(&worst.message);
            format!("{} {id}: {}: {message}", headword(worst.weight), worst.rule)
        }
    }
}

/// Writes, below a report, that not all of what it tells of could be written down.
///
/// # Errors
/// Whatever the writer fails with.
pub fn not_kept(screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let code = format!(" · exit {}: not all that was seen is written down", Exit::Usage.code());
    Page::new(out, screen).sentence(Tone::Bad, "NOT KEPT", &code)
}

/// One headline, and the proof of the first case that shows it.
fn finding(page: &mut Page<'_>, group: &Group<'_>) -> io::Result<()> {
    let [first, others @ ..] = group.cases.as_slice() else { return Ok(()) };
    let [shown, further @ ..] = first.findings.as_slice() else { return Ok(()) };
    let text = format!("{} {}: {}", headword(group.weight), group.rule, one_line(&shown.message));
    let cases = count(group.cases.len(), "case");
    // A history of somebody else's may name nothing.
    let note = match &*group.circumstance {
        "" => format!("({cases})"),
        circumstance => format!("({}, {cases})", one_line(circumstance)),
    };
    page.headline(tone(group.weight), &text, &note)?;
    page.row("case", "", &one_line(&first.case.id))?;
    for row in proof::rows(shown, page.text_width()) {
        page.row(&row.label, &row.lead, &row.text)?;
    }
    for other in further {
        page.row("and", "", &one_line(&other.message))?;
    }
    if let Some(next) = next_step(shown, first.case) {
        page.row("next", "", &next)?;
    }
    if !first.case.repeat.is_empty() {
        page.row("repeat", "", &one_line(&first.case.repeat))?;
    }
    if let Some(history) = &first.case.history {
        page.row("history", "", &one_line(history))?;
    }
    if others.is_empty() {
        return Ok(());
    }
    let others: Vec<String> = others.iter().map(|witness| one_line(&witness.case.id)).collect();
    let shown = as_many_as_fit(&others, page.text_width());
    page.row("also in", "", &shown)
}

/// The circumstances under which a rule found something besides those that were shown, each with
/// its cases if they are several.
fn further(page: &mut Page<'_>, groups: &[Group<'_>]) -> io::Result<()> {
    let Some(first) = groups.first() else { return Ok(()) };
    // Circumstances of one family, such as `frame/drip`, stand together; the rest comes last.
    let mut families: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for group in groups {
        let split = group.circumstance.split_once('/').filter(|(family, _)| !family.contains(' '));
        let (family, name) = split.unwrap_or(("", &group.circumstance));
        let name = if name.is_empty() { NOTHING_NAMED.to_owned() } else { one_line(name) };
        let name = match group.cases.len() {
            1 => name,
            cases => format!("{name} ({})", count(cases, "case")),
        };
        families.entry((family.is_empty(), family)).or_default().push(name);
    }
    let rule = first.rule;
    let text = format!(" {rule}: and under {}", count(groups.len(), "more circumstance"));
    page.sentence(tone(first.weight), headword(first.weight), &text)?;
    for ((_, family), names) in families {
        let lead = if family.is_empty() { String::new() } else { format!("{family:<11} ") };
        page.row("", &lead, &names.join(", "))?;
    }
    page.gap()
}

/// What could not be seen because of something that stands above, in a line each: it has no cause
/// of its own to look for.
fn consequence(page: &mut Page<'_>, groups: &[Group<'_>]) -> io::Result<()> {
    for group in groups {
        let what = match &*group.circumstance {
            "" => NOTHING_NAMED.to_owned(),
            circumstance => one_line(circumstance),
        };
        let text = format!("{} {}: {what}", headword(group.weight), group.rule);
        let cases = format!("({})", count(group.cases.len(), "case"));
        page.headline(tone(group.weight), &text, &cases)?;
    }
    if groups.is_empty() { Ok(()) } else { page.gap() }
}

/// As many of `names` as fit on one line, and how many there are besides; at least one.
fn as_many_as_fit(names: &[String], width: usize) -> String {
    let all = names.join(", ");
    if columns(&all) <= width {
        return all;
    }
    let shortened =
        |shown: usize| format!("{}, … {} more", names[..shown].join(", "), names.len() - shown);
    let fits = |&shown: &usize| columns(&shortened(shown)) <= width;
    match (1..names.len()).take_while(fits).last() {
        Some(shown) => shortened(shown),
        None if names.len() == 1 => all,
        None => shortened(1),
    }
}

/// Which promises were exercised, in how many cases, and whether all of them passed; how often
/// each rule held, unless all did; and how long the wire was watched.
fn proven(page: &mut Page<'_>, outcome: &RunOutcome) -> io::Result<()> {
    let requirements = requirements(outcome);
    let widest = requirements.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (label, wanted) in
        [("unproven", Standing::Unproven), ("open", Standing::Open), ("proven", Standing::Proven)]
    {
        let rows = requirements.iter().filter(|(_, proven)| standing(**proven) == wanted);
        for (index, (name, proven)) in rows.enumerate() {
            let text = format!("{:widest$}  {}", one_line(name), in_cases(*proven));
            page.row(if index == 0 { label } else { "" }, "", &text)?;
        }
    }
    unjudged(page, outcome, widest)?;
    if outcome.exit() != Exit::Passed {
        let held = held(outcome).into_iter();
        let held: Vec<String> = held.map(|(rule, times)| format!("{rule} {times}×")).collect();
        if !held.is_empty() {
            page.below("passed checks", &held.join(", "))?;
        }
    }
    if let Some(watched) = watched(&outcome.cases) {
        page.row("watched", "", &watched)?;
    }
    let again: Vec<&CaseOutcome> = outcome.cases.iter().filter(|case| case.tries > 1).collect();
    if !again.is_empty() {
        let ids: Vec<String> = again.iter().map(|case| one_line(&case.id)).collect();
        let text = format!(
            "{} ran again, alone, since the machine was late: {}",
            count(again.len(), "case"),
            as_many_as_fit(&ids, page.text_width()),
        );
        page.row("again", "", &text)?;
    }
    for (index, (step, cases)) in group::not_done(outcome).into_iter().enumerate() {
        let text = format!(
            "no {} in {}: {}; not proven: {}",
            one_line(&step.step),
            count(cases, "case"),
            one_line(&step.why),
            one_line(&step.unproven)
        );
        page.row(if index == 0 { "not done" } else { "" }, "", &text)?;
    }
    for (index, line) in left_out(&outcome.left_out).iter().enumerate() {
        page.row(if index == 0 { "skipped" } else { "" }, "", line)?;
    }
    if outcome.not_chosen > 0 {
        let part = match outcome.shard {
            Some(shard) => format!("part {} of {}; ", shard.number, shard.of),
            None => String::new(),
        };
        let others = count(outcome.not_chosen, "case");
        let text = format!("{part}{others} not chosen, of which nothing is said");
        page.row("not run", "", &text)?;
    }
    if outcome.cases.is_empty() && outcome.left_out.is_empty() { Ok(()) } else { page.gap() }
}

/// What was not judged, and why; and what of the scripts need not play and never did.
fn unjudged(page: &mut Page<'_>, outcome: &RunOutcome, widest: usize) -> io::Result<()> {
    for (index, ((what, why), cases)) in group::unjudged(outcome).into_iter().enumerate() {
        let (what, why, cases) = (one_line(what), one_line(why), count(cases, "case"));
        let text = format!("{what:widest$}  not judged in {cases}: {why}");
        page.row(if index == 0 { "unjudged" } else { "" }, "", &text)?;
    }
    let idle = group::idle(outcome);
    let further = idle.len().saturating_sub(IDLE);
    for (index, (entry, cases)) in idle.into_iter().take(IDLE).enumerate() {
        let text =
            format!("{}: optional, never played in {}", one_line(entry), count(cases, "case"));
        page.row(if index == 0 { "unplayed" } else { "" }, "", &text)?;
    }
    match further {
        0 => Ok(()),
        _ => page.row("", "", &format!("… {further} more in report.json")),
    }
}

/// How many optional entries that never played are named.
const IDLE: usize = 10;

/// A line for each reason why cases were left out.
#[must_use]
pub fn left_out(cases: &[LeftOut]) -> Vec<String> {
    let line = |((need, why), ids): ((&str, &str), Vec<&str>)| {
        let verb = if ids.len() == 1 { "needs" } else { "need" };
        format!("{} {verb} {}; {}", count(ids.len(), "case"), one_line(need), one_line(why))
    };
    group::left_out(cases).into_iter().map(line).collect()
}

/// Whether a requirement is proven by this run. One case exercises several, so that a case that
/// failed leaves all of them unproven whichever was broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Proven,
    Unjudged,
    Open,
    Unproven,
}

const fn standing(proven: Proven) -> Standing {
    match proven {
        Proven { failed: 1.., .. } => Standing::Unproven,
        Proven { inconclusive: 1.., .. } => Standing::Open,
        Proven { passed: 0, .. } => Standing::Unjudged,
        Proven { .. } => Standing::Proven,
    }
}

fn in_cases(proven: Proven) -> String {
    if proven.passed == proven.cases() {
        return format!("{:>3} {}", proven.passed, plural(proven.passed, "case"));
    }
    let mut text = format!("{:>3} of {}", proven.passed, count(proven.cases(), "case"));
    for (number, word) in [
        (proven.failed, "failed"),
        (proven.inconclusive, "inconclusive"),
        (proven.unjudged, "not judged"),
    ] {
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
        page.sentence(Tone::Open, text, "")?;
    }
    if outcome.cases.is_empty() {
        let left = match outcome.left_out.len() {
            0 => String::new(),
            left => format!(", {left} skipped"),
        };
        let rest = format!("{left}: nothing ran, so nothing is proven");
        page.sentence(Tone::Open, "0 cases", &rest)?;
    } else {
        let mut rest = String::new();
        if exit == Exit::Passed {
            rest.push_str(&format!(": {}", claim(outcome)));
        }
        rest.push_str(&format!(" · {}", duration(outcome.took)));
        page.sentence(tone, &tally(outcome), &rest)?;
    }
    if exit == Exit::Passed {
        return Ok(());
    }
    let word = match exit {
        Exit::Pending => headword(Weight::Pending).to_owned(),
        _ => verdict(outcome.verdict()).to_uppercase(),
    };
    let code = format!(" · exit {}: {}", exit.code(), meaning(exit));
    page.sentence(tone, &word, &code)
}

/// What a green run may claim: no more than what it saw.
fn claim(outcome: &RunOutcome) -> &'static str {
    let charges: u64 = outcome.cases.iter().map(|case| case.judgement.charges).sum();
    let judged = held(outcome).keys().any(|rule| rule.is_once());
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
mod tests {
    use insta::assert_snapshot;

    use super::write;
    use crate::report::{Colour, Screen, columns as width, samples};
    use crate::verdict::{Circumstance, Finding, Rule, RunOutcome, Weight};

    fn plain(outcome: &RunOutcome) -> String {
        let mut out = Vec::new();
        write(outcome, Screen::PAGE, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_step_that_could_not_happen_is_named_with_what_it_leaves_unproven() {
        let text = plain(&samples::not_restarted());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains("not done no restart in 3 cases: the sender is not a case's to end;")
        );
        assert!(text.contains("not proven: what it does with its charges after one"));
    }

    #[test]
    fn a_green_run_says_what_it_proved_and_how_long_it_watched() {
        assert_snapshot!(plain(&samples::green()), @r"
          proven    exactly-as-agreed    1 case
                    once-per-order       2 cases
                    recovers             1 case
          watched   1.2 s after the last event of each case

        3 cases, 3 passed: no charge was sent twice · 4.2 s
        ");
    }

    #[test]
    fn a_green_run_claims_no_more_than_was_judged() {
        let mut outcome = samples::green();
        for case in &mut outcome.cases {
            case.judgement.held.retain(|held| !held.rule.is_once());
        }
        assert!(plain(&outcome).contains("whether a charge was sent twice was not judged"));
        for case in &mut outcome.cases {
            case.judgement.charges = 0;
        }
        assert!(plain(&outcome).contains("3 passed: no charge was sent at all"));
    }

    #[test]
    fn what_nothing_exercised_is_not_proven() {
        assert_snapshot!(plain(&samples::unjudged()), @r"
          proven    once-per-order    2 cases
          unjudged  accounts        not judged in 2 cases: the sender file names no `account`
                    recovers        not judged in 1 case: nothing in the case exercised it
          unplayed  `answer/none` for john-doe, message 7: optional, never played in 1 case
          watched   1.2 s after the last event of each case

        2 cases, 2 passed: no charge was sent twice · 4.2 s
        ");
    }

    #[test]
    fn what_the_sender_cannot_be_asked_for_is_counted_and_named() {
        assert_snapshot!(plain(&samples::left_out()), @r"
          proven    exactly-as-agreed    1 case
                    once-per-order       2 cases
                    recovers             1 case
          watched   1.2 s after the last event of each case
          skipped   2 cases need TLS; the sender file names no `{ca}`
                    1 case needs several endpoints; the sender file names no `{endpoints}`

        3 cases, 3 passed, 3 skipped: no charge was sent twice · 4.2 s
        ");
        let nothing = RunOutcome { cases: vec![], ..samples::left_out() };
        assert_snapshot!(plain(&nothing), @r"
          skipped   2 cases need TLS; the sender file names no `{ca}`
                    1 case needs several endpoints; the sender file names no `{endpoints}`

        0 cases, 3 skipped: nothing ran, so nothing is proven
        INCONCLUSIVE · exit 4: nothing ran
        ");
    }

    #[test]
    fn the_shortest_watch_is_the_one_that_is_told() {
        let mut outcome = samples::green();
        outcome.cases[1].judgement.watched.0 = 400_000;
        assert!(
            plain(&outcome)
                .contains("  watched   at least 0.4 s after the last event of each case\n")
        );
    }

    #[test]
    fn one_defect_in_six_cases_is_one_headline_with_one_proof() {
        assert_snapshot!(plain(&samples::duplicate()), @r"
        FAIL once/per-order: order 273013 was sent twice                            (answer/reject, 6 cases)
          case      once/rejected[reply=reject]
          charge    order 273013, exam john-doe, 92250 CG, 92000035 TC
          1st       0.412 s  connection 1, emr, sender run 1, MSH-10 20260101120000, 1204 bytes
                    0.413 s  the EMR answered AR (answer/reject)
          2nd       0.615 s  connection 2, emr, sender run 1, MSH-10 20260101120001, 1204 bytes
          differ    MSH-10: 20260101120000 | 20260101120001
          repeat    chargeproof run 'once/rejected[reply=reject]' --seed 7
          history   chargeproof-out/once/rejected[reply=reject].jsonl
          also in   once/rejected[reply=error], once/rejected[reply=commit-reject], … 3 more

          unproven  once-per-order       0 of 6 cases, 6 failed
          proven    exactly-as-agreed    1 case
          passed checks
                    delivers 7×, once/per-order 3×, wire/framing 21×
          watched   1.2 s after the last event of each case

        7 cases, 6 failed, 1 passed · 4.2 s
        FAIL · exit 10: a charge was sent twice
        ");
    }

    #[test]
    fn a_message_that_is_not_as_agreed_is_told_field_by_field() {
        assert_snapshot!(plain(&samples::snapshot()), @r"
        FAIL snapshot: the message of john-doe is not the approved one                   (FT1[2]-26, 1 case)
          case      deliver/plain
          charge    order 273013, exam john-doe
          sent      0.101 s  connection 1, emr, sender run 1, MSH-10 20260101120000, 1204 bytes
          differ    FT1[2]-26: expected TC~52, got TC
                    PV1-45: expected 20260101120000, got nothing
                    FT1[3]
                    expected  nothing
                    got       FT1|3|273013||20260101120000|20260101120000|CG|92250^FUNDUS PHOTOGRAPHY WITH
                              INTERPRETATION AND REPORT^CPT
          repeat    chargeproof run 'deliver/plain' --seed 7
          history   chargeproof-out/deliver/plain.jsonl

        PENDING snapshot: the message of jane-roe has no approved snapshot   (snapshot not approved, 1 case)
          case      deliver/new
          next      `--update` writes it down: read it; if it is as agreed, rename it to end in `.snap`
          repeat    chargeproof run 'deliver/new' --seed 7
          history   chargeproof-out/deliver/new.jsonl

          unproven  exactly-as-agreed    0 of 2 cases, 1 failed, 1 inconclusive
          passed checks
                    delivers 2×, wire/framing 6×
          watched   1.2 s after the last event of each case

        2 cases, 1 failed, 1 inconclusive · 4.2 s
        FAIL · exit 1: a check failed
        ");
    }

    #[test]
    fn what_is_open_is_told_with_its_reason_and_what_to_try_next() {
        assert_snapshot!(plain(&samples::inconclusive()), @r"
        INCONCLUSIVE once/per-order: the sender had exited by itself before it was killed, so order 273013
                     proves nothing about a kill
                                                                                   (kill not proven, 1 case)
          case      once/killed[at=end-of-message]
          next      chargeproof explain once/per-order; if the sender is only slow, give it longer limits in
                    its sender file
          repeat    chargeproof run 'once/killed[at=end-of-message]' --seed 7

        PENDING snapshot: the message of jane-roe has no approved snapshot   (snapshot not approved, 1 case)
          case      deliver/new
          next      `--update` writes it down: read it; if it is as agreed, rename it to end in `.snap`
          repeat    chargeproof run 'deliver/new' --seed 7
          history   chargeproof-out/deliver/new.jsonl

          open      exactly-as-agreed    0 of 1 case, 1 inconclusive
                    once-per-order       1 of 3 cases, 2 inconclusive
          passed checks
                    delivers 3×, once/per-order 3×, wire/framing 9×
          watched   1.2 s after the last event of each case

        3 cases, 2 inconclusive, 1 passed · 4.2 s
        INCONCLUSIVE · exit 5: something needed for a verdict was not seen
        ");
    }

    #[test]
    fn what_follows_from_something_worse_is_a_line_without_a_hint() {
        assert_snapshot!(plain(&samples::silent()), @r"
        FAIL delivers: the charge of order 273013 never came                          (healthy EMR, 2 cases)
          case      once/early
          next      nothing was sent at all: start the sender by hand, with the command of its sender file;
                    if it is only slow to start, name in its file what shows that it is ready (`ready`)
          repeat    chargeproof run 'once/early' --seed 7
          history   chargeproof-out/once/early.jsonl
          also in   once/late

        INCONCLUSIVE once/per-order: nothing was sent                                              (3 cases)
        INCONCLUSIVE once/per-order: fault not played                                               (1 case)

          unproven  once-per-order    0 of 2 cases, 2 failed
          open      recovers          0 of 1 case, 1 inconclusive
          passed checks
                    delivers 3×, wire/framing 9×
          watched   1.2 s after the last event of each case

        3 cases, 2 failed, 1 inconclusive · 4.2 s
        FAIL · exit 1: a check failed
        ");
    }

    #[test]
    fn whoever_sent_nothing_is_not_told_to_be_more_patient() {
        let mut outcome = samples::silent();
        outcome.cases.drain(..2);
        let text = plain(&outcome);
        assert!(text.contains("  next      nothing was sent at all: start the sender"), "{text}");
        assert!(!text.contains("longer limits"), "{text}");
    }

    #[test]
    fn a_run_of_nothing_proves_nothing() {
        assert_snapshot!(plain(&samples::nothing_ran()), @r"
        0 cases: nothing ran, so nothing is proven
        INCONCLUSIVE · exit 4: nothing ran
        ");
    }

    #[test]
    fn an_interrupted_run_is_not_green_although_all_its_cases_are() {
        assert_snapshot!(plain(&samples::interrupted()), @r"
          proven    once-per-order    1 case
          passed checks
                    delivers 1×, once/per-order 3×, wire/framing 3×
          watched   1.2 s after the last event of each case

        INTERRUPTED: what did not run is not proven
        1 case, 1 passed · 4.2 s
        INCONCLUSIVE · exit 5: something needed for a verdict was not seen
        ");
    }

    #[test]
    fn no_line_is_too_wide_and_no_sender_writes_to_the_terminal_itself() {
        let all = samples::all();
        for (columns, (name, outcome)) in [60, 80, 100, 120, 200]
            .iter()
            .flat_map(|&width| all.iter().map(move |one| (width, one)))
        {
            let mut out = Vec::new();
            write(outcome, Screen { columns, ..Screen::PAGE }, &mut out).unwrap();
            for line in String::from_utf8(out).unwrap().lines() {
                assert!(width(line) <= columns, "{name} at {columns}: {line}");
                assert!(!line.contains(char::is_control), "{name}: {line:?}");
                assert_eq!(line, line.trim_end(), "{name}");
            }
        }
    }

    #[test]
    fn colours_add_nothing_but_escape_sequences() {
        for (name, outcome) in samples::all() {
            let mut out = Vec::new();
            write(&outcome, Screen { colour: Colour::Ansi, ..Screen::PAGE }, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains("\u{1b}["), "{name}");
            assert_eq!(anstream::adapter::strip_str(&text).to_string(), plain(&outcome), "{name}");
        }
    }

    #[test]
    fn a_second_finding_of_the_same_case_and_group_is_not_lost() {
        let mut outcome = samples::duplicate();
        let mut second = outcome.cases[0].judgement.findings[0].clone();
        second.message = "order 273014 was sent twice".into();
        outcome.cases[0].judgement.findings.push(second);
        let text = plain(&outcome);
        assert!(text.contains("\n  and       order 273014 was sent twice\n"), "{text}");
        assert!(text.contains("(answer/reject, 6 cases)"));
    }

    #[test]
    fn a_defect_that_shows_everywhere_is_three_proofs_and_a_list_that_leaves_none_out() {
        let mut outcome = samples::duplicate();
        outcome.cases.pop();
        let fault = |name: &str| Circumstance::Fault(name.to_owned());
        let circumstances = [
            Circumstance::Kill,
            Circumstance::Kill,
            Circumstance::Restart,
            fault("frame/drip"),
            fault("payload/xml"),
            fault("payload/xml"),
        ];
        for (case, circumstance) in outcome.cases.iter_mut().zip(circumstances) {
            case.judgement.findings[0].circumstance = circumstance;
        }
        let mut other = outcome.cases[0].clone();
        other.judgement.findings[0].circumstance = fault("answer/none");
        let others = ["once/a", "once/b", "once/c"].map(|id| {
            let id = id.into();
            crate::verdict::CaseOutcome { id, ..other.clone() }
        });
        outcome.cases.extend(others);
        let text = plain(&outcome);
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL once")).collect();
        assert_eq!(heads.len(), 4, "{text}");
        let shown = ["(answer/none, 3 cases)", "(kill, 2 cases)", "(payload/xml, 2 cases)"];
        for (head, note) in heads.iter().zip(shown) {
            assert!(head.ends_with(note), "{head}");
        }
        assert_eq!(heads[3], "FAIL once/per-order: and under 2 more circumstances");
        assert!(text.contains("\n            frame       drip\n            restart\n"), "{text}");
    }

    #[test]
    fn a_circumstance_without_a_name_is_no_gap() {
        let mut outcome = samples::duplicate();
        for case in &mut outcome.cases {
            case.judgement.findings.iter_mut().for_each(|finding| {
                finding.circumstance = Circumstance::Bound(String::new());
            });
        }
        let text = plain(&outcome);
        assert!(text.contains(" (6 cases)"), "{text}");
        assert!(!text.contains("(, "), "{text}");
    }

    #[test]
    fn the_worst_group_comes_first() {
        let mut outcome = samples::inconclusive();
        let finding = |weight: Weight, rule| Finding {
            rule,
            weight,
            circumstance: Circumstance::Start,
            message: "it did".into(),
            proof: None,
        };
        outcome.cases[2].judgement.findings = vec![
            finding(Weight::Undriven, Rule::SenderStarts),
            finding(Weight::Broken, Rule::WireFraming),
            finding(Weight::SentTwice, Rule::OncePerOrder),
        ];
        let text = plain(&outcome);
        let heads: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(char::is_uppercase))
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(
            heads,
            [
                "FAIL once/per-order",
                "FAIL wire/framing",
                "UNDRIVEN sender/starts",
                "INCONCLUSIVE once/per-order",
                "PENDING snapshot",
                "FAIL · exit 10",
            ]
        );
    }
}
