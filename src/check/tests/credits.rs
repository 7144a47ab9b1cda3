//! Credits: where they are agreed, each is counted apart from the charge that it takes back.

use std::sync::Arc;

use rstest::rstest;

use super::fixture::{Case, broken, changed, exam, mapping};
use crate::history::{End, Outcome};
use crate::plan::{Charged, Fault};
use crate::verdict::Exit;

/// An agreement with credits, and john-doe's charge, which was accepted. `credit` takes it back, and
/// `anew` is the same charge of another order.
fn charged() -> Case {
    let mut case = Case::begun();
    case.plan.mapping = mapping("willow-credits");
    case.plan.sender.account = None;
    let exams = Arc::make_mut(&mut case.plan.exams);
    for (name, number, credits) in
        [("credit", "273013-1", Some("273013")), ("anew", "273014", None)]
    {
        let mut exam = exam("273013");
        number.clone_into(&mut exam.order.number);
        exam.order.credits = credits.map(str::to_owned);
        exams.insert(name.to_owned(), Arc::new(exam));
        case.plan.expect.charges.insert(name.to_owned(), Charged::AtMostOnce);
    }
    case.deliver(1, "john-doe");
    case
}

#[test]
fn a_charge_a_credit_of_it_and_a_new_charge_are_each_sent_once() {
    let mut case = charged();
    case.deliver(1, "credit");
    case.deliver(1, "anew");
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(judgement.findings, []);
    // Each exam, the two probes too, is charged by two lines.
    assert_eq!(judgement.charges, 5 * 2);
}

#[test]
fn a_credit_that_is_sent_again_was_sent_twice() {
    let mut case = charged().scripted(Fault::AnswerReject);
    for code in ["AR", "AA"] {
        let message = case.message("credit");
        let to = case.send(1, &message);
        case.answer(1, to, code, &message);
    }
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-charge"]);
    assert_eq!(judgement.exit(), Exit::SentTwice);
    let proof = judgement.findings[0].proof.as_ref().unwrap();
    assert_eq!(proof.charge, "order 273013 CD (credit): 92250-26, 92000035-TC");
}

#[test]
fn a_credit_that_calls_itself_a_charge_is_a_second_charge() {
    let mut case = charged();
    let message = case.message("credit");
    let message = changed(&changed(&message, "|CD|", "|CG|"), "|CD|", "|CG|");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-charge"]);
}

/// A part that ends behind FT1-3, the order, may say no more yet than that of the charge did.
#[rstest]
#[case::before_it_says_what_it_is(0)]
#[case::within_the_word(2)]
#[case::after_it(4)]
fn a_part_of_a_credit_is_no_second_charge(#[case] more: usize) {
    for (before, expected) in [(false, &[][..]), (true, &["once/per-charge"][..])] {
        let mut case = charged();
        match before {
            true => case.deliver(1, "credit"),
            false => case.submit("credit"),
        }
        case.open(2, 1);
        let message = case.message("credit");
        let at = memchr::memmem::find(&message, b"|CD|").unwrap() + more;
        case.send_part(2, &message[..at]);
        case.end(2, End::Reset);
        let judgement = case.ended(1, Outcome::Delivered).judge();
        assert_eq!(broken(&judgement), expected, "{:?}", judgement.findings);
    }
}
