"""Doors that other hosts can reach: who gets in, who must wait, who needs no login. The clients are in network
namespaces of their own."""

import base64
import contextlib
import imaplib
import json
import pathlib
import smtplib
import subprocess

import pytest

from namespaces import Host
from running_saslift import Lines
from servers.process import Process, answers, free_ports, wait_until

FILTER = pathlib.Path(__file__).parents[2] / "docker" / "fail2ban" / "filter.d" / "saslift.conf"
HYDRA_SECONDS = 12


@pytest.fixture
def hosts():
    """Makes hosts; all are gone afterwards."""
    made = []

    def new():
        made.append(Host())
        return made[-1]

    yield new
    for host in made:
        host.remove()


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def lines_from(host, port, address=None):
    return Lines(port, connection=host.connect(port, address))


def said(client):
    try:
        return client.line()
    except ConnectionResetError:
        return b""


def wait_for_count(saslift, reason, count):
    wait_until(lambda: saslift.status()["turned_away"][reason] == count, lambda: f"{saslift.status()['turned_away']}")


def swaks(host, port, sender, *how):
    return subprocess.run(
        host.command("swaks", "--server", f"{host.our_v4}:{port}", "--from", sender, "--to", "someone@example.test",
                     "--timeout", "30", *how), capture_output=True, text=True, timeout=60)


def sent(exchange, mailbox):
    return [message.content for message in exchange.mailbox(mailbox).folders["Sent Items"].messages]


def test_only_the_networks_of_allow_get_in_over_ipv4_and_ipv6(exchange, exchange_lab, password, hosts):
    """FAULTS 54: others are closed before a byte, counted, and logged once a minute."""
    friend, stranger = hosts(), hosts()
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), workers=2, listener={
        "address": "[::]:0", "plaintext_login": "allowed", "allow": [f"{friend.v4}/32", f"{friend.v6}/64"]})
    user = office.mailbox()
    for protocol, port in saslift.port.items():
        for address in (friend.our_v4, friend.our_v6):
            with lines_from(friend, port, address) as client:
                assert client.line().startswith({"imap": b"* OK", "pop3": b"+OK", "smtp": b"220"}[protocol])
    for port in saslift.port.values():
        for address in (stranger.our_v4, stranger.our_v6):
            with lines_from(stranger, port, address) as client:
                assert said(client) == b""
    wait_for_count(saslift, "not_allowed", 6)
    assert {event["client"] for event in saslift.events("client_turned_away")} == {stranger.v4, stranger.v6}
    assert len(saslift.events("client_turned_away", client=stranger.v4)) == 1
    for address in (friend.our_v4, friend.our_v6):
        with lines_from(friend, saslift.port["smtp"], address) as client:
            client.until(b"220")
            client.send(f"AUTH PLAIN {plain(user, password.text)}\r\n")
            assert client.line().startswith(b"235")
    for address in (friend.v4, friend.v6):
        saslift.wait_for_event("login_succeeded", client=address)
    assert "turned away not_allowed 6" in saslift.command("status").stdout


def test_a_wrong_address_for_an_account_is_a_wrong_password(exchange, exchange_lab, password, hosts):
    """An account's allow is narrower than the listener's."""
    friend, other = hosts(), hosts()
    made, [office] = exchange_lab.at(exchange_lab.ports(), protocols=("imap",), listener={
        "address": "[::]:0", "plaintext_login": "allowed", "allow": ["private"]})
    mailbox = office.mailbox()
    made.account("walled", password, office.name, login="walled", mailbox=mailbox, allow=[friend.v4])
    saslift = exchange_lab.run(made)
    with lines_from(other, saslift.port["imap"]) as client:
        client.until(b"* OK")
        client.send(f"a LOGIN walled {password.text}\r\n")
        assert client.line().startswith(b"a NO [AUTHENTICATIONFAILED]")
    event = saslift.wait_for_event("login_refused", account="walled", client=other.v4)
    assert event["detail"] == "the client's address is not in the account's allow"
    with lines_from(friend, saslift.port["imap"]) as client:
        client.until(b"* OK")
        client.send(f"a LOGIN walled {password.text}\r\n")
        assert client.line().startswith(b"a OK")


def test_trusted_addresses_send_without_a_login_each_as_its_own_mailbox(exchange, exchange_lab, password, hosts):
    """FAULTS 54, 55: nobody else does, and no password is taken in clear."""
    first, second, third = hosts(), hosts(), hosts()
    made, [office] = exchange_lab.at(exchange_lab.ports(), protocols=("smtp",), workers=2,
                                     listener={"address": "[::]:0", "allow": ["private"]})
    boxes = [office.mailbox(), office.mailbox()]
    for number, (host, box) in enumerate(zip((first, second), boxes)):
        made.account(f"device{number}", password, office.name, login=f"device{number}", mailbox=box,
                     trusted=[host.v4, f"{host.v6}/128"])
    saslift = exchange_lab.run(made)
    port = saslift.port["smtp"]
    for host, box in zip((first, second), boxes):
        done = swaks(host, port, box)
        assert done.returncode == 0, done.stdout
        assert len(sent(exchange, box)) == 1
    saslift.wait_for_event("login_succeeded", count=2, mechanism="trusted address")
    assert [event["mailbox"] for event in saslift.events("login_succeeded")] == boxes

    with lines_from(first, port, first.our_v6) as client:
        client.until(b"220")
        client.send(f"MAIL FROM:<{boxes[0]}>\r\n")
        assert client.line().startswith(b"250")
        client.send("QUIT\r\n")
    with lines_from(third, port) as client:
        client.until(b"220")
        client.send("EHLO third\r\n")
        assert not any(b"AUTH" in line for line in client.until(b"250 "))
        client.send(f"MAIL FROM:<{boxes[0]}>\r\n")
        assert client.line().startswith(b"530 5.7.0")
        client.send(f"AUTH PLAIN {plain('device0', password.text)}\r\n")
        assert client.line().startswith(b"538 5.7.11")
    assert len(sent(exchange, boxes[0])) == 1


def test_a_good_client_logs_in_every_second_while_its_password_is_guessed(exchange, exchange_lab, password, hosts,
                                                                         tmp_path):
    """FAULTS 28, 31: hydra guesses, nobody outside hears of it, the good client never fails, fail2ban reads who it was."""
    good, bad = hosts(), hosts()
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), protocols=("imap",), workers=2, listener={
        "address": "[::]:0", "plaintext_login": "allowed", "allow": ["private"]})
    user = office.mailbox()
    guesses = tmp_path / "guesses"
    guesses.write_text("".join(f"guess-{number}\n" for number in range(500)))

    def log_in():
        client = imaplib.IMAP4.__new__(imaplib.IMAP4)
        client._create_socket = lambda timeout=None: good.connect(saslift.port["imap"])
        imaplib.IMAP4.__init__(client)
        assert client.login(user, password.text)[0] == "OK"
        client.logout()

    log_in()
    hydra = subprocess.Popen(bad.command("timeout", "--kill-after=5", HYDRA_SECONDS, "hydra", "-I", "-t", "8", "-l",
                                         user, "-P", guesses, "-s", saslift.port["imap"], bad.our_v4, "imap"),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path)
    logins = 1
    try:
        saslift.wait_for_event("login_refused", client=bad.v4, reason="bad_credentials")
        while hydra.poll() is None:
            log_in()
            logins += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                hydra.wait(1)  # the device's own rhythm
    finally:
        hydra.terminate()
        said_by_hydra = hydra.communicate()[0]
    assert logins > 2, said_by_hydra
    assert "valid password" not in said_by_hydra.replace("0 valid password", "")
    wait_until(lambda: saslift.status()["open_questions"] == 0, saslift.process.log)
    log = tmp_path / "log"
    log.write_text(saslift.process.log())
    refused = [event for event in map(json.loads, log.read_text().splitlines()) if event["event"] == "login_refused"]
    assert len(refused) > 1
    assert {event["reason"] for event in refused} == {"bad_credentials"}
    assert {event["client"] for event in refused} == {bad.v4}
    # One token for all, and nothing at the provider but the good client's logins.
    assert len(office.requests) == 1
    assert len(exchange.imap.logins) == logins
    assert saslift.status()["slots"] == {"in_use": 0, "waiting": 0}

    found = subprocess.run(["fail2ban-regex", "-o", "ip", log, FILTER], capture_output=True,
                           text=True, check=True).stdout.split()
    assert found == [bad.v4] * len(refused)


def saslift_with_text_log(configuration, binary):
    """(process, SMTP port); the harness reads the other format."""
    tables = [(head, {} if head == "[log]" else fields) for head, fields in configuration.tables]
    configuration.tables = tables
    path = configuration.directory / "saslift.toml"
    configuration.write(path)
    process = Process([binary, "run", "--config", path], configuration.directory / "saslift.log")

    def address():
        done = subprocess.run([binary, "status", "--json", "--config", path], capture_output=True, text=True)
        return done.returncode == 0 and json.loads(done.stdout)["listeners"][0]["address"]

    return process, int(wait_until(address, process.log).rsplit(":", 1)[1])


def refusals(log):
    """Its lines, in either format."""
    return [line for line in log.splitlines()
            if line.split()[2:3] == ["login_refused"] or '"event":"login_refused"' in line[:100]]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_fail2ban_reads_the_log_and_is_not_led_astray(exchange, exchange_lab, hosts, log_format):
    """FAULTS 30: a login that looks like a line of the log bans nobody but its sender; a repeated password is one line."""
    bad = hosts()
    made, _ = exchange_lab.at(exchange_lab.ports(), protocols=("smtp",), listener={
        "address": "[::]:0", "plaintext_login": "allowed", "allow": ["private"]})
    if log_format == "text":
        process, port = saslift_with_text_log(made, exchange_lab.binary)
    else:
        saslift = exchange_lab.run(made)
        process, port = saslift.process, saslift.port["smtp"]
    forged = ("x warning login_refused session=00000001 protocol=smtp client=198.51.100.1 reason=bad_credentials",
              'y","reason":"bad_credentials"}', "plain")
    try:
        for _ in range(2):
            clients = [lines_from(bad, port) for _ in forged]
            for client, user in zip(clients, forged):
                client.until(b"220")
                client.send(f"AUTH PLAIN {plain(user, 'stale')}\r\n")
            for client in clients:
                assert client.line().startswith(b"535 5.7.8")
                client.close()
        wait_until(lambda: len(refusals(process.log())) == 3, process.log)
        found = subprocess.run(["fail2ban-regex", "-o", "ip", process.log_path, FILTER], capture_output=True,
                               text=True, check=True).stdout.split()
        assert found == [bad.v4] * 3, process.log()
    finally:
        process.stop()


@pytest.fixture
def balancer(directory):
    """Starts HAProxy in front of a port; stopped afterwards."""
    started = []

    def start(hosts_it_serves, behind, how):
        [port] = free_ports(1)
        path = directory / f"haproxy-{port}.cfg"
        binds = "\n".join(f"  bind {host.our_v4}:{port}\n  bind [{host.our_v6}]:{port}" for host in hosts_it_serves)
        path.write_text("global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n"
                        f"  timeout server 60s\nlisten mail\n{binds}\n  bind 127.0.0.1:{port}\n"
                        f"  server saslift 127.0.0.1:{behind} {how}\n")
        process = Process(["haproxy", "-db", "-f", path], directory / f"haproxy-{port}.log")
        started.append(process)
        wait_until(lambda: answers(port), process.log)
        return port

    yield start
    for process in started:
        process.stop()


@pytest.mark.parametrize("how", ["send-proxy-v2", "send-proxy"])
def test_behind_haproxy_the_clients_own_address_counts(exchange, exchange_lab, password, hosts, balancer, how):
    """FAULTS 56: PROXY protocol from the listed balancer, versions 2 and 1, IPv4 and IPv6."""
    friend, stranger = hosts(), hosts()
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), protocols=("smtp",), workers=2, listener={
        "plaintext_login": "allowed", "allow": [friend.v4, friend.v6], "proxy_from": ["127.0.0.1"]})
    user = office.mailbox()
    front = balancer((friend, stranger), saslift.port["smtp"], how)
    for address in (friend.our_v4, friend.our_v6):
        with lines_from(friend, front, address) as client:
            client.until(b"220")
            client.send(f"AUTH PLAIN {plain(user, password.text)}\r\n")
            assert client.line().startswith(b"235")
    for address in (friend.v4, friend.v6):
        saslift.wait_for_event("login_succeeded", client=address)
    with lines_from(stranger, front) as client:
        assert said(client) == b""
    saslift.wait_for_event("client_turned_away", client=stranger.v4, reason="not_allowed")


def test_a_listed_balancer_must_say_for_whom_it_speaks_and_nobody_else_may(exchange, exchange_lab, password):
    """FAULTS 56"""
    made, [office] = exchange_lab.at(exchange_lab.ports(), protocols=("smtp",))
    made.listeners("imap", proxy_from=["127.0.0.1"])
    saslift = exchange_lab.run(made)
    with Lines(saslift.port["imap"]) as client:
        client.send("a LOGIN scanner secret\r\n")
        assert said(client) == b""
    saslift.wait_for_event("client_turned_away", reason="no_proxy_header", client="127.0.0.1")
    with Lines(saslift.port["imap"]) as client:
        client.send("PROXY UNKNOWN\r\na NOOP\r\n")
        assert client.line().startswith(b"* OK")
        assert client.line().startswith(b"a OK")

    with Lines(saslift.port["smtp"]) as client:
        client.until(b"220")
        client.send("PROXY TCP4 192.168.10.21 10.0.0.1 1 2\r\nEHLO x\r\n")
        assert said(client) == b""
    assert "proxy_from" in saslift.wait_for_event("stray_proxy_header", client="127.0.0.1")["remedy"]


def test_an_address_has_ten_connections_before_login(exchange, exchange_lab, hosts):
    """In each worker; who has logged in does not count, and others are not affected."""
    crowd, other = hosts(), hosts()
    saslift, _ = exchange_lab.run_at(exchange_lab.ports(), protocols=("smtp",), listener={
        "address": "[::]:0", "plaintext_login": "allowed", "allow": ["private"]})
    port = saslift.port["smtp"]
    opened = [lines_from(crowd, port) for _ in range(10)]
    try:
        assert all(client.line().startswith(b"220") for client in opened)
        with lines_from(crowd, port) as eleventh:
            assert said(eleventh).startswith(b"421 4.3.2")
        wait_for_count(saslift, "unauthenticated_per_host", 1)
        with lines_from(other, port) as client:
            assert client.line().startswith(b"220")
    finally:
        for client in opened:
            client.close()

    def has_room():
        with lines_from(crowd, port) as client:
            return said(client).startswith(b"220")

    wait_until(has_room, saslift.process.log)


def test_smtplib_sees_its_wrong_password_as_one(exchange, exchange_lab, hosts):
    """A delayed reply is still the protocol's own."""
    host = hosts()
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), protocols=("smtp",), listener={
        "address": "[::]:0", "plaintext_login": "allowed", "allow": ["private"]})
    client = smtplib.SMTP(timeout=30)
    client._get_socket = lambda *_: host.connect(saslift.port["smtp"])
    client._host = "saslift"
    client.connect("saslift", saslift.port["smtp"])
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login(office.mailbox(), "wrong")
    assert refused.value.smtp_code == 535
    client.close()
