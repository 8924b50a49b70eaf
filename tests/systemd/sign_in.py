"""A person who signs in by a browser elsewhere: npm's oidc-provider of the end-to-end tests, and the tables for it."""

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from image.trial import demand

END_TO_END = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(END_TO_END))

from servers.certificates import Authority  # noqa: E402
from servers.sign_in import DELEGATED_SCOPE, SignIn  # noqa: E402

IDENTITY, PERSON = "people", "jane@people.test"


@contextlib.contextmanager
def sign_in_service():
    with tempfile.TemporaryDirectory(prefix="saslift-systemd-") as directory:
        service = SignIn(END_TO_END, Path(directory), Authority(Path(directory), "people"))
        try:
            service.person(PERSON)
            yield service
        finally:
            service.stop()


def tables(service, imap_port):
    return f"""
[provider.people]
imap = {{ host = "localhost", port = {imap_port}, tls = "implicit" }}
token_endpoint = "{service.token_endpoint}"
authorization_endpoint = "{service.authorization_endpoint}"
device_authorization_endpoint = "{service.device_authorization_endpoint}"
scope = "{DELEGATED_SCOPE}"
ca_file = "people.pem"

[identity.{IDENTITY}]
provider = "people"
grant = "device_code"
client_id = "{service.native.client_id}"
owner = "{PERSON}"
"""


def signs_in(service, words):
    """words: the command line of `saslift sign-in`. What it has said."""
    said = ""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as command:
        for line in command.stdout:
            said += line
            if found := re.search(r"  or open   (https://\S+)", line):
                service.browser().open(found[1])
    demand(command.returncode == 0 and f"Signed in as {PERSON}." in said, f"saslift sign-in: {said}")
    return said
