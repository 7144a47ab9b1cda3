//! Further attempts at an order that somebody wanted: one each time that an operator asks for it.
//!
//! A request is for the next attempt, and not for ever: when the wire was watched until nothing could
//! come any more, a sender that has done nothing has let it pass. What it sends later may be of itself,
//! or what it was asked for and had kept: nobody can tell. Only where a door was shut was it still
//! trying.

use crate::history::What;

use crate::check::evidence::index::{Attempted, Evidence};

/// The requests for one order, used up by the attempts that follow them.
pub(crate) struct Wanted<'e, 'h> {
    evidence: &'e Evidence<'h>,
    /// Those not yet used: by which event each was made, and by which it had passed.
    requests: Vec<(usize, usize)>,
}

impl<'e, 'h> Wanted<'e, 'h> {
    pub(crate) fn of(evidence: &'e Evidence<'h>, order: &[u8]) -> Self {
        let exams = evidence.exams.iter().filter(|exam| *exam.order == *order);
        let asked = exams.flat_map(|exam| &exam.wanted_again).copied();
        let mut requests: Vec<(usize, usize)> =
            asked.map(|request| (request, passed(evidence, request))).collect();
        requests.sort_unstable();
        Self { evidence, requests }
    }

    /// Whether an attempt, other than the one for the order itself, was wanted.
    pub(crate) fn allows(&self, attempt: Attempted) -> Allowed {
        self.request_for(attempt).map_or(Allowed::No, |(_, allowed)| allowed)
    }

    /// As [`Self::allows`], and the request is used up.
    pub(crate) fn take(&mut self, attempt: Attempted) -> Allowed {
        let Some((request, allowed)) = self.request_for(attempt) else { return Allowed::No };
        self.requests.remove(request);
        allowed
    }

    /// The first request that still stands, or the last that had passed.
    fn request_for(&self, attempt: Attempted) -> Option<(usize, Allowed)> {
        if self.requests.is_empty() {
            return None;
        }
        let place = self.evidence.place(&self.evidence.sent[attempt.sent as usize]);
        let is_before = |event: usize| {
            let event = self.evidence.events.get(event);
            event.is_some_and(|event| event.seq < place.seq && event.at <= place.began)
        };
        let made = |(_, request): &(usize, &(usize, usize))| is_before(request.0);
        let mut requests = self.requests.iter().enumerate().filter(made);
        let mut passed = None;
        requests
            .find_map(|(index, &(_, gone))| {
                if !is_before(gone) {
                    return Some((index, Allowed::Yes));
                }
                passed = Some((index, Allowed::Perhaps));
                None
            })
            .or(passed)
    }
}

/// Whether an attempt was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Yes,
    /// Somebody had asked for one, and had waited in vain until then.
    Perhaps,
    No,
}

/// The event by which a request had passed, or the end of the history.
fn passed(evidence: &Evidence<'_>, request: usize) -> usize {
    let events = evidence.events;
    let shuts_a_door = |what: &What| {
        matches!(
            what,
            What::Listening { up: false, .. }
                | What::Waiting { .. }
                | What::Reading { on: false, .. }
        )
    };
    if events.iter().any(|event| shuts_a_door(&event.what)) {
        return events.len();
    }
    let watched = |what: &What| matches!(what, What::Watched { quiet, wanted } if quiet >= wanted);
    let later = events[request..].iter().position(|event| watched(&event.what));
    later.map_or(events.len(), |later| request + later)
}
