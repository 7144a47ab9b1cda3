//! What happens to a connection, or to the endpoint that it is made to.

family! {
    /// Something that happens to the connection.
    pub enum Connection {
        Refused "connection/refused" NotSent reads [After]
            "the endpoint does not listen for a while"
            "an EMR that is down or restarting: the port answers that nobody listens"
        Blackhole "connection/blackhole" NotSent reads [After]
            "a connect gets neither an answer nor a refusal for a while"
            "a firewall that drops silently, an address that nobody has, a server too busy to answer a connect"
        SlowAccept "connection/slow-accept" Unknown reads [After]
            "the system takes the connection and the message, and the EMR accepts it only after a while"
            "an engine whose threads are all taken: the connect succeeds, the bytes leave, and whoever gives up must know that they will still be read"
        NoRead "connection/no-read" Unknown reads [After]
            "the EMR stops reading, and reads on after a while"
            "an engine that hangs in its database or collects garbage: its window closes, and what it was sent is read when it wakes up"
        AcceptClose "connection/accept-close" NotSent reads []
            "closed as soon as it is accepted"
            "a load balancer or a port forwarder without an EMR behind it"
        AcceptReset "connection/accept-reset" NotSent reads []
            "reset as soon as it is accepted"
            "a firewall or a load balancer that turns the session away"
        ResetAfterBytes "connection/reset-after-bytes" Unknown reads [Bytes]
            "reset inside the message"
            "a firewall that does not like the content, or an EMR that dies while it reads"
        CloseBeforeReply "connection/close-before-reply" Unknown reads []
            "closed after the message, before any answer"
            "an EMR that was stopped in good order before it answered"
        ResetBeforeReply "connection/reset-before-reply" Unknown reads []
            "reset after the message, before any answer"
            "an EMR that dies, or a firewall that cuts the session, before the answer"
        ReplyThenClose "connection/reply-then-close" Delivered reads []
            "AA, then a close"
            "an EMR that wants a new connection for every message"
        ReplyThenReset "connection/reply-then-reset" Delivered reads []
            "AA, then a reset"
            "an EMR that wants a new connection for every message and ends the old one roughly"
        HalfClose "connection/half-close" Unknown reads []
            "the EMR ends its side without an answer and keeps reading"
            "a proxy that passes the end of one direction on, or an EMR that is shutting down and still reads"
        IdleDrop "connection/idle-drop" Delivered reads [After]
            "AA, then a close once nothing was said for a while"
            "an engine or a firewall that ends idle sessions: the next charge meets a connection that is gone"
        CloseEvery "connection/close-every" Delivered reads [Count]
            "AA, and a close after every so many messages on a connection"
            "an engine that takes one message per connection, or recycles its sessions"
        MaxConnections "connection/max-connections" NotSent reads [Count]
            "closed as soon as it is accepted, where so many others are open"
            "a licence for so many sessions, or sessions that nobody has cleaned up: all places are taken"
        StealSession "connection/steal-session" Unknown reads []
            "another connection is opened, and the older ones are closed"
            "an engine that keeps one session per sender: a second instance, or somebody's test tool, takes it over"
        MinGap "connection/min-gap" Rejected reads [After, Text, Error, At, Severity]
            "AR for a message that comes too soon after the one before"
            "a receiver that limits how fast it is fed, and turns away what is over the limit"
        Restart "connection/restart" Unknown reads [After]
            "after the message every connection is closed without an answer, and nobody listens for a while"
            "an engine that is restarted for an update, or by its watchdog, with messages in its hands"
    }
}
