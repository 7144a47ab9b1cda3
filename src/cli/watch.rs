//! `run --watch`: runs again whenever a file changes that the run hangs on.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgMatches, FromArgMatches};
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::cli::arguments::{Arguments, Command, Run};
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::cli::project_file;
use crate::cli::run::{Ran, once};
use crate::cli::runtime::{interrupts, runtime};
use chargeproof::plan::Account;
use chargeproof::scenario::Form;
use chargeproof::verdict::Exit;

/// For how long nothing must change before a run begins: an editor writes a file in several steps.
const SETTLED: Duration = Duration::from_millis(100);

/// The most changes that are waited for in a row; a run begins all the same.
const MOST_CHANGES: usize = 1000;

/// The folders of a project whose files say what a run is.
const FOLDERS: [&str; 3] = ["scenarios", "mappings", "snapshots"];

/// Runs what was typed, again and again, until Ctrl-C; ends as the last run did.
///
/// # Errors
/// A system that cannot say which files change.
pub(super) fn watch(matches: &ArgMatches) -> Result<Exit, Failure> {
    // A project file that cannot be read ends the watch as it ends a run: nothing says what is meant.
    let mut meant = typed(matches)?;
    loop {
        // Watched from before it begins, so that what changes meanwhile starts the next one.
        let mut changes = Changes::of(&meant)?;
        let exit = match once(&meant) {
            Ok(Ran { exit, interrupted: true }) => return Ok(exit),
            Ok(Ran { exit, .. }) => exit,
            Err(failure) => {
                let _ = writeln!(anstream::stderr(), "{failure}");
                failure.exit()
            }
        };
        loop {
            let _ = writeln!(anstream::stderr(), "\nwatching {}; Ctrl-C ends it", changes.what);
            let Some(path) = changes.next()? else { return Ok(exit) };
            let _ = writeln!(anstream::stderr(), "{} changed\n", path.display());
            match typed(matches) {
                Ok(now) => {
                    meant = now;
                    break;
                }
                Err(failure) => _ = writeln!(anstream::stderr(), "{failure}"),
            }
        }
    }
}

/// What was typed, with what the project file says now.
fn typed(matches: &ArgMatches) -> Result<Box<Run>, Failure> {
    let arguments = Arguments::from_arg_matches(matches);
    let mut command = arguments.unwrap_or_else(|error| error.exit()).command;
    project_file::fill(&mut command, matches)?;
    match command {
        Command::Run(run) => Ok(Box::new(run)),
        _ => unreachable!("invariant: only `run` has `--watch`"),
    }
}

/// The changes of the files that a run hangs on.
struct Changes {
    /// What is watched, for people.
    what: String,
    paths: mpsc::Receiver<PathBuf>,
    /// Whoever drops it hears nothing more.
    _watcher: RecommendedWatcher,
}

impl Changes {
    fn of(run: &Run) -> Result<Self, Failure> {
        let project = absolute(&run.selection.project);
        let files = files(run);
        let folders: Vec<PathBuf> = FOLDERS.iter().map(|name| project.join(name)).collect();
        let (tell, paths) = mpsc::channel(MOST_CHANGES);
        let is_meant = {
            let (files, folders) = (files.clone(), folders.clone());
            // `snapshots/` is made by a run itself.
            let begins = ["scenarios", "mappings"].map(|name| project.join(name));
            move |path: &Path| {
                let is_ours = path.extension().is_some_and(|one| one == "yaml" || one == "snap");
                files.contains(path)
                    || begins.iter().any(|folder| folder == path)
                    || is_ours && folders.iter().any(|one| path.starts_with(one))
            }
        };
        let hear = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !is_change(event.kind) {
                return;
            }
            for path in event.paths.into_iter().filter(|path| is_meant(path)) {
                // Where very many wait, one more says nothing new.
                let _ = tell.try_send(path);
            }
        };
        let mut watcher = notify::recommended_watcher(hear).map_err(refused)?;
        let mut around: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
        around.insert(&project);
        for folder in around.into_iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::NonRecursive).map_err(refused)?;
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::Recursive).map_err(refused)?;
        }
        let what = what(&project, &folders, &files);
        Ok(Self { what, paths, _watcher: watcher })
    }

    /// The first file that changes, once no other does; none where somebody interrupts.
    fn next(&mut self) -> Result<Option<PathBuf>, Failure> {
        runtime()?.block_on(async {
            let mut interrupted = interrupts();
            let path = tokio::select! {
                path = self.paths.recv() => path,
                _ = interrupted.wait_for(|interrupted| *interrupted) => None,
            };
            for _ in 0..MOST_CHANGES {
                if tokio::time::timeout(SETTLED, self.paths.recv()).await.is_err() {
                    break;
                }
            }
            Ok(path)
        })
    }
}

/// Whether the content of a file may be another one now: reading it is no change.
const fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        _ => false,
    }
}

/// The single files that a run hangs on: the project file, the sender file, what its commands name
/// beside it, and scenarios that lie elsewhere.
fn files(run: &Run) -> BTreeSet<PathBuf> {
    let selection = &run.selection;
    let named = selection.scenarios.iter().map(PathBuf::from).filter(|path| path.is_file());
    let mut files: BTreeSet<PathBuf> = named.map(|path| absolute(&path)).collect();
    files.insert(absolute(&selection.project).join(project_file::FILE));
    let Some(path) = &selection.sender else { return files };
    let path = absolute(path);
    let beside = path.parent().unwrap_or(Path::new("/")).to_owned();
    files.insert(path);
    // Of a sender file with a mistake, it alone is watched until it is mended.
    let Ok(sender) = inputs::sender_file(selection) else { return files };
    let account = match &sender.account {
        Some(Account::Command(command)) => command.as_slice(),
        _ => &[],
    };
    if let Form::Template(file) = &sender.feed.form {
        files.insert(absolute(&beside.join(&file.text)));
    }
    let words = sender.start.iter().chain(account).chain(sender.resend.iter().flatten());
    let programs = words.map(PathBuf::from).filter(|word| word.is_absolute() && word.is_file());
    files.extend(programs.map(|word| absolute(&word)).filter(|word| word.starts_with(&beside)));
    files
}

/// A path as the system names it in a change: its folder without links.
fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (path.canonicalize(), folder, path.file_name()) {
        (Ok(folder), ..) if folder.is_dir() => folder,
        (_, Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

fn what(project: &Path, folders: &[PathBuf], files: &BTreeSet<PathBuf>) -> String {
    let shown = |path: &Path| path.strip_prefix(project).unwrap_or(path).display().to_string();
    let folders = folders.iter().filter(|one| one.is_dir()).map(|one| shown(one) + "/");
    let files = files.iter().filter(|one| one.is_file()).map(|one| shown(one));
    let all: Vec<String> = folders.chain(files).collect();
    match all.is_empty() {
        true => "for `scenarios/`, `mappings/` and `chargeproof.yaml`".to_owned(),
        false => all.join(", "),
    }
}

fn refused(error: notify::Error) -> Failure {
    let hint =
        "run without `--watch`; the system may allow more watches (fs.inotify.max_user_watches)";
    Failure::usage(format!("cannot watch for changes: {error}"), hint)
}
