"""The whole stand-in: one tenant with its apps, tokens and mailboxes, and the ports that serve them."""

import base64
import secrets
import shutil
import tempfile
import time
import uuid
from pathlib import Path

from .background import Background
from .certificates import Authority
from .entra import Endpoint, EntraSession
from .imap import ImapSession
from .login import MailService
from .pop3 import Pop3Session
from .service import Service
from .smtp import SmtpSession
from .store import Access, Mailbox, Store
from .tokens import ROLES, App, Tokens


class Exchange:
    """Runs in a thread of its own from start() to stop(), or as a context. pace: what the real servers' delays are
    multiplied by; address: where it listens; ports: by service, any that is free where none is given."""

    def __init__(self, pace=0.01, directory=None, address="127.0.0.1", ports=None):
        self.pace = pace
        self.address, self.wanted_ports = address, ports or {}
        self.tenant, self.tenant_id = "contoso.onmicrosoft.com", str(uuid.uuid4())
        self.scope = "https://outlook.office365.com/.default"
        back_end = "AM4PR0101CA0076.eurprd01.prod.exchangelabs.com"
        self.banner_code = base64.b64encode(back_end.encode("utf-16-le")).decode()
        self.store, self.tokens = Store(), Tokens()
        self.connections, self.logins = [], []
        self.apps = {}
        self.app = self.add_app()
        self.entra = Endpoint(self)
        self.imap = MailService(self, "imap", ImapSession, "IMAP.AccessAsApp")
        self.imap_starttls = MailService(self, "imap_starttls", ImapSession, "IMAP.AccessAsApp", tls="starttls")
        self.pop3 = MailService(self, "pop3", Pop3Session, "POP.AccessAsApp")
        self.smtp = MailService(self, "smtp", SmtpSession, "SMTP.SendAsApp", tls="starttls", sessions_per_mailbox=3)
        self._entra_service = Service(self, "entra", EntraSession)
        self.services = {one.name: one for one in (self.imap, self.imap_starttls, self.pop3, self.smtp,
                                                   self._entra_service)}
        self._given_directory = directory
        self._background = None

    # The tenant

    def add_app(self, roles=ROLES, client_id=None, client_secret=None):
        # Characters of a real secret, so that a request which does not encode it is refused.
        secret = client_secret or f"ab8Q~+/{secrets.token_urlsafe(16)}=&%41.{secrets.token_urlsafe(8)}"
        app = App(client_id or str(uuid.uuid4()), secret, frozenset(roles))
        self.apps[app.client_id] = app
        return app

    def add_mailbox(self, address, access=Access.full, clients=None, aliases=(), send_as=()):
        return self.store.add(Mailbox(address, access, clients, aliases, send_as))

    def mailbox(self, address):
        return self.store.find(address)

    @property
    def client_id(self):
        return self.app.client_id

    @property
    def client_secret(self):
        return self.app.client_secret

    @property
    def token_endpoint(self):
        return f"https://localhost:{self._entra_service.port}/{self.tenant}/oauth2/v2.0/token"

    @property
    def google_token_uri(self):
        return f"https://localhost:{self._entra_service.port}/google/token"

    @property
    def requests(self):
        """What the token endpoint was asked, oldest first."""
        return list(self.entra.requests)

    @property
    def ports(self):
        return {name: service.port for name, service in self.services.items()}

    @property
    def ca_file(self):
        return self.authority.certificate

    def issue_token(self, app=None, **details):
        """Without the endpoint, for tests that log in by themselves."""
        return self.tokens.issue(app or self.app, self.tenant_id, **details).text

    def clear(self):
        """All switches back, all records gone; mailboxes, apps and tokens stay."""
        self.entra.clear()
        self.entra.requests.clear()
        self._entra_service.faults.clear()
        for service in (self.imap, self.imap_starttls, self.pop3, self.smtp):
            service.clear()
        self.connections.clear()
        self.logins.clear()

    @property
    def entra_port(self):
        """The endpoint's port as a service: its certificate and the faults of its handshake."""
        return self._entra_service

    # Running

    def start(self):
        self.directory = Path(self._given_directory or tempfile.mkdtemp(prefix="exchange-"))
        self.authority = Authority(self.directory)
        self.certificate = self.authority.issue("server")
        self._background = Background("exchange")
        for service in self.services.values():
            self._background.call(service.start())
        return self

    def stop(self):
        if not self._background:
            return
        for service in self.services.values():
            self._background.call(service.stop())
        self._background.stop()
        self._background = None
        if not self._given_directory:
            shutil.rmtree(self.directory)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @staticmethod
    def wait_until(condition, seconds=5.0):
        """Polls, because the servers run in a thread of their own."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s")
            time.sleep(0.002)
        return value
