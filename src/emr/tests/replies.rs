//! What a reply depends on: the attempt, the seed, the content of the message, the moment; and
//! replies that are put together or too large for one row.

use rstest::rstest;

use super::{Rig, Said, about, behaviour, behaviour_with, by_itself, charge, message, ms};
use crate::emr::Input;
use crate::history::{End, Piece, Raw, What};
use crate::hl7::ack::Code;
use crate::hl7::visible;
use crate::mllp::encode;
use crate::plan::fault::{Answer, Mismatch, Payload};
use crate::plan::{Behaviour, Cut, Fault, FieldIs, Fill, Match, Moment, Parameters, Play, Text};

fn form(form: &str) -> Parameters {
    Parameters { form: Some(form.to_owned()), ..Parameters::default() }
}

fn text(rig: &Rig, connection: u32) -> String {
    visible(&rig.bytes(connection))
}

#[test]
fn an_emr_that_fails_at_first_accepts_later_attempts() {
    let fault = Fault::Answer(Answer::FailThenAccept);
    let usual = by_itself(fault);
    let once = Parameters { times: Some(1), ..usual.clone() };
    for (with, expected) in [(usual, ["AR", "AR", "AA", "AA"]), (once, ["AR", "AA", "AA", "AA"])] {
        let mut rig = Rig::new(vec![behaviour_with(fault, with, about("john"))]);
        let connection = rig.accept();
        for id in ["1", "2", "3", "4"] {
            rig.charge(connection, "john", id);
        }
        assert_eq!(rig.codes(connection), expected);
    }
}

#[test]
fn one_refusal_is_all_that_a_good_sender_needs_to_see() {
    let mut rig = Rig::new(vec![behaviour(Fault::Answer(Answer::FailThenAccept), about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.charge(connection, "jane", "2");
    assert_eq!(rig.played(), ["answer/fail-then-accept"]);
    assert_eq!(rig.codes(connection), ["AR", "AA"]);
}

#[rstest]
#[case("00000000000000000042", Some("42"))]
#[case("007", Some("7"))]
#[case("000", Some("0"))]
#[case("200130165606", None)]
#[case("A-001", None)]
fn an_id_that_has_no_leading_zeros_cannot_lose_them(#[case] id: &str, #[case] left: Option<&str>) {
    let with = form("leading-zeros");
    let mut rig =
        Rig::new(vec![behaviour_with(Fault::Match(Mismatch::Numeric), with, about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", id);
    let found = text(&rig, connection);
    let msa = format!("MSA|AA|{}<CR><FS><CR>", left.unwrap_or(id));
    assert!(found.ends_with(&msa), "{found}");
    let played: &[&str] = if left.is_some() { &["match/numeric"] } else { &[] };
    assert_eq!(rig.played(), played, "what could not happen has not been played");
}

#[rstest]
#[case::special("A&B", "A\\E\\T\\E\\B")]
#[case::plain("77", "\\X37\\7")]
fn an_id_is_escaped_once_more(#[case] id: &str, #[case] expected: &str) {
    let mut rig = Rig::new(vec![behaviour(Fault::Match(Mismatch::ReEscaped), about("john"))]);
    let connection = rig.accept();
    let id = id.replace('&', "\\T\\");
    rig.charge(connection, "john", &id);
    assert!(text(&rig, connection).ends_with(&format!("MSA|AA|{expected}<CR><FS><CR>")));
}

#[test]
fn answers_come_out_of_order_on_the_connections_that_they_belong_to() {
    // Two in flight on one connection, and on two.
    for connections in [1, 2] {
        let mut rig = Rig::new(vec![behaviour(Fault::Match(Mismatch::OutOfOrder), about("john"))]);
        let first = rig.accept();
        let second = if connections == 2 { rig.accept() } else { first };
        rig.charge(first, "john", "1");
        assert_eq!(rig.said, [], "the first answer waits");
        rig.charge(second, "jane", "2");
        let order: Vec<(u32, bool)> = rig
            .said
            .iter()
            .map(|(_, on, said)| match said {
                Said::Bytes(bytes) => (*on, visible(bytes).contains("MSA|AA|2<CR>")),
                Said::End(_) => panic!("nothing ends"),
            })
            .collect();
        assert_eq!(order, [(second, true), (first, false)]);
        assert_eq!(rig.played(), ["match/out-of-order"]);
    }
}

#[test]
fn without_another_message_nothing_is_out_of_order() {
    let mut rig = Rig::new(vec![behaviour(Fault::Match(Mismatch::OutOfOrder), about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(60_000);
    assert_eq!((rig.bytes(connection), rig.played()), (Vec::new(), Vec::new()));
}

#[rstest]
#[case::long("long", 64 * 1024, 1)]
#[case::lines("lines", 200, 200)]
fn a_wild_text_is_as_wild_as_it_says(#[case] of: &str, #[case] bytes: usize, #[case] lines: usize) {
    let mut rig =
        Rig::new(vec![behaviour_with(Fault::Payload(Payload::WildMsa3), form(of), about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "7");
    let found = rig.bytes(connection);
    let at = found.windows(9).position(|part| part == b"MSA|AA|7|").unwrap() + 9;
    let text = &found[at..found.len() - 3];
    assert!(text.len() >= bytes && text.split(|&byte| byte == b'\n').count() >= lines);
}

#[test]
fn a_giant_has_the_size_that_is_asked_for_and_a_history_keeps_its_beginning() {
    for bytes in [1 << 20, 3 << 20] {
        let with = Parameters { bytes: Some(bytes), ..Parameters::default() };
        let mut rig =
            Rig::new(vec![behaviour_with(Fault::Payload(Payload::Giant), with, about("john"))]);
        let connection = rig.accept();
        rig.charge(connection, "john", "7");
        let found = rig.bytes(connection);
        assert_eq!(found.len() as u64, bytes);
        assert!(found.starts_with(b"\x0bMSH|") && found.ends_with(b"xx\r\x1c\r"));
        let pieces = rig.said.iter().map(|(_, _, said)| match said {
            Said::Bytes(bytes) => bytes.len(),
            Said::End(_) => 0,
        });
        assert!(pieces.max() <= Some(64 * 1024), "it is made as it goes out");
        let kept = rig.events().iter().find_map(|event| match &event.what {
            What::Replied { bytes: Raw(kept), length, complete: true, .. } => {
                Some((kept.len(), *length))
            }
            _ => None,
        });
        assert_eq!(kept, Some((128 * 1024, Some(bytes))));
        assert_eq!(rig.played(), ["payload/giant"]);
    }
}

#[test]
fn a_giant_that_is_hung_up_on_was_played_once_half_a_mebibyte_is_out() {
    for (takes, played) in [(100 * 1024, vec![]), (700 * 1024, vec!["payload/giant"])] {
        let mut rig = Rig::new(vec![behaviour(Fault::Payload(Payload::Giant), about("john"))]);
        rig.takes = takes;
        let connection = rig.accept();
        rig.charge(connection, "john", "7");
        assert_eq!(rig.played(), played);
    }
}

#[test]
fn the_seed_decides_which_bit_is_flipped() {
    let flipped = |seed| {
        let mut rig =
            Rig::seeded(vec![behaviour(Fault::Payload(Payload::BitFlip), about("john"))], seed);
        let connection = rig.accept();
        rig.charge(connection, "john", "7");
        rig.bytes(connection)
    };
    for seed in 1..20 {
        assert_eq!(flipped(seed), flipped(seed));
    }
    let all: std::collections::BTreeSet<Vec<u8>> = (1..20).map(flipped).collect();
    assert!(all.len() > 15, "{} of 19 seeds differ", all.len());
}

#[test]
fn a_script_can_name_what_a_message_says() {
    let is = |path: &str, value: &str| FieldIs { path: path.parse().unwrap(), value: value.into() };
    let on = |fields| Match { fields, ..Match::default() };
    let mut rig = Rig::new(vec![
        behaviour(
            Fault::Answer(Answer::Reject),
            on(vec![is("FT1-7", "92250"), is("PID-3", "777")]),
        ),
        behaviour(
            Fault::Answer(Answer::Error),
            on(vec![is("FT1-2", "273014"), is("MSH-9.2", "P03")]),
        ),
    ]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.charge(connection, "jane", "2");
    assert_eq!(rig.codes(connection), ["AA", "AE"]);
}

fn at(moment: Moment, play: Vec<Play>) -> Behaviour {
    let on = Match { moment: Some(moment), ..Match::default() };
    Behaviour { on, play, times: Some(1) }
}

#[test]
fn raw_bytes_can_be_sent_as_soon_as_a_connection_is_accepted() {
    let raw = Play::Raw(Raw::from(&b"\x0bhello\x1c\r"[..]));
    let mut rig = Rig::new(vec![at(Moment::Accepted, vec![raw])]);
    let connection = rig.accept();
    assert_eq!(rig.bytes(connection), b"\x0bhello\x1c\r");
    assert_eq!(rig.played(), ["raw"]);
    rig.charge(connection, "john", "1");
    assert_eq!(rig.codes(connection), ["AA"]);
}

#[test]
fn what_is_said_inside_a_message_does_not_end_it() {
    let raw = Play::Raw(Raw::from(&b"!"[..]));
    for count in [1, 40] {
        let mut rig = Rig::new(vec![at(Moment::Bytes(count), vec![raw.clone()])]);
        let connection = rig.accept();
        let frame = encode(&charge("john", "1"));
        rig.receive(connection, &frame[..usize::try_from(count).unwrap() - 1]);
        assert_eq!(rig.bytes(connection), b"", "not yet");
        rig.receive(connection, &frame[usize::try_from(count).unwrap() - 1..]);
        assert!(rig.bytes(connection).starts_with(b"!\x0bMSH|"));
        assert_eq!((rig.codes(connection), rig.played()), (vec!["AA".to_owned()], vec!["raw"]));
        assert_eq!(rig.dealt, ["john"], "the message is dealt with when it is whole");
    }
}

#[test]
fn a_reset_at_a_byte_count_is_an_attempt_that_broke_off() {
    let mut rig = Rig::new(vec![at(Moment::Bytes(10), vec![Play::End(End::Reset)])]);
    let connection = rig.accept();
    rig.receive(connection, &encode(&charge("john", "1")));
    assert_eq!(rig.ends(connection), [End::Reset]);
    let received = rig.events().iter().find_map(|event| match &event.what {
        What::Received { length, .. } => Some(*length),
        _ => None,
    });
    assert_eq!(received, Some(10));
}

#[test]
fn a_commit_a_pause_half_an_acceptance_and_a_reset_are_one_reply() {
    let half = Parameters { cut: Some(Cut::Half), ..Parameters::default() };
    let fault = |fault, with| Play::Fault { fault, with };
    let play = vec![
        fault(Fault::Answer(Answer::CommitAccept), Parameters::default()),
        Play::Wait(ms(300).into()),
        fault(Fault::Answer(Answer::Accept), half),
        Play::End(End::Reset),
    ];
    let mut rig = Rig::new(vec![Behaviour { on: about("john"), play, times: None }]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    let before = rig.bytes(connection).len();
    rig.pass(299);
    assert_eq!(rig.bytes(connection).len(), before);
    rig.pass(1);
    let said: Vec<(u128, String)> = rig
        .said
        .iter()
        .map(|(when, _, said)| match said {
            Said::Bytes(bytes) => (when.as_millis(), visible(bytes)),
            Said::End(how) => (when.as_millis(), format!("{how:?}")),
        })
        .collect();
    let whole = "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.4<CR>MSA|AA|1<CR><FS><CR>";
    let bytes = whole.len() - "<VT><CR><CR><FS><CR>".len() + 5;
    let half = &whole[..bytes / 2 + "<VT>".len() - 1];
    let [(0, commit), (300, cut), (300, end)] = &said[..] else { panic!("{said:?}") };
    assert!(commit.ends_with("MSA|CA|1<CR><FS><CR>"), "{commit}");
    assert_eq!((cut.as_str(), end.as_str()), (half, "Reset"));
}

#[test]
fn an_acceptance_that_warns_says_so_where_its_version_has_a_place_for_it() {
    let with = Parameters {
        severity: Some('W'),
        error: Some(103),
        at: "FT1[2]-7.1".parse().ok(),
        text: Some("price list".to_owned()),
        ..Parameters::default()
    };
    let mut rig = Rig::new(vec![behaviour_with(
        Fault::Answer(Answer::AcceptWithErr),
        with,
        Match::default(),
    )]);
    let connection = rig.accept();
    rig.receive(connection, &encode(&message("DFT^P03", "john", "1", "2.5.1", "")));
    let found = text(&rig, connection);
    let err = "ERR||FT1^2^7^1^1|103^Table value not found^HL70357|W||||price list<CR><FS><CR>";
    assert!(found.ends_with(&format!("MSA|AA|1|price list<CR>{err}")), "{found}");
}

#[rstest]
#[case(0, "MSH^1^10", None)]
#[case(100, "FT1^1^1^100", None)]
#[case(101, "PV1^1^19^101", None)]
#[case(203, "MSH^1^12^203", None)]
#[case(204, "PID^1^3^204", None)]
#[case(206, "PID^1^3^206", None)]
#[case(205, "FT1^2^3^205", Some("FT1[2]-3"))]
fn a_reason_points_at_what_it_is_about(
    #[case] error: u16,
    #[case] expected: &str,
    #[case] at: Option<&str>,
) {
    let fault = if error == 0 {
        Fault::Answer(Answer::DuplicateControlId)
    } else {
        Fault::Answer(Answer::Error)
    };
    let with = Parameters {
        error: (error > 0).then_some(error),
        at: at.map(|path| path.parse().unwrap()),
        code: Some(Code::AR),
        ..Parameters::default()
    };
    let mut rig = Rig::new(vec![behaviour_with(fault, with, Match::default())]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    let found = text(&rig, connection);
    assert!(found.contains(&format!("<CR>ERR|{expected}")), "{found}");
}

#[test]
fn what_comes_back_on_a_call_is_recorded_and_never_answered() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Answer(Answer::AcceptOnOtherConnection), about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    assert_eq!(rig.codes(connection), ["CA"]);
    assert_eq!((rig.calls.len(), rig.dealt.len()), (0, 0), "the call comes after a delay");
    rig.pass(60_000);
    let [call] = rig.calls[..] else { panic!("{:?}", rig.calls) };
    assert_eq!(rig.codes(call), ["AA"]);
    assert_eq!((rig.played(), rig.dealt.len()), (vec!["answer/accept-on-other-connection"], 1));
    let before = rig.said.len();
    rig.receive(call, &encode(&message("ACK^P03^ACK", "john", "9", "2.4", "")));
    rig.receive(call, &encode(&message("DFT^P03", "jane", "10", "2.4", "")));
    rig.receive(call, b"\x0b\x06\x1c\r");
    assert_eq!(rig.said.len(), before, "nothing is answered there");
    let received = rig.events().iter().filter(
        |event| matches!(&event.what, What::Received { connection, .. } if *connection == call),
    );
    assert_eq!(received.count(), 3);
    let called = rig.events().iter().any(|event| {
        matches!(&event.what, What::Called { connection, endpoint, .. } if *connection == call && endpoint == "emr")
    });
    assert!(called);
}

#[test]
fn a_call_that_nobody_takes_is_not_played_and_the_case_goes_on() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Answer(Answer::AcceptOnOtherConnection), about("john"))]);
    rig.takes_calls = false;
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(60_000);
    assert_eq!((rig.codes(connection), rig.played()), (vec!["CA".to_owned()], vec![]));
    assert_eq!(rig.dealt, ["john"]);
    let why = rig.events().iter().find_map(|event| match &event.what {
        What::NotPlayed { why, .. } => Some(why.as_str()),
        _ => None,
    });
    assert_eq!(why, Some("the sender took no connection at its own port"));
}

#[test]
fn a_call_that_nobody_has_taken_when_the_case_is_over_is_not_played() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Answer(Answer::AcceptOnOtherConnection), about("john"))]);
    rig.lets_ring = true;
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(60_000);
    assert_eq!((rig.calls.len(), rig.dealt.len()), (1, 0));
    rig.feed(Input::Over);
    assert_eq!((rig.played(), rig.dealt.len()), (vec![], 1));
    let why = rig.events().iter().find_map(|event| match &event.what {
        What::NotPlayed { why, .. } => Some(why.as_str()),
        _ => None,
    });
    assert_eq!(why, Some("the case was over"));
}

#[test]
fn half_a_message_on_a_call_is_recorded_when_the_case_is_over() {
    let mut rig =
        Rig::new(vec![behaviour(Fault::Answer(Answer::AcceptOnOtherConnection), about("john"))]);
    let connection = rig.accept();
    rig.charge(connection, "john", "1");
    rig.pass(60_000);
    let [call] = rig.calls[..] else { panic!("{:?}", rig.calls) };
    rig.receive(call, b"\x0bMSH|");
    rig.feed(Input::Over);
    let kept = rig.events().iter().find_map(|event| match &event.what {
        What::Received { connection, bytes, piece, .. } if *connection == call => {
            Some((bytes.as_slice().to_vec(), *piece))
        }
        _ => None,
    });
    assert_eq!(kept, Some((b"\x0bMSH|".to_vec(), Piece::Unfinished)));
}

#[test]
fn what_a_script_leaves_open_is_filled_in_from_the_message_and_the_clock() {
    let field = |path: &str| Text::Fill(Fill::Field(path.parse().unwrap()));
    let bytes = |text: &str| Text::Bytes(Raw::from(text.as_bytes()));
    let text = vec![
        bytes("\u{b}MSH|^~\\&|EMR|F|||"),
        Text::Fill(Fill::Time),
        bytes("||ACK|"),
        Text::Fill(Fill::Number),
        bytes("|P|2.4\rMSA|AA|"),
        field("MSH-10"),
        bytes("||"),
        field("MSH-13"),
        bytes("\r\u{1c}\r"),
    ];
    let mut rig = Rig::new(vec![Behaviour {
        on: about("john"),
        play: vec![Play::Filled(text)],
        times: None,
    }]);
    let connection = rig.accept();
    rig.receive(connection, &encode(&message("DFT^P03", "john", "17", "2.4", "|42")));
    let said = visible(&rig.bytes(connection));
    assert_eq!(
        said,
        "<VT>MSH|^~\\&|EMR|F|||20260105080000||ACK|EMR1|P|2.4<CR>MSA|AA|17||42<CR><FS><CR>"
    );
    assert_eq!(rig.played(), ["raw"]);
}
