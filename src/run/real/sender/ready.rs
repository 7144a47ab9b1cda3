//! Waits until a sender that was started is ready to be fed.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::plan::ReadyWhen;
use crate::run::real::sender::output::Output;

/// Waits for what shows that the sender is ready, with the placeholders filled in.
///
/// # Errors
/// It did not come in time: what was waited for.
pub(crate) async fn wait(
    when: &ReadyWhen,
    within: Duration,
    output: &Output,
) -> Result<(), String> {
    let (seen, what) = match when {
        ReadyWhen::Line(text) => {
            let line = tokio::time::timeout(within, output.wanted()).await;
            (line.is_ok(), format!("a line of its standard output with `{text}`"))
        }
        ReadyWhen::Port(address) => {
            let accepts = async || TcpStream::connect(address).await.is_ok();
            (until(within, accepts).await, format!("`{address}` to accept a connection"))
        }
        ReadyWhen::File(path) => {
            let there = async || Path::new(path).exists();
            (until(within, there).await, format!("the file `{path}`"))
        }
    };
    if seen { Ok(()) } else { Err(format!("it was not ready after {within:?}: waited for {what}")) }
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
