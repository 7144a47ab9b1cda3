//! Acknowledgements of another message, and more of them than one.

use crate::emr::faults::action::{Action, frame};
use crate::emr::faults::scene::{Scene, join};
use crate::hl7::ack::Code;
use crate::hl7::escape::escape;
use crate::plan::Parameters;
use crate::plan::fault::Mismatch;

/// Well-formed answers to the wrong message: MSA-2 is not the MSH-10 that was sent.
pub(crate) fn mismatches(fault: Mismatch, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let id = scene.message.control_id();
    let say = |code: Code| frame(&scene.acknowledge(code, with));
    let pause = || Action::Wait(with.after());
    let accept = |id: &[u8]| vec![frame(&misrouted(id, scene))];
    let accept_text = |usual: &str| accept(with.text.as_deref().unwrap_or(usual).as_bytes());
    match fault {
        Mismatch::Other => accept_text("NOT-YOUR-MESSAGE"),
        Mismatch::Previous => accept(scene.previous),
        Mismatch::Empty => accept(b""),
        Mismatch::Truncated => {
            let most = usize::try_from(with.bytes()).unwrap_or(usize::MAX);
            accept(&id[..id.len().saturating_sub(1).min(most)])
        }
        Mismatch::Padded => accept(&[id, b"    "].concat()),
        Mismatch::Numeric if with.form() == "leading-zeros" => {
            let bare = without_leading_zeros(id);
            if bare.len() == id.len() {
                return vec![Action::Forgo("the control id has no leading zeros"), say(Code::AA)];
            }
            accept(&bare)
        }
        Mismatch::Numeric => accept(&numeric(id)),
        Mismatch::ReEscaped => accept(&escaped_again(id, scene)),
        Mismatch::InMsh10Only => vec![frame(&in_msh10_only(id, scene))],
        Mismatch::Twice => {
            let answer = say(Code::AA);
            vec![answer.clone(), pause(), answer]
        }
        Mismatch::Conflict => vec![say(Code::AA), pause(), say(Code::AR)],
        Mismatch::OutOfOrder => vec![Action::AwaitNextAnswered, say(Code::AA)],
        Mismatch::OnConnect => accept_text("STALE0001"),
        Mismatch::Echo => vec![frame(scene.payload)],
    }
}

/// An acceptance whose MSA-2 is this.
fn misrouted(id: &[u8], scene: &Scene<'_>) -> Vec<u8> {
    let mut segments = scene.segments();
    segments.truncate(1);
    segments.push(scene.msa(b"AA", id));
    join(&segments)
}

/// An acceptance of nothing that goes by the message's own id.
fn in_msh10_only(id: &[u8], scene: &Scene<'_>) -> Vec<u8> {
    let mut segments = scene.segments();
    segments.truncate(1);
    segments[0] = scene.with_field(&segments[0], CONTROL_ID, id);
    segments.push(scene.msa(b"AA", b""));
    join(&segments)
}

/// MSH-10 as a piece of MSH counted by separators, the segment id being 0.
const CONTROL_ID: usize = 9;

/// What is left of an id that somebody kept as a floating point number, as a spreadsheet shows it.
fn numeric(id: &[u8]) -> Vec<u8> {
    let number: Option<f64> = std::str::from_utf8(id).ok().and_then(|text| text.parse().ok());
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return b"0".to_vec();
    };
    format!("{number:.4E}").replace('E', "E+").into_bytes()
}

/// What is left of an id that somebody kept as a whole number.
fn without_leading_zeros(id: &[u8]) -> Vec<u8> {
    let zeros = id.iter().take_while(|&&byte| byte == b'0').count();
    id[zeros.min(id.len().saturating_sub(1))..].to_vec()
}

/// An id that was escaped although it was escaped already. Most ids have nothing to escape; of
/// those an over-eager writer escapes the first character.
fn escaped_again(id: &[u8], scene: &Scene<'_>) -> Vec<u8> {
    let delimiters = scene.message.delimiters();
    let mark = char::from(delimiters.escape.unwrap_or(b'\\'));
    let text = String::from_utf8_lossy(id);
    let again = escape(&text, delimiters);
    match id.split_first() {
        Some((first, rest)) if again.as_bytes() == id => {
            [format!("{mark}X{first:02X}{mark}").as_bytes(), rest].concat()
        }
        _ => again.into_bytes(),
    }
}
