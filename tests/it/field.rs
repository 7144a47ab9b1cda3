//! What is met in the field, said to `serve` by a client: messages that a judge may misjudge, each of
//! them the smallest of its kind, and what must be said of it.

use std::time::Duration;

use crate::command::{Place, rules_found};
use crate::wire::Server;
use chargeproof::mllp::encode;
use rstest::rstest;

#[rstest]
#[case::two_orders_in_one_message(held(twice_in_one("92228")).by("field").exits(10))]
#[case::two_orders_with_one_code(held(two_orders("92250")).by("field").exits(0))]
#[case::segments_that_ran_together(
    held(garbled()).exits_any(&[0, 1]).never(&["SECRETMAN", "ADAM", "MRNSEC", "HIDDENBERG"])
)]
#[case::batch_of_two(held(batch()).exits_any(&[0, 1]).without("wire/escapes").hears("\x0b"))]
#[case::two_messages_in_one_frame(
    held(two_in_one_frame()).exits(1).finds("wire/framing").never(&["dangling"])
)]
#[case::credit_and_rebill(held(rebilled(&["CG", "CD", "CG"])).by("willow-credits").exits(0))]
#[case::rebill_without_a_credit(held(rebilled(&["CG", "CG"])).by("willow-credits").exits(10))]
#[case::two_credits(held(rebilled(&["CG", "CD", "CD"])).by("willow-credits").exits(10))]
#[case::line_repeated_in_the_second_message(
    held(lines_of_two()).by("orchard-per-charge").exits(10).says(&["FT1[2]", "FT1[1]"])
)]
#[case::same_message_without_an_order(
    held(vec![charge("", "C1"), charge("", "C1")]).exits_any(&[1, 5, 10])
        .never(&["about different things"]).says(&["the same message"])
)]
#[case::bytes_of_another_charset(held(foreign_bytes()).exits(1).says(&["MSH-18"]))]
#[case::order_with_a_component(
    held(vec![charge("700001", "C1"), charge("700001^EPIC", "C2")]).exits(10)
)]
#[case::order_with_empty_components(
    held(vec![charge("700001", "C1"), charge("700001^^", "C2")]).exits(10)
)]
#[case::order_with_leading_zeros(
    held(vec![charge("700001", "C1"), charge("0700001", "C2")]).exits(10)
)]
#[case::no_escape_character(held(no_escape()).exits_any(&[0, 1]).hears("\x0bMSH|^~&|"))]
fn the_field_is_judged_as_reasoned(#[case] case: Case) {
    if let Some(why) = case.wrong() {
        panic!("{why}");
    }
}

/// Messages, one after the other, and what must be said of them.
struct Case {
    frames: Vec<Vec<u8>>,
    mapping: Option<&'static str>,
    exits: Vec<i32>,
    finds: Option<&'static str>,
    without: Option<&'static str>,
    says: Vec<&'static str>,
    never: Vec<&'static str>,
    hears: Option<&'static str>,
}

/// A case in which nothing is found.
fn held(frames: Vec<Vec<u8>>) -> Case {
    let (says, never) = (Vec::new(), Vec::new());
    let (finds, without, hears) = (None, None, None);
    Case { frames, mapping: None, exits: vec![0], finds, without, says, never, hears }
}

impl Case {
    fn by(self, mapping: &'static str) -> Self {
        Self { mapping: Some(mapping), ..self }
    }

    fn exits(self, exit: i32) -> Self {
        self.exits_any(&[exit])
    }

    fn exits_any(self, exits: &[i32]) -> Self {
        Self { exits: exits.to_vec(), ..self }
    }

    fn finds(self, rule: &'static str) -> Self {
        Self { finds: Some(rule), ..self }
    }

    fn without(self, rule: &'static str) -> Self {
        Self { without: Some(rule), ..self }
    }

    fn says(self, words: &[&'static str]) -> Self {
        Self { says: words.to_vec(), ..self }
    }

    fn never(self, words: &[&'static str]) -> Self {
        Self { never: words.to_vec(), ..self }
    }

    /// How an answer begins.
    fn hears(self, beginning: &'static str) -> Self {
        Self { hears: Some(beginning), ..self }
    }

    /// What is wrong with what is said of it.
    fn wrong(&self) -> Option<String> {
        let place = Place::new();
        place.write("mappings/field.yaml", ORDER_IN_ORC);
        let arguments =
            self.mapping.map_or_else(Vec::new, |name| vec!["--project", ".", "--mapping", name]);
        let server = Server::start(place, &arguments);
        let mut client = server.connect();
        let mut answers = Vec::new();
        for frame in &self.frames {
            client.send(frame);
            answers.push(client.answer_within(Duration::from_secs(2)));
        }
        client.hang_up();
        let (exit, judged, _) = server.ended();
        let report = judged.report.to_string();
        let rules = rules_found(&judged.report);
        let has = |words: &str| judged.out.contains(words) || report.contains(words);
        let wrong = [
            (!self.exits.contains(&exit.unwrap_or(-1)))
                .then(|| format!("exit {exit:?}, not {:?}", self.exits)),
            self.finds.filter(|rule| !rules.contains(*rule)).map(|rule| format!("no {rule}")),
            self.without.filter(|rule| rules.contains(*rule)).map(|rule| format!("a false {rule}")),
            self.says
                .iter()
                .find(|words| !has(words))
                .map(|words| format!("does not say `{words}`")),
            self.never.iter().find(|words| has(words)).map(|words| format!("says `{words}`")),
            self.hears
                .filter(|words| !answers.iter().any(|answer| answer.starts_with(words.as_bytes())))
                .map(|words| format!("no answer begins with {words:?}: {answers:?}")),
        ];
        wrong.into_iter().flatten().next().map(|why| format!("{why}\n{}", judged.out))
    }
}

/// The segments of a charge.
fn segments(order: &str, control_id: &str) -> Vec<String> {
    let line = "20260104|20260105080000|CG|92250^Fundus photography^CPT|||1|||POC01||IRIS|POC01|||\
        E11.9^Diabetes^ICD-10-CM|GR1^GRADER^GAIL|OP1^ORDER^OTTO||2026001^EPIC||\
        92250^Fundus photography^CPT|26";
    vec![
        format!("MSH|^~\\&|IRIS|IRIS|EMR|CLINIC|20260105080000||DFT^P03|{control_id}|P|2.4"),
        "EVN|P03|20260105080000".to_owned(),
        "PID||T00001^^^^MRN|T00001||ROE^RICHARD||19700101|M||||||||||A77".to_owned(),
        "PV1|1|O|POC01||||GR1^GRADER^GAIL|OP1^ORDER^OTTO".to_owned(),
        format!("FT1|1||{order}|{line}"),
    ]
}

fn message(segments: &[String]) -> String {
    segments.iter().map(|segment| format!("{segment}\r")).collect()
}

fn framed(text: &str) -> Vec<u8> {
    encode(text.as_bytes())
}

/// A charge of an order, in its frame.
fn charge(order: &str, control_id: &str) -> Vec<u8> {
    framed(&message(&segments(order, control_id)))
}

/// One message with two orders, each FT1 under an ORC of its own; the second has this code.
fn two_orders(code: &str) -> Vec<Vec<u8>> {
    let mut segments = segments("", "C1");
    let line = segments.pop().unwrap();
    let second = line.replace("92250", code).replacen("FT1|1", "FT1|2", 1);
    segments.extend(["ORC|NW|O1".to_owned(), line, "ORC|NW|O2".to_owned(), second]);
    vec![framed(&message(&segments))]
}

/// The same, and then the second order alone, once more.
fn twice_in_one(code: &str) -> Vec<Vec<u8>> {
    let mut frames = two_orders(code);
    let mut segments = segments("", "C2");
    let line = segments.pop().unwrap().replace("92250", code);
    segments.extend(["ORC|NW|O2".to_owned(), line]);
    frames.push(framed(&message(&segments)));
    frames
}

/// A return was lost before one PID, and a blank stands before another.
fn garbled() -> Vec<Vec<u8>> {
    let one = message(&segments("700001", "C1")).replace("ROE^RICHARD", "SECRETMAN^ADAM");
    let other = message(&segments("700002", "C2")).replace("ROE^RICHARD", "HIDDENBERG^EVE");
    let one = one.replace("T00001", "MRNSEC1").replace("\rPID", "PID");
    let other = other.replace("T00001", "MRNSEC2").replace("\rPID", "\r PID");
    vec![framed(&one), framed(&other)]
}

/// Two charges in a batch, as the standard has it.
fn batch() -> Vec<Vec<u8>> {
    let header = "FHS|^~\\&|IRIS|IRIS|EMR|CLINIC|20260105||f1\rBHS|^~\\&|IRIS|IRIS|EMR|CLINIC|20260105||b1\r";
    let one = message(&segments("700001", "C1"));
    let other = message(&segments("700002", "C2"));
    vec![framed(&format!("{header}{one}{other}BTS|2\rFTS|1\r"))]
}

fn two_in_one_frame() -> Vec<Vec<u8>> {
    let one = message(&segments("700001", "C1"));
    vec![framed(&format!("{one}\n{}", message(&segments("700002", "C2"))))]
}

/// One charge again and again, each time with another transaction type.
fn rebilled(types: &[&str]) -> Vec<Vec<u8>> {
    let of = |(number, kind): (usize, &&str)| {
        let charge = message(&segments("700001", &format!("C{number}")));
        framed(&charge.replace("|CG|", &format!("|{kind}|")))
    };
    types.iter().enumerate().map(of).collect()
}

/// Two messages of one order with two lines each, of which the second line of the first comes again.
fn lines_of_two() -> Vec<Vec<u8>> {
    let of = |(control_id, lines): (&str, [u8; 2])| {
        let mut segments = segments("O1", control_id);
        let line = segments.pop().unwrap();
        for (place, number) in lines.iter().enumerate() {
            let line = line.replacen("FT1|1||", &format!("FT1|{}|O1-{number}|", place + 1), 1);
            segments.push(line.replace("92250", &format!("9225{number}")));
        }
        framed(&message(&segments))
    };
    [("C1", [1, 2]), ("C2", [2, 3])].into_iter().map(of).collect()
}

/// MSH-18 says UTF-8, and the bytes are Latin-1.
fn foreign_bytes() -> Vec<Vec<u8>> {
    let text = message(&segments("700001", "C1")).replace("|P|2.4", "|P|2.4||||||UNICODE UTF-8");
    let latin: Vec<u8> = text
        .replace("ROE", "M#LLER")
        .bytes()
        .map(|byte| if byte == b'#' { 0xdc } else { byte })
        .collect();
    vec![encode(&latin)]
}

/// MSH-2 names no escape character.
fn no_escape() -> Vec<Vec<u8>> {
    vec![framed(&message(&segments("700001", "C1")).replace("^~\\&", "^~&"))]
}

/// DFT^P03 as v2.5 has it: each FT1 stands under an ORC of its own, and the order is ORC-2.
const ORDER_IN_ORC: &str = "mapping: field\nextends: iris/option-1\n\
    identity: { order: ORC-2, distinct: [FT1-6, FT1-7.1, FT1-26] }\n";
