//! Batches, and what each of their messages sets off.

use rstest::rstest;

use super::{Rig, about, behaviour, charge};
use crate::hl7::visible;
use crate::mllp::encode;
use crate::plan::fault::{Answer, Connection, Mismatch, Payload};
use crate::plan::{Behaviour, Fault, Match};

/// A file of one batch with these messages.
fn file(messages: &[Vec<u8>]) -> Vec<u8> {
    let header = "|^~\\&|IRIS|IRIS|EMR|F|20260105080000||||";
    let count = messages.len();
    let payload = [
        format!("FHS{header}F7\rBHS{header}B7\r").into_bytes(),
        messages.concat(),
        format!("BTS|{count}\rFTS|1\r").into_bytes(),
    ];
    encode(&payload.concat())
}

/// What the EMR answers to john's and jane's charge in one batch, without the headers.
fn answered(script: Vec<Behaviour>) -> (String, Rig) {
    let mut rig = Rig::new(script);
    let connection = rig.accept();
    rig.receive(connection, &file(&[charge("john", "1"), charge("jane", "2")]));
    rig.pass(60_000);
    let said = visible(&rig.bytes(connection));
    let lines = said.split("<CR>").filter(|line| !line.starts_with("MSH"));
    (lines.collect::<Vec<_>>().join(" "), rig)
}

#[test]
fn a_batch_is_answered_by_a_batch_with_an_answer_for_each_message() {
    let (said, rig) = answered(Vec::new());
    let header = "|^~\\&|EMR|F|IRIS|IRIS|20260105080000||||EMR3|";
    let expected = format!("<VT>FHS{header}F7 BHS{header}B7 MSA|AA|1 MSA|AA|2 BTS|2 FTS|1 <FS> ");
    assert_eq!(said, expected);
    assert_eq!(rig.dealt, ["john", "jane"]);
}

#[rstest]
#[case::one_refused(Fault::Answer(Answer::Reject), "MSA|AA|1 MSA|AR|2")]
#[case::one_unanswered(Fault::Answer(Answer::None), "MSA|AA|1 BTS|1")]
#[case::the_wrong_id(Fault::Match(Mismatch::Other), "MSA|AA|1 MSA|AA|NOT-YOUR-MESSAGE")]
fn a_plain_answer_to_one_message_stands_in_the_batch(#[case] fault: Fault, #[case] words: &str) {
    let (said, rig) = answered(vec![behaviour(fault, about("jane"))]);
    assert!(said.contains(words), "{said}");
    assert_eq!(rig.played(), [fault.name()]);
    assert_eq!(rig.dealt, ["john", "jane"]);
}

#[rstest]
#[case::closed(Fault::Connection(Connection::CloseBeforeReply), "")]
#[case::junk(Fault::Payload(Payload::Junk), "<VT>fail<FS> ")]
fn what_is_no_plain_answer_happens_to_the_whole_batch(#[case] fault: Fault, #[case] words: &str) {
    let (said, rig) = answered(vec![behaviour(fault, about("jane"))]);
    assert_eq!(said, words);
    assert_eq!(rig.played(), [fault.name()]);
}

#[test]
fn a_batch_without_a_message_is_not_answered() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
    let connection = rig.accept();
    rig.receive(connection, &file(&[]));
    rig.pass(60_000);
    assert_eq!((rig.bytes(connection), rig.played()), (Vec::new(), Vec::new()));
}
