//! Listeners and connections: what is read from them and written to them.

pub(crate) mod doors;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod sockets;
