//! What the mappings make of the exams: the message of each, under some stamp, and the order that
//! it carries. It is made when it is first asked for, and shared by all plans with the same
//! mappings and exams.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use jiff::civil::DateTime;

use crate::charge::{Agreement, CREDIT, as_read, charges};
use crate::exam::Exam;
use crate::hl7::{Message, Path};
use crate::mapping::{Form, Mapping, OnceRule, Stamp};
use crate::plan::Plan;

/// What is made of a plan's exams, once it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Made(Arc<OnceLock<Arc<Messages>>>);

/// What is agreed for one exam.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Its charge message; what its stamp writes means nothing.
    pub message: Arc<[u8]>,
    /// The order that its charge lines are of; the exam's own number where they name none.
    pub order: Arc<[u8]>,
    /// Its charge message as long as its stamp is not known.
    pub charge: Arc<Form>,
    /// Its result message in the same way, if the sender sends any.
    pub result: Option<Arc<Form>>,
}

/// The messages of a plan's exams.
#[derive(Debug)]
pub struct Messages {
    mapping: Arc<Mapping>,
    results: Option<Arc<Mapping>>,
    exams: Arc<IndexMap<String, Arc<Exam>>>,
    agreement: Agreement,
    charges: Vec<Agreed>,
    orders: Arc<Orders>,
}

/// Every order as it stands on the wire, and the exam that it is of.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Where charges name it.
    pub in_charges: Option<Path>,
    /// Where results name it, if the sender sends any.
    pub in_results: Option<Path>,
    /// Whether credits are counted apart.
    pub credits: bool,
    /// Whether an order has one charge message: once that has come, none is to come for another exam
    /// of the order.
    pub one_message: bool,
    /// Exams by order, in the order of the plan: a correction may come under the number of the order
    /// that it corrects.
    pub exams: BTreeMap<String, Vec<Arc<str>>>,
    /// Exams by their orders as people read them, of which no two read the same.
    pub alike: BTreeMap<Vec<u8>, Vec<Arc<str>>>,
}

impl Orders {
    /// The exams of the order that a charge names.
    #[must_use]
    pub fn charged(&self, message: &Message<'_>) -> &[Arc<str>] {
        self.named(self.charge(message))
    }

    /// The exams of the order that a result names.
    #[must_use]
    pub fn reported(&self, message: &Message<'_>) -> &[Arc<str>] {
        self.named(self.result(message))
    }

    /// All exams of the order of this one; none where it is the only one of its order.
    #[must_use]
    pub fn twins(&self, exam: &str) -> &[Arc<str>] {
        let mut shared = self.exams.values().filter(|exams| exams.len() > 1);
        let own = shared.find(|exams| exams.iter().any(|one| **one == *exam));
        own.map_or(&[], Vec::as_slice)
    }

    /// The exams of an order; of one that nobody placed, those whose order reads like it.
    fn named(&self, order: Option<String>) -> &[Arc<str>] {
        let Some(order) = order else { return &[] };
        let alike = || self.alike.get(&as_read(order.as_bytes()));
        self.exams.get(&order).or_else(alike).map_or(&[], Vec::as_slice)
    }

    fn charge(&self, message: &Message<'_>) -> Option<String> {
        let mut order = message.text(self.in_charges.as_ref()?);
        if self.credits && charges(message).next().is_some_and(|charge| charge.is_credit()) {
            order.push_str(CREDIT);
        }
        Some(order).filter(|order| !order.is_empty())
    }

    fn result(&self, message: &Message<'_>) -> Option<String> {
        Some(message.text(self.in_results.as_ref()?)).filter(|order| !order.is_empty())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exams.is_empty()
    }
}

impl Messages {
    /// Which fields make a charge.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// The charge of each exam, in the order of the plan.
    #[must_use]
    pub fn charges(&self) -> &[Agreed] {
        &self.charges
    }

    /// The orders on the wire.
    #[must_use]
    pub const fn orders(&self) -> &Arc<Orders> {
        &self.orders
    }

    fn of(plan: &Plan) -> Self {
        let stamp =
            |exam: &Exam| Stamp { now: exam.grading.signed, control_id: "170410151351".to_owned() };
        let exams = plan.exams.values();
        let agreement = agreement(&plan.mapping);
        let agreed = |exam: &Arc<Exam>| {
            let message: Arc<[u8]> = plan.mapping.message(exam, &stamp(exam)).into();
            let order = order(&message, &agreement).unwrap_or(exam.order.number.as_bytes().into());
            let result = plan.results.as_ref().map(|results| results.form(exam));
            Agreed { message, order, charge: plan.mapping.form(exam), result }
        };
        let charges: Vec<Agreed> = exams.map(agreed).collect();
        let made = charges.iter().map(|agreed| agreed.message.as_ref());
        let in_charges = plan.mapping.identity.order.parse().ok();
        let one_message = plan.mapping.identity.rule == OnceRule::PerOrder;
        let credits = agreement.credits;
        let mut orders = Orders { in_charges, credits, one_message, ..Orders::default() };
        orders.exams = named(plan, made, |message| orders.charge(message));
        if let Some(results) = &plan.results {
            let nowhere = Stamp { now: DateTime::default(), control_id: String::new() };
            let made: Vec<Vec<u8>> =
                plan.exams.values().map(|exam| results.message(exam, &nowhere)).collect();
            orders.in_results = results.identity.order.parse().ok();
            let made = made.iter().map(Vec::as_slice);
            let reported = named(plan, made, |message| orders.result(message));
            orders.exams.extend(reported);
        }
        orders.alike = alike(&orders.exams);
        Self {
            mapping: Arc::clone(&plan.mapping),
            results: plan.results.clone(),
            exams: Arc::clone(&plan.exams),
            agreement,
            charges,
            orders: Arc::new(orders),
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

/// Exams by their orders as people read them, without those of which two read the same.
fn alike(exams: &BTreeMap<String, Vec<Arc<str>>>) -> BTreeMap<Vec<u8>, Vec<Arc<str>>> {
    let mut alike: BTreeMap<Vec<u8>, Option<Vec<Arc<str>>>> = BTreeMap::new();
    for (order, exams) in exams {
        let known = alike.entry(as_read(order.as_bytes())).or_insert_with(|| Some(exams.clone()));
        if known.as_ref().is_some_and(|known| known != exams) {
            *known = None;
        }
    }
    alike.into_iter().filter_map(|(order, exams)| Some((order, exams?))).collect()
}

/// The fields that make a charge, as the mapping has them.
fn agreement(mapping: &Mapping) -> Agreement {
    let path = |text: &String| text.parse::<Path>().ok();
    Agreement {
        order: path(&mapping.identity.order).unwrap_or_else(|| Agreement::default().order),
        distinct: mapping.identity.distinct.iter().filter_map(path).collect(),
        credits: mapping.identity.tells_credits(),
    }
}

/// The order of a message's first charge line.
fn order(message: &[u8], agreement: &Agreement) -> Option<Arc<[u8]>> {
    let message = Message::read(message);
    let first = charges(&message).next().map(|charge| charge.order(agreement));
    first.filter(|order| !order.is_empty()).map(|order| order.as_ref().into())
}

/// The orders that `messages` name, one of each exam, if it names any.
fn named<'m>(
    plan: &Plan,
    messages: impl Iterator<Item = &'m [u8]>,
    order: impl Fn(&Message<'_>) -> Option<String>,
) -> BTreeMap<String, Vec<Arc<str>>> {
    let mut named = BTreeMap::<String, Vec<Arc<str>>>::new();
    for (name, message) in plan.exams.keys().zip(messages) {
        if let Some(order) = order(&Message::read(message)) {
            named.entry(order).or_default().push(Arc::from(name.as_str()));
        }
    }
    named
}

impl Plan {
    /// What its mappings make of its exams.
    #[must_use]
    pub fn messages(&self) -> Arc<Messages> {
        let known = self.made.0.get_or_init(|| Arc::new(Messages::of(self)));
        if known.are_of(self) { Arc::clone(known) } else { Arc::new(Messages::of(self)) }
    }
}
