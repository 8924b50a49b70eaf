"""Run in a network namespace of its own, where 169.254.169.254 is this script's: a virtual machine's login by its managed
identity, from the preset's address to the mailbox. Arguments: saslift, a directory."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from exchange import Exchange  # noqa: E402
from exchange_lab import ExchangeLab  # noqa: E402
from running_saslift import new_password  # noqa: E402
from servers.platform import Platform  # noqa: E402
from test_refused_logins import is_yes, login  # noqa: E402


def main(binary, directory):
    for words in (["link", "set", "lo", "up"], ["address", "add", "169.254.169.254/32", "dev", "lo"]):
        subprocess.run(["ip", *words], check=True)
    password = new_password(binary, "device")
    with Exchange() as site:
        lab = ExchangeLab(binary, directory, password, site)
        platform = Platform(site.issue_token, "imds", "https://outlook.office365.com", ("169.254.169.254", 80))
        made = lab.configuration()
        made.provider("exchange", site, imap=(lab.ports()["imap"], "implicit"))
        made.table("identity.one", provider="exchange", grant="managed_identity")
        mailbox = site.add_mailbox("box@contoso.test").address
        made.account("one", password, "one", login="device", mailbox=mailbox)
        made.listeners("imap")
        saslift = lab.run(made)
        answer = login(saslift, "imap", "device", password.text)
        assert is_yes("imap", answer), saslift.process.log()
        assert len(platform.requests) == 1 and platform.refused == 0, platform.requests
        lab.stop()
        platform.stop()


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
