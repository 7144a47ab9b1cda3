//! The test authority: root, server and client certificates, made once for a run of the program.
//!
//! Nothing of it outlives the program but the files that somebody asks for, and the root's key is
//! never written anywhere. What a certificate is wrong about is wrong by itself: an expired one has
//! expired, whatever the clock of a test says.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::emr::Asked;
use crate::history::{Shown, TlsVersion};
use crate::run::real::tls::secrets::Secrets;

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// A certificate or key is not fit for use.
    #[error("a certificate cannot be used: {0}")]
    Use(#[from] rustls::Error),
    /// Client certificates cannot be checked.
    #[error("client certificates cannot be checked: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
    /// A file holds no certificate or key.
    #[error("cannot read `{path}`: {error}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: rustls::pki_types::pem::Error,
    },
}

/// Who vouches for the EMR, and for the senders that it knows.
#[derive(Debug, Default)]
pub struct Authority {
    hosts: Vec<String>,
    own: Own,
    issued: OnceLock<Result<Issued, AuthorityError>>,
}

/// Certificates that are not to be made, because there are some.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// A chain and its key, PEM, to show in place of a good certificate.
    pub server: Option<(PathBuf, PathBuf)>,
    /// Whose client certificates are known, PEM, in place of the authority's own.
    pub clients: Option<PathBuf>,
}

impl Authority {
    /// An authority for the EMR at these addresses; it makes its certificates when they are needed.
    #[must_use]
    pub fn new(addresses: &[SocketAddr], own: Own) -> Self {
        let hosts = addresses.iter().map(|address| address.ip().to_string()).collect();
        Self { hosts, own, issued: OnceLock::new() }
    }

    /// What it has issued.
    ///
    /// # Errors
    /// A certificate that cannot be made, or a file of one's own that cannot be read.
    pub fn issued(&self) -> Result<&Issued, &AuthorityError> {
        self.issued.get_or_init(|| Issued::new(&self.hosts, &self.own)).as_ref()
    }
}

/// Certificates and keys.
#[derive(Debug)]
pub struct Issued {
    /// The root, PEM: what a sender is to trust.
    ca: String,
    /// The client certificate and its key, PEM.
    client: (String, String),
    /// What the EMR can show.
    servers: Vec<(Shown, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    known: Arc<RootCertStore>,
    strange: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Issued {
    fn new(hosts: &[String], own: &Own) -> Result<Self, AuthorityError> {
        let root = Root::new("chargeproof test authority")?;
        let stranger = Root::new("another authority")?;
        let mut here: Vec<String> = LOCAL.iter().map(|host| (*host).to_owned()).collect();
        here.extend(hosts.iter().filter(|host| !LOCAL.contains(&host.as_str())).cloned());
        let today = Days::around_today();
        let servers = [
            (Shown::Good, &root, here.clone(), today),
            (Shown::Expired, &root, here.clone(), Days::LONG_AGO),
            (Shown::WrongHost, &root, vec![ELSEWHERE.to_owned()], today),
            (Shown::UnknownCa, &stranger, here, today),
        ];
        let mut all = Vec::with_capacity(servers.len());
        for (shown, issuer, hosts, days) in servers {
            let (certificate, key) = issuer.server(hosts, days)?;
            all.push((shown, vec![certificate], key));
        }
        if let Some((chain, key)) = &own.server {
            all[0].1 = certificates(chain)?;
            all[0].2 = PrivateKeyDer::from_pem_file(key).map_err(in_file(key))?;
        }
        let known = match &own.clients {
            Some(path) => certificates(path)?,
            None => vec![root.certificate.der().clone()],
        };
        Ok(Self {
            ca: root.certificate.pem(),
            client: root.client("a charge sender", today)?,
            servers: all,
            known: trusted(known)?,
            strange: trusted(vec![stranger.certificate.der().clone()])?,
            provider: Arc::new(default_provider()),
        })
    }

    /// Writes what a sender needs into `folder`: the root as `ca.pem`, and with `client` a
    /// certificate of its own, as `client.pem` and `client-key.pem`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, folder: &Path, client: bool) -> io::Result<()> {
        std::fs::write(folder.join(CA), &self.ca)?;
        if client {
            std::fs::write(folder.join(CERT), &self.client.0)?;
            write_alone(&folder.join(KEY), self.client.1.as_bytes())?;
        }
        Ok(())
    }

    /// How the EMR meets a handshake.
    pub(crate) fn config(
        &self,
        versions: &[TlsVersion],
        show: Shown,
        asked: Asked,
        secrets: Arc<Secrets>,
    ) -> Result<Arc<ServerConfig>, AuthorityError> {
        let versions: Vec<&'static SupportedProtocolVersion> =
            versions.iter().map(|version| protocol(*version)).collect();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&versions)?;
        let builder = match asked {
            Asked::Nothing => builder.with_no_client_auth(),
            Asked::Certificate => builder.with_client_cert_verifier(self.clients(&self.known)?),
            Asked::StrangeCertificate => {
                builder.with_client_cert_verifier(self.clients(&self.strange)?)
            }
        };
        let index = self.servers.iter().position(|(shown, ..)| *shown == show).unwrap_or(0);
        let (_, chain, key) = &self.servers[index];
        let mut config = builder.with_single_cert(chain.clone(), key.clone_key())?;
        // One is enough to tell a sender of TLS 1.3 that the EMR took its certificate. Nothing is
        // ever resumed: every connection has its own config, and so every fault is really met.
        config.send_tls13_tickets = 1;
        config.key_log = secrets;
        Ok(Arc::new(config))
    }

    fn clients(
        &self,
        known: &Arc<RootCertStore>,
    ) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, AuthorityError> {
        let provider = Arc::clone(&self.provider);
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::clone(known), provider);
        // A sender that is told who is known here may rather show nothing than be refused.
        Ok(builder.clear_root_hint_subjects().build()?)
    }
}

/// Writes a file that is nobody else's, whatever was in its place before.
fn write_alone(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(&written);
    let moved = file
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&written, path));
    if moved.is_err() {
        let _ = std::fs::remove_file(written);
    }
    moved
}

/// A root certificate with its key.
struct Root {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Root {
    fn new(name: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = params(name, Vec::new(), Days::around_today())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    fn server(
        &self,
        hosts: Vec<String>,
        days: Days,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), AuthorityError> {
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        let (certificate, key) = self.leaf("a simulated EMR", hosts, days, usage)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((certificate.der().clone(), key))
    }

    fn client(&self, name: &str, days: Days) -> Result<(String, String), AuthorityError> {
        let usage = ExtendedKeyUsagePurpose::ClientAuth;
        let (certificate, key) = self.leaf(name, Vec::new(), days, usage)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn leaf(
        &self,
        name: &str,
        hosts: Vec<String>,
        days: Days,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<(rcgen::Certificate, KeyPair), AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = params(name, hosts, days)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate, key))
    }
}

fn params(name: &str, hosts: Vec<String>, days: Days) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let at = |date: Date| {
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = at(days.first);
    params.not_after = at(days.last);
    Ok(params)
}

/// The days on which a certificate is valid.
#[derive(Clone, Copy)]
struct Days {
    first: Date,
    last: Date,
}

impl Days {
    /// A year that is over.
    const LONG_AGO: Self =
        Self { first: Date::constant(2020, 1, 1), last: Date::constant(2021, 1, 1) };

    /// Two days back, so that no clock is too late, and a quarter of a year ahead.
    fn around_today() -> Self {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        Self { first: today.saturating_sub(2.days()), last: today.saturating_add(90.days()) }
    }
}

fn protocol(version: TlsVersion) -> &'static SupportedProtocolVersion {
    match version {
        TlsVersion::V1_2 => &TLS12,
        TlsVersion::V1_3 => &TLS13,
    }
}

fn trusted(roots: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, AuthorityError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root)?;
    }
    Ok(Arc::new(store))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let all = CertificateDer::pem_file_iter(path).map_err(in_file(path))?;
    all.collect::<Result<_, _>>().map_err(in_file(path))
}

fn in_file(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> AuthorityError {
    move |error| AuthorityError::Pem { path: path.to_owned(), error }
}

/// The names of the files that a sender is given.
pub(crate) const CA: &str = "ca.pem";
pub(crate) const CERT: &str = "client.pem";
pub(crate) const KEY: &str = "client-key.pem";

/// The names and addresses of this machine's loopback.
const LOCAL: &[&str] = &["127.0.0.1", "::1", "localhost"];

/// A host that no endpoint is on (RFC 2606).
const ELSEWHERE: &str = "another-host.example";
