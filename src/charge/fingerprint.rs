//! The content of a charge as one number.
//!
//! What changes from one sending to the next is left out: MSH, FT1-1 (set id), FT1-2 (transaction
//! id), FT1-3 (the order), FT1-5 (posting time), FT1-23 (the EMR's order number). Two orders that
//! charge the same procedure at the same second for the same patient share a fingerprint: whoever
//! compares fingerprints has to look at the orders too.

use std::borrow::Cow;

use super::{Charge, MODIFIERS, Message, plain, write_plain};

/// Whose charge it is: PID-3.1, or PID-2.1 where the record number stands there.
pub(super) fn patient(message: &Message<'_>) -> Vec<u8> {
    let number = match message.value("PID-3.1") {
        b"" => message.value("PID-2.1"),
        number => number,
    };
    plain(number, message.delimiters()).into_owned()
}

/// The fingerprint of one line. What is in `scratch` is overwritten.
pub(super) fn of(charge: &Charge<'_, '_>, patient: &[u8], scratch: &mut Vec<u8>) -> u64 {
    let mut hash = Fnv::default();
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

/// FNV-1a: the standard library's hasher may differ from one release to the next, and a recording
/// must be judged the same next year.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn part(&mut self, part: &[u8]) {
        self.bytes(&(part.len() as u64).to_le_bytes());
        self.bytes(part);
    }
}
