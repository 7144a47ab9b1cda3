//! The harness is found out too: with a defect planted in it, each of another kind, the self-test is
//! red, and where a defect reaches further than the program itself can see, an outsider sees it.
//!
//! A build with debug assertions has the defects in it; without one chosen by `CHARGEPROOF_PLANTED` it is
//! as good as any other. A release has none, and nothing here could run.

use std::collections::BTreeSet;

use crate::command::Place;
use assert_cmd::Command;
use chargeproof::planted::Planted;
use rstest::rstest;

/// What the self-test says of these senders, and its exit code.
fn selftest(senders: &[&str], planted: Option<Planted>) -> (String, Option<i32>) {
    let place = Place::new();
    let mut command = place.command(&[&["selftest", "--simulated"], senders].concat());
    outcome(plant(&mut command, planted))
}

fn plant(command: &mut Command, planted: Option<Planted>) -> &mut Command {
    match planted {
        Some(planted) => command.env("CHARGEPROOF_PLANTED", planted.name()),
        None => command.env_remove("CHARGEPROOF_PLANTED"),
    }
}

fn outcome(command: &mut Command) -> (String, Option<i32>) {
    let output = command.output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// Each defect with a sender by which it shows, and what the self-test says of that one.
const SHOWN_BY: &[(Planted, &str, &str)] = &[
    (Planted::CheckerAlwaysHolds, "resend-on-reject", "NOTHING"),
    (Planted::OpenCountsAsHeld, "once/answered-twice", "NO"),
    (Planted::TwiceByControlIdOnly, "resend-new-control-id", "NOTHING"),
    (Planted::LivesApart, "replay-after-kill", "NOTHING"),
    (Planted::ConnectionsApart, "resend-on-reset", "NOTHING"),
    (Planted::PartsIgnored, "resend-on-partial-write", "NOTHING"),
    (Planted::FaultNeverFires, "once/answered-twice", "HELD AGAINST IT"),
    (Planted::FaultOnlyClaimed, "correct", "HELD AGAINST IT"),
    (Planted::DrainSkipped, "once/answered-twice", "HELD AGAINST IT"),
    (Planted::BytesByTime, "no-lock", "no-lock"),
];

#[test]
fn without_a_defect_the_self_test_is_green() {
    let senders: BTreeSet<&str> = SHOWN_BY.iter().map(|(_, sender, _)| *sender).collect();
    let (out, code) = selftest(&senders.into_iter().collect::<Vec<_>>(), None);
    assert_eq!(code, Some(0), "{out}");
}

#[rstest]
fn a_planted_defect_turns_the_self_test_red(#[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] defect: usize) {
    let (planted, sender, seen) = SHOWN_BY[defect];
    let (out, code) = selftest(&[sender], Some(planted));
    assert_eq!(code, Some(1), "{}:\n{out}", planted.name());
    assert!(out.contains(seen), "{}:\n{out}", planted.name());
}

/// What the program says of itself cannot be trusted here: only the exit code that arrives counts.
#[test]
fn an_exit_code_that_is_always_0_is_seen_from_outside() {
    let convicts = |planted| {
        let place = Place::new();
        let run = ["run", "once/rejected", "--simulated", "--bug", "resend-on-reject"];
        let (out, code) = outcome(plant(&mut place.command(&run), planted));
        assert!(out.contains("exit 10"), "{out}");
        code == Some(10)
    };
    assert!(convicts(None));
    assert!(!convicts(Some(Planted::ExitAlways0)));
}

#[test]
fn every_defect_is_shown() {
    let shown: Vec<Planted> = SHOWN_BY.iter().map(|(planted, ..)| *planted).collect();
    let all = [&shown[..], &[Planted::ExitAlways0]].concat();
    assert_eq!(all, Planted::ALL);
}

#[test]
fn a_defect_that_nobody_knows_is_not_taken_for_none() {
    let place = Place::new();
    let mut command = place.command(&["list"]);
    command.env("CHARGEPROOF_PLANTED", "something-else");
    assert_eq!(command.output().unwrap().status.code(), Some(101));
}
