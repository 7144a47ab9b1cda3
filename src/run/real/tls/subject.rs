//! Whose a certificate is: the common name of its subject.
//!
//! Reads as much of DER (X.690) as leads there (RFC 5280, section 4.1), and gives up on anything
//! else: what it says is for people.

/// The common name in the subject of a certificate, or as much of it as can be read.
pub(crate) fn subject(certificate: &[u8]) -> String {
    common_name(certificate).unwrap_or_else(|| "no readable name".to_owned())
}

fn common_name(certificate: &[u8]) -> Option<String> {
    let (SEQUENCE, whole, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut rest, _) = element(whole)? else { return None };
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer and validity come before the subject.
    for _ in 0..4 {
        rest = element(rest)?.2;
    }
    let (SEQUENCE, mut names, _) = element(rest)? else { return None };
    while !names.is_empty() {
        let (SET, set, others) = element(names)? else { return None };
        let (SEQUENCE, pair, _) = element(set)? else { return None };
        let (OBJECT, kind, value) = element(pair)? else { return None };
        if kind == COMMON_NAME {
            let text = element(value)?.1;
            return Some(String::from_utf8_lossy(text).chars().take(MOST_SHOWN).collect());
        }
        names = others;
    }
    None
}

/// The tag, the content and what follows the first element of `bytes`.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x83 => {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;

/// The tag of the version, which may be absent.
const VERSION: u8 = 0xa0;

/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// How many characters of a name are told.
const MOST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::subject;

    fn certificate(names: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_common_name_is_found_behind_other_names() {
        let names = [(DnType::OrganizationName, "Mercy"), (DnType::CommonName, "Böhm's sender")];
        assert_eq!(subject(&certificate(&names)), "Böhm's sender");
    }

    #[test]
    fn a_certificate_without_a_common_name_says_so() {
        assert_eq!(subject(&certificate(&[(DnType::CountryName, "CH")])), "no readable name");
    }

    #[test]
    fn whatever_is_cut_or_broken_is_read_without_a_panic() {
        let whole = certificate(&[(DnType::CommonName, "a name")]);
        for length in 0..whole.len() {
            let _ = subject(&whole[..length]);
        }
        for index in 0..whole.len().min(200) {
            let mut broken = whole.clone();
            broken[index] = !broken[index];
            let _ = subject(&broken);
        }
        assert_eq!(subject(b""), "no readable name");
    }
}
