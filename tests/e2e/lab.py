"""Configurations for the servers here, and saslift running on them."""

import pathlib
import tempfile

from running_saslift import Configuration, Saslift
from servers.dovecot import REFUSED_MAILBOX


class Lab:
    def __init__(self, binary, directory, password, sign_in, dovecot, postfix):
        self.binary, self.directory, self.password = binary, directory, password
        self.sign_in, self.dovecot, self.postfix = sign_in, dovecot, postfix
        self.running = []

    def configuration(self, **service):
        """[service] and [log]; the rest is the test's."""
        directory = pathlib.Path(tempfile.mkdtemp(prefix="saslift-", dir=self.directory))
        made = Configuration(directory)
        made.table("service", **{"state_dir": str(directory / "state"), "workers": 1, "drain": "10s", **service})
        made.table("log", format="json")
        return made

    def office(self, **service):
        """One identity at Dovecot and Postfix, its accounts, and a listener for each protocol."""
        made = self.configuration(**service)
        made.provider("lab", self.sign_in, imap=(self.dovecot.imap, "implicit"), pop3=(self.dovecot.pop3, "implicit"),
                      smtp=(self.postfix.smtp, "starttls"))
        made.identity("office", self.sign_in, "lab")
        made.account("reception", self.password, "office", login="scanner", mailbox="user1@example.test")
        for name in ("user2", "user3", "large"):
            made.account(name, self.password, "office", login=f"{name}@example.test")
        made.account("no_rights", self.password, "office", login="no-rights", mailbox=REFUSED_MAILBOX)
        made.listeners("imap", "pop3", "smtp")
        return made

    def run(self, configuration, before=()):
        one = Saslift(self.binary, configuration.directory, configuration, before)
        self.running.append(one)
        return one

    def tokens(self):
        """All that were issued: none of them may be in a log."""
        return self.sign_in.tokens

    def stop(self):
        failures = []
        for one in self.running:
            try:
                one.stop(self.tokens())
            except AssertionError as failure:
                failures.append(failure)
        self.running.clear()
        if failures:
            raise failures[0]
