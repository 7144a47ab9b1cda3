//! Plays an EMR that takes one charge, without a socket: `cargo run --example play_an_emr`.
//!
//! The EMR is a machine. Whoever drives it says what happened and when, and does what it asks for; it
//! writes down what it saw.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use chargeproof::emr::{Emr, Input, Output, Settings, WireAct};
use chargeproof::history::{self, Bounds, Recorder};
use chargeproof::mllp;
use chargeproof::plan::Plan;

fn main() -> Result<(), Box<dyn Error>> {
    // The plan of any recording will do: here one in which the EMR accepts.
    let recorded = BufReader::new(File::open("tests/corpus/held-accepted.jsonl")?);
    let mut plan: Plan = serde_json::from_str(history::read(recorded)?.header.plan.get())?;
    plan.script.clear();
    let settings = Settings::of(&plan, "2026-01-05T08:00:00".parse()?);
    let mut emr = Emr::new(&plan, settings);
    let mut recorder = Recorder::new(Bounds { pieces: 100, bytes: 1 << 20 });

    let message = b"MSH|^~\\&|IRIS|A|EMR|B|20260105080000||DFT^P03|17|P|2.4\rFT1|1|273013\r";
    let frame = mllp::encode(message);
    let happened = [
        Input::Listening { endpoint: 0, up: true },
        Input::Accepted { connection: 1, endpoint: 0, incarnation: 1 },
        Input::Received { connection: 1, bytes: &frame },
    ];
    let mut answered = false;
    for (second, input) in (0..).zip(happened) {
        emr.handle(Duration::from_secs(second), input, &mut recorder);
        while let Some(output) = emr.poll() {
            if let Output::Wire(WireAct::Write { bytes, .. }) = output {
                println!("{}", String::from_utf8_lossy(&bytes).replace('\r', "\n"));
                answered = true;
            }
        }
    }
    if answered { Ok(()) } else { Err("the EMR did not answer".into()) }
}
