"""The main job on the stand-in: a scanner that knows a password sends a page through saslift, and it is read back by
POP3 and by IMAP. Both sides of every conversation are shown. --keep leaves it running for a device."""

import argparse
import base64
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exchange import Exchange  # noqa: E402
from exchange.side_by_side import Line, Mask, lines_of, rows, table  # noqa: E402

LOGIN, MAILBOX = "scanner", "scans@contoso.test"
USUAL_PORTS = {"smtp": 1587, "pop3": 1110, "imap": 1143}
PAGE = (f"From: Scanner <{MAILBOX}>\r\nTo: {MAILBOX}\r\nSubject: Page 1\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nThe quick brown fox jumps over the lazy dog.\r\n"
        ".a line that begins with a dot\r\n").encode()


class Failed(Exception):
    pass


class Here:
    """Where the program runs: on this machine, by itself."""

    def __init__(self, binary):
        self.binary = str(Path(binary).resolve())

    def words(self, *arguments):
        """The command line that runs it with these arguments."""
        return [self.binary, *arguments]

    def sees(self, path):
        """What a file of ours is called there."""
        return str(path)


class Saslift:
    """The program under show: its configuration, its process and its log."""

    def __init__(self, place, directory, exchange, ports, host="localhost", service=""):
        """service: more lines of [service]."""
        self.place, self.directory = place, Path(directory)
        made = json.loads(subprocess.run(place.words("password", LOGIN, "--json"), check=True, capture_output=True,
                                         text=True).stdout)
        self.password = made["password"]
        self._write_configuration(exchange, made["hash"], ports, host, service)
        self.events, self.ports = [], {}
        self.told = None  # called with each line of the log
        self._child = subprocess.Popen(place.words("run", "--config", place.sees(self.path)), stdin=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._wait_until_listening()

    def _write_configuration(self, exchange, password_hash, ports, host, service):
        secret = self.directory / "office.secret"
        secret.touch(0o600)
        secret.write_text(exchange.client_secret)
        upstream = {name: (getattr(exchange, name).port, tls) for name, tls in (
            ("imap", "implicit"), ("pop3", "implicit"), ("smtp", "starttls"))}
        ends = "\n".join(f'{name} = {{ host = "{host}", port = {port}, tls = "{tls}" }}'
                         for name, (port, tls) in upstream.items())
        listeners = "\n".join(f'[[listener]]\nprotocol = "{name}"\naddress = "127.0.0.1:{port}"\n'
                              for name, port in ports.items())
        self.path = self.directory / "saslift.toml"
        self.path.touch(0o600)
        self.path.write_text(f"""[service]
state_dir = "{self.directory / 'state'}"
hostname = "saslift.contoso.test"
{service or 'drain = "1s"'}

[log]
format = "json"

[provider.demo]
{ends}
token_endpoint = "{exchange.token_endpoint.replace('localhost', host)}"
scope = "{exchange.scope}"
ca_file = "{self.place.sees(exchange.ca_file)}"

[identity.office]
provider = "demo"
tenant = "{exchange.tenant}"
client_id = "{exchange.client_id}"
client_secret = "file:{self.place.sees(secret)}"

[account.reception]
login = "{LOGIN}"
password = "{password_hash}"
identity = "office"
mailbox = "{MAILBOX}"

{listeners}""")

    def _read_log(self):
        for line in self._child.stderr:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.events.append({"event": "unreadable", "line": line.rstrip()})
            if self.told:
                self.told(line.rstrip())

    def _wait_until_listening(self):
        deadline = time.monotonic() + 20
        while len(self.ports) < len(USUAL_PORTS):
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Failed("saslift did not start:\n" + "\n".join(map(str, self.events)))
            time.sleep(0.01)
            for event in list(self.events):
                if event.get("event") == "listening":
                    self.ports[event["protocol"]] = int(event["address"].rsplit(":", 1)[1])

    def log(self):
        return "\n".join(json.dumps(event) for event in list(self.events))

    def terminate(self):
        self._child.terminate()

    def wait(self, seconds):
        """Its exit code."""
        return self._child.wait(seconds)

    def stop(self):
        if self._child.poll() is None:
            self.terminate()
            try:
                self.wait(10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._reader.join()
        self._child.stderr.close()


class Device:
    """A mail program of old: one connection without TLS, spoken by hand and noted down."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._stream = self._socket.makefile("rb")
        self.lines = []

    def read(self):
        text = self._stream.readline()
        if not text:
            raise Failed("saslift closed the connection:\n" + "\n".join(line.side + line.text for line in self.lines))
        self._note("S: ", text)
        return text

    def say(self, text):
        self._note("C: ", text.encode())
        self._socket.sendall(text.encode() + b"\r\n")

    def say_block(self, block):
        for line in block.removesuffix(b"\r\n").split(b"\r\n"):
            self._note("C: ", line)
        self._socket.sendall(block)

    def expect(self, start):
        text = self.read()
        if not text.startswith(start):
            raise Failed(f"expected {start.decode()}, got {text.decode(errors='replace')}")
        return text

    def _note(self, side, text):
        self.lines.append(Line(time.monotonic(), side, text.removesuffix(b"\r\n").decode("utf-8", "replace")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()


def send_by_smtp(device, password):
    device.expect(b"220 ")
    device.say("EHLO scanner")
    while device.expect(b"250")[3:4] == b"-":
        pass
    device.say("AUTH LOGIN")
    device.expect(b"334 VXNlcm5hbWU6")
    device.say(base64.b64encode(LOGIN.encode()).decode())
    device.expect(b"334 UGFzc3dvcmQ6")
    device.say(base64.b64encode(password.encode()).decode())
    device.expect(b"235 ")
    device.say(f"MAIL FROM:<{MAILBOX}>")
    device.expect(b"250 ")
    device.say(f"RCPT TO:<{MAILBOX}>")
    device.expect(b"250 ")
    device.say("DATA")
    device.expect(b"354 ")
    device.say_block(PAGE.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    device.expect(b"250 ")
    device.say("QUIT")
    device.expect(b"221 ")


def read_by_pop3(device, password):
    device.expect(b"+OK")
    device.say(f"USER {LOGIN}")
    device.expect(b"+OK")
    device.say(f"PASS {password}")
    device.expect(b"+OK")
    device.say("STAT")
    if device.expect(b"+OK").split()[1] != b"1":
        raise Failed("the mailbox does not hold exactly one message")
    device.say("RETR 1")
    device.expect(b"+OK")
    text = b""
    while (line := device.read()) != b".\r\n":
        text += line[1:] if line.startswith(b".") else line
    device.say("QUIT")
    device.expect(b"+OK")
    return text


def read_by_imap(device, password):
    device.expect(b"* OK")
    device.say(f'a1 LOGIN {LOGIN} "{password}"')
    device.expect(b"a1 OK")
    device.say("a2 SELECT INBOX")
    while not device.read().startswith(b"a2 OK"):
        pass
    device.say("a3 FETCH 1 (BODY.PEEK[])")
    size = int(device.expect(b"* 1 FETCH").rsplit(b"{", 1)[1].removesuffix(b"}\r\n"))
    text = b""
    while len(text) < size:
        text += device.read()
    while not device.read().startswith(b"a3 OK"):
        pass
    device.say("a4 LOGOUT")
    device.expect(b"* BYE")
    device.expect(b"a4 OK")
    return text


class Show:
    def __init__(self, exchange, saslift):
        self.exchange, self.saslift = exchange, saslift
        self.mask = Mask()
        self.mask.add(saslift.password, "password")
        self.mask.add(exchange.client_secret, "client secret")
        self.mask.add_encoded(LOGIN, "login")
        self.width = max(100, min(200, shutil.get_terminal_size((150, 24)).columns))

    def conversation(self, number, title, protocol, talk, security):
        requests, connections = len(self.exchange.requests), len(self.exchange.connections)
        service = getattr(self.exchange, protocol)
        with Device(self.saslift.ports[protocol]) as device:
            result = talk(device, self.saslift.password)
        record = next(one for one in self.exchange.connections[connections:] if one.service == protocol)
        self.exchange.wait_until(lambda: record.closed)
        for token in self.exchange.tokens.issued:
            self.mask.add_login(MAILBOX, token.text)
        right = sorted(lines_of(record.entries) + self._token_lines(requests), key=lambda line: line.time)
        heads = (f"{title.split()[1]} <-> saslift, 127.0.0.1:{self.saslift.ports[protocol]}, no TLS",
                 f"saslift <-> provider, localhost:{service.port}, {security}")
        self.say(f"\n{number}. {title}\n")
        self.say(table(heads, rows(device.lines, right), self.mask, self.width))
        return result

    def _token_lines(self, since):
        lines = []
        for request in self.exchange.requests[since:]:
            form = "&".join(f"{name}={value}" for name, values in request.form.items() for value in values)
            lines += [Line(request.time, "-- ", f"to the token endpoint, over TLS: POST {request.path}"),
                      Line(request.time, "C: ", form),
                      Line(request.time, "S: ", f"{request.status}, an access token for {self.exchange.entra.expires_in} s")]
        return lines

    def say(self, text):
        if self.mask.misses_in(text):
            raise Failed("a secret was about to be shown")
        print(text, flush=True)


def show_all(show):
    exchange = show.exchange
    show.conversation(1, "A scanner sends a page: SMTP, AUTH LOGIN", "smtp", send_by_smtp, "STARTTLS")
    by_pop3 = show.conversation(2, "A program fetches it: POP3, USER and PASS", "pop3", read_by_pop3, "TLS")
    by_imap = show.conversation(3, "A program reads it again: IMAP, LOGIN", "imap", read_by_imap, "TLS")
    digests = {hashlib.sha256(text).hexdigest() for text in (PAGE, by_pop3, by_imap)}
    seen = b"".join(record.received for record in exchange.connections)
    if {attempt.mechanism for attempt in exchange.logins} != {"XOAUTH2"}:
        raise Failed("there was another login than by XOAUTH2")
    if len(digests) != 1:
        raise Failed("what came back is not what was sent")
    if show.saslift.password.encode() in seen or show.saslift.password in show.saslift.log():
        raise Failed("the device's password has left saslift")
    show.say(f"\nSent once, read back twice, unchanged: SHA-256 {digests.pop()}\n"
             f"The provider saw {len(exchange.logins)} logins, all by XOAUTH2, and no password. "
             f"Token requests: {len(exchange.requests)}.")


def keep_running(show):
    print(f"\nSettings for a device or mail program on this machine, until Ctrl-C:\n\n"
          f"  server      127.0.0.1\n  encryption  none\n  user        {LOGIN}\n  password    {show.saslift.password}\n"
          f"  sender      {MAILBOX}\n")
    for protocol, port in show.saslift.ports.items():
        print(f"  {protocol:<5} port  {port}")
    print("\nsaslift's log:", flush=True)
    show.saslift.told = lambda line: print(f"  {line}", flush=True)
    threading.Event().wait()


def free_port(port):
    """The usual port, or 0 where something else has it."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError:
        return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--saslift", default="build/debug/saslift", help="the program to show")
    arguments.add_argument("--keep", action="store_true", help="leave it running and print the settings for a device")
    chosen = arguments.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ports = {name: free_port(port) if chosen.keep else 0 for name, port in USUAL_PORTS.items()}
    with tempfile.TemporaryDirectory(prefix="saslift-demo-") as directory, Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        saslift = Saslift(Here(chosen.saslift), directory, exchange, ports)
        try:
            show = Show(exchange, saslift)
            show_all(show)
            if chosen.keep:
                keep_running(show)
        except (Failed, OSError) as failure:
            print(f"demo: {failure}\n\nsaslift's log:\n{saslift.log()}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            pass
        finally:
            saslift.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
