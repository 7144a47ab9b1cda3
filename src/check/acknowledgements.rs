//! An acknowledgement is never acknowledged (HL7 v2 chapter 2, message acknowledgement).
//!
//! On whatever connection: the one that carried the message, or one that the EMR opened to answer.

use std::collections::HashSet;

use memchr::memmem;

use crate::history::What;
use crate::hl7::Message;
use crate::verdict::{Proof, Weight};

use super::attempts::Kind;
use super::between::witness;
use super::evidence::Evidence;
use super::findings::{Findings, Told};
use super::frame::{FS, frame_payload};
use super::mask::Mask;
use super::rules::ACKNOWLEDGEMENTS;

/// Looks for acknowledgements that name one of ours.
pub(super) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let mut replies = 0;
    for event in evidence.events {
        replies += u64::from(matches!(event.what, What::Replied { .. }));
    }
    findings.exercised(ACKNOWLEDGEMENTS, replies);
    let is_ack = |payload: &[u8]| Message::read_header(payload).code() == b"ACK";
    let other = evidence.sent.iter().filter(|sent| sent.whole && sent.kind == Kind::Other);
    let mut acks = other.filter(|sent| is_ack(sent.payload)).peekable();
    if acks.peek().is_none() {
        return;
    }
    let ours = ours(evidence);
    let wrong: Vec<_> = acks.filter(|sent| ours.contains(answered(sent.payload))).collect();
    let Some(first) = wrong.first() else { return };
    findings.add(ACKNOWLEDGEMENTS, Weight::Broken, || {
        let id = Mask::of(evidence).identifier(answered(first.payload));
        let times = match wrong.len() {
            1 => String::new(),
            times => format!(" (first of {times})"),
        };
        let message = format!("the EMR's acknowledgement {id} was acknowledged{times}");
        let proof = Proof { attempts: vec![witness(evidence, first)], ..Proof::default() };
        Told::plainly("acknowledged", message).with(proof)
    });
}

/// MSA-2: whom a message answers.
fn answered(payload: &[u8]) -> &[u8] {
    Message::read(payload).value("MSA-2")
}

/// MSH-10 of every acknowledgement that the EMR wrote.
fn ours<'h>(evidence: &Evidence<'h>) -> HashSet<&'h [u8]> {
    let mut ids = HashSet::new();
    for event in evidence.events {
        let What::Replied { bytes, .. } = &event.what else { continue };
        let bytes = bytes.as_slice();
        let mut start = 0;
        let ends = memmem::find_iter(bytes, &[FS, b'\r']).map(|end| end + 2);
        for end in ends.chain([bytes.len()]) {
            let message = Message::read(frame_payload(&bytes[start..end]));
            if message.code() == b"ACK" && !message.control_id().is_empty() {
                ids.insert(message.control_id());
            }
            start = end;
        }
    }
    ids
}
