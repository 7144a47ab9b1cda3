//! Writes what every reader begins with to `corpus/NAME/`, where libFuzzer looks for it.

use std::io;
use std::path::Path;

use chargeproof_fuzz::{TARGETS, root, walk};

fn main() -> io::Result<()> {
    for target in TARGETS {
        let folder = root().join("fuzz/corpus").join(target.name);
        std::fs::create_dir_all(&folder)?;
        let found = walk(&root().join("fuzz/found").join(target.name), "bin");
        let found = found.into_iter().map(|(_, bytes)| bytes);
        for (number, seed) in (target.seeds)().into_iter().chain(found).enumerate() {
            let seed = &seed[..seed.len().min(target.most_bytes)];
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
        write_words(&folder.with_extension("dict"), target.words)?;
    }
    Ok(())
}

/// The words of a target as libFuzzer reads them.
fn write_words(file: &Path, words: &[&str]) -> io::Result<()> {
    let escaped = |word: &&str| {
        let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02X}")).collect();
        format!("\"{bytes}\"\n")
    };
    std::fs::write(file, words.iter().map(escaped).collect::<String>())
}
