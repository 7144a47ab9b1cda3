//! What a hostile sender may try so that a second charge is not seen, and what a history may lack.

use std::sync::Arc;

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, changed, exam, inconclusive, mapping};
use crate::history::AnomalyKind;
use crate::history::{Outcome, Piece};
use crate::plan::{Charged, Step};
use crate::verdict::{Circumstance, Exit, Rule, Verdict};

/// A healthy case in which john-doe's charge comes once more as `change` makes it, in a frame.
fn again(change: impl Fn(&[u8]) -> Vec<u8>) -> Case {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    let second = case.message("john-doe");
    case.send(1, &change(&second));
    case.ended(1, Outcome::Delivered)
}

/// The same, but outside any frame.
fn stray(change: impl Fn(&[u8]) -> Vec<u8>) -> Case {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    let second = case.message("john-doe");
    case.receive(1, Piece::Stray, &change(&second), &[AnomalyKind::StrayBytes]);
    case.ended(1, Outcome::Delivered)
}

fn utf16(message: &[u8]) -> Vec<u8> {
    message.iter().flat_map(|&byte| [0, byte]).collect()
}

fn with(before: &str, message: &[u8], after: &str) -> Vec<u8> {
    [before.as_bytes(), message, after.as_bytes()].concat()
}

fn other_delimiters(message: &[u8]) -> Vec<u8> {
    let other = |byte: &u8| match byte {
        b'|' => b'#',
        b'^' => b'!',
        other => *other,
    };
    message.iter().map(other).collect()
}

#[rstest]
#[case::batch(|m: &[u8]| with("FHS|^~\\&|IRIS\rBHS|^~\\&|IRIS\r", m, "BTS|1\rFTS|1\r"))]
#[case::blank_before_the_header(|m: &[u8]| with(" ", m, ""))]
#[case::byte_order_mark(|m: &[u8]| with("\u{feff}", m, ""))]
#[case::other_delimiters(other_delimiters)]
#[case::padded_order(|m: &[u8]| changed(m, "|273013|", "| 273013 |"))]
#[case::component_after_the_order(|m: &[u8]| changed(m, "|273013|", "|273013^|"))]
#[case::escaped_order(|m: &[u8]| changed(m, "|273013|", "|\\X32\\73013|"))]
#[case::detail_event(|m: &[u8]| changed(m, "DFT^P03", "DFT^P11"))]
#[case::in_a_result(|m: &[u8]| changed(m, "DFT^P03", "ORU^R01"))]
#[case::line_feeds(|m: &[u8]| m.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect())]
#[case::utf16(utf16)]
#[case::blank_and_other_delimiters(|m: &[u8]| with(" ", &other_delimiters(m), ""))]
#[case::order_in_zeros(|m: &[u8]| changed(m, "|273013|", "|0273013|"))]
fn a_charge_again_in_disguise_is_sent_twice(#[case] change: fn(&[u8]) -> Vec<u8>) {
    assert_eq!(again(change).judge().exit(), Exit::SentTwice);
}

#[rstest]
#[case::as_it_is(|m: &[u8]| m.to_vec())]
#[case::after_other_bytes(|m: &[u8]| with("PING\r", m, ""))]
#[case::after_a_nul(|m: &[u8]| with("\0", m, ""))]
#[case::batch(|m: &[u8]| with("FHS|^~\\&|IRIS\rBHS|^~\\&|IRIS\r", m, "BTS|1\rFTS|1\r"))]
#[case::without_header(|m: &[u8]| m[m.windows(3).position(|w| w == b"PID").unwrap()..].to_vec())]
fn a_charge_again_outside_any_frame_is_sent_twice(#[case] change: fn(&[u8]) -> Vec<u8>) {
    assert_eq!(stray(change).judge().exit(), Exit::SentTwice);
}

#[test]
fn a_message_that_cannot_be_read_proves_nothing() {
    let no_type =
        |m: &[u8]| changed(m, "DFT^P03", "").split(|&b| b == b'F').next().unwrap().to_vec();
    let judgement = again(no_type).judge();
    let found = inconclusive(&judgement);
    assert!(found.contains(&(Rule::OncePerOrder, Circumstance::NamesAnExam)), "{found:?}");
    assert_ne!(judgement.verdict(), Verdict::Pass);
}

#[test]
fn a_sender_that_keeps_its_connection_alive_is_not_suspected() {
    let judgement = again(|_| Vec::new()).judge();
    assert_eq!(inconclusive(&judgement), []);
}

#[test]
fn a_control_character_in_a_frame_is_told() {
    let case = again(utf16);
    assert!(broken(&case.judge()).contains(&"wire/framing"));
}

#[test]
fn an_empty_segment_is_told() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = changed(&case.message("john-doe"), "\rPV1", "\r\rPV1");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["wire/segments"]);
}

#[test]
fn any_event_taken_out_of_a_history_is_missed() {
    let whole = Case::healthy();
    assert_eq!(whole.judge().verdict(), Verdict::Pass);
    for index in 0..whole.events.len() {
        let mut case = whole.clone();
        let event = case.events.remove(index);
        assert_ne!(case.judge().verdict(), Verdict::Pass, "{:?} is not missed", event.what);
    }
}

#[test]
fn a_second_charge_that_was_cut_out_and_renumbered_leaves_a_gap_in_its_connection() {
    let mut case = Case::healthy();
    let pieces = |case: &Case| {
        let pieces = case.events.iter().enumerate();
        let pieces =
            pieces.filter(|(_, event)| matches!(event.what, crate::history::What::Received { .. }));
        pieces.map(|(index, _)| index).collect::<Vec<usize>>()
    };
    let first = pieces(&case)[0];
    case.events.remove(first);
    for (event, seq) in case.events.iter_mut().zip(1..) {
        event.seq = seq;
    }
    let judged = case.judge();
    assert_ne!(judged.verdict(), Verdict::Pass);
    assert!(
        judged.findings.iter().any(|finding| finding.circumstance == Circumstance::HistoryCut),
        "{:?}",
        judged.findings
    );
}

#[rstest]
#[case::never(Charged::Never)]
#[case::at_most_once(Charged::AtMostOnce)]
fn without_a_byte_of_any_charge_nothing_is_proven(#[case] charged: Charged) {
    let mut case = Case::new();
    Arc::make_mut(&mut case.plan.exams).retain(|name, _| name == "john-doe");
    case.plan.expect.probes.clear();
    case.plan.expect.charges = [("john-doe".to_owned(), charged)].into();
    case.plan.steps =
        vec![Step::Start, Step::Submit("john-doe".to_owned()), Step::Settle, Step::Stop];
    case.start(1);
    case.submit("john-doe");
    case.watch();
    case.stop(1);
    case.push(crate::history::What::Finished);
    let judgement = case.judge();
    assert!(inconclusive(&judgement).contains(&(Rule::OncePerOrder, Circumstance::NothingSent)));
}

#[test]
fn a_line_that_no_agreement_has_repeats_one_where_all_were_sent() {
    let mut case = Case::new();
    case.plan.mapping = mapping("orchard-per-charge");
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    case.deliver(1, "john-doe");
    let third = changed(&case.message("john-doe"), "|273013-1|", "|273013-9|");
    let third = changed(&third, "|273013-2|", "|273013-8|");
    case.send(1, &third);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["once/per-charge"]);
}

#[test]
fn a_charge_of_an_order_that_nobody_placed_is_not_due() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    let other = case.plan.mapping.clone().message(&exam("555"), &case.stamp());
    case.send(1, &other);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["delivers"]);
}
