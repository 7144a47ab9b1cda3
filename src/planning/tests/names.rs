//! Names that mean nothing: each is shown where it stands, with the nearest one that does.

use insta::assert_snapshot;
use rstest::rstest;

use crate::planning::tests::mistake;

#[test]
fn an_unknown_key_of_a_scenario() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nstpes: [start]\n"), @r"
    once/case.yaml:3:1: unknown key `stpes`
      |
    3 | stpes: [start]
      | ^^^^^
    hint: did you mean `steps`?
    ");
}

#[test]
fn an_unknown_key_of_an_entry() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: reject\n    tiems: 1\n"), @r"
    once/case.yaml:6:5: unknown key `tiems`
      |
    6 |     tiems: 1
      |     ^^^^^
    hint: did you mean `times`?
    hint: valid keys: on, reply, times, optional
    ");
}

#[test]
fn an_unknown_key_of_on() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exm: john-doe }\n    reply: reject\n"), @r"
    once/case.yaml:4:11: unknown key `exm`
      |
    4 |   - on: { exm: john-doe }
      |           ^^^
    hint: did you mean `exam`?
    hint: valid keys: exam, attempt, message, connection, endpoint, kind, field, moment, bytes
    ");
}

fn mistake_in_reply(reply: &str) -> String {
    mistake(&format!("title: T\nexams: [john-doe]\nemr:\n  - on: {{}}\n    reply: {reply}\n"))
}

#[test]
fn a_parameter_that_a_fault_does_not_read() {
    assert_snapshot!(mistake_in_reply("{ late: { afterwards: 500ms } }"), @r"
    once/case.yaml:5:22: `answer/late` does not read `afterwards`
      |
    5 |     reply: { late: { afterwards: 500ms } }
      |                      ^^^^^^^^^^
    hint: it reads: after, text, cut
    ");
    assert_snapshot!(mistake_in_reply("{ late: { bytes: 5 } }"), @r"
    once/case.yaml:5:22: `answer/late` does not read `bytes`
      |
    5 |     reply: { late: { bytes: 5 } }
      |                      ^^^^^
    hint: it reads: after, text, cut
    ");
    assert_snapshot!(mistake_in_reply("{ none: { text: why } }"), @r"
    once/case.yaml:5:22: `answer/none` does not read `text`
      |
    5 |     reply: { none: { text: why } }
      |                      ^^^^
    hint: it has no parameters
    ");
}

#[rstest]
#[case::form(
    "{ payload/http: { form: cooked } }",
    "5:36",
    "expected a form, found `cooked`",
    "one of: framed, raw"
)]
#[case::code(
    "{ locked: { code: AA } }",
    "5:30",
    "expected an acknowledgement code, found `AA`",
    "one of: AE, AR"
)]
#[case::error(
    "{ error: { error: 300 } }",
    "5:30",
    "table 0357 has no code `300`",
    "its codes: 0, 100,"
)]
#[case::severity(
    "{ error: { severity: X } }",
    "5:33",
    "expected a severity, found `X`",
    "one of: E, W, I, F"
)]
#[case::place("{ error: { at: FT1.7 } }", "5:27", "`FT1.7` is no path", "`FT1[2]-7`")]
#[case::behind_the_end(
    "[accept, { end: close }, { raw: a }]",
    "5:37",
    "this stands behind the end of the connection",
    "an end comes last"
)]
#[case::half_an_end_and_a_whole_one(
    "[accept, { end: half-close }, { wait: 100ms }, { end: close }]",
    "5:59",
    "this stands behind the end of the connection",
    "only `wait` and `end: reset`"
)]
#[case::behind_a_fault_that_ends(
    "[connection/reply-then-close, { raw: a }]",
    "5:13",
    "nothing can be played behind `connection/reply-then-close`",
    "it ends the connection: put it last"
)]
#[case::a_close_behind_half_an_end(
    "[connection/half-close, { wait: 100ms }, { end: close }]",
    "5:13",
    "nothing can be played behind `connection/half-close`",
    "put it last"
)]
#[case::behind_a_drip(
    "[{ wait: 10ms }, frame/drip, { end: close }]",
    "5:29",
    "only a `wait` before it can stand beside `frame/drip`",
    "`frame/partial-then-close`"
)]
#[case::before_a_drip(
    "[commit-accept, frame/drip]",
    "5:28",
    "only a `wait` before it",
    "until the sender has given up"
)]
#[case::times(
    "{ batch: { times: 4000000000 } }",
    "5:30",
    "`4000000000` answers are out of range",
    "`answer/batch` takes 1 to 1000"
)]
#[case::range(
    "{ payload/giant: { bytes: 5 } }",
    "5:38",
    "`5` bytes are out of range",
    "takes 1048576 to 16777216"
)]
#[case::times("{ fail-then-accept: { times: 0 } }", "5:41", "a whole number from 1", "")]
#[case::cut("{ accept: { cut: third } }", "5:29", "expected a whole number", "")]
#[case::hex_letter("{ hex: '0B 0G' }", "5:23", "`G` in `0G` is no hexadecimal digit", "`raw`")]
#[case::half_a_byte("{ hex: '0B 6' }", "5:23", "`6` has half a byte", "two digits")]
#[case::end(
    "{ end: stop }",
    "5:19",
    "expected a way to end, found `stop`",
    "close, reset, half-close"
)]
fn a_parameter_that_cannot_be(
    #[case] reply: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let told = mistake_in_reply(reply);
    assert!(told.starts_with(&format!("once/case.yaml:{at}: ")), "{told}");
    assert!(told.contains(message) && told.contains('^') && told.contains(hint), "{told}");
}

#[rstest]
#[case::no_path("{ field: { FT1: x } }", "4:20", "`FT1` is no path", "`FT1[2]-7`")]
#[case::too_early(
    "{ field: { FT1-7: x }, moment: accepted }",
    "4:40",
    "no field of the message is known",
    "whole messages"
)]
#[case::two_moments("{ moment: accepted, bytes: 5 }", "4:36", "two moments", "one of them")]
#[case::no_moment(
    "{ moment: noon }",
    "4:19",
    "expected a moment, found `noon`",
    "accepted, first-byte, message"
)]
fn a_moment_that_cannot_be(
    #[case] on: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let told =
        mistake(&format!("title: T\nexams: [john-doe]\nemr:\n  - on: {on}\n    reply: reject\n"));
    assert!(told.starts_with(&format!("once/case.yaml:{at}: ")), "{told}");
    assert!(told.contains(message) && told.contains('^') && told.contains(hint), "{told}");
}

#[test]
fn an_unknown_key_of_expect() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nexpect: { snapshots: true }\n"), @r"
    once/case.yaml:3:11: unknown key `snapshots`
      |
    3 | expect: { snapshots: true }
      |           ^^^^^^^^^
    hint: did you mean `snapshot`?
    hint: valid keys: charges, snapshot, attempts
    ");
}

#[test]
fn an_unknown_key_of_an_exam() {
    assert_snapshot!(mistake("title: T\nexams:\n  - twin: { like: john-doe, patient: { familly: DOE } }\n"), @r"
    once/case.yaml:3:40: unknown key `familly`
      |
    3 |   - twin: { like: john-doe, patient: { familly: DOE } }
      |                                        ^^^^^^^
    hint: did you mean `family`?
    hint: valid keys: mrn, family, given, born, sex, account
    ");
}

#[test]
fn an_exam_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [jon-doe]\n"), @r"
    once/case.yaml:2:9: unknown exam `jon-doe`
      |
    2 | exams: [jon-doe]
      |         ^^^^^^^
    hint: did you mean `john-doe`?
    hint: valid exams: john-doe, mary-major, richard-roe
    ");
}

#[test]
fn a_copy_of_an_exam_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [{ twin: { like: johndoe } }]\n"), @r"
    once/case.yaml:2:25: unknown exam `johndoe`
      |
    2 | exams: [{ twin: { like: johndoe } }]
      |                         ^^^^^^^
    hint: did you mean `john-doe`?
    hint: valid exams: john-doe, mary-major, richard-roe
    ");
}

#[test]
fn a_mapping_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nmapping: iris/opton-2\n"), @r"
    once/case.yaml:3:10: unknown mapping `iris/opton-2`
      |
    3 | mapping: iris/opton-2
      |          ^^^^^^^^^^^^
    hint: did you mean `iris/option-2`?
    ");
}

#[test]
fn a_mapping_for_results_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nresults: iris/results\n"), @r"
    once/case.yaml:3:10: unknown mapping `iris/results`
      |
    3 | results: iris/results
      |          ^^^^^^^^^^^^
    hint: did you mean `iris/result`?
    ");
}

#[test]
fn a_fault_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: rejct\n"), @r"
    once/case.yaml:5:12: unknown fault `rejct`
      |
    5 |     reply: rejct
      |            ^^^^^
    hint: did you mean `reject`?
    hint: an answer has a short name, as in `reject`; every other fault has its kind before it, as in `payload/junk`
    ");
}

#[test]
fn a_fault_without_its_kind() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: junk\n"), @r"
    once/case.yaml:5:12: unknown fault `junk`
      |
    5 |     reply: junk
      |            ^^^^
    hint: did you mean `payload/junk`?
    hint: an answer has a short name, as in `reject`; every other fault has its kind before it, as in `payload/junk`
    ");
}

#[test]
fn a_fault_with_parameters_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { lat: { after: 1s } }\n"), @r"
    once/case.yaml:5:14: unknown fault `lat`
      |
    5 |     reply: { lat: { after: 1s } }
      |              ^^^
    hint: did you mean `late`?
    hint: an answer has a short name, as in `reject`; every other fault has its kind before it, as in `payload/junk`
    ");
}

#[test]
fn a_step_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - setle\n"), @r"
    once/case.yaml:5:5: unknown step `setle`
      |
    5 |   - setle
      |     ^^^^^
    hint: did you mean `settle`?
    ");
}

#[test]
fn a_kill_at_an_event_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - kill: { at: end-of-mesage }\n"), @r"
    once/case.yaml:5:17: expected a wire event, found `end-of-mesage`
      |
    5 |   - kill: { at: end-of-mesage }
      |                 ^^^^^^^^^^^^^
    hint: did you mean `end-of-message`?
    hint: valid events: at-once, accepted, first-byte, inside-ft1, end-of-message, before-reply, reply-sent
    ");
}

#[test]
fn a_step_for_an_exam_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nsteps:\n  - start\n  - submit: jhon-doe\n"), @r"
    once/case.yaml:5:13: unknown exam `jhon-doe`
      |
    5 |   - submit: jhon-doe
      |             ^^^^^^^^
    hint: did you mean `john-doe`?
    hint: valid exams: john-doe
    ");
}

#[test]
fn a_behaviour_for_an_exam_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john }\n    reply: reject\n"), @r"
    once/case.yaml:4:17: unknown exam `john`
      |
    4 |   - on: { exam: john }
      |                 ^^^^
    hint: did you mean `john-doe`?
    hint: valid exams: john-doe, probe-1, probe-2, probe-3
    ");
}

#[test]
fn a_behaviour_for_a_probe_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: probe-9 }\n    reply: reject\n"), @r"
    once/case.yaml:4:17: unknown exam `probe-9`
      |
    4 |   - on: { exam: probe-9 }
      |                 ^^^^^^^
    hint: did you mean `probe-1`?
    hint: valid exams: john-doe, probe-1, probe-2, probe-3
    ");
}

#[test]
fn a_behaviour_for_an_endpoint_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { endpoint: emrr }\n    reply: reject\n"), @r"
    once/case.yaml:4:21: unknown endpoint `emrr`
      |
    4 |   - on: { endpoint: emrr }
      |                     ^^^^
    hint: did you mean `emr`?
    hint: valid endpoints: emr
    ");
}

#[test]
fn a_behaviour_for_a_kind_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { kind: results }\n    reply: reject\n"), @r"
    once/case.yaml:4:17: expected a kind of message, found `results`
      |
    4 |   - on: { kind: results }
      |                 ^^^^^^^
    hint: did you mean `result`?
    hint: valid kinds: charge, result
    ");
}

#[test]
fn an_axis_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\naxes: { reply: [reject] }\nmapping: $replay\nemr: [{ on: {}, reply: $reply }]\n"), @r"
    once/case.yaml:4:10: there is no axis `replay`
      |
    4 | mapping: $replay
      |          ^^^^^^^
    hint: did you mean `reply`?
    hint: axes: reply
    hint: a `$` that means itself is written `$$`
    ");
}

#[test]
fn a_dollar_without_axes() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nmapping: $mapping\n"), @r"
    once/case.yaml:3:10: there is no axis `mapping`
      |
    3 | mapping: $mapping
      |          ^^^^^^^^
    hint: a `$` that means itself is written `$$`
    ");
}

#[test]
fn a_mistake_in_a_value_of_an_axis_is_shown_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\naxes:\n  reply: [reject, eror]\nemr: [{ on: {}, reply: $reply }]\n"), @r"
    once/case.yaml:4:19: unknown fault `eror`
      |
    4 |   reply: [reject, eror]
      |                   ^^^^
    hint: did you mean `error`?
    hint: an answer has a short name, as in `reject`; every other fault has its kind before it, as in `payload/junk`
    ");
}

#[test]
fn an_expectation_for_an_exam_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nexpect: { charges: { jane-doe: once } }\n"), @r"
    once/case.yaml:3:22: unknown exam `jane-doe`
      |
    3 | expect: { charges: { jane-doe: once } }
      |                      ^^^^^^^^
    hint: valid exams: john-doe
    ");
}

#[rstest]
#[case::message("{ message: 2 }", "message")]
#[case::connection("{ endpoint: emr, connection: 2 }", "connection")]
#[case::attempt("{ exam: john-doe, attempt: 1 }", "attempt")]
#[case::kind("{ kind: result }", "kind")]
fn what_stands_before_anything_comes_waits_for_nothing_that_comes(
    #[case] on: &str,
    #[case] word: &str,
) {
    for fault in ["connection/refused", "connection/blackhole", "connection/slow-accept"] {
        let script = format!("emr:\n  - on: {on}\n    reply: {fault}\n");
        let told = mistake(&format!("title: A case\nexams: [john-doe]\n{script}"));
        assert!(told.contains(&format!("`{fault}` cannot wait for a `{word}`")), "{told}");
    }
}
