//! The reading of one output, and what was overheard of one life.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::history::{Datum, Standard};
use crate::run::disclosure::places::LONGEST_ESCAPE;
use crate::run::disclosure::{Clue, Lookout};

/// What was seen in the outputs of one life.
#[derive(Debug, Default)]
pub(crate) struct Overheard {
    /// How many bytes were read.
    pub(crate) length: u64,
    seen: BTreeMap<(Standard, usize), (String, BTreeSet<Datum>)>,
}

/// What was printed of one patient to one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// To which.
    pub output: Standard,
    /// The exam whose patient it is.
    pub exam: String,
    /// What.
    pub data: Vec<Datum>,
}

impl Overheard {
    /// Whether all that was printed was looked through.
    pub(crate) const fn is_whole(&self) -> bool {
        self.length <= LOOKED_THROUGH
    }

    /// How many bytes of it were looked through.
    pub(crate) fn looked_through(&self) -> u64 {
        self.length.min(LOOKED_THROUGH)
    }

    /// What was seen, by output and exam, in a fixed order.
    pub(crate) fn disclosed(&self) -> Vec<Disclosure> {
        let told = self.seen.iter().map(|((output, _), (exam, data))| Disclosure {
            output: *output,
            exam: exam.clone(),
            data: data.iter().copied().collect(),
        });
        told.collect()
    }
}

/// The reading of one output.
#[derive(Debug)]
pub(crate) struct Listening {
    lookout: Rc<Lookout>,
    output: Standard,
    /// The last bytes: some that were looked at, and those in which a clue may have begun.
    held: Vec<u8>,
    /// How many of them were looked at.
    past: usize,
    /// Where they begin.
    offset: u64,
    /// The halves of names that stood last on this line.
    halves: Vec<Heard>,
}

/// A half of a name that was printed.
#[derive(Clone, Copy, Debug)]
struct Heard {
    half: usize,
    end: u64,
    /// Whether it may be a word like any other.
    word: bool,
}

impl Listening {
    /// Nothing was read yet.
    pub(crate) const fn new(lookout: Rc<Lookout>, output: Standard) -> Self {
        Self { lookout, output, held: Vec::new(), past: 0, offset: 0, halves: Vec::new() }
    }

    /// Looks for the patients of another case from now on.
    pub(crate) fn turn_to(&mut self, lookout: &Rc<Lookout>) {
        if !Rc::ptr_eq(&self.lookout, lookout) {
            self.lookout = Rc::clone(lookout);
            self.halves.clear();
        }
    }

    /// Takes what was printed next.
    pub(crate) fn hear(&mut self, bytes: &[u8], overheard: &mut Overheard) {
        let is_too_much = !overheard.is_whole();
        overheard.length += bytes.len() as u64;
        if is_too_much {
            return;
        }
        self.held.extend_from_slice(bytes);
        // A clue is known by the byte behind it, too.
        let sure = self.held.len().saturating_sub(self.lookout.longest());
        self.look(sure, overheard);
    }

    /// Nothing more will be printed.
    pub(crate) fn end(&mut self, overheard: &mut Overheard) {
        self.look(self.held.len(), overheard);
    }

    /// Looks at what begins within the first bytes that are held, and lets go of them.
    fn look(&mut self, sure: usize, overheard: &mut Overheard) {
        let lookout = Rc::clone(&self.lookout);
        let held = std::mem::take(&mut self.held);
        let folded = held.to_ascii_lowercase();
        let sure = sure.max(self.past);
        for at in self.past..sure {
            if held[at] == b'\n' {
                self.halves.clear();
            }
            for (clue, end) in lookout.at(&held, &folded, at) {
                let place = (self.offset + at as u64, self.offset + end as u64);
                self.found(clue, place, overheard);
            }
        }
        let gone = sure.saturating_sub(LONGEST_ESCAPE);
        self.held = held;
        self.held.drain(..gone);
        self.past = sure - gone;
        self.offset += gone as u64;
    }

    fn found(&mut self, clue: Clue, place: (u64, u64), overheard: &mut Overheard) {
        let (half, word) = match clue {
            Clue::Whole(whole) => return self.saw(whole.exam, whole.datum, overheard),
            Clue::Half(half, word) => (half, word),
        };
        let (from, end) = place;
        let lookout = Rc::clone(&self.lookout);
        if let Some(&exam) = lookout.families.get(&half) {
            self.saw(exam, Datum::Name, overheard);
        }
        self.halves.retain(|other| from.saturating_sub(other.end) <= GAP);
        for other in self.halves.iter().filter(|other| other.end <= from) {
            let gap = match (word, other.word) {
                (false, false) => GAP,
                (true, true) => continue,
                _ => BESIDE,
            };
            if from - other.end > gap {
                continue;
            }
            for name in [(other.half, half), (half, other.half)] {
                if let Some(&exam) = lookout.names.get(&name) {
                    self.saw(exam, Datum::Name, overheard);
                }
            }
        }
        self.halves.push(Heard { half, end, word });
    }

    fn saw(&self, exam: usize, datum: Datum, overheard: &mut Overheard) {
        let seen = overheard.seen.entry((self.output, exam));
        let name = || (self.lookout.exams[exam].clone(), BTreeSet::new());
        seen.or_insert_with(name).1.insert(datum);
    }
}

/// How much of what a life prints is looked through: a sender that floods its log must not cost the
/// harness the time in which it has to answer.
const LOOKED_THROUGH: u64 = 1 << 20;

/// How many bytes may stand between the two halves of a name, as in `"family": "…", "given": "…"`.
const GAP: u64 = 32;

/// How many, where one of them may be a word like any other.
const BESIDE: u64 = 3;
