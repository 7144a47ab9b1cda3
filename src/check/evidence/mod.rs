//! What a history says, before anybody judges it.
//!
//! [`index`] is what every rule reads; [`reading`] and what stands beside it fill it in. Knows no
//! rule, and has no words for people.

pub(crate) mod answers;
pub(crate) mod beside;
pub(crate) mod credits;
pub(crate) mod disguise;
pub(crate) mod elimination;
pub(crate) mod frame;
pub(crate) mod index;
pub(crate) mod known;
pub(crate) mod layers;
pub(crate) mod mentions;
pub(crate) mod quick;
pub(crate) mod reading;
pub(crate) mod resend_requests;
pub(crate) mod spellings;
pub(crate) mod time;
pub(crate) mod timestamp;
pub(crate) mod unread;
