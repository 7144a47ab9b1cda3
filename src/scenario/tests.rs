//! The files themselves: what is shipped fits its schema, and sender files are read strictly.

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use rstest::rstest;
use serde_json::Value;

use super::{Form, SenderFile, StopBy, exam_schema, schema, sender_file_schema};
use crate::plan::{Account, AttemptMode, FeedBy, Lifetime, ReadyWhen, Separator};
use crate::yaml::{Source, parse};

/// Path and text of every YAML file in the directories below `root`, sorted; exams left out.
pub(crate) fn shipped(root: &Path) -> Vec<(String, String)> {
    let mut files = below(root);
    files.retain(|(path, _)| !path.contains("/exams/"));
    files
}

fn below(directory: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut below(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}

fn root(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn json(path: &str, text: &str) -> Value {
    parse(&Source::new(path, text)).unwrap().read().unwrap()
}

#[test]
fn every_shipped_file_fits_its_schema() {
    let all = [
        (sender_file_schema(), below(&root("senders"))),
        (exam_schema(), below(&root("scenarios/exams"))),
    ];
    for (schema, files) in all {
        assert!(!files.is_empty());
        let validator = jsonschema::validator_for(&schema).unwrap();
        for (path, text) in files {
            if let Err(error) = validator.validate(&json(&path, &text)) {
                panic!("{path}: {error} at {}", error.instance_path());
            }
        }
    }
}

#[rstest]
#[case::unknown_key("title: T\nstpes: [start]\n")]
#[case::no_title("exams: [john-doe]\n")]
#[case::unknown_step("title: T\nsteps: [begin]\n")]
#[case::unknown_event("title: T\nsteps: [{ kill: { at: noon } }]\n")]
#[case::unknown_expectation("title: T\nexpect: { charges: { john-doe: twice } }\n")]
#[case::duration_without_unit("title: T\nemr: [{ on: {}, reply: { late: { after: 500 } } }]\n")]
#[case::parameter_that_is_not_read("title: T\nemr: [{ on: {}, reply: { late: { bytes: 3 } } }]\n")]
#[case::unknown_moment("title: T\nemr: [{ on: { moment: noon }, reply: late }]\n")]
#[case::entry_without_reply("title: T\nemr: [{ on: {} }]\n")]
#[case::axis_without_values("title: T\naxes: { reply: [] }\n")]
#[case::unknown_version_of_tls("title: T\ntls: { versions: [\"1.1\"] }\n")]
#[case::unknown_client_of_tls("title: T\ntls: { client: maybe }\n")]
#[case::unknown_key_of_tls("title: T\ntls: { cert: x }\n")]
fn the_schema_rejects_what_the_reader_rejects(#[case] text: &str) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(!validator.is_valid(&json("case.yaml", text)));
}

fn sender(text: &str) -> SenderFile {
    SenderFile::read(&Source::new("sender.yaml", text)).unwrap()
}

fn mistake(text: &str) -> String {
    SenderFile::read(&Source::new("sender.yaml", text)).unwrap_err().to_string()
}

#[test]
fn a_sender_file_keeps_everything_it_says() {
    let sender = sender(
        "name: S\nstart: [s, \"--to={endpoint}\", -p, 7]\nenvironment: { HOME: \"{state}\", LEVEL: 3 }\ndirectory: /opt/s\nfeed: inbox\nstop: standard-input\nlimits: { ack_timeout: 30s, longest_retry: 1m, stop: 5s }\nattempts: frame\naccount: [s, report]\n",
    );
    assert_eq!(sender.start, ["s", "--to={endpoint}", "-p", "7"]);
    assert_eq!(sender.environment["LEVEL"], "3");
    assert_eq!(sender.directory.as_deref(), Some("/opt/s"));
    assert_eq!(sender.stop, StopBy::StandardInput);
    assert_eq!(sender.limits.ack_timeout, Duration::from_secs(30));
    assert_eq!(sender.limits.longest_retry, Duration::from_secs(60));
    assert_eq!(sender.limits.stop, Some(Duration::from_secs(5)));
    assert_eq!(sender.attempts, AttemptMode::Frame);
    assert_eq!(sender.account, Some(Account::Command(vec!["s".into(), "report".into()])));
}

#[test]
fn a_sender_is_asked_to_stop_by_a_signal_and_counted_strictly_by_default() {
    let sender = sender("name: S\nstart: [s]\nlimits: { ack_timeout: 1s, longest_retry: 0ms }\n");
    assert_eq!((sender.stop, sender.attempts), (StopBy::Terminate, AttemptMode::Strict));
    assert_eq!((sender.account, sender.directory, sender.limits.stop), (None, None, None));
}

#[rstest]
#[case::braces_of_a_shell("${HOME}")]
#[case::json("{\"a\": 1}")]
#[case::empty("{}")]
#[case::open("{state")]
fn braces_that_hold_no_word_are_no_placeholder(#[case] argument: &str) {
    let text = format!(
        "name: S\nstart: [s, '{argument}']\nlimits: {{ ack_timeout: 1s, longest_retry: 1s }}\n"
    );
    assert_eq!(sender(&text).start[1], argument);
}

#[test]
fn an_unknown_key_of_a_sender_file() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { ack_timeout: 1s, longest_retry: 1s }\nstrat: [s]\n"), @r"
    sender.yaml:4:1: unknown key `strat`
      |
    4 | strat: [s]
      | ^^^^^
    hint: did you mean `start`?
    ");
}

#[test]
fn an_unknown_limit() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { acktimeout: 1s, longest_retry: 1s }\n"), @r"
    sender.yaml:3:11: unknown key `acktimeout`
      |
    3 | limits: { acktimeout: 1s, longest_retry: 1s }
      |           ^^^^^^^^^^
    hint: did you mean `ack_timeout`?
    hint: valid keys: ack_timeout, longest_retry, in_flight, stop, cpu, memory
    ");
}

#[test]
fn a_sender_file_must_say_how_patient_the_sender_is() {
    assert_snapshot!(mistake("name: S\nstart: [s]\n"), @r"
    sender.yaml:1:1: missing key `limits`
      |
    1 | name: S
      | ^^^^
    hint: add `limits: …` beside the keys of this map
    ");
}

#[test]
fn a_limit_must_not_be_left_out() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { ack_timeout: 1s }\n"), @r"
    sender.yaml:3:9: missing key `longest_retry`
      |
    3 | limits: { ack_timeout: 1s }
      |         ^
    hint: add `longest_retry: …` beside the keys of this map
    ");
}

#[test]
fn a_command_is_a_list() {
    assert_snapshot!(mistake("name: S\nstart: s --state x\nlimits: { ack_timeout: 1s, longest_retry: 1s }\n"), @r#"
    sender.yaml:2:8: expected the program and its arguments, found the text `s --state x`
      |
    2 | start: s --state x
      |        ^
    hint: a list such as [./send.sh, "{port}"]; `observe` if it is not ours to start
    "#);
}

#[test]
fn a_command_is_not_empty() {
    assert_snapshot!(mistake("name: S\nstart: []\nlimits: { ack_timeout: 1s, longest_retry: 1s }\n"), @r"
    sender.yaml:2:8: there is no program to start
      |
    2 | start: []
      |        ^
    ");
}

#[test]
fn an_unknown_placeholder() {
    assert_snapshot!(mistake("name: S\nstart: [s, \"--to={endpiont}\"]\nlimits: { ack_timeout: 1s, longest_retry: 1s }\n"), @r#"
    sender.yaml:2:12: unknown placeholder `{endpiont}`
      |
    2 | start: [s, "--to={endpiont}"]
      |            ^^^^^^^^^^^^^^^^^
    hint: did you mean `endpoint`?
    "#);
}

#[test]
fn an_unknown_way_to_stop() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { ack_timeout: 1s, longest_retry: 1s }\nstop: sigterm\n"), @r"
    sender.yaml:4:7: expected a way to stop it, found `sigterm`
      |
    4 | stop: sigterm
      |       ^^^^^^^
    hint: valid ways: terminate, interrupt, standard-input
    ");
}

#[test]
fn an_unknown_way_to_feed() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { ack_timeout: 1s, longest_retry: 1s }\nfeed: mllp\n"), @r#"
    sender.yaml:4:7: expected a way to feed it, found `mllp`
      |
    4 | feed: mllp
      |       ^^^^
    hint: valid ways: inbox, standard-input, by-hand
    hint: or at an address: `feed: { post: "http://…" }`, `feed: { mllp: "…" }`
    "#);
}

#[test]
fn a_limit_without_a_unit() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { ack_timeout: 300, longest_retry: 1s }\n"), @r"
    sender.yaml:3:24: the duration `300` has no unit
      |
    3 | limits: { ack_timeout: 300, longest_retry: 1s }
      |                        ^^^
    hint: did you mean `300ms`?
    ");
}

#[test]
fn a_sender_that_never_waits() {
    assert_snapshot!(mistake("name: S\nstart: [s]\nlimits: { ack_timeout: 0s, longest_retry: 1s }\n"), @r"
    sender.yaml:3:24: a sender that never waits cannot be answered in time
      |
    3 | limits: { ack_timeout: 0s, longest_retry: 1s }
      |                        ^^
    ");
}

/// A sender file with these keys besides the ones that it must have.
fn with(keys: &str) -> String {
    let limits = "limits: { ack_timeout: 1s, longest_retry: 1s }";
    let start = if keys.contains("start:") { "" } else { "start: [s]\n" };
    format!("name: S\n{start}{limits}\n{keys}\n")
}

#[rstest]
#[case("", FeedBy::Inbox, Form::Json)]
#[case("feed: inbox", FeedBy::Inbox, Form::Json)]
#[case("feed: standard-input", FeedBy::StandardInput(Separator::Line), Form::Json)]
#[case("feed: by-hand", FeedBy::Hand, Form::Json)]
#[case("feed: { by: inbox, as: message }", FeedBy::Inbox, Form::Message)]
#[case("feed: { by: standard-input, end: nul }", FeedBy::StandardInput(Separator::Nul), Form::Json)]
#[case("feed: { post: 'http://h:1/{feed_port}' }", FeedBy::Post("http://h:1/{feed_port}".into()), Form::Json)]
#[case("feed: { mllp: 'h:{feed_port}', as: hl7 }", FeedBy::Mllp("h:{feed_port}".into()), Form::Hl7)]
#[case("start: { command: [s], per: exam }\nfeed: { as: message }", FeedBy::Inbox, Form::Message)]
#[case("start: observe\nlisten: 127.0.0.1:2575", FeedBy::Hand, Form::Json)]
fn a_sender_is_fed_as_its_file_says(#[case] keys: &str, #[case] by: FeedBy, #[case] form: Form) {
    let feed = sender(&with(keys)).feed;
    assert_eq!((feed.by, feed.form), (by, form));
}

#[test]
fn everything_about_driving_is_kept() {
    let sender = sender(&with(
        "start: { command: [s, '{exam}'], per: run }\nlisten: [127.0.0.1:2575, '[::1]:2576']\n\
         ready: { port: '127.0.0.1:{feed_port}', within: 3s }\naccount: { get: 'http://h:1/a' }",
    ));
    assert_eq!((sender.start.len(), sender.life), (2, Lifetime::Run));
    assert_eq!(sender.listen[1].port(), 2576);
    let ready = sender.ready.unwrap();
    assert_eq!(ready.when, ReadyWhen::Port("127.0.0.1:{feed_port}".into()));
    assert_eq!(ready.within, Duration::from_secs(3));
    assert_eq!(sender.account, Some(Account::Get("http://h:1/a".into())));
    let text = "name: S\nstart: [s]\nlimits: { ack_timeout: 1s, longest_retry: 1s, in_flight: 1, cpu: 5s, memory: 64MiB }\n";
    let limits = SenderFile::read(&Source::new("sender.yaml", text)).unwrap().limits;
    assert_eq!(limits.in_flight, Some(1));
    assert_eq!((limits.cpu, limits.memory), (Some(Duration::from_secs(5)), Some(64 << 20)));
}

#[rstest]
#[case("feed: stdin", "sender.yaml:4:7: expected a way to feed it, found `stdin`")]
#[case(
    "feed: { by: inbox, post: 'http://h:1/' }",
    "sender.yaml:4:7: an exam is given to the sender in one way"
)]
#[case("feed: { post: 'https://h/' }", "sender.yaml:4:15: only `http://` can be posted to")]
#[case(
    "feed: { by: inbox, end: nul }",
    "sender.yaml:4:25: only what is written to a standard input"
)]
#[case("feed: { as: jsno }", "sender.yaml:4:13: expected the form of a document, found `jsno`")]
#[case("feed: { mllp: 'h:{prot}' }", "sender.yaml:4:15: unknown placeholder `{prot}`")]
#[case("start: observe", "sender.yaml:3:8: nobody can tell this sender where the EMR is")]
#[case(
    "start: run",
    "sender.yaml:3:8: expected the program and its arguments, found the text `run`"
)]
#[case(
    "start: { command: [s], per: day }",
    "sender.yaml:3:29: expected what one process is for, found `day`"
)]
#[case(
    "start: { command: [s], per: exam }\nfeed: { by: inbox }",
    "sender.yaml:4:7: a process for each exam is given it"
)]
#[case("listen: localhost", "sender.yaml:4:9: expected an address and a port, found `localhost`")]
#[case("ready: { line: up, file: f }", "sender.yaml:4:8: one thing shows that it is ready")]
#[case("account: exit-code", "sender.yaml:4:10: only a process that is for one exam can say it so")]
#[case("account: { get: 'ftp://h' }", "sender.yaml:4:17: only `http://` can be asked")]
fn a_mistake_about_driving_is_shown_where_it_is(#[case] keys: &str, #[case] message: &str) {
    let mistake = mistake(&with(keys));
    assert!(mistake.starts_with(message), "{mistake}");
}

#[rstest]
#[case("feed: { by: standard-input, as: { template: exam.txt }, end: blank-line }", true)]
#[case("start: observe\nlisten: [127.0.0.1:2575]", true)]
#[case("start: { command: [s], per: run }\nready: { line: up }", true)]
#[case("account: { get: 'http://h:1/' }\nmapping: a", true)]
#[case("start: { command: [s], per: exam }\naccount: exit-code", true)]
#[case("start: { command: [s], per: exam }\naccount: exitcode", false)]
#[case("start: { comand: [s] }", false)]
#[case("feed: { by: stdin }", false)]
#[case("ready: { linee: up }", false)]
#[case("account: { post: 'http://h:1/' }", false)]
fn the_schema_of_a_sender_file_takes_what_its_reader_takes(#[case] keys: &str, #[case] good: bool) {
    let text = with(keys);
    let validator = jsonschema::validator_for(&sender_file_schema()).unwrap();
    assert_eq!(validator.is_valid(&json("sender.yaml", &text)), good);
    assert_eq!(SenderFile::read(&Source::new("sender.yaml", text)).is_ok(), good);
}
