//! What a run came to, written for a person, for a build server and for a program.
//!
//! Every report takes a finished [`RunOutcome`](crate::verdict::RunOutcome) and a writer, and says
//! the same things of it: no report may be green where another is red. This room does **not**
//! judge, hides no value (patients are masked where the finding is made) and opens no file.

pub mod github;
mod group;
pub mod json;
pub mod junit;
mod layout;
pub mod progress;
mod proof;
pub mod terminal;
mod wording;

pub use layout::{Colour, Screen, columns, hang, wrap};
pub use wording::{duration, meaning, ordinal, plural, thousands};

#[cfg(test)]
mod samples;
