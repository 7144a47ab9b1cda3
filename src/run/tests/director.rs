//! The steps by themselves: what is asked for next, and how long something is waited for.

use std::time::Duration;

use rstest::rstest;

use super::{awaiting, limits, ms, submit};
use crate::history::{Ending, Micros, What};
use crate::plan::{Step, WireEvent};
use crate::run::command::Command;
use crate::run::director::{Director, View, Wish};

/// A director, what it sees, and a sender that starts and ends as it is told.
struct Walk {
    director: Director,
    view: View,
    obeys: Obeys,
    log: Vec<String>,
}

/// What the sender does when it is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Obeys {
    Everything,
    /// It goes on when it is asked to stop.
    Kills,
    /// Not even a kill ends it.
    Nothing,
}

impl Walk {
    fn new(steps: &[Step]) -> Self {
        let director = Director::new(steps.to_vec(), limits());
        let view = View { now: ms(0), last_activity: ms(0), connections: 0, emr_busy: false };
        Self { director, view, obeys: Obeys::Everything, log: Vec::new() }
    }

    /// Carries out whatever is asked for now.
    fn go(&mut self) -> &mut Self {
        for _ in 0..1_000 {
            let Some(wish) = self.director.next(&self.view) else { return self };
            self.log.push(said(&wish));
            match wish {
                Wish::Do(Command::Start { incarnation }) => {
                    self.keep(|director| director.started(incarnation));
                }
                Wish::Do(Command::End { incarnation, how }) if self.is_obeyed(how) => {
                    self.keep(|director| director.exited(incarnation, Some(0), None));
                }
                Wish::Do(Command::Account) => self.director.accounted(),
                _ => {}
            }
        }
        panic!("the steps never come to rest: {:#?}", self.log);
    }

    fn is_obeyed(&self, how: Ending) -> bool {
        match self.obeys {
            Obeys::Everything => true,
            Obeys::Kills => how == Ending::Kill,
            Obeys::Nothing => false,
        }
    }

    fn keep(&mut self, seen: impl FnOnce(&mut Director) -> What) {
        let what = seen(&mut self.director);
        self.log.push(said(&Wish::Record(what)));
    }

    /// Lets time pass, with a look at every deadline; each must lie ahead.
    fn pass(&mut self, milliseconds: u64) -> &mut Self {
        let until = self.view.now + ms(milliseconds);
        while let Some(at) = self.director.deadline(&self.view).filter(|at| *at <= until) {
            assert!(at > self.view.now, "a deadline that is over wakes the driver for nothing");
            self.view.now = at;
            self.go();
        }
        self.view.now = until;
        self.go()
    }

    fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn ends_with(&mut self, expected: &[&str]) {
        let log = self.log();
        assert_eq!(&log[log.len().saturating_sub(expected.len())..], expected, "{log:#?}");
    }
}

/// One word or two for each wish and each event.
fn said(wish: &Wish) -> String {
    match wish {
        Wish::Do(Command::Start { incarnation }) => format!("start {incarnation}"),
        Wish::Do(Command::Submit { exam }) => format!("submit {exam}"),
        Wish::Do(Command::Resend { exam }) => format!("resend {exam}"),
        Wish::Do(Command::End { how, .. }) => format!("do {how:?}"),
        Wish::Do(Command::Pause { .. }) => "pause".to_owned(),
        Wish::Do(Command::Resume { .. }) => "resume".to_owned(),
        Wish::Do(Command::Jump { by }) => format!("jump {}", by.0 / 1_000_000),
        Wish::Do(Command::Account) => "account".to_owned(),
        Wish::Do(Command::LeaveAlone) => "leave alone".to_owned(),
        Wish::Do(Command::Finish) => "finish".to_owned(),
        Wish::Watch(event) => format!("watch {event:?}"),
        Wish::Heal => "heal".to_owned(),
        Wish::Drain => "drain".to_owned(),
        Wish::Record(What::SenderStarted { .. }) => "started".to_owned(),
        Wish::Record(What::SenderEnding { incarnation, how }) => format!("{how:?} {incarnation}"),
        Wish::Record(What::SenderExited { asked, .. }) => format!("exited asked={asked}"),
        Wish::Record(What::Watched { quiet, .. }) => format!("watched {}", quiet.0 / 1000),
        Wish::Record(What::WaitedInVain { wanted, waited }) => {
            format!("in vain {wanted} {}", waited.0 / 1000)
        }
        Wish::Record(what) => format!("{what:?}"),
    }
}

#[test]
fn steps_are_carried_out_in_their_order() {
    let steps = [
        Step::Start,
        submit("john"),
        awaiting("john"),
        Step::Heal,
        Step::Account,
        Step::Stop,
        Step::Start,
        Step::Stop,
    ];
    let mut walk = Walk::new(&steps);
    walk.go();
    assert_eq!(walk.log(), ["start 1", "started", "submit john"]);
    walk.director.dealt("jane");
    walk.go();
    assert_eq!(walk.log(), Vec::<String>::new(), "another exam is not the one");
    walk.director.dealt("john");
    walk.go();
    assert_eq!(
        walk.log(),
        [
            "heal",
            "account",
            "Stop 1",
            "do Stop",
            "exited asked=true",
            "start 2",
            "started",
            "Stop 2",
            "do Stop",
            "exited asked=true",
            "drain",
            "Finished",
            "finish",
        ]
    );
    assert!(walk.director.is_finished());
}

#[test]
fn what_came_before_it_was_awaited_has_come() {
    let mut walk = Walk::new(&[Step::Start, submit("john"), submit("jane"), awaiting("john")]);
    walk.director.dealt("john");
    walk.go().ends_with(&["drain", "Finished", "finish"]);
}

#[test]
fn an_await_in_vain_takes_the_patience_and_the_next_one_only_the_settling_time() {
    let mut walk = Walk::new(&[Step::Start, awaiting("john"), awaiting("jane"), Step::Account]);
    walk.go().pass(3_999);
    assert_eq!(walk.log(), ["start 1", "started"]);
    walk.pass(1);
    assert_eq!(walk.log(), ["in vain the charge of `john` 4000"]);
    walk.pass(799);
    assert_eq!(walk.log(), Vec::<String>::new());
    walk.pass(1);
    walk.log.truncate(2);
    assert_eq!(walk.log(), ["in vain the charge of `jane` 800", "account"]);
}

#[test]
fn nothing_is_awaited_of_a_sender_that_is_down() {
    let mut walk = Walk::new(&[Step::Start, awaiting("john"), Step::Kill(WireEvent::FirstByte)]);
    walk.go();
    walk.keep(|director| director.exited(1, Some(1), None));
    walk.go();
    assert_eq!(
        walk.log(),
        [
            "start 1",
            "started",
            "exited asked=false",
            "in vain the charge of `john` 0",
            "watch FirstByte",
            "in vain the wire event `first-byte` 0",
            "drain",
            "Finished",
            "finish",
        ]
    );
}

#[rstest]
#[case(WireEvent::Accepted, "accepted")]
#[case(WireEvent::FirstByte, "first-byte")]
#[case(WireEvent::Bytes(300), "bytes: 300")]
#[case(WireEvent::InsideFt1, "inside-ft1")]
#[case(WireEvent::EndOfMessage, "end-of-message")]
#[case(WireEvent::BeforeReply, "before-reply")]
#[case(WireEvent::ReplyBytes(10), "reply-bytes: 10")]
#[case(WireEvent::ReplySent, "reply-sent")]
fn a_kill_comes_at_its_event_or_when_that_was_waited_for_in_vain(
    #[case] event: WireEvent,
    #[case] name: &str,
) {
    let killed = ["Kill 1", "do Kill", "exited asked=true", "start 2", "started", "Kill 2"];
    let steps = [Step::Start, Step::Kill(event), Step::Start];
    let mut walk = Walk::new(&steps);
    walk.go();
    assert_eq!(
        walk.log(),
        ["start 1".to_owned(), "started".to_owned(), format!("watch {event:?}")]
    );
    walk.director.reached(event);
    walk.go();
    assert_eq!(&walk.log()[..6], killed);

    let mut walk = Walk::new(&steps);
    walk.go().pass(4_000);
    let log = walk.log();
    assert_eq!(log[3], format!("in vain the wire event `{name}` 4000"));
    assert_eq!(&log[4..10], killed);
}

#[test]
fn another_event_than_the_one_that_is_watched_kills_nobody() {
    let mut walk = Walk::new(&[Step::Start, Step::Kill(WireEvent::Bytes(300))]);
    walk.go();
    walk.director.reached(WireEvent::Bytes(200));
    walk.go();
    assert_eq!(walk.log().len(), 3);
}

#[test]
fn a_stop_that_is_ignored_becomes_a_kill() {
    let mut walk = Walk::new(&[Step::Start, Step::Stop, Step::Account]);
    walk.obeys = Obeys::Kills;
    walk.go().pass(1_999);
    assert_eq!(walk.log(), ["start 1", "started", "Stop 1", "do Stop"]);
    walk.pass(1);
    assert_eq!(walk.log()[..4], ["Kill 1", "do Kill", "exited asked=true", "account"]);
}

#[test]
fn who_survives_a_kill_is_not_waited_for_for_ever() {
    let mut walk = Walk::new(&[Step::Start, Step::Stop]);
    walk.obeys = Obeys::Nothing;
    walk.go().pass(60_000);
    assert!(walk.director.is_finished(), "{:#?}", walk.log());
    walk.ends_with(&["Kill 1", "do Kill", "drain", "Finished", "finish"]);
}

#[test]
fn a_stop_waits_until_the_connections_are_read_out_and_not_for_ever() {
    let mut walk = Walk::new(&[Step::Start, Step::Stop, Step::Account]);
    walk.view.connections = 1;
    walk.go().pass(100);
    assert_eq!(walk.log().last().unwrap(), "exited asked=true");
    walk.view.connections = 0;
    assert_eq!(walk.go().log()[0], "account");

    let mut walk = Walk::new(&[Step::Start, Step::Stop, Step::Account]);
    walk.view.connections = 1;
    walk.go().pass(4_999); // the least that an end is given; twice its own would be less
    assert_eq!(walk.log().last().unwrap(), "exited asked=true");
    walk.pass(1);
    assert_eq!(walk.log()[0], "account", "nobody's connection holds up the rest");
}

#[test]
fn a_quiet_wire_is_watched_as_long_as_the_limits_say() {
    let mut walk = Walk::new(&[Step::Settle]);
    walk.go().pass(799);
    assert_eq!(walk.log(), Vec::<String>::new());
    assert_eq!(walk.pass(1).log(), ["watched 800", "drain", "Finished", "finish"]);
}

#[test]
fn whatever_stirs_on_the_wire_makes_the_watch_begin_anew() {
    let mut walk = Walk::new(&[Step::Settle]);
    walk.go().pass(700);
    walk.view.last_activity = walk.view.now;
    walk.pass(799);
    assert_eq!(walk.log(), Vec::<String>::new());
    assert_eq!(walk.pass(1).log()[0], "watched 800");
}

#[test]
fn a_wire_that_never_falls_silent_is_watched_six_times_as_long_and_no_longer() {
    let mut walk = Walk::new(&[Step::Settle]);
    walk.go();
    for _ in 0..48 {
        assert_eq!(walk.log(), Vec::<String>::new());
        walk.pass(100);
        walk.view.last_activity = walk.view.now;
    }
    assert_eq!(walk.go().log()[0], "watched 100", "it says how quiet it really was");
}

#[test]
fn an_emr_that_has_something_to_do_yet_is_waited_for() {
    let mut walk = Walk::new(&[Step::Settle]);
    walk.view.emr_busy = true;
    walk.go().pass(2_000);
    assert_eq!(walk.log(), Vec::<String>::new());
    walk.view.emr_busy = false;
    assert_eq!(walk.go().log()[0], "watched 2000");

    let mut walk = Walk::new(&[Step::Settle]);
    walk.view.emr_busy = true;
    walk.go().pass(4_800);
    assert_eq!(walk.log()[0], "watched 4800", "and not for ever");
}

#[test]
fn an_interrupt_ends_the_sender_and_leaves_the_history_unfinished() {
    let mut walk = Walk::new(&[Step::Start, awaiting("john"), Step::Account]);
    walk.go();
    assert_eq!(walk.director.interrupt(), Some(What::Interrupted { why: None }));
    walk.go();
    assert_eq!(
        walk.log(),
        ["start 1", "started", "Kill 1", "do Kill", "exited asked=true", "drain", "finish"]
    );
}

#[test]
fn an_interrupt_before_the_first_start_leaves_the_history_unfinished_too() {
    let mut walk = Walk::new(&[Step::Settle, Step::Start]);
    walk.go();
    assert_eq!(walk.director.interrupt(), Some(What::Interrupted { why: None }));
    assert_eq!(walk.go().log(), ["drain", "finish"]);
}

#[rstest]
#[case::alone(&[Step::Hold], &["watched 3600000", "drain", "Finished", "finish"])]
#[case::then_more(&[Step::Hold, Step::Heal], &["watched 3600000", "heal", "drain", "Finished", "finish"])]
#[case::beside_a_sender(
    &[Step::Start, Step::Hold, Step::Stop],
    &["start 1", "started", "watched 3600000", "Stop 1", "do Stop", "exited asked=true", "drain", "Finished",
      "finish"])]
fn a_hold_lasts_until_it_is_interrupted_and_ends_as_planned(
    #[case] steps: &[Step],
    #[case] expected: &[&str],
) {
    let mut walk = Walk::new(steps);
    walk.go().pass(3_600_000);
    assert!(!walk.director.is_finished());
    assert_eq!(walk.director.interrupt(), None);
    assert_eq!(walk.go().log(), expected);
}

#[test]
fn a_sender_that_cannot_be_started_ends_the_case() {
    let mut director = Director::new(vec![Step::Start, submit("john")], limits());
    let view = View { now: ms(0), last_activity: ms(0), connections: 0, emr_busy: false };
    assert_eq!(director.next(&view), Some(Wish::Do(Command::Start { incarnation: 1 })));
    let why = "no such file".to_owned();
    assert_eq!(director.failed(why.clone()), What::SenderFailed { incarnation: 1, why });
    assert_eq!(director.next(&view), Some(Wish::Drain));
    assert_eq!(director.next(&view), Some(Wish::Record(What::Finished)));
    assert_eq!(director.next(&view), Some(Wish::Do(Command::Finish)));
    assert_eq!(director.next(&view), None);
}

#[test]
fn giving_up_leaves_out_the_steps_and_ends_the_sender() {
    let mut walk = Walk::new(&[Step::Start, awaiting("john"), Step::Account]);
    walk.go();
    walk.director.abort();
    walk.go().ends_with(&[
        "started",
        "Kill 1",
        "do Kill",
        "exited asked=true",
        "drain",
        "Finished",
        "finish",
    ]);
    walk.director.abort();
    assert_eq!(walk.go().log(), Vec::<String>::new());
}

#[test]
fn what_is_waited_for_has_the_limits_of_the_plan() {
    let mut walk = Walk::new(&[Step::Start, awaiting("john")]);
    walk.go();
    assert_eq!(walk.director.deadline(&walk.view), Some(Duration::from(limits().patience)));
    assert_eq!(limits().patience, Micros(4_000_000));
}

/// On a busy machine the exit of a life may be told when the next is up: that one is up all the same,
/// and is ended in its turn.
#[test]
fn an_exit_that_is_told_late_is_of_the_life_that_it_was() {
    let kill = Step::Kill(WireEvent::AtOnce);
    let mut walk = Walk::new(&[Step::Start, kill, Step::Start, Step::Settle, Step::Stop]);
    walk.obeys = Obeys::Nothing;
    walk.go().pass(5_000).ends_with(&["start 2", "started"]);
    walk.keep(|director| director.exited(1, None, Some(9)));
    walk.ends_with(&["exited asked=true"]);
    walk.obeys = Obeys::Everything;
    walk.pass(800);
    let log = walk.log();
    assert_eq!(log[..4], ["watched 800", "Stop 2", "do Stop", "exited asked=true"], "{log:#?}");
}

/// To look for what a sender left behind takes its time, and a sender that has ended is not killed for
/// that.
#[test]
fn a_sender_that_is_gone_is_not_killed_while_it_is_looked_after() {
    let mut walk = Walk::new(&[Step::Start, Step::Stop]);
    walk.obeys = Obeys::Nothing;
    walk.go();
    walk.director.gone(1);
    walk.pass(3_000).ends_with(&["Stop 1", "do Stop"]);
    walk.keep(|director| director.exited(1, Some(0), None));
    walk.go().ends_with(&["exited asked=true", "drain", "Finished", "finish"]);
}
