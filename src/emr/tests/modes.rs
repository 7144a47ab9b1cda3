//! Which acknowledgements a message gets by its MSH-15 and MSH-16 (HL7 v2 chapter 2, tables 0155
//! and 0008), and in the form of which version.

use rstest::rstest;

use super::{Rig, about, behaviour, behaviour_with, message};
use crate::mllp::encode;
use crate::plan::fault::Answer;
use crate::plan::{Fault, Match, MessageKind, Parameters};

/// MSA-1 of each acknowledgement that a charge gets when it is accepted, refused with an error, and
/// refused for good.
#[rstest]
#[case::original("", "", &["AA"], &["AE"], &["AR"])]
#[case::receipt_only("AL", "NE", &["CA"], &["CE"], &["CR"])]
#[case::receipt_only_by_omission("AL", "", &["CA"], &["CE"], &["CR"])]
#[case::receipt_of_success_only("SU", "NE", &["CA"], &[], &[])]
#[case::receipt_of_failure_only("ER", "NE", &[], &["CE"], &["CR"])]
#[case::application_only("NE", "AL", &["AA"], &["AE"], &["AR"])]
#[case::application_of_failure_only("NE", "ER", &[], &["AE"], &["AR"])]
#[case::application_of_success_only("NE", "SU", &["AA"], &[], &[])]
#[case::both("AL", "AL", &["CA", "AA"], &["CA", "AE"], &["CA", "AR"])]
#[case::neither("NE", "NE", &[], &[], &[])]
fn a_charge_gets_the_acknowledgements_that_it_asks_for(
    #[case] accept: &str,
    #[case] application: &str,
    #[case] accepted: &[&str],
    #[case] error: &[&str],
    #[case] rejected: &[&str],
) {
    let script = vec![
        behaviour(Fault::Answer(Answer::Error), about("john")),
        behaviour(Fault::Answer(Answer::Reject), about("jane")),
        behaviour(Fault::Answer(Answer::Accept), about("probe")),
    ];
    let mode = format!("|||{accept}|{application}");
    // An order that the plan does not know gets the plain acceptance of a healthy EMR.
    let answers = ["nobody", "probe", "john", "jane"].map(|exam| {
        let mut rig = Rig::new(script.clone());
        let connection = rig.accept();
        rig.receive(connection, &encode(&message("DFT^P03", exam, "1", "2.4", &mode)));
        rig.codes(connection)
    });
    assert_eq!(answers, [accepted, accepted, error, rejected]);
}

#[rstest]
#[case::answer("ACK^P03^ACK", "")]
#[case::answer_that_asks_for_answers("ACK^P03^ACK", "|||AL|AL")]
#[case::answer_without_event("ACK", "")]
fn an_acknowledgement_is_never_acknowledged(#[case] of: &str, #[case] rest: &str) {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
    let connection = rig.accept();
    rig.receive(connection, &encode(&message(of, "john", "1", "2.4", rest)));
    rig.pass(60_000);
    assert_eq!((rig.bytes(connection), rig.played()), (Vec::new(), Vec::new()));
    assert_eq!(rig.dealt, Vec::<String>::new());
}

#[rstest]
#[case::prose(b"hello")]
#[case::empty(b"")]
#[case::no_header(b"PID|1||555\r")]
fn what_is_no_message_gets_no_answer(#[case] payload: &[u8]) {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
    let connection = rig.accept();
    rig.receive(connection, &encode(payload));
    assert_eq!((rig.bytes(connection), rig.played()), (Vec::new(), Vec::new()));
}

/// ERR and MSH-9 by version, as the table of versions has them.
#[rstest]
#[case("2.2", "ACK|", "ERR|FT1^1^7^103\r")]
#[case("2.3", "ACK|", "ERR|FT1^1^7^103\r")]
#[case("2.4", "ACK^P03^ACK|", "ERR|FT1^1^7^103\r")]
#[case("2.5.1", "ACK^P03^ACK|", "ERR||FT1^1^7|103^Table value not found^HL70357|E||||why\r")]
#[case("2.7", "ACK^P03^ACK|", "ERR||FT1^1^7|103^Table value not found^HL70357|E||||why\r")]
fn a_refusal_has_the_form_of_the_message_s_version(
    #[case] version: &str,
    #[case] message_type: &str,
    #[case] err: &str,
) {
    let with = Parameters { text: Some("why".to_owned()), ..Parameters::default() };
    let mut rig =
        Rig::new(vec![behaviour_with(Fault::Answer(Answer::Error), with, Match::default())]);
    let connection = rig.accept();
    rig.receive(connection, &encode(&message("DFT^P03", "john", "1", version, "")));
    let text = String::from_utf8(rig.bytes(connection)).unwrap();
    assert!(text.contains(&format!("||{message_type}")), "{text:?}");
    assert!(text.ends_with(&format!("\r{err}\u{1c}\r")), "{text:?}");
    assert_eq!(text.contains("|why\rERR"), version != "2.7", "MSA-3 was withdrawn: {text:?}");
}

#[test]
fn a_result_is_answered_by_its_own_script_and_counts_its_own_attempts() {
    let result = |attempt| Match {
        kind: Some(MessageKind::Result),
        attempt: Some(attempt),
        ..about("john")
    };
    let mut rig = Rig::new(vec![
        behaviour(Fault::Answer(Answer::Reject), result(1)),
        behaviour(Fault::Answer(Answer::Error), result(2)),
    ]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    for id in ["2", "3", "4"] {
        rig.receive(connection, &encode(&message("ORU^R01", "john", id, "2.4", "")));
    }
    assert_eq!(rig.codes(connection), ["AA", "AR", "AE", "AA"]);
    assert_eq!(rig.dealt, ["john"], "a result deals with nobody's charge");
}
