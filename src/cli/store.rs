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
        let below = format!("cases/{}/history.jsonl", folder_of(case));
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

    /// Makes the paths of the histories such that they can be pasted into a shell where the
    /// program was started. That is for people: reports name them within the folder, which may
    /// be moved.
    pub(super) fn show(&self, outcome: &mut RunOutcome) {
        for history in outcome.cases.iter_mut().filter_map(|case| case.history.as_mut()) {
            *history = self.pasteable(history);
        }
    }

    /// The path of something within the folder, as one word of a shell.
    pub(super) fn pasteable(&self, below: &str) -> String {
        quoted(&self.folder.join(below))
    }

    fn create(&self, below: &str) -> Result<BufWriter<File>, Failure> {
        let path = self.folder.join(below);
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent).map_err(Failure::writing(parent))?;
        let file = File::create(&path).map_err(Failure::writing(&path))?;
        Ok(BufWriter::new(file))
    }
}

/// The folder of a case. Its id may hold what an author wrote as an axis, so a part of it that
/// would lead elsewhere is written as a name.
fn folder_of(case: &str) -> String {
    let name = |part: &str| match part {
        "" | "." | ".." => "_".to_owned(),
        part => part.replace('\0', "_"),
    };
    case.split('/').map(name).collect::<Vec<String>>().join("/")
}

/// A path as a shell takes it for one word.
pub(super) fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+:=@%,".contains(letter);
    if !path.is_empty() && path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{folder_of, quoted};
    use rstest::rstest;

    #[rstest]
    #[case("out/cases/serve/history.jsonl", "out/cases/serve/history.jsonl")]
    #[case("out/once/a[reply=x]", "'out/once/a[reply=x]'")]
    #[case("it's here", r"'it'\''s here'")]
    fn a_path_is_one_word_of_a_shell(#[case] path: &str, #[case] word: &str) {
        assert_eq!(quoted(Path::new(path)), word);
    }

    #[rstest]
    #[case("once/rejected[reply=reject]", "once/rejected[reply=reject]")]
    #[case("once/rejected[reply=payload/junk]", "once/rejected[reply=payload/junk]")]
    #[case("a[reply=x/../../y]", "a[reply=x/_/_/y]")]
    #[case("a[reply=x//y]", "a[reply=x/_/y]")]
    fn no_id_leads_out_of_the_folder(#[case] id: &str, #[case] folder: &str) {
        assert_eq!(folder_of(id), folder);
    }
}
