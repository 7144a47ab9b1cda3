//! Senders that are no part of this program: an honest one passes, and whatever a bad one does to
//! the harness, it is named by its rule and none of its processes is left.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::command::{BOUND, PROGRAM, Place, Ran, python, rules_found, skipped};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

/// A place whose `sender.yaml` runs a shell script. Every process of it carries the place's own
/// mark in its environment.
fn shell_sender(script: &str) -> Place {
    let place = Place::with_scenario(SHORT);
    place.write("sender.sh", script);
    let start = format!("[sh, '{}', '{{port}}']", place.path("sender.sh").display());
    place.write("sender.yaml", sender_file(&place, &start));
    place
}

fn sender_file(place: &Place, start: &str) -> String {
    format!(
        "name: foreign\nstart: {start}\nenvironment: {{ {MARK}: '{}' }}\n\
         limits: {{ ack_timeout: 100ms, longest_retry: 100ms, stop: 500ms }}\n\
         directory: '{0}'\n",
        place.path("").display()
    )
}

/// Runs the sender of a place, and checks that none of its processes outlives the run.
fn run(place: &Place) -> Ran {
    let began = Instant::now();
    let arguments = ["run", "--sender", "sender.yaml", "--out", "out"];
    let ran = place.run(&arguments);
    assert!(began.elapsed() < Duration::from_secs(40), "took {:?}", began.elapsed());
    let left = left_over(&place.path(""));
    for &process in &left {
        let _ = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL); // ours, by its mark
    }
    assert!(left.is_empty(), "{} processes are left: {}", left.len(), ran.out);
    ran
}

/// The processes that carry the mark and stay. One that was killed may still be on its way out,
/// so it is given some time; what was not killed lives for minutes.
fn left_over(place: &Path) -> Vec<i32> {
    let until = Instant::now() + Duration::from_secs(10);
    while !marked(place).is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    marked(place)
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

#[test]
fn a_relative_program_lies_beside_the_sender_file() {
    let place = Place::with_scenario(SHORT);
    let program = place.write("senders/bin/send", "#!/bin/sh\nexit 3\n");
    std::fs::set_permissions(program, Permissions::from_mode(0o755)).unwrap();
    place.write("senders/mine.yaml", sender_file(&place, "[bin/send]"));
    let ran = place.run(&["run", "--sender", "senders/mine.yaml"]).exits(1);
    assert!(ran.out.contains("exited with code 3"), "{}", ran.out);
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
#[case::leaves_a_child_in_a_session_of_its_own(
    "setsid sleep 300 & trap 'exit 0' TERM; while :; do sleep 0.05; done",
    "sender/stops",
    "of its processes behind"
)]
#[case::becomes_a_daemon("setsid sleep 300 & exit 0", "sender/stays-up", "exited with code 0")]
#[case::dies_and_leaves_a_child("sleep 300 & exit 0", "sender/stays-up", "exited with code 0")]
#[case::floods_its_output(
    "trap 'exit 0' TERM; while :; do echo flood; echo flood >&2; done",
    "delivers",
    ""
)]
#[case::does_nothing("trap 'exit 0' TERM; while :; do sleep 0.05; done", "delivers", "")]
fn a_bad_sender_is_named_and_ended(#[case] script: &str, #[case] rule: &str, #[case] says: &str) {
    let place = shell_sender(script);
    let ran = convicted_unless_starved(run(&place));
    let report = place.json("out/report.json");
    let rules = rules_found(&report);
    assert!(rules.contains(rule), "{rules:?}");
    assert!(report.to_string().contains(says), "{report:#}");
    assert!(ran.out.contains(rule), "{}", ran.out);
}

/// A check failed; but where the tests beside it leave a busy sender no processor, or the harness itself,
/// that is said instead.
fn convicted_unless_starved(ran: Ran) -> Ran {
    let told = ["got no processor", "the harness acted"].iter().any(|why| ran.out.contains(why));
    if ran.code == Some(5) && told { ran } else { ran.exits(1) }
}

/// A sender that is several processes has its time to stop as a whole, whichever of them ends first.
#[rstest]
#[case::a_group_that_is_ended_with_its_leader(
    "trap 'trap - TERM; kill 0' TERM; sh -c 'trap \"sleep 0.2; exit 0\" TERM; while :; do sleep 0.02; done' & wait"
)]
#[case::a_child_of_another_session(
    "setsid sh -c 'trap \"sleep 0.2; exit 0\" TERM; while :; do sleep 0.02; done' & child=$!; \
     trap 'kill $child; exit 0' TERM; while :; do sleep 0.02; done"
)]
fn children_have_as_long_to_stop_as_the_sender_has(#[case] script: &str) {
    let place = shell_sender(script);
    // Far more than they take, however many tests run beside this one.
    let sender = place.text("sender.yaml").replace("stop: 500ms", "stop: 5s");
    place.write("sender.yaml", sender);
    run(&place);
    let rules = rules_found(&place.json("out/report.json"));
    assert!(!rules.contains("sender/stops"), "{rules:?}");
}

#[test]
fn who_was_left_behind_is_named() {
    let place = shell_sender("sleep 300 & trap 'exit 0' TERM; while :; do sleep 0.05; done");
    let ran = run(&place).exits(1);
    assert!(ran.out.contains("left 1 of its processes behind: sleep"), "{}", ran.out);
}

/// Out of the group, the session, the environment, and of the hands of its parent.
const HIDES: &str = "setsid env -i sh -c 'sleep 301 & sleep 302' & sleep 0.2;";

#[test]
fn a_child_that_hides_in_every_way_is_named_and_ended() {
    let place = shell_sender(&format!("{HIDES} trap 'exit 0' TERM; while :; do sleep 0.05; done"));
    let sleepers = || sleeping(&place, &["301", "302"]);
    let ran = run(&place).exits(1);
    assert!(ran.out.contains("of its processes behind"), "{}", ran.out);
    assert_eq!(sleepers(), Vec::<i32>::new());
}

/// The processes below a place that sleep for so many seconds: `sleep` is all that is left of them.
fn sleeping(place: &Place, seconds: &[&str]) -> Vec<i32> {
    let folder = place.path("");
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_it = |id: &i32| {
        let line = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let sleeps = seconds.iter().any(|time| line == format!("sleep\0{time}\0"));
        let within = std::fs::read_link(format!("/proc/{id}/cwd"));
        sleeps && within.is_ok_and(|at| at.starts_with(&folder))
    };
    ids.filter(is_it).collect()
}

/// Whatever one process does that serves a whole run, or each that is started for an exam.
#[rstest]
#[case::ignores_sigterm("trap '' TERM; while :; do sleep 0.05; done")]
#[case::leaves_a_child("sleep 301 & while :; do sleep 0.05; done")]
#[case::leaves_a_child_in_another_session("setsid sleep 301 & while :; do sleep 0.05; done")]
#[case::hides_a_child("setsid env -i sh -c 'sleep 301 & sleep 302' & exit 0")]
#[case::floods("exec yes flood")]
#[case::floods_with_children("for i in 1 2 3 4 5 6 7 8 9; do setsid env -i sleep 301 & done; wait")]
#[case::burns_a_processor("while :; do :; done")]
fn whatever_an_abusive_sender_does_nothing_of_it_is_left(
    #[case] script: &str,
    #[values("run", "exam")] per: &str,
) {
    let place = shell_sender(script);
    if per == "run" {
        // Such a sender is not ended by any case, but by the end of the run.
        place.write(
            "scenarios/the-case.yaml",
            "title: The sender is started and fed\nsteps: [start, probe, settle]\n",
        );
    }
    let told = if per == "exam" { "'{exam}'" } else { "'{port}'" };
    let command = format!("[sh, '{}', {told}]", place.path("sender.sh").display());
    let file = format!(
        "name: foreign\nstart: {{ command: {command}, per: {per} }}\ndirectory: '{folder}'\n\
         environment: {{ {MARK}: '{folder}' }}\n\
         limits: {{ ack_timeout: 100ms, longest_retry: 100ms, stop: 300ms, cpu: 2s }}\n",
        folder = place.path("").display(),
    );
    place.write("sender.yaml", file);
    let ran = run(&place);
    assert!(matches!(ran.code, Some(1 | 5 | 6)), "{:?}\n{}\n{}", ran.code, ran.out, ran.err);
    assert_eq!(sleeping(&place, &["301", "302"]), Vec::<i32>::new(), "{}", ran.out);
}

/// However long one process of it lives, and whichever output it prints to.
#[rstest]
#[case::for_a_case(
    "case",
    "'{inbox}'",
    "for file in \"$1\"/*.json; do [ -e \"$file\" ] && cat \"$file\" && rm \"$file\"; done"
)]
#[case::for_a_run(
    "run",
    "'{inbox}'",
    "for file in \"$1\"/*.json; do [ -e \"$file\" ] && cat \"$file\" >&2 && rm \"$file\"; done"
)]
#[case::for_an_exam("exam", "'{exam}'", "cat \"$1\"; exit 0")]
fn a_sender_that_prints_whose_exam_it_is_is_named(
    #[case] per: &str,
    #[case] told: &str,
    #[case] script: &str,
) {
    let place =
        shell_sender(&format!("trap 'exit 0' TERM; while :; do {script}; sleep 0.05; done"));
    place.write(
        "scenarios/the-case.yaml",
        "title: The sender is started and fed\nexams: [john-doe]\n\
         steps: [start, submit: john-doe, await: john-doe, settle]\n",
    );
    let command = format!("[sh, '{}', {told}]", place.path("sender.sh").display());
    let folder = place.path("");
    let file = format!(
        "name: foreign\nstart: {{ command: {command}, per: {per} }}\n\
         environment: {{ {MARK}: '{}' }}\n\
         limits: {{ ack_timeout: 100ms, longest_retry: 100ms, stop: 500ms }}\n",
        folder.display(),
    );
    place.write("sender.yaml", file);
    run(&place).exits(1);
    let report = place.json("out/report.json");
    assert!(rules_found(&report).contains("sender/discreet"), "{report:#}");
    let printed = if per == "run" { "standard error" } else { "standard output" };
    let message =
        format!("run 1 of the sender printed to its {printed}: MRN, name, birth date of john-doe");
    assert!(report.to_string().contains(&message), "{report:#}");
    let history = place.text("out/cases/the-case/history.jsonl");
    assert!(history.contains("\"event\":\"output-read\""));
    assert!(!report.to_string().contains("ITCC20170410"), "what was printed is not kept");
}

#[test]
fn a_sender_that_only_floods_its_output_costs_no_memory_and_stops_when_asked() {
    let place = shell_sender("exec yes flood");
    convicted_unless_starved(run(&place));
    let report = place.json("out/report.json");
    let rules = rules_found(&report);
    assert!(!rules.contains("sender/stops") && !rules.contains("sender/bounded"), "{rules:?}");
    let said = "run 1 of the sender printed more than the first 1024 KiB";
    assert!(report.to_string().contains(said), "{report:#}");
}

#[test]
fn the_last_of_an_output_without_lines_is_shown_where_it_is_asked_for() {
    let place = shell_sender("printf 'no line ends this'; exit 3");
    let arguments = ["run", "--sender", "sender.yaml", "--show-output"];
    let ran = place.run(&arguments).exits(1);
    assert!(ran.out.contains("it had printed: no line ends this"), "{}", ran.out);
    let place = shell_sender("head -c 2000000 /dev/zero | tr '\\0' x; exit 3");
    let ran = place.run(&arguments).exits(1);
    // So long a word has a line to itself.
    assert!(ran.out.contains("it had printed:") && ran.out.contains("xxxx"), "{}", ran.out);
}

#[test]
fn connections_that_are_never_used_are_no_charge() {
    let Some(python) = python() else { return skipped("connections_that_are_never_used") };
    let place = Place::with_scenario(SHORT);
    place.write("sender.py", IDLE_CONNECTIONS);
    let script = place.path("sender.py");
    let start = format!("['{python}', '{}', '{{port}}']", script.display());
    place.write("sender.yaml", sender_file(&place, &start));
    run(&place).exits(1);
    let report = place.json("out/report.json");
    let rules = rules_found(&report);
    assert!(rules.contains("delivers") && !rules.contains("sender/stops"), "{rules:?}");
    let history = place.text("out/cases/the-case/history.jsonl");
    let opened = history.lines().filter(|line| line.contains("\"event\":\"opened\"")).count();
    assert!(opened >= 200, "{opened} connections were seen");
    assert!(!history.contains("\"event\":\"received\""));
}

#[test]
fn a_sender_that_hears_its_standard_input_end_is_stopped_by_it() {
    let place = shell_sender("trap '' TERM; cat > /dev/null");
    let text = place.text("sender.yaml") + "stop: standard-input\n";
    place.write("sender.yaml", text);
    run(&place).exits(1);
    let rules = rules_found(&place.json("out/report.json"));
    assert!(!rules.contains("sender/stops"), "{rules:?}");
}

/// Whoever interrupts a run waits for no sender, and leaves none.
#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
fn an_interrupted_run_ends_its_sender(#[case] signal: Signal) {
    let place = shell_sender("trap '' TERM; touch \"$0.started\"; while :; do sleep 0.05; done");
    let mut command = std::process::Command::new(PROGRAM);
    command.args(["run", "--sender", "sender.yaml", "--out", "out"]);
    command.current_dir(place.path("")).env("TMPDIR", place.path("")).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let until = Instant::now() + BOUND;
    while !place.path("sender.sh.started").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    let code = ended(&mut child, until);
    assert_eq!(code, Some(5));
    assert_eq!(left_over(&place.path("")), Vec::<i32>::new());
    assert_eq!(place.json("out/report.json")["interrupted"], true);
    let entries = std::fs::read_dir(place.path("")).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let folders: Vec<String> = names.filter(|name| name.starts_with("chargeproof-")).collect();
    assert_eq!(folders, Vec::<String>::new(), "the folder of the case is removed");
}

/// The exit code of a child that must end before `until`; killed otherwise.
fn ended(child: &mut Child, until: Instant) -> Option<i32> {
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap().code()
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
    assert!(left_over(&place.path("")).is_empty());
}

/// The same sender without its mark: what has become of the charge is known only after it was sent.
#[test]
fn the_same_sender_is_convicted_when_it_marks_the_charge_too_late() {
    let Some(python) = python() else { return skipped("marks the charge too late") };
    let early = "        if database.execute(mark, (row,)).rowcount == 0:
            return  # a second instance was faster\n";
    assert!(OUTBOX.contains(early));
    let place = outbox(&python, &OUTBOX.replace(early, ""));
    run_case(&place, "crash/killed[at=end-of-message]").exits(10);
    assert!(left_over(&place.path("")).is_empty());
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
    let limits = "ack_timeout: 300ms, longest_retry: 300ms, stop: 5s";
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

/// The environment variable that marks a test's processes.
const MARK: &str = "CHARGEPROOF_TEST_PLACE";

/// One exam, one start and one stop: enough to see what a sender does to the harness.
const SHORT: &str = "\
title: The sender is started, fed and stopped
steps: [start, probe, settle, stop]
";

const OUTBOX: &str = include_str!("../senders/outbox.py");

const IDLE_CONNECTIONS: &str = "\
import signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
lines = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(200)]
signal.pause()
";
