"""The metrics' port: what it says, to whom, and that nobody can hold it up."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from servers.process import wait_until
from test_hardened_processes import status_of
from test_processes import is_sanitized
from test_refused_logins import PROTOCOLS, attempt, connect, is_yes, login

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def served(exchange_lab):
    """(saslift, port of its metrics, office)"""
    configuration, [office] = exchange_lab.at(exchange_lab.ports(), metrics="127.0.0.1:0")
    saslift = exchange_lab.run(configuration)
    address = saslift.wait_for_event("metrics_listening")["address"]
    assert saslift.status()["metrics"] == address
    return saslift, int(address.rsplit(":", 1)[1]), office


def ask(port, path, method="GET", **headers):
    """(status, content type, text)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


def children(saslift):
    """{pid: name}; the kernel's list may lack some while others come and go."""
    found = {}
    for pid in open(f"/proc/{saslift.pid}/task/{saslift.pid}/children").read().split():
        try:
            found[int(pid)] = open(f"/proc/{pid}/comm").read().strip()
        except OSError:
            continue
    return found


def metrics_process(saslift):
    [found] = wait_until(lambda: [pid for pid, name in children(saslift).items() if name == "saslift-metrics"],
                         "a process for the metrics")
    return found


def test_metrics_count_what_happened_and_name_no_mailbox(served, password):
    saslift, port, office = served
    mailbox = office.mailbox()
    for protocol in PROTOCOLS:
        assert is_yes(protocol, login(saslift, protocol, mailbox, password.text))
    assert not is_yes("imap", login(saslift, "imap", mailbox, "wrong"))
    saslift.wait_for_event("session_ended", 4)

    def counted():
        told = ask(port, "/metrics")[2]
        return told if 'saslift_logins_total{protocol="imap",result="bad_credentials"} 1' in told else None

    told = wait_until(counted, lambda: ask(port, "/metrics")[2])
    for protocol in PROTOCOLS:
        assert f'saslift_logins_total{{protocol="{protocol}",result="succeeded"}} 1\n' in told
        assert re.search(rf'saslift_relayed_bytes_total{{protocol="{protocol}",direction="down"}} \d+\n', told)
    assert f'saslift_token_fetches_total{{identity="{office.name}",result="fetched"}} 1\n' in told
    assert re.search(rf'saslift_token_life_seconds{{identity="{office.name}"}} 3[0-9]{{3}}\n', told)
    for secret in (mailbox, office.mailbox().split("@")[1], password.text, "wrong"):
        assert secret not in told


def test_a_session_that_goes_on_is_counted_meanwhile(served, password):
    saslift, port, office = served
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", office.mailbox(), password.text))
        client.send("n NOOP\r\n")
        assert client.until(b"n ")[-1].startswith(b"n OK")

        def counted():
            return re.search(r'saslift_relayed_bytes_total{protocol="imap",direction="up"} 8\n', ask(port, "/metrics")[2])

        wait_until(counted, lambda: ask(port, "/metrics")[2])
        assert "saslift_sessions 1\n" in ask(port, "/metrics")[2]


def test_promtool_finds_nothing_to_say(served, password):
    saslift, port, office = served
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
    promtool = shutil.which("promtool")
    assert promtool, "prometheus is not installed"
    checked = subprocess.run([promtool, "check", "metrics"], input=ask(port, "/metrics")[2], capture_output=True,
                             text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_scraper_that_asks_for_openmetrics_gets_it(served, password):
    saslift, port, office = served
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
    status, kind, text = ask(port, "/metrics", Accept=OPENMETRICS)
    assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["saslift_logins"].type == "counter"
    assert families["saslift_login_phase_seconds"].type == "histogram"
    assert ask(port, "/metrics")[1] == "text/plain; version=0.0.4; charset=utf-8"


def test_health_and_readiness(served, password):
    saslift, port, office = served
    assert ask(port, "/healthz")[::2] == (200, "ok\n")
    wait_until(lambda: ask(port, "/readyz")[::2] == (200, "ready\n"), lambda: ask(port, "/readyz"))


def test_without_a_usable_identity_it_is_not_ready_and_says_which(exchange_lab, exchange, password):
    configuration, [office] = exchange_lab.at(exchange_lab.ports(), protocols=("imap",), metrics="127.0.0.1:0")
    office.app.secret_expired = True
    saslift = exchange_lab.run(configuration)
    port = int(saslift.wait_for_event("metrics_listening")["address"].rsplit(":", 1)[1])
    assert not is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
    told = wait_until(lambda: next((one for one in [ask(port, "/readyz")] if one[0] == 503), None),
                      lambda: ask(port, "/readyz"))
    assert f"identity {office.name}: " in told[2]


@pytest.mark.parametrize("method, path, status", [("POST", "/metrics", 405), ("HEAD", "/healthz", 405),
                                                  ("DELETE", "/readyz", 405), ("GET", "/", 404),
                                                  ("GET", "/metrics/../../etc/passwd", 404)])
def test_get_only_and_three_pages_only(served, method, path, status):
    """FAULTS 84"""
    assert ask(served[1], path, method)[0] == status


@pytest.mark.parametrize("bytes_sent, status", [(b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"), (b"GET /metrics\r\n\r\n", b"400"),
                                                (b"GET /" + b"x" * 20_000, b"431")])
def test_what_is_no_request_is_told_so(served, bytes_sent, status):
    with socket.create_connection(("127.0.0.1", served[1]), timeout=30) as client:
        client.sendall(bytes_sent)
        assert client.recv(100).startswith(b"HTTP/1.1 " + status)


def test_half_requests_and_floods_stall_nothing(served, password):
    """FAULTS 84: more silent clients than it has room for, and mail and probes go on."""
    saslift, port, office = served
    silent = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(100)]
    try:
        for one in silent:
            try:
                one.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
            except OSError:
                pass  # there was no room for it
        assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))

        def answered():
            try:
                return ask(port, "/healthz")[0] == 200
            except (OSError, http.client.HTTPException):
                return False

        wait_until(answered, "the silent ones gone", 30)
    finally:
        for one in silent:
            one.close()
    for _ in range(300):
        assert ask(port, "/metrics")[0] == 200
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))


def test_its_process_holds_nothing_can_do_nothing_and_is_started_again(served, binary):
    saslift, port, _ = served
    pid = metrics_process(saslift)
    assert open(f"/proc/{pid}/environ").read() == "LD_BIND_NOW=1\0"  # how it is loaded, and nothing of the keeper's
    if not is_sanitized(binary):
        wait_until(lambda: status_of(pid)["Seccomp"] == ["2"], "the process confined")
    os.kill(pid, signal.SIGKILL)
    saslift.wait_for_event("metrics_process_died", status="signal 9")

    def answered():
        try:
            return ask(port, "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_until(answered, "answers again")
    assert metrics_process(saslift) != pid


def test_a_keeper_that_stands_still_is_not_healthy(served):
    saslift, port, _ = served
    assert ask(port, "/healthz")[0] == 200
    os.kill(saslift.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: ask(port, "/healthz")[::2] == (503, "the keeper does not answer\n"), "no health", 20)
    finally:
        os.kill(saslift.pid, signal.SIGCONT)
    wait_until(lambda: ask(port, "/healthz")[0] == 200, "health again", 20)


def test_off_by_default(exchange_lab):
    configuration, _ = exchange_lab.at(exchange_lab.ports(), protocols=("imap",))
    saslift = exchange_lab.run(configuration)
    assert saslift.status()["metrics"] == "off"
    wait_until(lambda: "saslift-worker" in children(saslift).values(), "a worker")
    assert list(children(saslift).values()) == ["saslift-worker"]
