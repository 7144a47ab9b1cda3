//! A reply of many mebibytes, made as it goes out: never more than a piece of it is in memory.

use crate::emr::faults::action::Action;
use crate::emr::faults::scene::Scene;
use crate::emr::faults::stream::{FILLER, Stream};
use crate::mllp;
use crate::plan::Parameters;

/// An acceptance that is so many bytes long on the wire, by its MSA-3.
pub(crate) fn reply(with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    let framed = mllp::encode(&scene.with_text(&[FILLER]));
    let middle = framed.iter().rposition(|&byte| byte == FILLER).unwrap_or(framed.len());
    let (head, tail) = (framed[..middle].to_vec(), framed[middle..].to_vec());
    let filler = with.bytes().saturating_sub((head.len() + tail.len()) as u64);
    // A sender may well hang up on such a thing, which must not undo that it was played.
    let (seen, rest) = Stream::of(head, filler, tail).split(SEEN_BYTES);
    vec![Action::Stream(seen), Action::Mark, Action::Stream(rest)]
}

/// How much of it must be on the wire for it to count as played.
const SEEN_BYTES: u64 = 512 * 1024;
