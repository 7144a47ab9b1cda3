//! Exploration: cases that nobody wrote, drawn from a seed, run and judged like any other.
//!
//! A case that convicts the sender is shrunk to the smallest one that still does, by the same
//! rule, and can be written down as a scenario. That nothing was found says what was tried and
//! no more. This room does **not** write files and does not decide how long to go on.

mod draw;
#[cfg(test)]
mod properties;
mod random;
mod shrink;
mod tale;
mod tally;

use std::sync::{Arc, PoisonError, RwLock};

use crate::history::History;
use crate::plan::Plan;
use crate::planning;
use crate::planning::{Choices, Library, Meanings, Named};
use crate::run::simulated::{self, Hands, SimulationError};
use crate::scenario::{Case, SenderFile};
use crate::sender::Bug;
use crate::suite::judge;
use crate::verdict::{CaseOutcome, Finding, Rule, Verdict, Weight};
use crate::yaml::{Diagnostic, Place, Source};

use draw::Deck;
use random::Random;

pub use shrink::{Convicts, shrink, size};
pub use tally::{Situation, Tally};

/// A drawn case: what its author would have written, and the seed that it is run with.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// What would be written.
    pub case: Case,
    /// What decides every random choice while it runs.
    pub seed: u64,
}

/// A schedule that was run and judged.
#[derive(Debug)]
pub struct Tried {
    /// What the judge says.
    pub outcome: CaseOutcome,
    /// What happened in it.
    pub situation: Situation,
}

/// By what a sender stands convicted, apart from all that varies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conviction {
    /// What it means for the exit code.
    pub weight: Weight,
    /// The rule.
    pub rule: Rule,
    /// What kind of witnesses speak, where two attempts do.
    witnesses: Option<Witnesses>,
}

/// The plainest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Witnesses {
    /// One message bears both.
    OneMessage,
    /// Two attempts of one life of the sender.
    OneLife,
    /// Two attempts of two lives.
    TwoLives,
}

/// Draws schedules for one sender and tries them.
pub struct Explorer<'l> {
    library: &'l (dyn Library + Sync),
    sender: &'l SenderFile,
    bug: Option<Bug>,
    choices: Choices,
    deck: Deck,
    seed: u64,
    known: RwLock<Meanings>,
}

/// Why a schedule could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// It makes no sense; where it was drawn so, that is our own mistake.
    #[error("a schedule makes no sense: {0}")]
    Senseless(#[from] Diagnostic),
    /// Everything that was drawn needs something that the sender file does not offer.
    #[error("the sender file offers too little for anything to be tried with it")]
    Unmet,
    /// It cannot be run in virtual time.
    #[error("{0}")]
    Simulation(#[from] SimulationError),
}

impl<'l> Explorer<'l> {
    /// An explorer of `sender`; every schedule follows from the seed in `choices`.
    #[must_use]
    pub fn new(
        library: &'l (dyn Library + Sync),
        sender: &'l SenderFile,
        choices: &Choices,
    ) -> Self {
        Self {
            library,
            sender,
            bug: choices.bug.as_ref().and_then(|name| name.parse().ok()),
            choices: choices.clone(),
            deck: Deck::of(library, sender),
            seed: choices.seed,
            known: RwLock::default(),
        }
    }

    /// The same explorer once more, with nothing in common with it, so that two threads which try
    /// schedules at once do not wait for each other's counts of what they share.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            library: self.library,
            sender: self.sender,
            bug: self.bug,
            choices: self.choices.clone(),
            deck: self.deck.apart(),
            seed: self.seed,
            known: RwLock::default(),
        }
    }

    /// What every schedule follows from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The schedule of this number: the first of its draws that the sender can be asked for.
    ///
    /// # Errors
    /// A schedule that makes no sense.
    pub fn schedule(&self, number: u64) -> Result<Schedule, ExploreError> {
        Ok(self.drawn(number)?.0)
    }

    fn drawn(&self, number: u64) -> Result<(Schedule, Plan), ExploreError> {
        let mut random = Random::of(self.seed, number);
        let mut senseless = None;
        for _ in 0..MOST_DRAWS {
            let case = self.deck.draw(&mut random);
            let schedule = Schedule { case, seed: 1 + random.below(1_000) };
            // What does not go together, such as a fault of TLS without TLS, is drawn again.
            match self.plan(&schedule, "drawn") {
                Ok(plan) if self.is_met(&plan) => return Ok((schedule, plan)),
                Ok(_) => {}
                Err(error) => senseless = Some(error),
            }
        }
        Err(senseless.map_or(ExploreError::Unmet, ExploreError::Senseless))
    }

    /// Whether the sender file offers everything that a plan needs.
    #[must_use]
    pub fn is_met(&self, plan: &Plan) -> bool {
        planning::unmet(plan, self.sender).is_empty()
    }

    /// The plan of a schedule.
    ///
    /// # Errors
    /// A schedule that makes no sense.
    pub fn plan(&self, schedule: &Schedule, id: &str) -> Result<Plan, Diagnostic> {
        self.plan_with(schedule, id, &self.choices)
    }

    fn plan_with(
        &self,
        schedule: &Schedule,
        id: &str,
        choices: &Choices,
    ) -> Result<Plan, Diagnostic> {
        let case = &schedule.case;
        let named = self.named(case)?;
        let choices = Choices { seed: schedule.seed, ..choices.clone() };
        let mut plan = planning::decide(case, &named, id, self.library, self.sender, &choices)?;
        if self.bug == Some(Bug::Floods) {
            plan.limits.messages = FLOOD; // the same proof, sooner
        }
        Ok(plan)
    }

    /// What a case names, looked up once for all that name the same. The name of an exam that is
    /// drawn always means the same facts.
    fn named(&self, case: &Case) -> Result<Arc<Named>, Diagnostic> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).known(case);
        if let Some(named) = known {
            return Ok(named);
        }
        let start = Place { source: Source::new("drawn", ""), line: 1, column: 1 };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.learn(case, self.library, &start)
    }

    /// Runs the schedule of this number in virtual time and judges it.
    ///
    /// # Errors
    /// A defect that virtual time cannot show.
    pub fn try_number(&self, number: u64) -> Result<Tried, ExploreError> {
        let (_, plan) = self.drawn(number)?;
        let history = simulated::observe(&plan, Hands::Quick)?;
        Ok(judged(&plan, &history))
    }

    /// Runs a schedule in virtual time, as a case of this id, and judges it.
    ///
    /// # Errors
    /// One that makes no sense, or a defect that virtual time cannot show.
    pub fn run(&self, schedule: &Schedule, id: &str) -> Result<Tried, ExploreError> {
        self.run_with(schedule, id, &self.choices, Hands::Quick)
    }

    fn run_with(
        &self,
        schedule: &Schedule,
        id: &str,
        choices: &Choices,
        hands: Hands,
    ) -> Result<Tried, ExploreError> {
        let plan = self.plan_with(schedule, id, choices)?;
        let history = simulated::observe(&plan, hands)?;
        Ok(judged(&plan, &history))
    }

    /// How the correct reference sender fares in a schedule: a case that it fails convicts
    /// nobody, and one that it does not pass shows less than it could.
    #[must_use]
    pub fn fairness(&self, schedule: &Schedule) -> Verdict {
        let correct = Choices { bug: None, variant: None, ..self.choices.clone() };
        let tried = self.run_with(schedule, "drawn", &correct, Hands::Quick);
        tried.map_or(Verdict::Fail, |tried| tried.outcome.judgement.verdict())
    }

    /// Whether a schedule convicts the sender as before, in virtual time.
    #[must_use]
    pub fn convicts(&self, schedule: &Schedule, conviction: &Conviction) -> bool {
        self.convicts_with(schedule, conviction, Hands::Quick)
    }

    /// Whether it does so however long the harness takes for what it does, as far as virtual time
    /// can tell: what does not is a race that real processes may never lose.
    #[must_use]
    pub fn convicts_surely(&self, schedule: &Schedule, conviction: &Conviction) -> bool {
        self.convicts_with(schedule, conviction, Hands::Quick)
            && self.convicts_with(schedule, conviction, Hands::Slow)
    }

    fn convicts_with(&self, schedule: &Schedule, conviction: &Conviction, hands: Hands) -> bool {
        let tried = self.run_with(schedule, "drawn", &self.choices, hands);
        tried.is_ok_and(|tried| conviction.is_in(&tried.outcome.judgement.findings))
    }

    /// The file of a schedule: a title that says what happens, and `comment` at its head.
    #[must_use]
    pub fn written(&self, schedule: &Schedule, comment: &str) -> String {
        let title = tale::title(&schedule.case);
        Case { title, ..schedule.case.clone() }.to_yaml(comment)
    }

    /// What a file of this schedule can be called.
    #[must_use]
    pub fn name(&self, schedule: &Schedule, conviction: &Conviction) -> String {
        format!("{}-{}", conviction.rule.name().replace('/', "-"), tale::name(&schedule.case))
    }
}

/// Draws after which it is plain that the sender cannot be asked for anything.
const MOST_DRAWS: u32 = 200;

/// How many messages of a sender that floods are enough to say so.
const FLOOD: u32 = 200;

/// Judges the history of a schedule, however it was run.
#[must_use]
pub fn judged(plan: &Plan, history: &History) -> Tried {
    let outcome = judge(plan, history, String::new());
    Tried { situation: Situation::of(plan, &history.events), outcome }
}

impl Conviction {
    /// Every conviction among these findings, the worst first.
    #[must_use]
    pub fn all(findings: &[Finding]) -> Vec<Self> {
        let broken = findings.iter().filter(|one| one.weight >= Weight::Broken);
        let mut all: Vec<Self> = broken.map(Self::of).collect();
        all.sort_by(|one, other| other.weight.cmp(&one.weight).then(one.cmp(other)));
        all.dedup();
        all
    }

    fn of(finding: &Finding) -> Self {
        let attempts = finding.proof.as_ref().map(|proof| proof.attempts.as_slice());
        let witnesses = match attempts {
            Some([_]) => Some(Witnesses::OneMessage),
            Some([one, other, ..]) if one.incarnation == other.incarnation => {
                Some(Witnesses::OneLife)
            }
            Some([_, _, ..]) => Some(Witnesses::TwoLives),
            _ => None,
        };
        Self {
            weight: finding.weight,
            rule: finding.rule,
            // Of any other rule a second witness is only more of the same.
            witnesses: witnesses.filter(|_| finding.weight == Weight::SentTwice),
        }
    }

    /// Whether it is among these findings, or one that is plainer by its witnesses: who sends twice
    /// in one life needs no second one to show it.
    #[must_use]
    pub fn is_in(&self, findings: &[Finding]) -> bool {
        let is_it = |found: &Self| {
            (found.weight, found.rule) == (self.weight, self.rule)
                && found.witnesses.is_some() == self.witnesses.is_some()
                && found.witnesses <= self.witnesses
        };
        let broken = findings.iter().filter(|finding| finding.weight >= Weight::Broken);
        broken.map(Self::of).any(|found| is_it(&found))
    }
}
