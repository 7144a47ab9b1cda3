//! The report for a build server: JUnit XML, written by hand.
//!
//! A build server counts what is neither failure nor error as green, so whatever is not green
//! here is one of the two: a broken promise is a failure, and what is pending, inconclusive,
//! undriven, interrupted or did not run at all is an error. Only a case that was left out because the
//! sender cannot be asked for what it needs is `skipped`: it is named, and neither red nor green.

use std::fmt;
use std::io::{self, Write};

use super::group;
use super::proof::{Row, row, rows};
use super::wording::{count, meaning, name_of, next_step, one_line, verdict};
use crate::history::Micros;
use crate::verdict::{CaseOutcome, Exit, LeftOut, RunOutcome, Verdict, Weight};

/// How wide a line of text is that could as well be two.
const WIDTH: usize = 88;

/// Writes the report of `outcome`: one suite, and a test case for each case.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(outcome: &RunOutcome, out: &mut dyn Write) -> io::Result<()> {
    let run = about_the_run(outcome);
    let skipped = outcome.left_out.len();
    let tests = outcome.cases.len() + skipped + usize::from(run.is_some());
    let failures = outcome.counts().get(&Verdict::Fail).copied().unwrap_or(0);
    let open = outcome.counts().get(&Verdict::Inconclusive).copied().unwrap_or(0);
    let totals = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\" time=\"{}\"",
        open + usize::from(run.is_some()),
        Seconds(outcome.took),
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"chargeproof\" {totals}>")?;
    writeln!(
        out,
        "  <testsuite name=\"{}\" {totals} skipped=\"{skipped}\">",
        Attribute(&outcome.sender)
    )?;
    properties(outcome, out)?;
    for case in &outcome.cases {
        test_case(case, out)?;
    }
    for case in &outcome.left_out {
        left_out(case, out)?;
    }
    if let Some((kind, message)) = run {
        writeln!(out, "    <testcase classname=\"chargeproof\" name=\"run\" time=\"0.000\">")?;
        writeln!(out, "      <error type=\"{kind}\" message=\"{message}\"/>")?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// What is not green about the run itself, although no case says so.
fn about_the_run(outcome: &RunOutcome) -> Option<(&'static str, &'static str)> {
    if outcome.cases.is_empty() {
        Some(("nothing-ran", "nothing ran, so nothing is proven"))
    } else if outcome.interrupted {
        Some(("interrupted", "the run was interrupted: what did not run is not proven"))
    } else {
        None
    }
}

fn properties(outcome: &RunOutcome, out: &mut dyn Write) -> io::Result<()> {
    let exit: Exit = outcome.exit();
    writeln!(out, "    <properties>")?;
    for (name, value) in [
        ("verdict", verdict(outcome.verdict()).to_owned()),
        ("exit-code", exit.code().to_string()),
        ("meaning", meaning(exit).to_owned()),
        ("seed", outcome.seed.to_string()),
    ] {
        writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", Attribute(&value))?;
    }
    // A build server shows no more of a case that passed than that.
    for ((what, why), cases) in group::unjudged(outcome) {
        let value = format!("{what}: not judged in {}: {why}", count(cases, "case"));
        writeln!(out, "      <property name=\"not-judged\" value=\"{}\"/>", Attribute(&value))?;
    }
    writeln!(out, "    </properties>")
}

/// A case that was not run.
fn left_out(case: &LeftOut, out: &mut dyn Write) -> io::Result<()> {
    let (directory, id) = (Attribute(directory(&case.id)), Attribute(&case.id));
    writeln!(out, "    <testcase classname=\"{directory}\" name=\"{id}\" time=\"0.000\">")?;
    let why = format!("it needs {}; {}", case.need, case.why);
    writeln!(out, "      <skipped message=\"{}\"/>", Attribute(&why))?;
    writeln!(out, "    </testcase>")
}

/// The directory of a case. The axes may hold a slash of their own, so it ends before them.
fn directory(id: &str) -> &str {
    let stem = id.split('[').next().unwrap_or_default();
    stem.rsplit_once('/').map_or("chargeproof", |(directory, _)| directory)
}

fn test_case(case: &CaseOutcome, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">",
        Attribute(directory(&case.id)),
        Attribute(&case.id),
        Seconds(case.took)
    )?;
    if case.judgement.verdict() != Verdict::Pass {
        complaint(case, out)?;
    }
    let mut said = vec![row("title", one_line(&case.title))];
    if !case.repeat.is_empty() {
        said.push(row("repeat", one_line(&case.repeat)));
    }
    for (what, why) in group::unjudged_in(case) {
        said.push(row("unjudged", one_line(&format!("{what}: not judged: {why}"))));
    }
    for entry in &case.judgement.idle {
        said.push(row("unplayed", one_line(&format!("{entry}: optional, never played"))));
    }
    said.extend(case.judgement.not_done.iter().map(|step| {
        let text = format!("no {}: {}; not proven: {}", step.step, step.why, step.unproven);
        row("not done", one_line(&text))
    }));
    said.extend(case.history.as_deref().map(|history| row("history", one_line(history))));
    writeln!(out, "      <system-out>{}</system-out>", Text(&lines(&said)))?;
    writeln!(out, "    </testcase>")
}

/// The one failure or error of a case: named after its worst finding, with all of them as text.
fn complaint(case: &CaseOutcome, out: &mut dyn Write) -> io::Result<()> {
    let findings = &case.judgement.findings;
    let Some(worst) = findings.iter().max_by_key(|finding| finding.weight) else {
        let kind = if case.judgement.verdict() == Verdict::Fail { "failure" } else { "error" };
        return writeln!(out, "      <{kind} type=\"verdict\" message=\"no rule says why\"/>");
    };
    let (element, kind) = match worst.weight {
        Weight::Broken | Weight::SentTwice => ("failure", worst.rule.name()),
        Weight::Undriven => ("error", "undriven"),
        Weight::Inconclusive => ("error", "inconclusive"),
        Weight::Pending => ("error", "pending"),
    };
    let mut said = Vec::new();
    for finding in findings {
        said.push(row("rule", finding.rule.name()));
        said.push(row("found", one_line(&finding.message)));
        let when = finding.circumstance.to_string();
        if !when.is_empty() {
            said.push(row("when", one_line(&when)));
        }
        said.extend(rows(finding, WIDTH));
        said.extend(next_step(finding, case).map(|next| row("next", next)));
    }
    let mut message = worst.message.clone();
    if findings.len() > 1 {
        message.push_str(&format!(" (of {})", count(findings.len(), "finding")));
    }
    let message = shortened(&message, MESSAGE);
    let text = lines(&said);
    let text = Text(&text);
    let (kind, message) = (Attribute(kind), Attribute(&message));
    writeln!(out, "      <{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>")
}

/// Labelled lines, each with its line end, after a first line end that keeps them apart from
/// their element.
fn lines(rows: &[Row]) -> String {
    let mut text = String::from("\n");
    for (index, Row { label, lead, text: said }) in rows.iter().enumerate() {
        if text.len() > LINES {
            text.push_str(&format!("…         {}\n", count(rows.len() - index, "more line")));
            break;
        }
        text.push_str(&format!("{label:<10}{lead}{}\n", shortened(said, MESSAGE)));
    }
    text
}

/// The beginning of a text, in so many bytes. A build server refuses a report of 30 MB, and shows no more
/// of a message than a person reads; `report.json` has all of it.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(most)])
}

/// How many bytes of one message are shown.
const MESSAGE: usize = 2_000;

/// After how many bytes of lines no further one begins.
const LINES: usize = 4_000;

/// Character data of an element.
struct Text<'a>(&'a str);

/// The value of an attribute between double quotes.
struct Attribute<'a>(&'a str);

/// A time as JUnit writes it: seconds with three decimals, which is all that some readers take.
struct Seconds(Micros);

impl fmt::Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\n' | '\t' => write!(out, "{character}"),
            _ => escaped(character, out),
        })
    }
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| escaped(character, out))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:03}", self.0.0 / 1_000_000, self.0.0 / 1_000 % 1_000)
    }
}

/// Writes a character so that any reader of XML 1.0 gives it back, or gives back its name where
/// XML 1.0, section 2.2, has no way to carry it.
fn escaped(character: char, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match character {
        '<' => out.write_str("&lt;"),
        '>' => out.write_str("&gt;"),
        '&' => out.write_str("&amp;"),
        '"' => out.write_str("&quot;"),
        '\u{fffe}' | '\u{ffff}' | '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
            let name = name_of(character);
            write!(out, "&lt;{}&gt;", name.trim_matches(['<', '>']))
        }
        _ => write!(out, "{character}"),
    }
}

#[cfg(test)]
mod schema;

#[cfg(test)]
mod tests {
    use super::write;
    use crate::report::samples;
    use crate::verdict::RunOutcome;

    /// An element of a document that [`Reader`] accepted.
    #[derive(Debug, Default)]
    pub(super) struct Element {
        pub(super) name: String,
        pub(super) attributes: Vec<(String, String)>,
        pub(super) text: String,
        pub(super) children: Vec<Self>,
    }

    /// Reads the part of XML 1.0 that the report uses, and panics at anything else.
    struct Reader<'a>(&'a str);

    impl Reader<'_> {
        fn document(mut self) -> Element {
            assert!(self.skip("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
            let root = self.element();
            assert_eq!(self.0, "\n", "one root and nothing after it");
            root
        }

        fn skip(&mut self, what: &str) -> bool {
            let rest = self.0.strip_prefix(what);
            self.0 = rest.unwrap_or(self.0);
            rest.is_some()
        }

        fn until(&mut self, stop: impl Fn(char) -> bool) -> &str {
            let (taken, rest) = self.0.split_at(self.0.find(stop).unwrap());
            self.0 = rest;
            taken
        }

        fn element(&mut self) -> Element {
            assert!(self.skip("<"), "{}", self.0);
            let name = self.until(|c: char| !c.is_ascii_alphabetic() && c != '-').to_owned();
            let mut element = Element { name, ..Element::default() };
            while self.skip(" ") {
                let name = self.until(|c| c == '=').to_owned();
                assert!(self.skip("=\""));
                let value = plain(self.until(|c| c == '"'));
                assert!(self.skip("\""));
                assert!(element.attributes.iter().all(|(other, _)| *other != name), "{name} twice");
                element.attributes.push((name, value));
            }
            if self.skip("/>") {
                return element;
            }
            assert!(self.skip(">"), "{}", self.0);
            while !self.0.starts_with("</") {
                element.text.push_str(&plain(self.until(|c| c == '<')));
                if !self.0.starts_with("</") {
                    element.children.push(self.element());
                }
            }
            assert!(self.skip(&format!("</{}>", element.name)), "{}", self.0);
            element
        }
    }

    /// The characters behind character data, of which each must be one that XML 1.0 allows.
    fn plain(data: &str) -> String {
        for character in data.chars() {
            let allowed = matches!(character, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
            assert!(allowed && character != '>', "{character:?}");
        }
        let mut parts = data.split('&');
        let mut text = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once(';').unwrap();
            let names = [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"')];
            text.push(names.iter().find(|(known, _)| *known == name).unwrap().1);
            text.push_str(rest);
        }
        text
    }

    impl Element {
        pub(super) fn attribute(&self, name: &str) -> &str {
            &self.attributes.iter().find(|(other, _)| other == name).unwrap().1
        }

        pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
            self.children.iter().filter(move |child| child.name == name)
        }
    }

    pub(super) fn document(outcome: &RunOutcome) -> Element {
        let mut out = Vec::new();
        write(outcome, &mut out).unwrap();
        Reader(&String::from_utf8(out).unwrap()).document()
    }

    pub(super) fn suite(outcome: &RunOutcome) -> Element {
        let mut root = document(outcome);
        assert_eq!(root.name, "testsuites");
        assert_eq!(root.children.len(), 1);
        root.children.remove(0)
    }

    #[test]
    fn every_report_is_well_formed_and_its_totals_are_those_of_its_cases() {
        for (name, outcome) in samples::all() {
            let suite = suite(&outcome);
            let with =
                |kind| suite.named("testcase").filter(|case| case.named(kind).count() == 1).count();
            let total = |name| suite.attribute(name).parse::<usize>().unwrap();
            assert_eq!(total("tests"), suite.named("testcase").count(), "{name}");
            assert_eq!(total("failures"), with("failure"), "{name}");
            assert_eq!(total("errors"), with("error"), "{name}");
            assert_eq!(total("skipped"), with("skipped"), "{name}");
        }
    }

    #[test]
    fn only_a_run_that_exits_with_0_is_green() {
        for (name, outcome) in samples::all() {
            let suite = suite(&outcome);
            let green = suite.attribute("failures") == "0" && suite.attribute("errors") == "0";
            assert_eq!(green, outcome.exit().code() == 0, "{name}");
        }
    }

    #[test]
    fn what_nothing_exercised_is_said_of_the_run_and_of_the_case() {
        let suite = suite(&samples::unjudged());
        let properties = suite.named("properties").next().unwrap();
        let told: Vec<&str> = properties
            .named("property")
            .filter(|property| property.attribute("name") == "not-judged")
            .map(|property| property.attribute("value"))
            .collect();
        assert_eq!(
            told,
            [
                "accounts: not judged in 2 cases: the sender file names no `account`",
                "recovers: not judged in 1 case: nothing in the case exercised it",
            ]
        );
        let case = suite.named("testcase").next().unwrap();
        let said = &case.named("system-out").next().unwrap().text;
        assert!(
            said.contains("accounts: not judged: the sender file names no `account`"),
            "{said}"
        );
        assert!(said.contains("message 7: optional, never played"), "{said}");
    }

    #[test]
    fn a_case_that_was_left_out_is_skipped_and_says_why() {
        let suite = suite(&samples::left_out());
        let skipped = |case: &Element| {
            let skipped = case.named("skipped").next()?;
            Some((case.attribute("name").to_owned(), skipped.attribute("message").to_owned()))
        };
        let skipped: Vec<(String, String)> = suite.named("testcase").filter_map(skipped).collect();
        assert_eq!(skipped.len(), 3);
        let why = "it needs TLS; the sender file names no `{ca}`";
        assert_eq!(skipped[1], ("tls/expired".to_owned(), why.to_owned()));
    }

    #[test]
    fn a_failure_is_named_after_its_rule_and_carries_its_proof() {
        let suite = suite(&samples::duplicate());
        let case = suite.named("testcase").next().unwrap();
        assert_eq!(case.attribute("classname"), "once");
        assert_eq!(case.attribute("name"), "once/rejected[reply=reject]");
        assert_eq!(case.attribute("time"), "1.400");
        let failure = case.named("failure").next().unwrap();
        assert_eq!(failure.attribute("type"), "once/per-order");
        assert_eq!(failure.attribute("message"), "order 273013 was sent twice");
        insta::assert_snapshot!(failure.text.trim_start(), @r"
        rule      once/per-order
        found     order 273013 was sent twice
        when      answer/reject
        charge    order 273013, exam john-doe, 92250 CG, 92000035 TC
        1st       0.412 s  connection 1, emr, sender run 1, MSH-10 20260101120000, 1204 bytes
                  0.413 s  the EMR answered AR (answer/reject)
        2nd       0.615 s  connection 2, emr, sender run 1, MSH-10 20260101120001, 1204 bytes
        differ    MSH-10: 20260101120000 | 20260101120001
        ");
        let said = &case.named("system-out").next().unwrap().text;
        assert!(
            said.contains("\nrepeat    chargeproof run 'once/rejected[reply=reject]' --seed 7\n")
        );
    }

    #[test]
    fn what_is_open_is_an_error_of_its_own_type() {
        let suite = suite(&samples::inconclusive());
        let types: Vec<&str> = suite
            .named("testcase")
            .flat_map(|case| case.named("error"))
            .map(|error| error.attribute("type"))
            .collect();
        assert_eq!(types, ["pending", "inconclusive"]);
    }

    #[test]
    fn a_run_that_ended_early_has_an_error_of_its_own() {
        for (outcome, kind) in
            [(samples::nothing_ran(), "nothing-ran"), (samples::interrupted(), "interrupted")]
        {
            let suite = suite(&outcome);
            let last = suite.named("testcase").last().unwrap();
            assert_eq!(last.named("error").next().unwrap().attribute("type"), kind);
        }
    }

    #[test]
    fn what_xml_cannot_carry_is_written_out() {
        let suite = suite(&samples::hostile());
        assert_eq!(suite.attribute("name"), "a <08><sender> & co");
        let failure = suite.named("testcase").next().unwrap().named("failure").next().unwrap();
        assert_eq!(
            failure.attribute("message"),
            "order <1B>[32mPASS<1B>[0m <&\"'> ]]> <00><U+FFFE> was sent twice"
        );
        assert!(failure.text.contains("MSH-10 <1B>]0;owned<07><CR><LF>PASS, 1204 bytes"));
    }
}
