//! What `serve` records leaves its memory as it comes, and is there however it ends.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::{PROGRAM, Place};
use crate::wire::{Client, Server, charge, msa};
use rustix::process::Signal;

const HISTORY: &str = "out/cases/serve/history.jsonl";

#[test]
fn what_was_answered_before_a_kill_is_there_and_is_judged_as_cut_off() {
    let server = Server::start(Place::new(), &[]);
    let mut client = server.connect();
    for number in 1..=50 {
        client.send(&charge(&format!("{number}"), &format!("ID-{number}")));
        assert_eq!(msa(&client.answer(), 1), "AA");
    }
    server.recorded(|text| text.matches("\"event\":\"replied\"").count() == 50);
    server.signal(Signal::KILL);
    let place = server.killed();
    let ran = place.run(&["check", HISTORY, "--out", "judged", "--report", "json"]).exits(5);
    let told = ran.out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(told.contains("its checksum is missing"), "{}", ran.out);
    assert_eq!(place.json("judged/report.json")["cases"][0]["charges"], 50);
}

#[test]
fn what_came_twice_before_a_kill_was_sent_twice() {
    let server = Server::start(Place::new(), &[]);
    let mut client = server.connect();
    for id in ["ID-1", "ID-2"] {
        client.send(&charge("273013", id));
        client.answer();
    }
    server.recorded(|text| text.matches("\"event\":\"replied\"").count() == 2);
    server.signal(Signal::KILL);
    server.killed().run(&["check", HISTORY]).exits(10);
}

#[test]
fn what_is_recorded_does_not_stay_in_memory() {
    let server = Server::start(Place::new(), &[]);
    let mut client = server.connect();
    let note = format!("\rNTE|1||{}\r\x1c\r", "x".repeat(400_000));
    for number in 1..=400 {
        let mut message = charge(&format!("{number}"), &format!("ID-{number}"));
        message.truncate(message.len() - 3);
        message.extend_from_slice(note.as_bytes());
        client.send(&message);
        assert_eq!(msa(&client.answer(), 1), "AA");
    }
    // 160 MB have come.
    assert!(server.peak_memory() < 100 << 20, "it holds {} bytes", server.peak_memory());
}

/// A disk that is full may say so to a write, and to nothing else.
#[test]
fn what_cannot_be_kept_ends_it_at_once() {
    let place = Place::new();
    let limited =
        format!("trap '' XFSZ; ulimit -f 64; exec {PROGRAM} serve --listen 127.0.0.1:0 --out out");
    let mut command = Command::new("sh");
    command.args(["-c", &limited]).current_dir(place.path("")).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
    let mut client = Client::to(address);
    // Sixty-four blocks of 512 or of 1,024 bytes are full long before that.
    for number in 1..=1_000 {
        let message = charge(&format!("{number}"), &format!("ID-{number}"));
        if client.try_send(&message).is_err() || client.answer().is_empty() {
            break;
        }
    }
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.starts_with(&format!("error: cannot write `{HISTORY}`: ")), "{err}");
    assert!(err.contains("hint: "), "{err}");
}
