//! From a scenario to plans: every default, seed, limit and axis decided.
//!
//! Does **not** read files: what a scenario names comes out of a [`Library`].

mod defaults;
mod exams;
mod expand;
mod library;
mod named;
mod needs;
mod orders;
mod pointless;
mod script;
mod sequence;
mod steps;
mod text;

pub use expand::{Choices, Patience, decide, expand};
pub use library::Library;
pub use named::{Meanings, Named};
pub use needs::{Lack, unmet};

#[cfg(test)]
mod tests;
