"""What lies under docker/: read as those who use it read it, as far as the files here need."""

import os
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
DEFAULT_DRAIN = 25
# Where the containers find secrets.
SECRET_PLACE = re.compile(r"/run/secrets/(?:saslift/)?([\w.]+)")


def load(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def duration(text):
    """Of the configuration or of compose, in seconds."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def make_secrets(directory):
    """One file for each secret that a configuration here may name."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                    "-subj", "/CN=mail.contoso.com", "-keyout", directory / "key.pem", "-out", directory / "ca.pem"],
                   check=True, capture_output=True)
    (directory / "tls.pem").write_text((directory / "ca.pem").read_text() + (directory / "key.pem").read_text())
    (directory / "office.secret").write_text("not a secret of anybody's\n")
    (directory / "token").write_text("a.b.c\n")
    for path in directory.iterdir():
        path.chmod(0o600)
    return directory


def checked(binary, text, secrets, environment=()):
    """`saslift check` of a configuration whose secrets lie elsewhere."""
    text = SECRET_PLACE.sub(lambda found: str(secrets / found[1]), text).replace("/site/exchange", str(secrets))
    path = secrets / "saslift.toml"
    path.write_text(text)
    return subprocess.run([binary, "check", "--config", path], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], **dict(environment)})


def drain_of(text):
    found = re.search(r'^\s*drain\s*=\s*"(.+?)"', text, re.MULTILINE)
    return duration(found[1]) if found else DEFAULT_DRAIN
