//! What an account proves, and what it does not.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, inconclusive, mapping};
use crate::history::{Accounted, Micros, Outcome, What};
use crate::plan::fault::Answer;
use crate::plan::{Fault, Lifetime, Step};
use crate::verdict::{Circumstance, Judgement, Rule, Subject, Verdict};

/// The account of a case, as it is changed.
fn charges(case: &mut Case) -> &mut Vec<Accounted> {
    let accounts = case.events.iter_mut().find_map(|event| match &mut event.what {
        What::Account { charges, .. } => Some(charges),
        _ => None,
    });
    accounts.unwrap()
}

fn entry(order: &str, outcome: Outcome) -> Accounted {
    Accounted { order: order.to_owned(), outcome }
}

/// Whether the rule was exercised and held, and why it was not judged.
fn proven(judgement: &Judgement) -> (bool, Vec<&str>) {
    let held = judgement.held.iter().any(|held| held.rule == Rule::Accounts);
    let unjudged =
        judgement.unjudged.iter().filter(|one| one.what == Subject::Rule(Rule::Accounts));
    (held, unjudged.map(|one| one.why.as_str()).collect())
}

#[test]
fn nothing_is_proven_of_an_account_that_there_is_none_of() {
    let mut case = Case::healthy();
    case.plan.sender.account = None;
    let judgement = case.judge();
    assert_eq!(judgement.verdict(), Verdict::Pass);
    assert_eq!(proven(&judgement), (false, vec!["the sender file names no `account`"]));
}

#[test]
fn nothing_is_proven_of_an_account_that_nobody_asked_for() {
    let mut case = Case::healthy();
    case.plan.steps.retain(|step| *step != Step::Account);
    case.events.retain(|event| !matches!(event.what, What::Account { .. }));
    for (event, seq) in case.events.iter_mut().zip(1..) {
        event.seq = seq;
    }
    let judgement = case.judge();
    assert_eq!(judgement.findings, []);
    assert_eq!(proven(&judgement), (false, vec!["no step asks the sender for its account"]));
}

/// `unknown` is always honest; of a charge that was plainly accepted it proves nothing.
#[test]
fn whoever_doubts_what_was_plainly_accepted_proves_nothing() {
    let mut case = Case::healthy();
    for charge in charges(&mut case) {
        charge.outcome = Outcome::Unknown;
    }
    // Who was stopped at once after the answer may not have read it.
    for event in &mut case.events {
        if event.at > Micros(10_000) {
            event.at.0 += 1_000_000;
        }
    }
    let judgement = case.judge();
    assert_eq!(judgement.findings, []);
    let why = "the sender says `unknown` of a charge that was plainly accepted";
    assert_eq!(proven(&judgement), (false, vec![why]));
}

#[test]
fn whoever_doubts_a_charge_without_an_answer_is_believed() {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.played(1, Fault::Answer(Answer::None));
    assert_eq!(proven(&case.ended(1, Outcome::Unknown).judge()), (true, vec![]));
}

#[rstest]
#[case::twice(&[Outcome::Delivered, Outcome::Delivered], Circumstance::AccountRepeatsItself)]
#[case::in_doubt(&[Outcome::Unknown, Outcome::Delivered], Circumstance::AccountContradictsItself)]
fn an_account_with_several_entries_for_an_order_proves_nothing(
    #[case] outcomes: &[Outcome],
    #[case] circumstance: Circumstance,
) {
    let mut case = Case::healthy();
    let charges = charges(&mut case);
    charges.retain(|charge| charge.order != "273013");
    charges.extend(outcomes.iter().map(|&outcome| entry("273013", outcome)));
    let judgement = case.judge();
    assert_eq!(inconclusive(&judgement), [(Rule::Accounts, circumstance)]);
    assert_eq!(broken(&judgement), [""; 0]);
}

/// Whatever else is said of a charge, an entry that is no true one is a lie.
#[rstest]
#[case::first(&[Outcome::Delivered, Outcome::Unknown])]
#[case::last(&[Outcome::Unknown, Outcome::Delivered])]
#[case::unsent(&[Outcome::NotSent, Outcome::Unknown])]
fn a_lie_is_told_though_the_truth_stands_beside_it(#[case] outcomes: &[Outcome]) {
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.submit("john-doe");
    let message = case.message("john-doe");
    case.send(1, &message);
    case.played(1, Fault::Answer(Answer::None));
    let mut case = case.ended(1, Outcome::Unknown);
    let charges = charges(&mut case);
    charges.retain(|charge| charge.order != "273013");
    charges.extend(outcomes.iter().map(|&outcome| entry("273013", outcome)));
    assert_eq!(broken(&case.judge()), ["accounts"]);
}

/// Where lines are charges an order has several, and an entry for each.
#[test]
fn an_account_may_name_an_order_for_each_of_its_charges() {
    let mut case = Case::new();
    case.plan.mapping = mapping("orchard-per-charge");
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    case.deliver(1, "john-doe");
    let mut case = case.ended(1, Outcome::Delivered);
    charges(&mut case).push(entry("273013", Outcome::Delivered));
    let judgement = case.judge();
    assert!(judgement.findings.iter().all(|finding| finding.rule != Rule::Accounts));
}

/// An order that nobody placed by then; a sender that serves other cases too may know theirs.
#[rstest]
#[case::of_this_case(Lifetime::Case, true)]
#[case::for_an_exam(Lifetime::Exam, true)]
#[case::of_the_run(Lifetime::Run, false)]
#[case::not_ours(Lifetime::Observed, false)]
fn an_account_of_orders_that_nobody_placed_is_a_lie(#[case] life: Lifetime, #[case] lie: bool) {
    let mut case = Case::healthy();
    case.plan.sender.driving.life = life;
    charges(&mut case).push(entry("9273013", Outcome::NotSent));
    let judgement = case.judge();
    assert_eq!(broken(&judgement).contains(&"accounts"), lie);
    let told = judgement.findings.iter().any(|finding| finding.message.contains("9273013"));
    assert!(!told, "what stands in place of an order may be anything");
}

/// An account is as old as the moment at which it was asked for: what was sent while it was being
/// written it need not know.
#[rstest]
#[case::after_it_was_asked(true, Outcome::NotSent, &[])]
#[case::delivered_meanwhile(true, Outcome::Delivered, &[])]
#[case::before_it_was_asked(false, Outcome::NotSent, &["accounts"])]
fn an_account_is_as_old_as_its_question(
    #[case] asked_before: bool,
    #[case] said: Outcome,
    #[case] expected: &[&str],
) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let before = case.now();
    case.pause(5);
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    case.pause(5);
    let asked = Some(if asked_before { before } else { case.now() });
    let charges = vec![entry("900001", Outcome::Delivered), entry("273013", said)];
    case.push(What::Account { charges, asked });
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), expected);
}

/// What a sender that could not be driven leaves undone has one reason.
#[test]
fn a_sender_that_could_not_be_driven_is_told_once() {
    let mut case = Case::new().scripted(Fault::Answer(Answer::Reject));
    let why = "it was not ready after 10s".to_owned();
    case.push(What::SenderFailed { incarnation: 1, why });
    case.push(What::Finished);
    let judgement = case.judge();
    let told: Vec<&str> = judgement.findings.iter().map(|one| one.rule.name()).collect();
    assert_eq!(told, ["sender/starts"]);
    assert_eq!(judgement.exit().code(), 6);
}

/// A sender that nobody here can restart is not known to come through that.
#[test]
fn nothing_is_proven_of_a_restart_that_could_not_be() {
    let mut case = Case::healthy();
    case.plan.steps.push(Step::LeaveAlone);
    let judgement = case.judge();
    let told = judgement.unjudged.iter().find(|one| one.what == Subject::Step("restart"));
    assert!(told.is_some_and(|one| one.why.contains("`observe`")));
}
