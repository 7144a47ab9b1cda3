//! What a case lacks, as it is told.

use crate::verdict::Circumstance;

/// Adds one thing that a case lacks: under which circumstance, and what in words.
pub(crate) type Missing<'m> = &'m mut dyn FnMut(Circumstance, String);
