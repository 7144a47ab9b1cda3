//! What a case asks of a sender, and what its sender file offers.

use rstest::rstest;

use crate::mapping::Document;
use crate::plan::{Plan, Step};
use crate::planning::tests::{plan, plans_for, sender};
use crate::planning::{Choices, unmet};
use crate::scenario::SenderFile;
use crate::yaml::Source;

/// A sender file whose arguments and further keys are these.
fn file(arguments: &str, keys: &str) -> SenderFile {
    let text = format!(
        "name: S\nstart: [s{arguments}]\nlimits: {{ ack_timeout: 1s, longest_retry: 1s }}\n{keys}"
    );
    SenderFile::read(&Source::new("sender.yaml", text)).unwrap()
}

/// What `scenario` lacks with a sender file whose arguments and further keys are these.
fn lacks(scenario: &str, arguments: &str, keys: &str) -> Vec<String> {
    let lacks = unmet(&plan(scenario), &file(arguments, keys));
    lacks.into_iter().map(|lack| format!("{}; {}", lack.need, lack.why)).collect()
}

const PLAIN: &str = "title: T\nexams: [john-doe]\n";
const OPTION_2: &str = "title: T\nexams: [john-doe]\nmapping: iris/option-2\n";
const RESULTS: &str = "title: T\nexams: [john-doe]\nresults: iris/result\n";
const TWICE: &str =
    "title: T\nexams: [john-doe]\nsteps: [start, submit: john-doe, submit: john-doe]\n";
const TLS: &str = "title: T\nexams: [john-doe]\ntls: true\n";
const MUTUAL: &str = "title: T\nexams: [john-doe]\ntls: { client: required }\n";
const CREDIT: &str = "title: T\nmapping: willow-credits\nexams:\n  - back: { like: john-doe, order: { \
                      number: '1', credits: '273013' } }\n";
const TWO: &str = "title: T\nexams: [john-doe]\nendpoints: [one, two]\n";

#[rstest]
#[case::the_default_mapping(PLAIN, "", "")]
#[case::a_mapping_that_it_is_told(OPTION_2, ", '{mapping}'", "")]
#[case::told_by_the_environment(OPTION_2, "", "environment: { M: '{mapping}' }\n")]
#[case::a_mapping_that_it_is_configured_for(OPTION_2, "", "mapping: iris/option-2\n")]
#[case::one_of_several(OPTION_2, "", "mapping: [iris/option-1, iris/option-2]\n")]
#[case::results_that_it_is_told(RESULTS, ", '{results}'", "")]
#[case::results_by_configuration(RESULTS, "", "mapping: [iris/option-1, iris/result]\n")]
#[case::finished_messages_of_any_mapping(OPTION_2, "", "feed: { as: message }\n")]
#[case::an_order_again(TWICE, "", "feed: inbox\n")]
#[case::a_credit(CREDIT, ", '{mapping}'", "feed: inbox\n")]
#[case::a_credit_as_a_message(CREDIT, "", "feed: { as: message }\n")]
#[case::every_endpoint(TWO, ", '--to={endpoint}'", "")]
#[case::all_endpoints(TWO, ", '{endpoints}'", "")]
#[case::tls(TLS, ", '{ca}'", "")]
#[case::mutual_tls(MUTUAL, ", '{ca}', '--cert={cert}'", "")]
fn a_sender_is_asked_for_what_its_file_offers(
    #[case] scenario: &str,
    #[case] arguments: &str,
    #[case] keys: &str,
) {
    assert_eq!(lacks(scenario, arguments, keys), Vec::<String>::new());
}

/// A text of the author's own offers the finished messages that stand in it.
#[rstest]
#[case::the_charge("{message}", OPTION_2, true)]
#[case::the_charge_of_results("{message}", RESULTS, false)]
#[case::both("{message}{result}", RESULTS, true)]
#[case::facts_alone("{order.number}", OPTION_2, false)]
#[case::a_result_alone("{result}", OPTION_2, false)]
#[case::a_credit_in_a_message("{message}", CREDIT, true)]
fn a_template_offers_the_messages_that_stand_in_it(
    #[case] template: &str,
    #[case] scenario: &str,
    #[case] offers: bool,
) {
    let mut file = file("", "");
    file.template = Some(Document::read(&Source::new("exam.txt", template)).unwrap());
    assert_eq!(unmet(&plan(scenario), &file).is_empty(), offers);
}

#[rstest]
#[case::no_tls(TLS, "", "", "TLS; the sender file names no `{ca}`")]
#[case::no_certificate(
    MUTUAL,
    ", '{ca}'",
    "",
    "a client certificate; the sender file names no `{cert}`"
)]
#[case::another_mapping(
    OPTION_2,
    "",
    "",
    "another mapping than `iris/option-1`; the sender file names no `{mapping}` and lists no `mapping`"
)]
#[case::not_among_those_it_is_configured_for(
    PLAIN,
    "",
    "mapping: [acme, other]\n",
    "another mapping than `acme`, `other`; the sender file lists `mapping: acme, other`"
)]
#[case::told_but_bounded(
    PLAIN,
    ", '{mapping}'",
    "mapping: acme\n",
    "another mapping than `acme`; the sender file lists `mapping: acme`"
)]
#[case::results(
    RESULTS,
    "",
    "",
    "results; the sender file names no `{results}` and lists no `mapping`"
)]
#[case::an_order_again_as_a_message(
    TWICE,
    "",
    "feed: { as: message }\n",
    "a sender that knows an order again; the sender file feeds it finished messages (`as: message`)"
)]
#[case::a_credit_as_an_order(
    CREDIT,
    ", '{mapping}'",
    "feed: { as: hl7 }\n",
    "a sender that is told of credits; the sender file feeds it orders, or a template without `{order.transaction}`"
)]
#[case::two_endpoints(
    TWO,
    ", '{host}', '{port}'",
    "",
    "several endpoints; the sender file names neither `{endpoint}` nor `{endpoints}` for each case"
)]
fn what_a_sender_file_does_not_offer_is_lacking(
    #[case] scenario: &str,
    #[case] arguments: &str,
    #[case] keys: &str,
    #[case] lack: &str,
) {
    assert_eq!(lacks(scenario, arguments, keys), [lack]);
}

/// What a sender that outlives its cases cannot be asked.
#[rstest]
#[case::a_restart(
    "title: T\nexams: [john-doe]\nsteps: [start, probe, submit: john-doe, restart]\n",
    "a sender that a case may end"
)]
#[case::a_kill(
    "title: T\nexams: [john-doe]\nsteps: [start, submit: john-doe, kill: { at: accepted }]\n",
    "a sender that a case may end"
)]
#[case::its_mapping_in_each_case(OPTION_2, "another mapping than `iris/option-1`")]
fn a_sender_that_serves_a_whole_run_is_not_asked_for(#[case] scenario: &str, #[case] need: &str) {
    let text = "name: S\nstart: { command: [s, '{mapping}'], per: run }\n\
                limits: { ack_timeout: 1s, longest_retry: 1s }\n";
    let file = SenderFile::read(&Source::new("sender.yaml", text)).unwrap();
    let plan = plans_for(scenario, &file, &Choices::default()).unwrap().remove(0);
    let lacks = unmet(&plan, &file);
    assert_eq!(lacks.iter().map(|lack| lack.need.as_str()).collect::<Vec<_>>(), [need]);
}

/// It remembers the orders of other cases, so that each case has its own.
#[test]
fn a_sender_that_outlives_its_case_gets_orders_of_its_own_and_is_let_alone() {
    let text = "name: S\nstart: observe\nlisten: 127.0.0.1:2575\n\
                limits: { ack_timeout: 1s, longest_retry: 1s }\n";
    let file = SenderFile::read(&Source::new("sender.yaml", text)).unwrap();
    let plan = |seed| {
        let choices = Choices { seed, ..Choices::default() };
        plans_for(PLAIN, &file, &choices).unwrap().remove(0)
    };
    let number = |plan: &Plan| plan.exams["john-doe"].order.number.clone();
    let (one, other) = (plan(1), plan(2));
    assert!(number(&one).starts_with("273013") && number(&one).len() == 13);
    assert_ne!(number(&one), number(&other));
    assert_eq!(number(&one), number(&plan(1)));
    assert_eq!(one.steps.last(), Some(&Step::LeaveAlone));
    assert!(!one.steps.contains(&Step::Stop));
    assert_eq!(unmet(&one, &file), []);
}

#[test]
fn the_reference_sender_lacks_nothing() {
    for scenario in [PLAIN, OPTION_2, RESULTS, TWO] {
        assert_eq!(unmet(&plan(scenario), &sender()), []);
    }
}
