"""The command: what can be typed, where tools are found, how a line of the log looks."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from callboard_worker import ToolDefinitionError, Worker, find_tools, tool
from callboard_worker.cli import main, parser, refuse_signing, seconds
from callboard_worker.log import JsonLines, Lines, level_of


@tool(effect="read")
def look() -> None:
    """Looks."""


def test_flags_win_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBOARD_NATS__URL", "nats://a")
    monkeypatch.setenv("CALLBOARD_WORKER__SLOTS", "3")
    monkeypatch.setenv("CALLBOARD_WORKER__GRACE", "500ms")
    found = parser().parse_args(["m:t", "--slots", "7", "--label", "a=b", "--label", "c=d"])
    assert (found.nats, found.slots, found.grace, found.label) == ("nats://a", 7, 0.5, ["a=b", "c=d"])
    assert [seconds(text) for text in ("2m", "1.5s", "30", "1h")] == [120.0, 1.5, 30.0, 3600.0]


@pytest.mark.parametrize(("name", "value"), [("SIGN", "true"), ("REQUIRE", "true"), ("COORDINATORS", '["UA"]')])
def test_signing_that_is_asked_for_is_refused_at_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"CALLBOARD_SIGNING__{name}", value)
    with pytest.raises(SystemExit) as ended:
        main(["no_such_module_of_test:tools", "--nats", "nats://127.0.0.1:1"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"CALLBOARD_SIGNING__{name} is set" in told
    assert "offer the tools by `callboard worker`" in told


def test_signing_that_is_off_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBOARD_SIGNING__SIGN", "false")
    monkeypatch.setenv("CALLBOARD_SIGNING__COORDINATORS", "")
    refuse_signing()


def test_check_prints_the_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop_of_test.py").write_text(
        "from callboard_worker import tool\n\n@tool\ndef buy(count: int) -> str:\n    return str(count)\n\n"
        "def all_of_them():\n    return [buy]\n\nnone: list = []\n"
    )
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "shop_of_test.py"), "--check"])
    assert ended.value.code == 0
    name, effect, digest = capsys.readouterr().out.split()
    assert (name, effect, len(digest)) == ("buy", "write", 64)
    sys.path.insert(0, str(tmp_path))
    try:
        assert [made.spec.name for made in find_tools("shop_of_test:buy")] == ["buy"]
        assert [made.spec.name for made in find_tools("shop_of_test:all_of_them")] == ["buy"]
        for target, says in (
            ("shop_of_test:none", "is no tool and no list of tools"),
            ("shop_of_test:nobody", "has no nobody"),
            ("no_shop_of_test", "there is no module"),
        ):
            with pytest.raises(ToolDefinitionError, match=says):
                find_tools(target)
    finally:
        sys.path.remove(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("import os\n\ndef broken(:\n", 3, "SyntaxError"),
        ("import os\n\n\nimport no_such_package_of_test\n", 4, "No module named 'no_such_package_of_test'"),
        ("\nraise RuntimeError('no database')\n", 2, "RuntimeError: no database"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_told_with_its_line(
    text: str, line: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"broken_of_test_{line}.py"
    path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main([str(path), "--check"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"{path.name}, line {line}: " in told
    assert says in told
    assert "Traceback" not in told


def test_a_worker_checks_what_it_is_given() -> None:
    worker = Worker([look], nats="localhost", labels=["zone=eu"])
    assert worker.tally is None
    assert worker.options.slots == 16
    for bad in ({"slots": 0}, {"name": "a b"}, {"pool": "a.b"}, {"tenant": ""}, {"labels": ["a b"]}, {"nats": "x://y"}):
        with pytest.raises(ValueError, match=r"slot|can't be|empty|names no NATS server"):
            Worker([look], **{"nats": "localhost", **bad})  # type: ignore[arg-type]
    with pytest.raises(ToolDefinitionError, match="needs tools"):
        Worker([], nats="localhost")


def test_log_lines_hold_what_a_record_carries() -> None:
    record = logging.LogRecord("callboard", logging.INFO, "f", 1, "a call %s", ("failed",), None)
    record.of = "r/1/c0#1"
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["message"], line["of"]) == ("INFO", "a call failed", "r/1/c0#1")
    assert Lines().format(record).endswith("callboard: a call failed of=r/1/c0#1")
    levels = [level_of(words) for words in ("info", "warn,async_nats=off", "off", "callboard=debug")]
    assert levels == ["INFO", "WARNING", "CRITICAL", "WARNING"]
