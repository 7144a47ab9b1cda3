//! Where `serve` keeps what it records: the file that `--out` asks for, or one without a name, which is
//! gone with this program however that ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::cli::failure::Failure;
use crate::cli::narrator::Narrator;
use crate::cli::recorded;
use crate::cli::speaker::Speaker;
use crate::cli::store::{Place, Store};
use chargeproof::history::{Event, Header, History, Piece, What, Writer};
use chargeproof::plan::Plan;
use chargeproof::run::real::{Keeper, Peer};

/// The file of a history that is written as it comes, and read when it is whole.
#[derive(Debug)]
pub(super) struct Recording {
    file: File,
    /// Where it is, for messages.
    path: PathBuf,
    /// Its path within the folder of the store, if it is in one.
    pub(super) below: Option<String>,
    totals: Arc<Totals>,
}

/// Who is to tell what is recorded: of which plan, and by which voice.
pub(super) struct Teller {
    pub(super) plan: Arc<Plan>,
    pub(super) speaker: Speaker,
}

/// How much was recorded.
#[derive(Debug, Default)]
struct Totals {
    messages: AtomicU64,
    connections: AtomicU64,
}

impl Recording {
    /// A file in `store`, or one without a name.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub(super) fn begin(store: Option<&Store>, case: &str) -> Result<Self, Failure> {
        if let Some(store) = store {
            let Place { below, path, file } = store.open(case)?;
            return Ok(Self { file, path, below: Some(below), totals: Arc::default() });
        }
        let (file, path) = nameless()?;
        Ok(Self { file, path, below: None, totals: Arc::default() })
    }

    /// What writes to it, and tells `teller` what it has written.
    ///
    /// # Errors
    /// A system that lends no further descriptor.
    pub(super) fn keeper(&self, teller: Option<Teller>) -> Result<Box<dyn Keeper>, Failure> {
        let file = self.file.try_clone().map_err(Failure::writing(&self.path))?;
        let totals = Arc::clone(&self.totals);
        Ok(Box::new(Pen { file: Some(file), writer: None, totals, teller, narrator: None }))
    }

    /// How many messages and connections came.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.totals.messages.load(Relaxed), self.totals.connections.load(Relaxed))
    }

    /// Why it could not be written.
    pub(super) fn failed(&self, error: io::Error) -> Failure {
        Failure::writing(&self.path)(error)
    }

    /// Reads it, once it is whole.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(mut self) -> Result<History, Failure> {
        self.file.rewind().map_err(Failure::reading(&self.path))?;
        recorded::read_from(BufReader::with_capacity(BUFFER, self.file), &self.path)
    }
}

/// A file without a name, where what is temporary may be large: what lies below `/tmp` is in memory on
/// many systems.
fn nameless() -> Result<(File, PathBuf), Failure> {
    let asked = std::env::var_os("TMPDIR").map(PathBuf::from);
    let large = Path::new("/var/tmp");
    let folder = match asked {
        Some(folder) => folder,
        None if large.is_dir() => large.to_owned(),
        None => std::env::temp_dir(),
    };
    let file = tempfile::tempfile_in(&folder).map_err(Failure::writing(&folder))?;
    Ok((file, folder))
}

/// Writes a history down as it comes.
struct Pen {
    file: Option<File>,
    writer: Option<Writer<BufWriter<File>>>,
    totals: Arc<Totals>,
    teller: Option<Teller>,
    narrator: Option<Narrator>,
}

impl Pen {
    fn count(&self, events: &[Event]) {
        for event in events {
            let total = match &event.what {
                What::Received { piece: Piece::Frame, .. } => &self.totals.messages,
                What::Opened { .. } => &self.totals.connections,
                _ => continue,
            };
            total.fetch_add(1, Relaxed);
        }
    }
}

impl Keeper for Pen {
    fn begin(&mut self, header: &Header) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let mut writer = Writer::begin(header, BufWriter::with_capacity(BUFFER, file))?;
        writer.flush()?;
        self.writer = Some(writer);
        let started = header.started.parse().unwrap_or_default();
        let teller = self.teller.take();
        self.narrator = teller.map(|told| Narrator::new(told.plan, started, told.speaker));
        Ok(())
    }

    fn keep(&mut self, events: &[Event], peers: &[Peer]) -> io::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        for event in events {
            writer.add(event)?;
        }
        writer.flush()?;
        self.count(events);
        if let Some(narrator) = &mut self.narrator {
            narrator.hear(events, peers);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.narrator = None;
        self.writer.take().map_or(Ok(()), Writer::seal)
    }
}

/// How much is written or read at once.
const BUFFER: usize = 256 * 1024;
