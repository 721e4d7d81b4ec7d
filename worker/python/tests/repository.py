"""Where the files lie that workers in every language share."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "proto" / "tests" / "golden"
SCENARIOS = ROOT / "tests" / "scenarios" / "worker"
CORPUS = ROOT / "tests" / "corpus"
WIRE = ROOT / "docs" / "wire.md"
