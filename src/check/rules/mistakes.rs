//! Mistakes of one kind: one finding with its first witness and a count, however often it was made.

use crate::verdict::{Circumstance, Proof, Rule, Weight};

use crate::check::evidence::index::Evidence;
use crate::check::evidence::message::Sent;
use crate::check::findings::{Findings, Told};
use crate::check::wording::circumstance::witness;

/// Mistakes of one kind, counted.
#[derive(Default)]
pub(crate) struct Mistakes<'e, 'h> {
    kinds: Vec<Mistake<'e, 'h>>,
}

struct Mistake<'e, 'h> {
    rule: Rule,
    kind: Circumstance,
    first: Option<&'e Sent<'h>>,
    what: String,
    times: u64,
}

impl<'e, 'h> Mistakes<'e, 'h> {
    /// Notes one mistake; what it is must only be said of the first.
    pub(crate) fn note(
        &mut self,
        rule: Rule,
        kind: &Circumstance,
        sent: Option<&'e Sent<'h>>,
        what: impl FnOnce() -> String,
    ) {
        match self.kinds.iter_mut().find(|one| one.rule == rule && one.kind == *kind) {
            Some(known) => known.times += 1,
            None => {
                let (kind, what) = (kind.clone(), what());
                self.kinds.push(Mistake { rule, kind, first: sent, what, times: 1 });
            }
        }
    }

    /// Notes a mistake that is counted already.
    pub(crate) fn note_times(
        &mut self,
        rule: Rule,
        kind: &Circumstance,
        times: u64,
        what: impl FnOnce() -> String,
    ) {
        let (kind, what) = (kind.clone(), what());
        self.kinds.push(Mistake { rule, kind, first: None, what, times });
    }

    /// Adds a finding for each kind.
    pub(crate) fn add_to(mut self, evidence: &Evidence<'_>, findings: &mut Findings) {
        self.kinds.sort_by_cached_key(|one| (one.rule, one.kind.to_string()));
        for mistake in self.kinds {
            findings.add(mistake.rule, Weight::Broken, || {
                let times = match mistake.times {
                    1 => String::new(),
                    times => format!(" (first of {times})"),
                };
                let told = Told::plainly(mistake.kind, format!("{}{times}", mistake.what));
                match mistake.first {
                    Some(sent) => {
                        let attempts = vec![witness(evidence, sent)];
                        told.with(Proof { attempts, ..Proof::default() })
                    }
                    None => told,
                }
            });
        }
    }
}
