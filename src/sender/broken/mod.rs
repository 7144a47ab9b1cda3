//! The defects that can be built into the reference sender, one for each promise that a sender breaks.

pub(crate) mod bug;
pub(crate) mod defect;
pub(crate) mod draft;
pub(crate) mod misread;
pub(crate) mod resend;
pub(crate) mod wrapping;
