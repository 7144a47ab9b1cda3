//! Sockets, clock and processes: the only room that waits.
//!
//! [`Drive`] knows what comes next and waits for nothing; two drivers carry it out. [`real`]
//! does it with sockets and processes, [`simulated`] in memory and in virtual time, where a
//! second costs nothing.

mod command;
mod director;
mod disclosure;
mod drive;
mod happening;
mod parallel;
pub mod real;
pub mod simulated;
mod stirs;

pub use parallel::side_by_side;

pub use command::Command;
pub use disclosure::Disclosure;
pub use drive::{Do, Drive, Happening};

/// An exam's name as the file that it comes in has it.
fn file_name(exam: &str) -> String {
    exam.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect()
}

#[cfg(test)]
mod tests;
