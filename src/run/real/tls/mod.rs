//! TLS: certificates of the test authority, and what a connection does with them.

pub(crate) mod authority;
pub(crate) mod connection;
pub(crate) mod records;
pub(crate) mod secrets;
pub(crate) mod subject;
