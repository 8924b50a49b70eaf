"""A mailbox of a thousand messages, fetched through saslift and from Dovecot directly: not a byte differs."""

import hashlib
import random
import subprocess

import pytest

from lab import Lab
from servers.dovecot import is_2_3

USER, MAILBOX = "thousand", "thousand@example.test"
COUNT = 1000


def text_of(number):
    """Short and long, 8-bit, dots, bare CR; the same each time."""
    dice = random.Random(number)
    lines = [f"line {line} " + "".join(dice.choice("abc .\u00fc") for _ in range(dice.randrange(300)))
             for line in range(dice.randrange(1, 40))]
    lines += [".", "..", "." * dice.randrange(1, 5), "x" * dice.randrange(900, 1200), "From here"]
    dice.shuffle(lines)
    head = [f"From: sender{number}@example.test", f"To: {MAILBOX}", f"Subject: number {number}",
            f"Message-ID: <{number}@thousand.test>", "Date: Sat, 01 Aug 2026 12:00:00 +0000", ""]
    return "\n".join(head + lines).encode() + b"\n"


@pytest.fixture(scope="module")
def mailbox(dovecot):
    inbox = dovecot.directory / "mail" / MAILBOX / "Maildir" / "cur"
    subprocess.run(["runuser", "-u", "mail", "--", "mkdir", "-p", inbox, inbox.parent / "new", inbox.parent / "tmp"],
                   check=True)
    for number in range(COUNT):
        path = inbox / f"1785585600.{number:04}.thousand:2,"
        path.write_bytes(text_of(number))
    subprocess.run(["chown", "-R", "mail:mail", inbox.parent], check=True)
    return inbox.parent


@pytest.fixture(scope="module")
def thousand(lab_parts, mailbox):
    lab = Lab(*lab_parts)
    made = lab.office(workers=2)
    made.account(USER, lab.password, "office", login=USER, mailbox=MAILBOX)
    yield lab.run(made)
    lab.stop()


def run(*arguments, directory):
    environment = {"HOME": str(directory), "PATH": "/usr/bin:/bin:/usr/sbin", "USER": "root"}
    done = subprocess.run([str(one) for one in arguments], capture_output=True, timeout=120, env=environment)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")[-2000:]


@pytest.fixture(scope="module")
def directly(dovecot, mailbox):
    """Dovecot's own IMAP server for this mailbox, on a pipe: no login, no saslift."""
    configuration = dovecot.directory / "direct.conf"
    mail = (f"mail_location = maildir:{mailbox}\n" if is_2_3() else
            f"mail_driver = maildir\nmail_path = {mailbox}\n")
    head = "" if is_2_3() else "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"
    configuration.write_text(f"{head}log_path = {dovecot.directory}/direct.log\nssl = no\nmail_fsync = never\n{mail}")
    return (f"/usr/sbin/runuser -u mail -- /usr/bin/env USER=mail HOME={mailbox.parent} "
            f"/usr/bin/doveadm -c {configuration} exec imap")


def by_mbsync(far, directory):
    (directory / "local").mkdir(parents=True)
    (directory / "rc").write_text(f"IMAPStore far\n{far}\n\nMaildirStore near\nPath {directory}/local/\n"
                                  f"Inbox {directory}/local/INBOX\n\nChannel all\nFar :far:\nNear :near:\n"
                                  "Patterns INBOX\nSync Pull\nCreate Near\nSyncState *\n")
    run("mbsync", "-c", directory / "rc", "all", directory=directory)
    files = sorted((directory / "local" / "INBOX").glob("[nc][eu][wr]/*"))
    # mbsync adds a field of its own, and its numbers.
    texts = [b"".join(line for line in path.read_bytes().splitlines(True) if not line.startswith(b"X-TUID:"))
             for path in files]
    return sorted(hashlib.sha256(text).hexdigest() for text in texts)


def by_fetchmail(poll, directory):
    (directory / "got").mkdir(parents=True)
    rc = directory / "rc"
    rc.write_text(f"{poll} keep fetchall no rewrite sslproto ''\n"
                  f"  mda \"sh -c 'cat > $(mktemp {directory}/got/XXXXXXXX)'\"\n")
    rc.chmod(0o600)
    run("fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--invisible", "--idfile", directory / "ids", "--pidfile",
        directory / "pid", directory=directory)
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in (directory / "got").iterdir())


def test_mbsync_gets_the_same_thousand_messages_through_saslift_and_directly(thousand, password, directly, tmp_path):
    through = by_mbsync(f"Host 127.0.0.1\nPort {thousand.port['imap']}\nUser {USER}\nPass {password.text}\n"
                        "SSLType None\nAuthMechs LOGIN", tmp_path / "through")
    direct = by_mbsync(f'Tunnel "{directly}"', tmp_path / "direct")
    assert len(through) == COUNT
    assert through == direct
    assert through == sorted(hashlib.sha256(text_of(number)).hexdigest() for number in range(COUNT))


def test_fetchmail_gets_the_same_thousand_messages_through_saslift_and_directly(thousand, password, directly, tmp_path):
    through = by_fetchmail(f'poll 127.0.0.1 protocol imap service {thousand.port["imap"]} auth password\n'
                           f'  username "{USER}" password "{password.text}"', tmp_path / "through")
    direct = by_fetchmail(f'poll localhost protocol imap plugin "{directly}" auth ssh\n'
                          f'  username "{USER}"', tmp_path / "direct")
    assert len(through) == COUNT
    assert through == direct
