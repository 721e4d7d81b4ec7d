"""Counts what a tool did, from outside of it: each request is one effect, known by its idempotency key.

    POST /notes    {"id": "…", "ms": 0}, Idempotency-Key: …    notes it, waits, answers
    GET  /notes    {"keys": {key: times}, "ids": {id: times}}
"""

import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

keys: Counter[str] = Counter()
ids: Counter[str] = Counter()
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        note = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            keys[self.headers["Idempotency-Key"]] += 1
            ids[note["id"]] += 1
        time.sleep(note.get("ms", 0) / 1000)
        self.answer({"noted": note["id"]})

    def do_GET(self) -> None:
        with lock:
            self.answer({"keys": keys, "ids": ids})

    def answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
