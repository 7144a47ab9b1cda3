"""The sender `outbox.py` beside this file, broken in one way at a time: `BUG` names the way.

It shares no line with the reference sender of the program that tests it, so that the judge is not
proven against its own kind alone. Without `BUG` it is the honest sender.

    broken.py send HOST PORT STATE INBOX ACK_TIMEOUT_MS
    broken.py account STATE
"""

import base64
import json
import os
import socket
import sys

import outbox

BUG = os.environ.get("BUG", "")

# What makes which sender send its charge again.
RESENDS = {
    "resend-on-timeout": "silence",
    "resend-new-control-id": "silence",
    "resend-on-close": "closed",
    "resend-on-reset": "reset",
    "resend-on-error": "AE",
    "resend-on-reject": "AR",
    "resend-on-junk": "junk",
    "resend-on-wrong-id": "wrong-id",
}

# Forms in which a charge that had no answer is sent again, though nobody agreed on them. What is said
# to such a message is not believed.
FORMS = {
    "resend-as-bill": lambda text: headed(text, "BAR^P05") + procedures(text),
    "resend-in-document": lambda text: headed(text, "MDM^T02") + "OBX|1|ED|D||^^^Base64^"
    + base64.b64encode(text.encode()).decode() + "\r",
    "resend-in-own-segment": lambda text: headed(text, "ZFT^Z03") + "".join(
        line.replace("FT1|", "ZFT|", 1) + "\r" for line in text.split("\r") if line.startswith("FT1|")),
    "resend-in-lower-case": lambda text: text[:3] + "\r".join(
        line[:3].lower() + line[3:] for line in text.split("\r"))[3:],
}

# What is written in place of the message that was agreed.
CHANGES = {
    "drifts-after-restart": lambda text: text.replace("PV1|1|O", "PV1|1|I") if LIVES else text,
    "escapes-as-html": lambda text: text.replace("'", "&#39;").replace("<", "&lt;"),
    "batch-without-end": lambda text: "BHS|^~\\&|IRIS|IRIS\r" + text,
}

# The lives of the sender before this one.
LIVES = []


def headed(text, kind):
    lines = [line for line in text.split("\r") if line[:3] in ("MSH", "PID")]
    return "\r".join(lines).replace("DFT^P03", kind) + "\r"


def procedures(text):
    lines = [line.split("|") for line in text.split("\r") if line.startswith("FT1|")]
    return "".join(f"PR1|{n}||{line[7]}|||||||||||||{line[3]}\r" for n, line in enumerate(lines, 1))


def hear(connection, control_id, timeout):
    """The code of the first reply, or what came in its place."""
    try:
        for segments in outbox.frames(connection, timeout):
            found = [line.split("|") + [""] * 3 for line in segments if line.startswith("MSA|")]
            if not found or not segments[0].startswith("MSH|"):
                return "junk"
            return found[0][1] if found[0][2] == control_id else "wrong-id"
    except TimeoutError:
        return "silence"
    except OSError:
        return "reset"
    return "closed"


def attempt(text, control_id, address, timeout, before=lambda: None):
    """What is heard of one attempt; nothing if not a byte has left."""
    try:
        connection = socket.create_connection(address, timeout)
    except OSError:
        return None
    with connection:
        before()
        try:
            connection.sendall(("\x0b" + text + "\x1c\r").encode("ascii", "replace"))
        except OSError:
            return "reset"
        return hear(connection, control_id, timeout)


def outcome_of(what):
    if what == "AA" or (BUG == "accepts-code-prefix" and what.startswith("AA")):
        return "delivered"
    if BUG == "accepts-any-ack" and what == "wrong-id":
        return "delivered"
    if what in ("AE", "AR"):
        return "rejected"
    return "delivered" if BUG == "false-ack" else "unknown"


def deliver(database, row, exam, address, timeout):
    def mark(outcome):
        database.execute("UPDATE outbox SET outcome = ? WHERE id = ?", (outcome, row))

    late = BUG == "replay-after-kill"
    control_id = f"BROKEN{row:08}"
    text = CHANGES.get(BUG, str)(outbox.message(json.loads(exam), control_id))
    before = (lambda: None) if late else (lambda: mark("unknown"))
    what = attempt(text, control_id, address, timeout, before)
    if what is None:
        return
    if what == RESENDS.get(BUG):
        if BUG == "resend-new-control-id":
            control_id += "N"
            text = outbox.message(json.loads(exam), control_id)
        what = attempt(text, control_id, address, timeout) or what
    if what == "silence" and BUG in FORMS:
        again = text.replace(control_id, control_id + "F")
        attempt(FORMS[BUG](again), control_id + "F", address, timeout)
    mark(outcome_of(what))
    if BUG == "second-event":
        again = text.replace("DFT^P03", "DFT^P11").replace("EVN|P03", "EVN|P11")
        attempt(again, control_id, address, timeout)


def take(database, inbox, honest=outbox.take):
    if BUG == "double-submit":
        for name in (name for name in os.listdir(inbox) if name.endswith(".json")):
            with open(os.path.join(inbox, name), encoding="utf-8") as file:
                number = json.load(file)["order"]["number"]
            database.execute("UPDATE outbox SET outcome = 'not-sent' WHERE number = ?", (number,))
    honest(database, inbox)


def account(state):
    if BUG == "ghost-orders":
        print(json.dumps({"order": "ghost", "outcome": "delivered"}))
    for order, outcome in outbox.outbox(state).execute("SELECT number, outcome FROM outbox"):
        if (BUG, outcome) in (("hides-unknown", "unknown"), ("silent-drop", "rejected")):
            continue
        if (BUG, outcome) == ("false-unsent", "unknown"):
            outcome = "not-sent"
        if (BUG, outcome) == ("both-words", "unknown"):
            print(json.dumps({"order": order, "outcome": "delivered"}))
        print(json.dumps({"order": order, "outcome": outcome}))


def send(host, port, state, inbox, timeout):
    outbox.deliver, outbox.take = deliver, take
    marker = os.path.join(state, "lived")
    LIVES.extend([marker] if os.path.exists(marker) else [])
    open(marker, "w", encoding="ascii").close()
    if BUG == "replay-on-restart":
        outbox.outbox(state).execute("UPDATE outbox SET outcome = 'not-sent'")
    print("ready", flush=True)
    outbox.send(host, port, state, inbox, timeout)


if __name__ == "__main__":
    {"send": send, "account": account}[sys.argv[1]](*sys.argv[2:])
