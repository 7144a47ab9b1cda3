//! What the sender says of its charges: the output of its account command.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command as Program;

use crate::history::{Accounted, Outcome};
use crate::run::real::sender::http::HttpError;
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

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// The program that prints it failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Whoever was asked for it failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It is no text.
    #[error("its output is not UTF-8")]
    NoText,
    /// It is none. What stands there may be about a patient, so that only the place is told.
    #[error("line {line} of its output is no entry of an account, from column {column} on")]
    NoEntry {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
}

/// Why a command did not come to a good end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It did not begin.
    #[error("cannot start it: {0}")]
    Start(#[source] io::Error),
    /// Nobody hears it.
    #[error("it has no output")]
    NoOutput,
    /// It could not be waited for, or printed too much.
    #[error("{0}")]
    Output(#[source] io::Error),
    /// It was not over in time.
    #[error("it took longer than {ACCOUNT_TIME:?}")]
    TooLong,
    /// It ended badly.
    #[error("it ended with {0}")]
    Ended(ExitStatus),
}

/// Asks the sender for its account and reads it.
pub(crate) async fn read_account(ask: Ask) -> Result<Vec<Accounted>, AccountError> {
    let text = match ask {
        Ask::Program(program) => printed_by(program).await?,
        Ask::Known(charges) => return Ok(charges),
        Ask::At(url) => http::ask("GET", &url, None).await?,
    };
    let text = String::from_utf8(text).map_err(|_| AccountError::NoText)?;
    parse_account(&text)
}

/// What a command prints that comes to its end, such as the one that prints an account.
pub(crate) async fn printed_by(mut program: Program) -> Result<Vec<u8>, CommandError> {
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = orphans::spawn(&mut program).map_err(CommandError::Start)?;
    let mut text = Vec::new();
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let output = child.stdout.take().ok_or(CommandError::NoOutput)?;
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
    let status = status.map_err(|_| CommandError::TooLong)?.map_err(CommandError::Output)?;
    if status.success() { Ok(text) } else { Err(CommandError::Ended(status)) }
}

/// Reads an account: a JSON object a line, `{"order": "273013", "outcome": "delivered"}`.
fn parse_account(text: &str) -> Result<Vec<Accounted>, AccountError> {
    #[derive(Deserialize)]
    struct Row {
        order: String,
        outcome: Outcome,
    }
    let rows = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
    let rows = rows.map(|(index, line)| {
        let no_entry = |error: serde_json::Error| AccountError::NoEntry {
            line: index + 1,
            column: error.column(),
        };
        let row: Row = serde_json::from_str(line).map_err(no_entry)?;
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
        let error =
            parse_account("{\"order\":\"1\",\"outcome\":\"sent\"}").unwrap_err().to_string();
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
        let error = printed_by(printing(ACCOUNT_BYTES + 1)).await.unwrap_err().to_string();
        assert!(error.contains("more than"), "{error}");
    }

    #[test]
    fn what_an_account_says_is_not_told_on() {
        let error = parse_account("{\"order\": \"1\", \"patient\": DOE^JOHN}").unwrap_err();
        let error = error.to_string();
        assert!(!error.contains("DOE") && error.contains("line 1"), "{error}");
    }
}
