//! One command line for each exit code, which is part of the program's interface.

use std::fs::File;
use std::process::Stdio;

use crate::command::{Place, rules_found};
use rstest::rstest;

#[test]
fn an_honest_sender_exits_0() {
    let ran = Place::new().run(&["run", "options/option-1"]).exits(0);
    assert!(ran.out.contains("1 case, 1 passed: no charge was sent twice"), "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn a_check_that_fails_exits_1() {
    let place = Place::new();
    let ran = place.run(&["run", "options/option-2-all-gradable", "--bug", "missing-modifier"]);
    let ran = ran.exits(1);
    assert!(ran.out.contains("FAIL snapshot: "), "{}", ran.out);
    assert!(ran.out.contains("FT1[2]-26: expected TC"), "{}", ran.out);
    assert!(ran.out.ends_with("exit 1: a check failed\n"), "{}", ran.out);
}

/// What each kind of file mistake says is in `bad_input`; here only that the code is the same
/// wherever the mistake is.
#[rstest]
#[case::unknown_option(&["run", "--nonsense"])]
#[case::unknown_command(&["prove"])]
#[case::unknown_bug(&["run", "options/option-1", "--bug", "none"])]
#[case::unknown_scenario(&["run", "once/rejectd"])]
#[case::bad_scenario(&["run", "bad.yaml"])]
#[case::bad_sender_file(&["run", "options/option-1", "--sender", "bad.yaml"])]
#[case::bad_script(&["serve", "--listen", "127.0.0.1:0", "--script", "bad.yaml"])]
#[case::unreadable_sender_file(&["run", "options/option-1", "--sender", "."])]
#[case::missing_sender_file(&["run", "options/option-1", "--sender", "missing.yaml"])]
#[case::missing_history(&["check", "missing.jsonl"])]
#[case::history_that_is_none(&["check", "bad.yaml"])]
#[case::bad_endpoint(&["serve", "--listen", "nowhere"])]
#[case::folder_for_output_is_a_file(&["run", "options/option-1", "--out", "bad.yaml"])]
fn wrong_usage_and_unreadable_files_exit_2(#[case] arguments: &[&str]) {
    let place = Place::new();
    place.write("bad.yaml", "titel: misspelt\n");
    let ran = place.run(arguments).exits(2);
    assert_eq!(ran.out, "", "nothing ran, so nothing is reported");
    let says = ran.err.lines().next().unwrap();
    assert!(says.starts_with("error: ") || says.starts_with("bad.yaml:1:"), "{}", ran.err);
}

#[test]
fn a_new_message_waits_for_review_with_3_and_passes_once_it_is_approved() {
    let place = Place::with_scenario(SNAPSHOT);
    let ran = place.run(&["run", "--simulated", "--update"]).exits(3);
    let pending = place.path("snapshots/the-case/john-doe.snap.new");
    assert!(ran.out.contains("pending"), "{}", ran.out);
    std::fs::rename(&pending, pending.with_extension("")).unwrap();
    place.run(&["run", "--simulated"]).exits(0);
}

#[test]
fn nothing_to_run_exits_4() {
    let place = Place::new();
    std::fs::create_dir(place.path("scenarios")).unwrap();
    let ran = place.run(&["run"]).exits(4);
    assert!(ran.out.ends_with("exit 4: nothing ran\n"), "{}", ran.out);
    place.run(&["list"]).exits(4);
}

/// A sender that is configured for another mapping is asked for nothing.
#[test]
fn a_run_whose_cases_are_all_left_out_exits_4_and_names_them() {
    let place = Place::new();
    place.write("sender.yaml", format!("{NO_PROGRAM}mapping: acme\n"));
    let run = ["run", "options/option-1", "--sender", "sender.yaml", "--out", "out"];
    let ran = place.run(&run).exits(4);
    let why = "needs another mapping than `acme`; the sender file lists `mapping: acme`";
    assert!(ran.out.contains(why), "{}", ran.out);
    let left = &place.json("out/report.json")["left_out"][0];
    assert_eq!(left["cases"], serde_json::json!(["options/option-1"]));
    assert!(place.text("out/junit.xml").contains("<skipped message=\"it needs another mapping"));
    let listed = place.run(&["list", "options/option-1", "--sender", "sender.yaml"]).exits(4);
    assert!(listed.out.contains(why), "{}", listed.out);
}

/// What cannot happen is said with what came instead.
#[rstest]
#[case::attempt("{ exam: john-doe, attempt: 2 }", "reject", "only 1 attempt at it came")]
#[case::message("{ message: 99 }", "reject", "only 4 messages came")]
#[case::connection("{ connection: 9 }", "connection/accept-close", "only 2 connections came")]
#[case::result("{ exam: john-doe, kind: result }", "payload/junk", "asks for no results")]
#[case::bytes(
    "{ exam: john-doe }",
    "{ connection/reset-after-bytes: { bytes: 900000 } }",
    "the longest message had"
)]
#[case::endpoint("{ endpoint: standby }", "none", "nobody connected to standby")]
fn a_fault_that_cannot_fire_exits_5(#[case] on: &str, #[case] reply: &str, #[case] why: &str) {
    let head = "title: A fault that cannot fire\nexams: [john-doe]\nendpoints: [emr, standby]\n";
    let script = format!("emr:\n  - on: {on}\n    reply: {reply}\n");
    let ran = Place::with_scenario(&format!("{head}{script}")).run(&["run", "--simulated"]);
    let ran = ran.exits(5);
    let told = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("was never played: "), "{told}");
    assert!(told.contains(why), "{told}");
}

/// What is put together of several parts is seen to have been played, too.
#[rstest]
#[case::byte_by_byte_then_close("[frame/byte-by-byte, { end: close }]")]
#[case::giant_then_reset("[payload/giant, { end: reset }]")]
#[case::drip_after_a_pause("[{ wait: 50ms }, frame/drip]")]
#[case::silence_behind_a_commit("[commit-accept, none]")]
#[case::late_behind_a_commit("[commit-accept, { wait: 100ms }, late]")]
#[case::half_an_end("[accept, { end: half-close }, { wait: 100ms }, { end: reset }]")]
#[case::half_an_answer(
    "[commit-accept, { wait: 300ms }, { accept: { cut: half } }, { end: reset }]"
)]
fn a_composed_reply_is_played_and_passes(#[case] reply: &str) {
    let head = "title: A composed reply\nexams: [john-doe]\n";
    let script = format!("emr:\n  - on: {{ exam: john-doe }}\n    reply: {reply}\n");
    let place = Place::with_scenario(&format!("{head}{script}"));
    place.run(&["run", "--simulated"]).exits(0);
    place.run(&["run"]).exits(0);
}

#[test]
fn a_sender_that_cannot_be_started_exits_6() {
    let place = Place::new();
    place.write("sender.yaml", NO_PROGRAM);
    let ran = place.run(&["run", "options/option-1", "--sender", "sender.yaml"]).exits(6);
    assert!(ran.out.contains("sender/starts: "), "{}", ran.out);
    assert!(ran.out.contains("/nonexistent/sender"), "{}", ran.out);
}

#[test]
fn a_charge_that_was_sent_twice_exits_10() {
    let ran = Place::new().run(&["run", "once/silence", "--bug", "resend-on-timeout"]).exits(10);
    assert!(ran.out.contains("FAIL once/per-order: the charge of order 273013"), "{}", ran.out);
}

#[test]
fn an_output_that_cannot_be_written_exits_70() {
    let mut program = std::process::Command::new(crate::command::PROGRAM);
    let full = File::create("/dev/full").unwrap();
    let ended = program.arg("man").stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ended.code(), Some(70));
}

#[rstest]
#[case::twice_beside_passed(&["once/silence", "options/option-1", "--bug", "resend-on-timeout"], 10)]
#[case::failed_beside_passed(&["options/", "--bug", "missing-modifier"], 1)]
fn the_worst_case_decides(#[case] arguments: &[&str], #[case] code: i32) {
    let place = Place::new();
    let ran = place.run(&[&["run", "--simulated"], arguments].concat()).exits(code);
    assert!(ran.out.contains(" passed"), "some cases pass: {}", ran.out);
}

#[test]
fn inconclusive_is_worse_than_pending() {
    let place = Place::with_scenario(&format!("{SECOND_ATTEMPT}expect: {{ snapshot: true }}\n"));
    place.run(&["run", "--simulated", "--out", "out"]).exits(5);
    let rules = rules_found(&place.json("out/report.json"));
    assert!(rules.contains("snapshot") && rules.contains("once/per-order"), "{rules:?}");
}

#[test]
fn a_reader_who_leaves_early_hides_no_double_charge() {
    let mut program = std::process::Command::new(crate::command::PROGRAM);
    program.args(["run", "once/silence", "--simulated", "--bug", "resend-on-timeout"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = program.stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ended.code(), Some(10));
}

const SNAPSHOT: &str = "\
title: The message is looked at
exams: [john-doe]
expect: { snapshot: true }
";

const SECOND_ATTEMPT: &str = "\
title: An honest sender never makes a second attempt
exams: [john-doe]
emr:
  - on: { exam: john-doe, attempt: 2 }
    reply: reject
";

const AFTER_AN_HOUR: &str = "\
name: patient
start: [\"{chargeproof}\", sender, \"--endpoint={endpoint}\", \"--state={state}\", \"--inbox={inbox}\"]
limits: { ack_timeout: 300ms, longest_retry: 1h }
clock: { file: \"{state}/clock\" }
";

/// What a sender does after an hour is not waited for and not taken for granted either; where its
/// clock can be moved, a case may pass over it.
#[rstest]
#[case::nobody_watched_for_so_long("settle", 5)]
#[case::its_clock_jumps_over_it("settle, jump: { by: 2h }, settle, probe", 0)]
#[case::its_clock_jumps_too_short("settle, jump: { by: 1h }, settle, probe", 5)]
#[case::something_is_handed_over_before_the_jump(
    "settle, probe, jump: { by: 2h }, settle, probe",
    5
)]
fn a_retry_after_an_hour_is_never_waited_for(#[case] steps: &str, #[case] code: i32) {
    let place = Place::with_scenario(&format!(
        "title: T\nexams: [john-doe]\n\
         steps: [start, submit: john-doe, await: john-doe, {steps}, stop]\n"
    ));
    place.write("sender.yaml", AFTER_AN_HOUR);
    let began = std::time::Instant::now();
    let ran = place.run(&["run", "--sender", "sender.yaml", "--watch-for", "1s"]).exits(code);
    let figure = ran.out.contains("the sender retries after 1 h; it was watched for 1 s");
    assert_eq!(figure, code == 5, "{}", ran.out);
    assert!(began.elapsed().as_secs() < 60, "it was waited for");
    assert_eq!(ran.out.contains("--watch-for 1000ms"), code == 5, "{}", ran.out);
}

const NO_PROGRAM: &str = "\
name: nobody
start: [/nonexistent/sender]
limits: { ack_timeout: 100ms, longest_retry: 100ms }
";

#[test]
fn a_defect_of_a_process_is_no_question_for_virtual_time() {
    let place = Place::new();
    for bug in ["dies-at-start", "leaves-child"] {
        let told = place.run(&["run", "options/option-1", "--simulated", "--bug", bug]).exits(2);
        assert!(told.err.contains("leave `--simulated` out"), "{}", told.err);
    }
}
