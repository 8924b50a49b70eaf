"""What the provider says after the login: the client gets its words, the log their cause and what to do (DESIGN 4.10)."""

import pytest

from exchange import Access, Say, Stage
from test_refused_logins import attempt, connect, is_yes, login, said_and_logged


@pytest.fixture
def box(offices, exchange):
    """(saslift, a function that makes a mailbox)"""
    saslift, unused = offices
    return saslift, next(unused).mailbox


def named(saslift, user, cause):
    """The event that the words of the session's server led to."""
    event = saslift.wait_for_event("server_refused", login=user, cause=cause)
    assert event["remedy"]
    return event


def test_authenticated_but_not_connected(box, password):
    saslift, mailbox = box
    user = mailbox(access=Access.not_connected)
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", user, password.text))
        client.send('l LIST "" *\r\n')
        assert client.rest() == (b"l BAD User is authenticated but not connected.\r\n"
                                 b"* BYE Connection closed. 14\r\n")
    event = named(saslift, user, "the login counts, but the mailbox does not open")
    assert (event["protocol"], event["level"]) == ("imap", "warning")


def test_a_throttled_mailbox(box, exchange, password):
    saslift, mailbox = box
    user = mailbox()
    exchange.imap.throttled = True
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", user, password.text))
        client.send("s SELECT INBOX\r\n")
        assert client.line() == b"s BAD Request is throttled. Suggested Backoff Time: 89117 milliseconds\r\n"
    named(saslift, user, "the server is throttling this mailbox")


def test_the_end_of_the_token_is_passed_on_and_is_the_sessions_end(box, exchange, password):
    saslift, mailbox = box
    user = mailbox()
    with connect(saslift, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", user, password.text))
        client.send("s SELECT INBOX\r\n")
        client.until(b"s OK")
        client.send("i IDLE\r\n")
        client.until(b"+")
        exchange.tokens.expire_all()
        assert client.rest() == b"* BYE Session invalidated - AccessTokenExpired\r\n"
    assert named(saslift, user, "the token ended during the session")["level"] == "info"
    assert saslift.wait_for_event("session_ended", login=user)["reason"] == "token_expired"


def send(client, sender, author):
    """The lines that the server said to a message."""
    said = []
    for command in (f"MAIL FROM:<{sender}>", "RCPT TO:<office@contoso.test>", "DATA"):
        client.send(command + "\r\n")
        said.append(client.line())
        if not said[-1].startswith((b"250", b"354")):
            return said
    client.send(f"From: {author}\r\nSubject: page\r\n\r\npage\r\n.\r\n")
    return [*said, client.line()]


@pytest.mark.parametrize("of_envelope, words", [
    (True, b"550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
    (False, b"554 5.2.252 SendAsDenied; ")])
def test_a_sender_that_the_mailbox_may_not_use(box, password, of_envelope, words):
    saslift, mailbox = box
    user = mailbox()
    with connect(saslift, "smtp") as client:
        assert is_yes("smtp", attempt(client, "smtp", user, password.text))
        said = send(client, "scanner@device.test" if of_envelope else user, "scanner@device.test")
        assert said[-1].startswith(words), said
    named(saslift, user, "the mailbox may not send as this sender")


@pytest.mark.parametrize("words, cause", [
    (b"430 4.2.0 STOREDRV; mailbox logon failure", "the token does not open this mailbox for sending"),
    (b"432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "too many messages at once from this mailbox"),
    (b"550 5.1.8 Access denied, bad outbound sender", "the mailbox is blocked from sending")])
def test_a_mailbox_that_may_not_send_now(box, exchange, password, words, cause):
    saslift, mailbox = box
    user = mailbox()
    exchange.smtp.faults.instead(Stage.data, Say(words + b"\r\n"))
    with connect(saslift, "smtp") as client:
        assert is_yes("smtp", attempt(client, "smtp", user, password.text))
        assert send(client, user, user)[-1] == words + b"\r\n"
    named(saslift, user, cause)


@pytest.mark.parametrize("of", ["Tenant", "Mailbox"])
def test_smtp_auth_that_is_switched_off(box, exchange, password, of):
    saslift, mailbox = box
    exchange.smtp.switched_off = of
    answer = login(saslift, "smtp", mailbox(), password.text)
    event = said_and_logged(saslift, answer, "535 5.7.0 Sending by SMTP is switched off", "identity_refused")
    assert of.lower() in event["cause"] and event["remedy"]


def test_a_token_that_is_too_long_for_pop3_is_warned_of_and_counted(exchange_lab, exchange, password):
    saslift, office = exchange_lab.run_at(exchange_lab.ports())
    exchange.tokens.size = 3200
    try:
        login(saslift, "pop3", office.mailbox(), password.text)
        login(saslift, "pop3", office.mailbox(), password.text)
    finally:
        exchange.tokens.size = 1400
    [event] = saslift.events("token_too_long_for_pop3")
    assert int(event["bytes"]) > 4096 and event["cause"] and event["remedy"]
    assert saslift.status()["logins"]["large"] == 2
