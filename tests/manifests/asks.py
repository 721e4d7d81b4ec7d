"""Whether what is asked of Prometheus can be answered: by scalers, by the dashboard, by alert rules.

A query for a metric or a label that isn't there has no answer, and no answer looks like "nothing to do". So each metric and label
in them has to stand in telemetry/src/metrics/names.rs, or be put there by who serves or scrapes it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# A metric, by how the names of all of them begin.
METRIC = r"\b(?:callboard|gen_ai|messaging|process)_[a-z_]+\b"
# What whoever scrapes in a cluster puts to every series.
SCRAPED = {"instance", "job", "namespace", "pod"}
# Told by a worker or by the whole process; to all others a coordinator puts the tenant whose workers they are about.
WITHOUT_TENANT = ("callboard_worker_", "messaging_", "callboard_spans_", "callboard_service_", "process_")


def metrics() -> dict[str, set[str]]:
    """Every metric, with the labels that its series may carry."""
    text = (ROOT / "telemetry/src/metrics/names.rs").read_text()
    pattern = r'[A-Z_]+ = Kind::(\w+)[^"]*"(\w+)", "[^"]*", "[^"]*",\s*\[([^\]]*)\]'
    known = {}
    for kind, name, labels in re.findall(pattern, text):
        mine = set(re.findall(r'"(\w+)"', labels)) | SCRAPED
        if not name.startswith(WITHOUT_TENANT):
            mine.add("tenant")
        if kind == "Histogram":
            known |= {f"{name}_sum": mine, f"{name}_count": mine, f"{name}_bucket": mine | {"le"}}
        known[name] = mine
    if len(known) < 40 or "pool" not in known["callboard_pool_slots"]:
        raise SystemExit("names.rs isn't understood any more: asks.py has to learn how it is written")
    return known


def groupings(query: str) -> Iterator[tuple[str, set[str], str]]:
    """Each `by (…)` or `without (…)`, with its labels and what is gathered by it."""
    for found in re.finditer(r"\b(by|without)\s*\(([^)]*)\)", query):
        before, behind = query[: found.start()].rstrip(), query[found.end() :].lstrip()
        if before.endswith(")"):
            gathered = inside(before[::-1], ")(")[::-1]
        else:
            gathered = inside(behind, "()")
        yield found[1], labels_in(found[2]), gathered


def inside(text: str, pair: str) -> str:
    """What stands between the parenthesis that a text begins with and its other one."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == pair[0]) - (character == pair[1])
        if depth == 0:
            return text[1:at]
    return text


def labels_in(text: str) -> set[str]:
    return {word.strip() for word in text.split(",") if word.strip()}


def wrong(query: str, known: dict[str, set[str]], shown: str = "") -> list[str]:
    """What a query asks for that isn't there; `shown` is text with labels of its answer."""
    found = []
    plain = re.sub(r'"[^"]*"', '""', query)
    used = set(re.findall(METRIC, plain)) - {label for labels in known.values() for label in labels}
    if not used:
        return [f"{query!r} asks for no metric of ours"]
    for name in sorted(used - set(known)):
        found.append(f"nothing is called {name}")
    used &= set(known)
    for name, matchers in re.findall(rf"({METRIC})\{{([^}}]*)\}}", plain):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            if label not in known.get(name, {label}):
                found.append(f"{name} has no label {label}")
    grouped = None
    for word, labels, gathered in groupings(plain):
        of = {name for name in re.findall(METRIC, gathered) if name in known}
        for name in sorted(of):
            found += [f"{name} has no label {label}" for label in sorted(labels - known[name])]
        if word == "by":
            grouped = (grouped or set()) | labels
    anywhere = set().union(*(known[name] for name in used))
    for labels in re.findall(r"\b(?:on|ignoring)\s*\(([^)]*)\)", plain):
        found += [f"no metric of {query!r} has a label {label}" for label in sorted(labels_in(labels) - anywhere)]
    told = anywhere if grouped is None else grouped
    for label in re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", shown):
        if label not in told:
            found.append(f"{shown!r} shows the label {label}, which no answer of {query!r} has")
    return found


def dashboard() -> Iterator[tuple[str, str, str]]:
    board = json.loads((ROOT / "deploy/grafana/callboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"callboard.json, {panel['title']}", target["expr"], target.get("legendFormat", "")


def rules() -> Iterator[tuple[str, str, str]]:
    text = (ROOT / "deploy/prometheus/callboard.rules.yaml").read_text()
    for group in yaml.safe_load(text)["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"], " ".join(rule["annotations"].values())


def scalers() -> Iterator[tuple[str, str, str]]:
    for file in sorted((ROOT / "deploy/kubernetes/components/keda").glob("*.yaml")):
        for trigger in yaml.safe_load(file.read_text()).get("spec", {}).get("triggers", []):
            metadata = trigger["metadata"]
            yield f"keda/{file.name}", metadata["query"], ""
    rule = ROOT / "deploy/kubernetes/components/hpa/adapter-rule.yaml"
    for each in yaml.safe_load(rule.read_text()):
        query = each["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="",pod=""')
        yield "hpa/adapter-rule.yaml", query.replace("<<.GroupBy>>", "namespace, pod"), ""
        yield "hpa/adapter-rule.yaml", each["seriesQuery"], ""


def adapted() -> list[str]:
    """What the autoscalers of `hpa` ask for is what the adapter's rule makes."""
    folder = ROOT / "deploy/kubernetes/components/hpa"
    made = {each["name"]["as"] for each in yaml.safe_load((folder / "adapter-rule.yaml").read_text())}
    found = []
    for file in sorted(folder.glob("*.yaml")):
        thing = yaml.safe_load(file.read_text())
        for metric in thing.get("spec", {}).get("metrics", []) if isinstance(thing, dict) else []:
            if metric["pods"]["metric"]["name"] not in made:
                found.append(f"hpa/{file.name}: the adapter's rule doesn't make {metric['pods']['metric']['name']}")
    return found


def told() -> list[str]:
    """The table of alerts in docs/operations.md has a row for each rule, and no other."""
    section = (ROOT / "docs/operations.md").read_text().split("\n## Alerts\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (Callboard\w+) \|", section, re.MULTILINE)
    names = [name for name, _, _ in rules()]
    found = [f"docs/operations.md has no row for the alert {name}" for name in names if name not in rows]
    found += [f"docs/operations.md tells of an alert that isn't there: {name}" for name in rows if name not in names]
    if len(set(rows)) != len(rows) or len(set(names)) != len(names):
        found.append("an alert is there twice, in docs/operations.md or in the rules")
    return found


def sees(known: dict[str, set[str]]) -> list[str]:
    """What this has to find, and doesn't."""
    broken = [
        ('sum(callboard_worker_slots{state="used",pool="reads"})', ""),
        ("sum by (pool) (callboard_worker_slots)", ""),
        ("sum(rate(callboard_worker_slots[5m])) by (pool)", ""),
        ("callboard_worker_slots / ignoring(pool) callboard_worker_slots", ""),
        ("sum(callboard_slots_of_pool)", ""),
        ("max by (pool) (callboard_pool_slots)", "{{state}}"),
        ("callboard_worker_link_up == 0", "Worker {{ $labels.worker }} is cut off."),
        ("sum by (le, tool) (rate(gen_ai_execute_tool_duration_seconds_bucket[5m]))", ""),
        ("up == 0", ""),
    ]
    return [f"asks.py doesn't see what is wrong with {query!r}" for query, shown in broken if not wrong(query, known, shown)]


def faults() -> list[str]:
    known = metrics()
    found = sees(known)
    for where, query, shown in [*dashboard(), *rules(), *scalers()]:
        found += [f"{where}: {what}" for what in wrong(query, known, shown)]
    asked = " ".join(query for _, query, _ in dashboard())
    for name in sorted(known):
        if not name.endswith(("_sum", "_count", "_bucket")) and not re.search(rf"\b{name}(_bucket)?\b", asked):
            found.append(f"callboard.json: no panel shows {name}")
    return found + adapted() + told()
