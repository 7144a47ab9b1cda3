//! What each fault writes, waits for and ends, and when an entry of the script plays.

pub(crate) mod action;
pub(crate) mod connecting;
pub(crate) mod framing;
pub(crate) mod giant;
pub(crate) mod matching;
pub(crate) mod mismatch;
pub(crate) mod payload;
pub(crate) mod play;
pub(crate) mod replies;
pub(crate) mod scene;
pub(crate) mod stream;
pub(crate) mod tls;
