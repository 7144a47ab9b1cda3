//! Words for people: what happened, what stands in a message, and how late somebody was. What came
//! over the wire passes the [`mask`] first.
//!
//! Does **not** judge.

pub(crate) mod circumstance;
pub(crate) mod events;
pub(crate) mod lateness;
pub(crate) mod mask;
