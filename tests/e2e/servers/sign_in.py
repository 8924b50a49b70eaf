"""npm's oidc-provider over TLS as the sign-in service, and a browser to sign in with."""

import base64
import dataclasses
import json
import os
import re
import secrets
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from .certificates import openssl

SCOPE = "https://mail.example.test/.default"
DELEGATED_SCOPE = SCOPE + " offline_access"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclasses.dataclass(frozen=True)
class App:
    """An app registration for people who sign in; without a secret it is a public client."""
    client_id: str
    client_secret: str | None = None
    redirect_uri: str | None = None

    def proof(self):
        if not self.client_secret:
            return {"token_endpoint_auth_method": "none"}
        return {"token_endpoint_auth_method": "client_secret_post", "client_secret": self.client_secret}

    def registration(self):
        return {"client_id": self.client_id, **self.proof(),
                "application_type": "web" if self.redirect_uri.startswith("https") else "native",
                "redirect_uris": [self.redirect_uri], "response_types": ["code"],
                "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE]}


class KeyApp:
    """An app that proves itself with a certificate: private_key_jwt, for itself and for people."""
    client_id, client_secret, redirect_uri = "key-app", None, "http://localhost"

    def __init__(self, directory):
        key, certificate = directory / "key-app.key", directory / "key-app.crt"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", 90,
                "-subj", "/CN=key-app")
        self.pem = certificate.read_text() + key.read_text()
        modulus = openssl("x509", "-in", certificate, "-noout", "-modulus").decode().strip().split("=")[1]
        self.public = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(bytes.fromhex(modulus)).decode().rstrip("=")}

    def registration(self):
        return {"client_id": self.client_id, "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "PS256", "jwks": {"keys": [{**self.public, "use": "sig"}]},
                "application_type": "native", "redirect_uris": [self.redirect_uri], "response_types": ["code"],
                "grant_types": ["client_credentials", "authorization_code", "refresh_token"]}


class Browser:
    """One that keeps cookies, follows redirects and submits the two forms of a device code as they come."""

    def __init__(self, trust):
        self.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust), _StopAtApp(),
                                                  urllib.request.HTTPCookieProcessor())

    def open(self, url, fields=None, forms=2):
        """The text of the page at which it ends, or, where that is an app's redirect URI, its address."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            with self.opener.open(url, data, timeout=20) as reply:
                text, at = reply.read().decode(), reply.url
        except urllib.error.HTTPError as error:
            if error.code in (302, 303):
                return error.headers["Location"]
            return error.read().decode()
        form = re.search(r'<form [^>]*action="([^"]+)"', text)
        if not form or not forms:
            return text
        inputs = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
        return self.open(urllib.parse.urljoin(at, form[1]), inputs, forms - 1)


class _StopAtApp(urllib.request.HTTPRedirectHandler):
    """Leaves alone what is not the sign-in service's own."""

    def redirect_request(self, request, reply, code, message, headers, url):
        if urllib.parse.urlsplit(url).netloc != request.host:
            return None
        return super().redirect_request(request, reply, code, message, headers, url)


class SignIn:
    def __init__(self, here, directory, authority):
        certificate, key = authority.issue("sign-in")
        self.client_id = "11111111-2222-3333-4444-555555555555"
        # Characters of an Entra secret, so that a request that forgets to URL-encode it fails.
        self.client_secret = "canary~Se+cr/et=" + secrets.token_hex(12) + "&x%20"
        self.scope = SCOPE
        self.native = App("native-app", redirect_uri="http://localhost")
        self.desktop = App("desktop-app", "canary+desktop/" + secrets.token_hex(12), "http://localhost")
        self.web = App("web-app", "canary+web/" + secrets.token_hex(12), "https://localhost")
        self.signer = "signing-app"  # proves itself by PS256 alone
        self.signer_certificate, self.signer_key = authority.for_signing("signer")
        self.key_app = KeyApp(directory)
        self.jwt_key = base64.b64encode(os.urandom(32)).decode()
        self.ca_file = authority.certificate
        self.log_path = directory / "sign-in.log"
        orders = {"key": key.read_text(), "cert": certificate.read_text(), "jwt_key": self.jwt_key,
                  "client_id": self.client_id, "client_secret": self.client_secret, "scope": SCOPE,
                  "clients": [*(app.registration() for app in (self.native, self.desktop, self.web, self.key_app)),
                              self._signer_registration()]}
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(["node", "--import", (here / "servers" / "older_node.mjs").as_uri(), here / "servers" / "sign_in.mjs"], cwd=here, stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=log, text=True)
        self.port = self._order(orders)["port"]
        issuer = f"https://localhost:{self.port}"
        self.token_endpoint = f"{issuer}/token"
        self.authorization_endpoint = f"{issuer}/auth"
        self.device_authorization_endpoint = f"{issuer}/device/auth"

    def _signer_registration(self):
        """RFC 7523 client authentication, which npm's jose verifies."""
        from cryptography.x509 import load_pem_x509_certificate
        from jwt.algorithms import RSAAlgorithm

        public = load_pem_x509_certificate(self.signer_certificate.read_bytes()).public_key()
        return {"client_id": self.signer, "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "PS256", "jwks": {"keys": [json.loads(RSAAlgorithm.to_jwk(public))]},
                "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [], "scope": SCOPE}

    def _order(self, order):
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()
        reply = self.child.stdout.readline()
        assert reply, self.log_path.read_text()
        return json.loads(reply)

    @property
    def requests(self):
        return self._order({})["requests"]

    @property
    def tokens(self):
        return self._order({})["tokens"]

    def switch(self, mode, **details):
        self._order({"mode": mode, **details})

    def person(self, name):
        """Whoever signs in from now on; None declines."""
        self._order({"person": name})

    def browser(self):
        return Browser(ssl.create_default_context(cafile=self.ca_file))

    def token_of(self, person):
        """What a person's sign-in by device code brings, without saslift."""
        self.person(person)
        client = {"client_id": self.native.client_id}
        shown = self._post(self.device_authorization_endpoint, {**client, "scope": DELEGATED_SCOPE})
        self.browser().open(shown["verification_uri_complete"])
        return self._post(self.token_endpoint, {**client, "grant_type": DEVICE_CODE, "device_code": shown["device_code"]})

    def token(self):
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret,
                "scope": SCOPE}
        return self._post(self.token_endpoint, form)

    def _post(self, url, form):
        trust = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), context=trust) as reply:
            return json.load(reply)

    def stop(self):
        self.child.stdin.close()
        self.child.wait(10)
        self.child.stdout.close()
