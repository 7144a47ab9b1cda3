//! HL7 v2 text over bytes: delimiters, segments, fields, paths, escapes, charsets and
//! acknowledgements.
//!
//! Reading never fails and never copies: a [`Message`] is an index over borrowed bytes, so what was
//! not changed is written back byte for byte. Anything can be read: Latin-1, NUL bytes, a message
//! cut short, no MSH at all.
//!
//! This room does **not** know frames (that is `mllp`), and it does not judge: whether a message is
//! what was agreed is decided elsewhere.

pub mod ack;
mod batch;
mod charset;
mod delimiters;
mod diff;
pub mod escape;
mod message;
mod path;
mod segment;
mod visible;
mod writer;

pub use batch::{Batch, BatchFile};
pub use charset::Charset;
pub use delimiters::Delimiters;
pub use diff::{Difference, diff};
pub use message::Message;
pub use path::{Path, PathError};
pub use segment::{Field, Repetition, Segment, SegmentEnd};
pub use visible::visible;
pub use writer::SegmentWriter;
