//! Senders that are no part of this program: an honest one passes, and whatever a bad one does to
//! the harness, it is named by its rule and none of its processes is left.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command;

use std::path::Path;
use std::time::{Duration, Instant};

use command::{PROGRAM, Place, Ran, python, rules_found};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

/// A place whose `sender.yaml` runs a shell script. Every process of it carries the place's own
/// mark in its environment.
fn shell_sender(script: &str) -> Place {
    let place = Place::new();
    place.write("sender.sh", script);
    let start = format!("[sh, '{}', '{{port}}']", place.path("sender.sh").display());
    place.write("sender.yaml", sender_file(&place, &start));
    place
}

fn sender_file(place: &Place, start: &str) -> String {
    format!(
        "name: foreign\nstart: {start}\nenvironment: {{ {MARK}: '{}' }}\n\
         limits: {{ ack_timeout: 100ms, longest_retry: 100ms, stop: 500ms }}\n",
        place.path("").display()
    )
}

/// Runs the sender of a place, and checks that none of its processes outlives the run.
fn run(place: &Place, more: &[&str]) -> Ran {
    let began = Instant::now();
    let arguments = ["run", "options/option-1", "--sender", "sender.yaml", "--out", "out"];
    let ran = place.run(&[&arguments[..], more].concat());
    assert!(began.elapsed() < Duration::from_secs(40), "took {:?}", began.elapsed());
    let left = marked(&place.path(""));
    for &process in &left {
        let _ = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL); // ours, by its mark
    }
    assert!(left.is_empty(), "{} processes are left: {}", left.len(), ran.out);
    ran
}

/// The living processes that carry the mark.
fn marked(place: &Path) -> Vec<i32> {
    let mark = format!("{MARK}={}", place.display()).into_bytes();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let carries = |id: &i32| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark)
    };
    ids.filter(carries).collect()
}

/// Each is convicted by its own rule, and the harness gets through to its end.
#[rstest]
#[case::dies_at_start("exit 3", "sender/stays-up", "exited with code 3")]
#[case::killed_by_itself("kill -SEGV $$", "sender/stays-up", "was ended by signal 11")]
#[case::ignores_sigterm(
    "trap '' TERM; while :; do sleep 0.05; done",
    "sender/stops",
    "had to be killed"
)]
#[case::ignores_sigterm_and_closes_everything(
    "trap '' TERM; exec <&- >&- 2>&-; while :; do sleep 0.05; done",
    "sender/stops",
    "had to be killed"
)]
#[case::leaves_a_child_behind(
    "sleep 300 & trap 'exit 0' TERM; while :; do sleep 0.05; done",
    "sender/stops",
    "left 1 of its processes"
)]
#[case::leaves_a_child_of_another_session_behind(
    "setsid sleep 300 & trap 'exit 0' TERM; while :; do sleep 0.05; done",
    "sender/stops",
    "left 1 of its processes"
)]
#[case::leaves_a_stubborn_child_behind(
    "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 300; done' & trap 'exit 0' TERM; while :; do sleep 0.05; done",
    "sender/stops",
    "of its processes behind"
)]
#[case::dies_and_leaves_a_child("sleep 300 & exit 0", "sender/stays-up", "exited with code 0")]
#[case::floods_its_output(
    "trap 'exit 0' TERM; while :; do echo flood; echo flood >&2; done",
    "delivers",
    ""
)]
#[case::does_nothing("trap 'exit 0' TERM; while :; do sleep 0.05; done", "delivers", "")]
fn a_bad_sender_is_named_and_ended(#[case] script: &str, #[case] rule: &str, #[case] says: &str) {
    let place = shell_sender(script);
    let ran = run(&place, &[]).exits(1);
    let report = place.json("out/report.json");
    let rules = rules_found(&report);
    assert!(rules.contains(rule), "{rules:?}");
    assert!(report.to_string().contains(says), "{report:#}");
    assert!(ran.out.contains(rule), "{}", ran.out);
}

#[test]
fn a_sender_that_only_floods_its_output_costs_no_memory_and_stops_when_asked() {
    let place = shell_sender("exec yes flood");
    run(&place, &[]).exits(1);
    let rules = rules_found(&place.json("out/report.json"));
    assert!(!rules.contains("sender/stops") && !rules.contains("sender/bounded"), "{rules:?}");
}

#[test]
fn connections_that_are_never_used_are_no_charge() {
    let Some(python) = python() else { return skipped("connections_that_are_never_used") };
    let place = Place::new();
    place.write("sender.py", IDLE_CONNECTIONS);
    let script = place.path("sender.py");
    let start = format!("['{python}', '{}', '{{port}}']", script.display());
    place.write("sender.yaml", sender_file(&place, &start));
    run(&place, &[]).exits(1);
    let report = place.json("out/report.json");
    let rules = rules_found(&report);
    assert!(rules.contains("delivers") && !rules.contains("sender/stops"), "{rules:?}");
    let history = place.text("out/cases/options/option-1/history.jsonl");
    let opened = history.lines().filter(|line| line.contains("\"event\":\"opened\"")).count();
    assert!(opened >= 200, "{opened} connections were seen");
    assert!(!history.contains("\"event\":\"received\""));
}

#[test]
fn a_sender_that_hears_its_standard_input_end_is_stopped_by_it() {
    let place = shell_sender("trap '' TERM; cat > /dev/null");
    let text = place.text("sender.yaml") + "stop: standard-input\n";
    place.write("sender.yaml", text);
    run(&place, &[]).exits(1);
    let rules = rules_found(&place.json("out/report.json"));
    assert!(!rules.contains("sender/stops"), "{rules:?}");
}

/// A sender that shares no line with this program, with its outbox in SQLite.
#[rstest]
#[case("options/option-1")]
#[case("once/silence")]
#[case("once/rejected[reply=reject]")]
#[case("once/late")]
#[case("crash/killed[at=inside-ft1]")]
#[case("crash/killed[at=end-of-message]")]
fn an_honest_sender_in_another_language_passes(#[case] case: &str) {
    let Some(python) = python() else { return skipped(case) };
    let place = outbox(&python, OUTBOX);
    run_case(&place, case).exits(0);
    assert!(marked(&place.path("")).is_empty());
}

/// The same sender with one line changed: it marks the charge only after it has sent it.
#[test]
fn the_same_sender_is_convicted_when_it_marks_the_charge_too_late() {
    let Some(python) = python() else { return skipped("marks the charge too late") };
    let early = "        database.execute(\"UPDATE outbox SET outcome = 'unknown' WHERE id = ?\", (row,))\n";
    assert!(OUTBOX.contains(early));
    let place = outbox(&python, &OUTBOX.replace(early, ""));
    run_case(&place, "crash/killed[at=end-of-message]").exits(10);
    assert!(marked(&place.path("")).is_empty());
}

fn run_case(place: &Place, case: &str) -> Ran {
    place.run(&["run", case, "--sender", "sender.yaml", "--out", "out"])
}

/// A place whose `sender.yaml` runs this Python program.
fn outbox(python: &str, program: &str) -> Place {
    let place = Place::new();
    let script = place.write("outbox.py", program);
    let script = script.display();
    let send = format!(
        "['{python}', '{script}', send, '{{host}}', '{{port}}', '{{state}}', '{{inbox}}', '{{ack_timeout_ms}}']"
    );
    let limits = "ack_timeout: 500ms, longest_retry: 500ms, stop: 5s";
    place.write(
        "sender.yaml",
        format!(
            "name: outbox\nstart: {send}\nenvironment: {{ {MARK}: '{}' }}\n\
             limits: {{ {limits} }}\naccount: ['{python}', '{script}', account, '{{state}}']\n",
            place.path("").display()
        ),
    );
    place
}

/// Without Python the tests beside this one still cover the harness; this says what they do not.
fn skipped(what: &str) {
    assert!(Path::new(PROGRAM).exists());
    let line = format!("skipped, since there is no python3 with sqlite3 here: {what}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
}

/// The environment variable that marks a test's processes.
const MARK: &str = "CHARGEPROOF_TEST_PLACE";

const OUTBOX: &str = include_str!("senders/outbox.py");

const IDLE_CONNECTIONS: &str = "\
import signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
lines = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(200)]
signal.pause()
";
