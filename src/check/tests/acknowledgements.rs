//! Who answers whom: acknowledgements on other connections, and acknowledgements of
//! acknowledgements.

use rstest::rstest;

use crate::check::tests::fixture::{Case, ack, broken, changed, control_id, inconclusive};
use crate::history::{Outcome, Raw, What};
use crate::verdict::{Circumstance, Rule};

/// john-doe's charge is sent, receipt is confirmed, and `code` comes on a call.
fn answered_on_a_call(code: &str, of: Option<&str>, outcome: Outcome, back: &[u8]) -> Case {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.answer(1, to, "CA", &message);
    case.push(What::Called { connection: 7, endpoint: "emr".to_owned(), incarnation: 1 });
    let id = of.map_or_else(|| control_id(&message), str::to_owned);
    case.reply(7, to, "answer/accept-on-other-connection", &acknowledgement("EMR9", code, &id));
    if !back.is_empty() {
        case.send(7, back);
    }
    case.ended(1, outcome)
}

fn acknowledgement(own: &str, code: &str, id: &str) -> Vec<u8> {
    format!("\u{b}MSH|^~\\&|EMR|F|IRIS|IRIS|1||ACK^P03^ACK|{own}|P|2.4\rMSA|{code}|{id}\r\u{1c}\r")
        .into_bytes()
}

fn bare(frame: &[u8]) -> &[u8] {
    &frame[1..frame.len() - 2]
}

#[rstest]
#[case::accepted("AA", None, Outcome::Delivered, &[])]
#[case::refused("AE", None, Outcome::Rejected, &[])]
#[case::nobody_knows("AA", None, Outcome::Unknown, &[])]
#[case::a_lie("AE", None, Outcome::Delivered, &["accounts"])]
#[case::of_another_message("AA", Some("17"), Outcome::Delivered, &["accounts"])]
fn an_answer_on_a_call_counts_for_the_message_that_it_names(
    #[case] code: &str,
    #[case] of: Option<&str>,
    #[case] outcome: Outcome,
    #[case] rules: &[&str],
) {
    assert_eq!(broken(&answered_on_a_call(code, of, outcome, b"").judge()), rules);
}

#[rstest]
#[case::of_ours("ACK^P03^ACK", "EMR9")]
#[case::of_something_else("ACK^P03^ACK", "EMR8")]
#[case::of_nothing("ACK^P03^ACK", "")]
#[case::without_a_type("", "")]
#[case::in_small_letters("ack", "EMR9")]
#[case::under_another_type("MCF^P03", "")]
#[case::under_the_type_of_a_charge("DFT^P03", "")]
fn an_acknowledgement_of_an_acknowledgement_is_told(#[case] kind: &str, #[case] id: &str) {
    let back = changed(&acknowledgement("IRIS1", "AA", id), "ACK^P03^ACK", kind);
    for call in [true, false] {
        let back = bare(&back);
        let mut case = answered_on_a_call("AA", None, Outcome::Delivered, back);
        if !call {
            case = Case::begun();
            case.deliver(1, "john-doe");
            case.send(1, back);
            case = case.ended(1, Outcome::Delivered);
        }
        let judgement = case.judge();
        assert_eq!(broken(&judgement), ["wire/acknowledgements"]);
        assert_eq!(inconclusive(&judgement), []);
    }
}

/// What comes back is the sender's own message, which a system that listens there answers.
#[rstest]
#[case::it_says_so(None, &[])]
#[case::it_does_not_say_so(Some(""), &[(Rule::WireAcknowledgements, Circumstance::AcknowledgesTheUnknown)])]
fn an_acknowledgement_of_what_is_none_is_not_held_against_the_sender(
    #[case] id: Option<&str>,
    #[case] open: &[(Rule, Circumstance)],
) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.reply(1, to, "match/echo", &[b"\x0b", &message[..], b"\x1c\r"].concat());
    let id = id.map_or_else(|| control_id(&message), str::to_owned);
    case.send(1, bare(&acknowledgement("IRIS1", "AA", &id)));
    let judgement = case.ended(1, Outcome::Unknown).judge();
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(inconclusive(&judgement), open);
}

#[rstest]
#[case::taken(b"\x06")]
#[case::not_taken(b"\x15")]
fn the_commit_byte_of_release_2_is_no_message(#[case] byte: &[u8]) {
    let case = answered_on_a_call("AA", None, Outcome::Delivered, byte);
    assert_eq!(broken(&case.judge()), [""; 0]);
}

#[test]
fn a_late_answer_on_the_next_connection_excuses_who_believes_it() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    case.pause(1_000);
    case.open(2, 1);
    let late = ack("AA", &control_id(&message));
    case.push(What::Replied {
        connection: 2,
        to: Some(to),
        name: "answer/late-after-next".to_owned(),
        bytes: Raw::from(late.as_slice()),
        length: None,
        began: crate::history::Micros(0),
        writes: 1,
        pauses: Vec::new(),
        complete: true,
    });
    let case = case.ended(1, Outcome::Delivered);
    assert_eq!(broken(&case.judge()), [""; 0]);
}

#[test]
fn an_id_that_was_escaped_again_excuses_who_decodes_it() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &message);
    let id = control_id(&message);
    let escaped = format!("\\X{:02X}\\{}", id.as_bytes()[0], &id[1..]);
    case.reply(1, to, "match/re-escaped", &acknowledgement("EMR1", "AA", &escaped));
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), [""; 0]);
}
