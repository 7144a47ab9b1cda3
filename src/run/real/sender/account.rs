//! What the sender says of its charges: the output of its account command.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command as Program;

use crate::history::{Accounted, Outcome};
use crate::run::real::sender::{http, orphans};

/// How the sender is asked.
pub(crate) enum Ask {
    /// By this program, which prints the account.
    Program(Program),
    /// By a GET to this address.
    At(String),
    /// Not at all: the exit codes of its processes say it, or its answers to what feeds it.
    Known(Vec<Accounted>),
}

/// What became of each order, as far as the exit of a process or the answer to what feeds the sender
/// says it.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(BTreeMap<String, Outcome>);

impl Outcomes {
    /// The latest word on an order.
    pub(crate) fn of(&mut self, order: &str, outcome: Outcome) {
        self.0.insert(order.to_owned(), outcome);
    }

    /// All that was said.
    pub(crate) fn account(&self) -> Vec<Accounted> {
        let accounted = |(order, outcome): (&String, &Outcome)| Accounted {
            order: order.clone(),
            outcome: *outcome,
        };
        self.0.iter().map(accounted).collect()
    }
}

/// Asks the sender for its account and reads it.
pub(crate) async fn read_account(ask: Ask) -> Result<Vec<Accounted>, String> {
    let text = match ask {
        Ask::Program(program) => printed_by(program).await?,
        Ask::Known(charges) => return Ok(charges),
        Ask::At(url) => http::ask("GET", &url, None).await?,
    };
    let text = String::from_utf8(text).map_err(|_| "its output is not UTF-8".to_owned())?;
    parse_account(&text)
}

/// What a command prints that comes to its end, such as the one that prints an account.
pub(crate) async fn printed_by(mut program: Program) -> Result<Vec<u8>, String> {
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child =
        orphans::spawn(&mut program).map_err(|error| format!("cannot start it: {error}"))?;
    let mut text = Vec::new();
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let output = child.stdout.take().ok_or("it has no output")?;
    let reading = async {
        output.take(ACCOUNT_BYTES + 1).read_to_end(&mut text).await?;
        if text.len() as u64 > ACCOUNT_BYTES {
            return Err(io::Error::other(format!("it printed more than {ACCOUNT_BYTES} bytes")));
        }
        child.wait().await
    };
    let status = tokio::time::timeout(ACCOUNT_TIME, reading).await;
    match (&status, leader) {
        (Ok(Ok(_)), leader) => orphans::forget(leader),
        (_, Some(leader)) => drop(kill_process_group(leader, Signal::KILL)),
        (_, None) => {}
    }
    let status = status.map_err(|_| format!("it took longer than {ACCOUNT_TIME:?}"))?;
    let status = status.map_err(|error| error.to_string())?;
    if status.success() { Ok(text) } else { Err(format!("it ended with {status}")) }
}

/// Reads an account: a JSON object a line, `{"order": "273013", "outcome": "delivered"}`.
fn parse_account(text: &str) -> Result<Vec<Accounted>, String> {
    #[derive(Deserialize)]
    struct Row {
        order: String,
        outcome: Outcome,
    }
    let rows = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
    let rows = rows.map(|(index, line)| {
        // What stands there may be about a patient, so that only what is wrong with it is told.
        let row: Row = serde_json::from_str(line).map_err(|error| {
            let (number, column) = (index + 1, error.column());
            format!(
                "line {number} of its output is no entry of an account, from column {column} on"
            )
        })?;
        Ok(Accounted { order: row.order, outcome: row.outcome })
    });
    rows.collect()
}

/// How much of an account is read.
const ACCOUNT_BYTES: u64 = 1024 * 1024;

/// How long an account may take.
const ACCOUNT_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::{ACCOUNT_BYTES, Program, parse_account, printed_by};
    use crate::history::Outcome;

    #[test]
    fn an_account_is_one_json_object_a_line() {
        let rows = parse_account("{\"order\":\"1\",\"outcome\":\"not-sent\"}\n\n").unwrap();
        assert_eq!((rows[0].order.as_str(), rows[0].outcome), ("1", Outcome::NotSent));
        let error = parse_account("{\"order\":\"1\",\"outcome\":\"sent\"}").unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }

    #[tokio::test]
    async fn an_account_that_is_longer_than_is_read_is_none() {
        let printing = |bytes: u64| {
            let mut program = Program::new("sh");
            program.args(["-c", &format!("head -c {bytes} /dev/zero")]);
            program
        };
        let longest = printed_by(printing(ACCOUNT_BYTES)).await.unwrap();
        assert_eq!(longest.len() as u64, ACCOUNT_BYTES);
        let error = printed_by(printing(ACCOUNT_BYTES + 1)).await.unwrap_err();
        assert!(error.contains("more than"), "{error}");
    }

    #[test]
    fn what_an_account_says_is_not_told_on() {
        let error = parse_account("{\"order\": \"1\", \"patient\": DOE^JOHN}").unwrap_err();
        assert!(!error.contains("DOE") && error.contains("line 1"), "{error}");
    }
}
