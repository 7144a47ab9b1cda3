//! How many cases run side by side, and how often a run is repeated, changes nothing of what is found.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Place;
use rstest::rstest;
use serde_json::Value;

/// Everything that is known of a case but its times: its verdict, and each finding by its rule and
/// circumstance.
type Found = BTreeMap<String, (String, BTreeSet<(String, String)>)>;

fn found(place: &Place, folder: &str) -> Found {
    let report = place.json(&format!("{folder}/report.json"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let case = |case: &Value| {
        let findings = case["findings"].as_array().unwrap().iter();
        let findings = findings.map(|one| (text(&one["rule"]), text(&one["circumstance"])));
        (text(&case["id"]), (text(&case["verdict"]), findings.collect()))
    };
    report["cases"].as_array().unwrap().iter().map(case).collect()
}

/// The histories below a folder, by the names of their cases.
fn histories(place: &Place, folder: &str, cases: &Found) -> BTreeMap<String, String> {
    let history =
        |case: &String| (case.clone(), place.text(&format!("{folder}/cases/{case}/history.jsonl")));
    cases.keys().map(history).collect()
}

/// Runs with these arguments once for each folder, which gets its own besides.
fn run_each(place: &Place, arguments: &[&str], each: &[(&str, &[&str])]) -> Vec<Found> {
    let run = |(folder, more): &(&str, &[&str])| {
        let ran = place.run(&[&["run", "--out", folder], arguments, more].concat());
        assert!(matches!(ran.code, Some(0 | 1 | 5 | 10)), "{:?}: {}", ran.code, ran.err);
        found(place, folder)
    };
    each.iter().map(run).collect()
}

#[test]
fn in_virtual_time_every_byte_of_every_case_is_the_same() {
    for bug in [&[][..], &["--bug", "resend-on-timeout"]] {
        let place = Place::new();
        let each: &[(&str, &[&str])] =
            &[("a", &["--jobs", "1"]), ("b", &["--jobs", "16"]), ("c", &["--jobs", "16"])];
        let arguments = [&["--simulated", "--seed", "7"], bug].concat();
        let all = run_each(&place, &arguments, each);
        assert!(all[0].len() > 300, "{} cases", all[0].len());
        let first = histories(&place, "a", &all[0]);
        for (found, (folder, _)) in all.iter().zip(each).skip(1) {
            assert_eq!(*found, all[0]);
            let differing = histories(&place, folder, found);
            let differing: Vec<_> =
                first.iter().filter(|(case, told)| differing[*case] != **told).collect();
            assert!(differing.is_empty(), "{:?}", differing.first().map(|(case, _)| case));
        }
    }
}

#[test]
fn another_seed_draws_other_bytes() {
    let place = Place::new();
    let case = "once/flipped-bit";
    let each: &[(&str, &[&str])] =
        &[("a", &["--seed", "1"]), ("b", &["--seed", "2"]), ("c", &["--seed", "1"])];
    let all = run_each(&place, &["--simulated", case], each);
    let [a, b, c] = ["a", "b", "c"].map(|folder| histories(&place, folder, &all[0]));
    // The plan in the first line names the seed; what counts is what was on the wire.
    let wire = |told: &BTreeMap<String, String>| told[case].split_once('\n').unwrap().1.to_owned();
    assert_ne!(wire(&a), wire(&b));
    assert_eq!(wire(&a), wire(&c));
}

/// A few of every family: what an EMR answers, how it ends connections, crashes, TLS, results.
const REAL: &[&str] = &[
    "content/several-orders",
    "crash/killed[at=end-of-message]",
    "once/accepted-late",
    "once/disconnected[reply=connection/close-before-reply]",
    "once/rejected[reply=error]",
    "once/silence",
    "results/not-accepted[reply=reject]",
    "tls/accepted[version=1.3,client=required]",
];

#[rstest]
#[case::honest(&[])]
#[case::broken(&["--bug", "resend-on-timeout"])]
fn over_real_sockets_verdicts_do_not_depend_on_what_runs_beside(#[case] bug: &[&str]) {
    let place = Place::new();
    let each: &[(&str, &[&str])] =
        &[("a", &["--jobs", "1"]), ("b", &["--jobs", "16"]), ("c", &["--jobs", "16"])];
    let all = run_each(&place, &[REAL, bug].concat(), each);
    assert_eq!(all[0], all[1], "one by one, and side by side");
    assert_eq!(all[1], all[2], "twice side by side");
    let failed = all[0].values().any(|(verdict, _)| verdict == "fail");
    assert_eq!(failed, !bug.is_empty(), "{all:?}");
}
