//! What a build server runs: parts of a run that are put together again, pipelines to begin with, and
//! what a job shows of a run.

use std::path::Path;
use std::process::Command as Program;

use crate::command::Place;
use rstest::rstest;
use serde_json::Value;

/// A sender with a defect, so that there is something to compare.
const RUN: &[&str] = &["run", "--simulated", "--bug", "false-ack", "--quiet"];

fn report(place: &Place, folder: &str) -> Value {
    place.json(&format!("{folder}/report.json"))
}

/// What must be the same, however the cases were run: not times, not paths.
fn comparable(mut report: Value) -> Value {
    for case in report["cases"].as_array_mut().unwrap() {
        for key in ["history", "took_seconds", "watched_seconds"] {
            case.as_object_mut().unwrap().remove(key);
        }
    }
    report.as_object_mut().unwrap().remove("took_seconds");
    report
}

fn in_parts(place: &Place, of: u32) {
    for number in 1..=of {
        let (part, folder) = (format!("{number}/{of}"), format!("part-{number}"));
        let more = ["--shard", &part, "--out", &folder];
        place.command(&[RUN, &more].concat()).assert().code(1);
    }
}

#[test]
fn parts_that_are_merged_are_the_whole_run() {
    let place = Place::new();
    in_parts(&place, 3);
    place.command(&[RUN, &["--out", "whole"]].concat()).assert().code(1);
    let merge = ["report", "merge", "part-2", "part-1", "part-3/report.json", "--out", "merged"];
    place.command(&merge).assert().code(1);
    let whole = comparable(report(&place, "whole"));
    assert!(whole["cases"].as_array().unwrap().len() > 300);
    assert_eq!(comparable(report(&place, "merged")), whole);
}

#[rstest]
#[case::missing(&["part-1", "part-2"], "part 3 of 3 is missing")]
#[case::doubled(&["part-1", "part-2", "part-2", "part-3"], "part 2 of 3 is there twice")]
#[case::of_a_run_without_parts(&["part-1", "whole"], "is no part of a run")]
#[case::of_another_seed(&["part-1", "part-2", "seed"], "the seed differs: 1 there, 2 here")]
#[case::of_another_sender(&["part-1", "part-2", "sender"], "the sender differs")]
#[case::of_other_cases(&["part-1", "part-2", "cases"], "what there is to run")]
#[case::nothing_there(&["part-1", "nowhere"], "nowhere")]
fn what_is_no_part_of_the_same_run_is_refused(#[case] parts: &[&str], #[case] why: &str) {
    let place = Place::new();
    in_parts(&place, 3);
    let others: [(&str, &[&str]); 4] = [
        ("whole", &[]),
        ("seed", &["--shard", "3/3", "--seed", "2"]),
        ("sender", &["--shard", "3/3"]),
        ("cases", &["--shard", "3/3", "--exclude", "once/late"]),
    ];
    for (folder, more) in others {
        place.command(&[RUN, more, &["--out", folder]].concat()).output().unwrap();
    }
    // Of another sender there is a report only if somebody says so.
    let path = place.path("sender/report.json");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("\"sender\": \"reference\"", "\"sender\": \"other\"");
    std::fs::write(&path, text).unwrap();
    let output = place.command(&[&["report", "merge"], parts].concat()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(why), "{said}");
}

/// A part that was interrupted before its first case has none, and that is no reason to be green; nor does
/// what a sender wrote obey anybody's terminal.
#[test]
fn what_a_part_could_not_say_is_not_green() {
    let place = Place::new();
    for number in ["1/2", "2/2"] {
        let out = format!("part-{}", &number[..1]);
        let run = ["run", "--simulated", "--shard", number, "--out", &out];
        place.command(&run).assert().success();
    }
    place.command(&["report", "merge", "part-1", "part-2"]).assert().success();
    let mut part = place.json("part-2/report.json");
    part["cases"] = Value::Array(Vec::new());
    part["exit_code"] = 4.into();
    place.write("part-2/report.json", part.to_string());
    place.command(&["report", "merge", "part-1", "part-2"]).assert().success();
    part["interrupted"] = true.into();
    place.write("part-2/report.json", part.to_string());
    place.command(&["report", "merge", "part-1", "part-2"]).assert().code(5);
    let mut part = place.json("part-1/report.json");
    part["cases"][0]["id"] = "once/\u{1b}[32mPASS".into();
    part["cases"][0]["verdict"] = "fail".into();
    part["exit_code"] = 1.into();
    place.write("part-1/report.json", part.to_string());
    let output = place.command(&["report", "merge", "part-1", "part-2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn only_what_did_not_pass_runs_again() {
    let place = Place::new();
    place.command(&[RUN, &["--out", "first"]].concat()).assert().code(1);
    let failed = report(&place, "first");
    let all = failed["cases"].as_array().unwrap().len();
    let failed = failed["cases"].as_array().unwrap().iter();
    let failed = failed.filter(|case| case["verdict"] != "pass").count();
    let again = ["run", "--simulated", "--only-failed", "first", "--out", "again"];
    place.command(&again).assert().success();
    let again = report(&place, "again");
    assert_eq!(again["cases"].as_array().unwrap().len(), failed);
    assert_eq!(again["not_chosen"], all - failed);
    // And now there is nothing left to run.
    place.command(&["run", "--simulated", "--only-failed", "again"]).assert().code(4);
}

#[rstest]
#[case("github", ".github/workflows/chargeproof.yml")]
#[case("gitlab", ".gitlab-ci.yml")]
#[case("jenkins", "Jenkinsfile")]
#[case("azure", "azure-pipelines.yml")]
fn a_pipeline_calls_the_script_and_overwrites_nothing(#[case] system: &str, #[case] file: &str) {
    let place = Place::new();
    place.command(&["init", "--ci", system]).assert().success();
    let text = std::fs::read_to_string(place.path(file)).unwrap();
    assert!(text.contains("ci/chargeproof.sh sender.yaml"), "{text}");
    if Path::new(file).extension().is_some_and(|one| one == "yml") {
        let source = chargeproof::yaml::Source::new(file, text.clone());
        assert!(chargeproof::yaml::parse(&source).is_ok(), "{text}");
    }
    place.command(&["init", "--ci", system]).assert().code(2);
    assert_eq!(std::fs::read_to_string(place.path(file)).unwrap(), text);
}

/// The script that every pipeline runs, in a clean folder.
#[test]
fn the_script_of_a_pipeline_keeps_the_exit_code() {
    let place = Place::new();
    place.command(&["init", "--ci", "github"]).assert().success();
    let sender = Path::new(env!("CARGO_MANIFEST_DIR")).join("senders/reference.yaml");
    let text = std::fs::read_to_string(sender).unwrap();
    std::fs::write(place.path("sender.yaml"), &text).unwrap();
    let script = |arguments: &[&str], binary: &str| {
        let mut program = Program::new("ci/chargeproof.sh");
        program.args(arguments).current_dir(place.path("")).env("CHARGEPROOF", binary);
        program.env_remove("GITHUB_ACTIONS").output().unwrap()
    };
    let binary = env!("CARGO_BIN_EXE_chargeproof");
    let output =
        script(&["sender.yaml", "--requirement", "secured", "--fault", "tls/expired"], binary);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    for name in ["report.json", "junit.xml", "summary.md"] {
        assert!(place.path(&format!("chargeproof-out/{name}")).is_file(), "{name}");
    }
    let missing = script(&[], "no-such-chargeproof");
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("set CHARGEPROOF"));
}

#[test]
fn a_job_of_github_is_annotated_and_summed_up() {
    let place = Place::new();
    let run = ["run", "once/rejected", "--simulated", "--bug", "resend-on-reject"];
    let mut command = place.command(&run);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", place.path("sum.md"));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("::error title=once/per-order%3A answer/reject::1 case; first "),
        "{said}"
    );
    let summary = std::fs::read_to_string(place.path("sum.md")).unwrap();
    assert!(summary.starts_with("## chargeproof: fail\n"), "{summary}");
    assert_eq!(output.status.code(), Some(10));
    // Elsewhere, nobody reads that.
    let mut command = place.command(&run);
    let output = command.env_remove("GITHUB_ACTIONS").output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("::error"));
}
