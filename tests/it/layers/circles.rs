//! Which file needs which other, and where that goes in a circle.
//!
//! A file needs the module that a path leads into, through whatever hands its item on. That a module
//! hands something on makes it need nothing, and neither does that a folder's `mod.rs` calls what stands
//! in its folder.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Contents, Named};

/// A module, by its names below the crate.
type Module = Vec<String>;

/// The modules of each circle, sorted; each module is in one circle at most.
pub(super) fn circles(files: &[(String, &Contents)]) -> Vec<Vec<String>> {
    let modules: BTreeMap<Module, &Contents> =
        files.iter().map(|(name, contents)| (module(name), *contents)).collect();
    let needs: BTreeMap<&Module, BTreeSet<&Module>> =
        modules.iter().map(|(own, contents)| (own, needed(own, contents, &modules))).collect();
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        needs.keys().map(|from| (*from, reached(from, &needs))).collect();
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for (from, all) in &reached {
        let mutual = all.iter().filter(|one| **one != *from && reached[**one].contains(*from));
        let mut circle: Vec<String> = mutual.map(|one| one.join("/")).collect();
        if !circle.is_empty() {
            circle.push(from.join("/"));
            circle.sort();
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn module(name: &str) -> Module {
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    stem.split('/').map(str::to_owned).collect()
}

fn needed<'m>(
    own: &Module,
    contents: &Contents,
    modules: &'m BTreeMap<Module, &Contents>,
) -> BTreeSet<&'m Module> {
    let paths = contents.paths.iter().filter(|path| !path.in_test && !path.exported);
    let found = paths.filter_map(|path| leads_to(resolved(own, path, modules)?, modules));
    found.filter(|module| !module.starts_with(own)).collect()
}

/// The module that defines what a path from the crate's root on names.
fn leads_to<'m>(mut path: Module, modules: &'m BTreeMap<Module, &Contents>) -> Option<&'m Module> {
    for _ in 0..MOST_HANDS {
        let lengths = (1..=path.len()).rev();
        let (module, contents) =
            lengths.into_iter().find_map(|length| modules.get_key_value(&path[..length]))?;
        let Some(name) = path.get(module.len()) else { return Some(module) };
        let hands_on = |one: &&Named| one.exported && one.segments.last() == Some(name);
        let handed = contents.paths.iter().find(hands_on);
        match handed.and_then(|handed| resolved(module, handed, modules)) {
            Some(next) if next != path => path = next,
            _ => return Some(module),
        }
    }
    None
}

/// Through so many hands an item may pass.
const MOST_HANDS: usize = 8;

/// A path from the crate's root on, if it leads to a module of ours.
fn resolved(own: &Module, path: &Named, modules: &BTreeMap<Module, &Contents>) -> Option<Module> {
    let first = path.segments.first()?;
    let (mut base, rest) = match first.as_str() {
        "crate" => return Some(path.segments[1..].to_vec()),
        "super" | "self" => {
            let climbs = path.segments.iter().take_while(|one| *one == "super" || *one == "self");
            let climbs: Vec<&String> = climbs.collect();
            let up = climbs.iter().filter(|one| **one == "super").count();
            let up = up.saturating_sub(path.depth);
            let base = own.get(..own.len().checked_sub(up)?)?.to_vec();
            (base, &path.segments[climbs.len()..])
        }
        // A module that the file itself declares.
        child => {
            let mut base = own.clone();
            base.push(child.to_owned());
            (modules.contains_key(&base).then_some(base)?, &path.segments[1..])
        }
    };
    base.extend(rest.iter().cloned());
    Some(base)
}

fn reached<'m>(
    from: &'m Module,
    needs: &BTreeMap<&'m Module, BTreeSet<&'m Module>>,
) -> BTreeSet<&'m Module> {
    let mut all = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(next) = waiting.pop() {
        for one in needs.get(next).into_iter().flatten() {
            if all.insert(*one) {
                waiting.push(one);
            }
        }
    }
    all
}
