"""What is measured: HAProxy as a plain-to-TLS relay, which does no login; saslift; and going direct with TLS."""

import json
import secrets
import signal
import subprocess
import time

from processes import Child, Failed
from servers import DOMAIN, HAPROXY_GLOBAL, first_bytes, free_port


class UnderTest:
    """Something a mail program can be pointed at. It may run as processes of ours."""

    name = ""
    authentication = "xoauth2"
    child = None
    port = 0
    secret = ""
    ca = None
    start_up_ms = None

    def start(self):
        """Returns when its port answers."""

    def end(self):
        """Stops it, whatever it says to that."""
        child, self.child = self.child, None
        return child, child.stop() if child else 0

    def stop(self):
        child, code = self.end()
        if code not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise Failed(f"{self.name} ended with {code}\n{child.log()[-2000:]}")

    def check_running(self):
        if self.child is None or self.child.process.poll() is not None:
            raise Failed(f"{self.name} is not running")

    def _answered(self):
        self.start_up_ms = (time.monotonic() - self.child.started) * 1000


class Direct(UnderTest):
    """The driver's own TLS and XOAUTH2, with nothing between."""

    name = "direct"

    def __init__(self, upstream_port, certificates, token):
        self.port = upstream_port
        self.ca = certificates.ca
        self.secret = token


class HaproxyRelay(UnderTest):
    """Plain to TLS, verified. TLS sessions are resumed, as is its default. No login: the driver sends the token."""

    name = "haproxy"

    def __init__(self, directory, upstream_port, certificates, token):
        directory.mkdir()
        self.directory = directory
        self.upstream_port = upstream_port
        self.certificates = certificates
        self.secret = token

    def start(self):
        self.port = free_port()
        configuration = self.directory / "haproxy.cfg"
        configuration.write_text(
            HAPROXY_GLOBAL.format(tuning="") + f"frontend imap\n  bind 127.0.0.1:{self.port}\n  default_backend far\n"
            f"backend far\n  server far 127.0.0.1:{self.upstream_port} ssl verify required "
            f"ca-file {self.certificates.ca} verifyhost localhost sni str(localhost)\n")
        self.child = Child(["haproxy", "-db", "-f", configuration], self.directory / "output")
        self.child.wait_until(lambda: first_bytes(self.port, 0) is not None, "HAProxy as relay")
        self._answered()


SASLIFT = """
[service]
state_dir = "{directory}/state"
workers = 2
connections = 10000
hostname = "localhost"

[log]
level = "info"
format = "json"

[provider.lab]
imap = {{ host = "localhost", port = {upstream_port}, tls = "implicit" }}
token_endpoint = "{token_endpoint}"
scope = "imap"
ca_file = "{ca}"

[identity.lab]
provider = "lab"
client_id = "bench"
grant = "client_credentials"
client_secret = "file:client.secret"

[account.everyone]
login = "*@{domain}"
password = "{hash}"
identity = "lab"
protocols = ["imap"]
shared_password = true

[[listener]]
protocol = "imap"
address = "127.0.0.1:0"
"""


class Saslift(UnderTest):
    """Checks the password the driver sends and logs in with XOAUTH2 itself."""

    name = "saslift"
    authentication = "login"

    def __init__(self, directory, binary, upstream_port, certificates, token_endpoint):
        directory.mkdir()
        self.directory = directory
        self.binary = binary
        made = json.loads(subprocess.run([binary, "password", "bench", "--json"], check=True, capture_output=True,
                                         text=True, timeout=30).stdout)
        self.secret = made["password"]
        secret_file = directory / "client.secret"
        secret_file.write_text(secrets.token_urlsafe(24))
        secret_file.chmod(0o600)
        self.configuration = directory / "saslift.toml"
        self.configuration.write_text(
            SASLIFT.format(directory=directory, upstream_port=upstream_port, token_endpoint=token_endpoint,
                           ca=certificates.ca, domain=DOMAIN, hash=made["hash"]))
        self.configuration.chmod(0o600)

    def start(self):
        """A listening socket alone answers nobody, so this waits for the greeting of a worker."""
        self.child = Child([self.binary, "run", "--config", self.configuration], self.directory / "log")
        self.port = self.child.wait_until(self._listening_port, "saslift")
        self.child.wait_until(lambda: first_bytes(self.port, 4) == b"* OK", "saslift's greeting")
        self._answered()

    def _listening_port(self):
        for line in self.child.log().split("\n")[:-1]:
            if line.startswith("{"):
                event = json.loads(line)
                if event.get("event") == "listening":
                    return int(event["address"].rsplit(":", 1)[1])
        return None
