"""Many at once, workers that die, shutdown, memory: what only the running processes can show."""

import concurrent.futures
import hashlib
import imaplib
import os
import signal
import smtplib
import socket
import time

import pytest

from running_saslift import Lines, forms, memory_holds, resident_bytes
from servers.process import answers, wait_until
from test_old_clients import MAILBOX, USER, message
from test_refused_logins import PROTOCOLS, attempt, connect, is_yes, login


def is_sanitized(binary):
    return b"__asan_init" in binary.read_bytes()


def test_fifty_logins_at_once_make_one_token_request(lab, sign_in, password):
    """FAULTS 39"""
    saslift = lab.run(lab.office(workers=2))
    calls = sign_in.requests
    wanted = [PROTOCOLS[number % 3] for number in range(50)]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        said = list(pool.map(lambda protocol: login(saslift, protocol, USER, password.text), wanted))
    assert [one for one in zip(wanted, said) if not is_yes(*one)] == []
    assert sign_in.requests == calls + 1


def test_the_client_secret_is_in_no_worker_and_in_no_environment(lab, sign_in, password):
    """FAULTS 53"""
    saslift = lab.run(lab.office(workers=2))
    for protocol in PROTOCOLS:
        assert is_yes(protocol, login(saslift, protocol, USER, password.text))
    secret = list(forms(sign_in.client_secret))
    assert memory_holds(os.getpid(), secret)  # the search finds what is there
    workers = saslift.workers()
    assert len(workers) == 2
    for pid in workers:
        assert not memory_holds(pid, secret)
    for pid in [saslift.pid, *workers]:
        for name in ("environ", "cmdline"):
            text = open(f"/proc/{pid}/{name}", "rb").read()
            assert not any(form in text for form in secret)


def test_after_login_the_device_password_is_in_no_worker(lab, binary, password):
    """FAULTS 53"""
    if is_sanitized(binary):
        pytest.skip("the sanitizer keeps freed memory")
    saslift = lab.run(lab.office())
    with connect(saslift, "imap") as imap, connect(saslift, "pop3") as pop3, connect(saslift, "smtp") as smtp:
        for protocol, client in (("imap", imap), ("pop3", pop3), ("smtp", smtp)):
            assert is_yes(protocol, attempt(client, protocol, USER, password.text))
        [worker] = saslift.workers()
        assert not memory_holds(worker, list(forms(password.text)))


@pytest.fixture(scope="module")
def long_message(dovecot, saslift, password):
    """20 MB in a folder of their own; its text."""
    text = b"Subject: long\r\n\r\n" + b"".join(b"%076d\r\n" % number for number in range(20_000_000 // 78))
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"], timeout=60) as client:
        client.login("user3@example.test", password.text)
        client.create("Long")
        assert client.append("Long", None, None, text)[0] == "OK"
    return text


def select_long(client, password):
    assert is_yes("imap", attempt(client, "imap", "user3@example.test", password.text))
    client.send("s SELECT Long\r\n")
    client.until(b"s OK")


def fetched(client, tag):
    """The literal of one FETCH, as far as its tagged OK."""
    head = client.line()
    text = client.stream.read(int(head[head.index(b"{") + 1:head.index(b"}")]))
    client.until(tag + b" OK")
    return text


def settled(sample, seconds=10.0):
    """Waits until a value has stayed the same for half a second."""
    last = [sample(), time.monotonic()]

    def quiet():
        now = sample()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > 0.5

    wait_until(quiet, "a value that stays", seconds)


def test_memory_stays_flat_when_a_client_stops_reading(lab, password, long_message):
    """FAULTS 68"""
    saslift = lab.run(lab.office())
    [worker] = saslift.workers()
    with connect(saslift, "imap") as client:
        select_long(client, password)
        before = resident_bytes(worker)
        tags = [b"f%d" % number for number in range(5)]
        client.send(b"".join(tag + b" FETCH 1 BODY.PEEK[]\r\n" for tag in tags))
        ticks = lambda: open(f"/proc/{worker}/stat").read().split()[13:15]
        settled(ticks)
        assert resident_bytes(worker) - before < 4 * 1024 * 1024
        wanted = hashlib.sha256(long_message).digest()
        assert all(hashlib.sha256(fetched(client, tag)).digest() == wanted for tag in tags)
        assert resident_bytes(worker) - before < 4 * 1024 * 1024


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_line_without_end_is_cut_and_memory_stays_flat(lab, protocol):
    """FAULTS 11"""
    saslift = lab.run(lab.office())
    [worker] = saslift.workers()
    with connect(saslift, protocol) as client:
        before = resident_bytes(worker)
        with pytest.raises(ConnectionError):
            for _ in range(1024):
                client.send(b"x" * 65536)
        assert resident_bytes(worker) - before < 2 * 1024 * 1024
    assert saslift.workers() == [worker]


def test_sigterm_lets_a_download_and_an_upload_end(lab, password, dovecot, long_message):
    """FAULTS 78"""
    saslift = lab.run(lab.office())
    body = message("drained") + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 40_000
    with connect(saslift, "imap") as down, connect(saslift, "smtp") as up, connect(saslift, "imap") as before_login:
        select_long(down, password)
        assert is_yes("smtp", attempt(up, "smtp", USER, password.text))
        up.send(f"MAIL FROM:<{MAILBOX}>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\n")
        up.until(b"354")
        up.send(body[:1_000_000])
        down.send("f FETCH 1 BODY.PEEK[]\r\n")
        saslift.terminate()
        wait_until(lambda: not answers(saslift.port["imap"]), "the listener closed")
        assert before_login.rest().startswith(b"* BYE")
        assert fetched(down, b"f") == long_message
        up.send(body[1_000_000:] + b".\r\n")
        assert up.line().startswith(b"250")
        up.send("QUIT\r\n")
        down.send("q LOGOUT\r\n")
        assert saslift.process.child.wait(15) == 0


def test_sigterm_with_an_idle_session_exits_zero_within_the_drain_time(lab, password):
    """FAULTS 78"""
    saslift = lab.run(lab.office(drain="2s"))
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", USER, password.text))
        client.send("i IDLE\r\n")
        client.until(b"+ ")
        started = time.monotonic()
        saslift.terminate()
        client.rest()
        assert saslift.process.child.wait(10) == 0
        assert time.monotonic() - started < 5


def logged_in_at(saslift, password, worker):
    """A session that this worker serves: the other ones are stopped while it is accepted."""
    others = [pid for pid in saslift.workers() if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        client = connect(saslift, "imap")
        assert is_yes("imap", attempt(client, "imap", USER, password.text))
        return client
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def test_a_killed_worker_is_back_and_the_other_ones_sessions_go_on(lab, password):
    """FAULTS 77"""
    saslift = lab.run(lab.office(workers=2))
    victim, other = saslift.workers()
    with logged_in_at(saslift, password, victim) as lost, logged_in_at(saslift, password, other) as kept:
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: len(set(saslift.workers()) - {victim}) == 2, saslift.process.log, 5)
        [new] = set(saslift.workers()) - {victim, other}
        with logged_in_at(saslift, password, new):
            assert time.monotonic() - killed < 2
        assert lost.rest() == b""
        kept.send("n NOOP\r\n")
        assert kept.until(b"n ")[-1].startswith(b"n OK")


def test_a_connection_that_waits_to_be_accepted_survives_the_death_of_the_worker(lab, password):
    """FAULTS 77: the keeper keeps the listening sockets."""
    saslift = lab.run(lab.office(workers=1))
    [worker] = saslift.workers()
    os.kill(worker, signal.SIGSTOP)
    with Lines(saslift.port["imap"]) as client:
        os.kill(worker, signal.SIGKILL)
        assert client.line().startswith(b"* OK")
        assert is_yes("imap", attempt(client, "imap", USER, password.text))


def test_workers_end_when_the_keeper_is_killed(lab, password):
    saslift = lab.run(lab.office(workers=2))
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", USER, password.text))
        workers = saslift.workers()
        os.kill(saslift.pid, signal.SIGKILL)
        saslift.process.child.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}/cmdline") and open(f"/proc/{pid}/cmdline").read()
                                   for pid in workers), "the workers gone")
        assert not answers(saslift.port["imap"])
    lab.running.remove(saslift)


REFUSAL = {"imap": b"* BYE", "pop3": b"-ERR", "smtp": b"421"}
GREETING = {"imap": b"* OK", "pop3": b"+OK", "smtp": b"220"}


def test_two_hundred_clients_on_64_descriptors_are_all_spoken_to(lab, password):
    """FAULTS 74"""
    saslift = lab.run(lab.office(), before=["prlimit", "--nofile=64"])
    crowd = [(protocol, Lines(saslift.port[protocol])) for number in range(200) for protocol in [PROTOCOLS[number % 3]]]
    try:
        said = [(protocol, client.line()) for protocol, client in crowd]
        odd = [one for one in said if not one[1].startswith((REFUSAL[one[0]], GREETING[one[0]]))]
        assert not odd
        assert any(line.startswith(REFUSAL[protocol]) for protocol, line in said)
        assert any(line.startswith(GREETING[protocol]) for protocol, line in said)
    finally:
        for _, client in crowd:
            client.close()

    def served():
        with Lines(saslift.port["imap"]) as client:
            return client.line().startswith(GREETING["imap"])

    wait_until(served, lambda: f"room again:\n{saslift.process.log()[-2000:]}")
    for protocol in PROTOCOLS:
        assert is_yes(protocol, login(saslift, protocol, USER, password.text))


def test_silent_clients_hold_nobody_up(saslift, password):
    """FAULTS 64"""
    silent = [Lines(saslift.port[PROTOCOLS[number % 3]]) for number in range(40)]
    try:
        for number, one in enumerate(silent[:20]):
            one.send(b"\x16\x03\x01\x02\x00\x01\x00garbage" * (number + 1) + b"\r\n")
        for protocol in PROTOCOLS:
            assert is_yes(protocol, login(saslift, protocol, USER, password.text))
    finally:
        for one in silent:
            one.close()


def test_status_tells_processes_listeners_and_identities(saslift, password):
    assert is_yes("imap", login(saslift, "imap", USER, password.text))
    told = saslift.command("status", "--json").stdout
    for wanted in (*map(str, saslift.workers()), *map(str, saslift.port.values()), "office"):
        assert wanted in told
    assert saslift.command("status").stdout.strip()


def test_a_message_ends_up_where_it_should_after_a_worker_died(lab, password, dovecot):
    """FAULTS 77: the device's second try is a login like any other."""
    saslift = lab.run(lab.office(workers=1))
    [worker] = saslift.workers()
    with smtplib.SMTP("127.0.0.1", saslift.port["smtp"], timeout=15) as client:
        client.login(USER, password.text)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError, socket.timeout)):
            client.sendmail(MAILBOX, [MAILBOX], message("lost"))
    with smtplib.SMTP("127.0.0.1", saslift.port["smtp"], timeout=15) as client:
        client.login(USER, password.text)
        assert client.sendmail(MAILBOX, [MAILBOX], message("second try")) == {}
    wait_until(lambda: any(b"Subject: second try" in path.read_bytes() for path in dovecot.messages(MAILBOX)),
               "the message in the mailbox")
