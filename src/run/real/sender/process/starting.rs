//! Starts processes of the sender, as its sender file says: program, arguments, environment, bounds.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command as Program};

use super::{Life, Process};
use crate::history::Incarnation;
use crate::plan::Driving;
use crate::run::real::descendants::{LIFE, MARK};
use crate::run::real::sender::feed::Parcel;
use crate::run::real::sender::orphans;
use crate::run::real::sender::placeholders::fill;

/// Why the sender could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// What it is told the path of could not be written.
    #[error("cannot write the exam down: {0}")]
    Exam(#[source] io::Error),
    /// There is nothing to start.
    #[error("the sender file names no program")]
    NoProgram,
    /// The system does not start it.
    #[error("cannot start `{program}`: {error}")]
    Spawn {
        /// What.
        program: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
}

impl Process {
    pub(super) fn program(&self, argv: &[String]) -> Option<Program> {
        let argv: Vec<String> = argv.iter().flat_map(|one| self.arguments(one)).collect();
        let (program, arguments) = argv.split_first()?;
        let mut command = Program::new(program);
        command.args(arguments);
        for (name, value) in &self.plan.environment {
            command.env(name, fill(value, &self.values));
        }
        let directory =
            self.plan.directory.as_ref().map(|one| PathBuf::from(fill(one, &self.values)));
        command.current_dir(directory.unwrap_or_else(|| self.folder.root.path().to_owned()));
        command.process_group(0).kill_on_drop(true);
        Some(command)
    }

    /// One argument of a sender file, filled: once for every endpoint where it names `{endpoint}`,
    /// and not at all where it names something that there is not: results that the sender is not
    /// to send, an authority where no TLS is spoken, a certificate that it is not to show.
    fn arguments(&self, argument: &str) -> Vec<String> {
        let is_absent = |name: &&str| {
            argument.contains(&format!("{{{name}}}")) && self.values[*name].is_empty()
        };
        if LEFT_OUT.iter().any(is_absent) {
            return Vec::new();
        }
        if !argument.contains("{endpoint}") {
            return vec![fill(argument, &self.values)];
        }
        let one = |endpoint: &str| fill(&argument.replace("{endpoint}", endpoint), &self.values);
        self.values["endpoints"].split(',').map(one).collect()
    }

    /// Starts a process for a document: it is told its path, or reads it from its standard input.
    pub(crate) fn spawn_for(
        &mut self,
        incarnation: Incarnation,
        parcel: &Parcel,
    ) -> Result<Child, StartError> {
        let inbox = self.folder.path("inbox");
        self.submitted += 1;
        let path = parcel.drop_into(&inbox, self.submitted);
        let path = path.map_err(StartError::Exam)?;
        let told = self.plan.start.iter().any(|argument| argument.contains("{exam}"));
        self.values.insert("exam", path.to_string_lossy().into_owned());
        self.spawn(incarnation, if told { Stdio::null() } else { Stdio::piped() })
    }

    /// Starts a process of the sender.
    pub(super) fn spawn(
        &self,
        incarnation: Incarnation,
        input: Stdio,
    ) -> Result<Child, StartError> {
        let program = self.program(&self.plan.start);
        let mut program = program.ok_or(StartError::NoProgram)?;
        program.env(MARK, self.folder.root.path());
        program.env(LIFE, incarnation.to_string());
        program.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = orphans::spawn(&mut program).map_err(|error| {
            let program = fill(&self.plan.start[0], &self.values);
            StartError::Spawn { program, error }
        })?;
        bound(&child, &self.plan.driving);
        Ok(child)
    }

    /// Starts the sender apart from any case.
    pub(crate) fn start_alone(&mut self) -> Result<Child, StartError> {
        let incarnation = 1;
        let mut child = self.spawn(incarnation, Stdio::piped())?;
        self.take_output(&mut child);
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (stdin, output) = (child.stdin.take().and_then(input), Rc::clone(&self.output));
        self.lives.push(Life { incarnation, group, stdin, output, waiting: None, asked: None });
        Ok(child)
    }
}

/// The placeholders that may stand for nothing, and their argument with them.
const LEFT_OUT: &[&str] = &["ack_port", "results", "ca", "cert", "key"];

/// The standard input of a child, written to without waiting for it.
pub(super) fn input(stdin: ChildStdin) -> Option<Rc<pipe::Sender>> {
    pipe::Sender::from_owned_fd(stdin.into_owned_fd().ok()?).ok().map(Rc::new)
}

/// Bounds what a child, and whatever it starts from now on, may take. A limit that the system does
/// not grant is none.
fn bound(child: &Child, driving: &Driving) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let seconds = driving.cpu.map(|time| time.0.div_ceil(1_000_000));
    for (resource, amount) in [(Resource::Cpu, seconds), (Resource::Data, driving.memory)] {
        if let (Some(pid), Some(amount)) = (pid, amount) {
            // A process that does not mind its limit of processor time is killed a second later.
            let maximum = Some(amount + u64::from(resource == Resource::Cpu));
            let _ = prlimit(Some(pid), resource, Rlimit { current: Some(amount), maximum });
        }
    }
}
