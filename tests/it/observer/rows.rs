//! What a client must see of each fault, written down from what the fault is said to be and not
//! from what the program makes of it.

/// A fault, parameters for it, and what is seen.
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    /// Parameters, as an author writes them; empty for none.
    pub(crate) with: &'static str,
    /// What is seen, in the notation of `pattern.rs`, with these besides:
    ///
    /// - `<EOF>` and `<RST>`: `read` returns 0, or fails with ECONNRESET.
    /// - `<send>`: the message is sent here, and not as soon as the connection is made.
    /// - `<send 150>`: only so many bytes of it are.
    /// - `<next>`: a second message is sent on the same connection.
    /// - `<enough>`: the rest is not waited for.
    /// - `<at least 1000>`: so many bytes have come.
    /// - `<one bit off>`: what came is `{AA}` but for one bit.
    /// - `<full>`: the system takes no more bytes, since the other side reads none.
    /// - `<ECONNREFUSED>` and `<ETIMEDOUT>`: a connect fails so.
    /// - `<heard>`: what is written now, and for a while, is taken by the other side without a reset.
    /// - `<gone>`: what is written now is answered with a reset, so that a later write fails with
    ///   ECONNRESET or EPIPE.
    ///
    /// A row without an end is followed by `<next>{AA}` of that message, which shows that the
    /// connection is open, that it is read, and that nothing else came before.
    pub(crate) seen: &'static str,
}

const fn row(fault: &'static str, seen: &'static str) -> Row {
    Row { fault, with: "", seen }
}

const fn with(fault: &'static str, with: &'static str, seen: &'static str) -> Row {
    Row { fault, with, seen }
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    row("answer/accept", "{AA}"),
    row("answer/error", "<VT>{msh}<CR>MSA|AE|{ID}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    row("answer/reject", "<VT>{msh}<CR>MSA|AR|{ID}|…<CR>ERR|FT1^1^7^…<CR><FS><CR>"),
    row("answer/commit-accept", "{CA}"),
    row("answer/commit-error", "<VT>{msh}<CR>MSA|CE|{ID}|…<CR>ERR|…<CR><FS><CR>"),
    row("answer/commit-reject", "<VT>{msh}<CR>MSA|CR|{ID}|…<CR>ERR|…<CR><FS><CR>"),
    with("answer/commit-then-accept", "after: 150ms", "{CA}<150ms>{AA}"),
    with("answer/commit-then-error", "after: 150ms",
        "<VT>{msh}<CR>MSA|CA|{ID}…<CR><FS><CR><150ms><VT>{msh}<CR>MSA|AE|{ID}|…<CR>ERR|…<CR><FS><CR>"),
    with("answer/commit-then-reject", "after: 150ms",
        "<VT>{msh}<CR>MSA|CA|{ID}…<CR><FS><CR><150ms><VT>{msh}<CR>MSA|AR|{ID}|…<CR>ERR|…<CR><FS><CR>"),
    // What else it says, it says at a port that this client does not have.
    row("answer/accept-on-other-connection", "{CA}"),
    row("answer/accept-lost", "<EOF><gone>"),
    with("answer/late", "after: 600ms", "<600ms>{AA}"),
    row("answer/late-after-next", "<next>{AA}{AA of the next}"),
    row("answer/duplicate-control-id", "<VT>{msh}<CR>MSA|AR|{ID}|…<CR>ERR|…207…<CR><FS><CR>"),
    row("answer/locked", "<VT>{msh}<CR>MSA|AE|{ID}|…<CR>ERR|…206…<CR><FS><CR>"),
    with("answer/fail-then-accept", "times: 1",
        "<VT>{msh}<CR>MSA|AR|{ID}|…<CR>ERR|…<CR><FS><CR><next>{AA of the next}"),
    with("answer/error-then-accept", "after: 150ms",
        "<VT>{msh}<CR>MSA|AE|{ID}|…<CR>ERR|…<CR><FS><CR><150ms><VT>{msh}<CR>{msa}…<CR><FS><CR>"),
    row("answer/none", ""),
    row("answer/other-type", "<VT>{head}||ORR^O02|{own}|P|2.4<CR>{msa}<CR><FS><CR>"),
    row("answer/accept-with-err", "<VT>{msh}<CR>{msa}|…<CR>ERR|FT1^1^7^0<CR><FS><CR>"),
    row("answer/batch",
        "<VT>FHS|…<CR>BHS|…<CR>{msh}<CR>{msa}<CR>BTS|1<CR>FTS|1<CR><FS><CR>"),
    with("answer/slow", "after: 250ms", "<250ms>{AA}"),

    row("match/other", "<VT>{msh}<CR>MSA|AA|NOT-YOUR-MESSAGE<CR><FS><CR>"),
    row("match/previous", "<VT>{msh}<CR>MSA|AA|<CR><FS><CR>"),
    row("match/empty", "<VT>{msh}<CR>MSA|AA|<CR><FS><CR>"),
    row("match/truncated", "<VT>{msh}<CR>MSA|AA|1704100000<CR><FS><CR>"),
    row("match/padded", "<VT>{msh}<CR>MSA|AA|{ID}    <CR><FS><CR>"),
    row("match/numeric", "<VT>{msh}<CR>MSA|AA|1.7041E+19<CR><FS><CR>"),
    row("match/re-escaped", "<VT>{msh}<CR>MSA|AA|\\…\\…<CR><FS><CR>"),
    row("match/out-of-order", "<next>{AA of the next}{AA}"),
    row("match/in-msh10-only", "<VT>{head}||ACK^P03^ACK|{ID}|P|2.4<CR>MSA|AA|<CR><FS><CR>"),
    row("match/twice", "{AA}{AA}"),
    row("match/conflict", "{AA}<VT>{msh}<CR>MSA|AR|{ID}|…<CR>ERR|…<CR><FS><CR>"),
    row("match/on-connect", "<VT>MSH|…<CR>MSA|AA|STALE0001<CR><FS><CR><send>{AA}"),
    row("match/echo", "{message}"),

    row("payload/junk", "<VT>fail<FS><CR>"),
    row("payload/semi-junk", "<VT>MSA<FS><CR>"),
    row("payload/empty", "<VT><FS><CR>"),
    row("payload/blank", "<VT>   <CR><FS><CR>"),
    row("payload/no-msa", "<VT>{msh}<CR><FS><CR>"),
    row("payload/no-msh", "<VT>{msa}<CR><FS><CR>"),
    row("payload/err-without-msa", "<VT>{msh}<CR>ERR|…<CR><FS><CR>"),
    row("payload/msa-first", "<VT>{msa}<CR>{msh}<CR><FS><CR>"),
    row("payload/code-empty", "<VT>{msh}<CR>MSA||{ID}<CR><FS><CR>"),
    row("payload/code-unknown", "<VT>{msh}<CR>MSA|OK|{ID}<CR><FS><CR>"),
    row("payload/code-prefix", "<VT>{msh}<CR>MSA|AAX|{ID}<CR><FS><CR>"),
    row("payload/code-case", "<VT>{msh}<CR>MSA|aa|{ID}<CR><FS><CR>"),
    row("payload/two-msa", "<VT>{msh}<CR>{msa}<CR>MSA|AE|{ID}<CR><FS><CR>"),
    row("payload/two-msh", "<VT>{msh}<CR>{msh}<CR>{msa}<CR><FS><CR>"),
    row("payload/lf", "<VT>{msh}<LF>{msa}<LF><FS><CR>"),
    row("payload/crlf", "<VT>{msh}<CR><LF>{msa}<CR><LF><FS><CR>"),
    row("payload/merged", "<VT>{msh}{msa}<CR><FS><CR>"),
    row("payload/no-final-cr", "<VT>{msh}<CR>{msa}<FS><CR>"),
    row("payload/literal-newline", "<VT>{msh}\\n{msa}\\n<FS><CR>"),
    row("payload/prose", "<VT>NACK sent from receiver…<FS><CR>"),
    row("payload/http", "<VT>HTTP/1.1 400 …<CR><LF>…<CR><LF><CR><LF><FS><CR>"),
    row("payload/xml", "<VT><ACK>…<MSA.1>AA</MSA.1>…{ID}…</ACK><FS><CR>"),
    row("payload/delimiters",
        "<VT>MSH#*~\\&#EMR#CLINIC#IRIS#IRIS#{time}##ACK*P03*ACK#{own}#P#2.4<CR>MSA#AA#{ID}<CR><FS><CR>"),
    row("payload/shifted",
        "<VT>MSH|^~\\&||EMR|CLINIC|IRIS|IRIS|{time}||ACK^P03^ACK|{own}|P|2.4<CR>{msa}<CR><FS><CR>"),
    row("payload/nul", "<VT>MSH|…<00>…<CR>{msa}<CR><FS><CR>"),
    row("payload/escaped-lf", "<VT>MSH|^~\\&|…\\X0A\\…<CR>{msa}<CR><FS><CR>"),
    row("payload/type-variants", "<VT>{head}|||{own}|P|2.4<CR>{msa}<CR><FS><CR>"),
    row("payload/version-variants", "<VT>{head}||ACK^P03^ACK|{own}|P|<CR>{msa}<CR><FS><CR>"),
    row("payload/processing-id", "<VT>{head}||ACK^P03^ACK|{own}|T|2.4<CR>{msa}<CR><FS><CR>"),
    row("payload/bad-utf8", "<VT>{msh}<CR>{msa}|<any><FF><any><CR><FS><CR>"),
    row("payload/utf16",
        "<VT><FF><FE>M<00>S<00>H<00>|<00>^<00><any>M<00>S<00>A<00>|<00>A<00>A<00>|<00>1<00><any>7<00><CR><00><FS><CR>"),
    row("payload/bom", "<VT><EF><BB><BF>{ack}<FS><CR>"),
    row("payload/wild-msa3", "<VT>{msh}<CR>{msa}|…^…~…\\…&…<CR><FS><CR>"),
    with("payload/giant", "bytes: 1048576", "<VT>{msh}<CR>{msa}|…<CR><FS><CR><at least 1048576>"),
    row("payload/bit-flip", "<VT><any><FS><CR><one bit off>"),
    row("payload/extra-segments", "<VT>{msh}<CR>SFT|…<CR>{msa}<CR><FS><CR>"),
    row("payload/truncated", "<VT>{msh}<CR>MSA|A<FS><CR>"),

    row("frame/no-vt", "{ack}<FS><CR>"),
    row("frame/unframed", "{ack}"),
    row("frame/no-fs-cr", "<VT>{ack}"),
    row("frame/fs-only", "<VT>{ack}<FS>"),
    row("frame/fs-lf", "<VT>{ack}<FS><LF>"),
    row("frame/cr-ff", "<VT>{ack}<CR><0C>"),
    row("frame/trailing-lf", "{AA}<LF>"),
    row("frame/double-wrapped", "<VT><VT>{ack}<FS><CR><FS><CR>"),
    row("frame/junk-before", "…<CR><LF>{AA}"),
    row("frame/junk-after", "{AA}<CR><LF>…<CR><LF>"),
    row("frame/vt-inside", "<VT>{msh}<CR><VT>{msa}<CR><FS><CR>"),
    row("frame/fs-inside", "<VT>{msh}<CR><FS>{msa}<CR><FS><CR>"),
    row("frame/two-in-one-write", "{AA}{AA}"),
    with("frame/byte-by-byte", "after: 200ms", "<VT>{ack}<FS><100ms><CR>"),
    with("frame/header-first", "after: 150ms", "<VT><150ms>{ack}<FS><CR>"),
    with("frame/trailer-late", "after: 150ms", "<VT>{ack}<150ms><FS><CR>"),
    with("frame/cr-late", "after: 150ms", "<VT>{ack}<FS><150ms><CR>"),
    with("frame/pause-inside", "after: 150ms", "<VT>MSH|…<150ms>|P|2.4<CR>{msa}<CR><FS><CR>"),
    with("frame/drip", "after: 150ms", "<VT><150ms>M<150ms>S<150ms>H<enough>"),
    row("frame/partial-then-close", "<VT>MSH|…<EOF><gone>"),
    row("frame/partial-then-reset", "<VT>MSH|…<RST>"),
    row("frame/partial-then-silence", "<VT>MSH|…"),
    row("frame/mllp2-ack", "<VT><06><FS><CR>"),
    row("frame/mllp2-nak", "<VT><15><FS><CR>"),
    row("frame/bare-ack-byte", "<06>"),
    row("frame/bare-nak-byte", "<15>"),
    with("frame/keepalive-noise", "after: 100ms", "{AA}<100ms><LF><100ms><00><100ms><VT><FS><CR>"),
    row("frame/hllp", "<VT>D21<CR>{ack}{d}{d}{d}{d}{d}{d}{d}{d}<FS><CR>"),
    row("frame/custom-bytes", "<02>{ack}<03>"),
    row("frame/split-in-two-frames", "<VT>{msh}<CR><FS><CR><VT>{msa}<CR><FS><CR>"),

    with("connection/refused", "after: 40s", "<ECONNREFUSED>"),
    with("connection/blackhole", "after: 40s", "<ETIMEDOUT>"),
    with("connection/slow-accept", "after: 300ms", "<300ms>{AA}"),
    with("connection/no-read", "after: 40s", "<full>"),
    row("connection/accept-close", "<send 0><EOF><gone>"),
    row("connection/accept-reset", "<send 0><RST>"),
    with("connection/reset-after-bytes", "bytes: 120", "<send 150><RST>"),
    row("connection/close-before-reply", "<EOF><gone>"),
    row("connection/reset-before-reply", "<RST>"),
    row("connection/reply-then-close", "{AA}<EOF><gone>"),
    row("connection/reply-then-reset", "{AA}<RST>"),
    row("connection/half-close", "<EOF><heard>"),
    with("connection/idle-drop", "after: 150ms", "{AA}<150ms><EOF><gone>"),
    row("connection/close-every", "{AA}<EOF><gone>"),
    row("connection/max-connections", "<send 0><EOF><gone>"),
    row("connection/steal-session", "<EOF><gone>"),
    with("connection/min-gap", "after: 40s",
        "{AA}<next><VT>{msh}<CR>MSA|AR|…<CR>ERR|…<CR><FS><CR>"),
    with("connection/restart", "after: 40s", "<EOF><ECONNREFUSED>"),
];
