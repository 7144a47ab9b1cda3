//! Every mistake that an author can make is told with its place, a caret and advice, and is found
//! before anything is started.

use std::time::{Duration, Instant};

use crate::command::{Place, Ran};
use rstest::rstest;

/// A project with `scenario`, and a sender that leaves a mark when it is started.
fn run(scenario: &[u8]) -> Ran {
    let place = Place::with_scenario("title: replaced below\n");
    place.write("scenarios/the-case.yaml", scenario);
    place.write("sender.yaml", sender_file(&place));
    run_marked(&place, &["run", "--sender", "sender.yaml", "--out", "out"])
}

/// Runs and makes sure that nothing was started.
fn run_marked(place: &Place, arguments: &[&str]) -> Ran {
    let ran = place.run(arguments).exits(2);
    assert!(!place.path("started").exists(), "the sender was started all the same");
    assert_eq!(ran.out, "");
    ran
}

fn sender_file(place: &Place) -> String {
    let mark = place.path("started");
    format!(
        "name: marked\nstart: [touch, '{}']\nlimits: {{ ack_timeout: 100ms, longest_retry: 100ms }}\n",
        mark.display()
    )
}

/// The place is on the first line, the caret on one of its own, the advice below.
#[track_caller]
fn tells(ran: &Ran, place: &str, message: &str, hint: &str) {
    let mut lines = ran.err.lines();
    let first = lines.next().unwrap_or_default();
    let placed = first.starts_with(&format!("{place}: "));
    assert!(placed && first.contains(message), "wanted {place}: {message}\n{}", ran.err);
    let caret = ran.err.lines().any(|line| line.trim_start_matches([' ', '|']).starts_with('^'));
    assert!(caret, "no caret:\n{}", ran.err);
    assert!(
        lines.any(|line| line.starts_with("hint: ") && line.contains(hint)),
        "wanted {hint}:\n{}",
        ran.err
    );
}

#[rstest]
#[case::unknown_key("examz: [john-doe]", "2:1", "unknown key `examz`", "did you mean `exams`?")]
#[case::missing_key("emr:\n  - on: {}", "3:5", "missing key `reply`", "add `reply: …`")]
#[case::wrong_type("exams: john-doe", "2:8", "expected a list", "[john-doe]")]
#[case::duplicate_key("exams: [john-doe]\ntitle: again", "3:1", "the key `title`", "line 1")]
#[case::unknown_exam(
    "exams: [jon-doe]",
    "2:9",
    "unknown exam `jon-doe`",
    "did you mean `john-doe`?"
)]
#[case::unknown_mapping(
    "mapping: iris/option-3\nexams: [john-doe]",
    "2:10",
    "unknown mapping `iris/option-3`",
    "did you mean `iris/option-1`?"
)]
#[case::unknown_results(
    "results: iris/reslt\nexams: [john-doe]",
    "2:10",
    "unknown mapping `iris/reslt`",
    "did you mean `iris/result`?"
)]
#[case::unknown_step(
    "exams: [john-doe]\nsteps: [start, setle]",
    "3:16",
    "setle",
    "did you mean `settle`?"
)]
#[case::exam_of_a_step(
    "exams: [john-doe]\nsteps: [start, submit: jane]",
    "3:24",
    "unknown exam `jane`",
    "john-doe"
)]
#[case::exam_of_the_script(
    "exams: [john-doe]\nemr:\n  - on: { exam: john }\n    reply: reject",
    "4:17",
    "`john`",
    "john-doe"
)]
#[case::no_byte_of_that_name(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { raw: '<VT>MSH<XX>' }",
    "5:27",
    "`<XX>` names no byte",
    "where it is meant as text, write `<3C>XX>`"
)]
#[case::half_a_byte(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { hex: 1C 0 }",
    "5:22",
    "`0` has half a byte at its end",
    "a byte has two digits"
)]
#[case::hexadecimal_as_in_a_program(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { hex: 0x15 }",
    "5:19",
    "`0x15` is written without `0x`",
    "write `15`"
)]
#[case::no_byte_at_all(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { hex: '' }",
    "5:19",
    "there is not a byte in it",
    "an EMR that says nothing is `none`"
)]
#[case::an_end_by_itself(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: reset",
    "5:12",
    "`reset` is no fault by itself",
    "`{ end: reset }`"
)]
#[case::bytes_without_their_value(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: wait",
    "5:12",
    "`wait` is no fault by itself",
    "as in `{ wait: 300ms }`"
)]
#[case::a_fault_with_a_number(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: [{ rwa: 1 }]",
    "5:20",
    "expected parameters of a fault",
    "did you mean `raw`?"
)]
#[case::nothing_to_reply(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: []",
    "5:12",
    "there is nothing to reply with",
    "`none`"
)]
#[case::the_message_before_the_first(
    "exams: [john-doe]\nemr:\n  - on: { message: 0 }\n    reply: reject",
    "4:20",
    "expected a whole number from 1",
    "counted from 1"
)]
#[case::cut_before_the_first_byte(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { accept: { cut: 0 } }",
    "5:29",
    "expected a whole number from 1",
    "`none`"
)]
#[case::no_time(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { late: { after: 0s } }",
    "5:29",
    "`answer/late` needs a time that passes",
    "without `after` it is"
)]
#[case::late_in_time(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { late: { after: 100ms } }",
    "5:29",
    "an answer after 100 ms is not late for this sender",
    "it waits for 100 ms (`ack_timeout`)"
)]
#[case::filled_with_nothing_known(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { raw: 'MSA|AA|{message.control_id}' }",
    "5:28",
    "`{message.control_id}` is nothing that is filled in",
    "write `<7B>`"
)]
#[case::brace_that_nothing_closes(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { raw: 'MSA|AA|{control_id' }",
    "5:27",
    "nothing closes it",
    "write `<7B>`"
)]
#[case::filled_before_the_message(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe, moment: accepted }\n    reply: { raw: 'MSA|AA|{control_id}' }",
    "5:28",
    "nothing of the message is known",
    "drop `moment`"
)]
#[case::no_gap(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { connection/min-gap: { after: 0s } }",
    "5:43",
    "`connection/min-gap` needs a time that passes",
    "without `after` it is"
)]
#[case::before_the_first_byte(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { connection/reset-after-bytes: { bytes: 0 } }",
    "5:53",
    "`0` bytes are out of range",
    "takes 1 to"
)]
#[case::unknown_axis(
    "exams: [john-doe]\naxes: { reply: [reject] }",
    "3:9",
    "the axis `reply` is not used",
    "$reply"
)]
#[case::duration_without_unit(
    "exams: [john-doe]\nemr:\n  - on: { exam: john-doe }\n    reply: { late: { after: 5 } }",
    "5:29",
    "`5` has no unit",
    "5ms"
)]
#[case::tab("exams: [john-doe]\nemr:\n\t- on: {}", "4:1", "a tab in the indentation", "spaces")]
#[case::open_bracket("exams: [john-doe", "2:8", "bracket", "never closed")]
fn a_mistake_in_a_scenario_is_told_with_its_place(
    #[case] text: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let ran = run(format!("title: A case\n{text}\n").as_bytes());
    tells(&ran, &format!("scenarios/the-case.yaml:{at}"), message, hint);
}

#[rstest]
#[case("rejct", "did you mean `reject`?")]
#[case("payload/jnk", "did you mean `payload/junk`?")]
#[case("connection/close-before-replay", "did you mean `connection/close-before-reply`?")]
#[case("frame/no-tv", "did you mean `frame/no-vt`?")]
fn an_unknown_fault_is_answered_with_the_nearest_one(#[case] name: &str, #[case] hint: &str) {
    let text = format!(
        "title: A case\nexams: [john-doe]\nemr:\n  - on: {{ exam: john-doe }}\n    reply: {name}\n"
    );
    let message = format!("unknown fault `{name}`");
    tells(&run(text.as_bytes()), "scenarios/the-case.yaml:5:12", &message, hint);
}

#[test]
fn a_scenario_that_is_not_utf_8_is_told_at_its_first_such_byte() {
    let ran = run(b"title: A case\nrequirements: [caf\xE9]\nexams: [john-doe]\n");
    tells(&ran, "scenarios/the-case.yaml:2:19", "the byte E9", "save the file as UTF-8");
}

#[test]
fn aliases_that_multiply_end_at_once() {
    let mut text = "title: A case\nexams: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let refers = vec![format!("*a{}", level - 1); 10].join(",");
        text += &format!("k{level}: &a{level} [{refers}]\n");
    }
    let began = Instant::now();
    let ran = run(text.as_bytes());
    assert!(began.elapsed() < Duration::from_secs(20), "took {:?}", began.elapsed());
    assert!(ran.err.contains("nested or expanded too far"), "{}", ran.err);
    tells(&ran, ran.err.split(": ").next().unwrap(), "", "instead of referring");
}

#[rstest]
#[case::empty(b"".to_vec(), "the file is empty")]
#[case::only_a_comment(b"# nothing\n".to_vec(), "the file is empty")]
#[case::no_title(b"exams: [john-doe]\n".to_vec(), "missing key `title`")]
#[case::too_long(vec![b'#'; 2 << 20], "")]
#[case::control_characters(b"title: \x1b[2J\nexams: [john-doe]\n".to_vec(), "")]
#[case::deep([b"title: A case\nexams: ".to_vec(), vec![b'['; 100_000]].concat(), "")]
fn a_file_that_is_no_scenario_is_told_by_name(#[case] content: Vec<u8>, #[case] message: &str) {
    let ran = run(&content);
    let first = ran.err.lines().next().unwrap();
    assert!(first.starts_with("scenarios/the-case.yaml:"), "{}", ran.err);
    assert!(first.contains(message), "{}", ran.err);
    assert!(!ran.err.contains('\x1b'), "what a file holds may not speak to a terminal");
}

/// Mistakes outside the scenario: the sender file, an exam, a mapping.
#[rstest]
#[case::sender_file(
    "sender.yaml",
    "name: x\nstrat: [true]\n",
    "sender.yaml:2:1",
    "unknown key `strat`",
    "did you mean `start`?"
)]
#[case::empty_sender_file(
    "sender.yaml",
    "# to be written\n",
    "sender.yaml:1:1",
    "the file is empty",
    "`chargeproof init NAME.yaml` writes one to be filled in"
)]
#[case::placeholder(
    "sender.yaml",
    "name: x\nstart: [nc, '{prot}']\nlimits: {}\n",
    "sender.yaml:2:13",
    "unknown placeholder `{prot}`",
    "did you mean `port`?"
)]
#[case::exam(
    "scenarios/exams/john-doe.yaml",
    "order: { numbr: '1' }\n",
    "scenarios/exams/john-doe.yaml:1:10",
    "numbr",
    "did you mean `number`?"
)]
#[case::mapping(
    "mappings/mine.yaml",
    "mapping: mine\nextends: iris/option-1\nfields:\n  MSH-5: '{patient.mnr}'\n",
    "mappings/mine.yaml:4:",
    "patient.mnr",
    "did you mean `patient.mrn`?"
)]
#[case::parent(
    "mappings/mine.yaml",
    "mapping: mine\nextends: iris/option-9\n",
    "mappings/mine.yaml:2:10",
    "iris/option-9",
    "did you mean `iris/option-1`?"
)]
#[case::cycle(
    "mappings/mine.yaml",
    "mapping: mine\nextends: mine\n",
    "mappings/mine.yaml:2:10",
    "mine",
    ""
)]
fn a_mistake_in_another_file_names_that_file(
    #[case] file: &str,
    #[case] text: &str,
    #[case] at: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let place = Place::with_scenario("title: A case\nmapping: mine\nexams: [john-doe]\n");
    place.write("mappings/mine.yaml", "mapping: mine\nextends: iris/option-1\n");
    place.write("sender.yaml", sender_file(&place));
    place.write(file, text);
    let ran = run_marked(&place, &["run", "--sender", "sender.yaml"]);
    let first = ran.err.lines().next().unwrap();
    assert!(
        first.starts_with(at) && first.contains(message),
        "wanted {at}: {message}\n{}",
        ran.err
    );
    let advised = ran.err.lines().any(|line| line.starts_with("hint: ") && line.contains(hint));
    assert!(advised, "wanted {hint}:\n{}", ran.err);
}

/// A file that is not there has no lines; its path and advice are what can be said.
#[rstest]
#[case::sender_file(&["run", "options/option-1", "--sender", "missing.yaml"], "cannot read `missing.yaml`")]
#[case::history(&["check", "missing.jsonl"], "cannot read `missing.jsonl`")]
#[case::script(&["serve", "--listen", "127.0.0.1:0", "--script", "missing.yaml"], "cannot read `missing.yaml`")]
#[case::scenario(&["run", "missing.yaml"], "no scenario or case is called `missing.yaml`")]
#[case::mapping(&["serve", "--listen", "127.0.0.1:0", "--mapping", "missing"], "no mapping is called `missing`")]
fn a_missing_file_is_told_by_name_with_advice(#[case] arguments: &[&str], #[case] message: &str) {
    let place = Place::new();
    let ran = place.run(arguments).exits(2);
    assert!(ran.err.starts_with(&format!("error: {message}")), "{}", ran.err);
    assert!(ran.err.contains("\nhint: "), "{}", ran.err);
}

#[rstest]
#[case::a_beginning("once/sil", "once/silence")]
#[case::the_beginning_of_a_part("silen", "once/silence")]
fn a_name_that_was_not_written_out_is_completed(#[case] name: &str, #[case] meant: &str) {
    let ran = Place::new().run(&["run", name]).exits(2);
    assert!(ran.err.contains(&format!("hint: did you mean `{meant}`?")), "{}", ran.err);
}

#[test]
fn one_mistake_among_many_scenarios_stops_them_all() {
    let place = Place::with_scenario("title: A sound case\nexams: [john-doe]\n");
    place.write("scenarios/z/last.yaml", "title: A case\nexamz: []\n");
    place.write("sender.yaml", sender_file(&place));
    let ran = run_marked(&place, &["run", "--sender", "sender.yaml"]);
    tells(&ran, "scenarios/z/last.yaml:2:1", "unknown key `examz`", "`exams`");
}
