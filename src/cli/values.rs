//! Values of options that several commands have.

use chargeproof::plan::Fault;
use chargeproof::suite::SideBySide;
use chargeproof::verdict::Rule;
use chargeproof::yaml::nearest;
use std::time::Duration;

use chargeproof::sender::{Bug, Variant};

pub(super) fn bugs() -> impl Iterator<Item = &'static str> {
    Bug::ALL.iter().map(|bug| bug.name())
}

pub(super) fn variants() -> impl Iterator<Item = &'static str> {
    Variant::ALL.iter().map(|variant| variant.name())
}

/// The longest time that can be asked for, in scenarios too.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A time as it is written in scenarios.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| {
        "a time is a whole number and `ms`, `s`, `m` or `h`, as in `500ms`".to_owned()
    })?;
    let unit = match unit {
        "" => return Err(format!("it has no unit: did you mean `{number}ms`?")),
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("the unit of a time is `ms`, `s`, `m` or `h`".to_owned()),
    };
    let time = Duration::from_millis(number.saturating_mul(unit));
    if time > LONGEST { Err("it is a week at the most, `168h`".to_owned()) } else { Ok(time) }
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

pub(super) fn fault(name: &str) -> Result<Fault, String> {
    let long = format!("answer/{name}");
    let found = Fault::ALL.iter().find(|fault| fault.name() == name || fault.name() == long);
    found.copied().ok_or_else(|| {
        let near = nearest(name, Fault::ALL.iter().map(|fault| fault.name()));
        near.map_or("`chargeproof faults` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        })
    })
}

pub(super) fn rule(name: &str) -> Result<Rule, String> {
    Rule::named(name).ok_or_else(|| {
        let near = nearest(name, Rule::ALL.iter().map(|rule| rule.name()));
        near.map_or("`chargeproof explain` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        })
    })
}

pub(super) fn part(text: &str) -> Result<(u32, u32), String> {
    let numbers = text
        .split_once('/')
        .and_then(|(number, of)| Some((number.parse::<u32>().ok()?, of.parse::<u32>().ok()?)));
    match numbers {
        Some((number, of)) if (1..=of).contains(&number) && of <= 1000 => Ok((number, of)),
        _ => Err("a part is written as `2/3`: which, from 1, and how many there are".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{part, time};

    #[rstest]
    #[case("500ms", Ok(500))]
    #[case("5s", Ok(5_000))]
    #[case("2h", Ok(7_200_000))]
    #[case("5000", Err("did you mean `5000ms`?"))]
    #[case("0", Err("did you mean `0ms`?"))]
    #[case("5 s", Err("the unit of a time"))]
    #[case("soon", Err("as in `500ms`"))]
    fn a_time_has_a_unit(#[case] text: &str, #[case] wanted: Result<u128, &str>) {
        match (time(text), wanted) {
            (Ok(time), Ok(millis)) => assert_eq!(time.as_millis(), millis),
            (Err(said), Err(hint)) => assert!(said.contains(hint), "{said}"),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("1/1", Some((1, 1)))]
    #[case("3/3", Some((3, 3)))]
    #[case("0/3", None)]
    #[case("4/3", None)]
    #[case("1", None)]
    #[case("a/b", None)]
    fn a_part_is_one_of_several(#[case] text: &str, #[case] wanted: Option<(u32, u32)>) {
        assert_eq!(part(text).ok(), wanted);
    }
}
