"""What the service is configured with: an identity whose secret systemd hands over, one that a person has signed in for,
one whose secret a command prints, an account of each, and the three ports of saslift.socket beside one of its own."""

from exchange.grants import DELEGATED_SCOPE

PORTS = {"imap": 143, "pop3": 110, "smtp": 587}
OWN_PORT = 25  # below 1024 too, and not in saslift.socket
METRICS = 9464
LOGIN, MAILBOX = "scanner", "scans@contoso.test"
BY_PERSON, BY_COMMAND = "jane", "archive"
OWNER = "jane@contoso.test"


class Site:
    def __init__(self, service, exchange, password):
        self.service, self.exchange, self.password = service, exchange, password
        exchange.add_mailbox(MAILBOX)
        exchange.add_mailbox(OWNER)
        self.person, self.archive = exchange.add_app(), exchange.add_app()
        self.person.proofs.public = True

    def write(self, more=""):
        """more: tables besides."""
        self.service.file("ca.pem", self.exchange.ca_file.read_text(), 0o644)
        self.service.file("office.secret", self.exchange.client_secret, 0o600)
        self.service.file("jane.token", self.person.proofs.new_refresh_token(OWNER), 0o600)
        self.service.file("archive.secret", self.archive.client_secret, 0o644)
        self.service.file("saslift.toml", self.text() + more, 0o644)

    def text(self):
        ports = self.exchange.ports
        listeners = [*PORTS.items(), ("smtp", OWN_PORT)]
        return f"""[service]
hostname = "saslift.contoso.test"
drain = "30s"
ca_file = "ca.pem"
metrics = "127.0.0.1:{METRICS}"

[log]
format = "json"

[provider.stand_in]
imap = {{ host = "localhost", port = {ports["imap"]}, tls = "implicit" }}
pop3 = {{ host = "localhost", port = {ports["pop3"]}, tls = "implicit" }}
smtp = {{ host = "localhost", port = {ports["smtp"]}, tls = "starttls" }}
token_endpoint = "{self.exchange.token_endpoint}"
scope = "{self.exchange.scope}"

[identity.office]
provider = "stand_in"
client_id = "{self.exchange.client_id}"
client_secret = "credential:office.secret"

[identity.person]
provider = "stand_in"
client_id = "{self.person.client_id}"
grant = "refresh_token"
refresh_token = "credential:jane.token"
owner = "{OWNER}"
scope = "{DELEGATED_SCOPE}"

[identity.archive]
provider = "stand_in"
client_id = "{self.archive.client_id}"
client_secret = "command:/bin/cat /etc/saslift/archive.secret"

{self.account(LOGIN, "office", MAILBOX)}
{self.account(BY_PERSON, "person", OWNER)}
{self.account(BY_COMMAND, "archive", MAILBOX)}
""" + "\n".join(f'[[listener]]\nprotocol = "{protocol}"\naddress = "127.0.0.1:{port}"\n' for protocol, port in listeners)

    def account(self, name, identity, mailbox):
        return f'[account.{name}]\npassword = "{self.password.hash}"\nidentity = "{identity}"\nmailbox = "{mailbox}"\n'
