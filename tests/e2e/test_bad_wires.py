"""Connections that drip, break, lie or end by halves: what still arrives, and what is said."""

import contextlib
import hashlib
import random
import re
import socket
import ssl
import threading

import pytest

from exchange import FaultRelay
from exchange_lab import connection_of, session_end
from running_saslift import Lines
from servers.by_hand import ByHand
from servers.process import wait_until
from sockets_of import connection_options
from test_refused_logins import TEMPORARY, attempt, connect, is_yes, login


def text_of(size, address):
    """A message whose every line differs."""
    generator = random.Random(size)
    lines = [b"From: %s" % address.encode(), b"Subject: %d" % size, b""]
    while size > 0:
        lines.append(b"%x" % generator.getrandbits(280))
        size -= len(lines[-1]) + 2
    return b"\r\n".join(lines) + b"\r\n"


def literal_in(answer):
    """What FETCH brought."""
    head, size, rest = re.split(rb"\{(\d+)\}\r\n", answer, maxsplit=1)
    return rest[:int(size)]


# FAULTS 19 and 72: a session is the same whatever the segments


@contextlib.contextmanager
def relays_at(lab):
    """A relay before each server, and their ports."""
    with contextlib.ExitStack() as stack:
        relays = {protocol: stack.enter_context(FaultRelay(port)) for protocol, port in lab.ports().items()}
        yield relays, {protocol: relay.port for protocol, relay in relays.items()}


@pytest.fixture(params=["single_bytes", "delayed_pieces"])
def poor_lines(request, exchange_lab):
    """(saslift, office) with bad wires on both of its sides; the ports are those of the client's relays."""
    with contextlib.ExitStack() as stack:
        upstream, ports = stack.enter_context(relays_at(exchange_lab))
        saslift, office = exchange_lab.run_at(ports)
        downstream = {name: stack.enter_context(FaultRelay(port)) for name, port in saslift.port.items()}
        for relay in (*upstream.values(), *downstream.values()):
            for direction in (relay.up, relay.down):
                direction.piece = 1 if request.param == "single_bytes" else 1399
                direction.delay = 0 if request.param == "single_bytes" else 0.002
        saslift.real_port, saslift.port = saslift.port, {name: relay.port for name, relay in downstream.items()}
        yield saslift, office


def test_a_session_survives_any_segments(poor_lines, exchange, password):
    """FAULTS 19, 72: sent by SMTP, read by IMAP and by POP3, byte for byte."""
    saslift, office = poor_lines
    address = office.mailbox()
    wanted = text_of(6_000, address)
    with connect(saslift, "smtp") as client:
        assert is_yes("smtp", attempt(client, "smtp", address, password.text))
        client.send(f"MAIL FROM:<{address}>\r\n")
        client.until(b"250")
        client.send(f"RCPT TO:<{address}>\r\n")
        client.until(b"250")
        client.send("DATA\r\n")
        client.until(b"354")
        client.send(wanted + b".\r\n")
        client.until(b"250")
    assert exchange.mailbox(address).messages == [wanted]
    digest = hashlib.sha256(wanted).digest()
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", address, password.text))
        client.send(b"b SELECT INBOX\r\n")
        client.until(b"b OK")
        client.send(b"c FETCH 1 BODY.PEEK[]\r\n")
        assert hashlib.sha256(literal_in(b"".join(client.until(b"c OK")))).digest() == digest
    with connect(saslift, "pop3") as client:
        assert is_yes("pop3", attempt(client, "pop3", address, password.text))
        client.send(b"RETR 1\r\n")
        assert hashlib.sha256(b"".join(client.until(b".\r\n")[1:-1])).digest() == digest


def in_one_segment(saslift, protocol, address, secret, text):
    """A whole session as one write; the answers."""
    user, size = address.encode(), len(text)
    whole = {
        "imap": b'a LOGIN "%s" "%s"\r\nb APPEND INBOX {%d+}\r\n%s\r\nc SELECT INBOX\r\nd FETCH 1 BODY.PEEK[]\r\n'
                b"e LOGOUT\r\n" % (user, secret, size, text),
        "pop3": b"USER %s\r\nPASS %s\r\nSTAT\r\nRETR 1\r\nQUIT\r\n" % (user, secret),
    }[protocol]
    with Lines(saslift.port[protocol]) as client:
        client.send(whole)
        return client.rest()


def test_a_whole_session_in_one_segment_is_answered_in_order(at_exchange, office, exchange, password):
    """FAULTS 18, 19"""
    address = office.mailbox()
    wanted = text_of(9_000, address)
    answers = in_one_segment(at_exchange, "imap", address, password.text.encode(), wanted)
    assert re.findall(rb"^([a-e]) OK", answers, re.MULTILINE) == [b"a", b"b", b"c", b"d", b"e"]
    assert hashlib.sha256(literal_in(answers[answers.index(b"FETCH ("):])).digest() == hashlib.sha256(wanted).digest()
    answers = in_one_segment(at_exchange, "pop3", address, password.text.encode(), b"")
    assert answers.count(b"\r\n+OK") + answers.startswith(b"+OK") == 6 and wanted in answers
    assert exchange.mailbox(address).messages == [wanted]


# FAULTS 66: a peer that vanished


def test_keepalive_watches_both_sides_of_a_relay(at_exchange, office, exchange, password):
    """FAULTS 66: probes after two minutes, the end within ten, and IDLE's 29 minutes need no byte."""
    with connect(at_exchange, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", office.mailbox(), password.text))
        [worker] = at_exchange.workers()
        options = connection_options(worker)
        for peer in (client.socket.getsockname()[1], exchange.imap.port):
            assert options[peer] == {"keepalive": 1, "idle": 120, "interval": 60, "probes": 5, "nodelay": 1,
                                     "user_timeout": 600_000}


def test_keepalive_watches_a_client_before_its_login(at_exchange):
    """FAULTS 66"""
    with connect(at_exchange, "smtp") as client:
        [worker] = at_exchange.workers()
        assert connection_options(worker)[client.socket.getsockname()[1]]["keepalive"] == 1


# FAULTS 67: ends of every kind


@pytest.fixture
def by_hand(exchange, exchange_lab, password):
    """Starts a server by hand with this function behind the login: (saslift, office, server)"""
    with contextlib.ExitStack() as stack:
        def start(serve, protocol="imap", **options):
            def session(connection):
                getattr(connection, f"log_in_{protocol}")()
                serve(connection)

            server = stack.enter_context(ByHand(exchange.certificate, session, **options))
            tls = {protocol: "implicit"}
            saslift, office = exchange_lab.run_at({protocol: server.port}, protocols=[protocol], tls=tls)
            return saslift, office.mailbox(), server

        yield start


def logged_in(saslift, user, password, protocol="imap"):
    client = connect(saslift, protocol)
    assert is_yes(protocol, attempt(client, protocol, user, password.text))
    return client


BULK = b"".join(b"%070d\r\n" % number for number in range(40_000))  # 2.9 MB: more than any buffer on the way


def test_a_client_that_closes_its_half_still_gets_the_answers(by_hand, password):
    """FAULTS 67"""
    def serve(connection):
        connection.asked = connection.rest()
        connection.send(BULK)
        connection.close_notify()

    saslift, user, server = by_hand(serve)
    with logged_in(saslift, user, password) as client:
        client.send(BULK + b"last\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.rest() == BULK
    connection = server.wait_for_one()
    assert connection.asked == BULK + b"last\r\n" and connection.client_ended == "close_notify"
    assert session_end(saslift, user)["reason"] == "client_closed"


def test_a_server_that_closes_its_half_still_gets_what_the_client_sends(by_hand, password):
    """FAULTS 67"""
    def serve(connection):
        connection.send(b"* BYE no more from me\r\n")
        connection.close_notify()
        connection.asked = connection.rest()

    saslift, user, server = by_hand(serve)
    with logged_in(saslift, user, password) as client:
        assert client.rest() == b"* BYE no more from me\r\n"
        client.send(BULK)
        client.socket.shutdown(socket.SHUT_WR)
    connection = server.wait_for_one()
    assert connection.asked == BULK and connection.client_ended == "close_notify"
    assert session_end(saslift, user)["reason"] == "server_closed"


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls12", "tls13"])
@pytest.mark.parametrize("ending, reason", [("close_notify", "server_closed"),
                                            ("end", "server_closed_without_close_notify")])
def test_all_that_the_server_sent_before_its_end_arrives(by_hand, password, highest, ending, reason):
    """FAULTS 67: an end without close_notify is named in the log."""
    def serve(connection):
        connection.send(BULK)
        getattr(connection, ending)()
        connection.rest()

    saslift, user, server = by_hand(serve, highest=highest)
    with logged_in(saslift, user, password) as client:
        assert client.rest() == BULK
    assert session_end(saslift, user)["reason"] == reason
    assert server.wait_for_one().client_ended in ("close_notify", "end")


def test_what_the_client_sent_before_its_reset_arrives_at_the_server(by_hand, password):
    """FAULTS 67"""
    started = threading.Event()

    def serve(connection):
        started.wait(10)
        connection.asked = connection.rest()

    saslift, user, server = by_hand(serve)
    client = logged_in(saslift, user, password)
    client.send(b"x" * 20_000 + b"\r\n")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    started.set()
    assert server.wait_for_one().asked == b"x" * 20_000 + b"\r\n"
    assert session_end(saslift, user)["reason"].startswith("client_")


FAREWELL = b"552 5.2.3 too big for us\r\n"


@pytest.mark.parametrize("ending", ["end", "reset"])
def test_the_last_words_of_a_server_that_ends_arrive(by_hand, password, ending):
    """FAULTS 67"""
    said = threading.Event()

    def serve(connection):
        connection.line()
        connection.send(FAREWELL)
        getattr(connection, ending)()
        said.set()

    saslift, user, _ = by_hand(serve, protocol="smtp")
    with logged_in(saslift, user, password, "smtp") as client:
        client.send(b"DATA\r\n")
        assert said.wait(10)
        assert client.rest() == FAREWELL
    assert session_end(saslift, user)["reason"].startswith("server_")


@pytest.mark.parametrize("ending", ["end", "reset"])
def test_the_last_words_of_a_server_that_ends_in_the_middle_of_an_upload_arrive(by_hand, password, ending):
    """FAULTS 67: a server that refuses a message in mid-data closes with unread bytes, which makes a reset."""
    def serve(connection):
        while len(connection.received) < 300_000:
            connection.line()
        connection.send(FAREWELL)
        getattr(connection, ending)()

    saslift, user, _ = by_hand(serve, protocol="smtp")
    heard = []
    for _ in range(20):
        with logged_in(saslift, user, password, "smtp") as client:
            with contextlib.suppress(OSError):
                client.send(BULK[:1_000_000])
            try:
                heard.append(client.rest())
            except ConnectionResetError:
                heard.append(b"reset")
    assert heard == [FAREWELL] * 20


def test_a_reset_by_the_server_ends_the_client_and_is_named(by_hand, password):
    """FAULTS 67"""
    def serve(connection):
        connection.line()
        connection.reset()

    saslift, user, _ = by_hand(serve)
    with logged_in(saslift, user, password) as client:
        client.send(b"b NOOP\r\n")
        assert client.rest() == b""
    assert session_end(saslift, user)["reason"].startswith("server_failed")


# FAULTS 73: a TLS record with a flipped bit


@contextlib.contextmanager
def session_through_a_relay(lab, exchange, password, messages=()):
    """(client that has logged in by IMAP, relay at its server, saslift, address)"""
    with FaultRelay(exchange.imap.port) as relay:
        saslift, office = lab.run_at({"imap": relay.port}, protocols=["imap"])
        address = office.mailbox()
        for message in messages:
            exchange.mailbox(address).deliver(message)
        with logged_in(saslift, address, password) as client:
            client.send(b"b SELECT INBOX\r\n")
            client.until(b"b OK")
            yield client, relay, saslift, address


def test_a_flipped_bit_on_the_way_down_closes_both_sides_and_nothing_false_is_delivered(exchange, exchange_lab,
                                                                                      password):
    """FAULTS 73"""
    message = text_of(200_000, "x@y.test")
    with session_through_a_relay(exchange_lab, exchange, password, [message]) as (client, relay, saslift, address):
        relay.down.corrupt_at = relay.down.passed + 100_000
        client.send(b"c FETCH 1 BODY.PEEK[]\r\n")
        heard = client.rest()
        head, _, body = heard.partition(b"\r\n")
        assert b"{%d}" % len(message) in head
        assert len(body) < 110_000 and message.startswith(body)  # no tagged OK, no byte of the bad record
        assert body  # the records before it were whole
        event = session_end(saslift, address)
        assert event["reason"].startswith("server_failed") and "TLS" in event["reason"], event
    wait_until(lambda: connection_of(exchange.imap).closed, "the server's side closed")


def test_a_flipped_bit_on_the_way_up_stores_nothing_and_closes_both_sides(exchange, exchange_lab, password):
    """FAULTS 73"""
    message = text_of(200_000, "x@y.test")
    with session_through_a_relay(exchange_lab, exchange, password) as (client, relay, saslift, address):
        relay.up.corrupt_at = relay.up.passed + 100_000
        client.send(b"c APPEND INBOX {%d+}\r\n%s\r\n" % (len(message), message))
        assert client.rest() == b""
        assert exchange.mailbox(address).messages == []
    assert session_end(saslift, address)["reason"].startswith("server_")
    wait_until(lambda: connection_of(exchange.imap).closed, "the server's side closed")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_flipped_bit_during_the_login_is_temporary(exchange, exchange_lab, password, direction):
    """FAULTS 73: in the handshake and in the record of the login's answer or token."""
    with FaultRelay(exchange.imap.port) as relay:
        saslift, office = exchange_lab.run_at({"imap": relay.port}, protocols=["imap"])
        at = getattr(relay, direction)
        assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
        # Of one login: the middle of its first flight, and its last bytes. The rest may be the farewell.
        for offset in (30, 60):
            at.corrupt_at = offset
            answer = login(saslift, "imap", office.mailbox(), password.text)
            assert answer.startswith(TEMPORARY["imap"]), (offset, answer)
        at.corrupt_at = None
        assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))


@pytest.mark.parametrize("fault, reason", [("cut_after", "server_closed_without_close_notify"),
                                           ("reset_after", "server_"),
                                           ("half_close_after", "server_closed_without_close_notify")])
def test_a_download_that_breaks_off_is_passed_on_as_far_as_it_came(exchange, exchange_lab, password, fault, reason):
    """FAULTS 67: and the log says that it was truncated."""
    message = text_of(200_000, "x@y.test")
    with session_through_a_relay(exchange_lab, exchange, password, [message]) as (client, relay, saslift, address):
        setattr(relay.down, fault, relay.down.passed + 100_000)
        client.send(b"c FETCH 1 BODY.PEEK[]\r\n")
        head, _, body = client.rest().partition(b"\r\n")
        assert body and message.startswith(body) and len(body) < 100_000
        assert len(body) > 80_000 or fault == "reset_after"  # all records that came whole
    assert session_end(saslift, address)["reason"].startswith(reason)
