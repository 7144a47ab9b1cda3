//! Judges a stored history: `cargo run --example judge_a_recording -- FILE.jsonl`.
//!
//! Prints what each rule found, masked as the judge masks it, and exits with the verdict's code.

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use chargeproof::{history, suite};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a stored history, such as out/case.jsonl")?;
    let history = history::read(BufReader::new(File::open(&path)?))?;
    let outcome = suite::judge_recorded(&history, format!("chargeproof check {path}"))?;
    println!("{}: {:?}", outcome.id, outcome.judgement.verdict());
    for finding in &outcome.judgement.findings {
        println!("  {} ({}): {}", finding.rule, finding.circumstance, finding.message);
    }
    Ok(())
}
