"""Answers that a token endpoint should not give, ready for `exchange.entra.next(...)` and `.always(...)`."""

import gzip
import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    delay: float = 0.0            # seconds before the first byte
    drip: float | None = None     # seconds between the bytes of the body
    ending: str = "length"        # "endless": chunks for ever; "cut": the connection ends in mid-body; "stall"


def unavailable():
    return Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"})


def server_error():
    return Reply(500, b"", {})


def throttled(retry_after="60"):
    return Reply(429, b"Too Many Requests", {"Content-Type": "text/plain", "Retry-After": str(retry_after)})


def html(status=200):
    return Reply(status, b"<!DOCTYPE html><html><title>Sign in</title></html>", {"Content-Type": "text/html"})


def empty(status=200):
    return Reply(status)


def refusal(error, code, text, status=400):
    """As Entra words it; the endpoint's own refusals are made the same way."""
    from .entra import refusal_body

    return Reply(status, refusal_body(error, code, text), {"Content-Type": "application/json; charset=utf-8"})


def ok_with_error():
    return Reply(200, json.dumps({"error": "invalid_grant", "error_description": "AADSTS50173: revoked"}).encode(),
                 {"Content-Type": "application/json"})


def raw_json(members, status=200):
    return Reply(status, json.dumps(members).encode(), {"Content-Type": "application/json"})


def dripping(seconds_per_byte=0.2):
    return Reply(200, json.dumps({"token_type": "Bearer", "access_token": "x" * 4096}).encode(),
                 {"Content-Type": "application/json"}, drip=seconds_per_byte)


def endless():
    return Reply(200, b" " * (1 << 16), {"Content-Type": "application/json"}, ending="endless")


def gzip_bomb(megabytes=64):
    packed = gzip.compress(b" " * (megabytes << 20), 9)
    return Reply(200, packed, {"Content-Type": "application/json", "Content-Encoding": "gzip"})


def huge_header(size=1 << 20):
    return Reply(200, b"{}", {"Content-Type": "application/json", "X-Padding": "x" * size})


def hung():
    return Reply(ending="stall")


def cut():
    return Reply(200, b'{"token_type":"Bearer","acc', {"Content-Type": "application/json"}, ending="cut")
