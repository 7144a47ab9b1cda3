//! What the sender said over connections that it should not have spoken on: those whose
//! certificate it should have refused, and those without the TLS that was agreed.
//!
//! A handshake alone is no mistake, for a sender may look at a certificate when it is over; what
//! counts is the first byte of a message. Does **not** judge what the messages say.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{ConnectionId, Shown, Side, What};
use crate::verdict::{Circumstance, Proof, Rule, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::{Kind, Sent};
use crate::check::findings::{Findings, Told};
use crate::check::rules::Explanation;
use crate::check::wording::circumstance::witness;

/// Of `tls/verified`.
pub(crate) const VERIFIED: Explanation = Explanation {
    title: "no message to an EMR whose certificate is bad",
    promise: "Where TLS is agreed, no byte of a message leaves in the clear, or over a connection \
              whose certificate has expired, is of another host, or is of an authority that the \
              sender was not told to trust.",
    source: "RFC 5280 section 6 (path validation), RFC 9525 section 6 (the name of the service)",
    how_to_read: "A handshake that was completed in spite of a bad certificate is not reported as \
                  long as nothing was sent on it; the first message is the witness. What was \
                  shown and who broke off is in the history: `secured`, `tls-failed`.",
};

/// Judges every connection, where TLS was agreed.
pub(crate) fn judge(evidence: &Evidence<'_>, findings: &mut Findings) {
    if evidence.plan.tls.is_none() {
        return;
    }
    let mut showed: BTreeMap<ConnectionId, Shown> = BTreeMap::new();
    let mut refused = 0;
    let mut ahead = BTreeSet::new();
    let mut clear: BTreeMap<ConnectionId, usize> = BTreeMap::new();
    for (index, event) in evidence.events.iter().enumerate() {
        match &event.what {
            What::WroteAhead { connection } => {
                ahead.insert(*connection);
            }
            What::WroteInTheClear { connection } => {
                clear.entry(*connection).or_insert(index);
            }
            What::Secured { connection, showed: shown, .. } => {
                showed.insert(*connection, *shown);
            }
            What::TlsFailed { by: Side::Sender, .. } => refused += 1,
            _ => {}
        }
    }
    findings.exercised(Rule::TlsVerified, refused);
    // The first of each connection, and the first that came there in the clear.
    let mut spoken: BTreeMap<(ConnectionId, bool), &Sent<'_>> = BTreeMap::new();
    for sent in evidence.sent.iter().filter(|sent| sent.kind != Kind::Other) {
        let connection = evidence.place(sent).connection;
        let in_clear = clear.get(&connection).is_some_and(|from| sent.event > *from);
        spoken.entry((connection, in_clear)).or_insert(sent);
    }
    for ((connection, in_clear), sent) in spoken {
        match showed.get(&connection).filter(|_| !in_clear) {
            Some(Shown::Good) => findings.exercised(Rule::TlsVerified, 1),
            Some(shown) => {
                let flaw = shown.flaw().unwrap_or_default();
                let message = format!("a message was sent to an EMR that showed {flaw}");
                add(evidence, sent, fault(*shown), message, findings);
            }
            // It was under TLS, and the sender could not know yet that this had failed.
            None if !in_clear && ahead.contains(&connection) => {}
            None => {
                let message = "a message was sent in the clear where TLS was agreed".to_owned();
                add(evidence, sent, Circumstance::InTheClear, message, findings);
            }
        }
    }
}

fn add(
    evidence: &Evidence<'_>,
    sent: &Sent<'_>,
    circumstance: Circumstance,
    message: String,
    findings: &mut Findings,
) {
    findings.add(Rule::TlsVerified, Weight::Broken, || {
        let attempts = vec![witness(evidence, sent)];
        Told::plainly(circumstance, message).with(Proof { attempts, ..Proof::default() })
    });
}

/// The fault that shows such a certificate.
fn fault(shown: Shown) -> Circumstance {
    let name = match shown {
        Shown::Good => "a good certificate",
        Shown::Expired => "tls/expired",
        Shown::WrongHost => "tls/wrong-host",
        Shown::UnknownCa => "tls/unknown-ca",
    };
    Circumstance::Fault(name.to_owned())
}
