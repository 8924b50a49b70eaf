"""The figures: what the processes under test spend while the driver puts a known load on them."""

import contextlib
import json
import os
import subprocess
import time
from dataclasses import dataclass

from processes import Failed, cpu_seconds, pss_kib
from servers import MAILBOX, MANY_MAILBOXES

SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Size:
    """How much load makes one figure."""
    rounds: int
    logins: int
    gigabytes: float
    idle: int
    steps: tuple = ()


FULL = Size(rounds=3, logins=1000, gigabytes=1.0, idle=500)
QUICK = Size(rounds=1, logins=200, gigabytes=0.2, idle=100)

DOWN_MESSAGE = 50_000_000
UP_MESSAGE = 25_000_000


class Driver:
    def __init__(self, binary):
        self.binary = binary

    def message(self, size):
        return subprocess.run([self.binary, "message", "--message-bytes", str(size)], check=True, capture_output=True,
                              timeout=60).stdout

    def _start(self, mode, subject, user, options):
        command = [self.binary, mode, "--port", subject.port, "--user", user, "--authentication",
                   subject.authentication]
        if subject.ca:
            command += ["--ca", subject.ca]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", value]
        return subprocess.Popen([str(one) for one in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "SASLIFT_BENCH_SECRET": subject.secret})

    def run(self, mode, subject, user=MAILBOX, **options):
        driver = self._start(mode, subject, user, options)
        try:
            output, errors = driver.communicate(timeout=400)
        except BaseException:
            driver.kill()
            driver.wait()
            raise
        if driver.returncode != 0:
            raise Failed(f"{mode} through {subject.name}: {errors.strip()}")
        return json.loads(output)

    @contextlib.contextmanager
    def holding(self, subject, count):
        """So many logged-in sessions for as long as the block lasts."""
        driver = self._start("idle", subject, MANY_MAILBOXES, {"count": count, "at_once": 4, "seconds": 180})
        try:
            if not driver.stdout.readline():
                raise Failed(f"idle through {subject.name}: {driver.communicate(timeout=10)[1].strip()}")
            yield
            _, errors = driver.communicate(timeout=60)
            if driver.returncode != 0:
                raise Failed(f"idle through {subject.name}: {errors.strip()}")
        finally:
            if driver.poll() is None:
                driver.kill()
                driver.wait()


class Spent:
    """CPU seconds of a subject's processes over a block."""

    def __init__(self, subject):
        self.pid = subject.child.pid if subject.child else None
        self.seconds = None

    def __enter__(self):
        self.before = cpu_seconds(self.pid) if self.pid else None
        return self

    def __exit__(self, *_):
        if self.pid:
            time.sleep(0.1)  # for the ends of sessions
            self.seconds = cpu_seconds(self.pid) - self.before


# Each takes a subject and returns {figure: value}.

def at_rest(subject):
    """Started alone, with nothing else of the benchmark running."""
    subject.start()
    time.sleep(SETTLE_SECONDS)
    figures = {"rest_mb": pss_kib(subject.child.pid) / 1024, "start_up_ms": subject.start_up_ms}
    subject.stop()
    return figures


def idle(driver, subject, size):
    """The first load on a fresh start."""
    subject.check_running()
    before = pss_kib(subject.child.pid)
    with driver.holding(subject, size.idle):
        time.sleep(SETTLE_SECONDS)
        held = pss_kib(subject.child.pid)
    return {"idle_kib": (held - before) / size.idle}


def login(driver, subject, size):
    driver.run("login", subject, count=20)  # the token is cached, TLS sessions are there to be resumed
    with Spent(subject) as spent:
        result = driver.run("login", subject, count=size.logins)
    figures = {"login_p50_ms": result["p50_ms"], "login_p95_ms": result["p95_ms"]}
    if spent.seconds is not None:
        figures["login_cpu_ms"] = spent.seconds * 1000 / size.logins
    return figures


def down(driver, subject, size):
    with Spent(subject) as spent:
        result = driver.run("down", subject, message_bytes=DOWN_MESSAGE,
                            repeats=round(size.gigabytes * 1e9 / DOWN_MESSAGE), seconds=300)
    return _carried("down", spent, result)


def up(driver, subject, size, dovecot, message):
    dovecot.empty_up_folder()
    repeats = round(size.gigabytes * 1e9 / UP_MESSAGE)
    with Spent(subject) as spent:
        result = driver.run("up", subject, message_bytes=UP_MESSAGE, repeats=repeats, seconds=300)
    stored = dovecot.uploads()
    if len(stored) != repeats or any(path.read_bytes() != message for path in stored):
        raise Failed(f"up through {subject.name}: what is stored is not what was sent")
    dovecot.empty_up_folder()
    return _carried("up", spent, result)


def _carried(direction, spent, result):
    figures = {f"{direction}_mb_s": result["bytes"] / 1e6 / result["seconds"]}
    if spent.seconds is not None:
        figures[f"{direction}_cpu_s_gb"] = spent.seconds / (result["bytes"] / 1e9)
    return figures
