"""Random schedules: what no scenario may break, and that the rare arms are taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from callboard_worker.proto.words import Effect

from .random_scenarios import TOOLS, Author

SCHEDULES = 300
# What the made-up messages can't reach: a foreign instance is refused before the core hears of it, nothing ends that
# doesn't run, and a write's window is over long before its coordinator counts as silent.
UNREACHED = {"finished_unknown", "orphans_dropped", "other_instance"}
BINDING = ("busy", "stale", "wrong_digest", "draining", "not_held")


def test_no_schedule_breaks_a_promise_and_every_arm_is_taken() -> None:
    taken: Counter[str] = Counter()
    checked = 0
    for seed in range(SCHEDULES):
        author = Author(seed)
        scenario = author.write()
        taken.update(asdict(author.stage.core.counters))
        if len(scenario["worker"]) == 2:
            # A memory of the usual size: made-up messages name beats that their copies don't, and only an honest name
            # tells what a small memory forgot.
            check(scenario)
            checked += 1
    assert checked > SCHEDULES // 5
    missing = {name for name, count in taken.items() if count == 0}
    assert missing == UNREACHED


def check(scenario: dict[str, object]) -> None:
    """No write is entered twice, or after a word that binds, whatever the coordinators make up; and the slots are kept.
    Reads may run again once they are forgotten."""
    steps, worker = scenario["steps"], scenario["worker"]
    assert isinstance(steps, list)
    assert isinstance(worker, dict)
    reads: set[str] = set()
    for step in steps:
        for hear in step["hears"]:
            for item in hear.get("message", {}).get("items", ()):
                if "tool" in item and Effect.WRITE not in (item["effect"], TOOLS[item["tool"]]["effect"]):
                    reads.add(item["of"])
    entered: Counter[str] = Counter()
    refused: set[str] = set()
    running = 0
    for step in steps:
        running -= sum("finished" in hear for hear in step["hears"])
        for said in step["says"]:
            if "start" in said:
                running += 1
                entered[said["start"]] += 1
                assert said["start"] in reads or said["start"] not in refused
            for item in said.get("ack", {}).get("items", ()):
                if item["state"] in BINDING:
                    refused.add(item["of"])
        assert 0 <= running <= worker["slots"]
    assert all(count == 1 for of, count in entered.items() if of not in reads)
