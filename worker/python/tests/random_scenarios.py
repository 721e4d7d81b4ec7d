"""Writes random scenarios with what this core says to them: ``python -m tests.random_scenarios FOLDER COUNT SEED``.

Whoever plays them against another core sees where the two differ: the tests of the Rust core do.
"""

from __future__ import annotations

import json
import random
import sys
import zlib
from pathlib import Path
from typing import Any

from .stage import Stage

TOOLS = {
    "look": {"digest": "d-look", "effect": "read"},
    "mend": {"digest": "d-mend", "effect": "idempotent"},
    "pay": {"digest": "d-pay", "effect": "write"},
}
PAUSES_MS = (0, 0, 1, 1, 2, 3, 10, 40, 60, 300, 1000, 2100, 5000, 11_000, 61_000)


class Author:
    """Makes up one scenario while it is played."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        worker: dict[str, Any] = {"instance": "w1", "slots": self.dice.choice((1, 2, 3, 5))}
        # Small memories forget, and what is forgotten must not run.
        if self.dice.random() < 0.4:
            worker["results_bytes_max"] = self.dice.choice((300, 700, 1500, 4000))
        if self.dice.random() < 0.4:
            worker["tombstones_max"] = self.dice.choice((1, 2, 4, 8))
        self.scenario: dict[str, Any] = {"shows": f"random {seed}", "worker": worker, "tools": {}, "steps": []}
        # Some tools have slots of their own.
        self.scenario["tools"] = {
            name: tool | ({"slots": self.dice.choice((1, 1, 2))} if self.dice.random() < 0.4 else {})
            for name, tool in TOOLS.items()
        }
        self.stage = Stage(self.scenario)
        self.entered: list[str] = []
        self.calls: dict[str, dict[str, Any]] = {}
        self.messages = 0

    def write(self) -> dict[str, Any]:
        at = 0
        for _ in range(self.dice.randint(10, 60)):
            at += self.dice.choice(PAUSES_MS)
            self.stage.run_until(at)
            hears = [hear for _ in range(self.dice.choice((0, 1, 1, 1, 2, 3))) for hear in self._hear()]
            self.stage.listen()
            says = self.stage.take_told()
            for said in says:
                if "start" in said:
                    self.entered.append(said["start"])
                for item in said.get("ack", {}).get("items", ()):
                    if item["grant"] is None:
                        del item["grant"]
            beat = dict(self.stage.beat)
            self.scenario["steps"].append({"at_ms": at, "hears": hears, "says": says, "beat": beat})
        return self.scenario

    def _hear(self) -> list[dict[str, Any]]:
        die = self.dice.random()
        if die < 0.8:
            hear = {"message": self._message(die)}
        elif die < 0.99:
            if not self.entered:
                return []
            of = self.entered.pop(self.dice.randrange(len(self.entered)))
            hear = {"finished": {"of": of, "end": self._end()}}
        else:
            hear = {"drain": {"grace_ms": self.dice.choice((0, 100, 5000))}}
        self.stage.hear(hear)
        return [hear]

    def _end(self) -> dict[str, Any]:
        if self.dice.random() < 0.7:
            return {"completed": "x" * self.dice.choice((1, 5, 200))}
        kind = self.dice.choice(("crashed", "timed_out", "cancelled"))
        return {"failed": kind, "executed": self.dice.choice(("yes", "no", "unknown"))}

    def _message(self, die: float) -> dict[str, Any]:
        self.messages += 1
        reply = f"{self.dice.choice(('c1', 'c2', 'c3'))}/t{self.messages}"
        message: dict[str, Any] = {"reply": reply, "instance": "w1" if self.dice.random() < 0.97 else "w0"}
        count = self.dice.choice((0, 1, 1, 1, 2, 4, 8))
        if die < 0.45:
            message["kind"] = "call"
            if self.dice.random() < 0.3:
                message["waiting"] = self.dice.randint(0, 6)
            if self.dice.random() < 0.1:
                del message["instance"]
            items = [self._call() for _ in range(count)]
        elif die < 0.65:
            message["kind"] = "grant"
            items = [self._grant() for _ in range(count)]
        else:
            message["kind"] = self.dice.choice(("status", "cancel", "status"))
            items = [self._inquiry() for _ in range(count)]
        if die < 0.65 and self.dice.random() < 0.7:
            message["seen"] = self._beat((0, 0, 0, 0, 1, 2, 5, 9, 70, -1))
        message["items"] = items
        return message

    def _beat(self, back: tuple[int, ...]) -> int:
        return max(0, int(self.stage.beat["seq"]) - self.dice.choice(back))

    def _attempt(self) -> str:
        number = self.dice.randint(0, 6 if self.dice.random() < 0.8 else 30)
        run, attempt = self.dice.choice(("r", "q")), self.dice.choice((1, 1, 1, 2))
        return f"{run}/{self.dice.randint(1, 2)}/c{number}#{attempt}"

    def _known(self) -> str:
        return self.dice.choice(list(self.calls)) if self.calls and self.dice.random() < 0.9 else self._attempt()

    def _call(self) -> dict[str, Any]:
        of = self._attempt()
        if self.dice.random() < 0.06:
            return {"of": of, "bad": self.dice.choice(("all", "but_of"))}
        if of in self.calls and self.dice.random() < 0.9:
            return self.calls[of]
        tool = self.dice.choice(("look", "look", "mend", "pay", "pay"))
        words = (TOOLS[tool]["effect"],) * 5 + ("read", "write", "idempotent")
        budget = self.dice.choice((0, 50, 500, 3000, 3000, 20_000, 120_000))
        item: dict[str, Any] = {"of": of, "tool": tool, "effect": self.dice.choice(words), "budget_ms": budget}
        if self.dice.random() < 0.9:
            item["digest"] = f"d-{tool}" if self.dice.random() < 0.93 else "d-x"
        if self.dice.random() < 0.2:
            item["arguments"] = f'{{"a":{self.dice.randint(0, 2)}}}'
        self.calls[of] = item
        return item

    def _grant(self) -> dict[str, Any]:
        of = self._known()
        if self.dice.random() < 0.05:
            return {"of": of, "bad": self.dice.choice(("all", "but_of"))}
        number = zlib.crc32(of.encode()) % 5 if self.dice.random() < 0.8 else self.dice.randint(0, 9)
        return {"of": of, "grant": f"g{number}", "budget_ms": self.dice.choice((0, 500, 3000, 20_000))}

    def _inquiry(self) -> dict[str, Any]:
        item: dict[str, Any] = {"of": self._known()}
        if self.dice.random() < 0.05:
            item["bad"] = self.dice.choice(("all", "but_of"))
        elif self.dice.random() < 0.7:
            item["seen"] = self._beat((0, 0, 1, 3, 70))
        return item


def main(folder: str, count: str, seed: str) -> None:
    for number in range(int(seed), int(seed) + int(count)):
        scenario = Author(number).write()
        Path(folder, f"random-{number:06}.json").write_text(json.dumps(scenario))


if __name__ == "__main__":
    main(*sys.argv[1:])
