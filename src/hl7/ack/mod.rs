//! Acknowledgements: reading one, writing one, and which are due (HL7 v2 chapter 2, message
//! acknowledgement; tables 0008, 0155 and 0357).
//!
//! Says what an acknowledgement is. What a sender may do after one is **not** decided here.

mod answer;
mod batch;
mod due;
mod reading;

pub use answer::{Answer, Problem};
pub use batch::Envelope;
pub use due::{AckCondition, Due, due, is_acknowledgement};
pub use reading::{Code, Reading};
