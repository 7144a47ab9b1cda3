//! Runs the compiled program as its users do: in a folder of its own, with a bound on the time.
//!
//! Does **not** judge; the test programs beside it do. Nothing here waits for a fixed time.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_chargeproof");

/// How long one command may take; the longest takes a tenth of it on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A folder of a test's own, in which its commands run. Removed at the end.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty folder: the built-in scenarios are the ones that run in it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("chargeproof-test-").tempdir().unwrap();
        Self { folder }
    }

    /// A project of its own with one scenario, `scenarios/the-case.yaml`, and John Doe's exam.
    pub(crate) fn with_scenario(text: &str) -> Self {
        let place = Self::new();
        place.write("scenarios/the-case.yaml", text);
        place.write("scenarios/exams/john-doe.yaml", JOHN_DOE);
        place
    }

    /// The path of something below the folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The text of a file.
    pub(crate) fn text(&self, below: &str) -> String {
        let path = self.path(below);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A JSON file.
    pub(crate) fn json(&self, below: &str) -> Value {
        serde_json::from_str(&self.text(below)).unwrap()
    }

    /// A command of the program in this folder, ready to run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.folder.path()).timeout(BOUND);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("GITHUB_ACTIONS");
        command
    }

    /// Runs the program in this folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; none after a signal, which is how the bound on the time ends it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// The same, if it exited with `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\nout:\n{}\nerr:\n{}", self.out, self.err);
        self
    }
}

/// The rules that found something, over all cases of a `report.json`.
pub(crate) fn rules_found(report: &Value) -> BTreeSet<String> {
    let cases = report["cases"].as_array().unwrap();
    let findings = cases.iter().flat_map(|case| case["findings"].as_array().unwrap());
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

/// Where something readable is: a Python, for senders that are written in it.
pub(crate) fn python() -> Option<String> {
    let mut ask = Command::new("python3");
    ask.args(["-c", "import sqlite3, sys; print(sys.executable)"]).timeout(BOUND);
    let answer = ask.output().ok().filter(|answer| answer.status.success())?;
    Some(String::from_utf8(answer.stdout).ok()?.trim().to_owned())
}

/// Says loudly that `what` is not tested, since there is no Python; where the clients are required,
/// that is a failure.
#[track_caller]
pub(crate) fn skipped(what: &str) {
    let required = std::env::var_os("CHARGEPROOF_REQUIRE_CLIENTS").is_some();
    assert!(!required, "there is no python3 with sqlite3 here, which {what} needs");
    let line = format!("skipped, since there is no python3 with sqlite3 here: {what}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
}

const JOHN_DOE: &str = include_str!("../../../scenarios/exams/john-doe.yaml");
