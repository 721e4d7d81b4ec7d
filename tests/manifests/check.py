"""Renders every overlay of deploy/kubernetes, and those beside this file, and judges what comes out.

Run by `cargo xtask manifests` in a virtual environment with requirements.txt:
    check.py OVERLAYS_FOLDER OUTPUT_FOLDER
What is asked of Prometheus is judged by asks.py.
Exits with 1 and a line for each fault.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

sys.dont_write_bytecode = True
import asks  # noqa: E402

VERSIONS = ["1.31", "1.32", "1.33", "1.34", "1.35"]
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
KEDA = "github.com/kedacore/keda/v2@v2.18.1"
NAMESPACE = "callboard"
# Made from `callboard keys`, `callboard token` and the provider's key, as deploy/README.md says.
SECRETS = {
    "callboard-tokens",
    "nats-accounts",
    "nats-coordinator",
    "nats-worker-reads",
    "nats-worker-writes",
    "provider-key",
}
CLUSTER_KINDS = {"Namespace"}
# Whoever scrapes comes from a namespace with this label, to the ports of these names.
WATCHES = {"callboard/metrics": "true"}
WATCHED = {"callboard": {"http", "health"}, "nats": {"monitor"}}
MINE = Path(__file__).resolve().parent / "overlays"

faults: list[str] = []


def fault(where: str, what: str) -> None:
    faults.append(f"{where}: {what}")


def run(*words: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


def renderer(tools: Path) -> list[str]:
    """The first of KUSTOMIZE, kubectl, kustomize on the PATH that knows components, else one built with Go."""
    if named := os.environ.get("KUSTOMIZE"):
        return [named, "build"]
    if kubectl := shutil.which("kubectl"):
        said = run(kubectl, "version", "--client", "--output=json").stdout
        version = re.search(r'"kustomizeVersion":\s*"v(\d+)', said)
        if version and int(version[1]) >= 5:
            return [kubectl, "kustomize"]
    if kustomize := shutil.which("kustomize"):
        return [kustomize, "build"]
    built = tools / "kustomize"
    if not built.exists():
        if not (go := shutil.which("go")):
            sys.exit("no kubectl 1.27 or newer, no kustomize 5, and no Go to build one with; install one of them")
        tools.mkdir(parents=True, exist_ok=True)
        done = run(go, "install", KUSTOMIZE, env=os.environ | {"GOBIN": str(tools.resolve()), "CGO_ENABLED": "0"})
        if done.returncode:
            sys.exit(f"kustomize can't be built with Go:\n{done.stderr}")
    return [str(built), "build"]


def keda_schema() -> dict | None:
    """The schema of KEDA's ScaledObject from its own module; None without Go."""
    if not (go := shutil.which("go")):
        return None
    done = run(go, "mod", "download", "-json", KEDA, cwd="/")
    if done.returncode:
        sys.exit(f"KEDA's schemas can't be had: {done.stdout}{done.stderr}")
    crds = Path(json.loads(done.stdout)["Dir"]) / "config/crd/bases/keda.sh_scaledobjects.yaml"
    crd = yaml.safe_load(crds.read_text())
    return strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def strict(schema: dict) -> dict:
    """Refuses properties that the schema doesn't know, as the API server's strict mode does."""
    if "properties" in schema and "additionalProperties" not in schema:
        free = schema.get("x-kubernetes-preserve-unknown-fields")
        at_top = {"apiVersion": {}, "kind": {}, "metadata": {}} if "spec" in schema["properties"] else {}
        schema["properties"] = {**at_top, **{name: strict(part) for name, part in schema["properties"].items()}}
        if not free:
            schema["additionalProperties"] = False
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            schema[word] = strict(schema[word])
    return schema


def pod_of(thing: dict) -> dict | None:
    return thing.get("spec", {}).get("template", {}).get("spec")


def selects(selector: dict, labels: dict) -> bool:
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def check_references(where: str, things: list[dict]) -> None:
    """Each configuration that a pod names is there, each secret is one that people are told to make."""
    maps = {thing["metadata"]["name"] for thing in things if thing["kind"] == "ConfigMap"}
    for thing in things:
        for volume in (pod_of(thing) or {}).get("volumes", []):
            name = thing["metadata"]["name"]
            if "configMap" in volume and volume["configMap"]["name"] not in maps:
                fault(where, f"{name} names the ConfigMap {volume['configMap']['name']}, which isn't there")
            if "secret" in volume and volume["secret"]["secretName"] not in SECRETS:
                fault(where, f"{name} names the secret {volume['secret']['secretName']}, of which deploy/README.md says nothing")


def check_network(where: str, things: list[dict]) -> None:
    """Nobody may speak by default, and each pod has a policy of its own for both ways."""
    policies = [thing["spec"] for thing in things if thing["kind"] == "NetworkPolicy"]
    if not any(policy["podSelector"] == {} and set(policy["policyTypes"]) == {"Ingress", "Egress"}
               and "ingress" not in policy and "egress" not in policy for policy in policies):
        fault(where, "no policy denies everything by default")
    for thing in things:
        if not pod_of(thing):
            continue
        labels = thing["spec"]["template"]["metadata"]["labels"]
        own = [policy for policy in policies if policy["podSelector"] and selects(policy["podSelector"], labels)]
        if not own:
            fault(where, f"{thing['metadata']['name']} has no network policy of its own")


def check_environment(where: str, things: list[dict]) -> None:
    """No variable is set twice (the last one counts, whichever was meant), and those that arguments name are set."""
    for thing in things:
        for container in (pod_of(thing) or {}).get("containers", []):
            names = [variable["name"] for variable in container.get("env", [])]
            for name in sorted({name for name in names if names.count(name) > 1}):
                fault(where, f"{thing['metadata']['name']} sets {name} twice")
            for name in re.findall(r"\$\((\w+)\)", " ".join(container.get("args", []))):
                if name not in names:
                    fault(where, f"{thing['metadata']['name']} has an argument with $({name}), which isn't set")


def check_metrics(where: str, things: list[dict]) -> None:
    """Prometheus gets to every port that tells metrics."""
    policies = [thing["spec"] for thing in things if thing["kind"] == "NetworkPolicy"]
    for thing in things:
        if not pod_of(thing):
            continue
        labels = thing["spec"]["template"]["metadata"]["labels"]
        watched = WATCHED.get(labels["app.kubernetes.io/name"], set())
        ports = {port["containerPort"] for container in pod_of(thing)["containers"] for port in container["ports"] if port["name"] in watched}
        if watched and not ports:
            fault(where, f"{thing['metadata']['name']} has no port for metrics")
        rules = [rule for policy in policies if selects(policy["podSelector"], labels) for rule in policy.get("ingress", [])]
        into = {port["port"] for rule in rules for port in rule.get("ports", [])
                if {"namespaceSelector": {"matchLabels": WATCHES}} in rule.get("from", [])}
        for port in sorted(ports - into):
            fault(where, f"no policy lets metrics be read from {thing['metadata']['name']}, port {port}")


def check_scaling(where: str, things: list[dict]) -> None:
    """What a scaler scales is there, and says no number of pods of its own."""
    deployments = {thing["metadata"]["name"]: thing for thing in things if thing["kind"] == "Deployment"}
    for thing in things:
        if thing["kind"] not in {"ScaledObject", "HorizontalPodAutoscaler"}:
            continue
        name = thing["spec"]["scaleTargetRef"]["name"]
        if name not in deployments:
            fault(where, f"the {thing['kind']} scales {name}, which isn't there")
        elif "replicas" in deployments[name]["spec"]:
            fault(where, f"each apply throws {name} back to {deployments[name]['spec']['replicas']} pods, whatever the {thing['kind']} made of it")
        for trigger in thing["spec"].get("triggers", []):
            # KEDA takes an answer that isn't there for zero, unless it is told otherwise.
            if trigger["metadata"].get("ignoreNullValues") != "false" or "fallback" not in thing["spec"]:
                fault(where, f"the {thing['kind']} {thing['metadata']['name']} takes no answer for nothing to do")


def check_components(folders: list[Path], components: Path) -> None:
    """Each component is rendered by some overlay, so that nothing is judged by nobody."""
    used = set()
    for folder in folders:
        overlay = yaml.safe_load((folder / "kustomization.yaml").read_text())
        used |= {(folder / component).resolve() for component in overlay.get("components", [])}
    for component in sorted(components.iterdir()):
        if component.resolve() not in used:
            fault(component.name, "no overlay takes this component in")


def check_local_images(rendered: str) -> None:
    """The quick starts build every image that `overlays/dev` takes from the node."""
    images = set(re.findall(r"image: (callboard\S*):dev$", rendered, re.MULTILINE))
    words = {image.removeprefix("callboard-") for image in images}
    for page in ("deploy/README.md", "deploy/kubernetes/README.md"):
        for line in re.findall(r"build-local ([a-z ]+)", (asks.ROOT / page).read_text()) or [""]:
            if missing := words - set(line.split()):
                fault(page, f"build-local isn't told to build {', '.join(sorted(missing))}, which overlays/dev runs")


def check_services(where: str, things: list[dict]) -> None:
    """Each service, budget and policy finds pods."""
    labels = [thing["spec"]["template"]["metadata"]["labels"] for thing in things if pod_of(thing)]
    for thing in things:
        name, spec = thing["metadata"]["name"], thing.get("spec", {})
        if thing["kind"] == "Service":
            selector = {"matchLabels": spec["selector"]}
        elif thing["kind"] == "PodDisruptionBudget":
            selector = spec["selector"]
        elif thing["kind"] == "NetworkPolicy" and spec["podSelector"]:
            selector = spec["podSelector"]
        else:
            continue
        if not any(selects(selector, each) for each in labels):
            fault(where, f"the {thing['kind']} {name} selects no pod")


def check_grace(where: str, things: list[dict]) -> None:
    """A pod has more time to end than what runs in it asks for."""
    maps = {thing["metadata"]["name"]: thing["data"] for thing in things if thing["kind"] == "ConfigMap"}
    for thing in things:
        pod = pod_of(thing) or {}
        for volume in pod.get("volumes", []):
            for text in maps.get(volume.get("configMap", {}).get("name"), {}).values():
                if grace := re.search(r'^grace = "(\d+)s"', text, re.MULTILINE):
                    pause = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
                    needed = int(grace[1]) + pause
                    if pod["terminationGracePeriodSeconds"] <= needed:
                        fault(where, f"{thing['metadata']['name']} is killed before its grace of {needed} s is over")


def check(where: str, things: list[dict], scaled: dict | None) -> None:
    for thing in things:
        name = f"{thing['kind']} {thing['metadata']['name']}"
        if thing["kind"] not in CLUSTER_KINDS and thing["metadata"].get("namespace") != NAMESPACE:
            fault(where, f"{name} isn't in the namespace {NAMESPACE}")
        if thing["kind"] == "Namespace" and thing["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            fault(where, f"{name} doesn't enforce the restricted pod security")
        pod = pod_of(thing)
        if pod and pod.get("automountServiceAccountToken") is not False:
            fault(where, f"{name} mounts a token of the API server")
        for container in (pod or {}).get("containers", []):
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
                fault(where, f"{name} doesn't say what it needs")
            if container["image"].endswith(":latest") or ":" not in container["image"]:
                fault(where, f"{name} runs an image without a version: {container['image']}")
        if thing["kind"] == "ScaledObject" and scaled:
            for error in jsonschema.Draft7Validator(scaled).iter_errors(thing):
                fault(where, f"{name}: {error.json_path}: {error.message}")
    check_references(where, things)
    check_network(where, things)
    check_environment(where, things)
    check_metrics(where, things)
    check_scaling(where, things)
    check_services(where, things)
    check_grace(where, things)


def main() -> None:
    overlays, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    render, scaled = renderer(output / "tools"), keda_schema()
    if scaled is None:
        print("KEDA's objects NOT CHECKED against its schema: no Go to fetch it with")
    files = []
    folders = [path for parent in (overlays, MINE) for path in sorted(parent.iterdir()) if path.is_dir()]
    check_components(folders, overlays.parent / "components")
    for overlay in folders:
        done = run(*render, str(overlay))
        if done.returncode:
            fault(overlay.name, f"can't be rendered: {done.stderr.strip()}")
            continue
        file = output / f"{overlay.name}.yaml"
        file.write_text(done.stdout)
        files.append(str(file))
        check(overlay.name, list(yaml.safe_load_all(done.stdout)), scaled)
        if overlay.name == "dev":
            check_local_images(done.stdout)
    faults.extend(asks.faults())
    tools = Path(sys.executable).parent
    for version in VERSIONS:
        done = run(str(tools / "kubernetes-validate"), "--kubernetes-version", version, "--strict", *files)
        if done.returncode:
            lines = (done.stdout + done.stderr).splitlines()
            wrong = [line for line in lines if line.startswith("ERROR")] or lines
            fault(f"Kubernetes {version}", "\n".join(wrong))
    rules = Path(__file__).with_name("checkov.yaml")
    done = run(str(tools / "checkov"), "--config-file", str(rules), "--file", *files)
    if done.returncode:
        fault("checkov", (done.stdout + done.stderr).strip())
    for line in faults:
        print(line)
    if faults:
        sys.exit(1)
    print(f"{len(files)} overlays hold against Kubernetes {', '.join(VERSIONS)}")


main()
