//! The sender's process: its folder, its start, its end, and what it says of its charges.
//!
//! The sender leads a process group of its own, and what it leaves behind is ended with it. A
//! process that has left the group is known by its environment, which names the case.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStdin, Command as Program};

use crate::history::{Accounted, Ending, Outcome};
use crate::plan::{Plan, SenderPlan};
use crate::run::drive::{Command, Happening, stop_signal};
use crate::run::real::Case;

/// The folder of one case, removed at its end.
pub(super) struct Folder {
    root: TempDir,
}

impl Folder {
    /// Makes the folder with the inbox, the sender's state and the mappings in it.
    pub(super) fn new(plan: &Plan) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("chargeproof-").tempdir()?;
        let folder = Self { root };
        open_folders().insert(folder.root.path().to_owned());
        for name in ["inbox", "state"] {
            std::fs::create_dir(folder.path(name))?;
        }
        std::fs::write(folder.path("mapping.json"), serde_json::to_vec(&plan.mapping)?)?;
        if let Some(results) = &plan.results {
            std::fs::write(folder.path("results.json"), serde_json::to_vec(results)?)?;
        }
        Ok(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        open_folders().remove(self.root.path());
    }
}

/// The folders of the cases under way, for whoever has to leave at once.
fn open_folders() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the senders of all cases under way and removes their folders, for a program that is about
/// to exit without waiting for them.
pub fn abandon() {
    for folder in std::mem::take(&mut *open_folders()) {
        for process in left_behind(&Sought { group: None, mark: mark(&folder) }) {
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// The sender under test.
pub(super) struct Process {
    plan: SenderPlan,
    exams: BTreeMap<String, Vec<u8>>,
    values: BTreeMap<&'static str, String>,
    folder: Folder,
    submitted: u32,
    group: Option<Pid>,
    stdin: Option<ChildStdin>,
}

impl Process {
    pub(super) fn new(
        plan: &Plan,
        executable: PathBuf,
        folder: Folder,
        addresses: &[SocketAddr],
    ) -> Self {
        let values = values(plan, &executable, &folder, addresses);
        let exam = |(name, exam): (&String, &_)| {
            (name.clone(), serde_json::to_vec_pretty(exam).unwrap_or_default())
        };
        Self {
            plan: plan.sender.clone(),
            exams: plan.exams.iter().map(exam).collect(),
            values,
            folder,
            submitted: 0,
            group: None,
            stdin: None,
        }
    }

    fn program(&self, argv: &[String]) -> Option<Program> {
        let argv: Vec<String> = argv.iter().flat_map(|one| self.arguments(one)).collect();
        let (program, arguments) = argv.split_first()?;
        let mut command = Program::new(program);
        command.args(arguments);
        command.env(CASE_VARIABLE, self.folder.root.path());
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
    /// and not at all where it names results that the sender is not to send.
    fn arguments(&self, argument: &str) -> Vec<String> {
        if argument.contains("{results}") && self.values["results"].is_empty() {
            return Vec::new();
        }
        if !argument.contains("{endpoint}") {
            return vec![fill(argument, &self.values)];
        }
        let one = |endpoint: &str| fill(&argument.replace("{endpoint}", endpoint), &self.values);
        self.values["endpoints"].split(',').map(one).collect()
    }

    /// Puts an exam into the inbox, whole or not at all.
    fn submit(&mut self, exam: &str) -> io::Result<()> {
        self.submitted += 1;
        let name = format!("{:04}-{}", self.submitted, file_name(exam));
        let inbox = self.folder.path("inbox");
        let written = inbox.join(format!("{name}.part"));
        let bytes = self.exams.get(exam).map_or(&[][..], Vec::as_slice);
        std::fs::write(&written, bytes)?;
        std::fs::rename(written, inbox.join(format!("{name}.json")))
    }

    /// The environment variable that every process of this case has, unless it was taken away.
    fn mark(&self) -> Vec<u8> {
        let folder = self.folder.root.path().as_os_str().as_encoded_bytes();
        [CASE_VARIABLE.as_bytes(), b"=", folder].concat()
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends whatever is left of the sender.
    pub(super) fn end_for_good(&mut self) {
        self.signal(Signal::KILL);
        self.stdin = None;
        self.group = None;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end_for_good();
    }
}

impl Case {
    pub(super) fn command(&self, command: Command) {
        match command {
            Command::Start { .. } => self.start(),
            Command::Submit { exam } => {
                let submitted = self.0.stage.borrow_mut().process.submit(&exam);
                if let Err(error) = submitted {
                    self.note(Happening::Failed(format!("cannot hand over `{exam}`: {error}")));
                }
            }
            Command::End { how: Ending::Stop } => self.ask_to_stop(),
            Command::End { how: Ending::Kill } => {
                self.0.stage.borrow().process.signal(Signal::KILL);
            }
            Command::Account => {
                let task = tokio::task::spawn_local(self.clone().account());
                self.0.stage.borrow_mut().tasks.push(task.abort_handle());
            }
            Command::Finish => {}
        }
    }

    fn start(&self) {
        let spawned = {
            let mut stage = self.0.stage.borrow_mut();
            let process = &mut stage.process;
            match process.program(&process.plan.start) {
                None => Err("the sender file names no program".to_owned()),
                Some(mut program) => {
                    program.env(MARK, process.folder.root.path());
                    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                    program.spawn().map_err(|error| {
                        let name = fill(&process.plan.start[0], &process.values);
                        format!("cannot start `{name}`: {error}")
                    })
                }
            }
        };
        let mut child = match spawned {
            Ok(child) => child,
            Err(why) => return self.note(Happening::Failed(why)),
        };
        {
            let mut stage = self.0.stage.borrow_mut();
            stage.process.stdin = child.stdin.take();
            stage.process.group =
                child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        }
        let outputs = [child.stdout.take().map(boxed), child.stderr.take().map(boxed)];
        for output in outputs.into_iter().flatten() {
            tokio::task::spawn_local(swallow(output));
        }
        self.note(Happening::Started);
        let case = self.clone();
        let sought = self.sought();
        let task = tokio::task::spawn_local(async move {
            let status = child.wait().await;
            // Looking through all processes takes its time, and no other case should wait for it.
            let left = tokio::task::spawn_blocking(move || left_behind(&sought)).await;
            case.exited(status.ok(), &left.unwrap_or_default());
        });
        self.0.stage.borrow_mut().tasks.push(task.abort_handle());
    }

    /// What tells the processes of this sender from all others.
    fn sought(&self) -> Sought {
        let process = &self.0.stage.borrow().process;
        Sought { group: process.group, mark: mark(process.folder.root.path()) }
    }

    fn ask_to_stop(&self) {
        let mut stage = self.0.stage.borrow_mut();
        match stop_signal(stage.process.plan.stop) {
            Some(signal) => {
                // The leader is asked; what it does with its children is its own affair.
                if let Some(leader) = stage.process.group {
                    let _ = kill_process(leader, signal);
                }
            }
            None => stage.process.stdin = None,
        }
    }

    /// The sender's process is gone: everything it has sent is accepted before this is told.
    fn exited(&self, status: Option<ExitStatus>, left: &[Pid]) {
        let endpoints = self.0.stage.borrow().endpoints.len();
        for endpoint in 0..endpoints {
            self.accept_waiting(endpoint);
        }
        let (group, mark) = {
            let mut stage = self.0.stage.borrow_mut();
            stage.process.stdin = None;
            (stage.process.group.take(), stage.process.mark())
        };
        let signal =
            status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
        let killed = signal == Some(Signal::KILL.as_raw());
        if !left.is_empty() && !killed {
            self.note(Happening::LeftBehind(u32::try_from(left.len()).unwrap_or(u32::MAX)));
        }
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
            for process in left {
                let _ = kill_process(process, Signal::KILL);
            }
        }
        for process in left {
            let _ = rustix::process::kill_process(*process, Signal::KILL);
        }
        let code = status.and_then(|status| status.code());
        self.happened(Happening::Exited { code, signal });
    }

    async fn account(self) {
        let program = {
            let stage = self.0.stage.borrow();
            let argv = stage.process.plan.account.clone();
            argv.and_then(|argv| stage.process.program(&argv))
        };
        let happening = match program {
            None => Happening::NoAccount("the sender file names no account command".to_owned()),
            Some(program) => match read_account(program).await {
                Ok(charges) => Happening::Account(charges),
                Err(why) => Happening::NoAccount(why),
            },
        };
        self.happened(happening);
    }
}

async fn read_account(mut program: Program) -> Result<Vec<Accounted>, String> {
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().map_err(|error| format!("cannot start it: {error}"))?;
    let mut text = Vec::new();
    let output = child.stdout.take().ok_or("it has no output")?;
    let reading = async {
        output.take(ACCOUNT_BYTES).read_to_end(&mut text).await?;
        child.wait().await
    };
    let status = tokio::time::timeout(ACCOUNT_TIME, reading).await;
    let status = status.map_err(|_| format!("it took longer than {ACCOUNT_TIME:?}"))?;
    let status = status.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("it ended with {status}"));
    }
    let text = String::from_utf8(text).map_err(|_| "its output is not UTF-8".to_owned())?;
    parse_account(&text)
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
        let row: Row = serde_json::from_str(line)
            .map_err(|error| format!("line {} of its output: {error}", index + 1))?;
        Ok(Accounted { order: row.order, outcome: row.outcome })
    });
    rows.collect()
}

/// The environment entry by which the processes of the case in `folder` are known.
fn mark(folder: &Path) -> Vec<u8> {
    [MARK.as_bytes(), b"=", folder.as_os_str().as_encoded_bytes()].concat()
}

/// What tells the processes of one sender from all others.
struct Sought {
    /// The process group that its leader has led.
    group: Option<Pid>,
    /// The environment entry that all of them inherit, also those that have left the group.
    mark: Vec<u8>,
}

/// The processes of a sender that are still there and not merely waiting to be reaped.
fn left_behind(sought: &Sought) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| sought.alive(&entry.path())).collect()
}

impl Sought {
    /// The number of the process that this folder of the system describes, if it is alive and one
    /// of those.
    fn alive(&self, process: &Path) -> Option<Pid> {
        let number = process.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let stat = std::fs::read(process.join("stat")).ok()?;
        // After the command in parentheses: state, parent, group.
        let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
        let stat = String::from_utf8_lossy(&stat[after..]).into_owned();
        let mut fields = stat.split_whitespace();
        if matches!(fields.next()?, "Z" | "X") {
            return None;
        }
        let group = fields.nth(1)?.parse().ok().and_then(Pid::from_raw);
        let of_group = group.is_some() && group == self.group;
        (of_group || self.is_marked(process)).then_some(number)
    }

    fn is_marked(&self, process: &Path) -> bool {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == self.mark)
    }
}

fn boxed(output: impl AsyncRead + Unpin + 'static) -> Box<dyn AsyncRead + Unpin> {
    Box::new(output)
}

/// Reads a sender's output so that it never blocks on it. It is no evidence, so it is not kept.
async fn swallow(mut output: Box<dyn AsyncRead + Unpin>) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = output.read(&mut buffer).await {}
}

fn values(
    plan: &Plan,
    executable: &Path,
    folder: &Folder,
    addresses: &[SocketAddr],
) -> BTreeMap<&'static str, String> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let all: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let first = addresses.first();
    let results = plan.results.as_ref().map(|_| text(folder.path("results.json")));
    let millis = |time: crate::history::Micros| (time.0 / 1000).to_string();
    BTreeMap::from([
        ("chargeproof", text(executable.to_owned())),
        ("endpoints", all.join(",")),
        ("host", first.map(|one| one.ip().to_string()).unwrap_or_default()),
        ("port", first.map(|one| one.port().to_string()).unwrap_or_default()),
        ("state", text(folder.path("state"))),
        ("inbox", text(folder.path("inbox"))),
        ("mapping", text(folder.path("mapping.json"))),
        ("results", results.unwrap_or_default()),
        ("ack_timeout_ms", millis(plan.limits.ack_timeout)),
        ("longest_retry_ms", millis(plan.limits.longest_retry)),
    ])
}

/// Replaces `{name}` by its value; what is no placeholder stays as it is.
fn fill(text: &str, values: &BTreeMap<&'static str, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in values {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

fn file_name(exam: &str) -> String {
    exam.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect()
}

/// The environment variable by which the processes of a sender are known, whatever group or session
/// they have moved to.
const MARK: &str = "CHARGEPROOF_CASE";

/// How much of an account is read.
const ACCOUNT_BYTES: u64 = 1024 * 1024;

/// How long an account may take.
const ACCOUNT_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::{fill, parse_account};
    use crate::history::Outcome;
    use std::collections::BTreeMap;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let values = BTreeMap::from([("port", "2575".to_owned())]);
        assert_eq!(fill("--port={port} {json}", &values), "--port=2575 {json}");
    }

    #[test]
    fn an_account_is_one_json_object_a_line() {
        let rows = parse_account("{\"order\":\"1\",\"outcome\":\"not-sent\"}\n\n").unwrap();
        assert_eq!((rows[0].order.as_str(), rows[0].outcome), ("1", Outcome::NotSent));
        let error = parse_account("{\"order\":\"1\",\"outcome\":\"sent\"}").unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }
}
