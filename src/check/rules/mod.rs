//! The rules: a file for each family, in which what a rule promises stands beside its check.

pub(crate) mod accounts;
pub(crate) mod acknowledgements;
pub(crate) mod clock;
pub(crate) mod compared;
pub(crate) mod delivery;
pub(crate) mod form;
pub(crate) mod framing;
pub(crate) mod in_flight;
pub(crate) mod lost;
pub(crate) mod mistakes;
pub(crate) mod once;
pub(crate) mod process;
pub(crate) mod results;
pub(crate) mod sent_again;
pub(crate) mod snapshot;
pub(crate) mod tls;
pub(crate) mod two_witnesses;

use crate::history::History;
use crate::mapping::OnceRule;
use crate::verdict::{Rule, SnapshotSeen};

use crate::check::evidence::answers::Answers;
use crate::check::evidence::index::Evidence;
use crate::check::findings::Findings;

/// What a rule promises, as `explain` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What must hold.
    pub promise: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// How to read a finding, and what to do about it.
    pub how_to_read: &'static str,
}

/// What `rule` promises. The text stands with the check.
#[must_use]
pub const fn explanation(rule: Rule) -> Explanation {
    match rule {
        Rule::OncePerOrder => once::PER_ORDER,
        Rule::OncePerCharge => once::PER_CHARGE,
        Rule::ResultsSettled => results::SETTLED,
        Rule::Delivers => delivery::DELIVERS,
        Rule::Recovers => delivery::RECOVERS,
        Rule::Accounts => accounts::ACCOUNTS,
        Rule::WireFraming => framing::FRAMING,
        Rule::WireSegments => form::SEGMENTS,
        Rule::WireEscapes => form::ESCAPES,
        Rule::WireControlIds => form::CONTROL_IDS,
        Rule::WireCharset => form::CHARSET,
        Rule::WireVersion => form::VERSION,
        Rule::WireAcknowledgements => acknowledgements::ACKNOWLEDGEMENTS,
        Rule::WireInFlight => in_flight::IN_FLIGHT,
        Rule::TlsVerified => tls::VERIFIED,
        Rule::WireClock => clock::CLOCK,
        Rule::Snapshot => snapshot::SNAPSHOT,
        Rule::SenderStarts => process::STARTS,
        Rule::SenderStaysUp => process::STAYS_UP,
        Rule::SenderStops => process::STOPS,
        Rule::SenderConnections => process::CONNECTIONS,
        Rule::SenderDiscreet => process::DISCREET,
        Rule::SenderBounded => process::BOUNDED,
    }
}

/// Judges by every rule. Returns the messages that a snapshot was asked for.
pub(crate) fn judge(
    evidence: &Evidence<'_>,
    history: &History,
    findings: &mut Findings,
) -> Vec<SnapshotSeen> {
    let answers = Answers::read(evidence);
    let messages = compared::compared(evidence);
    let started = clock::started(history);
    process::judge(evidence, findings);
    once::judge(evidence, findings);
    delivery::judge(evidence, findings);
    accounts::judge(evidence, &answers, findings);
    results::judge(evidence, &answers, findings);
    form::judge(evidence, &messages, findings);
    tls::judge(evidence, findings);
    clock::judge(evidence, history, findings);
    acknowledgements::judge(evidence, findings);
    in_flight::judge(evidence, findings);
    snapshot::judge(evidence, &messages, started, findings)
}

/// The rule that the agreement has.
pub(crate) fn agreed_rule(evidence: &Evidence<'_>) -> Rule {
    match evidence.plan.mapping.identity.rule {
        OnceRule::PerOrder => Rule::OncePerOrder,
        OnceRule::PerCharge => Rule::OncePerCharge,
    }
}

#[cfg(test)]
mod tests {
    use super::explanation;
    use crate::verdict::Rule;

    #[test]
    fn every_rule_says_everything() {
        for rule in Rule::ALL {
            let text = explanation(*rule);
            let texts = [text.title, text.promise, text.source, text.how_to_read];
            assert!(texts.iter().all(|text| !text.is_empty()), "{rule} is incomplete");
        }
    }
}
