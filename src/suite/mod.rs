//! The pipeline over many cases: run, judge, collect.
//!
//! [`judge()`] is the one door to a verdict: a live run and a recording both go through it.
//! This room does **not** read or write files and prints nothing; whoever calls it says what to
//! do with a history.

mod examination;
mod judge;
mod measuring;
mod outlook;
mod pace;
mod pipeline;
pub mod sample;
pub mod wire;

pub use examination::{Examination, Examined, Symptom, examine};
pub use judge::{JudgeError, judge, judge_recorded};
pub use measuring::{Counted, Measured};
pub use outlook::{Expected, Misfit, expect, misfits};
pub use pace::SideBySide;
pub use pipeline::{Job, News, SuiteError, Until, run_real, run_simulated};
