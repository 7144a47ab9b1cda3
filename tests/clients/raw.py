"""Sends a message over a bare socket to each address, and prints what it received."""
import socket
import sys

with open(sys.argv[1], "rb") as file:
    message = file.read()
for address in sys.argv[2:]:
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(message)
        received = b""
        while not received.endswith(b"\x1c\r"):
            piece = line.recv(65536)
            if not piece:
                break
            received += piece
        print(received.hex(), flush=True)
