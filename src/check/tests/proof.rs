//! A fault counts as played if the history shows it, whoever says so.

use rstest::rstest;

use crate::check::tests::fixture::{Case, ack, changed, control_id, inconclusive};
use crate::history::{End, Micros, Outcome, Pause, Piece, Raw, Shown, Side, TlsVersion, What};
use crate::plan::fault::{self, Answer, Connection, Frame};
use crate::plan::{ClientCertificate, Cut, Fault, Parameters, Play, Tls};
use crate::verdict::Circumstance;

use Seen::{Failed, Greeting, HungUp, Plain, Took, Truncated, Waited, Wrote};
use Side::{Emr, Sender};

/// A case whose script plays `play` for john-doe, up to the message that sets it off.
struct Stage {
    case: Case,
    message: Vec<u8>,
    to: u64,
}

impl Stage {
    fn playing(play: Vec<Play>) -> Self {
        let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
        case.plan.script[0].play = play;
        case.submit("john-doe");
        let message = case.message("john-doe");
        let to = case.send(1, &message);
        Self { case, message, to }
    }

    fn of(fault: Fault, with: Parameters) -> Self {
        Self::playing(vec![Play::Fault { fault, with }])
    }

    fn ack(&self, code: &str) -> Vec<u8> {
        ack(code, &control_id(&self.message))
    }

    /// The EMR writes, with pauses of so many milliseconds after so many bytes.
    fn reply(&mut self, name: &str, bytes: &[u8], pauses: &[(u64, u64)]) {
        self.case.pause(1);
        let began = Micros(self.case.now().0);
        for (_, lasted) in pauses {
            self.case.pause(*lasted);
        }
        let pauses = pauses.iter();
        let pauses = pauses.map(|(after, ms)| Pause { after: *after, lasted: Micros(ms * 1000) });
        let pauses: Vec<Pause> = pauses.collect();
        self.case.push(What::Replied {
            connection: 1,
            to: Some(self.to),
            name: name.to_owned(),
            bytes: Raw::from(bytes),
            length: None,
            began,
            writes: pauses.len() as u32 + 1,
            pauses,
            complete: true,
        });
    }

    /// What the case lacks, if the EMR now says that it has played its script.
    fn missing(mut self, name: &str) -> Option<String> {
        self.case.push(What::Played { behaviour: 0, name: name.to_owned(), connection: Some(1) });
        self.case.open(2, 1);
        let judgement = self.case.ended(2, Outcome::Unknown).judge();
        let told =
            judgement.findings.iter().find(|one| one.circumstance == Circumstance::FaultNotPlayed);
        told.map(|one| one.message.clone())
    }
}

fn after(milliseconds: u64) -> Parameters {
    Parameters { after: Some(Micros(milliseconds * 1000)), ..Parameters::default() }
}

/// Whether the case is inconclusive because `fault` was not played, where the EMR says that it
/// was and the history has `traces` of it.
fn is_doubted(fault: Fault, traces: &[What]) -> bool {
    let mut stage = Stage::of(fault, Parameters::default());
    for trace in traces {
        stage.case.push(trace.clone());
    }
    stage.missing(fault.name()).is_some()
}

#[test]
fn no_fault_is_believed_without_a_trace_of_it() {
    for &fault in Fault::ALL {
        // Whose sign it is that the EMR wrote nothing.
        let silence = fault == Fault::Answer(Answer::None);
        assert_eq!(is_doubted(fault, &[]), !silence, "{fault}");
    }
}

#[test]
fn no_fault_of_the_answer_is_believed_where_the_plain_acceptance_left() {
    let accepts = [
        Fault::Answer(Answer::Accept),
        Fault::Answer(Answer::FailThenAccept), // from some attempt on
    ];
    for &fault in Fault::ALL {
        let mut stage = Stage::of(fault, Parameters::default());
        let plain = plain(&stage.message);
        stage.reply(fault.name(), &plain, &[]);
        let believed = stage.missing(fault.name()).is_none();
        // Without parameters there is nothing to wait for.
        let at_once = matches!(fault, Fault::Answer(Answer::Slow));
        assert_eq!(believed, accepts.contains(&fault) || at_once, "{fault}");
    }
}

/// Each complains of what makes it this fault: a refusal that complains of something else, or of
/// nothing, is another. The codes are those of HL7 table 0357.
#[rstest]
#[case::locked(Fault::Answer(Answer::Locked), "AE", 206)]
#[case::duplicate_control_id(Fault::Answer(Answer::DuplicateControlId), "AR", 207)]
#[case::min_gap(Fault::Connection(Connection::MinGap), "AR", 207)]
fn a_refusal_is_believed_by_what_it_complains_of(
    #[case] fault: Fault,
    #[case] code: &str,
    #[case] error: u16,
) {
    let told = |version: &str, with: Parameters, err: &str| {
        // The probe before it came no 10 s ago.
        let with = Parameters { after: Some(Micros(10_000_000)), ..with };
        let mut stage = Stage::of(fault, with);
        stage.message = changed(&stage.message, "|P|2.4", &format!("|P|{version}"));
        let answer = stage.ack(code);
        let answer = changed(&answer, "\u{1c}", &format!("{err}\u{1c}"));
        stage.reply(fault.name(), &answer, &[]);
        stage.missing(fault.name())
    };
    let usual = Parameters::default;
    let old = format!("ERR|PID^1^3^{error}\r");
    let new = format!("ERR||PID^1^3|{error}^Words^HL70357|E\r");
    assert_eq!(told("2.4", usual(), &old), None);
    assert_eq!(told("2.5", usual(), &new), None);
    let wanted = format!("of the message with the error {error}");
    for err in ["", "ERR|PID^1^3^103\r", "ERR||PID^1^3|103^Words^HL70357|E\r", "ERR|206\r"] {
        assert_told(told("2.4", usual(), err), Some(&wanted));
    }
    // Its author may want it to complain of something else.
    let asked = || Parameters { error: Some(103), ..usual() };
    assert_eq!(told("2.4", asked(), "ERR|PID^1^3^103\r"), None);
    assert_told(told("2.4", asked(), &old), Some("with the error 103"));
}

#[test]
fn a_refusal_that_is_to_complain_of_something_is_believed_if_it_does() {
    for (err, believed) in [("ERR|PID^1^3^204\r", true), ("ERR|FT1^1^7^103\r", false)] {
        let with = Parameters { error: Some(204), ..Parameters::default() };
        let mut stage = Stage::of(Fault::Answer(Answer::Reject), with);
        let answer = changed(&stage.ack("AR"), "\u{1c}", &format!("{err}\u{1c}"));
        stage.reply("answer/reject", &answer, &[]);
        assert_eq!(stage.missing("answer/reject").is_none(), believed, "{err}");
    }
}

/// What a healthy EMR answers.
fn plain(message: &[u8]) -> Vec<u8> {
    let answer = crate::hl7::ack::Answer {
        code: crate::hl7::ack::Code::AA,
        text: String::new(),
        error: None,
        control_id: "EMR1".to_owned(),
        at: "20170410151400".to_owned(),
    };
    [b"\x0b", &answer.to(&crate::hl7::Message::read(message))[..], b"\x1c\r"].concat()
}

fn ended(connection: u32, how: End) -> What {
    What::EndedByEmr { connection, how }
}

#[rstest]
#[case::reset(
    Fault::Connection(Connection::ResetBeforeReply),
    ended(1, End::Reset),
    ended(1, End::Close)
)]
#[case::elsewhere(
    Fault::Connection(Connection::ResetBeforeReply),
    ended(1, End::Reset),
    ended(7, End::Reset)
)]
#[case::close(
    Fault::Connection(Connection::CloseBeforeReply),
    ended(1, End::Close),
    ended(1, End::HalfClose)
)]
#[case::lost(Fault::Answer(Answer::AcceptLost), ended(1, End::Close), ended(1, End::Reset))]
#[case::half_close(
    Fault::Connection(Connection::HalfClose),
    ended(1, End::HalfClose),
    ended(1, End::Close)
)]
fn an_end_is_believed_if_it_was_this_one_on_this_connection(
    #[case] fault: Fault,
    #[case] trace: What,
    #[case] other: What,
) {
    assert!(!is_doubted(fault, std::slice::from_ref(&trace)), "it is there");
    assert!(is_doubted(fault, &[other]), "something else is there");
    let mut stage = Stage::of(fault, Parameters::default());
    let answer = stage.ack("AA");
    stage.reply("answer/accept", &answer, &[]);
    stage.case.push(trace);
    assert!(stage.missing(fault.name()).is_some(), "the message was answered before");
}

fn at(endpoint: &str) -> String {
    endpoint.to_owned()
}

fn down(endpoint: &str) -> What {
    What::Listening { endpoint: at(endpoint), up: false }
}

#[rstest]
#[case::refused(
    Fault::Connection(Connection::Refused),
    vec![down("emr"), What::RefusalSeen { endpoint: at("emr") }],
    vec![down("other"), What::RefusalSeen { endpoint: at("other") }],
)]
#[case::still_listening(
    Fault::Connection(Connection::Refused),
    vec![down("emr"), What::RefusalSeen { endpoint: at("emr") }],
    vec![down("emr")],
)]
#[case::black_hole(
    Fault::Connection(Connection::Blackhole),
    vec![What::SilenceSeen { endpoint: at("emr"), waited: Micros(200_000) }],
    vec![What::SilenceSeen { endpoint: at("other"), waited: Micros(200_000) }],
)]
#[case::restart(
    Fault::Connection(Connection::Restart),
    vec![down("emr"), ended(1, End::Close), What::RefusalSeen { endpoint: at("emr") }],
    vec![down("emr"), ended(1, End::Reset), What::RefusalSeen { endpoint: at("emr") }],
)]
#[case::taken_over(
    Fault::Connection(Connection::StealSession),
    vec![What::Visited { endpoint: at("emr") }, ended(1, End::Close)],
    vec![What::Visited { endpoint: at("other") }, ended(1, End::Close)],
)]
#[case::not_read(
    Fault::Connection(Connection::NoRead),
    vec![reading(false, 0), reading(true, 5)],
    vec![reading(false, 0), reading(true, 0)],
)]
fn what_happened_to_an_endpoint_is_believed_of_that_endpoint(
    #[case] fault: Fault,
    #[case] traces: Vec<What>,
    #[case] others: Vec<What>,
) {
    assert!(!is_doubted(fault, &traces), "it is there");
    assert!(is_doubted(fault, &others), "something else is there");
}

/// A sender may be so quick that its first bytes are there when the EMR hangs up on it.
#[rstest]
#[case::nothing_sent(None, None)]
#[case::sent_at_once(Some(0), None)]
#[case::sent_and_read(Some(30), Some("something had come before"))]
fn a_connection_that_was_ended_on_accept_is_believed_if_it_was_at_once(
    #[case] sent: Option<u64>,
    #[case] missing: Option<&str>,
) {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::AcceptReset));
    case.submit("john-doe");
    case.open(2, 1);
    if let Some(pause) = sent {
        let message = case.message("john-doe");
        case.send(2, &message);
        case.pause(pause);
    }
    case.end(2, End::Reset);
    case.played(2, Fault::Connection(Connection::AcceptReset));
    case.open(3, 1);
    let judgement = case.ended(3, Outcome::Unknown).judge();
    let told =
        judgement.findings.iter().find(|one| one.circumstance == Circumstance::FaultNotPlayed);
    assert_told(told.map(|one| one.message.clone()), missing);
}

/// A connection that was ended before is not beside the one that was turned away.
#[rstest]
#[case::open(None, None)]
#[case::half_closed(Some(End::HalfClose), None)]
#[case::closed(Some(End::Close), Some("0 other connections were open"))]
#[case::reset(Some(End::Reset), Some("0 other connections were open"))]
fn a_connection_too_many_is_believed_beside_the_others(
    #[case] first: Option<End>,
    #[case] missing: Option<&str>,
) {
    let with = Parameters { count: Some(1), ..Parameters::default() };
    let mut case = Case::begun().scripted(Fault::Connection(Connection::MaxConnections));
    case.plan.script[0].play =
        vec![Play::Fault { fault: Fault::Connection(Connection::MaxConnections), with }];
    if let Some(how) = first {
        case.end(1, how);
    }
    case.open(2, 1);
    case.end(2, End::Close);
    case.played(2, Fault::Connection(Connection::MaxConnections));
    case.open(3, 1);
    let judgement = case.ended(3, Outcome::Unknown).judge();
    let told =
        judgement.findings.iter().find(|one| one.circumstance == Circumstance::FaultNotPlayed);
    assert_told(told.map(|one| one.message.clone()), missing);
}

fn reading(on: bool, waiting: u64) -> What {
    What::Reading { connection: 1, on, waiting }
}

#[rstest]
#[case::too_soon(499, Some("after 499 ms and not after 500 ms"))]
#[case::late(500, None)]
fn an_answer_was_late_if_it_began_so_long_after_the_message(
    #[case] delay: u64,
    #[case] missing: Option<&str>,
) {
    let mut stage = Stage::of(Fault::Answer(Answer::Late), after(500));
    let answer = stage.ack("AA");
    stage.case.pause(delay - 1);
    stage.reply("answer/late", &answer, &[]);
    assert_told(stage.missing("answer/late"), missing);
}

#[test]
fn an_answer_was_not_late_before_the_sender_s_timeout() {
    let mut stage = Stage::of(Fault::Answer(Answer::Late), after(100));
    let answer = stage.ack("AA");
    stage.case.pause(200);
    stage.reply("answer/late", &answer, &[]);
    assert_told(stage.missing("answer/late"), Some("the timeout is 300 ms"));
}

#[rstest]
#[case::too_soon(269, Some("after 269 ms and not after 270 ms"))]
#[case::just_in_time(290, None)]
#[case::harness_late(970, Some("the harness acted 701 ms late"))]
fn an_answer_was_slow_if_it_came_just_in_time(#[case] delay: u64, #[case] missing: Option<&str>) {
    let mut stage = Stage::of(Fault::Answer(Answer::Slow), after(270));
    let answer = stage.ack("AA");
    stage.case.pause(delay - 1);
    stage.reply("answer/slow", &answer, &[]);
    assert_told(stage.missing("answer/slow"), missing);
}

#[track_caller]
fn assert_told(told: Option<String>, expected: Option<&str>) {
    match (told, expected) {
        (None, None) => {}
        (Some(told), Some(expected)) => assert!(told.contains(expected), "{told}"),
        (told, expected) => panic!("{told:?}, and not {expected:?}"),
    }
}

/// A pause lies where it should, and lasts as long as it should.
#[rstest]
#[case(Fault::Frame(Frame::HeaderFirst), 1, 2)]
#[case(Fault::Frame(Frame::CrLate), -1, -2)]
#[case(Fault::Frame(Frame::TrailerLate), -2, -1)]
fn a_pause_inside_the_frame_is_believed_where_it_was(
    #[case] fault: Fault,
    #[case] place: i64,
    #[case] other: i64,
) {
    for (place, lasted, believed) in [(place, 75, true), (place, 74, false), (other, 75, false)] {
        let mut stage = Stage::of(fault, after(75));
        let answer = stage.ack("AA");
        let from = if place < 0 { answer.len() as i64 } else { 0 };
        stage.reply(fault.name(), &answer, &[((from + place) as u64, lasted)]);
        assert_eq!(stage.missing(fault.name()).is_none(), believed, "{fault} {place} {lasted}");
    }
}

#[rstest]
#[case::both(&["CA", "AA"], 100, None)]
#[case::one(&["CA"], 100, Some("does not say AA"))]
#[case::other(&["CA", "AE"], 100, Some("does not say AA"))]
#[case::too_soon(&["CA", "AA"], 99, Some("lasted 99 ms and not 100 ms"))]
fn two_answers_are_believed_in_their_order(
    #[case] codes: &[&str],
    #[case] gap: u64,
    #[case] missing: Option<&str>,
) {
    let mut stage = Stage::of(Fault::Answer(Answer::CommitThenAccept), after(100));
    let said: Vec<Vec<u8>> = codes.iter().map(|code| stage.ack(code)).collect();
    let pause = (said[0].len() as u64, gap);
    stage.reply("answer/commit-then-accept", &said.concat(), &[pause]);
    assert_told(stage.missing("answer/commit-then-accept"), missing);
}

/// Single bytes, `gap` ms apart, over so many ms in all.
#[rstest]
#[case::to_the_end(150, 4, None)]
#[case::over_too_soon(100, 2, Some("the timeout is 300 ms"))]
#[case::too_fast(100, 4, Some("were not 150 ms apart"))]
fn a_drip_is_believed_if_it_spanned_the_timeout(
    #[case] gap: u64,
    #[case] gaps: u64,
    #[case] missing: Option<&str>,
) {
    let mut stage = Stage::of(Fault::Frame(Frame::Drip), after(150));
    let bytes = stage.ack("AA");
    let pauses: Vec<(u64, u64)> = (1..=gaps).map(|after| (after, gap)).collect();
    stage.reply("frame/drip", &bytes[..=gaps as usize], &pauses);
    assert_told(stage.missing("frame/drip"), missing);
}

/// Another message has come at the endpoint `at`, and then the answer to the first one.
#[rstest]
#[case::there("emr", None)]
#[case::elsewhere("standby", Some("no other message had come"))]
fn an_answer_after_the_next_message_is_believed_where_that_came(
    #[case] at: &str,
    #[case] missing: Option<&str>,
) {
    let mut stage = Stage::of(Fault::Answer(Answer::LateAfterNext), Parameters::default());
    let (connection, incarnation) = (3, 1);
    stage.case.push(What::Opened { connection, endpoint: at.to_owned(), incarnation });
    let probe = stage.case.message("probe-2");
    let next = stage.case.send(3, &probe);
    let answer = stage.ack("AA");
    stage.reply("answer/late-after-next", &answer, &[]);
    stage.case.answer(3, next, "AA", &probe);
    assert_told(stage.missing("answer/late-after-next"), missing);
}

/// A CA, then nothing: the connection stays as it is for as long as the sender waits.
#[rstest]
#[case::open(None, None)]
#[case::too_soon(Some(100), Some("ended the connection before the timeout"))]
#[case::late(Some(400), None)]
fn silence_behind_an_answer_is_believed_while_the_connection_stays(
    #[case] end_after: Option<u64>,
    #[case] missing: Option<&str>,
) {
    let play = [Fault::Answer(Answer::CommitAccept), Fault::Answer(Answer::None)];
    let play = play.map(|fault| Play::Fault { fault, with: Parameters::default() });
    let mut stage = Stage::playing(play.to_vec());
    let answer = stage.ack("CA");
    stage.reply("answer/commit-accept", &answer, &[]);
    stage.case.played(1, Fault::Answer(Answer::CommitAccept));
    if let Some(delay) = end_after {
        stage.case.pause(delay);
        stage.case.push(ended(1, End::Close));
    }
    let judgement = stage.case.ended(1, Outcome::Unknown).judge();
    let told =
        judgement.findings.iter().find(|one| one.circumstance == Circumstance::FaultNotPlayed);
    assert_told(told.map(|one| one.message.clone()), missing);
}

/// A CA, then 100 ms, then an AA that is late by itself: it counts when that began.
#[rstest]
#[case::late(500, None)]
#[case::too_soon(150, Some("the timeout is 300 ms"))]
fn a_late_answer_behind_another_is_late_by_its_own_words(
    #[case] delay: u64,
    #[case] missing: Option<&str>,
) {
    let mut stage = Stage::playing(vec![
        Play::Fault { fault: Fault::Answer(Answer::CommitAccept), with: Parameters::default() },
        Play::Wait(Micros(100_000)),
        Play::Fault { fault: Fault::Answer(Answer::Late), with: after(delay) },
    ]);
    let said = ["CA", "AA"].map(|code| stage.ack(code));
    let place = said[0].len() as u64;
    stage.reply("answer/commit-accept", &said.concat(), &[(place, 100), (place, delay)]);
    assert_told(stage.missing("answer/commit-accept"), missing);
}

#[test]
fn a_slow_answer_is_not_blamed_for_the_script_s_own_pause() {
    let slow = Play::Fault { fault: Fault::Answer(Answer::Slow), with: after(270) };
    let mut stage = Stage::playing(vec![Play::Wait(Micros(300_000)), slow]);
    let answer = stage.ack("AA");
    stage.case.pause(569);
    stage.reply("answer/slow", &answer, &[]);
    assert_told(stage.missing("answer/slow"), None);
}

/// A CA, then 300 ms, then half an AA, then a reset.
#[rstest]
#[case::all(&[], None)]
#[case::other_code(&["code"], Some("does not say CA"))]
#[case::no_pause(&["pause"], Some("no pause inside"))]
#[case::no_half(&["half"], Some("a part of it is missing"))]
#[case::no_reset(&["reset"], Some("by a reset"))]
#[case::nothing_left(&["complete"], Some("not all of it left"))]
fn a_list_is_believed_part_by_part(#[case] without: &[&str], #[case] missing: Option<&str>) {
    let half = Parameters { cut: Some(Cut::Half), ..Parameters::default() };
    let mut stage = Stage::playing(vec![
        Play::Fault { fault: Fault::Answer(Answer::CommitAccept), with: Parameters::default() },
        Play::Wait(Micros(300_000)),
        Play::Fault { fault: Fault::Answer(Answer::Accept), with: half },
        Play::End(End::Reset),
    ]);
    let has = |part: &str| !without.contains(&part);
    let commit = stage.ack(if has("code") { "CA" } else { "CE" });
    let accept = stage.ack("AA");
    let rest = if has("half") { &accept[..accept.len() / 2] } else { &[] };
    let pause = (commit.len() as u64, 300);
    let pauses = if has("pause") { vec![pause] } else { Vec::new() };
    stage.reply("answer/commit-accept", &[&commit, rest].concat(), &pauses);
    if !has("complete")
        && let Some(What::Replied { complete, .. }) =
            stage.case.events.last_mut().map(|event| &mut event.what)
    {
        *complete = false;
    }
    if has("reset") {
        stage.case.push(ended(1, End::Reset));
    }
    assert_told(stage.missing("answer/commit-accept"), missing);
}

/// MSH-15 and MSH-16 ask for no acceptance, so that only the end is left to be seen.
#[rstest]
#[case::as_asked(End::Reset, None)]
#[case::other(End::HalfClose, Some("by a reset"))]
fn an_end_behind_an_answer_that_is_not_due_is_believed_if_it_was_this_one(
    #[case] how: End,
    #[case] missing: Option<&str>,
) {
    let accept = Play::Fault { fault: Fault::Answer(Answer::Accept), with: Parameters::default() };
    let mut case = Case::begun().scripted(Fault::Answer(Answer::None));
    case.plan.script[0].play = vec![accept, Play::End(End::Reset)];
    case.submit("john-doe");
    let message = String::from_utf8(case.message("john-doe")).unwrap();
    let asking = message.replacen("|P|2.4", "|P|2.4|||ER|NE", 1);
    assert_ne!(asking, message);
    let message = asking.into_bytes();
    let to = case.send(1, &message);
    let mut stage = Stage { case, message, to };
    stage.case.push(ended(1, how));
    assert_told(stage.missing("answer/accept"), missing);
}

#[rstest]
#[case::as_written(b"\x02abc\x03", 50, None)]
#[case::other(b"\x02abd\x03", 50, Some("other bytes"))]
#[case::at_once(b"\x02abc\x03", 48, Some("after 49 ms and not after 50 ms"))]
fn raw_bytes_are_believed_byte_for_byte_after_their_pause(
    #[case] bytes: &[u8],
    #[case] delay: u64,
    #[case] missing: Option<&str>,
) {
    let raw = Play::Raw(Raw::from(&b"\x02abc\x03"[..]));
    let mut stage = Stage::playing(vec![Play::Wait(Micros(50_000)), raw]);
    stage.case.pause(delay);
    stage.reply("raw", bytes, &[]);
    assert_told(stage.missing("raw"), missing);
}

#[test]
fn silence_is_believed_unless_the_emr_spoke_or_hung_up_in_the_sender_s_time() {
    let silent = Stage::of(Fault::Answer(Answer::None), Parameters::default());
    assert_eq!(silent.missing("answer/none"), None);
    let mut spoke = Stage::of(Fault::Answer(Answer::None), Parameters::default());
    let answer = spoke.ack("AA");
    spoke.reply("answer/accept", &answer, &[]);
    assert_told(spoke.missing("answer/none"), Some("the EMR had answered"));
    for (delay, doubted) in [(100, true), (400, false)] {
        let mut stage = Stage::of(Fault::Answer(Answer::None), Parameters::default());
        stage.case.played(1, Fault::Answer(Answer::None));
        stage.case.pause(delay);
        stage.case.push(ended(1, End::Close));
        stage.case.open(2, 1);
        let judgement = stage.case.ended(2, Outcome::Unknown).judge();
        let told =
            inconclusive(&judgement).iter().any(|(_, what)| *what == Circumstance::FaultNotPlayed);
        assert_eq!(told, doubted, "{delay} ms");
    }
}

#[rstest]
#[case::inside(Piece::Unfinished, 600, None)]
#[case::too_early(Piece::Unfinished, 599, Some("599 bytes of a message had come"))]
#[case::behind(Piece::Frame, 700, Some("no message was under way"))]
fn a_reset_inside_the_message_is_believed_there(
    #[case] piece: Piece,
    #[case] length: usize,
    #[case] missing: Option<&str>,
) {
    let with = Parameters { bytes: Some(600), ..Parameters::default() };
    let mut case = Case::begun().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.plan.script[0].play =
        vec![Play::Fault { fault: Fault::Connection(Connection::ResetAfterBytes), with }];
    case.submit("john-doe");
    let message = [b"\x0b", &case.message("john-doe")[..]].concat();
    let to = case.receive(1, piece, &message[..length], &[]);
    case.push(ended(1, End::Reset));
    let stage = Stage { case, message, to };
    assert_told(stage.missing("connection/reset-after-bytes"), missing);
}

/// What is seen of a connection over which a fault of TLS is said to have played.
#[derive(Clone, Copy)]
enum Seen {
    Greeting,
    Failed(Side, &'static str),
    Plain,
    Took(Shown),
    Wrote,
    Waited(u64),
    HungUp,
    Truncated,
}

fn over_tls(fault: Fault, seen: &[Seen]) -> Option<String> {
    let mut stage = Stage::of(fault, after(600));
    let versions = vec![TlsVersion::V1_3];
    stage.case.plan.tls = Some(Tls { versions, client: ClientCertificate::None });
    for one in seen {
        let connection = 1;
        stage.case.push(match *one {
            Greeting => What::ClientHello { connection },
            Failed(by, alert) => {
                What::TlsFailed { connection, by, alert: Some(alert.to_owned()), why: None }
            }
            Plain => What::TlsFailed {
                connection,
                by: Emr,
                alert: Some("unexpected_message".to_owned()),
                why: Some("the sender speaks no TLS".to_owned()),
            },
            Took(showed) => What::Secured {
                connection,
                version: TlsVersion::V1_3,
                suite: "TLS_AES_256_GCM_SHA384".to_owned(),
                showed,
                client: None,
            },
            Wrote => {
                let answer = stage.ack("AA");
                stage.reply(fault.name(), &answer, &[]);
                continue;
            }
            Waited(milliseconds) => {
                stage.case.pause(milliseconds);
                continue;
            }
            HungUp => What::EndedBySender { connection, how: End::Close },
            Truncated => ended(1, End::Truncated),
        });
    }
    stage.missing(fault.name())
}

#[rstest]
#[case::refused(Fault::Tls(fault::Tls::Expired), &[Greeting, Failed(Sender, "certificate_expired")])]
#[case::in_general(Fault::Tls(fault::Tls::Expired), &[Greeting, Failed(Sender, "certificate_unknown")])]
#[case::taken(Fault::Tls(fault::Tls::Expired), &[Greeting, Took(Shown::Expired)])]
#[case::wrong_host(Fault::Tls(fault::Tls::WrongHost), &[Greeting, Failed(Sender, "bad_certificate")])]
#[case::host_taken(Fault::Tls(fault::Tls::WrongHost), &[Greeting, Took(Shown::WrongHost)])]
#[case::unknown(Fault::Tls(fault::Tls::UnknownCa), &[Greeting, Failed(Sender, "unknown_ca")])]
#[case::ca_taken(Fault::Tls(fault::Tls::UnknownCa), &[Greeting, Took(Shown::UnknownCa)])]
#[case::required(Fault::Tls(fault::Tls::ClientCertRequired), &[Greeting, Failed(Emr, "certificate_required")])]
#[case::not_known(Fault::Tls(fault::Tls::ClientCertRefused), &[Greeting, Failed(Emr, "unknown_ca")])]
#[case::in_the_clear(Fault::Tls(fault::Tls::PlaintextOnTls), &[Greeting, Wrote])]
#[case::stalled(Fault::Tls(fault::Tls::HandshakeStall), &[Greeting, Waited(600)])]
#[case::left_alone(Fault::Tls(fault::Tls::HandshakeStall), &[Greeting, HungUp, Waited(600)])]
#[case::no_notice(Fault::Tls(fault::Tls::NoCloseNotify), &[Greeting, Took(Shown::Good), Wrote, Truncated])]
fn a_fault_of_tls_is_believed_by_what_came_of_it(#[case] fault: Fault, #[case] seen: &[Seen]) {
    assert_eq!(over_tls(fault, seen), None);
}

#[rstest]
#[case::plain(&[Plain])]
#[case::hung_up(&[Greeting, HungUp])]
#[case::version(&[Greeting, Failed(Emr, "protocol_version")])]
#[case::version_of_the_sender(&[Greeting, Failed(Sender, "protocol_version")])]
#[case::no_suite(&[Greeting, Failed(Emr, "handshake_failure")])]
#[case::nobody_greeted(&[Failed(Sender, "unknown_ca")])]
fn a_sender_that_never_judged_the_certificate_proves_nothing(
    #[case] seen: &[Seen],
    #[values(
        Fault::Tls(fault::Tls::Expired),
        Fault::Tls(fault::Tls::WrongHost),
        Fault::Tls(fault::Tls::UnknownCa),
        Fault::Tls(fault::Tls::ClientCertRequired),
        Fault::Tls(fault::Tls::ClientCertRefused),
        Fault::Tls(fault::Tls::PlaintextOnTls),
        Fault::Tls(fault::Tls::HandshakeStall),
        Fault::Tls(fault::Tls::NoCloseNotify)
    )]
    fault: Fault,
) {
    assert!(over_tls(fault, seen).is_some());
}

#[rstest]
#[case::other_flaw(Fault::Tls(fault::Tls::Expired), &[Greeting, Took(Shown::WrongHost)])]
#[case::no_flaw(Fault::Tls(fault::Tls::Expired), &[Greeting, Took(Shown::Good)])]
#[case::none_shown(Fault::Tls(fault::Tls::ClientCertRefused), &[Greeting, Failed(Emr, "certificate_required")])]
#[case::by_the_sender(Fault::Tls(fault::Tls::ClientCertRefused), &[Greeting, Failed(Sender, "unknown_ca")])]
#[case::one_shown(Fault::Tls(fault::Tls::ClientCertRequired), &[Greeting, Failed(Emr, "unknown_ca")])]
#[case::let_in(Fault::Tls(fault::Tls::ClientCertRequired), &[Greeting, Took(Shown::Good)])]
#[case::under_tls(Fault::Tls(fault::Tls::PlaintextOnTls), &[Greeting, Took(Shown::Good), Wrote])]
#[case::too_short(Fault::Tls(fault::Tls::HandshakeStall), &[Greeting, Waited(500)])]
#[case::spoke(Fault::Tls(fault::Tls::HandshakeStall), &[Greeting, Waited(100), Took(Shown::Good), Waited(500)])]
#[case::in_order(Fault::Tls(fault::Tls::NoCloseNotify), &[Greeting, Took(Shown::Good), Wrote])]
#[case::no_tls(Fault::Tls(fault::Tls::NoCloseNotify), &[Wrote, Truncated])]
fn something_else_over_tls_is_not_taken_for_it(#[case] fault: Fault, #[case] seen: &[Seen]) {
    assert!(over_tls(fault, seen).is_some());
}
