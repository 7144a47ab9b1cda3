//! Writes a case as the file that its author would have written: the inverse of reading one.
//!
//! Only what differs from the defaults is written. A case of a scenario with axes is written as
//! a scenario of its own.

use std::fmt::Write as _;
use std::time::Duration;

use super::read::HOW_OFTEN;
use super::script::{ENDS, KINDS, MOMENTS};
use super::sender_file::ATTEMPTS;
use super::steps::DELAYS;
use super::tls::{CLIENT, VERSIONS};
use super::{Act, Case, Delay, ExamEntry, On, Part, Reaction, Text, Tls, When, Word};
use crate::history::TlsVersion;
use crate::plan::{Moment, WireEvent, named};
use crate::yaml::{Node, Value};

impl Case {
    /// The text of a scenario file that says what this case says. Each line of `comment` stands
    /// at its head.
    #[must_use]
    pub fn to_yaml(&self, comment: &str) -> String {
        let mut out = String::new();
        for line in comment.lines() {
            let _ = writeln!(out, "{}", format!("# {line}").trim_end());
        }
        let _ = writeln!(out, "title: {}", scalar(&self.title));
        if !self.requirements.is_empty() {
            let _ = writeln!(
                out,
                "requirements: {}",
                list(self.requirements.iter().map(|one| scalar(one)))
            );
        }
        for (key, word) in [("mapping", &self.mapping), ("results", &self.results)] {
            if let Some(word) = word {
                let _ = writeln!(out, "{key}: {}", scalar(&word.text));
            }
        }
        exams(&self.exams, &mut out);
        if !self.endpoints.is_empty() {
            let _ = writeln!(out, "endpoints: {}", words(&self.endpoints));
        }
        if let Some(tls) = &self.tls {
            let _ = writeln!(out, "tls: {}", security(tls));
        }
        if !self.script.is_empty() {
            out.push_str("emr:\n");
            self.script.iter().for_each(|reaction| entry(reaction, &mut out));
        }
        if let Some(acts) = &self.steps {
            out.push_str("steps:\n");
            acts.iter().for_each(|act| {
                let _ = writeln!(out, "  - {}", step(act));
            });
        }
        self.expectation(&mut out);
        out
    }

    fn expectation(&self, out: &mut String) {
        let expect = &self.expect;
        let mut rows = Vec::new();
        if !expect.charges.is_empty() {
            let row = |(exam, how): &(Word, _)| {
                format!("{}: {}", scalar(&exam.text), named(HOW_OFTEN, how))
            };
            rows.push(format!("charges: {}", map(expect.charges.iter().map(row))));
        }
        if expect.snapshot {
            rows.push("snapshot: true".to_owned());
        }
        if let Some(attempts) = &expect.attempts {
            rows.push(format!("attempts: {}", named(ATTEMPTS, attempts)));
        }
        if !rows.is_empty() {
            let _ = writeln!(out, "expect:\n  {}", rows.join("\n  "));
        }
    }
}

/// `true`, or how.
fn security(tls: &Tls) -> String {
    let version = |version: &TlsVersion| format!("'{}'", named(VERSIONS, version));
    let versions = tls.versions.as_ref().map(|all| list(all.iter().map(version)));
    let versions = versions.map(|all| format!("versions: {all}"));
    let client = tls.client.then(|| format!("client: {}", named(CLIENT, &tls.client)));
    let rows: Vec<String> = versions.into_iter().chain(client).collect();
    if rows.is_empty() { "true".to_owned() } else { map(rows) }
}

/// One line where every exam is a file's name, otherwise one line each.
fn exams(exams: &[ExamEntry], out: &mut String) {
    let is_file = |exam: &ExamEntry| {
        exam.facts.is_none() && exam.like.as_ref().is_some_and(|like| like.text == exam.name.text)
    };
    if exams.is_empty() {
        return;
    }
    if exams.iter().all(is_file) {
        let _ = writeln!(out, "exams: {}", list(exams.iter().map(|exam| scalar(&exam.name.text))));
        return;
    }
    out.push_str("exams:\n");
    for exam in exams {
        let name = scalar(&exam.name.text);
        if is_file(exam) {
            let _ = writeln!(out, "  - {name}");
            continue;
        }
        let like = exam.like.as_ref().map(|like| format!("like: {}", scalar(&like.text)));
        let same = exam.same_order.then(|| "same_order: true".to_owned());
        let facts = exam.facts.as_ref().map_or_else(Vec::new, entries);
        let _ = writeln!(out, "  - {name}: {}", map(like.into_iter().chain(same).chain(facts)));
    }
}

fn entry(reaction: &Reaction, out: &mut String) {
    let _ = writeln!(out, "  - on: {}", on(&reaction.on));
    match reaction.play.as_slice() {
        [only] => {
            let _ = writeln!(out, "    reply: {}", part(only));
        }
        several => {
            out.push_str("    reply:\n");
            several.iter().for_each(|one| {
                let _ = writeln!(out, "      - {}", part(one));
            });
        }
    }
    if let Some(times) = reaction.times {
        let _ = writeln!(out, "    times: {times}");
    }
    if reaction.optional {
        out.push_str("    optional: true\n");
    }
}

fn on(on: &On) -> String {
    let On { exam, attempt, message, connection, endpoint, kind, fields, moment } = on;
    let word = |key: &str, word: &Option<Word>| {
        word.as_ref().map(|word| format!("{key}: {}", scalar(&word.text)))
    };
    let count = |key: &str, count: &Option<u32>| count.map(|count| format!("{key}: {count}"));
    let field =
        |(path, value): &(Word, String)| format!("{}: {}", scalar(&path.text), scalar(value));
    let fields = fields.iter().map(field);
    let moment = moment.as_ref().map(|(when, _)| match when {
        Moment::Bytes(count) => format!("bytes: {count}"),
        other => format!("moment: {}", named(MOMENTS, other)),
    });
    let rows = [
        word("exam", exam),
        kind.as_ref().map(|kind| format!("kind: {}", named(KINDS, kind))),
        count("attempt", attempt),
        count("message", message),
        count("connection", connection),
        word("endpoint", endpoint),
        (!on.fields.is_empty()).then(|| format!("field: {}", map(fields))),
        moment,
    ];
    map(rows.into_iter().flatten())
}

fn part(part: &Part) -> String {
    match part {
        Part::Raw(parts) => {
            let text = parts.iter().map(|part| match part {
                Text::Bytes(bytes) => raw(bytes),
                Text::Fill(word) => format!("{{{}}}", word.text),
            });
            format!("{{ raw: '{}' }}", text.collect::<String>())
        }
        Part::Wait(time) => format!("{{ wait: {} }}", duration(*time)),
        Part::End(how) => format!("{{ end: {} }}", named(ENDS, how)),
        Part::Fault { name, with } => {
            let name = name.text.strip_prefix("answer/").unwrap_or(&name.text);
            if with.is_empty() {
                return name.to_owned();
            }
            let rows = with.iter();
            let rows = rows.map(|one| format!("{}: {}", one.name.text, value_text(&one.value)));
            format!("{{ {name}: {} }}", map(rows))
        }
    }
}

fn step(act: &Act) -> String {
    match act {
        Act::Start(_) => "start".to_owned(),
        Act::Stop(_) => "stop".to_owned(),
        Act::Restart(_) => "restart".to_owned(),
        Act::Heal => "heal".to_owned(),
        Act::Settle => "settle".to_owned(),
        Act::Account => "account".to_owned(),
        Act::Probe => "probe".to_owned(),
        Act::Submit(exam) => format!("submit: {}", scalar(&exam.text)),
        Act::Await(exam) => format!("await: {}", scalar(&exam.text)),
        Act::Resend(_, exam) => format!("resend: {}", scalar(&exam.text)),
        Act::StartSecond(_) => "start-second".to_owned(),
        Act::StopSecond(_) => "stop-second".to_owned(),
        Act::Storm(_, restarts) => format!("storm: {restarts}"),
        Act::Kill(_, moment) => format!("kill: {}", map(when(moment))),
        Act::Terminate(_, moment) => format!("terminate: {}", map(when(moment))),
        Act::Pause(_, moment, length) => {
            let length = length.map(|length| format!("for: {}", duration(length)));
            format!("pause: {}", map(when(moment).into_iter().chain(length)))
        }
        Act::Jump(_, moment, by) => {
            let now = When { at: WireEvent::AtOnce, after: None };
            let moment = if *moment == now { Vec::new() } else { when(moment) };
            let by = format!("by: {}", duration(*by));
            format!("jump: {}", map(moment.into_iter().chain([by])))
        }
    }
}

fn when(moment: &When) -> Vec<String> {
    let at = match moment.at {
        counted @ (WireEvent::Bytes(_) | WireEvent::ReplyBytes(_)) => counted.to_string(),
        one_word => format!("at: {one_word}"),
    };
    let after = moment.after.map(|delay| match delay {
        Delay::Time(time) => format!("after: {}", duration(time)),
        delay => format!("after: {}", named(DELAYS, &delay)),
    });
    [at].into_iter().chain(after).collect()
}

fn words(words: &[Word]) -> String {
    list(words.iter().map(|word| scalar(&word.text)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<String>>().join(", "))
}

fn map(rows: impl IntoIterator<Item = String>) -> String {
    let rows: Vec<String> = rows.into_iter().collect();
    if rows.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", rows.join(", ")) }
}

/// Whole hours and seconds as such, everything else as milliseconds.
fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    if millis > 0 && millis.is_multiple_of(3_600_000) {
        format!("{}h", millis / 3_600_000)
    } else if millis > 0 && millis.is_multiple_of(1_000) {
        format!("{}s", millis / 1_000)
    } else {
        format!("{millis}ms")
    }
}

/// The rows of a map as they stand between braces.
fn entries(node: &Node) -> Vec<String> {
    let Value::Map(rows) = &node.value else { return Vec::new() };
    rows.iter()
        .map(|(key, value)| format!("{}: {}", scalar(&key.name), value_text(value)))
        .collect()
}

fn value_text(node: &Node) -> String {
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.clone(),
        Value::Text(text) => scalar(text),
        Value::List(items) => list(items.iter().map(value_text)),
        Value::Map(_) => map(entries(node)),
    }
}

/// A text as YAML takes it for that text wherever it stands, in the plainest form that does.
fn scalar(text: &str) -> String {
    let text = text.replace('$', "$$");
    if is_plain(&text) {
        return text;
    }
    if text.chars().any(char::is_control) {
        let escape = |letter: char| match letter {
            '"' | '\\' => format!("\\{letter}"),
            control if control.is_control() => format!("\\u{:04x}", u32::from(control)),
            letter => letter.to_string(),
        };
        return format!("\"{}\"", text.chars().map(escape).collect::<String>());
    }
    if text.contains('\'') || text.chars().all(|letter| letter.is_ascii_digit()) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    format!("'{text}'")
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 7] = ["true", "false", "null", "yes", "no", "on", "off"];
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " /-_.;()^".contains(letter);
    let word = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (word || is_duration(text))
        && !text.ends_with(' ')
        && text.chars().all(plain)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether it is a number and a unit, such as `500ms`.
fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    unit.len() < text.len() && matches!(unit, "ms" | "s" | "m")
}

/// Bytes as the key `raw` takes them, between single quotes.
fn raw(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            0x0B => text.push_str("<VT>"),
            0x1C => text.push_str("<FS>"),
            b'\r' => text.push_str("<CR>"),
            b'\n' => text.push_str("<LF>"),
            b'\'' => text.push_str("''"),
            b'$' => text.push_str("$$"),
            b'<' => text.push_str("<3C>"),
            b'{' => text.push_str("<7B>"),
            b' '..=b'~' => text.push(char::from(byte)),
            other => {
                let _ = write!(text, "<{other:02X}>");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::scenario::{Case, Scenario, shipped_for_tests};
    use crate::yaml::Source;
    use rstest::rstest;

    use super::{is_plain, raw, scalar};

    /// The one case of a file.
    fn only_case(text: &str) -> Case {
        let source = Source::new("written.yaml", text);
        let scenario = Scenario::read(&source).unwrap_or_else(|error| panic!("{text}\n{error}"));
        scenario.cases.into_iter().next().unwrap()
    }

    #[test]
    fn every_shipped_case_reads_back_as_what_was_written() {
        let mut cases = 0;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        for (path, text) in shipped_for_tests(&root) {
            for case in Scenario::read(&Source::new(&*path, text)).unwrap().cases {
                let text = case.to_yaml("");
                assert_eq!(only_case(&text).to_yaml(""), text, "{path}");
                cases += 1;
            }
        }
        assert!(cases > 100, "{cases}");
    }

    #[test]
    fn a_file_in_plain_form_is_written_as_it_stands() {
        let text = "\
# Found by chance.
title: The EMR refuses the charge
requirements: [once-per-order, recovers]
mapping: iris/option-2
results: iris/result
exams:
  - john-doe
  - twin: { like: john-doe, order: { number: \"273014\" } }
endpoints: [emr, standby]
tls: { versions: ['1.2'], client: required }
emr:
  - on: { exam: john-doe, kind: result, attempt: 1, message: 2, connection: 3, endpoint: emr }
    reply: { late: { after: 1500ms, bytes: 3, text: no } }
    times: 1
    optional: true
  - on: {}
    reply:
      - { wait: 2s }
      - { raw: '<VT>it''s $$ <3C>E9> <E9><CR><FS><CR>' }
      - payload/junk
      - { end: half-close }
  - on: { exam: john-doe, field: { FT1-7.1: \"92250\" }, bytes: 300 }
    reply: none
  - on: { moment: accepted }
    reply: { end: reset }
steps:
  - start
  - submit: john-doe
  - await: john-doe
  - kill: { at: end-of-message }
  - start
  - kill: { bytes: 300 }
  - start
  - kill: { reply-bytes: 10, after: 50ms }
  - start
  - terminate: { at: accepted, after: past-timeout }
  - start
  - pause: { at: before-reply, for: 2s }
  - jump: { by: 25h }
  - jump: { at: end-of-message, by: 90s }
  - storm: 3
  - start-second
  - stop-second
  - restart
  - probe
  - heal
  - settle
  - account
  - stop
expect:
  charges: { john-doe: once, twin: at-most-once }
  snapshot: true
  attempts: frame
";
        let text = text.replace("text: no }", "text: 'no' }");
        assert_eq!(only_case(&text).to_yaml("Found by chance."), text);
    }

    #[rstest]
    #[case("john-doe", "john-doe")]
    #[case("273014", "\"273014\"")]
    #[case("true", "'true'")]
    #[case("a: b", "'a: b'")]
    #[case("it's", "\"it's\"")]
    #[case("a $ b", "'a $$ b'")]
    #[case("two\nlines", "\"two\\u000alines\"")]
    fn a_text_is_quoted_only_where_it_must_be(#[case] text: &str, #[case] written: &str) {
        assert_eq!(scalar(text), written);
        assert_eq!(only_case(&format!("title: {written}")).title, text);
    }

    #[test]
    fn bytes_are_written_so_that_they_read_back() {
        assert_eq!(raw(b"\x0ba<\xe9\r"), "<VT>a<3C><E9><CR>");
        assert!(!is_plain(""));
    }
}
