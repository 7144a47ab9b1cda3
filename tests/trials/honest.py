"""Honest senders with habits, which nobody may convict."""
import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import time

from engine import Engine, now, put, sender


@sender("ok-vt-tests-the-line")
class VtTestsTheLine(Engine):
    """Writes the start byte alone, and goes on if the EMR has not hung up 50 ms later."""
    def open(self, endpoint):
        connection = super().open(endpoint)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"\x0b")
        if select.select([connection], [], [], 0.05)[0]:
            connection.close()
            raise OSError("it hung up")
        return connection

    def put(self, connection, data): connection.sendall(data[1:])


@sender("ok-now-for-each-field")
class NowForEachField(Engine):
    """Asks its clock anew for each field that wants the time; here a second always ends between."""
    def alter(self, kind, order, message):
        if kind == "charge":
            while not 0.9 < time.time() % 1 < 0.99: time.sleep(0.005)
            message = put(put(message, "MSH", 7, now()), "EVN", 2, now())
            while not 0.02 < time.time() % 1 < 0.5: time.sleep(0.005)
            message = put(message, "FT1", 5, now())
        return message


@sender("ok-health-checks")
class HealthChecks(Engine):
    """Sees that the EMR is there by a connect and a close every 200 ms."""
    pause = 0.2

    def step(self):
        with contextlib.suppress(OSError): self.open(self.endpoints[0]).close()


@sender("ok-kill0")
class WholeGroup(Engine):
    """A site's wrapper starts it: whatever ends that takes its whole process group along."""
    @staticmethod
    def begin(arguments):
        wrapped = "trap 'trap - EXIT TERM; kill 0' EXIT TERM; WRAPPED=1 \"$@\" & wait"
        if "WRAPPED" not in os.environ:
            os.execvp("bash", ["bash", "-c", wrapped, "wrapper", sys.executable, *arguments])


@sender("ok-supervisor")
class Supervisor(Engine):
    """A supervisor starts the worker as its child and passes SIGTERM on; killed, it takes it along."""
    @staticmethod
    def begin(arguments):
        parent = os.getpid()
        child = os.fork()
        if child:
            signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
            os.waitpid(child, 0)
            sys.exit(0)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


@sender("ok-ping")
class Ping(Engine):
    """Says every half second by a message of its own that it is there; that names nobody."""
    pause = 0.5

    def step(self):
        ping = f"MSH|^~\\&|IRIS|IRIS|EMR|CLINIC|{now()}||ZPG^Z01|P{time.time_ns() % 10**12}|P|2.4\rZPG|1|UP\r"
        self.again(self.frame(ping))


@sender("ok-sent-by-bytes")
class ByBytes(Engine):
    """Writes each message in three writes."""
    def put(self, connection, data):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (data[:1], data[1:40], data[40:]):
            connection.sendall(piece)
            time.sleep(0.01)
