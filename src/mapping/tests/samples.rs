//! The interface's sample segments and its sample message, byte for byte.

use jiff::civil::{Time, date, time};
use rstest::rstest;
use serde_json::json;

use crate::mapping::tests::{
    DIAGNOSES, FUNDUS, INTERPRETER, ORDERING, exam, john_doe, lines, noon, segments,
    shipped_mapping, stamp,
};

#[rstest]
#[case::patient("PID||ITCC20170410^^^^MRN|ITCC20170410||DOE^JOHN||19581012|M||||||||||1234")]
#[case::visit(
    "PV1|1|O|POC01||||GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI|||||||||\
     GR0001^DOE^JANE^^^MD^MD^^^^^^NPI||1234|||||||||||||||||||||||||20170410145803|20170410145803"
)]
#[case::charge(
    "FT1|1||273013|20170410145901|20170410151351|CG|92250^Fundus photography with interpretation \
     and report^CPT||ITCC20170410|1|||POC01||IRIS|POC01|||E11.41^Type 2 diabetes mellitus with \
     diabetic mononeuropathy^ICD-10-CM~E11.3592^Type 2 diabetes mellitus with proliferative \
     diabetic retinopathy without macular edema, left eye^ICD-10-CM~H35.81^Retinal edema^ICD-10-CM\
     |GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI||2017041006^EPIC||92250^\
     Fundus photography with interpretation and report^CPT"
)]
#[case::event("EVN|P03|20170410151351")]
#[case::header("MSH|^~\\&|IRIS|IRIS|EMR|CLINIC|20170410151351||DFT^P03|170410151351|P|2.4")]
fn option_1_is_the_sample(#[case] expected: &str) {
    let found = segments(&shipped_mapping("iris/option-1"), &john_doe(), &expected[..3]);
    assert_eq!(found, [expected]);
}

/// The samples were sent at different times; their second FT1 segments abbreviate what the first
/// spells out.
#[rstest]
#[case::cpt_2("iris/option-1-cpt2", time(17, 36, 27, 0), format!(
    "FT1|2||273013|20170410145803|20170410173627|CG|3072F^No evidence of retinopathy in the prior \
     year||ITCC20170410|1|||POC01||IRIS|POC01|||{DIAGNOSES}|{INTERPRETER}|{ORDERING}||\
     2017041006^EPIC||3072F^No evidence of retinopathy in the prior year"
))]
#[case::professional("iris/option-2", time(15, 16, 30, 0), format!(
    "FT1|1||273013|20170410145901|20170410151630|CG|{FUNDUS}||ITCC20170410|1|||POC01||IRIS|POC01\
     |||{DIAGNOSES}|{INTERPRETER}|{ORDERING}||2017041006||{FUNDUS}|26"
))]
#[case::technical("iris/option-2", time(15, 16, 30, 0), format!(
    "FT1|2||273013|20170410145803|20170410151630|CG|92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO||\
     ITCC20170410|1|||POC01||IRIS|POC01|||{DIAGNOSES}|{INTERPRETER}|{ORDERING}||2017041006||\
     92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO|TC"
))]
fn a_line_of_two_is_the_sample(#[case] mapping: &str, #[case] now: Time, #[case] expected: String) {
    let stamp = stamp(date(2017, 4, 10).to_datetime(now));
    let mut found = lines(&shipped_mapping(mapping), &john_doe(), &stamp);
    found.retain(|line| line.starts_with(&expected[..5]));
    assert_eq!(found, [expected]);
}

#[test]
fn option_2_sends_the_order_number_alone() {
    let charges = segments(&shipped_mapping("iris/option-2"), &john_doe(), "FT1");
    assert_eq!(charges.len(), 2);
    assert!(charges.iter().all(|charge| crate::mapping::tests::field(charge, 23) == "2017041006"));
}

#[test]
fn mercy_cerner_is_the_sample_message() {
    let jane_doe = exam(json!({
        "order": { "number": "815339", "emr_number": "604087471", "application": "Cerner" },
        "site": "CORE",
        "patient": {
            "mrn": "123456", "family": "DOE", "given": "JANE", "born": "1962-08-03", "sex": "F",
            "account": "201026045"
        },
        "ordering_provider": {
            "id": "11223344", "family": "Doe", "given": "Janie", "prefix": "MD", "degree": "MD",
            "id_type": "NPI"
        },
        "interpreter": {
            "id": "9988776655", "family": "Roe", "given": "John", "id_type": "NPI"
        },
        "images": [{ "eye": "left", "captured": "2020-01-30T12:43:09" }],
        "grading": { "signed": "2020-01-30T04:52:44", "left": "none" }
    }));
    let expected = "MSH|^~\\&|IRIS|IRIS|Cerner|Cerner|20200130165606||DFT^P03|200130165606|T|2.4\r\
        EVN|P03|20200130165606\r\
        PID||123456|123456^^^^MRN||DOE^JANE||19620803|F||||||||||201026045\r\
        PV1|1|O|CORE||||9988776655^Roe^John^^^^^^^^^^NPI|11223344^Doe^Janie^^^MD^MD^^^^^^NPI|||||||\
        ||9988776655^Roe^John^^^^^^^^^^NPI||201026045|||||||||||||||||||||||||20200130124309|\
        20200130165606\r\
        FT1|1||815339|20200130045244|20200130165606|CG|92250^Fundus photography with interpretation \
        and report^CPT||123456|1|||CORE||IRIS|CORE||||9988776655^Roe^John^^^^^^^^^^NPI|11223344^Doe\
        ^Janie^^^MD^MD^^^^^^NPI||604087471^Cerner||92250^Fundus photography with interpretation and \
        report^CPT|26\r";
    let sent = stamp(date(2020, 1, 30).at(16, 56, 6, 0));
    let message = shipped_mapping("mercy-cerner").message(&jane_doe, &sent);
    assert_eq!(String::from_utf8(message).unwrap(), expected);
}

#[test]
fn a_message_has_its_segments_in_order() {
    let ids = |name: &str| -> Vec<String> {
        let lines = lines(&shipped_mapping(name), &john_doe(), &noon());
        lines.iter().map(|line| line[..3].to_owned()).collect()
    };
    assert_eq!(ids("iris/option-1"), ["MSH", "EVN", "PID", "PV1", "FT1"]);
    assert_eq!(ids("iris/option-2"), ["MSH", "EVN", "PID", "PV1", "FT1", "FT1"]);
    assert_eq!(ids("iris/result"), ["MSH", "PID", "PV1", "OBR", "OBX", "OBX"]);
}

#[test]
fn a_result_says_what_was_found_in_each_eye() {
    let mut exam = john_doe();
    exam.grading.right = Some(crate::exam::Retinopathy::Mild);
    let mapping = shipped_mapping("iris/result");
    assert_eq!(
        segments(&mapping, &exam, "OB"),
        [
            format!(
                "OBR|1|2017041006^EPIC|273013^IRIS|{FUNDUS}|||20170410145803|||||||||{ORDERING}||\
                 ||||20170410145901|||F|||||||GR0001&DOE&JANE"
            ),
            "OBX|1|ST|DR-left^Diabetic retinopathy, left eye^L||None|||N|||F|||20170410145803"
                .to_owned(),
            "OBX|2|ST|DR-right^Diabetic retinopathy, right eye^L||Mild|||A|||F|||20170410145803"
                .to_owned(),
        ]
    );
    assert_eq!(mapping.message, "ORU^R01");
    assert_eq!(mapping.identity.order, "OBR-3.1");
}
