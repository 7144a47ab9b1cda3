//! The smallest case in which one fault plays for one charge.
//!
//! It is written as an author would write it, so that what the catalogue's outcomes are held
//! against is read by the same door as every scenario.

use crate::plan::Fault;
use crate::plan::fault::{Company, Mismatch, SetOff, Tls};
use crate::yaml::Source;

/// A scenario that plays `fault` once, for the charge of `john-doe`, and asks the sender for its
/// account in the end.
#[must_use]
pub fn scenario(fault: Fault) -> Source {
    let nature = fault.nature();
    let rest = match nature.set_off_by {
        _ if nature.company == Company::NextMessage => TWO_IN_A_ROW,
        SetOff::Handover | SetOff::Accept | SetOff::Handshake | SetOff::Beside => NO_PROBE_BEFORE,
        _ => "exams: [john-doe]\n",
    };
    let on = on(fault);
    written(fault, &format!("  - on: {on}\n    reply: {fault}\n    times: 1\n{rest}"))
}

/// When `fault` plays. A sender may connect before it has anything to say, and then no exam is
/// meant yet.
fn on(fault: Fault) -> &'static str {
    match fault.nature().set_off_by {
        SetOff::Accept | SetOff::Handshake | SetOff::Beside => "{ connection: 1 }",
        _ => "{ exam: john-doe }",
    }
}

/// The script that plays `fault` to whoever sends or connects first: what `serve` takes.
#[must_use]
pub fn script(fault: Fault) -> Source {
    let on = match fault.nature().set_off_by {
        SetOff::Handover => "{}",
        SetOff::Accept | SetOff::Handshake | SetOff::Beside => "{ connection: 1 }",
        SetOff::TooSoon => "{ message: 2 }",
        // Of the first there is no message before.
        _ if fault == Fault::Match(Mismatch::Previous) => "{ message: 2 }",
        _ => "{ message: 1 }",
    };
    written(fault, &format!("  - on: {on}\n    reply: {fault}\n"))
}

/// A case that plays `fault` to the charge of `john-doe`, or to that of `mary-major` behind it, if a
/// message before belongs to what sets it off or is told by it. Nothing else happens in it.
#[must_use]
pub fn shown(fault: Fault) -> Source {
    let nature = fault.nature();
    let second = match nature.set_off_by {
        SetOff::TooSoon => true,
        _ => fault == Fault::Match(Mismatch::Previous),
    };
    let (whom, rest) = match nature.company {
        Company::NextMessage => ("john-doe", SHOWN_WITH_NEXT),
        _ if second => ("mary-major", SHOWN_AS_SECOND),
        _ => ("john-doe", SHOWN_ALONE),
    };
    written(fault, &format!("  - on: {{ exam: {whom} }}\n    reply: {fault}\n{rest}"))
}

/// The TLS without which `fault` cannot play.
fn tls(fault: Fault) -> &'static str {
    match fault {
        Fault::Tls(Tls::TlsOnPlaintext) => "",
        Fault::Tls(Tls::ClientCertRefused) => "tls: { client: required }\n",
        Fault::Tls(_) => "tls: true\n",
        _ => "",
    }
}

fn written(fault: Fault, rest: &str) -> Source {
    let (what, tls) = (fault.what(), tls(fault));
    Source::new(format!("{fault}.yaml"), format!("title: \"{what}\"\n{tls}emr:\n{rest}"))
}

/// The first charge is answered once the second has arrived.
const TWO_IN_A_ROW: &str = "\
exams: [john-doe, mary-major]
steps:
  - start
  - probe
  - submit: [john-doe, mary-major]
  - await: mary-major
  - settle
  - account
  - stop
";

/// No probe before the exam, or its connection would carry the exam too.
const NO_PROBE_BEFORE: &str = "\
exams: [john-doe]
steps:
  - start
  - submit: john-doe
  - probe
  - settle
  - account
  - stop
expect:
  charges: { john-doe: at-most-once }
";

/// One charge.
const SHOWN_ALONE: &str = "\
exams: [john-doe]
steps: [start, submit: john-doe, settle, stop]
";

/// One charge, and another while it is not answered.
const SHOWN_WITH_NEXT: &str = "\
exams: [john-doe, mary-major]
steps: [start, submit: [john-doe, mary-major], settle, stop]
";

/// One charge, and another as soon as it is answered.
const SHOWN_AS_SECOND: &str = "\
exams: [john-doe, mary-major]
steps: [start, submit: john-doe, await: john-doe, submit: mary-major, settle, stop]
";

#[cfg(test)]
mod tests {
    use super::{scenario, written};
    use crate::history::{History, Outcome, What};
    use crate::mapping;
    use crate::plan::fault::{Answer, Connection, SetOff};
    use crate::plan::{Fault, Plan};
    use crate::planning::{Choices, Library, expand};
    use crate::run::simulated;
    use crate::scenario::{Scenario, SenderFile};
    use crate::suite::judge;
    use crate::verdict::{Circumstance, Verdict};
    use crate::yaml::Source;

    #[test]
    fn a_good_sender_books_what_the_catalogue_says() {
        let wrong: Vec<String> = Fault::ALL.iter().filter_map(|fault| wrong(*fault)).collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    /// What is not as the catalogue has it when the reference sender meets `fault`.
    fn wrong(fault: Fault) -> Option<String> {
        let plan = plan(&scenario(fault));
        let history = simulated::run(&plan).unwrap();
        let judgement = judge(&plan, &history, String::new()).judgement;
        if judgement.verdict() != Verdict::Pass {
            return Some(format!("{fault}: {:?} {:#?}", judgement.verdict(), judgement.findings));
        }
        if !played(&history, fault) {
            return Some(format!("{fault}: did not play"));
        }
        let said = said(&history, &plan);
        match fault.outcome() {
            Outcome::NotSent => not_sent(fault, said),
            outcome => (said != Some(outcome)).then(|| {
                format!(
                    "{fault}: the catalogue has {outcome:?}, and the reference sender says {said:?}: does \
                     src/sender/answer.rs take it for an answer?"
                )
            }),
        }
    }

    /// Where nothing has left, the sender may try again, and is through once the EMR is well. Until
    /// then it says so, or that it does not know: it marks the charge before the first byte leaves.
    fn not_sent(fault: Fault, in_the_end: Option<Outcome>) -> Option<String> {
        let plan = plan(&for_good(fault));
        let before = said(&simulated::run(&plan).unwrap(), &plan);
        let honest = matches!(before, Some(Outcome::NotSent | Outcome::Unknown));
        let through = in_the_end == Some(Outcome::Delivered);
        (!honest || !through).then(|| format!("{fault}: {before:?}, then {in_the_end:?}"))
    }

    /// No connection ever comes about, so that no byte can leave.
    fn for_good(fault: Fault) -> Source {
        let with = "{ after: 5m }";
        let reply = match fault {
            Fault::Connection(Connection::Refused) => format!("{{ {fault}: {with} }}"),
            _ => fault.to_string(),
        };
        let steps = "steps: [start, submit: john-doe, settle, account, stop]";
        written(fault, &format!("  - on: {{}}\n    reply: {reply}\nexams: [john-doe]\n{steps}\n"))
    }

    /// Whatever the EMR says, the case is inconclusive once what shows the fault is taken away.
    #[test]
    fn a_fault_is_not_believed_where_its_traces_are_taken_away() {
        for &fault in Fault::ALL {
            let plan = plan(&scenario(fault));
            let mut history = simulated::run(&plan).unwrap();
            history.events.retain(|event| !is_trace(&event.what, fault));
            let judgement = judge(&plan, &history, String::new()).judgement;
            let mut findings = judgement.findings.iter();
            let doubted = findings.any(|one| one.circumstance == Circumstance::FaultNotPlayed);
            // Its only trace is that the EMR wrote nothing.
            assert_eq!(doubted, fault != Fault::Answer(Answer::None), "{fault}");
        }
    }

    /// What shows that something was played, apart from what the EMR says.
    fn is_trace(what: &What, fault: Fault) -> bool {
        match what {
            What::Replied { name, .. } => name == fault.name(),
            What::EndedByEmr { .. }
            | What::RefusalSeen { .. }
            | What::SilenceSeen { .. }
            | What::Waiting { .. }
            | What::Reading { .. }
            | What::Visited { .. }
            | What::ClientHello { .. }
            | What::Secured { .. }
            | What::TlsFailed { .. } => true,
            _ => false,
        }
    }

    /// A result is sent again until it is accepted, and never after that.
    #[test]
    fn a_good_sender_sends_a_result_as_often_as_the_catalogue_says() {
        let at_once = |fault: &&Fault| matches!(fault.nature().set_off_by, SetOff::Message);
        let wrong: Vec<String> = Fault::ALL
            .iter()
            .filter(at_once)
            .filter_map(|fault| wrong_with_result(*fault))
            .collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    fn wrong_with_result(fault: Fault) -> Option<String> {
        let on = "{ exam: john-doe, kind: result }";
        let rest = "results: iris/result\nexams: [john-doe, mary-major]\n";
        let entry = format!("  - on: {on}\n    reply: {fault}\n    times: 1\n{rest}");
        let plan = plan(&written(fault, &entry));
        let history = simulated::run(&plan).unwrap();
        let judgement = judge(&plan, &history, String::new()).judgement;
        let sent = history.events.iter().filter(|event| is_result_of_john(&event.what)).count();
        let wanted = if fault.outcome() == Outcome::Delivered { 1..=1 } else { 2..=2 };
        let fits = judgement.verdict() == Verdict::Pass && wanted.contains(&sent);
        (!fits).then(|| format!("{fault}: sent {sent} times, {:#?}", judgement.findings))
    }

    fn is_result_of_john(what: &What) -> bool {
        let What::Received { bytes, .. } = what else { return false };
        let has = |text: &[u8]| memchr::memmem::find(bytes.as_slice(), text).is_some();
        has(b"|ORU^R01") && has(b"273013")
    }

    fn played(history: &History, fault: Fault) -> bool {
        let is = |what: &What| matches!(what, What::Played { name, .. } if name == fault.name());
        history.events.iter().any(|event| is(&event.what))
    }

    /// What the sender said in the end of the charge of `john-doe`.
    fn said(history: &History, plan: &Plan) -> Option<Outcome> {
        let order = &plan.exams["john-doe"].order.number;
        let accounts = history.events.iter().rev().filter_map(|event| match &event.what {
            What::Account { charges, .. } => Some(charges),
            _ => None,
        });
        let mut rows = accounts.flatten();
        rows.find(|charge| charge.order == *order).map(|charge| charge.outcome)
    }

    fn plan(source: &Source) -> Plan {
        let scenario = Scenario::read(source).unwrap_or_else(|error| panic!("{error}"));
        let sender = SenderFile::read(&Source::new("reference.yaml", REFERENCE)).unwrap();
        let plans = expand(&scenario, "sample", &Shipped, &sender, &Choices::default());
        plans.unwrap_or_else(|error| panic!("{error}")).remove(0)
    }

    struct Shipped;

    impl Library for Shipped {
        fn mapping(&self, name: &str) -> Option<Source> {
            mapping::shipped(name)
        }

        fn exam(&self, name: &str) -> Option<Source> {
            let found = EXAMS.iter().find(|(exam, _)| *exam == name);
            found.map(|(name, text)| Source::new(*name, *text))
        }

        fn snapshot(&self, _: &str) -> Option<String> {
            None
        }

        fn mappings(&self) -> Vec<String> {
            mapping::shipped_names()
        }

        fn exams(&self) -> Vec<String> {
            EXAMS.iter().map(|(name, _)| (*name).to_owned()).collect()
        }
    }

    const EXAMS: [(&str, &str); 2] = [
        ("john-doe", include_str!("../../scenarios/exams/john-doe.yaml")),
        ("mary-major", include_str!("../../scenarios/exams/mary-major.yaml")),
    ];

    const REFERENCE: &str = include_str!("../../senders/reference.yaml");
}
