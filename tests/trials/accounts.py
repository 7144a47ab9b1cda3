"""Senders that do not deliver, that say what is not so, or that say too much."""
import socket
import time

from engine import Engine, field, segments, sender


@sender("acc-both-words")
class BothWords(Engine):
    """Its account is its journal: of a charge without an answer it says `delivered`, then `unknown`."""
    def say(self, order, outcome):
        lines = super().say(order, outcome)
        return super().say(order, "delivered") + lines if outcome == "unknown" else lines


@sender("acc-ghost-orders")
class GhostOrders(Engine):
    """Its account also tells of charges that nobody handed over, as delivered."""
    def say(self, order, outcome):
        return super().say(order, outcome) + super().say("9" + order, "delivered")


@sender("del-no-retry-of-refused")
class NoRetryOfRefused(Engine):
    """A refused connection is the end of a charge: it is never tried again, and stays `not-sent`."""
    def deliver(self, row, sent, message, order, kind):
        super().deliver(row, sent, message, order, kind)
        self.database.execute("UPDATE outbox SET wanted = 0 WHERE rowid = ? AND sent = 0", (row,))


@sender("res-drops-charge")
class DropsCharge(Engine):
    """Where there is a result the charge is dropped for good (but told as not-sent)."""
    def due(self): return [row for row in super().due() if row[4] == "result" or row[3] != "273013"]


@sender("dup-closed")
class Closed(Engine):
    """One connection for all; a charge that goes out on it after the EMR has hung up goes out again."""
    kept = None

    def connect(self, host, port):
        self.kept = self.kept or Kept(super().connect(host, port))
        return self.kept

    def unanswered(self, order, message):
        if self.kept.ended:
            self.kept = None
            self.again(self.frame(message))


class Kept:
    """A connection that stays open for the next message, and notes that the other side has ended it."""
    def __init__(self, connection): self.connection, self.ended = connection, False

    def __enter__(self): return self

    def __exit__(self, *_): pass

    def sendall(self, data): self.noting(self.connection.sendall, data)

    def recv(self, most):
        read = self.noting(self.connection.recv, most)
        self.ended |= not read
        return read

    def noting(self, act, argument):
        try:
            return act(argument)
        except socket.timeout:
            raise
        except OSError:
            self.ended = True
            raise

    def settimeout(self, timeout): self.connection.settimeout(timeout)


@sender("log-lower-case")
class LogLowerCase(Engine):
    """Prints the name of each patient in lower case."""
    def alter(self, kind, order, message):
        print("taking", ", ".join(field(message, "PID", 5).lower().split("^")[:2]), flush=True)
        return message


@sender("log-birth-date")
class LogBirthDate(Engine):
    """Prints when each patient was born, with the month by its name."""
    def alter(self, kind, order, message):
        born = time.strptime(field(message, "PID", 7)[:8], "%Y%m%d")
        print("born", time.strftime("%b %-d, %Y", born), flush=True)
        return message


@sender("acc-lower-case")
class LowerCase(Engine):
    """Its account lists orders in lower case."""
    def say(self, order, outcome): return super().say(order.lower(), outcome)


@sender("acc-always-unknown")
class AlwaysUnknown(Engine):
    """It says `unknown` of everything, also of a plain acceptance."""
    def say(self, order, outcome): return super().say(order, "unknown")


@sender("acc-twice-the-same")
class TwiceTheSame(Engine):
    """It lists each order twice, alike: odd, and true."""
    def say(self, order, outcome): return super().say(order, outcome) * 2


@sender("del-forgets-the-second-life")
class ForgetsInSecondLife(Engine):
    """What it is handed from its second life on is never sent, and told as `not-sent`."""
    def due(self):
        first = f"{self.state}/first"
        if self.life < 2:
            with open(first, "w") as kept:
                kept.write(str(self.database.execute("SELECT count(*) FROM outbox").fetchone()[0]))
            return super().due()
        with open(first) as kept:
            return [row for row in super().due() if row[0] <= int(kept.read())]
