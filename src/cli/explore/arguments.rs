//! What can be typed after `explore`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::values::{bugs, time, variants};

#[derive(Debug, Args)]
pub(in crate::cli) struct Explore {
    /// Folder with `scenarios/` and `mappings/` of your own
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(in crate::cli) project: PathBuf,
    /// Sender file: explore that sender over real processes [default: the reference sender, in
    /// virtual time]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) sender: Option<PathBuf>,
    /// Inject this defect into the reference sender
    #[arg(long, value_name = "NAME", conflicts_with = "sender",
          value_parser = PossibleValuesParser::new(bugs()), hide_possible_values = true)]
    pub(in crate::cli) bug: Option<String>,
    /// Switch this honest habit of the reference sender on
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sender", "bug"],
          value_parser = PossibleValuesParser::new(variants()))]
    pub(in crate::cli) variant: Option<String>,
    /// What every schedule follows from [default: drawn, and printed]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) seed: Option<u64>,
    /// How many schedules are tried [default: 50000 in virtual time, 200 over real processes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) schedules: Option<u64>,
    /// How long they are tried, as in `10s` or `5m`, if that is over sooner
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(in crate::cli) r#for: Option<Duration>,
    /// How many run side by side [default: one for each core in virtual time, 32 over real
    /// processes]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(in crate::cli) jobs: Option<u16>,
    /// Folder that what is found is written to, as scenarios
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
}
