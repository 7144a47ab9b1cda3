//! The parameters of the faults: which fault reads which, and the words that they may be.
//!
//! A parameter that a fault does not read would be a wish that nobody hears, so it is a mistake
//! of its author. What a parameter means on the wire is the EMR's business.

use serde::{Deserialize, Serialize};

use super::{Fault, FaultKind};
use crate::history::Micros;
use crate::hl7::Path;
use crate::hl7::ack::Code;

/// Parameters of a fault; each fault reads those that [`Fault::reads`] names and has defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// How long to wait before, between or after, by fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Micros>,
    /// A byte count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How many messages or connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Text to carry, such as MSA-3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Acknowledgement code to use instead of the fault's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Code of table 0357, which the ERR segment carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// The field that the ERR segment points at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Path>,
    /// ERR-4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<char>,
    /// Which form of several that go by one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Where the reply is cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// Where a reply is cut off; nothing of it comes afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// After half of its bytes.
    Half,
    /// After so many bytes.
    Bytes(u64),
}

/// A parameter by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// [`Parameters::after`].
    After,
    /// [`Parameters::bytes`].
    Bytes,
    /// [`Parameters::times`].
    Times,
    /// [`Parameters::count`].
    Count,
    /// [`Parameters::text`].
    Text,
    /// [`Parameters::code`].
    Code,
    /// [`Parameters::error`].
    Error,
    /// [`Parameters::at`].
    At,
    /// [`Parameters::severity`].
    Severity,
    /// [`Parameters::form`].
    Form,
    /// [`Parameters::cut`].
    Cut,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: &[Self] = &[
        Self::After,
        Self::Bytes,
        Self::Times,
        Self::Count,
        Self::Text,
        Self::Code,
        Self::Error,
        Self::At,
        Self::Severity,
        Self::Form,
        Self::Cut,
    ];

    /// As it is written in a scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Bytes => "bytes",
            Self::Times => "times",
            Self::Count => "count",
            Self::Text => "text",
            Self::Code => "code",
            Self::Error => "error",
            Self::At => "at",
            Self::Severity => "severity",
            Self::Form => "form",
            Self::Cut => "cut",
        }
    }

    /// What it says, in one line.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::After => "how long to wait before, between or after, by fault",
            Self::Bytes => "how many bytes",
            Self::Times => "how many times",
            Self::Count => "how many messages or connections",
            Self::Text => "the text to carry, such as MSA-3",
            Self::Code => "the acknowledgement code",
            Self::Error => "the code of table 0357, such as `103`",
            Self::At => "the field that ERR points at, such as `FT1[2]-7`",
            Self::Severity => "ERR-4: `E`, `W`, `I` or `F`; written from version 2.5 on",
            Self::Form => "which form of several that go by one name",
            Self::Cut => "where the reply is cut off: `half`, or after so many bytes",
        }
    }
}

impl Fault {
    /// The parameters that it reads.
    #[must_use]
    pub const fn reads(self) -> &'static [Parameter] {
        use Parameter::{After, Bytes, Cut, Form, Text};
        match self.kind() {
            FaultKind::Answer => self.answer_reads(),
            FaultKind::Match => match self {
                Self::MatchNumeric => &[Form, Cut],
                Self::MatchTruncated => &[Bytes, Cut],
                Self::MatchTwice => &[After, Cut],
                Self::MatchConflict => &[After, Text, Cut],
                Self::MatchOther | Self::MatchOnConnect => &[Text, Cut],
                Self::MatchOutOfOrder => &[],
                _ => &[Cut],
            },
            FaultKind::Payload => self.payload_reads(),
            FaultKind::Frame => match self {
                Self::FrameByteByByte
                | Self::FrameHeaderFirst
                | Self::FrameTrailerLate
                | Self::FrameCrLate
                | Self::FrameKeepaliveNoise
                | Self::FramePauseInside
                | Self::FrameDrip => &[After],
                _ => &[],
            },
            FaultKind::Connection => self.connection_reads(),
            FaultKind::Tls => match self {
                Self::TlsHandshakeStall => &[After],
                _ => &[],
            },
        }
    }

    const fn answer_reads(self) -> &'static [Parameter] {
        use Parameter::{After, At, Code, Cut, Error, Form, Severity, Text, Times};
        match self {
            Self::AnswerAccept | Self::AnswerCommitAccept | Self::AnswerLateAfterNext => {
                &[Text, Cut]
            }
            Self::AnswerError
            | Self::AnswerReject
            | Self::AnswerCommitError
            | Self::AnswerCommitReject
            | Self::AnswerAcceptWithErr => &[Text, Error, At, Severity, Cut],
            Self::AnswerCommitThenAccept | Self::AnswerLate | Self::AnswerSlow => {
                &[After, Text, Cut]
            }
            Self::AnswerAcceptOnOtherConnection => &[After, Code, Text, Error, At, Severity],
            Self::AnswerCommitThenError
            | Self::AnswerCommitThenReject
            | Self::AnswerErrorThenAccept => &[After, Text, Error, At, Severity, Cut],
            Self::AnswerDuplicateControlId | Self::AnswerLocked => {
                &[Code, Text, Error, At, Severity, Cut]
            }
            Self::AnswerFailThenAccept => &[Times, Code, Text, Error, At, Severity, Cut],
            Self::AnswerOtherType => &[Form, Cut],
            Self::AnswerBatch => &[Times, Cut],
            _ => &[],
        }
    }

    const fn payload_reads(self) -> &'static [Parameter] {
        use Parameter::{At, Bytes, Cut, Error, Form, Severity, Text};
        match self {
            Self::PayloadEscapedLf
            | Self::PayloadTypeVariants
            | Self::PayloadVersionVariants
            | Self::PayloadWildMsa3
            | Self::PayloadExtraSegments
            | Self::PayloadCodeUnknown
            | Self::PayloadCodePrefix
            | Self::PayloadCodeCase => &[Form, Cut],
            Self::PayloadJunk | Self::PayloadSemiJunk | Self::PayloadProse => &[Text, Cut],
            Self::PayloadErrWithoutMsa => &[Text, Error, At, Severity, Cut],
            Self::PayloadHttp => &[Form, Text, Cut],
            Self::PayloadGiant => &[Bytes, Cut],
            _ => &[Cut],
        }
    }

    const fn connection_reads(self) -> &'static [Parameter] {
        use Parameter::{After, At, Bytes, Count, Error, Severity, Text};
        match self {
            Self::ConnectionRefused
            | Self::ConnectionBlackhole
            | Self::ConnectionSlowAccept
            | Self::ConnectionNoRead
            | Self::ConnectionIdleDrop
            | Self::ConnectionRestart => &[After],
            Self::ConnectionMinGap => &[After, Text, Error, At, Severity],
            Self::ConnectionCloseEvery | Self::ConnectionMaxConnections => &[Count],
            Self::ConnectionResetAfterBytes => &[Bytes],
            _ => &[],
        }
    }

    /// The forms that go by its name, the one that is meant without a word first.
    #[must_use]
    pub const fn forms(self) -> &'static [&'static str] {
        match self {
            Self::AnswerOtherType => &["ORR^O02", "ADR^A19", "MCF"],
            Self::MatchNumeric => &["exponent", "leading-zeros"],
            Self::PayloadCodeUnknown => &["OK", "00"],
            Self::PayloadCodePrefix => &["AAX", "AA^"],
            Self::PayloadCodeCase => &["lower", "blank"],
            Self::PayloadHttp => &["framed", "raw"],
            Self::PayloadEscapedLf => &["field", "ends"],
            Self::PayloadTypeVariants => &["missing", "ACK", "ACK^P03", "ACK^P03^DFT_P03"],
            Self::PayloadVersionVariants => &["missing", "2.9", "other"],
            Self::PayloadWildMsa3 => &["delimiters", "long", "lines"],
            Self::PayloadExtraSegments => &["SFT", "Z"],
            _ => &[],
        }
    }

    /// The codes that its parameter `code` may be, the one that is meant without it first.
    #[must_use]
    pub const fn codes(self) -> &'static [Code] {
        match self {
            Self::AnswerDuplicateControlId | Self::AnswerFailThenAccept => &[Code::AR, Code::AE],
            Self::AnswerAcceptOnOtherConnection => &[Code::AA, Code::AE, Code::AR],
            Self::AnswerLocked => &[Code::AE, Code::AR],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Parameter;
    use crate::plan::Fault;

    #[test]
    fn a_fault_has_forms_and_codes_where_it_reads_them_and_nowhere_else() {
        for fault in Fault::ALL {
            let reads = |parameter| fault.reads().contains(&parameter);
            assert_eq!(reads(Parameter::Form), fault.forms().len() > 1, "{fault}");
            assert_eq!(reads(Parameter::Code), fault.codes().len() > 1, "{fault}");
        }
    }

    #[test]
    fn no_fault_reads_a_parameter_twice() {
        for fault in Fault::ALL {
            let mut reads = fault.reads().to_vec();
            reads.sort();
            reads.dedup();
            assert_eq!(reads.len(), fault.reads().len(), "{fault}");
        }
    }
}
