//! Malformed framing around a good answer, and good framing at a bad pace.

family! {
    /// Malformed framing.
    pub enum Frame {
        NoVt "frame/no-vt" Unknown reads []
            "the start byte is missing"
            "a receiver, or a serial converter, that loses the first byte"
        Unframed "frame/unframed" Unknown reads []
            "neither start nor end bytes"
            "a raw TCP listener that knows HL7 and not MLLP"
        NoFsCr "frame/no-fs-cr" Unknown reads []
            "the end bytes are missing and the connection stays open"
            "a receiver that waits for more, and believes that it has answered"
        FsOnly "frame/fs-only" Unknown reads []
            "the end byte without its carriage return"
            "a receiver that takes FS alone for the end of a frame"
        FsLf "frame/fs-lf" Unknown reads []
            "the end byte with a line feed in place of its carriage return"
            "a receiver that ends every line as Unix does, the frame included"
        CrFf "frame/cr-ff" Unknown reads []
            "carriage return and form feed in place of the end bytes"
            "a receiver that feeds the page as to a printer, or a misread manual"
        TrailingLf "frame/trailing-lf" Delivered reads []
            "a line feed after the frame"
            "a receiver that prints its answer with a line end of its own"
        DoubleWrapped "frame/double-wrapped" Delivered reads []
            "a frame inside a frame"
            "two layers that both add the framing, such as an engine behind a gateway"
        JunkBefore "frame/junk-before" Delivered reads []
            "stray bytes before the frame"
            "a terminal server or a gateway that greets"
        JunkAfter "frame/junk-after" Delivered reads []
            "stray bytes after the frame"
            "a gateway that adds its own line after the answer"
        VtInside "frame/vt-inside" Unknown reads []
            "a start byte inside the frame, ahead of MSA"
            "a receiver that starts over in the middle of its answer, or two threads that write to one socket"
        FsInside "frame/fs-inside" Unknown reads []
            "an end byte inside the frame, ahead of MSA"
            "a text field that carried an end byte into the answer"
        TwoInOneWrite "frame/two-in-one-write" Delivered reads []
            "two acknowledgements of the message in one write"
            "two interface threads that both answer, and a stack that sends the two in one packet"
        ByteByByte "frame/byte-by-byte" Delivered reads [After]
            "the frame one byte at a time, in time"
            "a receiver that writes without a buffer, or a serial line"
        HeaderFirst "frame/header-first" Delivered reads [After]
            "the start byte, a pause, the rest"
            "a receiver that writes the start byte and then begins to think"
        TrailerLate "frame/trailer-late" Delivered reads [After]
            "the end bytes after a pause"
            "a receiver that writes the end bytes on their own, held back by Nagle's algorithm"
        CrLate "frame/cr-late" Delivered reads [After]
            "the last carriage return after a pause"
            "a receiver that writes the last byte on its own, held back by Nagle's algorithm"
        PauseInside "frame/pause-inside" Delivered reads [After]
            "a pause in the middle of the frame"
            "a network that cuts the answer into two packets"
        Drip "frame/drip" Unknown reads [After]
            "one byte per half timeout, so that the reply never ends in time"
            "a line so bad that every read succeeds and the answer never ends: it beats timers that start anew with each read"
        PartialThenClose "frame/partial-then-close" Unknown reads []
            "half a frame, then a close"
            "an EMR that restarts in the middle of its answer"
        PartialThenReset "frame/partial-then-reset" Unknown reads []
            "half a frame, then a reset"
            "an EMR that dies, or a firewall that cuts the session, in the middle of the answer"
        PartialThenSilence "frame/partial-then-silence" Unknown reads []
            "half a frame, then nothing"
            "a line that breaks in the middle of the answer without telling anybody"
        Mllp2Ack "frame/mllp2-ack" Unknown reads []
            "a release 2 commit acknowledgement and no HL7 answer"
            "an endpoint set to MLLP release 2: it says that the bytes arrived, not that the charge was taken"
        Mllp2Nak "frame/mllp2-nak" Unknown reads []
            "a release 2 negative acknowledgement and no HL7 answer"
            "an endpoint set to MLLP release 2 that could not store the bytes, and invites a resend"
        BareAckByte "frame/bare-ack-byte" Unknown reads []
            "the control byte ACK (06) alone, without a frame"
            "a serial converter that acknowledges bytes and knows no messages"
        BareNakByte "frame/bare-nak-byte" Unknown reads []
            "the control byte NAK (15) alone, without a frame"
            "a serial converter that did not understand the bytes and asks for them again"
        KeepaliveNoise "frame/keepalive-noise" Delivered reads [After]
            "AA, then a line feed, a NUL and an empty frame over the idle line"
            "a load balancer or an engine that keeps idle sessions alive with bytes that mean nothing"
        Hllp "frame/hllp" Unknown reads []
            "a block of the hybrid protocol, with a count and a checksum before its end"
            "an endpoint set to the hybrid lower layer protocol of serial lines"
        CustomBytes "frame/custom-bytes" Unknown reads []
            "STX and ETX in place of the start and end bytes"
            "an engine whose framing was set to STX and ETX for another interface"
        SplitInTwoFrames "frame/split-in-two-frames" Unknown reads []
            "MSH in one frame, MSA in the next"
            "a receiver that frames each segment"
    }
}
