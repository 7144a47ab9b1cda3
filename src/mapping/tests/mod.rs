//! What mappings must come to. The expected texts are those of the interface's description, with
//! its sample patient and sample messages.

mod diagnostics;
mod families;
mod forms;
mod options;
mod samples;
mod text;

use jiff::civil::{DateTime, date};
use serde_json::{Value, json};

use crate::exam::Exam;
use crate::yaml::Source;

use crate::mapping::{Mapping, Stamp, read, shipped};

/// The interpreter of the samples.
const INTERPRETER: &str = "GR0001^DOE^JANE^^^MD^MD^^^^^^NPI";
/// The ordering provider of the samples.
const ORDERING: &str = "OP0001^DOE^JACK^^^MD^MD^^^^^^NPI";
/// What Option 1 charges.
const FUNDUS: &str = "92250^Fundus photography with interpretation and report^CPT";
/// The diagnoses of the samples.
const DIAGNOSES: &str = "E11.41^Type 2 diabetes mellitus with diabetic mononeuropathy^ICD-10-CM\
    ~E11.3592^Type 2 diabetes mellitus with proliferative diabetic retinopathy without macular \
    edema, left eye^ICD-10-CM~H35.81^Retinal edema^ICD-10-CM";

/// The exam of the samples, as JSON, so that a test can change a fact.
fn john_doe_facts() -> Value {
    json!({
        "order": { "number": "273013", "emr_number": "2017041006", "application": "EPIC" },
        "site": "POC01",
        "patient": {
            "mrn": "ITCC20170410", "family": "DOE", "given": "JOHN", "born": "1958-10-12",
            "sex": "M", "account": "1234"
        },
        "ordering_provider": {
            "id": "OP0001", "family": "DOE", "given": "JACK", "prefix": "MD", "degree": "MD",
            "id_type": "NPI"
        },
        "interpreter": {
            "id": "GR0001", "family": "DOE", "given": "JANE", "prefix": "MD", "degree": "MD",
            "id_type": "NPI"
        },
        "images": [
            { "eye": "left", "captured": "2017-04-10T14:58:03" },
            { "eye": "right", "captured": "2017-04-10T14:58:40" }
        ],
        "grading": {
            "signed": "2017-04-10T14:59:01",
            "left": "none",
            "right": "none",
            "diagnoses": [
                {
                    "code": "E11.41",
                    "text": "Type 2 diabetes mellitus with diabetic mononeuropathy"
                },
                {
                    "code": "E113592",
                    "text": "Type 2 diabetes mellitus with proliferative diabetic retinopathy \
                        without macular edema, left eye"
                },
                { "code": "H35.81", "text": "Retinal edema" }
            ]
        }
    })
}

fn exam(facts: Value) -> Exam {
    serde_json::from_value(facts).unwrap()
}

fn john_doe() -> Exam {
    exam(john_doe_facts())
}

/// The sample exam with each of its images gradable or not.
fn with_images(gradable: &[bool]) -> Exam {
    let mut exam = john_doe();
    let image = exam.images[0].clone();
    exam.images = gradable
        .iter()
        .map(|gradable| crate::exam::Image { gradable: *gradable, ..image.clone() })
        .collect();
    exam
}

fn stamp(now: DateTime) -> Stamp {
    Stamp { now, control_id: now.strftime("%y%m%d%H%M%S").to_string() }
}

/// The time of the samples' first message.
fn noon() -> Stamp {
    stamp(date(2017, 4, 10).at(15, 13, 51, 0))
}

/// A mapping that says `text`, with the shipped ones as parents.
fn written(text: &str) -> Mapping {
    read(&Source::new("test.yaml", text), &shipped).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn shipped_mapping(name: &str) -> Mapping {
    crate::mapping::resolve(name, &shipped).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// The message as text, one line for each segment.
fn lines(mapping: &Mapping, exam: &Exam, stamp: &Stamp) -> Vec<String> {
    let message = String::from_utf8(mapping.message(exam, stamp)).unwrap();
    assert!(message.ends_with('\r'), "every segment ends in a carriage return");
    message.trim_end_matches('\r').split('\r').map(str::to_owned).collect()
}

/// The segments of that name.
fn segments(mapping: &Mapping, exam: &Exam, id: &str) -> Vec<String> {
    let mut found = lines(mapping, exam, &noon());
    found.retain(|line| line.starts_with(id));
    found
}

/// One field of one segment.
fn field(segment: &str, number: usize) -> &str {
    segment.split('|').nth(number).unwrap_or_default()
}
