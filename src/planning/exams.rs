//! The exams of a case: files, copies with other facts, and the harness's own probes.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;

use crate::charge::CREDIT;
use crate::exam::Exam;
use crate::mapping::Mapping;
use crate::planning::Library;
use crate::planning::library::unknown;
use crate::scenario::{ExamEntry, Word};
use crate::yaml::{Diagnostic, Node, Place, Source, Value, parse, read};

/// Names that begin so belong to probes.
pub(crate) const PROBE: &str = "probe-";

/// The exams of `entries` by name, in the order in which they are written.
pub(crate) fn read_all(
    entries: &[ExamEntry],
    library: &dyn Library,
) -> Result<IndexMap<String, Arc<Exam>>, Diagnostic> {
    let mut exams: IndexMap<String, Arc<Exam>> = IndexMap::new();
    let mut written: BTreeMap<&str, Node> = BTreeMap::new();
    for entry in entries {
        let name = &entry.name;
        if name.text.starts_with(PROBE) {
            let message = format!("the name `{}` belongs to a probe", name.text);
            let hint = "probes are given to the sender by the step `probe`; choose another name";
            return Err(name.place.error(message).hint(hint));
        }
        let facts = facts(entry, &written, library)?;
        let exam: Exam = facts.read()?;
        written.insert(&name.text, facts);
        if exam.order.number.is_empty() {
            return Err(name.place.error(format!("the exam `{}` has no order number", name.text)));
        }
        let twin = exams.iter().find(|(_, other)| other.order.number == exam.order.number);
        if let Some((other, _)) =
            twin.filter(|_| !entry.same_order && !exams.contains_key(&name.text))
        {
            let number = &exam.order.number;
            let message = format!("`{}` has the order number {number} of `{other}`", name.text);
            let hint = "give it another `order: { number }`, or say `same_order: true`";
            return Err(name.place.error(message).hint(hint));
        }
        if let Some(mistake) = wrong_credit(entry, &exam, &exams) {
            return Err(mistake);
        }
        if exams.insert(name.text.clone(), Arc::new(exam)).is_some() {
            let message = format!("there are two exams `{}`", name.text);
            let hint = "an exam can be given to the sender twice by two steps `submit`";
            return Err(name.place.error(message).hint(hint));
        }
    }
    Ok(exams)
}

/// A credit of nothing, a second one of the same charge, or an order that looks like a credit.
fn wrong_credit(
    entry: &ExamEntry,
    exam: &Exam,
    others: &IndexMap<String, Arc<Exam>>,
) -> Option<Diagnostic> {
    let (name, order) = (&entry.name, &exam.order);
    let numbers = [&order.number, &order.emr_number].into_iter().chain(&order.credits);
    if numbers.into_iter().any(|number| number.ends_with(CREDIT)) {
        let message = format!("an order number of `{}` ends in `{CREDIT}`", name.text);
        return Some(name.place.error(message).hint("so ends the name of an order's credit"));
    }
    let credited = order.credits.as_ref()?;
    if credited.is_empty() {
        let message = format!("`{}` takes back the charge of no order", name.text);
        return Some(name.place.error(message).hint("`credits` is the number of the order"));
    }
    let is_other = |other: &&Arc<Exam>| {
        other.order.credits == order.credits && other.order.number != order.number
    };
    let (other, _) = others.iter().find(|(_, other)| is_other(other))?;
    let message =
        format!("`{}` takes back the charge of order {credited}, as `{other}` does", name.text);
    Some(name.place.error(message).hint("a charge is taken back once"))
}

/// Refuses a credit of which `mapping` would make a charge.
pub(crate) fn credits_are_written(
    entries: &[ExamEntry],
    exams: &IndexMap<String, Arc<Exam>>,
    mapping: &Mapping,
) -> Result<(), Diagnostic> {
    if mapping.writes_credits() {
        return Ok(());
    }
    let is_credit =
        |name: &&Word| exams.get(&name.text).is_some_and(|exam| exam.order.credits.is_some());
    let Some(name) = entries.iter().map(|entry| &entry.name).find(is_credit) else {
        return Ok(());
    };
    let message =
        format!("`{}` is a credit, and the mapping `{}` writes none", name.text, mapping.name);
    let hint = "a mapping with credits has `FT1-3: \"{order.charged}\"`, \
                `FT1-6: \"{order.transaction}\"`, and an identity with FT1-6 and the rule per-charge";
    Err(name.place.error(message).hint(hint))
}

/// Adds as many probes as the steps hand over; their names, in order.
pub(crate) fn add_probes(
    exams: &mut IndexMap<String, Arc<Exam>>,
    count: usize,
) -> Result<Vec<String>, Diagnostic> {
    let pattern: &Exam = PATTERN.as_ref().map_err(Clone::clone)?;
    let mut names = Vec::with_capacity(count);
    for number in 1..=count {
        let name = format!("{PROBE}{number}");
        let mut exam = pattern.clone();
        let fields = [
            &mut exam.order.number,
            &mut exam.order.emr_number,
            &mut exam.patient.mrn,
            &mut exam.patient.account,
        ];
        for field in fields {
            field.push_str(&number.to_string());
        }
        exams.insert(name.clone(), Arc::new(exam));
        names.push(name);
    }
    Ok(names)
}

static PATTERN: LazyLock<Result<Exam, Diagnostic>> =
    LazyLock::new(|| read(&Source::new("scenarios/exams/probe.yaml", PROBE_EXAM)));

/// Built in, so that a probe needs no file beside the scenario.
const PROBE_EXAM: &str = include_str!("../../scenarios/exams/probe.yaml");

/// The facts of an exam as they are written, with those that it takes from another one.
fn facts(
    entry: &ExamEntry,
    written: &BTreeMap<&str, Node>,
    library: &dyn Library,
) -> Result<Node, Diagnostic> {
    let Some(word) = &entry.like else {
        let no_facts = || entry.name.place.error("the exam has no facts");
        return entry.facts.clone().ok_or_else(no_facts);
    };
    let under = match (written.get(word.text.as_str()), library.exam(&word.text)) {
        (Some(node), _) => node.clone(),
        (None, Some(source)) => parse(&source)?,
        (None, None) => {
            return Err(unknown("exam", &word.text, &word.place, &library.exams()));
        }
    };
    // Read first alone, so that a mistake of the file is not blamed on the copy.
    let _: Exam = under.read()?;
    Ok(match &entry.facts {
        Some(facts) => merge(&under, facts, &facts.place),
        None => under,
    })
}

/// `over` laid over `under`: maps are merged, everything else is replaced, and `~` takes a
/// fact away.
fn merge(under: &Node, over: &Node, place: &Place) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&under.value, &over.value) else {
        return over.clone();
    };
    let mut merged = below.clone();
    for (key, value) in above {
        match merged.iter_mut().find(|(other, _)| other.name == key.name) {
            Some((_, other)) => *other = merge(other, value, place),
            None => merged.push((key.clone(), value.clone())),
        }
    }
    merged.retain(|(_, value)| value.value != Value::Null);
    Node { place: place.clone(), value: Value::Map(merged) }
}
