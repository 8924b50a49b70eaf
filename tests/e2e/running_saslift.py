"""A saslift under test: its configuration, its process, its log and what must never be in it."""

import base64
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import urllib.parse
from dataclasses import dataclass

from servers.process import Process, wait_until


@dataclass(frozen=True)
class Password:
    text: str
    hash: str


def new_password(binary, name):
    printed = subprocess.run([binary, "password", name, "--json"], check=True, capture_output=True, text=True).stdout
    made = json.loads(printed)
    return Password(made["password"], made["hash"])


def forms(secret):
    """A secret as it is, URL-encoded, in hexadecimal and inside base64 at each of its three alignments."""
    raw = secret.encode()
    found = {raw, urllib.parse.quote(raw, safe="").encode(), urllib.parse.quote_plus(raw).encode(), raw.hex().encode()}
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw)
        found.add(encoded[4 if lead else 0:-4])
    return found


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


class Configuration:
    """Tables in the order they are added; every file it names lies beside it."""

    def __init__(self, directory):
        self.directory = directory
        self.tables = []
        self.secrets = set()

    def table(self, name, **fields):
        self.tables.append((f"[{name}]", fields))

    def provider(self, name, sign_in, imap=None, pop3=None, smtp=None, host="localhost", ca_file=None,
                 token_endpoint=None, **fields):
        """imap, pop3, smtp: (port, "implicit" | "starttls")."""
        ends = {"imap": imap, "pop3": pop3, "smtp": smtp}
        servers = {key: {"host": host, "port": end[0], "tls": end[1]} for key, end in ends.items() if end}
        fields = {"scope": sign_in.scope, **fields}
        self.table(f"provider.{name}", **servers, token_endpoint=token_endpoint or sign_in.token_endpoint,
                   ca_file=str(ca_file or sign_in.ca_file), **fields)

    def identity(self, name, app, provider, **fields):
        """app: whatever has a client_id and a client_secret, which is None for a public client."""
        if app.client_secret:
            secret = self.directory / f"{name}.secret"
            secret.write_text(app.client_secret)
            secret.chmod(0o600)
            self.secrets.add(app.client_secret)
            fields = {"client_secret": f"file:{secret.name}", **fields}
        self.table(f"identity.{name}", provider=provider, client_id=app.client_id, **fields)

    def account(self, name, password, identity, login=None, mailbox=None, **fields):
        self.secrets.add(password.text)
        fields |= {key: value for key, value in (("login", login), ("mailbox", mailbox)) if value}
        self.table(f"account.{name}", password=password.hash, identity=identity, **fields)

    def listeners(self, *protocols, address="127.0.0.1:0", **fields):
        for protocol in protocols:
            self.tables.append(("[[listener]]", {"protocol": protocol, "address": address, **fields}))

    def listener(self, protocol, **fields):
        """One more; its port is at its place in Saslift.ports."""
        self.tables.append(("[[listener]]", {"protocol": protocol, "address": "127.0.0.1:0", **fields}))

    def write(self, path):
        lines = []
        for head, fields in self.tables:
            lines += [head, *(f"{key} = {_toml(value)}" for key, value in fields.items()), ""]
        path.write_text("\n".join(lines))
        path.chmod(0o600)


class Saslift:
    def __init__(self, binary, directory, configuration, before=()):
        """before: words in front of the command, such as prlimit and its options."""
        self.binary = binary
        self.directory = directory
        self.secrets = configuration.secrets
        self.path = directory / "saslift.toml"
        configuration.write(self.path)
        self.listeners = [fields["protocol"] for head, fields in configuration.tables if head == "[[listener]]"]
        log = next(path for path in (directory / f"saslift.{start}.log" for start in itertools.count(1)) if not path.exists())
        self.process = Process([*before, binary, "run", "--config", self.path], log)
        self.pid = self.process.child.pid
        try:
            heard = wait_until(self._all_listening, self.process.log)
            self.ports = [int(event["address"].rsplit(":", 1)[1]) for event in heard]
            self.port = {event["protocol"]: int(event["address"].rsplit(":", 1)[1]) for event in heard}
            wait_until(self.answers_status, lambda: f"status answering:\n{self.process.log()}")
        except BaseException:
            self.process.stop()
            raise

    def _all_listening(self):
        assert self.process.child.poll() is None, f"ended:\n{self.process.log()}"
        heard = self.events("listening")
        return heard if len(heard) == len(self.listeners) else None

    def answers_status(self):
        return self.command("status", "--json").returncode == 0

    def command(self, *arguments):
        return subprocess.run([self.binary, *arguments, "--config", self.path], capture_output=True, text=True,
                              timeout=10)

    def status(self):
        return json.loads(self.command("status", "--json").stdout)

    def events(self, name=None, **fields):
        """The events logged so far of that name and with these fields."""
        lines = [line for line in self.process.log().split("\n")[:-1] if line.startswith("{")]
        return [event for event in map(json.loads, lines) if name in (None, event["event"]) and
                all(event.get(key) == value for key, value in fields.items())]

    def wait_for_event(self, name, count=1, seconds=10.0, **fields):
        def enough():
            found = self.events(name, **fields)
            return found if len(found) >= count else None

        return wait_until(enough, lambda: f"{count} x {name} {fields} in the log:\n{self.process.log()}", seconds)[-1]

    def workers(self):
        return sorted(worker["pid"] for worker in self.status()["workers"])

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    def shows_no_secret(self):
        """FAULTS 53: in no command line and no environment of the keeper, its workers or what it runs."""
        wanted = set().union(*map(forms, self.secrets))
        for pid in (self.pid, *children_of(self.pid)):
            shown = _read(pid, "cmdline") + _read(pid, "environ")
            assert not any(form in shown for form in wanted), f"a secret shows in /proc/{pid}"

    def workers_hold_none_of(self, secrets):
        """FAULTS 53: what only the keeper may have is in no worker's memory."""
        wanted = set().union(*map(forms, secrets))
        for pid in self.workers():
            assert not memory_holds(pid, wanted), f"worker {pid} holds a secret of the keeper's"

    def stop(self, tokens=()):
        """SIGTERM is answered with exit code 0; the log holds plain lines and no secret."""
        if self.process.child.poll() is None:
            self.shows_no_secret()
            self.terminate()
        try:
            code = self.process.child.wait(20)
        except subprocess.TimeoutExpired:
            self.process.stop()
            raise AssertionError(f"still there 20 s after SIGTERM:\n{self.process.log()}") from None
        log = self.process.log_path.read_bytes()
        assert code == 0, f"exit code {code}:\n{log.decode(errors='replace')[-4000:]}"
        assert not re.search(rb"[^\n -~]", log), f"a raw control or 8-bit character is in {self.process.log_path}"
        for secret in self.secrets | set(tokens):
            assert not any(form in log for form in forms(secret)), f"a secret is in {self.process.log_path}"


def reference_in(text):
    """The reference that a refused client was told."""
    text = text.decode() if isinstance(text, bytes) else text
    found = re.search(r"reference:? ([0-9a-f]{4,8})\b", text)
    assert found, text
    return found[1]


def _read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def children_of(pid):
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]


def resident_bytes(pid):
    return int(re.search(rb"VmRSS:\s+(\d+) kB", _read(pid, "status"))[1]) * 1024


def memory_holds(pid, wanted):
    """Whether any of these byte strings is in a process's memory."""
    overlap = max(map(len, wanted)) - 1
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in open(f"/proc/{pid}/maps"):
            span = line.split()[0]
            if "[v" in line:  # vdso, vvar, vsyscall
                continue
            at, end = (int(one, 16) for one in span.split("-"))
            tail = b""
            while at < end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(end - at, 1 << 22))
                except (OSError, OverflowError):
                    break
                if not piece:
                    break
                text = tail + piece
                if any(one in text for one in wanted):
                    return True
                tail = text[-overlap:]
                at += len(piece)
    return False


class Lines:
    """A client that speaks by hand: raw lines over one connection."""

    def __init__(self, port, timeout=15, connection=None):
        """connection: one that is there already, in place of 127.0.0.1 and the port."""
        self.socket = connection or socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.stream = self.socket.makefile("rb")

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        return self.stream.readline()

    def until(self, start):
        """Lines up to the first one that starts so; the end of the connection before it fails."""
        lines = []
        while True:
            line = self.line()
            assert line, f"connection ended before {start!r}: {lines[-5:]}"
            lines.append(line)
            if line.startswith(start):
                return lines

    def rest(self):
        return self.stream.read()

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
