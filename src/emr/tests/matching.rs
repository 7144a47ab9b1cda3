//! Which behaviour plays for which message: exam, attempt, message, connection, endpoint, kind and
//! how many times.

use rstest::rstest;

use super::{Rig, about, behaviour, message};
use crate::emr::Input;
use crate::history::End;
use crate::mllp::encode;
use crate::plan::fault::{Answer, Connection};
use crate::plan::{Behaviour, Fault, Match, MessageKind};

/// Six messages: john and jane on connection 1, john again on 2, at the second endpoint john on 3,
/// jane and a result of john's on 4. Each `R` was refused because of the behaviour.
#[rstest]
#[case::everything(Match::default(), "RRRRRA")]
#[case::exam(about("jane"), "ARAARA")]
#[case::attempt(Match { attempt: Some(2), ..Match::default() }, "AARARA")]
#[case::exam_and_attempt(Match { attempt: Some(3), ..about("john") }, "AAARAA")]
#[case::message(Match { message: Some(2), ..Match::default() }, "ARAARA")]
#[case::message_at_endpoint(
    Match { message: Some(1), endpoint: Some("b".to_owned()), ..Match::default() }, "AAARAA")]
#[case::connection(Match { connection: Some(2), ..Match::default() }, "AARARA")]
#[case::endpoint(Match { endpoint: Some("a".to_owned()), ..Match::default() }, "RRRAAA")]
#[case::result(Match { kind: Some(MessageKind::Result), ..Match::default() }, "AAAAAR")]
#[case::charge(Match { kind: Some(MessageKind::Charge), ..Match::default() }, "RRRRRA")]
#[case::nobody(about("probe"), "AAAAAA")]
fn a_behaviour_plays_where_everything_that_it_names_holds(
    #[case] on: Match,
    #[case] expected: &str,
) {
    let mut rig =
        Rig::with(vec![behaviour(Fault::Answer(Answer::Reject), on)], &["a", "b"], 1 << 20);
    let mut answers = String::new();
    for (endpoint, messages) in [
        (0, &[("DFT^P03", "john"), ("DFT^P03", "jane")][..]),
        (0, &[("DFT^P03", "john")]),
        (1, &[("DFT^P03", "john")]),
        (1, &[("DFT^P03", "jane"), ("ORU^R01", "john")]),
    ] {
        let connection = rig.accept_at(endpoint, 1);
        for (of, exam) in messages {
            rig.receive(connection, &encode(&message(of, exam, "1", "2.4", "")));
        }
        answers.extend(rig.codes(connection).iter().map(|code| &code[1..]));
    }
    assert_eq!(answers, expected);
    assert_eq!(rig.played().len(), expected.matches('R').count());
}

#[test]
fn the_first_behaviour_that_matches_plays_and_the_next_one_when_it_is_used_up() {
    let once = |fault| Behaviour { times: Some(1), ..behaviour(fault, Match::default()) };
    let mut rig = Rig::new(vec![
        once(Fault::Answer(Answer::Reject)),
        behaviour(Fault::Answer(Answer::Error), about("john")),
        once(Fault::Answer(Answer::Reject)),
    ]);
    let connection = rig.accept();
    for exam in ["john", "jane", "john", "jane"] {
        rig.charge(connection, exam, "1");
    }
    assert_eq!(rig.codes(connection), ["AR", "AR", "AE", "AA"]);
}

#[test]
fn a_message_with_an_order_that_nobody_knows_still_plays_what_names_no_exam() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "nobody", "1");
    assert_eq!(rig.codes(connection), ["AR"]);
    assert_eq!(rig.dealt, Vec::<String>::new());
}

#[test]
fn before_a_message_the_exam_is_the_one_handed_over_last() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Connection(Connection::AcceptClose), about("jane"))]);
    rig.feed(Input::Submitted { exam: "john" });
    let spared = rig.accept();
    rig.charge(spared, "john", "1");
    rig.feed(Input::Submitted { exam: "jane" });
    let closed = rig.accept();
    assert_eq!((rig.ends(spared), rig.ends(closed)), (Vec::new(), vec![End::Close]));
    assert_eq!(rig.codes(spared), ["AA"]);
}

#[test]
fn a_message_that_has_come_ends_what_was_meant_for_it_before() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Connection(Connection::AcceptClose), about("john"))]);
    let connection = rig.accept();
    rig.feed(Input::Submitted { exam: "john" });
    rig.charge(connection, "john", "1");
    let next = rig.accept();
    assert_eq!(rig.ends(next), Vec::new(), "the charge of john is through");
}

#[test]
fn each_endpoint_plays_what_names_it() {
    let at = |name: &str| Match { endpoint: Some(name.to_owned()), ..Match::default() };
    let script = vec![
        behaviour(Fault::Answer(Answer::None), at("a")),
        behaviour(Fault::Connection(Connection::ResetBeforeReply), at("b")),
    ];
    let mut rig = Rig::with(script, &["a", "b"], 1 << 20);
    let (one, other) = (rig.accept_at(0, 1), rig.accept_at(1, 1));
    rig.charge(one, "john", "1");
    rig.charge(other, "john", "2");
    assert_eq!((rig.bytes(one), rig.ends(one)), (Vec::new(), Vec::new()));
    assert_eq!((rig.bytes(other), rig.ends(other)), (Vec::new(), vec![End::Reset]));
}

#[test]
fn a_healed_emr_accepts_whatever_the_script_says() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::Reject), Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.feed(Input::Heal);
    rig.charge(connection, "john", "2");
    assert_eq!(rig.codes(connection), ["AR", "AA"]);
    assert_eq!(rig.dealt, ["john", "john"]);
}
