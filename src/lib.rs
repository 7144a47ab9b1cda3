//! chargeproof proves that a charge sender delivers each charge to an EMR **exactly once, and as
//! agreed**.
//!
//! Most people want the command; this library is what it is made of. Three doors are meant to be used,
//! and the rest may change until 1.0.
//!
//! # Judge a recording
//!
//! A history is what was seen on the wire, with the plan that led to it in its header.
//! [`history::read`] reads one that `chargeproof run --out` or `chargeproof serve --out` has stored,
//! and [`suite::judge_recorded`] judges it, as often as you like, with the same result every time.
//!
//! ```
//! use chargeproof::verdict::{Rule, Verdict};
//! use chargeproof::{history, suite};
//!
//! let file = std::fs::File::open("tests/corpus/sent-twice-after-no-answer.jsonl")?;
//! let history = history::read(std::io::BufReader::new(file))?;
//! let outcome = suite::judge_recorded(&history, String::new())?;
//! assert_eq!(outcome.judgement.verdict(), Verdict::Fail);
//! assert_eq!(outcome.judgement.findings[0].rule, Rule::OncePerOrder);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Play a plan in virtual time
//!
//! [`run::simulated::run`] plays a plan against the reference sender, without a socket and without
//! waiting: a second costs nothing. [`planning::expand`] makes plans of a scenario.
//!
//! ```
//! use chargeproof::{history, plan::Plan, run::simulated, suite, verdict::Verdict};
//!
//! let file = std::fs::File::open("tests/corpus/held-rejected.jsonl")?;
//! let recorded = history::read(std::io::BufReader::new(file))?;
//! let plan: Plan = serde_json::from_str(recorded.header.plan.get())?;
//! let history = simulated::run(&plan)?;
//! let outcome = suite::judge(&plan, &history, String::new());
//! assert_eq!(outcome.judgement.verdict(), Verdict::Pass);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Read and change an HL7 message
//!
//! ```
//! use chargeproof::hl7::{Message, diff};
//!
//! let sent = b"MSH|^~\\&|IRIS|A|EMR|B|20260105080000||DFT^P03|17|P|2.4\rFT1|1|273013||20260105||CG|92250\r";
//! let message = Message::read(sent);
//! assert_eq!(message.value("FT1-7.1"), b"92250");
//! let changed = String::from_utf8_lossy(sent).replace("92250", "92014");
//! let differences = diff(&message, &Message::read(changed.as_bytes()));
//! assert_eq!(differences[0].path.to_string(), "FT1-7");
//! ```
//!
//! # The rooms
//!
//! ```text
//! scenario.yaml -> scenario -> planning -> plan -> run <-> emr, sender -> history -> check -> verdict -> report
//!                                                               ^ a recording enters here
//! ```
//!
//! What everything stands on: [`yaml`] reads what an author wrote, [`hl7`] is HL7 v2 text over
//! bytes, [`mllp`] turns bytes into frames and back, [`exam`] holds the facts of one exam,
//! [`mapping`] makes a message of them, and [`charge`] says which FT1 lines are the same charge.
//!
//! [`history`] is the narrow waist: above it things act, below it things judge, and neither can
//! tell a live run from a recording. [`suite`] is the pipeline over many cases, [`explore`] draws
//! cases that nobody wrote, [`selftest`] runs senders that are known to be broken.

#[doc(hidden)]
pub mod charge;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod emr;
#[doc(hidden)]
pub mod exam;
#[doc(hidden)]
pub mod explore;
pub mod history;
pub mod hl7;
#[doc(hidden)]
pub mod mapping;
#[doc(hidden)]
pub mod mllp;
pub mod plan;
pub mod planning;
#[cfg(debug_assertions)]
#[doc(hidden)]
pub mod planted;
#[doc(hidden)]
pub mod report;
pub mod run;
#[doc(hidden)]
pub mod scenario;
#[doc(hidden)]
pub mod selftest;
#[doc(hidden)]
pub mod sender;
pub mod suite;
pub mod verdict;
#[doc(hidden)]
pub mod yaml;
