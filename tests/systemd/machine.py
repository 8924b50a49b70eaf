"""A Debian whose process 1 is systemd: in a container of systemd-nspawn, on an overlay that is gone afterwards, in the
network namespace of whoever starts it."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from image.trial import demand, wait_until

SERVICE_MANAGER_HERE = Path("/run/systemd/system").is_dir()
TO_POWER_OFF = signal.SIGRTMIN + 4  # systemd(1), "Signals"


class Machine:
    def __init__(self, root, programs):
        """programs: ours -> its place in there."""
        self._said = tempfile.TemporaryFile("w+")
        self._container = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", *([] if SERVICE_MANAGER_HERE else ["--keep-unit"]),
             "--console=pipe", "--volatile=overlay", f"--network-namespace-path=/proc/{os.getpid()}/ns/net",
             # What systemd lets a service do on a machine of its own, systemd-nspawn forbids to a container.
             "--system-call-filter=@memlock landlock_create_ruleset landlock_add_rule landlock_restrict_self",
             f"--directory={root}", *(f"--bind-ro={ours}:{theirs}" for ours, theirs in programs.items()), "--boot"],
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=subprocess.STDOUT)
        try:
            self.pid = wait_until(self._first_process, "the container has a process")
            self.state = wait_until(self._state, "systemd is up", 120)
        except BaseException:
            self.stop()
            raise

    def _first_process(self):
        demand(self._container.poll() is None, f"systemd-nspawn ended:\n{self.said()}")
        number = self._container.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        return next((int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "systemd\n"), 0)

    def _state(self):
        demand(self._container.poll() is None, f"systemd-nspawn ended:\n{self.said()}")
        state = self.run("systemctl", "is-system-running").stdout.strip()
        return state if state in ("running", "degraded") else ""

    def said(self):
        self._said.seek(0)
        return self._said.read()

    def path(self, inside):
        """A file of the machine, as it is reached from here."""
        return Path(f"/proc/{self.pid}/root", inside.lstrip("/"))

    def words(self, *arguments):
        return ["nsenter", "--target", str(self.pid), "--all", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *arguments]

    def run(self, *arguments):
        return subprocess.run(self.words(*arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def must(self, *arguments):
        ran = self.run(*arguments)
        demand(ran.returncode == 0, f"{' '.join(arguments)}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def stop(self):
        if self._container.poll() is None and getattr(self, "pid", 0):
            os.kill(self.pid, TO_POWER_OFF)
        try:
            self._container.wait(90)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()
        self._said.close()
