//! The simulated wire: how connections come about, what is on its way on them, and how they end.
//!
//! Nothing is lost on it and nothing takes time; what comes is held where nobody accepts or reads it.

use std::collections::VecDeque;

use bytes::Bytes;

use super::tls::Security;
use super::{Delivery, Line, SILENCE, World};
use crate::emr::{Door, Input, WireAct};
use crate::history::{ConnectionId, End, Incarnation};
use crate::plan::{Plan, Step, WireEvent};
use crate::sender::{self, Link};

impl World<'_> {
    pub(super) fn act(&mut self, act: WireAct) {
        match act {
            WireAct::Write { connection, bytes } => self.write_to_sender(connection, &bytes),
            WireAct::End { connection, how } => self.end_by_emr(connection, how),
            WireAct::Secure { connection, handshake } => self.secure(connection, &handshake),
            WireAct::Listen { endpoint, door } => self.meet(endpoint, door),
            WireAct::Visit { endpoint } => {
                let accepted = self.doors[endpoint] == Door::Open;
                self.emr(Input::Visited { endpoint, accepted });
            }
            WireAct::Read { connection, on } => self.read(connection, on),
            WireAct::Call { call } => self.call(call),
        }
    }

    /// Connects to the port on which the sender takes acknowledgements; it listens as long as it
    /// lives.
    fn call(&mut self, call: u32) {
        let of = self.drive.incarnation();
        if !self.processes.contains_key(&of) {
            return self.emr(Input::CallFailed { call });
        }
        self.accepted += 1;
        let connection = self.accepted;
        let link = Link::of_caller(connection.into());
        let security = Security::Plain;
        let (endpoint, open, refused, held) = (0, true, false, false);
        self.lines.insert(connection, Line { of, link, endpoint, security, open, refused, held });
        self.sender(of, sender::Input::Called(link));
        self.emr(Input::Called { call, connection, incarnation: of });
    }

    fn write_to_sender(&mut self, connection: ConnectionId, bytes: &[u8]) {
        // As with a real socket, the first write to a peer that has closed is still taken.
        let mut taken = true;
        match self.lines.get_mut(&connection) {
            Some(line) if line.open && line.security.is_under_way() => {
                self.emr(Input::Wrote { connection, bytes, complete: true });
                return self.misunderstood(connection);
            }
            Some(Line { of, link, open: true, .. }) => {
                let (of, link) = (*of, *link);
                self.sender(of, sender::Input::Received(link, bytes.to_vec()));
            }
            Some(line) => taken = !std::mem::replace(&mut line.refused, true),
            None => taken = false,
        }
        let bytes = if taken { bytes } else { &[] };
        self.emr(Input::Wrote { connection, bytes, complete: taken });
    }

    fn end_by_emr(&mut self, connection: ConnectionId, how: End) {
        if let Some(Line { of, link, open: true, security, .. }) =
            self.lines.get(&connection).copied()
        {
            if security.is_under_way() {
                self.not_secured(connection);
            } else if how == End::Truncated {
                self.sender(of, sender::Input::Truncated(link));
            } else if how == End::Reset {
                self.lines.remove(&connection);
                self.sender(of, sender::Input::Reset(link));
            } else {
                self.sender(of, sender::Input::Ended(link));
            }
        }
        if how == End::Reset {
            self.deliver_at_once(connection);
        }
        self.emr(Input::EndDone { connection, how });
    }

    /// What is on its way when a connection is reset has arrived, as over a real socket.
    fn deliver_at_once(&mut self, connection: ConnectionId) {
        let mut of_it = take(&mut self.held, connection);
        of_it.append(&mut take(&mut self.to_emr, connection));
        for delivery in of_it {
            if let Delivery::Bytes { connection, bytes } = delivery {
                self.emr(Input::Received { connection, bytes: &bytes });
            }
        }
    }

    /// Meets those who connect to an endpoint in another way.
    fn meet(&mut self, endpoint: usize, door: Door) {
        let listens = |door: Door| matches!(door, Door::Open | Door::Unattended);
        if door != Door::Unattended {
            self.accept_waiting(endpoint);
        }
        let before = std::mem::replace(&mut self.doors[endpoint], door);
        if listens(before) != listens(door) {
            self.emr(Input::Listening { endpoint, up: listens(door) });
        }
        self.silences.retain(|(_, at)| *at != endpoint);
        match door {
            Door::Shut => self.emr(Input::RefusalSeen { endpoint }),
            Door::Full => self.silences.push((self.now + SILENCE, endpoint)),
            Door::Open | Door::Unattended => {}
        }
    }

    /// What waits before a door is let in.
    pub(super) fn accept_waiting(&mut self, endpoint: usize) {
        let waiting: Vec<ConnectionId> =
            self.held.iter().filter(|one| one.is_at(endpoint)).map(Delivery::connection).collect();
        for connection in waiting {
            self.release(connection);
            self.to_emr.pop_front(); // its acceptance comes first
            let incarnation = self.drive.incarnation();
            self.emr(Input::Accepted { connection, endpoint, incarnation });
        }
    }

    /// Stops reading a connection, or goes on.
    fn read(&mut self, connection: ConnectionId, on: bool) {
        let waiting = self.held.iter().filter(|one| one.connection() == connection);
        let waiting = waiting.map(|one| one.length() as u64).sum();
        self.emr(Input::Reading { connection, on, waiting });
        if on {
            self.release(connection);
        } else {
            self.hold(connection);
        }
    }

    fn hold(&mut self, connection: ConnectionId) {
        if let Some(line) = self.lines.get_mut(&connection) {
            line.held = true;
        }
    }

    /// What was held of a connection is on its way again, before anything that came later.
    fn release(&mut self, connection: ConnectionId) {
        if let Some(line) = self.lines.get_mut(&connection) {
            line.held = false;
        }
        let mut of_it = take(&mut self.held, connection);
        of_it.append(&mut self.to_emr);
        self.to_emr = of_it;
    }

    pub(super) fn end_by_sender(&mut self, connection: ConnectionId, how: End) {
        if let Some(line) = self.lines.get_mut(&connection)
            && std::mem::take(&mut line.open)
        {
            let how = if line.security == Security::Stands { how } else { End::Close };
            self.to_emr.push_back(Delivery::Ended { connection, how });
        }
    }

    pub(super) fn connect(&mut self, of: Incarnation, link: Link, endpoint: usize) {
        match self.doors.get(endpoint) {
            Some(Door::Open | Door::Unattended) => {}
            Some(Door::Full) => return, // nobody says anything
            _ => return self.sender(of, sender::Input::Refused(link)),
        }
        let security = if self.plan.tls.is_some() { Security::UnderWay } else { Security::Plain };
        self.open(of, link, endpoint, security);
    }

    pub(super) fn open(
        &mut self,
        of: Incarnation,
        link: Link,
        endpoint: usize,
        security: Security,
    ) {
        self.accepted += 1;
        let connection = self.accepted;
        let line = Line { of, link, endpoint, security, open: true, refused: false, held: false };
        self.lines.insert(connection, line);
        self.to_emr.push_back(Delivery::Accepted { connection, endpoint, of });
        if !security.is_under_way() {
            self.sender(of, sender::Input::Connected(link));
        }
    }

    pub(super) fn write_to_emr(&mut self, of: Incarnation, link: Link, bytes: Bytes) {
        let Some(connection) = self.connection(of, link) else {
            return;
        };
        if self.is_plain_talk(connection) {
            return self.talk_plainly(connection, link, &bytes);
        }
        if self.is_refused(connection) {
            return self.to_emr.push_back(Delivery::Ahead { connection, bytes });
        }
        // A message goes in small pieces, and what no message is as long as in few.
        let length = self.piece_bytes.max(bytes.len() / MOST_PIECES);
        let mut rest = bytes;
        while !rest.is_empty() {
            let bytes = rest.split_to(length.min(rest.len()));
            self.to_emr.push_back(Delivery::Bytes { connection, bytes });
        }
    }

    pub(super) fn connection(&self, of: Incarnation, link: Link) -> Option<ConnectionId> {
        let is_it = |line: &Line| line.of == of && line.link == link && line.open;
        self.lines.iter().find(|(_, line)| is_it(line)).map(|(id, _)| *id)
    }

    pub(super) fn deliver(&mut self, delivery: Delivery) {
        let connection = delivery.connection();
        if let Delivery::Accepted { endpoint, .. } = delivery
            && self.doors[endpoint] == Door::Unattended
        {
            self.hold(connection);
            let first = !self.held.iter().any(|one| one.is_at(endpoint));
            self.held.push_back(delivery);
            if first {
                self.emr(Input::Waiting { endpoint });
            }
            return;
        }
        if self.lines.get(&connection).is_some_and(|line| line.held) {
            let first = !self.held.iter().any(|one| one.connection() == connection);
            let is_read = matches!(delivery, Delivery::Bytes { .. });
            self.held.push_back(delivery);
            if first && is_read {
                self.emr(Input::Held { connection });
            }
            return;
        }
        match delivery {
            Delivery::Accepted { connection, endpoint, of } => {
                self.emr(Input::Accepted { connection, endpoint, incarnation: of });
            }
            Delivery::Bytes { connection, bytes } => {
                self.emr(Input::Received { connection, bytes: &bytes });
            }
            Delivery::Plainly { connection, link, bytes } => {
                self.hear_plainly(connection, link, &bytes);
            }
            Delivery::Ahead { connection, bytes } => self.hear_ahead(connection, &bytes),
            Delivery::TlsFailed { connection, failure } => {
                self.emr(Input::TlsFailed { connection, failure });
            }
            Delivery::Ended { connection, how } => self.emr(Input::Ended { connection, how }),
        }
    }
}

/// What belongs to this connection, taken out in its order.
fn take(from: &mut VecDeque<Delivery>, connection: ConnectionId) -> VecDeque<Delivery> {
    let all = std::mem::take(from).into_iter();
    let (taken, left) = all.partition(|delivery| delivery.connection() == connection);
    *from = left;
    taken
}

impl Delivery {
    const fn connection(&self) -> ConnectionId {
        match self {
            Self::Accepted { connection, .. }
            | Self::Bytes { connection, .. }
            | Self::Plainly { connection, .. }
            | Self::Ahead { connection, .. }
            | Self::TlsFailed { connection, .. }
            | Self::Ended { connection, .. } => *connection,
        }
    }

    /// Whether it is a connection to this endpoint.
    fn is_at(&self, wanted: usize) -> bool {
        matches!(self, Self::Accepted { endpoint, .. } if *endpoint == wanted)
    }

    fn length(&self) -> usize {
        if let Self::Bytes { bytes, .. } = self { bytes.len() } else { 0 }
    }
}

/// How many bytes of a message arrive at once.
pub(super) fn piece_bytes(plan: &Plan) -> usize {
    let is_inside = |at: &WireEvent| {
        matches!(at, WireEvent::FirstByte | WireEvent::Bytes(_) | WireEvent::InsideFt1)
    };
    let strikes_inside = plan.steps.iter().any(|step| match step {
        Step::Kill(at) | Step::Fault { at, .. } => is_inside(at),
        _ => false,
    });
    if strikes_inside { PIECE_BYTES } else { SEGMENT_BYTES }
}

/// Bytes that one delivery carries from the sender to the EMR where something is done to the sender
/// while a message arrives, so that the message is not there as a whole before that.
const PIECE_BYTES: usize = 128;

/// The same where nothing is, and it makes no difference how bytes are cut: what a segment of
/// Ethernet has room for.
const SEGMENT_BYTES: usize = 1_460;

/// Deliveries that one write leads to at the most.
const MOST_PIECES: usize = 1_000;
