//! Well-formed answers (HL7 v2 chapter 2, section 2.9).

family! {
    /// A well-formed answer.
    pub enum Answer {
        Accept "answer/accept" Delivered reads [Text, Cut]
            "AA, or what MSH-15 and MSH-16 ask for"
            "an EMR in good health, and what every other row is measured against"
        Error "answer/error" Rejected reads [Text, Error, At, Severity, Cut]
            "AE with text and an ERR in the form of the message's version"
            "an interface engine or a charge router that read the message and could not file it: an unknown charge code, a visit that is closed"
        Reject "answer/reject" Rejected reads [Text, Error, At, Severity, Cut]
            "AR with text and an ERR in the form of the message's version"
            "a receiver that turns the message away as such: wrong processing id, a queue that is full, a message type that is not enabled"
        CommitAccept "answer/commit-accept" Unknown reads [Text, Cut]
            "CA and nothing more"
            "an engine in enhanced mode that says `stored` where nobody asked for that, and whose application never follows up"
        CommitError "answer/commit-error" Rejected reads [Text, Error, At, Severity, Cut]
            "CE and nothing more"
            "an engine that could not store the message: disk full, database down"
        CommitReject "answer/commit-reject" Rejected reads [Text, Error, At, Severity, Cut]
            "CR and nothing more"
            "an engine whose inbound channel is switched off for this message type or this sender"
        CommitThenAccept "answer/commit-then-accept" Delivered reads [After, Text, Cut]
            "CA, a delay, then AA on the same connection"
            "an engine in enhanced mode on one connection: stored at once, filed a moment later"
        CommitThenError "answer/commit-then-error" Rejected
            reads [After, Text, Error, At, Severity, Cut]
            "CA, a delay, then AE on the same connection"
            "an engine that stores the message and an application behind it that then cannot file it"
        CommitThenReject "answer/commit-then-reject" Rejected
            reads [After, Text, Error, At, Severity, Cut]
            "CA, a delay, then AR on the same connection"
            "an engine that stores the message and an application behind it that then turns it away"
        AcceptOnOtherConnection "answer/accept-on-other-connection" Delivered
            reads [After, Code, Text, Error, At, Severity]
            codes [AA, AE, AR]
            "CA, a delay, then AA on a new connection to the sender's port"
            "an engine in enhanced mode whose application answers on a channel of its own, towards a listener of the sender"
        AcceptLost "answer/accept-lost" Unknown reads []
            "the EMR posts the charge, then closes without a byte"
            "an EMR that posts the charge and restarts, or a firewall that drops the session, before the answer is out: the classic double charge"
        Late "answer/late" Unknown reads [After, Text, Cut]
            "AA after the sender's timeout"
            "an EMR under load, at month's end or during a backup, whose answer is slower than the sender's patience"
        LateAfterNext "answer/late-after-next" Unknown reads [Text, Cut]
            "AA for a message written when the next one has arrived, before its own"
            "an EMR under load behind a sender that has gone on: the old answer arrives where the next one is due"
        DuplicateControlId "answer/duplicate-control-id" Rejected
            reads [Code, Text, Error, At, Severity, Cut]
            codes [AR, AE]
            "AR with 0357 code 207 (or 205): the control id already exists"
            "an EMR that has seen this control id: it took the first copy, or two senders count alike"
        Locked "answer/locked" Rejected reads [Code, Text, Error, At, Severity, Cut]
            codes [AE, AR]
            "AE (or AR) with 0357 code 206: record locked, which sounds transient"
            "an account that a registrar or a nightly job holds open: it sounds as if trying again would help"
        FailThenAccept "answer/fail-then-accept" Rejected
            reads [Times, Code, Text, Error, At, Severity, Cut]
            codes [AR, AE]
            "AR for the first attempts at an order, then AA"
            "an EMR whose operator adds the missing code while the sender tries: whoever tries on is posted in the end, and perhaps twice"
        ErrorThenAccept "answer/error-then-accept" Rejected
            reads [After, Text, Error, At, Severity, Cut]
            "AE, a delay, then an unsolicited AA for the same message"
            "an engine that answers an error and whose operator then replays the message from the error queue"
        None "answer/none" Unknown reads []
            "read everything, answer nothing, keep the connection open"
            "an interface thread that hangs: the port takes everything and nobody works behind it"
        OtherType "answer/other-type" Unknown reads [Form, Cut]
            forms ["ORR^O02", "ADR^A19", "MCF"]
            "MSA with AA inside a message of another type"
            "an engine whose answer is built by a route meant for another interface"
        AcceptWithErr "answer/accept-with-err" Delivered reads [Text, Error, At, Severity, Cut]
            "AA with an ERR that informs or warns"
            "an EMR that takes the charge with a warning, such as a price that is being updated"
        Batch "answer/batch" Unknown reads [Times, Cut]
            "the acknowledgement inside a batch, alone or with others"
            "an engine that answers through its batch route, as for a nightly file"
        Slow "answer/slow" Delivered reads [After, Text, Cut]
            "AA just before the sender's timeout"
            "an EMR under load that still answers in time"
    }
}
