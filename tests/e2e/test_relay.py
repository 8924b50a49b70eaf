"""After the login: the relay is blind, and both of its connections notice a peer that is gone."""

import base64
import os
import pathlib

import pytest

from running_saslift import Lines
from servers.process import wait_until
from test_old_clients import MAILBOX, USER
from test_refused_logins import PROTOCOLS, attempt, connect, is_yes

PLAIN = base64.b64encode(b"\0" + USER.encode() + b"\0whatever").decode()
KEEPALIVE_IS_ARMED = "02"  # the timer's kind in /proc/net/tcp
JIFFIES_A_SECOND = os.sysconf("SC_CLK_TCK")


def in_session(saslift, password, protocol):
    client = connect(saslift, protocol)
    assert is_yes(protocol, attempt(client, protocol, USER, password.text))
    return client


@pytest.mark.parametrize("protocol, again", [
    ("imap", f"z LOGIN {USER} whatever"),
    ("imap", f"z AUTHENTICATE PLAIN {PLAIN}"),
    ("pop3", f"USER {USER}"),
    ("pop3", f"AUTH PLAIN {PLAIN}"),
    ("smtp", f"AUTH PLAIN {PLAIN}"),
])
def test_a_second_login_is_the_providers_to_answer(saslift, password, protocol, again):
    """FAULTS 20"""
    logins, sessions = (len(saslift.events(name)) for name in ("login_succeeded", "session_ended"))
    with in_session(saslift, password, protocol) as client:
        client.send(f"{again}\r\n")
        answer = client.line()
        assert answer.startswith({"imap": (b"z BAD", b"z NO"), "pop3": b"-ERR", "smtp": b"503"}[protocol]), answer
        assert b"reference" not in answer, "that is our word, not the provider's"
        client.send({"imap": "z NOOP\r\n", "pop3": "STAT\r\n", "smtp": "NOOP\r\n"}[protocol])
        assert client.line().startswith({"imap": b"z OK", "pop3": b"+OK", "smtp": b"250"}[protocol])
    saslift.wait_for_event("session_ended", sessions + 1)
    assert len(saslift.events("login_succeeded")) == logins + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_lf_of_a_login_that_comes_behind_it_is_not_the_providers(saslift, password, protocol):
    plain = base64.b64encode(f"\0{USER}\0{password.text}".encode()).decode()
    login = {"imap": [f"a LOGIN {USER} {password.text}"], "pop3": [f"USER {USER}", f"PASS {password.text}"],
             "smtp": ["EHLO me", f"AUTH PLAIN {plain}"]}[protocol]
    last_line = {"imap": (b"a ", b"* OK"), "pop3": b"+OK", "smtp": (b"220", b"250 ", b"235")}[protocol]
    with Lines(saslift.port[protocol]) as client:
        client.until(last_line)
        for line in login:
            client.send(f"{line}\r")
            answer = client.until(last_line)[-1]
        assert answer.startswith((b"a OK", b"+OK", b"235")), answer
        client.send("\n")
        client.send({"imap": "z NOOP\r\n", "pop3": "STAT\r\n", "smtp": "NOOP\r\n"}[protocol])
        answer = client.line()
        assert answer.startswith({"imap": b"z OK", "pop3": b"+OK", "smtp": b"250"}[protocol]), answer


def test_a_login_within_a_mail_transaction_is_the_providers_to_answer(saslift, password):
    """FAULTS 20"""
    with in_session(saslift, password, "smtp") as client:
        client.send(f"MAIL FROM:<{MAILBOX}>\r\n")
        assert client.line().startswith(b"250")
        client.send(f"AUTH PLAIN {PLAIN}\r\n")
        assert client.line().startswith(b"503")
        client.send(f"RCPT TO:<{MAILBOX}>\r\n")
        assert client.line().startswith(b"250")


def sockets_of(pid):
    found = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[len("socket:["):-1])
    return found


def established(pid):
    """(timer's kind, seconds until it rings) of each established TCP connection of a process."""
    own = sockets_of(pid)
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "01" and fields[9] in own:
                kind, when = fields[5].split(":")
                yield kind, int(when, 16) / JIFFIES_A_SECOND


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_both_connections_of_a_relay_have_keepalive_armed(lab, password, protocol):
    """FAULTS 66: probes begin after two silent minutes, and five of them, a minute apart, end it."""
    saslift = lab.run(lab.office())
    with in_session(saslift, password, protocol):
        [worker] = saslift.workers()

        def armed():  # until the last segment is acknowledged its timer is the one shown
            timers = list(established(worker))
            return len(timers) == 2 and all(kind == KEEPALIVE_IS_ARMED and seconds <= 120 for kind, seconds in timers)

        wait_until(armed, lambda: f"keepalive on both: {list(established(worker))}")
