//! From what was typed to the plans that are meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cli::arguments::Selection;
use crate::cli::failure::Failure;
use crate::cli::pattern::{self, names};
use crate::cli::project::{Project, read_source, read_yaml};
use crate::cli::store::quoted;
use chargeproof::mapping::Document;
use chargeproof::plan::Account;
use chargeproof::plan::Plan;
use chargeproof::planning;
use chargeproof::planning::{Choices, Lack};
use chargeproof::scenario::{Form, Scenario, SenderFile};
use chargeproof::suite::Job;
use chargeproof::verdict::LeftOut;
use chargeproof::yaml::{Source, nearest};

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
        ..Choices::default()
    };
    let Selected { scenarios, cases, named, patterns } = scenarios(project, selection)?;
    let mut plans: Vec<(String, &str, Plan)> = Vec::new();
    for (id, Chosen { source, file }) in &scenarios {
        let scenario = Scenario::read(source)?;
        for plan in planning::expand(&scenario, id, project, &sender, &choices)? {
            let axes = plan.id.strip_prefix(id.as_str()).unwrap_or_default();
            let name =
                file.as_ref().map_or_else(|| plan.id.clone(), |file| format!("{file}{axes}"));
            plans.push((name, id, plan));
        }
    }
    // A name with axes means one case of its scenario only.
    for case in &cases {
        if !plans.iter().any(|(.., plan)| plan.id == case.id) {
            return Err(nothing_called(&case.typed, plans.iter().map(|(name, ..)| name.as_str())));
        }
    }
    for pattern in &patterns {
        if !plans.iter().any(|(.., plan)| pattern::is_meant(pattern, &plan.id)) {
            return Err(nothing_called(pattern, std::iter::empty()));
        }
    }
    let in_pattern = |plan: &Plan| patterns.iter().any(|one| pattern::is_meant(one, &plan.id));
    let is_named = |plan: &Plan| cases.iter().any(|case| case.id == plan.id);
    let in_part: BTreeSet<&str> =
        plans.iter().filter(|(.., plan)| is_named(plan)).map(|(_, id, _)| *id).collect();
    let mut meant = Meant { jobs: Vec::new(), left_out: Vec::new() };
    for (name, id, plan) in plans {
        let by_name = named.contains(id) && (!in_part.contains(id) || is_named(&plan));
        if !by_name && !in_pattern(&plan) {
            continue;
        }
        let lacks = planning::unmet(&plan, &sender);
        if lacks.is_empty() {
            meant.jobs.push(Job { repeat: repeat(&name, &plan.id, selection), plan });
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
    let mut sender = SenderFile::read(&read_yaml(path)?)?;
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

/// What the names on the command line select.
struct Selected {
    /// By id.
    scenarios: BTreeMap<String, Chosen>,
    /// The cases that were named with their axes.
    cases: Vec<Case>,
    /// The scenarios that were named; of the others, only cases that a pattern means.
    named: BTreeSet<String>,
    /// Patterns such as `*reset*`.
    patterns: Vec<String>,
}

/// A scenario that is meant.
struct Chosen {
    source: Source,
    /// The path by which it was named, if it is none of the project's.
    file: Option<String>,
}

/// One case of a scenario.
struct Case {
    id: String,
    typed: String,
}

/// The scenarios that are meant: those of the project whose names were given, and files that lie
/// elsewhere.
fn scenarios(project: &Project, selection: &Selection) -> Result<Selected, Failure> {
    let all = project.scenarios();
    let ours = |(id, source): (&String, &Source)| {
        (id.clone(), Chosen { source: source.clone(), file: None })
    };
    let mut scenarios = BTreeMap::new();
    let (mut cases, mut patterns) = (Vec::new(), Vec::new());
    if selection.scenarios.is_empty() {
        scenarios.extend(all.iter().map(ours));
    }
    for typed in &selection.scenarios {
        let (name, axes) = parted(typed);
        let below = below_scenarios(name, selection);
        if typed.contains(['*', '?']) && !Path::new(typed).is_file() {
            patterns.push(typed.clone());
            continue;
        }
        let mut known = all.iter().filter(|(id, _)| names(&below, id)).map(ours).peekable();
        let id = if known.peek().is_some() {
            scenarios.extend(known);
            below.strip_suffix(".yaml").unwrap_or(&below).to_owned()
        } else if Path::new(name).is_file() {
            add_file(&mut scenarios, name)?
        } else {
            return Err(nothing_called(typed, all.keys().map(String::as_str)));
        };
        if !axes.is_empty() {
            cases.push(Case { id: id + axes, typed: typed.clone() });
        }
    }
    let named: BTreeSet<String> = scenarios.keys().cloned().collect();
    if !patterns.is_empty() {
        let more = all.iter().filter(|(id, _)| !named.contains(*id)).map(ours);
        scenarios.extend(more.collect::<Vec<(String, Chosen)>>());
    }
    Ok(Selected { scenarios, cases, named, patterns })
}

/// Adds the scenario of a file that lies elsewhere, and returns its id.
fn add_file(scenarios: &mut BTreeMap<String, Chosen>, name: &str) -> Result<String, Failure> {
    let path = Path::new(name);
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let other = match scenarios.get(&id) {
        Some(Chosen { file: Some(file), .. }) if is_same(Path::new(file), path) => return Ok(id),
        Some(Chosen { file, .. }) => file.as_deref().unwrap_or("a scenario of the project"),
        None => {
            let chosen = Chosen { source: read_yaml(path)?, file: Some(name.to_owned()) };
            scenarios.insert(id.clone(), chosen);
            return Ok(id);
        }
    };
    let message = format!("`{name}` and {other} are both called `{id}`");
    Err(Failure::usage(message, "a scenario is called as its file: run one after the other"))
}

/// Whether both are the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().ok().is_some_and(|one| other.canonicalize().ok() == Some(one))
}

/// A name, and the axes that follow it. The path of a file may hold a bracket of its own.
fn parted(typed: &str) -> (&str, &str) {
    if Path::new(typed).is_file() {
        return (typed, "");
    }
    let mut brackets = typed.match_indices('[').map(|(at, _)| at);
    let file = brackets.clone().find(|at| Path::new(&typed[..*at]).is_file());
    typed.split_at(file.or_else(|| brackets.next()).unwrap_or(typed.len()))
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

fn nothing_called<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let hint = match nearest(name, known) {
        Some(id) => format!("did you mean `{id}`? `chargeproof list` shows every case"),
        None => "`chargeproof list` shows every case; where a folder has `scenarios/` of its own, \
                 those stand in place of the built-in ones"
            .to_owned(),
    };
    Failure::usage(format!("no scenario or case is called `{name}`"), hint)
}

/// The command that repeats the case with this id, which is selected by `name`.
fn repeat(name: &str, id: &str, selection: &Selection) -> String {
    let word = match name {
        // What begins like an option would be taken for one.
        _ if name.starts_with('-') => quoted(&Path::new(".").join(name)),
        _ if name == id => format!("'{}'", name.replace('\'', r"'\''")),
        _ => quoted(Path::new(name)),
    };
    format!("chargeproof run {word} --seed {}{}", selection.seed, options(selection))
}

/// The options that name the project and the sender, as they were typed.
pub(super) fn options(selection: &Selection) -> String {
    let mut command = String::new();
    if selection.project != Path::new(".") {
        command += &format!(" --project {}", quoted(&selection.project));
    }
    if let Some(sender) = &selection.sender {
        command += &format!(" --sender {}", quoted(sender));
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

    use super::beside;
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
}
