"""One container with saslift in it, the stand-in it sends to, and what can be seen of it from outside."""

import base64
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

from exchange.demo import LOGIN, USUAL_PORTS, Device, Failed, Saslift

from .containers import Container

FREE_PORTS = dict.fromkeys(USUAL_PORTS, 0)


def demand(holds, what):
    if not holds:
        raise Failed(what)


def wait_until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        demand(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return value


class Trial:
    def __init__(self, engine, exchange, name, user, ports=None, host="localhost", service="", **wishes):
        self.exchange, self.ports, self.host, self.service = exchange, ports or FREE_PORTS, host, service
        self.container = Container(engine, f"saslift-{name}", user, **wishes)

    @contextlib.contextmanager
    def running(self):
        with tempfile.TemporaryDirectory(prefix="saslift-image-") as directory:
            saslift = Saslift(self.container, directory, self.exchange, self.ports, self.host, self.service)
            try:
                self.pid = self.container.pid
                yield saslift
            except Exception:
                print("saslift's log:\n" + saslift.log(), file=sys.stderr)
                raise
            finally:
                saslift.stop()

    def processes(self):
        """Of the container, as this machine numbers them."""
        return processes_beside(self.pid)


def processes_beside(pid):
    inside, found = os.readlink(f"/proc/{pid}/ns/pid"), []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(entry / "ns/pid") == inside:
                found.append(int(entry.name))
    return found


def state_of(pid):
    """What /proc tells of a process; empty where there is none."""
    with contextlib.suppress(OSError):
        return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return {}


class Sender:
    """A device in the middle of an SMTP session."""

    def __init__(self, port):
        self.device = Device(port)

    def log_in(self, password):
        device = self.device
        device.expect(b"220 ")
        device.say("EHLO scanner")
        while device.expect(b"250")[3:4] == b"-":
            pass
        for words, start in (("AUTH LOGIN", b"334 "), (_base64(LOGIN), b"334 "), (_base64(password), b"235 ")):
            device.say(words)
            device.expect(start)

    def begin(self, mailbox):
        for words, start in ((f"MAIL FROM:<{mailbox}>", b"250 "), (f"RCPT TO:<{mailbox}>", b"250 "), ("DATA", b"354 ")):
            self.device.say(words)
            self.device.expect(start)

    def quit(self):
        self.device.say("QUIT")
        self.device.expect(b"221 ")

    def __enter__(self):
        self.device.__enter__()
        return self

    def __exit__(self, *arguments):
        self.device.__exit__(*arguments)


def _base64(text):
    return base64.b64encode(text.encode()).decode()
