//! `chargeproof init`.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::cli::failure::Failure;
use chargeproof::verdict::Exit;

/// Writes a commented sender file to begin with, and never over one that is there.
///
/// # Errors
/// A file that is there already, or cannot be written.
pub(super) fn init(path: &Path) -> Result<Exit, Failure> {
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(
            format!("`{}` is there already", path.display()),
            "name another file; this one is left as it is",
        ),
        _ => Failure::writing(path)(error),
    })?;
    let shown = path.display().to_string();
    let text = TEMPLATE.replace("THIS-FILE", &shown);
    file.write_all(text.as_bytes()).map_err(Failure::writing(path))?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "wrote {shown}: fill it in, then try it with `chargeproof doctor {shown}`")?;
    Ok(Exit::Passed)
}

const TEMPLATE: &str = include_str!("../../senders/template.yaml");
