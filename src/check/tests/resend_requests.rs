//! Attempts that somebody wanted: one for the order, and another each time that an operator asks.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, inconclusive, mapping};
use crate::history::{End, Outcome, What};
use crate::plan::{AttemptMode, Step};
use crate::verdict::{Circumstance, Rule, Weight};

/// What happens to john-doe's charge after the first attempt.
#[derive(Clone, Copy)]
enum Then {
    /// An operator wants it sent once more.
    Asked,
    /// An operator wants another exam's charge sent once more.
    AskedForAnother,
    /// It is sent.
    Sent,
    /// Its first bytes are sent, and the connection is reset.
    Cut,
    /// The wire is watched until nothing can come any more.
    Watched,
    /// The EMR takes no connection for a while.
    Shut,
}

use Then::{Asked, AskedForAnother, Cut, Sent, Shut, Watched};

/// john-doe is rejected once, and then this happens.
fn rejected(then: &[Then]) -> Case {
    goes_on(Case::refused(), then)
}

fn goes_on(mut case: Case, then: &[Then]) -> Case {
    let mut connection = 1;
    for then in then {
        match then {
            Asked | AskedForAnother => {
                let exam = if matches!(then, Asked) { "john-doe" } else { "probe-1" };
                if matches!(then, Asked) {
                    case.plan.steps.push(Step::Resend(exam.to_owned()));
                }
                case.push(What::ResendAsked { exam: exam.to_owned(), incarnation: 1 });
            }
            Sent => {
                let again = case.message("john-doe");
                let to = case.send(connection, &again);
                case.answer(connection, to, "AA", &again);
            }
            Watched => case.watch(),
            Shut => {
                for up in [false, true] {
                    case.push(What::Listening { endpoint: "emr".to_owned(), up });
                }
            }
            Cut => {
                let again = case.message("john-doe");
                case.send_part(connection, &again[..600]);
                case.end(connection, End::Reset);
                connection += 1;
                case.open(connection, 1);
            }
        }
    }
    case.ended(connection, Outcome::Delivered)
}

#[rstest]
#[case::once_and_sent_once(&[Asked, Sent], &[])]
#[case::twice_and_sent_twice(&[Asked, Sent, Asked, Sent], &[])]
#[case::twice_and_then_sent_twice(&[Asked, Asked, Sent, Sent], &[])]
#[case::once_and_sent_twice(&[Asked, Sent, Sent], &["once/per-order"])]
#[case::not_at_all(&[Sent], &["once/per-order"])]
#[case::too_late(&[Sent, Asked], &["once/per-order"])]
#[case::for_another_order(&[AskedForAnother, Sent], &["once/per-order"])]
#[case::and_let_pass(&[Asked, Watched, Sent, Sent], &["once/per-order"])]
#[case::again_after_the_first_came(&[Asked, Sent, Watched, Asked, Sent], &[])]
#[case::again_after_the_first_was_let_pass(&[Asked, Watched, Asked, Sent], &[])]
#[case::before_a_door_that_was_shut(&[Asked, Shut, Watched, Sent], &[])]
#[case::a_part_is_the_attempt_that_was_wanted(&[Asked, Cut, Sent], &["once/per-order"])]
fn as_many_attempts_are_allowed_as_were_wanted_before_them(
    #[case] then: &[Then],
    #[case] rules: &[&str],
) {
    assert_eq!(broken(&rejected(then).judge()), rules);
}

#[test]
fn where_lines_are_counted_a_line_is_repeated_as_often_as_was_wanted() {
    let of = |then: &[Then]| {
        let mut case = rejected(then);
        case.plan.mapping = mapping("orchard-per-charge");
        case.judge().findings.iter().map(|one| one.rule).collect::<Vec<_>>()
    };
    assert!(!of(&[Asked, Sent]).contains(&Rule::OncePerCharge));
    assert!(of(&[Asked, Sent, Sent]).contains(&Rule::OncePerCharge));
    assert!(of(&[Sent, Asked]).contains(&Rule::OncePerCharge));
}

/// A message of john-doe's charge with these of its lines alone, and then one of probe-1's.
fn lines(case: &mut Case, kept: &[usize], and: Option<&str>) -> Vec<u8> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ft1 = |line: &&str| line.starts_with("FT1");
    let john = text(case.message("john-doe"));
    let header = john.split_terminator('\r').filter(|line| !line.starts_with("FT1"));
    let mut message: Vec<String> = header.map(str::to_owned).collect();
    let charges: Vec<&str> = john.split('\r').filter(ft1).collect();
    message.extend(kept.iter().map(|&line| charges[line].to_owned()));
    if let Some(exam) = and {
        let other = text(case.message(exam));
        message.extend(other.split('\r').filter(ft1).map(str::to_owned));
    }
    (message.join("\r") + "\r").into_bytes()
}

/// What `then` does to a case in which lines are counted, by the number of those that came twice.
fn where_lines_are_counted(then: impl Fn(&mut Case)) -> usize {
    let mut case = Case::new();
    case.plan.mapping = mapping("orchard-per-charge");
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    then(&mut case);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    judgement.findings.iter().filter(|one| one.weight == Weight::SentTwice).count()
}

fn asks(case: &mut Case, exam: &str) {
    case.push(What::ResendAsked { exam: exam.to_owned(), incarnation: 1 });
}

/// A request is for the order, in however many messages the sender writes its charges.
#[rstest]
#[case::both_lines_once_more(vec![vec![0], vec![1]], 0)]
#[case::both_in_one_message(vec![vec![0, 1]], 0)]
#[case::one_line_once_too_often(vec![vec![0], vec![1], vec![1]], 1)]
fn a_request_is_for_each_line_once(#[case] again: Vec<Vec<usize>>, #[case] twice: usize) {
    let found = where_lines_are_counted(|case| {
        case.submit("john-doe");
        for kept in [[0], [1]] {
            let message = lines(case, &kept, None);
            case.send(1, &message);
        }
        asks(case, "john-doe");
        for kept in &again {
            let message = lines(case, kept, None);
            case.send(1, &message);
        }
    });
    assert_eq!(found, twice);
}

#[rstest]
#[case::both_wanted(&["john-doe", "probe-1"], 0)]
#[case::one_wanted(&["john-doe"], 1)]
fn two_orders_may_come_again_in_one_message(#[case] wanted: &[&str], #[case] twice: usize) {
    let found = where_lines_are_counted(|case| {
        case.deliver(1, "john-doe");
        for exam in wanted {
            asks(case, exam);
        }
        let message = lines(case, &[0, 1], Some("probe-1"));
        case.send(1, &message);
    });
    assert_eq!(found, twice);
}

/// What came before anybody asked is not made good by those who ask later.
#[test]
fn requests_do_not_cover_a_part_that_came_before_them() {
    for asked in [0, 2] {
        let found = where_lines_are_counted(|case| {
            case.deliver(1, "john-doe");
            let message = String::from_utf8(case.message("john-doe")).unwrap();
            let order = message.find("273013").unwrap() + 6;
            case.open(2, 1);
            case.send_part(2, &message.as_bytes()[..order + 1]);
            case.end(2, End::Reset);
            for _ in 0..asked {
                asks(case, "john-doe");
            }
            if asked > 0 {
                case.deliver(1, "john-doe");
            }
        });
        assert_eq!(found, 1, "asked {asked} times");
    }
}

#[test]
fn where_only_whole_messages_count_a_part_takes_nothing_away() {
    let mut case = rejected(&[Asked, Cut, Sent]);
    case.plan.expect.attempts = AttemptMode::Frame;
    assert_eq!(broken(&case.judge()), [""; 0]);
    let mut case = rejected(&[Asked, Sent, Cut]);
    case.plan.expect.attempts = AttemptMode::Frame;
    assert_eq!(broken(&case.judge()), ["once/per-order"]);
}

#[test]
fn the_circumstance_names_the_operator() {
    let judgement = rejected(&[Asked, Sent, Sent]).judge();
    assert_eq!(judgement.findings[0].circumstance, Circumstance::WantedAgainOnce);
    let asked = rejected(&[Sent, Asked]).judge();
    let between = &asked.findings[0].proof.as_ref().unwrap().between;
    assert!(between.iter().all(|moment| !moment.what.contains("operator")), "{between:?}");
}

#[rstest]
#[case::asked_in_vain(&[Asked])]
#[case::asked_twice_and_heard_once(&[Asked, Asked, Sent])]
fn a_resend_that_never_comes_proves_nothing(#[case] then: &[Then]) {
    let judgement = rejected(then).judge();
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::NotSentAgain)]);
}

/// A sender may have kept the request, or have forgotten what it had sent.
#[test]
fn a_resend_long_after_it_was_asked_for_proves_nothing() {
    let judgement = rejected(&[Asked, Watched, Sent]).judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::SentAgainLate)]);
}

#[test]
fn a_resend_that_was_never_asked_for_proves_nothing() {
    let mut case = Case::healthy();
    case.plan.steps.push(Step::Resend("john-doe".to_owned()));
    let expected = [(Rule::OncePerOrder, Circumstance::ResendNotAskedFor)];
    assert_eq!(inconclusive(&case.judge()), expected);
}
