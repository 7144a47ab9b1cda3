//! `init` and `doctor`: the first thing that is wrong with a sender is named, with what to try next.

use crate::command::{PROGRAM, Place, python, skipped};
use rstest::rstest;

/// A place whose `sender.yaml` runs a shell script.
fn shell(script: &str, keys: &str) -> Place {
    let place = Place::new();
    let path = place.write("sender.sh", script);
    let limits = "ack_timeout: 200ms, longest_retry: 100ms, stop: 1s";
    let start = format!("start: [sh, '{}', '{{host}}', '{{port}}']", path.display());
    place.write("sender.yaml", format!("name: S\n{start}\nlimits: {{ {limits} }}\n{keys}\n"));
    place
}

/// A place whose `sender.yaml` is that of the reference sender, which is this program.
fn reference(keys: &str) -> Place {
    let place = Place::new();
    let start = format!(
        "name: S\nstart: ['{PROGRAM}', sender, '--endpoint={{endpoint}}', '--state={{state}}', '--inbox={{inbox}}']\n\
         limits: {{ ack_timeout: 300ms, longest_retry: 200ms, stop: 5s }}\n"
    );
    place.write("sender.yaml", start + keys);
    place
}

#[test]
fn a_written_file_is_commented_valid_and_never_written_over() {
    let place = Place::new();
    place.run(&["init"]).exits(0);
    let text = place.text("sender.yaml");
    assert!(text.contains("#   chargeproof doctor sender.yaml"), "{text}");
    place.run(&["list", "--sender", "sender.yaml", "options/option-1"]).exits(0);
    place.write("sender.yaml", "mine");
    let ran = place.run(&["init", "sender.yaml"]).exits(2);
    assert!(ran.err.contains("`sender.yaml` is there already"), "{}", ran.err);
    assert_eq!(place.text("sender.yaml"), "mine");
}

#[test]
fn a_sender_that_does_what_it_should_is_well_and_is_told_what_it_can_be_asked() {
    let account = format!("account: ['{PROGRAM}', account, '--state={{state}}']\n");
    let ran = reference(&account).run(&["doctor"]).exits(0);
    for step in ["starts", "connects", "sends a charge", "accounts", "stops", "keeps its state"] {
        assert!(ran.out.contains(&format!("  ok     {step}")), "{step}: {}", ran.out);
    }
    assert!(ran.out.contains("it still knows order"), "{}", ran.out);
    assert!(ran.out.contains("need another mapping than `iris/option-1`; "), "{}", ran.out);
}

#[rstest]
#[case::no_program("exit 3", "", 1, "stays up", "exited with code 3")]
#[case::never_ready("cat", "ready: { line: up, within: 100ms }", 6, "starts", "waited for a line")]
#[case::connects_to_nothing("exec sleep 60", "", 1, "connects", "no connection was made")]
fn the_first_thing_that_is_wrong_is_named_with_what_to_try(
    #[case] script: &str,
    #[case] keys: &str,
    #[case] code: i32,
    #[case] step: &str,
    #[case] says: &str,
) {
    let ran = shell(script, keys).run(&["doctor"]).exits(code);
    assert!(ran.out.contains(&format!("  WRONG  {step}")), "{}", ran.out);
    assert!(ran.out.contains(says) && ran.out.contains("\n  next"), "{}", ran.out);
}

#[rstest]
#[case::does_not_stop(
    "stop: standard-input",
    "--bug=ignores-terminate",
    1,
    "stops",
    "had to be killed"
)]
#[case::account_of_nothing("account: ['true']", "", 1, "accounts", "does not name order")]
#[case::account_of_another_kind(
    "account: [echo, delivered]",
    "",
    5,
    "accounts",
    "line 1 of its output"
)]
#[case::sends_again("", "--bug=replay-on-restart", 10, "keeps its state", "was sent")]
#[case::bad_segments("", "--bug=lf-segments", 1, "as agreed", "ends in a line feed")]
fn a_sender_that_sends_may_still_be_wrong(
    #[case] keys: &str,
    #[case] bug: &str,
    #[case] code: i32,
    #[case] step: &str,
    #[case] says: &str,
) {
    let place = reference(&format!("{keys}\n"));
    if !bug.is_empty() {
        let text = place.text("sender.yaml").replace("sender, ", &format!("sender, '{bug}', "));
        place.write("sender.yaml", text);
    }
    let ran = place.run(&["doctor"]).exits(code);
    assert!(ran.out.contains(&format!("  WRONG  {step}")), "{}", ran.out);
    assert!(ran.out.contains(says), "{}", ran.out);
}

#[test]
fn its_output_is_shown_only_where_somebody_asks_for_it() {
    let place = shell("echo the patient is JOHN DOE; exit 1", "");
    assert!(!place.run(&["doctor"]).exits(1).out.contains("JOHN"));
    assert!(place.run(&["doctor", "--show-output"]).exits(1).out.contains("  said "));
}

#[test]
fn the_outbox_of_the_examples_is_well() {
    let Some(python) = python() else { return skipped("the outbox of the examples") };
    let place = Place::new();
    let text = include_str!("../../senders/outbox.yaml").replace("python3", &python);
    place.write("outbox.yaml", text);
    place.write("outbox.py", include_str!("../../senders/outbox.py"));
    place.write("charge.json", include_str!("../../senders/charge.json"));
    place.run(&["doctor", "outbox.yaml"]).exits(0);
}
