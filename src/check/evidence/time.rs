//! A point in time as messages have it.

use jiff::civil::DateTime;

/// A time to the second, as `yyyyMMddHHmmss` writes it.
pub(crate) fn to_the_second(text: &[u8]) -> Option<DateTime> {
    if text.len() != 14 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().fold(0_i16, |number, digit| number * 10 + i16::from(digit - b'0'))
    };
    let small = |from: usize| i8::try_from(number(from, from + 2)).ok();
    let (month, day) = (small(4)?, small(6)?);
    let (hour, minute, second) = (small(8)?, small(10)?, small(12)?);
    DateTime::new(number(0, 4), month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::to_the_second;

    #[rstest]
    #[case::a_time(b"20170410151351", Some("2017-04-10T15:13:51"))]
    #[case::to_the_minute(b"201704101513", None)]
    #[case::with_a_fraction(b"20170410151351.1", None)]
    #[case::no_such_day(b"20170230151351", None)]
    #[case::no_digits(b"2017-04-10T15:", None)]
    fn a_time_is_told_from_what_is_none(#[case] text: &[u8], #[case] expected: Option<&str>) {
        assert_eq!(to_the_second(text), expected.map(|time| time.parse().unwrap()));
    }
}
