//! MLLP: bytes to frames, however they are cut.

use chargeproof::mllp::{AnomalyKind, Decoder, Found, FoundKind, encode};

/// The pieces of a stream are the stream, whole and in order, and the same however it is cut.
pub(super) fn frames(bytes: &[u8]) {
    let found = decode(bytes, usize::MAX, &mut std::iter::empty());
    let whole: Vec<u8> = found.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
    assert_eq!(whole, bytes, "the pieces are the stream");
    contiguous(&found, bytes.len());
    assert_eq!(decode(bytes, usize::MAX, &mut std::iter::repeat(1)), found, "byte by byte");
    let mut cuts = bytes.iter().map(|byte| usize::from(byte % 7) + 1);
    assert_eq!(decode(bytes, usize::MAX, &mut cuts), found, "cut anywhere");
    limited(bytes, &found);
    for piece in &found {
        well_framed(piece);
    }
    framed(bytes);
}

/// A limit changes what is kept, and neither where pieces begin nor how long they are.
fn limited(bytes: &[u8], found: &[Found]) {
    let limit = bytes.len() % 50 + 1;
    let kept = decode(bytes, limit, &mut std::iter::empty());
    let mut cuts = bytes.iter().map(|byte| usize::from(byte % 5) + 1);
    assert_eq!(decode(bytes, limit, &mut cuts), kept, "cut anywhere");
    contiguous(&kept, bytes.len());
    assert_eq!(kept.len(), found.len());
    for (kept, found) in kept.iter().zip(found) {
        assert_eq!((kept.offset, kept.length), (found.offset, found.length));
        assert_eq!(kept.bytes, found.bytes[..found.bytes.len().min(limit)]);
        assert_eq!(kept.kind == FoundKind::Oversize, found.bytes.len() > limit);
    }
}

fn contiguous(found: &[Found], length: usize) {
    let mut next = 0;
    for piece in found {
        assert_eq!(piece.offset, next, "no byte is between two pieces");
        assert!(piece.length > 0, "no piece is empty");
        next += piece.length;
        let inside = |offset| (piece.offset..=next).contains(&offset);
        assert!(piece.anomalies.iter().all(|anomaly| inside(anomaly.offset)), "{piece:?}");
        assert!(piece.anomalies.is_sorted_by_key(|anomaly| anomaly.offset), "{piece:?}");
    }
    assert_eq!(next, length as u64);
}

/// A frame without an anomaly is what encoding its payload gives.
fn well_framed(piece: &Found) {
    if piece.anomalies.iter().all(|anomaly| anomaly.kind == AnomalyKind::Empty) {
        assert_eq!(piece.kind, FoundKind::Frame);
        assert_eq!(encode(piece.payload()), piece.bytes);
    }
}

/// A payload without framing bytes comes back from its frame.
fn framed(bytes: &[u8]) {
    let payload: Vec<u8> =
        bytes.iter().copied().filter(|byte| !matches!(byte, 0x0b | 0x1c)).collect();
    let found = decode(&encode(&payload), usize::MAX, &mut std::iter::empty());
    let [frame] = &found[..] else { panic!("one frame: {found:?}") };
    assert_eq!((frame.kind, frame.payload()), (FoundKind::Frame, &payload[..]));
}

/// All pieces; at first cut as `cuts` says, and then the rest at once.
fn decode(bytes: &[u8], limit: usize, cuts: &mut dyn Iterator<Item = usize>) -> Vec<Found> {
    let mut decoder = Decoder::new(limit);
    let (mut rest, mut found, mut taken) = (bytes, Vec::new(), 0);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
        decoder.feed(now);
        taken += now.len() as u64;
        rest = later;
        while let Some(piece) = decoder.next() {
            found.push(piece);
        }
        if let Some(pending) = decoder.pending() {
            assert_eq!(pending.offset + pending.length, taken, "what is pending ends here");
        }
    }
    while let Some(piece) = decoder.finish() {
        found.push(piece);
    }
    found
}
