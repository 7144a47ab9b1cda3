//! What could not happen is not told as played, the reason is told, and nobody waits for it.

use rstest::rstest;

use super::{Rig, about, behaviour, by_itself, charge, message};
use crate::emr::Input;
use crate::history::{End, What};
use crate::mllp::encode;
use crate::plan::fault::{Answer, Connection, Mismatch, Tls};
use crate::plan::{Behaviour, Fault, Match, Parameters, Play};

/// Why behaviours were not played, in order.
fn reasons(rig: &Rig) -> Vec<&str> {
    let why = rig.events().iter().filter_map(|event| match &event.what {
        What::NotPlayed { why, .. } => Some(why.as_str()),
        _ => None,
    });
    why.collect()
}

fn in_turn(exam: &str, faults: &[Fault]) -> Behaviour {
    let play = |fault: &Fault| Play::Fault { fault: *fault, with: by_itself(*fault) };
    Behaviour { on: about(exam), play: faults.iter().map(play).collect(), times: None }
}

#[test]
fn a_message_on_a_connection_that_the_emr_has_ended_is_dealt_with_and_not_played() {
    let mut rig = Rig::new(vec![
        behaviour(Fault::Connection(Connection::CloseBeforeReply), about("john")),
        behaviour(Fault::Answer(Answer::Reject), about("jane")),
    ]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.charge(connection, "jane", "2");
    assert_eq!(rig.played(), ["connection/close-before-reply"]);
    assert_eq!(reasons(&rig), ["the EMR had ended the connection"]);
    assert_eq!(rig.dealt, ["john", "jane"]);
}

#[rstest]
#[case::two_closes(&[Fault::Connection(Connection::HalfClose), Fault::Connection(Connection::CloseBeforeReply)])]
#[case::a_reply_after_a_close(&[Fault::Connection(Connection::CloseBeforeReply), Fault::Answer(Answer::Accept)])]
fn what_follows_an_end_did_not_happen(#[case] faults: &[Fault]) {
    let mut rig = Rig::new(vec![in_turn("john", faults)]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    assert_eq!((rig.ends(connection).len(), rig.bytes(connection)), (1, Vec::new()));
    assert_eq!((rig.played(), reasons(&rig).len()), (Vec::new(), 1));
    assert_eq!(rig.dealt, ["john"]);
}

#[test]
fn a_connection_whose_half_is_closed_can_still_be_reset() {
    let faults =
        [Fault::Connection(Connection::HalfClose), Fault::Connection(Connection::ResetBeforeReply)];
    let mut rig = Rig::new(vec![in_turn("john", &faults)]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    assert_eq!(rig.ends(connection), [End::HalfClose, End::Reset]);
    assert_eq!(rig.played(), ["connection/half-close"]);
    assert_eq!(rig.emr.open_connections(), 0);
}

#[test]
fn a_refusal_that_the_message_does_not_ask_for_is_not_played() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
    let connection = rig.accept();
    rig.receive(connection, &encode(&message("DFT^P03", "john", "1", "2.4", "|||NE|NE")));
    assert_eq!((rig.bytes(connection), rig.played()), (Vec::new(), Vec::new()));
    assert_eq!(reasons(&rig).len(), 1);
    assert_eq!(rig.dealt, ["john"]);
}

#[test]
fn an_answer_that_waits_for_a_message_that_never_comes_is_not_played() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::LateAfterNext), Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::Over);
    assert_eq!((rig.played(), reasons(&rig)), (Vec::new(), vec!["no other message came"]));
}

#[test]
fn bytes_behind_a_reset_inside_a_message_are_told_and_read_by_nobody() {
    let with = Parameters { bytes: Some(20), ..Parameters::default() };
    let reset =
        super::behaviour_with(Fault::Connection(Connection::ResetAfterBytes), with, about("john"));
    let mut rig = Rig::new(vec![reset]);
    rig.feed(Input::Submitted { exam: "john" });
    let connection = rig.accept();
    let two = [encode(&charge("john", "1")), encode(&charge("jane", "2"))].concat();
    rig.receive(connection, &two);
    assert_eq!(rig.ends(connection), [End::Reset]);
    let unread = rig.events().iter().find_map(|event| match &event.what {
        What::Unread { offset, bytes, length, .. } => {
            Some((*offset, bytes.as_slice().to_vec(), *length))
        }
        _ => None,
    });
    assert_eq!(unread, Some((20, two[20..].to_vec(), two.len() as u64 - 20)));
    assert_eq!(rig.dealt, ["john"], "and jane's charge is nobody's business");
}

#[test]
fn what_was_said_before_an_answer_that_never_came_is_told() {
    let first =
        in_turn("john", &[Fault::Answer(Answer::Reject), Fault::Match(Mismatch::OutOfOrder)]);
    let mut rig = Rig::new(vec![first]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::Over);
    let replied = rig.events().iter().filter_map(|event| match &event.what {
        What::Replied { bytes, .. } => Some(bytes.as_slice().to_vec()),
        _ => None,
    });
    assert_eq!(replied.collect::<Vec<_>>(), [rig.bytes(connection)]);
    assert!(rig.bytes(connection).windows(7).any(|bytes| bytes == b"MSA|AR|"));
    assert_eq!(reasons(&rig), ["no other message came"]);
}

/// Who merely hangs up may have seen the certificate, or not.
#[test]
fn a_handshake_in_which_the_sender_hangs_up_is_not_played() {
    let mut rig = Rig::new(vec![behaviour(Fault::Tls(Tls::Expired), Match::default())]);
    rig.hangs_up = true;
    rig.accept();
    assert_eq!(rig.played(), [""; 0]);
    let why = rig.events().iter().find_map(|event| match &event.what {
        What::NotPlayed { why, name, .. } => Some((name.as_str(), why.as_str())),
        _ => None,
    });
    let expected = "the sender hung up in the handshake, and no alert says why";
    assert_eq!(why, Some(("tls/expired", expected)));
}
