"""What a device is told when it does not get in, what the log knows, and what must not happen meanwhile."""

import base64
import hashlib
import imaplib
import poplib
import re
import smtplib
import socket
import subprocess

import pytest

from lab import Lab
from running_saslift import Lines, reference_in
from servers.certificates import Authority
from servers.dovecot import REFUSED_MAILBOX
from servers.process import free_ports, wait_until

PERMANENT = {"imap": "NO [CONTACTADMIN]", "pop3": "-ERR [SYS/PERM]", "smtp": "535 5.7.0"}
TEMPORARY = {"imap": "NO [UNAVAILABLE]", "pop3": "-ERR [SYS/TEMP]", "smtp": "454 4.7.0"}
BAD_PASSWORD = {"imap": "NO [AUTHENTICATIONFAILED]", "pop3": "-ERR [AUTH]", "smtp": "535 5.7.8"}
PROTOCOLS = ("imap", "pop3", "smtp")


def attempt(client, protocol, user, secret):
    """One login on an open connection; the server's answer to it."""
    if protocol == "imap":
        client.send(f'a LOGIN "{user}" "{secret}"\r\n')
        return client.until(b"a ")[-1].decode()[2:]
    if protocol == "pop3":
        client.send(f"USER {user}\r\n")
        assert client.line().startswith(b"+OK")
        client.send(f"PASS {secret}\r\n")
        return client.line().decode()
    client.send(b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{secret}".encode()) + b"\r\n")
    return client.line().decode()


def connect(saslift, protocol):
    client = Lines(saslift.port[protocol], timeout=30)
    client.line()
    if protocol == "smtp":
        client.send("EHLO printer\r\n")
        client.until(b"250 ")
    return client


def login(saslift, protocol, user, secret):
    with connect(saslift, protocol) as client:
        return attempt(client, protocol, user, secret)


def is_yes(protocol, answer):
    return answer.startswith({"imap": "OK", "pop3": "+OK", "smtp": "235"}[protocol])


def said_and_logged(saslift, answer, expected, reason):
    """The answer begins as it should, and its reference leads to the reason in the log."""
    assert answer.startswith(expected), answer
    event = saslift.wait_for_event("login_refused", session=reference_in(answer))
    assert event["reason"] == reason, event
    return event


@pytest.fixture
def trap():
    """A provider that notes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def untouched(trap):
    with pytest.raises(BlockingIOError):
        trap.accept()


def fingerprints(directory):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_password_calls_nobody_and_changes_no_state(lab, trap, sign_in, password, protocol):
    """FAULTS 35"""
    made = lab.configuration()
    ends = {protocol: (trap.getsockname()[1], "implicit")}
    made.provider("trap", sign_in, **ends)
    made.identity("office", sign_in, "trap")
    made.account("reception", password, "office", login="scanner", mailbox="user1@example.test", protocols=[protocol])
    made.listeners(protocol)
    saslift = lab.run(made)
    state, calls = saslift.directory / "state", sign_in.requests
    before = fingerprints(state)
    for user, secret in (("scanner", "wrong"), ("nobody", password.text), ("scanner", password.text + "x")):
        said_and_logged(saslift, login(saslift, protocol, user, secret), BAD_PASSWORD[protocol], "bad_credentials")
    assert sign_in.requests == calls
    assert fingerprints(state) == before
    untouched(trap)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unknown_login_is_told_the_same_as_a_wrong_password(saslift, password, protocol):
    answers = [login(saslift, protocol, user, "wrong") for user in ("scanner", "nobody")]
    unreferenced = [answer.replace(reference_in(answer), "") for answer in answers]
    assert unreferenced[0] == unreferenced[1]


def test_an_unquoted_password_of_two_words_is_not_logged_as_a_name(saslift):
    with connect(saslift, "imap") as client:
        client.send("a LOGIN scanner front canary-desk\r\n")
        answer = client.line().decode().removeprefix("a ")
    assert said_and_logged(saslift, answer, BAD_PASSWORD["imap"], "bad_credentials")["login"] == "scanner [...]"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_login_and_then_the_right_one_on_the_same_connection(saslift, password, protocol):
    with connect(saslift, protocol) as client:
        assert attempt(client, protocol, "scanner", "wrong").startswith(BAD_PASSWORD[protocol])
        assert is_yes(protocol, attempt(client, protocol, "scanner", password.text))


@pytest.mark.parametrize("mode", ["expired", "wrong_key"])
def test_a_token_that_the_provider_refuses_is_a_matter_for_the_administrator(lab, sign_in, password, mode):
    """FAULTS 21: the provider's JSON stays with us."""
    sign_in.switch(mode)
    saslift = lab.run(lab.office())
    for protocol in PROTOCOLS:
        answer = login(saslift, protocol, "scanner", password.text)
        said_and_logged(saslift, answer, PERMANENT[protocol], "identity_refused")
        assert "{" not in answer and "eyJ" not in answer


def test_a_refused_token_is_followed_by_at_most_one_more_request(lab, sign_in, password):
    """FAULTS 40"""
    sign_in.switch("expired")
    saslift = lab.run(lab.office())
    calls = sign_in.requests
    for _ in range(5):
        assert login(saslift, "imap", "scanner", password.text).startswith(PERMANENT["imap"])
    assert sign_in.requests - calls <= 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_mailbox_without_rights_does_not_disturb_a_good_one_of_its_identity(lab, sign_in, password, protocol):
    """FAULTS 40"""
    saslift = lab.run(lab.office())
    assert is_yes(protocol, login(saslift, protocol, "scanner", password.text))
    with connect(saslift, protocol) as good:
        assert is_yes(protocol, attempt(good, protocol, "user2@example.test", password.text))
        calls = sign_in.requests
        for _ in range(3):
            said_and_logged(saslift, login(saslift, protocol, "no-rights", password.text), PERMANENT[protocol],
                            "identity_refused")
        assert is_yes(protocol, login(saslift, protocol, "scanner", password.text))
        good.send({"imap": "z NOOP\r\n", "pop3": "NOOP\r\n", "smtp": "NOOP\r\n"}[protocol])
        assert {"imap": b"z OK", "pop3": b"+OK", "smtp": b"250"}[protocol] in good.line()
    # The server calls the token stale, as it would one that was ended early: one newer one, in ten minutes.
    assert sign_in.requests - calls <= 1


def test_sign_in_service_answering_503_is_temporary(lab, sign_in, password):
    """FAULTS 36"""
    sign_in.switch("status", status=503, headers={"Retry-After": "60"})
    saslift = lab.run(lab.office())
    for protocol in PROTOCOLS:
        said_and_logged(saslift, login(saslift, protocol, "scanner", password.text), TEMPORARY[protocol],
                        "token_unavailable")


def test_503_at_the_sign_in_service_does_not_matter_while_the_token_lives(lab, sign_in, password):
    """FAULTS 36"""
    saslift = lab.run(lab.office())
    assert is_yes("imap", login(saslift, "imap", "scanner", password.text))
    sign_in.switch("status", status=503)
    for protocol in PROTOCOLS:
        assert is_yes(protocol, login(saslift, protocol, "scanner", password.text))


def test_a_provider_that_is_down_is_temporary(lab, sign_in, password):
    """FAULTS 70"""
    made = lab.configuration()
    closed = free_ports(3)
    made.provider("away", sign_in, **{name: (port, "implicit") for name, port in zip(PROTOCOLS, closed)})
    made.identity("office", sign_in, "away")
    made.account("reception", password, "office", login="scanner", mailbox="user1@example.test")
    made.listeners(*PROTOCOLS)
    saslift = lab.run(made)
    for protocol in PROTOCOLS:
        said_and_logged(saslift, login(saslift, protocol, "scanner", password.text), TEMPORARY[protocol],
                        "server_unreachable")


CERTIFICATES = {
    "wrong_host": lambda authority, _: authority.issue("wrong-host", alternative="DNS:mail.example.test"),
    "wildcard_of_a_top_domain": lambda authority, _: authority.issue("wildcard", alternative="DNS:*"),
    "name_only_in_cn": lambda authority, _: authority.issue("cn-only", alternative=None),
    "expired": lambda authority, _: authority.issue("expired", days=-1),
    "unknown_authority": lambda _, stranger: stranger.issue("stranger"),
    "self_signed": lambda authority, _: authority.self_signed("self-signed"),
}


@pytest.fixture(scope="module")
def strangers(directory, authority):
    """openssl s_server with each bad certificate; what it receives inside TLS is its output."""
    stranger = Authority(directory, "stranger")
    children, made = [], {}
    for name, issue in CERTIFICATES.items():
        certificate, key = issue(authority, stranger)
        [port] = free_ports(1)
        received = directory / f"s_server-{name}.out"
        with open(received, "wb") as output:
            children.append(subprocess.Popen(["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}",
                                              "-cert", certificate, "-key", key], stdin=subprocess.PIPE, stdout=output,
                                             stderr=subprocess.DEVNULL))
        made[name] = (port, received)
    yield made
    for child in children:
        child.stdin.close()
        child.kill()
        child.wait()


@pytest.fixture(scope="module")
def among_strangers(lab_parts, strangers):
    lab = Lab(*lab_parts)
    made = lab.configuration()
    for name, (port, _) in strangers.items():
        made.provider(name, lab.sign_in, imap=(port, "implicit"))
        made.identity(name, lab.sign_in, name)
        made.account(name, lab.password, name, login=name, mailbox="user1@example.test", protocols=["imap"])
    made.listeners("imap")
    yield lab.run(made)
    lab.stop()


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_provider_with_a_bad_certificate_gets_no_token(among_strangers, strangers, password, name):
    """FAULTS 58"""
    answer = login(among_strangers, "imap", name, password.text)
    event = said_and_logged(among_strangers, answer, TEMPORARY["imap"], "server_unreachable")
    assert "localhost" in event["detail"] and "certificate" in event["detail"], event
    assert strangers[name][1].read_bytes() == b""


def test_a_starttls_server_whose_certificate_names_another_host_gets_no_token(lab, sign_in, password, dovecot, postfix):
    """FAULTS 58: the certificates name localhost, not its address."""
    made = lab.configuration()
    made.provider("misnamed", sign_in, imap=(dovecot.imap_starttls, "starttls"), smtp=(postfix.smtp, "starttls"),
                  host="127.0.0.1")
    made.identity("office", sign_in, "misnamed")
    made.account("reception", password, "office", login="scanner", mailbox="user1@example.test",
                 protocols=["imap", "smtp"])
    made.listeners("imap", "smtp")
    saslift = lab.run(made)
    for protocol in ("imap", "smtp"):
        event = said_and_logged(saslift, login(saslift, protocol, "scanner", password.text), TEMPORARY[protocol],
                                "server_unreachable")
        assert "certificate" in event["detail"], event
    client = "lost connection after STARTTLS from localhost[127.0.0.1]"
    wait_until(lambda: client in postfix.log(), postfix.log)
    handshakes = [line for line in dovecot.log().split("\n") if "TLS handshaking: SSL_accept() failed" in line]
    assert handshakes and not any(re.search("user=<[^>]", line) for line in handshakes)


@pytest.mark.parametrize("form", ["login", "plain"])
def test_a_control_character_in_the_user_name_never_reaches_the_server(lab, sign_in, password, dovecot, form):
    """FAULTS 14: Dovecot takes the last user= it is given, as test_servers.py shows."""
    made = lab.configuration()
    made.provider("lab", sign_in, imap=(dovecot.imap, "implicit"))
    made.identity("office", sign_in, "lab")
    made.account("everyone", password, "office", login="*@example.test", protocols=["imap"], shared_password=True)
    made.listeners("imap")
    saslift = lab.run(made)
    user = "user2\x01user=user1@example.test"
    logins, calls = len(dovecot.logins()), sign_in.requests
    with connect(saslift, "imap") as client:
        if form == "plain":
            plain = base64.b64encode(f"\0{user}\0{password.text}".encode()).decode()
            client.send(f"a AUTHENTICATE PLAIN {plain}\r\n")
        else:
            literal = user.encode()
            client.send(b"a LOGIN {%d+}\r\n%s {%d+}\r\n%s\r\n" % (len(literal), literal, len(password.text),
                                                                  password.text.encode()))
        assert client.until(b"a ")[-1].startswith((b"a NO", b"a BAD"))
        assert is_yes("imap", attempt(client, "imap", "user2@example.test", password.text))
    assert sign_in.requests == calls + 1
    new = wait_until(lambda: dovecot.logins()[logins:], dovecot.log)
    assert len(new) == 1 and "user=<user2@example.test>" in new[0]


def test_old_clients_report_a_wrong_password_as_such(saslift):
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imaplib.IMAP4("127.0.0.1", saslift.port["imap"]).login("scanner", "wrong")
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client = poplib.POP3("127.0.0.1", saslift.port["pop3"])
        client.user("scanner")
        client.pass_("wrong")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        smtplib.SMTP("127.0.0.1", saslift.port["smtp"]).login("scanner", "wrong")


def test_a_refused_mailbox_is_named_in_the_log_only(saslift, password):
    answer = login(saslift, "imap", "no-rights", password.text)
    assert REFUSED_MAILBOX not in answer
    reference = reference_in(answer)
    assert saslift.wait_for_event("login_refused", session=reference)["mailbox"] == REFUSED_MAILBOX


HOSTILE = {"line_end": b'x"}\r\n{"event": "login_succeeded", "forged": "yes"}', "escape": b"\x1b[2Jx",
           "format": b"%s%n%s%n", "no_utf8": b"\xff\xfe", "long": b"x" * 8000}


@pytest.mark.parametrize("user", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_user_name_forges_no_line_of_the_log(saslift, user):
    """FAULTS 83"""
    with connect(saslift, "imap") as client:
        client.send(b"a LOGIN {%d+}\r\n%s wrong\r\n" % (len(user), user))
        answer = client.until(b"a ")[-1]
    assert answer.startswith((b"a NO", b"a BAD"))
    events = saslift.events()  # each line is JSON
    assert not any("forged" in event for event in events)
    assert all(len(str(value)) <= 256 for event in events for value in event.values())
