//! A recording is judged as the live run was, and evidence that is taken away never leads to a
//! pass.

use std::collections::BTreeMap;

use crate::command::Place;
use rstest::rstest;
use serde_json::{Value, json};

/// A recorded history as JSON lines.
struct Recording {
    place: Place,
    lines: Vec<Value>,
}

impl Recording {
    /// Records one case in virtual time.
    fn of(case: &str) -> Self {
        let place = Place::new();
        place.run(&["run", case, "--simulated", "--out", "out"]).exits(0);
        let text = place.text(&format!("out/cases/{case}/history.jsonl"));
        let mut lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // A history without a seal is judged as it stands, as one that was written by hand.
        lines.pop();
        lines[0].as_object_mut().unwrap().remove("sealed").unwrap();
        Self { place, lines }
    }

    /// Indices of the lines with this event.
    fn events(&self, name: &str) -> Vec<usize> {
        (0..self.lines.len()).filter(|&index| self.lines[index]["event"] == name).collect()
    }

    /// Judges these lines; the exit code and the report.
    fn judge(&self, lines: &[Value]) -> (i32, Value) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.place.write("changed/history.jsonl", text);
        let ran = self.place.run(&["check", "changed", "--out", "again", "--report", "json"]);
        (ran.code.unwrap(), self.place.json("again/report.json"))
    }
}

/// What the judge says of each case: verdict, findings and what held. How long anything took and
/// how to repeat it may differ.
fn judgements(report: &Value) -> BTreeMap<String, Value> {
    let cases = report["cases"].as_array().unwrap().iter();
    let judgement = |case: &Value| {
        json!({
            "verdict": case["verdict"], "findings": case["findings"], "held": case["held"],
            "charges": case["charges"], "watched": case["watched_seconds"],
            "requirements": case["requirements"], "snapshots": case["snapshots"],
        })
    };
    cases.map(|case| (case["id"].as_str().unwrap().to_owned(), judgement(case))).collect()
}

#[rstest]
#[case::green(&["options/option-1", "once/rejected", "once/silence", "crash/killed"], 0)]
#[case::sent_twice(&["once/silence", "options/option-1", "--bug", "resend-on-timeout"], 10)]
#[case::replayed(&["crash/killed", "--bug", "replay-after-kill"], 10)]
#[case::not_as_agreed(&["options/option-2-all-gradable", "--bug", "missing-modifier"], 1)]
#[case::nothing_delivered(&["options/option-1", "--bug", "brick"], 1)]
#[case::lost_from_the_account(&["once/rejected", "--bug", "silent-drop"], 1)]
fn a_recording_is_judged_as_the_run_was(#[case] arguments: &[&str], #[case] code: i32) {
    let place = Place::new();
    let run = [&["run", "--simulated", "--out", "out"], arguments].concat();
    place.run(&run).exits(code);
    place.run(&["check", "out/cases", "--out", "again"]).exits(code);
    let (first, again) = (place.json("out/report.json"), place.json("again/report.json"));
    assert_eq!(judgements(&first), judgements(&again));
    assert!(!judgements(&again).is_empty());
    assert_eq!(first["exit_code"], code);
    assert_eq!(again["exit_code"], code);
    assert_eq!(again["sender"], "recording");
}

#[test]
fn a_recording_of_real_sockets_is_judged_as_the_run_was() {
    let place = Place::new();
    let run = ["run", "once/silence", "crash/killed[at=before-reply]", "--out", "out"];
    place.run(&run).exits(0);
    place.run(&["check", "out/cases", "--out", "again"]).exits(0);
    let (first, again) = (place.json("out/report.json"), place.json("again/report.json"));
    assert_eq!(judgements(&first).len(), 2);
    assert_eq!(judgements(&first), judgements(&again));
}

#[test]
fn an_untouched_recording_passes() {
    let recording = Recording::of("options/option-1");
    assert_eq!(recording.judge(&recording.lines).0, 0);
}

/// Whatever line is missing, nobody can tell any more that all was well.
#[rstest]
#[case("options/option-1", "received")]
#[case("options/option-1", "finished")]
#[case("options/option-1", "watched")]
#[case("options/option-1", "submitted")]
#[case("options/option-1", "sender-started")]
#[case("options/option-1", "sender-exited")]
#[case("once/silence", "received")]
#[case("once/silence", "played")]
#[case("once/silence", "watched")]
#[case("crash/killed[at=end-of-message]", "sender-exited")]
#[case("crash/killed[at=end-of-message]", "received")]
fn a_recording_that_misses_evidence_does_not_pass(#[case] case: &str, #[case] event: &str) {
    let recording = Recording::of(case);
    let events = recording.events(event);
    assert!(!events.is_empty(), "{case} has no {event}");
    for index in events {
        let mut lines = recording.lines.clone();
        let gone = lines.remove(index);
        let (code, report) = recording.judge(&lines);
        assert_ne!(code, 0, "passed without {gone}");
        assert_ne!(report["verdict"], "pass", "{report:#}");
    }
}

#[rstest]
#[case("options/option-1")]
#[case("once/rejected[reply=reject]")]
fn an_attempt_that_is_recorded_twice_is_a_double_charge(#[case] case: &str) {
    let recording = Recording::of(case);
    for index in recording.events("received") {
        let mut lines = recording.lines.clone();
        lines.insert(index + 1, recording.lines[index].clone());
        renumber(&mut lines, index + 1);
        let (code, report) = recording.judge(&lines);
        assert_eq!(code, 10, "{report:#}");
        assert_eq!(report["cases"][0]["findings"][0]["rule"], "once/per-order");
    }
}

/// The same charge at the very end, on a connection of its own and under a new control id.
#[test]
fn a_late_resend_under_a_new_control_id_is_a_double_charge() {
    let recording = Recording::of("options/option-1");
    let sent = recording.events("received")[1];
    let text = recording.lines[sent]["bytes"].as_str().unwrap();
    let id = text.split('|').nth(9).unwrap();
    let mut again = recording.lines[sent].clone();
    again["bytes"] = json!(text.replacen(id, "999999999999", 1));
    again["connection"] = json!(9);
    again["offset"] = json!(0);
    let opened = json!({"seq": 0, "at": 0, "event": "opened", "connection": 9, "endpoint": "emr", "incarnation": 2});
    let end = recording.events("sender-ending")[1];
    let mut lines = recording.lines.clone();
    lines.insert(end, again);
    lines.insert(end, opened);
    renumber(&mut lines, end);
    for added in [end, end + 1] {
        lines[added]["at"] = lines[end - 1]["at"].clone();
    }
    assert_eq!(recording.judge(&lines).0, 10);
}

/// Gives every line from `from` on its place as its number again, and keeps references to them.
fn renumber(lines: &mut [Value], from: usize) {
    let added = lines.len() as u64 - lines.last().unwrap()["seq"].as_u64().unwrap() - 1;
    for (index, line) in lines.iter_mut().enumerate().skip(from) {
        line["seq"] = json!(index);
        if let Some(to) = line["to"].as_u64().filter(|&to| to >= from as u64) {
            line["to"] = json!(to + added);
        }
    }
}

#[rstest]
#[case::cut_line(4, |line: &str| line[..line.len() / 2].to_owned())]
#[case::cut_header(1, |line: &str| line[..line.len() / 2].to_owned())]
#[case::wrong_type(5, |line: &str| line.replacen("\"at\":", "\"at\":-", 1))]
#[case::unknown_event(3, |line: &str| line.replacen("\"event\":\"", "\"event\":\"un", 1))]
#[case::not_json(6, |_: &str| "<VT>MSH|".to_owned())]
#[case::empty_line(6, |_: &str| String::new())]
fn a_broken_line_is_told_with_line_and_column(
    #[case] number: usize,
    #[case] breaks: fn(&str) -> String,
) {
    let place = Place::new();
    place.run(&["run", "options/option-1", "--simulated", "--out", "out"]).exits(0);
    let text = place.text("out/cases/options/option-1/history.jsonl");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[number - 1] = breaks(&lines[number - 1]);
    place.write("broken/history.jsonl", lines.join("\n"));
    let ran = place.run(&["check", "broken"]).exits(2);
    let rest = ran.err.strip_prefix(&format!("broken/history.jsonl:{number}:"));
    let rest = rest.unwrap_or_else(|| panic!("{}", ran.err));
    let column = rest.split(':').next().unwrap();
    assert!(column.parse::<u32>().is_ok(), "{}", ran.err);
    assert!(ran.err.contains("\nhint: "), "{}", ran.err);
}

#[test]
fn a_history_out_of_order_is_no_history() {
    let recording = Recording::of("options/option-1");
    let mut lines = recording.lines.clone();
    lines.swap(3, 4);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    recording.place.write("swapped/history.jsonl", text);
    let ran = recording.place.run(&["check", "swapped"]).exits(2);
    assert!(ran.err.contains("swapped/history.jsonl:5:1: events are out of order"), "{}", ran.err);
}

/// Nobody can tell what was altered, so nothing is proven.
#[rstest]
#[case::an_event_is_gone(|lines: &mut Vec<String>| drop(lines.remove(5)))]
#[case::the_plan_was_edited(|lines: &mut Vec<String>| {
    lines[0] = lines[0].replacen("\"requirements\":[", "\"requirements\":[\"x\",", 1);
})]
#[case::a_byte_was_edited(|lines: &mut Vec<String>| {
    let line = lines.iter().position(|line| line.contains("DOE^JOHN")).unwrap();
    lines[line] = lines[line].replacen("DOE^JOHN", "DOE^JACK", 1);
})]
#[case::the_seal_is_gone(|lines: &mut Vec<String>| drop(lines.pop()))]
#[case::the_end_was_cut(|lines: &mut Vec<String>| lines.truncate(9))]
#[case::another_seal_stands_inside(|lines: &mut Vec<String>| {
    lines.insert(5, "{\"seal\":\"x\"}".to_owned());
})]
#[case::it_is_sealed_twice(|lines: &mut Vec<String>| lines.push(lines[lines.len() - 1].clone()))]
fn a_history_that_was_altered_proves_nothing(#[case] alter: fn(&mut Vec<String>)) {
    let place = Place::new();
    place.run(&["run", "options/option-1", "--simulated", "--out", "out"]).exits(0);
    let path = "out/cases/options/option-1/history.jsonl";
    let mut lines: Vec<String> = place.text(path).lines().map(str::to_owned).collect();
    place.run(&["check", path]).exits(0);
    alter(&mut lines);
    place.write(path, lines.join("\n") + "\n");
    let ran = place.run(&["check", path]);
    assert_ne!(ran.code, Some(0), "{}", ran.out);
    assert!(ran.out.contains("history altered"), "{}", ran.out);
}

#[test]
fn a_history_without_a_seal_is_judged_and_said_to_have_none() {
    let recording = Recording::of("options/option-1");
    recording.judge(&recording.lines);
    let ran = recording.place.run(&["check", "changed"]).exits(0);
    assert!(ran.out.contains("1 history carries no checksum"), "{}", ran.out);
}

/// A name proves nothing: a plan that was edited is no longer the case that it is called.
#[test]
fn a_plan_that_is_not_the_built_in_one_of_its_name_is_said_to_be_another() {
    let recording = Recording::of("once/silence");
    let note = "once/silence is not the built-in case of that name: it differs in";
    recording.judge(&recording.lines);
    let ran = recording.place.run(&["check", "changed"]).exits(0);
    assert!(!ran.out.contains(note), "{}", ran.out);
    let mut lines = recording.lines.clone();
    lines[0]["plan"]["script"] = json!([]);
    lines[0]["plan"]["expect"]["charges"]["john-doe"] = json!("never");
    recording.judge(&lines);
    let ran = recording.place.run(&["check", "changed"]);
    let told = format!("{note} script, expected charges\n");
    assert!(ran.out.contains(&told), "{}", ran.out);
}

/// An altered history still shows what it shows.
#[test]
fn what_an_altered_history_still_shows_counts() {
    let place = Place::new();
    let run = ["run", "once/silence", "--simulated", "--out", "out", "--bug", "resend-on-timeout"];
    place.run(&run).exits(10);
    let path = "out/cases/once/silence/history.jsonl";
    let altered = place.text(path).replacen("\"requirements\":[", "\"requirements\":[\"x\",", 1);
    place.write(path, altered);
    let ran = place.run(&["check", path]).exits(10);
    assert!(ran.out.contains("history altered"), "{}", ran.out);
}

#[test]
fn a_folder_without_histories_is_nothing_that_ran() {
    let place = Place::new();
    place.write("empty/report.json", "{}");
    place.run(&["check", "empty"]).exits(4);
}
