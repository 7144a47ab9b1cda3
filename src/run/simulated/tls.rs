//! What comes of a handshake between the reference sender and the EMR, without a byte of it.
//!
//! The outcome follows from what the EMR shows and asks, and from what the sender overlooks; the
//! alerts are those that the process says over real sockets.

use super::{Delivery, World};
use crate::emr::{Asked, Failure, Handshake, Input, Manner, Secured, UNEXPECTED_MESSAGE};
use crate::history::{ConnectionId, End, Shown, Side, TlsVersion};
use crate::plan::Tls;
use crate::sender::{self, Bug, Flaw, Link};

/// How a connection of the sender stands with TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// The sender speaks plain MLLP.
    Plain,
    /// The handshake is not over.
    UnderWay,
    /// The EMR has refused it, and a broken sender does not know that yet.
    Refused,
    /// It is secured.
    Stands,
}

impl Security {
    pub(super) fn is_under_way(self) -> bool {
        self == Self::UnderWay
    }
}

impl World<'_> {
    /// The EMR meets the handshake of a connection.
    pub(super) fn secure(&mut self, connection: ConnectionId, handshake: &Handshake) {
        let Some(line) = self.lines.get(&connection).filter(|line| line.open) else {
            return;
        };
        if !line.security.is_under_way() {
            return; // the sender speaks plainly, and will be heard when it does
        }
        self.emr(Input::Greeted { connection });
        match outcome(handshake, self.plan.tls.as_ref(), self.config.bug, self.refused) {
            None => {}
            Some(Err(_)) if self.is_heard_of_late(handshake) => {
                self.stands(connection, Security::Refused);
            }
            Some(Err(failure)) => {
                self.refused += u32::from(failure.by == Side::Sender);
                self.emr(Input::TlsFailed { connection, failure });
                self.not_secured(connection);
            }
            Some(Ok(secured)) => {
                self.emr(Input::Secured { connection, secured });
                self.stands(connection, Security::Stands);
            }
        }
    }

    /// The sender may say its first word on a connection.
    fn stands(&mut self, connection: ConnectionId, security: Security) {
        if let Some(line) = self.lines.get_mut(&connection) {
            line.security = security;
            let (of, link) = (line.of, line.link);
            self.sender(of, sender::Input::Connected(link));
        }
    }

    /// Whether a broken sender takes a handshake for good that the EMR refuses: in TLS 1.3 its own
    /// part is over before the EMR has looked at its certificate.
    fn is_heard_of_late(&self, handshake: &Handshake) -> bool {
        let version = handshake.versions.last().copied().unwrap_or(TlsVersion::V1_3);
        self.config.bug == Some(Bug::ShowsNoCertificate) && version == TlsVersion::V1_3
    }

    /// What the sender has written before it heard that it was refused. All of it arrives at once.
    pub(super) fn hear_ahead(&mut self, connection: ConnectionId, bytes: &[u8]) {
        let (by, alert) = (Side::Emr, Some("certificate_required".to_owned()));
        self.emr(Input::TlsFailed {
            connection,
            failure: Failure { by, alert, why: None, plain: false },
        });
        self.emr(Input::WroteAhead { connection });
        self.emr(Input::Received { connection, bytes });
    }

    /// Whether the EMR has refused a connection and is still to say so.
    pub(super) fn is_refused(&self, connection: ConnectionId) -> bool {
        let line = self.lines.get(&connection);
        line.is_some_and(|line| line.security == Security::Refused)
    }

    /// The sender gives a connection up that was not secured.
    pub(super) fn not_secured(&mut self, connection: ConnectionId) {
        let Some(line) = self.lines.get(&connection).copied() else {
            return;
        };
        self.end_by_sender(connection, End::Close);
        if self.config.bug == Some(Bug::FallsBackToPlaintext) {
            self.open(line.of, line.link, line.endpoint, Security::Plain);
        } else {
            self.sender(line.of, sender::Input::Refused(line.link));
        }
    }

    /// Something that is no TLS came in place of a handshake.
    pub(super) fn misunderstood(&mut self, connection: ConnectionId) {
        let alert = Some("decode_error".to_owned());
        let failure = Failure { by: Side::Sender, alert, why: None, plain: false };
        self.to_emr.push_back(Delivery::TlsFailed { connection, failure });
        self.not_secured(connection);
    }

    /// Whether the sender speaks plainly where TLS is spoken.
    pub(super) fn is_plain_talk(&self, connection: ConnectionId) -> bool {
        let line = self.lines.get(&connection);
        self.plan.tls.is_some() && line.is_some_and(|line| line.security == Security::Plain)
    }

    /// The sender says its first word in the clear. All of it arrives at once, as over a socket.
    pub(super) fn talk_plainly(&mut self, connection: ConnectionId, link: Link, bytes: &[u8]) {
        self.to_emr.push_back(Delivery::Plainly { connection, link, bytes: bytes.to_vec() });
    }

    /// The EMR hears plain bytes where it waits for a greeting.
    pub(super) fn hear_plainly(&mut self, connection: ConnectionId, link: Link, bytes: &[u8]) {
        if let Some(of) = self.lines.get(&connection).map(|line| line.of) {
            self.sender(of, sender::Input::Received(link, UNEXPECTED_MESSAGE.to_vec()));
        }
        let failure = Failure {
            by: Side::Emr,
            alert: Some("unexpected_message".to_owned()),
            why: Some("the sender speaks no TLS".to_owned()),
            plain: true,
        };
        self.emr(Input::TlsFailed { connection, failure });
        self.emr(Input::Received { connection, bytes });
    }
}

/// What comes of a handshake with the reference sender; nothing where the EMR ignores it.
fn outcome(
    handshake: &Handshake,
    tls: Option<&Tls>,
    bug: Option<Bug>,
    refused_before: u32,
) -> Option<Result<Secured, Failure>> {
    let Manner::Hold { show, client } = handshake.manner else {
        return None;
    };
    let shows = tls.is_some_and(Tls::is_mutual) && bug != Some(Bug::ShowsNoCertificate);
    let refused =
        refused_by_sender(show, bug, refused_before).or_else(|| refused_by_emr(client, shows));
    let agreed = || agreed(handshake, shows && client != Asked::Nothing);
    Some(refused.map_or_else(
        || Ok(agreed()),
        |(by, alert)| Err(Failure { by, alert: Some(alert.to_owned()), why: None, plain: false }),
    ))
}

/// Why the sender breaks the handshake off, if it does.
fn refused_by_sender(show: Shown, bug: Option<Bug>, before: u32) -> Option<(Side, &'static str)> {
    let (flaw, alert) = match show {
        Shown::Good => return None,
        Shown::Expired => (Flaw::Expired, "certificate_expired"),
        Shown::WrongHost => (Flaw::WrongHost, "bad_certificate"),
        Shown::UnknownCa => (Flaw::UnknownCa, "unknown_ca"),
    };
    let overlooked = bug.is_some_and(|bug| bug.overlooks(flaw, before));
    (!overlooked).then_some((Side::Sender, alert))
}

/// Why the EMR breaks the handshake off, if it does.
fn refused_by_emr(asked: Asked, shows: bool) -> Option<(Side, &'static str)> {
    match asked {
        Asked::Nothing => None,
        Asked::Certificate if shows => None,
        Asked::StrangeCertificate if shows => Some((Side::Emr, "unknown_ca")),
        Asked::Certificate | Asked::StrangeCertificate => Some((Side::Emr, "certificate_required")),
    }
}

/// What the reference sender and the EMR agree on: the best that both know.
fn agreed(handshake: &Handshake, shows: bool) -> Secured {
    let version = handshake.versions.last().copied().unwrap_or(TlsVersion::V1_3);
    let suite = match version {
        TlsVersion::V1_2 => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        TlsVersion::V1_3 => "TLS_AES_256_GCM_SHA384",
    };
    let client = shows.then(|| "a charge sender".to_owned());
    Secured { version, suite: suite.to_owned(), client }
}
