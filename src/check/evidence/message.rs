//! A message as it was read out of what was received: what it is about, and its charge lines.
//!
//! Data alone; [reading](super::reading) makes it.

use crate::hl7::Message;
use crate::hl7::ack::Due;

/// The longest MSH-10 before version 2.7 (HL7 v2 chapter 2, MSH-10).
pub(crate) const CONTROL_ID_LENGTH: usize = 20;

/// A message on the wire, or the part of one that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Sent<'h> {
    /// Index of the event that brought it.
    pub(crate) event: usize,
    /// Its bytes without framing.
    pub(crate) payload: &'h [u8],
    /// Whether all of it arrived.
    pub(crate) whole: bool,
    /// Whether it is known to stand on the wire as it should.
    pub(crate) faultless: bool,
    /// What it is about.
    pub(crate) kind: Kind,
    /// Its MSH-10; empty if that did not arrive.
    pub(crate) control_id: &'h [u8],
    /// Its MSH-7; empty if that did not arrive whole.
    pub(crate) written: &'h [u8],
    /// Which acknowledgements its MSH-15 and MSH-16 ask for.
    pub(crate) due: Due,
    /// Where its lines begin in the evidence's list.
    pub(crate) first_line: u32,
    /// How many lines it has.
    pub(crate) line_count: u32,
    /// The frame of their own in which its lines came, and whether all of it is there.
    pub(crate) apart: Option<(&'h [u8], bool)>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has FT1 lines, or says that it is a DFT: money.
    Charge,
    /// ORU or MDM.
    Result,
    /// Anything else.
    Other,
    /// It was cut before it said what it is, or is written so that it cannot be read.
    Untold,
}

/// One FT1 line of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentLine {
    /// Which FT1 of its message, from 1.
    pub(crate) ft1: u32,
    /// Position of its order in the evidence's list.
    pub(crate) order: u32,
    /// Number of its distinct parts: lines of one order with equal numbers are equal charges. None
    /// if the line was cut.
    pub(crate) distinct: Option<u32>,
}

impl SentLine {
    /// Its charge: its order and its distinct parts.
    pub(crate) fn identity(&self) -> Option<(u32, u32)> {
        Some((self.order, self.distinct?))
    }
}

impl Sent<'_> {
    /// Whether it carries a charge, or may.
    pub(crate) fn may_charge(&self) -> bool {
        matches!(self.kind, Kind::Charge | Kind::Untold)
    }

    /// What it is about if it is a result, wherever it names it.
    pub(crate) fn subject(&self) -> [Vec<u8>; 3] {
        let message = Message::read(self.payload);
        ["OBR-2", "OBR-3", "PID-3"].map(|path| message.value(path).to_vec())
    }
}
