//! Runs made by hand, for the tests of every report.

use crate::history::Micros;
use crate::verdict::{
    Attempt, CaseOutcome, Circumstance, FieldDifference, Finding, Held, Judgement, LeftOut, Moment,
    NotDone, Proof, Rule, RunOutcome, SnapshotSeen, Subject, Unjudged, Weight,
};

/// Every sample by its name.
pub(super) fn all() -> Vec<(&'static str, RunOutcome)> {
    vec![
        ("green", green()),
        ("duplicate", duplicate()),
        ("snapshot", snapshot()),
        ("inconclusive", inconclusive()),
        ("silent", silent()),
        ("nothing ran", nothing_ran()),
        ("interrupted", interrupted()),
        ("hostile", hostile()),
        ("skipped", left_out()),
        ("unjudged", unjudged()),
        ("not restarted", not_restarted()),
    ]
}

/// Three cases that hold.
pub(super) fn green() -> RunOutcome {
    run(vec![
        case("deliver/plain", &["exactly-as-agreed"], vec![]),
        case("once/late", &["once-per-order"], vec![]),
        case("once/reset", &["once-per-order", "recovers"], vec![]),
    ])
}

/// Three cases that hold, and three that the sender cannot be asked for.
pub(super) fn left_out() -> RunOutcome {
    let left = |id: &str, need: &str, why: &str| LeftOut {
        id: id.into(),
        need: need.into(),
        why: why.into(),
    };
    let ca = "the sender file names no `{ca}`";
    let left_out = vec![
        left("once/standby", "several endpoints", "the sender file names no `{endpoints}`"),
        left("tls/expired", "TLS", ca),
        left("tls/refused", "TLS", ca),
    ];
    RunOutcome { left_out, ..green() }
}

/// Two cases that pass and say nothing of one of their requirements, for two reasons, and an optional
/// entry that never played.
pub(super) fn unjudged() -> RunOutcome {
    let mut cases = vec![
        case("once/late", &["once-per-order", "accounts"], vec![]),
        case("once/reset", &["once-per-order", "accounts", "recovers"], vec![]),
    ];
    for case in &mut cases {
        let why = "the sender file names no `account`".into();
        case.judgement.unjudged = vec![Unjudged { what: Subject::Rule(Rule::Accounts), why }];
    }
    cases[0].judgement.idle = vec!["`answer/none` for john-doe, message 7".into()];
    run(cases)
}

/// Three cases that hold, of a sender that no case could restart.
pub(super) fn not_restarted() -> RunOutcome {
    let mut outcome = green();
    for case in &mut outcome.cases {
        case.judgement.not_done = vec![NotDone {
            step: "restart".into(),
            why: "the sender is not a case's to end".into(),
            unproven: "what it does with its charges after one".into(),
        }];
    }
    outcome
}

/// The same defect in six cases, and one that holds.
pub(super) fn duplicate() -> RunOutcome {
    let replies = ["reject", "error", "commit-reject", "commit-error", "junk", "wrong-id"];
    let mut cases: Vec<CaseOutcome> = replies
        .iter()
        .map(|reply| {
            let id = format!("once/rejected[reply={reply}]");
            case(&id, &["once-per-order"], vec![sent_twice()])
        })
        .collect();
    cases.push(case("deliver/plain", &["exactly-as-agreed"], vec![]));
    run(cases)
}

/// A message that is not as it was agreed, and one that nobody has approved yet.
pub(super) fn snapshot() -> RunOutcome {
    let differs = Finding {
        rule: Rule::Snapshot,
        weight: Weight::Broken,
        circumstance: Circumstance::Field("FT1[2]-26".into()),
        message: "the message of john-doe is not the approved one".into(),
        proof: Some(Proof {
            charge: "order 273013, exam john-doe".into(),
            attempts: vec![attempt(9, 101_000, 1, "20260101120000")],
            differences: vec![
                difference("FT1[2]-26", "TC~52", "TC"),
                difference("PV1-45", "20260101120000", ""),
                difference(
                    "FT1[3]",
                    "",
                    "FT1|3|273013||20260101120000|20260101120000|CG|92250^FUNDUS PHOTOGRAPHY WITH \
                     INTERPRETATION AND REPORT^CPT",
                ),
            ],
            ..Proof::default()
        }),
    };
    let pending = Finding {
        rule: Rule::Snapshot,
        weight: Weight::Pending,
        circumstance: Circumstance::SnapshotNotApproved,
        message: "the message of jane-roe has no approved snapshot".into(),
        proof: None,
    };
    let mut unseen = case("deliver/new", &["exactly-as-agreed"], vec![pending]);
    unseen.judgement.snapshots = vec![SnapshotSeen {
        name: "deliver/new/jane-roe".into(),
        text: "<VT>MSH|…".into(),
        approved: false,
    }];
    run(vec![unseen, case("deliver/plain", &["exactly-as-agreed"], vec![differs])])
}

/// A kill that was not proven, and a snapshot that waits.
pub(super) fn inconclusive() -> RunOutcome {
    let mut pending = snapshot().cases.swap_remove(0);
    pending.requirements.push("once-per-order".into());
    let open = Finding {
        rule: Rule::OncePerOrder,
        weight: Weight::Inconclusive,
        circumstance: Circumstance::KillNotProven,
        message: "the sender had exited by itself before it was killed, so order 273013 proves \
                  nothing about a kill"
            .into(),
        proof: None,
    };
    let mut cases = vec![
        pending,
        case("once/killed[at=end-of-message]", &["once-per-order"], vec![open]),
        case("once/late", &["once-per-order"], vec![]),
    ];
    cases[1].history = None;
    run(cases)
}

/// A sender that sends nothing.
pub(super) fn silent() -> RunOutcome {
    let finding = |rule, weight, circumstance, message: &str| Finding {
        rule,
        weight,
        circumstance,
        message: message.into(),
        proof: None,
    };
    let open = |circumstance, message| {
        finding(Rule::OncePerOrder, Weight::Inconclusive, circumstance, message)
    };
    let never = "the charge of order 273013 never came";
    let broken = finding(Rule::Delivers, Weight::Broken, Circumstance::HealthyEmr, never);
    let unsent = open(Circumstance::NothingSent, "no charge was attempted at all");
    let unplayed =
        open(Circumstance::FaultNotPlayed, "`answer/none` for john-doe was never played");
    let mut cases = vec![
        case("once/early", &["once-per-order"], vec![broken.clone(), unsent.clone()]),
        case("once/late", &["once-per-order"], vec![broken, unsent.clone(), unplayed]),
        case("once/refused", &["recovers"], vec![unsent]),
    ];
    for case in &mut cases {
        case.judgement.charges = 0;
    }
    run(cases)
}

/// No case at all.
pub(super) fn nothing_ran() -> RunOutcome {
    run(vec![])
}

/// One case that holds, and then a stop from outside.
pub(super) fn interrupted() -> RunOutcome {
    let cases = vec![case("once/late", &["once-per-order"], vec![])];
    RunOutcome { interrupted: true, ..run(cases) }
}

/// A sender that writes escape sequences, markup and control characters where it can.
pub(super) fn hostile() -> RunOutcome {
    let mut finding = sent_twice();
    finding.message =
        "order \u{1b}[32mPASS\u{1b}[0m <&\"'> ]]> \u{0}\u{fffe} was sent twice".into();
    let proof = finding.proof.get_or_insert_default();
    proof.attempts[1].control_id = "\u{1b}]0;owned\u{7}\r\nPASS".into();
    proof.differences = vec![difference("MSH-10", &"A".repeat(5_000), "\u{202e}\tB")];
    let mut bad = case("once/<&\">\u{1}", &["once-\u{b}per-order"], vec![finding]);
    bad.title = "\u{c}".into();
    RunOutcome { sender: "a \u{8}<sender> & co".into(), ..run(vec![bad]) }
}

fn run(cases: Vec<CaseOutcome>) -> RunOutcome {
    let sender = "reference".into();
    RunOutcome {
        sender,
        seed: 7,
        cases,
        left_out: vec![],
        not_chosen: 0,
        shard: None,
        took: Micros(4_200_000),
        interrupted: false,
    }
}

fn case(id: &str, requirements: &[&str], findings: Vec<Finding>) -> CaseOutcome {
    let held = |rule, times| Held { rule, times };
    let mut judgement = Judgement {
        held: vec![held(Rule::Delivers, 1), held(Rule::WireFraming, 3)],
        findings,
        unjudged: vec![],
        idle: vec![],
        watched: Micros(1_200_000),
        not_done: vec![],
        charges: 3,
        snapshots: vec![],
    };
    if judgement.findings.is_empty() {
        judgement.held.push(held(Rule::OncePerOrder, 3));
        if requirements.contains(&"recovers") && !requirements.contains(&"accounts") {
            judgement.held.push(held(Rule::Recovers, 1));
        }
    }
    CaseOutcome {
        id: id.into(),
        title: "A title".into(),
        requirements: requirements.iter().map(|&word| word.into()).collect(),
        judgement,
        took: Micros(1_400_000),
        tries: 1,
        history: Some(format!("chargeproof-out/{id}.jsonl")),
        repeat: format!("chargeproof run '{id}' --seed 7"),
    }
}

fn sent_twice() -> Finding {
    Finding {
        rule: Rule::OncePerOrder,
        weight: Weight::SentTwice,
        circumstance: Circumstance::Fault("answer/reject".into()),
        message: "order 273013 was sent twice".into(),
        proof: Some(Proof {
            charge: "order 273013, exam john-doe, 92250 CG, 92000035 TC".into(),
            attempts: vec![
                attempt(9, 412_000, 1, "20260101120000"),
                attempt(14, 615_000, 2, "20260101120001"),
            ],
            between: vec![Moment {
                event: 11,
                at: Micros(413_000),
                what: "the EMR answered AR (answer/reject)".into(),
            }],
            differences: vec![difference("MSH-10", "20260101120000", "20260101120001")],
        }),
    }
}

fn attempt(event: u64, at: u64, connection: u32, control_id: &str) -> Attempt {
    Attempt {
        event,
        at: Micros(at),
        connection,
        endpoint: "emr".into(),
        incarnation: 1,
        bytes: 1204,
        complete: true,
        control_id: control_id.into(),
    }
}

fn difference(path: &str, expected: &str, found: &str) -> FieldDifference {
    FieldDifference { path: path.into(), expected: expected.into(), found: found.into() }
}
