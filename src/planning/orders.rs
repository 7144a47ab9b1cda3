//! Orders that no other case has.

use std::sync::Arc;

use jiff::civil::DateTime;

use crate::exam::Exam;
use crate::history;
use crate::mapping::{Mapping, Stamp};
use crate::plan::Made;
use crate::plan::Plan;

/// Gives every order a number of its own among all cases and seeds, with the same number of the
/// EMR's own for it: a sender that outlives its case remembers the orders that it has seen.
pub(crate) fn renew(plan: &mut Plan) {
    let suffix = format!("{:07}", fingerprint(&plan.id, plan.seed) % 10_000_000);
    for (name, exam) in Arc::make_mut(&mut plan.exams) {
        let before = Arc::clone(exam);
        let order = &mut Arc::make_mut(exam).order;
        let numbers = [&mut order.number, &mut order.emr_number].into_iter();
        for number in numbers.chain(&mut order.credits).filter(|number| !number.is_empty()) {
            number.push_str(&suffix);
        }
        let of_exam = plan.expect.snapshots.values_mut().filter(|one| one.exam == *name);
        for snapshot in of_exam {
            let renewed = |text: String| approved(&text, &plan.mapping, [&before, exam]);
            snapshot.approved = snapshot.approved.take().map(renewed);
        }
    }
    plan.made = Made::default();
}

/// What was approved of the first exam, for the second. A field in which the mapping writes what was
/// approved is what it writes of the second, wherever in it a number stands; in any other, a
/// component that is a number of the order becomes the new one.
fn approved(text: &str, mapping: &Mapping, exams: [&Exam; 2]) -> String {
    let messages = exams.map(|exam| {
        let stamp = Stamp { now: DateTime::default(), control_id: String::new() };
        String::from_utf8_lossy(&mapping.message(exam, &stamp)).into_owned()
    });
    let [before, after] = messages.each_ref().map(|text| {
        text.split('\r').map(|segment| segment.split('|').collect()).collect::<Vec<Vec<&str>>>()
    });
    let at = |message: &[Vec<&str>], segment: usize, field: usize| {
        message.get(segment).and_then(|fields| fields.get(field)).map(|&text| text.to_owned())
    };
    let line = |(segment, line): (usize, &str)| {
        let content = line.strip_suffix(SEGMENT_END).unwrap_or(line);
        let fields =
            content.split('|').enumerate().map(|(field, text)| match at(&before, segment, field) {
                Some(made) if made == text => at(&after, segment, field).unwrap_or(made),
                _ => whole_values(text, exams),
            });
        let fields: Vec<String> = fields.collect();
        fields.join("|") + &line[content.len()..]
    };
    text.split('\n').enumerate().map(line).collect::<Vec<String>>().join("\n")
}

/// A field of which the mapping says nothing. Whole components only: `12` is no part of `123`.
fn whole_values(field: &str, exams: [&Exam; 2]) -> String {
    let [before, after] = exams.map(|exam| {
        let order = &exam.order;
        [Some(&order.number), Some(&order.emr_number), order.credits.as_ref()]
    });
    let renewed = |value: &str| {
        let is_it = |one: &Option<&String>| one.is_some_and(|one| one == value && !one.is_empty());
        let number = before.iter().position(is_it).and_then(|number| after[number]);
        number.map_or_else(|| value.to_owned(), Clone::clone)
    };
    field.split('^').map(renewed).collect::<Vec<String>>().join("^")
}

/// How the end of a segment stands in a snapshot.
const SEGMENT_END: &str = "<CR>";

/// A number that tells cases and seeds apart.
fn fingerprint(id: &str, seed: u64) -> u64 {
    history::fingerprint(&[id.as_bytes(), &seed.to_le_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::approved;
    use crate::mapping::sample::{john_doe, mapping};

    /// Where lines are charges of their own: FT1-2 is the order with the number of its line.
    const LINES: &str = "mapping: m\nextends: iris/option-1\n\
                         fields: { FT1-2: '{order.number}-{charge.number}' }\n";

    #[rstest]
    #[case::inside_a_longer_value("FT1|1|17-1|17|", "FT1|1|1799-1|1799|")]
    #[case::of_a_component_that_the_mapping_lacks("ZX1|17^A|1", "ZX1|1799^A|199")]
    #[case::part_of_another_number("ZX1|117|171", "ZX1|117|171")]
    #[case::as_the_set_id_that_is_no_number_of_the_order("FT1|1|17-1|", "FT1|1|1799-1|")]
    fn what_was_approved_is_that_of_the_new_order(#[case] before: &str, #[case] after: &str) {
        let mut exam = john_doe();
        "17".clone_into(&mut exam.order.number);
        "1".clone_into(&mut exam.order.emr_number);
        let mut renewed = exam.clone();
        "1799".clone_into(&mut renewed.order.number);
        "199".clone_into(&mut renewed.order.emr_number);
        // FT1 is the fifth segment that the mapping writes.
        let above = "<VT>MSH|<CR>\nEVN|P03<CR>\nPID||<CR>\nPV1|1<CR>\n";
        let text = |line: &str| format!("{above}{line}<CR>\n<FS><CR>");
        let renewed = approved(&text(before), &mapping(LINES), [&exam, &renewed]);
        assert_eq!(renewed, text(after));
    }
}
