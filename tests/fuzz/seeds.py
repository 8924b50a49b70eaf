"""seeds.py DIRECTORY: beginnings for the fuzz targets, out of the dialogue scripts and the example configuration."""

import base64
import codecs
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
PROTOCOLS = ("imap", "pop3", "smtp")


def expanded(text):
    """As tests/dialogues/script.h has it, as far as a seed is worth it."""
    def brace(found):
        kind, content = found[1], found[2]
        if kind == "plain":
            content = "\0".join(content.split(","))
        if kind == "repeat":
            return content.rpartition(",")[0] * 3
        return base64.b64encode(content.encode("latin-1", "replace")).decode()

    text = re.sub(r"\\(r|n|t|\\|\"|x[0-9A-Fa-f]{2})", lambda found: codecs.decode(found[0], "unicode_escape"), text)
    return re.sub(r"\{(b64|plain|xoauth2|oauthbearer|repeat):([^}]*)\}", brace, text).encode("latin-1", "replace")


def spoken(script, side):
    said = b""
    for line in script.read_text().splitlines():
        if line.startswith(side + ":"):
            said += expanded(line[3:]) + b"\r\n"
        elif line.startswith(side + "<"):
            said += expanded(line[3:])
    return said


def main(directory):
    for role, side in (("client_side", "C"), ("server_side", "S")):
        folder = directory / f"{role}s"
        folder.mkdir(parents=True, exist_ok=True)
        for number, protocol in enumerate(PROTOCOLS):
            for script in (TESTS / "dialogues" / protocol / role).glob("*.script"):
                settings = number | (0x80 if "starttls: offered" in script.read_text() or "tls: starttls" in
                                     script.read_text() else 0)
                head = bytes([settings, "? accepted" in script.read_text()][:1 + (side == "C")])
                (folder / f"{protocol}_{script.stem}").write_bytes(head + spoken(script, side))
    mail = b"EHLO x\r\nMAIL FROM:<a@b.c> SIZE=9\r\nRCPT TO: <d@e.f>\r\nDATA\r\n%s\r\n.\r\nQUIT\r\n"
    messages = (b"From: a@b.c\r\nSubject: x\r\n y\r\n\r\n..\r\n.x", b"\r\nbody", b"From: a\r\nFrom: b\r\nReply-To: c\r\n", b"a\nb\rc")
    for target, seeds in {
            "rewriting": [b"\1" + mail % one for one in messages] + [b"\0" + mail % messages[0] * 2],
            "heads": [b"GET /metrics?x HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                      b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)],
            "frames": [b"\x04\x08\0\xa0", b"\0\1\0\xa0"],
            "configuration": [(TESTS.parent / "config" / "example.toml").read_bytes()]}.items():
        (directory / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (directory / target / f"seed{number}").write_bytes(seed)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
