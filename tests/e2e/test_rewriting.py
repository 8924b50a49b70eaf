"""rewrite_from: what a scanner sends with somebody else's From arrives as the mailbox's, and a message has one end.
Postfix receives, Dovecot keeps."""

import base64
import email
import socket
import uuid

import pytest

from lab import Lab
from servers.process import wait_until

MAILBOX = "user2@example.test"


@pytest.fixture(scope="module")
def rewriting(lab_parts):
    lab = Lab(*lab_parts)
    made = lab.office()
    made.account("scanner_both", lab.password, "office", login="both", mailbox=MAILBOX, rewrite_from="both")
    made.account("scanner_envelope", lab.password, "office", login="envelope", mailbox=MAILBOX,
                 rewrite_from="envelope")
    yield lab.run(made)
    lab.stop()


class Device:
    """An SMTP client that sends exactly what it is told."""

    def __init__(self, port, login, password):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.reply()
        self.say("EHLO device")
        plain = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
        assert self.say(f"AUTH PLAIN {plain}").startswith("235")

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        text = ""
        while True:
            line = self.file.readline().decode(errors="replace")
            assert line, "closed"
            text += line
            if line[3:4] != "-":
                return text

    def say(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def device(rewriting, password):
    opened = []

    def connect(login):
        opened.append(Device(rewriting.port["smtp"], login, password.text))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def arrived(dovecot):
    def look(marker):
        texts = [path.read_bytes() for path in dovecot.messages(MAILBOX)]
        return [text for text in texts if marker.encode() in text]

    def wait(marker, count=1):
        return wait_until(lambda: (found := look(marker)) and len(found) >= count and found,
                          f"{marker} in {MAILBOX}\n{dovecot.log()[-1500:]}")

    wait.look = look
    return wait


def deliver(device, wire, envelope="<scanner@old.invalid>"):
    assert device.say(f"MAIL FROM:{envelope}").startswith("250")
    assert device.say(f"RCPT TO: {MAILBOX}").startswith("250")
    assert device.say("DATA").startswith("354")
    device.send(wire)
    return device.reply()


def test_a_scanner_with_another_from_sends_as_the_mailbox_and_is_answered_at_reply_to(device, arrived):
    marker = uuid.uuid4().hex
    body = b"\r\n".join([b"..stuffed", b"Gr\xfc\xdfe", b"x" * 990, b"From: text"]) + b"\r\n"
    assert deliver(device("both"), b"From: Scanner\r\n <scanner@old.invalid>\r\nSubject: " + marker.encode() +
                   b"\r\n\r\n" + body + b".\r\n", " scanner@old.invalid SIZE=5").startswith("250")
    [text] = arrived(marker)
    message = email.message_from_bytes(text)
    assert message.get_all("From") == [MAILBOX]
    assert " ".join(message["Reply-To"].split()) == "Scanner <scanner@old.invalid>"
    assert message["Return-Path"] in (f"<{MAILBOX}>", None)
    assert message["Date"] and message["Message-ID"].endswith("@example.test>")
    assert text.replace(b"\r\n", b"\n").endswith(b"\n\n" + body[1:].replace(b"\r\n", b"\n"))


def test_the_envelope_alone(device, arrived):
    marker = uuid.uuid4().hex
    assert deliver(device("envelope"), b"From: scanner@old.invalid\r\nSubject: " + marker.encode() +
                   b"\r\n\r\nx\r\n.\r\n").startswith("250")
    [text] = arrived(marker)
    message = email.message_from_bytes(text)
    assert message["From"] == "scanner@old.invalid"
    assert "Reply-To" not in message


def test_without_the_option_the_message_is_as_it_was(device, arrived, dovecot):
    marker = uuid.uuid4().hex
    assert deliver(device("user2@example.test"), b"From: scanner@old.invalid\r\nSubject: " + marker.encode() +
                   b"\r\nDate: d\r\nMessage-ID: <m>\r\n\r\nx\r\n.\r\n").startswith("250")
    [text] = arrived(marker)
    assert email.message_from_bytes(text)["From"] == "scanner@old.invalid"


def test_pipelined_and_without_waiting_for_354(device, arrived):
    marker = uuid.uuid4().hex
    one = device("both")
    one.send(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<" + MAILBOX.encode() + b">\r\nDATA\r\n")
    assert [one.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    one.send(b"Subject: " + marker.encode() + b"\r\n\r\nx\r\n.\r\nRSET\r\nQUIT\r\n")
    assert [one.reply()[:3] for _ in range(3)] == ["250", "250", "221"]
    arrived(marker)


# The receiver is a Postfix that takes only CRLF.CRLF for the end; one that does not is fooled by the same bytes with or
# without us. FAULTS 23: what an attacker hides in a message must not become a second one.
@pytest.mark.parametrize("login", ["both", "user2@example.test"])
@pytest.mark.parametrize("ending", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r.\r", b"\n.\r", b"\r\n.\n", b"\r\n.\r",
                                    b"\r\r\n.\r\r\n"], ids=lambda one: one.hex())
def test_what_only_looks_like_the_end_of_a_message_smuggles_none_in(device, arrived, login, ending):
    marker, smuggled = uuid.uuid4().hex, uuid.uuid4().hex
    one = device(login)
    reply = deliver(one, b"Subject: " + marker.encode() + b"\r\n\r\nbody" + ending +
                    b"MAIL FROM:<boss@example.test>\r\nRCPT TO:<" + MAILBOX.encode() + b">\r\nDATA\r\nSubject: " +
                    smuggled.encode() +
                    b"\r\n\r\nhidden\r\n.\r\n")
    # One message, one reply: the next one answers the next command.
    if reply.startswith("250"):
        assert one.say("RSET").startswith("250")
        [text] = arrived(marker)
        assert smuggled.encode() in text
        assert b"\nFrom: boss" not in text
    else:
        assert reply[0] in "45"
    texts = arrived.look(smuggled)
    assert all(marker.encode() in text for text in texts), "a second message"
