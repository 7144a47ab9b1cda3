//! Snapshot files, in insta's format so that its review tool works on them.
//!
//! An approved snapshot is `snapshots/NAME.snap`; one that waits for review is
//! `snapshots/NAME.snap.new` beside it. Nothing here ever writes an approved one.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use chargeproof::verdict::CaseOutcome;

/// The content of a snapshot file: what stands below insta's header.
pub(super) fn content(text: &str) -> String {
    let below = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    let content = below.map_or(text, |(_, content)| content);
    content.strip_suffix('\n').unwrap_or(content).to_owned()
}

/// Writes every new or changed snapshot of these cases down for review and returns their paths.
///
/// # Errors
/// A file or folder that cannot be written.
pub(super) fn write_pending(folder: &Path, cases: &[CaseOutcome]) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for case in cases {
        for seen in case.judgement.snapshots.iter().filter(|seen| !seen.approved) {
            let path = folder.join("snapshots").join(format!("{}.snap.new", seen.name));
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent).map_err(Failure::writing(parent))?;
            let source = case.id.split('[').next().unwrap_or(&case.id);
            let text = format!(
                "---\nsource: scenarios/{source}.yaml\nexpression: \"{}\"\n---\n{}\n",
                seen.name, seen.text
            );
            std::fs::write(&path, text).map_err(Failure::writing(&path))?;
            written.push(path);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn the_content_is_what_stands_below_the_header() {
        let file =
            "---\nsource: scenarios/a.yaml\nexpression: \"x\"\n---\n<VT>MSH|<CR>\n<FS><CR>\n";
        assert_eq!(content(file), "<VT>MSH|<CR>\n<FS><CR>");
    }

    #[test]
    fn a_file_without_a_header_is_all_content() {
        assert_eq!(content("<VT>MSH|<CR>\n"), "<VT>MSH|<CR>");
    }
}
