//! What a case needs of a sender beyond being started and fed, and whether its sender file offers
//! it: by the placeholders that it uses and by the keys that it has.
//!
//! A case whose needs are not met is left out by whoever runs cases, and the reports say so. This
//! does **not** decide what becomes of it, and nothing of it is written into the plan: a recording
//! is judged by what was done.

use std::collections::BTreeSet;

use crate::mapping::Document;
use crate::plan::Lifetime;
use crate::plan::fault::Answer;
use crate::plan::{Fault, Plan, ProcessFault, Step, Tls};
use crate::planning::defaults::MAPPING;
use crate::scenario::{Form, SenderFile};

/// Something that a case needs and its sender file does not offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What is needed, as in `TLS` after `the case needs`.
    pub need: String,
    /// By what it would be offered, as in ``the sender file names no `{ca}` ``.
    pub why: String,
}

/// Everything that `plan` needs and `sender` does not offer; empty if the case can be run.
#[must_use]
pub fn unmet(plan: &Plan, sender: &SenderFile) -> Vec<Lack> {
    let rows = NEEDS.iter().filter(|need| (need.asked)(plan) && !(need.offered)(sender));
    let lack = |need: &Need| Lack { need: need.what.to_owned(), why: need.why.to_owned() };
    mappings(plan, sender).into_iter().chain(rows.map(lack)).collect()
}

/// One thing that a case may need.
struct Need {
    /// As in `TLS` after `the case needs`.
    what: &'static str,
    asked: fn(&Plan) -> bool,
    offered: fn(&SenderFile) -> bool,
    /// By what it would be offered.
    why: &'static str,
}

/// Every need but that of a mapping, which has a name.
const NEEDS: &[Need] = &[
    Need {
        what: "several endpoints",
        asked: |plan| plan.endpoints.len() > 1,
        offered: |sender| match sender.life {
            Lifetime::Observed => sender.listen.len() > 1,
            Lifetime::Run => false,
            _ => sender.uses("endpoint") || sender.uses("endpoints"),
        },
        why: "the sender file names neither `{endpoint}` nor `{endpoints}` for each case",
    },
    Need {
        what: "a sender that a case may end",
        asked: |plan| plan.steps.iter().any(ends_it),
        offered: |sender| sender.life.is_ours_to_end(),
        why: "the sender file says `per: run` or `observe`",
    },
    Need {
        what: "one process that can be paused or doubled",
        asked: |plan| plan.steps.iter().any(needs_its_process),
        offered: |sender| sender.life == Lifetime::Case,
        why: "the sender file does not start it `per: case`",
    },
    Need {
        what: "TLS",
        asked: |plan| plan.tls.is_some(),
        offered: |sender| sender.uses("ca"),
        why: "the sender file names no `{ca}`",
    },
    Need {
        what: "a client certificate",
        asked: |plan| plan.tls.as_ref().is_some_and(Tls::is_mutual),
        offered: |sender| sender.uses("cert"),
        why: "the sender file names no `{cert}`",
    },
    Need {
        what: "acknowledgements on another connection",
        asked: |plan| plan.plays(Fault::Answer(Answer::AcceptOnOtherConnection)),
        offered: |sender| sender.uses("ack_port"),
        why: "the sender file names no `{ack_port}`",
    },
    Need {
        what: "a sender that knows an order again",
        asked: hands_an_order_over_again,
        offered: |sender| sender.feed.form != Form::Message,
        why: "the sender file feeds it finished messages (`as: message`)",
    },
    Need {
        what: "a sender that is told of credits",
        asked: |plan| plan.exams.values().any(|exam| exam.order.credits.is_some()),
        offered: |sender| match &sender.template {
            Some(template) => template.holds_message() || template.tells_credits(),
            None => sender.feed.form != Form::Hl7,
        },
        why: "the sender file feeds it orders, or a template without `{order.transaction}`",
    },
    Need {
        what: "an operator who has a charge sent once more",
        asked: |plan| plan.steps.iter().any(|step| matches!(step, Step::Resend(_))),
        offered: |sender| sender.resend.is_some(),
        why: "the sender file has no `resend`",
    },
    Need {
        what: "a clock that can be moved",
        asked: |plan| plan.steps.iter().any(is_jump),
        offered: |sender| sender.clock.is_some(),
        why: "the sender file has no `clock`",
    },
];

const fn ends_it(step: &Step) -> bool {
    let fault =
        matches!(step, Step::Fault { fault: ProcessFault::Kill | ProcessFault::Terminate, .. });
    fault || matches!(step, Step::Stop | Step::Kill(_))
}

const fn needs_its_process(step: &Step) -> bool {
    let paused = matches!(step, Step::Fault { fault: ProcessFault::Pause(_), .. });
    paused || matches!(step, Step::StartSecond | Step::StopSecond)
}

const fn is_jump(step: &Step) -> bool {
    matches!(step, Step::Fault { fault: ProcessFault::Jump(_), .. })
}

/// Whether an order is handed over that was handed over before.
fn hands_an_order_over_again(plan: &Plan) -> bool {
    let mut known = BTreeSet::new();
    let order = |step: &Step| match step {
        Step::Submit(exam) => plan.exams.get(exam).map(|exam| exam.order.number.as_str()),
        _ => None,
    };
    plan.steps.iter().filter_map(order).any(|order| !known.insert(order))
}

/// Whether the sender makes its messages by the mappings of the case: because it is told them, or
/// because it is configured for them.
fn mappings(plan: &Plan, sender: &SenderFile) -> Vec<Lack> {
    let told = [(Some(&plan.mapping), "mapping"), (plan.results.as_ref(), "results")];
    let asked = told.into_iter().filter_map(|(one, placeholder)| Some((one?, placeholder)));
    asked.filter_map(|(one, placeholder)| lack_of(&one.name, placeholder, sender)).collect()
}

/// Whether it is handed the finished message, by whatever mapping that is made.
fn takes_messages(sender: &SenderFile, placeholder: &str) -> bool {
    let template = sender.template.as_ref();
    match placeholder {
        "mapping" => {
            sender.feed.form == Form::Message || template.is_some_and(Document::holds_message)
        }
        _ => template.is_some_and(Document::holds_result),
    }
}

fn lack_of(mapping: &str, placeholder: &str, sender: &SenderFile) -> Option<Lack> {
    let default = [MAPPING.to_owned()];
    let configured = match (sender.mappings.as_deref(), placeholder) {
        // A list bounds what it can be told, too.
        (Some(listed), _) => listed,
        (None, _) if sender.uses(placeholder) && sender.life.is_ours_to_end() => return None,
        (None, "mapping") => &default,
        (None, _) => &[],
    };
    if sender.mappings.is_none() && takes_messages(sender, placeholder) {
        return None;
    }
    if configured.iter().any(|one| one == mapping) {
        return None;
    }
    let listed = configured.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    let need = match (placeholder, sender.mappings.is_some()) {
        ("results", false) => "results".to_owned(),
        _ => format!("another mapping than {listed}"),
    };
    let why = match sender.mappings {
        Some(_) => format!("the sender file lists `mapping: {}`", configured.join(", ")),
        None => format!("the sender file names no `{{{placeholder}}}` and lists no `mapping`"),
    };
    Some(Lack { need, why })
}
