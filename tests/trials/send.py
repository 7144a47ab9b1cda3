"""Runs the sender of a name: send.py NAME send|account|resend ARGUMENT..."""
import sys

import accounts, content, engine, honest, repeats, security, wire  # noqa: F401 (they name their senders)

name, verb, *rest = sys.argv[1:]
sender = engine.SENDERS[name]
if verb == "send":
    sender.begin(sys.argv)
    sender(*rest).send()
elif verb == "account":
    sender(state=rest[0]).account()
else:
    sender(state=rest[0]).resend(rest[1])
