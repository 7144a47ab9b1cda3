//! The words that all reports share: times, counts, exit codes, and text from a sender made safe.
//!
//! It does **not** lay anything out and knows neither colours nor widths.

use crate::history::Micros;
use crate::verdict::{CaseOutcome, Circumstance, Exit, Finding, Rule, RunOutcome, Verdict, Weight};

/// What an exit code means, as a lowercase fragment.
#[must_use]
pub const fn meaning(exit: Exit) -> &'static str {
    match exit {
        Exit::Passed => "all required checks passed",
        Exit::Failed => "a check failed",
        Exit::Usage => {
            "wrong usage, or a file that cannot be written, or read as what it should be"
        }
        Exit::Pending => "only snapshots that wait for review",
        Exit::NothingRan => "nothing ran",
        Exit::Inconclusive => "something needed for a verdict was not seen",
        Exit::Undriven => "the sender could not be started or driven",
        Exit::SentTwice => "a charge was sent twice",
        Exit::Internal => "an internal error of chargeproof",
    }
}

/// The word that heads a finding of this weight.
pub(super) const fn headword(weight: Weight) -> &'static str {
    match weight {
        Weight::Pending => "PENDING",
        Weight::Inconclusive => "INCONCLUSIVE",
        Weight::Undriven => "UNDRIVEN",
        Weight::Broken | Weight::SentTwice => "FAIL",
    }
}

/// The verdict as a word.
pub(super) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
    }
}

/// What to try next about a finding of `case`, unless it is the sender's broken promise and says
/// so itself.
pub(super) fn next_step(finding: &Finding, case: &CaseOutcome) -> Option<String> {
    let by_hand = "start the sender by hand, with the command of its sender file";
    // Patience is no cure where the sender did nothing at all.
    let silent = case.judgement.charges == 0 && !case.judgement.findings.iter().any(is_unreadable);
    match finding.weight {
        Weight::Pending => Some(
            "`--update` writes it down: read it; if it is as agreed, rename it to end in `.snap`"
                .into(),
        ),
        Weight::Inconclusive | Weight::Broken if silent && says_unsent(finding) => {
            let start = "if it is only slow to start, name in its file what shows that it is ready (`ready`)";
            Some(format!("nothing was sent at all: {by_hand}; {start}"))
        }
        Weight::Inconclusive => {
            Some(format!("chargeproof explain {}; {}", finding.rule, cure(finding)))
        }
        Weight::Undriven if finding.message.contains(NOT_READY) => Some(format!(
            "if it is only slow to start, give it longer in its sender file (`ready: {{ …, within: 60s }}`); \
             `chargeproof doctor` measures its start; otherwise run it again with --show-output, or {by_hand}"
        )),
        Weight::Undriven | Weight::Broken if is_mute(finding) => {
            Some(format!("run it again with --show-output, or {by_hand}"))
        }
        Weight::Undriven => Some(by_hand.into()),
        Weight::Broken | Weight::SentTwice => None,
    }
}

/// What a sender is said to be that was not ready in time.
const NOT_READY: &str = "it was not ready after";

/// What would let a verdict be reached.
fn cure(finding: &Finding) -> &'static str {
    match finding.circumstance {
        Circumstance::FaultNotPlayed => {
            "if the machine was late, let less run beside it, or say `--jobs 1`; else see that this entry \
             can happen with this sender, or say `optional: true` in a scenario of your own"
        }
        Circumstance::OrderNotReadable => {
            "see that `identity` of the mapping names the field that this sender puts the order in"
        }
        Circumstance::OutputTooLong => "let the sender print less",
        Circumstance::HistoryCut => "run it again, and let it come to its end",
        Circumstance::BytesNotReadable => "see in the history what came on that connection",
        Circumstance::HarnessLate | Circumstance::SenderStarved => {
            "the machine was busy: `--jobs auto` then begins fewer cases by itself, and tries such a case \
             again alone; let less run beside it, or say `--jobs 1`"
        }
        Circumstance::WaitedInVain | Circumstance::ProbeTimedOut | Circumstance::NothingSent => {
            "if the sender is only slow, its sender file can say when it is ready (`ready`) or give it \
             longer `limits`; `chargeproof doctor` measures it"
        }
        _ => "if the sender is only slow, give it longer limits in its sender file",
    }
}

/// Whether a message came of which it cannot be said whose charge it is.
fn is_unreadable(finding: &Finding) -> bool {
    finding.circumstance == Circumstance::OrderNotReadable
}

/// Whether a finding is about a process that nothing is known of but its end.
fn is_mute(finding: &Finding) -> bool {
    finding.proof.is_none()
        && (finding.weight == Weight::Undriven || finding.rule == Rule::SenderStaysUp)
}

/// Whether a finding is about a charge that never came, rather than about what did.
fn says_unsent(finding: &Finding) -> bool {
    finding.weight == Weight::Inconclusive || finding.rule == Rule::Delivers
}

/// The first clause of a summary: how many cases, and how each came out.
pub(super) fn tally(outcome: &RunOutcome) -> String {
    let counts = outcome.counts();
    let mut parts = Vec::new();
    for (kind, word) in [
        (Verdict::Fail, "failed"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Pass, "passed"),
    ] {
        if let Some(count) = counts.get(&kind) {
            parts.push(format!("{count} {word}"));
        }
    }
    if !outcome.left_out.is_empty() {
        parts.push(format!("{} skipped", outcome.left_out.len()));
    }
    format!("{}, {}", count(outcome.cases.len(), "case"), parts.join(", "))
}

/// How long the wire was watched after the last event of the case that was watched the shortest.
pub(super) fn watched(cases: &[CaseOutcome]) -> Option<String> {
    let shortest = cases.iter().map(|case| case.judgement.watched).min()?;
    let longest = cases.iter().map(|case| case.judgement.watched).max()?;
    let at_least = if duration(shortest) == duration(longest) { "" } else { "at least " };
    Some(format!("{at_least}{} after the last event of each case", duration(shortest)))
}

/// `1 case`, `2 cases`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {}", plural(number, noun))
}

/// The noun as it stands after that number.
#[must_use]
pub fn plural(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{noun}{ending}")
}

/// `1st`, `2nd`, `11th`.
#[must_use]
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// A number as people write it: `12,820`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// A length of time as a person says it: `30 ms`, `4.2 s`, `2 min 5 s`.
#[must_use]
pub fn duration(micros: Micros) -> String {
    let millis = (micros.0 + 500) / 1000;
    let tenths = (micros.0 + 50_000) / 100_000;
    match millis {
        0..100 => format!("{millis} ms"),
        100..99_950 => format!("{}.{} s", tenths / 10, tenths % 10),
        _ => {
            let seconds = (micros.0 + 500_000) / 1_000_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

/// A point in time since the case started, to the millisecond: `0.412 s`.
pub(super) fn moment(at: Micros) -> String {
    let millis = at.0 / 1000;
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}

/// `text` on one line, with what a terminal would obey or hide written out: a sender chooses some
/// of these bytes, and must not be able to recolour, overwrite or reorder its own verdict.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unseen(character) {
            shown.push_str(&name_of(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The name of a character that cannot be shown as itself: `<CR>`, `<1B>`, `<U+202E>`.
pub(super) fn name_of(character: char) -> String {
    match character {
        '\u{b}' => "<VT>".into(),
        '\u{1c}' => "<FS>".into(),
        '\r' => "<CR>".into(),
        '\n' => "<LF>".into(),
        '\t' => "<TAB>".into(),
        '\0'..='\u{ff}' => format!("<{:02X}>", u32::from(character)),
        _ => format!("<U+{:04X}>", u32::from(character)),
    }
}

/// Controls, the Unicode characters that turn the direction of text or take no room in it, and
/// those that are no characters.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}'
            | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{duration, moment, one_line, ordinal, thousands};
    use crate::history::Micros;

    #[rstest]
    #[case(0, "0 ms")]
    #[case(1_499, "1 ms")]
    #[case(99_499, "99 ms")]
    #[case(99_500, "0.1 s")]
    #[case(4_249_999, "4.2 s")]
    #[case(99_949_499, "99.9 s")]
    #[case(99_950_000, "1 min 40 s")]
    #[case(125_000_000, "2 min 5 s")]
    #[case(u64::MAX / 2, "153722867280 min 55 s")]
    fn a_duration_is_said_as_a_person_says_it(#[case] micros: u64, #[case] said: &str) {
        assert_eq!(duration(Micros(micros)), said);
    }

    #[test]
    fn a_moment_is_cut_to_the_millisecond_so_that_order_is_never_rounded_away() {
        assert_eq!(moment(Micros(412_999)), "0.412 s");
        assert_eq!(moment(Micros(61_000_000)), "61.000 s");
    }

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(12_820, "12,820")]
    #[case(1_000_000, "1,000,000")]
    fn a_large_number_is_written_in_groups(#[case] number: u64, #[case] written: &str) {
        assert_eq!(thousands(number), written);
    }

    #[rstest]
    #[case(1, "1st")]
    #[case(2, "2nd")]
    #[case(3, "3rd")]
    #[case(4, "4th")]
    #[case(11, "11th")]
    #[case(12, "12th")]
    #[case(13, "13th")]
    #[case(21, "21st")]
    #[case(112, "112th")]
    fn attempts_are_counted_in_english(#[case] number: usize, #[case] said: &str) {
        assert_eq!(ordinal(number), said);
    }

    #[rstest]
    #[case("\u{b}MSH|^~\\&\r\u{1c}\r", "<VT>MSH|^~\\&<CR><FS><CR>")]
    #[case("\u{1b}[32mPASS\u{1b}[0m", "<1B>[32mPASS<1B>[0m")]
    #[case("one\ntwo\tthree", "one<LF>two<TAB>three")]
    #[case("\u{7f}\u{85}\0", "<7F><85><00>")]
    #[case("a\u{202e}b", "a<U+202E>b")]
    #[case("MÜLLER^JÜRGEN", "MÜLLER^JÜRGEN")]
    fn what_a_terminal_would_obey_is_written_out(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(one_line(text), shown);
    }
}
