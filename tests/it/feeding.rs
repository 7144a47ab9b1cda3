//! Every way to feed a sender, with a sender that takes exams in that way: what it was handed is
//! what arrives, and a way that does not work is named.

use crate::command::{Place, python, rules_found, skipped};
use rstest::rstest;

/// A place with the sender of this way.
fn fed(python: &str, way: &str, keys: &str) -> Place {
    let place = Place::with_scenario(HANDED_OVER);
    let script = place.write("taker.py", TAKER);
    place.write("charge.json", "{{\"order\": \"{order.number}\", \"message\": \"{message}\"}}\n");
    place.write(
        "sender.yaml",
        format!(
            "name: taker\nstart: ['{python}', '{}', '{{host}}', '{{port}}', {way}, '{{feed_port}}']\n\
             limits: {{ ack_timeout: 500ms, longest_retry: 100ms, stop: 5s }}\n{keys}\n",
            script.display()
        ),
    );
    place
}

#[rstest]
#[case::lines("line", "feed: { by: standard-input, as: message }")]
#[case::nul("nul", "feed: { by: standard-input, as: message, end: nul }")]
#[case::blank_lines("blank", "feed: { by: standard-input, as: message, end: blank-line }")]
#[case::template("line", "feed: { by: standard-input, as: { template: charge.json } }")]
#[case::until_a_port_accepts(
    "post",
    "feed: { post: 'http://127.0.0.1:{feed_port}/', as: message }\nready: { port: '127.0.0.1:{feed_port}' }"
)]
#[case::until_a_line_is_printed(
    "mllp",
    "feed: { mllp: '127.0.0.1:{feed_port}', as: message }\nready: { line: listening }"
)]
fn what_is_handed_over_arrives(#[case] way: &str, #[case] keys: &str) {
    let Some(python) = python() else { return skipped(&format!("feeding by {way}")) };
    let place = fed(&python, way, keys);
    place.run(&["run", "--sender", "sender.yaml"]).exits(0);
}

#[test]
fn an_account_is_asked_for_by_http() {
    let Some(python) = python() else { return skipped("an account is asked for by http") };
    let keys = "feed: { post: 'http://127.0.0.1:{feed_port}/', as: { template: charge.json } }\n\
                ready: { line: listening }\naccount: { get: 'http://127.0.0.1:{feed_port}/account' }";
    let place = fed(&python, "post", keys);
    place.write("scenarios/the-case.yaml", ACCOUNTED);
    let ran = place.run(&["run", "--sender", "sender.yaml", "--out", "out"]).exits(0);
    assert!(ran.out.contains("accounts"), "{}", ran.out);
    let history = place.text("out/cases/the-case/history.jsonl");
    assert!(history.contains("\"outcome\":\"delivered\""), "{history}");
}

/// The sender is fed in another way than it listens to.
#[rstest]
#[case::nobody_listens(
    "line",
    "feed: { post: 'http://127.0.0.1:{feed_port}/' }",
    "Connection refused"
)]
#[case::another_protocol(
    "mllp",
    "feed: { post: 'http://127.0.0.1:{feed_port}/' }\nready: { line: listening }",
    "cannot hand over"
)]
#[case::never_ready(
    "line",
    "ready: { line: listening, within: 200ms }",
    "waited for a line of its standard output with `listening`"
)]
#[case::no_such_file("line", "ready: { file: '{state}/up', within: 200ms }", "waited for the file")]
#[case::nobody_at_the_terminal("line", "feed: by-hand", "cannot hand over `probe-1`: there")]
fn a_way_that_does_not_work_is_named(#[case] way: &str, #[case] keys: &str, #[case] says: &str) {
    let Some(python) = python() else { return skipped(&format!("feeding by {way}")) };
    let place = fed(&python, way, keys);
    let ran = place.run(&["run", "--sender", "sender.yaml", "--out", "out"]).exits(6);
    assert!(ran.out.contains(says), "{}", ran.out);
    assert!(rules_found(&place.json("out/report.json")).contains("sender/starts"));
}

/// An engine that hands the EMR's answer back to whoever feeds it: what the EMR refuses it refuses, and
/// where the EMR says nothing neither does it. Its answers are its account.
#[rstest]
#[case::accepted("answer/accept")]
#[case::refused("answer/reject")]
#[case::silence("answer/none")]
fn a_sender_that_passes_the_answer_on_has_taken_what_was_written(#[case] reply: &str) {
    let Some(python) = python() else { return skipped("passing the answer on") };
    let keys = "feed: { mllp: '127.0.0.1:{feed_port}', as: message }\nready: { line: listening }\n\
                account: answer";
    let place = fed(&python, "mllp", keys);
    place.write("taker.py", ENGINE);
    place.write("scenarios/the-case.yaml", PASSED_ON.replace("REPLY", reply));
    let ran = place.run(&["run", "--sender", "sender.yaml", "--out", "out"]).exits(0);
    let history = place.text("out/cases/the-case/history.jsonl");
    let events = |what: &str| {
        let told = format!("\"event\":\"{what}\"");
        history.lines().filter(|line| line.contains(&told)).count()
    };
    assert_eq!(events("received"), events("submitted"), "{}", ran.out);
    let said = match reply {
        "answer/accept" => "\"order\":\"273013\",\"outcome\":\"delivered\"",
        "answer/reject" => "\"order\":\"273013\",\"outcome\":\"rejected\"",
        _ => "\"order\":\"273013\",\"outcome\":\"unknown\"",
    };
    assert!(history.contains(said), "{history}");
}

#[test]
fn what_a_sender_printed_is_shown_and_stored_only_where_somebody_asks_for_it() {
    let Some(python) = python() else { return skipped("showing what a sender printed") };
    let place = fed(&python, "no-such-way", "feed: standard-input");
    let run = ["run", "--sender", "sender.yaml", "--out", "out"];
    let ran = place.run(&run).exits(1);
    assert!(ran.out.contains("--show-output") && !ran.out.contains("KeyError"), "{}", ran.out);
    assert!(!place.text("out/cases/the-case/history.jsonl").contains("KeyError"));
    let ran = place.run(&[&run[..], &["--show-output"]].concat()).exits(1);
    assert!(ran.out.contains("it had printed: KeyError: 'no-such-way'"), "{}", ran.out);
}

/// One process serves every case, at the same port, and is ended after the last.
#[test]
fn a_sender_may_serve_a_whole_run() {
    let Some(python) = python() else { return skipped("a sender may serve a whole run") };
    let place = fed(&python, "post", "");
    place.write("scenarios/another.yaml", KEPT);
    place.write("scenarios/the-case.yaml", KEPT);
    place.write("scenarios/ended.yaml", HANDED_OVER);
    let file = place.text("sender.yaml").replace("start: [", "start: { per: run, command: [");
    let file = file.replace("'{feed_port}']", "'{feed_port}'] }")
        + "feed: { post: 'http://127.0.0.1:{feed_port}/', as: { template: charge.json } }\n\
           ready: { line: listening }\naccount: { get: 'http://127.0.0.1:{feed_port}/account' }\n";
    place.write("sender.yaml", file);
    let ran = place.run(&["run", "--sender", "sender.yaml", "--out", "out"]).exits(0);
    assert!(ran.out.contains("1 case needs a sender that a case may end"), "{}", ran.out);
    // The account of the last case names the orders of both.
    let history = place.text("out/cases/the-case/history.jsonl");
    assert_eq!(history.matches("\"outcome\":\"delivered\"").count(), 6, "{history}");
    for case in ["another", "the-case"] {
        let history = place.text(&format!("out/cases/{case}/history.jsonl"));
        assert!(!history.contains("sender-ending"), "{history}");
    }
}

#[test]
fn a_sender_for_a_whole_run_that_dies_is_named_in_every_case() {
    let place = Place::with_scenario(KEPT);
    let start = "name: S\nstart: { per: run, command: [sh, -c, 'exit 3'] }\nready: { line: up, within: 300ms }\n";
    place.write(
        "sender.yaml",
        format!("{start}limits: {{ ack_timeout: 1s, longest_retry: 100ms }}\n"),
    );
    let ran = place.run(&["run", "--sender", "sender.yaml"]).exits(6);
    assert!(ran.out.contains("UNDRIVEN sender/starts"), "{}", ran.out);
}

/// What a box that runs elsewhere would do after a restart nobody sees: the report says so.
#[test]
fn a_restart_that_could_not_happen_is_named() {
    let Some(python) = python() else { return skipped("a restart that could not happen is named") };
    let place = fed(&python, "post", "");
    place.write("scenarios/the-case.yaml", KEPT);
    let file = place.text("sender.yaml").replace("start: [", "start: { per: run, command: [");
    let file = file.replace("'{feed_port}']", "'{feed_port}'] }")
        + "feed: { post: 'http://127.0.0.1:{feed_port}/', as: { template: charge.json } }\n\
           ready: { line: listening }\n";
    place.write("sender.yaml", file);
    let ran = place.run(&["run", "--sender", "sender.yaml", "--out", "out"]).exits(0);
    assert!(ran.out.contains("no restart in 1 case"), "{}", ran.out);
    let report = place.json("out/report.json");
    assert_eq!(report["cases"][0]["not_done"][0]["step"], "restart", "{report:#}");
    assert!(place.text("out/junit.xml").contains("no restart"));
}

/// Nothing is started: an operator is told what to do, and here there is none.
#[test]
fn a_sender_that_is_not_ours_to_start_is_handed_exams_by_an_operator() {
    let place = Place::with_scenario(KEPT);
    place.write(
        "sender.yaml",
        "name: S\nstart: observe\nlisten: 127.0.0.1:0\nlimits: { ack_timeout: 1s, longest_retry: 100ms }\n",
    );
    let ran = place.run(&["run", "--sender", "sender.yaml"]).exits(6);
    assert!(ran.err.contains("hand over exam probe-1 (order 990001"), "{}", ran.err);
}

/// Each limit ends the process that does not keep it, and the report says by what.
#[rstest]
#[case::burns_a_cpu("while True: pass", "cpu: 1s", "took more processor time than its limit")]
#[case::eats_memory("x = bytearray(1 << 30)", "memory: 256MiB", "exited with code 1")]
fn a_sender_that_takes_more_than_its_share_is_ended(
    #[case] program: &str,
    #[case] limit: &str,
    #[case] says: &str,
) {
    let Some(python) = python() else { return skipped("a sender that takes more than its share") };
    let place = Place::with_scenario("title: It is watched\nsteps: [start, probe, settle, stop]\n");
    let script = place.write("sender.py", format!("import time\n{program}\ntime.sleep(60)\n"));
    place.write(
        "sender.yaml",
        format!(
            "name: greedy\nstart: ['{python}', '{}']\n\
             limits: {{ ack_timeout: 1s, longest_retry: 500ms, stop: 1s, {limit} }}\n",
            script.display()
        ),
    );
    let ran = place.run(&["run", "--sender", "sender.yaml"]).exits(1);
    assert!(ran.out.contains(says), "{}", ran.out);
}

const HANDED_OVER: &str = "\
title: An exam is handed over and arrives
exams: [john-doe]
steps: [start, probe, submit: john-doe, await: john-doe, settle, stop]
";

const KEPT: &str = "title: A charge arrives\nexams: [john-doe]\n";

const ACCOUNTED: &str = "\
title: An exam is handed over, arrives, and is accounted for
requirements: [accounts]
exams: [john-doe]
steps: [start, submit: john-doe, await: john-doe, settle, account, stop]
";

const PASSED_ON: &str = "\
title: The answer to a charge goes back to where it came from
requirements: [accounts]
exams: [john-doe]
emr: [{ on: { exam: john-doe }, reply: REPLY }]
";

const ENGINE: &str = include_str!("../senders/engine.py");

const TAKER: &str = include_str!("../senders/taker.py");
