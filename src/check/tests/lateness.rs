//! What a harness that was late itself may not blame anybody for, and what it may all the same.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, inconclusive, mapping};
use crate::history::{End, Ending, Micros, Outcome, What};
use crate::plan::fault::Answer;
use crate::plan::{Fault, Lifetime};
use crate::verdict::{Circumstance, Exit, Rule};

/// The harness slept for so many milliseconds.
fn sleep(case: &mut Case, milliseconds: u64) {
    case.pause(milliseconds);
    case.push(What::HarnessLate { by: Micros(milliseconds * 1000) });
}

/// The sender got no processor for so many milliseconds of the last ones.
fn starve(case: &mut Case, milliseconds: u64, of: u64) {
    case.pause(of);
    let (by, within) = (Micros(milliseconds * 1000), Micros(of * 1000));
    case.push(What::SenderStarved { by, within });
}

/// What is broken, and whether it is open because the sender was starved.
fn starved(case: &Case) -> (Vec<String>, bool) {
    let judgement = case.judge();
    let broken = broken(&judgement).into_iter().map(str::to_owned).collect();
    let open =
        inconclusive(&judgement).iter().any(|(_, what)| *what == Circumstance::SenderStarved);
    (broken, open)
}

fn rules(case: &Case) -> (Vec<String>, bool) {
    let judgement = case.judge();
    let broken = broken(&judgement).into_iter().map(str::to_owned).collect();
    let late = inconclusive(&judgement).iter().any(|(_, what)| *what == Circumstance::HarnessLate);
    (broken, late)
}

/// A sender that is asked to stop, and is killed after its time.
#[rstest]
#[case::in_time(0, &["sender/stops"], false)]
#[case::hardly_late(400, &["sender/stops"], false)]
#[case::late(600, &[], true)]
fn a_sender_that_had_to_be_killed(
    #[case] late: u64,
    #[case] expected: &[&str],
    #[case] open: bool,
) {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.deliver(1, "probe-2");
    case.watch();
    case.push(What::SenderEnding { incarnation: 1, how: Ending::Stop });
    case.pause(2_000 - late);
    if late > 0 {
        sleep(&mut case, late);
    }
    case.kill(1);
    case.start(2);
    case.watch();
    let delivered = ["probe-1", "john-doe", "probe-2"].map(|exam| (exam, Outcome::Delivered));
    case.account(&delivered);
    case.stop(2);
    case.push(What::Finished);
    let (broken, told) = rules(&case);
    assert_eq!((broken, told), (expected.iter().map(|&one| one.to_owned()).collect(), open));
}

/// Connections that are accepted all at once may have waited for that.
#[rstest]
#[case::in_time(false)]
#[case::late(true)]
fn a_crowd_of_connections_without_a_byte(#[case] late: bool) {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    for connection in 2..=13 {
        case.open(connection, 1);
        case.push(What::EndedBySender { connection, how: End::Close });
        if late && connection == 3 {
            sleep(&mut case, 120);
        }
    }
    let (broken, told) = rules(&case.ended(1, Outcome::Delivered));
    let expected = if late { Vec::new() } else { vec!["sender/connections".to_owned()] };
    assert_eq!((broken, told), (expected, late));
}

#[test]
fn no_lateness_excuses_a_charge_that_was_sent_twice() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.played(1, Fault::Answer(Answer::None));
    sleep(&mut case, 5_000);
    let again = case.message("john-doe");
    case.send(1, &again);
    let (broken, _) = rules(&case.ended(1, Outcome::Unknown));
    assert_eq!(broken, ["once/per-order"]);
}

/// john-doe's charge is accepted, which the harness saw so many milliseconds late.
fn accepted_late_by(milliseconds: u64) -> Case {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    if milliseconds > 0 {
        sleep(&mut case, milliseconds);
    }
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    case
}

/// A sender says `not-sent` of a charge that came: a lie, unless the account may be the older one. One
/// that was asked for when the wire had been quiet is not, however late the harness was before.
#[rstest]
#[case::in_time(0)]
#[case::late(1_500)]
fn an_account_that_says_not_sent_after_a_quiet_wire_is_a_lie(#[case] late: u64) {
    let case = accepted_late_by(late);
    assert_eq!(rules(&case.ended(1, Outcome::NotSent)), (vec!["accounts".to_owned()], false));
}

/// An account that was given before the harness saw the charge may not know it yet.
#[rstest]
#[case::in_time(0, &["accounts"])]
#[case::late(1_500, &[])]
fn an_account_that_lacks_a_charge(#[case] late: u64, #[case] expected: &[&str]) {
    let mut case = accepted_late_by(late);
    case.account(&[("probe-1", Outcome::Delivered)]);
    let (broken, told) = rules(&case.ended(1, Outcome::Delivered));
    let expected: Vec<String> = expected.iter().map(|&one| one.to_owned()).collect();
    assert_eq!((broken, told), (expected, late > 0));
}

/// Whoever has been waited for in vain had all his time, however late the harness was afterwards.
#[rstest]
#[case::shortly_before(Slept::Before, &[])]
#[case::meanwhile(Slept::Meanwhile, &[])]
#[case::afterwards(Slept::Afterwards, &["recovers"])]
fn a_charge_that_came_only_after_a_wait_in_vain(#[case] slept: Slept, #[case] expected: &[&str]) {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::Reject));
    if slept == Slept::Before {
        sleep(&mut case, 600);
    }
    case.refuse();
    case.submit("probe-2");
    let waited = case.plan.limits.patience;
    if slept == Slept::Meanwhile {
        sleep(&mut case, waited.0 / 1000);
    }
    case.push(What::WaitedInVain { wanted: "the charge of `probe-2`".to_owned(), waited });
    if slept == Slept::Afterwards {
        sleep(&mut case, waited.0 / 1000);
    }
    let message = case.message("probe-2");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    let (broken, told) = rules(&case.restarted(1, Outcome::Rejected));
    let open = slept != Slept::Afterwards;
    assert_eq!((broken, told), (expected.iter().map(|&one| one.to_owned()).collect(), open));
}

/// A process that is started for a charge has to start first, and is given as much time again.
/// The charge of probe-1 never comes: on a machine that was late for a tenth of the time meanwhile, that
/// is nobody's fault.
#[rstest]
#[case::in_time(Lifetime::Exam, [0, 0, 0, 0], &["delivers"])]
#[case::hardly_late(Lifetime::Exam, [100, 0, 0, 0], &["delivers"])]
#[case::late_while_it_was_waited_for(Lifetime::Exam, [100, 0, 100, 0], &[])]
#[case::late_before_it_was_stopped(Lifetime::Exam, [0, 0, 200, 0], &[])]
#[case::late_in_another_charges_time(Lifetime::Exam, [0, 2_001, 200, 0], &["delivers"])]
#[case::late_afterwards(Lifetime::Exam, [0, 0, 0, 900], &["delivers"])]
#[case::was_up_and_hardly_late(Lifetime::Case, [100, 0, 0, 0], &["delivers"])]
#[case::was_up_and_late(Lifetime::Case, [200, 0, 0, 0], &[])]
#[case::was_up_and_late_after_it_was_waited_for(Lifetime::Case, [0, 0, 900, 0], &["delivers"])]
fn a_charge_that_never_came(
    #[case] life: Lifetime,
    #[case] late: [u64; 4],
    #[case] expected: &[&str],
) {
    let mut case = Case::new();
    case.plan.sender.driving.life = life;
    let waited = case.plan.limits.patience;
    let [waiting, between, ending, afterwards] = late;
    let doze = |case: &mut Case, late| {
        if late > 0 {
            sleep(case, late);
        }
    };
    case.start(1);
    case.submit("probe-1");
    doze(&mut case, waiting);
    case.pause(waited.0 / 1000 - waiting);
    case.push(What::WaitedInVain { wanted: "the charge of `probe-1`".to_owned(), waited });
    case.pause(between);
    doze(&mut case, ending);
    case.watch();
    case.stop(1);
    doze(&mut case, afterwards);
    case.start(2);
    case.watch();
    case.account(&[("probe-1", Outcome::Unknown)]);
    case.stop(2);
    case.push(What::Finished);
    let (broken, told) = rules(&case);
    assert_eq!(broken, expected);
    assert_eq!(told, expected.is_empty());
}

/// When the harness slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slept {
    Before,
    Meanwhile,
    Afterwards,
}

/// Whoever was killed had not stopped; whoever exited by himself had, and nobody saw when.
#[test]
fn a_sender_that_exited_by_itself_had_not_to_be_killed() {
    let mut case = Case::begun();
    case.push(What::SenderEnding { incarnation: 1, how: Ending::Stop });
    case.pause(2_000);
    case.push(What::SenderEnding { incarnation: 1, how: Ending::Kill });
    let (code, signal) = (Some(0), None);
    case.push(What::SenderExited { incarnation: 1, code, signal, asked: true });
    let judgement = case.judge();
    assert!(!broken(&judgement).contains(&"sender/stops"));
    let told = inconclusive(&judgement);
    assert!(told.contains(&(Rule::SenderStops, Circumstance::StopSeenLate)), "{told:?}");
}

/// Only before its answer can lateness have made a sender give a result up.
#[rstest]
#[case::before_it_was_read([1, 0, 0], &[])]
#[case::before_its_answer([0, 1, 0], &[])]
#[case::after_its_answer([0, 0, 1], &["results/settled"])]
fn a_result_that_was_accepted_is_sent_again(#[case] late: [u64; 3], #[case] expected: &[&str]) {
    let mut case = Case::begun();
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let result = case.result("john-doe");
    let [read, answered, later] = late;
    if read > 0 {
        sleep(&mut case, 100);
    }
    let to = case.send(1, &result);
    if answered > 0 {
        sleep(&mut case, 100);
    }
    case.answer(1, to, "AA", &result);
    if later > 0 {
        case.pause(100);
        sleep(&mut case, 100);
    }
    let to = case.send(1, &result);
    case.answer(1, to, "AA", &result);
    let (broken, told) = rules(&case.ended(1, Outcome::Delivered));
    assert_eq!((broken, told), (expected.iter().map(|&one| one.to_owned()).collect(), later == 0));
}

/// A sender that got no processor for a good part of the time in which it was waited for.
#[rstest]
#[case::not_at_all(0, &["recovers"])]
#[case::hardly(20, &["recovers"])]
#[case::for_a_good_part(30, &[])]
fn a_charge_that_came_too_late_from_a_starved_sender(
    #[case] percent: u64,
    #[case] expected: &[&str],
) {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::Reject));
    case.refuse();
    case.submit("probe-2");
    let waited = case.plan.limits.patience;
    starve(&mut case, waited.0 / 1000 * percent / 100, waited.0 / 1000);
    case.push(What::WaitedInVain { wanted: "the charge of `probe-2`".to_owned(), waited });
    let message = case.message("probe-2");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    let (broken, open) = starved(&case.restarted(1, Outcome::Rejected));
    assert_eq!((broken, open), (owned(expected), expected.is_empty()));
}

/// A charge that never came, and a stop that was not obeyed: neither is a starved sender's fault.
#[rstest]
#[case::not_at_all(0, &["delivers", "sender/stops"])]
#[case::for_a_good_part(50, &[])]
fn a_sender_that_did_nothing_in_its_time(#[case] percent: u64, #[case] expected: &[&str]) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let waited = case.plan.limits.patience;
    starve(&mut case, waited.0 / 1000 * percent / 100, waited.0 / 1000);
    case.push(What::WaitedInVain { wanted: "the charge of `john-doe`".to_owned(), waited });
    case.deliver(1, "probe-2");
    case.watch();
    case.push(What::SenderEnding { incarnation: 1, how: Ending::Stop });
    starve(&mut case, 2_000 * percent / 100, 2_000);
    case.kill(1);
    case.start(2);
    case.watch();
    let said = [("probe-1", Outcome::Delivered), ("john-doe", Outcome::NotSent)];
    case.account(&[said[0], said[1], ("probe-2", Outcome::Delivered)]);
    case.stop(2);
    case.push(What::Finished);
    let (broken, open) = starved(&case);
    assert_eq!((broken, open), (owned(expected), expected.is_empty()));
}

/// No starvation is a reason to send a charge twice, and none makes a lie true.
#[test]
fn no_starvation_excuses_a_charge_that_was_sent_twice() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.played(1, Fault::Answer(Answer::None));
    starve(&mut case, 5_000, 5_000);
    let again = case.message("john-doe");
    case.send(1, &again);
    let (broken, _) = starved(&case.ended(1, Outcome::Unknown));
    assert_eq!(broken, ["once/per-order"]);
}

/// An account that was given while the sender got no processor may be older than the charge.
#[rstest]
#[case::not_at_all(0, &["accounts"])]
#[case::starved(400, &[])]
fn an_account_of_a_starved_sender_that_lacks_a_charge(#[case] by: u64, #[case] expected: &[&str]) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    if by > 0 {
        starve(&mut case, by, 500);
    }
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    case.account(&[("probe-1", Outcome::Delivered)]);
    let (broken, open) = starved(&case.ended(1, Outcome::Delivered));
    assert_eq!((broken, open), (owned(expected), by > 0));
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A sender that got no processor for as long as it waits for an answer may have given up for that,
/// however long it was waited for afterwards.
#[rstest]
#[case::hardly(100, &["delivers"], false)]
#[case::for_most_of_its_patience(300, &[], true)]
fn a_sender_that_was_starved_while_it_tried(
    #[case] starving: u64,
    #[case] expected: &[&str],
    #[case] open: bool,
) {
    let mut case = Case::begun();
    case.submit("john-doe");
    starve(&mut case, starving, 300);
    case.pause(4_000);
    let wanted = "the charge of `john-doe`".to_owned();
    case.push(What::WaitedInVain { wanted, waited: Micros(4_300_000) });
    let case = case.ended(1, Outcome::NotSent);
    assert_eq!(starved(&case), (expected.iter().map(|rule| (*rule).to_owned()).collect(), open));
}

/// What could not be driven for want of a processor is open, and the starvation is its reason.
#[rstest]
#[case::of_itself(100, Exit::Undriven)]
#[case::starved(29_000, Exit::Inconclusive)]
fn a_sender_that_was_not_ready_in_time(#[case] starving: u64, #[case] expected: Exit) {
    let mut case = Case::new();
    case.start(1);
    starve(&mut case, starving, 30_000);
    case.push(What::SenderFailed { incarnation: 1, why: "it was not ready after 30s".to_owned() });
    case.push(What::Finished);
    let judgement = case.judge();
    assert_eq!(judgement.exit(), expected, "{:?}", judgement.findings);
    let named =
        inconclusive(&judgement).contains(&(Rule::SenderStarts, Circumstance::SenderStarved));
    assert_eq!(named, expected == Exit::Inconclusive);
}
