"""FAULTS 57: however many devices send at once, a mailbox has three connections at the provider, and who must wait gets
its turn."""

import base64
import os
import signal
import subprocess

import pytest

from exchange.login import Outcome
from running_saslift import Lines
from servers.process import wait_until


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def logged_in(saslift, user, password):
    client = Lines(saslift.port["smtp"], timeout=40)
    client.until(b"220")
    client.send(f"AUTH PLAIN {plain(user, password.text)}\r\n")
    assert client.line().startswith(b"235"), saslift.process.log()
    return client


def swaks(saslift, user, password, subject):
    return subprocess.Popen(
        ["swaks", "--server", f"127.0.0.1:{saslift.port['smtp']}", "--auth", "PLAIN", "--auth-user", user,
         "--auth-password", password.text, "--from", user, "--to", user, "--header", f"Subject: {subject}",
         "--timeout", "40"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_ten_swaks_at_once_are_all_delivered_over_three_connections(exchange, exchange_lab, password):
    """FAULTS 57, across two workers."""
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), workers=2)
    user = office.mailbox()
    held = [logged_in(saslift, user, password) for _ in range(3)]
    senders = [swaks(saslift, user, password, f"scan {number}") for number in range(10)]
    try:
        # All ten are at the gate before the first of them may send.
        wait_until(lambda: saslift.status()["slots"] == {"in_use": 3, "waiting": 10}, lambda: f"{saslift.status()}", 14)
        for client in held:
            client.send("QUIT\r\n")
            client.rest()
            client.close()
        for sender in senders:
            said = sender.communicate(timeout=60)[0]
            assert sender.returncode == 0, said
    finally:
        for sender in senders:
            sender.kill()
            sender.wait()
    delivered = {message.split(b"Subject: ")[1].split(b"\r\n")[0] for message in exchange.mailbox(user).messages}
    assert delivered == {f"scan {number}".encode() for number in range(10)}
    assert exchange.smtp.most_sessions[user] == 3
    assert not [one for one in exchange.smtp.logins if one.outcome is Outcome.limit]
    wait_until(lambda: saslift.status()["slots"] == {"in_use": 0, "waiting": 0}, lambda: f"{saslift.status()}")


def test_the_provider_refuses_what_the_gate_would_not_have_let_through(exchange, exchange_lab, password):
    """The counting upstream counts: with four connections allowed here, its 432 comes through as the log's."""
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), smtp_connections=4)
    user = office.mailbox()
    held = [logged_in(saslift, user, password) for _ in range(3)]
    with Lines(saslift.port["smtp"]) as fourth:
        fourth.until(b"220")
        fourth.send(f"AUTH PLAIN {plain(user, password.text)}\r\n")
        assert not fourth.line().startswith(b"235")
    assert [one for one in exchange.smtp.logins if one.outcome is Outcome.limit]
    for client in held:
        client.close()


def test_who_waits_in_vain_is_told_to_come_later(exchange, exchange_lab, password):
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), smtp_connections=1, login_timeout="4s")
    user = office.mailbox()
    holder = logged_in(saslift, user, password)
    with Lines(saslift.port["smtp"]) as other:
        other.until(b"220")
        other.send(f"AUTH PLAIN {plain(user, password.text)}\r\n")
        assert other.line().startswith(b"421 4.3.2")
        assert other.rest() == b""
    saslift.wait_for_event("login_refused", reason="limit_reached", login=user)
    # Another mailbox is not held up.
    logged_in(saslift, office.mailbox(), password).close()
    holder.close()
    logged_in(saslift, user, password).close()


@pytest.mark.parametrize("how", ["client", "worker"])
def test_a_slot_comes_back_when_its_session_dies(exchange, exchange_lab, password, how):
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), smtp_connections=1)
    user = office.mailbox()
    holder = logged_in(saslift, user, password)
    if how == "client":
        holder.close()
    else:
        os.kill(saslift.workers()[0], signal.SIGKILL)
        wait_until(lambda: saslift.status()["slots"]["in_use"] == 0, lambda: f"{saslift.status()}")
    logged_in(saslift, user, password).close()
    holder.close()
