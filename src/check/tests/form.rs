//! Framing, segment ends, escapes and control ids, each under its own name.

use rstest::rstest;

use crate::check::tests::fixture::{Case, ack, broken, changed, control_id, mapping};
use crate::history::{Anomaly, AnomalyKind, End, Outcome, Piece, Raw, What};
use crate::verdict::{Circumstance, Judgement, Rule};

/// john-doe's message is sent as `change` makes it, and accepted.
fn sent(change: impl Fn(&[u8]) -> Vec<u8>) -> Case {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = change(&case.message("john-doe"));
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    case.ended(1, Outcome::Delivered)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[rstest]
#[case::line_feeds("\r", "\n", "wire/segments")]
#[case::both("\r", "\r\n", "wire/segments")]
#[case::unescaped("\\T\\", "&", "wire/escapes")]
fn a_mistake_on_the_wire_is_told_by_its_rule_alone(
    #[case] from: &str,
    #[case] to: &str,
    #[case] rule: &str,
) {
    let case = sent(|message| text(message).replace(from, to).into_bytes());
    assert_eq!(broken(&case.judge()), [rule]);
}

#[test]
fn a_last_segment_without_its_carriage_return_is_told() {
    let case = sent(|message| message[..message.len() - 1].to_vec());
    assert_eq!(broken(&case.judge()), ["wire/segments"]);
}

#[rstest]
#[case::none("")]
#[case::longer_than_20("123456789012345678901")]
fn a_control_id_that_no_version_allows_is_told(#[case] id: &str) {
    let case =
        sent(|message| changed(message, &format!("|{}|", control_id(message)), &format!("|{id}|")));
    assert!(broken(&case.judge()).contains(&"wire/control-ids"));
}

#[rstest]
#[case::component("A^7")]
#[case::repetition("A~7")]
#[case::subcomponent("A&7")]
fn a_delimiter_in_a_control_id_is_told(#[case] id: &str) {
    let case =
        sent(|message| changed(message, &format!("|{}|", control_id(message)), &format!("|{id}|")));
    let judgement = case.judge();
    let told = judgement.findings.iter().find(|finding| finding.rule == Rule::WireControlIds);
    assert_eq!(told.unwrap().circumstance, Circumstance::ControlIdHoldsDelimiter);
}

/// Where a message declares no character set, or some others beside it, nobody can say.
#[rstest]
#[case::utf_8("UNICODE UTF-8", b"ZO\xc3\x8b", &[])]
#[case::latin_1_under_utf_8("UNICODE UTF-8", b"ZO\xcb", &["wire/charset"])]
#[case::ascii("ASCII", b"ZO\xcb", &["wire/charset"])]
#[case::latin_1("8859/1", b"ZO\xcb", &[])]
#[case::nothing_declared("", b"ZO\xcb", &[])]
#[case::unknown("LATIN1", b"ZO\xcb", &[])]
#[case::several("ASCII~UNICODE UTF-8", b"ZO\xcb", &[])]
fn letters_are_of_the_declared_character_set(
    #[case] declared: &str,
    #[case] name: &[u8],
    #[case] expected: &[&str],
) {
    let case = sent(|message| {
        let declaring = changed(message, "|P|2.4\r", &format!("|P|2.4||||||{declared}\r"));
        let at = declaring.windows(5).position(|part| part == b"|DOE^").unwrap();
        [&declaring[..=at], name, &declaring[at + 4..]].concat()
    });
    let mut found = broken(&case.judge()).into_iter().map(str::to_owned).collect::<Vec<_>>();
    found.retain(|rule| rule != "snapshot");
    assert_eq!(found, expected);
}

/// Half of a version is none, and what stands behind the version's number is agreed, too; neither is
/// shown as it came.
#[rstest]
#[case::agreed("2.4", &[])]
#[case::later("2.5", &["MSH-12 is 2.5, and the mapping agrees on 2.4"])]
#[case::none("", &["MSH-12 is empty, and the mapping agrees on 2.4"])]
#[case::half("2.", &["MSH-12 is •••(2), and the mapping agrees on 2.4"])]
#[case::of_a_country("2.4^USA", &["MSH-12 is 2.4^•••(3), and the mapping agrees on 2.4"])]
fn the_version_is_the_agreed_one(#[case] version: &str, #[case] expected: &[&str]) {
    let judgement =
        sent(|message| changed(message, "|P|2.4\r", &format!("|P|{version}\r"))).judge();
    assert_eq!(told_of_the_version(&judgement), expected);
    let held = judgement.held.iter().any(|held| held.rule == Rule::WireVersion);
    assert_eq!(held, expected.is_empty());
}

/// Where results are agreed, so is their version.
#[rstest]
#[case::agreed("2.4", &[])]
#[case::later("2.5", &["MSH-12 is 2.5, and the mapping agrees on 2.4"])]
fn the_version_of_a_result_is_the_agreed_one(#[case] version: &str, #[case] expected: &[&str]) {
    let mut case = Case::begun();
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let result = case.result("john-doe");
    case.send(1, &changed(&result, "|P|2.4\r", &format!("|P|{version}\r")));
    assert_eq!(told_of_the_version(&case.ended(1, Outcome::Delivered).judge()), expected);
}

/// Without a header there is no version, and none that is wrong.
#[rstest]
#[case::no_header("MSH|", "ZSH|")]
#[case::small_letters("MSH|", "msh|")]
#[case::byte_order_mark("MSH|", "\u{feff}MSH|")]
#[case::cut_off("MSH|", "SH|")]
fn of_a_message_that_cannot_be_read_no_version_is_told(#[case] from: &str, #[case] to: &str) {
    let other = |message: &[u8]| changed(message, "|P|2.4\r", "|P|2.5\r");
    let case = sent(|message| changed(&other(message), from, to));
    assert_eq!(told_of_the_version(&case.judge()), [""; 0]);
}

fn told_of_the_version(judgement: &Judgement) -> Vec<&str> {
    let told = judgement.findings.iter().filter(|finding| finding.rule == Rule::WireVersion);
    told.map(|finding| finding.message.as_str()).collect()
}

#[test]
fn a_dangling_escape_is_told() {
    let case = sent(|message| changed(message, "Fundus photography", "Fundus \\photography"));
    assert!(broken(&case.judge()).contains(&"wire/escapes"));
}

#[test]
fn two_charges_under_one_control_id_are_told() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let probe = "170410151301";
    let message = changed(&case.message("john-doe"), "|170410151302|", "|170410151301|");
    let to = case.send(1, &message);
    case.reply(1, to, "answer/accept", &ack("AA", probe));
    assert_eq!(broken(&case.ended(1, Outcome::Delivered).judge()), ["wire/control-ids"]);
}

/// Two messages with one charge in common are about the same thing: that is for another rule.
#[test]
fn a_charge_that_came_again_beside_another_is_told_as_a_second_charge_alone() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let first = case.message("john-doe");
    let to = case.send(1, &first);
    case.answer(1, to, "AA", &first);
    case.submit("probe-2");
    let other = text(&case.message("probe-2"));
    let line = other.split('\r').find(|line| line.starts_with("FT1")).unwrap();
    let both = format!("{}{line}\r", text(&first));
    let to = case.send(1, both.as_bytes());
    case.answer(1, to, "AA", &first);
    let judgement = case.restarted(1, Outcome::Delivered).judge();
    let broken = broken(&judgement);
    assert!(broken.contains(&"once/per-order"), "{broken:?}");
    assert!(!broken.contains(&"wire/control-ids"), "{broken:?}");
}

#[test]
fn stray_bytes_after_a_frame_are_told() {
    let mut case = Case::healthy();
    case.receive(1, Piece::Stray, b"\n", &[AnomalyKind::StrayBytes]);
    assert_eq!(broken(&case.judge()), ["wire/framing"]);
}

#[test]
fn a_frame_without_an_end_is_told_unless_it_was_cut() {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.deliver(1, "probe-2");
    case.open(2, 1);
    case.pause(1);
    let cut = {
        let mut case = case.clone();
        case.send_part(2, b"MSH|^~\\&|IRIS|IRIS|||20170410151351||ADT^A08|");
        case.end(2, End::Reset);
        case.restarted(1, Outcome::Delivered)
    };
    assert_eq!(broken(&cut.judge()), [""; 0]);
    case.send_part(2, b"MSH|^~\\&|IRIS|IRIS|||20170410151351||ADT^A08|");
    case.pause(1000);
    case.end(2, End::Close);
    assert_eq!(broken(&case.restarted(1, Outcome::Delivered).judge()), ["wire/framing"]);
}

#[test]
fn a_mistake_is_told_once_with_its_count() {
    let mut case = Case::healthy();
    for _ in 0..5 {
        case.receive(1, Piece::Stray, b"\n", &[AnomalyKind::StrayBytes]);
    }
    let judgement = case.judge();
    let framing = judgement.findings.iter().filter(|finding| finding.rule == Rule::WireFraming);
    let framing: Vec<&str> = framing.map(|finding| finding.message.as_str()).collect();
    assert_eq!(framing.len(), 1, "{framing:?}");
    assert!(framing[0].ends_with("(first of 5)"));
}

/// A ClientHello on a plain endpoint is told as what it is, whichever bytes stand in it.
#[test]
fn a_sender_that_speaks_tls_to_a_plain_endpoint_is_told_so() {
    let mut case = Case::new();
    case.start(1);
    case.submit("probe-1");
    case.open(1, 1);
    case.push(What::Received {
        connection: 1,
        offset: 0,
        began: case.now(),
        piece: Piece::Stray,
        bytes: Raw(vec![0x16, 3, 1, 0, 200, 1, 0, 0].into()),
        length: 8,
        anomalies: vec![Anomaly { kind: AnomalyKind::StrayBytes, offset: 0 }],
    });
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let framing = judgement.findings.iter().filter(|one| one.rule == Rule::WireFraming);
    let told: Vec<String> = framing.map(|one| one.circumstance.to_string()).collect();
    assert_eq!(told, ["TLS on a plain endpoint"]);
}

/// A start byte is framing: alone at the end of a connection it tests the line.
#[rstest]
#[case::nothing_follows(false, &[])]
#[case::a_frame_follows(true, &["wire/framing"])]
fn a_start_byte_alone_is_told_where_something_follows(
    #[case] follows: bool,
    #[case] rules: &[&str],
) {
    let mut case = Case::begun();
    case.open(2, 1);
    case.receive(2, Piece::Unfinished, b"\x0b", &[AnomalyKind::NoEnd]);
    if follows {
        case.deliver(2, "john-doe");
    } else {
        case.push(What::EndedBySender { connection: 2, how: End::Close });
        case.deliver(1, "john-doe");
    }
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let framing: Vec<_> =
        judgement.findings.iter().filter(|one| one.rule == Rule::WireFraming).collect();
    assert_eq!(framing.iter().map(|one| one.rule.name()).collect::<Vec<_>>(), rules);
    if let Some(told) = framing.first() {
        assert_eq!(told.circumstance, Circumstance::StartWithoutFrame);
    }
}

#[rstest]
#[case::return_("")]
#[case::line_feed_between("\n")]
fn two_messages_in_one_frame_are_told_as_that_and_as_nothing_else(#[case] between: &str) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let other = "MSH|^~\\&|IRIS|IRIS|||||ADT^A08|9|T|2.4\rEVN|A08\r";
    let both = [&message[..], between.as_bytes(), other.as_bytes()].concat();
    let to = case.send(1, &both);
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["wire/framing"]);
    assert_eq!(judgement.findings[0].circumstance, Circumstance::TwoMessagesInOneFrame);
}

#[test]
fn the_headers_of_a_batch_are_no_escapes() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let header = b"FHS|^~\\&|IRIS|IRIS\rBHS|^~\\&|IRIS|IRIS\r";
    let to = case.send(1, &[&header[..], &message, b"BTS|1\rFTS|1\r"].concat());
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let wire = broken(&judgement).into_iter().filter(|rule| rule.starts_with("wire/"));
    assert_eq!(wire.collect::<Vec<_>>(), [""; 0]);
}

/// Nobody agreed on a batch, whether it ends as one or not.
#[rstest]
#[case::batch("BHS|^~\\&|IRIS|IRIS\r", "BTS|1\r")]
#[case::without_its_end("BHS|^~\\&|IRIS|IRIS\r", "")]
#[case::without_its_beginning("", "BTS|1\r")]
fn a_batch_is_not_as_agreed(#[case] before: &str, #[case] after: &str) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let to = case.send(1, &[before.as_bytes(), &message, after.as_bytes()].concat());
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(broken(&judgement), ["snapshot"]);
}
