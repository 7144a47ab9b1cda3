//! The content of a charge as one number.
//!
//! What changes from one sending to the next is left out: MSH, FT1-1 (set id), FT1-2 (transaction
//! id), FT1-3 (the order), FT1-5 (posting time), FT1-23 (the EMR's order number). Two orders that
//! charge the same procedure at the same second for the same patient share a fingerprint: whoever
//! compares fingerprints has to look at the orders too.

use std::borrow::Cow;

use super::{Charge, MODIFIERS, Message, plain, write_plain};

/// Whose charge it is: PID-3.1, or PID-2.1 where the record number stands there.
pub(crate) fn patient(message: &Message<'_>) -> Vec<u8> {
    let number = match message.value("PID-3.1") {
        b"" => message.value("PID-2.1"),
        number => number,
    };
    plain(number, message.delimiters()).into_owned()
}

/// The fingerprint of one line. What is in `scratch` is overwritten.
pub(super) fn of(charge: &Charge<'_, '_>, patient: &[u8], scratch: &mut Vec<u8>) -> u64 {
    let mut hash = Fold::default();
    hash.part(patient);
    for number in SINGLE {
        let raw = charge.field(number).map_or(&b""[..], |field| field.raw());
        write_plain(raw, charge.message.delimiters(), scratch);
        hash.part(scratch);
    }
    for number in REPEATED {
        for value in sorted(charge, number) {
            hash.part(&value);
        }
        // So that the last of one field cannot be taken for the first of the next.
        hash.part(b"~");
    }
    hash.0
}

/// The repetitions of a field in an order of their own: a list is the same charge in any order.
fn sorted<'a>(charge: &Charge<'_, 'a>, number: usize) -> Vec<Cow<'a, [u8]>> {
    let Some(field) = charge.field(number) else {
        return Vec::new();
    };
    let delimiters = charge.message.delimiters();
    let values = field.repetitions().map(|repetition| plain(repetition.raw(), delimiters));
    let mut values: Vec<Cow<'a, [u8]>> = values.filter(|value| !value.is_empty()).collect();
    values.sort_unstable();
    values
}

/// Transaction date, type, code, quantity and procedure code (HL7 v2.4 section 6.5.1).
const SINGLE: [usize; 5] = [4, 6, 7, 10, 25];

/// Diagnosis codes and modifiers.
const REPEATED: [usize; 2] = [19, MODIFIERS];

/// A hash of our own, a folded product of eight bytes at a time: the standard library's
/// may differ from one release to the next, and a recording must be judged the same next year.
struct Fold(u64);

impl Default for Fold {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fold {
    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    /// A product alone would carry what differs in high bits no further, hence the fold.
    const fn word(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }

    fn part(&mut self, part: &[u8]) {
        self.word(part.len() as u64);
        self.bytes(part);
    }
}
