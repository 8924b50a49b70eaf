"""FAULTS 62: testssl.sh finds nothing above LOW at any listener as it is by default."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from exchange.certificates import Authority
from exchange_lab import ExchangeLab
from tls_doors import PROTOCOLS, Doors

# Protocols, ciphers, forward secrecy, server's preference, known attacks, certificate.
CHECKS = ("-p", "-s", "-f", "-P", "-U", "-S")
HARMLESS = {"OK", "INFO", "LOW", "DEBUG"}
# Of the tool's own surroundings, not of the listener's.
ABOUT_THE_TOOL = {"engine_problem"}


@pytest.fixture(scope="module")
def audited(binary, directory, password, exchange_site):
    lab = ExchangeLab(binary, directory, password, exchange_site)
    configuration, [office] = lab.at(lab.ports(), workers=1)
    place = configuration.directory / "authority"
    place.mkdir()
    authority = Authority(place)
    leaf = authority.issue("leaf", "DNS:localhost,IP:127.0.0.1", key="rsa:2048", days=(-1, 300),
                           extensions=["crlDistributionPoints=URI:http://crl.lab.example/ca.crl"])
    file = configuration.directory / "tls.pem"
    file.write_text(leaf.chain.read_text() + leaf.key.read_text())
    file.chmod(0o600)
    doors = Doors(lab, configuration, office)
    for protocol in PROTOCOLS:
        for tls in ("implicit", "starttls"):
            doors.add(f"{protocol} {tls}", protocol, tls, certificate="file:tls.pem")
    doors.add("legacy", "smtp", "implicit", certificate="file:tls.pem", legacy_tls=True)
    yield doors.open(), authority
    lab.stop()


def audit(doors, authority, listener, checks=CHECKS):
    """{finding: severity} of what testssl.sh says."""
    protocol, _, tls = listener.partition(" ")
    report = doors.configuration.directory / f"{listener.replace(' ', '-')}.json"
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--add-ca", authority.certificate,
               "--jsonfile", report, *checks]
    if tls == "starttls":
        command += ["-t", protocol]
    ran = subprocess.run([*map(str, command), f"localhost:{doors.port[listener]}"], stdin=subprocess.DEVNULL,
                         capture_output=True, timeout=800)
    assert report.is_file(), ran.stdout.decode()[-2000:]
    return {one["id"]: one["severity"] for one in json.loads(report.read_text())}


def above_low(found):
    return {key: severity for key, severity in found.items() if severity not in HARMLESS and key not in ABOUT_THE_TOOL}


def test_nothing_above_low_at_any_listener(audited):
    doors, authority = audited
    wanted = [name for name in doors.names if name != "legacy"]
    with ThreadPoolExecutor(3) as pool:
        found = dict(zip(wanted, pool.map(lambda name: audit(doors, authority, name), wanted)))
    for name, findings in found.items():
        looked_at = {"TLS1_2", "TLS1_3", "secure_renego", "ROBOT", "LUCKY13", "cert_chain_of_trust"}
        assert looked_at <= findings.keys(), name
    assert {name: above_low(findings) for name, findings in found.items()} == {name: {} for name in wanted}


def test_the_same_tool_finds_what_a_legacy_listener_takes(audited):
    doors, authority = audited
    assert "BEAST_CBC_TLS1" in above_low(audit(doors, authority, "legacy", ("-p", "--beast")))
