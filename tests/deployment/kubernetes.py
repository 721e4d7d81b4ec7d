"""deploy/kubernetes on a cluster: applied, traced, scaled, rolled and broken under load.

Run by `cargo xtask kubernetes`:
    kubernetes.py CALLBOARD FOLDER [--keep]
CALLBOARD is the binary that makes keys and tokens, KUBECONFIG names the cluster, whose nodes have the images callboard:dev,
callboard-nats:dev, callboard-jaeger:dev and callboard-python:dev. The namespace `callboard` must not be there, and is removed in the end.
"""

import json
import re
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from stage import Failed, Load, finish, run, say, until

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SPACE = "callboard"
CALLBOARD = "http://callboard"
JAEGER = "http://jaeger:16686"
WORKLOADS = ["deployment/coordinator", "deployment/worker-reads", "deployment/worker-writes", "deployment/mock-provider",
             "deployment/jaeger", "deployment/witness", "statefulset/nats"]


def kubectl(*words: str, given: str | None = None, may_fail: bool = False, patience: int = 300) -> str:
    return run("kubectl", "--namespace", SPACE, *words, given=given, may_fail=may_fail, patience=patience)


def install_keda_crd(folder: Path) -> bool:
    """Teaches the cluster KEDA's objects, unless it knows them; tells whether it did."""
    if "scaledobjects.keda.sh" in kubectl("get", "crd", "--output", "name"):
        return False
    module = re.search(r'^KEDA = "(.*)"', (HERE.parent / "manifests/check.py").read_text(), re.MULTILINE)[1]
    if not shutil.which("go"):
        raise Failed("KEDA's objects aren't known to the cluster, and there is no Go to fetch their definition with")
    place = json.loads(run("env", "--chdir=/", "go", "mod", "download", "-json", module))["Dir"]
    # Their own conversion and webhooks aren't needed; applied by the server, because it is too large for an annotation.
    kubectl("apply", "--server-side", "--filename", f"{place}/config/crd/bases/keda.sh_scaledobjects.yaml")
    kubectl("wait", "--for=condition=Established", "crd/scaledobjects.keda.sh", "--timeout=60s")
    return True


def dry_run_overlays() -> None:
    for overlay in sorted((ROOT / "deploy/kubernetes/overlays").iterdir()):
        said = run("kubectl", "apply", "--dry-run=server", "--kustomize", str(overlay))
        say(f"  overlays/{overlay.name}: {len(said.splitlines())} objects accepted")


def make_secrets(callboard: str, folder: Path) -> None:
    """What deploy/README.md has people make."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keys = folder / "keys"
    run(callboard, "keys", "--dir", str(keys), "--tenant", "default", "--pool", "reads", "--pool", "writes")
    made = json.loads(run(callboard, "token", "new", "load", "--json"))
    (folder / "tokens").write_text(f'[[token]]\nname = "load"\nsha256 = "{made["sha256"]}"\nsees = "tenant"\n')
    for name, file in [("nats-accounts", keys / "accounts.conf"), ("nats-coordinator", keys / "default/coordinator.nk"),
                       ("nats-worker-reads", keys / "default/worker-reads.nk"), ("nats-worker-writes", keys / "default/worker-writes.nk"),
                       ("callboard-tokens", folder / "tokens")]:
        kubectl("create", "secret", "generic", name, f"--from-file={file}")
    kubectl("create", "secret", "generic", "load-token", f"--from-literal=token={made['token']}")


def rolled_out(*workloads: str) -> None:
    for workload in workloads:
        kubectl("rollout", "status", workload, "--timeout=240s")


def pods(selector: str) -> list[str]:
    return kubectl("get", "pods", "--selector", selector, "--output", "jsonpath={.items[*].metadata.name}").split()


def check_trace(load: Load) -> None:
    """One run's spans: below one root, with both services, each call posted and executed, the reads at the same time."""
    asked = load.control("POST", "/run?anthropic/mock", patience=60)
    if asked.get("reason") != "answered":
        raise Failed(f"the run with the mock provider ended otherwise: {asked}")
    line = load.control("POST", "/run?script/fan", patience=60)
    if line.get("reason") != "answered":
        raise Failed(f"the traced run ended otherwise: {line}")
    calls = len(line["calls"])

    def spans() -> list[dict] | None:
        batches = json.loads(load.fetch(f"{JAEGER}/api/v3/traces/{line['trace']}"))["result"]["resourceSpans"]
        found = [span | {"service": next(each["value"]["stringValue"] for each in batch["resource"]["attributes"] if each["key"] == "service.name")}
                 for batch in batches for scope in batch["scopeSpans"] for span in scope["spans"]]
        # The root is exported last.
        return found if any(span["name"].startswith("invoke_agent") for span in found) else None

    found = until("Jaeger has the trace", spans, 30)
    kinds = Counter((span["service"], span["name"].split()[0]) for span in found)
    expected = {("callboard-coordinator", "invoke_agent"): 1, ("callboard-coordinator", "chat"): 3, ("callboard-coordinator", "execute_tool"): calls,
                ("callboard-coordinator", "publish"): calls, ("callboard-worker", "process"): calls}
    wrong = {name: (kinds[name], count) for name, count in expected.items() if kinds[name] != count}
    ids = {span["spanId"] for span in found}
    roots = [span["name"] for span in found if span.get("parentSpanId") not in ids]
    waits = [span for span in found if span["name"] == "execute_tool wait"]
    together = max(int(span["startTimeUnixNano"]) for span in waits) < min(int(span["endTimeUnixNano"]) for span in waits)
    if wrong or len(roots) != 1 or not together:
        raise Failed(f"the trace {line['trace']} isn't as it should be: {wrong or ''} roots {roots}, overlapping: {together}")
    say(f"  trace {line['trace']}: {len(found)} spans below {roots[0]!r}, {calls} calls executed, {len(waits)} of them at the same time")


def scale_roll_and_break(load: Load) -> None:
    def workers(pool: str, count: int) -> None:
        until(f"{count} workers of {pool} are ready", lambda: sum(row["pool"] == pool for row in load.workers()) == count, 200)

    def scale(count: int) -> None:
        kubectl("scale", "deployment/worker-reads", f"--replicas={count}")
        rolled_out("deployment/worker-reads")
        until("the others are gone", lambda: len(pods("callboard/pool=reads")) == count, 200)
        workers("reads", count)

    scale(1)
    with load.phase("all is well", graceful=True):
        pass
    with load.phase("reads scale from 1 to 4", graceful=True):
        scale(4)
    with load.phase("reads scale from 4 to 1", graceful=True):
        scale(1)
    with load.phase("coordinators roll", graceful=True):
        kubectl("rollout", "restart", "deployment/coordinator")
        rolled_out("deployment/coordinator")
        until("the old ones are gone", lambda: len(pods("app.kubernetes.io/component=coordinator")) == 2, 200)
    with load.phase("workers roll", graceful=True):
        pools = ["deployment/worker-reads", "deployment/worker-writes"]
        kubectl("rollout", "restart", *pools)
        rolled_out(*pools)
        until("the old ones are gone", lambda: len(pods("app.kubernetes.io/component=worker")) == 3, 200)
        workers("reads", 1)
        workers("writes", 2)
    # A pool of one has nobody to take over: while it has none, its tools aren't there.
    with load.phase("reads scale from 1 to 2", graceful=True):
        scale(2)
    with load.phase("a worker of each pool is killed"):
        for pool in ("reads", "writes"):
            kubectl("delete", "pod", pods(f"callboard/pool={pool}")[0], "--grace-period=0", "--force")
        rolled_out("deployment/worker-reads", "deployment/worker-writes")
        workers("reads", 2)
        workers("writes", 2)
    with load.phase("NATS is killed"):
        before = kubectl("get", "pod", "nats-0", "--output", "jsonpath={.metadata.uid}")
        kubectl("delete", "pod", "nats-0", "--grace-period=0", "--force")
        until("another is there", lambda: kubectl("get", "pod", "nats-0", "--output", "jsonpath={.metadata.uid}") != before)
        rolled_out("statefulset/nats")
        workers("reads", 2)
        workers("writes", 2)
    with load.phase("all is well again", graceful=True):
        pass


def describe_trouble(folder: Path) -> None:
    say(kubectl("get", "pods", "--output", "wide", may_fail=True))
    events = kubectl("get", "events", "--sort-by=.lastTimestamp", may_fail=True)
    (folder / "events").write_text(events)
    for pod in kubectl("get", "pods", "--output", "name", may_fail=True).split():
        name = pod.replace("/", "-")
        (folder / f"{name}.log").write_text(kubectl("logs", pod, "--tail=200", may_fail=True))
        (folder / f"{name}.before.log").write_text(kubectl("logs", pod, "--previous", "--tail=200", may_fail=True))
    say(f"events and logs are in {folder}")


def main() -> None:
    callboard, folder = sys.argv[1], Path(sys.argv[2])
    began = time.monotonic()
    if run("kubectl", "get", "namespace", SPACE, "--ignore-not-found"):
        finish([f"the namespace {SPACE} is there already; this check makes and removes it: give it a cluster of its own"])
    version = json.loads(run("kubectl", "version", "--output=json"))["serverVersion"]["gitVersion"]
    say(f"Kubernetes {version}")
    found: list[str] = []
    made_crd = False
    try:
        run("kubectl", "apply", "--filename", str(ROOT / "deploy/kubernetes/base/namespace.yaml"))
        made_crd = install_keda_crd(folder)
        dry_run_overlays()
        make_secrets(callboard, folder)
        run("kubectl", "apply", "--kustomize", str(HERE))
        rolled_out(*WORKLOADS)
        kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
        say(f"  {len(kubectl('get', 'pods', '--output', 'name').split())} pods are Ready, {time.monotonic() - began:.0f} s after the start")
        load = Load(["kubectl", "--namespace", SPACE, "exec", "load", "--"], ["kubectl", "--namespace", SPACE, "logs", "load"],
                    CALLBOARD, "http://witness:8098")
        until("workers of both pools are ready", lambda: len(load.workers()) == 4)
        check_trace(load)
        scale_roll_and_break(load)
        found = load.judged()
        restarts = kubectl("get", "pods", "--output", "jsonpath={.items[*].status.containerStatuses[*].restartCount}").split()
        say(f"containers that were restarted in their pods: {sum(count != '0' for count in restarts)}")
    except Failed as error:
        found = [str(error)]
    finally:
        if found:
            describe_trouble(folder)
        if "--keep" not in sys.argv:
            run("kubectl", "delete", "namespace", SPACE, "--timeout=200s", may_fail=True)
            if made_crd:
                run("kubectl", "delete", "crd", "scaledobjects.keda.sh", may_fail=True)
    finish(found)


main()
