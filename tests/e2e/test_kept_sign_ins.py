"""What a person has signed in for is kept by the running saslift: through restarts, kills, bad files and new keys, and
no secret of it gets out."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import pytest

from running_saslift import Configuration, Lines, Saslift, forms, new_password
from servers.certificates import Authority
from servers.process import wait_until
from servers.rotating_provider import RotatingProvider

BINARY = os.environ["SASLIFT"]
OWNER = "anna@contoso.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "kept")


@pytest.fixture(scope="module")
def password():
    return new_password(BINARY, "scanner")


@pytest.fixture(params=["entra"])
def provider(request, authority):
    certificate, key = authority.issue("localhost")
    one = RotatingProvider(certificate, key, authority.certificate, request.param)
    yield one
    one.stop()


class Office:
    """saslift with one identity that lives on a sign-in; its mail server does not exist: tokens are what counts."""

    def __init__(self, provider, password, **service):
        self.provider, self.password = provider, password
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="saslift-kept-"))
        self.state_dir = self.directory / "state_dir"
        self.service = {"state_dir": str(self.state_dir), "workers": 1, "drain": "1s", "login_timeout": "15s"} | service
        self.running = []

    def without_people(self):
        made = Configuration(self.directory)
        made.table("service", **self.service)
        made.table("log", format="json", level="debug")
        made.listeners("imap")
        return made

    def configuration(self):
        made = self.without_people()
        made.table("provider.lab", imap={"host": "127.0.0.1", "port": 1, "tls": "implicit"},
                   token_endpoint=self.provider.token_endpoint, device_authorization_endpoint=self.provider.token_endpoint,
                   scope="mail offline_access", ca_file=str(self.provider.ca_file))
        made.table("identity.office", provider="lab", client_id="app", grant="device_code", owner=OWNER)
        made.account("scanner", self.password, "office", mailbox=OWNER)
        made.secrets |= set(self.provider.refresh_tokens)
        return made

    def start(self):
        """Each one writes a log of its own."""
        if self.running:
            before = self.running[-1].process
            before.log_path = before.log_path.rename(self.directory / f"saslift-{len(self.running)}.log")
        self.running.append(Saslift(BINARY, self.directory, self.configuration()))
        return self.running[-1]

    def control(self, **request):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(30)
            caller.connect(str(self.state_dir / "control"))
            caller.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(caller.makefile().readline())

    def sign_in(self, user=OWNER):
        return self.control(command="sign_in", identity="office", refresh_token=self.provider.sign_in(), user=user)

    def log_in(self, saslift, word=None):
        """The answer to a login. With a token in hand it is that the mail server cannot be reached."""
        with Lines(saslift.port["imap"], timeout=40) as client:
            client.line()
            client.send(f"a LOGIN scanner {word or self.password.text}\r\n")
            return client.line().decode()

    def state(self):
        return {name: (self.state_dir / name).read_bytes() for name in ("state", "state.previous", "state.key")
                if (self.state_dir / name).exists()}

    def stop(self):
        for saslift in self.running:
            if saslift.process.child.poll() in (None, 0):
                saslift.secrets |= set(self.provider.refresh_tokens)
                saslift.stop(set(self.provider.access_tokens))


@pytest.fixture
def office(provider, password):
    one = Office(provider, password)
    yield one
    one.stop()


def identity(saslift):
    [one] = saslift.status()["identities"]
    return one


def got_token(answer):
    return "cannot be reached" in answer


def test_a_sign_in_is_used_without_a_restart_rotated_and_there_after_one(office, provider):
    saslift = office.start()
    assert "needs a new sign-in" in office.log_in(saslift)
    assert "nobody has signed in" in identity(saslift)["sign_in_needed"]
    assert not (office.state_dir / "state").exists()
    assert office.sign_in() == {"ok": True}
    assert got_token(office.log_in(saslift))
    assert provider.used == [provider.refresh_tokens[0]]
    saslift.stop()
    saslift = office.start()
    assert identity(saslift)["user"] == OWNER
    assert got_token(office.log_in(saslift))
    assert provider.used == provider.refresh_tokens[:2]  # each was used once: the newest was on disk
    assert saslift.status()["state"] == {"health": "kept", "detail": ""}


def reload(office, saslift):
    office.configuration().write(saslift.path)
    told = saslift.command("reload")
    assert told.returncode == 0, told.stderr


def test_a_sign_in_outlives_a_reload(office, provider):
    saslift = office.start()
    assert office.sign_in() == {"ok": True}
    assert got_token(office.log_in(saslift))
    office.service["login_timeout"] = "14s"
    reload(office, saslift)
    assert identity(saslift)["user"] == OWNER
    assert got_token(office.log_in(saslift))
    assert provider.used == provider.refresh_tokens[:1]  # the token in hand is still good
    assert saslift.events("restart_needed") == []
    key = office.directory / "state.secret"
    key.write_text("0123456789abcdef" * 4 + "\n")
    key.chmod(0o600)
    office.service["state_key"] = "file:state.secret"
    reload(office, saslift)
    assert saslift.wait_for_event("restart_needed")["key"] == "state_key"
    assert got_token(office.log_in(saslift))


def test_the_first_identity_of_a_person_may_come_with_a_reload(office):
    whole = office.configuration
    office.configuration = office.without_people
    saslift = office.start()
    assert not (office.state_dir / "state").exists()
    office.configuration = whole
    reload(office, saslift)
    assert office.sign_in() == {"ok": True}
    assert (office.state_dir / "state").exists()
    assert got_token(office.log_in(saslift))


def test_a_foreign_sign_in_is_not_kept(office):
    """FAULTS 51."""
    saslift = office.start()
    reply = office.sign_in(user="boss@contoso.test")
    assert reply["ok"] is False and "signed in as boss@contoso.test" in reply["error"]
    assert not (office.state_dir / "state").exists()
    saslift.wait_for_event("sign_in_refused", user="boss@contoso.test")


def test_requests_that_make_no_sense_are_refused_in_words(office):
    office.start()
    for request, error in (({"command": "sign_in", "identity": "office"}, "'refresh_token' is missing"),
                           ({"command": "sign_in", "identity": "nobody", "refresh_token": "r"}, "there is no identity"),
                           ({"command": "dance"}, "unknown command")):
        reply = office.control(**request)
        assert reply["ok"] is False and error in reply["error"]


def test_wrong_passwords_leave_the_state_byte_for_byte(office, provider):
    """FAULTS 35."""
    saslift = office.start()
    office.sign_in()
    assert got_token(office.log_in(saslift))
    before, used = office.state(), list(provider.used)
    for number in range(3):
        assert "AUTHENTICATIONFAILED" in office.log_in(saslift, f"wrong-{number}")
    assert office.state() == before and provider.used == used


@pytest.mark.parametrize("provider, ends_in", [("entra", "served"), ("theft", "sign_in_needed")], indirect=["provider"])
def test_killed_between_the_providers_reply_and_the_disk(office, provider, ends_in):
    """FAULTS 41: where an older token stays valid nothing is lost; where its use is taken for theft, words say so."""
    saslift = office.start()
    office.sign_in()
    # The reply is on its way: the provider has made the next token, saslift has not got it.
    provider.reply_delay = lambda: os.kill(saslift.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        assert not got_token(office.log_in(saslift))
    wait_until(lambda: saslift.process.child.poll() is not None, "the end of the killed one")
    provider.reply_delay = None
    saslift = office.start()
    answer = office.log_in(saslift)
    if ends_in == "served":
        assert got_token(answer)
    else:
        assert "needs a new sign-in" in answer
        event = saslift.wait_for_event("token_fetch_failed", reason="invalid_grant")
        assert "if saslift was killed between a reply of the provider and the disk" in event["suspicion"]
        assert office.sign_in() == {"ok": True}
        assert got_token(office.log_in(saslift))


def test_a_state_that_does_not_open_is_named_and_never_overwritten(office, provider):
    """FAULTS 44."""
    saslift = office.start()
    office.sign_in()
    saslift.stop()
    path = office.state_dir / "state"
    bad = bytearray(path.read_bytes())
    bad[-1] ^= 1
    path.write_bytes(bad)
    saslift = office.start()
    assert saslift.wait_for_event("state_unreadable")["reason"].startswith(f"{path} is damaged")
    assert saslift.status()["state"]["health"] == "unreadable"
    assert "needs a new sign-in" in office.log_in(saslift)
    assert "is damaged" in saslift.command("status").stdout
    assert path.read_bytes() == bad and provider.used == []
    assert office.sign_in() == {"ok": True}
    [aside] = office.state_dir.glob("state.unreadable-*")
    assert aside.read_bytes() == bad
    assert got_token(office.log_in(saslift))


def test_a_second_saslift_on_the_same_state_is_refused(office):
    """FAULTS 43."""
    saslift = office.start()
    moved = office.directory / "runtime"
    moved.mkdir()
    second = subprocess.run([BINARY, "run", "--config", saslift.path], capture_output=True, text=True, timeout=20,
                            env={**os.environ, "RUNTIME_DIRECTORY": str(moved)})
    assert second.returncode == 1
    assert f"{office.state_dir} is in use by another saslift" in second.stderr
    assert office.sign_in() == {"ok": True}


def test_reseal_waits_for_the_end_of_saslift_and_changes_the_key(office, provider):
    saslift = office.start()
    office.sign_in()
    refused = saslift.command("reseal")
    assert refused.returncode == 1 and "in use by another saslift" in refused.stderr
    saslift.stop()
    before = office.state()
    assert saslift.command("reseal").stdout == "resealed: 1 sign-in\n"
    after = office.state()
    assert after["state.key"] != before["state.key"] and "state.previous" not in after
    key = office.directory / "state.secret"
    key.write_text("0123456789abcdef" * 4 + "\n")
    key.chmod(0o600)
    office.service["state_key"] = "file:state.secret"
    office.configuration().write(saslift.path)
    assert json.loads(saslift.command("reseal", "--json").stdout) == {"ok": True, "sign_ins": 1, "note": ""}
    assert "state.key" not in office.state()
    saslift = office.start()
    assert got_token(office.log_in(saslift))
    assert saslift.status()["state"]["health"] == "kept"


def test_a_full_disk_is_degraded_and_over_when_there_is_room(office, provider):
    """FAULTS 42: on a file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    office.state_dir.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", office.state_dir], check=True)
    try:
        saslift = office.start()
        assert office.sign_in() == {"ok": True}
        filler = office.state_dir / "filler"
        with pytest.raises(OSError), open(filler, "wb", 0) as file:
            while True:
                file.write(b"x" * 4096)
        before = office.state()
        assert got_token(office.log_in(saslift))
        event = saslift.wait_for_event("state_not_saved")
        assert "No space left on device" in event["reason"]
        assert saslift.status()["state"]["health"] == "degraded"
        assert office.state() == before
        filler.unlink()
        saslift.wait_for_event("state_saved_again", seconds=30)
        saslift.stop()
        saslift = office.start()
        assert got_token(office.log_in(saslift))
        assert provider.used[-1] == provider.refresh_tokens[-2]
        saslift.stop()
    finally:
        subprocess.run(["umount", office.state_dir], check=True)


def test_no_secret_of_a_sign_in_gets_out(provider, password, monkeypatch):
    """FAULTS 53: a canary for each secret, in each form, is in no log, command line, environment or worker."""
    state_key = "canary-state-key/" + "k" * 32
    monkeypatch.setenv("CANARY_STATE_KEY", state_key)  # the keeper overwrites its own
    office = Office(provider, password, state_key="env:CANARY_STATE_KEY")
    saslift = office.start()
    try:
        assert office.sign_in() == {"ok": True}
        assert got_token(office.log_in(saslift))
        canaries = {state_key, *provider.refresh_tokens}
        saslift.secrets |= canaries
        saslift.shows_no_secret()
        saslift.workers_hold_none_of(canaries)
        wanted = set().union(*map(forms, canaries))
        for name, content in office.state().items():
            assert not any(form in content for form in wanted), name
    finally:
        office.stop()
