//! From what was typed to the plans that are meant.

use std::path::Path;

use crate::cli::arguments::Selection;
use crate::cli::failure::Failure;
use crate::cli::project::{Project, read_source};
use crate::plan::{self, Choices, Plan};
use crate::scenario::{Scenario, SenderFile};
use crate::suite::Job;
use crate::yaml::{Source, nearest};

/// Every case that is meant, with the command that repeats it.
///
/// # Errors
/// The first mistake in a file, or a name that selects nothing.
pub(super) fn jobs(project: &Project, selection: &Selection) -> Result<Vec<Job>, Failure> {
    let sender = sender_file(selection)?;
    let choices = Choices {
        seed: selection.seed,
        bug: selection.bug.clone(),
        variant: selection.variant.clone(),
    };
    let mut all = Vec::new();
    for (id, source) in sources(project, selection)? {
        let scenario = Scenario::read(&source)?;
        all.extend(plan::expand(&scenario, &id, project, &sender, &choices)?);
    }
    let wanted: Vec<Plan> =
        all.into_iter().filter(|plan| is_selected(&plan.id, selection)).collect();
    for name in &selection.scenarios {
        if !Path::new(name).exists() && !wanted.iter().any(|plan| names(name, &plan.id)) {
            return Err(nothing_named(name, project));
        }
    }
    let job = |plan: Plan| Job { repeat: repeat(&plan.id, selection), plan };
    Ok(wanted.into_iter().map(job).collect())
}

/// The sender file that was named, or the reference sender's.
fn sender_file(selection: &Selection) -> Result<SenderFile, Failure> {
    let source = match &selection.sender {
        Some(path) => read_source(path)?,
        None => Project::reference(),
    };
    Ok(SenderFile::read(&source)?)
}

/// The scenarios that could be meant: those of the project, and files that were named.
fn sources(project: &Project, selection: &Selection) -> Result<Vec<(String, Source)>, Failure> {
    let of_project = project.scenarios().iter().map(|(id, source)| (id.clone(), source.clone()));
    let mut all: Vec<(String, Source)> = of_project.collect();
    if !selection.scenarios.is_empty() {
        all.retain(|(id, _)| {
            selection.scenarios.iter().any(|name| {
                let stem = name.split('[').next().unwrap_or(name);
                names(stem, id) || names_path(name, id, selection)
            })
        });
    }
    for name in &selection.scenarios {
        let path = Path::new(name);
        let known = all.iter().any(|(id, _)| names_path(name, id, selection));
        if path.is_file() && !known {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            all.push((id, read_source(path)?));
        }
    }
    Ok(all)
}

fn is_selected(id: &str, selection: &Selection) -> bool {
    selection.scenarios.is_empty()
        || selection.scenarios.iter().any(|name| {
            Path::new(name).is_file() && file_names(name, id)
                || names_path(name, id, selection)
                || names(name, id)
        })
}

/// Whether a file outside the project is the scenario of this case.
fn file_names(file: &str, id: &str) -> bool {
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    id.split('[').next() == Some(stem.as_str())
}

/// Whether `name` is this id, its scenario, or a folder above it.
fn names(name: &str, id: &str) -> bool {
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    id == name
        || id.strip_prefix(name).is_some_and(|rest| {
            rest.starts_with('[') || rest.starts_with('/') || name.ends_with('/')
        })
}

/// Whether `name` is the path of this scenario's file, or of a folder above it.
fn names_path(name: &str, id: &str, selection: &Selection) -> bool {
    let root = selection.project.join("scenarios");
    let below = [root.as_path(), Path::new("scenarios")].into_iter().find_map(|root| {
        Path::new(name).strip_prefix(root).or_else(|_| Path::new(name).strip_prefix(".")).ok()
    });
    let Some(below) = below else {
        return false;
    };
    let below = below.strip_prefix("scenarios").unwrap_or(below).to_string_lossy().into_owned();
    below.is_empty() || names(&below, id)
}

fn nothing_named(name: &str, project: &Project) -> Failure {
    let ids: Vec<&str> = project.scenarios().keys().map(String::as_str).collect();
    let stem = name.split('[').next().unwrap_or(name);
    let hint = match nearest(stem, ids.iter().copied()) {
        Some(id) => format!("did you mean `{id}`? `chargeproof list` shows every case"),
        None => "`chargeproof list` shows every case".to_owned(),
    };
    Failure::usage(format!("no scenario is called `{name}`"), hint)
}

/// The command that repeats one case.
fn repeat(id: &str, selection: &Selection) -> String {
    let mut command = format!("chargeproof run '{id}' --seed {}", selection.seed);
    if selection.project != Path::new(".") {
        command += &format!(" --project '{}'", selection.project.display());
    }
    if let Some(sender) = &selection.sender {
        command += &format!(" --sender '{}'", sender.display());
    }
    if let Some(bug) = &selection.bug {
        command += &format!(" --bug {bug}");
    }
    if let Some(variant) = &selection.variant {
        command += &format!(" --variant {variant}");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::names;
    use rstest::rstest;

    #[rstest]
    #[case("once/rejected", "once/rejected[reply=reject]", true)]
    #[case("once/rejected[reply=reject]", "once/rejected[reply=reject]", true)]
    #[case("once", "once/rejected", true)]
    #[case("once/", "once/rejected", true)]
    #[case("once/rejected.yaml", "once/rejected[reply=error]", true)]
    #[case("once/rej", "once/rejected", false)]
    #[case("once/rejected[reply=error]", "once/rejected[reply=reject]", false)]
    fn a_name_selects_a_case_a_scenario_or_a_folder(
        #[case] name: &str,
        #[case] id: &str,
        #[case] selected: bool,
    ) {
        assert_eq!(names(name, id), selected);
    }
}
