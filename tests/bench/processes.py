"""Processes: starting and stopping one, and what it and its descendants spend."""

import contextlib
import os
import re
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Something did not start, or did not do what it was started for."""


def _stat(pid):
    """Fields of /proc/PID/stat from the third on; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def family(pid):
    """A process and all that descend from it."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(name)
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def cpu_seconds(pid):
    """utime + stime of all of them, with what their ended children spent."""
    fields = filter(None, map(_stat, family(pid)))
    return sum(int(one) for each in fields for one in each[11:15]) / TICKS


def pss_kib(pid):
    """Proportional set size of all of them."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{one}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M)[1])
    return total


def _start_time(pid):
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != "Z" else None


def _ended_within(start_times, seconds):
    """Those of {pid: start time} that are still there after that."""
    deadline = time.monotonic() + seconds
    while True:
        left = [pid for pid, start in start_times.items() if start and _start_time(pid) == start]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)


class Child:
    """One process with its output in a file, stopped by its pid."""

    def __init__(self, command, log_path):
        self.log_path = log_path
        self.started = time.monotonic()
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen([str(one) for one in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        self.pid = self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_until(self, condition, what, seconds=20):
        """Polls each half millisecond, because start-up is measured here."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if self.process.poll() is not None:
                raise Failed(f"{what}: ended with {self.process.returncode}\n{self.log()[-2000:]}")
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not within {seconds} s\n{self.log()[-2000:]}")
            time.sleep(0.0005)

    def stop(self, seconds=15):
        """Its exit code. What it leaves behind is killed and tells of a fault."""
        descendants = {pid: _start_time(pid) for pid in family(self.pid)[1:]}
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        left = _ended_within(descendants, seconds=2)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return "having left processes behind" if left else self.process.returncode
