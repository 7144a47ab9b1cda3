//! What an author wants filled in, as a plan has it.

use crate::plan::{Fill, Moment, Play, Text};
use crate::scenario::{A_BRACE, On, Text as Written, Word};
use crate::yaml::Diagnostic;

/// What an author wrote, with all names looked up.
pub(super) fn read(parts: &[Written], on: &On) -> Result<Play, Diagnostic> {
    if let [Written::Bytes(bytes)] = parts {
        return Ok(Play::Raw(bytes.clone().into()));
    }
    let text = |part: &Written| match part {
        Written::Bytes(bytes) => Ok(Text::Bytes(bytes.clone().into())),
        Written::Fill(word) => fill(word, on).map(Text::Fill),
    };
    Ok(Play::Filled(parts.iter().map(text).collect::<Result<_, _>>()?))
}

fn fill(word: &Word, on: &On) -> Result<Fill, Diagnostic> {
    let Some(fill) = Fill::named(&word.text) else {
        let mistake = word.place.error(format!("`{{{}}}` is nothing that is filled in", word.text));
        return Err(mistake
            .hint_words(&word.text, "known are fields, as in `{MSH-10}`, and", Fill::NAMES)
            .hint(A_BRACE));
    };
    let early = matches!(&on.moment, Some((Moment::Accepted | Moment::Bytes(_), _)));
    if early && matches!(fill, Fill::Field(_)) {
        let what =
            format!("at this moment nothing of the message is known, nor its `{}`", word.text);
        let mistake = word.place.error(what);
        return Err(mistake.hint("drop `moment` or `bytes` in `on`, or write the value itself"));
    }
    Ok(fill)
}
