import ssl

import pytest

from exchange import Exchange
from exchange.clients import OFFICE, SCANS


@pytest.fixture(scope="session")
def running():
    with Exchange(pace=0.001) as exchange:
        yield exchange


@pytest.fixture
def exchange(running):
    """With two empty mailboxes, no switches and no records."""
    running.clear()
    running.add_mailbox(SCANS)
    running.add_mailbox(OFFICE)
    return running


@pytest.fixture
def trust(exchange):
    return ssl.create_default_context(cafile=exchange.ca_file)
