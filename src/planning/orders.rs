//! Orders that no other case has.

use std::sync::Arc;

use crate::history;
use crate::plan::Made;
use crate::plan::Plan;

/// Gives every order a number of its own among all cases and seeds, with the same number of the
/// EMR's own for it: a sender that outlives its case remembers the orders that it has seen.
pub(crate) fn renew(plan: &mut Plan) {
    let suffix = format!("{:07}", fingerprint(&plan.id, plan.seed) % 10_000_000);
    for exam in Arc::make_mut(&mut plan.exams).values_mut() {
        let exam = Arc::make_mut(exam);
        let order = &mut exam.order;
        let numbers = [&mut order.number, &mut order.emr_number].into_iter();
        for number in numbers.chain(&mut order.credits).filter(|number| !number.is_empty()) {
            let renewed = format!("{number}{suffix}");
            for snapshot in plan.expect.snapshots.values_mut() {
                snapshot.approved = snapshot.approved.take().map(|text| {
                    // Whole values only: `12` is no part of `123`.
                    let between = ["|", "^", "\n", "<CR>"];
                    let ends = between.iter().flat_map(|&end| ["|", "^"].map(|start| (start, end)));
                    ends.fold(text, |text, (start, end)| {
                        let old = format!("{start}{number}{end}");
                        text.replace(&old, &format!("{start}{renewed}{end}"))
                    })
                });
            }
            *number = renewed;
        }
    }
    plan.made = Made::default();
}

/// A number that tells cases and seeds apart.
fn fingerprint(id: &str, seed: u64) -> u64 {
    history::fingerprint(&[id.as_bytes(), &seed.to_le_bytes()].concat())
}
