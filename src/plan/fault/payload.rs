//! Malformed answers in a good frame.

family! {
    /// A malformed answer in a good frame.
    pub enum Payload {
        Junk "payload/junk" Unknown reads [Text, Cut]
            "the word `fail`"
            "a script that stands in for the EMR, or an engine whose error text replaces the answer"
        SemiJunk "payload/semi-junk" Unknown reads [Text, Cut]
            "the letters `MSA`"
            "an answer template whose fields were never filled in"
        Empty "payload/empty" Unknown reads [Cut]
            "a frame without payload"
            "an engine whose answer step produced nothing"
        Blank "payload/blank" Unknown reads [Cut]
            "a frame of blanks"
            "an engine whose answer template came out as white space"
        NoMsa "payload/no-msa" Unknown reads [Cut]
            "an acknowledgement without MSA"
            "an engine that sends a header alone, since its answer route failed halfway"
        NoMsh "payload/no-msh" Unknown reads [Cut]
            "an acknowledgement without MSH"
            "a home-made receiver that writes the one segment it knows"
        ErrWithoutMsa "payload/err-without-msa" Unknown reads [Text, Error, At, Severity, Cut]
            "an acknowledgement with ERR in place of MSA"
            "an engine that reports a parse error before it knows what to answer"
        MsaFirst "payload/msa-first" Unknown reads [Cut]
            "MSA before MSH"
            "a home-made receiver that puts segments together in the wrong order"
        CodeEmpty "payload/code-empty" Unknown reads [Cut]
            "MSA-1 is empty"
            "an answer template whose code was never filled in"
        CodeUnknown "payload/code-unknown" Unknown reads [Form, Cut]
            forms ["OK", "00"]
            "MSA-1 is `OK` or `00`"
            "a home-made receiver with words of its own for success"
        CodePrefix "payload/code-prefix" Unknown reads [Form, Cut]
            forms ["AAX", "AA^"]
            "MSA-1 is `AAX` or `AA^`"
            "a receiver with local codes, which engines that compare two letters take for an acceptance"
        CodeCase "payload/code-case" Unknown reads [Form, Cut]
            forms ["lower", "blank"]
            "MSA-1 is `aa`, or `AA` and a blank"
            "a home-made receiver that writes codes in small letters"
        TwoMsa "payload/two-msa" Unknown reads [Cut]
            "one MSA with AA and one with AE"
            "an engine that merges the answers of two systems into one message"
        TwoMsh "payload/two-msh" Unknown reads [Cut]
            "an acknowledgement with a second MSH between MSH and MSA"
            "an engine that joins two answers, or wraps one into another and keeps both headers"
        Lf "payload/lf" Delivered reads [Cut]
            "segments end in line feeds"
            "a receiver written on Unix, or an editor's line ends in an answer template"
        Crlf "payload/crlf" Delivered reads [Cut]
            "segments end in carriage return and line feed"
            "a receiver written on Windows, or an editor's line ends in an answer template"
        Merged "payload/merged" Unknown reads [Cut]
            "no carriage return between MSH and MSA"
            "a receiver that joins segments and forgets what stands between them"
        NoFinalCr "payload/no-final-cr" Delivered reads [Cut]
            "the last segment has no carriage return"
            "a receiver that takes the segment end for a separator: common, and harmless"
        LiteralNewline "payload/literal-newline" Unknown reads [Cut]
            "segments end in a backslash and an `n`"
            "an answer template whose escape was never translated"
        Prose "payload/prose" Unknown reads [Text, Cut]
            "a sentence instead of HL7"
            "an engine or a gateway that writes its error for people"
        Http "payload/http" Unknown reads [Form, Text, Cut]
            forms ["framed", "raw"]
            "an HTTP error page, in a frame or without"
            "a web server or a proxy on the port where the EMR should be"
        Xml "payload/xml" Unknown reads [Cut]
            "the acknowledgement as XML"
            "an engine that answers in the XML encoding, which nobody asked for"
        Delimiters "payload/delimiters" Delivered reads [Cut]
            "the acknowledgement in other delimiters"
            "an EMR with delimiters of its own, which MSH announces"
        Shifted "payload/shifted" Unknown reads [Cut]
            "every MSH field one place off"
            "a home-made receiver that counts MSH-1 as a field"
        Nul "payload/nul" Delivered reads [Cut]
            "a NUL byte inside the acknowledgement"
            "a receiver in C that sends the end of its string along"
        EscapedLf "payload/escaped-lf" Delivered reads [Form, Cut]
            forms ["field", "ends"]
            "a line feed, escaped as hexadecimal, in MSH or in place of segment ends"
            "an engine whose template has a line break in a header value"
        TypeVariants "payload/type-variants" Unknown reads [Form, Cut]
            forms ["missing", "ACK", "ACK^P03", "ACK^P03^DFT_P03"]
            "MSH-9 is missing, or any of its spellings"
            "receivers that were built for another version of HL7, each of which writes MSH-9 in its own way"
        VersionVariants "payload/version-variants" Delivered reads [Form, Cut]
            forms ["missing", "2.9", "other"]
            "MSH-12 is missing, unknown, or not the message's"
            "an EMR whose answer template has a version of its own"
        ProcessingId "payload/processing-id" Delivered reads [Cut]
            "MSH-11 is T for a message in production"
            "a production port whose answer template was copied from the test system"
        BadUtf8 "payload/bad-utf8" Delivered reads [Cut]
            "MSA-3 has bytes that are no UTF-8"
            "an EMR that writes its error texts in the code page of its server"
        Utf16 "payload/utf16" Unknown reads [Cut]
            "the acknowledgement in UTF-16"
            "a receiver on a platform whose strings are UTF-16 and that writes them as they are"
        Bom "payload/bom" Unknown reads [Cut]
            "a byte order mark before MSH"
            "a receiver that writes its answer through a text file"
        WildMsa3 "payload/wild-msa3" Delivered reads [Form, Cut]
            forms ["delimiters", "long", "lines"]
            "MSA-3 full of delimiters, 64 KiB long, or of many lines"
            "an EMR that puts a whole stack trace or the message itself into the text"
        Giant "payload/giant" Delivered reads [Bytes, Cut]
            "an acknowledgement of 1 to 16 MiB"
            "an EMR that answers with the whole chart, or a proxy that answers with a download page"
        BitFlip "payload/bit-flip" Unknown reads [Cut]
            "one bit of the acknowledgement is flipped, and the seed decides which"
            "a broken memory module or a proxy with a bad buffer: checksums end where the bytes are copied"
        ExtraSegments "payload/extra-segments" Delivered reads [Form, Cut]
            forms ["SFT", "Z"]
            "SFT or a Z segment before MSA"
            "an engine that says who it is, or a vendor's own segment"
        Truncated "payload/truncated" Unknown reads [Cut]
            "the payload ends inside MSA"
            "a receiver whose buffer was too short for its own answer"
    }
}
