//! What a sender says under TLS 1.3 before it hears that the EMR has refused it.
//!
//! Its handshake is over when it has said its last word, so that it may go on with a charge at once
//! (RFC 8446 section 4.4.4). The keys to that are known to the EMR from its own last word on
//! (section 7.1). Opens single records; does **not** know what is in them.

use std::sync::OnceLock;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305};
use ring::aead::{LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{self, HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use rustls::{CipherSuite, KeyLog};

use crate::run::real::tls::records::APPLICATION_DATA;

/// The secrets of one handshake, from which the sender's keys are made.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    handshake: OnceLock<Vec<u8>>,
    application: OnceLock<Vec<u8>>,
}

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let place = match label {
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => &self.handshake,
            "CLIENT_TRAFFIC_SECRET_0" => &self.application,
            _ => return,
        };
        let _ = place.set(secret.to_vec()); // of the first handshake, and there is no other
    }
}

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Bytes of a message.
    Message(Vec<u8>),
    /// Something that belongs to TLS.
    Tls,
    /// No key fits.
    Unknown,
}

/// Opens the records of a sender, one after the other.
pub(crate) struct Opener {
    handshake: Option<Key>,
    application: Option<Key>,
}

/// A key and how many records it has opened.
struct Key {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    number: u64,
}

impl Opener {
    /// For what comes after so many records of the sender's handshake, and so many of its messages.
    pub(crate) fn new(
        secrets: &Secrets,
        suite: Option<CipherSuite>,
        handshake: u64,
        application: u64,
    ) -> Self {
        let key = |secret: &OnceLock<Vec<u8>>, number| Key::new(suite?, secret.get()?, number);
        Self {
            handshake: key(&secrets.handshake, handshake),
            application: key(&secrets.application, application),
        }
    }

    /// Opens a whole record.
    pub(crate) fn open(&mut self, record: &[u8]) -> Said {
        let keys = [self.application.as_mut(), self.handshake.as_mut()];
        let Some(mut plain) = keys.into_iter().flatten().find_map(|key| key.open(record)) else {
            return Said::Unknown;
        };
        // What it really is stands behind it, and behind that any number of zeros (section 5.2).
        let end = plain.iter().rposition(|&byte| byte != 0).unwrap_or(0);
        let kind = plain.get(end).copied();
        plain.truncate(end);
        if kind == Some(APPLICATION_DATA) { Said::Message(plain) } else { Said::Tls }
    }
}

impl Key {
    fn new(suite: CipherSuite, secret: &[u8], number: u64) -> Option<Self> {
        let (algorithm, hash): (&'static Algorithm, hkdf::Algorithm) = match suite {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => (&AES_128_GCM, HKDF_SHA256),
            CipherSuite::TLS13_AES_256_GCM_SHA384 => (&AES_256_GCM, HKDF_SHA384),
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => (&CHACHA20_POLY1305, HKDF_SHA256),
            _ => return None,
        };
        let secret = Prk::new_less_safe(hash, secret);
        let key = expanded(&secret, b"key", algorithm.key_len())?;
        let iv = expanded(&secret, b"iv", NONCE_LEN)?.try_into().ok()?;
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &key).ok()?);
        Some(Self { key, iv, number })
    }

    /// Section 5.2, with the nonce of section 5.3.
    fn open(&mut self, record: &[u8]) -> Option<Vec<u8>> {
        let (header, body) = record.split_at_checked(HEADER)?;
        let mut nonce = self.iv;
        for (byte, number) in nonce[NONCE_LEN - 8..].iter_mut().zip(self.number.to_be_bytes()) {
            *byte ^= number;
        }
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self.key.open_in_place(nonce, Aad::from(header), &mut body).ok()?.len();
        self.number += 1;
        body.truncate(length);
        Some(body)
    }
}

/// HKDF-Expand-Label without a context (section 7.1).
fn expanded(secret: &Prk, label: &[u8], length: usize) -> Option<Vec<u8>> {
    let wanted = u16::try_from(length).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let info = [&wanted[..], &label_length, PREFIX, label, &[0]];
    let mut out = vec![0; length];
    secret.expand(&info, Length(length)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

const PREFIX: &[u8] = b"tls13 ";

const HEADER: usize = 5;

#[cfg(test)]
mod tests {
    use rustls::{CipherSuite, KeyLog};

    use super::{Opener, Said, Secrets};

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    /// RFC 8448 section 3: the client's first application data of a simple 1-RTT handshake.
    #[test]
    fn the_record_of_the_rfc_is_opened_and_no_other() {
        let secrets = Secrets::default();
        let secret = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
        secrets.log("CLIENT_TRAFFIC_SECRET_0", &[], &bytes(secret));
        let record = bytes(concat!(
            "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395b",
            "d54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4",
        ));
        let suite = Some(CipherSuite::TLS13_AES_128_GCM_SHA256);
        let said = Said::Message((0..50).collect());
        assert_eq!(Opener::new(&secrets, suite, 0, 0).open(&record), said);
        assert_eq!(
            Opener::new(&secrets, suite, 0, 1).open(&record),
            Said::Unknown,
            "another number"
        );
        let other = Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256);
        assert_eq!(
            Opener::new(&secrets, other, 0, 0).open(&record),
            Said::Unknown,
            "another suite"
        );
        assert_eq!(
            Opener::new(&Secrets::default(), suite, 0, 0).open(&record),
            Said::Unknown,
            "no key"
        );
    }
}
