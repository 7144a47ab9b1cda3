//! The placeholders of a sender file, such as `{inbox}`, and what they stand for in one case.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::plan::{Plan, Tls};
use crate::run::real::sender::folder::Folder;
use crate::run::real::tls::authority;

/// The value of every placeholder.
pub(crate) fn values(
    plan: &Plan,
    executable: &Path,
    folder: &Folder,
    addresses: &[SocketAddr],
    feed_port: u16,
    ack_port: Option<u16>,
) -> BTreeMap<&'static str, String> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let all: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let first = addresses.first();
    let results = plan.results.as_ref().map(|_| text(folder.path("results.json")));
    let issued = |name: &str, due: bool| if due { text(folder.path(name)) } else { String::new() };
    let mutual = plan.tls.as_ref().is_some_and(Tls::is_mutual);
    let millis = |time: crate::history::Micros| (time.0 / 1000).to_string();
    BTreeMap::from([
        ("chargeproof", text(executable.to_owned())),
        ("endpoints", all.join(",")),
        ("host", first.map(|one| one.ip().to_string()).unwrap_or_default()),
        ("port", first.map(|one| one.port().to_string()).unwrap_or_default()),
        ("state", text(folder.path("state"))),
        ("inbox", text(folder.path("inbox"))),
        ("order", String::new()),
        ("feed_port", feed_port.to_string()),
        ("ack_port", ack_port.map(|port| port.to_string()).unwrap_or_default()),
        ("mapping", text(folder.path("mapping.json"))),
        ("results", results.unwrap_or_default()),
        ("ca", issued(authority::CA, plan.tls.is_some())),
        ("cert", issued(authority::CERT, mutual)),
        ("key", issued(authority::KEY, mutual)),
        ("ack_timeout_ms", millis(plan.limits.ack_timeout)),
        ("longest_retry_ms", millis(plan.limits.longest_retry)),
    ])
}

/// Replaces `{name}` by its value; what is no placeholder stays as it is.
pub(crate) fn fill(text: &str, values: &BTreeMap<&'static str, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in values {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::fill;
    use std::collections::BTreeMap;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let values = BTreeMap::from([("port", "2575".to_owned())]);
        assert_eq!(fill("--port={port} {json}", &values), "--port=2575 {json}");
    }
}
