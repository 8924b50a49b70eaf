"""RFC 7628 in place of XOAUTH2, to servers that nobody here wrote."""

import pytest

from servers.dovecot import REFUSED_MAILBOX
from test_refused_logins import attempt, connect, is_yes


@pytest.fixture
def saslift(lab, sign_in, dovecot, postfix, password):
    made = lab.configuration()
    made.provider("bearer", sign_in, imap=(dovecot.imap, "implicit"), pop3=(dovecot.pop3, "implicit"),
                  smtp=(postfix.smtp, "starttls"), mechanism="oauthbearer")
    made.identity("office", sign_in, "bearer")
    made.account("reception", password, "office", login="scanner", mailbox="user1@example.test")
    made.account("no_rights", password, "office", login="no-rights", mailbox=REFUSED_MAILBOX)
    made.listeners("imap", "pop3", "smtp")
    return lab.run(made)


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_oauthbearer_opens_a_mailbox(saslift, password, protocol):
    with connect(saslift, protocol) as client:
        assert is_yes(protocol, attempt(client, protocol, "scanner", password.text))
    assert saslift.wait_for_event("login_succeeded", protocol=protocol)["upstream"] == "oauthbearer succeeded"


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_an_error_challenge_of_oauthbearer_is_answered_and_not_shown(saslift, password, protocol):
    with connect(saslift, protocol) as client:
        answer = attempt(client, protocol, "no-rights", password.text)
    assert not is_yes(protocol, answer) and "openid" not in str(answer)
    assert saslift.wait_for_event("login_refused", protocol=protocol)["reason"] == "identity_refused"
