"""A way into saslift, and what a mail program is to do there."""

import pathlib
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    protocol: str  # imap, pop3, smtp
    tls: str  # off, starttls, implicit
    port: int
    ca_file: pathlib.Path
    user: str
    password: str
    mailbox: str
    subject: str
    directory: pathlib.Path  # the program's own

    host = "localhost"

    @property
    def message(self):
        return (f"From: {self.mailbox}\r\nTo: {self.mailbox}\r\nSubject: {self.subject}\r\n"
                f"Message-ID: <{self.subject}@example.test>\r\nDate: Sat, 01 Aug 2026 12:00:00 +0000\r\n\r\n"
                "A line\r\n").encode()

    def file(self, name, text, mode=0o600):
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def run(self, *arguments, timeout=60, **options):
        """What it printed; a failure's words are the assertion's."""
        environment = {"HOME": str(self.directory), "PATH": "/usr/bin:/bin", "USER": "root", "LOGNAME": "root",
                       "TERM": "dumb", "LANG": "C.UTF-8"} | options.pop("env", {})
        done = subprocess.run([str(one) for one in arguments], capture_output=True, timeout=timeout, env=environment,
                              cwd=self.directory, **options)
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{arguments[0]} ended with {done.returncode}: {said.decode(errors='replace')}"
        return done.stdout


class Cannot(Exception):
    """The program has no way to do this, and why."""
