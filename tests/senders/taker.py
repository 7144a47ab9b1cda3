"""Takes exams in every way that a sender can be fed, and sends the finished message on.

The least that shows that a document has come: each is sent to the EMR as it is, or, where it is
JSON, the message inside it. Nothing is kept, and no answer is looked at.

    taker.py HOST PORT line|nul|blank|post|mllp FEED_PORT
"""

import http.server
import json
import signal
import socket
import socketserver
import sys

host, port, way, feed_port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
charges = []


def send(document):
    if document.startswith(b"{"):
        charge = json.loads(document)
        charges.append(charge["order"])
        document = charge["message"].encode("latin-1")
    if not document.startswith(b"MSH") or b"|DFT^P03|" not in document:
        print("not a charge:", document, flush=True)
        return
    with socket.create_connection((host, port)) as emr:
        emr.sendall(b"\x0b" + document + b"\x1c\r")
        emr.recv(4096)


class Post(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        send(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(b"")

    def do_GET(self):
        lines = (json.dumps({"order": order, "outcome": "delivered"}) for order in charges)
        self.answer("\n".join(lines).encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Frame(socketserver.StreamRequestHandler):
    def handle(self):
        document = b""
        while not document.endswith(b"\x1c\r"):
            document += self.request.recv(4096)
        send(document[1:-2])
        self.wfile.write(b"\x0bMSH|^~\\&|||||||ACK||P|2.4\rMSA|AA|1\r\x1c\r")


if way in ("post", "mllp"):
    server = http.server.HTTPServer if way == "post" else socketserver.TCPServer
    server.allow_reuse_address = True
    with server(("127.0.0.1", feed_port), Post if way == "post" else Frame) as listening:
        print("listening", flush=True)
        listening.serve_forever()
end = {"line": b"\n", "nul": b"\0", "blank": b"\n\n"}[way]
waiting = b""
while read := sys.stdin.buffer.read1(4096):
    waiting += read
    while end in waiting:
        document, waiting = waiting.split(end, 1)
        send(document)
