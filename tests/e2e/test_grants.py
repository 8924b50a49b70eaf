"""Logins through saslift with every grant, at a stand-in that refuses any request but the one EXCHANGE 1 states, and
verifies assertions with an implementation that is not ours."""

import json
import os
import pathlib
import stat
import subprocess
import sys
import uuid

import pytest

from exchange.grants import DELEGATED_SCOPE
from exchange_lab import ENDS
from running_saslift import forms
from servers.connect_proxy import ConnectProxy
from servers.platform import Platform
from servers.process import wait_until
from test_refused_logins import PERMANENT, TEMPORARY, is_yes, login, said_and_logged

OWNER = "owner@contoso.test"
HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def site(exchange, monkeypatch):
    """The stand-in, and an environment that says nothing of identities and proxies."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_")) or name.lower() in ("https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name)
    return exchange


def secret_file(made, name, content):
    path = made.directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    return f"file:{name}"


class Trial:
    """A configuration with one identity and one account, whose login is its mailbox."""

    def __init__(self, lab, site, protocols=("imap",), provider="exchange", **service):
        self.lab, self.site = lab, site
        self.app = site.add_app()
        self.made = lab.configuration(**service)
        self.protocols = protocols
        self.provider = provider
        if provider == "exchange":
            self.made.provider("exchange", site, **{one: (lab.ports()[one], ENDS[one]) for one in protocols})
        self.mailbox = site.add_mailbox(f"{uuid.uuid4().hex[:12]}@contoso.test").address

    def identity(self, grant, **fields):
        self.made.table("identity.one", provider=self.provider, grant=grant, **fields)
        return self

    def run(self, **account):
        self.made.account("one", self.lab.password, "one", login="device", **{"mailbox": self.mailbox, **account})
        self.made.listeners(*self.protocols)
        self.saslift = self.lab.run(self.made)
        return self.saslift

    def login(self, protocol="imap"):
        return login(self.saslift, protocol, "device", self.lab.password.text)

    def gets_in(self, protocol="imap"):
        answer = self.login(protocol)
        assert is_yes(protocol, answer), f"{answer}\n{self.saslift.process.log()}"

    @property
    def request(self):
        """The one request of its app."""
        [request] = [one for one in self.site.requests if one.form.get("client_id") == [self.app.client_id]]
        return request


def delegated(site):
    return {"owner": OWNER, "scope": DELEGATED_SCOPE}


# Certificates

def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def certificate(exchange_site):
    return exchange_site.authority.issue("app", names=None, subject="/CN=app")


def in_one_file(trial, certificate):
    return {"certificate": secret_file(trial.made, "app.pem", certificate.key.read_bytes() +
                                       certificate.chain.read_bytes())}


def in_two_files(trial, certificate):
    return {"certificate": secret_file(trial.made, "app.pem", certificate.chain.read_bytes()),
            "certificate_key": secret_file(trial.made, "app.key", certificate.key.read_bytes())}


def in_pkcs12(trial, certificate, *options):
    path = trial.made.directory / "app.pfx"
    trial.made.secrets.add("canary of a pfx")
    openssl("pkcs12", "-export", *options, "-inkey", certificate.key, "-in", certificate.chain, "-out", path,
            "-passout", "pass:canary of a pfx")
    path.chmod(0o600)
    return {"certificate": "file:app.pfx",
            "certificate_password": secret_file(trial.made, "app.password", "canary of a pfx\n")}


def in_old_pkcs12(trial, certificate):
    """As Windows long exported it."""
    return in_pkcs12(trial, certificate, "-legacy")


def in_store(trial, certificate):
    key = trial.made.directory / "app.key"
    secret_file(trial.made, "app.key", certificate.key.read_bytes())
    return {"certificate": secret_file(trial.made, "app.pem", certificate.chain.read_bytes()),
            "certificate_key": f"store:file:{key}"}


@pytest.mark.parametrize("kept", [in_one_file, in_two_files, in_pkcs12, in_old_pkcs12, in_store])
@pytest.mark.parametrize("algorithm", [None, "rs256"])
def test_certificate(exchange_lab, site, certificate, kept, algorithm):
    trial = Trial(exchange_lab, site)
    trial.app.proofs.certificates.append(certificate.chain.read_bytes())
    trial.app.client_secret = str(uuid.uuid4())  # nobody knows it
    chosen = {"assertion": algorithm} if algorithm else {}
    trial.made.secrets.add(certificate.key.read_text().split("\n")[1])  # a line of the key (FAULTS 53)
    trial.identity("client_credentials", client_id=trial.app.client_id, **kept(trial, certificate), **chosen).run()
    trial.gets_in()
    assert trial.request.error == 0
    assert "client_secret" not in trial.request.form


def test_certificate_that_the_app_does_not_have_is_refused(exchange_lab, site, certificate):
    """FAULTS 38"""
    trial = Trial(exchange_lab, site)
    trial.app.proofs.certificates.append(site.authority.issue("other", names=None).chain.read_bytes())
    trial.identity("client_credentials", client_id=trial.app.client_id, **in_one_file(trial, certificate)).run()
    for _ in range(3):
        event = said_and_logged(trial.saslift, trial.login(), PERMANENT["imap"], "identity_refused")
        assert event["cause"] == "the assertion's certificate is not registered"
        assert event["trace_id"] and event["correlation_id"]
    assert trial.request.error == 700027  # asked once


def test_check_prints_the_thumbprints_as_the_portal_shows_them(exchange_lab, site, certificate, binary):
    trial = Trial(exchange_lab, site)
    trial.identity("client_credentials", client_id=trial.app.client_id, **in_pkcs12(trial, certificate))
    path = trial.made.directory / "saslift.toml"
    trial.made.write(path)
    checked = subprocess.run([binary, "check", "--config", path, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(checked.stdout)
    shown = subprocess.run(["openssl", "x509", "-in", certificate.chain, "-noout", "-fingerprint", "-sha1"],
                           capture_output=True, text=True, check=True).stdout
    [one] = told["certificates"]
    assert one["thumbprint"] == shown.split("=")[1].strip().replace(":", "")
    # It lives for 30 days.
    assert any("the certificate of identity 'one' ends in 29 days" in warning["text"] for warning in told["warnings"])
    assert not any(form in (checked.stdout + checked.stderr).encode() for form in forms("canary of a pfx"))


def test_private_key_jwt_at_oidc_provider(lab, sign_in):
    """Whose library is neither ours nor the stand-in's."""
    made = lab.configuration()
    made.provider("lab", sign_in, imap=(lab.dovecot.imap, "implicit"))
    pem = sign_in.signer_key.read_bytes() + sign_in.signer_certificate.read_bytes()
    made.table("identity.office", provider="lab", client_id=sign_in.signer, certificate=secret_file(made, "app.pem", pem))
    made.account("one", lab.password, "office", login="user1@example.test")
    made.listeners("imap")
    saslift = lab.run(made)
    answer = login(saslift, "imap", "user1@example.test", lab.password.text)
    assert is_yes("imap", answer), saslift.process.log()


# The rest at Entra

def test_secret(exchange_lab, site):
    trial = Trial(exchange_lab, site)
    trial.identity("client_credentials", client_id=trial.app.client_id,
                   client_secret=secret_file(trial.made, "one.secret", trial.app.client_secret)).run()
    trial.gets_in()
    assert trial.request.form["scope"] == [site.scope]


def test_federated_needs_nothing_but_the_platforms_environment(exchange_lab, site, monkeypatch):
    """The file is read for each request: here it comes to be after the start."""
    ends = {"imap": {"host": "localhost", "port": exchange_lab.ports()["imap"], "tls": "implicit"}}
    trial = Trial(exchange_lab, site, provider="exchange-online")
    token = trial.made.directory / "token"
    trial.app.proofs.federated = f"eyJh.{uuid.uuid4().hex}.c2ln"
    trial.made.secrets.add(trial.app.proofs.federated)
    for name, value in {"AZURE_CLIENT_ID": trial.app.client_id, "AZURE_TENANT_ID": site.tenant,
                        "AZURE_FEDERATED_TOKEN_FILE": str(token),
                        "AZURE_AUTHORITY_HOST": site.token_endpoint.split(site.tenant)[0]}.items():
        monkeypatch.setenv(name, value)
    trial.identity("federated", ca_file=str(site.ca_file), **ends).run(protocols=["imap"])
    said_and_logged(trial.saslift, trial.login(), TEMPORARY["imap"], "token_unavailable")
    assert trial.saslift.wait_for_event("token_fetch_failed")["cause"].startswith("the key or file that the assertion")
    token.write_text(trial.app.proofs.federated + "\n")
    wait_until(lambda: is_yes("imap", trial.login()), trial.saslift.process.log, 30)
    assert trial.request.error == 0


def test_password(exchange_lab, site):
    trial = Trial(exchange_lab, site)
    trial.app.proofs.public = True
    trial.app.proofs.passwords[OWNER] = "canary & of = an + owner"
    trial.made.secrets.add("canary & of = an + owner")
    site.mailbox(trial.mailbox).delegates.add(OWNER)
    trial.identity("password", client_id=trial.app.client_id, **delegated(site),
                   password=secret_file(trial.made, "owner.password", "canary & of = an + owner\n")).run()
    trial.gets_in()
    assert trial.request.error == 0


def test_refresh_token_from_a_file(exchange_lab, site):
    trial = Trial(exchange_lab, site)
    trial.app.proofs.public = True
    site.mailbox(trial.mailbox).delegates.add(OWNER)
    given = trial.app.proofs.new_refresh_token(OWNER)
    trial.made.secrets.add(given)
    trial.identity("refresh_token", client_id=trial.app.client_id, **delegated(site),
                   refresh_token=secret_file(trial.made, "one.token", given)).run()
    trial.gets_in()
    assert trial.request.form["refresh_token"] == [given]


# Platforms

def test_managed_identity_of_an_app_service(exchange_lab, site, monkeypatch):
    """Its replies are all text; 404 and 5xx pass; no proxy is asked, and the header is not in our environment."""
    trial = Trial(exchange_lab, site)
    platform = Platform(lambda: site.issue_token(trial.app), "app_service", site.scope.removesuffix("/.default"))
    monkeypatch.setenv("IDENTITY_ENDPOINT", platform.url)
    monkeypatch.setenv("IDENTITY_HEADER", platform.header)
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    trial.made.secrets.add(platform.header)
    platform.next_status = [404, 503]
    try:
        trial.identity("managed_identity", object_id="11111111-1111-1111-1111-111111111111").run()
        trial.gets_in()
        assert len(platform.requests) == 3 and platform.refused == 0
        assert "principal_id=11111111-1111-1111-1111-111111111111" in platform.requests[-1][0]
        assert platform.header.encode() not in open(f"/proc/{trial.saslift.pid}/environ", "rb").read()
    finally:
        platform.stop()


def test_managed_identity_of_a_virtual_machine(binary, directory):
    """At the address that Azure gives it, with a proxy in the environment that must not be asked."""
    environment = {**os.environ, "all_proxy": "http://127.0.0.1:1", "no_proxy": ""}
    root = ["--map-root-user"] if os.geteuid() else []
    words = ["unshare", *root, "--net", sys.executable, HERE / "imds_in_namespace.py", binary, directory]
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_service_account_asks_for_each_mailbox(exchange_lab, site):
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    email = "saslift@project.iam.gserviceaccount.com"
    site.entra.service_account = (email, key.public_key())
    trial = Trial(exchange_lab, site, provider="gmail")
    content = {"type": "service_account", "project_id": "project", "private_key": pem, "client_email": email,
               "client_id": "1", "token_uri": site.google_token_uri, "universe_domain": "googleapis.com"}
    ends = {"imap": {"host": "localhost", "port": exchange_lab.ports()["imap"], "tls": "implicit"}}
    trial.identity("service_account", service_account=secret_file(trial.made, "key.json", json.dumps(content, indent=2)),
                   ca_file=str(site.ca_file), **ends).run(protocols=["imap"])
    trial.gets_in()
    [token] = [token for token in site.tokens.issued if token.user == trial.mailbox]
    assert token.client_id == site.app.client_id


# Commands

def program(made, name, text):
    path = made.directory / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o700)
    return path


@pytest.mark.parametrize("printed", ["{token}\n", '{{"access_token": "{token}", "expires_in": "3000"}}'])
def test_command_that_prints_a_token(exchange_lab, site, printed):
    trial = Trial(exchange_lab, site)
    token = site.issue_token(trial.app)
    secret_file(trial.made, "printed", printed.format(token=token))
    path = program(trial.made, "get token", f'[ "$1" = "a b; \\$HOME" ] && cat "{trial.made.directory}/printed"\n')
    trial.identity("command", command=[f"./{path.name}", "a b; $HOME"]).run()
    trial.gets_in()


def test_command_that_does_not_end_is_ended_with_all_it_started(exchange_lab, site):
    trial = Trial(exchange_lab, site)
    path = program(trial.made, "slow", f'sleep 300 & echo $! > "{trial.made.directory}/child"; echo x; sleep 300\n')
    trial.identity("command", command=[str(path)], command_timeout="500ms").run()
    trial.login()
    failed = trial.saslift.wait_for_event("token_fetch_failed")
    assert "did not end within 0.5 s" in failed["detail"]
    child = int((trial.made.directory / "child").read_text())
    wait_until(lambda: not os.path.exists(f"/proc/{child}"), "the end of what the command started")


# The HTTP proxy

@pytest.mark.parametrize("told_by", ["http_proxy", "file", "environment"])
def test_token_endpoint_through_an_http_proxy(exchange_lab, site, monkeypatch, told_by):
    proxy = ConnectProxy("friend:canary of a proxy")
    url = f"http://friend:canary%20of%20a%20proxy@127.0.0.1:{proxy.port}"
    if told_by == "environment":
        monkeypatch.setenv("https_proxy", url)
    service = {"http_proxy": {"http_proxy": url, "file": "file:proxy.url"}[told_by]} if told_by != "environment" else {}
    trial = Trial(exchange_lab, site, **service)
    secret_file(trial.made, "proxy.url", url)
    trial.made.secrets.add("canary of a proxy")
    try:
        trial.identity("client_credentials", client_id=trial.app.client_id,
                       client_secret=secret_file(trial.made, "one.secret", trial.app.client_secret)).run()
        trial.gets_in()
        assert proxy.asked == [f"CONNECT localhost:{site.ports['entra']}"]
        # The endpoint is not told the proxy's password.
        assert not trial.request.headers.get("proxy-authorization")
    finally:
        proxy.stop()


def test_proxy_that_refuses_is_named(exchange_lab, site):
    proxy = ConnectProxy("friend:else")
    trial = Trial(exchange_lab, site, http_proxy=f"http://127.0.0.1:{proxy.port}")
    try:
        trial.identity("client_credentials", client_id=trial.app.client_id,
                       client_secret=secret_file(trial.made, "one.secret", trial.app.client_secret)).run()
        said_and_logged(trial.saslift, trial.login(), TEMPORARY["imap"], "token_unavailable")
        assert f"through 127.0.0.1:{proxy.port}" in trial.saslift.wait_for_event("token_fetch_failed")["detail"]
    finally:
        proxy.stop()


def test_no_proxy_is_heeded(exchange_lab, site, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "example.test, localhost")
    trial = Trial(exchange_lab, site)
    trial.identity("client_credentials", client_id=trial.app.client_id,
                   client_secret=secret_file(trial.made, "one.secret", trial.app.client_secret)).run()
    trial.gets_in()


# Whose token opens what

def users_named(site, mailbox_of):
    return {attempt.service: attempt.user for attempt in site.logins if attempt.user in mailbox_of}


def test_a_persons_token_names_by_smtp_the_person_else_the_mailbox(exchange_lab, site):
    """EXCHANGE 2.5"""
    trial = Trial(exchange_lab, site, protocols=("imap", "pop3", "smtp"))
    trial.app.proofs.public = True
    site.add_mailbox(OWNER)
    site.mailbox(trial.mailbox).delegates.add(OWNER)
    given = trial.app.proofs.new_refresh_token(OWNER)
    trial.made.secrets.add(given)
    trial.identity("refresh_token", client_id=trial.app.client_id, **delegated(site),
                   refresh_token=secret_file(trial.made, "one.token", given)).run()
    for protocol in trial.protocols:
        trial.gets_in(protocol)
    assert users_named(site, {OWNER, trial.mailbox}) == {"imap": trial.mailbox, "pop3": trial.mailbox, "smtp": OWNER}


def test_an_account_names_another_user(exchange_lab, site):
    trial = Trial(exchange_lab, site, protocols=("imap", "smtp"))
    other = site.add_mailbox(f"{uuid.uuid4().hex[:12]}@contoso.test").address
    trial.identity("client_credentials", client_id=trial.app.client_id,
                   client_secret=secret_file(trial.made, "one.secret", trial.app.client_secret)).run(smtp_user=other)
    for protocol in trial.protocols:
        trial.gets_in(protocol)
    assert users_named(site, {other, trial.mailbox}) == {"imap": trial.mailbox, "smtp": other}


def test_the_token_of_one_identity_never_opens_the_mailbox_of_another(exchange_lab, site):
    """FAULTS 46: each of two apps, each of two mailboxes; a login crosses neither way."""
    made, offices = exchange_lab.at(exchange_lab.ports(), protocols=("imap",), offices=2)
    boxes = [office.mailbox(clients=[office.app.client_id]) for office in offices]
    saslift = exchange_lab.run(made)
    for _ in range(3):
        for box in boxes:
            assert is_yes("imap", login(saslift, "imap", box, exchange_lab.password.text))
    used = {(attempt.user, site.tokens.find(attempt.token).client_id) for attempt in site.logins}
    assert used == {(box, office.app.client_id) for box, office in zip(boxes, offices)}


def test_secrets_are_in_no_command_line_and_no_environment(exchange_lab, site):
    """FAULTS 53"""
    trial = Trial(exchange_lab, site)
    trial.identity("client_credentials", client_id=trial.app.client_id,
                   client_secret=secret_file(trial.made, "one.secret", trial.app.client_secret)).run()
    trial.gets_in()
    for pid in (trial.saslift.pid, *trial.saslift.workers()):
        for name in ("cmdline", "environ"):
            text = open(f"/proc/{pid}/{name}", "rb").read()
            assert not any(form in text for form in forms(trial.app.client_secret)), name
    assert stat.S_IMODE((trial.made.directory / "one.secret").stat().st_mode) == 0o600
