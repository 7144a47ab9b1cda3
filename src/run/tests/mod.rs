//! The steps, the loop and virtual time, with a plan that is written by hand.
//!
//! What happens over real sockets and processes is tested from outside, by the programs that run
//! the whole thing.

mod director;
mod drive;
mod process_faults;
mod simulated;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Value, from_value, json};

use crate::exam::Exam;
use crate::history::Micros;
use crate::plan::fault::Patience;
use crate::plan::{Behaviour, Fault, Limits, Match, Parameters, Plan, Play, Step};

/// A plan for the reference sender, with the exams `john` and `jane`.
fn plan(script: Vec<Behaviour>, steps: Vec<Step>) -> Plan {
    let sender = json!({
        "name": "reference", "start": [], "environment": {}, "directory": null, "account": null,
        "stop": "terminate", "bug": null, "variant": null,
    });
    let plan = json!({
        "id": "by-hand", "title": "", "requirements": [], "seed": 1, "mapping": mapping(),
        "results": null, "exams": {}, "endpoints": ["emr"], "script": [], "steps": [],
        "limits": limits(), "expect": {}, "sender": sender,
    });
    let plan: Plan = from_value(plan).unwrap();
    let exams = IndexMap::from(
        [("john", "273013"), ("jane", "273014")]
            .map(|(name, order)| (name.to_owned(), Arc::new(exam(order)))),
    );
    Plan { script, steps, exams: exams.into(), ..plan }
}

fn with_bug(mut plan: Plan, bug: &str) -> Plan {
    plan.sender.bug = Some(bug.to_owned());
    plan
}

/// Messages of about the length of real ones: several pieces of what the simulated wire carries.
fn mapping() -> Value {
    let address = "x".repeat(200);
    let fields = json!({
        "MSH-3": "IRIS", "MSH-4": "IRIS", "MSH-5": "EMR", "MSH-6": "F", "MSH-7": "{now}",
        "MSH-9": "DFT^P03", "MSH-10": "{control_id}", "MSH-11": "P", "MSH-12": "2.4",
        "PID-3": "{patient.mrn}", "PID-11": address, "FT1-13": address,
        "FT1-1": "{charge.number}", "FT1-3": "{order.number}",
        "FT1-7": "{charge.code}",
    });
    json!({
        "name": "by-hand", "message": "DFT^P03", "version": "2.4", "charset": "",
        "identity": { "order": "FT1-3", "distinct": ["FT1-7.1"], "rule": "per-order" },
        "segments": ["MSH", "PID", "FT1 for each charge"], "fields": fields,
        "lines": [{ "name": "only", "code": "92250", "date": "signed", "modifiers": {} }],
    })
}

fn exam(order: &str) -> Exam {
    let nobody = json!({ "id": "1" });
    let exam = json!({
        "order": { "number": order, "emr_number": "E1" }, "site": "S",
        "patient": { "mrn": "M1", "family": "DOE", "given": "J", "born": "1970-01-02", "sex": "F" },
        "ordering_provider": nobody, "interpreter": nobody,
        "images": [
            { "eye": "left", "captured": "2017-04-10T15:01:12" },
            { "eye": "right", "captured": "2017-04-10T15:01:12" },
        ],
        "grading": { "signed": "2017-04-10T15:02:30", "left": "none", "right": "none" },
    });
    from_value(exam).unwrap()
}

fn limits() -> Limits {
    Limits {
        ack_timeout: Micros(400_000),
        longest_retry: Micros(200_000),
        in_flight: None,
        settle: Micros(800_000),
        patience: Micros(4_000_000),
        stop: Micros(2_000_000),
        message_bytes: 1 << 16,
        connections: 8,
        messages: 100,
        recorded_bytes: 1 << 20,
    }
}

/// `fault` as it is by itself, whenever `exam` is charged.
fn on(exam: &str, fault: Fault) -> Behaviour {
    on_with(exam, fault, by_itself(fault))
}

/// The parameters of `fault` by itself, for the sender of [`limits`].
fn by_itself(fault: Fault) -> Parameters {
    let Limits { ack_timeout, longest_retry, .. } = limits();
    fault.usual(Patience { ack_timeout: ack_timeout.into(), longest_retry: longest_retry.into() })
}

fn on_with(exam: &str, fault: Fault, with: Parameters) -> Behaviour {
    let on = Match { exam: Some(exam.to_owned()), ..Match::default() };
    Behaviour { on, play: vec![Play::Fault { fault, with }], times: None }
}

fn submit(exam: &str) -> Step {
    Step::Submit(exam.to_owned())
}

fn awaiting(exam: &str) -> Step {
    Step::Await(exam.to_owned())
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
