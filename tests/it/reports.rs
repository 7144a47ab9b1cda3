//! What the program writes for people, for other programs and for shells.

use crate::command::Place;
use rstest::rstest;
use serde_json::Value;

/// Every kind of outcome in one run: passed, failed and sent twice.
fn reported() -> Place {
    let place = Place::new();
    let cases = ["once/silence", "once/rejected", "options/option-1"];
    let run = [&["run"], &cases[..], &["--simulated", "--bug", "resend-on-timeout"]].concat();
    let write = ["--out", "out", "--report", "json,junit"];
    place.run(&[&run[..], &write].concat()).exits(10);
    place
}

#[test]
fn the_json_report_is_what_its_schema_says() {
    let place = reported();
    let schema: Value =
        serde_json::from_str(&place.run(&["schema", "report"]).exits(0).out).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut report = place.json("out/report.json");
    let mistakes: Vec<String> = schema.iter_errors(&report).map(|one| one.to_string()).collect();
    assert_eq!(mistakes, Vec::<String>::new());
    report["surprise"] = Value::Bool(true);
    assert!(!schema.is_valid(&report), "the schema says everything");
}

#[test]
fn the_json_report_names_what_was_run_and_where_its_history_is() {
    let place = reported();
    let report = place.json("out/report.json");
    assert_eq!(report["format"], "chargeproof-report");
    assert_eq!(
        (&report["verdict"], &report["exit_code"]),
        (&Value::from("fail"), &Value::from(10))
    );
    let ids: Vec<&str> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"once/silence") && ids.contains(&"options/option-1"), "{ids:?}");
    assert!(ids.is_sorted(), "{ids:?}");
    for case in report["cases"].as_array().unwrap() {
        let history = format!("out/{}", case["history"].as_str().unwrap());
        assert!(place.path(&history).is_file(), "{history}");
    }
}

#[test]
fn the_terminal_shows_where_the_history_is_from_here() {
    let place = Place::new();
    let run =
        ["run", "once/silence", "--simulated", "--bug", "resend-on-timeout", "--out", "a/out"];
    let ran = place.run(&run).exits(10);
    let row = ran.out.lines().find_map(|line| line.trim().strip_prefix("history   ")).unwrap();
    assert_eq!(row, "a/out/cases/once/silence/history.jsonl");
    place.run(&["check", row]).exits(10);
}

#[test]
fn the_junit_report_is_sound_xml_and_counts_its_failures() {
    let text = reported().text("out/junit.xml");
    let elements = elements(&text);
    let cases = elements.iter().filter(|name| *name == "testcase").count();
    let failures = elements.iter().filter(|name| *name == "failure" || *name == "error").count();
    assert_eq!(elements[0], "testsuites");
    assert!(cases >= 4, "{cases}");
    assert_eq!(failures, 1);
    assert!(text.contains("once/per-order"), "{text}");
}

#[rstest]
#[case("json", "out/report.json", "out/junit.xml")]
#[case("junit", "out/junit.xml", "out/report.json")]
fn only_the_reports_that_are_asked_for_are_written(
    #[case] kind: &str,
    #[case] there: &str,
    #[case] absent: &str,
) {
    let place = Place::new();
    place
        .run(&["run", "options/option-1", "--simulated", "--out", "out", "--report", kind])
        .exits(0);
    assert!(place.path(there).is_file());
    assert!(!place.path(absent).exists());
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let place = Place::new();
    for out in ["one", "two"] {
        place.run(&["run", "once/silence", "--simulated", "--seed", "7", "--out", out]).exits(0);
    }
    let history = |out: &str| place.text(&format!("{out}/cases/once/silence/history.jsonl"));
    assert_eq!(history("one"), history("two"));
}

#[test]
fn nothing_is_written_outside_the_folder_for_output() {
    let place = Place::with_scenario(
        "title: An axis that looks like a path\nexams: [john-doe]\n\
         axes: { reply: ['x/../../../../up'] }\n\
         emr:\n  - on: { exam: john-doe }\n    reply: { raw: $reply }\n",
    );
    place.run(&["run", "--simulated", "--out", "a/b/out"]).exits(0);
    let history = place.json("a/b/out/report.json")["cases"][0]["history"].clone();
    assert!(place.path("a/b/out").join(history.as_str().unwrap()).is_file());
    let names = |below: &str| {
        let entries = std::fs::read_dir(place.path(below)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!((names("a"), names("a/b")), (vec!["b".into()], vec!["out".into()]));
    assert_eq!(names(""), ["a", "scenarios"]);
}

#[test]
fn list_prints_every_case_that_run_would_run() {
    let place = Place::new();
    let all = place.run(&["list"]).exits(0).out;
    let count = all.lines().count() - 1;
    assert_eq!(all.lines().last(), Some(format!("{count} cases").as_str()));
    assert!(count > 100, "{count}");
    let some = place.run(&["list", "once/rejected"]).exits(0).out;
    assert!(some.contains("once/rejected[reply=reject]"), "{some}");
    assert!(some.lines().rev().skip(1).all(|line| line.starts_with("once/rejected[")), "{some}");
    place.run(&["run", "once/rejected", "--simulated", "--out", "out"]).exits(0);
    let ran = place.json("out/report.json")["cases"].as_array().unwrap().len();
    assert_eq!(some.lines().last(), Some(format!("{ran} cases").as_str()));
}

#[test]
fn explain_says_what_a_rule_promises_and_where_that_is_written() {
    let out = Place::new().run(&["explain", "once/per-order"]).exits(0).out;
    assert!(out.starts_with("once/per-order: one charge message per order\n"), "{out}");
    assert!(out.contains("At most one attempt") && out.contains("\nSource: "), "{out}");
    let all = Place::new().run(&["explain"]).exits(0).out;
    assert!(all.lines().any(|line| line.starts_with("sender/stops ")), "{all}");
}

#[rstest]
#[case("once/per-ordr", "did you mean `once/per-order`?")]
#[case("nonsense", "the rules are once/per-order, ")]
fn explain_answers_an_unknown_rule_with_advice(#[case] name: &str, #[case] hint: &str) {
    let ran = Place::new().run(&["explain", name]).exits(2);
    assert!(ran.err.starts_with(&format!("error: no rule is called `{name}`")), "{}", ran.err);
    assert!(ran.err.contains(&format!("hint: {hint}")), "{}", ran.err);
}

/// Every rule that a report may name can be looked up.
#[test]
fn the_rules_of_a_report_can_be_explained() {
    let place = reported();
    let report = place.json("out/report.json");
    for case in report["cases"].as_array().unwrap() {
        for held in case["held"].as_array().unwrap() {
            place.run(&["explain", held["rule"].as_str().unwrap()]).exits(0);
        }
    }
}

#[rstest]
#[case("scenario", "{\"title\":\"x\",\"exams\":[\"john-doe\"]}", "{\"titel\":\"x\"}")]
#[case(
    "sender",
    "{\"name\":\"x\",\"start\":[\"x\"],\"limits\":{\"ack_timeout\":\"1s\",\"longest_retry\":\"1s\"}}",
    "{\"name\":\"x\"}"
)]
#[case("mapping", "{\"mapping\":\"x\",\"extends\":\"iris/option-1\"}", "{\"mapping\":1}")]
#[case("exam", "", "{}")]
#[case(
    "project",
    "{\"sender\":\"x.yaml\",\"jobs\":\"auto\",\"report\":[\"junit\"]}",
    "{\"jobs\":300}"
)]
fn a_schema_takes_what_is_right_and_refuses_what_is_wrong(
    #[case] kind: &str,
    #[case] right: &str,
    #[case] wrong: &str,
) {
    let text = Place::new().run(&["schema", kind]).exits(0).out;
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let is_valid = |text: &str| schema.is_valid(&serde_json::from_str(text).unwrap());
    assert!(right.is_empty() || is_valid(right), "{right}");
    assert!(!is_valid(wrong), "{wrong}");
}

#[rstest]
#[case("bash", "_chargeproof()")]
#[case("zsh", "#compdef chargeproof")]
#[case("fish", "complete -c chargeproof")]
fn completions_are_scripts_of_their_shell(#[case] shell: &str, #[case] part: &str) {
    let out = Place::new().run(&["completions", shell]).exits(0).out;
    assert!(out.contains(part) && out.contains("selftest"), "{out}");
}

#[test]
fn the_manual_page_names_the_exit_codes() {
    let out = Place::new().run(&["man"]).exits(0).out;
    assert!(out.contains(".TH chargeproof 1"), "{out}");
    assert!(out.contains("a charge was sent twice"), "{out}");
    let help = Place::new().run(&["--help"]).exits(0).out;
    assert!(help.contains("10  a charge was sent twice"), "{help}");
}

/// Whatever a page refers to is there, and so is whatever the help lists.
#[test]
fn every_command_has_a_manual_page() {
    let place = Place::new();
    place.run(&["man", "--all", "share/man1"]).exits(0);
    let page = |name: &str| place.text(&format!("share/man1/{name}.1")).replace('\\', "");
    for command in commands(&place.run(&["--help"]).exits(0).out) {
        let name = format!("chargeproof-{command}");
        assert!(page("chargeproof").contains(&format!("{name}(1)")), "{name}");
        assert!(page(&name).contains(&format!(".TH {name} 1")), "{name}");
    }
    assert!(page("chargeproof-report-merge").contains("report.json"));
    assert!(!place.path("share/man1/chargeproof-guardian.1").exists());
    place.write("taken", "");
    place.run(&["man", "--all", "taken"]).exits(2);
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<&str> {
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    // What is indented further is the rest of a description.
    let named = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let named: Vec<&str> = named.filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(named.len() > 10, "{help}");
    named
}

#[test]
fn colours_are_for_terminals() {
    let place = Place::new();
    let run = ["run", "once/silence", "--simulated", "--bug", "resend-on-timeout"];
    assert!(!place.run(&run).exits(10).out.contains('\x1b'));
    let forced = place.command(&run).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
}

/// The names of the elements of an XML text, in order; fails where the text is not well-formed.
fn elements(text: &str) -> Vec<String> {
    assert!(text.starts_with("<?xml "), "{text}");
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    let mut rest = text.split_once("?>").unwrap().1;
    while let Some((between, tag)) = rest.split_once('<') {
        sound_text(between);
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let name = tag.split(|one: char| one.is_whitespace() || one == '/').next().unwrap();
        assert!(!open.is_empty() || all.is_empty(), "one root");
        sound_text(tag);
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        all.push(name.to_owned());
        if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert_eq!(open, Vec::<String>::new());
    all
}

/// XML 1.0: no control characters, and every ampersand begins an entity.
fn sound_text(text: &str) {
    assert!(!text.chars().any(|one| one.is_control() && !"\n\r\t".contains(one)), "{text:?}");
    for entity in text.split('&').skip(1) {
        let name = entity.split(';').next().unwrap();
        assert!(
            ["amp", "lt", "gt", "quot", "apos"].contains(&name) || name.starts_with('#'),
            "{text}"
        );
    }
}

/// Run as it stands, in the same folder, it has to tell the same failure.
#[rstest]
#[case::file("zz.yaml", PLAIN, "zz.yaml", "chargeproof run zz.yaml --seed 1 ")]
#[case::file_elsewhere(
    "a b/it's.yaml",
    PLAIN,
    "./a b/it's.yaml",
    r"chargeproof run './a b/it'\''s.yaml' "
)]
#[case::axes("zz.yaml", AXES, "zz.yaml", "chargeproof run 'zz.yaml[reply=none]' --seed 1 ")]
#[case::one_of_the_axes(
    "zz.yaml",
    AXES,
    "zz.yaml[reply=none]",
    "chargeproof run 'zz.yaml[reply=none]' "
)]
#[case::bracket_in_the_path(
    "z[1].yaml",
    AXES,
    "z[1].yaml",
    "chargeproof run 'z[1].yaml[reply=none]' "
)]
#[case::of_the_project(
    "scenarios/zz.yaml",
    AXES,
    "scenarios/zz.yaml",
    "chargeproof run 'zz[reply=none]' "
)]
fn the_repeat_line_repeats_a_failure(
    #[case] file: &str,
    #[case] text: &str,
    #[case] named: &str,
    #[case] command: &str,
) {
    let place = Place::new();
    place.write(file, text);
    let simulated = ["--simulated", "--out", "out", "--report", "json,junit"];
    let bug = ["run", named, "--bug", "resend-on-timeout"];
    let ran = place.run(&[&bug[..], &simulated].concat()).exits(10);
    let report = place.json("out/report.json");
    let failed = report["cases"].as_array().unwrap().iter().find(|case| case["verdict"] == "fail");
    let line = failed.unwrap()["repeat"].as_str().unwrap();
    assert!(line.starts_with(command), "{line}");
    // The terminal breaks long lines between words, and XML writes a quote its own way.
    let out = ran.out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(out.contains(line), "{}", ran.out);
    let junit = place.text("out/junit.xml").replace("&apos;", "'");
    assert!(junit.contains(line), "{junit}");

    let again =
        line.replacen("chargeproof", crate::command::PROGRAM, 1) + " --simulated --out again";
    let mut shell = assert_cmd::Command::new("sh");
    shell.args(["-c", &again]).current_dir(place.path("")).timeout(crate::command::BOUND);
    shell.assert().code(10);
    let again = place.json("again/report.json");
    let cases = again["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1, "one case is repeated");
    assert_eq!(cases[0]["id"], failed.unwrap()["id"]);
}

#[test]
fn two_files_with_one_name_are_not_taken_for_one_scenario() {
    let place = Place::new();
    place.write("a/zz.yaml", PLAIN);
    place.write("b/zz.yaml", AXES);
    place.run(&["list", "a/zz.yaml", "./a/zz.yaml"]).exits(0);
    let ran = place.run(&["list", "a/zz.yaml", "b/zz.yaml"]).exits(2);
    let says = "error: `b/zz.yaml` and a/zz.yaml are both called `zz`\n";
    assert!(ran.err.starts_with(says), "{}", ran.err);
}

#[test]
fn a_case_that_a_file_does_not_have_is_answered_with_the_nearest_one() {
    let place = Place::new();
    place.write("zz.yaml", AXES);
    let ran = place.run(&["list", "zz.yaml[reply=non]"]).exits(2);
    assert!(ran.err.contains("is called `zz.yaml[reply=non]`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `zz.yaml[reply=none]`?"), "{}", ran.err);
}

const PLAIN: &str = "title: No answer\nexams: [john-doe]\nemr:\n  \
    - on: { exam: john-doe, attempt: 1 }\n    reply: none\n";

const AXES: &str = "title: No answer\nexams: [john-doe]\naxes:\n  reply: [reject, none]\nemr:\n  \
    - on: { exam: john-doe, attempt: 1 }\n    reply: ${reply}\n";
