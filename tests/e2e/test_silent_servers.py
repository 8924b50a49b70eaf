"""A mail server that falls silent: the device is told in time, and nothing is left behind."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from exchange import Stage, Stall
from running_saslift import reference_in
from servers.process import wait_until
from test_refused_logins import PROTOCOLS, TEMPORARY, connect, is_yes, login


class StallAndTell:
    """A fault of the stand-in that says when it has been reached."""

    def __init__(self):
        self.reached = threading.Event()

    async def happen(self, connection, tag):
        self.reached.set()
        await Stall().happen(connection, tag)


STALLS = [(protocol, stage) for protocol in PROTOCOLS
          for stage in (Stage.tls, Stage.greeting, Stage.capabilities, Stage.starttls, Stage.auth, Stage.token)
          if (protocol, stage) not in {("pop3", Stage.capabilities), ("imap", Stage.auth), ("imap", Stage.starttls),
                                       ("pop3", Stage.starttls)}]


def test_a_server_that_falls_silent_at_any_step_is_told_within_the_logins_time(exchange, exchange_lab, password):
    """FAULTS 69"""
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), login_timeout="4s")
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))

    def timed(protocol):
        started = time.monotonic()
        return login(saslift, protocol, office.mailbox(), password.text), time.monotonic() - started

    with ThreadPoolExecutor(len(STALLS)) as pool:
        told = []
        for protocol, stage in STALLS:
            stall, faults = StallAndTell(), getattr(exchange, protocol).faults
            faults.instead(stage, stall)
            told.append(pool.submit(timed, protocol))
            assert stall.reached.wait(10), (protocol, stage)
            faults.clear()
        for (protocol, stage), (answer, seconds) in zip(STALLS, [one.result() for one in told]):
            assert answer.startswith(TEMPORARY[protocol]), (protocol, stage, answer)
            assert 3 < seconds < 6, (protocol, stage, seconds)
            event = saslift.wait_for_event("login_refused", session=reference_in(answer))
            assert event["reason"] == "timeout", (protocol, stage, event)
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))


def test_a_server_that_accepts_no_connection_is_told_within_the_logins_time(exchange_lab, password):
    """FAULTS 69: stopped, as by SIGSTOP, it still answers with its kernel alone."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        saslift, office = exchange_lab.run_at({"smtp": silent.getsockname()[1]}, protocols=["smtp"], login_timeout="2s")
        started = time.monotonic()
        assert login(saslift, "smtp", office.mailbox(), password.text).startswith(TEMPORARY["smtp"])
        assert time.monotonic() - started < 4


def test_a_client_that_leaves_while_the_server_is_silent_frees_both_connections(exchange, at_exchange, office,
                                                                              password):
    """FAULTS 69"""
    stall = StallAndTell()
    exchange.imap.faults.instead(Stage.token, stall)
    with connect(at_exchange, "imap") as client:
        client.send(f'a LOGIN "{office.mailbox()}" "{password.text}"\r\n')
        assert stall.reached.wait(10)
    wait_until(lambda: exchange.imap.records[-1].closed, "the server's connection closed")
