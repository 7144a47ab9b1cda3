//! Scenario files to plans: every default, every axis, and every mistake as its author sees it.

mod names;
mod needs;
mod shape;
mod tls;

use std::path::Path;
use std::time::Duration;

use quickcheck::quickcheck;
use rstest::rstest;

use crate::history::{Micros, Raw};
use crate::mapping::{shipped, shipped_names};
use crate::plan::fault::Answer;
use crate::plan::{
    AttemptMode, Charged, Fault, MessageKind, Parameters, Plan, Play, ProcessFault, Step, StopBy,
    WireEvent,
};
use crate::planning::{Choices, Library, expand};
use crate::scenario::{Scenario, SenderFile};
use crate::yaml::{Diagnostic, Source};

/// The exams and mappings that are shipped.
struct Shelf;

impl Library for Shelf {
    fn mapping(&self, name: &str) -> Option<Source> {
        shipped(name)
    }

    fn exam(&self, name: &str) -> Option<Source> {
        let path = format!("scenarios/exams/{name}.yaml");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path);
        std::fs::read_to_string(file).ok().map(|text| Source::new(path, text))
    }

    fn snapshot(&self, name: &str) -> Option<String> {
        (name == "once/case/john-doe").then(|| "approved".to_owned())
    }

    fn mappings(&self) -> Vec<String> {
        shipped_names()
    }

    fn exams(&self) -> Vec<String> {
        ["john-doe", "mary-major", "richard-roe"].map(str::to_owned).to_vec()
    }
}

fn sender() -> SenderFile {
    let text = include_str!("../../../senders/reference.yaml");
    let mut sender = SenderFile::read(&Source::new("senders/reference.yaml", text)).unwrap();
    // Its patience is a choice of its own; here it is what the figures below are computed from.
    sender.limits.ack_timeout = Duration::from_millis(300);
    sender.limits.longest_retry = Duration::from_millis(200);
    sender
}

fn plans_for(text: &str, sender: &SenderFile, choices: &Choices) -> Result<Vec<Plan>, Diagnostic> {
    let scenario = Scenario::read(&Source::new("once/case.yaml", text))?;
    expand(&scenario, "once/case", &Shelf, sender, choices)
}

fn plans(text: &str) -> Result<Vec<Plan>, Diagnostic> {
    plans_for(text, &sender(), &Choices { seed: 7, ..Choices::default() })
}

fn plan(text: &str) -> Plan {
    plans(text).unwrap().remove(0)
}

fn mistake(text: &str) -> String {
    plans(text).unwrap_err().to_string()
}

const SHORT: &str = "title: T\nexams: [john-doe]\n";

const fn millis(number: u64) -> Micros {
    Micros(number * 1_000)
}

fn submit(name: &str) -> Step {
    Step::Submit(name.to_owned())
}

fn wait_for(name: &str) -> Step {
    Step::Await(name.to_owned())
}

#[test]
fn what_an_author_leaves_out_is_decided() {
    let plan = plan(SHORT);
    assert_eq!(plan.id, "once/case");
    assert_eq!(plan.seed, 7);
    assert_eq!(plan.mapping.name, "iris/option-1");
    assert!(plan.results.is_none());
    assert_eq!(plan.endpoints, ["emr"]);
    assert!(plan.script.is_empty());
    let exams: Vec<&str> = plan.exams.keys().map(String::as_str).collect();
    assert_eq!(exams, ["john-doe", "probe-1", "probe-2", "probe-3"]);
    assert_eq!(plan.expect.probes, ["probe-1", "probe-2", "probe-3"]);
    assert!(plan.expect.charges.values().all(|charged| *charged == Charged::Once));
    assert_eq!(plan.expect.charges.len(), 4);
    assert_eq!(plan.expect.attempts, AttemptMode::Strict);
    assert!(plan.expect.snapshots.is_empty());
    assert_eq!(plan.sender.name, "reference");
    assert_eq!(plan.sender.stop, StopBy::Terminate);
}

#[test]
fn default_steps_probe_before_and_after_and_in_a_second_life() {
    let expected = [
        Step::Start,
        submit("probe-1"),
        wait_for("probe-1"),
        submit("john-doe"),
        wait_for("john-doe"),
        submit("probe-2"),
        wait_for("probe-2"),
        Step::Settle,
        Step::Stop,
        Step::Start,
        submit("probe-3"),
        wait_for("probe-3"),
        Step::Settle,
        Step::Account,
        Step::Stop,
    ];
    assert_eq!(plan(SHORT).steps, expected);
}

#[test]
fn limits_follow_from_the_sender_s_own() {
    // ack_timeout 300 ms, longest_retry 200 ms: settle 2 x 300; patience 4 x 300 + 4 x 200 + 2000.
    let limits = plan(SHORT).limits;
    assert_eq!(limits.ack_timeout, millis(300));
    assert_eq!(limits.longest_retry, millis(200));
    assert_eq!(limits.settle, millis(600));
    assert_eq!(limits.patience, millis(4_000));
    assert_eq!(limits.stop, millis(2_000));
    assert_eq!((limits.message_bytes, limits.connections), (1 << 20, 4_096));
    assert_eq!((limits.messages, limits.recorded_bytes), (5_000, 64 << 20));
}

#[test]
fn the_longer_of_timeout_and_retry_decides_how_long_to_settle() {
    let mut sender = sender();
    sender.limits.longest_retry = Duration::from_secs(5);
    let plans = plans_for(SHORT, &sender, &Choices::default()).unwrap();
    assert_eq!(plans[0].limits.settle, millis(10_000));
}

#[test]
fn a_sender_that_tries_again_after_an_hour_is_not_waited_for_by_default() {
    let mut sender = sender();
    sender.limits.longest_retry = Duration::from_secs(3600);
    let text = format!("{SHORT}emr:\n  - on: {{}}\n    reply: connection/refused\n");
    let limits = |watch_for| {
        let choices = Choices { watch_for, ..Choices::default() };
        plans_for(&text, &sender, &choices).unwrap().remove(0).limits
    };
    let bounded = limits(None);
    assert_eq!(bounded.longest_retry, millis(3_600_000));
    assert_eq!(bounded.settle, millis(60_000));
    assert!(bounded.patience <= millis(180_000), "{:?}", bounded.patience);
    assert_eq!(limits(Some(Duration::from_secs(7200))).settle, millis(7_200_000));
    // Twice as long as it may take is enough, whatever is allowed.
    assert_eq!(limits(Some(Duration::from_secs(99_999))).settle, millis(7_200_000));
}

#[test]
fn a_fault_that_takes_longer_than_the_patience_extends_it() {
    let text = format!("{SHORT}emr:\n  - on: {{}}\n    reply: {{ late: {{ after: 10s }} }}\n");
    assert!(plan(&text).limits.patience > millis(10_000));
}

fn played(reply: &str) -> Vec<Play> {
    let text = format!("{SHORT}emr:\n  - on: {{ exam: john-doe }}\n    reply: {reply}\n");
    plan(&text).script.remove(0).play
}

fn parameters_of(reply: &str) -> Parameters {
    let Play::Fault { with, .. } = played(reply).remove(0) else { panic!("{reply} is no fault") };
    with
}

#[rstest]
#[case::late("late", Some(600))]
#[case::slow("slow", Some(270))]
#[case::commit_then_accept("commit-then-accept", Some(150))]
#[case::error_then_accept("error-then-accept", Some(150))]
#[case::drip("frame/drip", Some(150))]
#[case::pause_inside("frame/pause-inside", Some(75))]
#[case::refused("connection/refused", Some(400))]
#[case::no_time_to_decide("reject", None)]
#[case::what_the_author_says("{ late: { after: 900ms } }", Some(900))]
fn delay_of_a_fault(#[case] reply: &str, #[case] expected: Option<u64>) {
    let with = parameters_of(reply);
    assert_eq!(with.after, expected.map(millis));
}

#[rstest]
#[case::by_default("connection/reset-after-bytes", 600)]
#[case::what_the_author_says("{ connection/reset-after-bytes: { bytes: 1 } }", 1)]
fn bytes_before_a_reset(#[case] reply: &str, #[case] expected: u64) {
    let with = parameters_of(reply);
    assert_eq!(with.bytes, Some(expected));
}

#[test]
fn a_reply_can_be_a_list_of_pauses_bytes_and_answers() {
    let play = played("[{ wait: 50ms }, { raw: '<VT>A<FS><CR>' }, answer/accept]");
    assert_eq!(play[0], Play::Wait(millis(50)));
    assert_eq!(play[1], Play::Raw(Raw::from(&b"\x0bA\x1c\r"[..])));
    assert!(matches!(play[2], Play::Fault { fault: Fault::Answer(Answer::Accept), .. }));
}

#[test]
fn an_entry_of_the_script_keeps_everything_it_says() {
    let text = "title: T\nexams: [john-doe]\nendpoints: [a, b]\nemr:\n  - on: { exam: probe-2, attempt: 1, message: 2, connection: 3, endpoint: b, kind: result }\n    reply: none\n    times: 4\n    optional: true\n";
    let plan = plan(text);
    let behaviour = &plan.script[0];
    assert_eq!(behaviour.on.exam.as_deref(), Some("probe-2"));
    assert_eq!((behaviour.on.attempt, behaviour.on.message), (Some(1), Some(2)));
    assert_eq!((behaviour.on.connection, behaviour.on.endpoint.as_deref()), (Some(3), Some("b")));
    assert_eq!(behaviour.on.kind, Some(MessageKind::Result));
    assert_eq!(behaviour.times, Some(4));
    assert_eq!(plan.expect.optional_behaviours, [0]);
    assert_eq!(plan.endpoints, ["a", "b"]);
}

#[test]
fn written_steps_replace_the_default_ones() {
    let text = format!(
        "{SHORT}steps: [start, probe, submit: john-doe, kill: {{ bytes: 300 }}, start, await: john-doe, restart, heal, settle, account, probe, stop]\n"
    );
    let plan = plan(&text);
    let expected = [
        Step::Start,
        submit("probe-1"),
        wait_for("probe-1"),
        submit("john-doe"),
        Step::Kill(WireEvent::Bytes(300)),
        Step::Start,
        wait_for("john-doe"),
        Step::Stop,
        Step::Start,
        Step::Heal,
        Step::Settle,
        Step::Account,
        submit("probe-2"),
        wait_for("probe-2"),
        Step::Stop,
    ];
    assert_eq!(plan.steps, expected);
    assert_eq!(plan.expect.probes, ["probe-1", "probe-2"]);
}

#[rstest]
#[case::a_word("accepted", WireEvent::Accepted)]
#[case::at("{ at: first-byte }", WireEvent::FirstByte)]
#[case::inside_ft1("{ at: inside-ft1 }", WireEvent::InsideFt1)]
#[case::end("{ at: end-of-message }", WireEvent::EndOfMessage)]
#[case::before("{ at: before-reply }", WireEvent::BeforeReply)]
#[case::sent("{ at: reply-sent }", WireEvent::ReplySent)]
#[case::bytes("{ bytes: 300 }", WireEvent::Bytes(300))]
#[case::reply_bytes("{ reply-bytes: 10 }", WireEvent::ReplyBytes(10))]
#[case::both("{ at: { reply-bytes: 10 } }", WireEvent::ReplyBytes(10))]
fn when_to_kill(#[case] written: &str, #[case] expected: WireEvent) {
    let text = format!("{SHORT}steps: [start, submit: john-doe, kill: {written}]\n");
    assert_eq!(plan(&text).steps[2], Step::Kill(expected));
}

/// The sender of these tests waits for the time that stands in `sender`.
#[rstest]
#[case::kill("kill: { at: end-of-message, after: 50ms }", ProcessFault::Kill, 50)]
#[case::before("kill: { at: end-of-message, after: before-timeout }", ProcessFault::Kill, 9)]
#[case::at("kill: { at: end-of-message, after: at-timeout }", ProcessFault::Kill, 10)]
#[case::past("kill: { at: end-of-message, after: past-timeout }", ProcessFault::Kill, 11)]
#[case::terminate("terminate: end-of-message", ProcessFault::Terminate, 0)]
#[case::pause("pause: { at: end-of-message, for: 3s }", ProcessFault::Pause(Micros(3_000_000)), 0)]
#[case::jump(
    "jump: { at: end-of-message, by: 25h }",
    ProcessFault::Jump(Micros(90_000_000_000)),
    0
)]
fn what_is_done_to_the_sender_and_when(
    #[case] written: &str,
    #[case] fault: ProcessFault,
    #[case] after: u64,
) {
    let plan = plan(&format!("{SHORT}steps: [start, submit: john-doe, {written}]\n"));
    let Step::Fault { fault: found, at, after: found_after } = plan.steps[2] else {
        panic!("{:?}", plan.steps[2])
    };
    assert_eq!((found, at), (fault, WireEvent::EndOfMessage));
    let tenth = plan.limits.ack_timeout.0 / 10;
    let expected = if after == 50 { 50_000 } else { after * tenth };
    assert_eq!(found_after.0, expected);
}

#[test]
fn a_pause_without_a_length_is_longer_than_the_sender_waits_and_a_jump_needs_no_moment() {
    let plan = plan(&format!(
        "{SHORT}steps: [start, submit: john-doe, pause: {{ at: before-reply }}, jump: {{ by: 2h }}]\n"
    ));
    let length = Micros(plan.limits.ack_timeout.0 * 2);
    let [.., Step::Fault { fault: pause, .. }, Step::Fault { fault: jump, at, .. }] =
        plan.steps[..]
    else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!(pause, ProcessFault::Pause(length));
    assert_eq!((jump, at), (ProcessFault::Jump(Micros(7_200_000_000)), WireEvent::AtOnce));
}

#[test]
fn a_storm_asks_and_kills_in_turn_and_a_second_instance_starts_and_stops() {
    let plan = plan(&format!(
        "{SHORT}steps: [start, submit: john-doe, storm: 3, start-second, settle, stop-second]\n"
    ));
    let expected = [
        Step::Stop,
        Step::Start,
        Step::Kill(WireEvent::AtOnce),
        Step::Start,
        Step::Stop,
        Step::Start,
        Step::StartSecond,
        Step::Settle,
        Step::StopSecond,
    ];
    assert_eq!(plan.steps[2..], expected);
}

#[rstest]
#[case("pause: { for: 1s }", "no wire event is named")]
#[case("kill: { after: 1s }", "no wire event is named")]
#[case("kill: { at: accepted, bytes: 3 }", "two wire events are named")]
#[case("stop-second", "no second instance is running here")]
#[case("jump: { at: accepted }", "by")]
#[case("storm: 1", "storm")]
#[case("storm: 4000000000", "restarts are too many")]
fn what_makes_no_sense_is_a_mistake(#[case] written: &str, #[case] says: &str) {
    let text = mistake(&format!("{SHORT}steps: [start, submit: john-doe, {written}]\n"));
    assert!(text.contains(says), "{text}");
}

#[test]
fn a_range_is_every_value_from_one_end_to_the_other() {
    let case = |range: &str| {
        format!(
            "{SHORT}axes: {{ at: {range} }}\nsteps: [start, submit: john-doe, kill: {{ bytes: $at }}]\n"
        )
    };
    let kills = |range: &str| -> Vec<Step> {
        plans(&case(range)).unwrap().into_iter().map(|plan| plan.steps[2].clone()).collect()
    };
    let bytes = |counts: &[u64]| -> Vec<Step> {
        counts.iter().map(|&count| Step::Kill(WireEvent::Bytes(count))).collect()
    };
    assert_eq!(kills("{ from: 64, to: 256, step: 64 }"), bytes(&[64, 128, 192, 256]));
    assert_eq!(kills("{ from: 1, to: 6, step: 4 }"), bytes(&[1, 5]));
    for wrong in
        ["{ from: 2, to: 1, step: 1 }", "{ from: 0, to: 9, step: 0 }", "{ from: 1, to: 2 }"]
    {
        mistake(&case(wrong));
    }
    assert!(mistake(&case("{ from: 0, to: 4000000000, step: 1 }")).contains("too many"));
}

#[test]
fn several_axes_make_their_product_in_the_order_written() {
    let text = "title: T\nmapping: $mapping\nexams: [john-doe]\naxes:\n  reply: [reject, { late: { after: 1s } }]\n  mapping: [iris/option-1, iris/option-2]\nemr:\n  - on: { exam: john-doe }\n    reply: $reply\n";
    let plans = plans(text).unwrap();
    let ids: Vec<&str> = plans.iter().map(|plan| plan.id.as_str()).collect();
    let expected = [
        "once/case[reply=reject,mapping=iris/option-1]",
        "once/case[reply=reject,mapping=iris/option-2]",
        "once/case[reply=late:after:1s,mapping=iris/option-1]",
        "once/case[reply=late:after:1s,mapping=iris/option-2]",
    ];
    assert_eq!(ids, expected);
    assert_eq!(plans[3].mapping.name, "iris/option-2");
    assert!(matches!(
        plans[3].script[0].play[0],
        Play::Fault { fault: Fault::Answer(Answer::Late), .. }
    ));
}

#[test]
fn an_axis_can_stand_inside_a_text_and_in_a_key() {
    let text = "title: $$5 for ${exam}\nmapping: iris/option-$number\nexams: [$exam]\naxes: { number: [1, 2], exam: [john-doe] }\nexpect: { charges: { $exam: at-most-once } }\n";
    let plans = plans(text).unwrap();
    assert_eq!(plans[1].title, "$5 for john-doe");
    assert_eq!(plans[1].mapping.name, "iris/option-2");
    assert_eq!(plans[1].expect.charges["john-doe"], Charged::AtMostOnce);
}

#[test]
fn a_snapshot_is_asked_for_each_charged_exam_and_no_probe() {
    let plan = plan(
        "title: T\nexams: [john-doe, mary-major, richard-roe]\nexpect: { snapshot: true, charges: { mary-major: never } }\n",
    );
    let names: Vec<(&str, Option<&str>)> = plan
        .expect
        .snapshots
        .iter()
        .map(|(name, snapshot)| (name.as_str(), snapshot.approved.as_deref()))
        .collect();
    let expected = [("once/case/john-doe", Some("approved")), ("once/case/richard-roe", None)];
    assert_eq!(names, expected);
}

#[test]
fn the_name_of_a_snapshot_is_a_path_that_every_file_system_takes() {
    let text = "title: T\nexams: [john-doe]\naxes: { reply: [match/other], text: [AA] }\nemr: [{ on: {}, reply: { $reply: { text: $text } } }]\nexpect: { snapshot: true }\n";
    let names: Vec<String> = plan(text).expect.snapshots.into_keys().collect();
    assert_eq!(names, ["once/case@reply-match-other+text-AA/john-doe"]);
}

#[test]
fn a_copy_says_only_what_differs() {
    let plan = plan(
        "title: T\nexams:\n  - john-doe\n  - twin: { like: john-doe, order: { number: \"2\" }, procedure: ~ }\n  - third: { like: twin, order: { number: \"3\" } }\n",
    );
    let (original, twin) = (&plan.exams["john-doe"], &plan.exams["twin"]);
    assert_eq!(twin.order.number, "2");
    assert_eq!(twin.order.emr_number, original.order.emr_number);
    assert_eq!(twin.patient, original.patient);
    assert!(twin.procedure.is_none() && original.procedure.is_some());
    assert!(plan.exams["third"].procedure.is_none());
}

#[test]
fn two_exams_share_an_order_number_only_where_the_author_says_so() {
    let text = "title: T\nexams:\n  - john-doe\n  - again: { like: john-doe, same_order: true }\n";
    let plan = plan(text);
    assert_eq!(plan.exams["again"], plan.exams["john-doe"]);
}

#[test]
fn every_probe_is_an_order_and_a_patient_of_its_own() {
    let plan = plan(SHORT);
    let (first, second) = (&plan.exams["probe-1"], &plan.exams["probe-2"]);
    assert_ne!(first.order.number, second.order.number);
    assert_ne!(first.patient.mrn, second.patient.mrn);
    assert_ne!(first.order.number, plan.exams["john-doe"].order.number);
}

#[rstest]
#[case::the_sender_file_decides("", AttemptMode::Frame)]
#[case::the_scenario_decides_over_it("expect: { attempts: strict }\n", AttemptMode::Strict)]
fn when_an_attempt_counts(#[case] more: &str, #[case] expected: AttemptMode) {
    let text =
        "name: S\nstart: [s]\nattempts: frame\nlimits: { ack_timeout: 1s, longest_retry: 1s }\n";
    let sender = SenderFile::read(&Source::new("s.yaml", text)).unwrap();
    let plans = plans_for(&format!("{SHORT}{more}"), &sender, &Choices::default()).unwrap();
    assert_eq!(plans[0].expect.attempts, expected);
}

#[test]
fn a_chosen_bug_and_variant_are_handed_to_the_sender() {
    let choices = Choices {
        show_output: false,
        watch_for: None,
        seed: 1,
        bug: Some("resend-on-reject".to_owned()),
        variant: Some("slow-start".to_owned()),
        ..Choices::default()
    };
    let plan = plans_for(SHORT, &sender(), &choices).unwrap().remove(0);
    let end = &plan.sender.start[plan.sender.start.len() - 4..];
    assert_eq!(end, ["--bug", "resend-on-reject", "--variant", "slow-start"]);
    assert_eq!(plan.sender.bug, choices.bug);
    assert_eq!(plan.sender.variant, choices.variant);
}

#[test]
fn every_shipped_scenario_makes_plans_that_survive_being_stored() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut plans_seen = 0;
    for (path, text) in crate::scenario::shipped_for_tests(&root) {
        let plans = plans(&text).unwrap_or_else(|mistake| panic!("{path}\n{mistake}"));
        for plan in plans {
            let stored = serde_json::to_string(&plan).unwrap();
            let read: Plan = serde_json::from_str(&stored).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), stored, "{}", plan.id);
            plans_seen += 1;
        }
    }
    assert!(plans_seen >= 100, "only {plans_seen} plans: are the scenarios there?");
}

const RICH: &str = "title: T\nmapping: iris/option-$n\nexams:\n  - john-doe\n  - twin: { like: john-doe, order: { number: \"2\" } }\nendpoints: [emr]\naxes: { n: [1, 2], r: [late, { raw: '<VT>x<FS><CR>' }] }\nemr:\n  - on: { exam: twin, attempt: 1 }\n    reply: [$r, { wait: 5ms }]\nsteps: [start, probe, submit: [john-doe, twin], kill: { bytes: 3 }, start, settle, stop]\nexpect: { charges: { twin: at-most-once }, snapshot: true }\n";

#[test]
fn a_scenario_that_uses_everything_is_read() {
    assert_eq!(plans(RICH).unwrap().len(), 4);
}

quickcheck! {
    fn a_broken_scenario_is_a_mistake_and_never_a_panic(cut: usize, length: usize, by: String) -> bool {
        let mut letters: Vec<char> = RICH.chars().collect();
        let start = cut % letters.len();
        let end = (start + length % 12).min(letters.len());
        letters.splice(start..end, by.chars());
        match plans(&letters.into_iter().collect::<String>()) {
            Ok(plans) => !plans.is_empty(),
            Err(mistake) => mistake.place().0 > 0,
        }
    }
}
