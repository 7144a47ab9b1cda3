//! Bytes in, frames out, however the bytes are cut.
//!
//! The decoder holds no clock and no socket. It never fails: whatever arrives becomes a piece with
//! its anomalies. Each byte is looked at once, and of a piece no more than the limit is kept.

use std::collections::VecDeque;

use bytes::Bytes;

use super::found::{CR, FS, LF, VT};
use super::{Anomaly, AnomalyKind, Found, FoundKind};

/// Takes bytes as they arrive and gives pieces as they end.
///
/// ```
/// use chargeproof::mllp::{Decoder, encode};
/// let mut decoder = Decoder::new(1 << 20);
/// decoder.feed(&encode(b"MSH|^~\\&|\r"));
/// let found = decoder.next().expect("a whole frame was fed");
/// assert_eq!(found.payload(), b"MSH|^~\\&|\r");
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    limit: usize,
    /// Bytes taken in so far on this connection.
    taken: u64,
    piece: Option<Open>,
    done: VecDeque<Found>,
}

/// A piece that has begun and not ended.
#[derive(Clone, Debug)]
struct Open {
    offset: u64,
    /// What is kept of it.
    kept: Vec<u8>,
    length: u64,
    anomalies: Vec<Anomaly>,
    state: State,
}

/// Where in a piece we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside any frame.
    Stray,
    /// Inside a payload.
    Payload,
    /// Just after a start byte inside a payload and this many bytes of `MSH`.
    Restart(u8),
    /// Just after an end byte.
    AfterEnd,
}

/// What has begun and is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending<'d> {
    /// Offset of its first byte among all bytes of the connection.
    pub offset: u64,
    /// What is kept of it, at most the limit.
    pub bytes: &'d [u8],
    /// How many bytes it has so far.
    pub length: u64,
}

impl Decoder {
    /// A decoder that keeps at most `limit_bytes` of a piece and counts the rest.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self { limit: limit_bytes, taken: 0, piece: None, done: VecDeque::new() }
    }

    /// Takes what has arrived. Call [`next`](Self::next) afterwards until it gives nothing.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes);
            bytes = &bytes[taken..];
        }
    }

    /// The next piece that has ended.
    // An iterator could be taken for ended when the connection is not.
    #[expect(clippy::should_implement_trait, reason = "more pieces may follow after none")]
    pub fn next(&mut self) -> Option<Found> {
        self.done.pop_front()
    }

    /// Ends the stream: what had begun becomes a piece. Call it until it gives nothing.
    pub fn finish(&mut self) -> Option<Found> {
        if let Some(piece) = self.piece.take() {
            self.end_of_stream(piece);
        }
        self.done.pop_front()
    }

    /// What has begun and is not finished, for whoever acts on single bytes.
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        let piece = self.piece.as_ref()?;
        Some(Pending { offset: piece.offset, bytes: &piece.kept, length: piece.length })
    }

    /// Takes some of `bytes` and says how many; none only when a piece ended before the first.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let Some(piece) = &mut self.piece else {
            return self.begin_with(bytes);
        };
        match piece.state {
            State::Stray => {
                let length = memchr::memchr(VT, bytes).unwrap_or(bytes.len());
                if length == 0 {
                    self.close(FoundKind::Stray, None);
                    return 0;
                }
                self.take(&bytes[..length]);
                length
            }
            State::Payload => {
                let length = memchr::memchr2(VT, FS, bytes).unwrap_or(bytes.len());
                if length > 0 {
                    self.take(&bytes[..length]);
                    return length;
                }
                piece.state = if bytes[0] == VT { State::Restart(0) } else { State::AfterEnd };
                self.take(&bytes[..1]);
                1
            }
            State::Restart(matched) => self.restart(matched, bytes[0]),
            State::AfterEnd => self.after_end(bytes[0]),
        }
    }

    /// Begins a piece and takes its first run of plain bytes. Most frames arrive whole, so room is
    /// made for an end right after it.
    fn begin_with(&mut self, bytes: &[u8]) -> usize {
        let (state, length) = if bytes[0] == VT {
            let run = memchr::memchr2(VT, FS, &bytes[1..]);
            (State::Payload, run.map_or(bytes.len(), |run| 1 + run))
        } else {
            (State::Stray, memchr::memchr(VT, bytes).unwrap_or(bytes.len()))
        };
        let room = (length + END.len()).min(self.limit);
        self.begin(state, Vec::with_capacity(room), &bytes[..length]);
        length
    }

    /// A start byte inside a frame begins a new one only where a header follows it: the end of the
    /// frame before was lost. Any other is a stray byte of the payload.
    fn restart(&mut self, matched: u8, byte: u8) -> usize {
        let Some(piece) = &mut self.piece else {
            return 0;
        };
        if byte != HEADER[usize::from(matched)] {
            piece.abandon_restart(matched);
            return 0;
        }
        self.take(&[byte]);
        let Some(piece) = &mut self.piece else {
            return 1;
        };
        piece.state = State::Restart(matched + 1);
        if usize::from(matched) + 1 < HEADER.len() {
            return 1;
        }
        let begun = HEADER.len() + 1;
        piece.length -= begun as u64;
        self.taken -= begun as u64;
        let kept = usize::try_from(piece.length).unwrap_or(usize::MAX);
        piece.kept.truncate(kept);
        self.close(FoundKind::Unfinished, Some(AnomalyKind::NoEnd));
        self.begin(State::Payload, Vec::new(), &[VT]);
        self.take(HEADER);
        1
    }

    fn after_end(&mut self, byte: u8) -> usize {
        match byte {
            CR => {
                self.take(&[CR]);
                self.close(FoundKind::Frame, None);
                1
            }
            LF => {
                // It stands where the return should, so it belongs to the end of this frame.
                self.close_with(&[LF], FoundKind::Frame, Some(AnomalyKind::NoCarriageReturn));
                1
            }
            VT => {
                self.close(FoundKind::Frame, Some(AnomalyKind::NoCarriageReturn));
                0
            }
            _ => {
                if let Some(piece) = &mut self.piece {
                    piece.mark(piece.length - 1, AnomalyKind::EndInside);
                    piece.state = State::Payload;
                }
                0
            }
        }
    }

    fn end_of_stream(&mut self, mut piece: Open) {
        if let State::Restart(matched) = piece.state {
            piece.abandon_restart(matched);
        }
        let (kind, anomaly) = match piece.state {
            State::Stray => (FoundKind::Stray, None),
            State::AfterEnd => (FoundKind::Frame, Some(AnomalyKind::NoCarriageReturn)),
            State::Payload | State::Restart(_) => (FoundKind::Unfinished, Some(AnomalyKind::NoEnd)),
        };
        self.piece = Some(piece);
        self.close(kind, anomaly);
    }

    fn begin(&mut self, state: State, kept: Vec<u8>, bytes: &[u8]) {
        let mut piece = Open { offset: self.taken, kept, length: 0, anomalies: Vec::new(), state };
        if state == State::Stray {
            piece.mark(0, AnomalyKind::StrayBytes);
        }
        self.piece = Some(piece);
        self.take(bytes);
    }

    fn take(&mut self, bytes: &[u8]) {
        let Some(piece) = &mut self.piece else { return };
        let room = self.limit.saturating_sub(piece.kept.len());
        piece.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        piece.length += bytes.len() as u64;
        self.taken += bytes.len() as u64;
    }

    /// Ends the piece. An anomaly of its end lies just after its last byte so far.
    fn close(&mut self, kind: FoundKind, anomaly: Option<AnomalyKind>) {
        self.close_with(&[], kind, anomaly);
    }

    fn close_with(&mut self, last: &[u8], kind: FoundKind, anomaly: Option<AnomalyKind>) {
        let at = self.taken;
        self.take(last);
        let Some(mut piece) = self.piece.take() else {
            return;
        };
        let mut found = |offset, kind| piece.anomalies.push(Anomaly { offset, kind });
        if let Some(kind) = anomaly {
            found(at, kind);
        }
        let framing = if anomaly.is_some() && last.is_empty() { 2 } else { 3 };
        if kind == FoundKind::Frame && piece.length == framing {
            found(piece.offset + 1, AnomalyKind::Empty);
        }
        let oversize = piece.length > self.limit as u64;
        if oversize {
            found(piece.offset + self.limit as u64, AnomalyKind::Oversize);
        }
        piece.anomalies.sort_by_key(|anomaly| (anomaly.offset, anomaly.kind));
        // A history keeps every piece, so none may hold on to the room it has grown into.
        piece.kept.shrink_to_fit();
        self.done.push_back(Found {
            offset: piece.offset,
            kind: if oversize { FoundKind::Oversize } else { kind },
            bytes: Bytes::from(piece.kept),
            length: piece.length,
            anomalies: piece.anomalies,
        });
    }
}

impl Open {
    /// The start byte before the last `matched` bytes began nothing.
    fn abandon_restart(&mut self, matched: u8) {
        self.mark(self.length - u64::from(matched) - 1, AnomalyKind::StartInside);
        self.state = State::Payload;
    }

    /// Notes an anomaly at `within` this piece, unless the piece already has very many: a megabyte
    /// of end bytes says no more than the first few.
    fn mark(&mut self, within: u64, kind: AnomalyKind) {
        if self.anomalies.len() < MOST_MARKS {
            self.anomalies.push(Anomaly { offset: self.offset + within, kind });
        }
    }
}

/// What a frame ends with.
const END: [u8; 2] = [FS, CR];

/// What a message begins with.
const HEADER: &[u8; 3] = b"MSH";

/// How many anomalies inside one piece are noted, besides those of its end.
const MOST_MARKS: usize = 64;

#[cfg(test)]
mod tests {
    use quickcheck::{Arbitrary, Gen, quickcheck};
    use rstest::rstest;

    use super::Decoder;
    use crate::mllp::AnomalyKind::{NoEnd, Oversize};
    use crate::mllp::FoundKind::{Frame, Stray};
    use crate::mllp::{AnomalyKind, Found, FoundKind, encode};

    fn all(mut decoder: Decoder) -> Vec<Found> {
        std::iter::from_fn(|| decoder.finish()).collect()
    }

    fn decode(bytes: &[u8], limit: usize) -> Vec<Found> {
        let mut decoder = Decoder::new(limit);
        decoder.feed(bytes);
        all(decoder)
    }

    #[rstest]
    #[case::frame(b"\x0bMSH|\r\x1c\r", &["Frame MSH|\\r"])]
    #[case::two_in_one_read(b"\x0bA\x1c\r\x0bB\x1c\r", &["Frame A", "Frame B"])]
    #[case::empty(b"\x0b\x1c\r", &["Frame  Empty@1"])]
    #[case::commit_of_release_2(b"\x0b\x06\x1c\r", &["Frame \\x06"])]
    #[case::stray_before(b"xx\x0bA\x1c\r", &["Stray xx StrayBytes@0", "Frame A"])]
    #[case::line_feed_after(b"\x0bA\x1c\r\n", &["Frame A", "Stray \\n StrayBytes@4"])]
    #[case::unframed(b"MSH|\r", &["Stray MSH|\\r StrayBytes@0"])]
    #[case::end_with_line_feed(
        b"\x0bA\x1c\n\x0bB\x1c\r", &["Frame A NoCarriageReturn@3", "Frame B"])]
    #[case::end_with_next_start(
        b"\x0bA\x1c\x0bB\x1c\r", &["Frame A NoCarriageReturn@3", "Frame B"])]
    #[case::end_with_stream(b"\x0bA\x1c", &["Frame A NoCarriageReturn@3"])]
    #[case::empty_end_with_stream(b"\x0b\x1c", &["Frame  Empty@1 NoCarriageReturn@2"])]
    #[case::empty_end_with_line_feed(b"\x0b\x1c\n", &["Frame  Empty@1 NoCarriageReturn@2"])]
    #[case::end_inside(b"\x0bA\x1cB\x1c\r", &["Frame A\\x1cB EndInside@2"])]
    #[case::end_twice(b"\x0bA\x1c\x1c\r", &["Frame A\\x1c EndInside@2"])]
    #[case::start_inside(b"\x0bA\x0bB\x1c\r", &["Frame A\\x0bB StartInside@2"])]
    #[case::start_before_end(b"\x0bA\x0b\x1c\r", &["Frame A\\x0b StartInside@2"])]
    #[case::start_with_half_a_header(b"\x0bA\x0bMS\x1c\r", &["Frame A\\x0bMS StartInside@2"])]
    #[case::end_was_lost(
        b"\x0bMSH|1\r\x0bMSH|2\r\x1c\r", &["Unfinished MSH|1\\r NoEnd@7", "Frame MSH|2\\r"])]
    #[case::wrapped_twice(
        b"\x0b\x0bMSH|\x1c\r\x1c\r",
        &["Unfinished  NoEnd@1", "Frame MSH|", "Stray \\x1c\\r StrayBytes@8"])]
    #[case::start_twice_then_header(
        b"\x0bA\x0b\x0bMSH\x1c\r", &["Unfinished A\\x0b StartInside@2 NoEnd@3", "Frame MSH"])]
    #[case::cut_off(b"\x0bMSH|", &["Unfinished MSH| NoEnd@5"])]
    #[case::cut_off_in_a_header(b"\x0bA\x0bMS", &["Unfinished A\\x0bMS StartInside@2 NoEnd@5"])]
    #[case::start_alone(b"\x0b", &["Unfinished  NoEnd@1"])]
    #[case::nothing(b"", &[])]
    fn bytes_become_pieces(#[case] bytes: &[u8], #[case] expected: &[&str]) {
        let found: Vec<String> = decode(bytes, 1 << 10).iter().map(line).collect();
        assert_eq!(found, expected);
    }

    /// Kind, payload, and each anomaly with its offset.
    fn line(found: &Found) -> String {
        let mut line = format!("{:?} {}", found.kind, found.payload().escape_ascii());
        for anomaly in &found.anomalies {
            line.push_str(&format!(" {:?}@{}", anomaly.kind, anomaly.offset));
        }
        line
    }

    #[test]
    fn what_has_begun_can_be_seen_byte_by_byte() {
        let mut decoder = Decoder::new(4);
        assert_eq!(decoder.pending(), None);
        decoder.feed(b"x\x0bAB");
        assert_eq!(decoder.next().map(|found| found.kind), Some(Stray));
        let pending = decoder.pending().unwrap();
        assert_eq!((pending.offset, pending.bytes, pending.length), (1, &b"\x0bAB"[..], 3));
        decoder.feed(b"CDE");
        let pending = decoder.pending().unwrap();
        assert_eq!((pending.bytes, pending.length), (&b"\x0bABC"[..], 6));
        decoder.feed(b"\x1c\r");
        assert_eq!(decoder.pending(), None);
    }

    #[rstest]
    #[case::just_fits(6, Frame, b"ABC", &[])]
    #[case::one_too_many(5, FoundKind::Oversize, b"ABC\x1c", &[(5, Oversize)])]
    #[case::cut(2, FoundKind::Oversize, b"A", &[(2, Oversize)])]
    fn a_piece_beyond_the_limit_is_counted_and_not_kept(
        #[case] limit: usize,
        #[case] kind: FoundKind,
        #[case] payload: &[u8],
        #[case] anomalies: &[(u64, AnomalyKind)],
    ) {
        let found = decode(b"\x0bABC\x1c\r", limit);
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!((found.kind, found.payload(), found.length), (kind, payload, 6));
        assert_eq!(
            found.anomalies.iter().map(|a| (a.offset, a.kind)).collect::<Vec<_>>(),
            anomalies
        );
    }

    #[test]
    fn a_hundred_mebibytes_without_an_end_keep_only_the_limit() {
        let mut decoder = Decoder::new(1 << 16);
        decoder.feed(b"\x0b");
        let block = vec![b'A'; 1 << 20];
        for _ in 0..100 {
            decoder.feed(&block);
            assert!(decoder.pending().unwrap().bytes.len() <= 1 << 16);
        }
        let found = decoder.finish().unwrap();
        assert_eq!(
            (found.kind, found.bytes.len(), found.length),
            (FoundKind::Oversize, 1 << 16, 100 * (1 << 20) + 1)
        );
        assert_eq!(found.anomalies.iter().map(|a| a.kind).collect::<Vec<_>>(), [Oversize, NoEnd]);
    }

    #[test]
    fn very_many_anomalies_in_one_piece_are_not_all_noted() {
        let bytes = [&b"\x0b"[..], &b"\x1cA".repeat(100_000), b"\x1c\r"].concat();
        let found = decode(&bytes, 1 << 20);
        assert_eq!((found.len(), found[0].kind, found[0].anomalies.len()), (1, Frame, 64));
    }

    /// Bytes in which starts and ends are frequent.
    #[derive(Clone, Debug)]
    struct Stream(Vec<u8>);

    impl Arbitrary for Stream {
        fn arbitrary(source: &mut Gen) -> Self {
            const PIECES: [&[u8]; 12] = [
                b"\x0b",
                b"\x1c",
                b"\r",
                b"\n",
                b"\x1c\r",
                b"\x0bMSH|",
                b"M",
                b"MS",
                b"SH",
                b"H",
                b"A",
                b"\0\xff",
            ];
            let count = usize::arbitrary(source) % 60;
            let pieces = (0..count).map(|_| *source.choose(&PIECES).unwrap());
            Self(pieces.collect::<Vec<_>>().concat())
        }

        fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
            Box::new(self.0.shrink().map(Self))
        }
    }

    quickcheck! {
        fn cutting_the_bytes_changes_nothing(stream: Stream, cuts: Vec<u8>, limit: u8) -> bool {
            let limit = usize::from(limit % 40);
            let mut decoder = Decoder::new(limit);
            let mut rest = &stream.0[..];
            let mut found = Vec::new();
            for cut in cuts {
                let (now, later) = rest.split_at(rest.len().min(usize::from(cut % 7)));
                decoder.feed(now);
                found.extend(std::iter::from_fn(|| decoder.next()));
                rest = later;
            }
            for byte in rest {
                decoder.feed(&[*byte]);
            }
            found.extend(all(decoder));
            found == decode(&stream.0, limit)
        }

        fn pieces_together_are_the_bytes(stream: Stream) -> bool {
            let mut end = 0;
            let mut together = Vec::new();
            for found in decode(&stream.0, usize::MAX) {
                if found.offset != end || found.length != found.bytes.len() as u64 {
                    return false;
                }
                end += found.length;
                together.extend_from_slice(&found.bytes);
            }
            together == stream.0
        }

        fn a_limit_changes_only_what_is_kept(stream: Stream, limit: u8) -> bool {
            let limit = usize::from(limit % 40);
            let (cut, whole) = (decode(&stream.0, limit), decode(&stream.0, usize::MAX));
            cut.len() == whole.len() && cut.iter().zip(&whole).all(|(cut, whole)| {
                let kept = &whole.bytes[..whole.bytes.len().min(limit)];
                let is_over = whole.bytes.len() > limit;
                (cut.offset, cut.length, &cut.bytes[..]) == (whole.offset, whole.length, kept)
                    && (cut.kind == FoundKind::Oversize) == is_over
            })
        }

        fn every_anomaly_lies_in_its_piece_or_just_after_it(stream: Stream) -> bool {
            decode(&stream.0, 8).iter().all(|found| found.anomalies.iter().all(|anomaly| {
                (found.offset..=found.offset + found.length).contains(&anomaly.offset)
            }))
        }

        fn any_payload_without_framing_bytes_survives(payload: Vec<u8>) -> bool {
            let payload: Vec<u8> = payload.into_iter().filter(|byte| *byte > 0x1f || *byte == b'\r').collect();
            let found = decode(&encode(&payload), usize::MAX);
            found.len() == 1 && found[0].kind == Frame && found[0].payload() == payload
        }
    }
}
