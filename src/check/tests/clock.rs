//! MSH-7 is a real time, and near the one at which the message came.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, changed, mapping};
use crate::history::Outcome;
use crate::verdict::{Circumstance, Rule};

#[rstest]
#[case::as_it_is("20170410151302", None)]
#[case::zeros("00000000000000", Some(Circumstance::NoTime))]
#[case::no_such_day("20170431151302", Some(Circumstance::NoTime))]
#[case::nothing("", Some(Circumstance::NoTime))]
#[case::words("NOW", Some(Circumstance::NoTime))]
#[case::a_day_alone("20170410", Some(Circumstance::NotUtc))]
#[case::the_beginning_of_time("19700101000000", Some(Circumstance::NotUtc))]
fn a_charge_bears_a_real_time_near_now(
    #[case] time: &str,
    #[case] circumstance: Option<Circumstance>,
) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message =
        changed(&case.message("john-doe"), "|20170410151302||DFT", &format!("|{time}||DFT"));
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let told = judgement.findings.iter().find(|finding| finding.rule == Rule::WireClock);
    assert_eq!(told.map(|finding| finding.circumstance.clone()), circumstance);
}

/// A result that is sent again may be the same message with the time of the first.
#[test]
fn a_result_bears_a_time_near_now_when_it_comes_first() {
    let mut case = Case::begun();
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let result = case.result("john-doe");
    let to = case.send(1, &result);
    case.answer(1, to, "AE", &result);
    case.pause(3_600_000);
    let to = case.send(1, &result);
    case.answer(1, to, "AA", &result);
    let judgement = case.clone().restarted(1, Outcome::Delivered).judge();
    assert!(!broken(&judgement).contains(&"wire/clock"));
    let late = case.result("probe-1");
    case.send(1, &late);
    assert!(broken(&case.restarted(1, Outcome::Delivered).judge()).contains(&"wire/clock"));
}
