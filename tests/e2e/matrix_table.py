"""Which mail program can do what through saslift: each row a program, each cell one real try."""

import uuid
from dataclasses import dataclass
from typing import Callable

from lab import Lab
from mail_clients import full_screen, libraries, small_programs, thunderbird
from mail_clients.door import Cannot, Door
from servers.process import wait_until

PROTOCOLS = ("imap", "pop3", "smtp")
TLS = ("off", "starttls", "implicit")
USER, MAILBOX = "matrix", "user3@example.test"


@dataclass(frozen=True)
class Program:
    name: str
    protocols: tuple
    use: Callable
    quick: bool = False  # also in ./dev test
    package: str = ""  # Debian's, where it has another name


PROGRAMS = (
    Program("curl", PROTOCOLS, small_programs.curl, quick=True),
    Program("fetchmail", ("imap", "pop3"), small_programs.fetchmail, quick=True),
    Program("getmail6", ("imap", "pop3"), small_programs.getmail6),
    Program("mbsync", ("imap",), small_programs.mbsync, quick=True, package="isync"),
    Program("offlineimap3", ("imap",), small_programs.offlineimap3),
    Program("mutt", PROTOCOLS, full_screen.mutt),
    Program("neomutt", PROTOCOLS, full_screen.neomutt),
    Program("alpine", PROTOCOLS, full_screen.alpine),
    Program("Thunderbird", PROTOCOLS, thunderbird.thunderbird, package="thunderbird"),
    Program("s-nail", PROTOCOLS, small_programs.s_nail),
    Program("msmtp", ("smtp",), small_programs.msmtp, quick=True),
    Program("mpop", ("pop3",), small_programs.mpop),
    Program("swaks", ("smtp",), small_programs.swaks, quick=True),
    Program("nullmailer", ("smtp",), small_programs.nullmailer),
    Program("Python (imaplib, poplib, smtplib)", PROTOCOLS, libraries.python, quick=True, package="python3"),
    Program("Perl (Net::POP3, Net::SMTP)", ("pop3", "smtp"), libraries.perl, package="perl"),
    Program("JavaMail", PROTOCOLS, libraries.java_mail, package="libmail-java"),
    Program("nodemailer", ("smtp",), libraries.nodemailer),
    Program("imapflow", ("imap",), libraries.imapflow),
    Program("PHPMailer", ("smtp",), libraries.php_mailer, package="libphp-phpmailer"),
)


class Site:
    """One saslift with a listener for each protocol and kind of TLS, and a mailbox behind it."""

    def __init__(self, lab_parts, authority, directory):
        self.lab, self.authority, self.directory = Lab(*lab_parts), authority, directory
        made = self.lab.office(workers=2)
        made.tables = [table for table in made.tables if table[0] != "[[listener]]"]
        made.account(USER, self.lab.password, "office", login=USER, mailbox=MAILBOX)
        certificate, key = authority.issue("listener")
        pem = made.directory / "listener.pem"
        pem.write_bytes(certificate.read_bytes() + key.read_bytes())
        pem.chmod(0o600)
        for protocol in PROTOCOLS:
            for tls in TLS:
                fields = {"protocol": protocol, "address": "127.0.0.1:0", "tls": tls}
                if tls != "off":
                    fields["certificate"] = f"file:{pem.name}"
                made.tables.append(("[[listener]]", fields))
        self.saslift = self.lab.run(made)
        self.port = {(event["protocol"], event["tls"]): int(event["address"].rsplit(":", 1)[1])
                     for event in self.saslift.events("listening")}

    def door(self, protocol, tls):
        subject = f"matrix-{uuid.uuid4().hex}"
        own = self.directory / subject
        own.mkdir(mode=0o700)
        return Door(protocol, tls, self.port[protocol, tls], self.authority.certificate, USER, self.lab.password.text,
                    MAILBOX, subject, own)

    def try_out(self, program, protocol, tls):
        """Raises Cannot, or whatever shows that it did not work."""
        door = self.door(protocol, tls)
        if protocol == "smtp":
            program.use(door)
            self._wait_for(door)
        else:
            small_programs.msmtp(self._outgoing(door))
            self._wait_for(door)
            assert door.subject.encode() in program.use(door), "it read no such message"

    def _wait_for(self, door):
        def has_come():
            try:
                return any(door.subject.encode() in path.read_bytes() for path in self.lab.dovecot.messages(MAILBOX))
            except FileNotFoundError:  # Dovecot moves it from new to cur meanwhile
                return False

        wait_until(has_come, f"{door.subject} in {MAILBOX}", seconds=30)

    def _outgoing(self, door):
        own = door.directory / "outgoing"
        own.mkdir()
        return Door("smtp", "off", self.port["smtp", "off"], door.ca_file, door.user, door.password, door.mailbox,
                    door.subject, own)

    def stop(self):
        self.lab.stop()


def tried(site, program, protocol, tls):
    """(mark, reason)"""
    try:
        site.try_out(program, protocol, tls)
        return "yes", ""
    except Cannot as reason:
        return "no", str(reason)
    except Exception as failure:  # a program's failure is a cell, not the end of the table
        return "no", " ".join(str(failure).replace(str(site.directory), "").split())[-200:]
