//! Parents and children, and what the shipped mappings say to those who judge.

use rstest::rstest;

use crate::exam::Exam;
use crate::yaml::Source;

use crate::mapping::tests::{field, john_doe, noon, segments, shipped_mapping, written};
use crate::mapping::{Mapping, OnceRule, Volatile, read, schema, shipped, shipped_names};

#[test]
fn every_shipped_mapping_can_be_read_and_travels_as_json() {
    assert!(shipped_names().len() >= 12);
    for name in shipped_names() {
        let mapping = shipped_mapping(&name);
        assert_eq!(mapping.name, name);
        let json = serde_json::to_string(&mapping).unwrap();
        let copy: Mapping = serde_json::from_str(&json).unwrap();
        assert_eq!(copy, mapping);
        assert_eq!(copy.message(&john_doe(), &noon()), mapping.message(&john_doe(), &noon()));
    }
}

#[test]
fn every_shipped_mapping_fits_the_published_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for name in shipped_names() {
        let file: serde_json::Value = serde_yaml::from_str(&shipped(&name).unwrap().text).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(&file).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
    }
    let wrong = serde_json::json!({ "mapping": "m", "fields": { "PID-x": "a" } });
    assert!(!validator.is_valid(&wrong));
}

#[rstest]
#[case("lakeside-v2.3", "DFT^P03", "2.3")]
#[case("iris/option-2", "DFT^P03", "2.4")]
#[case("harbor-v2.5.1", "DFT^P03^DFT_P03", "2.5.1")]
fn a_child_may_want_another_version(
    #[case] name: &str,
    #[case] message: &str,
    #[case] version: &str,
) {
    let mapping = shipped_mapping(name);
    let header = &segments(&mapping, &john_doe(), "MSH")[0];
    // MSH-1 is the separator itself, so MSH-9 is the eighth after it.
    assert_eq!(field(header, 8), message);
    assert_eq!(field(header, 11), version);
    assert_eq!((mapping.message.as_str(), mapping.version.as_str()), (message, version));
}

#[test]
fn an_empty_template_removes_a_field() {
    let patient = &segments(&shipped_mapping("harbor-v2.5.1"), &john_doe(), "PID")[0];
    assert_eq!(field(patient, 2), "");
    assert_eq!(field(patient, 3), "ITCC20170410^^^IRIS^MR");
}

#[test]
fn a_child_says_only_what_differs() {
    let parent = shipped_mapping("iris/option-1");
    let child = written(
        "mapping: m\nextends: iris/option-1\nfields:\n  FT1-22: '{order.number}'\ncharges:\n  \
         professional: { code: '99999^Other' }\n",
    );
    let before = &segments(&parent, &john_doe(), "FT1")[0];
    let after = &segments(&child, &john_doe(), "FT1")[0];
    for number in 0..=26 {
        let expected = match number {
            7 | 25 => "99999^Other",
            22 => "273013",
            _ => field(before, number),
        };
        assert_eq!(field(after, number), expected, "FT1-{number}");
    }
}

#[test]
fn a_line_has_the_last_word_about_its_own_fields() {
    let mapping = written(
        "mapping: m\nextends: iris/option-2\ncharges:\n  technical:\n    fields: { FT1-20: '', \
         FT1-22: 'T', FT1-26: 'TC~XX' }\n",
    );
    let charges = segments(&mapping, &john_doe(), "FT1");
    let fields = |charge: &str| [20, 22, 26].map(|number| field(charge, number).to_owned());
    assert_eq!(fields(&charges[0]), [crate::mapping::tests::INTERPRETER, "", "26"]);
    assert_eq!(fields(&charges[1]), ["", "T", "TC~XX"]);
}

#[test]
fn a_child_that_lists_other_segments_drops_the_fields_of_those_it_leaves_out() {
    let mapping = written(
        "mapping: m\nextends: iris/option-1\nsegments: [MSH, PID, FT1 for each charge, DG1 for \
         each diagnosis]\nfields:\n  DG1-1: '{diagnosis.number}'\n  DG1-3: \
         '{diagnosis.code.as_received}'\n",
    );
    let ids: Vec<String> = crate::mapping::tests::lines(&mapping, &john_doe(), &noon())
        .iter()
        .map(|line| line.split('|').next().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["MSH", "PID", "FT1", "DG1", "DG1", "DG1"]);
    assert_eq!(segments(&mapping, &john_doe(), "DG1")[1], "DG1|2||E113592");
}

#[test]
fn a_group_is_repeated_as_a_whole() {
    let ids = |mapping: &Mapping| -> String {
        let lines = crate::mapping::tests::lines(mapping, &john_doe(), &noon());
        lines.iter().map(|line| format!("{} ", &line[..3])).collect()
    };
    let grove = shipped_mapping("grove-procedures");
    assert_eq!(ids(&grove), "MSH EVN PID PV1 FT1 PR1 FT1 PR1 ");
    assert_eq!(
        segments(&grove, &john_doe(), "PR1")[1],
        "PR1|2||92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO||20170410145803"
    );
    let nested = written(
        "mapping: m\nextends: iris/option-2\nsegments:\n  - MSH\n  - '{FT1 {PR1} {DG1 NTE} for each diagnosis} \
         for each charge'\nfields:\n  PR1-3: '{charge.code}'\n  DG1-3: '{diagnosis.code}'\n  NTE-3: \
         '{charge.number}/{diagnosis.number}'\n",
    );
    let of_charge = "FT1 PR1 DG1 NTE DG1 NTE DG1 NTE ";
    assert_eq!(ids(&nested), format!("MSH {of_charge}{of_charge}"));
    assert_eq!(segments(&nested, &john_doe(), "NTE")[4], "NTE|||2/2");
}

#[rstest]
#[case("iris/option-1", &[
    ("EVN-2", Volatile::Time), ("FT1-5", Volatile::Time), ("MSH-7", Volatile::Time),
    ("MSH-10", Volatile::ControlId),
])]
#[case("mercy-cerner", &[
    ("EVN-2", Volatile::Time), ("FT1-5", Volatile::Time), ("MSH-7", Volatile::Time),
    ("MSH-10", Volatile::ControlId), ("PV1-45", Volatile::Time),
])]
#[case("iris/result", &[("MSH-7", Volatile::Time), ("MSH-10", Volatile::ControlId)])]
fn fields_that_vary_are_known(#[case] name: &str, #[case] expected: &[(&str, Volatile)]) {
    let found = shipped_mapping(name).volatile();
    let found: Vec<(&str, Volatile)> =
        found.iter().map(|(path, volatile)| (path.as_str(), *volatile)).collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case::alone("'{now}'", &["FT1-22"])]
#[case::with_a_prefix("'IRIS-{control_id}'", &["FT1-22"])]
#[case::one_component("'{order.number}^{now.day}'", &["FT1-22.2"])]
#[case::two_components("'{control_id}^X^{now}'", &["FT1-22.1", "FT1-22.3"])]
#[case::after_a_fact_with_components("'{patient.name}^{now}'", &["FT1-22"])]
#[case::in_a_repetition("'A^B~{now}'", &["FT1-22"])]
#[case::in_one_of_two_templates("{ when: normal, is: '{site}^{now}', otherwise: X }", &["FT1-22"])]
#[case::not_at_all("'{signed}^{captured}'", &[])]
fn the_part_that_varies_is_known(#[case] value: &str, #[case] expected: &[&str]) {
    let mapping =
        written(&format!("mapping: m\nextends: iris/option-1\nfields:\n  FT1-22: {value}\n"));
    let mut found: Vec<String> = mapping.volatile().into_iter().map(|(path, _)| path).collect();
    found.retain(|path| path.starts_with("FT1-22"));
    assert_eq!(found, expected);
}

#[rstest]
#[case("mercy-cerner", "FT1-3", OnceRule::PerOrder)]
#[case("meadow-order-in-23", "FT1-23.1", OnceRule::PerOrder)]
#[case("orchard-per-charge", "FT1-3", OnceRule::PerCharge)]
#[case("willow-credits", "FT1-3", OnceRule::PerCharge)]
fn the_identity_is_inherited_part_by_part(
    #[case] name: &str,
    #[case] order: &str,
    #[case] rule: OnceRule,
) {
    let identity = shipped_mapping(name).identity;
    assert_eq!((identity.order.as_str(), identity.rule), (order, rule));
    assert!(identity.distinct.ends_with(&["FT1-6", "FT1-7.1", "FT1-26"].map(str::to_owned)));
}

#[test]
fn twin_lines_differ_in_their_transaction_id_alone() {
    let charges = segments(&shipped_mapping("orchard-per-charge"), &john_doe(), "FT1");
    let differing: Vec<usize> = (1..=26)
        .filter(|number| field(&charges[0], *number) != field(&charges[1], *number))
        .collect();
    assert_eq!(differing, [1, 2]);
    assert_eq!([field(&charges[0], 2), field(&charges[1], 2)], ["273013-1", "273013-2"]);
}

#[test]
fn a_credit_names_the_order_that_was_charged_and_says_cd() {
    let mapping = shipped_mapping("willow-credits");
    let of = |exam: &Exam| {
        let charges = segments(&mapping, exam, "FT1");
        [3, 6].map(|at| charges.iter().map(|line| field(line, at).to_owned()).collect::<Vec<_>>())
    };
    let mut exam = john_doe();
    assert_eq!(of(&exam), [["273013", "273013"], ["CG", "CG"]]);
    exam.order.number = "273013-1".to_owned();
    exam.order.credits = Some("273013".to_owned());
    assert_eq!(of(&exam), [["273013", "273013"], ["CD", "CD"]]);
}

#[test]
fn a_family_can_have_several_generations() {
    let find = |name: &str| match name {
        "middle" => Some(Source::new(
            "middle.yaml",
            "mapping: middle\nextends: mercy-cerner\nfields: { MSH-6: NORTH }\n",
        )),
        other => shipped(other),
    };
    let source = Source::new("young.yaml", "mapping: young\nextends: middle\nversion: '2.5'\n");
    let mapping = read(&source, &find).unwrap();
    let header = &segments(&mapping, &john_doe(), "MSH")[0];
    assert_eq!([4, 5, 11].map(|number| field(header, number)), ["Cerner", "NORTH", "2.5"]);
    assert_eq!(mapping.name, "young");
}
