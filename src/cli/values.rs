//! Values of options that several commands have.

use chargeproof::suite::SideBySide;
use std::time::Duration;

use chargeproof::sender::{Bug, Variant};

pub(super) fn bugs() -> impl Iterator<Item = &'static str> {
    Bug::ALL.iter().map(|bug| bug.name())
}

pub(super) fn variants() -> impl Iterator<Item = &'static str> {
    Variant::ALL.iter().map(|variant| variant.name())
}

/// A time as it is written in scenarios.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "a time is a number and a unit".to_owned())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(3600))),
        _ => Err("the unit of a time is `ms`, `s`, `m` or `h`".to_owned()),
    }
}

/// How many cases run side by side.
pub(super) fn jobs(text: &str) -> Result<SideBySide, String> {
    if text == "auto" {
        return Ok(SideBySide::Fitting);
    }
    match text.parse() {
        Ok(count @ 1..=256) => Ok(SideBySide::AtMost(count)),
        _ => Err("it is `auto`, or a number from 1 to 256".to_owned()),
    }
}
