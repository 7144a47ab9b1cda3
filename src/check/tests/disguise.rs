//! A charge that comes again where nobody agreed on it, under another spelling of its order or without
//! one; and what names no exam, or only names one.

use quickcheck::quickcheck;
use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, changed, exam, inconclusive, mapping};
use crate::history::{AnomalyKind, Outcome, Piece};
use crate::plan::{AttemptMode, Charged, Step};
use crate::verdict::{Exit, Rule, Verdict};

/// A healthy case in which a message that `make` makes of john-doe's second charge comes behind the
/// first.
fn and(make: impl Fn(&str) -> String) -> Case {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    let second = String::from_utf8(case.message("john-doe")).unwrap();
    case.send(1, make(&second).as_bytes());
    case.ended(1, Outcome::Delivered)
}

/// The header of another type, and the patient.
fn head(kind: &str, charge: &str) -> String {
    let own: Vec<&str> = charge.split('\r').filter(|line| line.starts_with("PID")).collect();
    format!("MSH|^~\\&|IRIS|IRIS|||20170410151400||{kind}|77|P|2.4\r{}\r", own.join("\r"))
}

/// The charge lines.
fn lines(charge: &str) -> Vec<&str> {
    charge.split('\r').filter(|line| line.starts_with("FT1")).collect()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let mut group = [0; 3];
        group[..three.len()].copy_from_slice(three);
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for digit in 0..4 {
            let place = bits >> (18 - 6 * digit) & 63;
            out.push(if digit > three.len() { '=' } else { DIGITS[place as usize] as char });
        }
    }
    out
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\E\\").replace('|', "\\F\\").replace('^', "\\S\\");
    text.replace('&', "\\T\\").replace('~', "\\R\\").replace('\r', "\\.br\\")
}

fn observed(kind: &str, value: &str, charge: &str) -> String {
    format!("{}OBR|1|||S^SUMMARY\rOBX|1|TX|S||{value}||||||F\r", head(kind, charge))
}

fn in_markup(charge: &str) -> String {
    let line = |line: &str| {
        let fields = line.split('|').enumerate().skip(1);
        let fields: String =
            fields.map(|(n, value)| format!("<FT1.{n}>{value}</FT1.{n}>")).collect();
        format!("<FT1>{fields}</FT1>")
    };
    let lines: String = lines(charge).into_iter().map(line).collect();
    format!("<DFT_P03>{lines}</DFT_P03>")
}

fn bill(charge: &str) -> String {
    format!("{}PR1|1||92250^Fundus photography^CPT\rZOR|273013\r", head("BAR^P05", charge))
}

fn own_segment(charge: &str) -> String {
    let lines: Vec<String> =
        lines(charge).iter().map(|line| line.replacen("FT1", "ZFT", 1)).collect();
    format!("{}{}\r", head("ZFT^Z03", charge), lines.join("\r"))
}

fn flat(_: &str) -> String {
    "BHS|^~\\&|IRIS\rCHG;273013;92250;1\rBTS|1\r".to_owned()
}

fn lower_case(charge: &str) -> String {
    let line = |line: &str| {
        let (id, rest) = line.split_at(line.len().min(3));
        id.to_lowercase() + rest
    };
    charge.split('\r').map(line).collect::<Vec<_>>().join("\r")
}

fn document(charge: &str) -> String {
    observed("MDM^T02", &escaped(charge), charge)
}

fn object(_: &str) -> String {
    "{\"charge\": {\"order\": \"273013\", \"procedure\": \"92250\"}}".to_owned()
}

#[rstest]
#[case::bill(bill)]
#[case::in_an_observation(|m: &str| observed("ORU^R01", &escaped(m), m))]
#[case::in_base64(|m: &str| observed("ORU^R01", &format!("^^^Base64^{}", base64(m)), m))]
#[case::in_hexadecimal(|m: &str| observed("MDM^T02", &hexadecimal(m), m))]
#[case::document(document)]
#[case::own_segment(own_segment)]
#[case::flat(flat)]
#[case::markup(in_markup)]
#[case::object(object)]
#[case::lower_case(lower_case)]
#[case::lines_in_another_type(|m: &str| m.replace("DFT^P03", "ZZZ^Z01"))]
#[case::without_its_order(|m: &str| m.replace("|273013|", "||"))]
#[case::its_order_elsewhere(|m: &str| m.replace("|1||273013|", "|1|273013||").replace("|2||273013|", "|2|273013||"))]
#[case::zeros(|m: &str| m.replace("|273013|", "|00273013|").replace("20170410145901", "20170411"))]
#[case::prefix(|m: &str| m.replace("|273013|", "|IRIS273013|").replace("20170410145901", "20170411"))]
#[case::suffix(|m: &str| m.replace("|273013|", "|273013-R|").replace("20170410145901", "20170411"))]
#[case::component(|m: &str| m.replace("|273013|", "|273013^EPIC|").replace("20170410145901", "20170411"))]
fn a_charge_again_where_nobody_agreed_on_it_is_sent_twice(#[case] make: fn(&str) -> String) {
    let judgement = and(make).judge();
    assert_eq!(judgement.exit(), Exit::SentTwice, "{:?}", judgement.findings);
    let proof = judgement.findings[0].proof.as_ref().unwrap();
    assert_eq!(proof.attempts.len(), 2);
}

#[rstest]
#[case::patient(|m: &str| head("ADT^A08", m))]
#[case::report(|m: &str| format!("{}OBR|1|273013||92250^Fundus photography^CPT\r", head("ORU^R01", m)))]
#[case::narrative(|m: &str| observed("MDM^T02", "92250 was done for order 273013", m))]
#[case::only_the_order(|_: &str| "MSH|^~\\&|IRIS|IRIS|||||ZST^Z01|78|P|2.4\rZST|273013\r".to_owned())]
#[case::order_of_the_emr(|_: &str| "MSH|^~\\&|IRIS|IRIS|||||ZST^Z01|78|P|2.4\rZST|2017273013\r".to_owned())]
#[case::what_nobody_can_read(|_: &str| "MSH|^~\\&|IRIS|IRIS|||||ZST^Z01|78|P|2.4\rZST|".to_owned() + &"h4xR9".repeat(20) + "\r")]
fn what_names_an_exam_and_cannot_be_told_leaves_the_verdict_open(#[case] make: fn(&str) -> String) {
    let judgement = and(make).judge();
    let found: Vec<Rule> = inconclusive(&judgement).iter().map(|(rule, _)| *rule).collect();
    assert_eq!((broken(&judgement), found), (vec![], vec![Rule::OncePerOrder]));
}

#[rstest]
#[case::query(
    "MSH|^~\\&|IRIS|IRIS|||20170410151400||NMQ^N01|78|P|2.4\rQRD|20170410151400|R|I|Q1\r"
)]
#[case::own_type("MSH|^~\\&|IRIS|IRIS|||20170410151400||ZPG^Z01|78|P|2.4\rZPG|PING\r")]
#[case::text("PING 20170410151400")]
#[case::status("{\"status\": \"alive\", \"queue\": 0}")]
fn a_ping_is_free(#[case] ping: &str) {
    let judgement = and(|_| ping.to_owned()).judge();
    assert_eq!(inconclusive(&judgement), []);
    assert_ne!(judgement.exit(), Exit::SentTwice);
}

#[test]
fn a_charge_that_came_only_in_disguise_is_no_second_one() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = String::from_utf8(case.message("john-doe")).unwrap();
    case.send(1, bill(&message).as_bytes());
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_ne!(judgement.exit(), Exit::SentTwice);
    assert_ne!(judgement.verdict(), Verdict::Pass);
}

#[test]
fn an_operator_may_have_wanted_what_comes_in_disguise() {
    let mut case = Case::begun();
    case.plan.steps.push(Step::Resend("john-doe".to_owned()));
    case.deliver(1, "john-doe");
    case.push(crate::history::What::ResendAsked { exam: "john-doe".to_owned(), incarnation: 1 });
    let message = String::from_utf8(case.message("john-doe")).unwrap();
    case.send(1, bill(&message).as_bytes());
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_ne!(judgement.exit(), Exit::SentTwice, "{:?}", judgement.findings);
    assert_ne!(judgement.verdict(), Verdict::Pass);
}

/// Who declares that only a whole message is an attempt has sent none where no frame was.
#[rstest]
#[case::in_a_frame(Piece::Frame, true)]
#[case::without_one(Piece::Stray, false)]
fn outside_a_frame_nothing_is_sent_where_only_frames_count(
    #[case] piece: Piece,
    #[case] twice: bool,
) {
    let mut case = Case::begun();
    case.plan.expect.attempts = AttemptMode::Frame;
    case.deliver(1, "john-doe");
    case.receive(1, piece, object("").as_bytes(), &[AnomalyKind::StrayBytes]);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(judgement.exit() == Exit::SentTwice, twice, "{:?}", judgement.findings);
    assert_ne!(judgement.verdict(), Verdict::Pass);
}

#[test]
fn two_unknown_spellings_of_one_order_are_one() {
    let mut case = Case::begun();
    case.submit("john-doe");
    for spelling in ["|00273013|", "|0000273013|"] {
        let message = String::from_utf8(case.message("john-doe")).unwrap();
        case.send(1, message.replace("|273013|", spelling).as_bytes());
    }
    assert_eq!(case.ended(1, Outcome::Delivered).judge().exit(), Exit::SentTwice);
}

/// Two orders of one patient for the same at the same second are two charges, however alike.
#[test]
fn orders_that_were_placed_are_never_taken_for_each_other() {
    let mut case = Case::begun();
    let mut twin = exam("273013");
    "0273013".clone_into(&mut twin.order.number);
    std::sync::Arc::make_mut(&mut case.plan.exams).insert("twin".to_owned(), twin.into());
    case.plan.expect.charges.insert("twin".to_owned(), Charged::Once);
    case.deliver(1, "john-doe");
    case.deliver(1, "twin");
    assert_ne!(case.ended(1, Outcome::Delivered).judge().exit(), Exit::SentTwice);
}

/// Where lines are counted, only the line that was attempted is a repetition.
#[rstest]
#[case::the_one_that_came("92250", Exit::SentTwice)]
#[case::one_that_did_not("92228", Exit::Passed)]
fn a_bill_repeats_only_what_it_charges(#[case] code: &str, #[case] expected: Exit) {
    let mut case = Case::new();
    case.plan.mapping = mapping("orchard-per-charge");
    case.start(1);
    case.open(1, 1);
    case.deliver(1, "probe-1");
    case.deliver(1, "john-doe");
    let message = String::from_utf8(case.message("john-doe")).unwrap();
    case.send(1, bill(&message).replace("92250", code).as_bytes());
    let exit = case.ended(1, Outcome::Delivered).judge().exit();
    assert_eq!(exit == Exit::SentTwice, expected == Exit::SentTwice);
}

#[rstest]
#[case::a_handshake(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x99")]
#[case::a_proxy(b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 2575\r\n")]
#[case::nothing_but_framing(b"\x0b\x0b\x1c\r")]
#[case::kept_alive(b"\0\0\0\r\n")]
fn framing_and_noise_are_no_attempt(#[case] noise: &[u8]) {
    for piece in [Piece::Stray, Piece::Unfinished, Piece::Frame] {
        let mut case = Case::begun();
        case.deliver(1, "john-doe");
        case.receive(1, piece, noise, &[AnomalyKind::StrayBytes]);
        let judgement = case.ended(1, Outcome::Delivered).judge();
        assert_ne!(judgement.exit(), Exit::SentTwice, "{piece:?}: {:?}", judgement.findings);
    }
}

/// Nobody knows the orders of a message from the field; one that came twice came twice.
#[test]
fn the_same_message_without_an_order_came_twice() {
    let mut case = Case::begun();
    let john = case.message("john-doe");
    case.plan.exams = Default::default();
    let message = changed(&changed(&john, "|273013|", "||"), "|273013|", "||");
    let other = changed(&message, "|20170410145901|", "|20170410145902|");
    for again in [&message, &other] {
        let mut case = case.clone();
        case.send(1, &message);
        case.send(1, again);
        let judgement = case.judge();
        assert_eq!(judgement.exit() == Exit::SentTwice, *again == message);
        // Only what is not the same may not share its control id.
        assert_eq!(broken(&judgement).contains(&"wire/control-ids"), *again != message);
        assert_ne!(judgement.verdict(), Verdict::Pass);
    }
}

/// The charge of probe-2 comes behind john-doe's with a segment that nobody agreed on.
#[rstest]
#[case::a_line_in_lower_case("ft1|1||273013||||92250", Exit::SentTwice, "once/per-order")]
#[case::a_segment_of_its_own("ZFT|273013|92250", Exit::SentTwice, "once/per-order")]
#[case::in_base64(
    "OBX|1|ED|||^^^Base64^RlQxfDF8fDI3MzAxM3x8fHw5MjI1MA==",
    Exit::SentTwice,
    "once/per-order"
)]
#[case::of_its_own_order("ZFT|900002|92250", Exit::SentTwice, "once/per-charge")]
#[case::in_words("NTE|1||92250 was done for order 273013 before", Exit::Failed, "snapshot")]
#[case::of_nobody("ZVS|2.4|92250", Exit::Failed, "snapshot")]
fn a_charge_carries_nothing_that_nobody_agreed_on(
    #[case] segment: &str,
    #[case] expected: Exit,
    #[case] rule: &str,
) {
    let mut case = Case::begun();
    case.deliver(1, "john-doe");
    case.submit("probe-2");
    let message = String::from_utf8(case.message("probe-2")).unwrap();
    case.send(1, format!("{message}{segment}\r").as_bytes());
    let judgement = case.judge();
    assert_eq!(judgement.exit(), expected, "{:?}", judgement.findings);
    assert!(broken(&judgement).contains(&rule), "{:?}", judgement.findings);
}

#[rstest]
#[case::own_segment("ZFT|273013|92250", Exit::SentTwice)]
#[case::own_segment_without_the_order("ZPR|92250", Exit::Failed)]
fn a_result_carries_no_charge(#[case] segment: &str, #[case] expected: Exit) {
    let mut case = Case::begun();
    case.plan.results = Some(mapping("iris/result"));
    case.deliver(1, "john-doe");
    let result = String::from_utf8(case.result("john-doe")).unwrap();
    case.send(1, format!("{result}{segment}\r").as_bytes());
    let judgement = case.judge();
    assert_eq!(judgement.exit(), expected, "{:?}", judgement.findings);
}

/// From the field, nobody knows what segments were agreed on.
#[rstest]
#[case::a_line_in_lower_case("ft1|1||273013||||92250", Exit::SentTwice)]
#[case::a_segment_of_its_own("ZFT|273013|92250", Exit::Inconclusive)]
#[case::of_its_own_order("ZFT|900002|92250", Exit::Passed)]
#[case::of_another_code("ZFT|273013|99213", Exit::Passed)]
fn in_the_field_a_charge_may_say_more_of_itself(#[case] segment: &str, #[case] expected: Exit) {
    let mut case = Case::begun();
    let john = case.message("john-doe");
    let probe = case.message("probe-2");
    case.plan.exams = Default::default();
    let probe = String::from_utf8(probe).unwrap().replace("M900002", "M273013");
    case.events.clear();
    case.open(1, 1);
    case.send(1, &john);
    case.send(1, format!("{probe}{segment}\r").as_bytes());
    let judgement = case.judge();
    // What such a history leaves open otherwise has no witness.
    let mut told = judgement.findings.iter().filter(|finding| finding.rule.is_once());
    let is_told = told.any(|finding| finding.proof.is_some());
    assert_eq!(is_told, expected != Exit::Passed, "{:?}", judgement.findings);
    assert_eq!(judgement.exit() == Exit::SentTwice, expected == Exit::SentTwice);
}

/// From the field, letters before or behind a number may make it another.
#[rstest]
#[case::prefix("IRIS273013", true)]
#[case::suffix("273013R", true)]
#[case::another_number("2730131", false)]
#[case::another_prefix("273014", false)]
fn in_the_field_letters_may_make_a_number_another(#[case] order: &str, #[case] open: bool) {
    let mut case = Case::begun();
    let john = String::from_utf8(case.message("john-doe")).unwrap();
    case.plan.exams = Default::default();
    case.events.clear();
    case.open(1, 1);
    case.send(1, john.replace("|273013|", "|273099|").replace("|170410", "|370410").as_bytes());
    case.send(1, john.as_bytes());
    let again = john.replace("|273013|", &format!("|{order}|")).replace("|170410", "|270410");
    case.send(1, again.as_bytes());
    let judgement = case.judge();
    let circumstance = "order that may be another's";
    let is_told = inconclusive(&judgement).iter().any(|(_, told)| told.to_string() == circumstance);
    assert_eq!(is_told, open, "{:?}", judgement.findings);
    assert_ne!(judgement.exit(), Exit::SentTwice);
}

/// What is about a patient of whom nothing was handed over, and signs of life, are free though nobody can
/// read all of them.
#[rstest]
#[case::picture_of_another(
    "PID|1||X99881||OTHER\rOBX|1|ED|R||^^^Base64^JVBERi0xLjQKqz7YkA91kd6Rz1fXbWx0SkeZ3w8mQmJvZLQJw5k1d3o0c0RVYmJpN2w5bTZzYWdhZGFzZGFkYXNkYXNkYXNk"
)]
#[case::digest(
    "ZSG|SHA512|a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238bc13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62"
)]
#[case::letters_of_another("PID|1||X99881||\u{416}\u{443}\u{43a}\u{43e}\u{432}")]
fn who_is_about_somebody_else_is_free(#[case] lines: &str) {
    let head = "MSH|^~\\&|IRIS|IRIS|||||ADT^A08|78|P|2.4";
    let judgement = and(|_| format!("{head}\r{lines}\r")).judge();
    assert_eq!(inconclusive(&judgement), []);
}

/// The order's number of the EMR is the order's as well.
#[test]
fn a_charge_under_the_number_of_the_emr_is_the_same() {
    let judgement = and(|m: &str| m.replace("|273013|", "|2017273013|")).judge();
    assert_eq!(judgement.exit(), Exit::SentTwice, "{:?}", judgement.findings);
}

#[rstest]
#[case::without_an_order(|line: &str| line.replace("|273013|", "||"))]
#[case::another_spelling(|line: &str| line.replace("|273013|", "|0273013|"))]
fn one_message_may_charge_twice_under_two_spellings(#[case] again: fn(&str) -> String) {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = String::from_utf8(case.message("john-doe")).unwrap();
    let line = lines(&message)[0].to_owned();
    case.send(1, format!("{message}{}\r", again(&line)).as_bytes());
    let judgement = case.judge();
    assert_eq!(judgement.exit(), Exit::SentTwice, "{:?}", judgement.findings);
}

/// A number in parts or among others is not silent.
#[rstest]
#[case::columns("CHG0000273013000092250000050", true)]
#[case::parted("ZZZ|273^013|92250", true)]
#[case::blanks("ZZZ|27 3013|92250", true)]
#[case::over_fields("ZZZ|273|013|92250", true)]
#[case::by_comma("ZZZ|273,013|92250", true)]
#[case::narrow_blank("ZZZ|273\u{202f}013|92250", true)]
#[case::full_width("ZZZ|２７３０１３|92250", true)]
#[case::highlighted("ZZZ|273\\H\\013\\N\\|92250", true)]
#[case::year_before("CHG|2026273013|92250", true)]
#[case::digits_behind("CHG|273013001|92250", true)]
#[case::few_columns("CHG0027301392250", true)]
#[case::list("ZZZ|[2, 7, 3, 0, 1, 3]|92250", true)]
#[case::another_number("CHG0000273914000092250000050", false)]
#[case::a_time("ZZZ|20170273013100", false)]
#[case::a_measure("OBX|1|NM|GLU||273.013|mg/dL", false)]
#[case::a_bed("PV1|1|I|27^30^13", false)]
#[case::a_telephone("PID|1||X99881||OTHER||19500101|F|||||27-30-13", false)]
#[case::milliseconds("QRD|20261130102730.132|R|I|Q1", false)]
fn a_number_in_parts_names_the_exam(#[case] line: &str, #[case] open: bool) {
    let head = "MSH|^~\\&|IRIS|IRIS|||||ZST^Z01|78|P|2.4";
    let judgement = and(|_| format!("{head}\r{line}\r")).judge();
    assert_ne!(judgement.exit(), Exit::SentTwice);
    let found = inconclusive(&judgement);
    assert_eq!(found.iter().any(|(rule, _)| *rule == Rule::OncePerOrder), open, "{found:?}");
}

type Make = fn(&str) -> String;

/// Wrappings and spellings that may be put into each other.
const WRAPPINGS: [Make; 10] = [
    bill,
    document,
    own_segment,
    flat,
    in_markup,
    lower_case,
    |m| observed("ORU^R01", &base64(m), m),
    |m| observed("MDM^T02", &hexadecimal(m), m),
    |m| m.replace("|273013|", "||"),
    |m| m.replace("|273013|", "|00273013|"),
];

quickcheck! {
    fn a_copy_in_any_wrapping_is_never_held(outer: usize, inner: usize, both: bool) -> bool {
        let (outer, inner) = (WRAPPINGS[outer % 10], WRAPPINGS[inner % 10]);
        let make = |m: &str| if both { observed("MDM^T02", &escaped(&inner(&outer(m))), m) } else { outer(m) };
        and(make).judge().verdict() != Verdict::Pass
    }

    fn noise_never_convicts_of_sending_twice(noise: Vec<u8>, which: u8) -> bool {
        // What a message begins with is no noise.
        let noise: Vec<u8> = noise.into_iter().map(|b| if b.is_ascii_alphabetic() { b'.' } else { b }).collect();
        let piece = [Piece::Stray, Piece::Unfinished, Piece::Frame][which as usize % 3];
        let mut case = Case::begun();
        case.deliver(1, "john-doe");
        case.receive(1, piece, &noise, &[AnomalyKind::StrayBytes]);
        case.ended(1, Outcome::Delivered).judge().exit() != Exit::SentTwice
    }
}
