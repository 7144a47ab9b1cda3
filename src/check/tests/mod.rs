//! Histories built by hand, and what the judge must say of them.

mod accounts;
mod acknowledgements;
mod clock;
mod companions;
mod credits;
mod cut;
mod disguise;
mod fixture;
mod hostile;
mod in_flight;
mod late;
mod lost;
mod masking;
mod once;
mod process;
mod process_faults;
mod properties;
mod recorded;
mod results;
mod secured;
mod shown;
mod snapshot;
mod unread;
mod wanted;
mod wire;
