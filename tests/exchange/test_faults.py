"""What the stand-in does wrong on demand, and the relay that spoils connections."""

import imaplib
import smtplib
import socket
import ssl
import threading
import time

import pytest

from exchange import Close, FaultRelay, Reset, Say, Stage, Stall, endless_reply, long_line, wrong_certificates
from exchange.clients import SCANS, Raw, encoded, smtp


@pytest.mark.parametrize("actions, heard", [
    ([Say(b"* BYE too busy\r\n"), Close()], b"* BYE too busy\r\n"),
    ([Say(b"* PREAUTH hello\r\n")], b"* PREAUTH hello\r\n"),
    ([Say(b"\x00\xffgarbage\r\n")], b"\x00\xffgarbage\r\n"),
    ([Close()], b""),
])
def test_greeting_is_replaced(exchange, trust, actions, heard):
    exchange.imap.faults.instead(Stage.greeting, *actions)
    with Raw(exchange.imap.port, trust) as client:
        assert client.line() == heard


def test_bytes_behind_the_starttls_go_ahead(exchange):
    exchange.smtp.faults.behind_go_ahead = b"250 injected\r\n"
    with Raw(exchange.smtp.port) as client:
        client.line()
        client.send(b"STARTTLS\r\n")
        assert client.read(43) == b"220 2.0.0 SMTP server ready\r\n250 injected\r\n"


@pytest.mark.parametrize("how", ["stripped", "refused"])
def test_starttls_is_stripped_or_refused(exchange, trust, how):
    exchange.smtp.faults.starttls = exchange.imap_starttls.faults.starttls = how
    with smtplib.SMTP("localhost", exchange.smtp.port) as client:
        client.ehlo()
        assert client.has_extn("starttls") == (how == "refused")
        assert client.docmd("STARTTLS")[0] in (454, 500)
    with imaplib.IMAP4("localhost", exchange.imap_starttls.port) as client:
        assert ("STARTTLS" in client.capabilities) == (how == "refused")
        with pytest.raises(imaplib.IMAP4.error):
            client.starttls(trust)


def test_endless_reply_long_line_and_alert(exchange, trust):
    exchange.imap.faults.after(Stage.greeting, Say(b"* OK [ALERT] Call this number\r\n"))
    exchange.imap.faults.instead(Stage.capabilities, endless_reply("imap"))
    with Raw(exchange.imap.port, trust) as client:
        client.line()
        assert b"[ALERT]" in client.line()
        client.send(b"a CAPABILITY\r\n")
        assert len(client.read(1 << 20)) >= 1 << 20
    exchange.pop3.faults.instead(Stage.greeting, long_line(1 << 20, b"+OK "))
    with Raw(exchange.pop3.port, trust) as client:
        assert b"\n" not in client.read(1 << 20)[:1 << 20]


@pytest.mark.parametrize("stage", [Stage.tls, Stage.greeting, Stage.capabilities, Stage.auth, Stage.token])
@pytest.mark.parametrize("action", [Close(), Reset(), Stall()], ids=lambda action: type(action).__name__)
def test_connection_fails_after_each_stage(exchange, trust, stage, action):
    exchange.pop3.faults.after(stage, action)
    heard = []
    with Raw(exchange.pop3.port, trust) as client:
        client.socket.settimeout(0.1)
        try:
            heard.append(client.line())
            client.send(b"CAPA\r\n")
            heard += [client.line() for _ in range(6)]
            client.send(b"AUTH XOAUTH2\r\n")
            heard.append(client.line())
            client.send(encoded(SCANS, exchange.issue_token()).encode() + b"\r\n")
            heard.append(client.line())
            client.send(b"NOOP\r\n")
            heard.append(client.line())
        except TimeoutError:
            assert action == Stall()
        except OSError:
            assert action != Stall()
    lines = {Stage.tls: 0, Stage.greeting: 1, Stage.capabilities: 7, Stage.auth: 8, Stage.token: 9}[stage]
    assert len([line for line in heard if line]) == lines


@pytest.fixture(scope="session")
def wrong(running):
    return wrong_certificates(running.authority)


@pytest.mark.parametrize("why", [
    "wrong_host", "expired", "not_yet_valid", "self_signed", "unknown_ca", "name_in_cn_only", "ip_san_only",
    "top_level_wildcard", "partial_wildcard", "nul_in_name", "weak_key", "sha1_signature", "for_clients_only",
    "signed_by_a_leaf"])
def test_wrong_certificate_is_refused_by_a_careful_client(exchange, trust, wrong, why):
    exchange.imap.certificate = wrong[why]
    trust.hostname_checks_common_name = False
    with pytest.raises(ssl.SSLError):
        Raw(exchange.imap.port, trust)
    exchange.wait_until(lambda: exchange.imap.records[-1].handshake_error)
    assert exchange.imap.records[-1].received == b""


def test_records_tell_what_came_before_tls_and_inside(exchange, trust):
    smtp(exchange, trust).quit()
    record = exchange.wait_until(lambda: exchange.smtp.records and exchange.smtp.records[-1].closed
                                 and exchange.smtp.records[-1])
    assert record.received_before_tls.startswith(b"ehlo ") and b"AUTH" not in record.received_before_tls
    assert record.commands[-1].lower() == "quit" and record.tls == "TLSv1.3"
    assert record.sent.startswith(b"220 ")
    assert record.sent.endswith(b"\r\n221 2.0.0 Service closing transmission channel\r\n")


# The relay


@pytest.fixture
def echo():
    """A server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                try:
                    while data := client.recv(65536):
                        client.sendall(data)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_relay_passes_everything_in_single_bytes(echo):
    with FaultRelay(echo) as relay, Raw(relay.port) as client:
        relay.up.piece = relay.down.piece = 1
        client.send(b"hello, world")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read(100) == b"hello, world"
        assert (relay.accepted, relay.up.passed, relay.down.passed) == (1, 12, 12)


@pytest.mark.parametrize("fault, heard", [
    ({"corrupt_at": 2}, b"ab\x9cdef"), ({"cut_after": 3}, b"abc"), ({"half_close_after": 4}, b"abcd"),
    ({"stall_after": 2}, TimeoutError), ({"reset_after": 0}, ConnectionResetError)])
def test_relay_spoils_one_direction(echo, fault, heard):
    with FaultRelay(echo) as relay, Raw(relay.port) as client:
        for name, value in fault.items():
            setattr(relay.down, name, value)
        client.socket.settimeout(0.2 if heard is TimeoutError else 5)
        client.send(b"abcdef")
        if isinstance(heard, bytes):
            assert client.read(6) == heard
        else:
            with pytest.raises(heard):
                client.read(6)


def test_relay_delays_and_cuts_on_demand(echo):
    with FaultRelay(echo) as relay, Raw(relay.port) as client:
        relay.up.delay = 0.1
        start = time.monotonic()
        client.send(b"x")
        assert client.read(1) == b"x" and time.monotonic() - start >= 0.1
        relay.cut()
        try:
            assert client.read(1) == b""
        except ConnectionResetError:
            pass
