//! An acknowledgement is never acknowledged (HL7 v2 chapter 2, message acknowledgement).
//!
//! On whatever connection: the one that carried the message, or one that the EMR opened to answer.
//! What the sender writes is known for an acknowledgement by its MSH-9 or its MSA, and whom it
//! answers by what the EMR wrote: who was told nothing but acknowledgements has nothing else to
//! acknowledge, whatever stands in MSA-2.

use memchr::memmem;

use crate::history::{ConnectionId, What};
use crate::hl7::Message;
use crate::hl7::ack::is_acknowledgement;
use crate::verdict::{Circumstance, Proof, Rule, Weight};

use crate::check::evidence::frame::{FS, frame_payload};
use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::Sent;
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::circumstance::witness;
use crate::check::wording::mask::Mask;

/// Of `wire/acknowledgements`.
pub(crate) const ACKNOWLEDGEMENTS: Explanation = Explanation {
    title: "an acknowledgement is never acknowledged",
    promise: "The sender answers no acknowledgement with one of its own, on whatever connection \
              it came. The commit byte of MLLP release 2 is none: it belongs to the transport.",
    source: "HL7 v2 chapter 2, message acknowledgement: an acknowledgement is not acknowledged",
    how_to_read: "The message is named by its MSA-2, where that is the MSH-10 of an acknowledgement \
                  that the EMR wrote. Whatever stands there, and whatever its MSH-9 says, a \
                  message with an MSA is an acknowledgement, and an EMR that has written nothing \
                  else had nothing else to acknowledge.",
};

/// Looks for acknowledgements that answer one of ours.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    let mut replies = 0;
    for event in evidence.events {
        replies += u64::from(matches!(event.what, What::Replied { .. }));
    }
    findings.exercised(Rule::WireAcknowledgements, replies);
    let acks: Vec<Ack<'_, '_>> = evidence.sent.iter().filter_map(Ack::read).collect();
    if acks.is_empty() {
        return;
    }
    let written = Written::of(evidence);
    let (mut named, mut unnamed, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for ack in acks {
        match written.answered_by(&ack, evidence.place(ack.sent).connection) {
            Answered::Acknowledgement => named.push(ack),
            Answered::SomeAcknowledgement => unnamed.push(ack),
            Answered::Untold => open.push(ack),
            Answered::Message => {}
        }
    }
    let mask = Mask::of(evidence);
    let id = mask.identifier(named.first().map_or(&[][..], |first| first.id));
    let whose = format!("the EMR's acknowledgement {id} was acknowledged");
    add(evidence, &named, Weight::Broken, Circumstance::Acknowledged, &whose, findings);
    let whose = "an acknowledgement was acknowledged, and MSA-2 does not say which one";
    add(evidence, &unnamed, Weight::Broken, Circumstance::AcknowledgedWithoutId, whose, findings);
    let whose = "an acknowledgement was written, and it does not say of what";
    add(
        evidence,
        &open,
        Weight::Inconclusive,
        Circumstance::AcknowledgesTheUnknown,
        whose,
        findings,
    );
}

fn add(
    evidence: &Evidence<'_>,
    acks: &[Ack<'_, '_>],
    weight: Weight,
    circumstance: Circumstance,
    message: &str,
    findings: &mut Findings,
) {
    let Some(first) = acks.first() else { return };
    findings.add(Rule::WireAcknowledgements, weight, || {
        let times = match acks.len() {
            1 => String::new(),
            times => format!(" (first of {times})"),
        };
        let proof = Proof { attempts: vec![witness(evidence, first.sent)], ..Proof::default() };
        Told::plainly(circumstance, format!("{message}{times}")).with(proof)
    });
}

/// An acknowledgement that the sender wrote.
struct Ack<'e, 'h> {
    sent: &'e Sent<'h>,
    /// MSA-2: whom it says that it answers.
    id: &'h [u8],
}

impl<'e, 'h> Ack<'e, 'h> {
    fn read(sent: &'e Sent<'h>) -> Option<Self> {
        // A charge is judged as one. Most messages are charges, and are not read again.
        if !sent.whole || sent.line_count > 0 {
            return None;
        }
        let message = Message::read(sent.payload);
        is_acknowledgement(&message).then(|| Self { sent, id: message.value("MSA-2") })
    }
}

/// What an acknowledgement of the sender answers.
enum Answered {
    /// An acknowledgement of the EMR, which nobody may answer.
    Acknowledgement,
    /// The same, for the EMR had written nothing else there; which one, it does not say.
    SomeAcknowledgement,
    /// Something that the EMR wrote and that is none, such as the sender's own message come back.
    Message,
    /// It may be either, or nothing.
    Untold,
}

/// What the EMR wrote: MSH-10 of each, on which connection, and whether it is an acknowledgement.
struct Written<'h>(Vec<(ConnectionId, &'h [u8], bool)>);

impl<'h> Written<'h> {
    fn of(evidence: &Evidence<'h>) -> Self {
        let mut all = Vec::new();
        for event in evidence.events {
            let What::Replied { connection, bytes, .. } = &event.what else { continue };
            let bytes = bytes.as_slice();
            let mut start = 0;
            let ends = memmem::find_iter(bytes, &[FS, b'\r']).map(|end| end + 2);
            for end in ends.chain([bytes.len()]).filter(|end| *end > 0) {
                let message = Message::read(frame_payload(&bytes[start..end]));
                if start < end {
                    all.push((*connection, message.control_id(), is_acknowledgement(&message)));
                }
                start = end;
            }
        }
        Self(all)
    }

    fn answered_by(&self, ack: &Ack<'_, '_>, connection: ConnectionId) -> Answered {
        let mut named = self.0.iter().filter(|(_, id, _)| !id.is_empty() && *id == ack.id);
        match named.next() {
            Some((_, _, true)) => return Answered::Acknowledgement,
            Some((_, _, false)) => return Answered::Message,
            None => {}
        }
        let mut there = self.0.iter().filter(|(on, _, _)| *on == connection);
        if self.0.is_empty() || there.any(|(_, _, is_ack)| !is_ack) {
            return Answered::Untold;
        }
        Answered::SomeAcknowledgement
    }
}
