"""A charge sender to copy: whatever the EMR answers, and whenever it is killed, no charge goes twice.

Each message is a row of an outbox. Before its first byte leaves, the row is marked on disk as sent
and `unknown`; only an answer to this very attempt changes that again. A charge of which a byte may
have left is not sent again, unless a person who has looked into it says `resend`. Nor is a result:
it could be, but a result that is missed is asked for, and a charge that came twice is billed.

    outbox.py send HOST:PORT,... STATE INBOX ACK_TIMEOUT_MS [CA [CERTIFICATE KEY]]
    outbox.py account STATE
    outbox.py resend STATE ORDER
"""
import contextlib, json, pathlib, signal, socket, sqlite3, ssl, sys, time


def outbox(state):
    database = sqlite3.connect(f"{state}/outbox.db", isolation_level=None)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS outbox (number TEXT, kind TEXT, message TEXT,"
                     " outcome TEXT DEFAULT 'not-sent', sent INTEGER DEFAULT 0,"
                     " wanted INTEGER DEFAULT 1, PRIMARY KEY (number, kind))")
    return database


def take(database, inbox):
    for path in sorted(pathlib.Path(inbox).glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # a second instance may have been faster
            new = json.loads(path.read_bytes())
            rows = [(new["order"], kind, new[kind]) for kind in ("charge", "result") if new[kind]]
            insert = "INSERT OR IGNORE INTO outbox (number, kind, message) VALUES (?, ?, ?)"
            database.executemany(insert, rows)
            path.unlink()


def answer(connection, header, timeout):
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


def deliver(database, row, sent, message, endpoints, timeout, tls):
    for host, port in (endpoint.rsplit(":", 1) for endpoint in endpoints):
        try:
            connection = socket.create_connection((host, int(port)), timeout)
            connection = tls.wrap_socket(connection, server_hostname=host) if tls else connection
        except OSError:
            continue  # not a byte has left, so that another try is no second attempt
        with contextlib.suppress(OSError), connection:  # some may have arrived: it stays unknown
            mark = "UPDATE outbox SET outcome = ?, sent = ? WHERE rowid = ? AND sent = ?"
            if database.execute(mark, ("unknown", sent + 1, row, sent)).rowcount == 1:
                connection.sendall(b"\x0b" + message.encode("latin-1") + b"\x1c\r")
                outcome = answer(connection, message.split("\r")[0].split("|"), timeout)
                database.execute(mark, (outcome, sent + 1, row, sent + 1))
        return


def send(endpoints, state, inbox, timeout, ca=None, *certificate):
    tls = ssl.create_default_context(cafile=ca) if ca else None
    if certificate:
        tls.load_cert_chain(*certificate)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    database = outbox(state)
    print("ready", flush=True)
    while True:
        take(database, inbox)
        due = "SELECT rowid, sent, message FROM outbox WHERE sent < wanted ORDER BY rowid"
        for row, sent, message in database.execute(due).fetchall():
            deliver(database, row, sent, message, endpoints.split(","), int(timeout) / 1000, tls)
        time.sleep(0.02)


def account(state):
    charges = "SELECT number, outcome FROM outbox WHERE kind = 'charge'"
    for order, outcome in outbox(state).execute(charges):
        print(json.dumps({"order": order, "outcome": outcome}))


def resend(state, order):
    again = "UPDATE outbox SET wanted = sent + 1 WHERE number = ? AND kind = 'charge' AND sent > 0"
    if outbox(state).execute(again, (order,)).rowcount == 0:
        sys.exit(f"no charge of order {order} was ever sent")


{"send": send, "account": account, "resend": resend}[sys.argv[1]](*sys.argv[2:])
