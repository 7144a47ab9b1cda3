//! What becomes of connections: byte triggers, limits, deaths, ends of either side.

use rstest::rstest;

use super::{Rig, Said, about, behaviour, behaviour_with, charge, ms};
use crate::emr::Input;
use crate::history::{AnomalyKind, End, Event, Piece, What};
use crate::mllp::encode;
use crate::plan::fault::{Answer, Connection, Frame};
use crate::plan::{Behaviour, Fault, Match, Parameters, WireEvent};

fn reset_after(bytes: u64, on: Match) -> Behaviour {
    let with = Parameters { bytes: Some(bytes), ..Parameters::default() };
    behaviour_with(Fault::Connection(Connection::ResetAfterBytes), with, on)
}

/// Every piece on a connection: its kind, its length, and how many bytes of it were kept.
fn pieces(rig: &Rig, on: u32) -> Vec<(Piece, u64, usize)> {
    let piece = |event: &Event| match &event.what {
        What::Received { connection, piece, bytes, length, .. } if *connection == on => {
            Some((*piece, *length, bytes.0.len()))
        }
        _ => None,
    };
    rig.events().iter().filter_map(piece).collect()
}

#[rstest]
#[case::first_byte(1)]
#[case::in_the_header(7)]
#[case::all_but_the_end(110)]
fn a_reset_after_bytes_leaves_exactly_those(#[case] count: u64, #[values(1, 5, 4096)] cut: usize) {
    let mut rig = Rig::new(vec![reset_after(count, about("john"))]);
    rig.feed(Input::Submitted { exam: "john" });
    let connection = rig.accept();
    let frame = encode(&charge("john", "1"));
    assert_eq!(frame.len(), 112);
    for part in frame.chunks(cut) {
        rig.receive(connection, part);
    }
    assert_eq!(rig.ends(connection), [End::Reset]);
    assert_eq!(rig.bytes(connection), b"");
    let kept = usize::try_from(count).unwrap();
    assert_eq!(pieces(&rig, connection), [(Piece::Unfinished, count, kept)]);
    assert_eq!(rig.played(), ["connection/reset-after-bytes"]);
    assert_eq!(rig.dealt, ["john"], "the harness may go on");
}

#[rstest]
#[case::in_one_read(4096)]
#[case::byte_by_byte(1)]
fn a_message_that_is_shorter_than_the_count_is_answered(#[case] cut: usize) {
    let mut rig = Rig::new(vec![reset_after(200, about("john"))]);
    rig.feed(Input::Submitted { exam: "john" });
    let connection = rig.accept();
    // Together they are longer than the count, and neither is.
    let two = [encode(&charge("john", "1")), encode(&charge("jane", "2"))].concat();
    assert!(two.len() > 200);
    for part in two.chunks(cut) {
        rig.receive(connection, part);
    }
    assert_eq!((rig.codes(connection).len(), rig.ends(connection)), (2, Vec::new()));
    assert_eq!(rig.played(), Vec::<&str>::new());
}

#[rstest]
#[case::in_one_read(4096)]
#[case::byte_by_byte(1)]
fn a_count_begins_anew_with_every_message(#[case] cut: usize) {
    let second = Match { message: Some(2), ..Match::default() };
    let mut rig = Rig::new(vec![reset_after(20, second)]);
    let connection = rig.accept();
    let first = encode(&charge("john", "1"));
    for part in [first.clone(), encode(&charge("jane", "2"))].concat().chunks(cut) {
        rig.receive(connection, part);
    }
    let whole = first.len();
    assert_eq!(
        pieces(&rig, connection),
        [(Piece::Frame, whole as u64, whole), (Piece::Unfinished, 20, 20)]
    );
}

#[test]
fn a_message_beyond_the_limit_is_told_by_its_beginning_and_not_answered() {
    let mut rig = Rig::with(Vec::new(), &["emr"], 64);
    let connection = rig.accept();
    let frame = encode(&charge("john", "1"));
    assert!(frame.len() > 64);
    rig.receive(connection, &frame);
    assert_eq!(pieces(&rig, connection), [(Piece::Oversize, frame.len() as u64, 64)]);
    let oversize = |event: &Event| {
        matches!(&event.what, What::Received { anomalies, .. }
            if anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::Oversize))
    };
    assert!(rig.events().iter().any(oversize));
    assert_eq!(rig.bytes(connection), b"");
}

#[test]
fn a_message_without_end_keeps_no_more_than_the_limit() {
    let mut rig = Rig::with(Vec::new(), &["emr"], 1000);
    let connection = rig.accept();
    rig.receive(connection, b"\x0bMSH|");
    for _ in 0..1000 {
        rig.receive(connection, &[b'x'; 1000]);
    }
    rig.feed(Input::Ended { connection, how: End::Close });
    assert_eq!(pieces(&rig, connection), [(Piece::Oversize, 1_000_005, 1000)]);
    assert_eq!(rig.emr.open_connections(), 0);
}

#[test]
fn half_a_message_is_recorded_when_the_case_is_over() {
    let mut rig = Rig::new(Vec::new());
    let connection = rig.accept();
    rig.receive(connection, b"\x0bMSH|");
    assert!(rig.emr.mid_piece());
    rig.feed(Input::Over);
    assert_eq!(pieces(&rig, connection), [(Piece::Unfinished, 5, 5)]);
    assert_eq!(rig.emr.open_connections(), 0);
}

#[test]
fn a_killed_life_is_not_answered_and_its_next_one_is() {
    let mut rig = Rig::new(Vec::new());
    let open = rig.accept();
    rig.receive(open, b"\x0bMSH|");
    rig.feed(Input::SenderKilled { incarnation: 1 });
    let late = rig.accept_at(0, 1);
    rig.charge(late, "john", "1");
    rig.charge(open, "john", "2");
    assert_eq!((rig.bytes(open), rig.bytes(late)), (Vec::new(), Vec::new()));
    assert_eq!(pieces(&rig, late).len(), 1, "what it sent is read all the same");
    let next = rig.accept_at(0, 2);
    rig.charge(next, "john", "3");
    assert_eq!(rig.codes(next), ["AA"]);
}

#[test]
fn a_kill_in_the_middle_of_a_reply_leaves_what_was_written_and_no_more() {
    let with = Parameters { after: Some(ms(100).into()), ..Parameters::default() };
    let mut rig =
        Rig::new(vec![behaviour_with(Fault::Frame(Frame::PauseInside), with, Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::SenderKilled { incarnation: 1 });
    rig.pass(1_000);
    let half = rig.bytes(connection);
    let replied = rig.events().iter().find_map(|event| match &event.what {
        What::Replied { bytes, complete, .. } => Some((bytes.as_slice().to_vec(), *complete)),
        _ => None,
    });
    assert_eq!(replied, Some((half, false)));
    assert_eq!((rig.played(), rig.emr.deadline()), (Vec::new(), None));
    assert_eq!(rig.dealt, ["john"]);
}

#[test]
fn a_write_that_is_taken_in_part_is_an_incomplete_reply() {
    let mut rig = Rig::new(Vec::new());
    let connection = rig.accept();
    rig.takes = 10;
    rig.charge(connection, "john", "1");
    rig.charge(connection, "jane", "2");
    assert_eq!(rig.said.len(), 1);
    let replied: Vec<(usize, bool)> = rig
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            What::Replied { bytes, complete, .. } => Some((bytes.0.len(), *complete)),
            _ => None,
        })
        .collect();
    assert_eq!(replied, [(10, false)]);
}

#[rstest]
#[case::close(Fault::Connection(Connection::CloseBeforeReply))]
#[case::half_close(Fault::Connection(Connection::HalfClose))]
#[case::accept_close(Fault::Connection(Connection::AcceptClose))]
#[case::accept_lost(Fault::Answer(Answer::AcceptLost))]
fn what_comes_after_our_end_is_read_and_not_answered(#[case] fault: Fault) {
    let mut rig = Rig::new(vec![behaviour(fault, Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.charge(connection, "jane", "2");
    assert_eq!((pieces(&rig, connection).len(), rig.bytes(connection)), (2, Vec::new()));
    assert_eq!(rig.emr.open_connections(), 1, "until the sender ends its side too");
    rig.feed(Input::Ended { connection, how: End::Close });
    assert_eq!(rig.emr.open_connections(), 0);
}

#[rstest]
#[case::close(Fault::Connection(Connection::CloseBeforeReply), &[End::Close, End::Reset])]
#[case::reply_then_close(Fault::Connection(Connection::ReplyThenClose), &[End::Close, End::Reset])]
#[case::half_close(Fault::Connection(Connection::HalfClose), &[End::HalfClose])]
fn what_comes_after_a_close_is_recorded_and_then_refused(
    #[case] fault: Fault,
    #[case] ends: &[End],
    #[values(1, 7, 4096)] cut: usize,
) {
    let mut rig = Rig::new(vec![behaviour(fault, Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(60_000);
    assert_eq!(rig.ends(connection), ends[..1], "nothing had come to be refused");
    for part in encode(&charge("jane", "2")).chunks(cut) {
        rig.receive(connection, part);
    }
    rig.receive(connection, &encode(&charge("probe", "3"))[..20]);
    rig.pass(60_000);
    assert_eq!(rig.ends(connection), ends);
    rig.feed(Input::Over);
    let kinds: Vec<Piece> = pieces(&rig, connection).iter().map(|piece| piece.0).collect();
    assert_eq!(kinds, [Piece::Frame, Piece::Frame, Piece::Unfinished]);
    assert_eq!(rig.played(), [fault.name()]);
}

/// What is due on a message may be a reset where the EMR has closed: it plays if nothing is to be said
/// before it, and how the message was cut is no part of that.
#[rstest]
#[case::reset(Fault::Connection(Connection::ResetBeforeReply), true)]
#[case::says_half_of_a_reply_first(Fault::Frame(Frame::PartialThenReset), false)]
#[case::says_a_reply_first(Fault::Connection(Connection::ReplyThenReset), false)]
fn a_reset_that_is_due_on_a_closed_connection_does_not_hang_on_how_its_message_was_cut(
    #[case] fault: Fault,
    #[case] plays: bool,
    #[values(1, 7, 4096)] cut: usize,
) {
    let close = behaviour(Fault::Connection(Connection::CloseBeforeReply), about("john"));
    let mut rig = Rig::new(vec![close, behaviour(fault, about("jane"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    for part in encode(&charge("jane", "2")).chunks(cut) {
        rig.receive(connection, part);
    }
    rig.pass(60_000);
    assert_eq!(rig.ends(connection), [End::Close, End::Reset], "by the script or as a refusal");
    assert_eq!((rig.emr.open_connections(), rig.emr.deadline()), (0, None));
    let told: Vec<&What> = rig.events().iter().map(|event| &event.what).collect();
    let what = |wanted: fn(&What) -> bool| told.iter().position(|what| wanted(what));
    let reset = what(|one| matches!(one, What::EndedByEmr { how: End::Reset, .. }));
    let played = what(|one| matches!(one, What::Played { behaviour: 1, .. }));
    let not_played = what(|one| matches!(one, What::NotPlayed { behaviour: 1, .. }));
    let heard = what(|one| matches!(one, What::Received { offset: 1.., .. }));
    assert!(heard.is_some() && reset.is_some());
    match plays {
        true => assert!(not_played.is_none() && played > reset),
        false => assert!(played.is_none() && not_played > heard && not_played < reset),
    }
}

#[test]
fn what_the_system_still_holds_at_the_end_is_counted() {
    let mut rig = Rig::new(Vec::new());
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::LeftUnread { connection, bytes: 77 });
    rig.feed(Input::Over);
    let unread = rig.events().iter().find_map(|event| match &event.what {
        What::Unread { bytes, length, .. } => Some((bytes.0.len(), *length)),
        _ => None,
    });
    assert_eq!(unread, Some((0, 77)));
}

#[test]
fn who_hangs_up_before_he_is_refused_is_not_refused() {
    let mut rig = Rig::new(vec![behaviour(
        Fault::Connection(Connection::CloseBeforeReply),
        Match::default(),
    )]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.charge(connection, "jane", "2");
    rig.feed(Input::Ended { connection, how: End::Close });
    rig.pass(60_000);
    assert_eq!(rig.ends(connection), [End::Close, End::Close]);
    assert_eq!((rig.emr.open_connections(), rig.emr.deadline()), (0, None));
}

#[test]
fn who_sends_and_hangs_up_at_once_is_answered_all_the_same() {
    let with = Parameters { after: Some(ms(50).into()), ..Parameters::default() };
    let mut rig =
        Rig::new(vec![behaviour_with(Fault::Answer(Answer::Late), with, Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::Ended { connection, how: End::Close });
    assert_eq!(rig.emr.open_connections(), 1, "there is something to say yet");
    rig.pass(50);
    assert_eq!(rig.codes(connection), ["AA"]);
    assert_eq!(rig.emr.open_connections(), 0);
}

#[test]
fn a_reset_by_the_sender_ends_what_was_being_said() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Late), Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::Ended { connection, how: End::Reset });
    rig.pass(60_000);
    assert_eq!((rig.said.len(), rig.emr.open_connections()), (0, 0));
    assert_eq!((rig.played(), rig.dealt.as_slice()), (Vec::new(), &["john".to_owned()][..]));
}

#[test]
fn wire_events_come_once_each_and_only_to_who_waits() {
    let frame = encode(&charge("john", "1"));
    let ft1 = frame.windows(5).position(|window| window == b"\rFT1|").unwrap() + 5;
    for (event, at) in [
        (WireEvent::Accepted, 0),
        (WireEvent::FirstByte, 1),
        (WireEvent::Bytes(30), 30),
        (WireEvent::InsideFt1, ft1),
        (WireEvent::EndOfMessage, frame.len()),
        (WireEvent::BeforeReply, frame.len()),
        (WireEvent::ReplyBytes(9), frame.len()),
        (WireEvent::ReplySent, frame.len()),
    ] {
        let mut rig = Rig::new(Vec::new());
        rig.feed(Input::Watch(event));
        let connection = rig.accept();
        let mut reached = usize::from(rig.reached.is_empty()) * usize::MAX;
        for (index, byte) in frame.iter().enumerate() {
            rig.receive(connection, &[*byte]);
            if reached == usize::MAX && !rig.reached.is_empty() {
                reached = index + 1;
            }
        }
        rig.charge(connection, "jane", "2");
        assert_eq!((rig.reached.as_slice(), reached), (&[event][..], at));
    }
}

#[test]
fn a_byte_count_is_not_reached_by_two_messages_together() {
    let mut rig = Rig::new(Vec::new());
    let connection = rig.accept();
    let two = [encode(&charge("john", "1")), encode(&charge("jane", "2"))].concat();
    rig.feed(Input::Watch(WireEvent::Bytes(two.len() as u64 - 10)));
    rig.receive(connection, &two);
    assert_eq!(rig.reached, []);
}

#[test]
fn a_kill_before_the_reply_comes_before_the_reply() {
    let mut rig = Rig::new(Vec::new());
    let connection = rig.accept();
    rig.tell(Input::Watch(WireEvent::BeforeReply));
    rig.tell(Input::Received { connection, bytes: &encode(&charge("john", "1")) });
    let first = rig.emr.poll();
    assert_eq!(first, Some(crate::emr::Output::Reached(WireEvent::BeforeReply)));
    rig.feed(Input::SenderKilled { incarnation: 1 });
    assert_eq!(rig.said, Vec::<(std::time::Duration, u32, Said)>::new());
}
