"""What keeper and workers may still do once they run: users, privileges, core files, ports, the last descriptor."""

import os
import pathlib
import pwd
import re
import socket
import subprocess

import pytest

from running_saslift import Lines
from servers.process import wait_until
from test_processes import is_sanitized
from test_refused_logins import PROTOCOLS, is_yes, login

NOBODY = pwd.getpwnam("nobody")


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {key: value.split() for key, value in re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE)}


def low_port():
    for port in range(1023, 512, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port below 1024 is free")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


def confined_workers(saslift):
    saslift.wait_for_event("worker_confined", len(saslift.workers()))
    return saslift.workers()


def test_no_process_gains_privileges_dumps_core_or_is_traced(lab, binary, password):
    if is_sanitized(binary):
        pytest.skip("a sanitizer build does not confine its workers")
    saslift = lab.run(lab.office(workers=2))
    assert is_yes("imap", login(saslift, "imap", "scanner", password.text))
    for pid in [saslift.pid, *confined_workers(saslift)]:
        assert status_of(pid)["NoNewPrivs"] == ["1"]
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits)
        # Of a process that may not be dumped, only root may read the memory, whoever it belongs to.
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    for pid in saslift.workers():
        assert status_of(pid)["Seccomp"] == ["2"]


@needs_root
def test_root_opens_the_ports_and_becomes_the_user(lab, binary, password):
    port = low_port()
    configuration = lab.office(user="nobody", workers=2)
    for head, fields in configuration.tables:
        if head == "[[listener]]" and fields["protocol"] == "smtp":
            fields["address"] = f"127.0.0.1:{port}"
    saslift = lab.run(configuration)
    assert saslift.port["smtp"] == port
    for protocol in PROTOCOLS:
        assert is_yes(protocol, login(saslift, protocol, "scanner", password.text))
    for pid in [saslift.pid, *saslift.workers()]:
        told = status_of(pid)
        assert told["Uid"] == [str(NOBODY.pw_uid)] * 4
        assert told["Gid"] == [str(NOBODY.pw_gid)] * 4
        assert told["Groups"] in ([], [str(NOBODY.pw_gid)])
        assert told["CapEff"] == told["CapPrm"] == ["0" * 16]
        if not is_sanitized(binary):
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    state = saslift.directory / "state"
    for path in (state, state / "control"):
        assert path.stat().st_uid == NOBODY.pw_uid
    assert state.stat().st_mode & 0o777 == 0o700
    saslift.wait_for_event("became_user", user="nobody", uid=NOBODY.pw_uid)
    # Also as that user, the keeper's own.
    as_nobody = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "--regid=nogroup", binary, "status",
                                "--config", saslift.path], capture_output=True, text=True)
    assert as_nobody.returncode == 2 and "cannot be read" in as_nobody.stderr  # the configuration is root's here


def run_once(binary, configuration, before=()):
    path = configuration.directory / "saslift.toml"
    configuration.write(path)
    return subprocess.run([*before, binary, "run", "--config", path], capture_output=True, text=True, timeout=20)


@needs_root
@pytest.mark.parametrize("user, said", [("nobody", "chown -R nobody "), ("no-such-user", "this host has no such user")])
def test_a_user_who_cannot_work_is_refused_at_start(lab, binary, user, said):
    configuration = lab.office(user=user)
    (configuration.directory / "state").mkdir()
    ended = run_once(binary, configuration)
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr


@needs_root
def test_who_is_not_root_becomes_nobody_else(lab, binary):
    configuration = lab.office(user="daemon")
    for path in configuration.directory.iterdir():
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    path = configuration.directory / "saslift.toml"
    configuration.write(path)
    for one in (configuration.directory, path):
        os.chown(one, NOBODY.pw_uid, NOBODY.pw_gid)
    ended = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "--regid=nogroup", binary, "run",
                            "--config", path], capture_output=True, text=True, timeout=20)
    assert (ended.returncode, "only root can become another user" in ended.stderr) == (1, True), ended.stderr


def test_a_worker_without_a_descriptor_left_turns_clients_away_and_recovers(lab, password):
    """FAULTS 74: below its own cap, where no file can be opened any more."""
    saslift = lab.run(lab.office(workers=1))
    [worker] = confined_workers(saslift)
    highest = max(map(int, os.listdir(f"/proc/{worker}/fd")))
    subprocess.run(["prlimit", "--pid", str(worker), f"--nofile={highest + 1}:"], check=True)
    clients, turned_away = [], 0
    while turned_away < 4:  # the others take the numbers still free below it
        clients.append(Lines(saslift.port["imap"]))
        turned_away += clients[-1].line() == b""
        assert len(clients) <= highest + 4
    spent = sum(map(int, pathlib.Path(f"/proc/{worker}/stat").read_text().split()[13:15]))
    subprocess.run(["prlimit", "--pid", str(worker), "--nofile=1024:"], check=True)
    assert is_yes("imap", login(saslift, "imap", "scanner", password.text))
    for one in clients:
        one.close()
    assert saslift.workers() == [worker]
    wait_until(lambda: status_of(worker)["State"][0] == "S", "the worker asleep")
    assert spent < 5 * os.sysconf("SC_CLK_TCK")
