//! The simulated EMR: inputs and time in, outputs and observed events out.
//!
//! It has no socket, no clock and no thread. A driver feeds it what happened ([`Input`]) and
//! carries out what it asks for ([`Output`]); the same machine runs over real sockets and in
//! virtual time. It does **not** judge: whatever a sender does is written down and answered as
//! the script says.

mod acts;
mod answer;
mod batches;
mod calls;
mod connecting;
mod connection;
mod connections;
mod doors;
mod framing;
mod giant;
mod handshake;
mod hearing;
mod machine;
mod odd;
mod play;
mod replies;
mod script;
mod securing;
mod sessions;
mod speaking;
mod turn;
mod twins;
mod wrong;

pub use acts::WireAct;
pub use doors::Door;
pub use handshake::{Asked, Failure, Handshake, Manner, Secured};
pub use machine::{Emr, Input, Output, Settings};
pub(crate) use play::{Trigger, trigger};
pub use securing::UNEXPECTED_MESSAGE;

#[cfg(test)]
mod tests;
