//! Characters: what is structure, what is escaped, and how it is encoded.

use rstest::rstest;

use crate::mapping::tests::{DIAGNOSES, field, john_doe, noon, segments, shipped_mapping, written};

#[rstest]
#[case("O'HARA", "O'HARA")]
#[case("A&B", "A\\T\\B")]
#[case("A^B", "A\\S\\B")]
#[case("A~B", "A\\R\\B")]
#[case("A|B", "A\\F\\B")]
#[case("A\\B", "A\\E\\B")]
#[case("&^~|\\", "\\T\\\\S\\\\R\\\\F\\\\E\\")]
#[case("{now}", "{now}")]
fn a_name_is_escaped_where_hl7_needs_it(#[case] family: &str, #[case] expected: &str) {
    let mut exam = john_doe();
    exam.patient.family = family.to_owned();
    let patient = segments(&shipped_mapping("iris/option-1"), &exam, "PID");
    assert_eq!(field(&patient[0], 5), format!("{expected}^JOHN"));
}

#[rstest]
#[case("a^b~c&d", "a^b~c&d")]
#[case("a|b", "a\\F\\b")]
#[case("a\\b", "a\\E\\b")]
#[case("{{a}}", "{a}")]
#[case("a^^", "a")]
#[case("~a", "~a")]
#[case("{order.number}-{order.number}", "273013-273013")]
#[case("{interpreter}^X", "GR0001^DOE^JANE^^^MD^MD^^^^^^NPI^X")]
#[case("{patient.name}~{patient.given}^{patient.family}", "DOE^JOHN~JOHN^DOE")]
#[case("{signed.day}/{signed.minute}/{captured.day}", "20170410/201704101459/20170410")]
#[case("{diagnoses}", DIAGNOSES)]
#[case("{result.left}{result.right}", "NoneNone")]
#[case("{procedure}", "")]
fn a_template_keeps_its_structure(#[case] template: &str, #[case] expected: &str) {
    let mapping =
        written(&format!("mapping: m\nextends: iris/option-1\nfields:\n  PID-4: '{template}'\n"));
    assert_eq!(field(&segments(&mapping, &john_doe(), "PID")[0], 4), expected);
}

#[rstest]
#[case::latin_1("river-latin-1", "8859/1", b"MU\xd1OZ")]
#[case::utf_8("summit-utf-8", "UNICODE UTF-8", "MUÑOZ".as_bytes())]
#[case::ascii("valley-ascii", "ASCII", b"MU?OZ")]
fn the_character_set_is_said_and_kept_to(
    #[case] mapping: &str,
    #[case] said: &str,
    #[case] expected: &[u8],
) {
    let mut exam = john_doe();
    exam.patient.family = "MUÑOZ".to_owned();
    let message = shipped_mapping(mapping).message(&exam, &noon());
    let mut segments = message.split(|byte| *byte == b'\r');
    let header = segments.next().unwrap();
    assert!(header.ends_with(format!("|P|2.4||||||{said}").as_bytes()));
    let patient = segments.nth(1).unwrap();
    let name = patient.split(|byte| *byte == b'|').nth(5).unwrap();
    assert_eq!(name, [expected, b"^JOHN"].concat());
}

#[test]
fn an_unsaid_character_set_is_not_sent() {
    let header = &segments(&shipped_mapping("iris/option-1"), &john_doe(), "MSH")[0];
    assert!(header.ends_with("|P|2.4"));
}

#[test]
fn a_fact_that_is_not_known_leaves_no_structure_behind() {
    let mut exam = john_doe();
    exam.order.application = String::new();
    exam.interpreter = crate::exam::Provider::default();
    exam.grading.diagnoses = Vec::new();
    let charge = &segments(&shipped_mapping("iris/option-1"), &exam, "FT1")[0];
    assert_eq!(field(charge, 23), "2017041006");
    assert_eq!(field(charge, 20), "");
    assert_eq!(field(charge, 19), "");
}

#[rstest]
#[case("{ when: order.application is EPIC, is: A, otherwise: B }", "A")]
#[case("{ when: order.application is not EPIC, is: A, otherwise: B }", "B")]
#[case("{ when: procedure, is: A }", "")]
#[case("{ when: not procedure and all-gradable, is: A }", "A")]
#[case("{ each: image, is: '{image.number}^{image.eye}' }", "1^left~2^right")]
#[case("{ each: finding, is: '{finding.eye}^{finding.retinopathy}' }", "left^None~right^None")]
#[case("{ each: image, when: image.eye is right, is: '{image.captured}' }", "20170410145840")]
#[case(
    "{ each: diagnosis, when: diagnosis.number is not 2, is: '{diagnosis.code}' }",
    "E11.41~H35.81"
)]
fn a_field_can_choose_and_repeat(#[case] value: &str, #[case] expected: &str) {
    let mapping =
        written(&format!("mapping: m\nextends: iris/option-1\nfields:\n  PID-4: {value}\n"));
    assert_eq!(field(&segments(&mapping, &john_doe(), "PID")[0], 4), expected);
}
