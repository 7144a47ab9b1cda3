"""Senders whose TLS is not what it should be."""
import ssl

from engine import Engine, sender


@sender("tls-no-client")
class NoClientCertificate(Engine):
    """Shows no certificate, though it was given one: with TLS 1.3 it hears so after it has written."""
    def __init__(self, endpoints="", state="", inbox="", timeout="500", ca=None, *certificate):
        super().__init__(endpoints, state, inbox, timeout, *([ca] if ca else []))


@sender("tls-tofu")
class TrustsOnSecondUse(Engine):
    """Takes an unknown authority or another host name once it was refused; never an expired one."""
    def open(self, endpoint):
        try:
            return super().open(endpoint)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code == 10:
                raise
            host, port = endpoint.rsplit(":", 1)
            lax = ssl._create_unverified_context()
            return lax.wrap_socket(self.connect(host, port), server_hostname=host)


@sender("tls-on-plain")
class TlsOnPlain(Engine):
    """Speaks TLS to every endpoint, though none asks for it."""
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.tls = ssl.create_default_context()
