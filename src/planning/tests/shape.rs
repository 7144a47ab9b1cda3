//! What cannot be meant: keys, values and steps that make no sense, shown where they stand.

use insta::assert_snapshot;
use rstest::rstest;

use crate::planning::Choices;
use crate::planning::tests::{mistake, plan, plans, plans_for};
use crate::scenario::SenderFile;
use crate::yaml::Source;

#[test]
fn a_scenario_must_have_a_title() {
    assert_snapshot!(mistake("exams: [john-doe]\n"), @r"
    once/case.yaml:1:1: missing key `title`
      |
    1 | exams: [john-doe]
      | ^^^^^
    hint: add `title: …` beside the keys of this map
    ");
}

#[test]
fn a_title_must_say_something() {
    assert_snapshot!(mistake("title: ''\n"), @r"
    once/case.yaml:1:8: the title is empty
      |
    1 | title: ''
      |        ^^
    ");
}

#[test]
fn an_entry_must_have_a_reply() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n"), @r"
    once/case.yaml:4:5: missing key `reply`
      |
    4 |   - on: { exam: john-doe }
      |     ^^
    hint: add `reply: …` beside the keys of this map
    ");
}

#[test]
fn an_exam_must_have_its_facts() {
    assert_snapshot!(mistake("title: T\nexams:\n  - me: { site: A }\n"), @r"
    once/case.yaml:3:9: missing key `order`
      |
    3 |   - me: { site: A }
      |         ^
    hint: add `order: …` beside the keys of this map
    ");
}

#[test]
fn exams_are_a_list() {
    assert_snapshot!(mistake("title: T\nexams: john-doe\n"), @r"
    once/case.yaml:2:8: expected a list of exams, found the text `john-doe`
      |
    2 | exams: john-doe
      |        ^^^^^^^^
    hint: one item is a list too: [john-doe]
    ");
}

#[test]
fn an_exam_in_a_list_has_one_name() {
    assert_snapshot!(mistake("title: T\nexams:\n  - twin: { like: john-doe }\n    order: { number: \"2\" }\n"), @r#"
    once/case.yaml:4:5: expected the name of an exam, or `name: { facts }`, found a second key `order`
      |
    4 |     order: { number: "2" }
      |     ^^^^^
    hint: a new item of a list begins with `- `
    "#);
}

#[test]
fn a_step_without_its_exam() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - submit\n"), @r"
    once/case.yaml:5:5: the step `submit` needs the name of an exam
      |
    5 |   - submit
      |     ^^^^^^
    hint: as in `submit: john-doe`
    ");
}

#[test]
fn a_kill_without_its_event() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - kill\n"), @r"
    once/case.yaml:5:5: the step `kill` needs to know when
      |
    5 |   - kill
      |     ^^^^
    hint: as in `kill: { at: end-of-message }`
    ");
}

#[test]
fn a_kill_whose_at_is_missing() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - kill: { first-byte: 1 }\n"), @r"
    once/case.yaml:5:13: unknown key `first-byte`
      |
    5 |   - kill: { first-byte: 1 }
      |             ^^^^^^^^^^
    hint: did you mean `at: first-byte`?
    ");
}

#[test]
fn an_exam_that_is_awaited_too_early() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - await: john-doe\n  - submit: john-doe\n"), @r"
    once/case.yaml:5:12: the exam `john-doe` has not been given to the sender yet
      |
    5 |   - await: john-doe
      |            ^^^^^^^^
    hint: write `submit: john-doe` before it
    ");
}

#[test]
fn an_exam_that_is_never_handed_over() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - probe\n  - stop\n"), @r"
    once/case.yaml:2:9: the exam `john-doe` is never given to the sender
      |
    2 | exams: [john-doe]
      |         ^^^^^^^^
    hint: add the step `submit: john-doe`, or take the exam out
    ");
}

#[test]
fn a_stop_of_a_sender_that_does_not_run() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - stop\n"), @r"
    once/case.yaml:4:5: the sender is not running here
      |
    4 |   - stop
      |     ^^^^
    hint: write the step `start` before it
    ");
}

#[test]
fn steps_without_a_start() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps: [{submit: john-doe}]\n"), @r"
    once/case.yaml:3:18: no step starts the sender
      |
    3 | steps: [{submit: john-doe}]
      |                  ^^^^^^^^
    hint: write the step `start` first, as in `steps: [start, submit: john-doe]`
    ");
    assert_snapshot!(mistake("title: T\nsteps: [probe]\n"), @r"
    once/case.yaml:1:1: no step starts the sender
      |
    1 | title: T
      | ^^^^^
    hint: write the step `start` first, as in `steps: [start, submit: john-doe]`
    ");
}

/// What one sender is refused, another is up for before the case begins.
#[rstest]
#[case::observed("start: observe\nlisten: 127.0.0.1:2575", true)]
#[case::for_the_run(
    "start: { command: [send], per: run }\nfeed: by-hand\nlisten: 127.0.0.1:2575",
    true
)]
#[case::for_the_case("start: [send]\nfeed: standard-input", false)]
#[case::for_the_exam("start: { command: [send], per: exam }\nfeed: { as: message }", false)]
fn steps_without_a_start_are_for_a_sender_that_is_up(#[case] start: &str, #[case] fits: bool) {
    let text =
        format!("name: acme\n{start}\nlimits: {{ ack_timeout: 300ms, longest_retry: 200ms }}\n");
    let sender = SenderFile::read(&Source::new("sender.yaml", text)).unwrap();
    let case = "title: T\nexams: [john-doe]\nsteps: [{submit: john-doe}, settle]\n";
    let plans = plans_for(case, &sender, &Choices::default());
    assert_eq!(plans.is_ok(), fits, "{plans:?}");
}

#[test]
fn a_second_start() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - start\n"), @r"
    once/case.yaml:5:5: the sender is running already
      |
    5 |   - start
      |     ^^^^^
    ");
}

#[test]
fn attempts_count_from_one() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { attempt: 0 }\n    reply: reject\n"), @r"
    once/case.yaml:4:20: expected a whole number from 1, found the number `0`
      |
    4 |   - on: { attempt: 0 }
      |                    ^
    hint: they are counted from 1
    ");
}

#[test]
fn an_endpoint_is_named_once() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nendpoints: [emr, emr]\n"), @r"
    once/case.yaml:3:18: the endpoint `emr` is named twice
      |
    3 | endpoints: [emr, emr]
      |                  ^^^
    ");
}

#[test]
fn an_axis_that_is_not_used() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\naxes: { reply: [reject, error] }\n"), @r"
    once/case.yaml:3:9: the axis `reply` is not used
      |
    3 | axes: { reply: [reject, error] }
      |         ^^^^^
    hint: write `$reply` where its values belong, or drop it
    ");
}

#[test]
fn an_axis_without_values() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\naxes: { reply: [] }\nemr: [{ on: {}, reply: $reply }]\n"), @r"
    once/case.yaml:3:16: the axis `reply` has no values
      |
    3 | axes: { reply: [] }
      |                ^
    ");
}

#[test]
fn an_axis_that_repeats_a_value() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\naxes: { reply: [reject, reject] }\nemr: [{ on: {}, reply: $reply }]\n"), @r"
    once/case.yaml:3:25: the axis `reply` has the value `reject` twice
      |
    3 | axes: { reply: [reject, reject] }
      |                         ^^^^^^
    ");
}

#[test]
fn too_many_cases() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\naxes:\n  a: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49]\n  b: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49]\nrequirements: [$a, $b]\n"), @r"
    once/case.yaml:5:3: the axes make 2500 cases, which is too many
      |
    5 |   b: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 
      |   ^
    hint: a scenario may have 2000 cases; split it
    ");
}

#[test]
fn a_duration_without_a_unit() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { late: { after: 500 } }\n"), @r"
    once/case.yaml:5:29: the duration `500` has no unit
      |
    5 |     reply: { late: { after: 500 } }
      |                             ^^^
    hint: did you mean `500ms`?
    ");
}

#[test]
fn a_duration_with_another_unit() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { wait: 5sec }\n"), @r"
    once/case.yaml:5:20: expected a duration, found `5sec`
      |
    5 |     reply: { wait: 5sec }
      |                    ^^^^
    hint: a whole number and `ms`, `s`, `m` or `h`, as in `500ms`
    ");
}

#[test]
fn a_duration_that_nobody_waits_for() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { wait: 4000000s }\n"), @r"
    once/case.yaml:5:20: the duration `4000000s` is longer than a week
      |
    5 |     reply: { wait: 4000000s }
      |                    ^^^^^^^^
    hint: nobody waits for that; write a shorter one
    ");
}

#[test]
fn a_negative_duration() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { wait: -5s }\n"), @r"
    once/case.yaml:5:20: expected a duration, found `-5s`
      |
    5 |     reply: { wait: -5s }
      |                    ^^^
    hint: a whole number and `ms`, `s`, `m` or `h`, as in `500ms`
    ");
}

#[test]
fn two_exams_with_one_order_number() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe, { again: { like: john-doe } }]\n"), @r"
    once/case.yaml:2:21: `again` has the order number 273013 of `john-doe`
      |
    2 | exams: [john-doe, { again: { like: john-doe } }]
      |                     ^^^^^
    hint: give it another `order: { number }`, or say `same_order: true`
    ");
}

#[test]
fn a_credit_that_the_mapping_would_write_as_a_charge() {
    assert_snapshot!(mistake("title: T\nexams:\n  - back: { like: john-doe, order: { number: '1', credits: '2' } }\n"), @r#"
    once/case.yaml:3:5: `back` is a credit, and the mapping `iris/option-1` writes none
      |
    3 |   - back: { like: john-doe, order: { number: '1', credits: '2' } }
      |     ^^^^
    hint: a mapping with credits has `FT1-3: "{order.charged}"`, `FT1-6: "{order.transaction}"`, and an identity with FT1-6 and the rule per-charge
    "#);
}

#[rstest]
#[case("number: '1', credits: ''", "`back` takes back the charge of no order")]
#[case("number: '1 CD'", "an order number of `back` ends in ` CD`")]
#[case("number: '1', credits: '1 CD'", "an order number of `back` ends in ` CD`")]
fn a_credit_that_makes_no_sense(#[case] order: &str, #[case] expected: &str) {
    let text = format!(
        "title: T\nmapping: willow-credits\nexams:\n  - back: {{ like: john-doe, order: {{ {order} }} }}\n"
    );
    let mistake = mistake(&text);
    assert!(mistake.starts_with(&format!("once/case.yaml:4:5: {expected}")), "{mistake}");
}

#[test]
fn the_same_credit_may_be_handed_over_under_another_name() {
    let text = "title: T\nmapping: willow-credits\nexams:\n\
                - back: { like: john-doe, order: { number: '1', credits: '273013' } }\n\
                - again: { like: back, same_order: true }\n";
    assert_eq!(plan(text).exams["again"], plan(text).exams["back"]);
}

#[test]
fn two_credits_of_one_charge() {
    let text = "title: T\nmapping: willow-credits\nexams:\n\
                - back: { like: john-doe, order: { number: '1', credits: '273013' } }\n\
                - again: { like: john-doe, order: { number: '2', credits: '273013' } }\n";
    assert_snapshot!(mistake(text), @r"
    once/case.yaml:5:3: `again` takes back the charge of order 273013, as `back` does
      |
    5 | - again: { like: john-doe, order: { number: '2', credits: '273013' } }
      |   ^^^^^
    hint: a charge is taken back once
    ");
}

#[test]
fn two_exams_of_one_name() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe, john-doe]\n"), @r"
    once/case.yaml:2:19: there are two exams `john-doe`
      |
    2 | exams: [john-doe, john-doe]
      |                   ^^^^^^^^
    hint: an exam can be given to the sender twice by two steps `submit`
    ");
}

#[test]
fn an_exam_with_the_name_of_a_probe() {
    assert_snapshot!(mistake("title: T\nexams: [{ probe-1: { like: john-doe } }]\n"), @r"
    once/case.yaml:2:11: the name `probe-1` belongs to a probe
      |
    2 | exams: [{ probe-1: { like: john-doe } }]
      |           ^^^^^^^
    hint: probes are given to the sender by the step `probe`; choose another name
    ");
}

#[test]
fn an_expectation_that_is_none() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nexpect: { charges: { john-doe: twice } }\n"), @r"
    once/case.yaml:3:32: expected a number of times, found `twice`
      |
    3 | expect: { charges: { john-doe: twice } }
      |                                ^^^^^
    hint: valid words: once, at-most-once, never
    ");
}

#[test]
fn a_key_of_a_scenario_stands_once() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nexams: [mary-major]\n"), @r"
    once/case.yaml:3:1: the key `exams` stands here for the second time
      |
    3 | exams: [mary-major]
      | ^^^^^
    hint: it was first written on line 2
    ");
}

#[test]
fn a_scenario_is_no_list() {
    assert_snapshot!(mistake("- title: T\n"), @r"
    once/case.yaml:1:1: expected a scenario, found a list
      |
    1 | - title: T
      | ^
    ");
}

/// A scenario of john-doe with these lines.
fn john(lines: &str) -> String {
    format!("title: T\nexams: [john-doe]\n{lines}")
}

#[test]
fn an_exam_that_is_never_charged_because_nobody_hands_it_over() {
    let steps = "steps: [start, probe, settle, account, stop]\n";
    let text =
        john(&format!("{steps}expect: {{ charges: {{ john-doe: never }}, snapshot: true }}\n"));
    assert_snapshot!(mistake(&text), @r"
    once/case.yaml:4:22: `john-doe` is never charged because it is never given to the sender
      |
    4 | expect: { charges: { john-doe: never }, snapshot: true }
      |                      ^^^^^^^^
    hint: add the step `submit: john-doe`, or take the exam out
    ");
}

#[test]
fn a_second_instance_that_is_stopped_before_anything_happens() {
    let text =
        john("steps: [start, probe, start-second, stop-second, { submit: john-doe }, settle]\n");
    assert_snapshot!(mistake(&text), @r"
    once/case.yaml:3:23: nothing happens while the second instance runs
      |
    3 | steps: [start, probe, start-second, stop-second, { submit: john-doe }, settle]
      |                       ^^^^^^^^^^^^
    hint: hand an exam over before it is stopped, or let it `settle`
    ");
}

#[rstest]
#[case::asked_only("start-second, heal, account, stop-second, settle", false)]
#[case::at_the_end("settle, start-second", false)]
#[case::settled("start-second, settle, stop-second", true)]
#[case::probed("start-second, probe, stop-second", true)]
fn a_second_instance_needs_something_to_do(#[case] steps: &str, #[case] fine: bool) {
    let text = john(&format!("steps: [start, submit: john-doe, {steps}]\n"));
    assert_eq!(plans(&text).is_ok(), fine);
}

#[test]
fn an_entry_that_an_earlier_one_covers() {
    let text = john(
        "emr:\n  - { on: { exam: john-doe }, reply: reject }\n  - { on: { exam: john-doe, attempt: 2 }, reply: none, optional: true }\n",
    );
    assert_snapshot!(mistake(&text), @r"
    once/case.yaml:5:5: this entry can never play
      |
    5 |   - { on: { exam: john-doe, attempt: 2 }, reply: none, optional: true }
      |     ^
    hint: the one in line 4 plays whenever this one is due, and the first that matches plays: put this one before it, or give that one `times` or an `attempt`
    ");
}

#[rstest]
#[case::the_same("{ exam: john-doe }", "reject", "{ exam: john-doe }", "none", false)]
#[case::any_message("{}", "reject", "{ message: 2 }", "none", false)]
#[case::of_the_kind(
    "{ exam: john-doe }",
    "reject",
    "{ exam: john-doe, kind: charge }",
    "none",
    false
)]
#[case::inside(
    "{ exam: john-doe, bytes: 10 }",
    "{ end: reset }",
    "{ exam: john-doe }",
    "connection/reset-after-bytes",
    false
)]
#[case::another_kind(
    "{ exam: john-doe }",
    "reject",
    "{ exam: john-doe, kind: result }",
    "none",
    true
)]
#[case::more_often("{ exam: john-doe, attempt: 1 }", "reject", "{ exam: john-doe }", "none", true)]
#[case::another_moment(
    "{ exam: john-doe }",
    "connection/refused",
    "{ exam: john-doe }",
    "none",
    true
)]
#[case::on_connect(
    "{ connection: 1 }",
    "connection/accept-close",
    "{ connection: 1 }",
    "none",
    true
)]
#[case::now_and_then("{}", "connection/close-every", "{ message: 3 }", "none", true)]
fn only_what_is_always_due_covers_another(
    #[case] first: &str,
    #[case] plays: &str,
    #[case] second: &str,
    #[case] then: &str,
    #[case] fine: bool,
) {
    let entries = [(first, plays), (second, then)];
    let entries = entries.map(|(on, reply)| format!("  - {{ on: {on}, reply: {reply} }}\n"));
    let text = john(&format!("emr:\n{}", entries.concat()));
    let planned = plans(&text);
    assert_eq!(
        planned.is_ok(),
        fine,
        "{}",
        planned.err().map(|one| one.to_string()).unwrap_or_default()
    );
}

/// Nobody waits for a jump, so that it may be as long as a clock can be off.
#[rstest]
#[case::weeks("3w", true)]
#[case::days("40d", true)]
#[case::hours("1000h", true)]
#[case::a_century("6000w", false)]
#[case::no_unit("3x", false)]
fn a_clock_may_jump_by_weeks(#[case] by: &str, #[case] fine: bool) {
    let steps = format!("steps: [start, submit: john-doe, jump: {{ by: {by} }}, probe, settle]\n");
    assert_eq!(plans(&john(&steps)).is_ok(), fine);
}
