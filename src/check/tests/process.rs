//! What the sender's process does, and whether the case proved anything.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, inconclusive};
use crate::history::{Datum, Ending, Micros, Outcome, Standard, What};
use crate::plan::fault::Answer;
use crate::plan::{Fault, Lifetime, Match, Step, WireEvent};
use crate::verdict::{Circumstance, Exit, Rule, Verdict, Weight};

#[test]
fn a_sender_that_cannot_start_is_undriven() {
    let mut case = Case::new();
    case.push(What::SenderFailed { incarnation: 1, why: "no such file".to_owned() });
    case.push(What::Finished);
    let judgement = case.judge();
    assert_eq!(judgement.exit(), Exit::Undriven);
    assert_eq!(judgement.findings[0].rule, Rule::SenderStarts);
}

#[test]
fn an_exit_that_nobody_asked_for_is_told_alone() {
    let mut case = Case::new();
    case.start(1);
    case.push(What::SenderExited { incarnation: 1, code: Some(1), signal: None, asked: false });
    case.submit("probe-1");
    case.push(What::Finished);
    assert_eq!(broken(&case.judge()), ["sender/stays-up"]);
}

#[test]
fn a_stop_that_needs_a_kill_is_told() {
    let mut case = Case::healthy();
    for event in &mut case.events {
        if let What::SenderExited { incarnation: 2, code, signal, .. } = &mut event.what {
            (*code, *signal) = (None, Some(9));
        }
    }
    case.push(What::SenderEnding { incarnation: 2, how: Ending::Kill });
    assert_eq!(broken(&case.judge()), ["sender/stops"]);
}

#[rstest]
#[case::left_behind(What::LeftBehind { incarnation: 1, processes: 1, names: vec!["sleep".to_owned()] }, "sender/stops")]
#[case::flood(What::Bound { what: "10000 messages".to_owned() }, "sender/bounded")]
fn abuses_are_told_by_their_rule(#[case] what: What, #[case] rule: &str) {
    let mut case = Case::healthy();
    case.push(what);
    assert_eq!(broken(&case.judge()), [rule]);
}

#[test]
fn data_of_patients_in_an_output_are_told_by_kind_and_exam() {
    let mut case = Case::healthy();
    let disclosed = |exam: &str, data: &[Datum]| What::Disclosed {
        incarnation: 1,
        output: Standard::Error,
        exam: exam.to_owned(),
        data: data.to_vec(),
    };
    case.push(disclosed("probe-1", &[Datum::Mrn]));
    case.push(disclosed("john-doe", &[Datum::Name, Datum::BirthDate]));
    case.push(What::OutputRead { incarnation: 1, length: 90 });
    let judgement = case.judge();
    assert_eq!(broken(&judgement), ["sender/discreet"]);
    let message = "run 1 of the sender printed to its standard error: MRN of probe-1; name, birth \
                   date of john-doe";
    assert_eq!(judgement.findings[0].message, message);
    assert_eq!(judgement.findings[0].circumstance, Circumstance::StandardError);
}

#[test]
fn an_output_that_was_read_and_told_nothing_is_evidence_and_none_at_all_is_not() {
    let mut case = Case::healthy();
    let held = |case: &Case| {
        let judgement = case.judge();
        assert_eq!(judgement.findings, []);
        judgement.held.iter().find(|held| held.rule == Rule::SenderDiscreet).map(|held| held.times)
    };
    assert_eq!(held(&case), None);
    case.push(What::OutputRead { incarnation: 1, length: 0 });
    assert_eq!(held(&case), Some(1));
}

#[test]
fn an_output_that_was_too_long_to_be_looked_through_is_inconclusive() {
    let mut case = Case::healthy();
    case.push(What::OutputOverran { incarnation: 1, length: 1 << 20 });
    let judgement = case.judge();
    assert_eq!(inconclusive(&judgement), [(Rule::SenderDiscreet, Circumstance::OutputTooLong)]);
    assert_eq!(
        judgement.findings[0].message,
        "run 1 of the sender printed more than the first 1024 KiB, which is all that was looked \
         through for data of patients"
    );
    assert!(judgement.held.iter().all(|held| held.rule != Rule::SenderDiscreet));
    assert_eq!(judgement.verdict(), Verdict::Inconclusive);
}

#[test]
fn a_fault_that_never_played_is_inconclusive() {
    let case = Case::healthy().scripted(Fault::Answer(Answer::Reject));
    let judgement = case.judge();
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::FaultNotPlayed)]);
    let message = "`answer/reject` for john-doe was never played";
    assert_eq!(judgement.findings[0].message, message);
    assert_eq!(judgement.verdict(), Verdict::Inconclusive);
}

/// An entry that is due whenever a later one is plays in its place.
#[test]
fn a_behaviour_that_stands_behind_another_is_told_so() {
    let mut case = Case::refused();
    case.plan.script.push(case.plan.script[0].clone());
    case.plan.script[0].on = Match::default();
    let judgement = case.ended(1, Outcome::Rejected).judge();
    let told: Vec<&str> = judgement.findings.iter().map(|one| one.message.as_str()).collect();
    let expected = "`answer/reject` for john-doe was never played: `answer/reject` for any message stands before it in the script, and played in its place";
    assert_eq!(told, [expected]);
}

#[test]
fn a_behaviour_that_need_not_play_proves_nothing_by_its_absence() {
    let mut case = Case::healthy().scripted(Fault::Answer(Answer::Reject));
    case.plan.expect.optional_behaviours.push(0);
    assert_eq!(case.judge().findings, []);
}

#[test]
fn a_shorter_watch_than_the_longest_retry_is_inconclusive() {
    let mut case = Case::healthy();
    for event in &mut case.events {
        if let What::Watched { quiet, .. } = &mut event.what {
            quiet.0 = 100_000;
        }
    }
    assert_eq!(
        inconclusive(&case.judge()),
        [(Rule::OncePerOrder, Circumstance::NotWatchedLongEnough)]
    );
}

/// The fixture watches for 600 ms after each of its parts.
#[rstest]
#[case::an_hour(3_600_000, "the sender retries after 1 h; it was watched for 600 ms")]
#[case::once_and_not_twice(400, "the sender retries after 400 ms; it was watched for 600 ms")]
fn a_watch_of_less_than_twice_the_longest_retry_is_inconclusive_with_the_figure(
    #[case] retry: u64,
    #[case] message: &str,
) {
    let mut case = Case::healthy();
    case.plan.limits.longest_retry = Micros(retry * 1000);
    let judgement = case.judge();
    assert_eq!(
        inconclusive(&judgement),
        [(Rule::OncePerOrder, Circumstance::NotWatchedLongEnough)]
    );
    assert!(judgement.findings[0].message.contains(message), "{:?}", judgement.findings);
    case.plan.limits.longest_retry = Micros(300_000);
    assert_eq!(case.judge().findings, []);
}

/// The sender is killed when john-doe's message has arrived, and starts again.
pub(crate) fn killed() -> Case {
    let mut case = Case::begun();
    let position =
        case.plan.steps.iter().position(|step| *step == Step::Await("john-doe".to_owned()));
    let kill = [Step::Kill(WireEvent::EndOfMessage), Step::Start];
    case.plan.steps.splice(position.unwrap()..=position.unwrap(), kill);
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.kill(1);
    case.start(2);
    case.open(2, 2);
    case.push(What::Submitted { exam: "probe-2".to_owned(), incarnation: 2 });
    let probe = case.message("probe-2");
    let to = case.send(2, &probe);
    case.answer(2, to, "AA", &probe);
    case.restarted(2, Outcome::Unknown)
}

#[test]
fn a_kill_after_the_message_is_survived() {
    assert_eq!(killed().judge().findings, []);
}

#[test]
fn a_kill_that_did_not_end_the_sender_by_its_signal_is_inconclusive() {
    let mut case = killed();
    for event in &mut case.events {
        if let What::SenderExited { signal, code, .. } = &mut event.what {
            (*signal, *code) = (None, Some(0));
        }
    }
    assert_eq!(inconclusive(&case.judge()), [(Rule::OncePerOrder, Circumstance::KillNotProven)]);
}

/// Life 2 leaves although nobody asked it to.
fn left_unasked(before: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    before(&mut case);
    let left = What::SenderExited { incarnation: 2, code: Some(75), signal: None, asked: false };
    case.push(left);
    case
}

#[test]
fn a_life_that_leaves_unasked_does_not_stay_up() {
    let case = left_unasked(|case| {
        case.kill(1);
        case.start(2);
    });
    assert_eq!(broken(&case.judge()), ["sender/stays-up"]);
}

/// What is asked for afterwards does not excuse what was done before.
#[test]
fn a_life_that_was_ended_after_it_had_left_was_not_asked_before() {
    let mut case = left_unasked(|case| {
        case.kill(1);
        case.start(2);
    });
    case.push(What::SenderEnding { incarnation: 2, how: Ending::Kill });
    assert_eq!(broken(&case.judge()), ["sender/stays-up"]);
}

/// A busy machine may show the end of a life when the next is up, or not at all: that one may have
/// found the other on its state.
#[test]
fn a_life_that_may_have_found_the_one_before_it_convicts_nobody() {
    for seen_later in [true, false] {
        let mut case = left_unasked(|case| {
            case.push(What::SenderEnding { incarnation: 1, how: Ending::Kill });
            case.start(2);
        });
        if seen_later {
            let exited =
                What::SenderExited { incarnation: 1, code: None, signal: Some(9), asked: true };
            case.push(exited);
        }
        let judgement = case.judge();
        assert_eq!(broken(&judgement), [""; 0], "{seen_later}");
        let told = inconclusive(&judgement);
        assert!(
            told.contains(&(Rule::SenderStaysUp, Circumstance::EarlierLifeNotGone)),
            "{told:?}"
        );
    }
}

#[test]
fn an_interrupted_history_is_inconclusive() {
    let mut case = Case::healthy();
    case.events.pop();
    case.push(What::Interrupted { why: None });
    assert_eq!(inconclusive(&case.judge()), [(Rule::OncePerOrder, Circumstance::HistoryCut)]);
}

#[test]
fn a_stop_that_an_interrupt_cuts_short_is_not_held_against_the_sender() {
    let mut case = Case::begun();
    case.push(What::SenderEnding { incarnation: 1, how: Ending::Stop });
    case.push(What::Interrupted { why: None });
    case.kill(1);
    let judgement = case.judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(judgement.verdict(), Verdict::Inconclusive);
}

#[test]
fn a_harness_that_breaks_off_itself_says_why_and_proves_nothing() {
    let mut case = Case::healthy();
    case.events.pop();
    let why = "the listener could not be opened again: it is taken";
    case.push(What::Interrupted { why: Some(why.to_owned()) });
    let judgement = case.judge();
    assert_eq!(judgement.exit(), Exit::Inconclusive);
    assert!(judgement.findings[0].message.ends_with(why), "{}", judgement.findings[0].message);
}

/// An exam that was answered by no acceptance, and of which nothing came, was not taken; where its
/// charge came, that answer was the EMR's.
#[rstest]
#[case::nothing_came(false, &["sender/starts"])]
#[case::its_charge_came(true, &[])]
fn an_exam_that_was_answered_by_no_acceptance(#[case] came: bool, #[case] expected: &[&str]) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let why = "cannot hand over `john-doe`: it was answered by `AE`".to_owned();
    case.push(What::NotAccepted { exam: "john-doe".to_owned(), why });
    if came {
        let message = case.message("john-doe");
        let to = case.send(1, &message);
        case.answer(1, to, "AA", &message);
    }
    let said = if came { Outcome::Delivered } else { Outcome::Unknown };
    let judgement = case.ended(1, said).judge();
    assert_eq!(broken(&judgement), Vec::<&str>::new());
    let undriven = judgement.findings.iter().filter(|one| one.weight == Weight::Undriven);
    assert_eq!(undriven.map(|one| one.rule.name()).collect::<Vec<_>>(), expected);
}

/// A box that runs elsewhere, or for the whole run, cannot be restarted by a case.
#[rstest]
#[case::started_by_each_case(Lifetime::Case, 0)]
#[case::for_a_whole_run(Lifetime::Run, 1)]
#[case::elsewhere(Lifetime::Observed, 1)]
fn a_restart_that_could_not_happen_is_named(#[case] life: Lifetime, #[case] named: usize) {
    let mut case = Case::begun();
    case.plan.sender.driving.life = life;
    case.plan.steps.push(Step::LeaveAlone);
    let not_done = case.judge().not_done;
    assert_eq!(not_done.iter().filter(|one| one.step == "restart").count(), named);
}
