//! `chargeproof init`: a sender file, or a pipeline, to begin with.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::arguments::Pipeline;
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

/// Writes a pipeline and the script that it calls, and never over one that is there.
///
/// # Errors
/// A file that is there already, or cannot be written.
pub(super) fn pipeline(pipeline: Pipeline) -> Result<Exit, Failure> {
    let (path, text) = match pipeline {
        Pipeline::Github => (".github/workflows/chargeproof.yml", GITHUB),
        Pipeline::Gitlab => (".gitlab-ci.yml", GITLAB),
        Pipeline::Jenkins => ("Jenkinsfile", JENKINS),
        Pipeline::Azure => ("azure-pipelines.yml", AZURE),
    };
    let files = [(SCRIPT_PATH, SCRIPT, 0o755), (path, text, 0o644)];
    if let Some((taken, ..)) = files.iter().find(|(path, ..)| Path::new(path).exists()) {
        let message = format!("`{taken}` is there already");
        return Err(Failure::usage(message, "move it away; nothing was written"));
    }
    let mut out = anstream::stdout().lock();
    for (path, text, mode) in files {
        let path = Path::new(path);
        let folder = path.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(folder).map_err(Failure::writing(folder))?;
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(Failure::writing(path))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    writeln!(
        out,
        "the pipeline runs {SCRIPT_PATH}: try it here, with the path of your sender file"
    )?;
    Ok(Exit::Passed)
}

/// Where the script lies that every pipeline runs.
const SCRIPT_PATH: &str = "ci/chargeproof.sh";

const SCRIPT: &str = include_str!("../../templates/ci/chargeproof.sh");
const GITHUB: &str = include_str!("../../templates/ci/github.yml");
const GITLAB: &str = include_str!("../../templates/ci/gitlab.yml");
const JENKINS: &str = include_str!("../../templates/ci/Jenkinsfile");
const AZURE: &str = include_str!("../../templates/ci/azure.yml");

const TEMPLATE: &str = include_str!("../../senders/template.yaml");
