//! Clients that are no part of this program receive of a fault what `chargeproof faults` says.
//!
//! `ci/foreign-clients` brings them, and never a test. One that is missing is skipped, unless
//! `CHARGEPROOF_REQUIRE_CLIENTS` says that none may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::command::{Place, python};
use crate::observer::pattern::Pattern;
use crate::wire::{Server, charge};
use rstest::rstest;
use serde_json::Value;

/// Faults that come in one whole frame, which each of the clients can take.
const FAULTS: &[&str] = &[
    "answer/accept",
    "answer/error",
    "answer/reject",
    "answer/commit-accept",
    "answer/commit-error",
    "answer/commit-reject",
    "answer/duplicate-control-id",
    "answer/locked",
    "answer/other-type",
    "answer/accept-with-err",
    "match/other",
    "match/empty",
    "match/truncated",
    "match/padded",
    "match/in-msh10-only",
    "payload/junk",
    "payload/semi-junk",
    "payload/no-msa",
    "payload/err-without-msa",
    "payload/code-empty",
    "payload/code-unknown",
    "payload/code-prefix",
    "payload/code-case",
    "payload/two-msa",
    "payload/merged",
    "payload/no-final-cr",
    "payload/prose",
    "payload/shifted",
];

#[rstest]
#[case::python_hl7("python_hl7.py", brought("python/bin/python"))]
#[case::node("simple_hl7.js", brought("node_modules/simple-hl7").and_then(|_| node()))]
#[case::raw("raw.py", python().map(PathBuf::from))]
fn a_foreign_client_receives_what_the_catalogue_says(
    #[case] script: &str,
    #[case] runtime: Option<PathBuf>,
) {
    let Some(runtime) = runtime else { return missing(script) };
    let server = serve();
    let message = server.place.write("message.hl7", charge("273013", ID));
    let mut client = Command::new(runtime);
    client.arg(root().join("tests/clients").join(script)).arg(message);
    client.args(server.addresses.iter().map(ToString::to_string));
    client.env("CLIENTS", brought("").unwrap_or_default()).stdin(Stdio::null());
    let output = client.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    let received = String::from_utf8(output.stdout).unwrap();
    let received: Vec<Vec<u8>> = received.lines().map(bytes).collect();
    assert_eq!(received.len(), FAULTS.len(), "{script}: {errors}");
    let catalogue = catalogue();
    for (fault, received) in FAULTS.iter().zip(&received) {
        let timed: Vec<(Duration, u8)> =
            received.iter().map(|byte| (Duration::ZERO, *byte)).collect();
        let differs = Pattern::read(&catalogue[*fault], ID).differs(&timed);
        let found = String::from_utf8_lossy(received);
        assert_eq!(differs, None, "{fault}: {found:?}, not {}", catalogue[*fault]);
    }
}

/// One server with an endpoint for each fault.
fn serve() -> Server {
    let names: Vec<String> = (0..FAULTS.len()).map(|index| format!("e{index}")).collect();
    let mut script = format!("title: One each\nendpoints: [{}]\nemr:\n", names.join(", "));
    for (name, fault) in names.iter().zip(FAULTS) {
        script.push_str(&format!("  - on: {{ endpoint: {name} }}\n    reply: {fault}\n"));
    }
    let place = Place::new();
    place.write("script.yaml", script);
    let mut arguments = vec!["--script", "script.yaml"];
    arguments.extend(FAULTS.iter().flat_map(|_| ["--listen", "127.0.0.1:0"]));
    Server::start(place, &arguments)
}

/// What the EMR says of each fault according to `chargeproof faults`, with its own time and
/// control id left open.
fn catalogue() -> BTreeMap<String, String> {
    let ran = Place::new().run(&["faults", "--json"]).exits(0);
    let sheets: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let of_the_emr = |sheet: &Value| {
        let lines = sheet["wire"].as_array().unwrap().iter().filter(|line| line["by"] == "emr");
        let text: Vec<&str> = lines.map(|line| line["text"].as_str().unwrap()).collect();
        text.concat().replace("20260105080000", "{time}").replace("|EMR1|", "|{own}|")
    };
    let name = |sheet: &Value| sheet["name"].as_str().unwrap().to_owned();
    sheets.iter().map(|sheet| (name(sheet), of_the_emr(sheet))).collect()
}

/// MSH-10 of the charge that the catalogue shows answers to.
const ID: &str = "260105080000";

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<char> = hexadecimal.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Something below the place where `ci/foreign-clients` puts what it brings, if it is there.
fn brought(below: &str) -> Option<PathBuf> {
    Some(root().join("target/foreign-clients").join(below)).filter(|path| path.exists())
}

fn node() -> Option<PathBuf> {
    let found = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success()).then(|| PathBuf::from("node"))
}

/// Says loudly what is not tested.
fn missing(script: &str) {
    let required = std::env::var_os("CHARGEPROOF_REQUIRE_CLIENTS").is_some();
    assert!(!required, "{script} has no runtime or package; `ci/foreign-clients` brings them");
    let line = format!("skipped, since `ci/foreign-clients` was not run: {script}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
}
