//! `chargeproof explain`, `schema`, `completions` and `man`: what the program says of itself.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::arguments::{Arguments, SchemaKind};
use crate::cli::failure::Failure;
use crate::cli::project_file;
use crate::cli::screen::{beside, paragraph};
use chargeproof::check::{Explanation, explanation};
use chargeproof::report;
use chargeproof::verdict::{Exit, Rule};
use chargeproof::yaml::nearest;
use chargeproof::{mapping, scenario};

/// Prints what one rule means, or all rules in a line each.
///
/// # Errors
/// A name that no rule has, or an output that cannot be written.
pub(super) fn explain(name: Option<&str>) -> Result<Exit, Failure> {
    let mut out = anstream::stdout().lock();
    let Some(name) = name else {
        let widest = Rule::ALL.iter().map(|rule| rule.name().len()).max().unwrap_or(0);
        for rule in Rule::ALL {
            let lead = format!("{:widest$} ", rule.name());
            beside(&mut out, &lead, explanation(*rule).title)?;
        }
        return Ok(Exit::Passed);
    };
    let Some(rule) = Rule::named(name) else {
        let names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the rules are {}", names.join(", ")),
        };
        return Err(Failure::usage(format!("no rule is called `{name}`"), hint));
    };
    let Explanation { title, promise, source, how_to_read } = explanation(rule);
    paragraph(&mut out, &format!("{rule}: {title}"))?;
    for text in
        [promise.to_owned(), format!("How to read it: {how_to_read}"), format!("Source: {source}")]
    {
        writeln!(out)?;
        paragraph(&mut out, &text)?;
    }
    Ok(Exit::Passed)
}

/// Prints a JSON Schema.
///
/// # Errors
/// An output that cannot be written.
pub(super) fn schema(kind: SchemaKind) -> Result<Exit, Failure> {
    let schema = match kind {
        SchemaKind::Scenario => scenario::schema(),
        SchemaKind::Sender => scenario::sender_file_schema(),
        SchemaKind::Mapping => mapping::schema(),
        SchemaKind::Exam => scenario::exam_schema(),
        SchemaKind::Report => report::json::schema(),
        SchemaKind::Project => project_file::schema(),
    };
    writeln!(anstream::stdout().lock(), "{schema:#}")?;
    Ok(Exit::Passed)
}

/// Prints a completion script.
///
/// # Errors
/// An output that cannot be written.
pub(super) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "chargeproof", &mut script);
    anstream::stdout().lock().write_all(&script)?;
    Ok(Exit::Passed)
}

/// Prints the manual page.
///
/// # Errors
/// An output that cannot be written.
pub(super) fn man() -> Result<Exit, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    anstream::stdout().lock().write_all(&page)?;
    Ok(Exit::Passed)
}

/// Writes a page for each command and each of its subcommands, as a package of a system wants them.
///
/// # Errors
/// A folder or a page that cannot be written.
pub(super) fn man_pages(folder: &Path) -> Result<Exit, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::writing(folder))?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(Failure::writing(folder))?;
    writeln!(anstream::stdout().lock(), "wrote the manual pages to {}", folder.display())?;
    Ok(Exit::Passed)
}

#[cfg(test)]
mod tests {
    use crate::cli::project;
    use chargeproof::scenario;
    use chargeproof::yaml::{Source, parse};

    #[test]
    fn every_shipped_scenario_fits_its_schema() {
        let schema = jsonschema::validator_for(&scenario::schema()).unwrap();
        let files = project::shipped_scenarios();
        assert!(!files.is_empty());
        for (path, text) in files {
            let file = parse(&Source::new(path, text)).unwrap().read().unwrap();
            if let Err(error) = schema.validate(&file) {
                panic!("{path}: {error} at {}", error.instance_path());
            }
        }
    }
}
