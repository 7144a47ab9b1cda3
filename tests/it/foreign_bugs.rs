//! The defects of the reference sender once more, in a sender of another language that shares no line
//! with it: each is convicted over real processes by the rule that convicts the reference sender, and
//! the same program without a defect is clean.

use crate::command::{Place, Ran, python, rules_found, skipped};
use rstest::rstest;

#[rstest]
#[case::resend_on_timeout("resend-on-timeout", "once/silence", "once/per-order")]
#[case::resend_new_control_id("resend-new-control-id", "once/silence", "once/per-order")]
#[case::resend_as_bill("resend-as-bill", "once/silence", "once/per-order")]
#[case::resend_in_document("resend-in-document", "once/silence", "once/per-order")]
#[case::resend_in_own_segment("resend-in-own-segment", "once/silence", "once/per-order")]
#[case::resend_in_lower_case("resend-in-lower-case", "once/silence", "once/per-order")]
#[case::drifts_after_restart("drifts-after-restart", "options/option-1", "snapshot")]
#[case::escapes_as_html("escapes-as-html", SIGNS, "snapshot")]
#[case::batch_without_end("batch-without-end", "options/option-1", "snapshot")]
#[case::both_words("both-words", "once/silence", "accounts")]
#[case::ghost_orders("ghost-orders", "options/option-1", "accounts")]
#[case::resend_on_close("resend-on-close", CLOSED, "once/per-order")]
#[case::resend_on_reset("resend-on-reset", RESET, "once/per-order")]
#[case::resend_on_error("resend-on-error", "once/rejected[reply=error]", "once/per-order")]
#[case::resend_on_reject("resend-on-reject", REJECTED, "once/per-order")]
#[case::resend_on_junk("resend-on-junk", "once/malformed[reply=payload/junk]", "once/per-order")]
#[case::resend_on_wrong_id("resend-on-wrong-id", OTHER_ID, "once/per-order")]
#[case::replay_after_kill("replay-after-kill", KILLED, "once/per-order")]
#[case::replay_on_restart("replay-on-restart", "options/option-1", "once/per-order")]
#[case::second_event("second-event", "options/option-1", "once/per-order")]
#[case::double_submit("double-submit", "once/handed-over-twice", "once/per-order")]
#[case::false_ack("false-ack", "once/silence", "accounts")]
#[case::false_unsent("false-unsent", "once/silence", "accounts")]
#[case::hides_unknown("hides-unknown", "once/silence", "accounts")]
#[case::silent_drop("silent-drop", REJECTED, "accounts")]
#[case::accepts_any_ack("accepts-any-ack", OTHER_ID, "accounts")]
#[case::accepts_code_prefix("accepts-code-prefix", PREFIX, "accounts")]
fn a_foreign_sender_is_convicted_by_the_rule_that_convicts_the_reference(
    #[case] bug: &str,
    #[case] case: &str,
    #[case] rule: &str,
) {
    let Some(python) = python() else { return skipped(bug) };
    let place = foreign(&python, bug);
    let code = if rule.starts_with("once/") { 10 } else { 1 };
    run(&place, &[case]).exits(code);
    let found = rules_found(&place.json("out/report.json"));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [rule]);
    place.run(&["run", case, "--simulated", "--bug", bug, "--out", "reference"]).exits(code);
    assert!(rules_found(&place.json("reference/report.json")).contains(rule));
}

#[test]
fn the_same_sender_without_a_defect_is_clean() {
    let Some(python) = python() else { return skipped("the honest one") };
    let place = foreign(&python, "");
    let cases = ["once/silence", CLOSED, RESET, REJECTED, OTHER_ID, PREFIX, KILLED, SIGNS];
    run(&place, &cases).exits(0);
}

/// Over real processes a search is bounded, what it finds is shrunk, and it fails again.
#[test]
fn what_exploration_finds_in_a_foreign_sender_fails_again() {
    let Some(python) = python() else { return skipped("explore") };
    let place = foreign(&python, "resend-on-timeout");
    let sender = ["--sender", "sender.yaml"];
    let explore = ["explore", "--seed", "1", "--for", "30s", "--out", "found"];
    let found = place.run(&[&explore[..], &sender].concat()).exits(10);
    assert!(found.out.contains(", shrunk from "), "{}", found.out);
    assert!(found.out.contains("FAIL once/per-order"), "{}", found.out);
    let folder = std::fs::read_dir(place.path("found/scenarios/explored")).unwrap();
    let files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let again = place.run(&[&["run", files[0].to_str().unwrap()][..], &sender].concat()).exits(10);
    assert!(again.out.contains("FAIL once/per-order"), "{}", again.out);
}

fn run(place: &Place, cases: &[&str]) -> Ran {
    let run = [&["run"], cases, &["--sender", "sender.yaml", "--out", "out"]].concat();
    place.run(&run)
}

/// A place whose `sender.yaml` runs the Python sender with this defect.
fn foreign(python: &str, bug: &str) -> Place {
    let place = Place::new();
    place.write("outbox.py", OUTBOX);
    let script = place.write("broken.py", BROKEN);
    let script = script.display();
    let told = "'{host}', '{port}', '{state}', '{inbox}', '{ack_timeout_ms}'";
    place.write(
        "sender.yaml",
        format!(
            "name: foreign\nstart: ['{python}', '{script}', send, {told}]\n\
             ready: {{ line: ready, within: 30s }}\n\
             environment: {{ BUG: '{bug}' }}\n\
             limits: {{ ack_timeout: 500ms, longest_retry: 300ms, stop: 5s }}\n\
             account: ['{python}', '{script}', account, '{{state}}']\n"
        ),
    );
    place
}

const CLOSED: &str = "once/disconnected[reply=connection/close-before-reply]";
const RESET: &str = "once/disconnected[reply=connection/reset-before-reply]";
const REJECTED: &str = "once/rejected[reply=reject]";
const OTHER_ID: &str = "once/misrouted[reply=match/other]";
const PREFIX: &str = "once/unknown-code[reply=payload/code-prefix]";
const SIGNS: &str = "content/signs-that-software-spoils";
const KILLED: &str = "crash/killed[at=end-of-message]";

const OUTBOX: &str = include_str!("../senders/outbox.py");
const BROKEN: &str = include_str!("../senders/broken.py");
