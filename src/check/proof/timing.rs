//! What must be seen of a fault besides its bytes, pauses and ends: how they lie in time, and beside
//! what other messages and connections.

use crate::history::{Micros, Piece, What};
use crate::plan::fault::Answer;
use crate::plan::{Fault, Moment, Parameters};

use crate::check::proof::reply;
use crate::check::proof::reply::Reply;
use crate::check::proof::scene::{Scene, Shown};
use crate::check::proof::signs::Among;
use crate::check::proof::signs::Besides;
use crate::check::proof::span::{ms, plus};
use crate::check::wording::lateness;

/// How soon after a connection was accepted the EMR hangs up if it does so at once.
const AT_ONCE: Micros = Micros(20_000);

impl<'h> Scene<'_, 'h> {
    /// Whether there is what a fault has besides what is written and ended.
    pub(crate) fn has(
        &self,
        fault: Fault,
        with: &Parameters,
        besides: Besides,
        among: Among,
    ) -> Shown {
        let after = with.after.unwrap_or_default();
        match besides {
            Besides::Nothing => Ok(()),
            // What follows in a list has parts of its own.
            Besides::StaysOpen if !among.last => Ok(()),
            Besides::StaysOpen if fault == Fault::Answer(Answer::None) && !among.others_speak => {
                self.stays_open().and_then(|()| self.is_unanswered())
            }
            Besides::StaysOpen => self.stays_open(),
            Besides::InTime => self.came_in_time(plus(after, among.others_pause)),
            Besides::PastTimeout => self.came_too_late(among.pauses_before),
            Besides::Dripped => self.dripped(after),
            Besides::ByteByByte => self.came_by_bytes(plus(after, among.others_pause)),
            Besides::InOneWrite => self.came_in_one_write(),
            Besides::AfterNext { answered } => self.came_after_next(answered),
            Besides::ElsewhereToo => self.came_elsewhere(after),
            Besides::BeforeAnything => self.came_first(),
            Besides::Idle => self.was_idle(after),
            Besides::InsideMessage => self.broke_off(with.bytes),
            Besides::Every(count) => self.was_due_by_count(count),
            Besides::Beside(count) => self.was_beside(count),
            Besides::TooSoon => self.came_too_soon(after),
            Besides::Length => self.is_giant(with.bytes),
            Besides::Door => self.door(fault, after),
            Besides::Handshake => self.handshake(fault, after),
        }
    }

    /// Whether the EMR did not end the connection for as long as the sender waits; unless the sender
    /// was gone sooner.
    fn stays_open(&self) -> Shown {
        let connection = self.connection()?;
        let Some(message) = self.message_event() else { return Err(NO_MESSAGE.to_owned()) };
        let timeout = self.evidence.plan.limits.ack_timeout;
        let until = Micros(message.at.0.saturating_add(timeout.0));
        let after = &self.evidence.events[self.claim.event..self.over().max(self.claim.event)];
        for event in after.iter().take_while(|event| event.at < until) {
            match event.what {
                What::EndedByEmr { connection: on, .. } if on == connection => {
                    return Err("the EMR ended the connection before the timeout".to_owned());
                }
                What::EndedBySender { connection: on, .. } if on == connection => break,
                What::SenderEnding { .. } | What::Finished => break,
                _ => {}
            }
        }
        Ok(())
    }

    /// Index of the first event with which the case was wound up: connections that were still open
    /// were ended then, whatever they were there for.
    fn over(&self) -> usize {
        let events = &self.evidence.events;
        let winds_up = |what: &What| {
            matches!(
                what,
                What::Finished
                    | What::EndedByEmr { .. }
                    | What::Received { .. }
                    | What::Unread { .. }
                    | What::Replied { .. }
                    | What::NotPlayed { .. }
            )
        };
        match events.last() {
            Some(last) if last.what == What::Finished => {
                events.iter().rposition(|event| !winds_up(&event.what)).map_or(0, |at| at + 1)
            }
            _ => events.len(),
        }
    }

    /// Whether the whole reply was out before the sender's patience ended, if it was asked to be.
    fn came_in_time(&self, asked: Micros) -> Shown {
        let timeout = self.evidence.plan.limits.ack_timeout;
        let reply = self.reply()?;
        let taken = reply.ended.since(self.set_off());
        if asked >= timeout || taken < timeout {
            return Ok(());
        }
        let late = lateness::describe_late(taken.since(asked));
        Err(format!("it was out after {}, past the timeout: {late}", ms(taken)))
    }

    /// Whether what came after so many pauses inside the reply came after the sender's timeout.
    fn came_too_late(&self, pauses: usize) -> Shown {
        let timeout = self.evidence.plan.limits.ack_timeout;
        let reply = self.reply()?;
        let paused = reply.pauses.iter().take(pauses).map(|pause| pause.lasted);
        let waited = plus(reply.began.since(self.set_off()), paused.fold(Micros(0), plus));
        if waited >= timeout {
            return Ok(());
        }
        Err(format!("it left after {}, and the timeout is {}", ms(waited), ms(timeout)))
    }

    /// Whether single bytes came, so far apart, until the sender's patience had ended.
    fn dripped(&self, gap: Micros) -> Shown {
        let Some(reply) = self.first_reply() else {
            return Err("no byte of it is in the history".to_owned());
        };
        let spanned = reply.ended.since(reply.began);
        let timeout = self.evidence.plan.limits.ack_timeout;
        if spanned < timeout {
            return Err(format!("it spanned {}, and the timeout is {}", ms(spanned), ms(timeout)));
        }
        if u64::from(reply.writes) < reply.length || reply.pauses.iter().any(|one| one.lasted < gap)
        {
            return Err(format!("its bytes were not {} apart", ms(gap)));
        }
        Ok(())
    }

    fn came_by_bytes(&self, asked: Micros) -> Shown {
        let reply = self.reply()?;
        if u64::from(reply.writes) < reply.length || reply.pauses.is_empty() {
            let (bytes, writes) = (reply.length, reply.writes);
            return Err(format!("{bytes} bytes left in {writes} writes"));
        }
        self.came_in_time(asked)
    }

    fn came_in_one_write(&self) -> Shown {
        match self.reply()?.writes {
            1 => Ok(()),
            writes => Err(format!("it left in {writes} writes")),
        }
    }

    /// Whether the reply came after a later message at the endpoint: ahead of the answer to that
    /// one, or behind it.
    fn came_after_next(&self, answered: bool) -> Shown {
        let reply = self.reply()?;
        let Some(to) = reply.to else { return Err(NO_MESSAGE.to_owned()) };
        let endpoint = self.endpoint_of_piece(to);
        let next = self.before().iter().find_map(|event| match &event.what {
            What::Received { connection, piece: Piece::Frame, .. }
                if event.seq > to && self.endpoint_of(*connection) == endpoint =>
            {
                Some(event.seq)
            }
            _ => None,
        });
        let Some(next) = next else { return Err("no other message had come".to_owned()) };
        let next_answered = self.before().iter().find_map(|event| match event.what {
            What::Replied { to: Some(of), .. } if of == next => Some(event.seq),
            _ => None,
        });
        let fits = match next_answered {
            Some(at) => (at < reply.seq) == answered,
            None => !answered,
        };
        if fits { Ok(()) } else { Err("it did not come in its turn".to_owned()) }
    }

    /// The endpoint at which a piece came.
    fn endpoint_of_piece(&self, seq: u64) -> &'h str {
        let event = self.evidence.events.get(self.evidence.index_of(seq));
        match event.map(|event| &event.what) {
            Some(What::Received { connection, .. }) => self.endpoint_of(*connection),
            _ => "",
        }
    }

    /// Whether the message was confirmed where it came, and this much later answered elsewhere.
    fn came_elsewhere(&self, after: Micros) -> Shown {
        let reply = self.reply()?;
        let Some(to) = reply.to else { return Err(NO_MESSAGE.to_owned()) };
        let mut replies = self.around().iter().filter_map(Reply::read);
        let here = replies.find(|one| one.to == Some(to) && one.connection != reply.connection);
        let Some(here) = here else { return Err("its receipt was not confirmed".to_owned()) };
        let id = crate::hl7::Message::read_header(self.message()).control_id().to_vec();
        if reply::codes(here.bytes, &id).last() != Some(b"CA") {
            return Err("its receipt was not confirmed by CA".to_owned());
        }
        let called = self.before().iter().any(|event| {
            matches!(event.what, What::Called { connection, .. } if connection == reply.connection)
        });
        let waited = reply.began.since(here.began);
        match (called, waited >= after) {
            (true, true) => Ok(()),
            (false, _) => Err("it left on no call of the EMR's own".to_owned()),
            (_, false) => Err(format!("the answer came after {}", ms(waited))),
        }
    }

    /// Whether nothing had come on the connection before the EMR wrote, or before it hung up: a sender
    /// may be so quick that its first bytes are there when it does.
    fn came_first(&self) -> Shown {
        let wanted = self.connection()?;
        let (mut opened, mut has_come, mut is_there) = (None, false, false);
        for event in &self.evidence.events[..self.claim.event] {
            match &event.what {
                What::Opened { connection, .. } if *connection == wanted => opened = Some(event.at),
                What::Received { connection, .. } if *connection == wanted => has_come = true,
                What::Replied { connection, .. } if *connection == wanted => is_there = true,
                What::EndedByEmr { connection, .. } if *connection == wanted => {
                    has_come &= opened.is_none_or(|opened| event.at.since(opened) > AT_ONCE);
                    is_there = true;
                }
                _ => {}
            }
            if is_there {
                break;
            }
        }
        if is_there && !has_come { Ok(()) } else { Err("something had come before".to_owned()) }
    }

    /// Whether nothing was said on the connection for so long before the EMR ended it.
    fn was_idle(&self, asked: Micros) -> Shown {
        let connection = self.connection()?;
        let mut last = None;
        for event in self.before() {
            match &event.what {
                What::Received { connection: on, .. } | What::Replied { connection: on, .. }
                    if *on == connection =>
                {
                    last = Some(event.at);
                }
                What::EndedByEmr { connection: on, .. } if *on == connection => {
                    let idle = last.map_or(Micros(0), |last| event.at.since(last));
                    if idle >= asked {
                        return Ok(());
                    }
                    return Err(format!("nothing was said for {} only", ms(idle)));
                }
                _ => {}
            }
        }
        Err("the EMR did not end the connection".to_owned())
    }

    /// Whether the connection ended inside a message, and not before so many bytes of it.
    fn broke_off(&self, bytes: Option<u64>) -> Shown {
        let wanted = match self.behaviour.on.moment {
            None => bytes.unwrap_or(1),
            Some(Moment::Bytes(bytes)) => bytes,
            Some(_) => return Ok(()),
        };
        // Who broke off inside it need not have known whose it was.
        let mut earlier = self.evidence.events[..self.claim.event].iter().rev();
        let last = earlier.find_map(|event| match &event.what {
            What::Received { connection, .. } if Some(*connection) == self.claim.connection => {
                Some(&event.what)
            }
            _ => None,
        });
        match last {
            Some(What::Received { piece: Piece::Unfinished, length, .. }) if *length >= wanted => {
                Ok(())
            }
            Some(What::Received { piece: Piece::Unfinished, length, .. }) => {
                Err(format!("{length} bytes of a message had come"))
            }
            _ => Err("no message was under way".to_owned()),
        }
    }

    /// Whether so many messages, or twice as many, and so on, had come on the connection.
    fn was_due_by_count(&self, count: Option<u32>) -> Shown {
        let connection = self.connection()?;
        let replies = self.evidence.events[..self.claim.event].iter().filter_map(Reply::read);
        let heard = replies.filter(|one| one.connection == connection && one.to.is_some()).count();
        let every = count.unwrap_or(1).max(1) as usize;
        if heard > 0 && heard.is_multiple_of(every) {
            return Ok(());
        }
        Err(format!("{heard} messages had been answered on the connection"))
    }

    /// Whether a message came so soon after the one before at its endpoint.
    fn came_too_soon(&self, within: Micros) -> Shown {
        let Some(message) = self.message_event() else { return Err(NO_MESSAGE.to_owned()) };
        let endpoint = self.endpoint_of(self.connection()?);
        let mut earlier = self.evidence.events[..self.evidence.index_of(message.seq)].iter().rev();
        let before = earlier.find(|event| match &event.what {
            What::Received { connection, piece: Piece::Frame, .. } => {
                self.endpoint_of(*connection) == endpoint
            }
            _ => false,
        });
        match before {
            Some(before) if message.at.since(before.at) < within => Ok(()),
            _ => Err("no message had come so soon before it".to_owned()),
        }
    }

    /// Whether so much of a giant left that no sender takes it for an acknowledgement like others. It
    /// may hang up on the rest.
    fn is_giant(&self, asked: Option<u64>) -> Shown {
        let length = self.first_reply().map_or(0, |reply| reply.length);
        if length >= asked.unwrap_or(GIANT).min(GIANT) {
            return Ok(());
        }
        Err(format!("{length} bytes of it left"))
    }

    /// The reply that began by the time of the claim, though it may have gone on.
    fn first_reply(&self) -> Option<Reply<'h>> {
        let mut replies = self.around().iter().filter_map(Reply::read);
        replies.find(|one| {
            Some(one.connection) == self.claim.connection && one.name == self.claim.name
        })
    }
}

/// How much of a giant must have left.
const GIANT: u64 = 512 * 1024;

const NO_MESSAGE: &str = "no message came that it could answer";
