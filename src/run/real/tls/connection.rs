//! TLS over one accepted connection: bytes of the wire in, what they say and bytes of the wire out.
//!
//! There is no socket here. What a sender says that is no TLS is handed on as it is, so that not
//! even a charge in the clear goes unseen. Nor does one that was said under TLS before the sender
//! heard that it had failed, where the keys to it are known; what nobody can read is counted and
//! not kept.

use std::io::{Read, Write};
use std::mem;
use std::sync::Arc;

use rustls::server::{Acceptor, ServerConnection};
use rustls::{AlertDescription, Error, ProtocolVersion, ServerConfig};

use crate::emr::{Failure, Handshake, Manner, Secured};
use crate::history::{Side, TlsVersion};
use crate::run::real::tls::authority::{AuthorityError, Issued};
use crate::run::real::tls::records::{ALERT, APPLICATION_DATA, HANDSHAKE, Records};
use crate::run::real::tls::secrets::{Opener, Said, Secrets};
use crate::run::real::tls::subject::subject;

/// The TLS of one connection.
pub(crate) struct Layer {
    stage: Stage,
    /// How to go on after the ClientHello; none if it is to be ignored.
    config: Option<Arc<ServerConfig>>,
    out: Vec<u8>,
    records: Records,
    secrets: Arc<Secrets>,
    /// How many sealed records have come in the handshake, and how many after it.
    sealed: (u64, u64),
    /// Bytes that nobody can read have been told.
    told: bool,
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
    /// The sender has ended its side; ours may go on.
    Ended(Box<ServerConnection>, Late),
    /// There is no TLS: bytes are what they are.
    Plain,
    /// The ClientHello was ignored, or TLS has failed.
    Failed(Late),
}

/// What comes when TLS is no more.
struct Late {
    /// The beginning of a record.
    kept: Vec<u8>,
    opener: Option<Opener>,
    /// Whether an alert would be the first that the sender says.
    ignored: bool,
    /// A message of which the beginning was said.
    ahead: bool,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The ClientHello is complete.
    Greeting,
    /// The handshake is complete.
    Secured(Secured),
    /// TLS failed.
    Failed(Failure),
    /// Bytes of a message.
    Bytes(Vec<u8>),
    /// What follows was under the TLS that has failed all the same.
    Ahead,
    /// What follows is in the clear, though the sender had greeted.
    Clear,
    /// Bytes that nobody can read.
    Undecryptable(u64),
    /// The sender has ended its side, with a close_notify.
    Ended,
}

impl Layer {
    /// A layer that meets a handshake as it is asked to.
    pub(crate) fn new(issued: &Issued, handshake: &Handshake) -> Result<Self, AuthorityError> {
        let secrets = Arc::<Secrets>::default();
        let config = match handshake.manner {
            Manner::Hold { show, client } => {
                let logged = Arc::clone(&secrets);
                Some(issued.config(&handshake.versions, show, client, logged)?)
            }
            Manner::Ignore => None,
        };
        let stage = Stage::Greeting { acceptor: Box::default(), begun: false };
        let (records, sealed, told) = (Records::default(), (0, 0), false);
        Ok(Self { stage, config, out: Vec::new(), records, secrets, sealed, told })
    }

    /// Takes bytes of the wire in. Afterwards there may be something to be sent.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        match self.stage {
            Stage::Greeting { .. } => self.greet(bytes, &mut heard),
            _ => self.hear(bytes, &mut heard),
        }
        heard
    }

    /// What is to be sent as it is, if anything.
    pub(crate) fn take_outgoing(&mut self) -> Vec<u8> {
        if let Stage::Shaking(connection)
        | Stage::Secured(connection)
        | Stage::Ended(connection, _) = &mut self.stage
        {
            drain(connection, &mut self.out);
        }
        mem::take(&mut self.out)
    }

    /// The bytes of the wire that say `bytes`: under TLS if it stands, as they are otherwise.
    pub(crate) fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (Stage::Secured(connection) | Stage::Ended(connection, _)) = &mut self.stage else {
            return bytes.to_vec();
        };
        connection.set_buffer_limit(None); // what is said at once is bounded by who says it
        // A write into memory without a limit takes everything.
        let _ = connection.writer().write_all(bytes);
        self.take_outgoing()
    }

    /// The bytes of the wire that end our side.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        if let Stage::Secured(connection) | Stage::Ended(connection, _) = &mut self.stage {
            connection.send_close_notify();
        }
        self.take_outgoing()
    }

    /// Whether the end of a connection should be told by a close_notify.
    pub(crate) const fn is_secured(&self) -> bool {
        matches!(self.stage, Stage::Secured(_))
    }

    /// Nothing more comes: what nobody can read of it, because its end is missing.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        let bytes = match self.stage {
            // Before the sender's last word of the handshake there can be no message.
            Stage::Greeting { .. } | Stage::Shaking(_) | Stage::Plain => 0,
            _ => self.records.under_way(),
        };
        (bytes > 0 && !mem::replace(&mut self.told, true)).then_some(bytes)
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
            let Some(mut piece) = self.records.next(&mut rest) else { return };
            // It reads from memory, and as much as one record may have.
            while !piece.is_empty() && acceptor.read_tls(&mut piece).is_ok_and(|read| read > 0) {}
            match acceptor.accept() {
                Ok(Some(accepted)) => break Ok(accepted),
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
            Ok(Some(connection)) => self.stage = Stage::Shaking(Box::new(connection)),
            Ok(None) => self.stage = Stage::Failed(Late::new(None, true)),
            Err(error) => self.fail(&error, heard),
        }
        self.hear(rest, heard);
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

    /// Hears one record after the other, so that it is known where each of them belongs.
    fn hear(&mut self, mut bytes: &[u8], heard: &mut Vec<Heard>) {
        while !bytes.is_empty() {
            if matches!(self.stage, Stage::Plain) {
                heard.push(Heard::Bytes(bytes.to_vec()));
                return;
            }
            let Some(piece) = self.records.next(&mut bytes) else { return };
            match self.stage {
                Stage::Shaking(_) | Stage::Secured(_) => self.record(piece, heard),
                _ => self.late(piece, heard),
            }
        }
    }

    /// Hears a record, or a part of one.
    fn record(&mut self, piece: &[u8], heard: &mut Vec<Heard>) {
        let (Stage::Shaking(connection) | Stage::Secured(connection)) = &mut self.stage else {
            return;
        };
        let is_sealed = self.records.is_over() && self.records.kind() == APPLICATION_DATA;
        if is_sealed {
            let (shaking, secured) = &mut self.sealed;
            *(if connection.is_handshaking() { shaking } else { secured }) += 1;
        }
        let mut bytes = piece;
        if !self.records.can_be() {
            // What is no record at all is refused when its header is there.
            let _ = connection.read_tls(&mut [piece, &[0; 5]].concat().as_slice());
            bytes = &[];
        }
        while !bytes.is_empty() && connection.read_tls(&mut bytes).is_ok_and(|read| read > 0) {}
        let error = match connection.process_new_packets() {
            Ok(state) => {
                let mut plain = vec![0; state.plaintext_bytes_to_read()];
                let _ = connection.reader().read_exact(&mut plain);
                let is_over = state.peer_has_closed();
                self.agree(heard);
                if !plain.is_empty() {
                    heard.push(Heard::Bytes(plain));
                }
                if is_over {
                    self.ended();
                    heard.push(Heard::Ended);
                }
                return;
            }
            Err(error) => error,
        };
        drain(connection, &mut self.out);
        self.fail(&error, heard);
        if !self.records.can_be() && is_message(piece) {
            self.stage = Stage::Plain;
            heard.extend([Heard::Clear, Heard::Bytes(piece.to_vec())]);
        }
    }

    /// The sender has ended its side: whatever comes now, no receiver would read.
    fn ended(&mut self) {
        let stage = mem::replace(&mut self.stage, Stage::Plain);
        self.stage = match stage {
            Stage::Secured(connection) | Stage::Shaking(connection) => {
                let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
                let opener = Opener::new(&self.secrets, suite, self.sealed.0, self.sealed.1);
                Stage::Ended(connection, Late::new(Some(opener), false))
            }
            other => other,
        };
    }

    /// Hears a record, or a part of one, that comes when TLS is no more.
    fn late(&mut self, piece: &[u8], heard: &mut Vec<Heard>) {
        let is_ended = matches!(self.stage, Stage::Ended(..));
        let (Stage::Failed(late) | Stage::Ended(_, late)) = &mut self.stage else {
            return;
        };
        late.kept.extend_from_slice(piece);
        if !self.records.can_be() && !is_ended && is_message(&late.kept) {
            heard.extend([Heard::Clear, Heard::Bytes(mem::take(&mut late.kept))]);
            self.stage = Stage::Plain;
            return;
        }
        if self.records.can_be() && !self.records.is_over() {
            return;
        }
        let record = mem::take(&mut late.kept);
        let first = mem::take(&mut late.ignored);
        let said = match self.records.kind() {
            APPLICATION_DATA => late.opener.as_mut().map_or(Said::Unknown, |one| one.open(&record)),
            ALERT if first => {
                if let Some(alert) = alert(&record) {
                    heard.push(Heard::Failed(broken_off(Side::Sender, alert)));
                }
                return;
            }
            _ if !self.records.can_be() && is_message(&record) => Said::Unknown,
            // What is neither TLS nor a message in the clear is rubbish.
            _ => return,
        };
        match said {
            Said::Tls => {}
            Said::Message(bytes) if !is_ended => {
                if !mem::replace(&mut late.ahead, true) {
                    heard.push(Heard::Ahead);
                }
                heard.push(Heard::Bytes(bytes));
            }
            Said::Message(_) | Said::Unknown => {
                if !mem::replace(&mut self.told, true) {
                    heard.push(Heard::Undecryptable(record.len() as u64));
                }
            }
        }
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
        let suite = match &self.stage {
            Stage::Shaking(connection) => connection.negotiated_cipher_suite(),
            _ => None, // of what has failed later it is not known which record comes next
        };
        let suite = suite.map(|suite| suite.suite());
        let opener = suite.map(|one| Opener::new(&self.secrets, Some(one), self.sealed.0, 0));
        self.stage = Stage::Failed(Late::new(opener, false));
        heard.push(Heard::Failed(failure));
    }
}

impl Late {
    const fn new(opener: Option<Opener>, ignored: bool) -> Self {
        Self { kept: Vec::new(), opener, ignored, ahead: false }
    }
}

/// Whether bytes that are no TLS begin or hold a message in the clear.
fn is_message(bytes: &[u8]) -> bool {
    bytes.first() == Some(&START_OF_BLOCK) || memchr::memmem::find(bytes, b"MSH").is_some()
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

/// How a frame begins (MLLP release 1).
const START_OF_BLOCK: u8 = 0x0B;
