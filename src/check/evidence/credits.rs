//! Credits of an order, where they are agreed: what was taken back may be charged anew.
//!
//! A credit takes back one charge, the one before it with the same parts but for FT1-6. Where exams are
//! handed over, a charge is only made anew if one was handed over for it. Does **not** judge.

use crate::charge::{Agreement, charges, credit_of};
use crate::hl7::{Message, Path};

use crate::check::evidence::index::{Attempted, Evidence};
use crate::check::evidence::message::{Sent, SentLine};
use crate::check::evidence::reading::began;

/// The credits of one order.
pub(crate) struct Credits {
    attempts: Vec<Attempted>,
    /// What makes a line another charge, apart from whether it is one or a credit.
    agreement: Agreement,
    order: Vec<u8>,
    /// How often a charge may be made anew, each time after a credit.
    pub(crate) anew: usize,
}

impl Credits {
    /// Those of this order; none where no credit is agreed.
    pub(crate) fn of(evidence: &Evidence<'_>, order: &[u8]) -> Self {
        let mut agreement = evidence.agreement.clone();
        agreement.distinct.retain(|path| *path != Path::field("FT1", TRANSACTION_TYPE));
        let credited = credit_of(order);
        let attempts = match agreement.credits {
            true => evidence.attempts_at(&credited).to_vec(),
            false => Vec::new(),
        };
        Self { attempts, agreement, order: credited, anew: anew(evidence, order) }
    }

    /// Whether a whole credit of this line came after the message `charged`, which carries it, and
    /// before the message `again`.
    pub(crate) fn between(
        &self,
        evidence: &Evidence<'_>,
        (charged, line): (u32, &SentLine),
        again: u32,
    ) -> bool {
        if self.attempts.is_empty() {
            return false;
        }
        let repeated = &evidence.sent[again as usize];
        let parts = self.parts(repeated, &|ft1, _| ft1 == line.ft1 as usize);
        let (from, to) = (began(evidence, charged), began(evidence, again));
        self.attempts.iter().any(|credit| {
            let at = began(evidence, credit.sent);
            let sent = &evidence.sent[credit.sent as usize];
            let of_order = |_, order: &[u8]| order == self.order;
            let takes_back = || self.parts(sent, &of_order).iter().any(|own| parts.contains(own));
            let is_before = at < to || credit.sent == again && self.stands_before(repeated, line);
            sent.whole && from < at && is_before && takes_back()
        })
    }

    /// Whether a message has a credit of the order before one of its lines.
    fn stands_before(&self, sent: &Sent<'_>, line: &SentLine) -> bool {
        let message = Message::read(sent.payload);
        let mut before = charges(&message).take_while(|one| one.ft1() < line.ft1 as usize);
        before.any(|one| *one.order(&self.agreement) == *self.order)
    }

    /// What the lines of a message charge or take back, of those that are wanted by number and order.
    fn parts(&self, sent: &Sent<'_>, is_wanted: &dyn Fn(usize, &[u8]) -> bool) -> Vec<Vec<u8>> {
        let message = Message::read(sent.payload);
        let lines = charges(&message);
        let wanted = lines.filter(|line| is_wanted(line.ft1(), &line.order(&self.agreement)));
        let parts = wanted.map(|line| {
            let mut parts = Vec::new();
            line.write_distinct(&self.agreement, &mut parts);
            parts
        });
        parts.collect()
    }
}

/// How many exams of an order were handed over after the first; in a capture from the field, where
/// nobody knows, as many as there are credits.
fn anew(evidence: &Evidence<'_>, order: &[u8]) -> usize {
    if evidence.is_field_capture() {
        return usize::MAX;
    }
    let exams = evidence.exams.iter().filter(|exam| *exam.order == *order);
    exams.filter(|exam| !exam.submitted.is_empty()).count().saturating_sub(1)
}

/// FT1-6 (HL7 v2 chapter 6, table 0017).
const TRANSACTION_TYPE: usize = 6;
