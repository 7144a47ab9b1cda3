//! The language of mappings: facts, conditions, templates and lines, and the messages that they make.
//!
//! A template holds values, a value may choose between templates: the files need each other by nature.

pub(crate) mod compose;
pub(crate) mod condition;
pub(crate) mod fact;
pub(crate) mod field_text;
pub(crate) mod form;
pub(crate) mod line;
pub(crate) mod scope;
pub(crate) mod template;
pub(crate) mod value;
