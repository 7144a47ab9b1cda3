//! The message is as agreed: by the mapping, or by an approved snapshot.

use jiff::civil::date;
use rstest::rstest;

use crate::check::evidence::timestamp::Stamps;
use crate::check::tests::fixture::{Case, broken, changed, exam, mapping};
use crate::history::{Outcome, What};
use crate::mapping::{Stamp, sample, shipped_names};
use crate::plan::{Charged, Snapshot};
use crate::verdict::{Circumstance, Exit, Rule, Weight};

/// john-doe's message is sent with `from` replaced, and accepted.
fn drifted(from: &str, to: &str) -> Case {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = changed(&case.message("john-doe"), from, to);
    let answered = case.send(1, &message);
    case.answer(1, answered, "AA", &message);
    case.ended(1, Outcome::Delivered)
}

#[rstest]
#[case::missing_modifier("|TC\r", "\r", "FT1[2]-26")]
#[case::signed_for_captured(
    "FT1|2||273013|20170410145803",
    "FT1|2||273013|20170410145901",
    "FT1[2]-4"
)]
#[case::account("|POC01|", "|POC02|", "PV1-3")]
#[case::other_time("EVN|P03|20170410151302", "EVN|P03|20170410151309", "EVN-2")]
#[case::no_time("EVN|P03|20170410151302", "EVN|P03|soon", "EVN-2")]
#[case::ssn("|A273013\r", "|A273013|123456789\r", "PID-19")]
fn a_difference_is_told_by_field(#[case] from: &str, #[case] to: &str, #[case] path: &str) {
    let judgement = drifted(from, to).judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
    assert_eq!(judgement.findings[0].circumstance.to_string(), path);
}

/// Who asks the clock anew for each field may do so when a second has just ended.
#[test]
fn stamps_may_be_as_far_apart_as_the_mapping_says() {
    let later = |seconds: &str| {
        drifted("EVN|P03|20170410151302", &format!("EVN|P03|201704101513{seconds}"))
    };
    assert_eq!(later("03").judge().findings, []);
    assert_eq!(broken(&later("04").judge()), ["snapshot"]);
    let mut agreed = later("04");
    let text = "mapping: m\nextends: iris/option-2\nstamps_within: 2s\n";
    agreed.plan.mapping = sample::mapping(text).into();
    assert_eq!(agreed.judge().findings, []);
}

/// The value itself is named, and not those that it should equal.
#[test]
fn a_time_in_another_form_is_told_and_not_its_echoes() {
    let judgement = drifted("|20170410151302||DFT", "|20170410151302-0500||DFT").judge();
    let told = judgement.findings.iter().find(|finding| finding.rule == Rule::Snapshot).unwrap();
    assert_eq!(told.circumstance.to_string(), "MSH-7");
    assert!(told.message.ends_with("MSH-7: expected `[time 1]`, got `20170410151302-0500`"));
    let judgement = drifted("|20170410151302||DFT", "|20170410150302||DFT").judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
    assert_eq!(judgement.findings[0].circumstance.to_string(), "MSH-7");
    assert!(judgement.findings[0].message.ends_with("got `20170410150302`"));
}

#[test]
fn delimiters_at_the_ends_of_segments_are_told_as_that() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = String::from_utf8(case.message("john-doe")).unwrap();
    let message = message.replace('\r', "|||\r").into_bytes();
    let answered = case.send(1, &message);
    case.answer(1, answered, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
    let [told] = judgement.findings.as_slice() else { panic!("one finding is enough") };
    assert_eq!(told.circumstance, Circumstance::TrailingDelimiters);
    assert!(told.message.contains("differs in trailing delimiters alone: the end of MSH[1]"));
    let ends = &told.proof.as_ref().unwrap().differences;
    assert!(ends.iter().all(|end| end.expected.is_empty() && end.found == "|||"), "{ends:?}");
}

/// john-doe's charge is accepted; then an operator wants it once more, and it comes with `from`
/// replaced.
fn wanted_again(from: &str, to: &str) -> Case {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.watch();
    case.push(What::ResendAsked { exam: "john-doe".to_owned(), incarnation: 1 });
    let message = changed(&case.message("john-doe"), from, to);
    let answered = case.send(1, &message);
    case.answer(1, answered, "AA", &message);
    case.ended(1, Outcome::Delivered)
}

#[test]
fn what_an_operator_wanted_again_is_compared_too() {
    assert_eq!(wanted_again("|CG|", "|CG|").judge().findings, []);
    let judgement = wanted_again("|M273013|1|", "|M273013|2|").judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
    assert_eq!(judgement.findings[0].circumstance.to_string(), "FT1[1]-10");
}

/// john-doe, and a correction of it under the same order, which is handed over at the end.
fn corrected() -> Case {
    let mut case = Case::begun();
    let mut exams = (*case.plan.exams).clone();
    let mut correction = exam("273013");
    correction.patient.account = "A9".to_owned();
    exams.insert("corrected".to_owned(), correction.into());
    case.plan.exams = exams.into();
    case.plan.made = Default::default();
    case.plan.expect.charges.insert("corrected".to_owned(), Charged::Once);
    case
}

#[test]
fn a_message_is_compared_with_the_exams_that_had_been_handed_over_by_then() {
    for (handed_over, sent, as_agreed) in [
        (&["john-doe"][..], "john-doe", true),
        (&["john-doe"], "corrected", false),
        (&["corrected"], "corrected", true),
        (&["john-doe", "corrected"], "john-doe", true),
        (&["john-doe", "corrected"], "corrected", true),
    ] {
        let mut case = corrected();
        handed_over.iter().for_each(|exam| case.submit(exam));
        let message = case.message(sent);
        let answered = case.send(1, &message);
        case.answer(1, answered, "AA", &message);
        case.submit("corrected");
        let judgement = case.ended(1, Outcome::Delivered).judge();
        let expected: &[&str] = if as_agreed { &[] } else { &["snapshot"] };
        assert_eq!(broken(&judgement), expected, "{sent} after {handed_over:?}");
    }
}

#[test]
fn a_real_patients_value_is_masked() {
    let judgement = drifted("|A273013\r", "|A273013|123456789\r").judge();
    let message = &judgement.findings[0].message;
    assert!(message.contains("PID-19: expected nothing, got `•••(9)`"), "{message}");
    assert!(!serde_json::to_string(&judgement).unwrap().contains("123456789"));
}

#[test]
fn the_order_of_segments_is_told_by_line() {
    let judgement = drifted("EVN|P03|20170410151302\r", "").judge();
    assert_eq!(judgement.findings[0].circumstance.to_string(), "EVN");
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let text = String::from_utf8(message).unwrap();
    let mut segments: Vec<&str> = text.split_inclusive('\r').collect();
    segments.swap(1, 2);
    let swapped = segments.concat().into_bytes();
    let to = case.send(1, &swapped);
    case.answer(1, to, "AA", &swapped);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
    assert!(judgement.findings[0].circumstance.to_string().starts_with("line "));
}

fn with_snapshot(approved: Option<&str>) -> Case {
    let mut case = Case::healthy();
    let snapshot = Snapshot { exam: "john-doe".to_owned(), approved: approved.map(str::to_owned) };
    case.plan.expect.snapshots.insert("once/case/john-doe".to_owned(), snapshot);
    case
}

#[test]
fn a_snapshot_that_nobody_approved_is_pending_and_passes_once_approved() {
    let pending = with_snapshot(None).judge();
    assert_eq!(pending.exit(), Exit::Pending);
    let [seen] = pending.snapshots.as_slice() else { panic!("one snapshot was asked for") };
    assert!(!seen.approved);
    let lines: Vec<&str> = seen.text.lines().collect();
    assert!(lines[0].starts_with("<VT>MSH|^~\\&|IRIS|IRIS|"), "{}", lines[0]);
    assert!(lines[0].contains("|[time 1]||DFT^P03|[control id 1]|"), "{}", lines[0]);
    assert_eq!(lines[1], "EVN|P03|[time 1]<CR>");
    assert_eq!(*lines.last().unwrap(), "<FS><CR>");
    let approved = with_snapshot(Some(&format!("{}\n", seen.text))).judge();
    assert_eq!(approved.findings, []);
    assert!(approved.snapshots[0].approved);
}

#[test]
fn an_approved_snapshot_is_what_counts() {
    let text = with_snapshot(None).judge().snapshots[0].text.clone();
    let other = text.replace("|TC<CR>", "|TC~52<CR>");
    let judgement = with_snapshot(Some(&other)).judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
    assert_eq!(judgement.findings[0].weight, Weight::Broken);
    let message = &judgement.findings[0].message;
    assert!(message.contains("FT1[2]-26: expected `TC~52`, got `TC`"), "{message}");
}

/// What is byte for byte as the mapping makes it is not compared any further.
#[test]
fn what_a_mapping_makes_at_any_time_is_the_same_without_its_volatile_values() {
    for name in shipped_names() {
        let mapping = mapping(&name);
        let exam = exam("273013");
        let times = [exam.grading.signed, exam.images[0].captured, date(2031, 1, 1).at(0, 0, 0, 0)];
        let made = ["1", "170410151351", "20170410151351"].into_iter().flat_map(|id| {
            times.map(|now| mapping.message(&exam, &Stamp { now, control_id: id.to_owned() }))
        });
        let stamps = Stamps::of(&mapping, &exam);
        let mut plain: Vec<Vec<u8>> = made.map(|one| stamps.normalise(&one, None)).collect();
        plain.dedup();
        assert_eq!(plain.len(), 1, "{name}");
    }
}
