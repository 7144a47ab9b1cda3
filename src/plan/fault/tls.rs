//! What happens to the TLS of a connection.

family! {
    /// Something that happens to its TLS.
    pub enum Tls {
        Expired "tls/expired" NotSent reads []
            "the EMR shows a certificate whose time is over"
            "a certificate that nobody renewed"
        WrongHost "tls/wrong-host" NotSent reads []
            "the EMR shows a certificate of another host"
            "an EMR that moved to another name or address and took its certificate along, or somebody in between"
        UnknownCa "tls/unknown-ca" NotSent reads []
            "the EMR shows a certificate of an authority that the sender was not told to trust"
            "a certificate from a new authority of the hospital, a self-signed one, or a proxy that opens TLS"
        HandshakeStall "tls/handshake-stall" NotSent reads [After]
            "the ClientHello is read, and not a byte comes back"
            "a TLS gateway that has run out of workers, or a firewall that swallows the answer"
        PlaintextOnTls "tls/plaintext-on-tls" NotSent reads []
            "the ClientHello is answered in plain MLLP, with AR"
            "a listener whose TLS was switched off, or the port of the plain listener"
        TlsOnPlaintext "tls/tls-on-plaintext" Unknown reads []
            "the plain message is answered with the TLS alert unexpected_message, then a close"
            "a listener whose TLS was switched on, or the port of the listener with TLS"
        ClientCertRequired "tls/client-cert-required" NotSent reads []
            "the EMR breaks off because the sender, which was given no client certificate, shows none"
            "an EMR that was set to mutual TLS one night"
        ClientCertRefused "tls/client-cert-refused" NotSent reads []
            "the EMR breaks off because it does not know the authority of the client's certificate"
            "an EMR whose list of trusted authorities was replaced and lacks the sender's"
        NoCloseNotify "tls/no-close-notify" Delivered reads []
            "AA, then the connection closes without the close_notify of TLS"
            "an engine or a load balancer that closes the socket below TLS, as many do"
    }
}
