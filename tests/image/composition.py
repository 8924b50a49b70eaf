"""docker/compose.yaml without a Compose: its sidecar in a container as it asks for, the other two services
beside it as processes, each with the command, the files and the secrets that are written there."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import yaml

from .containers import Container
from .trial import demand, wait_until

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker/compose.yaml"


class Composition:
    def __init__(self):
        self.text = yaml.safe_load(FILE.read_text())

    def service(self, name):
        return self.text["services"][name]

    def files(self, service, volume, volumes):
        """Ours -> its place in that service: configurations, secrets, and the one volume."""
        placed = {}
        for config in service.get("configs", []):
            placed[str(FILE.parent / self.text["configs"][config["source"]]["file"])] = config["target"]
        for secret in service.get("secrets", []):
            placed[str(FILE.parent / self.text["secrets"][secret]["file"])] = f"/run/secrets/{secret}"
        for mounted in service.get("volumes", []):
            name, place = mounted.split(":")[:2]
            demand(name == volume, f"volume {name}")
            placed[volumes] = place
        return placed


def here(command, files):
    """A command of the file with what it names there called as it is here."""
    words = []
    for word in command:
        for ours, theirs in files.items():
            word = word.replace(theirs, ours)
        words.append(word.replace("$$", "$"))
    return words


class StandIn:
    def __init__(self, command):
        self._child = subprocess.Popen([sys.executable, "-B", ROOT / "tests/exchange", *command], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.told = json.loads(self._child.stdout.readline() or "{}")
        demand(self.told, "the stand-in did not start")

    def stop(self):
        self._child.terminate()
        self._child.wait(20)
        self._child.stdin.close()
        self._child.stdout.close()


class Sidecar:
    def __init__(self, container, command):
        self.lines = []
        self._child = subprocess.Popen(container.words(*command), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=lambda: self.lines.extend(self._child.stderr), daemon=True)
        self._reader.start()

    def has_logged(self, event):
        demand(self._child.poll() is None, "the sidecar ended:\n" + "".join(self.lines))
        return any(f'"{event}"' in line for line in list(self.lines))

    def stop(self):
        self._child.terminate()
        code = self._child.wait(30)
        self._reader.join()
        self._child.stderr.close()
        return code


def one_round(loop):
    """The application's command without its endless loop."""
    body = loop[loop.index("do") + 2:loop.rindex("sleep")]
    return ["/bin/sh", "-ec", body]


def sidecar_carries_mail(engine, name_server):
    composition = Composition()
    sidecar, exchange, application = map(composition.service, ("saslift", "exchange", "application"))
    demand(sidecar["network_mode"] == "service:application", "the sidecar shares the application's network")
    demand(sidecar["read_only"] and sidecar["cap_drop"] == ["ALL"], "the sidecar is not confined")
    with tempfile.TemporaryDirectory(prefix="saslift-image-") as directory:
        os.chmod(directory, 0o755)
        site = os.path.join(directory, "site")
        os.mkdir(site)
        resolver = Path(directory, "resolv.conf")
        resolver.write_text(f"nameserver {name_server}\n")
        stand_in = StandIn(here(exchange["command"], composition.files(exchange, "site", site)))
        try:
            files = composition.files(sidecar, "site", site) | {str(resolver): "/etc/resolv.conf"}
            container = Container(engine, "saslift-sidecar", sidecar["user"], sidecar["tmpfs"], files)
            checked = subprocess.run(container.words("check"), capture_output=True, text=True)
            demand(checked.returncode == 0, f"saslift check in the container: {checked.stdout}{checked.stderr}")
            running = Sidecar(container, ("run",))
            try:
                wait_until(lambda: running.has_logged("worker_started"), "the sidecar started")
                [command] = here(application["command"][2:], composition.files(application, "", ""))
                sent = subprocess.run(one_round(command), capture_output=True, text=True)
                demand(sent.returncode == 0, f"swaks: {sent.stdout}{sent.stderr}\n" + "".join(running.lines))
            finally:
                code = running.stop()
        finally:
            stand_in.stop()
    demand(code == 0, f"the sidecar's exit code is {code}")
    last = [line for line in sent.stdout.splitlines() if "250" in line][-1].strip()
    return ("in a container with the user, files, secrets and tmpfs that the file names, `saslift check` says yes, and the "
            f"application's swaks gets {last}\n(no Docker Compose is here: the two other services ran as processes)")
