"""What the checks on containers and on Kubernetes share: waiting, telling, and speaking to load.py where it runs."""

import json
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable
from contextlib import contextmanager

import judge


class Failed(Exception):
    """Something that had to work didn't."""


def say(text: str) -> None:
    print(text, flush=True)


def run(*words: str, given: str | None = None, may_fail: bool = False, patience: int = 300) -> str:
    done = subprocess.run(words, input=given, capture_output=True, text=True, timeout=patience, check=False)
    if done.returncode and not may_fail:
        raise Failed(f"{' '.join(words)[:300]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def until(what: str, holds: Callable[[], object], seconds: int = 90) -> object:
    """Asks until the answer is true; what goes wrong meanwhile counts as not yet."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if answer := holds():
                return answer
        except (Failed, ValueError, KeyError) as error:
            last = error
        time.sleep(0.25)
    raise Failed(f"not within {seconds} s: {what}" + (f" ({last})" if last else ""))


class Load:
    """load.py, which runs where `inside` runs a command and whose output `log` gives."""

    def __init__(self, inside: list[str], log: list[str], coordinator: str, witness: str) -> None:
        self.inside, self.log, self.coordinator, self.witness = inside, log, coordinator, witness
        self.phases: list[str] = []
        self.graceful: set[str] = set()

    def control(self, method: str, path: str, patience: int = 30) -> object:
        text = ("import urllib.request as r,sys;"
                f"sys.stdout.write(r.urlopen(r.Request('http://127.0.0.1:8099{path}',method='{method}'),timeout={patience}).read().decode())")
        return json.loads(run(*self.inside, "python3", "-c", text, patience=patience + 30))

    def fetch(self, url: str) -> str:
        answer = self.control("GET", f"/fetch?{urllib.parse.quote(url, safe='')}")
        if answer["status"] != 200:
            raise Failed(f"{url}: {answer['status']} {answer['text'][:200]}")
        return answer["text"]

    def workers(self, state: str = "ready") -> list[dict]:
        answer = json.loads(self.fetch(f"{self.coordinator}/v1/workers"))
        rows = answer["workers"] if isinstance(answer, dict) else answer
        return [row for row in rows if row["state"] == state]

    @contextmanager
    def phase(self, name: str, graceful: bool = False):
        """What happens inside is called so; it begins and ends with load that was answered."""
        began = time.monotonic()
        self.phases.append(name)
        if graceful:
            self.graceful.add(name)
        self.control("PUT", f"/phase/{urllib.parse.quote(name)}")
        yield
        before = self.control("GET", "/ended").get(urllib.parse.quote(name), 0)
        until(f"the load is answered after: {name}", lambda: self.control("GET", "/ended").get(urllib.parse.quote(name), 0) >= before + 20)
        say(f"  {name}: {time.monotonic() - began:.0f} s")

    def judged(self) -> list[str]:
        """Ends the load, and gives what doesn't hold."""
        self.control("POST", "/stop", patience=120)
        witness = json.loads(self.fetch(f"{self.witness}/notes"))
        lines = [json.loads(line) for line in run(*self.log).splitlines() if line.startswith("{")]
        for line in lines:
            line["began"], line["ended"] = (urllib.parse.unquote(line[word]) for word in ("began", "ended"))
        found = judge.faults(lines, witness, self.graceful, self.phases)
        say("")
        for row in judge.table(lines, self.phases):
            say(row)
        say("")
        if not found:
            say(judge.summary(lines, witness))
        return found


def finish(found: list[str]) -> None:
    for line in found[:50]:
        say(f"FAULT {line}")
    if found:
        say(f"{len(found)} faults")
        sys.exit(1)
