//! What happens to an endpoint: how those who connect were met, as it was seen from outside.

use crate::history::{ConnectionId, End, Micros, What};
use crate::plan::Fault;
use crate::plan::fault::Connection;

use crate::check::proof::scene::{Scene, Shown};
use crate::check::proof::span::ms;

impl<'h> Scene<'_, 'h> {
    pub(crate) fn door(&self, fault: Fault, after: Micros) -> Shown {
        match fault {
            Fault::Connection(Connection::Refused) => {
                let endpoint = self.endpoint();
                self.was_down(endpoint)
            }
            Fault::Connection(Connection::Blackhole) => self.was_silent(),
            Fault::Connection(Connection::SlowAccept) => self.waited_to_be_accepted(after),
            Fault::Connection(Connection::NoRead) => self.was_not_read(after),
            Fault::Connection(Connection::StealSession) => self.was_taken_over(),
            _ => self.was_restarted(),
        }
    }

    /// The endpoint that the behaviour stands at: the one that it names, or the first.
    fn endpoint(&self) -> &'h str {
        let first = self.evidence.plan.endpoints.first();
        let named = self.behaviour.on.endpoint.as_ref();
        let name = named.or(first).map_or("", String::as_str);
        // The history's own word for it lives as long as the history.
        let names = &self.evidence.plan.endpoints;
        names.iter().find(|one| *one == name).map_or("", String::as_str)
    }

    /// Whether it ceased to listen, and a connect to it was then refused.
    fn was_down(&self, wanted: &str) -> Shown {
        let mut down = false;
        for event in self.before() {
            match &event.what {
                What::Listening { endpoint, up } if endpoint == wanted => down = !*up,
                What::RefusalSeen { endpoint } if endpoint == wanted && down => return Ok(()),
                _ => {}
            }
        }
        Err(format!("no connect to {wanted} was seen to be refused"))
    }

    fn was_silent(&self) -> Shown {
        let wanted = self.endpoint();
        let silent = self.before().iter().any(|event| {
            matches!(&event.what, What::SilenceSeen { endpoint, waited }
                if endpoint == wanted && *waited > Micros(0))
        });
        if silent { Ok(()) } else { Err(format!("no connect to {wanted} met silence")) }
    }

    /// Whether a connection waited at the endpoint for so long before it was accepted.
    fn waited_to_be_accepted(&self, asked: Micros) -> Shown {
        let wanted = self.endpoint();
        let mut since = None;
        for event in self.before() {
            match &event.what {
                What::Waiting { endpoint } if endpoint == wanted => since = Some(event.at),
                What::Opened { connection, .. } if Some(*connection) == self.claim.connection => {
                    let Some(since) = since else { break };
                    let waited = event.at.since(since);
                    if waited >= asked {
                        return Ok(());
                    }
                    return Err(format!("a connection waited for {} only", ms(waited)));
                }
                _ => {}
            }
        }
        Err(format!("no connection was seen to wait before {wanted}"))
    }

    /// Whether reading the connection was stopped for so long, and bytes had waited meanwhile.
    fn was_not_read(&self, asked: Micros) -> Shown {
        let wanted = self.connection()?;
        let mut since = None;
        for event in self.before() {
            match event.what {
                What::Reading { connection, on: false, .. } if connection == wanted => {
                    since = Some(event.at);
                }
                What::Reading { connection, on: true, waiting } if connection == wanted => {
                    let Some(since) = since else { break };
                    let held = event.at.since(since);
                    return match (waiting > 0, held >= asked) {
                        (true, true) => Ok(()),
                        (false, _) => Err("no byte waited to be read".to_owned()),
                        (_, false) => Err(format!("bytes waited for {} only", ms(held))),
                    };
                }
                _ => {}
            }
        }
        Err("it was not seen that reading stopped".to_owned())
    }

    /// Whether another client came to the connection's endpoint, and the connection was then ended.
    fn was_taken_over(&self) -> Shown {
        let wanted = self.connection()?;
        let here = self.endpoint_of(wanted);
        let mut came = false;
        for event in self.before() {
            match &event.what {
                What::Visited { endpoint } if endpoint == here => came = true,
                What::Opened { connection, endpoint, .. }
                    if endpoint == here && *connection != wanted =>
                {
                    came = true;
                }
                What::EndedByEmr { connection, how: End::Close } if *connection == wanted => {
                    return if came { Ok(()) } else { Err("no other client had come".to_owned()) };
                }
                _ => {}
            }
        }
        Err(format!("the EMR did not end connection {wanted} by a close"))
    }

    /// Whether a connection was closed on its message without an answer, and its endpoint then
    /// refused a connect.
    fn was_restarted(&self) -> Shown {
        let closed = self.before().iter().filter_map(|event| match event.what {
            What::EndedByEmr { connection, how: End::Close } => Some(connection),
            _ => None,
        });
        let named = self.behaviour.on.endpoint.as_deref();
        let mut why = Err("the EMR closed no connection".to_owned());
        for connection in closed {
            let endpoint = self.endpoint_of(connection);
            if named.is_some_and(|named| named != endpoint) {
                continue;
            }
            why = self.was_down(endpoint).and_then(|()| self.was_cut_off(connection));
            if why.is_ok() {
                break;
            }
        }
        why
    }

    /// Whether the last piece on a connection was not answered.
    fn was_cut_off(&self, wanted: ConnectionId) -> Shown {
        let mut last = None;
        for event in self.before() {
            match &event.what {
                What::Received { connection, .. } if *connection == wanted => {
                    last = Some(event.seq);
                }
                What::Replied { connection, to, .. } if *connection == wanted && *to == last => {
                    last = None;
                }
                _ => {}
            }
        }
        if last.is_some() {
            Ok(())
        } else {
            Err("no message was left without an answer".to_owned())
        }
    }

    /// Whether the connection was accepted beside so many others at its endpoint.
    pub(crate) fn was_beside(&self, count: Option<u32>) -> Shown {
        let wanted = self.connection()?;
        let here = self.endpoint_of(wanted);
        let mut open: Vec<ConnectionId> = Vec::new();
        for event in &self.evidence.events[..self.claim.event] {
            match &event.what {
                What::Opened { connection, .. } if *connection == wanted => break,
                What::Opened { connection, endpoint, .. } if endpoint == here => {
                    open.push(*connection);
                }
                What::EndedByEmr { connection, how } if *how != End::HalfClose => {
                    open.retain(|one| one != connection);
                }
                What::EndedBySender { connection, .. } => open.retain(|one| one != connection),
                _ => {}
            }
        }
        let (others, asked) = (open.len(), count.unwrap_or(0) as usize);
        if others >= asked { Ok(()) } else { Err(format!("{others} other connections were open")) }
    }
}
