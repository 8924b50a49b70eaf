"""Listeners with TLS: who gets in, who does not, and what the log says."""

import base64
import json
import socket
import ssl
import subprocess

import pytest

from exchange_lab import ExchangeLab
from running_saslift import Lines, reference_in
from servers.process import wait_until
from tls_doors import GREETING, PROTOCOLS, Doors, Typed, log_in, log_out, old, s_client, trusting

STARTTLS = {"imap": "a STARTTLS\r\n", "pop3": "STLS\r\n", "smtp": "STARTTLS\r\n"}
GO_AHEAD = {"imap": b"a OK", "pop3": b"+OK", "smtp": b"220"}


@pytest.fixture(scope="module")
def doors(binary, directory, password, exchange_site):
    lab = ExchangeLab(binary, directory, password, exchange_site)
    configuration, [office] = lab.at(lab.ports(), workers=2)
    made = Doors(lab, configuration, office)
    for protocol in PROTOCOLS:
        made.add(f"{protocol} implicit", protocol, "implicit")
        made.add(f"{protocol} starttls", protocol, "starttls", plaintext_login="never")
        made.add(f"{protocol} auto", protocol, "auto", tls_detect="1s")
        made.add(f"{protocol} off", protocol, "off")
    made.add("legacy", "smtp", "implicit", legacy_tls=True)
    made.add("legacy starttls", "smtp", "starttls", legacy_tls=True)
    yield made.open()
    lab.stop()


@pytest.fixture(scope="module")
def trust(doors):
    """Of a device that was given our certificate, and checks the name in it."""
    return trusting(doors.certificate())


def attempt(doors, protocol, how, listener, password, trust):
    client = log_in(protocol, doors.port[f"{protocol} {listener}"], doors.office.mailbox(), password.text, how, trust)
    log_out(client)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_clients_log_in_by_implicit_tls_and_by_starttls(doors, trust, password, protocol):
    attempt(doors, protocol, "implicit", "implicit", password, trust)
    attempt(doors, protocol, "starttls", "starttls", password, trust)


@pytest.mark.parametrize("how", ["plain", "starttls", "implicit"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_auto_listener_serves_every_kind_of_client(doors, trust, password, protocol, how):
    attempt(doors, protocol, how, "auto", password, trust)


@pytest.mark.parametrize("listener", ["off", "auto", "implicit"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_that_does_not_wait_for_the_greeting_is_served_in_order(doors, trust, password, protocol, listener):
    """It says all it has to say, and only then reads."""
    user = doors.office.mailbox()
    plain = base64.b64encode(f"\0{user}\0{password.text}".encode()).decode()
    says, answers = {
        "imap": (f"a LOGIN {user} {password.text}\r\nb NOOP\r\nc LOGOUT\r\n", [b"* OK", b"a OK", b"b OK", b"c OK"]),
        "pop3": (f"USER {user}\r\nPASS {password.text}\r\nNOOP\r\nQUIT\r\n", [b"+OK"] * 5),
        "smtp": (f"EHLO x\r\nAUTH PLAIN {plain}\r\nNOOP\r\nQUIT\r\n", [b"220", b"250", b"235", b"250", b"221"]),
    }[protocol]
    connection = socket.create_connection(("127.0.0.1", doors.port[f"{protocol} {listener}"]), timeout=30)
    if listener == "implicit":
        connection = trust.wrap_socket(connection, server_hostname="127.0.0.1")
    with Lines(None, connection=connection) as client:
        client.send(says)
        said = client.rest().splitlines()
    assert said[0].startswith(GREETING[protocol])
    ends = [line[:4].rstrip() for line in said if not line.startswith((b"* CAP", b"* BYE", b"250-"))]
    assert ends == answers, said


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_password_in_clear_where_none_may_travel(doors, password, protocol):
    """FAULTS 55"""
    with Lines(doors.port[f"{protocol} starttls"]) as client:
        client.until(GREETING[protocol])
        if protocol == "imap":
            client.send("a CAPABILITY\r\n")
            assert b"LOGINDISABLED" in b"".join(client.until(b"a OK"))
            client.send(f"b LOGIN scanner {password.text}\r\n")
            said = client.line()
            assert said.startswith(b"b NO [PRIVACYREQUIRED]")
        elif protocol == "pop3":
            client.send("CAPA\r\n")
            offered = client.until(b".")
            assert not any(line.startswith((b"USER", b"SASL")) for line in offered) and b"STLS\r\n" in offered
            client.send("USER scanner\r\n")
            said = client.line()
            assert said.startswith(b"-ERR [AUTH]")
        else:
            client.send("EHLO scanner\r\n")
            assert b"AUTH" not in b"".join(client.until(b"250 "))
            client.send("AUTH LOGIN\r\n")
            said = client.line()
            assert said.startswith(b"538 5.7.11")
    event = doors.saslift.wait_for_event("login_refused", session=reference_in(said))
    assert event["reason"] == "needs_tls" and "plaintext_login" in event["detail"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_commands_in_clear_behind_starttls_are_not_run(doors, protocol):
    """FAULTS 1, CVE-2011-0411"""
    behind = {"imap": "b CAPABILITY\r\n", "pop3": "CAPA\r\n", "smtp": "EHLO injected\r\n"}[protocol]
    with Lines(doors.port[f"{protocol} starttls"]) as client:
        client.until(GREETING[protocol])
        client.send(STARTTLS[protocol] + behind)
        assert not any(line.startswith(GO_AHEAD[protocol]) for line in client.rest().splitlines())
    doors.saslift.wait_for_event("session_ended", protocol=protocol, reason="bytes_behind_starttls")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_commands_in_clear_after_the_go_ahead_are_no_handshake(doors, protocol):
    """FAULTS 2"""
    with Lines(doors.port[f"{protocol} starttls"]) as client:
        client.until(GREETING[protocol])
        client.send(STARTTLS[protocol])
        client.until(GO_AHEAD[protocol])
        client.send("NOOP\r\nNOOP\r\nNOOP\r\n")
        assert b"OK" not in client.rest()
    ended = [event["reason"] for event in doors.saslift.events("session_ended", protocol=protocol)]
    wait_until(lambda: any(event["reason"].startswith("client_failed: TLS with client")
                           for event in doors.saslift.events("session_ended", protocol=protocol)), lambda: ended)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_capabilities_change_with_tls(doors, trust, protocol):
    """FAULTS 7"""
    ask = {"imap": "a CAPABILITY\r\n", "pop3": "CAPA\r\n", "smtp": "EHLO x\r\n"}[protocol]
    end = {"imap": b"a OK", "pop3": b".", "smtp": b"250 "}[protocol]
    with Lines(doors.port[f"{protocol} starttls"]) as client:
        client.until(GREETING[protocol])
        client.send(STARTTLS[protocol])
        client.until(GO_AHEAD[protocol])
        client.stream.close()
        client.socket = trust.wrap_socket(client.socket, server_hostname="127.0.0.1")
        client.stream = client.socket.makefile("rb")
        client.send(ask)
        said = b"".join(client.until(end))
    assert b"PLAIN" in said and b"STARTTLS" not in said and b"STLS" not in said and b"LOGINDISABLED" not in said


@pytest.mark.parametrize("version, name", [("tls1", "TLS 1.0"), ("tls1_1", "TLS 1.1")])
def test_an_old_device_is_taken_by_a_legacy_listener_alone(doors, version, name):
    """FAULTS 61, 62"""
    for listener in ("legacy", "legacy starttls"):
        starttls = "smtp" if "starttls" in listener else None
        code, said = s_client(doors.port[listener], *old(version), says=b"QUIT\r\n", starttls=starttls)
        assert code == 0 and f"Protocol  : TLSv{name.removeprefix('TLS ').removesuffix('.0')}" in said, said
    for listener in ("smtp implicit", "smtp starttls", "smtp auto"):
        starttls = "smtp" if "starttls" in listener else None
        before = doors.saslift.status()["old_tls_clients"]
        code, said = s_client(doors.port[listener], *old(version), says=b"QUIT\r\n", starttls=starttls)
        assert code != 0 and "alert protocol version" in said, said
        port = doors.port[listener]
        wait_until(lambda: doors.saslift.status()["old_tls_clients"] == before + 1, "the count in status")
        assert doors.saslift.events("old_tls_refused", detail=f"client offers {name}; see legacy_tls"), port
    text = doors.saslift.command("status").stdout
    assert f"clients turned away for old TLS {doors.saslift.status()['old_tls_clients']}; see legacy_tls" in text


def test_a_legacy_listener_is_announced(doors):
    assert len(doors.saslift.events("legacy_tls", level="warning")) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_offers_protocols_but_not_ours_is_refused(doors, protocol):
    """FAULTS 25, ALPACA"""
    port = doors.port[f"{protocol} implicit"]
    for alpn in ("h2", "http/1.1"):
        code, said = s_client(port, "-alpn", alpn)
        assert code != 0 and "no application protocol" in said, said
    assert "ALPN protocol: " + protocol in s_client(port, "-alpn", f"h2,{protocol}")[1]
    assert "No ALPN negotiated" in s_client(port)[1]


@pytest.mark.parametrize("listener", ["plain", "starttls"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_at_once_where_none_is_expected_names_the_setting(doors, protocol, listener):
    """FAULTS 25"""
    port = doors.saslift.ports[PROTOCOLS.index(protocol)] if listener == "plain" else doors.port[f"{protocol} starttls"]
    before = len(doors.saslift.events("tls_not_expected"))
    assert s_client(port)[0] != 0
    event = doors.saslift.wait_for_event("tls_not_expected", before + 1)
    assert event["detail"] == 'the client starts TLS at once; set tls = "auto" or "implicit" here'
    assert event["listener"].startswith(protocol)


def test_no_second_handshake_and_no_resumption(doors):
    """FAULTS 63"""
    port = doors.port["imap implicit"]
    with Typed(port, "-tls1_2") as client:
        client.until(b"* OK")
        client.type(b"R\n")
        assert b"no renegotiation" in client.until(b"no renegotiation")
    for version in ("-tls1_2", "-tls1_3"):
        said = s_client(port, version, "-reconnect", says=b"Q\n")[1]
        assert "New, TLSv1" in said and "Reused" not in said, said
    with Typed(port, "-tls1_3") as client:
        client.until(b"* OK")
        client.type(b"a NOOP\r\n")
        assert b"New Session Ticket arrived" not in client.until(b"a OK")


def test_keys_are_not_changed_for_ever(doors):
    """FAULTS 63"""
    with Typed(doors.port["imap implicit"], "-tls1_3") as client:
        client.until(b"* OK")
        for changes in range(500):
            client.type(b"K\n")
            client.until(b"KEYUPDATE")
            client.type(b"a NOOP\r\n")
            if b"a OK" not in client.until(b"a OK"):
                break
    assert 8 < changes < 100
    wait_until(lambda: [event for event in doors.saslift.events("session_ended", protocol="imap")
                        if "new keys" in event["reason"]], "the session's end")


def test_a_flood_of_handshakes_is_reaped_while_a_good_client_is_served(doors, trust, password):
    """FAULTS 64"""
    port = doors.port["imap implicit"]
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    garbage = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for number, one in enumerate(garbage):
        one.sendall(bytes((number * 7 + at) % 256 for at in range(300)))
    attempt(doors, "imap", "implicit", "implicit", password, trust)
    for one in garbage:
        one.settimeout(30)
        try:
            while one.recv(4096):
                pass
        except ConnectionResetError:
            pass
    for one in silent:
        one.settimeout(60)
        assert one.recv(1) == b""
    for one in silent + garbage:
        one.close()
    doors.saslift.wait_for_event("session_ended", 40, reason="client_handshake_timeout")


def test_the_certificate_is_our_own_and_says_who_we_are(doors):
    pem = doors.certificate()
    shown = doors.saslift.command("certificate", "--json")
    [one] = json.loads(shown.stdout)["certificates"]
    assert one["self_signed"] and one["pem"] == pem
    assert "localhost" in one["names"] and "127.0.0.1" in one["names"] and socket.gethostname() in one["names"]
    file = doors.configuration.directory / "state" / "tls.pem"
    assert file.stat().st_mode & 0o777 == 0o600 and pem in file.read_text()
    der = subprocess.run([doors.saslift.binary, "certificate", "--der", "--config", doors.saslift.path],
                                       capture_output=True, check=True).stdout
    assert ssl.DER_cert_to_PEM_cert(der) == pem
    assert ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", doors.port["smtp implicit"]))) == der
