"""People sign in at npm's oidc-provider; what that brings opens their mailbox at Dovecot, now and after a restart."""

import imaplib
import json
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from running_saslift import forms
from servers.sign_in import DELEGATED_SCOPE

JANE, JOHN = "jane@people.test", "john@people.test"


class SignIn:
    """`saslift sign-in NAME` as it runs."""

    def __init__(self, saslift, *arguments):
        self.process = subprocess.Popen([saslift.binary, "sign-in", *arguments, "--config", saslift.path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = ""

    def wait_for(self, pattern, stream=None):
        """The first group of a line that matches."""
        for line in stream or self.process.stdout:
            self.said += line
            found = re.search(pattern, line)
            if found:
                return found[1]
        raise AssertionError(f"{pattern} was not said:\n{self.said}{self.process.stderr.read()}")

    def address(self, stream=None):
        return self.wait_for(r"^(https://localhost:\S+)$", stream)

    def device_address(self):
        return self.wait_for(r"  or open   (https://\S+)")

    def end(self, text=None):
        out, err = self.process.communicate(text, timeout=60)
        self.said += out
        return self.process.returncode, self.said, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def certificate_of(app, configuration):
    """The key that names its file, where the app has a certificate."""
    if not hasattr(app, "pem"):
        return {}
    file = configuration.directory / "app.pem"
    file.write_text(app.pem)
    file.chmod(0o600)
    configuration.secrets.update(line for line in app.pem.split("-----BEGIN PRIVATE KEY-----")[1].split("\n") if len(line) == 64)
    return {"certificate": f"file:{file.name}"}


class People:
    """A saslift with one identity that somebody has to sign in for, and an account of Jane's."""

    def __init__(self, lab, sign_in, app, grant, **identity):
        self.lab, self.sign_in = lab, sign_in
        self.configuration = made = lab.configuration()
        made.provider("people", sign_in, imap=(lab.dovecot.imap, "implicit"), scope=DELEGATED_SCOPE,
                      authorization_endpoint=sign_in.authorization_endpoint,
                      device_authorization_endpoint=sign_in.device_authorization_endpoint)
        made.identity("people", app, "people", grant=grant, owner=JANE, **certificate_of(app, made), **identity)
        made.account("jane", lab.password, "people", mailbox=JANE)
        made.listeners("imap")
        sign_in.person(JANE)

    @property
    def state(self):
        return self.configuration.directory / "state"

    def run(self):
        return self.lab.run(self.configuration)

    def command_alone(self):
        """For commands without a running saslift."""
        return NotRunning(self.lab.binary, self.configuration)

    def login(self, saslift):
        with imaplib.IMAP4("127.0.0.1", saslift.port["imap"]) as client:
            client.login("jane", self.lab.password.text)
            return client.select("INBOX")[0]

    def refusal(self, saslift):
        with pytest.raises(imaplib.IMAP4.error) as refused:
            self.login(saslift)
        return str(refused.value)


class NotRunning:
    def __init__(self, binary, configuration):
        self.binary, self.path = binary, configuration.directory / "saslift.toml"
        configuration.write(self.path)


def by_browser(saslift, browser, *arguments):
    """Signs in with a browser on this machine; what the command returned and said, and the page that was shown."""
    with SignIn(saslift, "people", *arguments) as command:
        redirect = browser.open(command.address())
        with urllib.request.urlopen(redirect, timeout=20) as page:
            shown = page.read().decode()
        return *command.end(), shown


def secrets_in(text, tokens):
    return [secret for secret in tokens if any(form.decode("latin-1") in text for form in forms(secret))]


def test_a_device_sign_in_while_saslift_runs_makes_the_next_login_work(lab, sign_in):
    people = People(lab, sign_in, sign_in.native, "device_code")
    saslift = people.run()
    assert "sign-in" in people.refusal(saslift)
    with SignIn(saslift, "people") as command:
        assert "Sign-in Success" in sign_in.browser().open(command.device_address())
        status, said, errors = command.end()
    assert (status, errors) == (0, ""), said + errors
    assert f"Signed in as {JANE}.\n" in said and "only if you started this yourself" in said
    assert secrets_in(said, sign_in.tokens) == []
    assert people.login(saslift) == "OK"
    assert saslift.process.child.poll() is None


def test_a_declined_device_sign_in_says_so(lab, sign_in):
    people = People(lab, sign_in, sign_in.native, "device_code")
    sign_in.person(None)
    with SignIn(people.command_alone(), "people") as command:
        sign_in.browser().open(command.device_address())
        status, _, errors = command.end()
    assert status == 1
    assert errors.startswith("sign-in for identity 'people' failed: access_denied: the person declined\n  cause ")
    assert not people.state.exists()


@pytest.mark.parametrize("app", ["native", "desktop", "key_app"])
def test_a_sign_in_by_browser_comes_back_to_the_loopback(lab, sign_in, app):
    people = People(lab, sign_in, getattr(sign_in, app), "browser")
    saslift = people.run()
    status, said, errors, page = by_browser(saslift, sign_in.browser())
    assert (status, errors) == (0, ""), said + errors
    assert "You can close this window." in page
    assert urllib.parse.quote(JANE) in said, "no login_hint"
    assert secrets_in(said + page, sign_in.tokens) == []
    assert people.login(saslift) == "OK"


def test_a_sign_in_without_a_running_saslift_is_kept_for_its_start(lab, sign_in):
    people = People(lab, sign_in, sign_in.native, "browser")
    status, said, errors, _ = by_browser(people.command_alone(), sign_in.browser())
    assert (status, errors) == (0, ""), said + errors
    assert "kept for its next start" in said
    for file in people.state.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
        assert secrets_in(file.read_bytes().decode("latin-1"), sign_in.tokens) == []
    assert people.login(people.run()) == "OK"


def test_what_a_browser_elsewhere_ends_at_is_pasted(lab, sign_in):
    people = People(lab, sign_in, sign_in.web, "browser", redirect_uri=sign_in.web.redirect_uri)
    saslift = people.run()
    refused = saslift.command("sign-in", "people")
    assert refused.returncode == 2 and "--paste" in refused.stderr
    with SignIn(saslift, "people", "--paste", "--json") as command:
        address = command.address(command.process.stderr)
        pasted = sign_in.browser().open(address)
        assert pasted.startswith("https://localhost/?code=")
        foreign = re.sub("state=[^&]*", "state=AAAA", pasted)
        status, said, errors = command.end(f"{foreign}\n{pasted}\n")
    assert status == 0, errors
    # Prompts go elsewhere: standard output is one object.
    printed = json.loads(said[said.index('{"ok"'):])
    assert printed == {"ok": True, "identity": "people", "user": JANE, "kept_by": "running_saslift"}
    assert "its state differs" in errors
    assert people.login(saslift) == "OK"


def test_a_foreign_persons_sign_in_is_not_stored(lab, sign_in):
    """FAULTS 51."""
    people = People(lab, sign_in, sign_in.native, "browser")
    saslift = people.run()
    sign_in.person(JOHN)
    status, said, errors, page = by_browser(saslift, sign_in.browser())
    assert status == 1, said
    assert JOHN in errors and JANE in errors, errors
    assert "Not signed in" in page
    assert "sign-in" in people.refusal(saslift)


def curl(*arguments):
    """The status that curl was answered; 0: it could not connect."""
    ran = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", *arguments],
                         capture_output=True, text=True)
    return int(ran.stdout)


def test_only_the_awaited_redirect_ends_the_wait_for_a_browser(lab, sign_in):
    """FAULTS 49: a matrix of what anybody on this host, or a page in the browser, can send."""
    people = People(lab, sign_in, sign_in.native, "browser")
    saslift = people.command_alone()
    with SignIn(saslift, "people") as command:
        address = command.address()
        assert "code_challenge_method=S256" in address
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
        home, state = query["redirect_uri"][0], query["state"][0]
        port = urllib.parse.urlsplit(home).port
        halves = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        halves[-1].sendall(b"GET /?code=x&sta")
        redirect = sign_in.browser().open(address)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect).query)["code"][0]
        for wanted, arguments in [
            (404, [home + "/favicon.ico"]),
            (404, [home + f"/other?code={code}&state={state}"]),
            (400, [home + "/"]),
            (400, [home + f"/?code={code}"]),
            (400, [home + f"/?code={code}&state=" + "A" * len(state)]),
            (400, [home + "/?error=access_denied&state=wrong"]),
            (400, [home + f"/?code=x&code=y&state={state}"]),
            (400, ["-H", "Host: rebound.example", redirect]),
            (400, ["-H", f"Host: rebound.example:{port}", redirect]),
            (400, ["-H", "Host: localhost", redirect]),
            (400, ["-H", "Origin: https://evil.example", redirect]),
            (400, ["-H", "Origin: null", redirect]),
            (405, ["-X", "POST", redirect]),
            (405, ["-d", urllib.parse.urlsplit(redirect).query, home + "/"]),
            (405, ["-I", redirect]),
            (405, ["-X", "OPTIONS", "-H", "Origin: https://evil.example", redirect]),
            (400, ["-H", "Content-Length: 5", redirect]),
            (431, ["-H", "X: " + "a" * 20000, redirect]),
        ]:
            assert curl(*arguments) == wanted, arguments
        assert command.process.poll() is None
        assert curl(redirect) == 200
        status, said, errors = command.end()
        assert status == 0, errors
        assert curl(redirect) == 0, "the address is still answered"
        for half in halves:
            half.close()


def test_an_interrupted_sign_in_leaves_nothing(lab, sign_in):
    people = People(lab, sign_in, sign_in.native, "browser")
    with SignIn(people.command_alone(), "people") as command:
        command.address()
        command.process.terminate()
        assert command.end()[0] != 0
    with SignIn(people.command_alone(), "people", "--paste") as command:
        command.address()
        status, _, errors = command.end("")
    assert status == 1 and "nothing_pasted" in errors
    assert not people.state.exists()


def test_identities_that_nobody_signs_in_for_are_told_apart(lab, sign_in):
    made = lab.office()
    saslift = NotRunning(lab.binary, made)
    for name, words in (("office", "client_credentials"), ("ofice", "there is no identity 'ofice'")):
        ran = subprocess.run([saslift.binary, "sign-in", name, "--config", saslift.path], capture_output=True, text=True)
        assert ran.returncode == 2 and words in ran.stderr and not ran.stdout


def test_an_expired_token_is_refreshed_with_rotation_also_after_a_restart(lab, sign_in):
    people = People(lab, sign_in, sign_in.native, "browser")
    saslift = people.run()
    assert by_browser(saslift, sign_in.browser())[0] == 0
    before = sign_in.requests
    sign_in.switch("expired_once")
    assert people.login(saslift) == "OK"
    assert sign_in.requests == before + 2
    for _ in range(2):  # each start rotates once more
        saslift.stop(sign_in.tokens)
        saslift = people.run()
        assert people.login(saslift) == "OK"
    assert sign_in.requests == before + 4


def test_a_rotated_token_that_comes_again_is_theft_and_needs_a_new_sign_in(lab, sign_in):
    people = People(lab, sign_in, sign_in.native, "browser")
    saslift = people.run()
    assert by_browser(saslift, sign_in.browser())[0] == 0
    saslift.stop(sign_in.tokens)
    older = people.state.with_name("older")
    shutil.copytree(people.state, older)
    saslift = people.run()
    assert people.login(saslift) == "OK"
    saslift.stop(sign_in.tokens)
    shutil.rmtree(people.state)
    shutil.move(older, people.state)  # as a backup that is put back
    saslift = people.run()
    said = people.refusal(saslift)
    assert "CONTACTADMIN" in said and "sign-in" in said, said
    assert by_browser(saslift, sign_in.browser())[0] == 0
    assert people.login(saslift) == "OK"


def test_a_certificate_is_as_good_as_a_secret(lab, sign_in):
    """private_key_jwt, whose PS256 signature npm's jose verifies."""
    made = lab.configuration()
    made.provider("lab", sign_in, imap=(lab.dovecot.imap, "implicit"))
    made.identity("office", sign_in.key_app, "lab", **certificate_of(sign_in.key_app, made))
    made.account("reception", lab.password, "office", mailbox="user1@example.test")
    made.listeners("imap")
    saslift = lab.run(made)
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"]) as client:
        assert client.login("reception", lab.password.text)[0] == "OK"
