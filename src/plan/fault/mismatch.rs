//! Well-formed answers to the wrong message.

family! {
    /// A well-formed answer to the wrong message, or more than one answer.
    pub enum Mismatch {
        Other "match/other" Unknown reads [Text, Cut]
            "MSA-2 is the id of no message"
            "an engine that makes up control ids, or answers with the ids of its own outbound side"
        Previous "match/previous" Unknown reads [Cut]
            "MSA-2 is the id of the message before"
            "an answer that is one message behind, as after a timeout on a connection that was kept"
        Empty "match/empty" Unknown reads [Cut]
            "MSA-2 is empty"
            "a home-made receiver that fills in the code and forgets whom it answers"
        Truncated "match/truncated" Unknown reads [Bytes, Cut]
            "MSA-2 is cut to ten characters, or to as many as it says"
            "an EMR whose control id column is too short"
        Padded "match/padded" Unknown reads [Cut]
            "MSA-2 is padded with blanks"
            "an EMR that keeps control ids in a column of fixed width"
        Numeric "match/numeric" Unknown reads [Form, Cut]
            forms ["exponent", "leading-zeros"]
            "MSA-2 has passed through a number"
            "an EMR or a spreadsheet step that keeps control ids as numbers"
        ReEscaped "match/re-escaped" Unknown reads [Cut]
            "MSA-2 has been escaped once more"
            "an engine that escapes every field it writes, whether or not it was escaped already"
        InMsh10Only "match/in-msh10-only" Unknown reads [Cut]
            "the acknowledgement's own MSH-10 is the message's, and MSA-2 is empty"
            "a home-made receiver that copies the header back with its id and never writes MSA-2"
        Twice "match/twice" Delivered reads [After, Cut]
            "two identical acknowledgements"
            "two interface threads, or an engine and the EMR behind it, that both answer"
        Conflict "match/conflict" Delivered reads [After, Text, Cut]
            "AA, then AR, for the same message"
            "an engine that accepts and an EMR behind it that then refuses, both on the same connection"
        OutOfOrder "match/out-of-order" Unknown reads []
            "AA for a message written when the next one has been answered"
            "an engine with several threads, whose answers overtake one another"
        OnConnect "match/on-connect" Delivered reads [Text, Cut]
            "a stale acknowledgement as soon as the connection is accepted"
            "a proxy or a terminal server that holds the last session's answer and hands it to the next one"
        Echo "match/echo" Unknown reads [Cut]
            "the message itself comes back"
            "a loopback test port, or a listener that is set to echo"
    }
}
