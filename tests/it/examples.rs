//! The sender files of `senders/`, each tried as a user would: with its file alone. The outbox holds
//! whatever it is asked; each ready-made client is found to be what it is, by rule.
//!
//! The runtimes are brought by `ci/foreign-clients` and never by a test. Where one is missing its
//! cases are skipped, unless `CHARGEPROOF_REQUIRE_CLIENTS` says that none may be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::command::{Place, Ran, python, rules_found};
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
