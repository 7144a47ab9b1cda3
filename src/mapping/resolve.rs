//! From a mapping's name to its instructions: reads the file and its parents, eldest first.

use crate::yaml::{self, Diagnostic, Source};

use crate::mapping::Mapping;
use crate::mapping::assemble::assemble;
use crate::mapping::draft::Draft;
use crate::mapping::file::File;
use crate::mapping::mistake::Mistake;
use crate::mapping::shipped::shipped_names;
use crate::mapping::written::Place;

/// The mapping of that name, with every parent resolved. `find` gives the file of a name.
///
/// # Errors
/// The first mistake in the file or in one of its parents, a parent that does not exist, and a
/// mapping that extends itself.
///
/// ```
/// # use chargeproof::mapping;
/// let mapping = mapping::resolve("iris/option-1", &mapping::shipped)?;
/// assert_eq!(mapping.name, "iris/option-1");
/// # Ok::<(), chargeproof::yaml::Diagnostic>(())
/// ```
pub fn resolve(name: &str, find: &dyn Fn(&str) -> Option<Source>) -> Result<Mapping, Diagnostic> {
    match find(name) {
        Some(source) => read(&source, find),
        None => Err(Place::whole(Source::new(name, ""), 0).wrong(&unknown(name))),
    }
}

/// The mapping that `source` spells out, with every parent resolved.
///
/// # Errors
/// As [`resolve`].
pub fn read(source: &Source, find: &dyn Fn(&str) -> Option<Source>) -> Result<Mapping, Diagnostic> {
    let mut family = family(source, find)?;
    let mut draft = Draft::new(Place::whole(source.clone(), 0));
    let mut depth = 0;
    while let Some((source, file)) = family.pop() {
        draft.lay(file, &Place::whole(source, depth))?;
        depth += 1;
    }
    assemble(draft)
}

/// The file and its parents, the file itself first.
fn family(
    source: &Source,
    find: &dyn Fn(&str) -> Option<Source>,
) -> Result<Vec<(Source, File)>, Diagnostic> {
    let mut source = source.clone();
    let mut family = Vec::new();
    let mut names: Vec<String> = Vec::new();
    loop {
        let file: File = yaml::read(&source)?;
        if names.is_empty() {
            names.push(file.mapping.value.clone());
        }
        let Some(extends) = &file.extends else {
            family.push((source, file));
            return Ok(family);
        };
        let place = Place::whole(source.clone(), 0).of(extends);
        let parent = extends.value.clone();
        let again = names.contains(&parent);
        names.push(parent.clone());
        if again {
            let circle = names.join("` -> `");
            let mistake = Mistake::new(format!("a mapping extends itself: `{circle}`"));
            let advice = "name a parent that does not lead back here";
            return Err(place.wrong(&mistake.hint(advice)));
        }
        let next = find(&parent).ok_or_else(|| place.wrong(&unknown(&parent).part(&parent)))?;
        family.push((source, file));
        source = next;
    }
}

fn unknown(name: &str) -> Mistake {
    let known = shipped_names();
    Mistake::new(format!("there is no mapping `{name}`"))
        .nearest(name, known.iter().map(String::as_str))
}
