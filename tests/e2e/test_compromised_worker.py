"""A worker in a stranger's hand: what code inside it can do, and what it can find."""

import errno
import os
import pathlib
import signal

import pytest

from exchange import Stage, Stall
from exchange_lab import ExchangeLab
from running_saslift import Lines, forms, memory_holds
from servers.certificates import openssl
from servers.process import wait_until
from test_processes import is_sanitized
from test_refused_logins import attempt, connect, is_yes, login

PRINTS_NOTHING = b""  # the worker was killed where it stood
NO_SUCH_CALL = f"refused {errno.ENOSYS}\r\n".encode()
DENIED = f"refused {errno.EACCES}\r\n".encode()


@pytest.fixture(scope="module")
def compromised(binary):
    path = pathlib.Path(os.environ.get("SASLIFT_COMPROMISED", binary.parent / "tests" / "saslift_compromised"))
    assert path.is_file(), f"no {path}: build it, or set SASLIFT_COMPROMISED"
    if is_sanitized(path):
        pytest.skip("a sanitizer build does not confine its workers")
    return path


@pytest.fixture(scope="module")
def saslift(compromised, directory, password, exchange_site):
    """Sixteen workers, because many an attempt costs one its life."""
    lab = ExchangeLab(compromised, directory, password, exchange_site)
    yield lab.run_at(lab.ports(), workers=16)[0]
    lab.stop()


def exploit(saslift, order):
    """What the code inside a worker reports; nothing, if it was killed for trying."""
    with Lines(saslift.port["imap"]) as client:
        assert client.line().startswith(b"* OK")
        client.send(f"exploit {order}\r\n")
        try:
            return client.line()
        except ConnectionError:
            return PRINTS_NOTHING


def test_the_code_does_run_inside_the_worker(saslift):
    assert exploit(saslift, "nothing") == b"done\r\n"


def test_the_log_tells_that_the_workers_are_confined(saslift):
    saslift.wait_for_event("worker_confined", 16, seccomp="enforced", landlock="enforced", seconds=30)
    assert not saslift.events("worker_not_confined")


@pytest.mark.parametrize("order", ["read_file /etc/passwd", "read_file {config}", "read_file /proc/self/mem",
                                   "write_file /tmp/saslift-owned", "list_directory /", "control_socket {control}",
                                   "datagram_socket", "raw_socket", "netlink_socket", "be_dumpable"])
def test_what_is_answered_with_no(saslift, order):
    named = order.format(config=saslift.path, control=saslift.directory / "state" / "control")
    assert exploit(saslift, named) == DENIED
    assert not os.path.exists("/tmp/saslift-owned")


def test_io_uring_which_no_filter_sees_does_not_exist(saslift):
    assert exploit(saslift, "io_uring") in (NO_SUCH_CALL, PRINTS_NOTHING)


@pytest.mark.parametrize("order", ["execute /bin/true", "fork", "bind", "listen", "listen_again", "read_keeper",
                                   "trace_keeper", "signal_keeper", "abort_keeper", "make_code", "map_code",
                                   "become_root"])
def test_what_a_worker_dies_of(saslift, order):
    deaths = len(saslift.events("worker_died"))
    assert exploit(saslift, order) == PRINTS_NOTHING
    assert saslift.wait_for_event("worker_died", deaths + 1)["status"] == f"signal {signal.SIGSYS.value}"
    assert saslift.process.child.poll() is None


def tail_of(token):
    """Its random end, in every form: heads look alike."""
    return forms(token.text[-60:])


def test_of_all_secrets_a_worker_holds_the_token_of_the_login_in_flight_alone(compromised, directory, password,
                                                                              exchange):
    lab = ExchangeLab(compromised, directory, password, exchange)
    try:
        configuration, [first, second] = lab.at(lab.ports(), offices=2)
        saslift = lab.run(configuration)
        [worker] = saslift.workers()
        assert is_yes("imap", login(saslift, "imap", first.mailbox(), password.text))
        exchange.imap.faults.instead(Stage.greeting, Stall())
        with connect(saslift, "imap") as client:
            client.send(f'a LOGIN "{second.mailbox()}" "{password.text}"\r\n')
            wait_until(lambda: len(exchange.imap.records) == 2, "the second login at the server")
            by_app = {token.client_id: token for token in exchange.tokens.issued}
            others, its_own = by_app[first.app.client_id], by_app[second.app.client_id]
            # The search finds what is there: in a worker its token, in the keeper the rest.
            assert memory_holds(worker, list(tail_of(its_own)))
            everything_else = tail_of(others)
            for secret in (first.app.client_secret, second.app.client_secret):
                everything_else |= forms(secret)
            everything_else |= forms(password.hash.rsplit("$", 1)[1])
            assert memory_holds(saslift.pid, list(everything_else))
            assert not memory_holds(worker, list(everything_else))
    finally:
        exchange.imap.faults.clear()
        lab.stop()


def test_a_worker_holds_the_key_of_its_listener(compromised, directory, password, authority, exchange):
    """The one exception; whoever takes a worker over gets it."""
    lab = ExchangeLab(compromised, directory, password, exchange)
    configuration, [office] = lab.at(lab.ports(), protocols=("imap",))
    certificate, key = authority.issue("listener")
    pair = configuration.directory / "tls.pem"
    pair.write_bytes(certificate.read_bytes() + key.read_bytes())
    pair.chmod(0o600)
    configuration.tables[-1][1].update(tls="implicit", certificate="file:tls.pem")
    try:
        saslift = lab.run(configuration)
        saslift.wait_for_event("worker_confined")
        [worker] = saslift.workers()
        der = openssl("ec", "-in", key, "-outform", "DER")
        private = der[der.index(b"\x04\x20") + 2:][:32]  # RFC 5915: the octet string behind the version
        assert memory_holds(worker, [private, private[::-1]])
    finally:
        lab.stop()
