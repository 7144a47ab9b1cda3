//! The records that bytes of TLS come in (RFC 8446 section 5.1): where each begins and ends.
//!
//! Does **not** know what they say.

/// Where in a record one is.
#[derive(Debug, Default)]
pub(crate) struct Records {
    header: [u8; HEADER],
    /// How much of the header has come.
    have: usize,
    /// How much of the body is to come.
    left: usize,
}

impl Records {
    /// Takes as much off `bytes` as belongs to one record, which has ended if [`Self::is_over`].
    pub(crate) fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
        if bytes.is_empty() {
            return None;
        }
        if self.is_over() {
            self.have = 0;
        }
        let mut length = (HEADER - self.have).min(bytes.len());
        if length > 0 {
            self.header[self.have..self.have + length].copy_from_slice(&bytes[..length]);
            self.have += length;
            if self.have == HEADER {
                self.left = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
            }
        }
        if self.have == HEADER {
            let body = self.left.min(bytes.len() - length);
            self.left -= body;
            length += body;
        }
        let (piece, rest) = bytes.split_at(length);
        *bytes = rest;
        Some(piece)
    }

    /// Whether all of a record is there.
    pub(crate) const fn is_over(&self) -> bool {
        self.have == HEADER && self.left == 0
    }

    /// How many bytes have come of a record that is not over, and holds what an application says.
    pub(crate) fn under_way(&self) -> u64 {
        if self.have == 0 || self.is_over() || self.kind() != APPLICATION_DATA {
            return 0;
        }
        let body = if self.have == HEADER {
            usize::from(u16::from_be_bytes([self.header[3], self.header[4]])) - self.left
        } else {
            0
        };
        (self.have + body) as u64
    }

    /// What kind of record it is, by its first byte.
    pub(crate) const fn kind(&self) -> u8 {
        self.header[0]
    }

    /// Whether what has come of it can be a record at all.
    pub(crate) fn can_be(&self) -> bool {
        let kind = self.have == 0 || (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&self.kind());
        kind && (self.have < 2 || self.header[1] == 3)
    }
}

const HEADER: usize = 5;

/// The kinds of records (RFC 8446 section 5.1).
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 0x14;
pub(crate) const ALERT: u8 = 0x15;
pub(crate) const HANDSHAKE: u8 = 0x16;
pub(crate) const APPLICATION_DATA: u8 = 0x17;

#[cfg(test)]
mod tests {
    use super::Records;

    #[test]
    fn records_end_where_their_headers_say_however_they_are_cut() {
        let stream = [&[0x16, 3, 1, 0, 2, 7, 8][..], &[0x17, 3, 3, 0, 0], &[0x17, 3, 3, 1, 0, 9]];
        let stream = stream.concat();
        for cut in 1..=stream.len() {
            let mut records = Records::default();
            let (mut ends, mut at) = (Vec::new(), 0);
            for mut part in stream.chunks(cut) {
                while let Some(piece) = records.next(&mut part) {
                    at += piece.len();
                    if records.is_over() {
                        ends.push((at, records.kind()));
                    }
                }
            }
            assert_eq!((ends.as_slice(), at), (&[(7, 0x16), (12, 0x17)][..], stream.len()));
            assert_eq!((records.under_way(), records.can_be()), (6, true));
        }
    }

    #[test]
    fn a_message_in_the_clear_is_no_record() {
        let mut records = Records::default();
        records.next(&mut &b"\x0bMSH"[..]);
        assert!(!records.can_be());
    }
}
