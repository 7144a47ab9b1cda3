"""A charge sender that has nothing in common with the program that tests it.

Each exam becomes a row of an outbox. The row is marked as attempted, on disk, before the first
byte leaves; whatever comes after that, the charge is never sent again. Serves the mapping
`iris/option-1` and one EMR.

    outbox.py send HOST PORT STATE INBOX ACK_TIMEOUT_MS
    outbox.py account STATE
"""

import contextlib
import datetime
import json
import os
import signal
import socket
import sqlite3
import sys
import time


def outbox(state):
    database = sqlite3.connect(os.path.join(state, "outbox.db"), isolation_level=None)
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, number TEXT UNIQUE,"
        " exam TEXT, outcome TEXT DEFAULT 'not-sent')"
    )
    return database


def escaped(text):
    signs = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
    return "".join(signs.get(sign, sign) for sign in text)


def composite(*parts):
    return "^".join(escaped(part) for part in parts).rstrip("^")


def digits(when):
    return "".join(sign for sign in when if sign.isdigit())


def segment(name, fields):
    last = max(fields)
    return "|".join([name] + [fields.get(number, "") for number in range(1, last + 1)]) + "\r"


def provider(one):
    return composite(
        one["id"], one["family"], one["given"], "", "", one["prefix"], one["degree"],
        "", "", "", "", "", one["id_type"],
    )


def message(exam, control_id):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
    patient, order, site = exam["patient"], exam["order"], escaped(exam["site"])
    mrn, account = escaped(patient["mrn"]), escaped(patient["account"])
    reader, orderer = provider(exam["interpreter"]), provider(exam["ordering_provider"])
    captured = digits(min(image["captured"] for image in exam["images"]))
    code = composite("92250", "Fundus photography with interpretation and report", "CPT")
    found = exam["grading"]["diagnoses"]
    header = ["MSH", "^~\\&", "IRIS", "IRIS", "EMR", "CLINIC", now, "", "DFT^P03", control_id, "P", "2.4"]
    return "".join([
        "|".join(header) + "\r",
        segment("EVN", {1: "P03", 2: now}),
        segment("PID", {
            2: mrn + "^^^^MRN", 3: mrn, 5: composite(patient["family"], patient["given"]),
            7: digits(patient["born"]), 8: patient["sex"], 18: account,
        }),
        segment("PV1", {
            1: "1", 2: "O", 3: site, 7: reader, 8: orderer, 17: reader, 19: account,
            44: captured, 45: captured,
        }),
        segment("FT1", {
            1: "1", 3: escaped(order["number"]), 4: digits(exam["grading"]["signed"]), 5: now,
            6: "CG", 7: code, 9: mrn, 10: "1", 13: site, 15: "IRIS", 16: site,
            19: "~".join(composite(one["code"], one["text"], "ICD-10-CM") for one in found),
            20: reader, 21: orderer, 23: composite(order["emr_number"], order["application"]),
            25: code,
        }),
    ])


def frames(connection, timeout):
    """The segments of each frame that comes in time, until the EMR hangs up."""
    until, heard = time.monotonic() + timeout, b""
    while (left := until - time.monotonic()) > 0:
        connection.settimeout(left)
        read = connection.recv(4096)
        if not read:
            return
        heard += read
        while b"\x1c\r" in heard:
            frame, heard = heard.split(b"\x1c\r", 1)
            yield frame.decode("utf-8", "replace").lstrip("\x0b").split("\r")
    raise TimeoutError


def answered(connection, control_id, timeout):
    """What the EMR says of this very message; unknown if it says nothing that can be read."""
    for segments in frames(connection, timeout):
        if not segments[0].startswith("MSH|"):
            continue
        for segment in segments[1:]:
            fields = segment.split("|") + [""] * 3
            if fields[0] == "MSA" and fields[2] == control_id:
                known = {"AA": "delivered", "AE": "rejected", "AR": "rejected"}
                return known.get(fields[1], "unknown")
    return "unknown"


def deliver(database, row, exam, address, timeout):
    try:
        connection = socket.create_connection(address, timeout)
    except OSError:
        return  # not a byte has left, so that another try is no second attempt
    with connection:
        mark = "UPDATE outbox SET outcome = 'unknown' WHERE id = ? AND outcome = 'not-sent'"
        if database.execute(mark, (row,)).rowcount == 0:
            return  # a second instance was faster
        control_id = f"OUTBOX{row:08}"
        try:
            frame = "\x0b" + message(json.loads(exam), control_id) + "\x1c\r"
            connection.sendall(frame.encode("ascii", "replace"))
            outcome = answered(connection, control_id, timeout)
        except OSError:
            return  # it may have arrived, and stays unknown
        database.execute("UPDATE outbox SET outcome = ? WHERE id = ?", (outcome, row))


def take(database, inbox):
    for name in sorted(name for name in os.listdir(inbox) if name.endswith(".json")):
        path = os.path.join(inbox, name)
        with contextlib.suppress(FileNotFoundError):  # a second instance may have been faster
            with open(path, encoding="utf-8") as file:
                exam = file.read()
            new = json.loads(exam)["order"]["number"], exam
            database.execute("INSERT OR IGNORE INTO outbox (number, exam) VALUES (?, ?)", new)
            os.unlink(path)


def send(host, port, state, inbox, timeout):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    database = outbox(state)
    while True:
        take(database, inbox)
        due = database.execute("SELECT id, exam FROM outbox WHERE outcome = 'not-sent' ORDER BY id")
        for row, exam in due.fetchall():
            deliver(database, row, exam, (host, int(port)), int(timeout) / 1000)
        time.sleep(0.02)


def account(state):
    for order, outcome in outbox(state).execute("SELECT number, outcome FROM outbox ORDER BY id"):
        print(json.dumps({"order": order, "outcome": outcome}))


if __name__ == "__main__":
    {"send": send, "account": account}[sys.argv[1]](*sys.argv[2:])
