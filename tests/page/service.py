"""A real `callboard serve` with scripts in the place of a model, and tools that fail in each way."""

import json
import os
import random
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

CANARY = "<img src=x onerror=\"document.title='OWNED'\"><b>CANARY</b>"
TRACE = "0af7651916cd43dd8448eb211c80319c"

TOOLS = """
[worker]
tools = ["basic"]
slots = 64

[[tool]]
name = "flaky"
description = "Crashes every other time."
effect = "read"
input_schema = '{"type":"object"}'
process = { argv = ["sh", "-c", 'rmdir "$0/once" 2>/dev/null || (mkdir "$0/once"; kill -9 $$); echo 7', "FOLDER"], dashes = "checked" }

[[tool]]
name = "crash"
description = "Always crashes."
effect = "write"
input_schema = '{"type":"object"}'
process = { argv = ["sh", "-c", "kill -9 $$"], dashes = "checked" }

[[tool]]
name = "wrong"
description = "Answers that it could not do it."
effect = "read"
input_schema = '{"type":"object"}'
process = { argv = ["sh", "-c", "exit 3"], dashes = "checked" }

[[tool]]
name = "stuck"
description = "Takes longer than it may."
effect = "read"
deadline = "400ms"
input_schema = '{"type":"object"}'
process = { argv = ["sleep", "60"], dashes = "checked" }
"""


def call(id, tool, arguments="{}"):
    return f"[[turn.call]]\nid = {json.dumps(id)}\ntool = {json.dumps(tool)}\narguments_json = {json.dumps(arguments)}\n"


def turn(*calls, text="", delay_ms=0):
    return f"[[turn]]\ntext = {json.dumps(text)}\ndelay_ms = {delay_ms}\n" + "".join(calls)


def wide(count):
    sizes = random.Random(4)
    calls = [call(f"c{n}", "wait", json.dumps({"ms": sizes.randint(0, 40)})) for n in range(count)]
    return turn(*calls) + turn(text="done")


SCRIPTS = {
    "quick": turn(call("a", "echo", '{"n":1}')) + turn(text="done"),
    "mixed": turn(
        call("good", "wait", '{"ms":150}'),
        call("again", "flaky"),
        call("crashed", "crash"),
        call("wrong", "wrong"),
        call("late", "stuck"),
        call("nobody", "nope"),
        call("arguments", "wait", '{"ms":-1}'),
        text="I try seven things.",
        delay_ms=50,
    )
    + turn(call("canary", "echo", json.dumps({"html": CANARY})), text=CANARY)
    + turn(text="done"),
    "live": turn(call("first", "wait", '{"ms":1500}'), call("second", "wait", '{"ms":600000}')) + turn(text="done"),
    "hundred": wide(100),
    "thousand": wide(1000),
}


class Service:
    """One that serves until it is ended."""

    def __init__(self, folder: Path, *words: str, content: bool = True) -> None:
        for name, text in SCRIPTS.items():
            (folder / f"{name}.toml").write_text(text)
        (folder / "serve.toml").write_text(TOOLS.replace("FOLDER", str(folder)))
        scripts = [word for name in SCRIPTS for word in ("--script", f"{name}={name}.toml")]
        environment = {
            **os.environ,
            "CALLBOARD_TELEMETRY__CONTENT": str(content).lower(),
            "CALLBOARD_TELEMETRY__JAEGER_URL": "http://127.0.0.1:1/jaeger/",
        }
        command = [binary(), "serve", "--config", "serve.toml", "--listen", "127.0.0.1:0", "--model", "script/quick"]
        self.process = subprocess.Popen(
            [*command, *scripts, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"http://\S+", line):
                self.url = found[0]
                break
        else:
            raise AssertionError("callboard serve doesn't serve: " + "".join(said))
        self.port = int(self.url.rsplit(":", 1)[1])
        self.token = None

    def ask(self, path, body=None, **headers):
        request = urllib.request.Request(self.url + path, data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("content-type", "application/json")
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def begin(self, script, prompt=None, wait=False):
        """Begins a run of a script; gives its id."""
        wish = {"prompt": prompt or f"a run of {script}", "model": f"script/{script}", "budgets": {"turns": 100}}
        traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
        return self.ask(f"/v1/runs?wait={'true' if wait else 'false'}", wish, traceparent=traceparent)["id"]

    def cancel(self, run):
        """Asks a run to end."""
        request = urllib.request.Request(f"{self.url}/v1/runs/{run}", method="DELETE")
        urllib.request.urlopen(request, timeout=60).close()

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()


def binary() -> str:
    """The binary that is tried: what the task has built."""
    return os.environ.get("CALLBOARD_BIN") or str(Path(__file__).parents[2] / "target" / "debug" / "callboard")


def new_token(name: str) -> tuple[str, str]:
    """A token, and its entry for the service's file."""
    made = subprocess.run([binary(), "token", "new", name], capture_output=True, text=True, check=True)
    entry = made.stderr[made.stderr.index("[[token]]") :]
    return made.stdout.strip(), entry
