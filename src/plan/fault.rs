//! The catalogue: every fault and answer that a simulated EMR can play.
//!
//! A row says its stable name, the outcome that a good sender books for a charge that met it, what
//! it is on the wire, and what it stands for in the field. How it is put on the wire is the EMR's
//! business.

use crate::history::Outcome;

/// Which layer a fault belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A well-formed answer.
    Answer,
    /// A well-formed answer to the wrong message.
    Match,
    /// A malformed answer in a good frame.
    Payload,
    /// Malformed framing.
    Frame,
    /// Something that happens to the connection.
    Connection,
    /// Something that happens to its TLS.
    Tls,
}

macro_rules! faults {
    ($($variant:ident $kind:ident $name:literal $outcome:ident $what:literal $stands_for:literal)*) => {
        /// A fault or answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $(#[doc = $what] $variant,)*
        }

        impl Fault {
            /// Every fault, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name, such as `answer/accept`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it puts on the wire, in one line.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }

            /// What it stands for in the field: which engine, proxy, firewall, operator or bug
            /// causes it.
            #[must_use]
            pub const fn stands_for(self) -> &'static str {
                match self { $(Self::$variant => $stands_for,)* }
            }

            /// What a good sender has to say of a charge that met it, once and with the parameters
            /// that it has by itself.
            #[must_use]
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)* }
            }

            /// The layer that it belongs to.
            #[must_use]
            pub const fn kind(self) -> FaultKind {
                match self { $(Self::$variant => FaultKind::$kind,)* }
            }
        }
    };
}

faults! {
    AnswerAccept Answer "answer/accept" Delivered
        "AA, or what MSH-15 and MSH-16 ask for"
        "an EMR in good health, and what every other row is measured against"
    AnswerError Answer "answer/error" Rejected
        "AE with text and an ERR in the form of the message's version"
        "an interface engine or a charge router that read the message and could not file it: an unknown charge code, a visit that is closed"
    AnswerReject Answer "answer/reject" Rejected
        "AR with text and an ERR in the form of the message's version"
        "a receiver that turns the message away as such: wrong processing id, a queue that is full, a message type that is not enabled"
    AnswerCommitAccept Answer "answer/commit-accept" Unknown
        "CA and nothing more"
        "an engine in enhanced mode that says `stored` where nobody asked for that, and whose application never follows up"
    AnswerCommitError Answer "answer/commit-error" Rejected
        "CE and nothing more"
        "an engine that could not store the message: disk full, database down"
    AnswerCommitReject Answer "answer/commit-reject" Rejected
        "CR and nothing more"
        "an engine whose inbound channel is switched off for this message type or this sender"
    AnswerCommitThenAccept Answer "answer/commit-then-accept" Delivered
        "CA, a delay, then AA on the same connection"
        "an engine in enhanced mode on one connection: stored at once, filed a moment later"
    AnswerCommitThenError Answer "answer/commit-then-error" Rejected
        "CA, a delay, then AE on the same connection"
        "an engine that stores the message and an application behind it that then cannot file it"
    AnswerCommitThenReject Answer "answer/commit-then-reject" Rejected
        "CA, a delay, then AR on the same connection"
        "an engine that stores the message and an application behind it that then turns it away"
    AnswerAcceptOnOtherConnection Answer "answer/accept-on-other-connection" Delivered
        "CA, a delay, then AA on a new connection to the sender's port"
        "an engine in enhanced mode whose application answers on a channel of its own, towards a listener of the sender"
    AnswerAcceptLost Answer "answer/accept-lost" Unknown
        "the EMR posts the charge, then closes without a byte"
        "an EMR that posts the charge and restarts, or a firewall that drops the session, before the answer is out: the classic double charge"
    AnswerLate Answer "answer/late" Unknown
        "AA after the sender's timeout"
        "an EMR under load, at month's end or during a backup, whose answer is slower than the sender's patience"
    AnswerLateAfterNext Answer "answer/late-after-next" Unknown
        "AA for a message written when the next one has arrived, before its own"
        "an EMR under load behind a sender that has gone on: the old answer arrives where the next one is due"
    AnswerDuplicateControlId Answer "answer/duplicate-control-id" Rejected
        "AR with 0357 code 207 (or 205): the control id already exists"
        "an EMR that has seen this control id: it took the first copy, or two senders count alike"
    AnswerLocked Answer "answer/locked" Rejected
        "AE (or AR) with 0357 code 206: record locked, which sounds transient"
        "an account that a registrar or a nightly job holds open: it sounds as if trying again would help"
    AnswerFailThenAccept Answer "answer/fail-then-accept" Rejected
        "AR for the first attempts at an order, then AA"
        "an EMR whose operator adds the missing code while the sender tries: whoever tries on is posted in the end, and perhaps twice"
    AnswerErrorThenAccept Answer "answer/error-then-accept" Rejected
        "AE, a delay, then an unsolicited AA for the same message"
        "an engine that answers an error and whose operator then replays the message from the error queue"
    AnswerNone Answer "answer/none" Unknown
        "read everything, answer nothing, keep the connection open"
        "an interface thread that hangs: the port takes everything and nobody works behind it"
    AnswerOtherType Answer "answer/other-type" Unknown
        "MSA with AA inside a message of another type"
        "an engine whose answer is built by a route meant for another interface"
    AnswerAcceptWithErr Answer "answer/accept-with-err" Delivered
        "AA with an ERR that informs or warns"
        "an EMR that takes the charge with a warning, such as a price that is being updated"
    AnswerBatch Answer "answer/batch" Unknown
        "the acknowledgement inside a batch, alone or with others"
        "an engine that answers through its batch route, as for a nightly file"
    AnswerSlow Answer "answer/slow" Delivered
        "AA just before the sender's timeout"
        "an EMR under load that still answers in time"
    MatchOther Match "match/other" Unknown
        "MSA-2 is the id of no message"
        "an engine that makes up control ids, or answers with the ids of its own outbound side"
    MatchPrevious Match "match/previous" Unknown
        "MSA-2 is the id of the message before"
        "an answer that is one message behind, as after a timeout on a connection that was kept"
    MatchEmpty Match "match/empty" Unknown
        "MSA-2 is empty"
        "a home-made receiver that fills in the code and forgets whom it answers"
    MatchTruncated Match "match/truncated" Unknown
        "MSA-2 is cut to ten characters, or to as many as it says"
        "an EMR whose control id column is too short"
    MatchPadded Match "match/padded" Unknown
        "MSA-2 is padded with blanks"
        "an EMR that keeps control ids in a column of fixed width"
    MatchNumeric Match "match/numeric" Unknown
        "MSA-2 has passed through a number"
        "an EMR or a spreadsheet step that keeps control ids as numbers"
    MatchReEscaped Match "match/re-escaped" Unknown
        "MSA-2 has been escaped once more"
        "an engine that escapes every field it writes, whether or not it was escaped already"
    MatchInMsh10Only Match "match/in-msh10-only" Unknown
        "the acknowledgement's own MSH-10 is the message's, and MSA-2 is empty"
        "a home-made receiver that copies the header back with its id and never writes MSA-2"
    MatchTwice Match "match/twice" Delivered
        "two identical acknowledgements"
        "two interface threads, or an engine and the EMR behind it, that both answer"
    MatchConflict Match "match/conflict" Delivered
        "AA, then AR, for the same message"
        "an engine that accepts and an EMR behind it that then refuses, both on the same connection"
    MatchOutOfOrder Match "match/out-of-order" Unknown
        "AA for a message written when the next one has been answered"
        "an engine with several threads, whose answers overtake one another"
    MatchOnConnect Match "match/on-connect" Delivered
        "a stale acknowledgement as soon as the connection is accepted"
        "a proxy or a terminal server that holds the last session's answer and hands it to the next one"
    MatchEcho Match "match/echo" Unknown
        "the message itself comes back"
        "a loopback test port, or a listener that is set to echo"
    PayloadJunk Payload "payload/junk" Unknown
        "the word `fail`"
        "a script that stands in for the EMR, or an engine whose error text replaces the answer"
    PayloadSemiJunk Payload "payload/semi-junk" Unknown
        "the letters `MSA`"
        "an answer template whose fields were never filled in"
    PayloadEmpty Payload "payload/empty" Unknown
        "a frame without payload"
        "an engine whose answer step produced nothing"
    PayloadBlank Payload "payload/blank" Unknown
        "a frame of blanks"
        "an engine whose answer template came out as white space"
    PayloadNoMsa Payload "payload/no-msa" Unknown
        "an acknowledgement without MSA"
        "an engine that sends a header alone, since its answer route failed halfway"
    PayloadNoMsh Payload "payload/no-msh" Unknown
        "an acknowledgement without MSH"
        "a home-made receiver that writes the one segment it knows"
    PayloadErrWithoutMsa Payload "payload/err-without-msa" Unknown
        "an acknowledgement with ERR in place of MSA"
        "an engine that reports a parse error before it knows what to answer"
    PayloadMsaFirst Payload "payload/msa-first" Unknown
        "MSA before MSH"
        "a home-made receiver that puts segments together in the wrong order"
    PayloadCodeEmpty Payload "payload/code-empty" Unknown
        "MSA-1 is empty"
        "an answer template whose code was never filled in"
    PayloadCodeUnknown Payload "payload/code-unknown" Unknown
        "MSA-1 is `OK` or `00`"
        "a home-made receiver with words of its own for success"
    PayloadCodePrefix Payload "payload/code-prefix" Unknown
        "MSA-1 is `AAX` or `AA^`"
        "a receiver with local codes, which engines that compare two letters take for an acceptance"
    PayloadCodeCase Payload "payload/code-case" Unknown
        "MSA-1 is `aa`, or `AA` and a blank"
        "a home-made receiver that writes codes in small letters"
    PayloadTwoMsa Payload "payload/two-msa" Unknown
        "one MSA with AA and one with AE"
        "an engine that merges the answers of two systems into one message"
    PayloadLf Payload "payload/lf" Delivered
        "segments end in line feeds"
        "a receiver written on Unix, or an editor's line ends in an answer template"
    PayloadCrlf Payload "payload/crlf" Delivered
        "segments end in carriage return and line feed"
        "a receiver written on Windows, or an editor's line ends in an answer template"
    PayloadMerged Payload "payload/merged" Unknown
        "no carriage return between MSH and MSA"
        "a receiver that joins segments and forgets what stands between them"
    PayloadNoFinalCr Payload "payload/no-final-cr" Delivered
        "the last segment has no carriage return"
        "a receiver that takes the segment end for a separator: common, and harmless"
    PayloadLiteralNewline Payload "payload/literal-newline" Unknown
        "segments end in a backslash and an `n`"
        "an answer template whose escape was never translated"
    PayloadProse Payload "payload/prose" Unknown
        "a sentence instead of HL7"
        "an engine or a gateway that writes its error for people"
    PayloadHttp Payload "payload/http" Unknown
        "an HTTP error page, in a frame or without"
        "a web server or a proxy on the port where the EMR should be"
    PayloadXml Payload "payload/xml" Unknown
        "the acknowledgement as XML"
        "an engine that answers in the XML encoding, which nobody asked for"
    PayloadDelimiters Payload "payload/delimiters" Delivered
        "the acknowledgement in other delimiters"
        "an EMR with delimiters of its own, which MSH announces"
    PayloadShifted Payload "payload/shifted" Unknown
        "every MSH field one place off"
        "a home-made receiver that counts MSH-1 as a field"
    PayloadNul Payload "payload/nul" Delivered
        "a NUL byte inside the acknowledgement"
        "a receiver in C that sends the end of its string along"
    PayloadEscapedLf Payload "payload/escaped-lf" Delivered
        "a line feed, escaped as hexadecimal, in MSH or in place of segment ends"
        "an engine whose template has a line break in a header value"
    PayloadTypeVariants Payload "payload/type-variants" Unknown
        "MSH-9 is missing, or any of its spellings"
        "receivers that were built for another version of HL7, each of which writes MSH-9 in its own way"
    PayloadVersionVariants Payload "payload/version-variants" Delivered
        "MSH-12 is missing, unknown, or not the message's"
        "an EMR whose answer template has a version of its own"
    PayloadProcessingId Payload "payload/processing-id" Delivered
        "MSH-11 is T for a message in production"
        "a production port whose answer template was copied from the test system"
    PayloadBadUtf8 Payload "payload/bad-utf8" Delivered
        "MSA-3 has bytes that are no UTF-8"
        "an EMR that writes its error texts in the code page of its server"
    PayloadUtf16 Payload "payload/utf16" Unknown
        "the acknowledgement in UTF-16"
        "a receiver on a platform whose strings are UTF-16 and that writes them as they are"
    PayloadBom Payload "payload/bom" Unknown
        "a byte order mark before MSH"
        "a receiver that writes its answer through a text file"
    PayloadWildMsa3 Payload "payload/wild-msa3" Delivered
        "MSA-3 full of delimiters, 64 KiB long, or of many lines"
        "an EMR that puts a whole stack trace or the message itself into the text"
    PayloadGiant Payload "payload/giant" Delivered
        "an acknowledgement of 1 to 16 MiB"
        "an EMR that answers with the whole chart, or a proxy that answers with a download page"
    PayloadBitFlip Payload "payload/bit-flip" Unknown
        "one bit of the acknowledgement is flipped, and the seed decides which"
        "a broken memory module or a proxy with a bad buffer: checksums end where the bytes are copied"
    PayloadExtraSegments Payload "payload/extra-segments" Delivered
        "SFT or a Z segment before MSA"
        "an engine that says who it is, or a vendor's own segment"
    PayloadTruncated Payload "payload/truncated" Unknown
        "the payload ends inside MSA"
        "a receiver whose buffer was too short for its own answer"
    FrameNoVt Frame "frame/no-vt" Unknown
        "the start byte is missing"
        "a receiver, or a serial converter, that loses the first byte"
    FrameUnframed Frame "frame/unframed" Unknown
        "neither start nor end bytes"
        "a raw TCP listener that knows HL7 and not MLLP"
    FrameNoFsCr Frame "frame/no-fs-cr" Unknown
        "the end bytes are missing and the connection stays open"
        "a receiver that waits for more, and believes that it has answered"
    FrameFsOnly Frame "frame/fs-only" Unknown
        "the end byte without its carriage return"
        "a receiver that takes FS alone for the end of a frame"
    FrameFsLf Frame "frame/fs-lf" Unknown
        "the end byte with a line feed in place of its carriage return"
        "a receiver that ends every line as Unix does, the frame included"
    FrameCrFf Frame "frame/cr-ff" Unknown
        "carriage return and form feed in place of the end bytes"
        "a receiver that feeds the page as to a printer, or a misread manual"
    FrameTrailingLf Frame "frame/trailing-lf" Delivered
        "a line feed after the frame"
        "a receiver that prints its answer with a line end of its own"
    FrameDoubleWrapped Frame "frame/double-wrapped" Delivered
        "a frame inside a frame"
        "two layers that both add the framing, such as an engine behind a gateway"
    FrameJunkBefore Frame "frame/junk-before" Delivered
        "stray bytes before the frame"
        "a terminal server or a gateway that greets"
    FrameJunkAfter Frame "frame/junk-after" Delivered
        "stray bytes after the frame"
        "a gateway that adds its own line after the answer"
    FrameVtInside Frame "frame/vt-inside" Unknown
        "a start byte inside the frame, ahead of MSA"
        "a receiver that starts over in the middle of its answer, or two threads that write to one socket"
    FrameFsInside Frame "frame/fs-inside" Unknown
        "an end byte inside the frame, ahead of MSA"
        "a text field that carried an end byte into the answer"
    FrameTwoInOneWrite Frame "frame/two-in-one-write" Delivered
        "two acknowledgements of the message in one write"
        "two interface threads that both answer, and a stack that sends the two in one packet"
    FrameByteByByte Frame "frame/byte-by-byte" Delivered
        "the frame one byte at a time, in time"
        "a receiver that writes without a buffer, or a serial line"
    FrameHeaderFirst Frame "frame/header-first" Delivered
        "the start byte, a pause, the rest"
        "a receiver that writes the start byte and then begins to think"
    FrameTrailerLate Frame "frame/trailer-late" Delivered
        "the end bytes after a pause"
        "a receiver that writes the end bytes on their own, held back by Nagle's algorithm"
    FrameCrLate Frame "frame/cr-late" Delivered
        "the last carriage return after a pause"
        "a receiver that writes the last byte on its own, held back by Nagle's algorithm"
    FramePauseInside Frame "frame/pause-inside" Delivered
        "a pause in the middle of the frame"
        "a network that cuts the answer into two packets"
    FrameDrip Frame "frame/drip" Unknown
        "one byte per half timeout, so that the reply never ends in time"
        "a line so bad that every read succeeds and the answer never ends: it beats timers that start anew with each read"
    FramePartialThenClose Frame "frame/partial-then-close" Unknown
        "half a frame, then a close"
        "an EMR that restarts in the middle of its answer"
    FramePartialThenReset Frame "frame/partial-then-reset" Unknown
        "half a frame, then a reset"
        "an EMR that dies, or a firewall that cuts the session, in the middle of the answer"
    FramePartialThenSilence Frame "frame/partial-then-silence" Unknown
        "half a frame, then nothing"
        "a line that breaks in the middle of the answer without telling anybody"
    FrameMllp2Ack Frame "frame/mllp2-ack" Unknown
        "a release 2 commit acknowledgement and no HL7 answer"
        "an endpoint set to MLLP release 2: it says that the bytes arrived, not that the charge was taken"
    FrameMllp2Nak Frame "frame/mllp2-nak" Unknown
        "a release 2 negative acknowledgement and no HL7 answer"
        "an endpoint set to MLLP release 2 that could not store the bytes, and invites a resend"
    FrameBareAckByte Frame "frame/bare-ack-byte" Unknown
        "the control byte ACK (06) alone, without a frame"
        "a serial converter that acknowledges bytes and knows no messages"
    FrameBareNakByte Frame "frame/bare-nak-byte" Unknown
        "the control byte NAK (15) alone, without a frame"
        "a serial converter that did not understand the bytes and asks for them again"
    FrameKeepaliveNoise Frame "frame/keepalive-noise" Delivered
        "AA, then a line feed, a NUL and an empty frame over the idle line"
        "a load balancer or an engine that keeps idle sessions alive with bytes that mean nothing"
    FrameHllp Frame "frame/hllp" Unknown
        "a block of the hybrid protocol, with a count and a checksum before its end"
        "an endpoint set to the hybrid lower layer protocol of serial lines"
    FrameCustomBytes Frame "frame/custom-bytes" Unknown
        "STX and ETX in place of the start and end bytes"
        "an engine whose framing was set to STX and ETX for another interface"
    FrameSplitInTwoFrames Frame "frame/split-in-two-frames" Unknown
        "MSH in one frame, MSA in the next"
        "a receiver that frames each segment"
    ConnectionRefused Connection "connection/refused" NotSent
        "the endpoint does not listen for a while"
        "an EMR that is down or restarting: the port answers that nobody listens"
    ConnectionBlackhole Connection "connection/blackhole" NotSent
        "a connect gets neither an answer nor a refusal for a while"
        "a firewall that drops silently, an address that nobody has, a server too busy to answer a connect"
    ConnectionSlowAccept Connection "connection/slow-accept" Unknown
        "the system takes the connection and the message, and the EMR accepts it only after a while"
        "an engine whose threads are all taken: the connect succeeds, the bytes leave, and whoever gives up must know that they will still be read"
    ConnectionNoRead Connection "connection/no-read" Unknown
        "the EMR stops reading, and reads on after a while"
        "an engine that hangs in its database or collects garbage: its window closes, and what it was sent is read when it wakes up"
    ConnectionAcceptClose Connection "connection/accept-close" NotSent
        "closed as soon as it is accepted"
        "a load balancer or a port forwarder without an EMR behind it"
    ConnectionAcceptReset Connection "connection/accept-reset" NotSent
        "reset as soon as it is accepted"
        "a firewall or a load balancer that turns the session away"
    ConnectionResetAfterBytes Connection "connection/reset-after-bytes" Unknown
        "reset inside the message"
        "a firewall that does not like the content, or an EMR that dies while it reads"
    ConnectionCloseBeforeReply Connection "connection/close-before-reply" Unknown
        "closed after the message, before any answer"
        "an EMR that was stopped in good order before it answered"
    ConnectionResetBeforeReply Connection "connection/reset-before-reply" Unknown
        "reset after the message, before any answer"
        "an EMR that dies, or a firewall that cuts the session, before the answer"
    ConnectionReplyThenClose Connection "connection/reply-then-close" Delivered
        "AA, then a close"
        "an EMR that wants a new connection for every message"
    ConnectionReplyThenReset Connection "connection/reply-then-reset" Delivered
        "AA, then a reset"
        "an EMR that wants a new connection for every message and ends the old one roughly"
    ConnectionHalfClose Connection "connection/half-close" Unknown
        "the EMR ends its side without an answer and keeps reading"
        "a proxy that passes the end of one direction on, or an EMR that is shutting down and still reads"
    ConnectionIdleDrop Connection "connection/idle-drop" Delivered
        "AA, then a close once nothing was said for a while"
        "an engine or a firewall that ends idle sessions: the next charge meets a connection that is gone"
    ConnectionCloseEvery Connection "connection/close-every" Delivered
        "AA, and a close after every so many messages on a connection"
        "an engine that takes one message per connection, or recycles its sessions"
    ConnectionMaxConnections Connection "connection/max-connections" NotSent
        "closed as soon as it is accepted, where so many others are open"
        "a licence for so many sessions, or sessions that nobody has cleaned up: all places are taken"
    ConnectionStealSession Connection "connection/steal-session" Unknown
        "another connection is opened, and the older ones are closed"
        "an engine that keeps one session per sender: a second instance, or somebody's test tool, takes it over"
    ConnectionMinGap Connection "connection/min-gap" Rejected
        "AR for a message that comes too soon after the one before"
        "a receiver that limits how fast it is fed, and turns away what is over the limit"
    ConnectionRestart Connection "connection/restart" Unknown
        "after the message every connection is closed without an answer, and nobody listens for a while"
        "an engine that is restarted for an update, or by its watchdog, with messages in its hands"
    TlsExpired Tls "tls/expired" NotSent
        "the EMR shows a certificate whose time is over"
        "a certificate that nobody renewed"
    TlsWrongHost Tls "tls/wrong-host" NotSent
        "the EMR shows a certificate of another host"
        "an EMR that moved to another name or address and took its certificate along, or somebody in between"
    TlsUnknownCa Tls "tls/unknown-ca" NotSent
        "the EMR shows a certificate of an authority that the sender was not told to trust"
        "a certificate from a new authority of the hospital, a self-signed one, or a proxy that opens TLS"
    TlsHandshakeStall Tls "tls/handshake-stall" NotSent
        "the ClientHello is read, and not a byte comes back"
        "a TLS gateway that has run out of workers, or a firewall that swallows the answer"
    TlsPlaintextOnTls Tls "tls/plaintext-on-tls" NotSent
        "the ClientHello is answered in plain MLLP, with AR"
        "a listener whose TLS was switched off, or the port of the plain listener"
    TlsTlsOnPlaintext Tls "tls/tls-on-plaintext" Unknown
        "the plain message is answered with the TLS alert unexpected_message, then a close"
        "a listener whose TLS was switched on, or the port of the listener with TLS"
    TlsClientCertRequired Tls "tls/client-cert-required" NotSent
        "the EMR breaks off because the sender, which was given no client certificate, shows none"
        "an EMR that was set to mutual TLS one night"
    TlsClientCertRefused Tls "tls/client-cert-refused" NotSent
        "the EMR breaks off because it does not know the authority of the client's certificate"
        "an EMR whose list of trusted authorities was replaced and lacks the sender's"
    TlsNoCloseNotify Tls "tls/no-close-notify" Delivered
        "AA, then the connection closes without the close_notify of TLS"
        "an engine or a load balancer that closes the socket below TLS, as many do"
}
