//! Whether a behaviour that is said to have played can be seen in the history, as it was asked for:
//! the bytes that left, the pauses between them, how the connection ended, what met those who
//! connected.
//!
//! The simulated EMR says that a behaviour played; this does not take its word for it. It does
//! **not** look at what the sender made of it.

mod doors;
mod handshake;
mod reply;
mod scene;
mod signs;
mod span;
mod struck;
mod timing;

use crate::check::evidence::index::{Evidence, Fault as Claim};
use crate::history::{End, Micros};
use crate::plan::Play;
use scene::{Scene, Shown};
use signs::{Among, Part, Says, expected};
use span::{ms, plus};

pub(crate) use struck::struck;

/// What the history lacks of what `claim` says; none if it shows all of it.
pub(crate) fn missing(evidence: &Evidence<'_>, claim: &Claim<'_>) -> Option<String> {
    let Some(behaviour) = evidence.plan.script.get(claim.behaviour) else {
        return Some("the script has no such behaviour".to_owned());
    };
    let scene = Scene::of(evidence, claim, behaviour);
    scene.is_shown().err()
}

impl Scene<'_, '_> {
    fn is_shown(&self) -> Shown {
        self.struck_its_own()?;
        let mut parts = Vec::new();
        let mut besides = Vec::new();
        for play in &self.behaviour.play {
            match play {
                Play::Fault { fault, with } => {
                    let Some((more, of_its_own)) = expected(*fault, with) else {
                        return Err(format!("nobody knows by what {fault} is seen"));
                    };
                    besides.push((*fault, with, of_its_own, parts.len()..parts.len() + more.len()));
                    parts.extend(more);
                }
                Play::Raw(bytes) => parts.push(Part::Says(Says::Exactly(bytes.clone()))),
                Play::Filled(text) => parts.push(Part::Says(Says::Filled(text.clone()))),
                Play::Wait(time) => parts.push(Part::Pause(*time)),
                Play::End(how) => parts.push(Part::End(*how)),
            }
        }
        let writes = besides.iter().any(|(_, _, of_its_own, _)| of_its_own.is_written());
        for (fault, with, of_its_own, own) in besides {
            let among = Among::of(&parts, own);
            self.has(fault, with, of_its_own, among)?;
        }
        if parts.is_empty() {
            return Ok(());
        }
        self.follows(&parts, writes)
    }

    /// Whether what is written, waited for and ended was so, in this order; something is written
    /// even where no part says what, if it is one that `writes` at length.
    fn follows(&self, parts: &[Part], writes: bool) -> Shown {
        let ends: Vec<End> = parts.iter().filter_map(Part::end).collect();
        let before_ends = parts.iter().position(|part| matches!(part, Part::End(_)));
        let written = &parts[..before_ends.unwrap_or(parts.len())];
        let lead = written.iter().map_while(Part::pause).fold(Micros(0), plus);
        let words = &written[written.iter().take_while(|part| part.pause().is_some()).count()..];
        let begun = if words.is_empty() {
            self.first_end(&ends).unwrap_or(self.evidence.events[self.claim.event].at)
        } else if let [Part::Says(Says::AsDue(_))] = words
            && self.asks_for_nothing()
        {
            self.is_unanswered()?;
            return self.has_ended(&ends);
        } else {
            let reply = self.reply()?;
            reply.has(words, self.message())?;
            reply.began
        };
        let waited = begun.since(self.set_off());
        if waited < lead {
            return Err(format!("it came after {} and not after {}", ms(waited), ms(lead)));
        }
        if words.is_empty() && !ends.is_empty() && !writes {
            self.is_unanswered()?;
        }
        self.has_ended(&ends)
    }
}
