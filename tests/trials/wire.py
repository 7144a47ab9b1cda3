"""Senders that are odd on the wire."""
import time

from engine import Engine, now, sender


@sender("wire-two-vt")
class TwoVt(Engine):
    """Two start bytes."""
    def put(self, connection, data): connection.sendall(b"\x0b" + data)


@sender("bat-each-charge")
class BatchForEach(Engine):
    """Each charge in a batch of its own (FHS, BHS ... BTS, FTS): not what was agreed, but well formed."""
    def frame(self, message):
        return super().frame("FHS|^~\\&|IRIS|IRIS\rBHS|^~\\&|IRIS|IRIS\r" + message + "BTS|1\rFTS|1\r")


@sender("msk-foreign-patient")
class ForeignPatient(Engine):
    """Behind each charge stands a PID in other delimiters, of a patient whom no exam of the plan names."""
    def frame(self, message):
        if "DFT^P03" in message:
            message += "PID##GEHEIM777****MRN#GEHEIM777##GEHEIM*ANNA##19700101#F\r"
        return super().frame(message)


@sender("enh-ack-empty-id")
class AcknowledgesAnswers(Engine):
    """Acknowledges each answer on its connection by an ACK whose MSA-2 is empty."""
    def answer(self, connection, header, timeout):
        peek = Peek(connection)
        outcome = super().answer(peek, header, timeout)
        if peek.all:
            number = time.time_ns() % 10**12
            ack = f"MSH|^~\\&|IRIS|IRIS|EMR|CLINIC|{now()}||ACK|C{number}|P|2.4\rMSA|CA|\r"
            connection.sendall(self.frame(ack))
        return outcome


class Peek:
    """A connection that remembers what was read from it."""
    def __init__(self, connection): self.connection, self.all = connection, b""

    def recv(self, most):
        read = self.connection.recv(most)
        self.all += read
        return read

    def settimeout(self, timeout): self.connection.settimeout(timeout)


@sender("msk-note")
class Note(Engine):
    """Behind each charge stands a note and a segment of a site's own about another patient."""
    def frame(self, message):
        if "DFT^P03" in message:
            message += "NTE|1|L|Patientin Geheim, Anna, 1. Januar 1970\rZPA|GEHEIM888|Geheim|19700101\r"
        return super().frame(message)


@sender("wire-fs-first")
class FsFirst(Engine):
    """An end byte before each message."""
    def put(self, connection, data): connection.sendall(b"\x1c" + data)


@sender("wire-proxy-line")
class ProxyLine(Engine):
    """A load balancer's PROXY line comes first on each connection."""
    def connect(self, host, port):
        connection = super().connect(host, port)
        connection.sendall(b"PROXY TCP4 10.0.0.1 10.0.0.2 40000 2575\r\n")
        return connection


@sender("wire-nul-bytes")
class NulBytes(Engine):
    """Keep-alive bytes 00 go out while an answer is awaited."""
    def answer(self, connection, header, timeout):
        connection.sendall(b"\0\0")
        outcome = super().answer(connection, header, timeout)
        connection.sendall(b"\0")
        return outcome


@sender("wire-start-byte-again")
class StartByteAgain(Engine):
    """On no answer it writes a start byte to see whether the line is alive."""
    def unanswered(self, order, message): self.again(b"\x0b")


@sender("enh-ack-as-mcf")
class AcknowledgesByMcf(AcknowledgesAnswers):
    """Acknowledges each answer by an MCF, with an id that nobody knows."""
    def frame(self, message):
        return super().frame(message.replace("||ACK|", "||MCF^Q02|").replace("MSA|CA|", "MSA|AA|X"))
