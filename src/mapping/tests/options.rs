//! Which charge lines are sent, and with which modifiers.

use jiff::civil::date;
use rstest::rstest;

use crate::exam::Retinopathy;

use crate::mapping::tests::{field, john_doe, segments, shipped_mapping, with_images, written};

const GRADABLE: &[bool] = &[true, true];
const ONE_OF_TWO: &[bool] = &[true, false];
const TWO_OF_FOUR: &[bool] = &[true, true, false, false];
const UNGRADABLE: &[bool] = &[false, false];

#[rstest]
#[case("iris/option-1", GRADABLE, &[""])]
#[case("iris/option-1", ONE_OF_TWO, &[""])]
#[case("iris/option-1", UNGRADABLE, &[""])]
#[case("iris/option-1-no-charge", GRADABLE, &[""])]
#[case("iris/option-1-no-charge", TWO_OF_FOUR, &[""])]
#[case("iris/option-1-no-charge", UNGRADABLE, &["NC"])]
#[case("iris/option-1-cpt2", GRADABLE, &["", ""])]
#[case("iris/option-1-cpt2", UNGRADABLE, &["", ""])]
#[case("iris/option-2", GRADABLE, &["26", "TC"])]
#[case("iris/option-2", ONE_OF_TWO, &["26~52", "TC~52"])]
#[case("iris/option-2", TWO_OF_FOUR, &["26~52", "TC~52"])]
#[case("iris/option-2", UNGRADABLE, &["26~NC", "TC~NC"])]
#[case("iris/option-2-codes-tell", GRADABLE, &["", ""])]
#[case("iris/option-2-codes-tell", ONE_OF_TWO, &["52", "52"])]
#[case("iris/option-2-codes-tell", TWO_OF_FOUR, &["52", "52"])]
#[case("iris/option-2-codes-tell", UNGRADABLE, &["NC", "NC"])]
#[case("mercy-cerner", GRADABLE, &["26"])]
fn modifiers_follow_the_option_and_the_images(
    #[case] mapping: &str,
    #[case] images: &[bool],
    #[case] expected: &[&str],
) {
    let charges = segments(&shipped_mapping(mapping), &with_images(images), "FT1");
    let found: Vec<&str> = charges.iter().map(|charge| field(charge, 26)).collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case("iris/option-1-cpt2", "3072F")]
#[case("iris/option-2", "92000035")]
fn the_second_line_says_its_own_code_and_the_day_of_the_images(
    #[case] mapping: &str,
    #[case] code: &str,
) {
    let charges = segments(&shipped_mapping(mapping), &john_doe(), "FT1");
    assert_eq!(charges.iter().map(|charge| field(charge, 1)).collect::<Vec<_>>(), ["1", "2"]);
    assert!(charges.iter().all(|charge| field(charge, 3) == "273013"));
    assert_eq!(field(&charges[0], 4), "20170410145901");
    assert_eq!(field(&charges[1], 4), "20170410145803");
    assert!(field(&charges[1], 7).starts_with(code));
    assert_eq!(field(&charges[1], 7), field(&charges[1], 25));
}

/// The result is signed on 2017-04-10.
#[rstest]
#[case::birthday_tomorrow((1999, 4, 11), Retinopathy::None, &["professional"])]
#[case::birthday_today((1999, 4, 10), Retinopathy::None, &["professional"])]
#[case::birthday_yesterday((1999, 4, 9), Retinopathy::None, &["professional", "cpt2"])]
#[case::adult((1958, 10, 12), Retinopathy::None, &["professional", "cpt2"])]
#[case::adult_with_a_finding((1958, 10, 12), Retinopathy::Mild, &["professional"])]
#[case::not_determinable((1958, 10, 12), Retinopathy::Indeterminable, &["professional"])]
#[case::child((2010, 1, 1), Retinopathy::None, &["professional"])]
fn cpt_2_is_for_adults_with_a_normal_result(
    #[case] born: (i16, i8, i8),
    #[case] right: Retinopathy,
    #[case] expected: &[&str],
) {
    let mut exam = john_doe();
    exam.patient.born = date(born.0, born.1, born.2);
    exam.grading.right = Some(right);
    let mapping = shipped_mapping("iris/option-1-cpt2");
    assert_eq!(mapping.lines(&exam), expected);
    assert_eq!(segments(&mapping, &exam, "FT1").len(), expected.len());
}

#[test]
fn a_switch_takes_the_component_but_not_what_the_images_say() {
    let mapping = written(
        "mapping: m\nextends: mercy-cerner\ncodes_tell_apart: true\ncharge_ungradable: false\n",
    );
    let modifier = |images: &[bool]| {
        let charges = segments(&mapping, &with_images(images), "FT1");
        field(&charges[0], 26).to_owned()
    };
    assert_eq!(modifier(GRADABLE), "");
    assert_eq!(modifier(UNGRADABLE), "NC");
}

#[test]
fn the_option_decides_the_order_of_the_lines() {
    let mapping = written("mapping: m\nextends: iris/option-2\noption: technical + professional\n");
    assert_eq!(mapping.lines(&john_doe()), ["technical", "professional"]);
    let charges = segments(&mapping, &john_doe(), "FT1");
    assert!(charges[0].starts_with("FT1|1||") && field(&charges[0], 26) == "TC");
}
