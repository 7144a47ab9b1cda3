//! The simulated EMR: inputs and time in, outputs and observed events out.
//!
//! It has no socket, no clock and no thread. A driver feeds it what happened ([`Input`]) and
//! carries out what it asks for ([`Output`]); the same machine runs over real sockets and in
//! virtual time. It does **not** judge: whatever a sender does is written down and answered as
//! the script says.

pub(crate) mod boundary;
pub(crate) mod faults;
pub(crate) mod machine;

pub use boundary::{Asked, Door, Failure, Handshake, Input, Manner, Output, Secured, WireAct};
pub use faults::tls::UNEXPECTED_MESSAGE;
pub use machine::{Emr, Settings};

#[cfg(test)]
mod tests;
