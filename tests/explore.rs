//! `chargeproof explore`: what it finds from nothing, and that what it writes down fails again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command;

use command::Place;
use rstest::rstest;

/// The one scenario that an exploration has written into `found/`.
fn only_scenario(place: &Place) -> String {
    let folder = std::fs::read_dir(place.path("found/scenarios/explored")).unwrap();
    let files: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    format!("found/scenarios/explored/{}", files[0])
}

#[rstest]
#[case("resend-on-timeout")]
#[case("replay-after-kill")]
#[case("replay-on-restart")]
#[case("double-submit")]
#[case("failover-resend")]
fn what_was_found_fails_again_by_the_same_rule(#[case] bug: &str) {
    let place = Place::new();
    let found = place.run(&["explore", "--seed", "3", "--bug", bug, "--out", "found"]).exits(10);
    let file = only_scenario(&place);
    let repeat = format!("chargeproof run {file} --seed");
    let said = found.out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(said.contains(&repeat), "{repeat}\n{}", found.out);
    let again = place.run(&["run", "--simulated", &file, "--bug", bug]).exits(10);
    assert!(again.out.contains("FAIL once/per-order"), "{}\n{}", place.text(&file), again.out);
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
