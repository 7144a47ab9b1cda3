"""An honest sender with an outbox in SQLite, in the manner of `senders/outbox.py`, with hooks by which
others break it or vary it. It only transports: the finished messages are handed to it."""
import contextlib, json, os, pathlib, signal, socket, sqlite3, ssl, sys, time


class Engine:
    pause = 0.1

    @staticmethod
    def begin(arguments): pass  # before anything else, in the process that was started

    def __init__(self, endpoints="", state="", inbox="", timeout="500", ca=None, *certificate):
        self.endpoints, self.state, self.inbox = endpoints.split(","), state, inbox
        self.timeout = int(timeout) / 1000
        self.tls = ssl.create_default_context(cafile=ca) if ca else None
        if certificate:
            self.tls.load_cert_chain(*certificate)
        self.database = self.outbox()
        self.life = 0

    # What others change.
    def alter(self, kind, order, message): return message
    def frame(self, message): return b"\x0b" + message.encode("latin-1") + b"\x1c\r"
    def put(self, connection, data): connection.sendall(data)
    def unanswered(self, order, message): pass
    def after(self, order, kind, message, outcome, connection):
        if kind == "charge" and outcome == "unknown": self.unanswered(order, message)
    def started(self): pass
    def stopping(self): pass
    def step(self): pass
    def say(self, order, outcome): return [{"order": order, "outcome": outcome}]
    def due(self):
        due = "SELECT rowid, sent, message, number, kind FROM outbox WHERE sent < wanted ORDER BY rowid"
        return self.database.execute(due).fetchall()
    def connect(self, host, port): return socket.create_connection((host, int(port)), self.timeout)

    def outbox(self):
        database = sqlite3.connect(f"{self.state}/outbox.db", isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE IF NOT EXISTS outbox (number TEXT, kind TEXT, message TEXT,"
                         " outcome TEXT DEFAULT 'not-sent', sent INTEGER DEFAULT 0,"
                         " wanted INTEGER DEFAULT 1, PRIMARY KEY (number, kind))")
        return database

    def take(self):
        for path in sorted(pathlib.Path(self.inbox).glob("*.json")):
            with contextlib.suppress(FileNotFoundError):
                new = json.loads(path.read_bytes())
                rows = [(new["order"], kind, self.alter(kind, new["order"], new[kind]))
                        for kind in ("charge", "result") if new[kind]]
                self.database.executemany("INSERT OR IGNORE INTO outbox (number, kind, message) VALUES (?, ?, ?)", rows)
                path.unlink()

    def answer(self, connection, header, timeout):
        delivered = "CA" if header[15:16] == ["NE"] else "AA"
        known = {delivered: "delivered", **dict.fromkeys(["AE", "AR", "CE", "CR"], "rejected")}
        until, heard, read = time.monotonic() + timeout, b"", True
        while read and len(heard) < 1_000_000 and (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            read = connection.recv(4096)
            *frames, heard = (heard + read).split(b"\x1c\r")
            for frame in frames:
                lines = frame.decode("latin-1").split("\x0b")[-1].split("\r")
                about_it = (line.split("|") for line in lines if line.startswith("MSA|"))
                codes = [fields[1] for fields in about_it if fields[2:3] == [header[9]]]
                if lines[0].startswith("MSH|^~\\&|") and len(codes) == 1 and codes[0] in known:
                    return known[codes[0]]
        return "unknown"

    def open(self, endpoint):
        host, port = endpoint.rsplit(":", 1)
        connection = self.connect(host, port)
        return self.tls.wrap_socket(connection, server_hostname=host) if self.tls else connection

    def deliver(self, row, sent, message, order, kind):
        for endpoint in self.endpoints:
            try:
                connection = self.open(endpoint)
            except OSError:
                continue
            outcome = "unknown"
            with contextlib.suppress(OSError), connection:
                mark = "UPDATE outbox SET outcome = ?, sent = ? WHERE rowid = ? AND sent = ?"
                if self.database.execute(mark, ("unknown", sent + 1, row, sent)).rowcount == 1:
                    try:
                        self.put(connection, self.frame(message))
                        outcome = self.answer(connection, message.split("\r")[0].split("|"), self.timeout)
                    except OSError:
                        outcome = "unknown"
                    self.database.execute(mark, (outcome, sent + 1, row, sent + 1))
                    self.after(order, kind, message, outcome, connection)
            return

    def again(self, data, endpoint=None, wait=0.2, tls=True):
        """Writes raw bytes over a connection of their own, and reads what comes."""
        with contextlib.suppress(OSError):
            endpoint = endpoint or self.endpoints[0]
            host, port = endpoint.rsplit(":", 1)
            connection = self.open(endpoint) if tls else socket.create_connection((host, int(port)), self.timeout)
            with connection:
                connection.sendall(data)
                connection.settimeout(wait)
                connection.recv(4096)

    def terminated(self, *_):
        self.stopping()
        sys.exit(0)

    def send(self):
        signal.signal(signal.SIGTERM, self.terminated)
        with open(f"{self.state}/lives", "a") as lives:
            lives.write("x")
        self.life = os.path.getsize(f"{self.state}/lives")
        self.started()
        print("ready", flush=True)
        while True:
            self.take()
            for row in self.due():
                self.deliver(*row)
            self.step()
            time.sleep(self.pause)

    def account(self):
        for order, outcome in self.database.execute("SELECT number, outcome FROM outbox WHERE kind = 'charge'"):
            for line in self.say(order, outcome):
                print(json.dumps(line))

    def resend(self, order):
        again = "UPDATE outbox SET wanted = sent + 1 WHERE number = ? AND kind = 'charge' AND sent > 0"
        if self.database.execute(again, (order,)).rowcount == 0:
            sys.exit(f"no charge of order {order} was ever sent")


SENDERS = {"honest": Engine}


def sender(name):
    """Gives a sender the name under which the table knows it."""
    def named(engine):
        SENDERS[name] = engine
        return engine
    return named


def segments(message): return message.split("\r")

def field(message, segment, number):
    for line in message.split("\r"):
        parts = line.split("|")
        if parts[0] == segment:
            index = number - 1 if segment == "MSH" else number
            return parts[index] if index < len(parts) else ""
    return ""

def put(message, segment, number, value, occurrence=0):
    """The message with one field set."""
    lines, seen = message.split("\r"), 0
    for at, line in enumerate(lines):
        parts = line.split("|")
        if parts[0] != segment:
            continue
        seen += 1
        if occurrence and seen != occurrence:
            continue
        index = number - 1 if segment == "MSH" else number
        parts += [""] * (index + 1 - len(parts))
        parts[index] = value
        lines[at] = "|".join(parts)
    return "\r".join(lines)

def fresh(message):
    """The same message under a new control id."""
    return put(message, "MSH", 10, "R" + field(message, "MSH", 10)[-15:])

def now(): return time.strftime("%Y%m%d%H%M%S", time.gmtime())
