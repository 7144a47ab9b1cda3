//! `chargeproof report merge`: the parts of a run put together.
//!
//! What is put together must be what one run would have been: the same program, sender and seed, the same
//! cases to choose from, and each part once. It does **not** judge again.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cli::arguments::ReportCommand;
use crate::cli::failure::Failure;
use crate::cli::screen::paragraph;
use chargeproof::report::meaning;
use chargeproof::report::terminal::one_line;
use chargeproof::verdict::Exit;

/// Works with reports.
///
/// # Errors
/// A report that cannot be read or written, or that does not belong to the others.
pub(super) fn report(command: &ReportCommand) -> Result<Exit, Failure> {
    let ReportCommand::Merge { parts, out } = command;
    let parts = parts.iter().map(|path| Part::read(path)).collect::<Result<Vec<_>, _>>()?;
    complete(&parts)?;
    let (whole, exit) = merged(&parts)?;
    if let Some(folder) = out {
        let path = folder.join("report.json");
        std::fs::create_dir_all(folder).map_err(Failure::writing(folder))?;
        std::fs::write(&path, format!("{whole:#}\n")).map_err(Failure::writing(&path))?;
    }
    let mut stdout = anstream::stdout().lock();
    for case in whole["cases"].as_array().into_iter().flatten() {
        let (id, verdict) = (text(case, "id"), text(case, "verdict"));
        let first = case["findings"].get(0);
        let found = first.map(|one| format!("{}: {}", text(one, "rule"), text(one, "message")));
        if verdict != "pass" {
            let line = format!("{} {id}: {}", verdict.to_uppercase(), found.unwrap_or_default());
            // A sender chose some of these bytes.
            paragraph(&mut stdout, &one_line(&line))?;
        }
    }
    let count = |word: &str| {
        let cases = whole["cases"].as_array().into_iter().flatten();
        cases.filter(|case| text(case, "verdict") == word).count()
    };
    let summary = format!(
        "{} parts, {} cases: {} failed, {} inconclusive, {} passed · exit {}: {}",
        parts.len(),
        whole["cases"].as_array().map_or(0, Vec::len),
        count("fail"),
        count("inconclusive"),
        count("pass"),
        exit.code(),
        meaning(exit),
    );
    paragraph(&mut stdout, &summary)?;
    stdout.flush()?;
    Ok(exit)
}

/// The report of one part.
struct Part {
    path: PathBuf,
    report: Map<String, Value>,
    number: u64,
    of: u64,
}

impl Part {
    fn read(path: &Path) -> Result<Self, Failure> {
        let path = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
        let text = std::fs::read_to_string(&path).map_err(Failure::reading(&path))?;
        let report = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(report))
                if report.get("format") == Some(&json!("chargeproof-report")) =>
            {
                report
            }
            _ => {
                let message = format!("`{}` is no report of a run", path.display());
                return Err(Failure::usage(message, "`run --shard K/N --out DIR` writes one"));
            }
        };
        let shard = |key: &str| report.get("shard")?.get(key)?.as_u64();
        let (Some(number), Some(of)) = (shard("number"), shard("of")) else {
            let message = format!("`{}` is no part of a run", path.display());
            return Err(Failure::usage(message, "it was made without `--shard K/N`"));
        };
        Ok(Self { path, number, of, report })
    }

    fn get(&self, key: &str) -> &Value {
        self.report.get(key).unwrap_or(&Value::Null)
    }

    fn list(&self, key: &str) -> &[Value] {
        self.get(key).as_array().map_or(&[], Vec::as_slice)
    }
}

/// Whether each part of one run is there, once.
fn complete(parts: &[Part]) -> Result<(), Failure> {
    let Some(first) = parts.first() else { return Ok(()) };
    let whole = |part: &Part| part.get("shard")["whole"].clone();
    let alike = |part: &Part| {
        [
            ("the shape of the report", part.get("version").clone()),
            ("the version of chargeproof", part.get("program").clone()),
            ("the sender", part.get("sender").clone()),
            ("the seed", part.get("seed").clone()),
            ("the number of parts", json!(part.of)),
            ("what there is to run (scenarios, mappings, filters)", whole(part)),
        ]
    };
    for part in parts {
        for ((what, one), (_, other)) in alike(first).into_iter().zip(alike(part)) {
            if one != other {
                let paths = (first.path.display(), part.path.display());
                let message = format!("`{}` and `{}` are of two runs", paths.0, paths.1);
                let hint = format!("{what} differs: {one} there, {other} here");
                return Err(Failure::usage(message, hint));
            }
        }
    }
    for number in 1..=first.of {
        let mut found = parts.iter().filter(|part| part.number == number);
        let hint = "run it, or name its folder too";
        let Some(one) = found.next() else {
            return Err(Failure::usage(format!("part {number} of {} is missing", first.of), hint));
        };
        if let Some(other) = found.next() {
            let paths = (one.path.display(), other.path.display());
            let hint = format!("`{}` and `{}`: leave one of them out", paths.0, paths.1);
            let message = format!("part {number} of {} is there twice", first.of);
            return Err(Failure::usage(message, hint));
        }
    }
    Ok(())
}

/// What the parts add up to.
#[derive(Default)]
struct Sum {
    cases: Vec<Value>,
    /// Ids by need and why.
    left_out: BTreeMap<(String, String), Vec<String>>,
    requirements: BTreeMap<String, BTreeMap<String, u64>>,
    exit: Option<Exit>,
    took: f64,
    interrupted: bool,
    /// How many cases the parts have, and how many there are besides.
    own: u64,
    all: u64,
}

impl Sum {
    fn add(&mut self, part: &Part) {
        let folder = part.path.parent().unwrap_or(Path::new("."));
        let mut own = part.list("cases").len() as u64;
        self.cases.extend(part.list("cases").iter().map(|case| {
            let mut case = case.clone();
            if let Some(history) = case["history"].as_str() {
                case["history"] = json!(folder.join(history).display().to_string());
            }
            case
        }));
        for one in part.list("left_out") {
            let ids = one["cases"].as_array().into_iter().flatten();
            let ids: Vec<String> = ids.filter_map(|id| Some(id.as_str()?.to_owned())).collect();
            own += ids.len() as u64;
            self.left_out.entry((text(one, "need"), text(one, "why"))).or_default().extend(ids);
        }
        for (name, counts) in part.get("requirements").as_object().into_iter().flatten() {
            let sums = self.requirements.entry(name.clone()).or_default();
            for (word, count) in counts.as_object().into_iter().flatten() {
                *sums.entry(word.clone()).or_default() += count.as_u64().unwrap_or(0);
            }
        }
        let interrupted = part.get("interrupted") == &json!(true);
        // A part without a case says nothing of the others, unless it was kept from having one.
        let exit = match part.get("exit_code").as_u64().and_then(Exit::of) {
            Some(Exit::NothingRan) if interrupted => Some(Exit::Inconclusive),
            Some(Exit::NothingRan) => None,
            exit => Some(exit.unwrap_or(Exit::Internal)),
        };
        self.exit = self.exit.into_iter().chain(exit).reduce(Exit::worst);
        self.took = self.took.max(part.get("took_seconds").as_f64().unwrap_or(0.0));
        self.interrupted |= interrupted;
        self.own += own;
        self.all = part.get("not_chosen").as_u64().unwrap_or(0) + own;
    }
}

/// The report of the whole run, and its exit.
fn merged(parts: &[Part]) -> Result<(Value, Exit), Failure> {
    let mut sum = Sum::default();
    parts.iter().for_each(|part| sum.add(part));
    sum.cases.sort_by_key(|case| text(case, "id"));
    if let Some(pair) = sum.cases.windows(2).find(|pair| pair[0]["id"] == pair[1]["id"]) {
        let message = format!("the case `{}` is in two parts", text(&pair[0], "id"));
        return Err(Failure::usage(message, "each case is in one part: run the parts again"));
    }
    let exit = sum.exit.unwrap_or(Exit::NothingRan);
    let verdict = match exit {
        Exit::Passed => "pass",
        Exit::Failed | Exit::SentTwice | Exit::Internal | Exit::Usage => "fail",
        Exit::Pending | Exit::NothingRan | Exit::Inconclusive | Exit::Undriven => "inconclusive",
    };
    let left_out = sum.left_out.into_iter().map(|((need, why), mut cases)| {
        cases.sort_unstable();
        json!({ "need": need, "why": why, "cases": cases })
    });
    let mut whole = parts.first().map(|part| part.report.clone()).unwrap_or_default();
    let fields = [
        ("verdict", json!(verdict)),
        ("exit_code", json!(exit.code())),
        ("meaning", json!(meaning(exit))),
        ("took_seconds", json!(sum.took)),
        ("interrupted", json!(sum.interrupted)),
        ("cases", json!(sum.cases)),
        ("not_chosen", json!(sum.all.saturating_sub(sum.own))),
        ("shard", Value::Null),
        ("left_out", json!(left_out.collect::<Vec<Value>>())),
        ("requirements", json!(sum.requirements)),
    ];
    whole.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    Ok((Value::Object(whole), exit))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
