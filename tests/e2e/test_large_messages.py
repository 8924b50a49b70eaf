"""20 MB up and down, compared by SHA-256."""

import base64
import hashlib
import imaplib
import os
import poplib
import smtplib

import pytest

from servers.process import wait_until

MAILBOX = "large@example.test"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def body_of(text):
    return text.split(b"\r\n\r\n", 1)[1]


@pytest.fixture(scope="module")
def large_message():
    lines = base64.encodebytes(os.urandom(15 * 1024 * 1024)).replace(b"\n", b"\r\n")
    return b"From: large@example.test\r\nSubject: large\r\n\r\n" + lines


def test_20_mb_go_up_by_smtp_and_come_down_by_pop3_unchanged(saslift, password, dovecot, large_message):
    before = set(dovecot.messages(MAILBOX))
    with smtplib.SMTP("127.0.0.1", saslift.port["smtp"], timeout=60) as client:
        client.login(MAILBOX, password.text)
        assert client.sendmail(MAILBOX, [MAILBOX], large_message) == {}
    wait_until(lambda: set(dovecot.messages(MAILBOX)) - before, "the message in the mailbox", 30)
    client = poplib.POP3("127.0.0.1", saslift.port["pop3"], timeout=60)
    client.user(MAILBOX)
    client.pass_(password.text)
    count, _ = client.stat()
    text = b"\r\n".join(client.retr(count)[1]) + b"\r\n"
    client.dele(count)
    client.quit()
    assert sha256(body_of(text)) == sha256(body_of(large_message))


def test_20_mb_go_up_and_come_down_by_imap_unchanged(saslift, password, large_message):
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"], timeout=60) as client:
        client.login(MAILBOX, password.text)
        client.create("Archive")
        assert client.append("Archive", None, None, large_message)[0] == "OK"
        assert client.select("Archive")[0] == "OK"
        _, [(_, text), _] = client.fetch("*", "(BODY.PEEK[])")
    assert sha256(text) == sha256(large_message)
