//! What goes wrong with TLS, as far as it is written; what only meets a handshake otherwise is in
//! `handshake`.

use crate::emr::faults::action::{Action, duration, frame};
use crate::emr::faults::scene::Scene;
use crate::history::End;
use crate::hl7::ack::Code;
use crate::plan::fault::Tls;
use crate::plan::{Fault, Parameters};

/// What is written and done for a fault of TLS, by its name.
pub(crate) fn tls(fault: Fault, with: &Parameters, scene: &Scene<'_>) -> Vec<Action> {
    match fault {
        Fault::Tls(Tls::HandshakeStall) => {
            vec![Action::Wait(duration(with.after, scene.ack_timeout * 2))]
        }
        Fault::Tls(Tls::PlaintextOnTls) => vec![frame(&scene.acknowledge(Code::AR, with))],
        Fault::Tls(Tls::TlsOnPlaintext) => {
            vec![Action::Write(UNEXPECTED_MESSAGE.to_vec()), Action::End(End::Close)]
        }
        Fault::Tls(Tls::NoCloseNotify) => {
            vec![frame(&scene.acknowledge(Code::AA, with)), Action::End(End::Truncated)]
        }
        _ => Vec::new(),
    }
}

/// Whether a fault plays in the handshake.
pub(crate) const fn is_in_handshake(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Tls(Tls::Expired)
            | Fault::Tls(Tls::WrongHost)
            | Fault::Tls(Tls::UnknownCa)
            | Fault::Tls(Tls::HandshakeStall)
            | Fault::Tls(Tls::PlaintextOnTls)
            | Fault::Tls(Tls::ClientCertRequired)
            | Fault::Tls(Tls::ClientCertRefused)
    )
}

/// What a TLS server says to bytes that are no TLS: a fatal alert in a record of its own (RFC 8446
/// section 6.2, RFC 5246 section 7.2.2).
pub const UNEXPECTED_MESSAGE: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a];
