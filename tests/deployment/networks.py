"""A coordinator, three workers and three nats-servers, each a host of its own, under load, while they are broken and restarted.

Run by `cargo xtask networks`:
    networks.py CALLBOARD FOLDER [--keep]
CALLBOARD is the binary that makes keys and tokens; the images are callboard:dev, callboard-nats:dev and callboard-python:dev.
Each worker has a network of its own, and so has the coordinator: the nats-servers are in all of them, and beside them
only the witness, which counts what the workers did, is in more than one.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from stage import Failed, Load, finish, run, say, until

HERE = Path(__file__).parent
NAME = f"callboard-{os.getpid()}"
WORKERS = ["worker-1", "worker-2", "worker-3"]
SERVERS = ["nats-1", "nats-2", "nats-3"]
# The third byte of each network's addresses; 198.18.0.0/15 is set aside for tests of networks.
NETWORKS = {"servers": 10, "front": 11, "worker-1": 21, "worker-2": 22, "worker-3": 23}
NATS_URL = ",".join(f"nats://{server}:4222" for server in SERVERS)
FRONT = "http://coordinator:8090"


def docker(*words: str, may_fail: bool = False) -> str:
    return run("docker", *words, may_fail=may_fail)


def named(host: str) -> str:
    return f"{NAME}-{host}"


def address(network: str, host: str) -> str:
    hosts = SERVERS + ["coordinator", "load", "witness"] + WORKERS
    return f"198.18.{NETWORKS[network]}.{10 + hosts.index(host)}"


def join(network: str, host: str) -> None:
    docker("network", "connect", "--ip", address(network, host), "--alias", host, named(network), named(host))


def start(host: str, networks: list[str], image: str, *arguments: str, options: list[str]) -> None:
    # Hardened as in deploy/kubernetes: nobody's rights, and a root that can't be written to.
    docker("create", "--name", named(host), "--hostname", host, "--network", named(networks[0]), "--ip", address(networks[0], host),
           "--network-alias", host, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
           *options, image, *arguments)
    for network in networks[1:]:
        join(network, host)
    docker("start", named(host))


def mount(folder: Path, place: str) -> list[str]:
    return ["--volume", f"{folder.resolve()}:{place}:ro"]


def write_files(callboard: str, folder: Path) -> str:
    """Keys, a token and configuration; gives the token."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(callboard, "keys", "--dir", str(folder / "keys"), "--tenant", "default", "--pool", "hosts")
    routes = ", ".join(f"nats://{server}:6222" for server in SERVERS)
    (folder / "keys/cluster.conf").write_text(
        f"server_name: $SERVER_NAME\nport: 4222\nhttp_port: 8222\nping_interval: 5s\nping_max: 2\n"
        f"cluster {{ name: callboard, port: 6222, no_advertise: true, routes: [{routes}] }}\n"
        "jetstream { store_dir: /data }\ninclude accounts.conf\n")
    (folder / "keys/callboard.toml").write_text(
        '[coordinator]\ndeadline = "30s"\n[serve]\ngrace = "40s"\n[serve.scripts]\nfan = "/check/fan.toml"\n')
    made = json.loads(run(callboard, "token", "new", "load", "--json"))
    (folder / "keys/tokens").write_text(f'[[token]]\nname = "load"\nsha256 = "{made["sha256"]}"\n')
    for path in folder.rglob("*"):
        # They are this check's own and end with it; inside, another user reads them.
        path.chmod(0o755 if path.is_dir() else 0o644)
    return made["token"]


def start_all(folder: Path, token: str) -> None:
    for network, number in NETWORKS.items():
        docker("network", "create", "--subnet", f"198.18.{number}.0/24", named(network))
    keys, check = mount(folder / "keys", "/keys"), mount(HERE, "/check")
    for server in SERVERS:
        start(server, list(NETWORKS), "callboard-nats:dev", "--config=/keys/cluster.conf",
              options=[*keys, "--env", f"SERVER_NAME={server}", "--volume", "/data"])
    python = [*check, "--env", "PYTHONUNBUFFERED=1", "--entrypoint", "/usr/local/bin/python3"]
    start("witness", ["worker-1", "worker-2", "worker-3", "front"], "callboard-python:dev", "/check/witness.py", "8098", options=python)
    start("coordinator", ["front"], "callboard:dev", "serve", "--config=/keys/callboard.toml", "--listen=0.0.0.0:8090", "--tokens=/keys/tokens",
          options=[*keys, *check, "--env", f"CALLBOARD_NATS__URL={NATS_URL}", "--env", "CALLBOARD_NATS__NKEY_FILE=/keys/default/coordinator.nk",
                   "--restart", "on-failure"])
    for worker in WORKERS:
        start(worker, [worker], "callboard:dev", "worker", "--config=/check/notes.toml", "--tools=basic", "--slots=32", "--grace=40s",
              "--pool=hosts", f"--name={worker}", options=[*keys, *check, "--env", f"CALLBOARD_NATS__URL={NATS_URL}", "--env", "CALLBOARD_NATS__NKEY_FILE=/keys/default/worker-hosts.nk",
                       "--restart", "on-failure"])
    start("load", ["front"], "callboard-python:dev", "/check/load.py", FRONT, "6",
          options=[*python, "--env", f"LOAD_TOKEN={token}"])


def leader(load: Load) -> str | None:
    """The server that leads JetStream's meta group, as one of those that are there says."""
    for server in SERVERS:
        try:
            cluster = json.loads(load.fetch(f"http://{server}:8222/jsz"))["meta_cluster"]
            if cluster.get("leader"):
                return cluster["leader"]
        except (Failed, KeyError):
            continue
    return None


def healthy(load: Load) -> bool:
    return all(load.fetch(f"http://{server}:8222/healthz") for server in SERVERS)


def restarted(host: str, *, polite: bool) -> None:
    if polite:
        docker("stop", "--time", "60", named(host))
    docker("start", named(host))


def break_and_restart(load: Load) -> None:
    ready = lambda count: until(f"{count} workers are ready", lambda: len(load.workers()) == count)
    with load.phase("all is well", graceful=True):
        pass
    with load.phase("a worker is killed"):
        docker("kill", "--signal", "KILL", named("worker-1"))
        ready(2)
        restarted("worker-1", polite=False)
        ready(3)
    with load.phase("a worker is cut off, and back"):
        docker("network", "disconnect", named("worker-2"), named("worker-2"))
        ready(2)
        time.sleep(5)
        join("worker-2", "worker-2")
        ready(3)
    with load.phase("NATS loses its leader"):
        first = until("JetStream has a leader", lambda: leader(load))
        docker("kill", "--signal", "KILL", named(first))
        second = until("it has another", lambda: (found := leader(load)) != first and found)
        restarted(first, polite=False)
        until("all servers are healthy", lambda: healthy(load))
        say(f"  ({first} was killed, {second} leads)")
        ready(3)
    with load.phase("workers roll", graceful=True):
        for worker in WORKERS:
            restarted(worker, polite=True)
            ready(3)
    with load.phase("the coordinator restarts", graceful=True):
        restarted("coordinator", polite=True)
        ready(3)
    with load.phase("NATS rolls"):
        for server in SERVERS:
            restarted(server, polite=True)
            until("all servers are healthy", lambda: healthy(load))
        ready(3)
    with load.phase("all is well again", graceful=True):
        pass


def remove_all() -> None:
    names = docker("ps", "--all", "--quiet", "--filter", f"name=^{NAME}-").split()
    if names:
        docker("rm", "--force", "--volumes", *names, may_fail=True)
    for network in NETWORKS:
        docker("network", "rm", named(network), may_fail=True)


def main() -> None:
    callboard, folder = sys.argv[1], Path(sys.argv[2])
    found: list[str] = []
    try:
        token = write_files(callboard, folder)
        start_all(folder, token)
        load = Load(["docker", "exec", named("load")], ["docker", "logs", named("load")], FRONT, "http://witness:8098")
        until("the servers found each other", lambda: healthy(load) and leader(load), 30)
        until("three workers are ready", lambda: len(load.workers()) == 3)
        say(f"a coordinator, {len(WORKERS)} workers and {len(SERVERS)} nats-servers on {len(NETWORKS)} networks")
        break_and_restart(load)
        found = load.judged()
    except Failed as error:
        found = [str(error)]
        for host in ["coordinator", *WORKERS, *SERVERS, "load"]:
            done = run("sh", "-c", f"docker logs --tail 50 {named(host)} 2>&1", may_fail=True)
            (folder / f"{host}.log").write_text(done)
        say(docker("ps", "--all", "--filter", f"name=^{NAME}-", may_fail=True))
    finally:
        if "--keep" not in sys.argv:
            remove_all()
    finish(found)


main()
