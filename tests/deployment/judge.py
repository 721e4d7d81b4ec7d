"""What must hold of the lines that load.py wrote and of the effects that witness.py counted."""

import unittest
from collections import Counter

# How much later than its deadline a turn's answer may be.
LATE_MS_MAX = 1000


def faults(lines: list[dict], witness: dict, graceful: set[str], phases: list[str]) -> list[str]:
    """A line for each thing that doesn't hold; in graceful phases nothing but success does."""
    found = [f"the effect {key} happened {times} times" for key, times in witness["keys"].items() if times > 1]
    found += [f"the note {name} was written {times} times" for name, times in witness["ids"].items()
              if times > 1 and not name.startswith("run-")]
    for phase in phases:
        if not any(phase in (line["began"], line["ended"]) for line in lines):
            found.append(f"nothing was asked while {phase}")
    for line in lines:
        where = f"{line['name']} ({line['began']} to {line['ended']})"
        found += [f"{where}: {what}" for what in faults_of(line, witness, graceful)]
    return found


def faults_of(line: dict, witness: dict, graceful: set[str]) -> list[str]:
    if line["kind"] == "broken":
        return [f"sent and not answered: {line['error']}"]
    if line["status"] != 200:
        return [f"answered {line['status']}: {line['answer']}"]
    found = []
    in_grace = {line["began"], line["ended"]} <= graceful
    if line["kind"] == "execute":
        if not line["asked"] == line["results"] == [call[0] for call in line["calls"]]:
            found.append(f"asked for {line['asked']}, answered {line['results']}")
        if line["ms"] > line["deadline_ms"] + LATE_MS_MAX:
            found.append(f"answered after {line['ms']} ms, with a deadline of {line['deadline_ms']} ms")
        for name, tool, outcome, executed, _ in line["calls"]:
            noted = witness["ids"].get(line["notes"].get(name), 0)
            if tool == "note" and outcome == "completed" and noted != 1:
                found.append(f"{name} completed, and was noted {noted} times")
            if tool == "note" and executed == "no" and noted:
                found.append(f"{name} is told not to have run, and was noted")
    else:
        if line["reason"] not in ("answered", "interrupted") or in_grace and line["reason"] != "answered":
            found.append(f"ended as {line['reason']}")
        if line["counted"] != len(line["calls"]):
            found.append(f"{line['counted']} calls, of which {len(line['calls'])} have an outcome")
    if in_grace:
        found += [f"{name} ({tool}) ended as {outcome}, executed {executed}: {message}"
                  for name, tool, outcome, executed, message in line["calls"] if outcome != "completed"]
    return found


def table(lines: list[dict], phases: list[str]) -> list[str]:
    """A row for each phase, of what began in it."""
    rows = ["| while | executions | runs | calls | completed | otherwise | put off | slowest |", "|---|---:|---:|---:|---:|---|---:|---:|"]
    for phase in phases:
        mine = [line for line in lines if line["began"] == phase]
        outcomes = Counter(call[2] for line in mine for call in line.get("calls", []))
        completed = outcomes.pop("completed", 0)
        kinds = Counter(line["kind"] for line in mine)
        others = ", ".join(f"{count} {kind}" for kind, count in outcomes.most_common())
        slowest = max((line.get("ms", 0) for line in mine), default=0)
        rows.append(f"| {phase} | {kinds['execute']} | {kinds['run']} | {completed + sum(outcomes.values())} | {completed} | {others} "
                    f"| {sum(line.get('put_off', 0) for line in mine)} | {slowest / 1000:.1f} s |")
    return rows


def summary(lines: list[dict], witness: dict) -> str:
    calls = [call for line in lines for call in line.get("calls", [])]
    runs = Counter(line["reason"] for line in lines if line["kind"] == "run")
    unknown = sum(call[1] == "note" and call[3] == "unknown" for call in calls)
    return (f"{len(calls)} calls, all answered; {sum(witness['keys'].values())} writes, none twice, {unknown} of which it couldn't be "
            f"known; runs: {', '.join(f'{count} {reason}' for reason, count in runs.items())}")


class Broken(unittest.TestCase):
    """Each history that breaks one rule is caught by that rule alone."""

    def line(self, **changes) -> dict:
        return {
            "name": "c", "began": "roll", "ended": "roll", "kind": "execute", "status": 200, "put_off": 0, "ms": 10, "deadline_ms": 100,
            "asked": ["n"], "results": ["n"], "notes": {"n": "id"}, "calls": [["n", "note", "completed", "yes", ""]],
        } | changes

    def judged(self, line: dict, witness=None, graceful=frozenset({"roll"})) -> list[str]:
        return faults([line], witness or {"keys": {"k": 1}, "ids": {"id": 1}}, set(graceful), ["roll"])

    def test_a_good_history(self) -> None:
        self.assertEqual(self.judged(self.line()), [])

    def test_broken_ones(self) -> None:
        lost = [["n", "note", "worker_lost", "no", ""]]
        run = {"kind": "run", "reason": "answered", "counted": 1}
        for fault, graceful, line, witness in [
            ("twice", {}, self.line(), {"keys": {"k": 2}, "ids": {"id": 1}}),
            ("written 2 times", {}, self.line(calls=[["n", "note", "crashed", "unknown", ""]]), {"keys": {}, "ids": {"id": 2}}),
            ("not answered", {}, self.line(kind="broken", error="reset"), None),
            ("answered 500", {}, self.line(status=500, answer="?"), None),
            ("asked for", {}, self.line(results=[]), None),
            ("answered after", {}, self.line(ms=1101), None),
            ("noted 0 times", {}, self.line(), {"keys": {}, "ids": {}}),
            ("told not to have run", {}, self.line(calls=lost), None),
            ("ended as worker_lost", {"roll"}, self.line(calls=lost, notes={}), None),
            ("have an outcome", {}, self.line(**run | {"counted": 2}), None),
            ("ended as interrupted", {"roll"}, self.line(**run | {"reason": "interrupted"}), None),
            ("ended as model_failed", {}, self.line(**run | {"reason": "model_failed"}), None),
            ("nothing was asked", {}, self.line(began="a", ended="a"), None),
        ]:
            with self.subTest(fault):
                found = self.judged(line, witness, frozenset(graceful))
                self.assertTrue(len(found) == 1 and (fault in found[0] or fault == "twice"), found)


if __name__ == "__main__":
    unittest.main()
