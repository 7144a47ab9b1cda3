//! Nothing of a patient whom nobody knows stands in a judgement, however the message is mangled that
//! holds it, and what a person needs does.

use quickcheck::quickcheck;

use crate::check::tests::fixture::{Case, changed};
use crate::exam::Exam;
use crate::history::{End, Outcome, Piece};
use crate::plan::{Expect, Origin, Step};
use crate::verdict::{Judgement, Rule};

/// A message of a patient whose every value is one of [`SALTS`].
const MESSAGE: &str = "MSH|^~\\&|QZAPP|QZPLACE|EMR|CLINIC|20260105080000||DFT^P03|C7|P|2.4\r\
    EVN|P03|20260105080000|||QZCLERK^QZANNA\r\
    PID|1|88123377|88123377^^^QZAUTH^MRN~QZ77|QZALT|QZNAME^QZGIVEN||19331127|F||QZRACE|\
    12 QZSTREET^^QZTOWN^^50010||555-867-5309|||||77445511|912-44-1034|QZLICENCE\r\
    PD1||||QZDOCTOR^QZOTTO\rNK1|1|QZWIDOW^QZEVE|SPO|QZLANE\r\
    PV1|1|O|QZWARD||||QZGRADER^QZGAIL|QZREF^QZREX|||||||||||77445511\r\
    FT1|1|T9|700001|20260104|20260105080000|CG|92250^QZTEXT^CPT|||1|41.50|||QZROOM||QZ|QZPLACE||\
    E11.9^QZILL^I10|QZGRADER^QZGAIL|QZREF^QZREX||700002||92250|26~TC\r\
    FT1|2||700001|20260104||CG|92250\r\
    GT1|1|88123377|QZPAYER^QZEVE\rIN1|1|QZPLAN|88123377|QZCOMPANY\r\
    ZPI|1|QZNOTE|88123377|19331127\rNTE|1||QZ said that QZNAME called\r\
    OBX|1|TX|92250||QZNAME was here\r";

/// What must not be shown; all else of the patient has `QZ` in it.
const SALTS: [&str; 7] =
    ["QZ", "qz", "88123377", "19331127", "912-44-1034", "555-867-5309", "77445511"];

/// A case of whoever connected.
fn served() -> Case {
    let mut case = Case::new();
    case.plan.exams = indexmap::IndexMap::<String, std::sync::Arc<Exam>>::new().into();
    case.plan.made = Default::default();
    case.plan.steps = vec![Step::Hold];
    case.plan.origin = Origin::Served;
    case.plan.expect = Expect::default();
    case.open(1, 0);
    case
}

/// What is said of a message that comes twice, and once more with another code, and is answered by
/// itself.
fn judged(message: &[u8], piece: Piece) -> Judgement {
    let mut case = served();
    let framed = [&[0x0B], message, &[0x1C, b'\r']].concat();
    for connection in [1, 2] {
        let to = case.receive(connection, piece, &framed, &[]);
        case.reply(connection, to, "payload/junk", message);
        case.end(connection, End::Close);
        case.open(connection + 1, 0);
    }
    let other: Vec<u8> =
        message.iter().map(|byte| if *byte == b'9' { b'8' } else { *byte }).collect();
    case.receive(3, Piece::Frame, &[&[0x0B], other.as_slice(), &[0x1C, b'\r']].concat(), &[]);
    case.judge()
}

/// What must not be shown and stands in a judgement all the same.
fn leaks(judgement: &Judgement) -> Vec<String> {
    let text = serde_json::to_string(judgement).unwrap();
    let around = |at: usize| {
        text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect::<String>()
    };
    let found = SALTS.iter().filter_map(|salt| Some(format!("{}{salt}", around(text.find(salt)?))));
    found.collect()
}

/// A change of a message, by numbers that chance gives.
fn mangled(message: &str, (kind, at, byte): (u8, usize, u8)) -> Vec<u8> {
    const IDS: [&str; 8] = ["EVN", "PID", "PV1", "FT1", "NK1", "ZPI", "msh", "GT1"];
    let pick = |number: usize| IDS[number % IDS.len()];
    let mut bytes = message.as_bytes().to_vec();
    let at_byte = at % bytes.len().max(1);
    match kind % 14 {
        0 => {}
        1 => return message.replacen(&format!("\r{}", pick(at)), pick(at), 1).into_bytes(),
        2 => {
            return message
                .replacen(&format!("\r{}", pick(at)), &format!("|{}", pick(at)), 1)
                .into_bytes();
        }
        3 => {
            return message
                .replacen(&format!("\r{}", pick(at)), &format!("\r {}", pick(at)), 1)
                .into_bytes();
        }
        4 => return message.replace("PID|", &format!("{}|", pick(at))).into_bytes(),
        5 => return message.replace("FT1|", &format!("{}|", pick(at))).into_bytes(),
        6 => return message.to_lowercase().into_bytes(),
        7 => return message.replace("|", "#").replace("^", "*").into_bytes(),
        8 => {
            let Some((head, rest)) = message.split_once('\r') else { return bytes };
            return format!("{head}\r{}", rest.replace('|', "#")).into_bytes();
        }
        9 => return message.replacen("MSH|^~\\&", &format!("MSH|{}", pick(at)), 1).into_bytes(),
        10 => bytes.insert(at_byte, b"|^~&\r\n \x0b"[usize::from(byte) % 8]),
        11 | 12 if bytes.is_empty() => {}
        11 => drop(bytes.remove(at_byte)),
        12 => bytes[at_byte] = byte,
        _ => bytes.truncate(at_byte),
    }
    bytes
}

quickcheck! {
    fn no_value_of_a_patient_is_in_a_judgement(
        first: (u8, usize, u8), second: (u8, usize, u8), kind: u8
    ) -> bool {
        let once = mangled(MESSAGE, first);
        let twice = match String::from_utf8(once) {
            Ok(text) if !text.is_empty() => mangled(&text, second),
            Ok(text) => text.into_bytes(),
            Err(error) => error.into_bytes(),
        };
        let piece = [Piece::Frame, Piece::Frame, Piece::Stray, Piece::Unfinished][usize::from(kind) % 4];
        // Whoever drops the delimiter behind a code makes a longer code of it, and codes are shown.
        if memchr::memmem::find(&twice, b"92250QZTEXT").is_some() {
            return true;
        }
        let leaks = leaks(&judged(&twice, piece));
        assert!(leaks.is_empty(), "{leaks:#?}\n{}", String::from_utf8_lossy(&twice));
        true
    }
}

#[test]
fn what_a_person_looks_for_is_shown_and_no_more() {
    let judgement = judged(MESSAGE.as_bytes(), Piece::Frame);
    assert_eq!(leaks(&judgement), [""; 0]);
    let text = serde_json::to_string(&judgement).unwrap();
    for shown in ["order 700001", "92250-26~TC", "\"control_id\":\"C7\"", "DFT^P03"] {
        assert!(text.contains(shown), "no {shown}: {text}");
    }
}

/// A patient in delimiters of his own is the name of a segment to whoever splits by others.
#[test]
fn a_stranger_behind_a_charge_is_no_path() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let mut message = case.message("john-doe");
    message.extend_from_slice(b"PID##QZ777****MRN#QZ777##QZNAME*QZANNA\r");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let found = judgement.findings.iter().find(|finding| finding.rule == Rule::Snapshot).unwrap();
    assert!(found.circumstance.to_string().starts_with("•••("), "{found:?}");
    assert_eq!(leaks(&judgement), [""; 0]);
}

/// The exams of the plan are made up, and so is all that its author wrote.
#[test]
fn what_is_made_up_is_never_masked() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let message = changed(&message, "DOE^JOHN", "DOE^JANE");
    let to = case.send(1, &message);
    case.answer(1, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    let found = judgement.findings.iter().find(|finding| finding.rule == Rule::Snapshot).unwrap();
    assert!(found.message.contains("expected `DOE^JOHN`, got `DOE^JANE`"), "{}", found.message);
}
