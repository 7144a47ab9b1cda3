//! The rules of the schema by which Jenkins reads a report, in words of our own: which elements stand
//! where and how often, which attributes they have, and how a number is written.

use std::collections::BTreeSet;

use super::super::samples;
use super::tests::{Element, document, suite};
use crate::verdict::RunOutcome;

/// An element: its attributes, those that it must have, and its children in their order, each with
/// whether there may be many.
struct Shape {
    name: &'static str,
    attributes: &'static [&'static str],
    required: &'static [&'static str],
    children: &'static [(&'static str, bool)],
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "testsuites",
        attributes: &["name", "time", "tests", "failures", "disabled", "errors"],
        required: &[],
        children: &[("testsuite", true)],
    },
    Shape {
        name: "testsuite",
        attributes: &[
            "name",
            "tests",
            "failures",
            "errors",
            "time",
            "disabled",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
        ],
        required: &["name"],
        children: &[
            ("properties", false),
            ("testcase", true),
            ("system-out", false),
            ("system-err", false),
        ],
    },
    Shape { name: "properties", attributes: &[], required: &[], children: &[("property", true)] },
    Shape {
        name: "property",
        attributes: &["name", "value"],
        required: &["name", "value"],
        children: &[],
    },
    Shape {
        name: "testcase",
        attributes: &["name", "assertions", "time", "classname", "status"],
        required: &["name", "classname"],
        children: &[
            ("skipped", false),
            ("error", true),
            ("failure", true),
            ("system-out", true),
            ("system-err", true),
        ],
    },
    Shape { name: "skipped", attributes: &["type", "message"], required: &[], children: &[] },
    Shape { name: "error", attributes: &["type", "message"], required: &[], children: &[] },
    Shape { name: "failure", attributes: &["type", "message"], required: &[], children: &[] },
    Shape { name: "system-out", attributes: &[], required: &[], children: &[] },
];

/// What the schema says against an element, the first thing of it.
fn complaint(element: &Element) -> Option<String> {
    let name = &element.name;
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == name) else {
        return Some(format!("there is no element {name}"));
    };
    let named: Vec<&str> = element.attributes.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(other) = named.iter().find(|one| !shape.attributes.contains(one)) {
        return Some(format!("{name} has no attribute {other}"));
    }
    if let Some(missing) = shape.required.iter().find(|one| !named.contains(one)) {
        return Some(format!("{name} lacks {missing}"));
    }
    let mut numbers = element.attributes.iter().filter(|(name, value)| !is_number(name, value));
    if let Some((attribute, value)) = numbers.next() {
        return Some(format!("{attribute} of {name} is {value}"));
    }
    let mut last = 0;
    for (index, child) in element.children.iter().enumerate() {
        let place = shape.children.iter().position(|(name, _)| child.name == *name);
        let Some(place) = place else { return Some(format!("{} in {name}", child.name)) };
        if place < last || (index > 0 && place == last && !shape.children[place].1) {
            return Some(format!("{} of {name} is out of order", child.name));
        }
        last = place;
    }
    element.children.iter().find_map(complaint)
}

/// Whether the value of an attribute that must be a number is one: a count in digits, a time with three
/// decimals and nothing else.
fn is_number(name: &str, value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match name {
        "tests" | "failures" | "errors" | "skipped" | "disabled" => digits(value),
        "time" => value.split_once('.').is_some_and(|(seconds, decimals)| {
            digits(seconds) && digits(decimals) && decimals.len() == 3
        }),
        _ => true,
    }
}

#[test]
fn every_report_is_as_the_schema_of_jenkins_wants_it() {
    for (name, outcome) in samples::all() {
        assert_eq!(complaint(&document(&outcome)), None, "{name}");
    }
    let kinds: Vec<&str> = samples::all().iter().map(|(name, _)| *name).collect();
    assert!(kinds.len() >= 8, "{kinds:?}");
}

#[test]
fn the_schema_objects_to_what_it_does_not_know() {
    let changed = |change: &dyn Fn(&mut Element)| {
        let mut root = document(&samples::duplicate());
        change(&mut root);
        complaint(&root)
    };
    let first = |root: &mut Element, change: &dyn Fn(&mut Element)| {
        let case = root.children[0].children.iter_mut().find(|child| child.name == "testcase");
        change(case.unwrap());
    };
    let objections: [Option<String>; 6] = [
        changed(&|root| root.attributes.push(("skipped".into(), "0".into()))),
        changed(&|root| root.children[0].children.rotate_left(1)),
        changed(&|root| {
            first(root, &|case| {
                case.children
                    .insert(0, Element { name: "properties".into(), ..Element::default() });
            });
        }),
        changed(&|root| first(root, &|case| case.attributes.push(("file".into(), "a".into())))),
        changed(&|root| first(root, &|case| case.attributes.retain(|(name, _)| name != "name"))),
        changed(&|root| first(root, &|case| case.attributes[2].1 = "1.4".into())),
    ];
    let objections: BTreeSet<String> = objections.into_iter().map(Option::unwrap).collect();
    assert_eq!(objections.len(), 6, "{objections:?}");
}

#[test]
fn no_two_cases_of_a_report_have_the_same_name() {
    for (kind, outcome) in samples::all() {
        let suite = suite(&outcome);
        let names = suite.named("testcase");
        let names: Vec<(&str, &str)> =
            names.map(|case| (case.attribute("classname"), case.attribute("name"))).collect();
        let different: BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{kind}: {names:?}");
    }
}

#[test]
fn the_biggest_run_with_the_longest_findings_is_a_report_that_gitlab_takes() {
    let mut outcome: RunOutcome = samples::hostile();
    let mut case = outcome.cases.swap_remove(0);
    let mut finding = case.judgement.findings.swap_remove(0);
    finding.message = "<\"".repeat(2_000);
    case.judgement.findings = vec![finding; 4];
    case.title = "&".repeat(4_000);
    outcome.cases = vec![case; 500];
    let mut out = Vec::new();
    super::write(&outcome, &mut out).unwrap();
    assert!(out.len() < 30_000_000, "{} bytes", out.len());
    assert_eq!(complaint(&document(&outcome)), None);
}
