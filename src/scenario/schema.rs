//! JSON Schemas of the files that people write, so that an editor completes and checks them.

use serde_json::Value;

/// The JSON Schema of an exam file.
#[must_use]
pub fn exam_schema() -> Value {
    schemars::schema_for!(crate::exam::Exam).to_value()
}

/// The JSON Schema of a scenario.
#[must_use]
pub fn schema() -> Value {
    Value::Null
}

/// The JSON Schema of a sender file.
#[must_use]
pub fn sender_file_schema() -> Value {
    Value::Null
}
