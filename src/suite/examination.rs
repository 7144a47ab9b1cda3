//! What a trial run of a sender shows, in the order in which things can go wrong: the first thing
//! that is wrong, and what to try about it.
//!
//! Reads the history of a run of two probes with a restart between them. Does **not** run anything,
//! and is no verdict: that is the judge's.

use crate::history::{Accounted, History, Outcome, Piece, What};
use crate::plan::{Lifetime, Plan};
use crate::verdict::{Circumstance, Finding, Judgement, Rule, Weight};

/// What was found, up to the first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The steps that were looked at.
    pub steps: Vec<Examination>,
    /// The last lines that the sender printed, where they were asked for.
    pub printed: Vec<String>,
}

/// One step of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// What the sender is to do, as in `starts`.
    pub what: &'static str,
    /// What it did, or what is wrong.
    pub found: Result<String, Symptom>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// What.
    pub what: String,
    /// What to try next.
    pub next: String,
}

impl Examined {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.steps.iter().all(|step| step.found.is_ok())
    }
}

/// Looks at the trial of `plan`.
#[must_use]
pub fn examine(plan: &Plan, history: &History, judgement: &Judgement) -> Examined {
    let trial = Trial { plan, history, judgement };
    let looks: [(&'static str, Look<'_>); 8] = [
        ("starts", Trial::starts),
        ("stays up", Trial::stays_up),
        ("connects", Trial::connects),
        ("sends a charge", Trial::sends),
        ("as agreed", Trial::as_agreed),
        ("accounts", Trial::accounts),
        ("stops", Trial::stops),
        ("keeps its state", Trial::keeps_state),
    ];
    let mut steps = Vec::new();
    for (what, look) in looks {
        let found = look(&trial);
        let wrong = found.is_err();
        steps.push(Examination { what, found });
        if wrong {
            break;
        }
    }
    let printed = trial.events().filter_map(|what| match what {
        What::SenderSaid { lines, .. } => Some(lines.clone()),
        _ => None,
    });
    Examined { steps, printed: printed.flatten().collect() }
}

type Found = Result<String, Symptom>;

type Look<'a> = fn(&Trial<'a>) -> Found;

struct Trial<'a> {
    plan: &'a Plan,
    history: &'a History,
    judgement: &'a Judgement,
}

impl Trial<'_> {
    fn starts(&self) -> Found {
        let failed = self.events().find_map(|what| match what {
            What::SenderFailed { why, .. } => Some(why.clone()),
            _ => None,
        });
        match failed {
            Some(why) if why.starts_with("it was not ready") => Err(wrong(
                why,
                "if it is only slow to start, give it longer, as in `ready: { …, within: 60s }`; \
                 --show-output shows what it prints",
            )),
            Some(why) => Err(wrong(
                why,
                "start it by hand with the command of its file; --show-output shows what it prints",
            )),
            // An exam is handed over to who is ready.
            None if self.count(|what| matches!(what, What::Submitted { .. })) == 0 => Err(wrong(
                "it was not there any more, or not ready, when it was to be given an exam".into(),
                "start it by hand with the command of its file; --show-output shows what it prints",
            )),
            None if self.plan.sender.driving.ready.is_some() && self.has_started() => {
                Ok("it was ready in time".into())
            }
            None => Ok("it was started".into()),
        }
    }

    fn stays_up(&self) -> Found {
        let message = self.finding(Rule::SenderStaysUp);
        message.map_or(Ok("it ran until it was asked to stop".into()), |message| {
            Err(wrong(message, "--show-output shows the last lines that it printed"))
        })
    }

    fn connects(&self) -> Found {
        match self.count(|what| matches!(what, What::Opened { .. })) {
            0 if let Some(why) = self.not_accepted() => Err(wrong(
                why,
                "is it fed in the way, and at the address, at which it takes exams (`feed`)?",
            )),
            0 => Err(wrong(
                "no connection was made to the EMR".into(),
                if self.plan.sender.driving.ready.is_none() {
                    "does it know where the EMR is ({host}, {port}), and did it take the exam (`feed`)? \
                     If it is slow to start, name what shows that it is ready: `ready: { line: … }`"
                } else {
                    "does it know where the EMR is ({host}, {port}), and did it take the exam (`feed`)?"
                },
            )),
            1 => Ok("1 connection".into()),
            count => Ok(format!("{count} connections")),
        }
    }

    fn sends(&self) -> Found {
        let frames = self.count(|what| matches!(what, What::Received { piece: Piece::Frame, .. }));
        let bytes = self.count(|what| matches!(what, What::Received { .. }));
        let in_tls = |one: &&Finding| one.circumstance == Circumstance::TlsOnPlainEndpoint;
        if let Some(finding) = self.judgement.findings.iter().find(in_tls) {
            return Err(wrong(
                finding.message.clone(),
                "let it speak plain MLLP here; with `{ca}` in its file it gets cases under TLS as well",
            ));
        }
        match (frames, bytes) {
            (0, 0) => Err(wrong(
                "it connected and sent nothing".into(),
                "does it take exams in the form that `feed` hands over?",
            )),
            (0, _) => Err(wrong(
                "what it sent was no MLLP frame".into(),
                "a message is put between <VT> and <FS><CR>",
            )),
            _ => match self.finding(Rule::Delivers).or_else(|| self.finding(Rule::Recovers)) {
                Some(message) => Err(wrong(
                    message,
                    "the identity of the order is where its mapping says: set `mapping`",
                )),
                None if frames == 1 => Ok("1 message, acknowledged by the EMR".into()),
                None => Ok(format!("{frames} messages, each acknowledged by the EMR")),
            },
        }
    }

    fn as_agreed(&self) -> Found {
        let rules = [
            Rule::WireFraming,
            Rule::WireSegments,
            Rule::WireEscapes,
            Rule::WireControlIds,
            Rule::WireInFlight,
        ];
        let message = rules.into_iter().find_map(|rule| self.finding(rule));
        message.map_or(Ok("framing, segments, escapes and control ids".into()), |message| {
            Err(wrong(message, "`chargeproof explain` says what each wire rule wants"))
        })
    }

    fn accounts(&self) -> Found {
        if self.plan.sender.account.is_none() {
            return Ok("not asked: its file names no `account`".into());
        }
        let failed = self.events().find_map(|what| match what {
            What::NoAccount { why } => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = failed {
            return Err(wrong(
                why,
                "it prints one object a line: {\"order\":\"1\",\"outcome\":\"delivered\"}",
            ));
        }
        let first = self.order(0);
        match self.accounts_told().next().and_then(|told| of_order(told, &first)) {
            Some(Outcome::Delivered) => Ok(format!("order {first} is `delivered`")),
            Some(_) => Err(wrong(
                format!("order {first} was acknowledged, and is not `delivered` in its account"),
                "did the sender read the acknowledgement (AA, with its own MSH-10 in MSA-2)?",
            )),
            None => Err(wrong(
                format!("its account does not name order {first}"),
                "`order` is the order's number as it was given to the sender",
            )),
        }
    }

    fn stops(&self) -> Found {
        // Also what is open, as after a time in which it got no processor, is not seen to be well.
        let found = self.judgement.findings.iter().find(|one| one.rule == Rule::SenderStops);
        found
            .map(|finding| finding.message.clone())
            .map_or(Ok("in time, and leaves nothing behind".into()), |message| {
                Err(wrong(message, "set `stop`, or give it longer by `limits: { stop: … }`"))
            })
    }

    fn keeps_state(&self) -> Found {
        if let Some(message) = self.finding(Rule::OncePerOrder) {
            return Err(wrong(
                message,
                "what was sent must be on disk (`{state}`) before it is sent",
            ));
        }
        if self.plan.sender.driving.life == Lifetime::Exam {
            return Ok("nothing to keep: each exam has a process of its own".into());
        }
        let first = self.order(0);
        match self.accounts_told().last() {
            Some(told) if of_order(told, &first).is_none() => Err(wrong(
                format!("after a restart its account does not name order {first} any more"),
                "what must outlive a restart belongs into `{state}`",
            )),
            Some(_) => Ok(format!("it still knows order {first} after a restart")),
            None => Ok("it sent nothing again after a restart".into()),
        }
    }

    /// Whether it was ready before it was gone.
    fn has_started(&self) -> bool {
        self.count(|what| matches!(what, What::SenderStarted { .. })) > 0
    }

    /// Why an exam may not have been taken.
    fn not_accepted(&self) -> Option<String> {
        self.events().find_map(|what| match what {
            What::NotAccepted { why, .. } => Some(why.clone()),
            _ => None,
        })
    }

    fn events(&self) -> impl Iterator<Item = &What> {
        self.history.events.iter().map(|event| &event.what)
    }

    fn count(&self, is_meant: impl Fn(&What) -> bool) -> usize {
        self.events().filter(|what| is_meant(what)).count()
    }

    fn accounts_told(&self) -> impl Iterator<Item = &[Accounted]> {
        self.events().filter_map(|what| match what {
            What::Account { charges, .. } => Some(charges.as_slice()),
            _ => None,
        })
    }

    /// What a rule found that is no mere lack of evidence.
    fn finding(&self, rule: Rule) -> Option<String> {
        let found = self.judgement.findings.iter();
        let mut found = found.filter(|one| one.rule == rule && one.weight > Weight::Inconclusive);
        found.next().map(|finding| finding.message.clone())
    }

    /// The number of the order of a probe.
    fn order(&self, probe: usize) -> String {
        let exam = self.plan.expect.probes.get(probe).and_then(|name| self.plan.exams.get(name));
        exam.map(|exam| exam.order.number.clone()).unwrap_or_default()
    }
}

fn of_order(told: &[Accounted], order: &str) -> Option<Outcome> {
    told.iter().find(|one| one.order == order).map(|one| one.outcome)
}

fn wrong(what: String, next: &str) -> Symptom {
    Symptom { what, next: next.to_owned() }
}
