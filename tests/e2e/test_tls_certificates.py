"""FAULTS 60: certificates that are replaced under load, and what does not fit."""

import os
import socket
import ssl
import subprocess
import threading

import pytest

from exchange_lab import ExchangeLab
from servers.process import wait_until
from tls_doors import PROTOCOLS, Doors, is_alive, log_in, log_out


@pytest.fixture
def renewal(binary, directory, password, exchange, authority):
    """(doors whose certificate is file:tls.pem, how to make another one, its file)"""
    lab = ExchangeLab(binary, directory, password, exchange)
    configuration, [office] = lab.at(lab.ports(), workers=2)
    doors = Doors(lab, configuration, office)
    file = configuration.directory / "tls.pem"

    def issue(name):
        chain, key = authority.issue(f"{configuration.directory.name}-{name}", f"/CN={name}", "IP:127.0.0.1")
        return chain.read_text(), key.read_text()

    put(file, "".join(issue("first")))
    for protocol in PROTOCOLS:
        doors.add(protocol, protocol, "implicit", certificate="file:tls.pem")
    doors.open()
    yield doors, issue, file
    lab.stop()


def put(file, text):
    """As certbot and editors do: the new file takes the old one's name."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    os.rename(new, file)


def shown(port):
    """The subject that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw, context.wrap_socket(raw) as secured:
        return secured.getpeercert(binary_form=True)


def test_a_renewed_certificate_is_taken_under_load_and_no_session_is_dropped(renewal, authority, password):
    doors, issue, file = renewal
    trust = ssl.create_default_context(cafile=str(authority.certificate))
    running = [log_in(protocol, doors.port[protocol], doors.office.mailbox(), password.text, "implicit", trust)
               for protocol in PROTOCOLS for _ in range(3)]
    failures, stop, user = [], threading.Event(), doors.office.mailbox()

    def keep_logging_in():
        while not stop.is_set():
            try:
                log_out(log_in("imap", doors.port["imap"], user, password.text, "implicit", trust))
            except Exception as failure:
                failures.append(failure)

    load = threading.Thread(target=keep_logging_in)
    load.start()
    try:
        for name in ("second", "third"):
            put(file, "".join(issue(name)))
            wanted = ssl.PEM_cert_to_DER_cert(file.read_text().split("-----BEGIN PRIVATE")[0].split("-----BEGIN EC")[0])
            for protocol in PROTOCOLS:  # each of the workers has it in the end
                for _ in range(4):
                    wait_until(lambda: shown(doors.port[protocol]) == wanted, f"the {name} certificate", 30)
    finally:
        stop.set()
        load.join(60)
    assert failures == []
    assert all(is_alive(client) for client in running)
    for client in running:
        log_out(client)
    assert len(doors.saslift.events("certificate_renewed")) == 2
    assert doors.saslift.events("worker_died") == []


def test_what_does_not_fit_leaves_the_old_certificate_in_use(renewal):
    doors, issue, file = renewal
    first = shown(doors.port["smtp"])
    (chain, key), (_, other_key) = issue("second"), issue("other")
    wrong = [chain[:300], chain + other_key, chain, (chain + key)[:-60]]
    for count, text in enumerate(wrong, 1):
        put(file, text)
        event = doors.saslift.wait_for_event("certificate_not_renewed", count, 30)
        assert event["consequence"] == "the old one stays in use" and event["reason"]
        assert shown(doors.port["smtp"]) == first
    put(file, chain + key)
    doors.saslift.wait_for_event("certificate_renewed", seconds=30)
    wait_until(lambda: shown(doors.port["smtp"]) == ssl.PEM_cert_to_DER_cert(chain), "the new certificate", 30)
    assert len(doors.saslift.events("certificate_not_renewed")) == len(wrong)


def test_a_worker_that_is_started_later_has_the_renewed_certificate(renewal):
    doors, issue, file = renewal
    chain, key = issue("second")
    put(file, chain + key)
    doors.saslift.wait_for_event("certificate_renewed", seconds=30)
    before = doors.saslift.workers()
    for pid in before:
        os.kill(pid, 9)
    wait_until(lambda: len(doors.saslift.events("worker_started")) == 2 * len(before), "the workers' successors", 30)
    wait_until(lambda: 0 not in doors.saslift.workers(), "the workers' successors", 30)
    for _ in range(4):
        assert shown(doors.port["pop3"]) == ssl.PEM_cert_to_DER_cert(chain)


def test_a_certificate_that_does_not_fit_is_said_at_the_start(renewal, binary):
    doors, issue, file = renewal
    (chain, _), (_, other_key) = issue("second"), issue("other")
    put(file, chain + other_key)
    text = doors.saslift.path.read_text().replace("/state", "/other-state")
    path = doors.configuration.directory / "other.toml"
    path.write_text(text)
    path.chmod(0o600)
    checked = subprocess.run([binary, "check", "--config", path], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 2 and "do not fit together" in checked.stderr, checked.stderr
    ran = subprocess.run([binary, "run", "--config", path], capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0 and "key and certificate do not fit together" in ran.stderr, ran.stderr
