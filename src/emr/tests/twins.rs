//! Exams that share their order: a correction comes under the number of what it corrects.

use std::sync::Arc;

use super::{Rig, about, behaviour, settings};
use crate::emr::{Input, Settings};
use crate::plan::fault::Answer;
use crate::plan::{Behaviour, Fault, Match, Orders};

/// An EMR that knows `john` and `twin` by one order, which has one message or several.
fn rig(script: Vec<Behaviour>, one_message: bool) -> Rig {
    let known = settings(&["emr"], 1 << 20);
    let mut orders: Orders = (*known.orders).clone();
    orders.exams.insert("273013".to_owned(), vec![Arc::from("john"), Arc::from("twin")]);
    Rig::set(script, Settings { orders: Arc::new(Orders { one_message, ..orders }), ..known })
}

fn hand_over(rig: &mut Rig, exam: &str) {
    rig.feed(Input::Submitted { exam });
}

#[test]
fn a_charge_is_awaited_for_the_exams_that_had_been_handed_over() {
    let mut rig = rig(Vec::new(), true);
    let connection = rig.accept();
    hand_over(&mut rig, "john");
    rig.charge(connection, "john", "1");
    assert_eq!(rig.dealt, ["john"]);
    // Its order has one message, and that has come.
    hand_over(&mut rig, "twin");
    assert_eq!(rig.dealt, ["john", "twin"]);
}

#[test]
fn a_charge_after_both_is_the_charge_of_both() {
    let mut rig = rig(Vec::new(), true);
    let connection = rig.accept();
    hand_over(&mut rig, "john");
    hand_over(&mut rig, "twin");
    rig.charge(connection, "john", "1");
    rig.dealt.sort();
    assert_eq!(rig.dealt, ["john", "twin"]);
}

#[test]
fn where_an_order_may_have_several_messages_the_next_one_is_awaited() {
    let mut rig = rig(Vec::new(), false);
    let connection = rig.accept();
    hand_over(&mut rig, "john");
    rig.charge(connection, "john", "1");
    hand_over(&mut rig, "twin");
    assert_eq!(rig.dealt, ["john"]);
    rig.charge(connection, "john", "2");
    assert!(rig.dealt.contains(&"twin".to_owned()));
}

#[test]
fn a_script_plays_by_what_had_been_handed_over_and_counts_the_attempts_together() {
    let second = Match { attempt: Some(2), ..about("john") };
    let script = vec![
        behaviour(Fault::Answer(Answer::Error), about("twin")),
        behaviour(Fault::Answer(Answer::Reject), second),
    ];
    let mut rig = rig(script, true);
    let connection = rig.accept();
    hand_over(&mut rig, "john");
    rig.charge(connection, "john", "1");
    rig.charge(connection, "john", "2");
    hand_over(&mut rig, "twin");
    rig.charge(connection, "john", "3");
    assert_eq!(rig.codes(connection), ["AA", "AR", "AE"]);
}
