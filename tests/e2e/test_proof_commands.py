"""`saslift test`, `token` and `sasl`: an operator proves an identity without a device."""

import base64
import imaplib
import json
import ssl
import subprocess

import pytest

from exchange.store import Access
from running_saslift import forms
from servers.sign_in import DELEGATED_SCOPE

JANE = "jane@people.test"


class Commands:
    """Those that need no running saslift."""

    def __init__(self, lab, configuration):
        self.binary, self.path = lab.binary, configuration.directory / "saslift.toml"
        self.secrets = configuration.secrets
        configuration.write(self.path)

    def __call__(self, *arguments):
        ran = subprocess.run([self.binary, *arguments, "--config", self.path], capture_output=True, text=True, timeout=60)
        for secret in self.secrets:
            assert not any(form in (ran.stdout + ran.stderr).encode() for form in forms(secret))
        return ran


@pytest.fixture
def saslift(lab):
    return Commands(lab, lab.office())


def test_token_says_what_is_in_it_and_shows_it_only_when_asked(saslift, sign_in):
    ran = saslift("token", "office")
    assert ran.returncode == 0, ran.stderr
    assert "identity 'office' gets a token; it lives 3600 s\n  aud                https://mail.example.test\n" in ran.stdout
    assert "\n  idtyp              app\n" in ran.stdout and "\n  exp                20" in ran.stdout
    assert not any(token in ran.stdout + ran.stderr for token in sign_in.tokens)
    shown = saslift("token", "office", "--show")
    assert shown.stdout.split("\n")[-2] == sign_in.tokens[-1]
    assert "warning: whoever has this token" in shown.stderr
    printed = json.loads(saslift("token", "office", "--json").stdout)
    assert printed["ok"] and printed["claims"]["idtyp"] == "app" and printed["expires_in"] == 3600
    assert "access_token" not in printed
    assert json.loads(saslift("token", "office", "--json", "--show").stdout)["access_token"] == sign_in.tokens[-1]
    assert saslift("token", "ofice").returncode == 2


def test_token_tells_why_there_is_none(saslift, sign_in):
    sign_in.switch("status", status=503)
    ran = saslift("token", "office")
    assert ran.returncode == 1 and not ran.stdout
    assert ran.stderr.startswith("identity 'office' gets no token: not_json: HTTP status 503\n  cause     the token endpoint's")
    assert not json.loads(saslift("token", "office", "--json").stdout)["ok"]


def test_sasl_prints_what_logs_in_by_hand(saslift, lab, sign_in):
    ran = saslift("sasl", "reception", "imap")
    assert ran.returncode == 0, ran.stderr
    assert "This is a secret" in ran.stderr
    plain = f"user=user1@example.test\x01auth=Bearer {sign_in.tokens[-1]}\x01\x01"
    assert base64.b64decode(ran.stdout.strip(), validate=True).decode() == plain
    trust = ssl.create_default_context(cafile=sign_in.ca_file)
    with imaplib.IMAP4_SSL("localhost", lab.dovecot.imap, ssl_context=trust) as client:
        assert client.authenticate("XOAUTH2", lambda _: plain.encode())[0] == "OK"
    printed = json.loads(saslift("sasl", "reception", "smtp", "--mailbox", "user2@example.test", "--json").stdout)
    assert printed["user"] == "user2@example.test" and printed["port"] == lab.postfix.smtp
    for wrong in (["sasl", "reception"], ["sasl", "reception", "http"], ["sasl", "nobody", "imap"],
                  ["sasl", "reception", "imap", "--mailbox", "a\x01b"]):
        assert saslift(*wrong).returncode == 2, wrong


def test_test_logs_in_by_each_protocol(saslift, lab):
    ran = saslift("test", "reception")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.split("\n")
    assert lines[0] == "account 'reception' opens user1@example.test with a token of identity 'office'"
    assert [line.split()[0] for line in lines if " yes  connected in " in line] == ["imap", "pop3", "smtp"]
    assert any(line.strip().startswith("* LIST ") and line.endswith("INBOX") for line in lines)
    printed = json.loads(saslift("test", "reception", "--json").stdout)
    assert printed["ok"] and [one["protocol"] for one in printed["protocols"]] == ["imap", "pop3", "smtp"]


def test_test_says_what_is_refused_and_what_to_do(saslift):
    ran = saslift("test", "no_rights")
    assert ran.returncode == 1
    assert ran.stdout.count(" no   identity_refused: ") == 3, ran.stdout
    printed = json.loads(saslift("test", "no_rights", "--json").stdout)
    assert not printed["ok"] and all(one["failure"] == "identity_refused" for one in printed["protocols"])
    assert saslift("test", "nobody").returncode == 2


def test_test_names_a_server_that_is_away_or_not_the_right_one(lab, sign_in):
    made = lab.configuration()
    made.provider("lab", sign_in, imap=(1, "implicit"), pop3=(lab.dovecot.pop3, "implicit"), host="127.0.0.1")
    made.identity("office", sign_in, "lab")
    made.account("reception", lab.password, "office", mailbox="user1@example.test")
    ran = Commands(lab, made)("test", "reception")
    assert ran.returncode == 1
    assert " no   server_unreachable: " in ran.stdout.split("\n")[1]
    assert "certificate" in ran.stdout.split("\n")[2], ran.stdout  # it is for "localhost"


@pytest.fixture
def named_twice(exchange_lab, exchange):
    """An account's commands at the stand-in: make(address, upn, **how its address answers)"""
    def make(address, upn, **answers):
        made, [office] = exchange_lab.at(exchange_lab.ports())
        if answers:
            exchange.add_mailbox(address, **answers)
        made.account("team", exchange_lab.password, office.name, login="team", mailbox=address, upn=upn)
        return Commands(exchange_lab, made)
    return make


def test_test_tries_the_upn_where_the_address_is_refused(named_twice, exchange):
    upn = exchange.add_mailbox("sales.mailbox@office1.test").address
    saslift = named_twice("sales@office1.test", upn)
    ran = saslift("test", "team")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.split("\n")
    assert [line.split()[0] for line in lines if " yes  connected in " in line] == ["imap", "pop3", "smtp"]
    assert ran.stdout.count(f"      by its upn {upn}; as sales@office1.test it was refused: ") == 3, ran.stdout
    printed = json.loads(saslift("test", "team", "--json").stdout)
    assert printed["ok"] and [one["user"] for one in printed["protocols"]] == [upn] * 3
    assert {one["refused_before"]["user"] for one in printed["protocols"]} == {"sales@office1.test"}
    assert printed["protocols"][0]["refused_before"]["words"].endswith("NO AUTHENTICATE failed.")
    assert "535 5.7.3 Authentication unsuccessful" in printed["protocols"][2]["refused_before"]["words"]


def test_test_tries_the_upn_where_the_login_opens_no_mailbox(named_twice, exchange):
    upn = exchange.add_mailbox("front.mailbox@office1.test").address
    saslift = named_twice("front@office1.test", upn, access=Access.not_connected)
    printed = json.loads(saslift("test", "team", "--json").stdout)
    assert printed["ok"] and printed["protocols"][0]["user"] == upn, printed
    assert "User is authenticated but not connected" in printed["protocols"][0]["refused_before"]["words"]


def test_test_tries_each_of_two_names_once(named_twice, exchange):
    saslift = named_twice("post@office1.test", "nobody@office1.test")
    ran = saslift("test", "team")
    assert ran.returncode == 1 and ran.stdout.count(" no   identity_refused: ") == 3, ran.stdout
    assert ran.stdout.count("by its upn nobody@office1.test; as post@office1.test it was refused") == 3
    assert [one.user for one in list(exchange.logins)] == ["post@office1.test", "nobody@office1.test"] * 3
    exchange.add_mailbox("post@office1.test")
    ran = saslift("test", "team")
    assert ran.returncode == 0
    assert ran.stdout.count("      as post@office1.test; its upn nobody@office1.test was not tried\n") == 3, ran.stdout
    printed = json.loads(saslift("test", "team", "--json").stdout)
    assert [one["user"] for one in printed["protocols"]] == ["post@office1.test"] * 3
    assert not any("refused_before" in one for one in printed["protocols"])


def test_sasl_names_the_upn_besides_the_mailbox_that_it_encodes(named_twice):
    saslift = named_twice("team@office1.test", "team.mailbox@office1.test")
    ran = saslift("sasl", "team", "imap")
    assert base64.b64decode(ran.stdout.strip()).startswith(b"user=team@office1.test\x01")
    assert "by its upn: the same with --mailbox team.mailbox@office1.test\n" in ran.stderr
    printed = json.loads(saslift("sasl", "team", "imap", "--json").stdout)
    assert (printed["user"], printed["upn"]) == ("team@office1.test", "team.mailbox@office1.test")
    ran = saslift("sasl", "team", "imap", "--mailbox", "team.mailbox@office1.test")
    assert base64.b64decode(ran.stdout.strip()).startswith(b"user=team.mailbox@office1.test\x01")
    assert "upn" not in ran.stderr


def test_a_wildcard_needs_a_mailbox(lab, sign_in):
    made = lab.office()
    made.account("everyone", lab.password, "office", login="*@example.test", protocols=["smtp"])
    saslift = Commands(lab, made)
    assert "--mailbox" in saslift("test", "everyone").stderr
    assert saslift("test", "everyone", "--mailbox", "user3@example.test").returncode == 0


def test_a_persons_identity_is_tested_only_while_saslift_does_not_use_it(lab, sign_in):
    made = lab.configuration()
    made.provider("people", sign_in, imap=(lab.dovecot.imap, "implicit"), scope=DELEGATED_SCOPE,
                  authorization_endpoint=sign_in.authorization_endpoint)
    made.identity("people", sign_in.native, "people", grant="refresh_token", owner=JANE, refresh_token="file:first")
    first = made.directory / "first"
    first.write_text(sign_in.token_of(JANE)["refresh_token"])
    first.chmod(0o600)
    made.account("jane", lab.password, "people", mailbox=JANE)
    made.listeners("imap")
    commands = Commands(lab, made)
    for _ in range(2):  # the second time with the token that the first one was rotated to
        ran = commands("test", "jane")
        assert ran.returncode == 0, ran.stdout + ran.stderr
    saslift = lab.run(made)
    ran = commands("token", "people")
    assert ran.returncode == 1 and ran.stderr.startswith("identity 'people' gets no token: saslift_runs: "), ran.stderr
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"]) as client:
        assert client.login("jane", lab.password.text)[0] == "OK"
