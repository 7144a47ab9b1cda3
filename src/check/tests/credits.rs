//! Credits: where they are agreed, each is counted apart from the charge that it takes back.

use std::sync::Arc;

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, changed, exam, mapping};
use crate::history::{End, Outcome, What};
use crate::plan::fault::Answer;
use crate::plan::{Charged, Fault, Step};
use crate::verdict::{Exit, Finding, Weight};

/// An agreement with credits, and john-doe's charge, which was accepted.
fn charged() -> Case {
    let mut case = prepared();
    case.deliver(1, "john-doe");
    case
}

/// An agreement with credits: `credit` takes john-doe's charge back, and `anew` is the same charge of
/// another order.
fn prepared() -> Case {
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

/// What was taken back may be charged anew, once for each credit.
#[rstest]
#[case::after_its_credit(&["john-doe", "credit", "john-doe"], false)]
#[case::after_each_of_two(&["john-doe", "credit", "john-doe", "credit", "john-doe"], true)]
#[case::without_a_credit(&["john-doe", "john-doe"], true)]
#[case::before_its_credit(&["john-doe", "john-doe", "credit"], true)]
#[case::twice_after_one(&["john-doe", "credit", "john-doe", "john-doe"], true)]
#[case::after_the_credit_of_another(&["john-doe", "anew", "john-doe"], true)]
fn a_charge_after_its_credit_is_a_new_one(#[case] sent: &[&str], #[case] twice: bool) {
    let mut case = prepared();
    let exams = Arc::make_mut(&mut case.plan.exams);
    exams.insert("rebilled".to_owned(), exam("273013").into());
    case.plan.expect.charges.insert("rebilled".to_owned(), Charged::AtMostOnce);
    for exam in ["john-doe", "credit", "anew", "rebilled"] {
        case.submit(exam);
    }
    for exam in sent {
        let message = case.message(exam);
        let to = case.send(1, &message);
        case.answer(1, to, "AA", &message);
    }
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(judgement.exit() == Exit::SentTwice, twice, "{:?}", judgement.findings);
}

/// A new charge after a credit is compared like any other.
#[rstest]
#[case::as_agreed(false)]
#[case::of_another_patient(true)]
fn a_charge_after_its_credit_is_what_was_agreed(#[case] garbled: bool) {
    let mut case = prepared();
    let exams = Arc::make_mut(&mut case.plan.exams);
    exams.insert("rebilled".to_owned(), exam("273013").into());
    case.plan.expect.charges.insert("rebilled".to_owned(), Charged::AtMostOnce);
    for exam in ["john-doe", "credit", "rebilled"] {
        case.submit(exam);
        let mut message = case.message(exam);
        if exam == "rebilled" && garbled {
            message = changed(&message, "|M273013|", "|M273099|");
        }
        let sent = case.send(1, &message);
        case.answer(1, sent, "AA", &message);
    }
    let judgement = case.judge();
    assert_eq!(broken(&judgement).contains(&"snapshot"), garbled, "{:?}", judgement.findings);
    assert_ne!(judgement.exit(), Exit::SentTwice);
}

/// Nobody had handed a new charge over.
#[test]
fn a_charge_that_nobody_wanted_anew_was_sent_twice_for_all_its_credit() {
    let mut case = charged();
    case.deliver(1, "credit");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    assert_eq!(case.ended(1, Outcome::Delivered).judge().exit(), Exit::SentTwice);
}

#[test]
fn a_credit_that_is_sent_again_was_sent_twice() {
    let mut case = charged().scripted(Fault::Answer(Answer::Reject));
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

/// Where a message of `exam` has come to FT1-6 of this line, and has not said it yet.
fn before_kind(message: &[u8], line: usize) -> usize {
    let kinds = memchr::memmem::find_iter(message, b"|CG|")
        .chain(memchr::memmem::find_iter(message, b"|CD|"));
    kinds.into_iter().nth(line).unwrap() + 1
}

/// An operator may have asked for the charge, and it is that which was cut: the credit comes whole.
#[rstest]
#[case::asked_for(true, &[])]
#[case::not_asked_for(false, &["once/per-charge"])]
fn a_part_may_be_the_charge_that_an_operator_wanted_again(
    #[case] asked: bool,
    #[case] expected: &[&str],
) {
    let mut case = charged();
    if asked {
        case.plan.steps.push(Step::Resend("john-doe".to_owned()));
        case.push(What::ResendAsked { exam: "john-doe".to_owned(), incarnation: 1 });
    }
    case.submit("credit");
    case.open(2, 1);
    let message = case.message("john-doe");
    case.send_part(2, &message[..before_kind(&message, 0)]);
    case.end(2, End::Reset);
    let credit = case.message("credit");
    let to = case.send(1, &credit);
    case.answer(1, to, "AA", &credit);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), expected, "{:?}", judgement.findings);
}

/// A part that names its order is of that order, though no exam explains the rest of it.
#[test]
fn a_part_that_names_its_order_is_no_other_orders() {
    let mut case = charged();
    case.deliver(1, "credit");
    case.submit("anew");
    case.open(2, 1);
    let drifted = changed(&case.message("john-doe"), "PV1|1|O|", "PV1|1|I|");
    case.send_part(2, &drifted[..before_kind(&drifted, 0)]);
    case.end(2, End::Reset);
    let anew = case.message("anew");
    let to = case.send(1, &anew);
    case.answer(1, to, "AA", &anew);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-charge"]);
    let message = &judgement.findings[0].message;
    assert!(message.contains("order 273013"), "{message}");
}

/// What a line that was cut leaves open changes nothing for the messages after it.
#[rstest]
#[case::another_charge("M273099", &[])]
#[case::the_same_charge("M273013", &["once/per-charge"])]
fn a_charge_under_an_unknown_order_is_compared_with_the_right_line(
    #[case] patient: &str,
    #[case] expected: &[&str],
) {
    let mut case = Case::new();
    case.plan.mapping = mapping("willow-credits");
    case.plan.sender.account = None;
    case.start(1);
    case.open(1, 1);
    for (connection, order) in [(2, "900011"), (3, "900012")] {
        let (mut charge, mut credit) = (exam(order), exam(order));
        credit.order.number = format!("{order}-1");
        credit.order.credits = Some(order.to_owned());
        charge.patient.family = "ROE".to_owned();
        let exams = Arc::make_mut(&mut case.plan.exams);
        exams.insert(order.to_owned(), Arc::new(charge));
        exams.insert(credit.order.number.clone(), Arc::new(credit));
        case.submit(order);
        case.open(connection, 1);
        let message = case.message(order);
        case.send_part(connection, &message[..before_kind(&message, 1)]);
        case.end(connection, End::Reset);
    }
    case.deliver(1, "john-doe");
    let message = case.message("john-doe");
    let other = String::from_utf8(message).unwrap();
    let other = other.replace("M273013", patient).replace("|273013|", "|999001|");
    let to = case.send(1, other.as_bytes());
    case.answer(1, to, "AA", other.as_bytes());
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let once = broken(&judgement).into_iter().filter(|rule| rule.starts_with("once/"));
    assert_eq!(once.collect::<Vec<_>>(), expected, "{:?}", judgement.findings);
    let names_john = |finding: &Finding| finding.message.contains("order 273013 (john-doe)");
    let told = judgement.findings.iter().filter(|finding| finding.weight == Weight::SentTwice);
    assert!(told.into_iter().all(names_john), "{:?}", judgement.findings);
}

/// The line of another order that came whole in the same message says nothing of the one that was cut,
/// however early it was cut.
#[rstest]
#[case::before_it_says_what_it_is(0)]
#[case::after_it(30)]
fn a_line_that_was_cut_behind_another_orders_is_a_second_charge(#[case] more: usize) {
    let mut case = charged();
    case.deliver(1, "credit");
    case.submit("anew");
    case.open(2, 1);
    let (anew, again) = (case.message("anew"), case.message("john-doe"));
    let line = memchr::memmem::find(&again, b"FT1|").unwrap();
    let both = [&anew[..], &again[line..before_kind(&again, 0) + more]].concat();
    case.send_part(2, &both);
    case.end(2, End::Reset);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert!(broken(&judgement).contains(&"once/per-charge"), "{:?}", judgement.findings);
}

/// The charge is cut, and comes whole later, after the credit has: because an operator asked for it
/// meanwhile, or of itself.
#[rstest]
#[case::asked_for(true, &[])]
#[case::not_asked_for(false, &["once/per-charge"])]
fn a_charge_that_was_cut_may_be_wanted_again_later(#[case] asked: bool, #[case] expected: &[&str]) {
    let mut case = prepared();
    case.submit("john-doe");
    case.submit("credit");
    case.open(2, 1);
    let message = case.message("john-doe");
    case.send_part(2, &message[..before_kind(&message, 0)]);
    case.end(2, End::Reset);
    for exam in ["credit", "john-doe"] {
        if asked && exam == "john-doe" {
            case.plan.steps.push(Step::Resend(exam.to_owned()));
            case.push(What::ResendAsked { exam: exam.to_owned(), incarnation: 1 });
        }
        let message = case.message(exam);
        let to = case.send(1, &message);
        case.answer(1, to, "AA", &message);
    }
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), expected, "{:?}", judgement.findings);
}
