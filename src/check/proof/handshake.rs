//! What happens in or to the handshake of TLS. That the sender hung up, or speaks no TLS, or none
//! of our versions, is no sign of a certificate that it would not take.

use crate::history::{ConnectionId, End, Micros, Shown as Certificate, Side, What};
use crate::plan::Fault;
use crate::plan::fault::Tls;

use crate::check::proof::scene::{Scene, Shown};
use crate::check::proof::span::ms;

impl<'h> Scene<'_, 'h> {
    pub(crate) fn handshake(&self, fault: Fault, after: Micros) -> Shown {
        let connection = self.connection()?;
        match fault {
            Fault::Tls(Tls::Expired) => self.was_shown(connection, Certificate::Expired),
            Fault::Tls(Tls::WrongHost) => self.was_shown(connection, Certificate::WrongHost),
            Fault::Tls(Tls::UnknownCa) => self.was_shown(connection, Certificate::UnknownCa),
            Fault::Tls(Tls::ClientCertRequired) => self.missed_a_certificate(connection),
            Fault::Tls(Tls::ClientCertRefused) => self.refused_a_certificate(connection),
            Fault::Tls(Tls::PlaintextOnTls) => self.was_answered_in_the_clear(connection),
            Fault::Tls(Tls::HandshakeStall) => self.was_stalled(connection, after),
            _ => self.was_secured(connection),
        }
    }

    /// Events on the connection, each with its time, by their index in the history.
    fn on(&self, wanted: ConnectionId) -> impl Iterator<Item = (Micros, &'h What)> {
        let events = self.evidence.events.iter();
        let is = move |what: &What| match what {
            What::ClientHello { connection }
            | What::Secured { connection, .. }
            | What::TlsFailed { connection, .. }
            | What::Replied { connection, .. }
            | What::EndedByEmr { connection, .. }
            | What::EndedBySender { connection, .. } => *connection == wanted,
            _ => false,
        };
        events.filter(move |event| is(&event.what)).map(|event| (event.at, &event.what))
    }

    /// When the sender asked for TLS.
    fn greeted(&self, connection: ConnectionId) -> Result<Micros, String> {
        let mut events = self.on(connection);
        let greeting = events.find(|(_, what)| matches!(what, What::ClientHello { .. }));
        greeting.map(|(at, _)| at).ok_or_else(|| "the sender did not ask for TLS".to_owned())
    }

    /// Who broke the handshake off, by which alert; none if it was completed, or was cut.
    fn failed(&self, connection: ConnectionId) -> Option<(Side, &'h str)> {
        self.on(connection).find_map(|(_, what)| match what {
            What::TlsFailed { by, alert, .. } => Some((*by, alert.as_deref().unwrap_or_default())),
            _ => None,
        })
    }

    /// Whether the sender took the bad certificate, or broke off because of one.
    fn was_shown(&self, connection: ConnectionId, flaw: Certificate) -> Shown {
        self.greeted(connection)?;
        let took = self
            .on(connection)
            .any(|(_, what)| matches!(what, What::Secured { showed, .. } if *showed == flaw));
        match self.failed(connection) {
            _ if took => Ok(()),
            Some((Side::Sender, alert)) if ABOUT_A_CERTIFICATE.contains(&alert) => Ok(()),
            Some((_, alert)) => Err(format!(
                "the handshake failed for another reason: {}",
                if alert.is_empty() { "no alert says why" } else { alert }
            )),
            None => Err("the sender hung up, and no alert says why".to_owned()),
        }
    }

    fn missed_a_certificate(&self, connection: ConnectionId) -> Shown {
        self.greeted(connection)?;
        match self.failed(connection) {
            Some((Side::Emr, "certificate_required")) => Ok(()),
            other => Err(not_by_the_emr(other)),
        }
    }

    /// Whether the EMR refused a certificate, and not that there was none.
    fn refused_a_certificate(&self, connection: ConnectionId) -> Shown {
        self.greeted(connection)?;
        match self.failed(connection) {
            Some((Side::Emr, "certificate_required")) => {
                Err("the sender showed no certificate".to_owned())
            }
            Some((Side::Emr, alert)) if ABOUT_A_CERTIFICATE.contains(&alert) => Ok(()),
            other => Err(not_by_the_emr(other)),
        }
    }

    /// Whether the EMR wrote after the ClientHello, and there was no handshake before.
    fn was_answered_in_the_clear(&self, connection: ConnectionId) -> Shown {
        self.greeted(connection)?;
        let mut greeted = false;
        for (_, what) in self.on(connection) {
            match what {
                What::ClientHello { .. } => greeted = true,
                What::Replied { name, .. } if greeted && name == self.claim.name => return Ok(()),
                What::Secured { .. } => return Err("the handshake was completed".to_owned()),
                _ => {}
            }
        }
        Err("nothing was written in answer to the ClientHello".to_owned())
    }

    /// Whether the EMR said nothing for so long after the ClientHello.
    fn was_stalled(&self, connection: ConnectionId, asked: Micros) -> Shown {
        let greeted = self.greeted(connection)?;
        let until = Micros(greeted.0.saturating_add(asked.0));
        let spoke = self.on(connection).any(|(at, what)| {
            let spoke = match what {
                What::Replied { began, .. } => return *began >= greeted && *began < until,
                What::Secured { .. } => true,
                What::EndedByEmr { how, .. } => *how != End::HalfClose,
                _ => false,
            };
            spoke && at < until
        });
        let waited = self.evidence.events[self.claim.event].at.since(greeted);
        if spoke || waited < asked {
            return Err(format!("the EMR was not silent for {}", ms(asked)));
        }
        Ok(())
    }

    fn was_secured(&self, connection: ConnectionId) -> Shown {
        let secured = self.on(connection).any(|(_, what)| matches!(what, What::Secured { .. }));
        if secured { Ok(()) } else { Err("there was no TLS to end".to_owned()) }
    }
}

fn not_by_the_emr(failed: Option<(Side, &str)>) -> String {
    match failed {
        Some((Side::Emr, alert)) => format!("the EMR broke off for another reason: {alert}"),
        Some((Side::Sender, alert)) => format!("the sender broke off itself: {alert}"),
        None => "the EMR did not break the handshake off".to_owned(),
    }
}

/// Alerts that are about a certificate (RFC 8446 section 6.2, RFC 5246 section 7.2.2). That a
/// handshake failed for no reason that is named is not among them.
const ABOUT_A_CERTIFICATE: &[&str] = &[
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "access_denied",
];
