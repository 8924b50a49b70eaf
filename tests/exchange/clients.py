"""Mail programs that log in by XOAUTH2, for tests that talk to the stand-in without saslift."""

import base64
import imaplib
import poplib
import smtplib
import socket

SCANS, OFFICE = "scans@contoso.test", "office@contoso.test"


def sasl(user, token):
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def encoded(user, token):
    return base64.b64encode(sasl(user, token).encode()).decode()


def imap(exchange, trust, user=SCANS, token=None, port=None):
    client = imaplib.IMAP4_SSL("localhost", port or exchange.imap.port, ssl_context=trust, timeout=5)
    client.authenticate("XOAUTH2", lambda challenge: sasl(user, token or exchange.issue_token()).encode())
    return client


def pop3(exchange, trust, user=SCANS, token=None):
    client = poplib.POP3_SSL("localhost", exchange.pop3.port, context=trust, timeout=5)
    assert client._shortcmd("AUTH XOAUTH2") == b"+ "
    client._shortcmd(encoded(user, token or exchange.issue_token()))
    return client


def smtp_greeted(exchange, trust):
    client = smtplib.SMTP("localhost", exchange.smtp.port, timeout=5)
    client.starttls(context=trust)
    client.ehlo()
    return client


def smtp(exchange, trust, user=SCANS, token=None):
    client = smtp_greeted(exchange, trust)
    response = sasl(user, token or exchange.issue_token())
    client.auth("XOAUTH2", lambda challenge=None: response, initial_response_ok=False)
    return client


class Raw:
    """A client by hand, with or without TLS."""

    def __init__(self, port, trust=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        if trust:
            self.start_tls(trust)

    def start_tls(self, trust):
        self.socket = trust.wrap_socket(self.socket, server_hostname="localhost")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text)

    def line(self):
        text = b""
        while not text.endswith(b"\n") and (byte := self.socket.recv(1)):
            text += byte
        return text

    def read(self, count):
        text = b""
        while len(text) < count and (piece := self.socket.recv(65536)):
            text += piece
        return text
