//! The reference sender: what a correct sender of charges does, and every defect that the harness
//! must convict, behind a name.
//!
//! The sender is a machine without clock, socket or disk ([`Machine`]): inputs and the time go in,
//! outputs come out, and the same machine runs in virtual time and in a process ([`serve`]). What
//! it must remember over a kill is its journal, one [`Record`] a line.
//!
//! This room does **not** judge anything, and it shares nothing with what judges it but `hl7` and
//! `mapping`.

mod answer;
mod broken;
mod catalogue;
mod job;
mod journal;
mod machine;
mod shell;
mod trust;
mod variant;

pub use broken::bug::{Bug, UnknownBug};
pub use journal::{Kind, Outcome, Record, account};
pub use machine::{Config, Input, Link, Machine, Output, Poll};
pub use shell::{
    SenderError, ShellOptions, SpoolError, TlsError, TlsFiles, account_of, ask_to_resend, serve,
};
pub use trust::Flaw;
pub use variant::{UnknownVariant, Variant};

#[cfg(test)]
mod tests;
