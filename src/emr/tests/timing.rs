//! When things are said: by ticks alone, and never sooner.

use rstest::rstest;

use super::{ACK_TIMEOUT_MS, Rig, Said, about, behaviour, behaviour_with, ms};
use crate::emr::Input;
use crate::history::{End, Micros, Raw, What};
use crate::plan::fault::{Answer, Connection, Frame};
use crate::plan::{Behaviour, Fault, Match, Parameters, Play, WireEvent};

fn after(milliseconds: u64) -> Parameters {
    Parameters { after: Some(ms(milliseconds).into()), ..Parameters::default() }
}

fn with(fault: Fault, milliseconds: u64) -> Behaviour {
    behaviour_with(fault, after(milliseconds), about("john"))
}

#[rstest]
#[case::late(Fault::Answer(Answer::Late), &["@70 AA"])]
#[case::slow(Fault::Answer(Answer::Slow), &["@70 AA"])]
#[case::commit_then_accept(Fault::Answer(Answer::CommitThenAccept), &["@0 CA", "@70 AA"])]
#[case::commit_then_error(Fault::Answer(Answer::CommitThenError), &["@0 CA", "@70 AE"])]
#[case::commit_then_reject(Fault::Answer(Answer::CommitThenReject), &["@0 CA", "@70 AR"])]
#[case::error_then_accept(Fault::Answer(Answer::ErrorThenAccept), &["@0 AE", "@70 AA"])]
fn a_delay_is_as_long_as_its_parameter_says(#[case] fault: Fault, #[case] expected: &[&str]) {
    let mut rig = Rig::new(vec![with(fault, 70)]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(69);
    let early = rig.codes(connection).len();
    assert_eq!(early, expected.len() - 1, "nothing is said before its time");
    assert_eq!(rig.played(), Vec::<&str>::new(), "nor counted");
    rig.pass(1);
    let codes = rig.codes(connection);
    let found: Vec<String> = rig
        .said
        .iter()
        .zip(codes)
        .map(|((at, ..), code)| format!("@{} {code}", at.as_millis()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(rig.played(), [fault.name()]);
    assert_eq!(rig.emr.deadline(), None, "and nothing is left to wait for");
}

#[test]
fn a_slow_answer_is_in_time_and_a_late_one_is_not() {
    for (fault, in_time) in
        [(Fault::Answer(Answer::Slow), true), (Fault::Answer(Answer::Late), false)]
    {
        let mut rig = Rig::new(vec![behaviour(fault, Match::default())]);
        let connection = rig.accept();
        rig.charge(connection, "john", "1");
        rig.pass(ACK_TIMEOUT_MS - 1);
        assert_eq!(rig.codes(connection).len(), usize::from(in_time), "{fault}");
        rig.pass(10 * ACK_TIMEOUT_MS);
        assert_eq!(rig.codes(connection), ["AA"], "{fault}");
    }
}

#[test]
fn a_drip_is_never_over_in_time_and_no_gap_is_as_long_as_the_timeout() {
    let mut rig = Rig::new(vec![behaviour(Fault::Frame(Frame::Drip), Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(ACK_TIMEOUT_MS - 1);
    assert_eq!(rig.played(), Vec::<&str>::new(), "played once it has outlasted the sender");
    rig.pass(60_000);
    let said: Vec<_> = rig.said.iter().collect();
    assert!(said.iter().all(|(_, _, said)| matches!(said, Said::Bytes(bytes) if bytes.len() == 1)));
    assert!(said.windows(2).all(|pair| pair[1].0 - pair[0].0 < ms(ACK_TIMEOUT_MS)));
    assert!(said.last().unwrap().0 > ms(ACK_TIMEOUT_MS));
    assert_eq!((rig.codes(connection), rig.played()), (vec!["AA".to_owned()], vec!["frame/drip"]));
}

#[test]
fn byte_by_byte_is_in_time_and_one_write_for_each_byte() {
    let mut rig = Rig::new(vec![behaviour(Fault::Frame(Frame::ByteByByte), Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(ACK_TIMEOUT_MS - 1);
    let bytes = rig.bytes(connection);
    assert_eq!((rig.said.len(), rig.codes(connection)), (bytes.len(), vec!["AA".to_owned()]));
    let replied = rig.events().iter().find_map(|event| match &event.what {
        What::Replied { bytes, began, writes, complete, .. } => {
            Some((bytes.0.len(), *began, *writes as usize, *complete, event.at > *began))
        }
        _ => None,
    });
    assert_eq!(replied, Some((bytes.len(), Micros(0), bytes.len(), true, true)));
}

#[test]
fn an_answer_after_the_next_message_comes_before_that_one_s_own_and_on_its_connection() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::LateAfterNext), about("john"))]);
    let first = rig.accept();
    rig.charge(first, "john", "ID-1");
    assert_eq!(rig.dealt, ["john"], "the harness may go on: nothing more comes of itself");
    rig.pass(60_000);
    assert_eq!((rig.bytes(first), rig.played()), (Vec::new(), Vec::new()));
    let second = rig.accept();
    rig.charge(second, "jane", "ID-2");
    assert_eq!(rig.bytes(first), b"");
    let text = String::from_utf8(rig.bytes(second)).unwrap();
    let ids: Vec<&str> = text.split("MSA|AA|").skip(1).map(|rest| &rest[..4]).collect();
    assert_eq!(ids, ["ID-1", "ID-2"]);
    assert_eq!(rig.played(), ["answer/late-after-next"]);
}

#[test]
fn a_list_is_played_in_order_and_raw_bytes_are_not_touched() {
    let raw = b"\x0bany\x0b\x1c\xff\0";
    let play = vec![
        Play::Raw(Raw::from(&raw[..])),
        Play::Wait(ms(30).into()),
        Play::Fault {
            fault: Fault::Connection(Connection::CloseBeforeReply),
            with: Parameters::default(),
        },
    ];
    let mut rig = Rig::new(vec![Behaviour { on: Match::default(), play, times: None }]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(100);
    assert_eq!(
        rig.said,
        [
            (ms(0), connection, Said::Bytes(raw.to_vec())),
            (ms(30), connection, Said::End(End::Close)),
        ]
    );
}

#[test]
fn two_connections_wait_each_for_their_own_time() {
    let mut rig = Rig::new(vec![with(Fault::Answer(Answer::Late), 50)]);
    let (one, other) = (rig.accept(), rig.accept());
    rig.charge(one, "john", "1");
    rig.pass(20);
    rig.charge(other, "john", "2");
    rig.pass(30);
    assert_eq!((rig.codes(one).len(), rig.codes(other).len()), (1, 0));
    rig.pass(20);
    assert_eq!(rig.codes(other).len(), 1);
}

#[test]
fn a_closed_endpoint_opens_by_itself_after_its_time() {
    let mut rig = Rig::new(vec![with(Fault::Connection(Connection::Refused), 200)]);
    assert!(rig.is_open(0));
    rig.feed(Input::Submitted { exam: "john" });
    assert_eq!((rig.is_open(0), rig.played()), (false, vec!["connection/refused"]));
    rig.pass(199);
    assert!(!rig.is_open(0));
    rig.pass(1);
    assert!(rig.is_open(0));
    rig.feed(Input::Submitted { exam: "john" });
    assert!(rig.is_open(0), "once, unless it says how often");
}

#[test]
fn a_closed_endpoint_opens_when_the_emr_is_healed() {
    let script = vec![behaviour_with(
        Fault::Connection(Connection::Refused),
        after(3_600_000),
        Match { endpoint: Some("b".to_owned()), ..Match::default() },
    )];
    let mut rig = Rig::with(script, &["a", "b"], 1 << 20);
    assert_eq!(
        [rig.is_open(0), rig.is_open(1)],
        [true, false],
        "a closure that names no exam is there from the start"
    );
    rig.feed(Input::Heal);
    assert_eq!(([rig.is_open(0), rig.is_open(1)], rig.emr.deadline()), ([true, true], None));
}

#[rstest]
#[case::first_byte(1)]
#[case::middle(40)]
#[case::all_but_one(75)]
fn a_watched_reply_is_cut_where_somebody_watches_for(#[case] count: u64) {
    let mut rig = Rig::new(Vec::new());
    let connection = rig.accept();
    rig.feed(Input::Watch(WireEvent::ReplyBytes(count)));
    rig.charge(connection, "john", "1");
    let pieces: Vec<usize> = rig
        .said
        .iter()
        .map(|(_, _, said)| match said {
            Said::Bytes(bytes) => bytes.len(),
            Said::End(_) => 0,
        })
        .collect();
    let all = rig.bytes(connection).len();
    let first = usize::try_from(count).unwrap();
    assert!(first < all, "the reply is longer: {all}");
    assert_eq!(pieces, [first, all - first]);
    assert_eq!(rig.reached, [WireEvent::ReplyBytes(count)]);
}
