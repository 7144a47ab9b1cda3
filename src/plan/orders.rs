//! Which order a message of which exam carries.

use jiff::civil::DateTime;

use crate::exam::Exam;
use crate::hl7::{Message, Path};
use crate::mapping::{Mapping, Stamp};
use crate::plan::Plan;

impl Plan {
    /// Every order as it stands on the wire, with the name of its exam: of charges, and of
    /// results where the sender sends any.
    #[must_use]
    pub fn orders(&self) -> Vec<(String, String)> {
        let mappings = std::iter::once(&self.mapping).chain(&self.results);
        let of = |mapping| {
            let row =
                move |(name, exam): (&String, &Exam)| Some((order(mapping, exam)?, name.clone()));
            self.exams.iter().filter_map(row)
        };
        mappings.flat_map(of).collect()
    }
}

/// The order that `mapping` writes for `exam`; none if its message has no such field.
fn order(mapping: &Mapping, exam: &Exam) -> Option<String> {
    let path: Path = mapping.identity.order.parse().ok()?;
    let stamp = Stamp { now: DateTime::default(), control_id: String::new() };
    let message = mapping.message(exam, &stamp);
    let order = Message::read(&message).text(&path);
    (!order.is_empty()).then_some(order)
}
