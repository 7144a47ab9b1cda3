//! Reads whether, and how, the endpoints of a scenario speak TLS.

use crate::history::TlsVersion;
use crate::yaml::{Diagnostic, Node, Value};

/// The keys of `tls`.
pub(super) const KEYS: &[&str] = &["versions", "client"];

/// The versions.
pub(super) const VERSIONS: &[(&str, TlsVersion)] =
    &[("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

/// Whether the sender must show a certificate.
pub(super) const CLIENT: &[(&str, bool)] = &[("none", false), ("required", true)];

/// TLS, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The versions that the EMR speaks; both if absent.
    pub versions: Option<Vec<TlsVersion>>,
    /// Whether the sender must show a certificate.
    pub client: bool,
}

/// Reads `true`, `false` or a map that says more.
pub(super) fn read(node: &Node) -> Result<Option<Tls>, Diagnostic> {
    if let Value::Bool(on) = node.value {
        return Ok(on.then(Tls::default));
    }
    let wanted = "`true`, `false`, or how, as in `{ versions: [\"1.2\"], client: required }`";
    let fields = node.fields(wanted, KEYS)?;
    let client = |node: &Node| node.word("`none` or `required`", "valid words", CLIENT);
    Ok(Some(Tls {
        versions: fields.get("versions").map(versions).transpose()?,
        client: fields.get("client").map_or(Ok(false), client)?,
    }))
}

fn versions(node: &Node) -> Result<Vec<TlsVersion>, Diagnostic> {
    let items = node.list("a list of versions")?;
    if items.is_empty() {
        return Err(node.error("there are no versions").hint("without the key there are both"));
    }
    let mut versions = Vec::new();
    for item in items {
        let version = item.word("a version of TLS", "valid versions", VERSIONS)?;
        if versions.contains(&version) {
            return Err(item.error("the version is named twice"));
        }
        versions.push(version);
    }
    Ok(versions)
}
