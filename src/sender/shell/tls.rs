//! TLS of the sender: what it trusts, what it shows, and one connection's worth of it.
//!
//! A handshake that fails is a refused connection. In TLS 1.3 a client is done before the server
//! has looked at its certificate, and what it writes then may be written into a refusal: so a
//! sender that was asked for a certificate waits for the first word of the EMR after the handshake
//! (RFC 8446 section 4.6.1, a session ticket), for a while.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use crate::sender::broken::bug::Bug;
use crate::sender::trust::Flaw;

/// The files that TLS is spoken with, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Whom to trust.
    pub ca: PathBuf,
    /// A client certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Files that TLS cannot be spoken with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file holds no certificate or key.
    #[error("cannot read `{path}`: {error}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: rustls::pki_types::pem::Error,
    },
    /// A certificate or key is not fit for use.
    #[error("cannot speak TLS with these certificates: {0}")]
    Use(#[from] Error),
    /// The authority is not fit for use.
    #[error("cannot trust this authority: {0}")]
    Authority(#[from] rustls::client::VerifierBuilderError),
}

/// What connections are secured with.
#[derive(Clone)]
pub(crate) struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<Verifier>,
    shows: Option<Arc<CertifiedKey>>,
    patience: Duration,
}

impl Trust {
    /// Reads the files. `patience` is how long to wait for the first word of an EMR that asked for
    /// a certificate.
    pub(crate) fn read(
        files: &TlsFiles,
        bug: Option<Bug>,
        patience: Duration,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        for root in certificates(&files.ca)? {
            roots.add(root)?;
        }
        let inner =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()?;
        let shows = match &files.client {
            _ if bug == Some(Bug::ShowsNoCertificate) => None,
            None => None,
            Some((chain, key)) => {
                let chain = certificates(chain)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(in_file(key))?;
                Some(Arc::new(CertifiedKey::from_der(chain, key, &provider)?))
            }
        };
        let verifier = Arc::new(Verifier { inner, bug, refused: AtomicU32::new(0) });
        Ok(Self { provider, verifier, shows, patience })
    }

    /// Whether a broken sender goes on in the clear where TLS fails.
    pub(crate) fn falls_back(&self) -> bool {
        self.verifier.bug == Some(Bug::FallsBackToPlaintext)
    }

    /// A client of `endpoint`, a host and port, that has not said anything yet.
    pub(crate) fn begin(&self, endpoint: &str) -> Result<Layer, Error> {
        let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = match host.parse::<IpAddr>() {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(host.to_owned())
                .map_err(|_| Error::General("the host of the endpoint is no name".to_owned()))?,
        };
        let asked = Arc::new(Asked { was: AtomicBool::new(false), shows: self.shows.clone() });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier) as Arc<_>)
            .with_client_cert_resolver(Arc::clone(&asked) as Arc<_>);
        // A store of its own, so that it is given a ticket and never uses one: a session that is
        // resumed shows no certificate.
        config.resumption = Resumption::in_memory_sessions(1);
        let connection = ClientConnection::new(Arc::new(config), name)?;
        // A broken sender does not wait for the EMR's first word.
        let patience = match self.verifier.bug {
            Some(Bug::ShowsNoCertificate) => Duration::ZERO,
            _ => self.patience,
        };
        Ok(Layer { connection, asked, finished: None, up: false, patience })
    }
}

/// The TLS of one connection.
pub(crate) struct Layer {
    connection: ClientConnection,
    asked: Arc<Asked>,
    /// When our part of the handshake was done.
    finished: Option<Instant>,
    /// Whether the EMR's part is done too, as far as can be told.
    up: bool,
    patience: Duration,
}

/// What was read.
pub(crate) enum Heard {
    /// The connection is secured.
    Up,
    /// Plaintext.
    Bytes(Vec<u8>),
    /// The EMR has ended its side, with a close_notify.
    Ended,
    /// TLS failed.
    Failed,
}

impl Layer {
    /// Takes bytes of the wire in; without any, looks whether enough time has passed.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        loop {
            // It reads from memory, and as much as one record may have.
            let read = self.connection.read_tls(&mut bytes).unwrap_or(0);
            let Ok(state) = self.connection.process_new_packets() else {
                heard.push(Heard::Failed);
                return heard;
            };
            if !self.up && self.is_up() {
                self.up = true;
                heard.push(Heard::Up);
            }
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            if !plain.is_empty() && self.connection.reader().read_exact(&mut plain).is_ok() {
                heard.push(Heard::Bytes(plain));
            }
            if state.peer_has_closed() {
                heard.push(Heard::Ended);
                return heard;
            }
            if read == 0 {
                return heard;
            }
        }
    }

    /// The bytes of the wire that are to be written, behind what is in `out`.
    pub(crate) fn drain(&mut self, out: &mut Vec<u8>) {
        // A write into memory takes everything.
        while self.connection.wants_write() && self.connection.write_tls(out).is_ok() {}
    }

    /// Puts `bytes` under TLS.
    pub(crate) fn seal(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.connection.set_buffer_limit(None);
        let _ = self.connection.writer().write_all(bytes);
        self.drain(out);
    }

    /// Ends our side, if it ever stood.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        if self.up {
            self.connection.send_close_notify();
        }
        self.drain(out);
    }

    fn is_up(&mut self) -> bool {
        if self.connection.is_handshaking() {
            return false;
        }
        let finished = *self.finished.get_or_insert_with(Instant::now);
        let doubtful = self.asked.was.load(Ordering::Relaxed)
            && self.connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
            && self.connection.tls13_tickets_received() == 0;
        !doubtful || finished.elapsed() >= self.patience
    }
}

/// Shows the certificate that there is, and remembers that it was asked for one.
#[derive(Debug)]
struct Asked {
    was: AtomicBool,
    shows: Option<Arc<CertifiedKey>>,
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was.store(true, Ordering::Relaxed);
        self.shows.clone()
    }

    fn has_certs(&self) -> bool {
        true // or it would not hear that it was asked
    }
}

/// Verifies authority, time and host; a broken sender overlooks some of that.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    bug: Option<Bug>,
    /// How many certificates it has refused.
    refused: AtomicU32,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        let Err(Error::InvalidCertificate(why)) = &verified else { return verified };
        let refused = self.refused.fetch_add(1, Ordering::Relaxed);
        let overlooks = |bug: Bug| flaw(why).is_some_and(|flaw| bug.overlooks(flaw, refused));
        if self.bug.is_some_and(overlooks) {
            return Ok(ServerCertVerified::assertion());
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

const fn flaw(why: &CertificateError) -> Option<Flaw> {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(Flaw::Expired),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some(Flaw::WrongHost)
        }
        CertificateError::UnknownIssuer => Some(Flaw::UnknownCa),
        _ => None,
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).map_err(in_file(path))?;
    all.collect::<Result<_, _>>().map_err(in_file(path))
}

fn in_file(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> TlsError {
    move |error| TlsError::Pem { path: path.to_owned(), error }
}
