//! chargeproof proves that a charge sender drops every charge into an EMR **once, and exactly as
//! agreed**.
//!
//! This page is the map; it defines nothing. The rooms, in the order in which a case flows
//! through them:
//!
//! ```text
//! scenario.yaml -> scenario -> plan -> run <-> emr, sender -> history -> check -> verdict -> report
//!                                                               ^ a recording enters here
//! ```
//!
//! What everything stands on: [`yaml`] reads what an author wrote, [`hl7`] is HL7 v2 text over
//! bytes, [`mllp`] turns bytes into frames and back, [`exam`] holds the facts of one exam,
//! [`mapping`] makes a message of them, and [`charge`] says which FT1 lines are the same charge.
//!
//! [`history`] is the narrow waist: above it things act, below it things judge, and neither can
//! tell a live run from a recording. [`suite`] is the pipeline over many cases, [`cli`] the
//! command line.

pub mod charge;
pub mod check;
pub mod emr;
pub mod exam;
pub mod explore;
pub mod history;
pub mod hl7;
pub mod mapping;
pub mod mllp;
pub mod plan;
#[cfg(feature = "planted-defects")]
pub mod planted;
pub mod report;
pub mod run;
pub mod scenario;
pub mod selftest;
pub mod sender;
pub mod suite;
pub mod verdict;
pub mod yaml;
