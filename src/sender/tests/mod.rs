//! The sender in a time of its own: what a good one keeps, and what each broken one breaks.

mod bugs;
mod promises;
pub(crate) mod rehearsal;
