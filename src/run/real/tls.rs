//! TLS over one accepted connection: bytes of the wire in, what they say and bytes of the wire out.
//!
//! There is no socket here. What a sender says that is no TLS is handed on as it is, so that not
//! even a charge in the clear goes unseen; what nobody can read is counted and not kept.

use std::io::{Read, Write};
use std::mem;
use std::sync::Arc;

use rustls::server::{Acceptor, ServerConnection};
use rustls::{AlertDescription, Error, ProtocolVersion, ServerConfig};

use crate::emr::{Failure, Handshake, Manner, Secured};
use crate::history::{Side, TlsVersion};
use crate::run::real::authority::{AuthorityError, Issued};
use crate::run::real::subject::subject;

/// The TLS of one connection.
pub(super) struct Layer {
    stage: Stage,
    /// How to go on after the ClientHello; none if it is to be ignored.
    config: Option<Arc<ServerConfig>>,
    out: Vec<u8>,
}

enum Stage {
    /// Waiting for the ClientHello.
    Greeting {
        acceptor: Box<Acceptor>,
        /// Its first byte has come.
        begun: bool,
    },
    /// In the handshake.
    Shaking(Box<ServerConnection>),
    /// Both have agreed.
    Secured(Box<ServerConnection>),
    /// There is no TLS: bytes are what they are.
    Plain,
    /// The ClientHello was ignored, or TLS has failed: nobody can read anything.
    Deaf {
        /// Whether that has been told.
        told: bool,
        /// Whether an alert would be the first that the sender says.
        ignored: bool,
    },
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The ClientHello is complete.
    Greeting,
    /// The handshake is complete.
    Secured(Secured),
    /// TLS failed.
    Failed(Failure),
    /// Bytes of a message.
    Bytes(Vec<u8>),
    /// Bytes that nobody can read.
    Undecryptable(u64),
    /// The sender has ended its side, with a close_notify.
    Ended,
}

impl Layer {
    /// A layer that meets a handshake as it is asked to.
    pub(super) fn new(issued: &Issued, handshake: &Handshake) -> Result<Self, AuthorityError> {
        let config = match handshake.manner {
            Manner::Hold { show, client } => {
                Some(issued.config(&handshake.versions, show, client)?)
            }
            Manner::Ignore => None,
        };
        let stage = Stage::Greeting { acceptor: Box::default(), begun: false };
        Ok(Self { stage, config, out: Vec::new() })
    }

    /// Takes bytes of the wire in. Afterwards there may be something to be sent.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        match self.stage {
            Stage::Greeting { .. } => self.greet(bytes, &mut heard),
            _ => self.hear(bytes, &mut heard),
        }
        heard
    }

    /// What is to be sent as it is, if anything.
    pub(super) fn take_outgoing(&mut self) -> Vec<u8> {
        if let Stage::Shaking(connection) | Stage::Secured(connection) = &mut self.stage {
            drain(connection, &mut self.out);
        }
        mem::take(&mut self.out)
    }

    /// The bytes of the wire that say `bytes`: under TLS if it stands, as they are otherwise.
    pub(super) fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Stage::Secured(connection) = &mut self.stage else {
            return bytes.to_vec();
        };
        connection.set_buffer_limit(None); // what is said at once is bounded by who says it
        // A write into memory without a limit takes everything.
        let _ = connection.writer().write_all(bytes);
        self.take_outgoing()
    }

    /// The bytes of the wire that end our side.
    pub(super) fn end(&mut self) -> Vec<u8> {
        if let Stage::Secured(connection) = &mut self.stage {
            connection.send_close_notify();
        }
        self.take_outgoing()
    }

    /// Whether the end of a connection should be told by a close_notify.
    pub(super) const fn is_secured(&self) -> bool {
        matches!(self.stage, Stage::Secured(_))
    }

    fn greet(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) {
        let Stage::Greeting { acceptor, begun } = &mut self.stage else {
            return;
        };
        if !mem::replace(begun, true) && bytes.first() != Some(&HANDSHAKE) {
            self.no_tls(bytes, heard);
            return;
        }
        let mut rest = bytes;
        let accepted = loop {
            // It reads from memory, and as much as one record may have.
            let read = acceptor.read_tls(&mut rest).unwrap_or(0);
            match acceptor.accept() {
                Ok(Some(accepted)) => break Ok(accepted),
                Ok(None) if read == 0 => return,
                Ok(None) => {}
                Err((error, mut alert)) => {
                    let _ = alert.write_all(&mut self.out);
                    break Err(error);
                }
            }
        };
        let connection = accepted.and_then(|accepted| {
            heard.push(Heard::Greeting);
            let Some(config) = self.config.take() else { return Ok(None) };
            let connection = accepted.into_connection(config);
            connection.map(Some).map_err(|(error, mut alert)| {
                let _ = alert.write_all(&mut self.out);
                error
            })
        });
        match connection {
            Ok(Some(connection)) => {
                self.stage = Stage::Shaking(Box::new(connection));
                self.hear(rest, heard);
            }
            Ok(None) => {
                self.stage = Stage::Deaf { told: false, ignored: true };
                self.hear(rest, heard);
            }
            Err(error) => self.fail(&error, heard),
        }
    }

    /// Who speaks no TLS is told so, as a TLS server would, and heard out.
    fn no_tls(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) {
        let alert = self.config.is_some().then(|| {
            self.out.extend_from_slice(crate::emr::UNEXPECTED_MESSAGE);
            "unexpected_message".to_owned()
        });
        self.stage = Stage::Plain;
        heard.push(Heard::Failed(Failure {
            by: Side::Emr,
            alert,
            why: Some("the sender speaks no TLS".to_owned()),
            plain: true,
        }));
        heard.push(Heard::Bytes(bytes.to_vec()));
    }

    fn hear(&mut self, mut bytes: &[u8], heard: &mut Vec<Heard>) {
        match &mut self.stage {
            Stage::Plain => heard.push(Heard::Bytes(bytes.to_vec())),
            Stage::Deaf { told, ignored } if !bytes.is_empty() => {
                let alert = alert(bytes).filter(|_| *ignored);
                if let Some(alert) = alert {
                    heard.push(Heard::Failed(broken_off(Side::Sender, alert)));
                } else if !mem::replace(told, true) {
                    heard.push(Heard::Undecryptable(bytes.len() as u64));
                }
                *ignored = false;
            }
            Stage::Shaking(_) | Stage::Secured(_) => while self.record(&mut bytes, heard) {},
            Stage::Greeting { .. } | Stage::Deaf { .. } => {}
        }
    }

    /// Hears as much as goes in at once; whether there may be more.
    fn record(&mut self, bytes: &mut &[u8], heard: &mut Vec<Heard>) -> bool {
        let (Stage::Shaking(connection) | Stage::Secured(connection)) = &mut self.stage else {
            return false;
        };
        let read = connection.read_tls(bytes).unwrap_or(0);
        let state = connection.process_new_packets();
        let error = match state {
            Ok(state) => {
                let mut plain = vec![0; state.plaintext_bytes_to_read()];
                let _ = connection.reader().read_exact(&mut plain);
                let is_over = state.peer_has_closed();
                self.agree(heard);
                if !plain.is_empty() {
                    heard.push(Heard::Bytes(plain));
                }
                if is_over {
                    heard.push(Heard::Ended);
                }
                return read > 0 && !is_over;
            }
            Err(error) => error,
        };
        drain(connection, &mut self.out);
        self.fail(&error, heard);
        false // the rest was said before anybody could know of the failure
    }

    /// Notes that the handshake is complete, if it has just become so.
    fn agree(&mut self, heard: &mut Vec<Heard>) {
        let stage = mem::replace(&mut self.stage, Stage::Plain);
        self.stage = match stage {
            Stage::Shaking(connection) if !connection.is_handshaking() => {
                heard.push(Heard::Secured(agreed(&connection)));
                Stage::Secured(connection)
            }
            other => other,
        };
    }

    fn fail(&mut self, error: &Error, heard: &mut Vec<Heard>) {
        let failure = match error {
            Error::AlertReceived(alert) => broken_off(Side::Sender, name(*alert)),
            error => match told(error).or_else(|| alert(&self.out)) {
                Some(alert) => broken_off(Side::Emr, alert),
                None => Failure {
                    by: Side::Emr,
                    alert: None,
                    why: Some(error.to_string()),
                    plain: false,
                },
            },
        };
        self.stage = Stage::Deaf { told: false, ignored: false };
        heard.push(Heard::Failed(failure));
    }
}

const fn broken_off(by: Side, alert: String) -> Failure {
    Failure { by, alert: Some(alert), why: None, plain: false }
}

/// Moves what a connection wants to say to where it is sent from.
fn drain(connection: &mut ServerConnection, out: &mut Vec<u8>) {
    // A write into memory takes everything.
    while connection.wants_write() && connection.write_tls(out).is_ok() {}
}

fn agreed(connection: &ServerConnection) -> Secured {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => TlsVersion::V1_2,
        _ => TlsVersion::V1_3,
    };
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    let client = connection.peer_certificates().and_then(<[_]>::first);
    Secured {
        version,
        // The registered names of the suites of TLS 1.3 do not say so (RFC 8446, appendix B.4).
        suite: suite.unwrap_or_default().replace("TLS13_", "TLS_"),
        client: client.map(|certificate| subject(certificate)),
    }
}

/// The alert that was said because of `error`, where it went out so that it cannot be read here.
fn told(error: &Error) -> Option<String> {
    match error {
        Error::NoCertificatesPresented => Some(name(AlertDescription::CertificateRequired)),
        Error::InvalidCertificate(why) => Some(name(why.clone().into())),
        _ => None,
    }
}

/// The alert that `bytes` end in, if that is one that can be read.
fn alert(bytes: &[u8]) -> Option<String> {
    match bytes.last_chunk::<7>()? {
        [ALERT, 3, _, 0, 2, _, description] => Some(name((*description).into())),
        _ => None,
    }
}

/// The name of an alert as the RFCs write it.
fn name(alert: AlertDescription) -> String {
    let Some(known) = alert.as_str() else {
        return format!("alert {}", u8::from(alert));
    };
    let mut name = String::with_capacity(known.len() + 4);
    let mut after_small = false;
    for letter in known.chars() {
        if letter.is_ascii_uppercase() && after_small {
            name.push('_');
        }
        after_small = letter.is_ascii_lowercase();
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// How a record that belongs to a handshake begins, and one with an alert (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 0x16;
const ALERT: u8 = 0x15;
