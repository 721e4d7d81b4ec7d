"""The worker scenarios (``tests/scenarios/worker``), played against this core: the files that the Rust core plays."""

import json
from pathlib import Path
from typing import Any

import pytest

from .repository import SCENARIOS
from .stage import Stage

FILES = sorted(SCENARIOS.glob("*.json"))


def test_there_are_scenarios() -> None:
    # A moved folder must not pass for an empty one.
    assert len(FILES) >= 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_core_plays_the_scenario(path: Path) -> None:
    scenario = json.loads(path.read_text())
    stage = Stage(scenario)
    for number, step in enumerate(scenario["steps"]):
        stage.run_until(step["at_ms"])
        for hear in step.get("hears", ()):
            stage.hear(hear)
        stage.listen()
        told = stage.take_told()
        at = f"step {number} at {step['at_ms']} ms"
        for says in step.get("says", ()):
            found = next((one for one in told if fits(says, one)), None)
            assert found is not None, f"{at}: {says} was expected, and {told} was said"
            told.remove(found)
        assert told == [], f"{at}: this was said too"
        for name, value in step.get("beat", {}).items():
            assert stage.beat[name] == value, at


def fits(expected: Any, found: Any) -> bool:
    """Tells whether something said has all that is expected of it. What isn't named may be anything, but for the
    positions of bad items."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if "to" in expected and "bad" in found and expected.get("bad", []) != found["bad"]:
            return False
        if "end" in expected:
            return expected == found
        return all(name in found and fits(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(fits, expected, found))
    return bool(expected == found)
