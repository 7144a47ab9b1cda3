//! TLS as the EMR sees it: how each handshake is to be met, and what came of it.
//!
//! The EMR decides and remembers; the driver has the bytes and the keys. What is said on a
//! connection waits until its handshake is over.

use std::sync::Arc;

use crate::emr::boundary::{Asked, Failure, Handshake, Manner, Secured, WireAct};
use crate::emr::faults::play;
use crate::emr::machine::turn::Turn;
use crate::history::{ConnectionId, End, Shown, What};
use crate::plan::fault::{self, SetOff};
use crate::plan::{Fault, Play, Tls};

/// How a connection stands with TLS.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// There is none to wait for: none was asked for, it stands, or it has failed.
    Over,
    /// The handshake is under way.
    UnderWay(UnderWay),
}

/// A handshake that is under way.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    manner: Manner,
    /// The behaviour that plays in it.
    behaviour: Option<usize>,
    /// The exam that the behaviour is about.
    exam: Option<Arc<str>>,
    /// The ClientHello has arrived.
    greeted: bool,
}

impl Turn<'_, '_> {
    /// A connection was accepted where TLS is spoken; `due` is what the script plays on it.
    pub(crate) fn begin_handshake(&mut self, id: ConnectionId, tls: &Tls, due: Option<usize>) {
        let fault = due.and_then(|index| fault_of_tls(self.emr.script.play(index)));
        let usual = if tls.is_mutual() { Asked::Certificate } else { Asked::Nothing };
        let at_once = due.is_some_and(|index| play::is_before_tls(self.emr.script.play(index)));
        let manner = match fault {
            None if at_once => Manner::Ignore,
            // The last two are no affair of the handshake.
            None | Some(fault::Tls::TlsOnPlaintext | fault::Tls::NoCloseNotify) => {
                Manner::Hold { show: Shown::Good, client: usual }
            }
            Some(fault::Tls::Expired) => Manner::Hold { show: Shown::Expired, client: usual },
            Some(fault::Tls::WrongHost) => Manner::Hold { show: Shown::WrongHost, client: usual },
            Some(fault::Tls::UnknownCa) => Manner::Hold { show: Shown::UnknownCa, client: usual },
            Some(fault::Tls::ClientCertRequired) => {
                Manner::Hold { show: Shown::Good, client: Asked::Certificate }
            }
            Some(fault::Tls::ClientCertRefused) => {
                Manner::Hold { show: Shown::Good, client: Asked::StrangeCertificate }
            }
            Some(fault::Tls::HandshakeStall | fault::Tls::PlaintextOnTls) => Manner::Ignore,
        };
        let behaviour = due.filter(|_| fault.is_some());
        let exam = behaviour.and_then(|index| self.emr.script.exam(index));
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.in_hand = !at_once; // nothing is said until the handshake is over
        let under_way = UnderWay { manner, behaviour, exam, greeted: false };
        connection.security = Security::UnderWay(under_way);
        let handshake = Handshake { manner, versions: tls.versions.clone() };
        self.emr.ask(WireAct::Secure { connection: id, handshake });
        if let Some(other) = due.filter(|_| fault.is_none()) {
            self.play_without_message(id, other, None);
        }
    }

    /// The ClientHello has arrived.
    pub(crate) fn greeted(&mut self, id: ConnectionId) {
        self.record(What::ClientHello { connection: id });
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        let Security::UnderWay(under_way) = &mut connection.security else {
            return;
        };
        under_way.greeted = true;
        if under_way.manner == Manner::Ignore {
            self.answer_without_tls(id);
        }
    }

    /// The handshake is complete.
    pub(crate) fn secured(&mut self, id: ConnectionId, secured: Secured) {
        let under_way = self.end_handshake(id);
        let showed = match under_way.as_ref().map(|one| one.manner) {
            Some(Manner::Hold { show, .. }) => show,
            _ => Shown::Good,
        };
        let Secured { version, suite, client } = secured;
        self.record(What::Secured { connection: id, version, suite, showed, client });
        self.handshake_played(id, under_way);
        self.advance(id);
    }

    /// TLS has failed: nothing more is said, and the connection is ended.
    pub(crate) fn tls_failed(&mut self, id: ConnectionId, failure: Failure) {
        let Failure { by, alert, why, plain } = failure;
        self.record(What::TlsFailed { connection: id, by, alert, why });
        let under_way = match self.emr.connections.get(id).map(|one| &one.security) {
            Some(Security::UnderWay(under_way)) => Some(under_way.clone()),
            _ => None,
        };
        if under_way.is_some_and(|one| one.manner == Manner::Ignore) {
            if plain {
                self.hear_in_the_clear(id);
            }
            return;
        }
        let under_way = self.end_handshake(id);
        self.handshake_played(id, under_way);
        self.abandon(id, FAILED);
        if let Some(connection) = self.emr.connections.get_mut(id) {
            connection.in_hand = true;
            self.emr.ask(WireAct::End { connection: id, how: End::Close });
        }
    }

    /// The sender hung up: if it was in its handshake, nobody can say what it thought of it.
    pub(crate) fn handshake_cut(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get(id) else {
            return;
        };
        let Security::UnderWay(under_way) = &connection.security else {
            return;
        };
        if under_way.greeted && under_way.manner == Manner::Ignore {
            return; // the rest plays to nobody, and is over in its time
        }
        let under_way = self.end_handshake(id);
        self.abandon(id, FAILED);
        let Some(UnderWay { behaviour: Some(behaviour), exam, greeted, .. }) = under_way else {
            return;
        };
        if !greeted {
            return self.not_played(behaviour, Some(id), NOT_GREETED);
        }
        self.not_played(behaviour, Some(id), HUNG_UP);
        if let Some(exam) = exam {
            self.dealt(exam);
        }
    }

    /// The sender speaks plain MLLP where it should greet, and this EMR does so too, or is silent.
    fn hear_in_the_clear(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get(id) else {
            return;
        };
        let Security::UnderWay(UnderWay { behaviour: Some(behaviour), .. }) = connection.security
        else {
            return;
        };
        if fault_of_tls(self.emr.script.play(behaviour)) == Some(fault::Tls::PlaintextOnTls) {
            let under_way = self.end_handshake(id);
            self.handshake_played(id, under_way);
        } else {
            self.answer_without_tls(id);
        }
    }

    /// Plays what stands in the script in place of a handshake.
    fn answer_without_tls(&mut self, id: ConnectionId) {
        let Some(connection) = self.emr.connections.get_mut(id) else {
            return;
        };
        connection.in_hand = false;
        let Security::UnderWay(under_way) = &mut connection.security else {
            return;
        };
        let exam = under_way.exam.take();
        if let Some(behaviour) = under_way.behaviour.take() {
            self.play_without_message(id, behaviour, exam);
        }
    }

    fn end_handshake(&mut self, id: ConnectionId) -> Option<UnderWay> {
        let connection = self.emr.connections.get_mut(id)?;
        match std::mem::replace(&mut connection.security, Security::Over) {
            Security::UnderWay(under_way) => {
                connection.in_hand = false;
                Some(under_way)
            }
            Security::Over => None,
        }
    }

    /// The sender has answered what was played in a handshake, in whatever way.
    fn handshake_played(&mut self, id: ConnectionId, under_way: Option<UnderWay>) {
        let Some(UnderWay { behaviour: Some(behaviour), exam, .. }) = under_way else {
            return;
        };
        self.played(behaviour, Some(id));
        if let Some(exam) = exam {
            self.dealt(exam);
        }
    }
}

/// The fault of a handshake that `play` begins with.
fn fault_of_tls(play: &[Play]) -> Option<fault::Tls> {
    let Some(Play::Fault { fault: Fault::Tls(one), .. }) = play.first() else {
        return None;
    };
    (Fault::Tls(*one).nature().set_off_by == SetOff::Handshake).then_some(*one)
}

/// Why something could not be said or played.
const FAILED: &str = "TLS had failed on the connection";
const NOT_GREETED: &str = "the sender hung up before it asked for TLS";
const HUNG_UP: &str = "the sender hung up in the handshake, and no alert says why";
