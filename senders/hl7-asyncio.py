"""Sends one message with the asyncio client of the package `hl7`; exits with 0 if it was accepted."""
import asyncio, sys

import hl7
from hl7.mllp import open_hl7_connection


async def send(host, port, path, timeout):
    with open(path, encoding="latin-1", newline="") as file:
        message = hl7.parse(file.read())
    connecting = open_hl7_connection(host, int(port), encoding="latin-1")
    reader, writer = await asyncio.wait_for(connecting, int(timeout) / 1000)
    writer.writemessage(message)
    await writer.drain()
    answer = await asyncio.wait_for(reader.readmessage(), int(timeout) / 1000)
    accepted = str(answer.segment("MSA")[1]) in ("AA", "CA")
    return 0 if accepted and str(answer.segment("MSA")[2]) == str(message.segment("MSH")[10]) else 1


sys.exit(asyncio.run(send(*sys.argv[1:])))
