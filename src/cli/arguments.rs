//! What can be typed.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::cli::addresses::{Listen, listen};
use crate::cli::explore::Explore;
use crate::cli::screen::Color;
use crate::cli::values::{bugs, fault, jobs, part, rule, time, variants};
use chargeproof::plan::Fault;
use chargeproof::suite::SideBySide;
use chargeproof::verdict::Rule;

/// Proves that a sender of HL7 v2 charge messages (DFT^P03 over MLLP) delivers each charge to the EMR
/// exactly once, and exactly as agreed.
#[derive(Debug, Parser)]
#[command(name = "chargeproof", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When colours are shown
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", global = true)]
    pub(super) color: Color,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios against a sender and print the verdict
    Run(Run),
    /// List the cases that `run` would run
    List(List),
    /// Judge recorded histories again, offline
    Check(Check),
    /// Play an EMR for any sender, record it, and judge it on Ctrl-C
    Serve(Serve),
    /// Run the built-in reference sender
    Sender(Sender),
    /// Print what became of each charge of the reference sender
    Account(Account),
    /// Tell the reference sender to send a charge once more, as an operator does
    Resend(Resend),
    /// Write a commented sender file, or a CI pipeline, to begin with; nothing is overwritten
    Init {
        /// Where to
        #[arg(default_value = "sender.yaml")]
        file: PathBuf,
        /// Write a pipeline instead, and the script that it calls
        #[arg(long, value_name = "SYSTEM", value_enum)]
        ci: Option<Pipeline>,
    },
    /// Try a sender step by step, and say what can be judged with its file and what cannot
    Doctor(Doctor),
    /// Verify the checker itself: every broken sender fails by its own rule, every correct one passes
    Selftest(Selftest),
    /// Search random fault sequences, and shrink each failure to a minimal scenario
    Explore(Explore),
    /// Work with reports of runs
    Report {
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Say what a rule means, where it comes from and how to read its findings
    Explain {
        /// Name of the rule [default: all]
        name: Option<String>,
    },
    /// List what the simulated EMR can play, or show one fault: bytes, meaning, what a good sender does
    Faults(Faults),
    /// Print the JSON Schema of a file format
    Schema {
        /// Which format
        #[arg(value_enum, default_value_t = SchemaKind::Scenario)]
        kind: SchemaKind,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write a page for each command into this folder instead
        #[arg(long, value_name = "DIR")]
        all: Option<PathBuf>,
    },
    /// Clean up after a run that has ended, whatever has ended it
    #[command(hide = true)]
    Guardian,
}

#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// Put the parts of a run together that `run --shard` has run, and refuse what does not belong
    Merge {
        /// Folders of the parts, or their `report.json`
        #[arg(required = true, value_name = "DIR")]
        parts: Vec<PathBuf>,
        /// Folder for the `report.json` of the whole run
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Where the scenarios are and which of them are meant.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Scenario files or folders, or ids such as `once/rejected`, `once/` or
    /// `once/rejected[reply=reject]`, or patterns such as `*reset*` [default: all]
    pub(super) scenarios: Vec<String>,
    /// Folder with `scenarios/`, `mappings/` and `snapshots/`; the built-in ones are used where
    /// it has no `scenarios/`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) project: PathBuf,
    /// Sender file [default: the reference sender]
    #[arg(long, value_name = "FILE")]
    pub(super) sender: Option<PathBuf>,
    /// Inject this defect into the reference sender
    #[arg(long, value_name = "NAME", conflicts_with = "sender",
          value_parser = PossibleValuesParser::new(bugs()), hide_possible_values = true)]
    pub(super) bug: Option<String>,
    /// Switch this honest habit of the reference sender on
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sender", "bug"],
          value_parser = PossibleValuesParser::new(variants()))]
    pub(super) variant: Option<String>,
    /// Show and store the last lines of the sender's output where it fails. They are shown as they
    /// are, patient data included
    #[arg(long)]
    pub(super) show_output: bool,
    /// What decides every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// How long the wire is watched after each case at the most, as in `2h` [default: 60s]. Where
    /// that is less than twice the sender's longest retry, the verdict is inconclusive
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) watch_for: Option<Duration>,
}

/// What cases must be like to run.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Filter {
    /// Leave these out: ids, folders, or patterns such as `*reset*`
    #[arg(long, value_name = "CASE", help_heading = "Selection")]
    pub(super) exclude: Vec<String>,
    /// Only cases that exercise one of these requirements, such as `once-per-order`
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Selection")]
    pub(super) requirement: Vec<String>,
    /// Only cases in which one of these faults plays, such as `payload/junk`
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = fault, help_heading = "Selection")]
    pub(super) fault: Vec<Fault>,
    /// Only cases with a requirement that one of these rules decides, such as `recovers`; a rule that
    /// decides none, such as `wire/framing`, is exercised by every case
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = rule, help_heading = "Selection")]
    pub(super) rule: Vec<Rule>,
    /// Only cases that did not pass in the run whose report lies in this folder
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "chargeproof-out",
          help_heading = "Selection")]
    pub(super) only_failed: Option<PathBuf>,
    /// Only part K of N: each case is in one part, by its id
    #[arg(long, value_name = "K/N", value_parser = part, help_heading = "Selection")]
    pub(super) shard: Option<(u32, u32)>,
}

/// How much is told while a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Voice {
    /// Nothing.
    Quiet,
    /// How far it is, and each case that did not pass.
    #[default]
    Usual,
    /// Every case.
    Verbose,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Address of this machine that the EMR listens on, such as `::1`
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(super) host: IpAddr,
    /// How many cases run side by side: `auto` for as many as the machine has time for, or a number
    #[arg(long, short, value_name = "N", default_value = "auto", value_parser = jobs)]
    pub(super) jobs: SideBySide,
    /// Begin no further case once one has failed
    #[arg(long, conflicts_with = "simulated")]
    pub(super) fail_fast: bool,
    /// Run again whenever a scenario, mapping, snapshot, the sender file or a program beside it
    /// changes, until Ctrl-C
    #[arg(long)]
    pub(super) watch: bool,
    /// Folder for reports and histories
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Reports to write into the folder
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_enum)]
    pub(super) report: Vec<ReportKind>,
    /// Annotate the job that this runs in, and add to its summary; `auto` where GitHub says that it is one
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = Annotate::Auto)]
    pub(super) annotate: Annotate,
    /// Write new and changed snapshots down for review; nothing is accepted by this
    #[arg(long)]
    pub(super) update: bool,
    /// Run in memory and in virtual time instead of over sockets; reference sender only
    #[arg(long, conflicts_with = "sender")]
    pub(super) simulated: bool,
    #[command(flatten)]
    pub(super) voice: Loudness,
}

/// How much is told while a run goes on.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Loudness {
    /// Say nothing while cases run
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Say how each case came out as soon as it is over
    #[arg(long, short)]
    verbose: bool,
}

impl Loudness {
    pub(super) const fn voice(self) -> Voice {
        match (self.quiet, self.verbose) {
            (true, _) => Voice::Quiet,
            (_, true) => Voice::Verbose,
            _ => Voice::Usual,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) filter: Filter,
    /// What is known of each case, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Histories, or folders to search for `history.jsonl`
    #[arg(required = true, value_name = "HISTORY")]
    pub(super) histories: Vec<PathBuf>,
    /// Folder for reports
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Reports to write into the folder
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_enum)]
    pub(super) report: Vec<ReportKind>,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen, once for each endpoint: an address, the name of a host, or a port alone, which
    /// is one of loopback
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575",
        value_delimiter = ',', value_parser = listen)]
    pub(super) listen: Vec<Listen>,
    /// A scenario whose `emr` section is played
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// The mapping that says which fields make an order and a charge
    #[arg(long, value_name = "NAME", default_value = "iris/option-1")]
    pub(super) mapping: String,
    /// Folder with `scenarios/` and `mappings/` of your own
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) project: PathBuf,
    /// Where the sender takes acknowledgements too: the port of loopback that
    /// `accept-on-other-connection` answers at
    #[arg(long, value_name = "PORT")]
    pub(super) ack_port: Option<u16>,
    /// How long the sender waits for an acknowledgement, such as `5s`; faults such as `late` are timed
    /// by it [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) ack_timeout: Option<Duration>,
    /// The longest time after which the sender tries anything again, such as `1h`; a wire that was
    /// quiet for less than twice that before Ctrl-C is inconclusive. `0s` asks for no quiet: what came
    /// until Ctrl-C is judged, and says nothing of what the sender would have done later
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "0s")]
    pub(super) longest_retry: Duration,
    /// Say nothing of connections and messages while it serves
    #[arg(long, short)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) secure: ServeTls,
    /// Folder for the history and the reports. The history holds every byte that arrived,
    /// patient data included
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Reports to write into the folder
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_enum)]
    pub(super) report: Vec<ReportKind>,
}

/// TLS at every address. Without a certificate of your own, a test authority is made for the run.
#[derive(Debug, Args)]
pub(super) struct ServeTls {
    /// Speak TLS 1.2 and 1.3 at every address, as a script with `tls` does too
    #[arg(long)]
    pub(super) tls: bool,
    /// Speak TLS, and turn away who shows no client certificate
    #[arg(long)]
    pub(super) tls_client: bool,
    /// Folder for what a sender needs: `ca.pem` to trust, `client.pem` and `client-key.pem` to show
    /// [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub(super) tls_out: Option<PathBuf>,
    /// Speak TLS, and show this certificate where a good one is due (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Speak TLS, and take client certificates of this authority only (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) tls_client_ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Sender {
    /// Address of the EMR, once for each endpoint
    #[arg(long, value_name = "HOST:PORT", required = true)]
    pub(super) endpoint: Vec<String>,
    /// Directory that outlives a restart
    #[arg(long, value_name = "DIR")]
    pub(super) state: PathBuf,
    /// Directory in which exams appear as `*.json`
    #[arg(long, value_name = "DIR")]
    pub(super) inbox: PathBuf,
    /// What charges are made by: the name of a built-in mapping, or a file
    #[arg(long, value_name = "MAPPING", default_value = "iris/option-1")]
    pub(super) mapping: String,
    /// What results are made by; none are sent without it
    #[arg(long, value_name = "MAPPING")]
    pub(super) results: Option<String>,
    /// Take acknowledgements at this port of loopback, too
    #[arg(long, value_name = "PORT")]
    pub(super) ack_port: Option<u16>,
    /// How long to wait for an acknowledgement
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "300ms")]
    pub(super) ack_timeout: Duration,
    /// How long to wait before anything is tried again
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "200ms")]
    pub(super) retry: Duration,
    /// Say nothing of what it waits for, what it sends and what comes of that
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Speak TLS, and trust the authorities in this file (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) tls_ca: Option<PathBuf>,
    /// Show this certificate where one is asked for (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls_ca", "tls_key"])]
    pub(super) tls_cert: Option<PathBuf>,
    /// The key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Inject this defect
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(bugs()))]
    pub(super) bug: Option<String>,
    /// Switch this honest habit on
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(variants()))]
    pub(super) variant: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Account {
    /// The reference sender's state directory
    #[arg(long, value_name = "DIR")]
    pub(super) state: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Resend {
    /// The folder that the reference sender takes exams from
    #[arg(long, value_name = "DIR")]
    pub(super) inbox: PathBuf,
    /// The number of the order
    #[arg(long, value_name = "NUMBER")]
    pub(super) order: String,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The sender file
    #[arg(value_name = "FILE", default_value = "sender.yaml")]
    pub(super) file: PathBuf,
    /// Folder with `scenarios/` and `mappings/` of your own
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) project: PathBuf,
    /// Let the sender's last lines be looked at where it fails, patient data included
    #[arg(long)]
    pub(super) show_output: bool,
}

#[derive(Debug, Args)]
pub(super) struct Selftest {
    /// Broken or correct senders to try, such as `resend-on-reject` or `correct` [default: all]
    pub(super) senders: Vec<String>,
    /// Only in virtual time: skip the confirmation over real sockets and processes
    #[arg(long)]
    pub(super) simulated: bool,
    /// How many real cases run side by side, or `auto` for as many as the machine has time for
    #[arg(long, short, value_name = "N", default_value = "32", value_parser = jobs)]
    pub(super) jobs: SideBySide,
}

#[derive(Debug, Args)]
pub(super) struct Faults {
    /// Name of a fault, such as `payload/junk`, or of a family, such as `tls/` [default: all, one per
    /// line]
    pub(super) name: Option<String>,
    /// Everything that is known of them, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl ReportKind {
    /// The name of its file.
    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Json => "report.json",
            Self::Junit => "junit.xml",
            Self::Markdown => "summary.md",
        }
    }
}

/// Where a run is annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Annotate {
    /// On GitHub, in a job of GitHub's
    Auto,
    /// On GitHub
    Github,
    /// Nowhere
    Never,
}

/// A report that is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportKind {
    /// `report.json`
    Json,
    /// `junit.xml`
    Junit,
    /// `summary.md`, for a job summary
    Markdown,
}

/// A system that runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Pipeline {
    /// `.github/workflows/chargeproof.yml`
    Github,
    /// `.gitlab-ci.yml`
    Gitlab,
    /// `Jenkinsfile`
    Jenkins,
    /// `azure-pipelines.yml`
    Azure,
}

/// A file format with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaKind {
    /// A scenario
    Scenario,
    /// A sender file
    Sender,
    /// A mapping
    Mapping,
    /// An exam
    Exam,
    /// `report.json`
    Report,
    /// `chargeproof.yaml`
    Project,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  all required checks passed
   1  a check failed
   2  wrong usage, or a file that cannot be written, or read as what it should be
   3  a snapshot waits for review
   4  nothing ran
   5  inconclusive: the evidence for a verdict is missing
   6  the sender could not be started or driven
  10  a charge was sent twice
  70  internal error";
