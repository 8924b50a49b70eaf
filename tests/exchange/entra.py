"""Entra's token endpoint over TLS: its grants as EXCHANGE 1.2 to 1.7, its refusals as 1.1; and Google's, 1.13."""

import asyncio
import base64
import datetime
import hmac
import json
import time
import urllib.parse
import uuid
from dataclasses import dataclass

from .faults import Gone
from .grants import DELEGATED_SCOPE, Unproven, check_client, google_subject, user_of
from .replies import Reply

_reasons = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
            429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
_json = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


@dataclass
class TokenRequest:
    time: float
    method: str
    path: str
    headers: dict  # names in lower case
    body: bytes
    form: dict     # name -> list of values
    status: int = 0
    error: int = 0  # the AADSTS number, 0: none


# AADSTS number: (error, HTTP status, text).
_refusals = {
    50027: ("invalid_request", 400, "JWT token is invalid or malformed: {why}"),
    50126: ("invalid_grant", 400, "Error validating credentials due to invalid username or password."),
    70000: ("invalid_grant", 400, "The provided value for the input parameter 'refresh_token' is not valid."),
    700024: ("invalid_client", 401, "Client assertion is not within its valid time range."),
    700025: ("invalid_client", 401, "Client is public so neither 'client_assertion' nor 'client_secret' should be "
             "presented."),
    700027: ("invalid_client", 401, "The certificate with identifier used to sign the client assertion is not "
             "registered on application."),
    70003: ("unsupported_grant_type", 400, "The app requested an unsupported grant type '{grant_type}'."),
    70011: ("invalid_scope", 400, "The provided request must include a 'scope' input parameter. The provided value for "
            "the input parameter 'scope' is not valid. The scope {scope} is not valid."),
    90002: ("invalid_request", 400, "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID "
            "and are signing into the correct cloud."),
    500011: ("invalid_resource", 400, "The resource principal named {resource} was not found in the tenant named "
             "{tenant}."),
    700016: ("unauthorized_client", 400, "Application with identifier '{client_id}' was not found in the directory "
             "'{tenant}'."),
    900144: ("invalid_request", 400, "The request body must contain the following parameter: '{name}'."),
    900561: ("invalid_request", 400, "The endpoint only accepts POST requests. Received a {method} request."),
    7000215: ("invalid_client", 401, "Invalid client secret provided. Ensure the secret being sent in the request is "
              "the client secret value, not the client secret ID, for a secret added to app '{client_id}'."),
    7000218: ("invalid_client", 401, "The request body must contain the following parameter: 'client_assertion' or "
              "'client_secret'."),
    7000222: ("invalid_client", 401, "The provided client secret keys for app '{client_id}' are expired."),
    9000411: ("invalid_request", 400, "The request is not properly formatted. The parameter '{name}' is duplicated."),
}


_common_fields = {"grant_type", "client_id", "scope", "client_secret", "client_assertion", "client_assertion_type"}
# What each grant takes besides.
_fields_of = {"client_credentials": (), "refresh_token": ("refresh_token",), "password": ("username", "password")}


class Refused(Exception):
    def __init__(self, code, **words):
        super().__init__(f"AADSTS{code}")
        error, status, text = _refusals[code]
        self.code = code
        self.reply = Reply(status, refusal_body(error, code, text.format(**words)), _json)


def refusal_body(error, code, text):
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    told = f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
    return json.dumps({"error": error, "error_description": told, "error_codes": [code], "timestamp": moment,
                       "trace_id": trace, "correlation_id": correlation,
                       "error_uri": f"https://login.microsoftonline.com/error?code={code}"}).encode()


class Endpoint:
    """What the token endpoint knows and how it is to answer; the requests it got."""

    def __init__(self, site):
        self.site = site
        self.requests = []
        self._assertions_used = set()
        self.clear()

    def clear(self):
        """Back to honest answers. The requests stay."""
        self.expires_in = 3599  # any JSON value; None: left out
        self.token_seconds = 3599.0
        self.delay = 0.0
        self._next, self._always = [], None
        self.service_account = None  # Google's: (client_email, public key)

    def next(self, *replies):
        self._next.extend(replies)

    def always(self, reply):
        self._always = reply

    def take_reply(self):
        return self._next.pop(0) if self._next else self._always

    def token(self, request, tenant):
        """The members of a good reply; raises Refused."""
        form, site = self._checked_form(request), self.site
        if tenant.lower() not in {site.tenant.lower(), site.tenant_id}:
            raise Refused(90002, tenant=tenant)
        if form["grant_type"] not in _fields_of:
            raise Refused(70003, **form)
        app = site.apps.get(form["client_id"].lower())
        if not app:
            raise Refused(700016, tenant=tenant, **form)
        try:
            check_client(app, form, site.token_endpoint, self._assertions_used)
            user = user_of(app, form)
        except Unproven as unproven:
            raise Refused(unproven.code, **{**form, **unproven.words}) from None
        for name in form.keys() - _common_fields - set(_fields_of[form["grant_type"]]):
            raise Refused(900144, name=f"no {name}")
        self._check_scope(form, tenant, DELEGATED_SCOPE if user else site.scope)
        token = site.tokens.issue(app, site.tenant_id, self.token_seconds, user)
        made = {"token_type": "Bearer", "expires_in": self.expires_in, "ext_expires_in": self.expires_in,
                "access_token": token.text}
        if user and "offline_access" in form["scope"] and app.proofs.rotates:
            made["refresh_token"] = app.proofs.new_refresh_token(user)
        return {name: value for name, value in made.items() if value is not None}

    @staticmethod
    def _check_scope(form, tenant, wanted):
        if form["scope"] == wanted:
            return
        if form["scope"].endswith("/.default"):
            raise Refused(500011, tenant=tenant, resource=form["scope"].removesuffix("/.default"))
        raise Refused(70011, **form)

    def google_token(self, request):
        """A Reply, as Google gives it."""
        form = {name: values[0] for name, values in request.form.items()}
        subject = self.service_account and google_subject(self.service_account, form, self.site.google_token_uri)
        if request.method != "POST" or not subject or not self.site.store.find(subject):
            return Reply(400, json.dumps({"error": "invalid_grant", "error_description": "Invalid JWT"}).encode(), _json)
        token = self.site.tokens.issue(self.site.app, self.site.tenant_id, self.token_seconds, subject)
        return Reply(200, json.dumps({"access_token": token.text, "expires_in": 3599, "token_type": "Bearer"}).encode(),
                     _json)

    @staticmethod
    def _checked_form(request):
        if request.method != "POST":
            raise Refused(900561, method=request.method)
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
            raise Refused(900144, name="grant_type")
        form = dict(request.form)
        credentials = request.headers.get("authorization", "")
        if credentials.startswith("Basic "):  # RFC 6749 2.3.1
            name, _, secret = base64.b64decode(credentials[6:]).decode().partition(":")
            form["client_id"] = [urllib.parse.unquote_plus(name)]
            form["client_secret"] = [urllib.parse.unquote_plus(secret)]
        for name, values in form.items():
            if len(values) > 1:
                raise Refused(9000411, name=name)
        plain = {name: values[0] for name, values in form.items()}
        for name in ("grant_type", "client_id", "scope", *_fields_of.get(plain.get("grant_type"), ())):
            if name not in plain:
                raise Refused(900144, name=name)
        return plain


class EntraSession:
    """HTTP/1.1, as much of it as token requests use."""

    def __init__(self, service, connection):
        self.endpoint, self.connection = service.site.entra, connection

    async def run(self):
        while True:
            request = await self._read_request()
            self.endpoint.requests.append(request)
            if self.endpoint.delay:
                await asyncio.sleep(self.endpoint.delay)
            reply = self.endpoint.take_reply() or self._answer(request)
            request.status = reply.status
            await self._send(reply)
            if request.headers.get("connection", "").lower() == "close":
                return

    async def _read_request(self):
        head = (await self.connection.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if headers.get("expect", "").lower() == "100-continue":
            await self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int((await self.connection.line()).split(b";")[0], 16):
                body += await self.connection.exactly(size)
                await self.connection.line()
            while await self.connection.line():
                pass
        elif "content-length" in headers:
            body = await self.connection.exactly(int(headers["content-length"]))
        form = urllib.parse.parse_qs(body.decode("latin-1"), keep_blank_values=True)
        return TokenRequest(time.monotonic(), method, target.partition("?")[0], headers, body, form)

    def _answer(self, request):
        _, tenant, *rest = request.path.split("/")
        if rest == ["oauth2", "v2.0", "token"]:
            try:
                return Reply(200, json.dumps(self.endpoint.token(request, tenant)).encode(), _json)
            except Refused as refused:
                request.error = refused.code
                return refused.reply
        if request.path == "/google/token":
            return self.endpoint.google_token(request)
        return Reply(404, b"", {})

    async def _send(self, reply):
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.ending == "stall":
            await self.connection.read_until_closed()
            raise Gone
        headers = {"x-ms-request-id": str(uuid.uuid4()), "Date": _http_date(), **reply.headers}
        if reply.ending == "endless":
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = len(reply.body) + (1000 if reply.ending == "cut" else 0)
        lines = [f"HTTP/1.1 {reply.status} {_reasons.get(reply.status, 'Unknown')}",
                 *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        await self.connection.send("\r\n".join(lines).encode("latin-1"))
        if reply.ending == "endless":
            while True:
                await self.connection.send(f"{len(reply.body):x}\r\n".encode() + reply.body + b"\r\n")
        if reply.drip is not None:
            for byte in reply.body:
                await self.connection.send(bytes([byte]))
                await asyncio.sleep(reply.drip)
        else:
            await self.connection.send(reply.body)
        if reply.ending == "cut":
            raise Gone


def _http_date():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
