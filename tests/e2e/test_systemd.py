"""What saslift tells systemd, and what it takes from it, with the test in systemd's place."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pytest

from servers.process import answers, wait_until
from test_old_clients import USER
from test_refused_logins import is_yes, login
from test_reload import hang_up

UNITS = pathlib.Path(__file__).parents[2] / "docker" / "systemd"

# Becomes saslift with the sockets on descriptors 3 and up, as systemd does it.
ACTIVATE = """
import fcntl, os, sys
numbers = [int(one) for one in sys.argv[1].split(",") if one]
kept = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 100) for number in numbers]
for place, number in enumerate(kept, 3):
    os.dup2(number, place)
for number in range(3 + len(kept), 64):
    try:
        os.close(number)
    except OSError:
        pass
os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"] = str(os.getpid()), str(len(kept))
os.environ["LISTEN_FDNAMES"] = ":".join(f"socket{number}" for number in range(len(kept)))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        try:
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return self.heard

    def wait_for(self, start, count=1):
        wait_until(lambda: sum(text.startswith(start) for text in self.listen()) >= count,
                   lambda: f"{count} x {start} in {self.heard}")

    def close(self):
        self.socket.close()


def test_systemd_hears_ready_reloading_watchdog_and_stopping(lab, password, monkeypatch):
    configuration = lab.office()
    manager = Manager(configuration.directory)
    monkeypatch.setenv("NOTIFY_SOCKET", manager.path)
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    try:
        saslift = lab.run(configuration)
        manager.wait_for("READY=1")
        assert is_yes("imap", login(saslift, "imap", USER, password.text))
        manager.wait_for("WATCHDOG=1", 3)
        hang_up(saslift)
        manager.wait_for("READY=1", 2)
        states = [text.split("\n")[0] for text in manager.heard if not text.startswith("WATCHDOG")]
        assert states == ["READY=1", "RELOADING=1", "READY=1"]
        [reloading] = [text for text in manager.heard if text.startswith("RELOADING=1")]
        assert re.search(r"^MONOTONIC_USEC=\d+$", reloading, re.MULTILINE)
        saslift.terminate()
        manager.wait_for("STOPPING=1")
    finally:
        manager.close()


def test_sockets_of_systemd_are_matched_to_listeners_by_address(lab, binary, password, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as imap, socket.create_server(("127.0.0.1", 0)) as stray, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        port = imap.getsockname()[1]
        configuration = lab.office()
        for head, fields in configuration.tables:
            if fields.get("protocol") == "imap":
                fields["address"] = f"127.0.0.1:{port}"
        early = socket.create_connection(("127.0.0.1", port), timeout=15)  # before there is a saslift
        for one in (imap, stray, datagrams):
            os.set_inheritable(one.fileno(), True)
        numbers = ",".join(str(one.fileno()) for one in (stray, imap, datagrams))
        popen = subprocess.Popen
        monkeypatch.setattr(subprocess, "Popen", lambda arguments, **options: popen(arguments, close_fds=False, **options)
                            if ACTIVATE in arguments else popen(arguments, **options))
        saslift = lab.run(configuration, before=[sys.executable, "-c", ACTIVATE, numbers])
        monkeypatch.undo()
        assert saslift.port["imap"] == port
        assert early.recv(100).startswith(b"* OK")
        early.close()
        assert is_yes("imap", login(saslift, "imap", USER, password.text))
        unused = [event["reason"] for event in saslift.events("inherited_socket_unused")]
        assert any(f"127.0.0.1:{stray.getsockname()[1]}" in reason for reason in unused), unused
        assert any(reason.startswith("socket2 (descriptor 5) is no TCP socket") for reason in unused), unused
        # Nobody is refused while it is away: the socket is systemd's too.
        saslift.stop(lab.tokens())
        lab.running.remove(saslift)
        assert answers(port)


@pytest.fixture(scope="module")
def systemd_analyze():
    found = shutil.which("systemd-analyze")
    assert found, "systemd is not installed"
    return found


def test_the_unit_is_exposed_by_no_more_than_1_6(systemd_analyze):
    said = subprocess.run([systemd_analyze, "security", "--offline=yes", "--no-pager", "--threshold=16",
                           UNITS / "saslift.service"], capture_output=True, text=True)
    figure = re.search(r"Overall exposure level for saslift.service: ([\d.]+)", said.stdout)
    assert figure and float(figure[1]) <= 1.6 and said.returncode == 0, said.stdout[-400:] + said.stderr


def test_the_units_are_what_systemd_takes(systemd_analyze, binary, directory):
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/usr/bin/saslift", str(binary))
        (directory / unit.name).write_text(text)
    said = subprocess.run([systemd_analyze, "verify", "--man=no", directory / "saslift.service",
                           directory / "saslift.socket"], capture_output=True, text=True)
    assert said.returncode == 0 and "saslift" not in said.stderr, said.stderr


def test_the_unit_names_what_the_sandbox_is_made_of():
    text = (UNITS / "saslift.service").read_text()
    for line in ("Type=notify", "WatchdogSec=30", "DynamicUser=yes", "StateDirectory=saslift", "TasksMax=512",
                 "RestartPreventExitStatus=2", "LoadCredential=", "AF_NETLINK",
                 "SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp"):
        assert line in text, line
