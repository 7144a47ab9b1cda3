//! What a run leaves behind: for whom it may be read, what becomes of what an earlier one left, and
//! what is said of a history that cannot be read.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::command::{Place, Ran};
use rstest::rstest;

const RUN: [&str; 5] = ["run", "options/option-1", "--simulated", "--out", "out"];
const HISTORY: &str = "out/cases/options/option-1/history.jsonl";

/// A place where one case was run.
fn recorded() -> Place {
    let place = Place::new();
    place.run(&RUN).exits(0);
    place
}

/// A history holds messages, and those are of patients.
#[test]
fn a_history_is_for_its_owner_alone() {
    let place = recorded();
    let mode = |below: &str| fs::metadata(place.path(below)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(HISTORY), 0o600);
    for folder in ["out/cases", "out/cases/options", "out/cases/options/option-1"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    // Reports show no more of a patient than a masked field, and other programs read them.
    assert_ne!(mode("out/report.json") & 0o044, 0);
}

#[test]
fn the_histories_of_an_earlier_run_are_cleared_away_and_that_is_said() {
    let place = recorded();
    let again = place.run(&["run", "once/silence", "--simulated", "--out", "out"]).exits(0);
    assert_eq!(again.err.trim_end(), "cleared the history of 1 earlier case from out/cases");
    assert!(!place.path(HISTORY).exists());
    assert!(place.path("out/cases/once/silence/history.jsonl").exists());
    // To judge is not to run: what is judged stays.
    place.run(&["check", "out", "--out", "out"]).exits(0);
    assert!(place.path("out/cases/once/silence/history.jsonl").exists());
}

#[test]
fn a_folder_that_holds_what_no_run_wrote_is_left_as_it_is() {
    let place = recorded();
    place.write("out/cases/notes.txt", "mine");
    let ran = place.run(&RUN).exits(2);
    assert!(ran.err.contains("`out/cases/notes.txt` was written by no run"), "{}", ran.err);
    assert!(ran.err.contains("hint: ") && ran.err.contains("another folder"), "{}", ran.err);
    assert_eq!(place.text("out/cases/notes.txt"), "mine");
    assert!(place.path(HISTORY).exists());
}

/// What `check` says of the history of a run, changed so.
fn check(change: impl FnOnce(&mut Vec<String>)) -> Ran {
    let place = recorded();
    let mut lines: Vec<String> = place.text(HISTORY).lines().map(str::to_owned).collect();
    change(&mut lines);
    place.write("changed.jsonl", lines.join("\n"));
    place.run(&["check", "changed.jsonl"]).exits(2)
}

#[rstest]
#[case::unknown_event(
    3,
    |line: &str| line.replace("listening", "listning"),
    "changed.jsonl:4:",
    "unknown event `listning`",
    "did you mean `listening`?"
)]
#[case::missing_key(
    3,
    |line: &str| line.replace("\"endpoint\":\"emr\",", ""),
    "changed.jsonl:4:",
    "missing key `endpoint`",
    "altered or damaged"
)]
#[case::no_json(2, |_: &str| "listening".to_owned(), "changed.jsonl:3:1: ", "this is no JSON: expected value", "altered")]
#[case::no_history(
    0,
    |_: &str| "{}".to_owned(),
    "changed.jsonl:1:",
    "missing key `format`",
    "its first line is its header"
)]
#[case::swapped(
    2,
    |line: &str| line.replace("\"seq\":2", "\"seq\":1"),
    "changed.jsonl:3:1: ",
    "events are out of order",
    "altered"
)]
fn a_line_that_cannot_be_read_is_told_with_its_place(
    #[case] line: usize,
    #[case] change: fn(&str) -> String,
    #[case] place: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let ran = check(|lines| {
        let changed = change(&lines[line]);
        assert_ne!(lines[line], changed);
        lines[line] = changed;
    });
    let first = ran.err.lines().next().unwrap();
    assert!(first.starts_with(place) && first.ends_with(message), "{}", ran.err);
    assert!(ran.err.contains(" ^"), "no caret:\n{}", ran.err);
    let advised = ran.err.lines().any(|line| line.starts_with("hint: ") && line.contains(hint));
    assert!(advised, "{}", ran.err);
    assert!(!ran.err.contains("at line"), "{}", ran.err);
}

/// Whoever wrote it may have been ended in the middle of a line, or of a letter.
#[test]
fn a_history_that_was_cut_off_is_judged_and_proves_nothing() {
    let place = recorded();
    let whole = place.text(HISTORY).replace("DOE", "D\u{d6}E");
    let letter = whole.rfind('\u{d6}').unwrap() + 1;
    let line = whole.trim_end().rfind('\n').unwrap() + 1;
    for end in [letter, line, line + 5, line - 1, whole.len() - 3] {
        place.write("cut.jsonl", &whole.as_bytes()[..end]);
        let ran = place.run(&["check", "cut.jsonl"]);
        assert!(matches!(ran.code, Some(1 | 5)), "{end}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("history altered"), "{end}: {}", ran.out);
    }
    let sealed = place.text(HISTORY);
    place.write("whole.jsonl", sealed.trim_end());
    place.run(&["check", "whole.jsonl"]).exits(0);
}

/// Of a history that was written by hand nobody knows where it should have ended.
#[test]
fn a_line_that_ends_too_soon_says_which_and_what_to_do() {
    let ran = check(|lines| {
        lines[0] = lines[0].replace("\"sealed\":true,", "");
        lines.truncate(9);
        let last = lines.last_mut().unwrap();
        let half = last.len() / 2;
        last.truncate(half);
    });
    assert!(ran.err.starts_with("changed.jsonl:9:"), "{}", ran.err);
    assert!(ran.err.contains("the line ends before it is complete"), "{}", ran.err);
    assert!(ran.err.contains("hint: the file was cut off"), "{}", ran.err);
}

#[test]
fn a_line_that_holds_a_message_is_shown_without_what_is_of_the_patient() {
    let ran = check(|lines| {
        let received = lines.iter_mut().find(|line| line.contains("\"received\"")).unwrap();
        *received = received.replace("\"length\"", "\"lenght\"");
        assert!(received.contains("PID"));
    });
    assert!(ran.err.contains("length"), "{}", ran.err);
    for private in ["MSH", "PROBE", "IRIS"] {
        assert!(!ran.err.contains(private), "{}", ran.err);
    }
}

/// A scenario may serve as a script; whoever wrote more than `emr` should know that it is passed over.
#[test]
fn a_script_with_more_than_the_emr_is_served_with_a_warning() {
    let place = Place::new();
    let script = "title: A script\nexams: [john-doe]\nemr: []\nsteps: [start, stop]\nexpect: { snapshot: true }\n";
    place.write("script.yaml", script);
    let elsewhere = "203.0.113.7:2575"; // nobody's here (RFC 5737), so that it ends at once
    let ran = place.run(&["serve", "--listen", elsewhere, "--script", "script.yaml"]).exits(2);
    for (at, key) in [("4:1", "steps"), ("5:1", "expect")] {
        let told = format!("script.yaml:{at}: warning: `serve` passes over `{key}`\n");
        assert!(ran.err.contains(&told), "{}", ran.err);
    }
    assert!(ran.err.contains("4 | steps: [start, stop]\n  | ^^^^^"), "{}", ran.err);
    assert!(ran.err.contains("hint: it plays `emr` until Ctrl-C"), "{}", ran.err);
    place.write("script.yaml", "title: A script\nexams: [john-doe]\nemr: []\n");
    let ran = place.run(&["serve", "--listen", elsewhere, "--script", "script.yaml"]).exits(2);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
}

/// A bound on the size of a file stands for a full disk: what is written fails in the same way.
#[rstest]
#[case::honest(&["run", "once/rejected"], "no charge was sent twice")]
#[case::sends_twice(&["run", "once/silence", "--bug", "resend-on-timeout"], "FAIL once/per-order")]
fn what_could_not_be_kept_is_the_last_thing_that_is_said(
    #[case] run: &[&str],
    #[case] found: &str,
) {
    let place = Place::new();
    let mut shell = assert_cmd::Command::new("sh");
    let bounded = "trap '' XFSZ; ulimit -f 4; exec \"$@\"";
    shell.args(["-c", bounded, "sh", crate::command::PROGRAM]).args(run);
    shell.args(["--simulated", "--out", "full"]);
    let output = shell.current_dir(place.path("")).timeout(crate::command::BOUND).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "\nout:\n{out}\nerr:\n{err}");
    assert!(out.contains(found), "{out}");
    let last = "NOT KEPT · exit 2: not all that was seen is written down\n";
    assert!(out.ends_with(last), "{out}");
    let why = |line: &str| line.starts_with("error: cannot write `full/cases/once/");
    assert!(err.lines().any(why), "{err}");
}

#[rstest]
#[case::nothing_can_be_made("/proc/x/y", "nothing can be made in `/proc`")]
#[case::nothing_can_be_written("/proc", "nothing can be made in `/proc`")]
#[case::no_folder("/dev/null/x", "`/dev/null` is no folder")]
#[case::file("a-file", "`a-file` is no folder")]
#[case::below_a_file("a-file/x", "`a-file` is no folder")]
fn a_folder_that_nothing_can_be_stored_in_is_told_with_what_is_in_its_way(
    #[case] out: &str,
    #[case] hint: &str,
) {
    let place = Place::new();
    place.write("a-file", "");
    let ran = place.run(&["run", "once/silence", "--simulated", "--out", out]).exits(2);
    assert!(ran.err.starts_with(&format!("error: `{out}` cannot be the folder")), "{}", ran.err);
    assert!(ran.err.contains(&format!("hint: {hint}")), "{}", ran.err);
    assert_eq!(ran.out, "", "nothing ran");
}

/// Two runs would clear away and overwrite what the other writes.
#[test]
fn a_folder_that_another_run_writes_to_is_left_to_it() {
    let place = recorded();
    let held = fs::File::open(place.path("out")).unwrap();
    held.lock().unwrap();
    let ran = place.run(&RUN).exits(2);
    assert!(ran.err.starts_with("error: another run is writing to `out`"), "{}", ran.err);
    assert!(ran.err.contains("hint: ") && ran.err.contains("another folder"), "{}", ran.err);
    assert!(place.path(HISTORY).exists());
    drop(held);
    place.run(&RUN).exits(0);
}

#[rstest]
#[case::negative("\"at\":-", "found integer")]
#[case::beyond_all_time("\"at\":9", "a number of 17 digits is none of anything that happened")]
fn a_number_that_nothing_can_have_is_told_with_its_place(
    #[case] number: &str,
    #[case] message: &str,
) {
    let ran = check(|lines| {
        let zeros = if number.ends_with('9') { "0000000000000000," } else { "7," };
        let at = lines[3].find("\"at\":").unwrap();
        let end = lines[3][at..].find(',').unwrap() + at;
        lines[3].replace_range(at..=end, &format!("{number}{zeros}"));
    });
    assert!(ran.err.starts_with("changed.jsonl:4:"), "{}", ran.err);
    assert!(ran.err.lines().next().unwrap().contains(message), "{}", ran.err);
}

/// Whoever names a recording or a message by mistake must not find a patient in the error.
#[rstest]
#[case::message("MSH|^~\\&|A\rPID|1||GEHEIM7||GEHEIM^ANNA\r", "a message")]
#[case::latin_1("PID|1||GEHEIM7||GEHEIM^ANNA|M\u{fffd}\r", "a message")]
#[case::recording("{\"seq\":4,\"bytes\":\"PID|GEHEIM\"}", "a recording")]
fn a_file_from_a_wire_is_refused_without_a_line_of_it(#[case] text: &str, #[case] what: &str) {
    let place = Place::new();
    place.write("given.yaml", text);
    for arguments in [
        &["run", "given.yaml"][..],
        &["run", "once/silence", "--sender", "given.yaml"],
        &["serve", "--listen", "127.0.0.1:0", "--script", "given.yaml"],
    ] {
        let ran = place.run(arguments).exits(2);
        assert!(ran.err.contains(&format!("`given.yaml` is {what}, and no YAML")), "{}", ran.err);
        assert!(!format!("{}{}", ran.out, ran.err).contains("GEHEIM"), "{}", ran.err);
    }
}

/// What an event says that is not as it should be may be of a patient, too.
#[rstest]
#[case::a_text_for_a_number("\"offset\":0", "\"offset\":\"GEHEIM ANNA\"")]
#[case::an_unknown_event("\"event\":\"received\"", "\"event\":\"GEHEIM\"")]
#[case::another_key("\"bytes\":\"", "\"bites\":\"GEHEIM")]
fn an_error_about_a_recording_shows_nothing_of_a_patient(#[case] from: &str, #[case] to: &str) {
    let ran = check(|lines| {
        let received = lines.iter_mut().find(|line| line.contains("\"received\"")).unwrap();
        assert!(received.contains(from), "{received}");
        *received = received.replacen(from, to, 1);
    });
    for private in ["GEHEIM", "ANNA", "MSH", "PROBE"] {
        assert!(!ran.err.contains(private), "{}", ran.err);
    }
}

/// One message of a patient whom nobody knows, sent twice, in a recording of whoever connected: none of
/// his values is on the terminal, or in a report.
#[test]
fn no_report_shows_a_patient_whom_nobody_knows() {
    let place = recorded();
    let lines = place.text(HISTORY);
    let mut lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.pop();
    let header = lines[0].as_object_mut().unwrap();
    header.remove("sealed");
    header["plan"]["exams"] = serde_json::json!({});
    header["plan"]["steps"] = serde_json::json!(["hold"]);
    header["plan"]["expect"] = serde_json::json!({});
    header["plan"]["id"] = "serve".into();
    let mut seen = 0;
    for line in lines.iter_mut().filter(|line| line["event"] == "received") {
        seen += 1;
        let salted = "\u{b}MSH|^~\\&|GEHEIM|GEHEIM|A|B|20260105080000||DFT^P03|C7|P|2.4\r\
            PID|1|GEHEIM7|GEHEIM7^^^^MRN||GEHEIM^ANNA||19331127|F|||GEHEIMWEG 7||555-867-5309||||A77\r\
            ZPI|1|GEHEIM\rPID##GEHEIM7##GEHEIM*ANNA\r\
            FT1|1||700001|20260104|20260105080000|CG|92250^GEHEIM^CPT\r\u{1c}\r";
        let salted =
            if seen == 2 { salted.replace("2250^", "2251^GEHEIM&") } else { salted.to_owned() };
        line["length"] = salted.len().into();
        line["bytes"] = salted.into();
        line["offset"] = 0.into();
        line["connection"] = seen.into();
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    place.write("salted/history.jsonl", text);
    let ran = place.run(&["check", "salted", "--out", "again"]).exits(10);
    let written =
        [ran.out, ran.err, place.text("again/report.json"), place.text("again/junit.xml")];
    for text in &written {
        for private in ["GEHEIM", "ANNA", "19331127", "555-867"] {
            assert!(!text.contains(private), "{text}");
        }
    }
    for shown in ["700001", "92250", "C7"] {
        assert!(written[0].contains(shown), "{}", written[0]);
    }
}
