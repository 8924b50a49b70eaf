"""Runs the stand-in by itself and prints one line of JSON: ports, CA file, app and tenant. Ends on SIGTERM, SIGINT or
when standard input is closed. Mailboxes are the arguments, or scans@contoso.test and office@contoso.test."""

import json
import os
import select
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exchange import Exchange  # noqa: E402


def main():
    end, told = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(told, b"x"))
    with Exchange() as exchange:
        mailboxes = sys.argv[1:] or ["scans@contoso.test", "office@contoso.test"]
        for address in mailboxes:
            exchange.add_mailbox(address)
        print(json.dumps({"ports": exchange.ports, "ca_file": str(exchange.ca_file), "tenant": exchange.tenant,
                          "client_id": exchange.client_id, "client_secret": exchange.client_secret,
                          "scope": exchange.scope, "token_endpoint": exchange.token_endpoint, "mailboxes": mailboxes}),
              flush=True)
        while True:
            ready, _, _ = select.select([end, 0], [], [])
            if end in ready or not os.read(0, 4096):
                return


main()
