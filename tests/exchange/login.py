"""What the three mail servers share: who may log in with which token, the record of every attempt, and the sessions
of each mailbox."""

import asyncio
import base64
import binascii
import enum
import json
import re
import time
from collections import Counter
from dataclasses import dataclass

from .service import Service
from .store import Access, Mailbox
from .tokens import Token


class Style(enum.Enum):
    exchange = "exchange"
    gmail = "gmail"  # a refusal begins with a challenge that holds JSON (EXCHANGE 2.6)


class Outcome(enum.Enum):
    accepted = "accepted"
    password = "password"  # a login by password, which is never taken
    malformed = "malformed"
    unknown_token = "unknown_token"
    expired_token = "expired_token"
    role_missing = "role_missing"
    unknown_mailbox = "unknown_mailbox"
    refused = "refused"
    limit = "limit"


@dataclass(frozen=True)
class LoginAttempt:
    time: float
    service: str
    mechanism: str
    user: str
    token: str
    initial_response: bool
    outcome: Outcome
    record: object


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    mailbox: Mailbox | None = None
    token: Token | None = None
    connected: bool = True

    @property
    def accepted(self):
        return self.outcome is Outcome.accepted


_xoauth2 = re.compile(rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]+)\x01\x01", re.DOTALL)


class MailService(Service):
    def __init__(self, site, name, session, role, tls="implicit", sessions_per_mailbox=None):
        super().__init__(site, name, session, tls)
        self.protocol = name.split("_")[0]
        self.role = role
        self.sessions_per_mailbox = sessions_per_mailbox
        self.sessions = Counter()  # by mailbox address
        self.most_sessions = Counter()  # that there were at once
        self.clear()

    def clear(self):
        self.faults.clear()
        self.certificate = None
        self.style = Style.exchange
        self.json_status = "400"     # in Gmail's challenge
        self.refuse_logins = 0       # that many are refused, whatever their token
        self.switched_off = ""       # SMTP: "Tenant" or "Mailbox" (535 5.7.139)
        self.throttled = False       # IMAP: commands after the login are

    @property
    def logins(self):
        return [attempt for attempt in list(self.site.logins) if attempt.service == self.name]

    def judge(self, connection, response, initial_response=False):
        """response: the base64 line as the client sent it."""
        user, text, verdict = self._verdict(response)
        self.note(connection, "XOAUTH2", verdict.outcome, user, text, initial_response)
        return verdict

    def note(self, connection, mechanism, outcome, user="", token="", initial_response=False):
        self.site.logins.append(LoginAttempt(time.monotonic(), self.name, mechanism, user, token, initial_response,
                                             outcome, connection.record))

    def _verdict(self, response):
        try:
            found = _xoauth2.fullmatch(base64.b64decode(response, validate=True))
        except binascii.Error:
            found = None
        if not found:
            return "", "", Verdict(Outcome.malformed)
        user, text = found[1].decode("utf-8", "replace"), found[2].decode("latin-1")
        return user, text, self._verdict_on(user, text)

    def _verdict_on(self, user, text):
        token, mailbox = self.site.tokens.find(text), self.site.store.find(user)
        if self.refuse_logins > 0:
            self.refuse_logins -= 1
            return Verdict(Outcome.refused)
        if not token:
            return Verdict(Outcome.unknown_token)
        if not token.is_alive:
            return Verdict(Outcome.expired_token)
        if self.role not in token.roles:
            return Verdict(Outcome.role_missing)
        if not mailbox:
            return Verdict(Outcome.unknown_mailbox)
        # EXCHANGE 2.5: a delegate opens a shared mailbox by IMAP and POP3, and sends as nobody but the token's user.
        own = not token.user or token.user.lower() == user.lower()
        if not own and (self.protocol == "smtp" or token.user.lower() not in mailbox.delegates):
            return Verdict(Outcome.refused)
        access = mailbox.access_of(token.client_id)
        connected = access is Access.full
        if access is Access.refused or (not connected and self.protocol != "imap"):
            return Verdict(Outcome.refused)
        if self.sessions_per_mailbox and self.sessions[mailbox.address] >= self.sessions_per_mailbox:
            return Verdict(Outcome.limit, mailbox)
        return Verdict(Outcome.accepted, mailbox, token, connected)

    def gmail_challenge(self):
        told = {"status": self.json_status, "schemes": "Bearer", "scope": "https://mail.google.com/"}
        return base64.b64encode(json.dumps(told, separators=(",", ":")).encode())

    async def pause(self, seconds):
        """As long as the real server takes, times the site's pace."""
        await asyncio.sleep(seconds * self.site.pace)


class OpenSession:
    """One logged-in session: counted for its mailbox, and told when its token has expired."""

    def __init__(self, service, verdict, on_expiry=None):
        self._service, self._verdict, self._on_expiry = service, verdict, on_expiry
        self._loop, self._timer = asyncio.get_running_loop(), None

    def __enter__(self):
        address = self._verdict.mailbox.address
        self._service.sessions[address] += 1
        self._service.most_sessions[address] = max(self._service.most_sessions[address],
                                                   self._service.sessions[address])
        if self._on_expiry:
            self._service.site.tokens.watchers.add(self._look_soon)
            self._look()
        return self

    def __exit__(self, *_):
        self._service.sessions[self._verdict.mailbox.address] -= 1
        self._service.site.tokens.watchers.discard(self._look_soon)
        if self._timer:
            self._timer.cancel()

    def _look_soon(self):
        self._loop.call_soon_threadsafe(self._look)

    def _look(self):
        if self._timer:
            self._timer.cancel()
        left = self._verdict.token.expires - time.monotonic()
        if left <= 0:
            self._on_expiry()
        else:
            self._timer = self._loop.call_later(left, self._look)
