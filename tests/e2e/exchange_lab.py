"""Configurations for the stand-in for Exchange Online, and saslift running on them."""

import itertools

from lab import Lab
from servers.process import wait_until

ENDS = {"imap": "implicit", "pop3": "implicit", "smtp": "starttls"}


class Office:
    """An identity with an app registration and a mail domain of its own; any mailbox of the domain is a login."""

    def __init__(self, exchange, name):
        self.exchange, self.name, self.app = exchange, name, exchange.add_app()
        self._numbers = itertools.count(1)

    def mailbox(self, **rights):
        """A new one; its address is its login."""
        return self.exchange.add_mailbox(f"box{next(self._numbers)}@{self.name}.test", **rights).address

    @property
    def requests(self):
        """What the token endpoint was asked on behalf of this identity."""
        return [one for one in self.exchange.requests if one.form.get("client_id") == [self.app.client_id]]


class ExchangeLab(Lab):
    def __init__(self, binary, directory, password, exchange):
        super().__init__(binary, directory, password, exchange, dovecot=None, postfix=None)
        self.exchange = exchange

    def tokens(self):
        return [token.text for token in self.exchange.tokens.issued]

    def ports(self):
        return {protocol: getattr(self.exchange, protocol).port for protocol in ENDS}

    def at(self, ports, protocols=tuple(ENDS), tls=None, offices=1, listener=None, **service):
        """That many offices at servers on these ports: (configuration, offices). tls: other than Exchange's.
        listener: what each [[listener]] has besides."""
        made = self.configuration(**service)
        ends = {protocol: (ports[protocol], (tls or ENDS)[protocol]) for protocol in protocols}
        made.provider("exchange", self.exchange, **ends)
        numbered = [Office(self.exchange, f"office{number}") for number in range(1, offices + 1)]
        for office in numbered:
            made.identity(office.name, office.app, "exchange")
            made.account(f"{office.name}_all", self.password, office.name, login=f"*@{office.name}.test",
                         protocols=list(protocols), shared_password=True)
        made.listeners(*protocols, **(listener or {}))
        return made, numbered

    def run_at(self, ports, **options):
        """(saslift, office)"""
        made, [office] = self.at(ports, **options)
        return self.run(made), office


def session_end(saslift, user):
    """The event that tells why the last session of this login ended."""
    return saslift.wait_for_event("session_ended", login=user)


def connection_of(service, number=-1):
    """The record of a connection to the stand-in, once it is there."""
    wait_until(lambda: service.records, f"a connection to {service.name}")
    return service.records[number]
