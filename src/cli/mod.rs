//! Arguments, files, colours and exit codes: the only room that people meet.
//!
//! Each command is a file here. They decide nothing about charges; they find the files, call the
//! suite and hand what comes of it to a report.

mod addresses;
mod arguments;
mod check;
mod doctor;
mod explain;
mod explore;
mod failure;
mod faults;
mod filter;
mod init;
mod inputs;
mod list;
mod listener;
mod merge;
mod namesake;
mod narrator;
mod pattern;
mod project;
mod project_file;
mod recorded;
mod recording;
mod run;
mod runtime;
mod screen;
mod secure;
mod selftest;
mod sender;
mod serve;
mod snapshots;
mod speaker;
mod store;
mod values;
mod watch;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use arguments::{Arguments, Command};
use chargeproof::run::real;
use chargeproof::verdict::Exit;
use failure::Failure;

/// Runs the command line that the process was started with.
#[must_use]
pub(crate) fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    arguments.color.choose();
    #[cfg(debug_assertions)]
    if let Ok(name) = std::env::var("CHARGEPROOF_PLANTED") {
        assert!(chargeproof::planted::plant(&name), "`{name}` is no defect that can be planted");
        let _ = writeln!(anstream::stderr(), "planted: {name}; nothing that is said is true");
    }
    let exit = match guarded(|| dispatch(arguments, &matches)) {
        Ok(exit) => exit,
        Err(failure) if failure.is_broken_pipe() => Exit::Passed,
        Err(failure) => {
            // If even standard error is gone there is nobody left to tell.
            let _ = writeln!(anstream::stderr(), "{failure}");
            failure.exit()
        }
    };
    real::dismiss();
    #[cfg(debug_assertions)]
    if chargeproof::planted::is(chargeproof::planted::Planted::ExitAlways0) {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(exit.code())
}

/// Does the work; a panic, which has told its text by then, is our own fault and exits as such.
fn guarded(work: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Ok(Exit::Internal))
}

fn dispatch(mut arguments: Arguments, matches: &ArgMatches) -> Result<Exit, Failure> {
    project_file::fill(&mut arguments.command, matches)?;
    match arguments.command {
        Command::Run(run) if run.watch => watch::watch(matches),
        Command::Run(run) => run::run(&run),
        Command::List(list) => list::list(&list),
        Command::Check(check) => check::check(&check),
        Command::Report { command } => merge::report(&command),
        Command::Serve(serve) => serve::serve(&serve),
        Command::Sender(sender) => sender::sender(&sender),
        Command::Account(account) => sender::account(&account),
        Command::Resend(resend) => sender::resend(&resend),
        Command::Init { file, ci: None } => init::init(&file),
        Command::Init { ci: Some(pipeline), .. } => init::pipeline(pipeline),
        Command::Doctor(doctor) => doctor::doctor(&doctor),
        Command::Selftest(selftest) => selftest::selftest(&selftest),
        Command::Explore(explore) => explore::explore(&explore),
        Command::Explain { name } => explain::explain(name.as_deref()),
        Command::Faults(faults) => faults::faults(&faults),
        Command::Schema { kind } => explain::schema(kind),
        Command::Completions { shell } => explain::completions(shell),
        Command::Man { all: None } => explain::man(),
        Command::Man { all: Some(folder) } => explain::man_pages(&folder),
        Command::Guardian => {
            real::stand_guard(std::io::stdin().lock(), std::io::stdout())
                .map_err(Failure::Output)?;
            Ok(Exit::Passed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_exits_as_our_own_fault() {
        let exit = guarded(|| panic!("this panic is part of a test")).unwrap();
        assert_eq!(exit.code(), 70);
    }
}
