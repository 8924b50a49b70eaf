"""What an app may prove itself with, grant by grant as EXCHANGE 1.2 to 1.7 and 1.13 state the requests. Assertions are
verified by PyJWT and cryptography."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DELEGATED_SCOPE = ("https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All "
                   "https://outlook.office.com/SMTP.Send offline_access")
GMAIL_SCOPE = "https://mail.google.com/"
LONGEST_ASSERTION = 600  # seconds; EXCHANGE 1.3


class Unproven(Exception):
    """code: the AADSTS number."""

    def __init__(self, code, **words):
        super().__init__(code, words)
        self.code, self.words = code, words


@dataclass
class Proofs:
    """What is registered for an app besides its secret."""

    certificates: list = field(default_factory=list)  # PEM bytes
    public: bool = False
    federated: str = ""                               # the token of its platform, as it is now
    passwords: dict = field(default_factory=dict)     # by user
    refresh_tokens: dict = field(default_factory=dict)  # token: user; Entra's rule: an old one stays valid
    rotates: bool = True

    def new_refresh_token(self, user):
        token = "1.AX" + secrets.token_urlsafe(700)
        self.refresh_tokens[token] = user
        return token


def _thumbprint(pem, digest):
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    der = load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return base64.urlsafe_b64encode(digest(der).digest()).decode().rstrip("=")


def _certificate_of(assertion, certificates):
    import jwt

    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise Unproven(50027, why=str(error)) from None
    kind = {"PS256": ("x5t#S256", hashlib.sha256), "RS256": ("x5t", hashlib.sha1)}.get(header.get("alg"))
    if not kind or header.get("typ") != "JWT" or set(header) != {"alg", "typ", kind[0]}:
        raise Unproven(50027, why=f"header {header}")
    for pem in certificates:
        if hmac.compare_digest(_thumbprint(pem, kind[1]), header[kind[0]]):
            return pem, header["alg"]
    raise Unproven(700027)


def check_assertion(app, assertion, audience, used):
    """A client's own assertion, signed with a certificate that it has registered; used: ids seen before."""
    import jwt
    from cryptography.x509 import load_pem_x509_certificate

    pem, algorithm = _certificate_of(assertion, app.proofs.certificates)
    key = load_pem_x509_certificate(pem).public_key()
    try:
        claims = jwt.decode(assertion, key, algorithms=[algorithm], audience=audience,
                            options={"require": ["aud", "iss", "sub", "jti", "nbf", "iat", "exp"]})
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise Unproven(700024) from None
    except jwt.InvalidSignatureError:
        raise Unproven(700027) from None
    except jwt.InvalidTokenError as error:
        raise Unproven(50027, why=str(error)) from None
    whole = all(type(claims[name]) is int for name in ("nbf", "iat", "exp"))
    if not whole or (claims["iss"], claims["sub"]) != (app.client_id, app.client_id) or claims["jti"] in used:
        raise Unproven(50027, why=f"claims {claims}")
    if claims["exp"] - time.time() > LONGEST_ASSERTION:
        raise Unproven(700024)
    used.add(claims["jti"])


def check_client(app, form, audience, used):
    """One proof and no other; a public app has none."""
    has_secret, has_assertion = "client_secret" in form, "client_assertion" in form
    if app.proofs.public and not (has_secret or has_assertion):
        return
    if has_secret and not has_assertion:
        if app.proofs.public:
            raise Unproven(700025)
        if not hmac.compare_digest(form["client_secret"].encode(), app.client_secret.encode()):
            raise Unproven(7000215)
        if app.secret_expired:
            raise Unproven(7000222)
        return
    if has_secret or not has_assertion or form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
        raise Unproven(7000218)
    if app.proofs.federated:
        if not hmac.compare_digest(form["client_assertion"].encode(), app.proofs.federated.encode()):
            raise Unproven(700024)
        return
    check_assertion(app, form["client_assertion"], audience, used)


def user_of(app, form):
    """Whose token it is to be: "" with client_credentials."""
    grant = form["grant_type"]
    if grant == "password":
        known = app.proofs.passwords.get(form.get("username", ""))
        if known is None or not hmac.compare_digest(known.encode(), form.get("password", "").encode()):
            raise Unproven(50126)
        return form["username"]
    if grant == "refresh_token":
        user = app.proofs.refresh_tokens.get(form.get("refresh_token", ""))
        if not user:
            raise Unproven(70000)
        return user
    return ""


def google_subject(account, form, token_uri):
    """EXCHANGE 1.13: the mailbox that a service account asks for. account: (client_email, public key). None: refused."""
    import jwt

    if form.get("grant_type") != JWT_BEARER or set(form) != {"grant_type", "assertion"}:
        return None
    email, key = account
    try:
        header = jwt.get_unverified_header(form["assertion"])
        claims = jwt.decode(form["assertion"], key, algorithms=["RS256"], audience=token_uri,
                            options={"require": ["iss", "sub", "scope", "aud", "iat", "exp"]})
    except jwt.InvalidTokenError:
        return None
    good = (header.get("alg") == "RS256" and claims["iss"] == email and claims["scope"] == GMAIL_SCOPE and
            claims["exp"] - claims["iat"] <= 3600)
    return claims["sub"] if good else None
