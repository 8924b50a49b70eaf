"""Mail programs that know nothing but a password log in and move mail through saslift, to servers that take only
XOAUTH2."""

import base64
import imaplib
import poplib
import smtplib
import ssl
import subprocess
import uuid

import pytest

from lab import Lab
from running_saslift import Lines
from servers.dovecot import xoauth2
from servers.process import wait_until

USER, MAILBOX = "scanner", "user1@example.test"


def message(subject):
    return (f"From: {MAILBOX}\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n"
            "Date: Sat, 01 Aug 2026 12:00:00 +0000\r\n\r\n"
            ".a line with a dot\r\n\r\nGr\u00fc\u00dfe\r\n").encode()


@pytest.fixture
def subject():
    return f"scan-{uuid.uuid4().hex}"


@pytest.fixture
def delivered(dovecot, subject):
    """Waits for the message of this test in the mailbox and returns its file's text."""

    def look():
        texts = (path.read_bytes() for path in dovecot.messages(MAILBOX))
        return next((text for text in texts if subject.encode() in text), None)

    return lambda: wait_until(look, f"{subject!r} in {MAILBOX}\n{dovecot.log()[-2000:]}")


@pytest.fixture
def waiting(dovecot, subject):
    """A message of this test already in the mailbox."""
    inbox = dovecot.directory / "mail" / MAILBOX / "Maildir" / "new"
    store = 'mkdir -p "$0" "$0/../cur" "$0/../tmp"; cat > "$0/$1"'
    subprocess.run(["runuser", "-u", "mail", "--", "sh", "-c", store, inbox, subject], input=message(subject),
                   check=True)
    return subject.encode()


def run(*arguments, **options):
    done = subprocess.run([str(one) for one in arguments], capture_output=True, timeout=30, **options)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout


# IMAP


def read_by_imap(client, waiting):
    assert client.select("INBOX")[0] == "OK"
    _, [found] = client.search(None, "HEADER", "Subject", waiting.decode())
    _, [(_, text), _] = client.fetch(found, "(BODY.PEEK[])")
    assert text == message(waiting.decode())
    client.logout()


def test_python_imaplib_logs_in_with_login_and_reads_a_message(saslift, password, waiting):
    client = imaplib.IMAP4("127.0.0.1", saslift.port["imap"])
    client.login(USER, password.text)
    read_by_imap(client, waiting)


def test_python_imaplib_logs_in_with_authenticate_plain(saslift, password, waiting):
    client = imaplib.IMAP4("127.0.0.1", saslift.port["imap"])
    assert client.authenticate("PLAIN", lambda _: f"\0{USER}\0{password.text}".encode())[0] == "OK"
    read_by_imap(client, waiting)


def test_the_client_asks_the_server_itself_for_its_capabilities_after_login(saslift, password):
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"]) as client:
        assert "IDLE" not in client.capabilities
        client.login(USER, password.text)
        assert b"IDLE" in client.capability()[1][0].split()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_reads_a_message_by_imap(saslift, password, waiting, mechanism):
    base = f"imap://127.0.0.1:{saslift.port['imap']}/INBOX"
    login = ["curl", "-sS", "--user", f"{USER}:{password.text}", "--login-options", f"AUTH={mechanism}"]
    found = run(*login, base, "-X", f"SEARCH HEADER Subject {waiting.decode()}").split()[-1].decode()
    assert run(*login, f"{base};MAILINDEX={found}") == message(waiting.decode())


def test_mbsync_copies_a_mailbox(saslift, password, waiting, tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "rc").write_text(f"""
IMAPStore far
Host 127.0.0.1
Port {saslift.port["imap"]}
User {USER}
Pass {password.text}
SSLType None
AuthMechs LOGIN

MaildirStore near
Path {tmp_path}/local/
Inbox {tmp_path}/local/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
SyncState *
""")
    run("mbsync", "-c", tmp_path / "rc", "all", env={"HOME": str(tmp_path), "PATH": "/usr/bin"})
    texts = [path.read_bytes() for path in (tmp_path / "local" / "INBOX").glob("[nc][eu][wr]/*")]
    assert sum(waiting in text for text in texts) == 1


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetchmail_collects_mail(saslift, password, waiting, tmp_path, protocol):
    rc = tmp_path / "rc"
    rc.write_text(f'poll 127.0.0.1 protocol {protocol} service {saslift.port[protocol]} auth password\n'
                  f'  username "{USER}" password "{password.text}" keep fetchall sslproto ""\n'
                  f'  mda "cat >> {tmp_path}/got"\n')
    rc.chmod(0o600)
    run("fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--idfile", tmp_path / "ids", "--pidfile", tmp_path / "pid",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "USER": "root"})
    assert (tmp_path / "got").read_bytes().count(b"Subject: " + waiting) == 1


# POP3


def test_python_poplib_logs_in_with_user_and_pass_and_reads_a_message(saslift, password, waiting):
    client = poplib.POP3("127.0.0.1", saslift.port["pop3"], timeout=15)
    client.user(USER)
    client.pass_(password.text)
    count, _ = client.stat()
    texts = (b"\r\n".join(client.retr(number)[1]) + b"\r\n" for number in range(count, 0, -1))
    assert message(waiting.decode()) in texts
    client.quit()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_lists_a_mailbox_by_pop3(saslift, password, waiting, mechanism):
    listed = run("curl", "-sS", "--user", f"{USER}:{password.text}", "--login-options", f"AUTH={mechanism}",
                 f"pop3://127.0.0.1:{saslift.port['pop3']}/")
    assert listed.startswith(b"1 ")


# SMTP


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_python_smtplib_sends_a_message(saslift, password, subject, delivered, mechanism):
    with smtplib.SMTP("127.0.0.1", saslift.port["smtp"], timeout=15) as client:
        client.ehlo()
        client.user, client.password = USER, password.text
        assert client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))[0] == 235
        assert client.sendmail(MAILBOX, [MAILBOX], message(subject)) == {}
    assert delivered().endswith(message(subject).replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_sends_a_message(saslift, password, subject, delivered, mechanism):
    run("curl", "-sS", f"smtp://127.0.0.1:{saslift.port['smtp']}/printer", "--user", f"{USER}:{password.text}",
        "--login-options", f"AUTH={mechanism}", "--mail-from", MAILBOX, "--mail-rcpt", MAILBOX, "--upload-file", "-",
        input=message(subject))
    assert delivered()


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_msmtp_sends_a_message(saslift, password, subject, delivered, tmp_path, mechanism):
    secret = tmp_path / "secret"
    secret.write_text(password.text)
    run("msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={saslift.port['smtp']}", f"--auth={mechanism}",
        f"--user={USER}", f"--passwordeval=cat {secret}", "--tls=off", f"--from={MAILBOX}", MAILBOX,
        input=message(subject).replace(b"\r\n", b"\n"))
    assert delivered()


@pytest.mark.parametrize("how", [["--auth", "PLAIN"], ["--auth", "LOGIN"], ["--auth", "LOGIN", "--pipeline"]])
def test_swaks_sends_a_message(saslift, password, subject, delivered, how):
    run("swaks", "--server", f"127.0.0.1:{saslift.port['smtp']}", "--auth-user", USER, "--auth-password", password.text,
        "--from", MAILBOX, "--to", MAILBOX, "--header", f"Subject: {subject}", *how)
    assert delivered()


ENDINGS = {"LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CR.CR": b"\r.\r", "CRLF.LF": b"\r\n.\n", "CRLF.CR": b"\r\n.\r",
           "CR.CRLF": b"\r.\r\n", "LF.CR": b"\n.\r", "CRLF NUL.CRLF": b"\r\n\0.\r\n"}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_smuggled_end_of_mail_means_to_the_server_what_it_means_without_saslift(saslift, password, postfix, authority,
                                                                                 sign_in, ending):
    """FAULTS 23"""
    inner = f"MAIL FROM:<{MAILBOX}>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\nSubject: inner\r\n\r\ny\r\n.\r\nQUIT\r\n"
    text = b"Subject: smuggled\r\n\r\nx" + ending + inner.encode()

    def replies(client):
        """The reply codes to one DATA with this text, and to whatever it holds."""
        assert client.mail(MAILBOX)[0] == client.rcpt(MAILBOX)[0] == 250
        assert client.docmd("DATA")[0] == 354
        client.sock.sendall(text)
        return [line[:4] for line in client.file.read().split(b"\r\n")]

    direct = smtplib.SMTP("localhost", postfix.smtp, timeout=15)
    direct.starttls(context=ssl.create_default_context(cafile=authority.certificate))
    direct.ehlo()
    assert direct.docmd("AUTH", "XOAUTH2")[0] == 334
    assert direct.docmd(xoauth2(MAILBOX, sign_in.token()["access_token"]))[0] == 235
    through = smtplib.SMTP("127.0.0.1", saslift.port["smtp"], timeout=15)
    through.login(USER, password.text)
    assert replies(through) == replies(direct)


# Other ways to reach a provider


@pytest.fixture(scope="module")
def other_ports(lab_parts):
    """IMAP by STARTTLS and Dovecot's own submission server."""
    lab = Lab(*lab_parts)
    made = lab.configuration()
    made.provider("other", lab.sign_in, imap=(lab.dovecot.imap_starttls, "starttls"),
                  smtp=(lab.dovecot.submission, "starttls"))
    made.identity("office", lab.sign_in, "other")
    made.account("reception", lab.password, "office", login=USER, mailbox=MAILBOX, protocols=["imap", "smtp"])
    made.listeners("imap", "smtp")
    yield lab.run(made)
    lab.stop()


def test_imap_reaches_a_starttls_port(other_ports, password, waiting):
    client = imaplib.IMAP4("127.0.0.1", other_ports.port["imap"])
    client.login(USER, password.text)
    read_by_imap(client, waiting)


def test_smtp_reaches_dovecots_submission_server(other_ports, password, subject):
    with smtplib.SMTP("127.0.0.1", other_ports.port["smtp"], timeout=15) as client:
        client.login(USER, password.text)
        assert client.sendmail(MAILBOX, ["someone@example.test"], message(subject)) == {}


def test_the_log_names_the_mailbox_the_identity_and_the_tokens_life(saslift, password):
    before = len(saslift.events())
    with imaplib.IMAP4("127.0.0.1", saslift.port["imap"]) as client:
        client.login(USER, password.text)

    def told():
        return [event for event in saslift.events()[before:] if event.get("mailbox") == MAILBOX and
                event.get("identity") == "office" and event.get("protocol") == "imap"]

    wait_until(told, saslift.process.log)


# FAULTS 18


def test_commands_pipelined_behind_imap_login_reach_the_server_in_order(saslift, password):
    """FAULTS 18"""
    with Lines(saslift.port["imap"]) as client:
        commands = b"".join(b"n%d NOOP\r\n" % number for number in range(200))
        client.send(f'a LOGIN {USER} "{password.text}"\r\n'.encode() + b"b SELECT INBOX\r\n" + commands +
                    b"c APPEND INBOX {5+}\r\nhello\r\nd LOGOUT\r\n")
        tagged = [line.split()[:2] for line in client.rest().split(b"\r\n") if line and line[:1] not in b"*+"]
    expected = [b"a", b"b"] + [b"n%d" % number for number in range(200)] + [b"c", b"d"]
    assert tagged == [[tag, b"OK"] for tag in expected]


def test_commands_pipelined_behind_pop3_pass_reach_the_server_in_order(saslift, password):
    """FAULTS 18"""
    with Lines(saslift.port["pop3"]) as client:
        client.send(f"USER {USER}\r\nPASS {password.text}\r\n".encode() + b"NOOP\r\n" * 50 + b"STAT\r\nQUIT\r\n")
        replies = client.rest().split(b"\r\n")[:-1]
    assert len(replies) == 55 and all(reply.startswith(b"+OK") for reply in replies), replies
    assert len(replies[53].split()) == 3  # STAT


def test_mail_pipelined_behind_smtp_auth_reaches_the_server_in_order(saslift, password, subject, delivered):
    """FAULTS 18"""
    plain = base64.b64encode(f"\0{USER}\0{password.text}".encode())
    with Lines(saslift.port["smtp"]) as client:
        client.until(b"220 ")
        client.send(b"EHLO printer\r\n")
        client.until(b"250 ")
        client.send(b"AUTH PLAIN " + plain + f"\r\nMAIL FROM:<{MAILBOX}>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\n".encode())
        replies = client.until(b"354")
        assert [line[:3] for line in replies] == [b"235", b"250", b"250", b"354"], replies
        client.send(message(subject).replace(b"\r\n.", b"\r\n..") + b".\r\nQUIT\r\n")
        assert [line[:3] for line in client.rest().split(b"\r\n")[:-1]] == [b"250", b"221"]
    assert delivered().endswith(message(subject).replace(b"\r\n", b"\n"))
