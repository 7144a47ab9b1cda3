//! What `serve` says while it serves, and where it listens.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::command::{PROGRAM, Place};
use crate::wire::{Client, Server, charge, msa};
use rstest::rstest;

/// A `serve` whose output is read line by line.
struct Live {
    child: Child,
    output: BufReader<ChildStdout>,
    _place: Place,
}

impl Live {
    fn start(script: &str) -> Self {
        let place = Place::new();
        place.write("script.yaml", format!("title: A script\nexams: [john-doe]\nemr: {script}\n"));
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--script", "script.yaml", "--listen", "0"]);
        command.current_dir(place.path("")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output, _place: place }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it has ended");
        line.trim_end().to_owned()
    }

    fn address(&mut self) -> std::net::SocketAddr {
        let line = self.line();
        line.strip_prefix("listening on ").unwrap().parse().unwrap()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_message_is_said_with_its_answer_as_it_comes() {
    let script = "[{ on: { message: 2 }, reply: reject }, { on: { message: 3 }, reply: none }]";
    let mut live = Live::start(script);
    let address = live.address();
    assert_eq!(live.line(), "Ctrl-C ends it and judges what arrived");
    let mut client = Client::to(address);
    let mut heard = |live: &mut Live, order: &str, id: &str| {
        client.send(&charge(order, id));
        let said = live.line();
        let (time, text) = said.split_at(12);
        let is_of_time = |(at, byte): (usize, u8)| match at {
            2 | 5 => byte == b':',
            8 => byte == b'.',
            _ => byte.is_ascii_digit(),
        };
        assert!(time.bytes().enumerate().all(is_of_time), "{said}");
        text.to_owned()
    };
    let opened = heard(&mut live, "273013", "261121215022");
    assert!(opened.starts_with("   1  connected from 127.0.0.1:"), "{opened}");
    let first = live.line();
    assert!(first.ends_with("DFT^P03 order 273013, MSH-10 261121215022, 236 bytes: AA"), "{first}");
    let again = heard(&mut live, "273013", "261121215023");
    let wanted = "order 273013 came again: 2nd time, MSH-10 261121215023, 236 bytes: answer/reject";
    assert!(again.ends_with(wanted), "{again}");
    let silent = heard(&mut live, "273014", "261121215024");
    assert!(silent.ends_with("236 bytes: no answer (answer/none)"), "{silent}");
    drop(client);
    let said = live.line();
    assert!(
        said.ends_with("closed by the sender") || said.ends_with("reset by the sender"),
        "{said}"
    );
}

#[test]
fn nothing_of_a_patient_is_said() {
    let server = Server::start(Place::new(), &[]);
    let mut client = server.connect();
    client.send(&charge("1", "JOHN DOE"));
    client.answer();
    client.send(b"\x0bMSH|^~\\&|DOE^JOHN\x1c\rDOE^JOHN");
    client.hang_up();
    let (_, judged, _) = server.ended();
    assert!(judged.out.contains("MSH-10 \u{2022}\u{2022}\u{2022}(8)"), "{}", judged.out);
    assert!(!judged.out.contains("DOE") && !judged.out.contains("JOHN"), "{}", judged.out);
    assert!(judged.out.contains("received 2 messages on 1 connection\n"), "{}", judged.out);
}

#[test]
fn a_quiet_one_says_where_it_listens_and_what_it_found() {
    let server = Server::start(Place::new(), &["--quiet"]);
    let mut client = server.connect();
    client.send(&charge("1", "ID-1"));
    client.answer();
    client.hang_up();
    let judged = server.ends(0);
    assert!(!judged.out.contains("connected") && !judged.out.contains("came"), "{}", judged.out);
    assert!(judged.out.contains("1 case, 1 passed"), "{}", judged.out);
}

/// Nobody reads what it says, and more is said than a pipe holds.
#[test]
fn a_screen_that_stands_still_does_not_hold_up_the_wire() {
    let mut live = Live::start("[]");
    let address = live.address();
    for number in 0..3_000 {
        let mut client = Client::to(address);
        client.send(&charge(&format!("{number}"), &"ID-".repeat(20)));
        client.answer();
    }
    let mut client = Client::to(address);
    client.send(&charge("last", "ID-last"));
    assert_eq!(msa(&client.answer(), 2), "ID-last");
}

#[rstest]
#[case::name(&["--listen", "localhost:0"], 1)]
#[case::port(&["--listen", ":0"], 1)]
#[case::several(&["--listen", "0,127.0.0.1:0", "--listen", "0"], 3)]
fn it_listens_where_it_is_told(#[case] listen: &[&str], #[case] count: usize) {
    let server = Server::start(Place::new(), listen);
    assert_eq!(server.addresses.len(), count);
    for &address in &server.addresses {
        assert!(address.ip().is_loopback());
        let mut client = Client::to(address);
        client.send(&charge("1", "ID-1"));
        assert_eq!(msa(&client.answer(), 1), "AA");
    }
    server.ended();
}

#[rstest]
#[case::elsewhere("203.0.113.7:2575", "no address of this machine")]
#[case::no_port("localhost", "did you mean `localhost:2575`?")]
#[case::everywhere("*:2575", "`0.0.0.0:2575`")]
#[case::unknown("no.such.host.invalid:2575", "a port alone for this machine only")]
fn an_address_that_cannot_be_had_says_what_to_try(#[case] listen: &str, #[case] hint: &str) {
    let ran = Place::new().run(&["serve", "--listen", listen]).exits(2);
    assert!(ran.err.contains(hint), "{}", ran.err);
}

#[rstest]
#[case(&["serve", "--ack-timeout", "5000"], "did you mean `5000ms`?")]
#[case(&["serve", "--longest-retry", "0"], "did you mean `0ms`?")]
#[case(&["sender", "--endpoint", "127.0.0.1:9", "--state", "s", "--inbox", "i", "--retry", "200"], "did you mean `200ms`?")]
fn a_time_without_a_unit_is_refused(#[case] arguments: &[&str], #[case] hint: &str) {
    let ran = Place::new().run(arguments).exits(2);
    assert!(ran.err.contains(hint), "{}", ran.err);
}

/// What the reference sender says to a person who starts it.
#[rstest]
#[case::usual(&[], true)]
#[case::quiet(&["--quiet"], false)]
fn the_reference_sender_says_what_it_waits_for_and_does(#[case] more: &[&str], #[case] says: bool) {
    let server = Server::start(Place::new(), &[]);
    let place = Place::new();
    std::fs::create_dir(place.path("inbox")).unwrap();
    let mut command = Command::new(PROGRAM);
    let endpoint = server.addresses[0].to_string();
    command.args(["sender", "--endpoint", &endpoint, "--state", "state", "--inbox", "inbox"]);
    command.args(more).current_dir(place.path("")).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    place.write("inbox/0001.tmp", EXAM);
    std::fs::rename(place.path("inbox/0001.tmp"), place.path("inbox/0001.json")).unwrap();
    server.recorded(|text| text.contains("\"event\":\"replied\""));
    let settled = || {
        let journal = std::fs::read_to_string(place.path("state/journal.jsonl"));
        journal.is_ok_and(|text| text.contains("delivered"))
    };
    let until = std::time::Instant::now() + crate::command::BOUND;
    while !settled() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let process = i32::try_from(child.id()).unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
    child.wait().unwrap();
    server.ends(0);
    if !says {
        return assert_eq!(err, "");
    }
    for line in [
        "waiting for exams in inbox (*.json)",
        "order 273013: its exam was taken",
        &format!("connected to {endpoint}"),
        "order 273013: sending its charge, MSH-10 ",
        "order 273013: its charge was accepted (delivered)",
    ] {
        assert!(err.lines().any(|said| said.starts_with(line)), "{line}: {err}");
    }
    assert!(!err.contains("DOE") && !err.contains("ITCC20170410"), "{err}");
}

const EXAM: &str = r#"{
  "order": {"number": "273013", "emr_number": "2017041006", "application": "EPIC"},
  "procedure": {"code": "92250", "text": "Fundus photography with interpretation and report", "system": "CPT"},
  "site": "POC01",
  "patient": {"mrn": "ITCC20170410", "family": "DOE", "given": "JOHN",
    "born": "1958-10-12", "sex": "M", "account": "1234"},
  "ordering_provider": {"id": "OP0001", "family": "DOE", "given": "JACK", "prefix": "MD", "degree": "MD",
    "id_type": "NPI"},
  "interpreter": {"id": "GR0001", "family": "DOE", "given": "JANE", "prefix": "MD", "degree": "MD",
    "id_type": "NPI"},
  "images": [
    {"eye": "right", "captured": "2017-04-10T14:58:03", "gradable": true},
    {"eye": "left", "captured": "2017-04-10T14:58:03", "gradable": true}
  ],
  "grading": {"signed": "2017-04-10T14:59:01", "left": "proliferative", "right": "none",
    "diagnoses": [{"code": "E11.41", "text": "Type 2 diabetes mellitus with diabetic mononeuropathy"}]}
}"#;
