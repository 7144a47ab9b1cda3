//! Draws a case: what the EMR does to which message; what the harness does meanwhile is drawn by
//! [`steps`].
//!
//! What is drawn is a case as an author would write it, so that it goes the way of every written
//! one. Every fault of the catalogue is drawn, a new one from the day on which it is listed there.

mod steps;

use std::time::Duration;

use crate::explore::random::Random;
use crate::mapping::{self, Mapping};
use crate::plan::fault::{Answer, Company, Connection, Payload, SetOff};
use crate::plan::{Charged, Fault, MessageKind, Parameter};
use crate::planning::Library;
use crate::scenario::{
    Case, ExamEntry, Expectation, Given, On, Part, Reaction, SenderFile, Tls, Word,
};
use crate::yaml::{Key, Node, Place, Source, Value};

/// What cases are drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Deck {
    /// Mappings for charges.
    mappings: Vec<String>,
    /// Those of them that write credits.
    with_credits: Vec<String>,
    /// How long the sender waits for an acknowledgement.
    ack_timeout: Duration,
    /// All faults, and those of TLS.
    faults: Vec<Fault>,
    of_tls: Vec<Fault>,
    /// Where everything that is drawn is written.
    place: Place,
}

/// The exam that every case has.
const FIRST: &str = "john-doe";
/// The exam of another patient.
const OTHER: &str = "mary-major";
/// The mapping for results.
const RESULTS: &str = "iris/result";
/// Faults that take a thousand times as long as others, and are drawn the less often.
const HEAVY: [Fault; 1] = [Fault::Payload(Payload::Giant)];
/// The endpoint that every case has, and the second one.
const ENDPOINTS: [&str; 2] = ["emr", "standby"];

impl Deck {
    /// What `library` has, for a sender that waits as long as `sender` does. What it cannot be
    /// asked for is drawn all the same, and left to whoever knows what a plan needs.
    pub(crate) fn of(library: &dyn Library, sender: &SenderFile) -> Self {
        let place = Place { source: Source::new("drawn", ""), line: 1, column: 1 };
        let find = |wanted: &str| library.mapping(wanted);
        let names = library.mappings().into_iter();
        let mut charges: Vec<Mapping> =
            names.filter_map(|name| mapping::resolve(&name, &find).ok()).collect();
        charges.retain(|mapping| mapping.message.starts_with("DFT"));
        let named = |mapping: &Mapping| mapping.name.clone();
        let mappings = charges.iter().map(named).collect();
        let with_credits = charges.iter().filter(|one| one.writes_credits()).map(named).collect();
        let ack_timeout = sender.limits.ack_timeout;
        let faults = Fault::ALL.to_vec();
        let is_of_tls = |fault: &&Fault| fault.name().starts_with("tls/");
        let of_tls = Fault::ALL.iter().filter(is_of_tls).copied().collect();
        Self { mappings, with_credits, ack_timeout, faults, of_tls, place }
    }

    /// The same, written elsewhere.
    pub(crate) fn apart(&self) -> Self {
        let place = Place { source: Source::new("drawn", ""), line: 1, column: 1 };
        Self { place, ..self.clone() }
    }

    /// A word that stands nowhere.
    fn word(&self, text: &str) -> Word {
        Word { text: text.to_owned(), place: self.place.clone() }
    }

    fn node(&self, value: Value) -> Node {
        Node { place: self.place.clone(), value }
    }

    /// One case.
    pub(crate) fn draw(&self, random: &mut Random) -> Case {
        let mut exams = self.exams(random);
        let mapping = if random.chance(30) { random.pick(&self.mappings) } else { None };
        if mapping.is_some_and(|name| self.with_credits.contains(name)) && random.chance(60) {
            exams.push(self.credit());
        }
        let results = random.chance(15).then(|| self.word(RESULTS));
        let standby = random.chance(15);
        let mut case = Case {
            choices: Vec::new(),
            title: "A drawn case".to_owned(),
            requirements: Vec::new(),
            mapping: mapping.map(|name| self.word(name)),
            results,
            exams,
            endpoints: ENDPOINTS[..if standby { 2 } else { 0 }]
                .iter()
                .map(|name| self.word(name))
                .collect(),
            tls: random.chance(15).then(|| Tls { client: random.chance(30), ..Tls::default() }),
            script: Vec::new(),
            steps: None,
            expect: Expectation::default(),
        };
        self.script(&mut case, random);
        let connecting = case.script.iter().any(hits_connecting);
        if connecting || random.chance(80) {
            self.steps(&mut case, connecting, random);
        }
        // A sender that had written when its connection was ended cannot know that nothing
        // arrived, and must not write again.
        if connecting {
            let all: Vec<Word> = case.exams.iter().map(|exam| exam.name.clone()).collect();
            all.iter().for_each(|exam| at_most_once(&mut case, exam));
        }
        case
    }

    fn exams(&self, random: &mut Random) -> Vec<ExamEntry> {
        let named = |name: &str| ExamEntry {
            name: self.word(name),
            like: Some(self.word(name)),
            facts: None,
            same_order: false,
        };
        match random.below(100) {
            0..65 => vec![named(FIRST)],
            65..82 => vec![named(FIRST), named(OTHER)],
            82..96 => vec![named(FIRST), self.twin()],
            _ => vec![named(FIRST), self.twin(), named(OTHER)],
        }
    }

    /// The same procedure of the same patient, ordered a second time.
    fn twin(&self) -> ExamEntry {
        self.copy("twin", &[("number", "273014"), ("emr_number", "2017041014")])
    }

    /// The charge of the first exam taken back.
    fn credit(&self) -> ExamEntry {
        self.copy("credit", &[("number", "273013-1"), ("credits", "273013")])
    }

    /// The first exam under other numbers.
    fn copy(&self, name: &str, numbers: &[(&str, &str)]) -> ExamEntry {
        let key = |name: &str| Key { place: self.place.clone(), name: name.to_owned() };
        let node = |value| self.node(value);
        let text = |text: &str| node(Value::Text(text.to_owned()));
        let numbers = numbers.iter().map(|(fact, number)| (key(fact), text(number)));
        let facts = node(Value::Map(vec![(key("order"), node(Value::Map(numbers.collect())))]));
        ExamEntry {
            name: self.word(name),
            like: Some(self.word(FIRST)),
            facts: Some(facts),
            same_order: false,
        }
    }

    fn script(&self, case: &mut Case, random: &mut Random) {
        let count = match random.below(100) {
            0..15 => 0,
            15..65 => 1,
            65..92 => 2,
            _ => 3,
        };
        let mut targets = self.targets(case, random);
        for _ in 0..count {
            let Some(mut on) = random.take(&mut targets) else { return };
            let part = self.fault(case.tls.is_some(), random);
            match set_off_by(&part) {
                SetOff::Accept | SetOff::Handshake => {
                    on = On { connection: Some(1), ..On::default() };
                }
                SetOff::Message if !case.endpoints.is_empty() && random.chance(30) => {
                    let is_charge = on.exam.is_some() && on.kind.is_none();
                    let standby = is_charge && random.chance(50);
                    if standby {
                        case.script.push(self.shut(&on));
                    }
                    on.endpoint = Some(self.word(ENDPOINTS[usize::from(standby)]));
                }
                _ => {}
            }
            let is_message = set_off_by(&part) == SetOff::Message;
            let mut play = vec![part];
            if is_message && random.chance(8) {
                play.insert(0, Part::Wait(self.pause(random)));
            } else if is_message && random.chance(5) {
                play.push(Part::Wait(self.pause(random)));
                play.push(self.fault(case.tls.is_some(), random));
            }
            let times = random.chance(25).then_some(1);
            let place = self.place.clone();
            case.script.push(Reaction { place, on, play, times, optional: false });
        }
    }

    /// The first endpoint does not take the charge of this exam: nobody turns to the second one while
    /// it does.
    fn shut(&self, on: &On) -> Reaction {
        let endpoint = Some(self.word(ENDPOINTS[0]));
        let name = self.word(Fault::Connection(Connection::Refused).name());
        Reaction {
            place: self.place.clone(),
            on: On { exam: on.exam.clone(), endpoint, ..On::default() },
            play: vec![Part::Fault { name, with: Vec::new() }],
            times: None,
            optional: false,
        }
    }

    /// What behaviours can be about: no two of these are the same message, or the second one
    /// would never play.
    fn targets(&self, case: &Case, random: &mut Random) -> Vec<On> {
        // What comes between may be results, which no behaviour for charges is about.
        let charges = if case.results.is_some() { 1 } else { case.exams.len() };
        let charges = u32::try_from(charges).unwrap_or(1);
        if random.chance(20) {
            let message = |number| On { message: Some(number), ..On::default() };
            return (1..=charges).map(message).collect();
        }
        let mut targets = Vec::new();
        for exam in &case.exams {
            let exam = Some(exam.name.clone());
            let attempt = random.chance(25).then_some(1);
            targets.push(On { exam: exam.clone(), attempt, ..On::default() });
            if case.results.is_some() {
                targets.push(On { exam, kind: Some(MessageKind::Result), ..On::default() });
            }
        }
        targets
    }

    /// A fault of the catalogue; under TLS, those that only TLS has come more often.
    fn fault(&self, tls: bool, random: &mut Random) -> Part {
        let among = if tls && random.chance(25) { &self.of_tls } else { &self.faults };
        let mut fault = random.pick(among).copied().unwrap_or(Fault::Answer(Answer::None));
        if HEAVY.contains(&fault) && !random.chance(3) {
            fault = Fault::Answer(Answer::None);
        }
        // Mostly nothing else is there.
        if fault.nature().company != Company::Nobody && !random.chance(30) {
            fault = random.pick(among).copied().filter(|one| !HEAVY.contains(one)).unwrap_or(fault);
        }
        let mut with = Vec::new();
        for parameter in fault.reads() {
            let (often, value) = self.parameter(fault, *parameter, random);
            if random.chance(often)
                && let Some(value) = value
            {
                with.push(Given::new(self.word(parameter.name()), self.node(value)));
            }
        }
        Part::Fault { name: self.word(fault.name()), with }
    }

    /// How often, of a hundred times, a parameter is written, and its value.
    fn parameter(
        &self,
        fault: Fault,
        parameter: Parameter,
        random: &mut Random,
    ) -> (u64, Option<Value>) {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let number = |number: u64| Some(Value::Number(number.to_string()));
        match parameter {
            // Whoever is still listening does not find it late.
            Parameter::After if fault == Fault::Answer(Answer::Late) => {
                let late = self.ack_timeout + self.pause(random);
                (35, text(&format!("{}ms", late.as_millis())))
            }
            Parameter::After => (35, text(&format!("{}ms", self.pause(random).as_millis()))),
            Parameter::Bytes if fault == Fault::Connection(Connection::ResetAfterBytes) => {
                (70, number(1 + random.below(900)))
            }
            Parameter::Times | Parameter::Count => (30, number(1 + random.below(3))),
            Parameter::Code => {
                (30, random.pick(fault.codes()).and_then(|code| text(code.as_str())))
            }
            Parameter::Form => (60, random.pick(fault.forms()).and_then(|form| text(form))),
            Parameter::Cut if random.chance(50) => (6, text("half")),
            Parameter::Cut => (6, number(random.below(120))),
            // Words for a person, and sizes that are all the same to a sender.
            _ => (0, None),
        }
    }

    /// From nothing to three times the sender's patience, mostly near a moment that matters.
    fn pause(&self, random: &mut Random) -> Duration {
        const PERMILLE: &[u32] =
            &[2, 10, 50, 200, 500, 900, 980, 1_020, 1_100, 1_500, 2_000, 3_000];
        let permille = random.pick(PERMILLE).copied().unwrap_or(1_000);
        let millis = (self.ack_timeout * permille / 1_000).as_millis();
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX).max(1))
    }
}

/// Whether it plays when a connection is accepted, so that an exam of which nobody knows whether
/// it left may be lost with the connection.
fn hits_connecting(reaction: &Reaction) -> bool {
    reaction.play.first().is_some_and(|part| set_off_by(part).is_accept())
}

/// Whether it stands at an endpoint, whoever comes.
fn stands(reaction: &Reaction) -> bool {
    reaction.play.first().is_some_and(|part| set_off_by(part) == SetOff::Handover)
}

fn set_off_by(part: &Part) -> SetOff {
    match part {
        Part::Fault { name, .. } => {
            name.text.parse().map_or(SetOff::Message, |fault: Fault| fault.nature().set_off_by)
        }
        Part::Raw(_) | Part::Wait(_) | Part::End(_) => SetOff::Message,
    }
}

fn at_most_once(case: &mut Case, exam: &Word) {
    let charges = &mut case.expect.charges;
    if !charges.iter().any(|(name, _)| name.text == exam.text) {
        charges.push((exam.clone(), Charged::AtMostOnce));
    }
}
