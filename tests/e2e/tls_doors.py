"""Listeners with every kind of TLS, and clients that come to them."""

import imaplib
import poplib
import smtplib
import ssl
import subprocess

PROTOCOLS = ("imap", "pop3", "smtp")
GREETING = {"imap": b"* OK", "pop3": b"+OK", "smtp": b"220"}


class Doors:
    """A saslift with the listeners that were asked for, by name."""

    def __init__(self, lab, configuration, office):
        self.lab, self.configuration, self.office = lab, configuration, office
        self.names = []

    def add(self, name, protocol, tls, **fields):
        self.names.append(name)
        self.configuration.listener(protocol, tls=tls, **fields)
        return self

    def open(self):
        self.saslift = self.lab.run(self.configuration)
        before = len(self.saslift.ports) - len(self.names)
        self.port = dict(zip(self.names, self.saslift.ports[before:]))
        return self

    def certificate(self, *options):
        ran = self.saslift.command("certificate", *options)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


def trusting(pem):
    return ssl.create_default_context(cadata=pem)


def s_client(port, *options, says=b"", starttls=None, seconds=15):
    """openssl s_client: (exit code, everything it printed). It ends when the server closes, or at once without input."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options]
    if starttls:
        command += ["-starttls", starttls]
    ran = subprocess.run(command, input=says, capture_output=True, timeout=seconds)
    return ran.returncode, (ran.stdout + ran.stderr).decode(errors="replace")


class Typed:
    """An s_client at whose keyboard somebody sits: what is typed goes out line by line."""

    def __init__(self, port, *options):
        self.child = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()

    def type(self, text):
        try:
            self.child.stdin.write(text)
        except BrokenPipeError:
            pass

    def until(self, wanted):
        """What was printed up to a line with these bytes in it, or to the end."""
        printed = b""
        while line := self.child.stdout.readline():
            printed += line
            if wanted in line:
                break
        return printed


def old(version):
    """Options for a client of that TLS version: Debian's OpenSSL speaks it at security level 0 alone."""
    return f"-{version}", "-cipher", "DEFAULT@SECLEVEL=0"


def log_in(protocol, port, user, password, how, context=None):
    """A client of Python's that has logged in. how: plain, starttls or implicit."""
    timeout = 30
    if protocol == "imap":
        client = (imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=timeout) if how == "implicit"
                  else imaplib.IMAP4("127.0.0.1", port, timeout=timeout))
        if how == "starttls":
            client.starttls(context)
        client.login(user, password)
    elif protocol == "pop3":
        client = (poplib.POP3_SSL("127.0.0.1", port, context=context, timeout=timeout) if how == "implicit"
                  else poplib.POP3("127.0.0.1", port, timeout=timeout))
        if how == "starttls":
            client.stls(context)
        client.user(user)
        client.pass_(password)
    else:
        client = (smtplib.SMTP_SSL("127.0.0.1", port, context=context, timeout=timeout) if how == "implicit"
                  else smtplib.SMTP("127.0.0.1", port, timeout=timeout))
        if how == "starttls":
            client.starttls(context=context)
        client.login(user, password)
    return client


def log_out(client):
    client.logout() if isinstance(client, imaplib.IMAP4) else client.quit()


def is_alive(client):
    said = client.noop()
    return said.startswith(b"+OK") if isinstance(client, poplib.POP3) else said[0] in ("OK", 250)
