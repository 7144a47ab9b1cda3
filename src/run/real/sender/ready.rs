//! Waits until a sender that was started is ready to be fed.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::plan::ReadyWhen;
use crate::run::real::sender::output::Output;

/// What shows that the sender is ready did not come in time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadyError {
    /// It printed no such line.
    #[error(
        "it was not ready after {within:?}: waited for a line of its standard output with `{text}`"
    )]
    Line {
        /// For how long.
        within: Duration,
        /// What the line is to hold.
        text: String,
    },
    /// Nobody accepted a connection there.
    #[error("it was not ready after {within:?}: waited for `{address}` to accept a connection")]
    Port {
        /// For how long.
        within: Duration,
        /// Where.
        address: String,
    },
    /// It made no such file.
    #[error("it was not ready after {within:?}: waited for the file `{path}`")]
    File {
        /// For how long.
        within: Duration,
        /// Where.
        path: String,
    },
}

/// Waits for what shows that the sender is ready, with the placeholders filled in.
///
/// # Errors
/// It did not come in time.
pub(crate) async fn wait(
    when: &ReadyWhen,
    within: Duration,
    output: &Output,
) -> Result<(), ReadyError> {
    let (seen, error) = match when.clone() {
        ReadyWhen::Line(text) => {
            let line = tokio::time::timeout(within, output.wanted()).await;
            (line.is_ok(), ReadyError::Line { within, text })
        }
        ReadyWhen::Port(address) => {
            let accepts = async || TcpStream::connect(&address).await.is_ok();
            (until(within, accepts).await, ReadyError::Port { within, address })
        }
        ReadyWhen::File(path) => {
            let there = async || Path::new(&path).exists();
            (until(within, there).await, ReadyError::File { within, path })
        }
    };
    if seen { Ok(()) } else { Err(error) }
}

/// Looks again and again until it is so, or the time is over.
async fn until(within: Duration, is_so: impl AsyncFn() -> bool) -> bool {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(within, looking).await.is_ok()
}

/// How long it takes between two looks.
const GLANCE: Duration = Duration::from_millis(10);
