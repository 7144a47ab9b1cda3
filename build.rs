//! Builds again when a shipped scenario, mapping, snapshot or sender file comes or goes.

fn main() {
    for folder in ["scenarios", "mappings", "snapshots", "senders"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
