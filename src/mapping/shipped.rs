//! The mappings that ship inside the program.

use include_dir::{Dir, include_dir};

use crate::yaml::Source;

static MAPPINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// The shipped mapping of that name, such as `iris/option-1`.
#[must_use]
pub fn shipped(name: &str) -> Option<Source> {
    let path = format!("{name}.yaml");
    let text = MAPPINGS.get_file(&path)?.contents_utf8()?;
    Some(Source::new(format!("mappings/{path}"), text))
}

/// The names of all shipped mappings, sorted.
#[must_use]
pub fn shipped_names() -> Vec<String> {
    let mut names = Vec::new();
    collect(&MAPPINGS, &mut names);
    names.sort();
    names
}

fn collect(directory: &Dir<'_>, names: &mut Vec<String>) {
    for file in directory.files() {
        names.extend(
            file.path().to_str().and_then(|path| path.strip_suffix(".yaml")).map(str::to_owned),
        );
    }
    for inner in directory.dirs() {
        collect(inner, names);
    }
}
