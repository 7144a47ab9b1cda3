//! Results may be resent until they are accepted.

use crate::check::tests::fixture::{Case, broken, changed, control_id, mapping};
use crate::history::{End, Event, Outcome, What};
use crate::verdict::{Rule, Weight};

/// john-doe's charge is delivered, and its result is answered with this code.
fn with_result(code: Option<&str>) -> (Case, Vec<u8>) {
    let mut case = Case::begun();
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let result = case.result("john-doe");
    let to = case.send(1, &result);
    if let Some(code) = code {
        case.answer(1, to, code, &result);
    }
    (case, result)
}

#[test]
fn a_result_is_no_second_charge() {
    let (case, _) = with_result(Some("AA"));
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(judgement.findings, []);
    assert!(judgement.held.iter().any(|held| held.rule == Rule::ResultsSettled));
}

/// A result is compared like a charge, each time that it comes.
#[test]
fn a_result_is_what_the_mapping_makes_of_its_exam() {
    for (from, to, circumstance) in [
        ("|Mild|", "|None|", "OBX-5"),
        ("|M273013|", "|M999999|", "PID-3"),
        ("|20170410151303||ORU", "|00000000000000||ORU", "MSH-7"),
        ("|273013^IRIS|", "|999999^IRIS|", "result of no order"),
    ] {
        let (mut case, result) = with_result(Some("AE"));
        let garbled = changed(&result, from, to);
        let to = case.send(1, &garbled);
        case.answer(1, to, "AA", &garbled);
        let judgement = case.ended(1, Outcome::Delivered).judge();
        let told =
            judgement.findings.iter().find(|finding| finding.rule == Rule::Snapshot).unwrap();
        assert_eq!(
            (told.weight, told.circumstance.to_string().as_str()),
            (Weight::Broken, circumstance)
        );
    }
}

#[test]
fn a_refused_result_may_be_resent() {
    for code in [Some("AE"), Some("AR"), None] {
        let (mut case, result) = with_result(code);
        let to = case.send(1, &result);
        case.answer(1, to, "AA", &result);
        assert_eq!(case.ended(1, Outcome::Delivered).judge().findings, [], "after {code:?}");
    }
}

#[test]
fn an_accepted_result_must_not_be_resent() {
    let (mut case, _) = with_result(Some("AA"));
    let again = case.result("john-doe");
    let to = case.send(1, &again);
    case.answer(1, to, "AA", &again);
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["results/settled"]);
}

#[test]
fn a_result_whose_acknowledgement_came_late_may_be_resent() {
    let (mut case, result) = with_result(None);
    case.pause(400);
    let to = case.events.last().unwrap().seq;
    case.answer(1, to, "AA", &result);
    case.send(1, &result);
    assert_eq!(case.ended(1, Outcome::Delivered).judge().findings, []);
}

#[test]
fn a_result_whose_connection_was_reset_after_the_acknowledgement_may_be_resent() {
    let (mut case, result) = with_result(Some("AA"));
    case.end(1, End::Reset);
    case.open(2, 1);
    let to = case.send(2, &result);
    case.answer(2, to, "AA", &result);
    assert_eq!(case.ended(2, Outcome::Delivered).judge().findings, []);
}

/// An acknowledgement with another MSA-2 answers another message, and blanks are other bytes.
#[test]
fn a_result_answered_with_blanks_around_its_id_may_be_resent() {
    let (mut case, result) = with_result(None);
    let to = case.events.last().unwrap().seq;
    let id = control_id(&result);
    let padded =
        format!("\u{b}MSH|^~\\&|EMR|F|IRIS|IRIS|1||ACK^R01^ACK|9|P|2.4\rMSA|AA|  {id}\r\u{1c}\r");
    case.reply(1, to, "match/padded", padded.as_bytes());
    let to = case.send(1, &result);
    case.answer(1, to, "AA", &result);
    assert_eq!(case.ended(1, Outcome::Delivered).judge().findings, []);
}

/// What was written first may be read last: it stood on a connection that waited.
#[test]
fn a_result_that_was_written_before_its_acknowledgement_is_no_resend() {
    let (mut case, result) = with_result(None);
    for connection in [2, 3] {
        case.open(connection, 1);
    }
    let moment = case.events.last().unwrap().at;
    for connection in [3, 2] {
        let to = case.send(connection, &result);
        case.answer(connection, to, "AA", &result);
    }
    let at_once = |event: &mut Event| {
        event.at = event.at.min(moment);
        if let What::Received { began, .. } = &mut event.what {
            *began = (*began).min(moment);
        }
    };
    let same_moment = case.events.len() - 4;
    let mut later = case.clone();
    case.events[same_moment..].iter_mut().for_each(at_once);
    assert_eq!(case.ended(3, Outcome::Delivered).judge().findings, []);
    // Of what arrives after the answer was there to be read, that cannot be said.
    later.events[same_moment..same_moment + 2].iter_mut().for_each(at_once);
    assert_eq!(broken(&later.ended(3, Outcome::Delivered).judge()), ["results/settled"]);
}

/// What stood unread may have been answered after the sender had given up.
#[test]
fn a_result_that_the_emr_did_not_read_at_once_may_be_resent() {
    for held_back in [true, false] {
        let mut case = Case::begun();
        case.plan.results = Some(mapping("iris/result"));
        case.deliver(1, "john-doe");
        let result = case.result("john-doe");
        if held_back {
            case.push(What::Reading { connection: 1, on: false, waiting: 0 });
            case.pause(510);
            case.push(What::Reading { connection: 1, on: true, waiting: 700 });
        }
        let to = case.send(1, &result);
        case.answer(1, to, "AA", &result);
        case.open(2, 1);
        let to = case.send(2, &result);
        case.answer(2, to, "AA", &result);
        let expected: &[&str] = if held_back { &[] } else { &["results/settled"] };
        assert_eq!(broken(&case.ended(2, Outcome::Delivered).judge()), expected);
    }
}
