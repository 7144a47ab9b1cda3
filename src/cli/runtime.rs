//! What every command shares that runs over real sockets: the runtime, the place, and how it is
//! interrupted.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::failure::Failure;
use chargeproof::run::real::{self, Place};

/// This machine: loopback, ports of the system's choice, and a test authority.
///
/// # Errors
/// A system that does not say where this program is.
pub(super) fn place(interrupted: watch::Receiver<bool>) -> Result<Place, Failure> {
    let executable =
        std::env::current_exe().map_err(Failure::reading("/proc/self/exe".as_ref()))?;
    Ok(Place {
        executable,
        addresses: Vec::new(),
        host: Ipv4Addr::LOCALHOST.into(),
        authority: Arc::default(),
        interrupted,
        ack_port: None,
        kept: None,
    })
}

/// A channel that says when the run is interrupted: from the keyboard, by whoever ends jobs, or
/// because the terminal is gone.
pub(super) fn interrupts() -> watch::Receiver<bool> {
    let (tell, interrupted) = watch::channel(false);
    // Heard from this moment on, and not only once the task gets its turn: until then a signal
    // would end us with nothing written down.
    let hangup = Some(SignalKind::hangup()).filter(|kind| !is_ignored(*kind));
    let kinds = [Some(SignalKind::interrupt()), Some(SignalKind::terminate()), hangup];
    let mut signals = kinds.map(|kind| kind.and_then(|kind| signal(kind).ok()));
    tokio::spawn(async move {
        next_of(&mut signals).await;
        let _ = tell.send(true);
        // Whoever interrupts twice does not want to wait.
        next_of(&mut signals).await;
        real::abandon();
        real::dismiss();
        std::process::exit(130);
    });
    interrupted
}

/// Whether whoever started us had this signal ignored, as `nohup` does.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored >> (kind.as_raw_value() - 1) & 1 == 1
}

/// Waits for the first of three signals.
async fn next_of([one, two, three]: &mut [Option<Signal>; 3]) {
    async fn next(signal: &mut Option<Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
    tokio::select! {
        () = next(one) => {}
        () = next(two) => {}
        () = next(three) => {}
    }
}

/// The runtime that everything real runs on: one thread, since the harness mostly waits.
///
/// # Errors
/// A system that gives us no event queue.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    real::allow_many_connections();
    real::adopt();
    real::engage();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::Output)
}
