//! What is written to the folder that `--out` names.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::cli::arguments::ReportKind;
use crate::cli::failure::Failure;
use crate::history::{self, History};
use crate::report;
use crate::verdict::RunOutcome;

/// The folder of one run.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    reports: Vec<ReportKind>,
}

impl Store {
    /// A store, if the command line asks for one: `--out`, or `--report` alone. The folder is
    /// made at once, so that nobody waits for a run that cannot be written down.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub(super) fn asked_for(
        out: Option<&Path>,
        reports: &[ReportKind],
    ) -> Result<Option<Self>, Failure> {
        if out.is_none() && reports.is_empty() {
            return Ok(None);
        }
        let folder = out.unwrap_or(Path::new("chargeproof-out")).to_owned();
        std::fs::create_dir_all(&folder).map_err(|error| {
            let message =
                format!("`{}` cannot be the folder for reports: {error}", folder.display());
            Failure::usage(message, "`--out` names a folder, which is made if there is none")
        })?;
        let all = [ReportKind::Json, ReportKind::Junit];
        let reports = if reports.is_empty() { all.to_vec() } else { reports.to_vec() };
        Ok(Some(Self { folder, reports }))
    }

    /// Stores the history of a case and returns its path within the folder.
    ///
    /// # Errors
    /// A file or folder that cannot be written.
    pub(super) fn keep(&self, case: &str, history: &History) -> Result<String, Failure> {
        let below = format!("cases/{case}/history.jsonl");
        let mut out = self.create(&below)?;
        let path = self.folder.join(&below);
        history::write(history, &mut out).map_err(Failure::writing(&path))?;
        Ok(below)
    }

    /// Writes the reports.
    ///
    /// # Errors
    /// A file or folder that cannot be written.
    pub(super) fn report(&self, outcome: &RunOutcome) -> Result<(), Failure> {
        for kind in &self.reports {
            let name = match kind {
                ReportKind::Json => "report.json",
                ReportKind::Junit => "junit.xml",
            };
            let mut out = self.create(name)?;
            let written = match kind {
                ReportKind::Json => report::json::write(outcome, &mut out),
                ReportKind::Junit => report::junit::write(outcome, &mut out),
            };
            let path = self.folder.join(name);
            let flushed = written.and_then(|()| std::io::Write::flush(&mut out));
            flushed.map_err(Failure::writing(&path))?;
        }
        Ok(())
    }

    fn create(&self, below: &str) -> Result<BufWriter<File>, Failure> {
        let path = self.folder.join(below);
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent).map_err(Failure::writing(parent))?;
        let file = File::create(&path).map_err(Failure::writing(&path))?;
        Ok(BufWriter::new(file))
    }
}
