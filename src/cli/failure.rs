//! Why a command could not do its work at all, and the exit code for it.
//!
//! What a sender does is never one of these: that is a finding.

use std::io;
use std::path::{Path, PathBuf};

use chargeproof::explore::ExploreError;
use chargeproof::run::real::RunError;
use chargeproof::run::simulated::SimulationError;
use chargeproof::sender::SenderError;
use chargeproof::suite::SuiteError;
use chargeproof::verdict::Exit;
use chargeproof::yaml::Diagnostic;

/// What kept a command from its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A file that an author wrote has a mistake.
    #[error("{0}")]
    Diagnostic(#[from] Diagnostic),
    /// The command line asks for something that there is not.
    #[error("error: {message}\n\nhint: {hint}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to try next.
        hint: String,
    },
    /// A file could not be read or written.
    #[error("error: cannot {action} `{}`: {error}\n\nhint: {}", path.display(), advice(error))]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// Writing what there is to say failed.
    #[error("error: cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The suite could not be run.
    #[error("error: {0}")]
    Suite(#[from] SuiteError),
    /// A case could not be run.
    #[error("error: {failure}{}", next(failure))]
    Run {
        /// Why.
        #[from]
        failure: RunError,
    },
    /// A case could not be simulated.
    #[error("error: {0}")]
    Simulation(#[from] SimulationError),
    /// A schedule made us panic.
    #[error("error: schedule {number} of seed {seed} ended in a panic of chargeproof itself")]
    Panicked {
        /// What all schedules follow from.
        seed: u64,
        /// Which it was.
        number: u64,
    },
    /// A schedule could not be tried.
    #[error("error: {0}")]
    Explore(#[from] ExploreError),
    /// The reference sender could not run.
    #[error("error: {0}")]
    Sender(#[from] SenderError),
}

/// What to look at when a file cannot be read or written.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "paths are relative to the directory that the command runs in",
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            "a file is meant here, and no folder"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk that it is on, or name a folder on another"
        }
        io::ErrorKind::PermissionDenied => "look at the owner and the mode of the file",
        _ => "look at the disk that it is on",
    }
}

/// What to try where a run could not begin.
fn next(error: &RunError) -> &'static str {
    let RunError::Listen { error, .. } = error else { return "" };
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "\n\nhint: another program listens there: end it, or name another port, or port 0 for any \
             that is free"
        }
        io::ErrorKind::AddrNotAvailable => {
            "\n\nhint: that is no address of this machine: name one of its own, or a port alone, such \
             as `2575`, for this machine only"
        }
        io::ErrorKind::PermissionDenied => {
            "\n\nhint: ports below 1024 are not for everybody: name a higher one, such as 2575"
        }
        _ => "\n\nhint: name an address of this machine, or port 0 for any that is free",
    }
}

impl Failure {
    /// A file that could not be read.
    pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { action: "read", path, error }
    }

    /// A file that could not be written.
    pub(super) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { action: "write", path, error }
    }

    /// A command line that asks for something that there is not.
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// Whether the reader of our output has gone, which is no failure.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Diagnostic(_) | Self::Usage { .. } | Self::File { .. } => Exit::Usage,
            Self::Run { failure: RunError::Listen { .. } } => Exit::Usage,
            Self::Suite(SuiteError::Simulation {
                error: SimulationError::NeedsProcess(_), ..
            }) => Exit::Usage,
            Self::Explore(
                ExploreError::Unmet | ExploreError::Simulation(SimulationError::NeedsProcess(_)),
            ) => Exit::Usage,
            Self::Sender(_) => Exit::Failed,
            _ => Exit::Internal,
        }
    }
}
