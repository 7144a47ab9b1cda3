//! What one event says of the message that it brought, for whoever watches while it is recorded.
//!
//! It is shown as a report would show it, behind the same mask. This judges **nothing**.

use std::slice;

use crate::history::Event;
use crate::hl7::{Message, Path};
use crate::plan::Plan;

use crate::check::evidence;
use crate::check::wording::mask::Mask;

/// A message in words that may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// MSH-9; empty where nothing of it arrived.
    pub kind: String,
    /// The first order of which it has a charge.
    pub order: Option<String>,
    /// How many orders more it has charges of.
    pub further: usize,
    /// MSH-10; empty where it has none.
    pub control_id: String,
}

/// What `event` brought of a message, in words; none if no message begins in it.
#[must_use]
pub fn heard(plan: &Plan, event: &Event) -> Option<Heard> {
    let evidence = evidence::read(plan, slice::from_ref(event));
    let sent = evidence.sent.first()?;
    let message = Message::read(sent.payload);
    let page = Mask::of(&evidence).page(&message);
    let of_line = |line: &evidence::message::SentLine| {
        page.order(&evidence.orders[line.order as usize].order, line.ft1 as usize).into()
    };
    Some(Heard {
        kind: page.at(&Path::literal("MSH-9")).into(),
        order: sent.lines(&evidence).first().map(of_line),
        further: evidence.orders.len().saturating_sub(1),
        control_id: page.control_id().into(),
    })
}
