//! The sender under test: started, fed, asked, ended, and nothing of it left behind.

pub(crate) mod account;
pub(crate) mod feed;
pub(crate) mod feed_answer;
pub(crate) mod folder;
pub(crate) mod guardian;
pub(crate) mod http;
pub(crate) mod orphans;
pub(crate) mod output;
pub(crate) mod per_exam;
pub(crate) mod per_run;
pub(crate) mod placeholders;
pub(crate) mod process;
pub(crate) mod ready;
pub(crate) mod starvation;
pub(crate) mod sweep;
