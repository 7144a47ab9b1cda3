//! Attempts that somebody wanted: one for the order, and another each time that an operator asks.

use rstest::rstest;

use super::fixture::{Case, broken, inconclusive, mapping};
use crate::history::{End, Outcome, What};
use crate::plan::{AttemptMode, Fault, Step};

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
}

use Then::{Asked, AskedForAnother, Cut, Sent};

/// john-doe is rejected once, and then this happens.
fn rejected(then: &[Then]) -> Case {
    let mut case = Case::begun().scripted(Fault::AnswerReject);
    case.submit("john-doe");
    let first = case.message("john-doe");
    let to = case.send(1, &first);
    case.answer(1, to, "AR", &first);
    case.played(1, Fault::AnswerReject);
    goes_on(case, then)
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
        case.judge().findings.iter().map(|one| one.rule.clone()).collect::<Vec<_>>()
    };
    assert!(!of(&[Asked, Sent]).contains(&"once/per-charge".to_owned()));
    assert!(of(&[Asked, Sent, Sent]).contains(&"once/per-charge".to_owned()));
    assert!(of(&[Sent, Asked]).contains(&"once/per-charge".to_owned()));
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
    assert_eq!(judgement.findings[0].circumstance, "wanted again once");
    let asked = rejected(&[Sent, Asked]).judge();
    let between = &asked.findings[0].proof.as_ref().unwrap().between;
    assert!(between.iter().all(|moment| !moment.what.contains("operator")), "{between:?}");
}

#[rstest]
#[case::asked_in_vain(&[Asked], "not sent again")]
#[case::asked_twice_and_heard_once(&[Asked, Asked, Sent], "not sent again")]
fn a_resend_that_never_comes_proves_nothing(#[case] then: &[Then], #[case] why: &str) {
    let judgement = rejected(then).judge();
    assert_eq!(inconclusive(&judgement), [("once/per-order", why)]);
}

#[test]
fn a_resend_that_was_never_asked_for_proves_nothing() {
    let mut case = Case::healthy();
    case.plan.steps.push(Step::Resend("john-doe".to_owned()));
    let expected = [("once/per-order", "resend not asked for")];
    assert_eq!(inconclusive(&case.judge()), expected);
}
