"""A charge sender to copy: whatever the EMR answers, and whenever it is killed, no charge goes twice.

Each exam is a row of an outbox. Before the first byte leaves, the row is marked on disk as sent;
only an answer to this very message changes it again. What was not answered stays `unknown`, for a
person to look at. Only a charge of which no byte has left is ever tried again.

    outbox.py send HOST:PORT,... STATE INBOX ACK_TIMEOUT_MS [CA [CERTIFICATE KEY]]
    outbox.py account STATE
"""
import json, os, signal, socket, sqlite3, ssl, sys, time


def outbox(state):
    database = sqlite3.connect(os.path.join(state, "outbox.db"), isolation_level=None)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS outbox (number TEXT PRIMARY KEY, message TEXT,"
                     " outcome TEXT DEFAULT 'not-sent')")
    return database


def take(database, inbox):
    for name in sorted(name for name in os.listdir(inbox) if name.endswith(".json")):
        with open(os.path.join(inbox, name), encoding="utf-8") as file:
            exam = json.load(file)
        row = exam["order"], exam["message"]
        database.execute("INSERT OR IGNORE INTO outbox (number, message) VALUES (?, ?)", row)
        os.unlink(os.path.join(inbox, name))


def frames(connection, timeout):
    until, heard = time.monotonic() + timeout, b""
    while (left := until - time.monotonic()) > 0 and len(heard) < 1_000_000:
        connection.settimeout(left)
        read = connection.recv(4096)
        heard += read
        while b"\x1c\r" in heard:
            frame, heard = heard.split(b"\x1c\r", 1)
            yield frame.decode("latin-1").split("\x0b")[-1].split("\r")
        if not read:
            return


def answered(connection, header, timeout):
    control_id, last_word = header[9], "CA" if header[15:16] == ["NE"] else "AA"
    known = {last_word: "delivered", **dict.fromkeys(["AE", "AR", "CE", "CR"], "rejected")}
    for lines in frames(connection, timeout):
        codes = [line.split("|")[1] for line in lines if line.split("|")[:1] + line.split("|")[2:3] == ["MSA", control_id]]
        if lines[0].startswith("MSH|^~\\&|") and len(codes) == 1 and codes[0] in known:
            return known[codes[0]]
    return "unknown"


def deliver(database, number, message, endpoints, timeout, tls):
    for host, port in (endpoint.rsplit(":", 1) for endpoint in endpoints):
        try:
            connection = socket.create_connection((host, int(port)), timeout)
            connection = tls.wrap_socket(connection, server_hostname=host) if tls else connection
        except OSError:
            continue  # not a byte has left, so that another try is no second attempt
        with connection:
            claim = "UPDATE outbox SET outcome = 'unknown' WHERE number = ? AND outcome = 'not-sent'"
            if database.execute(claim, (number,)).rowcount == 1:
                try:
                    connection.sendall(b"\x0b" + message.encode("latin-1") + b"\x1c\r")
                    outcome = answered(connection, message.split("\r")[0].split("|"), timeout)
                    database.execute("UPDATE outbox SET outcome = ? WHERE number = ?", (outcome, number))
                except OSError:
                    pass  # some of it may have arrived: it stays unknown
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
        due = "SELECT number, message FROM outbox WHERE outcome = 'not-sent' ORDER BY rowid"
        for number, message in database.execute(due).fetchall():
            deliver(database, number, message, endpoints.split(","), int(timeout) / 1000, tls)
        time.sleep(0.02)


def account(state):
    for order, outcome in outbox(state).execute("SELECT number, outcome FROM outbox"):
        print(json.dumps({"order": order, "outcome": outcome}))


{"send": send, "account": account}[sys.argv[1]](*sys.argv[2:])
