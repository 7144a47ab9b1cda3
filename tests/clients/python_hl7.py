"""Sends a message with the client of the package `hl7` to each address, and prints what it received."""
import sys

from hl7.client import MLLPClient

with open(sys.argv[1], "rb") as file:
    message = file.read()
for address in sys.argv[2:]:
    host, port = address.split(":")
    with MLLPClient(host, int(port)) as client:
        client.socket.settimeout(30)
        print(client.send(message).hex(), flush=True)
