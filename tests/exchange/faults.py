"""What one mail server does wrong. Each action happens instead of a stage's own words, or after them."""

import asyncio
import enum
import math
from collections import defaultdict
from dataclasses import dataclass


class Stage(enum.Enum):
    """The steps of a login, in order, by what the server says at each."""

    tls = "tls"                    # the handshake: instead of it, or after it
    greeting = "greeting"
    capabilities = "capabilities"  # the answer to CAPABILITY, CAPA, EHLO
    starttls = "starttls"          # the go-ahead
    auth = "auth"                  # the continuation that asks for the token
    token = "token"                # the verdict on the token
    command = "command"            # the answer to any command after the login
    data = "data"                  # SMTP: 354, and what follows it


class Gone(Exception):
    """The connection has ended, by the client or by a fault."""


@dataclass(frozen=True)
class Say:
    """Bytes, once or many times; {tag} becomes the tag of the IMAP command being answered."""

    words: bytes
    times: float = 1

    async def happen(self, connection, tag):
        words, said = self.words.replace(b"{tag}", tag), 0
        while said < self.times:
            await connection.send(words)
            said += 1


@dataclass(frozen=True)
class Close:
    async def happen(self, connection, tag):
        raise Gone


@dataclass(frozen=True)
class Reset:
    async def happen(self, connection, tag):
        connection.reset()
        raise Gone


@dataclass(frozen=True)
class HalfClose:
    """No more from us, and the connection stays until the client ends it."""

    async def happen(self, connection, tag):
        await connection.half_close()


@dataclass(frozen=True)
class Stall:
    """Says nothing more, and reads until the client gives up."""

    async def happen(self, connection, tag):
        await connection.read_until_closed()
        raise Gone


@dataclass(frozen=True)
class Delay:
    seconds: float

    async def happen(self, connection, tag):
        await asyncio.sleep(self.seconds)


class MailFaults:
    def __init__(self):
        self.clear()

    def clear(self):
        self.starttls = "offered"  # "stripped" from the capabilities, or "refused" when asked for
        self.behind_go_ahead = b""  # in the same segment as STARTTLS's go-ahead (FAULTS 3)
        self._instead = defaultdict(tuple)
        self._after = defaultdict(tuple)

    def instead(self, stage, *actions):
        self._instead[stage] = actions

    def after(self, stage, *actions):
        self._after[stage] = actions

    def replaces(self, stage):
        return bool(self._instead[stage])

    async def replaced(self, stage, connection, tag=b"*"):
        """Whether a fault has taken the place of this stage's own words."""
        actions = self._instead[stage]
        for action in actions:
            await action.happen(connection, tag)
        return bool(actions)

    async def followed(self, stage, connection, tag=b"*"):
        for action in self._after[stage]:
            await action.happen(connection, tag)


def endless_reply(service):
    """A multi-line reply that never ends (FAULTS 22)."""
    lines = {"imap": b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n", "pop3": b"TOP\r\n", "smtp": b"250-PIPELINING\r\n"}
    return Say(lines[service] * 64, math.inf)


def long_line(size=1 << 20, start=b""):
    """One line of that many bytes (FAULTS 22)."""
    return Say(start + b"x" * (size - len(start)) + b"\r\n")
