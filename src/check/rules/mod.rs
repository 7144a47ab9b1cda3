//! The rules by name: what each one promises, where that is written, and how to read a finding.

pub(crate) mod accounts;
pub(crate) mod acknowledgements;
pub(crate) mod clock;
pub(crate) mod compared;
pub(crate) mod delivery;
pub(crate) mod form;
pub(crate) mod in_flight;
pub(crate) mod lost;
pub(crate) mod once;
pub(crate) mod process;
pub(crate) mod results;
pub(crate) mod sent_again;
pub(crate) mod snapshot;
pub(crate) mod tls;
pub(crate) mod two_witnesses;

use crate::check::evidence::index::Evidence;
use crate::mapping::OnceRule;

/// Name of a rule.
pub(crate) const PER_ORDER: &str = "once/per-order";
pub(crate) const PER_CHARGE: &str = "once/per-charge";
pub(crate) const SETTLED: &str = "results/settled";
pub(crate) const DELIVERS: &str = "delivers";
pub(crate) const RECOVERS: &str = "recovers";
pub(crate) const ACCOUNTS: &str = "accounts";
pub(crate) const FRAMING: &str = "wire/framing";
pub(crate) const SEGMENTS: &str = "wire/segments";
pub(crate) const ESCAPES: &str = "wire/escapes";
pub(crate) const CONTROL_IDS: &str = "wire/control-ids";
pub(crate) const CHARSET: &str = "wire/charset";
pub(crate) const VERIFIED: &str = "tls/verified";
pub(crate) const ACKNOWLEDGEMENTS: &str = "wire/acknowledgements";
pub(crate) const SNAPSHOT: &str = "snapshot";
pub(crate) const STARTS: &str = "sender/starts";
pub(crate) const STAYS_UP: &str = "sender/stays-up";
pub(crate) const STOPS: &str = "sender/stops";
pub(crate) const BOUNDED: &str = "sender/bounded";
pub(crate) const CONNECTIONS: &str = "sender/connections";
pub(crate) const DISCREET: &str = "sender/discreet";
pub(crate) const IN_FLIGHT: &str = "wire/in-flight";
pub(crate) const CLOCK: &str = "wire/clock";

/// A rule, as `explain` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name, such as `once/per-order`.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What must hold.
    pub promise: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// How to read a finding, and what to do about it.
    pub how_to_read: &'static str,
}

/// Every rule, in the order in which they are documented.
pub const RULES: &[Rule] = &[
    Rule {
        name: PER_ORDER,
        title: "one charge message per order",
        promise: "At most one attempt carries the charge of an order, over all answers, endpoints, \
                  connections, lives of the sender and time. One byte of the message on the wire is \
                  an attempt; a sender file may declare that only a complete message is. A refused \
                  connection is free.",
        source: "the IRIS interface page on DFT^P03: one message per order, sent at most one time \
                 whatever the EMR answers",
        how_to_read: "The proof names two witnesses, what the EMR answered and what else happened \
                      between them, and how the two messages differ. MSH-10 is never an identity: a \
                      resend under a new control id is still a second charge, and so is one in a \
                      message that nobody agreed on: another type, XML, base64, a Z segment. Such a \
                      message that only names an exam, by its order, the EMR's order number or the \
                      MRN, leaves the rule inconclusive, and so does one that holds the digits of \
                      an order in parts or among others beside the procedure, or that cannot be \
                      read; one that names nobody, or is about another patient, is free. In what is \
                      served the orders are not known: there a charge in another form convicts if \
                      it names the patient too, and is inconclusive otherwise. Where the rule is \
                      inconclusive, the evidence that is missing is named.",
    },
    Rule {
        name: PER_CHARGE,
        title: "no charge line is repeated",
        promise: "No FT1 line occurs twice inside one message; where the agreement allows several \
                  messages per order, no line is repeated across messages either; and no charge \
                  that was attempted comes again under the number of an order that nobody placed, \
                  under another spelling of its own, or without one. What was taken back by a credit \
                  may be charged anew, where the agreement has credits.",
        source: "the mapping's identity: the order, and the parts of an FT1 that make it a distinct \
                 charge (HL7 v2 chapter 6, FT1: transaction type, code, modifiers)",
        how_to_read: "The proof names the two lines. Twin procedures of two orders are two charges \
                      and are never reported; if two lines of one order are meant, the mapping must \
                      say what tells them apart. A line that nobody agreed on, of an order whose \
                      agreed lines were all sent, charges one of them again.",
    },
    Rule {
        name: SETTLED,
        title: "an accepted result is not sent again",
        promise: "A result (ORU, MDM) may be resent until it is accepted, and not after.",
        source: "HL7 v2 chapter 2, acknowledgement: AA (or CA where no application acknowledgement \
                 is due) releases the sender from any need to resend",
        how_to_read: "Only an acknowledgement that was written whole, in time, on the connection of \
                      the result, and that the sender had the time to read counts.",
    },
    Rule {
        name: DELIVERS,
        title: "a healthy EMR gets every charge that is due, and no other",
        promise: "Every exam that met an EMR without faults leads to one complete charge message; an \
                  exam that is not charged leads to none.",
        source: "HL7 v2 chapter 6, DFT: the charge is posted when the service is complete",
        how_to_read: "A sender that sends nothing would keep the once rule; this one convicts it. An \
                      exam that a fault of the script concerned is not judged here.",
    },
    Rule {
        name: RECOVERS,
        title: "after a fault, fresh exams still get through",
        promise: "After the script's faults have played, an exam that they do not concern arrives \
                  complete.",
        source: "HL7 v2 chapter 2: an acknowledgement answers one message and is no verdict on the \
                 messages after it",
        how_to_read: "The probe that was lost is named, with the fault before it. If the first probe \
                      had not arrived either, `delivers` says so and this rule is silent.",
    },
    Rule {
        name: ACCOUNTS,
        title: "what the sender says agrees with the wire",
        promise: "`delivered` needs an acknowledgement of that very message, `rejected` a refusal of \
                  it, `not-sent` that no byte was sent; `unknown` is always honest; a charge that \
                  was attempted does not vanish from the account.",
        source: "HL7 v2 chapter 2, MSA-1 (table 0008) and MSA-2: the acknowledgement names the \
                 message that it answers",
        how_to_read: "The order, what the sender says of it and what was answered are named. An \
                      answer that is late or can only be read leniently excuses either account.",
    },
    Rule {
        name: FRAMING,
        title: "frames as MLLP has them",
        promise: "Every message stands in one frame: VT, the payload, FS, CR, and nothing between \
                  frames; the payload has no control characters but CR.",
        source: "HL7 minimal lower layer protocol, release 1",
        how_to_read: "The offset counts from the first byte of the connection. A frame that was cut \
                      by the EMR's own reset or close, or by a kill, is not reported.",
    },
    Rule {
        name: SEGMENTS,
        title: "segments end in a carriage return",
        promise: "Every segment ends in one CR, the last one too, and none is empty.",
        source: "HL7 v2 chapter 2, message construction: the segment terminator is always CR",
        how_to_read: "The segment and the end that it has are named.",
    },
    Rule {
        name: ESCAPES,
        title: "delimiters inside values are escaped",
        promise: "A delimiter inside a value is written as its escape sequence, and every escape \
                  sequence has an end.",
        source: "HL7 v2 chapter 2, use of escape sequences in text fields",
        how_to_read: "The field is named with the value that the mapping agrees on and the one that \
                      was found.",
    },
    Rule {
        name: CONTROL_IDS,
        title: "every message has its own control id",
        promise: "MSH-10 is present, no longer than the version allows, without a delimiter in it, and \
                  not shared by messages about different orders.",
        source: "HL7 v2 chapter 2, MSH-10: a string of 20 characters, 199 from version 2.7; it \
                 identifies the message for its acknowledgement",
        how_to_read: "A shared id lets the acknowledgement of one message be credited to the other. \
                      A resend under the same id is not reported here.",
    },
    Rule {
        name: CHARSET,
        title: "the letters are of the character set that MSH-18 declares",
        promise: "Where MSH-18 names a character set of table 0211, all bytes of the message are text \
                  in it.",
        source: "HL7 v2 chapter 2, MSH-18: the character set of the entire message",
        how_to_read: "The first byte that is none of the declared set is named, with its segment. \
                      Latin-1 under a declared UTF-8 is the usual mistake. A message that declares \
                      nothing, or several sets to switch between, is not judged here.",
    },
    Rule {
        name: ACKNOWLEDGEMENTS,
        title: "an acknowledgement is never acknowledged",
        promise: "The sender answers no acknowledgement with one of its own, on whatever connection \
                  it came. The commit byte of MLLP release 2 is none: it belongs to the transport.",
        source: "HL7 v2 chapter 2, message acknowledgement: an acknowledgement is not acknowledged",
        how_to_read: "The message is named by its MSA-2, where that is the MSH-10 of an acknowledgement \
                      that the EMR wrote. Whatever stands there, and whatever its MSH-9 says, a \
                      message with an MSA is an acknowledgement, and an EMR that has written nothing \
                      else had nothing else to acknowledge.",
    },
    Rule {
        name: IN_FLIGHT,
        title: "no more messages on their way than declared",
        promise: "On one connection the sender has no more messages written and not answered than \
                  its file declares; a sender that declares nothing is not judged.",
        source: "the sender file: `limits.in_flight`",
        how_to_read: "The first and the last of the messages are named. Where several wait for an \
                      answer, one that is lost or late is easily credited to another, and a \
                      disconnection leaves them all unknown. What the sender may have given up, by \
                      its timeout, is not counted.",
    },
    Rule {
        name: VERIFIED,
        title: "no message to an EMR whose certificate is bad",
        promise: "Where TLS is agreed, no byte of a message leaves in the clear, or over a connection \
                  whose certificate has expired, is of another host, or is of an authority that the \
                  sender was not told to trust.",
        source: "RFC 5280 section 6 (path validation), RFC 9525 section 6 (the name of the service)",
        how_to_read: "A handshake that was completed in spite of a bad certificate is not reported as \
                      long as nothing was sent on it; the first message is the witness. What was \
                      shown and who broke off is in the history: `secured`, `tls-failed`.",
    },
    Rule {
        name: CLOCK,
        title: "the message's time is UTC",
        promise: "MSH-7 is the sender's clock in UTC when the message was made: a real time, no more \
                  than a few minutes off the one at which it arrived, zone or not.",
        source: "the IRIS interface page: times are UTC; HL7 v2 chapter 2, MSH-7: date and time of \
                 the message, in the sender's zone unless one is written",
        how_to_read: "The message is named with its MSH-7, the time at which it arrived and the \
                      difference: whole hours point to a local time. After a jump of the sender's \
                      clock nothing is judged.",
    },
    Rule {
        name: SNAPSHOT,
        title: "the message is exactly as agreed",
        promise: "Every charge of an exam is the approved snapshot, or, where none is asked for, what \
                  the mapping makes of the exam, apart from the sender's clock and control id; so is \
                  every result, where results are agreed. Where the clock is written, a real time \
                  stands in the agreed precision, and the times of one message are no further apart \
                  than the mapping's `stamps_within` says: one second, where it says nothing.",
        source: "the mapping instructions of the EMR",
        how_to_read: "Differences are listed by field. Of several times the one that the others do \
                      not agree with is named. A message that is a second charge is not compared. \
                      Where exams share an order, a message is that of any that had been handed over \
                      by then. If the new message is right, run with `--update` and review it with \
                      `cargo insta review`.",
    },
    Rule {
        name: STARTS,
        title: "the sender can be started and fed",
        promise: "The sender starts, and takes the exams that are handed to it.",
        source: "the sender file",
        how_to_read: "Nothing was proven of the sender. Start it by hand, with the command of its \
                      sender file: what it prints is not kept here.",
    },
    Rule {
        name: STAYS_UP,
        title: "the sender does not exit unasked",
        promise: "The sender runs until it is asked to stop.",
        source: "the sender file",
        how_to_read: "The exit code or the signal is named.",
    },
    Rule {
        name: STOPS,
        title: "the sender stops when asked, with all its processes",
        promise: "Asked to stop, the sender exits within its limit and leaves no process behind.",
        source: "the sender file: `stop`, `limits.stop`",
        how_to_read: "A sender that had to be killed may have lost what it knew; one that leaves a \
                      process behind may send from two places.",
    },
    Rule {
        name: CONNECTIONS,
        title: "the sender connects in order to send",
        promise: "The sender opens no more than ten connections within a quarter of a second that \
                  carry not one byte.",
        source: "HL7 minimal lower layer protocol, release 1: a connection is there for messages; a \
                 receiver that comes back up must not be flooded by those who waited for it",
        how_to_read: "The connections are counted, with the first of them. A sender that was hung up \
                      on must wait before it tries again, and one that opens connections in reserve \
                      takes the place of others.",
    },
    Rule {
        name: DISCREET,
        title: "the sender prints no data of its patients",
        promise: "Neither standard output nor standard error of the sender carries an MRN, a name, a \
                  birth date or an account number of a patient whose exam it was handed, alone or in \
                  a message.",
        source: "45 CFR 164.502(b), minimum necessary: data of patients go no further than they must",
        how_to_read: "The output, the exam and the kind of data are named; what was printed is not \
                      kept. Order numbers are no patient's data, and a log should name them. What is \
                      too short to be told from a port or a time is not looked for, and neither is \
                      the answer to the account command. Of a life that prints more than a mebibyte \
                      the rest is not looked through, which leaves the rule open.",
    },
    Rule {
        name: BOUNDED,
        title: "the sender stays within bounds",
        promise: "The sender sends no more messages, bytes and connections than the limits allow.",
        source: "the limits of the plan",
        how_to_read: "What lies beyond the bound was not recorded.",
    },
];

/// The rule that the agreement has.
pub(crate) fn agreed_rule(evidence: &Evidence<'_>) -> &'static str {
    match evidence.plan.mapping.identity.rule {
        OnceRule::PerOrder => PER_ORDER,
        OnceRule::PerCharge => PER_CHARGE,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::RULES;

    #[test]
    fn every_requirement_is_decided_by_rules_that_there_are() {
        for (requirement, rules) in crate::verdict::DECIDING {
            for rule in *rules {
                assert!(RULES.iter().any(|one| one.name == *rule), "{requirement}: {rule}");
            }
        }
    }

    #[test]
    fn every_rule_has_its_own_name_and_says_everything() {
        let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
        for rule in RULES {
            let texts = [rule.title, rule.promise, rule.source, rule.how_to_read];
            assert!(texts.iter().all(|text| !text.is_empty()), "{} is incomplete", rule.name);
        }
    }
}
