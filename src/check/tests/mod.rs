//! Histories built by hand, and what the judge must say of them.

mod accounts;
mod acknowledgements;
mod clock;
mod credits;
mod cut;
mod delivery;
mod disguise;
mod fixture;
mod form;
mod hostile;
mod in_flight;
mod lateness;
mod lost;
mod masking;
mod once;
mod process;
mod process_faults;
mod proof;
mod properties;
mod recorded;
mod resend_requests;
mod results;
mod snapshot;
mod tls;
mod unread;
