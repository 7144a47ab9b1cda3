//! The bytes of a frame and of the message in it, as the judge reads them for itself: it shares no
//! decoder with those that it judges.

/// Start and end byte of a frame (MLLP release 1).
pub(super) const VT: u8 = 0x0B;
pub(super) const FS: u8 = 0x1C;

/// The payload of a frame: without VT, and without FS and what follows it.
pub(super) fn frame_payload(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(&[VT]).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").filter(|rest| rest.last() == Some(&FS)).unwrap_or(bytes);
    bytes.strip_suffix(&[FS]).unwrap_or(bytes)
}

/// The field separator of a message, or the usual one if its header is not there.
pub(super) fn separator(payload: &[u8]) -> u8 {
    if payload.starts_with(b"MSH") { payload.get(3).copied().unwrap_or(b'|') } else { b'|' }
}
