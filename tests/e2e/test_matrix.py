"""The quick rows of the README's matrix; ./dev matrix tries all of them and fills it."""

import pytest

from matrix_table import PROGRAMS, TLS, Site


@pytest.fixture(scope="module")
def site(lab_parts, authority, tmp_path_factory):
    made = Site(lab_parts, authority, tmp_path_factory.mktemp("matrix"))
    yield made
    made.stop()


QUICK = [(program, protocol, tls) for program in PROGRAMS if program.quick for protocol in program.protocols
         for tls in TLS]
NAMES = [f"{program.name}-{protocol}-{tls}" for program, protocol, tls in QUICK]


@pytest.mark.parametrize("program, protocol, tls", QUICK, ids=NAMES)
def test_a_mail_program_reads_or_sends_a_message_over_each_kind_of_connection(site, program, protocol, tls):
    site.try_out(program, protocol, tls)
