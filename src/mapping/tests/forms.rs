//! A message that was made from a form is the one that is composed anew.

use jiff::civil::{DateTime, date};
use quickcheck::quickcheck;
use rstest::rstest;

use crate::exam::Exam;
use crate::mapping::expression::compose::Composer;
use crate::mapping::tests::{john_doe, noon, shipped_mapping, stamp, written};
use crate::mapping::{Mapping, Stamp, shipped_names};

fn composed(mapping: &Mapping, exam: &Exam, stamp: &Stamp) -> Vec<u8> {
    Composer::new(mapping).message(exam, Some(stamp))
}

#[test]
fn every_shipped_mapping_makes_the_same_from_a_form() {
    let exams = ["DOE", "M\u{fc}ller", "a\u{1}b\u{2}c\u{3}|^~\u{4}\\"].map(|family| {
        let mut exam = john_doe();
        exam.patient.family = family.to_owned();
        exam
    });
    let later = stamp(date(2019, 12, 31).at(23, 59, 7, 0));
    for mapping in shipped_names().iter().map(|name| shipped_mapping(name)) {
        for exam in &exams {
            // The first is made together with its form, the others from it.
            for stamp in [noon(), later.clone(), noon()] {
                let expected = composed(&mapping, exam, &stamp);
                assert_eq!(mapping.message(exam, &stamp), expected, "{}", mapping.name);
            }
        }
    }
}

const EVERY_HOLE: &str = "mapping: holes\nextends: iris/option-2\nfields:\n  \
    FT1-2: \"{control_id}^{now.minute}\"\n  FT1-5: \"{now.day}~{signed}\"\n  \
    PV1-19: { each: diagnosis, is: \"{diagnosis.code}^{control_id}\" }\n";

#[rstest]
#[case::usual("170410151351")]
#[case::empty("")]
#[case::special("a^b~c|d\\&\u{fc}")]
fn a_control_id_stands_wherever_it_was_named(#[case] control_id: &str) {
    let mapping = written(EVERY_HOLE);
    let stamp = Stamp { control_id: control_id.to_owned(), ..noon() };
    for _ in 0..2 {
        let expected = composed(&mapping, &john_doe(), &stamp);
        assert_eq!(mapping.message(&john_doe(), &stamp), expected);
    }
}

#[test]
fn a_copy_in_another_charset_knows_no_form_of_the_first() {
    let mapping = written("mapping: latin\nextends: iris/option-1\ncharset: 8859/1\n");
    let mut exam = john_doe();
    exam.patient.family = "M\u{fc}ller".to_owned();
    let latin = mapping.message(&exam, &noon());
    let mut other = mapping.clone();
    "UNICODE UTF-8".clone_into(&mut other.charset);
    assert!(latin.contains(&0xFC));
    assert!(String::from_utf8(other.message(&exam, &noon())).unwrap().contains("M\u{fc}ller"));
}

#[test]
fn more_exams_than_are_remembered_are_composed_all_the_same() {
    let mapping = shipped_mapping("iris/option-2");
    for number in 0..40 {
        let mut exam = john_doe();
        exam.order.number = number.to_string();
        assert_eq!(mapping.message(&exam, &noon()), composed(&mapping, &exam, &noon()));
    }
}

quickcheck! {
    fn any_stamp_fills_a_form_as_it_is_composed(id: String, second: u32) -> bool {
        let mapping = written(EVERY_HOLE);
        let now: DateTime = date(2017, 4, 10).at(0, 0, 0, 0);
        let now = now.saturating_add(jiff::SignedDuration::from_secs(second.into()));
        let stamp = Stamp { now, control_id: id };
        let _ = mapping.message(&john_doe(), &noon());
        mapping.message(&john_doe(), &stamp) == composed(&mapping, &john_doe(), &stamp)
    }
}
