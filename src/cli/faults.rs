//! `chargeproof faults`: the catalogue of what the simulated EMR can play.
//!
//! What is said of a fault comes from its row, what it does on the wire from playing it, and which
//! cases play it from the built-in scenarios.

use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cli::arguments::Faults;
use crate::cli::failure::Failure;
use crate::cli::project::Project;
use crate::cli::screen::{self, beside, paragraph};
use chargeproof::history::Outcome;
use chargeproof::plan::fault::Answer;
use chargeproof::plan::{Fault, Parameter, Parameters, Plan, Play, UnknownFault};
use chargeproof::planning;
use chargeproof::planning::Choices;
use chargeproof::report::wrap;
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::suite::sample;
use chargeproof::suite::wire::{self, By, Line};
use chargeproof::verdict::Exit;
use chargeproof::yaml::{Source, nearest};

/// Prints the catalogue, a family of it, or one fault.
///
/// # Errors
/// A name that nothing has, or an output that cannot be written.
pub(super) fn faults(faults: &Faults) -> Result<Exit, Failure> {
    let wanted = faults.name.as_deref().map(named).transpose()?;
    match wanted.unwrap_or(Named::Several(Fault::ALL)) {
        Named::Several(several) if faults.json => print_json(several)?,
        Named::Several(several) => print_table(several)?,
        Named::One(fault) if faults.json => print_json(&[fault])?,
        Named::One(fault) => print_sheet(&Bench::open()?.sheet(fault)?)?,
    }
    Ok(Exit::Passed)
}

/// What somebody asked for.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    One(Fault),
    /// A whole family, in the order of the catalogue, or all of them.
    Several(&'static [Fault]),
}

/// What goes by a name: a fault, with or without its family where that is plain, or a family.
fn named(name: &str) -> Result<Named, Failure> {
    if let Ok(fault) = name.parse() {
        return Ok(Named::One(fault));
    }
    let of_family = |faults: &&[Fault]| family(faults[0]) == name.trim_end_matches('/');
    if let Some(faults) = families().find(of_family) {
        return Ok(Named::Several(faults));
    }
    let so_called = Fault::ALL.iter().filter(|fault| last(**fault) == name);
    match so_called.copied().collect::<Vec<_>>().as_slice() {
        [] => Err(unknown(name)),
        [one] => Ok(Named::One(*one)),
        several => {
            let names: Vec<&str> = several.iter().map(|fault| fault.name()).collect();
            let hint = format!("say which: {}", names.join(", "));
            Err(Failure::usage(format!("several faults are called `{name}`"), hint))
        }
    }
}

fn unknown(name: &str) -> Failure {
    let names = Fault::ALL.iter().map(|fault| fault.name());
    let short = Fault::ALL.iter().map(|fault| last(*fault));
    let near = nearest(name, names.clone()).or_else(|| {
        let near = nearest(name.rsplit('/').next().unwrap_or(name), short)?;
        let fault = Fault::ALL.iter().find(|fault| last(**fault) == near);
        fault.map(|fault| fault.name())
    });
    let hint = match near {
        Some(near) => format!("did you mean `{near}`? `chargeproof faults` lists them all"),
        None => "`chargeproof faults` lists them all".to_owned(),
    };
    Failure::usage(UnknownFault(name.to_owned()).to_string(), hint)
}

/// The families, in the order of the catalogue.
fn families() -> impl Iterator<Item = &'static [Fault]> {
    Fault::ALL.chunk_by(|one, next| family(*one) == family(*next))
}

/// Everything that is known of one fault.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Sheet {
    name: &'static str,
    family: &'static str,
    what: &'static str,
    stands_for: &'static str,
    /// The outcome that a good sender books for the charge.
    outcome: Outcome,
    /// What a good sender does about a charge (DFT).
    charge: &'static str,
    /// What a good sender does about a result (ORU, MDM).
    result: &'static str,
    /// Defaults, for a sender with the patience of [`PATIENCE`].
    parameters: Map<String, Value>,
    /// Every parameter that it reads, with the words that it may be where those are few.
    reads: Vec<String>,
    /// What is seen on the wire, for that sender.
    wire: Vec<Line>,
    /// The built-in cases that play it.
    cases: Vec<String>,
    /// How a sender comes to trust the EMR, where it speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<&'static str>,
    /// A file for `serve --script`.
    script: String,
}

/// How long the sender waits to which a fault is played here; pauses are measured by it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What sheets are made with.
struct Bench {
    project: Project,
    sender: SenderFile,
    /// The built-in cases.
    plans: Vec<Plan>,
}

impl Bench {
    fn open() -> Result<Self, Failure> {
        let project = Project::built_in()?;
        let mut sender = SenderFile::read(&Project::reference())?;
        let mut plans = Vec::new();
        for (id, source) in project.scenarios() {
            let scenario = Scenario::read(source)?;
            plans.extend(planning::expand(&scenario, id, &project, &sender, &Choices::default())?);
        }
        sender.limits.ack_timeout = PATIENCE;
        sender.limits.longest_retry = PATIENCE;
        Ok(Self { project, sender, plans })
    }

    fn sheet(&self, fault: Fault) -> Result<Sheet, Failure> {
        let plan = self.plan(&sample::shown(fault))?;
        let wire = wire::play(&plan)?;
        let plays = |plan: &&Plan| parts(plan).any(|(played, _)| played == fault);
        Ok(Sheet {
            name: fault.name(),
            family: family(fault),
            what: fault.what(),
            stands_for: fault.stands_for(),
            outcome: fault.outcome(),
            charge: fault.for_charge(),
            result: fault.for_result(),
            reads: fault.reads().iter().map(|&one| read_as(fault, one)).collect(),
            parameters: parts(&plan).map(|(_, with)| defaults(with)).next().unwrap_or_default(),
            wire,
            trust: plan.tls.is_some().then_some(TRUST),
            cases: self.plans.iter().filter(plays).map(|plan| plan.id.clone()).collect(),
            script: sample::script(fault).text.to_string(),
        })
    }

    fn plan(&self, source: &Source) -> Result<Plan, Failure> {
        let scenario = Scenario::read(source)?;
        let id = source.name.trim_end_matches(".yaml");
        let choices = Choices::default();
        let mut plans = planning::expand(&scenario, id, &self.project, &self.sender, &choices)?;
        Ok(plans.swap_remove(0))
    }
}

/// The faults that a plan's EMR plays.
fn parts(plan: &Plan) -> impl Iterator<Item = (Fault, &Parameters)> {
    let plays = plan.script.iter().flat_map(|behaviour| &behaviour.play);
    plays.filter_map(|play| match play {
        Play::Fault { fault, with } => Some((*fault, with)),
        _ => None,
    })
}

/// Parameters as an author would write them.
fn defaults(with: &Parameters) -> Map<String, Value> {
    let Ok(Value::Object(mut all)) = serde_json::to_value(with) else { return Map::new() };
    if let Some(after) = with.after {
        let after = Duration::from(after).as_millis();
        all.insert("after".to_owned(), format!("{after}ms").into());
    }
    all
}

fn family(fault: Fault) -> &'static str {
    fault.name().split('/').next().unwrap_or_default()
}

/// Its name without its family.
fn last(fault: Fault) -> &'static str {
    fault.name().split_once('/').map_or("", |(_, last)| last)
}

fn print_json(faults: &[Fault]) -> Result<(), Failure> {
    let bench = Bench::open()?;
    let sheets = faults.iter().map(|fault| bench.sheet(*fault)).collect::<Result<Vec<_>, _>>()?;
    let text = serde_json::to_string_pretty(&sheets).map_err(std::io::Error::other)?;
    writeln!(anstream::stdout().lock(), "{text}")?;
    Ok(())
}

fn print_table(faults: &'static [Fault]) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let width = faults.iter().map(|fault| last(*fault).len()).max().unwrap_or(0);
    writeln!(out, "{:width$}    {:OUTCOME$}  what the EMR does", "", "outcome")?;
    for family_of in faults.chunk_by(|one, next| family(*one) == family(*next)) {
        writeln!(out, "{}/", family(family_of[0]))?;
        for fault in family_of {
            let outcome = word(fault.outcome());
            let lead = format!("  {:width$}  {outcome:OUTCOME$}  ", last(*fault));
            beside(&mut out, &lead, fault.what())?;
        }
    }
    let count = faults.len();
    writeln!(out)?;
    let text = format!(
        "{count} answers and faults. The outcome is what a good sender records for a charge that met it."
    );
    paragraph(&mut out, &text)?;
    let text =
        "`chargeproof faults NAME` shows one: its bytes, what it stands for, and how to play it.";
    paragraph(&mut out, text)
}

/// How wide the column of outcomes is.
const OUTCOME: usize = 9;

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Rejected => "rejected",
        Outcome::Unknown => "unknown",
        Outcome::NotSent => "not-sent",
    }
}

fn print_sheet(sheet: &Sheet) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    paragraph(&mut out, &format!("{}: {}", sheet.name, sheet.what))?;
    writeln!(out)?;
    let mut rows = |label: &str, lines: Vec<String>| -> std::io::Result<()> {
        let mut label = label;
        for line in lines {
            writeln!(out, "  {label:<LABEL$}{line}")?;
            label = "";
        }
        Ok(())
    };
    let room = screen::output().columns.saturating_sub(LABEL + 2).max(LEAST);
    rows("stands for", wrap(sheet.stands_for, room))?;
    for side in sheet.wire.chunk_by(|one, next| one.by == next.by) {
        let label = if side[0].by == By::Emr { "EMR" } else { "sender" };
        rows(label, side.iter().flat_map(|line| folded(&line.text, room)).collect())?;
    }
    rows("a charge", wrap(&format!("a good sender {}", sheet.charge), room))?;
    rows("a result", wrap(&format!("a good sender {}", sheet.result), room))?;
    let parameter = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => format!("{name}: {text}"),
        None => format!("{name}: {value}"),
    };
    let wrapped = |text: String| wrap(&text, room);
    rows("parameters", sheet.parameters.iter().map(parameter).flat_map(wrapped).collect())?;
    if !sheet.reads.is_empty() {
        rows("reads", wrap(&sheet.reads.join(", "), room))?;
    }
    let run = |case: &String| format!("chargeproof run '{case}'");
    rows("played by", sheet.cases.iter().map(run).flat_map(wrapped).collect())?;
    if let Some(trust) = sheet.trust {
        rows("trust", wrap(trust, room))?;
    }
    // That one answers where the sender listens.
    let calls = sheet.name == Fault::Answer(Answer::AcceptOnOtherConnection).name();
    let port = if calls { " --ack-port PORT" } else { "" };
    let text = format!(
        "Pauses are those for a sender that waits {} s for an acknowledgement. To play it to a sender of \
         your own, save this as emr.yaml and type `chargeproof serve --script emr.yaml{port}`:",
        PATIENCE.as_secs(),
    );
    writeln!(out)?;
    paragraph(&mut out, &text)?;
    writeln!(out, "\n{}", sheet.script.trim_end())?;
    Ok(())
}

/// A parameter by its name, and the words that it may be, if those are few.
fn read_as(fault: Fault, parameter: Parameter) -> String {
    let codes: Vec<&str> = fault.codes().iter().map(|code| code.as_str()).collect();
    let words = match parameter {
        Parameter::Form => fault.forms(),
        Parameter::Code => &codes,
        _ => return parameter.name().to_owned(),
    };
    format!("{} ({})", parameter.name(), words.join(", "))
}

/// What a page says of TLS.
const TRUST: &str = "the EMR's certificate comes from an authority that is made for the run: a \
                     sender file gives its root to the sender as `{ca}`, and `serve --tls-out DIR` \
                     leaves it in DIR/ca.pem, with `client.pem` and `client-key.pem` where the \
                     sender is to show a certificate";

/// How wide the column of labels is.
const LABEL: usize = 12;

/// How much room bytes need beside a label, whatever the screen.
const LEAST: usize = 24;

/// Bytes in a readable form, a segment a line.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find("<CR>").map_or(rest.len(), |at| at + "<CR>".len());
        // A frame that comes after a pause or an end begins a line too.
        let frame = rest.find("ms><VT>").map(|at| at + "ms>".len());
        let end = frame.map_or(end, |frame| end.min(frame));
        let (segment, after) = rest.split_at(end);
        for character in segment.chars() {
            if lines.last().is_some_and(|line| line.chars().count() >= width) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(character);
            }
        }
        rest = after;
        // What ends a frame stays with its last segment.
        if !rest.is_empty() && !rest.starts_with("<FS>") && !rest.starts_with("<LF>") {
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Bench, Named, folded, named};
    use chargeproof::plan::Fault;
    use chargeproof::plan::fault::{Answer, Connection, Mismatch, Payload, Silence, Tls};
    use chargeproof::suite::sample;
    use chargeproof::suite::wire::{By, Line};

    #[test]
    fn every_fault_is_played_by_a_built_in_case_and_seen_on_the_wire() {
        let bench = Bench::open().unwrap();
        for &fault in Fault::ALL {
            let sheet = bench.sheet(fault).unwrap_or_else(|error| panic!("{fault}: {error}"));
            assert!(!sheet.cases.is_empty(), "no built-in scenario plays {fault}");
            let seen = sheet.wire.iter().any(|line| line.by == By::Emr);
            let silent = fault.nature().silence == Silence::Always;
            assert_eq!(seen, !silent, "{fault}: {:?}", sheet.wire);
        }
    }

    #[test]
    fn no_charge_is_shown_leaving_twice() {
        let bench = Bench::open().unwrap();
        for &fault in Fault::ALL {
            let exams = bench.plan(&sample::shown(fault)).unwrap().exams.len();
            let wire = bench.sheet(fault).unwrap().wire;
            let is_charge = |line: &&Line| line.by == By::Sender && line.text.contains("DFT^P03");
            assert!(wire.iter().filter(is_charge).count() <= exams, "{fault}: {wire:?}");
        }
    }

    #[test]
    fn who_sends_too_soon_is_shown_refused_at_the_second_charge() {
        let wire =
            Bench::open().unwrap().sheet(Fault::Connection(Connection::MinGap)).unwrap().wire;
        let codes = ["MSA|AA|", "MSA|AR|"].map(|code| {
            wire.iter().position(|line| line.by == By::Emr && line.text.contains(code))
        });
        assert!(codes[0].is_some() && codes[0] < codes[1], "{wire:?}");
    }

    #[rstest]
    #[case::before_the_door(
        Fault::Connection(Connection::SlowAccept),
        "<accepts nobody>",
        "<listening>"
    )]
    #[case::in_the_buffer(Fault::Connection(Connection::NoRead), "<reads no more>", "<reads on>")]
    fn a_charge_that_nobody_takes_yet_is_shown_leaving_before_it_is_taken(
        #[case] fault: Fault,
        #[case] begins: &str,
        #[case] ends: &str,
    ) {
        let wire = Bench::open().unwrap().sheet(fault).unwrap().wire;
        let at = |by: By, text: &str| {
            wire.iter().position(|line| line.by == by && line.text.contains(text)).unwrap()
        };
        let left = at(By::Sender, "DFT^P03");
        assert!(at(By::Emr, begins) < left && left < at(By::Emr, ends), "{wire:?}");
    }

    #[test]
    fn a_sender_is_shown_giving_up_where_its_answer_waits_for_the_next_charge() {
        for fault in [Fault::Answer(Answer::LateAfterNext), Fault::Match(Mismatch::OutOfOrder)] {
            let wire = Bench::open().unwrap().sheet(fault).unwrap().wire;
            let by: Vec<By> = wire.iter().map(|line| line.by).collect();
            assert_eq!(by, [By::Sender, By::Sender, By::Sender, By::Sender, By::Emr], "{wire:?}");
            assert_eq!(wire[2].text, "<connect>");
            assert_eq!(wire[4].text.matches("MSA|AA|").count(), 2, "{wire:?}");
        }
    }

    #[test]
    fn an_answer_to_the_message_before_is_shown_behind_one() {
        let wire = Bench::open().unwrap().sheet(Fault::Match(Mismatch::Previous)).unwrap().wire;
        let said: Vec<&str> =
            wire.iter().filter(|line| line.by == By::Emr).map(|line| &*line.text).collect();
        let ids: Vec<&str> = said.iter().flat_map(|text| text.split("MSA|AA|").skip(1)).collect();
        assert!(ids.len() == 2 && ids[0] == ids[1] && !ids[0].starts_with('<'), "{said:?}");
    }

    #[test]
    fn every_parameter_that_is_shown_can_be_written() {
        let bench = Bench::open().unwrap();
        for &fault in Fault::ALL {
            let sheet = bench.sheet(fault).unwrap();
            let reads: Vec<&str> =
                sheet.reads.iter().filter_map(|one| one.split(' ').next()).collect();
            for name in sheet.parameters.keys() {
                assert!(reads.contains(&name.as_str()), "{fault}: {name}");
            }
        }
    }

    #[test]
    fn a_giant_is_shown_with_its_length() {
        let wire = Bench::open().unwrap().sheet(Fault::Payload(Payload::Giant)).unwrap().wire;
        let total = format!("{} bytes in all", 1024 * 1024);
        assert!(wire.iter().any(|line| line.text.contains(&total)), "{wire:?}");
    }

    #[test]
    fn the_script_of_every_fault_can_be_played() {
        let bench = Bench::open().unwrap();
        for &fault in Fault::ALL {
            let plan = bench.plan(&sample::script(fault));
            plan.unwrap_or_else(|error| panic!("{fault}: {error}"));
        }
    }

    #[test]
    fn a_fault_may_be_called_by_its_name_alone_where_that_is_plain() {
        for (name, fault) in [
            ("reject", Fault::Answer(Answer::Reject)),
            ("half-close", Fault::Connection(Connection::HalfClose)),
            ("payload/junk", Fault::Payload(Payload::Junk)),
        ] {
            assert_eq!(named(name).unwrap(), Named::One(fault));
        }
        let several = named("empty").unwrap_err().to_string();
        assert!(several.contains("match/empty, payload/empty"), "{several}");
    }

    #[rstest]
    #[case("tls/", 9)]
    #[case("tls", 9)]
    #[case("answer/", 22)]
    fn a_family_is_all_of_its_faults(#[case] name: &str, #[case] count: usize) {
        let Ok(Named::Several(faults)) = named(name) else { panic!("{name} is no family") };
        assert_eq!(faults.len(), count);
        let wanted = format!("{}/", name.trim_end_matches('/'));
        assert!(faults.iter().all(|fault| fault.name().starts_with(&wanted)));
    }

    #[test]
    fn a_page_of_tls_says_how_the_sender_trusts_the_authority_and_no_other_does() {
        let bench = Bench::open().unwrap();
        for &fault in Fault::ALL {
            let trust = bench.sheet(fault).unwrap().trust.is_some();
            let plain = fault == Fault::Tls(Tls::TlsOnPlaintext);
            assert_eq!(trust, matches!(fault, Fault::Tls(_)) && !plain, "{fault}");
        }
    }

    #[rstest]
    #[case("payload/jnk", "payload/junk")]
    #[case("jnk", "payload/junk")]
    #[case("rejct", "answer/reject")]
    #[case("frame/refused", "connection/refused")]
    fn the_nearest_word_is_offered(#[case] typed: &str, #[case] near: &str) {
        let error = named(typed).unwrap_err().to_string();
        assert!(error.contains(&format!("did you mean `{near}`")), "{error}");
    }

    #[test]
    fn a_segment_is_a_line_and_the_end_of_the_frame_stays_with_the_last() {
        let lines = folded("<VT>MSH|1<CR>MSA|AA<CR><FS><CR>", 20);
        assert_eq!(lines, ["<VT>MSH|1<CR>", "MSA|AA<CR><FS><CR>"]);
        assert_eq!(folded("abcdef", 4), ["abcd", "ef"]);
    }
}
