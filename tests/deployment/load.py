"""Asks a coordinator for fan-outs and runs without a pause, and writes a line of JSON for each that has ended.

    load.py URL CLIENTS        the token comes from LOAD_TOKEN

It is told what happens by whoever makes it happen, and is asked by them, on port 8099:

    PUT  /phase/NAME    from now on it is called so; nothing is asked before the first
    GET  /ended         how many requests have ended, by phase
    GET  /fetch?URL     what a GET there gives, with the token: status and text
    POST /run?MODEL     drives one run below a span of its own, and gives its line with the trace's id
    POST /stop          begins nothing new, and answers once all has ended
"""

import http.client
import json
import os
import random
import sys
import threading
import time
import urllib.parse
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

URL, CLIENTS = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
TOKEN = os.environ["LOAD_TOKEN"]
DEADLINE_MS = 20_000
# No answer this long after its deadline is none at all.
SILENCE_S = 60

phase = ""
started = threading.Event()
stopping = threading.Event()
ended: Counter[str] = Counter()
lock = threading.Lock()


def ask(path: str, body: object, **more: str) -> tuple[int, dict, int, float]:
    """Status, answer, how often the request was put off before it was taken, and the seconds since it was sent last."""
    put_off = 0
    while True:
        connection = http.client.HTTPConnection(URL.hostname, URL.port or 80, timeout=DEADLINE_MS / 1000 + SILENCE_S)
        try:
            connection.connect()
        except OSError:
            # Nothing was sent.
            put_off += 1
            time.sleep(0.1)
            continue
        began = time.monotonic()
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"} | more
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status in (429, 503):
            put_off += 1
            time.sleep(0.1)
            continue
        return response.status, json.loads(text), put_off, time.monotonic() - began


def execute(name: str) -> dict:
    calls = [("wait", {"ms": random.choice([0, 20, 200, 800])}) for _ in range(6)]
    calls += [("echo", {"n": n}) for n in range(2)]
    calls += [("note", {"id": f"{name}-{n}", "ms": random.choice([0, 50, 400])}) for n in range(2)]
    content = [{"type": "tool_use", "id": f"{name}-{n}-{tool}", "name": tool, "input": arguments}
               for n, (tool, arguments) in enumerate(calls)]
    status, report, put_off, seconds = ask(
        f"/v1/execute?report=true&deadline_ms={DEADLINE_MS}", {"role": "assistant", "content": content})
    line = {"kind": "execute", "status": status, "put_off": put_off, "ms": round(seconds * 1000), "deadline_ms": DEADLINE_MS}
    if status != 200:
        return line | {"answer": report}
    return line | {
        "asked": [call["id"] for call in content],
        "results": [result["tool_use_id"] for result in report["message"]["content"]],
        "notes": {call["id"]: call["input"]["id"] for call in content if call["name"] == "note"},
        "calls": [[call["id"], call["tool"], call["outcome"], call["executed"], call.get("message", "")] for call in report["calls"]],
    }


def drive(name: str, model: str = "script/fan", **more: str) -> dict:
    body = {"prompt": f"Look around ({name}).", "model": model}
    status, view, put_off, seconds = ask("/v1/runs?wait=true", body, **more)
    line = {"kind": "run", "status": status, "put_off": put_off, "ms": round(seconds * 1000)}
    if status != 200:
        return line | {"answer": view}
    turns = (view.get("report") or {}).get("turns", [])
    return line | {
        "run": view["id"],
        "reason": view.get("reason"),
        "counted": view["calls"],
        "calls": [[call["id"], call["tool"], call["outcome"], call["executed"], call.get("message", "")] for turn in turns for call in turn["calls"]],
    }


def client(number: int) -> None:
    count = 0
    started.wait()
    while not stopping.is_set():
        count += 1
        began = phase
        name = f"c{number}-{count}"
        try:
            line = drive(name) if count % 4 == 0 else execute(name)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            # Sent, and not answered: that is what must not happen.
            line = {"kind": "broken", "error": f"{type(error).__name__}: {error}"}
        with lock:
            print(json.dumps({"name": name, "began": began, "ended": phase} | line), flush=True)
            ended[phase] += 1


class Control(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        global phase
        phase = self.path.rsplit("/", 1)[1]
        started.set()
        self.answer(phase)

    def do_GET(self) -> None:
        if self.path == "/ended":
            with lock:
                return self.answer(ended)
        url = urllib.parse.urlsplit(urllib.parse.unquote(self.path.partition("?")[2]))
        try:
            connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=10)
            connection.request("GET", f"{url.path}?{url.query}", headers={"Authorization": f"Bearer {TOKEN}"})
            response = connection.getresponse()
            return self.answer({"status": response.status, "text": response.read().decode()})
        except (OSError, http.client.HTTPException) as error:
            return self.answer({"status": 0, "text": str(error)})

    def do_POST(self) -> None:
        if self.path.startswith("/run?"):
            model = self.path.partition("?")[2]
            trace = random.randbytes(16).hex()
            return self.answer(drive("traced", model, traceparent=f"00-{trace}-{random.randbytes(8).hex()}-01") | {"trace": trace})
        stopping.set()
        started.set()
        for thread in threads:
            thread.join()
        self.answer("stopped")

    def answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for thread in threads:
    thread.start()
ThreadingHTTPServer(("0.0.0.0", 8099), Control).serve_forever()
