//! The sender files of `senders/`, each tried as a user would: with its file alone. The senders to copy pass
//! whatever they are asked; each ready-made client is found to be what it is, by rule.
//!
//! What only has to be read is read here: no test builds the one in C#. The runtimes are brought by `ci/foreign-clients` and never by a test. Where one is missing its
//! cases are skipped, unless `CHARGEPROOF_REQUIRE_CLIENTS` says that none may be.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::command::{Place, Ran, python, rules_found, skipped};
use rstest::rstest;

/// Where `ci/foreign-clients` puts what it brings.
fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/foreign-clients")
}

/// Runs cases with one of the examples; nothing where its runtime is missing.
fn run(example: &str, runtime: &str, cases: &[&str]) -> Option<(Ran, Place)> {
    let own = clients().join("python/bin");
    let there = match runtime {
        "hl7" => own.join("mllp_send").exists(),
        "simple-hl7" => clients().join("node_modules/simple-hl7").exists(),
        "bash" => Path::new("/bin/bash").exists(),
        _ => python().is_some(),
    };
    if !there {
        let required = std::env::var_os("CHARGEPROOF_REQUIRE_CLIENTS").is_some();
        assert!(!required, "{example} needs {runtime}; `ci/foreign-clients` brings it");
        return None;
    }
    // The interpreter itself and not what stands before it, which would be a process more.
    let beside = python().map(PathBuf::from).and_then(|path| Some(path.parent()?.to_owned()));
    let path = std::env::var("PATH").unwrap();
    let first = [Some(own), beside].into_iter().flatten().map(|path| path.display().to_string());
    let path = first.chain([path]).collect::<Vec<_>>().join(":");
    let place = Place::new();
    let file = format!("{}/senders/{example}.yaml", env!("CARGO_MANIFEST_DIR"));
    let arguments = [&["run", "--sender", &file, "--out", "out", "--jobs", "4"], cases].concat();
    let mut command = place.command(&arguments);
    command.env("PATH", path).env("NODE_PATH", clients().join("node_modules"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let ran =
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    Some((ran, place))
}

const CASES: &[&str] = &[
    "options/option-1",
    "once/rejected[reply=reject]",
    "once/misrouted[reply=match/other]",
    "once/disconnected[reply=connection/close-before-reply]",
];

#[test]
fn the_outbox_holds_every_promise() {
    let cases = [
        "options/option-2-all-gradable",
        "agreements/order-in-ft1-23",
        "agreements/enhanced-mode",
        "content/letters-of-latin-9",
        "once/handed-over-twice",
        "once/resent-by-an-operator[reply=none]",
        "once/silence",
        "once/late",
        "once/malformed[reply=payload/no-msa]",
        "once/standby-takes-over",
        "crash/killed[at=inside-ft1]",
        "crash/killed[at=end-of-message]",
        "crash/second-instance",
        "results/not-accepted[reply=error]",
        "results/charge-unanswered-result-accepted",
        "tls/accepted",
        "tls/certificate[version=1.3,reply=tls/expired]",
    ];
    let Some((ran, _)) = run("outbox", "python", &[CASES, &cases].concat()) else { return };
    ran.exits(0);
}

/// The senders to copy whose outbox is a folder, over what they can be asked.
#[rstest]
#[case::java("java")]
#[case::node("node")]
fn a_sender_to_copy_passes_every_case(#[case] language: &str) {
    let Some(place) = built(language) else { return missing(language) };
    let file = format!("senders/{language}.yaml");
    let doctor = place.run(&["doctor", &file]).exits(0);
    assert!(!doctor.out.contains("WRONG"), "{}", doctor.out);
    let cases = [
        "options/option-2-all-gradable",
        "agreements/order-in-ft1-23",
        "agreements/enhanced-mode",
        "content/letters-of-latin-9",
        "once/handed-over-twice",
        "once/silence",
        "once/late",
        "once/malformed[reply=payload/no-msa]",
        "once/refused-then-up",
        "crash/killed[at=inside-ft1]",
        "crash/killed[at=end-of-message]",
        "crash/second-instance",
    ];
    let arguments = [&["run", "--sender", &file, "--jobs", "4"], CASES, &cases].concat();
    place.run(&arguments).exits(0);
}

/// The files of a sender in a place of its own, compiled where it must be; nothing without a runtime.
fn built(language: &str) -> Option<Place> {
    let place = Place::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("senders");
    let file = format!("{language}.yaml");
    for name in [&file, "charge.txt", "Outbox.java", "outbox.js"] {
        place.write(&format!("senders/{name}"), std::fs::read(from.join(name)).unwrap());
    }
    let mut tool = match language {
        "java" => Command::new("javac"),
        _ => Command::new("node"),
    };
    match language {
        "java" => tool.args(["-d", "classes", "Outbox.java"]),
        _ => tool.args(["--check", "outbox.js"]),
    };
    let done = tool.current_dir(place.path("senders")).output().ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(place)
}

/// Says loudly that a sender is not tried.
fn missing(language: &str) {
    let required = std::env::var_os("CHARGEPROOF_REQUIRE_CLIENTS").is_some();
    assert!(!required, "the sender in {language} has no runtime here");
    let line = format!("skipped, since its runtime is not here: the sender in {language}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
}

/// The channel of an engine, with a program in place of the engine that passes on what it gets.
#[test]
fn the_channel_of_an_engine_is_judged_by_its_answers() {
    let Some(python) = python() else { return skipped("the channel of an engine") };
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(root.join("senders/engine.yaml")).unwrap();
    let file = file.replace("127.0.0.1:2575", "127.0.0.1:21575").replace(":6661", ":21661");
    let file = file.replace("ack_timeout: 5s ", "ack_timeout: 500ms ");
    place.write("engine.yaml", file.replace("longest_retry: 10s ", "longest_retry: 100ms "));
    let mut engine = Command::new(python);
    engine.arg(root.join("tests/senders/engine.py")).args(["127.0.0.1", "21575", "mllp", "21661"]);
    let mut engine = Ended(engine.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(engine.0.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "listening\n");
    let ran = place.run(&[&["run", "--sender", "engine.yaml"], CASES].concat()).exits(0);
    assert!(ran.out.contains("4 passed"), "{}", ran.out);
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_sender_file_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("senders");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let files: Vec<PathBuf> = files.collect();
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let file = file.to_str().unwrap();
        Place::new().run(&["list", "options/option-1", "--sender", file]).exits(0);
    }
}

/// What each client does not hold, and what it does.
#[rstest]
#[case::takes_anything_for_an_acceptance("mllp_send", "hl7", &["accounts", "wire/segments"])]
#[case::looks_at_the_code_and_the_id("hl7-asyncio", "hl7", &[])]
#[case::does_not_look_at_the_id("simple-hl7", "simple-hl7", &["accounts", "wire/segments"])]
#[case::looks_for_a_word("one-liner", "bash", &["accounts"])]
fn a_client_is_judged_as_what_it_is(
    #[case] example: &str,
    #[case] runtime: &str,
    #[case] rules: &[&str],
) {
    let Some((ran, place)) = run(example, runtime, CASES) else { return };
    let report = place.json("out/report.json");
    let expected: BTreeSet<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    assert_eq!(rules_found(&report), expected, "{}", ran.out);
    ran.exits(i32::from(!rules.is_empty()));
}

/// Whatever closes the connection without an answer has not accepted the charge.
#[test]
fn mllp_send_says_delivered_of_a_charge_that_was_lost_on_a_close() {
    let lost = "once/disconnected[reply=connection/close-before-reply]";
    let Some((ran, _)) = run("mllp_send", "hl7", &[lost]) else { return };
    let ran = ran.exits(1);
    let says =
        "FAIL accounts: the charge of order 273013 (john-doe) is `delivered` in the sender's";
    assert!(ran.out.contains(says), "{}", ran.out);
}
