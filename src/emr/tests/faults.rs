//! Every fault of the catalogue: what it puts on the wire, and that it counts as played only
//! after it has.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{ACK_TIMEOUT_MS, Rig, Said, about, behaviour_with, by_itself, ms};
use crate::emr::{Asked, Door, Input, Manner};
use crate::history::{ConnectionId, End, Shown, What};
use crate::hl7::ack::Code;
use crate::hl7::visible;
use crate::plan::fault::{Answer, Connection, Frame, Mismatch, Payload, SetOff, Tls};
use crate::plan::{Cut, Fault, Parameters};

/// What each fault puts on the wire after the charge of `john` has arrived, as `visible` writes
/// it. `<100ms>` is a pause, `<close>`, `<reset>`, `<half-close>` and `<refused>` are ends, `…` is
/// text that the catalogue leaves open, and a word in braces is one of [`WORDS`]. The pauses of a
/// row that begins with `~` are left out, and a row that begins with `%` differs from what it says
/// in one bit.
#[rustfmt::skip]
const ROWS: &[(Fault, &str)] = &[
    (Fault::Answer(Answer::Accept), "{AA}"),
    (Fault::Answer(Answer::Error), "<VT>{msh}<CR>MSA|AE|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::Reject), "<VT>{msh}<CR>MSA|AR|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::CommitAccept), "{CA}"),
    (Fault::Answer(Answer::CommitError), "<VT>{msh}<CR>MSA|CE|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::CommitReject), "<VT>{msh}<CR>MSA|CR|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::CommitThenAccept), "{CA}<200ms>{AA as the second}"),
    (Fault::Answer(Answer::CommitThenError),
        "{CA}<200ms><VT>{second}<CR>MSA|AE|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::CommitThenReject),
        "{CA}<200ms><VT>{second}<CR>MSA|AR|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::AcceptOnOtherConnection), "{CA}<200ms><call>{AA as the second}"),
    (Fault::Answer(Answer::AcceptLost), "<close>"),
    (Fault::Answer(Answer::Late), "<800ms>{AA}"),
    (Fault::Answer(Answer::LateAfterNext), "<2000ms>{AA}{AA of the next}"),
    (Fault::Answer(Answer::DuplicateControlId), "<VT>{msh}<CR>MSA|AR|{id}|…<CR>ERR|MSH^1^10^207<CR><FS><CR>"),
    (Fault::Answer(Answer::Locked), "<VT>{msh}<CR>MSA|AE|{id}|…<CR>ERR|PID^1^3^206<CR><FS><CR>"),
    (Fault::Answer(Answer::FailThenAccept), "<VT>{msh}<CR>MSA|AR|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::ErrorThenAccept),
        "<VT>{msh}<CR>MSA|AE|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR><200ms>{AA as the second}"),
    (Fault::Answer(Answer::None), ""),
    (Fault::Answer(Answer::OtherType),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ORR^O02|EMR2|P|2.4<CR>MSA|AA|{id}<CR><FS><CR>"),
    (Fault::Answer(Answer::AcceptWithErr), "<VT>{msh}<CR>MSA|AA|{id}|…<CR>ERR|FT1^1^7^0<CR><FS><CR>"),
    (Fault::Answer(Answer::Batch),
        "<VT>FHS|^~\\&|EMR<CR>BHS|^~\\&|EMR<CR>{msh}<CR>{msa}<CR>BTS|1<CR>FTS|1<CR><FS><CR>"),
    (Fault::Answer(Answer::Slow), "<360ms>{AA}"),

    (Fault::Match(Mismatch::Other), "<VT>{msh}<CR>MSA|AA|NOT-YOUR-MESSAGE<CR><FS><CR>"),
    (Fault::Match(Mismatch::Previous), "<VT>{msh}<CR>MSA|AA|200130165605<CR><FS><CR>"),
    (Fault::Match(Mismatch::Empty), "<VT>{msh}<CR>MSA|AA|<CR><FS><CR>"),
    (Fault::Match(Mismatch::Truncated), "<VT>{msh}<CR>MSA|AA|2001301656<CR><FS><CR>"),
    (Fault::Match(Mismatch::Padded), "<VT>{msh}<CR>MSA|AA|{id}    <CR><FS><CR>"),
    (Fault::Match(Mismatch::Numeric), "<VT>{msh}<CR>MSA|AA|2.0013E+11<CR><FS><CR>"),
    (Fault::Match(Mismatch::ReEscaped), "<VT>{msh}<CR>MSA|AA|\\X32\\00130165606<CR><FS><CR>"),
    (Fault::Match(Mismatch::InMsh10Only),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|{id}|P|2.4<CR>MSA|AA|<CR><FS><CR>"),
    (Fault::Match(Mismatch::Twice), "{AA}{AA}"),
    (Fault::Match(Mismatch::Conflict), "{AA}<VT>{second}<CR>MSA|AR|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Match(Mismatch::OutOfOrder), "<2000ms>{AA of the next}{AA}"),
    (Fault::Match(Mismatch::OnConnect),
        "<VT>MSH|^~\\&|||IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.4<CR>MSA|AA|STALE0001<CR><FS><CR>\
        <VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR3|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Match(Mismatch::Echo), "<VT>{dft}<FS><CR>"),

    (Fault::Payload(Payload::Junk), "<VT>fail<FS><CR>"),
    (Fault::Payload(Payload::SemiJunk), "<VT>MSA<FS><CR>"),
    (Fault::Payload(Payload::Empty), "<VT><FS><CR>"),
    (Fault::Payload(Payload::Blank), "<VT>   <CR><FS><CR>"),
    (Fault::Payload(Payload::NoMsa), "<VT>{msh}<CR><FS><CR>"),
    (Fault::Payload(Payload::NoMsh), "<VT>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::ErrWithoutMsa), "<VT>{msh}<CR>ERR|…<CR><FS><CR>"),
    (Fault::Payload(Payload::MsaFirst), "<VT>{msa}<CR>{msh}<CR><FS><CR>"),
    (Fault::Payload(Payload::CodeEmpty), "<VT>{msh}<CR>MSA||{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::CodeUnknown), "<VT>{msh}<CR>MSA|OK|{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::CodePrefix), "<VT>{msh}<CR>MSA|AAX|{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::CodeCase), "<VT>{msh}<CR>MSA|aa|{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::TwoMsa), "<VT>{msh}<CR>{msa}<CR>MSA|AE|{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::TwoMsh), "<VT>{msh}<CR>{second}<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::Lf), "<VT>{msh}<LF>{msa}<LF><FS><CR>"),
    (Fault::Payload(Payload::Crlf), "<VT>{msh}<CR><LF>{msa}<CR><LF><FS><CR>"),
    (Fault::Payload(Payload::Merged), "<VT>{msh}{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::NoFinalCr), "<VT>{msh}<CR>{msa}<FS><CR>"),
    (Fault::Payload(Payload::LiteralNewline), "<VT>{msh}\\n{msa}\\n<FS><CR>"),
    (Fault::Payload(Payload::Prose), "<VT>NACK sent from receiver…<FS><CR>"),
    (Fault::Payload(Payload::Http), "<VT>HTTP/1.1 400 …<CR><LF>…<CR><LF><CR><LF><FS><CR>"),
    (Fault::Payload(Payload::Xml), "<VT><ACK><MSA><MSA.1>AA</MSA.1><MSA.2>{id}</MSA.2></MSA></ACK><FS><CR>"),
    (Fault::Payload(Payload::Delimiters),
        "<VT>MSH#*~\\&#EMR#F#IRIS#IRIS#20260105080000##ACK*P03*ACK#EMR2#P#2.4<CR>MSA#AA#{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::Shifted),
        "<VT>MSH|^~\\&||EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::Nul), "<VT>MSH|…<00>…|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::EscapedLf),
        "<VT>MSH|^~\\&|EMR\\X0A\\|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::TypeVariants),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000|||EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::VersionVariants),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::ProcessingId),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|T|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::BadUtf8), "<VT>{msh}<CR>{msa}|charge posted <C3>( <FF><FE><CR><FS><CR>"),
    (Fault::Payload(Payload::Utf16), "<VT>{UTF-16 of ack}<FS><CR>"),
    (Fault::Payload(Payload::Bom), "<VT><EF><BB><BF>{ack}<FS><CR>"),
    (Fault::Payload(Payload::WildMsa3), "<VT>{msh}<CR>{msa}|a|b^c~d\\e&f|MSA|AE|0<CR><FS><CR>"),
    (Fault::Payload(Payload::Giant), "<VT>{msh}<CR>{msa}|…<CR><FS><CR>"),
    (Fault::Payload(Payload::BitFlip), "%{AA}"),
    (Fault::Payload(Payload::ExtraSegments), "<VT>{msh}<CR>SFT|EMR|9.1|EMR Gateway|7<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::Truncated), "<VT>{msh}<CR>MSA|A<FS><CR>"),

    (Fault::Frame(Frame::NoVt), "{ack}<FS><CR>"),
    (Fault::Frame(Frame::Unframed), "{ack}"),
    (Fault::Frame(Frame::NoFsCr), "<VT>{ack}"),
    (Fault::Frame(Frame::FsOnly), "<VT>{ack}<FS>"),
    (Fault::Frame(Frame::FsLf), "<VT>{ack}<FS><LF>"),
    (Fault::Frame(Frame::CrFf), "<VT>{ack}<CR><0C>"),
    (Fault::Frame(Frame::TrailingLf), "{AA}<LF>"),
    (Fault::Frame(Frame::DoubleWrapped), "<VT><VT>{ack}<FS><CR><FS><CR>"),
    (Fault::Frame(Frame::JunkBefore), "…<CR><LF>{AA}"),
    (Fault::Frame(Frame::JunkAfter), "{AA}<CR><LF>…<CR><LF>"),
    (Fault::Frame(Frame::VtInside), "<VT>{msh}<CR><VT>{msa}<CR><FS><CR>"),
    (Fault::Frame(Frame::FsInside), "<VT>{msh}<CR><FS>{msa}<CR><FS><CR>"),
    (Fault::Frame(Frame::TwoInOneWrite), "{AA}{AA as the second}"),
    (Fault::Frame(Frame::ByteByByte), "~{AA}"),
    (Fault::Frame(Frame::HeaderFirst), "<VT><100ms>{ack}<FS><CR>"),
    (Fault::Frame(Frame::TrailerLate), "<VT>{ack}<100ms><FS><CR>"),
    (Fault::Frame(Frame::CrLate), "<VT>{ack}<FS><100ms><CR>"),
    (Fault::Frame(Frame::PauseInside), "<VT>MSH|…<100ms>…|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Frame(Frame::Drip), "~{AA}"),
    (Fault::Frame(Frame::PartialThenClose), "<VT>MSH|…<close>"),
    (Fault::Frame(Frame::PartialThenReset), "<VT>MSH|…<reset>"),
    (Fault::Frame(Frame::PartialThenSilence), "<VT>MSH|…"),
    (Fault::Frame(Frame::Mllp2Ack), "<VT><06><FS><CR>"),
    (Fault::Frame(Frame::Mllp2Nak), "<VT><15><FS><CR>"),
    (Fault::Frame(Frame::BareAckByte), "<06>"),
    (Fault::Frame(Frame::BareNakByte), "<15>"),
    (Fault::Frame(Frame::KeepaliveNoise), "{AA}<100ms><LF><100ms><00><100ms><VT><FS><CR>"),
    // 5 characters stand before the data, which has 84: MSH of 63, MSA of 19 and their two ends.
    (Fault::Frame(Frame::Hllp), "<VT>D21<CR>{ack}00089057<FS><CR>"),
    (Fault::Frame(Frame::CustomBytes), "<02>{ack}<03>"),
    (Fault::Frame(Frame::SplitInTwoFrames), "<VT>{msh}<CR><FS><CR><VT>{msa}<CR><FS><CR>"),

    (Fault::Connection(Connection::Refused), "<refused>"),
    (Fault::Connection(Connection::Blackhole), "<silence>"),
    (Fault::Connection(Connection::SlowAccept), "<800ms>{AA}"),
    (Fault::Connection(Connection::NoRead), "<800ms>{AA}"),
    (Fault::Connection(Connection::AcceptClose), "<close><20ms><reset>"),
    (Fault::Connection(Connection::AcceptReset), "<reset>"),
    (Fault::Connection(Connection::ResetAfterBytes), "<reset>"),
    (Fault::Connection(Connection::CloseBeforeReply), "<close>"),
    (Fault::Connection(Connection::ResetBeforeReply), "<reset>"),
    (Fault::Connection(Connection::ReplyThenClose), "{AA}<close>"),
    (Fault::Connection(Connection::ReplyThenReset), "{AA}<reset>"),
    (Fault::Connection(Connection::HalfClose), "<half-close>"),
    (Fault::Connection(Connection::IdleDrop), "{AA}<200ms><close>"),
    (Fault::Connection(Connection::CloseEvery), "{AA}<close>"),
    (Fault::Connection(Connection::MaxConnections), "<close><20ms><reset>"),
    (Fault::Connection(Connection::StealSession), "<close>"),
    (Fault::Connection(Connection::MinGap), "<VT>{msh}<CR>MSA|AR|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Connection(Connection::Restart), "<close>"),
    (Fault::Tls(Tls::Expired), "<expired><close>"),
    (Fault::Tls(Tls::WrongHost), "<wrong host><close>"),
    (Fault::Tls(Tls::UnknownCa), "<unknown authority><close>"),
    (Fault::Tls(Tls::HandshakeStall), "<no handshake>"),
    (Fault::Tls(Tls::PlaintextOnTls),
        "<no handshake><VT>MSH|^~\\&|…||ACK^P03^ACK|…|P|2.4<CR>MSA|AR|…<CR>ERR|…<CR><FS><CR>"),
    (Fault::Tls(Tls::TlsOnPlaintext), "<15><03><03><00><02><02><LF><close>"),
    (Fault::Tls(Tls::ClientCertRequired), "<asks for a certificate><close>"),
    (Fault::Tls(Tls::ClientCertRefused), "<refuses any certificate><close>"),
    (Fault::Tls(Tls::NoCloseNotify), "{AA}<truncated>"),
];

/// The words in braces, the composed ones first.
const WORDS: [(&str, &str); 10] = [
    ("{AA of the next}", "<VT>{next}<CR>MSA|AA|200130165607<CR><FS><CR>"),
    ("{AA as the second}", "<VT>{second}<CR>{msa}<CR><FS><CR>"),
    ("{AA}", "<VT>{ack}<FS><CR>"),
    ("{CA}", "<VT>{msh}<CR>MSA|CA|{id}<CR><FS><CR>"),
    ("{ack}", "{msh}<CR>{msa}<CR>"),
    ("{msa}", "MSA|AA|{id}"),
    ("{msh}", "MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.4"),
    ("{second}", "MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR3|P|2.4"),
    ("{next}", "MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080002||ACK^P03^ACK|EMR3|P|2.4"),
    ("{id}", ID),
];

/// MSH-10 of the charge, as interface pages write it: `yyMMddHHmmss`.
const ID: &str = "200130165606";

#[test]
fn every_fault_has_a_row_of_its_own() {
    let rows: BTreeSet<Fault> = ROWS.iter().map(|(fault, _)| *fault).collect();
    let missing: Vec<&Fault> = Fault::ALL.iter().filter(|fault| !rows.contains(fault)).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    assert_eq!(rows.len(), ROWS.len(), "a fault has two rows");
}

#[test]
fn the_nature_of_a_fault_says_how_its_connection_ends() {
    let words = [
        ("<close>", End::Close),
        ("<reset>", End::Reset),
        ("<half-close>", End::HalfClose),
        ("<truncated>", End::Truncated),
    ];
    for (fault, row) in ROWS {
        let nature = fault.nature();
        // TLS that has failed ends a connection by itself, and who is let in ends the older ones.
        if matches!(nature.set_off_by, SetOff::Handshake | SetOff::MessageOrSecond) {
            continue;
        }
        let ends = words.iter().filter_map(|(word, how)| Some((row.find(word)?, *how)));
        let first = ends.min_by_key(|(at, _)| *at).map(|(_, how)| how);
        assert_eq!(first, nature.ends, "{fault}");
    }
}

#[test]
fn every_fault_puts_on_the_wire_what_the_catalogue_says() {
    for (fault, expected) in ROWS {
        let (rig, connection) = play(*fault, by_itself(*fault));
        if let Some(expected) = expected.strip_prefix('%') {
            let (found, expected) = (rig.bytes(connection), unseen(&spelled_out(expected)));
            assert_eq!(flipped_bits(&found, &expected), Some(1), "{fault}");
            continue;
        }
        let (found, expected) = (line(&rig, connection, expected), spelled_out(expected));
        assert!(is_like(&found, &expected), "{fault}\n   found: {found}\nexpected: {expected}");
    }
}

/// What a parameter changes, in the notation of [`ROWS`].
#[rustfmt::skip]
const VARIANTS: &[(Fault, Given, &str)] = &[
    (Fault::Answer(Answer::Error), Given::Error(204), "<VT>{msh}<CR>MSA|AE|{id}|…<CR>ERR|PID^1^3^204<CR><FS><CR>"),
    (Fault::Answer(Answer::Reject), Given::At("FT1[2]-26"), "<VT>{msh}<CR>MSA|AR|{id}|…<CR>ERR|FT1^2^26^207<CR><FS><CR>"),
    (Fault::Answer(Answer::Reject), Given::Text("no such code"), "<VT>{msh}<CR>MSA|AR|{id}|no such code<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::DuplicateControlId), Given::Error(205),
        "<VT>{msh}<CR>MSA|AR|{id}|control id already exists<CR>ERR|MSH^1^10^205<CR><FS><CR>"),
    (Fault::Answer(Answer::Locked), Given::Code(Code::AR), "<VT>{msh}<CR>MSA|AR|{id}|…<CR>ERR|PID^1^3^206<CR><FS><CR>"),
    (Fault::Answer(Answer::FailThenAccept), Given::Code(Code::AE),
        "<VT>{msh}<CR>MSA|AE|{id}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    (Fault::Answer(Answer::OtherType), Given::Form("ADR^A19"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ADR^A19|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Answer(Answer::OtherType), Given::Form("MCF"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||MCF|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Answer(Answer::AcceptWithErr), Given::Error(103), "<VT>{msh}<CR>MSA|AA|{id}|…<CR>ERR|FT1^1^7^103<CR><FS><CR>"),
    (Fault::Answer(Answer::Batch), Given::Times(2),
        "<VT>FHS|^~\\&|EMR<CR>BHS|^~\\&|EMR<CR>{msh}<CR>MSA|AA|200130165605<CR>{second}<CR>{msa}<CR>BTS|2<CR>FTS|1<CR><FS><CR>"),
    (Fault::Answer(Answer::Accept), Given::Cut(Cut::Bytes(9)), "<VT>MSH|^~\\&"),
    (Fault::Answer(Answer::None), Given::Cut(Cut::Half), ""),
    (Fault::Answer(Answer::CommitThenAccept), Given::Cut(Cut::Half), "{CA}"),
    (Fault::Match(Mismatch::Other), Given::Text("17"), "<VT>{msh}<CR>MSA|AA|17<CR><FS><CR>"),
    (Fault::Match(Mismatch::Truncated), Given::Bytes(3), "<VT>{msh}<CR>MSA|AA|200<CR><FS><CR>"),
    (Fault::Match(Mismatch::Truncated), Given::Bytes(20), "<VT>{msh}<CR>MSA|AA|20013016560<CR><FS><CR>"),
    (Fault::Match(Mismatch::Twice), Given::After(40), "{AA}<40ms>{AA}"),
    (Fault::Payload(Payload::CodeUnknown), Given::Form("00"), "<VT>{msh}<CR>MSA|00|{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::CodePrefix), Given::Form("AA^"), "<VT>{msh}<CR>MSA|AA^|{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::CodeCase), Given::Form("blank"), "<VT>{msh}<CR>MSA|AA |{id}<CR><FS><CR>"),
    (Fault::Payload(Payload::Http), Given::Form("raw"), "HTTP/1.1 400 …<CR><LF>…<CR><LF><CR><LF>"),
    (Fault::Payload(Payload::EscapedLf), Given::Form("ends"), "<VT>{msh}\\X0A\\{msa}\\X0A\\<FS><CR>"),
    (Fault::Payload(Payload::TypeVariants), Given::Form("ACK"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::TypeVariants), Given::Form("ACK^P03"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::TypeVariants), Given::Form("ACK^P03^DFT_P03"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^DFT_P03|EMR2|P|2.4<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::VersionVariants), Given::Form("2.9"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.9<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::VersionVariants), Given::Form("other"),
        "<VT>MSH|^~\\&|EMR|F|IRIS|IRIS|20260105080000||ACK^P03^ACK|EMR2|P|2.3<CR>{msa}<CR><FS><CR>"),
    (Fault::Payload(Payload::ExtraSegments), Given::Form("Z"), "<VT>{msh}<CR>Z…<CR>{msa}<CR><FS><CR>"),
];

/// One parameter.
#[derive(Clone, Copy, Debug)]
enum Given {
    After(u64),
    Bytes(u64),
    Times(u32),
    Text(&'static str),
    Code(Code),
    Error(u16),
    At(&'static str),
    Form(&'static str),
    Cut(Cut),
}

impl Given {
    fn over(self, mut with: Parameters) -> Parameters {
        match self {
            Self::After(milliseconds) => with.after = Some(ms(milliseconds).into()),
            Self::Bytes(count) => with.bytes = Some(count),
            Self::Times(count) => with.times = Some(count),
            Self::Text(text) => with.text = Some(text.to_owned()),
            Self::Code(code) => with.code = Some(code),
            Self::Error(code) => with.error = Some(code),
            Self::At(path) => with.at = Some(path.parse().unwrap()),
            Self::Form(form) => with.form = Some(form.to_owned()),
            Self::Cut(cut) => with.cut = Some(cut),
        }
        with
    }
}

#[test]
fn every_parameter_changes_what_the_catalogue_says() {
    for (fault, given, expected) in VARIANTS {
        let (rig, connection) = play(*fault, given.over(by_itself(*fault)));
        let (found, expected) = (line(&rig, connection, expected), spelled_out(expected));
        assert!(
            is_like(&found, &expected),
            "{fault} {given:?}\n   found: {found}\nexpected: {expected}"
        );
        assert_eq!(rig.played(), [fault.name()], "{fault} {given:?}");
    }
}

#[test]
fn every_form_but_the_usual_one_has_a_row() {
    // The wild ones and the number have tests of their own.
    let apart = [Fault::Payload(Payload::WildMsa3), Fault::Match(Mismatch::Numeric)];
    for fault in Fault::ALL.iter().filter(|fault| !apart.contains(fault)) {
        for form in fault.forms().iter().skip(1) {
            let row = VARIANTS.iter().any(|(one, given, _)| {
                one == fault && matches!(given, Given::Form(given) if given == form)
            });
            assert!(row, "no row for {fault} in the form {form}");
        }
    }
}

#[test]
fn every_fault_is_played_once_and_after_it_has_happened() {
    for (fault, _) in ROWS.iter().filter(|(fault, _)| *fault != Fault::Answer(Answer::Accept)) {
        let (rig, connection) = play(*fault, by_itself(*fault));
        assert_eq!(rig.played(), [fault.name()], "{fault}");
        let place = |wanted: &dyn Fn(&What) -> bool| {
            rig.events().iter().position(|event| wanted(&event.what))
        };
        let played = place(&|what| matches!(what, What::Played { .. }));
        let on_the_wire = place(&|what| match what {
            What::Replied { connection: on, name, .. } => *on == connection && name == fault.name(),
            What::EndedByEmr { connection: on, .. } => *on == connection,
            What::RefusalSeen { .. } | What::SilenceSeen { .. } => true,
            What::Waiting { .. } | What::Reading { on: true, .. } => true,
            What::TlsFailed { connection: on, .. } => *on == connection,
            _ => false,
        });
        if matches!(fault, Fault::Answer(Answer::None) | Fault::Tls(Tls::HandshakeStall)) {
            continue; // there is nothing to be seen but what was asked
        }
        // A drip has happened once it has outlasted the sender, and a giant once a good part of it
        // is out; their replies are not over then.
        let sooner = matches!(fault, Fault::Frame(Frame::Drip) | Fault::Payload(Payload::Giant));
        let in_order = if sooner { on_the_wire > played } else { on_the_wire < played };
        assert!(on_the_wire.is_some() && in_order, "{fault}: {:#?}", rig.events());
    }
}

#[test]
fn what_the_wire_does_not_take_is_not_played() {
    let writes = ROWS.iter().filter(|(_, expected)| spelled_out(expected).contains("MSH"));
    for (fault, _) in writes.filter(|(fault, _)| !is_met_at_once(*fault)) {
        let mut rig = Rig::new(vec![behaviour_with(*fault, by_itself(*fault), about("john"))]);
        let connection = rig.accept();
        rig.takes = 0;
        rig.charge(connection, "john", ID);
        rig.pass(60_000);
        rig.charge(connection, "jane", "200130165607");
        assert_eq!(rig.played(), Vec::<&str>::new(), "{fault}");
        assert_eq!(rig.bytes(connection), b"", "{fault}");
    }
}

#[test]
fn who_dies_before_a_reply_is_due_has_not_seen_it_played() {
    for fault in [
        Fault::Answer(Answer::Late),
        Fault::Answer(Answer::Slow),
        Fault::Answer(Answer::LateAfterNext),
        Fault::Frame(Frame::Drip),
    ] {
        let mut rig = Rig::new(vec![behaviour_with(fault, by_itself(fault), about("john"))]);
        let connection = rig.accept();
        rig.charge(connection, "john", ID);
        rig.feed(Input::SenderKilled { incarnation: 1 });
        rig.feed(Input::Ended { connection, how: End::Close });
        rig.pass(60_000);
        assert_eq!(rig.played(), Vec::<&str>::new(), "{fault}");
    }
}

#[test]
fn no_answer_to_the_wrong_message_names_the_right_one() {
    let wrong = ROWS.iter().filter(|(fault, _)| {
        fault.name().starts_with("match/")
            && !["twice", "conflict", "echo", "on-connect", "out-of-order"]
                .iter()
                .any(|it| fault.name().ends_with(it))
    });
    // Ids of senders differ in length and kind; none may slip through.
    for id in [ID, "2001301656", "7", "A-0001", "00000000000000000042"] {
        for (fault, _) in wrong.clone() {
            let mut rig = Rig::new(vec![behaviour_with(*fault, by_itself(*fault), about("john"))]);
            let connection = rig.accept();
            rig.charge(connection, "john", id);
            let bytes = rig.bytes(connection);
            let text = String::from_utf8(bytes).unwrap();
            let (_, msa) =
                text.split_once("\rMSA|AA|").unwrap_or_else(|| panic!("{fault}: {text}"));
            assert_ne!(msa.split(['|', '\r']).next(), Some(id), "{fault}");
        }
    }
}

/// A probe on connection 1, which ends, then the charge of `john` on connection 2 and another one later.
fn play(fault: Fault, with: Parameters) -> (Rig, ConnectionId) {
    let mut rig = Rig::new(vec![behaviour_with(fault, with, about("john"))]);
    let first = rig.accept();
    rig.charge(first, "probe", "200130165605");
    rig.feed(Input::Ended { connection: first, how: End::Close });
    rig.feed(Input::Submitted { exam: "john" });
    match rig.doors[0] {
        Door::Open => {}
        Door::Shut | Door::Full => return (rig, 0),
        Door::Unattended => {
            rig.feed(Input::Waiting { endpoint: 0 });
            rig.pass(2 * ACK_TIMEOUT_MS);
        }
    }
    let connection = rig.accept();
    if matches!(fault, Fault::Tls(_)) && is_met_at_once(fault) {
        rig.pass(60_000); // whoever sees this has nothing to say
        return (rig, connection);
    }
    let message = [&dft()[..], &b"NTE|1||"[..], &[b'x'; 600], b"\r"].concat();
    let message =
        if fault == Fault::Connection(Connection::ResetAfterBytes) { message } else { dft() };
    rig.receive(connection, &crate::mllp::encode(&message));
    rig.pass(2_000);
    if matches!(fault, Fault::Answer(Answer::LateAfterNext) | Fault::Match(Mismatch::OutOfOrder)) {
        rig.charge(connection, "jane", "200130165607");
    }
    rig.pass(60_000);
    (rig, connection)
}

/// Whether a fault is met before a message can be sent.
fn is_met_at_once(fault: Fault) -> bool {
    fault.nature().set_off_by.is_accept()
}

fn dft() -> Vec<u8> {
    super::charge("john", ID)
}

/// What was said on a connection, in the notation of [`ROWS`].
fn line(rig: &Rig, connection: ConnectionId, row: &str) -> String {
    match rig.doors[0] {
        Door::Shut => return "<refused>".to_owned(),
        Door::Full => return "<silence>".to_owned(),
        Door::Open | Door::Unattended => {}
    }
    let met = rig.met.iter().filter(|(on, _)| *on == connection).map(|(_, manner)| met(*manner));
    let mut line: String = met.collect();
    let mut before = Duration::ZERO;
    for (at, on, said) in &rig.said {
        let is_call = rig.calls.contains(on);
        if *on != connection && !is_call {
            continue;
        }
        if *at > before && !row.starts_with('~') {
            line.push_str(&format!("<{}ms>", (*at - before).as_millis()));
        }
        before = *at;
        if is_call && !line.contains("<call>") {
            line.push_str("<call>");
        }
        line.push_str(&match said {
            Said::Bytes(bytes) => visible(bytes),
            Said::End(End::Close) => "<close>".to_owned(),
            Said::End(End::Reset) => "<reset>".to_owned(),
            Said::End(End::HalfClose) => "<half-close>".to_owned(),
            Said::End(End::Truncated) => "<truncated>".to_owned(),
        });
    }
    line
}

/// How a handshake is met, in the notation of [`ROWS`].
fn met(manner: Manner) -> &'static str {
    match manner {
        Manner::Ignore => "<no handshake>",
        Manner::Hold { show: Shown::Expired, .. } => "<expired>",
        Manner::Hold { show: Shown::WrongHost, .. } => "<wrong host>",
        Manner::Hold { show: Shown::UnknownCa, .. } => "<unknown authority>",
        Manner::Hold { client: Asked::Certificate, .. } => "<asks for a certificate>",
        Manner::Hold { client: Asked::StrangeCertificate, .. } => "<refuses any certificate>",
        Manner::Hold { .. } => "",
    }
}

fn spelled_out(row: &str) -> String {
    let row = row.trim_start_matches('~').replace("{dft}", &visible(&dft()));
    let ack = WORDS.iter().fold("{ack}".to_owned(), |row, (word, means)| row.replace(word, means));
    let ack = String::from_utf8(unseen(&ack)).unwrap();
    let units = ack.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(units).collect();
    let row = row.replace("{UTF-16 of ack}", &visible(&utf16));
    WORDS.iter().fold(row, |row, (word, meaning)| row.replace(word, meaning))
}

/// The bytes that `visible` wrote so.
fn unseen(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').unwrap();
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(match name {
            "VT" => 0x0B,
            "CR" => 0x0D,
            "FS" => 0x1C,
            number => u8::from_str_radix(number, 16).unwrap(),
        });
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// In how many bits two texts of one length differ.
fn flipped_bits(found: &[u8], expected: &[u8]) -> Option<u32> {
    let pairs = found.iter().zip(expected);
    (found.len() == expected.len())
        .then(|| pairs.map(|(one, other)| (one ^ other).count_ones()).sum())
}

/// Whether `found` is `expected`, where `…` stands for some text without a control.
fn is_like(found: &str, expected: &str) -> bool {
    let Some((exact, rest)) = expected.split_once('…') else { return found == expected };
    let Some(found) = found.strip_prefix(exact) else { return false };
    let text = found.find('<').unwrap_or(found.len());
    let ends = found.char_indices().map(|(at, _)| at).chain([found.len()]);
    ends.filter(|&end| end > 0 && end <= text).any(|end| is_like(&found[end..], rest))
}

#[test]
fn the_notation_of_the_rows_tells_lines_apart() {
    assert!(is_like("a|why<CR>b", "a|…<CR>b"));
    assert!(!is_like("a|<CR>b", "a|…<CR>b"), "something must stand there");
    assert!(!is_like("a|why<CR>c<CR>b", "a|…<CR>b"), "and no more than one text");
    assert!(!is_like("a", "ab") && !is_like("ab", "a"));
}
