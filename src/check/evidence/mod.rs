//! What a history says, before anybody judges it.
//!
//! [`index`] is what every rule reads, over [`message`] and other data; [`reading`], [`elimination`] and
//! [`disguise`] fill it in, and [`read`] calls them. Knows no rule, and has no words for people.

pub(crate) mod answers;
pub(crate) mod beside;
pub(crate) mod credits;
pub(crate) mod disguise;
pub(crate) mod disguised;
pub(crate) mod elimination;
pub(crate) mod frame;
pub(crate) mod index;
pub(crate) mod known;
pub(crate) mod layers;
pub(crate) mod made;
pub(crate) mod mentions;
pub(crate) mod message;
pub(crate) mod reading;
pub(crate) mod resend_requests;
pub(crate) mod spellings;
pub(crate) mod time;
pub(crate) mod timestamp;
pub(crate) mod unread;

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::history::Event;
use crate::plan::Plan;

use disguise::Strays;
use index::Evidence;
use reading::Reading;

/// Indexes `events` for `plan`.
pub(crate) fn read<'h>(plan: &'h Plan, events: &'h [Event]) -> Evidence<'h> {
    let mut evidence = Evidence::of(plan, events);
    let names: HashMap<&str, usize, RandomState> =
        evidence.exams.iter().enumerate().map(|(index, exam)| (exam.name, index)).collect();
    let mut reading = Reading::of(&evidence.agreement);
    let mut strays = Strays::default();
    for (index, event) in events.iter().enumerate() {
        evidence.note(index, event, &names);
        if let Some(bytes) = reading.event(&mut evidence, index, event) {
            strays.add(index, bytes);
        }
    }
    reading.finish(&mut evidence);
    elimination::attribute(&mut evidence);
    evidence.disguises = disguise::find(&mut evidence, &strays);
    evidence
}
