//! What goes wrong with TLS, as far as it is written; what only meets a handshake otherwise is in
//! `handshake`.

use crate::emr::faults::action::{Action, frame};
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::plan::Parameters;
use crate::plan::fault::Tls;

/// What is written and done for a fault of TLS, by its name.
pub(crate) fn tls(fault: Tls, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    match fault {
        Tls::HandshakeStall => vec![Action::Wait(with.after())],
        Tls::PlaintextOnTls => vec![frame(&scene.acknowledge(Code::AR, with))],
        Tls::TlsOnPlaintext => {
            vec![Action::Write(UNEXPECTED_MESSAGE.to_vec()), Action::End(End::Close)]
        }
        Tls::NoCloseNotify => {
            vec![frame(&scene.acknowledge(Code::AA, with)), Action::End(End::Truncated)]
        }
        // The handshake says it.
        Tls::Expired
        | Tls::WrongHost
        | Tls::UnknownCa
        | Tls::ClientCertRequired
        | Tls::ClientCertRefused => Vec::new(),
    }
}

/// What a TLS server says to bytes that are no TLS: a fatal alert in a record of its own (RFC 8446
/// section 6.2, RFC 5246 section 7.2.2).
pub const UNEXPECTED_MESSAGE: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a];
