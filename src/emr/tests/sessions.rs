//! Sessions that the EMR ends for reasons of its own: idle for too long, one too many, taken over.

use rstest::rstest;

use super::{Rig, about, behaviour, behaviour_with, charge, ms};
use crate::emr::Input;
use crate::history::{End, What};
use crate::mllp::encode;
use crate::plan::fault::Connection;
use crate::plan::{Fault, Match, Moment, Parameters};

fn count(count: u32) -> Parameters {
    Parameters { count: Some(count), ..Parameters::default() }
}

fn after(milliseconds: u64) -> Parameters {
    Parameters { after: Some(ms(milliseconds).into()), ..Parameters::default() }
}

#[test]
fn what_is_said_on_an_idle_connection_starts_its_time_anew_and_is_answered() {
    let script =
        vec![behaviour_with(Fault::Connection(Connection::IdleDrop), after(100), about("john"))];
    let mut rig = Rig::new(script);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(80);
    rig.charge(connection, "jane", "2");
    assert_eq!(rig.codes(connection), ["AA", "AA"]);
    rig.pass(80);
    assert_eq!(rig.ends(connection), []);
    rig.pass(20);
    assert_eq!(
        (rig.ends(connection), rig.played()),
        (vec![End::Close], vec!["connection/idle-drop"])
    );
}

#[test]
fn who_leaves_before_he_is_dropped_was_not_dropped() {
    let mut rig = Rig::new(vec![behaviour(Fault::Connection(Connection::IdleDrop), about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::Ended { connection, how: End::Close });
    rig.pass(60_000);
    assert_eq!((rig.played(), rig.emr.open_connections()), (Vec::new(), 0));
    assert_eq!((rig.dealt.as_slice(), rig.emr.deadline()), (&["john".to_owned()][..], None));
}

#[rstest]
#[case::each(1, &[1, 1, 1, 1])]
#[case::second(2, &[2, 2])]
#[case::third(3, &[3, 1])]
fn a_connection_is_closed_after_so_many_messages_of_its_own(
    #[case] limit: u32,
    #[case] expected: &[usize],
) {
    let on = Match::default();
    let mut rig =
        Rig::new(vec![behaviour_with(Fault::Connection(Connection::CloseEvery), count(limit), on)]);
    let mut connection = rig.accept();
    let mut opened = vec![connection];
    for id in ["1", "2", "3", "4"] {
        if !rig.ends(connection).is_empty() {
            connection = rig.accept();
            opened.push(connection);
        }
        rig.charge(connection, "john", id);
    }
    let answered: Vec<usize> = opened.iter().map(|one| rig.codes(*one).len()).collect();
    assert_eq!(answered, expected);
    assert_eq!(rig.played().len(), 4 / limit as usize);
}

#[rstest]
#[case::none(0, 0)]
#[case::one(1, 1)]
#[case::two(2, 2)]
fn whoever_is_one_too_many_is_turned_away(#[case] limit: u32, #[case] expected: usize) {
    let on = Match::default();
    let fault = Fault::Connection(Connection::MaxConnections);
    let mut rig = Rig::new(vec![behaviour_with(fault, count(limit), on)]);
    let all = [rig.accept(), rig.accept(), rig.accept()];
    let open = all.iter().filter(|one| rig.ends(**one).is_empty()).count();
    assert_eq!((open, rig.played().len()), (expected, 3 - expected));
    // A place that was given up is free again.
    if let Some(&connection) = all.first().filter(|_| limit > 0) {
        rig.feed(Input::Ended { connection, how: End::Close });
        let next = rig.accept();
        assert_eq!(rig.ends(next), []);
    }
}

#[test]
fn a_second_connection_closes_the_first_whoever_made_it() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Connection(Connection::StealSession), about("john"))]);
    rig.feed(Input::Submitted { exam: "john" });
    let (first, second) = (rig.accept(), rig.accept());
    assert_eq!((rig.ends(first), rig.ends(second)), (vec![End::Close], Vec::new()));
    rig.charge(second, "john", "1");
    assert_eq!((rig.ends(second), rig.bytes(second)), (vec![End::Close], Vec::new()));
    let visits = rig.events().iter().filter(|event| matches!(event.what, What::Visited { .. }));
    assert_eq!(visits.count(), 1, "the second time it was another client");
    assert_eq!((rig.played().len(), rig.dealt.as_slice()), (2, &["john".to_owned()][..]));
}

#[test]
fn only_a_message_within_the_gap_is_refused() {
    let script =
        vec![behaviour_with(Fault::Connection(Connection::MinGap), after(100), Match::default())];
    let mut rig = Rig::new(script);
    let connection = rig.accept();
    for (pause, id) in [(0, "1"), (99, "2"), (100, "3"), (0, "4")] {
        rig.pass(pause);
        rig.charge(connection, "john", id);
    }
    assert_eq!(rig.codes(connection), ["AA", "AR", "AA", "AR"]);
    assert_eq!(rig.played().len(), 2);
}

#[test]
fn a_restart_cuts_every_connection_and_opens_the_door_again_after_its_time() {
    let script =
        vec![behaviour_with(Fault::Connection(Connection::Restart), after(100), about("john"))];
    let mut rig = Rig::new(script);
    let (other, connection) = (rig.accept(), rig.accept());
    rig.charge(connection, "john", "1");
    assert_eq!((rig.ends(other), rig.ends(connection)), (vec![End::Close], vec![End::Close]));
    assert_eq!(
        (rig.is_open(0), rig.played(), rig.dealt.len()),
        (false, vec!["connection/restart"], 1)
    );
    rig.pass(99);
    assert!(!rig.is_open(0));
    rig.pass(1);
    assert!(rig.is_open(0));
}

#[test]
fn what_is_not_read_is_read_when_the_sender_is_gone() {
    let script = vec![behaviour_with(
        Fault::Connection(Connection::NoRead),
        after(3_600_000),
        about("john"),
    )];
    let mut rig = Rig::new(script);
    let connection = rig.accept();
    rig.feed(Input::Submitted { exam: "john" });
    rig.charge(connection, "john", "1");
    let received = |rig: &Rig| {
        rig.events().iter().filter(|event| matches!(event.what, What::Received { .. })).count()
    };
    assert_eq!((received(&rig), rig.played().len()), (0, 0));
    rig.feed(Input::SenderGone);
    assert_eq!((received(&rig), rig.played()), (1, Vec::new()), "not as asked");
    let next = rig.accept();
    rig.charge(next, "jane", "2");
    assert_eq!(received(&rig), 2, "and its next life is read as ever");
}

/// Inside a message another client is to come, and cannot: the rest of the message is heard at once.
#[rstest]
fn a_message_is_heard_out_when_no_other_client_gets_through(#[values(1, 4096)] cut: usize) {
    let inside = Match { moment: Some(Moment::Bytes(40)), ..Match::default() };
    let mut rig = Rig::new(vec![
        behaviour(Fault::Connection(Connection::Refused), about("jane")),
        behaviour(Fault::Connection(Connection::StealSession), inside),
    ]);
    let connection = rig.accept();
    rig.feed(Input::Submitted { exam: "jane" });
    for part in encode(&charge("john", "1")).chunks(cut) {
        rig.receive(connection, part);
    }
    assert_eq!(rig.codes(connection), ["AA"]);
    let forgone = rig.events().iter().any(|event| match &event.what {
        What::NotPlayed { behaviour, .. } => *behaviour == 1,
        _ => false,
    });
    assert!(forgone, "nobody else got through");
}
