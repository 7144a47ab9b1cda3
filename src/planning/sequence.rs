//! What can stand beside what in a reply of several parts: nothing behind the end of a connection,
//! and nothing beside what lasts until the sender is gone.

use crate::history::End;
use crate::plan::{Behaviour, Play};
use crate::scenario::{How, Part, Reaction};
use crate::yaml::Diagnostic;

/// Whether every part of a reply can be played.
pub(crate) fn can_all_play(reaction: &Reaction, behaviour: &Behaviour) -> Result<(), Diagnostic> {
    let plays: Vec<(&Part, &Play)> = reaction.play.iter().zip(&behaviour.play).collect();
    for (index, (part, play)) in plays.iter().enumerate() {
        let (Part::Fault { name, .. }, Play::Fault { fault, .. }) = (part, play) else { continue };
        let nature = fault.nature();
        let (before, behind) = (&plays[..index], &plays[index + 1..]);
        let is_wait = |(part, _): &(&Part, &Play)| matches!(part, Part::Wait(_));
        if nature.stands_alone && !(behind.is_empty() && before.iter().all(is_wait)) {
            let mistake =
                name.place.error(format!("only a `wait` before it can stand beside `{fault}`"));
            return Err(mistake.hint(
                "it lasts until the sender has given up and is gone; `frame/partial-then-close` and `frame/partial-then-reset` end the connection inside an answer",
            ));
        }
        let Some(how) = nature.ends else { continue };
        let can_follow = |(part, _): &(&Part, &Play)| {
            how == End::HalfClose && matches!(part, Part::Wait(_) | Part::End(How::Reset))
        };
        if !behind.iter().all(can_follow) {
            let mistake = name.place.error(format!("nothing can be played behind `{fault}`"));
            return Err(mistake.hint("it ends the connection: put it last"));
        }
    }
    Ok(())
}
