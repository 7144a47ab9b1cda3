//! What a template can see while it is filled in.

use jiff::civil::DateTime;

use crate::exam::{Diagnosis, Exam, Eye, Image, Retinopathy};

use crate::mapping::Stamp;
use crate::mapping::expression::fact::Moment;
use crate::mapping::expression::line::Line;
use crate::mapping::place::Each;

/// One exam, the sender's stamp, and where in their repetitions we are. Numbers count from 1.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    pub(crate) exam: &'a Exam,
    /// None while a form is made, in which its place is left open.
    pub(crate) stamp: Option<&'a Stamp>,
    pub(crate) charge: Option<(usize, &'a Line)>,
    pub(crate) diagnosis: Option<(usize, &'a Diagnosis)>,
    pub(crate) finding: Option<(usize, (Eye, Retinopathy))>,
    pub(crate) image: Option<(usize, &'a Image)>,
}

impl<'a> Scope<'a> {
    /// The exam as a whole.
    pub(crate) const fn of(exam: &'a Exam, stamp: Option<&'a Stamp>) -> Self {
        Self { exam, stamp, charge: None, diagnosis: None, finding: None, image: None }
    }

    /// This scope once for each turn of a repetition; charges are the lines of `charges`.
    pub(crate) fn each(&self, each: Each, charges: &[&'a Line]) -> Vec<Self> {
        let grading = &self.exam.grading;
        match each {
            Each::Charge => {
                self.turns(charges.iter().copied(), |scope, turn| scope.charge = Some(turn))
            }
            Each::Diagnosis => {
                self.turns(&grading.diagnoses, |scope, turn| scope.diagnosis = Some(turn))
            }
            Each::Finding => {
                self.turns(grading.findings(), |scope, turn| scope.finding = Some(turn))
            }
            Each::Image => self.turns(&self.exam.images, |scope, turn| scope.image = Some(turn)),
        }
    }

    /// The time that `moment` names, UTC; nothing where there is none.
    pub(crate) fn moment(&self, moment: Moment) -> Option<DateTime> {
        match moment {
            Moment::Now => Some(self.stamp?.now),
            Moment::Signed => Some(self.exam.grading.signed),
            Moment::Captured => self.exam.captured(),
            Moment::ChargeDate => self.moment(self.charge?.1.date.moment()),
            Moment::ImageCaptured => Some(self.image?.1.captured),
        }
    }

    fn turns<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        place: impl Fn(&mut Self, (usize, T)),
    ) -> Vec<Self> {
        let turn = |(index, item)| {
            let mut scope = self.clone();
            place(&mut scope, (index + 1, item));
            scope
        };
        items.into_iter().enumerate().map(turn).collect()
    }
}
