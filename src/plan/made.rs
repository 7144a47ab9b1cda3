//! What the mappings make of the exams: the message of each, under some stamp, and the order that
//! it carries. It is made when it is first asked for, and shared by all plans with the same
//! mappings and exams.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use jiff::civil::DateTime;

use super::Plan;
use crate::exam::Exam;
use crate::hl7::{Message, Path};
use crate::mapping::{Mapping, Stamp};

/// What is made of a plan's exams, once it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Made(Arc<OnceLock<Arc<Messages>>>);

/// The messages of a plan's exams.
#[derive(Debug)]
pub struct Messages {
    mapping: Arc<Mapping>,
    results: Option<Arc<Mapping>>,
    exams: Arc<IndexMap<String, Arc<Exam>>>,
    charges: Vec<Arc<[u8]>>,
    orders: Vec<(String, String)>,
}

impl Messages {
    /// The charge message of each exam, in the order of the plan; what its stamp writes means
    /// nothing.
    #[must_use]
    pub fn charges(&self) -> &[Arc<[u8]>] {
        &self.charges
    }

    /// Every order as it stands on the wire, with the name of its exam: of charges, and of
    /// results where the sender sends any.
    #[must_use]
    pub fn orders(&self) -> &[(String, String)] {
        &self.orders
    }

    fn of(plan: &Plan) -> Self {
        let stamp =
            |exam: &Exam| Stamp { now: exam.grading.signed, control_id: "170410151351".to_owned() };
        let exams = plan.exams.values();
        let charges: Vec<Arc<[u8]>> =
            exams.map(|exam| plan.mapping.message(exam, &stamp(exam)).into()).collect();
        let mut orders = orders(plan, &plan.mapping, charges.iter().map(AsRef::as_ref));
        if let Some(results) = &plan.results {
            let nowhere = Stamp { now: DateTime::default(), control_id: String::new() };
            let made: Vec<Vec<u8>> =
                plan.exams.values().map(|exam| results.message(exam, &nowhere)).collect();
            orders.extend(self::orders(plan, results, made.iter().map(Vec::as_slice)));
        }
        Self {
            mapping: Arc::clone(&plan.mapping),
            results: plan.results.clone(),
            exams: Arc::clone(&plan.exams),
            charges,
            orders,
        }
    }

    /// Whether nothing was put in place of what they were made of.
    fn are_of(&self, plan: &Plan) -> bool {
        let results = match (&self.results, &plan.results) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (None, None) => true,
            _ => false,
        };
        results
            && Arc::ptr_eq(&self.mapping, &plan.mapping)
            && Arc::ptr_eq(&self.exams, &plan.exams)
    }
}

/// The orders that `messages` carry, one of each exam; none of one whose message has no such field.
fn orders<'m>(
    plan: &Plan,
    mapping: &Mapping,
    messages: impl Iterator<Item = &'m [u8]>,
) -> Vec<(String, String)> {
    let Ok(path) = mapping.identity.order.parse::<Path>() else { return Vec::new() };
    let row = |(name, message): (&String, &[u8])| {
        let order = Message::read(message).text(&path);
        (!order.is_empty()).then(|| (order, name.clone()))
    };
    plan.exams.keys().zip(messages).filter_map(row).collect()
}

impl Plan {
    /// What its mappings make of its exams.
    #[must_use]
    pub fn messages(&self) -> Arc<Messages> {
        let known = self.made.0.get_or_init(|| Arc::new(Messages::of(self)));
        if known.are_of(self) { Arc::clone(known) } else { Arc::new(Messages::of(self)) }
    }
}
