//! The tests that see chargeproof from outside: its files, its public face, and above all the command,
//! as users run it. One program, so that the crate is linked once.
//!
//! `command` and `wire` help the others and test nothing themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod bugs;
mod circumstances;
mod command;
mod corpus;
mod doctor;
mod documents;
mod endpoints;
mod examples;
mod exit_codes;
mod explore;
mod feeding;
mod field;
mod foreign_bugs;
mod foreign_clients;
mod foreign_senders;
mod fuzz;
mod interrupts;
mod judge_again;
mod layers;
mod observer;
mod pipelines;
#[cfg(debug_assertions)]
mod planted;
mod project_file;
mod recipes;
mod reports;
mod same_history;
mod same_verdicts;
mod serve;
mod serve_live;
mod serve_recording;
mod stored;
mod terminal;
mod tls;
mod trials;
mod wire;
