//! What a history says, indexed once for all rules: connections, lives of the sender, exams that
//! were handed over, faults that played.
//!
//! Draws no conclusion. Everything borrows from the plan and the history, so that memory stays a
//! small part of the history's own.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use indexmap::IndexSet;

use crate::charge::Agreement;
use crate::exam::Exam;
use crate::history::{ConnectionId, End, Ending, Event, Incarnation, Micros, What};
use crate::hl7::Message;
use crate::mapping::{Form, OnceRule, Stamp};
use crate::plan::{Agreed, AttemptMode, Charged, Messages, Orders, Origin, Plan};

use crate::check::evidence::disguised::Disguises;
use crate::check::evidence::known::Known;
use crate::check::evidence::message::{Sent, SentLine};
use foldhash::fast::RandomState;

/// A history, indexed.
pub(crate) struct Evidence<'h> {
    /// What was to be done.
    pub(crate) plan: &'h Plan,
    /// What was seen.
    pub(crate) events: &'h [Event],
    /// The fields that make a charge.
    pub(crate) agreement: Agreement,
    /// The orders that were agreed, as charges and results name them.
    pub(crate) agreed_orders: Arc<Orders>,
    /// The exams of the plan, in its order.
    pub(crate) exams: Vec<KnownExam<'h>>,
    /// Which exam an order belongs to, by the order's value on the wire.
    pub(crate) exam_of: HashMap<Arc<[u8]>, usize, RandomState>,
    /// Whether two exams of the plan have one order.
    pub(crate) has_twins: bool,
    /// Connections by number.
    pub(crate) connections: BTreeMap<ConnectionId, Connection<'h>>,
    /// Lives of the sender by number.
    pub(crate) lives: BTreeMap<Incarnation, Life>,
    /// Faults that played, in time order.
    pub(crate) played: Vec<Fault<'h>>,
    /// Every message and part of a message, in the order in which they were received.
    pub(crate) sent: Vec<Sent<'h>>,
    /// The FT1 lines of all messages.
    pub(crate) lines: Vec<SentLine>,
    /// How many FT1 lines name no order.
    pub(crate) orderless: u64,
    /// Orders that were attempted, in the order in which they were first seen.
    pub(crate) orders: Vec<OrderSeen<'h>>,
    /// Position in `orders` by the order's value on the wire.
    pub(crate) order_ids: IndexSet<Cow<'h, [u8]>, RandomState>,
    /// Parts of messages that no single exam explains: index in `sent`, and the exams that could.
    pub(crate) unexplained: Vec<(u32, Vec<usize>)>,
    /// The values that may be shown wherever they stand. Found out when something is to be shown for
    /// the first time: of most histories nothing is.
    known: OnceCell<Known>,
    /// Charges that came in disguise, and what cannot be told.
    pub(crate) disguises: Disguises<'h>,
    /// The control ids of all messages, once somebody asks.
    control_ids: OnceCell<ControlIds>,
}

/// The control ids of all messages, as numbers: equal ids have equal numbers.
#[derive(Debug, Default)]
pub(crate) struct ControlIds {
    /// By the message's number; none where it has no control id.
    numbers: Vec<Option<NonZeroU32>>,
    /// How many ids there are.
    count: u32,
}

impl ControlIds {
    fn of(sent: &[Sent<'_>]) -> Self {
        let mut seen: HashMap<&[u8], NonZeroU32, RandomState> = HashMap::default();
        seen.reserve(sent.len());
        let mut count = 0;
        let mut number = |id| {
            *seen.entry(id).or_insert_with(|| {
                count += 1;
                NonZeroU32::new(count).expect("invariant: counted from 1, fewer than 2^32 messages")
            })
        };
        let ids = sent.iter().map(|sent| Some(sent.control_id).filter(|id| !id.is_empty()));
        let numbers = ids.map(|id| id.map(&mut number)).collect();
        Self { numbers, count }
    }

    /// The number of a message's control id, from 0.
    pub(crate) fn number(&self, sent: usize) -> Option<usize> {
        self.numbers[sent].map(|number| number.get() as usize - 1)
    }

    /// How many different control ids there are.
    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }
}

/// An exam of the plan.
pub(crate) struct KnownExam<'h> {
    /// Its name.
    pub(crate) name: &'h str,
    /// Its facts.
    pub(crate) exam: &'h Exam,
    /// Its order's value on the wire.
    pub(crate) order: Arc<[u8]>,
    /// The message that the mapping makes of it, under some stamp.
    pub(crate) expected: Arc<[u8]>,
    /// The same as long as its stamp is not known.
    pub(crate) charge: Arc<Form>,
    /// Its result in the same way, if the sender sends any.
    pub(crate) result: Option<Arc<Form>>,
    /// How often it must be charged.
    pub(crate) charged: Charged,
    /// Indices of the events that handed it over.
    pub(crate) submitted: Vec<usize>,
    /// Indices of the events by which an operator wanted its charge sent once more.
    pub(crate) wanted_again: Vec<usize>,
}

/// A connection.
#[derive(Debug, Default)]
pub(crate) struct Connection<'h> {
    /// The endpoint that accepted it.
    pub(crate) endpoint: &'h str,
    /// The life of the sender that opened it.
    pub(crate) incarnation: Incarnation,
    /// `seq` of the event that opened it.
    pub(crate) opened: u64,
    /// How and when the EMR ended it first.
    pub(crate) ended_by_emr: Option<(u64, Micros, End)>,
    /// When the EMR reset it.
    pub(crate) reset_by_emr: Option<u64>,
    /// `seq` of the event with which the sender ended it first.
    pub(crate) ended_by_sender: Option<u64>,
    /// `seq` of the event from which on the sender wrote under a TLS that the EMR had refused.
    pub(crate) refused: Option<u64>,
}

/// A life of the sender process.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// `seq` of its start.
    pub(crate) started: u64,
    /// The life beside which it was started, where it is a second instance.
    pub(crate) beside: Option<Incarnation>,
    /// `seq` of the event that asked it to stop.
    pub(crate) asked: Option<u64>,
    /// `seq` and time of the event that killed it.
    pub(crate) killed: Option<(u64, Micros)>,
    /// `seq` of its exit.
    pub(crate) exited: Option<u64>,
}

/// A fault that played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault<'h> {
    /// Index of the event.
    pub(crate) event: usize,
    /// Index of the behaviour in the script.
    pub(crate) behaviour: usize,
    /// Its stable name.
    pub(crate) name: &'h str,
    /// On which connection.
    pub(crate) connection: Option<ConnectionId>,
}

/// An order that was attempted.
#[derive(Debug, Default)]
pub(crate) struct OrderSeen<'h> {
    /// The order's value on the wire.
    pub(crate) order: Cow<'h, [u8]>,
    /// The attempts, in time order.
    pub(crate) attempts: Vec<Attempted>,
}

/// One attempt at an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempted {
    /// Index in `sent`.
    pub(crate) sent: u32,
    /// Whether the order was not readable and was found by elimination.
    pub(crate) eliminated: bool,
}

impl<'h> Evidence<'h> {
    /// What was to be done, and nothing yet of what was seen.
    pub(crate) fn of(plan: &'h Plan, events: &'h [Event]) -> Self {
        let messages = plan.messages();
        let mut evidence = Self {
            plan,
            events,
            exams: exams(plan, &messages),
            agreement: messages.agreement().clone(),
            agreed_orders: Arc::clone(messages.orders()),
            exam_of: HashMap::default(),
            has_twins: false,
            connections: BTreeMap::new(),
            lives: BTreeMap::new(),
            played: Vec::new(),
            sent: Vec::new(),
            lines: Vec::new(),
            orderless: 0,
            orders: Vec::new(),
            order_ids: IndexSet::default(),
            unexplained: Vec::new(),
            known: OnceCell::new(),
            disguises: Disguises::default(),
            control_ids: OnceCell::new(),
        };
        for (index, exam) in evidence.exams.iter().enumerate() {
            // Of the exams of one order, one that is charged says that the order is.
            let is_charged = |index: usize| evidence.exams[index].charged != Charged::Never;
            let known = evidence.exam_of.entry(exam.order.clone()).or_insert(index);
            if !is_charged(*known) && is_charged(index) {
                *known = index;
            }
        }
        evidence.has_twins = evidence.exam_of.len() < evidence.exams.len();
        let is_piece = |event: &&Event| matches!(event.what, What::Received { .. });
        let pieces = events.iter().filter(is_piece).count();
        evidence.sent.reserve(pieces);
        evidence.orders.reserve(pieces);
        evidence.order_ids.reserve(pieces);
        evidence
    }

    /// Takes up what one event says of connections, lives, exams and faults.
    pub(crate) fn note(
        &mut self,
        index: usize,
        event: &'h Event,
        names: &HashMap<&str, usize, RandomState>,
    ) {
        let seq = event.seq;
        match &event.what {
            What::Submitted { exam, .. } => {
                if let Some(&known) = names.get(exam.as_str()) {
                    self.exams[known].submitted.push(index);
                }
            }
            What::ResendAsked { exam, .. } => {
                if let Some(&known) = names.get(exam.as_str()) {
                    self.exams[known].wanted_again.push(index);
                }
            }
            What::SenderStarted { incarnation, beside } => {
                let life = self.lives.entry(*incarnation).or_default();
                (life.started, life.beside) = (seq, *beside);
            }
            What::SenderEnding { incarnation, how } => {
                let life = self.lives.entry(*incarnation).or_default();
                match how {
                    Ending::Stop => life.asked = life.asked.or(Some(seq)),
                    Ending::Kill => life.killed = life.killed.or(Some((seq, event.at))),
                }
            }
            What::SenderExited { incarnation, .. } => {
                self.lives.entry(*incarnation).or_default().exited = Some(seq);
            }
            What::Opened { connection, endpoint, incarnation }
            | What::Called { connection, endpoint, incarnation } => {
                let opened = Connection {
                    endpoint,
                    incarnation: *incarnation,
                    opened: seq,
                    ..Connection::default()
                };
                self.connections.entry(*connection).or_insert(opened);
            }
            What::EndedByEmr { connection, how } => {
                let connection = self.connections.entry(*connection).or_default();
                connection.ended_by_emr = connection.ended_by_emr.or(Some((seq, event.at, *how)));
                if *how == End::Reset {
                    connection.reset_by_emr = connection.reset_by_emr.or(Some(seq));
                }
            }
            What::EndedBySender { connection, .. } => {
                let connection = self.connections.entry(*connection).or_default();
                connection.ended_by_sender = connection.ended_by_sender.or(Some(seq));
            }
            What::WroteAhead { connection } => {
                let connection = self.connections.entry(*connection).or_default();
                connection.refused = connection.refused.or(Some(seq));
            }
            What::Played { behaviour, name, connection } => self.played.push(Fault {
                event: index,
                behaviour: *behaviour,
                name,
                connection: *connection,
            }),
            _ => {}
        }
    }

    /// Where `sent` stands in the history.
    pub(crate) fn place(&self, sent: &Sent<'_>) -> Place<'h> {
        let event = &self.events[sent.event];
        let (connection, began, length) = match &event.what {
            What::Received { connection, began, length, .. } => (connection, began, length),
            What::Unread { connection, length, .. } => (connection, &event.at, length),
            _ => unreachable!("invariant: a message is only read out of what was received"),
        };
        let opened = self.connections.get(connection);
        Place {
            seq: event.seq,
            at: event.at,
            began: *began,
            length: *length,
            connection: *connection,
            endpoint: opened.map_or("", |opened| opened.endpoint),
            incarnation: opened.map_or(0, |opened| opened.incarnation),
            opened: opened.map_or(0, |opened| opened.opened),
        }
    }

    /// The attempts at the order with this value on the wire.
    pub(crate) fn attempts_at(&self, order: &[u8]) -> &[Attempted] {
        let number = self.order_ids.get_index_of(order);
        number.map_or(&[], |number| self.orders[number].attempts.as_slice())
    }

    /// Whether a whole message carried the order with this value on the wire.
    pub(crate) fn arrived(&self, order: &[u8]) -> bool {
        let attempts = self.attempts_at(order).iter();
        attempts.map(|attempt| &self.sent[attempt.sent as usize]).any(|sent| self.came(sent))
    }

    /// Whether a message came as a whole to an EMR that took it from the wire. What was written under
    /// a TLS that the EMR had refused by then is an attempt like any other, and no arrival.
    pub(crate) fn came(&self, sent: &Sent<'_>) -> bool {
        let place = self.place(sent);
        let refused = self.connections.get(&place.connection).and_then(|one| one.refused);
        sent.whole && refused.is_none_or(|from| place.seq < from)
    }

    /// The exam whose order a result names.
    pub(crate) fn reported(&self, sent: &Sent<'_>) -> Option<&KnownExam<'h>> {
        let message = Message::read(sent.payload);
        let name = self.agreed_orders.reported(&message).first()?;
        self.exams.iter().find(|exam| *exam.name == **name)
    }

    /// The exam that an order belongs to.
    pub(crate) fn exam(&self, order: &[u8]) -> Option<&KnownExam<'h>> {
        self.exam_of.get(order).map(|&index| &self.exams[index])
    }

    /// Whether the history was captured in the field: no exam was handed over by us, so that
    /// every order may be one that somebody placed.
    pub(crate) fn is_field_capture(&self) -> bool {
        self.exams.is_empty() || self.plan.origin != Origin::Driven
    }

    /// Whether the sender could not be started or driven to the end of the plan: nothing that the rest
    /// of the plan asks for can be there.
    pub(crate) fn is_undriven(&self) -> bool {
        self.events.iter().any(|event| matches!(event.what, What::SenderFailed { .. }))
    }

    /// The event with this `seq`, as an index; where it would stand if it is missing.
    pub(crate) fn index_of(&self, seq: u64) -> usize {
        // In a history of which nothing was taken, the first event is 1.
        let usual = usize::try_from(seq.wrapping_sub(1)).unwrap_or(usize::MAX);
        if self.events.get(usual).is_some_and(|event| event.seq == seq) {
            return usual;
        }
        self.events.partition_point(|event| event.seq < seq)
    }

    /// The values that the exams hold, and what stands in the messages that the mappings make of them:
    /// the words of whoever wrote the mappings among it.
    pub(crate) fn known(&self) -> &Known {
        self.known.get_or_init(|| {
            let mut known = Known::default();
            for exam in &self.exams {
                known.add(&exam.expected);
                known.add(&exam.order);
                let stamp = Stamp { now: exam.exam.grading.signed, control_id: String::new() };
                if let Some(results) = &self.plan.results {
                    known.add(&results.message(exam.exam, &stamp));
                }
                known.add_facts(&serde_json::to_value(exam.exam).unwrap_or_default());
            }
            known
        })
    }

    /// The control ids of all messages, told apart.
    pub(crate) fn control_ids(&self) -> &ControlIds {
        self.control_ids.get_or_init(|| ControlIds::of(&self.sent))
    }

    /// When the event with this `seq` was seen; the beginning if it is missing.
    pub(crate) fn time_of(&self, seq: u64) -> Micros {
        self.events.get(self.index_of(seq)).map_or(Micros(0), |event| event.at)
    }

    /// How many charges were seen: orders under the rule per order, lines otherwise.
    pub(crate) fn charges(&self) -> u64 {
        match self.plan.mapping.identity.rule {
            OnceRule::PerOrder => self.orders.len() as u64,
            OnceRule::PerCharge => {
                let identities = self.lines.iter().filter_map(SentLine::identity);
                identities.collect::<HashSet<_, RandomState>>().len() as u64
            }
        }
    }

    /// When an attempt counts.
    pub(crate) fn mode(&self) -> AttemptMode {
        self.plan.expect.attempts
    }
}

impl Sent<'_> {
    /// Its lines.
    pub(crate) fn lines<'e>(&self, evidence: &'e Evidence<'_>) -> &'e [SentLine] {
        let first = self.first_line as usize;
        &evidence.lines[first..first + self.line_count as usize]
    }
}

/// Where and when a message was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'h> {
    /// `seq` of the event.
    pub(crate) seq: u64,
    /// When the piece was over.
    pub(crate) at: Micros,
    /// When its first byte arrived.
    pub(crate) began: Micros,
    /// How many bytes the piece had.
    pub(crate) length: u64,
    /// On which connection.
    pub(crate) connection: ConnectionId,
    /// At which endpoint.
    pub(crate) endpoint: &'h str,
    /// By which life of the sender.
    pub(crate) incarnation: Incarnation,
    /// `seq` of the event that opened the connection.
    pub(crate) opened: u64,
}

fn exams<'h>(plan: &'h Plan, messages: &Messages) -> Vec<KnownExam<'h>> {
    let known = |((name, exam), agreed): ((&'h String, &'h Arc<Exam>), &Agreed)| KnownExam {
        name,
        exam,
        order: Arc::clone(&agreed.order),
        expected: Arc::clone(&agreed.message),
        charge: Arc::clone(&agreed.charge),
        result: agreed.result.clone(),
        charged: plan.expect.charges.get(name).copied().unwrap_or(Charged::Once),
        submitted: Vec::new(),
        wanted_again: Vec::new(),
    };
    plan.exams.iter().zip(messages.charges()).map(known).collect()
}
