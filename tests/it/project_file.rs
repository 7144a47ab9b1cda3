//! `chargeproof.yaml` stands in for what was not typed, and `--watch` runs again when files change.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

use crate::command::{BOUND, PROGRAM, Place};

#[test]
fn a_project_file_stands_in_for_what_was_not_typed() {
    let place = Place::new();
    place.write("chargeproof.yaml", "cases: [once/silence]\nout: made\nreport: [junit]\n");
    let out = place.run(&["run"]).exits(0).out;
    assert!(out.contains("1 case, 1 passed"), "{out}");
    assert!(place.path("made/junit.xml").is_file());
    assert!(!place.path("made/report.json").exists(), "nobody asked for it");
    assert!(place.run(&["list"]).exits(0).out.starts_with("once/silence"));
}

#[test]
fn what_is_typed_counts_for_more() {
    let place = Place::new();
    place.write(
        "chargeproof.yaml",
        "sender: missing.yaml\ncases: [once/silence]\nexclude: ['*reset*']\nout: made\nseed: 7\n",
    );
    let out = place
        .run(&["run", "once/rejected[reply=reject]", "--bug", "resend-on-reject", "--out", "typed"])
        .exits(10)
        .out;
    assert!(out.contains("--seed 7 --bug resend-on-reject"), "{out}");
    assert!(place.path("typed/report.json").is_file() && !place.path("made").exists());
    // What never is to run stays away from what was typed, too.
    let simulated = ["list", "connection/", "--bug", "resend-on-reject"];
    let ids = place.run(&simulated).out;
    assert!(!ids.contains("reset"), "{ids}");
    let err = place.run(&["run"]).exits(2).err;
    assert!(err.contains("missing.yaml"), "{err}");
    // Nobody must take a green for that of the sender that is named.
    let err = place.run(&["run", "once/silence", "--simulated"]).exits(0).err;
    assert!(err.contains("runs the reference sender, not `missing.yaml`"), "{err}");
}

#[test]
fn what_it_names_lies_beside_it_wherever_the_command_runs() {
    let place = Place::new();
    place.write("below/chargeproof.yaml", "sender: mine.yaml\n");
    place.write("below/mine.yaml", "name: mine\nstart: [sh]\n");
    for command in ["run", "list", "doctor"] {
        let err = place.run(&[command, "--project", "below"]).exits(2).err;
        assert!(err.contains("below/mine.yaml:1:1: missing key `limits`"), "{command}: {err}");
    }
}

#[rstest]
#[case::key("senders: x\n", "chargeproof.yaml:1:1: unknown key `senders`", "`sender`")]
#[case::jobs("jobs: 300\n", "chargeproof.yaml:1:7: expected `auto` or a number", "from 1 to 256")]
#[case::time("watch_for: 5\n", "chargeproof.yaml:1:12: expected a duration", "did you mean `5ms`")]
#[case::report("report: [junit, html]\n", "chargeproof.yaml:1:17: expected a kind", "markdown")]
#[case::host("host: here\n", "chargeproof.yaml:1:7: expected an address", "IP address")]
#[case::seed("seed: -1\n", "chargeproof.yaml:1:7: expected a whole number", "--seed")]
#[case::no_list("cases: once/\n", "chargeproof.yaml:1:8: expected a list", "[once/]")]
#[case::message("MSH|^~\\&|A\nPID|1||77\n", "is a message", "none of its lines is shown")]
fn a_mistake_in_it_is_shown_where_it_is(
    #[case] text: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let place = Place::new();
    place.write("chargeproof.yaml", text);
    let err = place.run(&["list"]).exits(2).err;
    assert!(err.contains(message) && err.contains(hint), "{err}");
}

#[test]
fn one_that_cannot_be_read_is_not_taken_for_none() {
    let place = Place::new();
    std::os::unix::fs::symlink("/nowhere/at-all", place.path("chargeproof.yaml")).unwrap();
    let err = place.run(&["run", "once/silence", "--simulated"]).exits(2).err;
    assert!(err.contains("cannot read `./chargeproof.yaml`"), "{err}");
}

#[test]
fn an_empty_one_says_nothing() {
    let place = Place::new();
    place.write("chargeproof.yaml", "# nothing yet\n");
    assert!(place.run(&["list", "once/silence"]).exits(0).out.contains("once/silence"));
}

/// A `run --watch`, and what it says on standard error, a line at a time.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn begin(place: &Place, arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["run", "--watch"])
            .args(arguments)
            .current_dir(place.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let err = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            err.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        Self { child, lines }
    }

    /// Waits for a line with this in it.
    #[track_caller]
    fn hears(&self, part: &str) {
        loop {
            let line = self.lines.recv_timeout(BOUND).unwrap_or_else(|_| panic!("never `{part}`"));
            if line.contains(part) {
                return;
            }
        }
    }

    /// Ends it from the keyboard; its exit code and its output.
    fn end(mut self) -> (Option<i32>, String) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code(), out)
    }
}

const SOUND: &str = "title: A charge\nexams: [john-doe]\n";

#[test]
fn a_change_of_a_scenario_runs_it_again_and_a_mistake_does_not_end_the_watch() {
    let place = Place::with_scenario(SOUND);
    let watching = Watching::begin(&place, &["--simulated", "-q"]);
    watching.hears("watching scenarios/");
    place.write("scenarios/the-case.yaml", "titel: A charge\n");
    watching.hears("the-case.yaml changed");
    watching.hears("unknown key `titel`");
    watching.hears("watching");
    place.write(
        "scenarios/the-case.yaml",
        format!("{SOUND}emr: [{{ on: {{ message: 1 }}, reply: reject }}]\n"),
    );
    watching.hears("watching");
    place.write("chargeproof.yaml", "cases: [nothing-like-it]\n");
    watching.hears("no scenario or case is called `nothing-like-it`");
    watching.hears("watching");
    std::fs::remove_file(place.path("chargeproof.yaml")).unwrap();
    watching.hears("chargeproof.yaml changed");
    watching.hears("watching");
    let (code, out) = watching.end();
    assert_eq!(out.matches("1 case, 1 passed").count(), 3, "{out}");
    assert_eq!(code, Some(0), "{out}");
}

#[test]
fn a_change_of_the_sender_file_or_of_a_program_beside_it_runs_it_again() {
    let place = Place::with_scenario(SOUND);
    place.write("send.sh", "#!/bin/sh\nexit 0\n");
    let sender = "name: mine\nstart: [sh, '{beside}/send.sh']\n\
                  limits: { ack_timeout: 100ms, longest_retry: 100ms }\n";
    place.write("mine.yaml", sender);
    let watching = Watching::begin(&place, &["--sender", "mine.yaml", "-q"]);
    watching.hears("send.sh");
    place.write("notes.yaml", "nobody reads this");
    place.write("send.sh", "#!/bin/sh\nexit 1\n");
    watching.hears("send.sh changed");
    watching.hears("watching");
    place.write("mine.yaml", "name: mine\n");
    watching.hears("mine.yaml changed");
    watching.hears("missing key");
    watching.hears("watching");
    assert_eq!(watching.end().0, Some(2), "as the last run ended");
}
