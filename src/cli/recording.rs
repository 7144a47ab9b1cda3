//! Where `serve` keeps what it records: the file that `--out` asks for, or one without a name, which is
//! gone with this program however that ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek};
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::recorded;
use crate::cli::store::{Place, Store};
use chargeproof::history::{Event, Header, History, Writer};
use chargeproof::run::real::Keeper;

/// The file of a history that is written as it comes, and read when it is whole.
#[derive(Debug)]
pub(super) struct Recording {
    file: File,
    /// Where it is, for messages.
    path: PathBuf,
    /// Its path within the folder of the store, if it is in one.
    pub(super) below: Option<String>,
}

impl Recording {
    /// A file in `store`, or one without a name.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub(super) fn begin(store: Option<&Store>, case: &str) -> Result<Self, Failure> {
        if let Some(store) = store {
            let Place { below, path, file } = store.open(case)?;
            return Ok(Self { file, path, below: Some(below) });
        }
        let (file, path) = nameless()?;
        Ok(Self { file, path, below: None })
    }

    /// What writes to it.
    ///
    /// # Errors
    /// A system that lends no further descriptor.
    pub(super) fn keeper(&self) -> Result<Box<dyn Keeper>, Failure> {
        let file = self.file.try_clone().map_err(Failure::writing(&self.path))?;
        Ok(Box::new(Pen { file: Some(file), writer: None }))
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
}

impl Keeper for Pen {
    fn begin(&mut self, header: &Header) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let mut writer = Writer::begin(header, BufWriter::with_capacity(BUFFER, file))?;
        writer.flush()?;
        self.writer = Some(writer);
        Ok(())
    }

    fn keep(&mut self, events: &[Event]) -> io::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        for event in events {
            writer.add(event)?;
        }
        writer.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.take().map_or(Ok(()), Writer::seal)
    }
}

/// How much is written or read at once.
const BUFFER: usize = 256 * 1024;
