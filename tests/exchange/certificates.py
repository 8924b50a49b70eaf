"""Test certificates by the openssl command: an authority, good leaves, and the ones nobody should take."""

import datetime
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("DNS:localhost,DNS:outlook.office365.com,DNS:smtp.office365.com,DNS:login.microsoftonline.com,DNS:mail.test,"
         "IP:127.0.0.1,IP:::1")


def openssl(*arguments):
    ran = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"openssl {' '.join(map(str, arguments))}:\n{ran.stderr}")


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Level 0: some of these certificates are too weak for our own side to load.
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain, self.key)
        return context


class Authority:
    def __init__(self, directory, name="exchange"):
        self.directory = Path(directory) / name
        self.directory.mkdir()
        self.key, self.certificate = self.directory / "ca.key", self.directory / "ca.pem"
        _new_key(self.key, "ec")
        openssl("req", "-x509", "-key", self.key, "-out", self.certificate, "-days", 30, "-subj", f"/CN=Test CA {name}",
                "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, name, names=NAMES, subject="/CN=localhost", key="rsa:2048", days=(-1, 30), digest="sha256",
              extensions=(), issuer=None):
        """names: what subjectAltName holds, or None; days: first and last day of validity from now; issuer: another
        Certificate that signs in our place, whether it may or not."""
        made = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        request, database = self.directory / f"{name}.csr", self.directory / f"{name}.index"
        _new_key(made.key, key)
        openssl("req", "-new", "-key", made.key, "-subj", subject, "-out", request)
        database.touch()
        lines = [f"subjectAltName={names}"] if names else []
        settings = self.directory / f"{name}.conf"
        settings.write_text("\n".join([
            "[ca]", "default_ca=this", "[this]", f"database={database}", f"new_certs_dir={self.directory}",
            f"default_md={digest}", "policy=any", "rand_serial=yes", "unique_subject=no", "x509_extensions=leaf",
            "[any]", "commonName=optional", "[leaf]", "basicConstraints=CA:FALSE", *lines, *extensions, ""]))
        first, last = (_asn1_time(day) for day in days)
        openssl("ca", "-batch", "-notext", "-config", settings, "-in", request, "-out", made.chain, "-startdate", first,
                "-enddate", last, "-cert", issuer.chain if issuer else self.certificate,
                "-keyfile", issuer.key if issuer else self.key)
        if issuer:
            made.chain.write_text(made.chain.read_text() + issuer.chain.read_text())
        return made

    def self_signed(self, name, names=NAMES):
        made = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        _new_key(made.key, "ec")
        openssl("req", "-x509", "-key", made.key, "-out", made.chain, "-days", 30, "-subj", "/CN=localhost",
                "-addext", f"subjectAltName={names}")
        return made


def wrong_certificates(authority, host="localhost"):
    """FAULTS 58: {why: Certificate}, each wrong for a client that asks for host and trusts this authority."""
    good = f"DNS:{host}"
    stranger = Authority(authority.directory, "stranger")
    leaf = authority.issue("leaf-as-issuer", good, key="ec")
    return {
        "wrong_host": authority.issue("wrong-host", "DNS:elsewhere.example", "/CN=elsewhere.example", "ec"),
        "expired": authority.issue("expired", good, key="ec", days=(-30, -1)),
        "not_yet_valid": authority.issue("not-yet-valid", good, key="ec", days=(2, 30)),
        "self_signed": authority.self_signed("self-signed", good),
        "unknown_ca": stranger.issue("unknown-ca", good, key="ec"),
        "name_in_cn_only": authority.issue("cn-only", None, f"/CN={host}", "ec"),
        "ip_san_only": authority.issue("ip-san-only", "IP:127.0.0.1", f"/CN={host}", "ec"),
        "top_level_wildcard": authority.issue("star-com", "DNS:*.com,DNS:*", "/CN=*.com", "ec"),
        "partial_wildcard": authority.issue("partial-wildcard", f"DNS:{host[0]}*{host[2:]}", "/CN=x", "ec"),
        "nul_in_name": authority.issue("nul-in-name", _dns_name_in_der(host.encode() + b"\0.evil.example"), "/CN=x",
                                       "ec"),
        "weak_key": authority.issue("weak-key", good, key="rsa:1024"),
        "sha1_signature": authority.issue("sha1-signature", good, key="ec", digest="sha1"),
        "for_clients_only": authority.issue("for-clients-only", good, key="ec", extensions=[
            "extendedKeyUsage=clientAuth"]),
        "signed_by_a_leaf": authority.issue("signed-by-a-leaf", good, key="ec", issuer=leaf),
    }


def _new_key(path, kind):
    if kind == "ec":
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    else:
        openssl("genrsa", "-out", path, kind.removeprefix("rsa:"))


def _asn1_time(days):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return moment.strftime("%Y%m%d%H%M%SZ")


def _dns_name_in_der(name):
    """One dNSName with bytes that openssl's own syntax cannot write. RFC 5280 4.2.1.6."""
    inner = bytes([0x82, len(name)]) + name
    return "DER:" + (bytes([0x30, len(inner)]) + inner).hex(":")
