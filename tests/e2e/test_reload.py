"""Another configuration while sessions go on: what changes, what does not, and what a broken file does."""

import hashlib
import imaplib
import json
import os
import signal
import socket
import threading

import pytest

from running_saslift import Lines, new_password
from servers.process import answers, wait_until
from test_old_clients import USER
from test_refused_logins import attempt, connect, is_yes, login


GOODBYE = b"* BYE The administrator of the mail proxy has ended this session\r\n"


def change(configuration, name, **fields):
    """Sets keys of a table; None takes one away."""
    [table] = [table for head, table in configuration.tables if head == f"[{name}]"]
    for key, value in fields.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


def remove(configuration, name):
    configuration.tables[:] = [one for one in configuration.tables if one[0] != f"[{name}]"]


def hang_up(saslift, configuration=None, event="reloaded"):
    """Writes the configuration, sends SIGHUP and waits for what the log says to it."""
    if configuration is not None:
        configuration.write(saslift.path)
    before = len(saslift.events(event))
    os.kill(saslift.pid, signal.SIGHUP)
    return saslift.wait_for_event(event, before + 1)


def children(pid):
    return open(f"/proc/{pid}/task/{pid}/children").read().split()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def noop(client):
    client.send("n NOOP\r\n")
    return client.until(b"n ")[-1].startswith(b"n OK")


def is_over(client):
    try:
        return client.rest() is not None
    except ConnectionError:
        return True


class Fetcher(threading.Thread):
    """Fetches one message again and again over one connection, until told to stop."""

    def __init__(self, port, password, wanted):
        super().__init__()
        self.port, self.password, self.wanted = port, password, wanted
        self.stopping, self.rounds, self.failure = threading.Event(), 0, None
        self.start()

    def run(self):
        try:
            with imaplib.IMAP4("127.0.0.1", self.port, timeout=60) as client:
                client.login("user3@example.test", self.password)
                client.select("Reloads", readonly=True)
                while not self.stopping.is_set():
                    told, [(_, text), *_] = client.fetch("1", "BODY.PEEK[]")
                    assert told == "OK" and hashlib.sha256(text).digest() == self.wanted
                    self.rounds += 1
        except Exception as failure:  # noqa: BLE001: the test's own thread raises it
            self.failure = failure


class Newcomer(threading.Thread):
    """Logs in and out again and again, until told to stop."""

    def __init__(self, saslift, password):
        super().__init__()
        self.saslift, self.password = saslift, password
        self.stopping, self.rounds, self.failure = threading.Event(), 0, None
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                assert is_yes("imap", login(self.saslift, "imap", USER, self.password))
                self.rounds += 1
        except Exception as failure:  # noqa: BLE001: the test's own thread raises it
            self.failure = failure


def test_fifty_reloads_under_load_drop_nobody_and_leave_nothing(lab, password, dovecot):
    """FAULTS 79: accounts change in each, what the workers are told in two of them."""
    configuration = lab.office(workers=2)
    saslift = lab.run(configuration)
    text = b"Subject: reloads\r\n\r\n" + b"".join(b"%076d\r\n" % number for number in range(3000))
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"], timeout=60) as client:
        client.login("user3@example.test", password.text)
        client.create("Reloads")
        assert client.append("Reloads", None, None, text)[0] == "OK"
    wait_until(lambda: len(children(saslift.pid)) == 2, "the workers alone")
    descriptors_before = descriptors(saslift.pid)

    digest = hashlib.sha256(text).digest()
    clients = [Fetcher(saslift.port["imap"], password.text, digest) for _ in range(10)]
    clients += [Newcomer(saslift, password.text) for _ in range(2)]
    try:
        wait_until(lambda: all(one.rounds or one.failure for one in clients), "all clients at work", 60)
        for number in range(1, 51):
            configuration.account(f"new{number}", password, "office", login=f"new{number}@example.test")
            if number > 1:
                remove(configuration, f"account.new{number - 1}")
            if number in (20, 40):
                change(configuration, "service", hostname=f"host{number}.example.test")
            told = hang_up(saslift, configuration)
            assert told["workers"] == ("replaced" if number in (20, 40) else "untouched")
            assert told["sessions_ended"] == 0
        rounds = [one.rounds for one in clients]
        wait_until(lambda: all(one.failure or one.rounds > before for one, before in zip(clients, rounds)),
                   "everybody still at work", 60)
    finally:
        for one in clients:
            one.stopping.set()
        for one in clients:
            one.join(60)
    assert [one.failure for one in clients] == [None] * len(clients)
    assert not saslift.events("worker_died")
    wait_until(lambda: len(children(saslift.pid)) == 2, "the old workers gone", 30)
    wait_until(lambda: descriptors(saslift.pid) == descriptors_before,
               lambda: f"{descriptors(saslift.pid)} descriptors, {descriptors_before} before")
    assert is_yes("imap", login(saslift, "imap", USER, password.text))


BROKEN = {"syntax": ("[service\n", ":1:"), "key": ("[service]\npasword = 1\n", ":2:1: unknown key 'pasword'")}


@pytest.mark.parametrize("text, said", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_changes_nothing_and_says_where(lab, password, text, said):
    """FAULTS 79"""
    saslift = lab.run(lab.office())
    workers = saslift.workers()
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", USER, password.text))
        saslift.path.write_text(text)
        for _ in range(5):
            told = hang_up(saslift, event="reload_failed")
            assert f"{saslift.path}{said}" in told["reason"]
        assert noop(client)
        assert is_yes("imap", login(saslift, "imap", USER, password.text))
        assert {int(pid) for pid in children(saslift.pid)} == set(workers)
        assert not saslift.events("reloaded")


def test_sessions_of_accounts_that_are_gone_or_changed_are_ended_and_others_live(lab, binary, password):
    configuration = lab.office()
    saslift = lab.run(configuration)
    names = [USER, "user2@example.test", "user3@example.test"]
    clients = [connect(saslift, "imap") for _ in names]
    try:
        for client, name in zip(clients, names):
            assert is_yes("imap", attempt(client, "imap", name, password.text))
        removed, changed, kept = clients
        remove(configuration, "account.reception")
        other = new_password(binary, "user2")
        change(configuration, "account.user2", password=other.hash)
        assert hang_up(saslift, configuration)["sessions_ended"] == 2
        assert is_over(removed) and is_over(changed)
        assert noop(kept)
        assert saslift.wait_for_event("session_ended", 2, reason="account_changed")
        assert not is_yes("imap", login(saslift, "imap", USER, password.text))
        assert not is_yes("imap", login(saslift, "imap", names[1], password.text))
        assert is_yes("imap", login(saslift, "imap", names[1], other.text))
    finally:
        for client in clients:
            client.close()


def test_listeners_come_and_go_and_what_stays_keeps_its_port(lab, password):
    configuration = lab.office()
    saslift = lab.run(configuration)
    with connect(saslift, "imap") as client, Lines(saslift.port["imap"]) as undecided:
        assert is_yes("imap", attempt(client, "imap", USER, password.text))
        undecided.line()
        configuration.tables[:] = [(head, fields) for head, fields in configuration.tables
                                   if fields.get("protocol") != "pop3"]
        configuration.tables.append(("[[listener]]", {"protocol": "imap", "address": "[::1]:0"}))
        assert hang_up(saslift, configuration)["workers"] == "replaced"
        saslift.wait_for_event("workers_replaced")
        wait_until(lambda: not answers(saslift.port["pop3"]), "POP3 closed")
        heard = saslift.wait_for_event("listening", 4)
        with socket.create_connection(("::1", int(heard["address"].rsplit(":", 1)[1])), timeout=10) as another:
            assert another.recv(100).startswith(b"* OK")
        # Sessions of the old worker, before and after login, are as good as ever.
        assert noop(client)
        assert is_yes("imap", attempt(undecided, "imap", USER, password.text))
        assert is_yes("imap", login(saslift, "imap", USER, password.text))


def test_an_address_that_cannot_be_had_changes_nothing(lab, password):
    configuration = lab.office()
    saslift = lab.run(configuration)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        configuration.tables.append(("[[listener]]", {"protocol": "imap", "address": address}))
        remove(configuration, "account.reception")
        told = hang_up(saslift, configuration, "reload_failed")
        assert address in told["reason"]
    assert is_yes("imap", login(saslift, "imap", USER, password.text))


def test_a_new_client_secret_is_used_from_the_reload_on(exchange_lab, password):
    configuration, [office] = exchange_lab.at(exchange_lab.ports(), protocols=("imap",))
    saslift = exchange_lab.run(configuration)
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
    app = exchange_lab.exchange.add_app()
    configuration.identity("rotated", app, "exchange")
    change(configuration, f"account.{office.name}_all", identity="rotated")
    remove(configuration, f"identity.{office.name}")
    hang_up(saslift, configuration)
    assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
    assert [one.form["client_id"] for one in exchange_lab.exchange.requests] == [[office.app.client_id], [app.client_id]]


def test_a_certificate_authority_that_comes_with_a_reload_is_trusted(exchange_lab, password, authority):
    """Trust stores are the workers': they are replaced, and sessions of the old ones go on."""
    configuration, [office] = exchange_lab.at(exchange_lab.ports(), protocols=("imap",))
    right = [fields for head, fields in configuration.tables if head == "[provider.exchange]"][0]["ca_file"]
    saslift = exchange_lab.run(configuration)
    with connect(saslift, "imap") as old:
        assert is_yes("imap", attempt(old, "imap", office.mailbox(), password.text))
        change(configuration, "provider.exchange", ca_file=str(authority.certificate))
        assert hang_up(saslift, configuration)["workers"] == "replaced"
        saslift.wait_for_event("workers_replaced")
        assert not is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
        change(configuration, "provider.exchange", ca_file=right)
        hang_up(saslift, configuration)
        saslift.wait_for_event("workers_replaced", 2)
        assert is_yes("imap", login(saslift, "imap", office.mailbox(), password.text))
        assert noop(old)


def test_the_log_level_is_that_of_the_reload(lab):
    configuration = lab.office()
    saslift = lab.run(configuration)
    change(configuration, "log", level="warning")
    configuration.write(saslift.path)
    os.kill(saslift.pid, signal.SIGHUP)
    change(configuration, "service", state_dir=str(saslift.directory / "elsewhere"))
    configuration.write(saslift.path)
    os.kill(saslift.pid, signal.SIGHUP)
    assert saslift.wait_for_event("restart_needed")["key"] == "state_dir"
    assert not saslift.events("reloaded")
    configuration.tables[0][1]["state_dir"] = str(saslift.directory / "state")
    configuration.write(saslift.path)


def test_no_reload_while_draining(lab, password):
    """FAULTS 79"""
    configuration = lab.office()
    saslift = lab.run(configuration)
    with connect(saslift, "smtp") as client:
        assert is_yes("smtp", attempt(client, "smtp", USER, password.text))
        client.send("MAIL FROM:<user1@example.test>\r\nRCPT TO:<user1@example.test>\r\nDATA\r\n")
        client.until(b"354")
        saslift.terminate()
        saslift.wait_for_event("draining")
        hang_up(saslift, event="reload_ignored")
        client.send("Subject: drained\r\n\r\nx\r\n.\r\nQUIT\r\n")
        assert client.line().startswith(b"250")


def test_the_command_tells_whether_it_was_taken_over(lab, password):
    configuration = lab.office()
    saslift = lab.run(configuration)
    told = saslift.command("reload")
    assert (told.returncode, told.stdout, told.stderr) == (0, f"reloaded {saslift.path}: no session ended\n", "")
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", USER, password.text))
        remove(configuration, "account.reception")
        configuration.write(saslift.path)
        told = saslift.command("reload", "--json")
        assert told.returncode == 0
        assert json.loads(told.stdout) == {"config": str(saslift.path), "ok": True, "sessions_ended": 1}
        assert client.rest().endswith(GOODBYE)
    assert not is_yes("imap", login(saslift, "imap", USER, password.text))
    good = saslift.path.read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        saslift.path.write_text(f'{good}\n[[listener]]\nprotocol = "imap"\naddress = "{address}"\n')
        told = saslift.command("reload")
        assert (told.returncode, address in told.stderr) == (1, True), told.stderr
        told = saslift.command("reload", "--json")
        assert (told.returncode, address in json.loads(told.stdout)["error"]) == (1, True), told.stdout
    saslift.path.write_text("[service\n")
    told = saslift.command("reload")
    assert (told.returncode, ":1:" in told.stderr) == (2, True), told.stderr
    saslift.path.write_text(good)


def test_kick_ends_the_sessions_of_one_account(lab, password):
    saslift = lab.run(lab.office())
    with connect(saslift, "imap") as kicked, connect(saslift, "imap") as other:
        assert is_yes("imap", attempt(kicked, "imap", USER, password.text))
        assert is_yes("imap", attempt(other, "imap", "user2@example.test", password.text))
        told = saslift.command("kick", "reception")
        assert (told.returncode, told.stdout) == (0, "account 'reception': 1 session ended\n")
        assert kicked.rest().endswith(GOODBYE)
        assert saslift.wait_for_event("session_ended", reason="kicked")["account"] == "reception"
        assert noop(other)
        told = saslift.command("kick", "nobody")
        assert (told.returncode, "there is no such account" in told.stderr) == (1, True)
        told = saslift.command("kick", "reception", "--json")
        assert json.loads(told.stdout) == {"account": "reception", "ok": True, "sessions_ended": 0}


def test_who_only_speaks_with_the_running_one_reads_no_secret(lab, password):
    """Of root's status under systemd, whose credentials it does not have; and a command: is not run for each probe."""
    configuration = lab.office()
    saslift = lab.run(configuration)
    [secret] = configuration.directory.glob("*.secret")
    secret.rename(configuration.directory / "elsewhere")
    assert saslift.command("check").returncode == 2
    assert saslift.command("status", "--ready").returncode == 0
    assert saslift.command("kick", "reception").returncode == 0
    good = saslift.path.read_text()
    saslift.path.write_text(good + "[nonsense]\n")
    assert saslift.command("status", "--ready").returncode == 0  # a container is not restarted for a file being edited
    saslift.path.write_text(good)
    told = saslift.command("reload")
    assert (told.returncode, secret.name in told.stderr) == (2, True), told.stderr
    (configuration.directory / "elsewhere").rename(secret)
    assert saslift.command("reload").returncode == 0
    assert is_yes("imap", login(saslift, "imap", USER, password.text))
