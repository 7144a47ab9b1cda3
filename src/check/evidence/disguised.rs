//! Charges that came in disguise, as data; [disguise](super::disguise) finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::check::evidence::message::Sent;

/// A message that is an attempt at an order which it does not name as agreed.
#[derive(Debug)]
pub(crate) struct Disguised<'h> {
    /// The message.
    pub(crate) sent: Sent<'h>,
    /// The order that it is an attempt at, as it stands on the wire elsewhere.
    pub(crate) order: Arc<[u8]>,
    /// Which codes of the order it charges.
    pub(crate) codes: Vec<Vec<u8>>,
    /// How it hides that.
    pub(crate) how: How,
}

/// How a message hides whose charge it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// In a message that nobody agreed on.
    Unagreed,
    /// In a message of another form, in the field, which names the order and no patient.
    PerhapsUnagreed,
    /// In a segment that nobody agreed on, of a message that carries something else.
    Beside,
    /// In a segment of the sender's own, in the field, where nobody knows what that is for.
    PerhapsBeside,
    /// In a message or a line without an order.
    NoOrder,
    /// Under the number of an order that nobody placed; by what it charges it is the same.
    OtherOrder(Vec<u8>),
    /// Under a number that reads like the order's.
    OtherSpelling(Vec<u8>),
    /// Under a number that is the order's with letters before or behind it, in the field.
    PerhapsSpelling(Vec<u8>),
    /// All but equal to a line without an order, and it cannot be told from it.
    Perhaps,
}

/// A message that nobody agreed on, and that may be about a charge.
#[derive(Debug)]
pub(crate) struct Untold<'h> {
    /// The message.
    pub(crate) sent: Sent<'h>,
    /// The exams that it names; none if it can be read by nobody.
    pub(crate) exams: Vec<usize>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Disguises<'h> {
    /// Attempts, in the order in which they were received.
    pub(crate) attempts: Vec<Disguised<'h>>,
    /// What cannot be told.
    pub(crate) untold: Vec<Untold<'h>>,
}

impl Disguises<'_> {
    /// The orders under which charges of others came.
    pub(crate) fn other_orders(&self) -> BTreeSet<&[u8]> {
        let others = self.attempts.iter().filter_map(|one| match &one.how {
            How::OtherOrder(other) | How::OtherSpelling(other) => Some(other.as_slice()),
            How::Unagreed | How::PerhapsUnagreed | How::Beside | How::PerhapsBeside => None,
            How::NoOrder | How::Perhaps | How::PerhapsSpelling(_) => None,
        });
        others.collect()
    }
}
