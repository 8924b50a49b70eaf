"""Test certificates by the openssl command: two authorities and whatever a test wants signed."""

import subprocess


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options).stdout


class Authority:
    def __init__(self, directory, name):
        self.directory = directory / name
        self.directory.mkdir()
        self.directory.chmod(0o755)
        self.key = self.directory / "ca.key"
        self.certificate = self.directory / "ca.pem"
        self._new_key(self.key)
        openssl("req", "-x509", "-key", self.key, "-out", self.certificate, "-days", 30, "-subj", f"/CN=Test CA {name}",
                "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign")

    @staticmethod
    def _new_key(path):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)

    def issue(self, name, subject="/CN=localhost", alternative="DNS:localhost", days=30):
        """Returns (certificate file, key file); negative days: already expired."""
        key, request, certificate = (self.directory / f"{name}.{end}" for end in ("key", "csr", "pem"))
        self._new_key(key)
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\n" if alternative else "basicConstraints=CA:false\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                *self._life(days), "-extfile", extensions, "-out", certificate)
        return certificate, key

    @staticmethod
    def _life(days):
        # OpenSSL 3.5 refuses negative days, 3.0 knows no dates.
        if days < 0 and b"-not_after" in subprocess.run(["openssl", "x509", "-help"], capture_output=True).stderr:
            return "-not_before", "20200101000000Z", "-not_after", "20200102000000Z"
        return "-days", days

    def self_signed(self, name, alternative="DNS:localhost"):
        key, certificate = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        self._new_key(key)
        openssl("req", "-x509", "-key", key, "-out", certificate, "-days", 30, "-subj", "/CN=localhost",
                "-addext", f"subjectAltName={alternative}")
        return certificate, key

    def for_signing(self, name):
        """(certificate file, key file) of a client that signs for itself."""
        key, certificate = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", 30, "-subj",
                f"/CN={name}")
        return certificate, key
