//! `chargeproof sender` and `chargeproof account`: the reference sender on its own.

use std::io::Write;
use std::path::Path;

use crate::cli::arguments::{Account, Resend, Sender};
use crate::cli::failure::Failure;
use crate::cli::project::{Project, read_yaml};
use chargeproof::mapping::Mapping;
use chargeproof::sender::{self, ShellOptions, TlsFiles};
use chargeproof::verdict::Exit;

/// Is the reference sender until it is asked to stop.
///
/// # Errors
/// A mapping that cannot be read, or a sender that cannot run.
pub(super) fn sender(sender: &Sender) -> Result<Exit, Failure> {
    let options = ShellOptions {
        endpoints: sender.endpoint.clone(),
        state: sender.state.clone(),
        inbox: sender.inbox.clone(),
        mapping: load(&sender.mapping)?,
        results: sender.results.as_deref().map(load).transpose()?,
        ack_port: sender.ack_port,
        ack_timeout: sender.ack_timeout,
        retry_every: sender.retry,
        tls: sender
            .tls_ca
            .clone()
            .map(|ca| TlsFiles { ca, client: sender.tls_cert.clone().zip(sender.tls_key.clone()) }),
        talks: !sender.quiet,
        bug: sender.bug.as_deref().and_then(|name| name.parse().ok()),
        variant: sender.variant.as_deref().and_then(|name| name.parse().ok()),
    };
    let mut log = |line: &str| {
        let _ = writeln!(anstream::stderr(), "{line}"); // a log that nobody reads is no failure
    };
    sender::serve(&options, &mut log)?;
    Ok(Exit::Passed)
}

/// Prints what became of each charge, a JSON object a line.
///
/// # Errors
/// A journal that cannot be read.
pub(super) fn account(account: &Account) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    for (order, outcome) in sender::account_of(&account.state)? {
        let row = serde_json::json!({ "order": order, "outcome": outcome.name() });
        writeln!(out, "{row}")?;
    }
    Ok(Exit::Passed)
}

/// Tells a reference sender to send a charge once more.
///
/// # Errors
/// An inbox that cannot be written to.
pub(super) fn resend(resend: &Resend) -> Result<Exit, Failure> {
    sender::ask_to_resend(&resend.inbox, &resend.order)?;
    Ok(Exit::Passed)
}

/// A mapping as the harness hands it over (JSON, resolved), a YAML file, or a built-in name.
fn load(name: &str) -> Result<Mapping, Failure> {
    let path = Path::new(name);
    if path.extension().is_some_and(|one| one == "json") {
        let bytes = std::fs::read(path).map_err(Failure::reading(path))?;
        return serde_json::from_slice(&bytes).map_err(|error| {
            Failure::usage(
                format!("`{name}`: {error}"),
                "a resolved mapping is JSON that `run` wrote",
            )
        });
    }
    let project = Project::open(Path::new("."))?;
    let own = if path.is_file() { Some(read_yaml(path)?) } else { None };
    project.resolved_beside(name, own.as_ref())
}
