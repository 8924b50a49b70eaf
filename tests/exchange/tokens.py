"""Access tokens: issued with an app's roles for an hour, looked up at the mail servers, expired on request."""

import base64
import json
import secrets
import time
from dataclasses import dataclass, field

from .grants import Proofs

ROLES = frozenset({"IMAP.AccessAsApp", "POP.AccessAsApp", "SMTP.SendAsApp"})


@dataclass
class Token:
    text: str
    client_id: str
    tenant: str
    roles: frozenset
    user: str       # of a delegated token; an app-only one names nobody and opens every mailbox granted to its app
    expires: float  # on the monotonic clock

    @property
    def is_alive(self):
        return time.monotonic() < self.expires


@dataclass
class App:
    """An app registration."""

    client_id: str
    client_secret: str
    roles: frozenset = ROLES
    secret_expired: bool = False
    proofs: Proofs = field(default_factory=Proofs)


class Tokens:
    def __init__(self):
        self._issued = {}
        self.watchers = set()  # called with no argument when tokens were made to expire
        self.size = 1400       # of a token's text; EXCHANGE 2.1

    @property
    def issued(self):
        return list(self._issued.values())

    def issue(self, app, tenant, seconds=3599.0, user="", audience="https://outlook.office365.com"):
        now = int(time.time())
        claims = {"aud": audience, "iss": f"https://sts.windows.net/{tenant}/", "appid": app.client_id, "tid": tenant,
                  "idtyp": "user" if user else "app", "iat": now, "exp": now + int(seconds), "roles": sorted(app.roles)}
        if user:
            claims["upn"] = user
        head = ".".join(_encoded(part) for part in ({"typ": "JWT", "alg": "RS256"}, claims))
        text = head + "." + secrets.token_urlsafe(self.size)[:max(43, self.size - len(head) - 1)]
        token = Token(text, app.client_id, tenant, app.roles, user, time.monotonic() + seconds)
        self._issued[text] = token
        return token

    def find(self, text):
        return self._issued.get(text)

    def expire_all(self):
        """Every token issued so far ends now; sessions opened with one are told so."""
        for token in self._issued.values():
            token.expires = min(token.expires, time.monotonic())
        for watcher in list(self.watchers):
            watcher()


def _encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
