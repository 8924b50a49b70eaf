"""The far end, so made that it is no bottleneck: Dovecot (XOAUTH2, tokens judged by its own JWT check) behind an
HAProxy that ends TLS, and a token endpoint."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

from processes import Child, Failed

DOMAIN = "lab.test"
MAILBOX = f"bench@{DOMAIN}"
MANY_MAILBOXES = f"bench%@{DOMAIN}"  # the driver numbers them
AUDIENCE = "default"  # where Dovecot looks for the key of a token that names no issuer
MAIL_OWNER = "mail"


def free_port(addresses=("127.0.0.1",)):
    """A port that was free a moment ago on all these addresses."""
    for _ in range(50):
        port = 0
        try:
            for address in addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                with socket.create_server((address, port), family=family) as one:
                    port = one.getsockname()[1]
            return port
        except OSError:
            continue
    raise Failed("no free port")


def localhost_addresses():
    """Those that the name stands for here and that can be listened on."""
    found = []
    for family, _, _, _, address in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM):
        try:
            socket.create_server((address[0], 0), family=family).close()
        except OSError:
            continue
        if address[0] not in found:
            found.append(address[0])
    return found


def first_bytes(port, count):
    """Connects and reads so many bytes; 0: the connection is enough. None when nobody answers yet."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            return one.recv(count) if count else b""
    except OSError:
        return None


class Certificates:
    """A throw-away authority and one RSA certificate for localhost, as big providers have."""

    def __init__(self, directory):
        directory.mkdir()
        self.directory = directory
        self.ca = directory / "ca.pem"
        self.server = directory / "server.pem"  # chain and key
        ca_key, key, request, certificate, extensions = (
            directory / name for name in ("ca.key", "server.key", "server.csr", "server.crt", "server.ext"))
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca_key, "-out", self.ca, "-days", 2,
                      "-subj", "/CN=bench authority", "-addext", "basicConstraints=critical,CA:true", "-addext",
                      "keyUsage=critical,keyCertSign")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost")
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2,
                      "-extfile", extensions, "-out", certificate)
        self.server.write_bytes(certificate.read_bytes() + key.read_bytes())
        self.server.chmod(0o600)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(key, seconds=86400):
    """A JWT (HS256) that opens any mailbox, as an app-only one does, and is as long as Entra's are (1.6 KB)."""
    now = int(time.time())
    claims = {"sub": "bench", "idtyp": "app", "iat": now, "nbf": now, "exp": now + seconds, "filler": "x" * 1050}
    parts = [_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    return f"{signed}.{_base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


class TokenEndpoint:
    """A token endpoint over TLS that gives everybody the same token."""

    def __init__(self, certificates, token):
        reply = json.dumps({"token_type": "Bearer", "expires_in": 86399, "access_token": token}).encode()
        endpoint = self
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                endpoint.requests += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self.server.server_address[1]}/token"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


DOVECOT = """
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
default_vsz_limit = 1G
default_process_limit = 3000
default_client_limit = 12000
mail_location = maildir:~/Maildir
mail_fsync = never
mail_save_crlf = yes
mail_max_userip_connections = 0
auth_mechanisms = xoauth2
auth_failure_delay = 0
auth_cache_size = 0
passdb {{
  driver = oauth2
  args = {directory}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={directory}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service imap {{
  service_count = 1000
  process_min_avail = 4
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

# The token names no mailbox and opens any.
DOVECOT_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/keys/
username_attribute = idtyp
username_format = app
active_attribute = idtyp
active_value = app
"""


class Dovecot:
    """An IMAP server without TLS, its mail on the given (best: in-memory) directory."""

    def __init__(self, directory, jwt_key):
        self.directory = directory
        keys = directory / "keys" / AUDIENCE / "HS256"
        for one in (directory / "run", directory / "mail", keys):
            one.mkdir(parents=True)
        for one in (directory, keys.parent.parent, keys.parent, keys):
            one.chmod(0o755)
        (directory / "mail").chmod(0o1777)
        (keys / "default").write_text(base64.b64encode(jwt_key).decode())
        (directory / "oauth2.conf").write_text(DOVECOT_OAUTH2.format(directory=directory))
        self.port = free_port()
        configuration = directory / "dovecot.conf"
        configuration.write_text(DOVECOT.format(directory=directory, port=self.port, owner=MAIL_OWNER))
        self.child = Child(["dovecot", "-F", "-c", configuration], directory / "output")
        try:
            self.child.wait_until(lambda: first_bytes(self.port, 4), "Dovecot")
        except Failed as failure:
            self.child.stop()
            raise Failed(f"{failure}{self.log()}") from None

    def log(self):
        path = self.directory / "dovecot.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def maildir(self):
        return self.directory / "mail" / MAILBOX / "Maildir"

    def new_folder(self, path):
        for one in (path, path / "cur", path / "new", path / "tmp"):
            one.mkdir(parents=True)
        self.own(self.directory / "mail" / MAILBOX)

    @staticmethod
    def own(path):
        shutil.chown(path, MAIL_OWNER, MAIL_OWNER)
        for directory, names, files in os.walk(path):
            for name in names + files:
                shutil.chown(os.path.join(directory, name), MAIL_OWNER, MAIL_OWNER)

    def deliver(self, message):
        """The one message of INBOX; name tells the size, so that Dovecot need not count it."""
        self.new_folder(self.maildir())
        (self.maildir() / "cur" / f"1.bench,S={len(message)},W={len(message)}:2,S").write_bytes(message)
        self.own(self.maildir())

    def empty_up_folder(self):
        shutil.rmtree(self.maildir() / ".Up", ignore_errors=True)
        self.new_folder(self.maildir() / ".Up")

    def uploads(self):
        folder = self.maildir() / ".Up"
        return [path for name in ("new", "cur") for path in sorted((folder / name).iterdir())]

    def stop(self):
        self.child.stop()


HAPROXY_GLOBAL = """
global
  maxconn 4000
  nbthread 2
{tuning}
defaults
  mode tcp
  maxconn 4000
  timeout connect 10s
  timeout client 1h
  timeout server 1h
"""


class HaproxyTlsEnd:
    """TLS in front of Dovecot. Its program file is a copy, so that it shares no page with the relay under test."""

    def __init__(self, directory, port, certificates, dovecot, record_bytes):
        """record_bytes: of the largest TLS record; None: HAProxy's default."""
        directory.mkdir()
        binary = directory / "haproxy-far-end"
        shutil.copy(shutil.which("haproxy"), binary)
        binds = "".join(f"  bind {f'[{one}]' if ':' in one else one}:{port} ssl crt {certificates.server}\n"
                        for one in localhost_addresses())
        tuning = f"  tune.ssl.maxrecord {record_bytes}\n" if record_bytes else ""
        configuration = directory / "haproxy.cfg"
        configuration.write_text(
            HAPROXY_GLOBAL.format(tuning=tuning) +
            f"frontend imaps\n{binds}  default_backend dovecot\n"
            f"backend dovecot\n  server one 127.0.0.1:{dovecot.port}\n")
        self.child = Child([binary, "-db", "-f", configuration], directory / "output")
        try:
            self.child.wait_until(lambda: first_bytes(port, 0) is not None, "HAProxy as TLS end")
        except Failed:
            self.child.stop()
            raise

    def stop(self):
        self.child.stop()
