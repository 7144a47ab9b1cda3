//! What is told and kept while cases run: histories are stored as they come, and whoever waits reads how
//! far the run is.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::cli::arguments::Voice;
use crate::cli::failure::Failure;
use crate::cli::screen;
use crate::cli::store::Store;
use chargeproof::report::progress::Progress;
use chargeproof::report::terminal::headline;
use chargeproof::suite::News;
use chargeproof::verdict::{CaseOutcome, Verdict};

/// How long nothing is told where no terminal is, while cases still run.
const SILENCE: Duration = Duration::from_secs(10);

/// Stores histories as they come and keeps a person informed while the run goes on.
pub(super) struct Listener<'s> {
    store: Option<&'s Store>,
    progress: Progress,
    voice: Voice,
    /// How wide the terminal is that progress is shown on, if it is one.
    columns: Option<usize>,
    told: Instant,
    failure: Option<Failure>,
}

impl<'s> Listener<'s> {
    pub(super) fn new(cases: usize, store: Option<&'s Store>, voice: Voice) -> Self {
        let columns = screen::error_columns();
        let told = Instant::now();
        Self { store, progress: Progress::new(cases), voice, columns, told, failure: None }
    }

    pub(super) fn hear(&mut self, news: News<'_>) {
        match news {
            News::Began(id) => self.progress.started(id),
            News::Ended(outcome, history) => {
                self.progress.finished(&outcome.id, outcome.judgement.verdict());
                if let Some(store) = self.store {
                    match store.keep(&outcome.id, history) {
                        Ok(path) => outcome.history = Some(path),
                        // The first says most: what comes after it may only follow from it.
                        Err(failure) => _ = self.failure.get_or_insert(failure),
                    }
                }
                self.say(outcome);
            }
            News::Waiting => {}
        }
        self.show();
    }

    /// Says how a case came out, where somebody wants to read that at once.
    fn say(&mut self, outcome: &CaseOutcome) {
        let passed = outcome.judgement.verdict() == Verdict::Pass;
        let wanted = match self.voice {
            Voice::Quiet => false,
            // On a terminal the report follows soon, and says it once.
            Voice::Usual => !passed && self.columns.is_none(),
            Voice::Verbose => true,
        };
        if wanted {
            self.clear();
            let _ = writeln!(anstream::stderr(), "{}", headline(outcome));
            self.told = Instant::now();
        }
    }

    /// Shows how far the run is: on a terminal in a line that stays, elsewhere in a line now and then.
    fn show(&mut self) {
        match self.columns {
            _ if self.voice == Voice::Quiet => {}
            Some(columns) => {
                // The last column is left free: a terminal may wrap a line that fills it.
                let line = self.progress.line(columns.saturating_sub(1));
                let _ = write!(anstream::stderr(), "\r\x1b[2K{line}");
            }
            None if self.told.elapsed() >= SILENCE => {
                let _ = writeln!(anstream::stderr(), "{}", self.progress.line(usize::MAX));
                self.told = Instant::now();
            }
            None => {}
        }
    }

    fn clear(&self) {
        if self.columns.is_some() && self.voice != Voice::Quiet {
            let _ = write!(anstream::stderr(), "\r\x1b[2K");
        }
    }

    /// Ends it; why not everything could be kept, if so.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.clear();
        self.failure.map_or(Ok(()), Err)
    }
}
