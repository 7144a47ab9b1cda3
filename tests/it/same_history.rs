//! The two drivers see the same: a case over real sockets and processes leads to the history that
//! it leads to in memory and in virtual time.
//!
//! What may differ is put aside, and nothing else: times; the control ids and message times that
//! the sender reads off its clock, but not which of them are equal; and the order of events that
//! belong to different connections, or to none, since a process exits and its connections end in
//! either order. Where pieces begin and end, and in how many writes a reply went out, must agree.
//!
//! Left out are cases that are a race by what they are: a kill while bytes of a reply are unread,
//! which the system answers with a reset; a kill between an accepted connection and the first byte;
//! and a stop as soon as the process runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rstest::rstest;
use serde_json::Value;

use crate::command::Place;

const CASES: &[&str] = &[
    "agreements/enhanced-mode[mapping=island-both-acknowledgements]",
    "content/several-orders",
    "crash/killed[at=end-of-message]",
    "crash/killed[at=before-reply]",
    "crash/killed-after-bytes",
    "crash/restarted-twice",
    "once/accepted-late",
    "once/disconnected[reply=connection/close-before-reply]",
    "once/disconnected[reply=connection/reset-before-reply]",
    "once/disconnected[reply=connection/restart]",
    "once/disconnected[reply=connection/steal-session]",
    "once/keepalive-noise",
    "once/framing[reply=frame/partial-then-silence]",
    "once/handed-over-together",
    "once/idle-session-dropped",
    "once/late-after-next",
    "once/malformed[reply=payload/merged]",
    "once/misrouted[reply=match/previous]",
    "once/not-read",
    "once/rejected[reply=error]",
    "once/resent-by-an-operator[reply=none]",
    "once/reset-inside-message[bytes=300]",
    "once/silence",
    "once/session-of-few-messages[count=2]",
    "once/silent-connect",
    "once/standby-after-silence",
    "once/too-fast",
    "once/two-unanswered-then-a-third",
    "results/not-accepted[reply=reject]",
    "tls/accepted[version=1.2,client=none]",
    "tls/accepted[version=1.3,client=required]",
    "tls/answers[reply=frame/partial-then-reset]",
    "tls/answers[reply=tls/no-close-notify]",
    "tls/certificate-stays-bad[reply=tls/expired]",
    "tls/certificate[version=1.2,reply=tls/unknown-ca]",
    "tls/certificate[version=1.3,reply=tls/wrong-host]",
    "tls/client-refused[version=1.3]",
    "tls/killed[at=end-of-message]",
    "tls/no-handshake[version=1.2,reply=tls/client-cert-required]",
    "tls/no-handshake[version=1.3,reply=tls/handshake-stall]",
    "tls/no-handshake[version=1.3,reply=tls/plaintext-on-tls]",
    "tls/tls-on-plaintext",
];

/// The reference sender. Over sockets it is given more patience, so that a busy machine is not taken
/// for a silent EMR; every delay of a case is measured against that, so the events stay the same.
const REFERENCE: &str = include_str!("../../senders/reference.yaml");

#[test]
fn real_and_virtual_time_lead_to_the_same_history() {
    let place = Place::new();
    let patient = REFERENCE.replace("ack_timeout: 500ms", "ack_timeout: 2s");
    assert_ne!(patient, REFERENCE);
    place.write("patient.yaml", patient);
    let run = [&["run"], CASES].concat();
    place.run(&[&run[..], &["--out", "real", "--sender", "patient.yaml"]].concat()).exits(0);
    place.run(&[&run[..], &["--out", "virtual", "--simulated"]].concat()).exits(0);
    let differing = CASES.iter().filter_map(|case| {
        let of = |folder| Told::of(&place, folder, case);
        of("real").differs_from(&of("virtual")).map(|what| format!("{case}: {what}"))
    });
    let differing: Vec<String> = differing.collect();
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

/// A broken sender that takes a bad certificate, speaks in the clear, or prints what it should not, does
/// the same in both.
#[rstest]
#[case("accepts-any-certificate", "tls/certificate[version=1.3,reply=tls/expired]")]
#[case("ignores-host-name", "tls/certificate[version=1.2,reply=tls/wrong-host]")]
#[case("falls-back-to-plaintext", "tls/certificate[version=1.3,reply=tls/unknown-ca]")]
#[case("resend-after-truncation", "tls/answers[reply=tls/no-close-notify]")]
#[case("prints-secrets", "crash/restarted-twice")]
fn broken_senders_lead_to_the_same_history(#[case] bug: &str, #[case] case: &str) {
    let place = Place::new();
    for (folder, more) in [("real", None), ("virtual", Some("--simulated"))] {
        let run = ["run", case, "--bug", bug, "--out", folder];
        let run: Vec<&str> = run.into_iter().chain(more).collect();
        assert!(matches!(place.run(&run).code, Some(1 | 10)), "{bug} is not convicted");
    }
    let [real, simulated] = ["real", "virtual"].map(|folder| Told::of(&place, folder, case));
    assert_eq!(real.differs_from(&simulated), None, "{bug}");
}

#[test]
fn what_is_put_aside_hides_no_difference_of_substance() {
    let place = Place::new();
    let cases = ["once/silence", "once/rejected[reply=error]", "once/rejected[reply=reject]"];
    place.run(&[&["run"], &cases[..], &["--simulated", "--out", "out"]].concat()).exits(0);
    for (one, other) in [(0, 1), (1, 2), (2, 0)] {
        let told = [one, other].map(|index| Told::of(&place, "out", cases[index]));
        assert!(told[0].differs_from(&told[1]).is_some(), "{} and {}", cases[one], cases[other]);
    }
    let text = place.text(&format!("out/cases/{}/history.jsonl", cases[1]));
    let told = Told::read(&text);
    let acknowledgement = text.split("MSA|AE|").nth(1).unwrap();
    let id = &acknowledgement[..12];
    for (what, changed) in [
        (
            "an acknowledgement of another message",
            text.replacen(&format!("MSA|AE|{id}"), "MSA|AE|260105080000", 1),
        ),
        ("another piece", text.replacen("\"offset\":0", "\"offset\":1", 1)),
        ("another number of writes", text.replacen("\"writes\":1", "\"writes\":2", 1)),
        ("another end", text.replacen("\"how\":\"close\"", "\"how\":\"reset\"", 1)),
    ] {
        assert_ne!(changed, text, "{what}");
        assert!(told.differs_from(&Told::read(&changed)).is_some(), "{what}");
    }
}

/// A history by connection; what belongs to none stands under 0.
#[derive(Debug, PartialEq, Eq)]
struct Told(BTreeMap<u64, Vec<String>>);

impl Told {
    fn of(place: &Place, folder: &str, case: &str) -> Self {
        Self::read(&place.text(&format!("{folder}/cases/{case}/history.jsonl")))
    }

    fn read(text: &str) -> Self {
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let header = lines.next().unwrap();
        let mut clock = Clock::of(header["started"].as_str().unwrap());
        let mut told: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let mut places = BTreeMap::new();
        // How late a busy machine made us, or the sender, is a time too.
        let of_time = ["harness-late", "sender-starved"];
        let is_of_time = |line: &Value| of_time.iter().any(|event| line["event"] == *event);
        let told_of = |line: &Value| line.get("seal").is_none() && !is_of_time(line);
        for mut event in lines.filter(told_of) {
            let fields = event.as_object_mut().unwrap();
            for time in ["at", "began", "quiet", "waited", "paused", "asked"] {
                fields.remove(time);
            }
            for pause in
                fields.get_mut("pauses").and_then(Value::as_array_mut).into_iter().flatten()
            {
                pause.as_object_mut().unwrap().remove("lasted");
            }
            if fields["event"] == "watched" {
                fields.remove("wanted"); // a time; what else is wanted is a word
            }
            let connection = fields.get("connection").and_then(Value::as_u64).unwrap_or(0);
            let all = told.entry(connection).or_default();
            places.insert(fields.remove("seq").unwrap().as_u64().unwrap(), all.len());
            if let Some(to) = fields.get_mut("to") {
                *to = places[&to.as_u64().unwrap()].into();
            }
            if let Some(bytes) = fields.get_mut("bytes") {
                *bytes = clock.put_aside(bytes.as_str().unwrap()).into();
            }
            all.push(event.to_string());
        }
        Self(told)
    }

    /// The first connection that is told differently, and how.
    fn differs_from(&self, other: &Self) -> Option<String> {
        let connections = self.0.keys().chain(other.0.keys());
        let different = connections.clone().find(|key| self.0.get(key) != other.0.get(key))?;
        let [one, other] =
            [self, other].map(|told| told.0.get(different).cloned().unwrap_or_default());
        let count = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        let at = |told: &[String]| told.get(count).cloned().unwrap_or_else(|| "nothing".to_owned());
        Some(format!(
            "event {} of connection {different}\n  one: {}\nother: {}",
            count + 1,
            at(&one),
            at(&other)
        ))
    }
}

/// Tells what a sender read off its clock from other numbers.
struct Clock {
    days: [String; 2],
    ids: Vec<String>,
}

impl Clock {
    /// The clock of a case that has begun at this time.
    fn of(started: &str) -> Self {
        let started = started.parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC).date();
        let days = [started, started.tomorrow().unwrap()]; // a case may run over midnight
        Self { days: days.map(|day| day.strftime("%Y%m%d").to_string()), ids: Vec::new() }
    }

    /// The text with each time as `NOW` and each control id as its number in the order of coming.
    fn put_aside(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(|one: char| one.is_ascii_digit()) {
            let digits = &rest[start..];
            let end = digits.find(|one: char| !one.is_ascii_digit()).unwrap_or(digits.len());
            out.push_str(&rest[..start]);
            out.push_str(&self.named(&digits[..end]));
            rest = &digits[end..];
        }
        out + rest
    }

    fn named(&mut self, digits: &str) -> String {
        let of_today = |day: &String| match digits.len() {
            14 => digits.starts_with(day.as_str()),
            12 => digits.starts_with(&day[2..]),
            _ => false,
        };
        if !self.days.iter().any(of_today) {
            return digits.to_owned();
        }
        if digits.len() == 14 {
            return "NOW".to_owned();
        }
        let known = self.ids.iter().position(|id| id == digits);
        let number = known.unwrap_or_else(|| {
            self.ids.push(digits.to_owned());
            self.ids.len() - 1
        });
        format!("ID{number}")
    }
}
