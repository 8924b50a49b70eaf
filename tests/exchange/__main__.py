"""Runs the stand-in by itself and prints one line of JSON: ports, CA file, app and tenant. Ends on SIGTERM, SIGINT or
when standard input is closed. Where something else is configured for it beforehand, --address, --port, --directory and
the app's two values are fixed; else all is made anew."""

import argparse
import json
import os
import select
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exchange import Exchange  # noqa: E402


def port_of_service(text):
    name, port = text.split("=")
    return name, int(port)


def arguments():
    parser = argparse.ArgumentParser(prog="exchange", description=__doc__)
    parser.add_argument("mailboxes", nargs="*", default=["scans@contoso.test", "office@contoso.test"])
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", action="append", type=port_of_service, default=[], metavar="SERVICE=PORT",
                        help="entra, imap, imap_starttls, pop3, smtp; once for each")
    parser.add_argument("--directory", type=Path, help="for the certificates; what was left there goes")
    parser.add_argument("--client-id")
    parser.add_argument("--client-secret-file", type=Path)
    return parser.parse_args()


def exchange_for(chosen):
    if chosen.directory:
        shutil.rmtree(chosen.directory / "exchange", ignore_errors=True)
    exchange = Exchange(directory=chosen.directory, address=chosen.address, ports=dict(chosen.port))
    secret = chosen.client_secret_file.read_text().strip() if chosen.client_secret_file else None
    if chosen.client_id or secret:
        exchange.app = exchange.add_app(client_id=chosen.client_id, client_secret=secret)
    for address in chosen.mailboxes:
        exchange.add_mailbox(address)
    return exchange


def main():
    chosen = arguments()
    end, told = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(told, b"x"))
    with exchange_for(chosen) as exchange:
        print(json.dumps({"ports": exchange.ports, "ca_file": str(exchange.ca_file), "tenant": exchange.tenant,
                          "client_id": exchange.client_id, "client_secret": exchange.client_secret,
                          "scope": exchange.scope, "token_endpoint": exchange.token_endpoint,
                          "mailboxes": chosen.mailboxes}), flush=True)
        while True:
            ready, _, _ = select.select([end, 0], [], [])
            if end in ready or not os.read(0, 4096):
                return


main()
