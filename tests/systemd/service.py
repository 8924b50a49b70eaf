"""saslift.service on a machine: what systemd knows of it, what it has logged, and the files that README says to make."""

import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from image.trial import demand, processes_beside, state_of, wait_until

UNITS = Path(__file__).resolve().parents[2] / "docker/systemd"
SITE = "/etc/saslift"


@dataclass(frozen=True)
class Password:
    text: str
    hash: str

    @classmethod
    def made_on(cls, machine):
        made = json.loads(machine.must("saslift", "password", "--json"))
        return cls(made["password"], made["hash"])


class Service:
    def __init__(self, machine):
        self.machine = machine

    def install(self):
        for unit in UNITS.iterdir():
            shutil.copy(unit, self.machine.path("/etc/systemd/system"))
        self.machine.path(SITE).mkdir()
        self.machine.path("/etc/hosts").write_text("127.0.0.1 localhost\n")

    def file(self, name, text, mode):
        path = self.machine.path(f"{SITE}/{name}")
        path.write_text(text)
        path.chmod(mode)

    def drop_in(self, name, text):
        directory = self.machine.path("/etc/systemd/system/saslift.service.d")
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.conf").write_text(f"[Service]\n{text}\n")
        self.machine.must("systemctl", "daemon-reload")

    def forget_starts(self):
        """systemd gives up a service that is started too often, as this one is here."""
        self.machine.must("systemctl", "reset-failed", "saslift.service")

    def systemctl(self, verb, unit="saslift.service"):
        ran = self.machine.run("systemctl", verb, unit)
        demand(ran.returncode == 0, f"systemctl {verb} {unit}: {ran.stdout}{ran.stderr}\n{self.log()}")

    def show(self, name):
        return self.machine.must("systemctl", "show", "--value", f"--property={name}", "saslift.service").strip()

    def is_active(self):
        return self.show("ActiveState") == "active"

    def wait_until(self, condition, what, seconds=60):
        try:
            return wait_until(condition, what, seconds)
        except Exception:
            print(self.log(), flush=True)
            raise

    @property
    def main_pid(self):
        return int(self.show("MainPID"))

    def pids(self):
        """Of the unit, as this machine numbers them."""
        return [pid for pid in processes_beside(self.machine.pid) if in_unit(pid)]

    def seen_from_here(self, inside):
        """A process of the machine by our number."""
        numbers = {state_of(pid).get("NSpid", "none").split()[-1]: pid for pid in processes_beside(self.machine.pid)}
        demand(str(inside) in numbers, f"no process {inside} in the machine")
        return numbers[str(inside)]

    def log(self):
        return self.machine.run("journalctl", "--no-pager", "--output=cat", "--unit=saslift.service").stdout

    def events(self, name):
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["event"] == name]


def in_unit(pid):
    with contextlib.suppress(OSError):
        return "/saslift.service" in Path(f"/proc/{pid}/cgroup").read_text()
    return False
