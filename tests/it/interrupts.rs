//! A run that is broken off leaves nothing behind: no process, no folder.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::{BOUND, PROGRAM, Place};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

/// Starts a run whose sender never stops by itself, and waits until that sender is there.
fn begun(place: &Place) -> Child {
    place.write("sender.sh", "trap '' TERM INT HUP; touch here; while :; do sleep 0.05; done");
    let script = place.path("sender.sh");
    let sender = format!(
        "name: stubborn\nstart: [sh, '{}']\ndirectory: '{}'\n\
         limits: {{ ack_timeout: 20s, longest_retry: 20s, stop: 20s }}\n",
        script.display(),
        place.path("").display(),
    );
    place.write("sender.yaml", sender);
    std::fs::create_dir(place.path("temporary")).unwrap();
    let child = Command::new(PROGRAM)
        .args(["run", "options/option-1", "--sender", "sender.yaml", "--out", "out"])
        .current_dir(place.path(""))
        .env("TMPDIR", place.path("temporary"))
        .stdout(std::fs::File::create(place.path("said.txt")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the sender to start", || place.path("here").exists());
    child
}

fn wait_for(what: &str, it_is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !it_is_so() {
        assert!(began.elapsed() < BOUND, "timed out waiting for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn tell(child: &Child, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

/// Whether any living process has something below `folder` on its command line.
fn is_running(folder: &Path) -> bool {
    let folder = folder.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.windows(folder.len()).any(|part| part == folder)
    })
}

#[rstest]
#[case::asked_to_end(Signal::TERM)]
#[case::from_the_keyboard(Signal::INT)]
#[case::terminal_gone(Signal::HUP)]
fn an_interrupted_run_is_written_down_and_leaves_nothing_behind(#[case] signal: Signal) {
    let place = Place::new();
    let mut child = begun(&place);
    tell(&child, signal);
    assert_eq!(child.wait().unwrap().code(), Some(5), "{}", place.text("said.txt"));
    assert!(place.text("out/cases/options/option-1/history.jsonl").contains("interrupted"));
    assert_eq!(place.json("out/report.json")["interrupted"], true);
    assert!(std::fs::read_dir(place.path("temporary")).unwrap().next().is_none());
    wait_for("the sender to be gone", || !is_running(&place.path("sender.sh")));
}

#[test]
fn whoever_interrupts_twice_leaves_nothing_behind_either() {
    let place = Place::new();
    let mut child = begun(&place);
    // Two of a kind could become one on their way.
    tell(&child, Signal::TERM);
    tell(&child, Signal::INT);
    tell(&child, Signal::HUP);
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(5 | 130)), "{code:?}");
    assert!(std::fs::read_dir(place.path("temporary")).unwrap().next().is_none());
    wait_for("the sender to be gone", || !is_running(&place.path("sender.sh")));
}

/// The guardian of a run, by its word and by the run's own folder in its environment.
fn guardian(place: &Place) -> Option<Pid> {
    let mine = format!("TMPDIR={}", place.path("temporary").display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut processes = processes.filter(|process| {
        let read = |file: &str| std::fs::read(process.path().join(file)).unwrap_or_default();
        let has =
            |text: Vec<u8>, one: &str| text.split(|byte| *byte == 0).any(|it| it == one.as_bytes());
        has(read("cmdline"), "guardian") && has(read("environ"), &mine)
    });
    let number = processes.find_map(|process| process.file_name().to_str()?.parse().ok());
    number.and_then(Pid::from_raw)
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// Nobody can clean up after himself who is killed; and what is said to everybody who is called so, or
/// to the whole group of a terminal, is not meant for who cleans up.
#[rstest]
#[case::killed(&[], Signal::KILL)]
#[case::quits_from_the_keyboard(&[], Signal::QUIT)]
#[case::ends_as_many_others_do(&[Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT], Signal::KILL)]
fn whatever_ends_a_run_leaves_nothing_behind(#[case] before: &[Signal], #[case] signal: Signal) {
    let place = Place::new();
    let mut child = begun(&place);
    let cleaner = guardian(&place).unwrap();
    for signal in before {
        kill_process(cleaner, *signal).unwrap();
    }
    tell(&child, signal);
    assert_eq!(child.wait().unwrap().code(), None, "{}", place.text("said.txt"));
    wait_for("the sender to be gone", || !is_running(&place.path("sender.sh")));
    wait_for("the folder to be gone", || is_empty(&place.path("temporary")));
    wait_for("the guardian to be gone", || guardian(&place).is_none());
}

/// A run of one case, with its temporary folders where `begun` has them.
fn run_to_its_end(place: &Place) {
    let status = Command::new(PROGRAM)
        .args(["run", "options/option-1"])
        .current_dir(place.path(""))
        .env("TMPDIR", place.path("temporary"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_run_that_comes_to_its_end_takes_its_guardian_along() {
    let place = Place::new();
    std::fs::create_dir(place.path("temporary")).unwrap();
    run_to_its_end(&place);
    assert!(guardian(&place).is_none() && is_empty(&place.path("temporary")));
}

/// Where the guardian was killed as well, the next run sweeps up.
#[test]
fn the_next_run_sweeps_up_after_one_whose_guardian_was_killed_too() {
    let place = Place::new();
    let mut child = begun(&place);
    kill_process(guardian(&place).unwrap(), Signal::KILL).unwrap();
    tell(&child, Signal::KILL);
    child.wait().unwrap();
    assert!(!is_empty(&place.path("temporary")) && is_running(&place.path("sender.sh")));
    run_to_its_end(&place);
    assert!(is_empty(&place.path("temporary")));
    wait_for("the sender to be gone", || !is_running(&place.path("sender.sh")));
}

/// What was done until then is there, whole, and the case under way as far as it came.
#[rstest]
fn whatever_was_done_before_an_interrupt_is_kept(#[values(1, 2)] finished: usize) {
    let place = Place::new();
    std::fs::create_dir(place.path("temporary")).unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["run", "options/", "--jobs", "1", "--out", "out"])
        .current_dir(place.path(""))
        .env("TMPDIR", place.path("temporary"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("cases to be finished", || histories(&place.path("out")).len() >= finished);
    tell(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(5));
    let report = place.json("out/report.json");
    assert_eq!(report["interrupted"], true);
    let told = report["cases"].as_array().unwrap();
    assert!(told.len() >= finished, "{report:#}");
    for case in told {
        let history = place.text(&format!("out/{}", case["history"].as_str().unwrap()));
        let last = history.lines().last().unwrap();
        let whole = if case["verdict"] == "pass" { "finished" } else { "interrupted" };
        assert!(history.contains(&format!("\"event\":\"{whole}\"")), "{last}");
    }
    assert!(place.path("out/junit.xml").exists());
    assert!(std::fs::read_dir(place.path("temporary")).unwrap().next().is_none());
}

/// The histories below a folder.
fn histories(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.map(|entry| entry.path()).flat_map(|path| match path.is_dir() {
        true => histories(&path),
        false => vec![path],
    });
    below.filter(|path| path.ends_with("history.jsonl")).collect()
}
