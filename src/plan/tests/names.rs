//! Names that mean nothing: each is shown where it stands, with the nearest one that does.

use insta::assert_snapshot;

use super::mistake;

#[test]
fn an_unknown_key_of_a_scenario() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nstpes: [start]\n"), @r"
    once/case.yaml:3:1: unknown key `stpes`
      |
    3 | stpes: [start]
      | ^^^^^
    hint: did you mean `steps`?
    hint: valid keys: title, requirements, mapping, results, exams, endpoints, emr, axes, steps, expect
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
    hint: valid keys: exam, attempt, message, connection, endpoint, kind
    ");
}

#[test]
fn an_unknown_key_of_a_fault() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { late: { afterwards: 500ms } }\n"), @r"
    once/case.yaml:5:22: unknown key `afterwards`
      |
    5 |     reply: { late: { afterwards: 500ms } }
      |                      ^^^^^^^^^^
    hint: valid keys: after, bytes, times, text, code
    ");
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
    hint: valid steps: start, stop, restart, heal, settle, account, probe, submit, await, kill
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
    hint: valid events: accepted, first-byte, inside-ft1, end-of-message, before-reply, reply-sent
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
    hint: valid exams: john-doe, probe-1, probe-2
    ");
}

#[test]
fn a_behaviour_for_a_probe_that_is_not_there() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\nemr:\n  - on: { exam: probe-3 }\n    reply: reject\n"), @r"
    once/case.yaml:4:17: unknown exam `probe-3`
      |
    4 |   - on: { exam: probe-3 }
      |                 ^^^^^^^
    hint: did you mean `probe-1`?
    hint: valid exams: john-doe, probe-1, probe-2
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
