//! What the facts of an exam say when they are read together: how much of it could be graded,
//! whether the result is normal, how old the patient was.
//!
//! Nothing here knows what a charge or a modifier is; that is the mapping's business.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};

use super::{Diagnosis, Exam, Eye, Grading, Image, Retinopathy, Sex};

/// How many of an exam's images could be graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradable {
    /// Every image.
    All,
    /// Some, but not all. The interface page says "one of the images" and leaves two of four
    /// open; some but not all is the reading that covers both.
    Some,
    /// None, which includes an exam without images.
    None,
}

impl Exam {
    /// When the first image was captured, UTC; nothing for an exam without images.
    #[must_use]
    pub fn captured(&self) -> Option<DateTime> {
        self.images.iter().map(|image| image.captured).min()
    }

    /// How many of the images could be graded.
    #[must_use]
    pub fn gradable(&self) -> Gradable {
        let readable = self.images.iter().filter(|image| image.gradable).count();
        match readable {
            0 => Gradable::None,
            all if all == self.images.len() => Gradable::All,
            _ => Gradable::Some,
        }
    }

    /// Whether the result was signed on a date after the patient's birthday of that many years.
    ///
    /// Who was born on the 29th of February has had that birthday by the 1st of March.
    #[must_use]
    pub fn is_over(&self, years: i16) -> bool {
        let parts = |date: Date| (date.year(), date.month(), date.day());
        let (year, month, day) = parts(self.patient.born);
        parts(self.grading.signed.date()) > (year.saturating_add(years), month, day)
    }
}

impl Grading {
    /// Diabetic retinopathy of each eye that was graded, the left one first.
    pub fn findings(&self) -> impl Iterator<Item = (Eye, Retinopathy)> {
        let found = |eye: Eye, grade: Option<Retinopathy>| grade.map(|grade| (eye, grade));
        [found(Eye::Left, self.left), found(Eye::Right, self.right)].into_iter().flatten()
    }

    /// Whether the result is normal: retinopathy `None` in every eye that was graded, and at
    /// least one was.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        self.findings().next().is_some()
            && self.findings().all(|(_, grade)| grade == Retinopathy::None)
    }
}

impl Diagnosis {
    /// The code with its dot, which follows the third character of ICD-10-CM: `E11.3592`.
    #[must_use]
    pub fn dotted(&self) -> Cow<'_, str> {
        match self.code.char_indices().nth(3) {
            Some((place, _)) if !self.code.contains('.') => {
                let (category, rest) = self.code.split_at(place);
                Cow::Owned(format!("{category}.{rest}"))
            }
            _ => Cow::Borrowed(&self.code),
        }
    }
}

impl Sex {
    /// The code of HL7 table 0001.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::F => "F",
            Self::M => "M",
            Self::O => "O",
            Self::U => "U",
        }
    }
}

impl Eye {
    /// `left` or `right`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

impl Retinopathy {
    /// The grade as a result spells it, such as `Mild`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Mild => "Mild",
            Self::Moderate => "Moderate",
            Self::Severe => "Severe",
            Self::Proliferative => "Proliferative",
            Self::Indeterminable => "Indeterminable",
        }
    }
}

impl Image {
    /// Whether it could be read, as a word: `gradable` or `ungradable`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        if self.gradable { "gradable" } else { "ungradable" }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;

    use super::{Diagnosis, Exam, Gradable, Grading, Retinopathy};

    fn exam() -> Exam {
        serde_json::from_value(serde_json::json!({
            "order": { "number": "1", "emr_number": "2" },
            "site": "POC01",
            "patient": {
                "mrn": "M", "family": "DOE", "given": "JOHN", "born": "1999-04-10", "sex": "M"
            },
            "ordering_provider": {}, "interpreter": {}, "images": [],
            "grading": { "signed": "2017-04-10T14:59:01" }
        }))
        .unwrap()
    }

    #[rstest]
    #[case::the_day_before((2017, 4, 9), false)]
    #[case::the_birthday((2017, 4, 10), false)]
    #[case::the_day_after((2017, 4, 11), true)]
    #[case::the_next_month((2017, 5, 1), true)]
    #[case::the_month_before((2017, 3, 31), false)]
    #[case::a_year_later((2018, 1, 1), true)]
    fn over_18_begins_after_the_18th_birthday(#[case] day: (i16, i8, i8), #[case] over: bool) {
        let mut exam = exam();
        exam.grading.signed = date(day.0, day.1, day.2).at(23, 59, 59, 0);
        assert_eq!(exam.is_over(18), over);
    }

    #[rstest]
    #[case::in_february((2018, 2, 28), false)]
    #[case::in_march((2018, 3, 1), true)]
    fn a_leap_day_birthday_is_over_on_the_first_of_march(
        #[case] day: (i16, i8, i8),
        #[case] over: bool,
    ) {
        let mut exam = exam();
        exam.patient.born = date(2000, 2, 29);
        exam.grading.signed = date(day.0, day.1, day.2).at(0, 0, 0, 0);
        assert_eq!(exam.is_over(18), over);
    }

    #[rstest]
    #[case(&[], Gradable::None)]
    #[case(&[true, true], Gradable::All)]
    #[case(&[true, false], Gradable::Some)]
    #[case(&[true, true, false, false], Gradable::Some)]
    #[case(&[false, false], Gradable::None)]
    fn images_are_all_some_or_none_gradable(#[case] images: &[bool], #[case] expected: Gradable) {
        let mut exam = exam();
        exam.images = images
            .iter()
            .map(|gradable| {
                serde_json::from_value(serde_json::json!({
                    "eye": "left", "captured": "2017-04-10T14:58:03", "gradable": gradable
                }))
                .unwrap()
            })
            .collect();
        assert_eq!(exam.gradable(), expected);
    }

    #[rstest]
    #[case::nothing_graded(None, None, false)]
    #[case::one_eye_none(Some(Retinopathy::None), None, true)]
    #[case::both_none(Some(Retinopathy::None), Some(Retinopathy::None), true)]
    #[case::one_mild(Some(Retinopathy::None), Some(Retinopathy::Mild), false)]
    #[case::not_determinable(Some(Retinopathy::Indeterminable), Some(Retinopathy::None), false)]
    fn a_result_is_normal_when_every_graded_eye_is(
        #[case] left: Option<Retinopathy>,
        #[case] right: Option<Retinopathy>,
        #[case] normal: bool,
    ) {
        let signed = date(2017, 4, 10).at(0, 0, 0, 0);
        let grading = Grading { signed, left, right, diagnoses: Vec::new() };
        assert_eq!(grading.is_normal(), normal);
    }

    #[rstest]
    #[case("E113592", "E11.3592")]
    #[case("E11.3592", "E11.3592")]
    #[case("H3581", "H35.81")]
    #[case("I10", "I10")]
    #[case("", "")]
    fn the_dot_follows_the_third_character(#[case] code: &str, #[case] expected: &str) {
        let diagnosis = Diagnosis { code: code.to_owned(), text: String::new() };
        assert_eq!(diagnosis.dotted(), expected);
    }
}
