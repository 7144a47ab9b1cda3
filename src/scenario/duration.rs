//! Durations as people write them: `500ms`, `2s`, `1m`.

use std::time::Duration;

use crate::yaml::{Diagnostic, Node, Value};

/// The longest duration that a file may ask for.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest jump of a clock: nobody waits for that.
const LONGEST_JUMP: Duration = Duration::from_secs(10 * 366 * DAY);

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// By how much a clock is to jump; days and weeks too, since nobody waits for it.
///
/// # Errors
/// It has no unit, or is nothing of the kind, or is longer than ten years.
pub(super) fn read_jump(node: &Node) -> Result<Duration, Diagnostic> {
    let text = match &node.value {
        Value::Text(text) => text.as_str(),
        _ => return read(node),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "w" => 7 * DAY,
        "d" => DAY,
        "h" => 60 * 60,
        _ => return read(node).map_err(|mistake| mistake.hint("or `d` or `w`, as in `3w`")),
    };
    let number: u64 = number.parse().map_err(|_| unreadable(node, text))?;
    let jump = Duration::from_secs(number.saturating_mul(seconds));
    if jump > LONGEST_JUMP {
        let mistake = node.error(format!("a jump of `{text}` is longer than ten years"));
        return Err(mistake.hint("no clock is off by that; write a shorter one"));
    }
    Ok(jump)
}

/// The duration that `node` is.
///
/// # Errors
/// It has no unit, or is nothing of the kind, or is longer than a week.
pub(super) fn read(node: &Node) -> Result<Duration, Diagnostic> {
    let text = match &node.value {
        Value::Number(text) => {
            let mistake = node.error(format!("the duration `{text}` has no unit"));
            return Err(mistake.hint(format!("did you mean `{text}ms`?")));
        }
        _ => node.text("a duration such as `500ms`")?,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(unreadable(node, text)),
    };
    let number: u64 = number.parse().map_err(|_| unreadable(node, text))?;
    let duration = Duration::from_millis(number.saturating_mul(unit));
    if duration > LONGEST {
        let mistake = node.error(format!("the duration `{text}` is longer than a week"));
        return Err(mistake.hint("nobody waits for that; write a shorter one"));
    }
    Ok(duration)
}

fn unreadable(node: &Node, text: &str) -> Diagnostic {
    node.error(format!("expected a duration, found `{text}`"))
        .hint("a whole number and `ms`, `s`, `m` or `h`, as in `500ms`")
}
