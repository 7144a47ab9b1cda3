//! What a person is told of the sender's work: what it waits for, what it sends, what comes of that.
//!
//! Orders and control ids are named, and nothing of a patient ever is.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use crate::sender::journal::{Kind, Outcome, Record};
use crate::sender::machine::Link;

/// Tells, where somebody wants to be told.
pub(super) struct Voice {
    on: bool,
    /// Connections that are being made, and to where.
    connecting: BTreeMap<Link, String>,
    /// Where no connection could be made last, and why: that is told once, and not at each try.
    refused: BTreeMap<String, ErrorKind>,
}

impl Voice {
    pub(super) const fn new(on: bool) -> Self {
        Self { on, connecting: BTreeMap::new(), refused: BTreeMap::new() }
    }

    pub(super) fn waiting(&self, inbox: &Path) -> Option<String> {
        self.say(format!("waiting for exams in {} (*.json)", inbox.display()))
    }

    pub(super) fn connecting(&mut self, link: Link, address: &str) {
        if self.on {
            self.connecting.insert(link, address.to_owned());
        }
    }

    pub(super) fn connected(&mut self, link: Link) -> Option<String> {
        let address = self.connecting.remove(&link)?;
        self.refused.remove(&address);
        self.say(format!("connected to {address}"))
    }

    /// The sender no longer waits for this connection.
    pub(super) fn given_up(&mut self, link: Link) {
        self.connecting.remove(&link);
    }

    pub(super) fn refused(
        &mut self,
        link: Link,
        why: Option<ErrorKind>,
        again: Duration,
    ) -> Option<String> {
        let address = self.connecting.remove(&link)?;
        let why = why.unwrap_or(ErrorKind::ConnectionAborted);
        if self.refused.insert(address.clone(), why) == Some(why) {
            return None;
        }
        self.say(format!(
            "cannot connect to {address}: {why}; trying again in {} ms",
            again.as_millis()
        ))
    }

    /// What a record says that is now in the journal.
    pub(super) fn stored(&self, record: &Record) -> Option<String> {
        let what = |kind: &Kind| match kind {
            Kind::Charge => "charge",
            Kind::Result => "result",
        };
        match record {
            Record::Taken { exam } => self.order(&exam.order.number, "its exam was taken"),
            Record::Attempting { order, kind, control_id, .. } => {
                self.order(order, format!("sending its {}, MSH-10 {control_id}", what(kind)))
            }
            Record::Asked { order, .. } => {
                self.order(order, "an operator wants its charge sent once more")
            }
            Record::Settled { order, kind, outcome } => {
                let came = match outcome {
                    Outcome::Delivered => "was accepted",
                    Outcome::Rejected => "was refused",
                    Outcome::Unknown => "had no valid answer: nobody knows, and a person must look",
                    Outcome::NotSent => "was not sent",
                };
                self.order(order, format!("its {} {came} ({})", what(kind), outcome.name()))
            }
            Record::Claimed { .. } | Record::Forgotten { .. } => None,
        }
    }

    fn order(&self, order: &str, what: impl Display) -> Option<String> {
        self.say(format!("order {order}: {what}"))
    }

    fn say(&self, text: String) -> Option<String> {
        self.on.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use super::Voice;
    use crate::sender::journal::{Kind, Outcome, Record};
    use crate::sender::machine::Link;

    #[test]
    fn what_cannot_be_reached_is_told_once_a_change() {
        let mut voice = Voice::new(true);
        let mut told = |why: Option<ErrorKind>| {
            let link = Link::of_caller(1);
            voice.connecting(link, "127.0.0.1:2575");
            match why {
                None => voice.connected(link),
                why => voice.refused(link, why, Duration::from_millis(200)),
            }
        };
        let refused =
            "cannot connect to 127.0.0.1:2575: connection refused; trying again in 200 ms";
        assert_eq!(told(Some(ErrorKind::ConnectionRefused)).as_deref(), Some(refused));
        assert_eq!(told(Some(ErrorKind::ConnectionRefused)), None);
        assert!(told(Some(ErrorKind::TimedOut)).is_some());
        assert_eq!(told(None).as_deref(), Some("connected to 127.0.0.1:2575"));
        assert_eq!(told(Some(ErrorKind::ConnectionRefused)).as_deref(), Some(refused));
    }

    #[test]
    fn a_quiet_sender_says_nothing() {
        let mut voice = Voice::new(false);
        let order = "273013".to_owned();
        let (kind, outcome) = (Kind::Charge, Outcome::Delivered);
        let record = Record::Settled { order, kind, outcome };
        assert_eq!(voice.stored(&record), None);
        voice.connecting(Link::of_caller(1), "127.0.0.1:2575");
        assert_eq!(voice.connected(Link::of_caller(1)), None);
        let told = Voice::new(true).stored(&record);
        assert_eq!(told.as_deref(), Some("order 273013: its charge was accepted (delivered)"));
    }
}
