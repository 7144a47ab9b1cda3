//! From what was typed to the plans that are meant.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::arguments::Selection;
use crate::cli::failure::Failure;
use crate::cli::project::{Project, read_source};
use crate::mapping::Document;
use crate::plan::{self, Choices, Lack, Plan};
use crate::scenario::{Account, Form, Scenario, SenderFile};
use crate::suite::Job;
use crate::verdict::LeftOut;
use crate::yaml::{Source, nearest};

/// What was typed, decided.
#[derive(Debug)]
pub(super) struct Meant {
    /// The cases to run, each with the command that repeats it.
    pub(super) jobs: Vec<Job>,
    /// The cases that need what the sender file does not offer.
    pub(super) left_out: Vec<LeftOut>,
}

/// Every case that is meant.
///
/// # Errors
/// The first mistake in a file, or a name that selects nothing.
pub(super) fn meant(project: &Project, selection: &Selection) -> Result<Meant, Failure> {
    let sender = sender_file(selection)?;
    let choices = Choices {
        seed: selection.seed,
        bug: selection.bug.clone(),
        variant: selection.variant.clone(),
        show_output: selection.show_output,
        watch_for: selection.watch_for,
    };
    let mut plans: Vec<Plan> = Vec::new();
    for (id, source) in scenarios(project, selection)? {
        let scenario = Scenario::read(&source)?;
        plans.extend(plan::expand(&scenario, &id, project, &sender, &choices)?);
    }
    // A name with axes means one case of its scenario only.
    let cases: Vec<&String> = selection.scenarios.iter().filter(|one| one.contains('[')).collect();
    for name in &cases {
        if !plans.iter().any(|plan| plan.id == **name) {
            return Err(nothing_called(name, plans.iter().map(|plan| plan.id.as_str())));
        }
    }
    let is_meant = |plan: &Plan| {
        let mut of_scenario = cases.iter().filter(|name| stem(name) == stem(&plan.id)).peekable();
        of_scenario.peek().is_none() || of_scenario.any(|name| **name == plan.id)
    };
    let mut meant = Meant { jobs: Vec::new(), left_out: Vec::new() };
    for plan in plans.into_iter().filter(is_meant) {
        let lacks = plan::unmet(&plan, &sender);
        if lacks.is_empty() {
            meant.jobs.push(Job { repeat: repeat(&plan.id, selection), plan });
        } else {
            meant.left_out.push(left_out(plan.id, &lacks));
        }
    }
    meant.left_out.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(meant)
}

/// A case that lacks all of these.
fn left_out(id: String, lacks: &[Lack]) -> LeftOut {
    let all = |part: fn(&Lack) -> &str, between: &str| {
        let mut parts: Vec<&str> = lacks.iter().map(part).collect();
        parts.dedup();
        parts.join(between)
    };
    LeftOut { id, need: all(|lack| &lack.need, " and "), why: all(|lack| &lack.why, ", ") }
}

/// The sender file that was named, or the reference sender's.
///
/// # Errors
/// A file that cannot be read, or the first mistake in it.
pub(super) fn sender_file(selection: &Selection) -> Result<SenderFile, Failure> {
    let Some(path) = &selection.sender else {
        return Ok(SenderFile::read(&Project::reference())?);
    };
    let mut sender = SenderFile::read(&read_source(path)?)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    // A file that is named alone lies in the folder that we are in.
    let here = std::path::absolute(Path::new(".").join(folder));
    let here = here.unwrap_or_else(|_| folder.to_owned());
    let here = here.to_string_lossy().into_owned();
    let account = match &mut sender.account {
        Some(Account::Command(command)) => Some(command),
        _ => None,
    };
    let commands = [Some(&mut sender.start), account, sender.resend.as_mut()];
    for command in commands.into_iter().flatten() {
        if let Some(program) = command.first_mut() {
            *program = beside(folder, program);
        }
        for argument in command {
            *argument = argument.replace("{beside}", &here);
        }
    }
    for value in sender.environment.values_mut().chain(&mut sender.directory) {
        *value = value.replace("{beside}", &here);
    }
    if let Form::Template(file) = &sender.feed.form {
        let source = read_source(&folder.join(&file.text))?;
        sender.template = Some(Document::read(&source)?);
    }
    Ok(sender)
}

/// The program of a sender file that lies in `folder`. A relative path means one beside that file,
/// since every case runs in a folder of its own; a bare name is looked up in `PATH` as ever.
fn beside(folder: &Path, program: &str) -> String {
    let is_relative = program.contains('/') && !program.starts_with(['/', '{']);
    let path = std::path::absolute(folder.join(program)).ok().filter(|_| is_relative);
    path.map_or_else(|| program.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// The scenarios that are meant, by id: those of the project whose names were given, and files
/// that lie elsewhere.
fn scenarios(
    project: &Project,
    selection: &Selection,
) -> Result<BTreeMap<String, Source>, Failure> {
    let all = project.scenarios();
    if selection.scenarios.is_empty() {
        return Ok(all.clone());
    }
    let mut found = BTreeMap::new();
    for name in &selection.scenarios {
        let name = below_scenarios(name, selection);
        let known = all.iter().filter(|(id, _)| names(stem(&name), id));
        let before = found.len();
        found.extend(known.map(|(id, source)| (id.clone(), source.clone())));
        let path = Path::new(&name);
        if path.is_file() && found.len() == before {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            found.insert(id, read_source(path)?);
        } else if !all.keys().any(|id| names(stem(&name), id)) {
            return Err(nothing_called(&name, all.keys().map(String::as_str)));
        }
    }
    Ok(found)
}

/// The id, or the folder of ids, that the path of a file of the project stands for; any other
/// name as it is.
fn below_scenarios(name: &str, selection: &Selection) -> String {
    let root = selection.project.join("scenarios").canonicalize();
    let path = Path::new(name).canonicalize();
    let below = root.ok().zip(path.ok()).and_then(|(root, path)| {
        path.strip_prefix(root).ok().map(|below| below.with_extension("").display().to_string())
    });
    below.unwrap_or_else(|| name.to_owned())
}

/// A case's id without its axes.
fn stem(id: &str) -> &str {
    id.split('[').next().unwrap_or(id)
}

/// Whether `name` is this id, its scenario, or a folder above it.
fn names(name: &str, id: &str) -> bool {
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    name.is_empty()
        || id == name
        || id.strip_prefix(name).is_some_and(|rest| {
            rest.starts_with('[') || rest.starts_with('/') || name.ends_with('/')
        })
}

fn nothing_called<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let hint = match nearest(name, known) {
        Some(id) => format!("did you mean `{id}`? `chargeproof list` shows every case"),
        None => "`chargeproof list` shows every case; where a folder has `scenarios/` of its own, \
                 those stand in place of the built-in ones"
            .to_owned(),
    };
    Failure::usage(format!("no scenario or case is called `{name}`"), hint)
}

/// The command that repeats one case.
fn repeat(id: &str, selection: &Selection) -> String {
    format!("chargeproof run '{id}' --seed {}{}", selection.seed, options(selection))
}

/// The options that name the project and the sender, as they were typed.
pub(super) fn options(selection: &Selection) -> String {
    let mut command = String::new();
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
    if let Some(time) = selection.watch_for {
        command += &format!(" --watch-for {}ms", time.as_millis());
    }
    command
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{beside, names};
    use rstest::rstest;

    #[rstest]
    #[case::beside("./send.sh", "/senders/send.sh")]
    #[case::below("bin/send", "/senders/bin/send")]
    #[case::absolute("/opt/send", "/opt/send")]
    #[case::bare("python3", "python3")]
    #[case::placeholder("{chargeproof}", "{chargeproof}")]
    #[case::below_a_placeholder("{state}/send", "{state}/send")]
    fn a_relative_program_lies_beside_the_sender_file(#[case] program: &str, #[case] path: &str) {
        assert_eq!(beside(Path::new("/senders"), program), path);
    }

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
