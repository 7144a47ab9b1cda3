//! EMR, director and recorder together: what a driver is told to do, and what is written down.

use jiff::civil::date;

use super::{awaiting, ms, plan, submit};
use crate::emr::{Door, Input, WireAct};
use crate::history::{End, Ending, What};
use crate::plan::{Plan, Step, StopBy, WireEvent};
use crate::run::drive::stop_signal;
use crate::run::{Command, Do, Drive, Happening};

fn drive(plan: &Plan) -> Drive {
    Drive::new(plan, date(2026, 1, 5).at(8, 0, 0, 0))
}

/// Everything that is to be done now; a start is answered at once, an end and a write are not.
fn todo(drive: &mut Drive) -> Vec<Do> {
    let mut all = Vec::new();
    while let Some(what) = drive.next(ms(0)) {
        match &what {
            Do::Sender(Command::Start { incarnation }) => {
                drive.happened(ms(0), Happening::Started { incarnation: *incarnation });
            }
            Do::Wire(WireAct::Listen { endpoint, door }) => {
                let input = Input::Listening { endpoint: *endpoint, up: *door == Door::Open };
                drive.happened(ms(0), Happening::Emr(input));
            }
            _ => {}
        }
        all.push(what);
        assert!(all.len() < 1_000, "there is no end to it");
    }
    all
}

fn connect(drive: &mut Drive, connection: u32) {
    let input = Input::Accepted { connection, endpoint: 0, incarnation: 1 };
    drive.happened(ms(0), Happening::Emr(input));
}

fn receive(drive: &mut Drive, bytes: &[u8]) {
    drive.happened(ms(0), Happening::Emr(Input::Received { connection: 1, bytes }));
}

fn charge(order: &str) -> Vec<u8> {
    let message = format!("MSH|^~\\&|I|I|E|F|2026||DFT^P03|1|P|2.4\rFT1|1||{order}\r");
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

fn kinds(drive: &Drive) -> Vec<String> {
    let word = |what: &What| format!("{what:?}").split([' ', '{']).next().unwrap().to_owned();
    drive.events().iter().map(|event| word(&event.what)).collect()
}

#[test]
fn a_kill_before_the_reply_comes_before_the_write() {
    let plan = plan(
        Vec::new(),
        vec![Step::Start, submit("john"), Step::Kill(WireEvent::BeforeReply), Step::Account],
    );
    let mut drive = drive(&plan);
    todo(&mut drive);
    connect(&mut drive, 1);
    receive(&mut drive, &charge("273013"));
    assert_eq!(
        todo(&mut drive),
        [Do::Sender(Command::End { incarnation: 1, how: Ending::Kill })],
        "and the reply that was due is never written"
    );
    drive.happened(ms(1), Happening::Exited { incarnation: 1, code: None, signal: Some(9) });
    drive.happened(ms(1), Happening::Emr(Input::Ended { connection: 1, how: End::Close }));
    assert_eq!(drive.next(ms(1)), Some(Do::Sender(Command::Account)));
}

#[test]
fn bytes_of_the_dead_are_read_before_the_next_life_begins() {
    let plan = plan(
        Vec::new(),
        vec![Step::Start, submit("john"), Step::Kill(WireEvent::FirstByte), Step::Start],
    );
    let mut drive = drive(&plan);
    todo(&mut drive);
    connect(&mut drive, 1);
    let frame = charge("273013");
    receive(&mut drive, &frame[..10]);
    assert_eq!(todo(&mut drive), [Do::Sender(Command::End { incarnation: 1, how: Ending::Kill })]);
    drive.happened(ms(1), Happening::Exited { incarnation: 1, code: None, signal: Some(9) });
    assert_eq!(todo(&mut drive), [], "its connection is not read out");
    receive(&mut drive, &frame[10..]);
    assert_eq!(todo(&mut drive), [], "and nobody is answered");
    drive.happened(ms(1), Happening::Emr(Input::Ended { connection: 1, how: End::Reset }));
    assert_eq!(todo(&mut drive)[0], Do::Sender(Command::Start { incarnation: 2 }));
    assert!(kinds(&drive).contains(&"Received".to_owned()));
}

#[test]
fn a_flood_is_cut_off_at_the_bound_and_said_to_be() {
    let mut plan = plan(Vec::new(), vec![Step::Start, submit("john"), awaiting("jane")]);
    plan.limits.messages = 3;
    let mut drive = drive(&plan);
    todo(&mut drive);
    connect(&mut drive, 1);
    for _ in 0..3 {
        receive(&mut drive, &charge("273013"));
        assert!(
            !todo(&mut drive)
                .contains(&Do::Sender(Command::End { incarnation: 1, how: Ending::Kill }))
        );
    }
    for _ in 0..5 {
        receive(&mut drive, &charge("273013"));
    }
    assert!(
        todo(&mut drive).contains(&Do::Sender(Command::End { incarnation: 1, how: Ending::Kill }))
    );
    drive.happened(ms(1), Happening::Exited { incarnation: 1, code: None, signal: Some(9) });
    drive.happened(ms(1), Happening::Emr(Input::Ended { connection: 1, how: End::Close }));
    todo(&mut drive);
    assert!(drive.is_finished());
    let count = |kind: &str| kinds(&drive).iter().filter(|one| *one == kind).count();
    assert_eq!((count("Received"), count("Bound"), count("Finished")), (3, 1, 1));
}

#[test]
fn too_many_connections_end_the_case() {
    let plan = plan(Vec::new(), vec![Step::Start, awaiting("jane")]);
    let mut drive = drive(&plan);
    todo(&mut drive);
    drive.happened(ms(0), Happening::TooManyConnections);
    assert_eq!(todo(&mut drive), [Do::Sender(Command::End { incarnation: 1, how: Ending::Kill })]);
    assert!(kinds(&drive).contains(&"Bound".to_owned()));
}

#[test]
fn an_interrupt_is_written_down_and_half_a_message_with_it() {
    let plan = plan(Vec::new(), vec![Step::Start, submit("john"), awaiting("john")]);
    let mut drive = drive(&plan);
    todo(&mut drive);
    connect(&mut drive, 1);
    receive(&mut drive, b"\x0bMSH|");
    drive.happened(ms(0), Happening::Interrupted);
    todo(&mut drive);
    drive.happened(ms(0), Happening::Exited { incarnation: 1, code: None, signal: Some(9) });
    drive.happened(ms(0), Happening::Emr(Input::Ended { connection: 1, how: End::Reset }));
    todo(&mut drive);
    assert!(drive.is_finished());
    let kinds = kinds(&drive);
    assert!(kinds.contains(&"Interrupted".to_owned()) && kinds.contains(&"Received".to_owned()));
    assert!(!kinds.contains(&"Finished".to_owned()), "{kinds:?}");
}

#[test]
fn a_listener_that_cannot_be_opened_again_breaks_the_case_off_and_says_so_once() {
    let mut drive = drive(&plan(Vec::new(), vec![Step::Start, submit("john")]));
    todo(&mut drive);
    let blind = || Happening::CannotAccept("the listener could not be opened again".to_owned());
    drive.happened(ms(0), blind());
    drive.happened(ms(0), blind());
    todo(&mut drive);
    drive.happened(ms(0), Happening::Exited { incarnation: 1, code: None, signal: Some(9) });
    todo(&mut drive);
    assert!(drive.is_finished());
    let why = drive.events().iter().filter_map(|event| match &event.what {
        What::Interrupted { why } => Some(why.as_deref()),
        _ => None,
    });
    assert_eq!(why.collect::<Vec<_>>(), [Some("the listener could not be opened again")]);
    assert!(!kinds(&drive).contains(&"Finished".to_owned()));
}

#[test]
fn a_hold_that_is_interrupted_is_finished_and_keeps_half_a_message() {
    let mut drive = drive(&plan(Vec::new(), vec![Step::Hold]));
    todo(&mut drive);
    connect(&mut drive, 1);
    receive(&mut drive, b"\x0bMSH|");
    drive.happened(ms(0), Happening::Interrupted);
    assert_eq!(todo(&mut drive), [Do::Drain, Do::Sender(Command::Finish)]);
    let expected = ["Listening", "Opened", "Watched", "Received", "EndedByEmr", "Finished"];
    assert_eq!(kinds(&drive), expected);
}

#[test]
fn an_exam_is_handed_over_after_it_was_written_down() {
    let mut drive = drive(&plan(Vec::new(), vec![Step::Start, submit("john")]));
    while let Some(what) = drive.next(ms(0)) {
        match what {
            Do::Sender(Command::Start { incarnation }) => {
                drive.happened(ms(0), Happening::Started { incarnation });
            }
            Do::Sender(Command::Submit { exam }) => {
                assert_eq!(
                    (exam.as_str(), kinds(&drive).last().unwrap().as_str()),
                    ("john", "Submitted")
                );
                return;
            }
            _ => {}
        }
    }
    panic!("john was never handed over");
}

#[test]
fn a_sender_file_says_by_which_signal_its_sender_stops() {
    use rustix::process::Signal;
    assert_eq!(stop_signal(StopBy::Terminate), Some(Signal::TERM));
    assert_eq!(stop_signal(StopBy::Interrupt), Some(Signal::INT));
    assert_eq!(stop_signal(StopBy::StandardInput), None);
}

/// Who connects and closes without a byte looks whether anybody is there, and may do so for ever.
#[test]
fn a_connect_without_a_byte_keeps_no_wire_from_being_quiet() {
    let plan = plan(Vec::new(), vec![Step::Start, Step::Settle]);
    let settle = std::time::Duration::from(plan.limits.settle);
    let mut drive = drive(&plan);
    todo(&mut drive);
    for connection in 1..=4 {
        let at = settle * connection / 5;
        let input = Input::Accepted { connection, endpoint: 0, incarnation: 1 };
        drive.happened(at, Happening::Emr(input));
        drive.happened(at, Happening::Emr(Input::Ended { connection, how: End::Close }));
    }
    drive.happened(settle, Happening::Tick);
    while drive.next(settle).is_some() {}
    let watched = drive
        .events()
        .iter()
        .any(|event| matches!(&event.what, What::Watched { quiet, wanted } if quiet >= wanted));
    assert!(watched, "{:?}", drive.events());
}

/// A ping names nobody, and may come for ever; a charge is none.
#[test]
fn a_ping_keeps_no_wire_from_being_quiet() {
    let plan = plan(Vec::new(), vec![Step::Start, Step::Settle]);
    let settle = std::time::Duration::from(plan.limits.settle);
    let ping = b"\x0bMSH|^~\\&|A|B|||||NMQ^N01|1|P|2.4\r\x1c\r";
    let charge = b"\x0bMSH|^~\\&|A|B|||||DFT^P03|1|P|2.4\r\x1c\r";
    for (bytes, expected) in [(&ping[..], true), (&charge[..], false)] {
        let mut drive = drive(&plan);
        todo(&mut drive);
        connect(&mut drive, 1);
        for part in [&bytes[..20], &bytes[20..]] {
            drive.happened(
                settle / 2,
                Happening::Emr(Input::Received { connection: 1, bytes: part }),
            );
        }
        drive.happened(settle, Happening::Tick);
        while drive.next(settle).is_some() {}
        let watched = kinds(&drive).iter().any(|kind| kind == "Watched");
        assert_eq!(watched, expected, "{:?}", drive.events());
    }
}

/// A byte on a connection is one, and so is the end of a connection that we hang up on.
#[test]
fn what_comes_of_a_connection_keeps_the_wire_from_being_quiet() {
    let plan = plan(Vec::new(), vec![Step::Start, Step::Settle]);
    let settle = std::time::Duration::from(plan.limits.settle);
    let byte = Input::Received { connection: 1, bytes: b"\x0b" };
    let hung_up = Input::EndDone { connection: 1, how: End::Close };
    for stirring in [byte, hung_up] {
        let mut drive = drive(&plan);
        todo(&mut drive);
        connect(&mut drive, 1);
        drive.happened(settle / 2, Happening::Emr(stirring));
        while drive.next(settle).is_some() {}
        let watched = |drive: &Drive| kinds(drive).iter().any(|kind| kind == "Watched");
        assert!(!watched(&drive), "{:?}", drive.events());
    }
}
