"""The stand-in's three mail servers: logins and mail, as the tests that use it take for granted."""

import base64
import hashlib
import imaplib
import json
import poplib
import smtplib
import threading

import pytest

from exchange import Access, Style
from exchange.clients import OFFICE, SCANS, Raw, encoded, imap, pop3, sasl, smtp, smtp_greeted

MESSAGE = b"From: scans@contoso.test\r\nTo: office@contoso.test\r\nSubject: A scan\r\n\r\nPage one\r\n.\r\n..two\r\n"


def test_imap_login_with_and_without_initial_response(exchange, trust):
    with imap(exchange, trust) as client:
        assert client.noop()[0] == "OK"
    with Raw(exchange.imap.port, trust) as client:
        assert client.line().startswith(b"* OK The Microsoft Exchange IMAP4 service is ready. [")
        client.send(b"a AUTHENTICATE XOAUTH2 " + encoded(SCANS, exchange.issue_token()).encode() + b"\r\nb NOOP\r\n")
        assert client.line() == b"a OK AUTHENTICATE completed.\r\n"
        assert client.line() == b"b OK NOOP completed.\r\n"
    assert [(one.user, one.initial_response, one.outcome.value) for one in exchange.imap.logins] == [
        (SCANS, False, "accepted"), (SCANS, True, "accepted")]


def test_imap_on_the_starttls_port(exchange, trust):
    with imaplib.IMAP4("localhost", exchange.imap_starttls.port) as client:
        assert "LOGINDISABLED" in client.capabilities and "AUTH=XOAUTH2" not in client.capabilities
        client.starttls(trust)
        assert "AUTH=XOAUTH2" in client.capabilities
        client.authenticate("XOAUTH2", lambda _: sasl(SCANS, exchange.issue_token()).encode())


def test_pop3_login_takes_two_lines_only(exchange, trust):
    pop3(exchange, trust).quit()
    with Raw(exchange.pop3.port, trust) as client:
        client.line()
        client.send(b"AUTH XOAUTH2 " + encoded(SCANS, exchange.issue_token()).encode() + b"\r\n")
        assert client.line() == b"-ERR Protocol error. Connection is closed. 10\r\n"
        assert client.line() == b""


def test_smtp_login_after_starttls_only(exchange, trust):
    with smtplib.SMTP("localhost", exchange.smtp.port, timeout=5) as client:
        client.ehlo()
        assert client.has_extn("starttls") and not client.has_extn("auth")
        assert client.docmd("AUTH XOAUTH2")[0] == 504
        assert client.mail(SCANS)[0] == 451
        client.starttls(context=trust)
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["LOGIN", "XOAUTH2"] and not client.has_extn("starttls")
        assert client.mail(SCANS)[0] == 530
        assert client.docmd("AUTH XOAUTH2") == (334, b"")
        assert client.docmd(encoded(SCANS, exchange.issue_token())) == (235, b"2.7.0 Authentication successful")
    assert exchange.smtp.records[-1].server_name == "localhost"


def test_passwords_are_refused(exchange, trust):
    with imaplib.IMAP4_SSL("localhost", exchange.imap.port, ssl_context=trust) as client:
        with pytest.raises(imaplib.IMAP4.error, match="Basic authentication is disabled"):
            client.login(SCANS, "password")
    client = poplib.POP3_SSL("localhost", exchange.pop3.port, context=trust)
    client.user(SCANS)
    with pytest.raises(poplib.error_proto, match="Logon failure"):
        client.pass_("password")
    client.close()
    client = smtp_greeted(exchange, trust)
    with pytest.raises(smtplib.SMTPAuthenticationError) as failed:
        client.login(SCANS, "password")
    client.close()
    assert failed.value.smtp_code == 535 and b"5.7.139" in failed.value.smtp_error
    assert {one.outcome.value for one in exchange.logins} == {"password"}


def refused_everywhere(exchange, trust, user, token):
    with pytest.raises(imaplib.IMAP4.error, match=r"AUTHENTICATE failed\."):
        imap(exchange, trust, user, token)
    with pytest.raises(poplib.error_proto, match="unknown user name or bad password"):
        pop3(exchange, trust, user, token)
    client = smtp_greeted(exchange, trust)
    client.docmd("AUTH XOAUTH2")
    code, text = client.docmd(encoded(user, token))
    client.close()
    assert code == 535 and text.startswith(b"5.7.3 Authentication unsuccessful [")
    return {one.outcome.value for one in exchange.logins}


def test_bad_tokens_and_users_are_refused(exchange, trust):
    exchange.add_mailbox("closed@contoso.test", Access.refused)
    good = exchange.issue_token()
    assert refused_everywhere(exchange, trust, SCANS, "made-up") == {"unknown_token"}
    exchange.logins.clear()
    assert refused_everywhere(exchange, trust, SCANS, exchange.issue_token(seconds=0)) == {"expired_token"}
    exchange.logins.clear()
    assert refused_everywhere(exchange, trust, "nobody@contoso.test", good) == {"unknown_mailbox"}
    exchange.logins.clear()
    assert refused_everywhere(exchange, trust, "closed@contoso.test", good) == {"refused"}
    exchange.logins.clear()
    assert refused_everywhere(exchange, trust, SCANS + "\x01user=" + OFFICE, good) == {"malformed"}
    exchange.logins.clear()
    assert refused_everywhere(exchange, trust, SCANS, exchange.issue_token(user=OFFICE)) == {"refused"}
    exchange.logins.clear()
    other = exchange.add_app(roles={"POP.AccessAsApp"})
    with pytest.raises(imaplib.IMAP4.error):
        imap(exchange, trust, SCANS, exchange.issue_token(other))
    assert exchange.logins[-1].outcome.value == "role_missing"


def test_one_token_opens_every_mailbox_granted_to_its_app_and_no_other(exchange, trust):
    token, other = exchange.issue_token(), exchange.add_app()
    exchange.add_mailbox("private@contoso.test", clients={other.client_id})
    for user in (SCANS, OFFICE):
        imap(exchange, trust, user, token).logout()
    client = imap(exchange, trust, "private@contoso.test", token)
    with pytest.raises(imaplib.IMAP4.error, match="User is authenticated but not connected"):
        client.select()
    client.shutdown()
    imap(exchange, trust, "private@contoso.test", exchange.issue_token(other)).logout()


def test_first_logins_are_refused_on_demand(exchange, trust):
    exchange.imap.refuse_logins = 1
    with pytest.raises(imaplib.IMAP4.error):
        imap(exchange, trust)
    imap(exchange, trust).logout()


def test_gmail_challenges_with_json_before_it_refuses(exchange, trust):
    for service in (exchange.imap, exchange.pop3, exchange.smtp):
        service.style = Style.gmail
    exchange.imap.json_status = "401"
    with Raw(exchange.imap.port, trust) as client:
        assert client.line().startswith(b"* OK Gimap ready")
        client.send(b"a AUTHENTICATE XOAUTH2 " + encoded(SCANS, "made-up").encode() + b"\r\n")
        assert json.loads(base64.b64decode(client.line()[2:]))["status"] == "401"
        client.send(b"\r\n")
        assert client.line() == b"a NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n"
    client = smtp_greeted(exchange, trust)
    client.docmd("AUTH XOAUTH2")
    code, challenge = client.docmd(encoded(SCANS, "made-up"))
    assert code == 334 and json.loads(base64.b64decode(challenge))["schemes"] == "Bearer"
    assert client.docmd("")[0] == 535
    client.close()
    smtp(exchange, trust).quit()


def test_session_ends_when_its_token_expires(exchange, trust):
    client = imap(exchange, trust)
    exchange.tokens.expire_all()
    assert client.readline() == b"* BYE Session invalidated - AccessTokenExpired\r\n"
    assert client.readline() == b""
    client.shutdown()


def test_throttled_imap_says_for_how_long(exchange, trust):
    exchange.imap.throttled = True
    client = imap(exchange, trust)
    with pytest.raises(imaplib.IMAP4.error, match="Suggested Backoff Time"):
        client.select()
    client.shutdown()


def test_fourth_submission_of_a_mailbox_at_once_is_refused(exchange, trust):
    clients = [smtp(exchange, trust) for _ in range(3)]
    with pytest.raises(smtplib.SMTPAuthenticationError) as failed:
        smtp(exchange, trust)
    assert failed.value.smtp_code == 432 and failed.value.smtp_error.startswith(b"4.3.2 Concurrent connections limit")
    smtp(exchange, trust, OFFICE).quit()
    clients.pop().quit()
    exchange.wait_until(lambda: exchange.smtp.sessions[SCANS] == 2)
    clients.append(smtp(exchange, trust))
    for client in clients:
        client.quit()


def test_smtp_switched_off_for_the_tenant(exchange, trust):
    exchange.smtp.switched_off = "Tenant"
    with pytest.raises(smtplib.SMTPAuthenticationError) as failed:
        smtp(exchange, trust)
    assert b"SmtpClientAuthentication is disabled for the Tenant" in failed.value.smtp_error


# Mail


def test_message_sent_is_read_back_unchanged_by_pop3_and_imap(exchange, trust):
    with smtp(exchange, trust) as client:
        assert client.sendmail(SCANS, [OFFICE, "someone@elsewhere.example"], MESSAGE) == {}
    assert exchange.mailbox(OFFICE).messages == [MESSAGE]
    assert exchange.mailbox(SCANS).folders["Sent Items"].messages[0].content == MESSAGE
    assert exchange.store.sent_outside[-1] == (SCANS, "someone@elsewhere.example", MESSAGE)
    client = pop3(exchange, trust, OFFICE)
    assert client.stat() == (1, len(MESSAGE))
    assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == MESSAGE
    assert client.top(1, 1)[1][-1] == b"Page one"
    assert client.list()[1] == [f"1 {len(MESSAGE)}".encode()] and client.uidl(1).split()[1] == b"1"
    client.quit()
    with imap(exchange, trust, OFFICE) as client:
        assert client.select() == ("OK", [b"1"])
        assert client.search(None, "UNSEEN") == ("OK", [b"1"])
        assert client.fetch("1", "(BODY.PEEK[])")[1][0][1] == MESSAGE
        assert client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1] == b"Subject: A scan\r\n\r\n"
        assert client.fetch("1", "(BODY.PEEK[]<6.5>)")[1][0][1] == MESSAGE[6:11]
        assert client.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE INTERNALDATE)")[0] == "OK"
        client.fetch("1", "(RFC822)")
        assert client.search(None, "UNSEEN", "SUBJECT", '"scan"') == ("OK", [b""])
        client.store("1", "+FLAGS", r"(\Deleted)")
        assert client.expunge() == ("OK", [b"1"])
    assert exchange.mailbox(OFFICE).messages == []


def test_pop3_deletes_at_quit_only(exchange, trust):
    exchange.mailbox(SCANS).deliver(MESSAGE)
    client = pop3(exchange, trust)
    client.dele(1)
    client.close()
    assert len(exchange.mailbox(SCANS).messages) == 1
    client = pop3(exchange, trust)
    client.dele(1)
    client.rset()
    client.dele(1)
    client.quit()
    assert exchange.mailbox(SCANS).messages == []


def test_large_message_goes_up_and_comes_down_whole(exchange, trust):
    lines = b"".join(hashlib.sha256(bytes([at % 256, at // 256])).hexdigest().encode() + b"\r\n" for at in range(40000))
    large = b"Subject: large\r\n\r\n" + lines
    with imap(exchange, trust) as client:
        client.append("INBOX", r"(\Seen)", None, large)
        client.select()
        assert client.fetch("1", "(FLAGS BODY[])")[1][0][1] == large
    with smtp(exchange, trust) as client:
        client.sendmail(SCANS, [OFFICE], large)
    assert exchange.mailbox(OFFICE).messages == [large]


def test_imap_folders_are_listed_made_and_copied_to(exchange, trust):
    exchange.mailbox(SCANS).deliver(MESSAGE)
    with imap(exchange, trust) as client:
        assert b'(\\HasNoChildren \\Sent) "/" "Sent Items"' in client.list()[1]
        assert client.create("Old")[0] == "OK" and client.namespace()[0] == "OK"
        client.select()
        assert client.copy("1", "Old")[0] == "OK"
        assert client.status("Old", "(MESSAGES UIDNEXT)") == ("OK", [b'"Old" (MESSAGES 1 UIDNEXT 2)'])
        assert client.select("Missing")[0] == "NO"


def test_idle_hears_of_a_new_message(exchange, trust):
    with imap(exchange, trust) as client:
        client.select()
        client.send(b"i IDLE\r\n")
        assert client.readline().startswith(b"+ ")
        threading.Timer(0.05, exchange.mailbox(SCANS).deliver, [MESSAGE]).start()
        assert client.readline() == b"* 1 EXISTS\r\n"
        client.send(b"DONE\r\n")
        assert client.readline() == b"i OK IDLE completed.\r\n"


def test_literals_plus_and_tag_reuse(exchange, trust):
    with Raw(exchange.imap.port, trust) as client:
        client.line()
        client.send(b"A01 AUTHENTICATE XOAUTH2 " + encoded(SCANS, exchange.issue_token()).encode() + b"\r\n")
        client.line()
        client.send(b"A01 APPEND {5+}\r\nINBOX {4}\r\n")
        assert client.line().startswith(b"+ ")
        client.send(b"mail\r\nA01 LIST \"\" *\r\n")
        assert client.line().startswith(b"A01 OK [APPENDUID ")
    assert exchange.mailbox(SCANS).messages == [b"mail"]


def test_foreign_sender_is_refused(exchange, trust):
    with smtp(exchange, trust) as client:
        code, text = client.mail("boss@contoso.test")
        assert code == 550 and text.startswith(b"5.7.60 ")
        forged = MESSAGE.replace(b"From: scans", b"From: boss")
        with pytest.raises(smtplib.SMTPDataError) as failed:
            client.sendmail(SCANS, [OFFICE], forged)
        assert failed.value.smtp_code == 554 and b"SendAsDenied" in failed.value.smtp_error
    assert exchange.mailbox(OFFICE).messages == []


def test_chunks_and_pipelining(exchange, trust):
    client = smtp(exchange, trust)
    client.send(f"MAIL FROM:<{SCANS}> SIZE=10\r\nRCPT TO:<{OFFICE}>\r\nBDAT 3\r\nabcBDAT 4 LAST\r\nde\r\n")
    assert [client.getreply()[0] for _ in range(4)] == [250] * 4
    client.quit()
    assert exchange.mailbox(OFFICE).messages == [b"abcde\r\n"]
