//! `chargeproof explore`: what it finds from nothing, and that what it writes down fails again.

use crate::command::Place;
use rstest::rstest;

/// The one scenario by which an exploration has written into `found/` that a charge is sent twice.
fn only_scenario(place: &Place) -> String {
    let folder = std::fs::read_dir(place.path("found/scenarios/explored")).unwrap();
    let files: Vec<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("once-"))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    format!("found/scenarios/explored/{}", files[0])
}

/// The rule that was broken: once per order, or once per charge where that is agreed.
fn broken_rule(out: &str) -> &str {
    let rules = ["FAIL once/per-order", "FAIL once/per-charge"];
    rules.into_iter().find(|rule| out.contains(rule)).unwrap_or_else(|| panic!("{out}"))
}

/// How many steps the schedule was shrunk to that exploration has shown.
fn steps(out: &str) -> u32 {
    let line = out.lines().find(|line| line.contains(", shrunk from ")).unwrap();
    let to = line.split_once(" to ").unwrap().1;
    to.split_once(' ').unwrap().0.parse().unwrap()
}

/// Every defect that sends a charge twice is found from nothing, in time, and by few steps; what
/// was written down convicts it again by the same rule, and a correct sender passes it.
#[rstest]
#[case("resend-on-timeout")]
#[case("resend-on-timeout-reconnect")]
#[case("resend-on-close")]
#[case("resend-on-reset")]
#[case("resend-after-ack-reset")]
#[case("resend-after-truncation")]
#[case("resend-on-error")]
#[case("resend-on-reject")]
#[case("resend-on-commit-error")]
#[case("resend-on-junk")]
#[case("resend-on-partial-ack")]
#[case("resend-on-wrong-id")]
#[case("resend-on-partial-write")]
#[case("replay-after-kill")]
#[case("replay-after-early-kill")]
#[case("replay-on-restart")]
#[case("replay-whole-spool")]
#[case("no-lock")]
#[case("failover-resend")]
#[case("resend-new-control-id")]
#[case("resend-new-transaction-id")]
#[case("rebatch")]
#[case("rebatch-in-own-segment")]
#[case("re-encode")]
#[case("resend-as-bill")]
#[case("resend-in-observation")]
#[case("resend-in-document")]
#[case("resend-as-markup")]
#[case("resend-in-own-segment")]
#[case("resend-in-lower-case")]
#[case("resend-with-order-elsewhere")]
#[case("resend-under-padded-order")]
#[case("resend-as-other-line")]
#[case("second-event")]
#[case("double-submit")]
#[case("pause-race")]
#[case("third-attempt-only")]
#[case("two-workers")]
#[case("resend-on-second-reject")]
#[case("resend-on-late-ack")]
#[case("split-resend")]
#[case("duplicate-line")]
#[case("credit-as-charge")]
#[case("resends-twice-on-request")]
fn every_defect_that_sends_twice_is_found_from_nothing(#[case] bug: &str) {
    let place = Place::new();
    let explore = ["explore", "--seed", "1", "--for", "10s", "--bug", bug, "--out", "found"];
    let found = place.run(&explore).exits(10);
    assert!(steps(&found.out) <= 3, "{}", found.out);
    let rule = broken_rule(&found.out);
    let file = only_scenario(&place);
    // A long line is broken, in the middle of a name too.
    let said: String = found.out.split_whitespace().collect();
    assert!(said.contains(&format!("chargeproofrun{file}--seed")), "{}", found.out);
    let again = place.run(&["run", "--simulated", &file, "--bug", bug]).exits(10);
    assert_eq!(broken_rule(&again.out), rule, "{}\n{}", place.text(&file), again.out);
    let correct = place.run(&["run", "--simulated", &file]);
    assert!(matches!(correct.code, Some(0 | 5)), "{}\n{}", place.text(&file), correct.out);
}

/// The clock is what these two need beside.
#[rstest]
#[case("clock-jump")]
#[case("nightly-sweep")]
fn defects_of_the_clock_are_found_too(#[case] bug: &str) {
    let place = Place::new();
    place.run(&["explore", "--seed", "1", "--bug", bug, "--out", "found"]).exits(10);
    let file = only_scenario(&place);
    let again = place.run(&["run", "--simulated", &file, "--bug", bug]).exits(10);
    assert!(again.out.contains("FAIL once/per-order"), "{}", again.out);
}

/// What was found in virtual time is no matter of virtual time.
#[rstest]
#[case("resend-on-reject")]
#[case("replay-after-kill")]
#[case("no-lock")]
#[case("two-workers")]
#[case("failover-resend")]
fn what_was_found_fails_over_real_processes_by_the_same_rule(#[case] bug: &str) {
    let place = Place::new();
    let found = place.run(&["explore", "--seed", "1", "--bug", bug, "--out", "found"]).exits(10);
    let file = only_scenario(&place);
    let again = place.run(&["run", &file, "--bug", bug]).exits(10);
    let rule = broken_rule(&found.out);
    assert_eq!(broken_rule(&again.out), rule, "{}\n{}", place.text(&file), again.out);
}

#[test]
fn a_correct_sender_passes_what_convicted_a_broken_one() {
    let place = Place::new();
    let explore = ["explore", "--seed", "3", "--bug", "resend-on-close", "--out", "found"];
    place.run(&explore).exits(10);
    place.run(&["run", "--simulated", &only_scenario(&place)]).exits(0);
}

#[test]
fn a_seed_finds_the_same_however_many_search() {
    let place = Place::new();
    let search = |jobs: &str| {
        let explore = ["explore", "--seed", "5", "--bug", "resend-on-reset", "--jobs", jobs];
        let ran = place.run(&explore).exits(10);
        ran.out
            .split_once(" schedules in ")
            .unwrap()
            .0
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    };
    assert_eq!(search("1"), search("4"));
}

#[test]
fn nothing_found_says_what_was_tried_and_claims_no_proof() {
    let place = Place::new();
    let ran = place.run(&["explore", "--seed", "1", "--schedules", "100"]).exits(0);
    assert!(ran.out.starts_with("seed 1\n"), "{}", ran.out);
    assert!(ran.out.contains("100 schedules in "), "{}", ran.out);
    assert!(ran.out.contains("nothing was found in what was tried"), "{}", ran.out);
    assert!(!ran.out.contains("\n  proven"), "{}", ran.out);
}

#[test]
fn a_defect_that_only_a_process_has_is_a_matter_of_usage() {
    Place::new().run(&["explore", "--bug", "leaves-child"]).exits(2);
}
