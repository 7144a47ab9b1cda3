//! Results may be resent until they are accepted.

use super::fixture::{Case, broken, mapping};
use crate::history::{End, Outcome};

/// john-doe's charge is delivered, and its result is answered with this code.
fn with_result(code: Option<&str>) -> (Case, Vec<u8>) {
    let mut case = Case::begun();
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let result = case.result("john-doe");
    let to = case.send(1, &result);
    if let Some(code) = code {
        case.answer(1, to, code, &result);
    }
    (case, result)
}

#[test]
fn a_result_is_no_second_charge() {
    let (case, _) = with_result(Some("AA"));
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(judgement.findings, []);
    assert!(judgement.held.iter().any(|held| held.rule == "results/settled"));
}

#[test]
fn a_refused_result_may_be_resent() {
    for code in [Some("AE"), Some("AR"), None] {
        let (mut case, result) = with_result(code);
        let to = case.send(1, &result);
        case.answer(1, to, "AA", &result);
        assert_eq!(case.ended(1, Outcome::Delivered).judge().findings, [], "after {code:?}");
    }
}

#[test]
fn an_accepted_result_must_not_be_resent() {
    let (mut case, _) = with_result(Some("AA"));
    let again = case.result("john-doe");
    let to = case.send(1, &again);
    case.answer(1, to, "AA", &again);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["results/settled"]);
}

#[test]
fn a_result_whose_acknowledgement_came_late_may_be_resent() {
    let (mut case, result) = with_result(None);
    case.pause(400);
    let to = case.events.last().unwrap().seq;
    case.answer(1, to, "AA", &result);
    case.send(1, &result);
    assert_eq!(case.ended(1, Outcome::Delivered).judge().findings, []);
}

#[test]
fn a_result_whose_connection_was_reset_after_the_acknowledgement_may_be_resent() {
    let (mut case, result) = with_result(Some("AA"));
    case.end(1, End::Reset);
    case.open(2, 1);
    let to = case.send(2, &result);
    case.answer(2, to, "AA", &result);
    assert_eq!(case.ended(2, Outcome::Delivered).judge().findings, []);
}
