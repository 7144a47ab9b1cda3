//! TLS of `serve`: what was asked for, and what a sender needs to speak it.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::cli::arguments::{Serve, ServeTls};
use crate::cli::failure::Failure;
use chargeproof::history::TlsVersion;
use chargeproof::plan::fault;
use chargeproof::plan::{ClientCertificate, Fault, Plan, Tls};
use chargeproof::run::real::{Authority, Own};

/// Lets `plan` speak TLS where it was asked for; a script may have asked as well.
///
/// # Errors
/// A script that plays something which has no place under TLS.
pub(super) fn asked_for(asked: &ServeTls, plan: &mut Plan) -> Result<(), Failure> {
    let wanted = asked.tls || asked.tls_client || asked.tls_cert.is_some();
    if !(wanted || asked.tls_client_ca.is_some()) {
        return Ok(());
    }
    if plan.plays(Fault::Tls(fault::Tls::TlsOnPlaintext)) {
        let message = "the script plays `tls/tls-on-plaintext`, which is about a port without TLS";
        return Err(Failure::usage(message, "leave the options of TLS out"));
    }
    let versions = vec![TlsVersion::V1_2, TlsVersion::V1_3];
    let tls = plan.tls.get_or_insert(Tls { versions, client: ClientCertificate::None });
    if asked.tls_client || asked.tls_client_ca.is_some() {
        tls.client = ClientCertificate::Required;
    }
    Ok(())
}

/// Certificates that are at hand while an EMR is served.
pub(super) struct Certificates {
    pub(super) authority: Arc<Authority>,
    /// What a person must know of them, a line each.
    pub(super) told: Vec<String>,
    /// Where they are if nobody chose a folder; gone with this.
    _folder: Option<TempDir>,
}

impl Certificates {
    /// Makes them, if `plan` speaks TLS, and writes down what a sender needs.
    ///
    /// # Errors
    /// A file of one's own that cannot be used, or a folder that cannot be written to.
    pub(super) fn of(serve: &Serve, plan: &Plan, listen: &[SocketAddr]) -> Result<Self, Failure> {
        let asked = &serve.secure;
        let own = Own {
            server: asked.tls_cert.clone().zip(asked.tls_key.clone()),
            clients: asked.tls_client_ca.clone(),
        };
        let authority = Arc::new(Authority::new(listen, own));
        let Some(tls) = &plan.tls else {
            return Ok(Self { authority, told: Vec::new(), _folder: None });
        };
        let issued = authority.issued().map_err(|error| {
            Failure::usage(error.to_string(), "certificates and keys are PEM files")
        })?;
        let made = if asked.tls_out.is_none() { Some(temporary()?) } else { None };
        let chosen = asked.tls_out.as_deref().or(made.as_ref().map(TempDir::path));
        let folder = chosen.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(Failure::writing(folder))?;
        issued.write(folder, tls.is_mutual()).map_err(Failure::writing(folder))?;
        let told = told(asked, tls, folder);
        Ok(Self { authority, told, _folder: made })
    }
}

fn told(asked: &ServeTls, tls: &Tls, folder: &Path) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut told = Vec::new();
    if asked.tls_cert.is_none() {
        told.push(format!("a sender must trust {}", path("ca.pem")));
    }
    if tls.is_mutual() && asked.tls_client_ca.is_none() {
        let (certificate, key) = (path("client.pem"), path("client-key.pem"));
        told.push(format!("a sender must show {certificate} with the key {key}"));
    }
    told
}

fn temporary() -> Result<TempDir, Failure> {
    let mut folder = tempfile::Builder::new();
    // There is a key in it.
    folder.prefix("chargeproof-tls-").permissions(Permissions::from_mode(0o700));
    folder.tempdir().map_err(Failure::writing(&PathBuf::from("a temporary folder")))
}
