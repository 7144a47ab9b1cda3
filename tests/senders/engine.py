"""An engine that only passes on: a message in by MLLP, the same message out, and the EMR's answer back.

Where the EMR says nothing, nothing goes back. Nothing is kept, and nothing is sent twice.

    engine.py HOST PORT mllp FEED_PORT
"""

import contextlib
import signal
import socket
import sys
import threading

host, port, feed_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[4])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def frame(connection):
    read = b""
    while not read.endswith(b"\x1c\r"):
        piece = connection.recv(4096)
        if not piece:
            raise OSError("it was closed")
        read += piece
    return read


def serve(source):
    with contextlib.suppress(OSError), source:
        message = frame(source)
        with socket.create_connection((host, port)) as emr:
            emr.settimeout(0.5)
            emr.sendall(message)
            source.sendall(frame(emr))


with socket.create_server(("127.0.0.1", feed_port)) as listener:
    print("listening", flush=True)
    while True:
        source, _ = listener.accept()
        threading.Thread(target=serve, args=(source,), daemon=True).start()
