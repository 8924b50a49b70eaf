"""Programs that are made for a person at a terminal, driven through a pseudo-terminal."""

import os
import pty
import subprocess
import time


def on_a_terminal(door, arguments, done, keys=(), seconds=60):
    """Runs it on a terminal of its own until done(); `keys`: (what the screen shows, what is then typed)."""
    master, slave = pty.openpty()
    environment = {"HOME": str(door.directory), "PATH": "/usr/bin:/bin", "TERM": "vt100", "LANG": "C.UTF-8",
                   "USER": "root", "LINES": "40", "COLUMNS": "120"}
    child = subprocess.Popen([str(one) for one in arguments], stdin=slave, stdout=slave, stderr=slave, env=environment,
                             cwd=door.directory, start_new_session=True)
    os.close(slave)
    os.set_blocking(master, False)
    screen, waiting, deadline = b"", list(keys), time.monotonic() + seconds
    try:
        while not done() and child.poll() is None and time.monotonic() < deadline:
            try:
                screen += os.read(master, 65536)
            except (BlockingIOError, OSError):
                time.sleep(0.02)
            if waiting and waiting[0][0] in screen:
                os.write(master, waiting.pop(0)[1])
                screen = b""
        assert done(), f"it did not get there; its screen: {screen[-600:]!r}"
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(10)
        os.close(master)


def _settings(program, door):
    lines = [f'set ssl_force_tls={"no" if door.tls == "off" else "yes"}',
             f'set ssl_starttls={"yes" if door.tls == "starttls" else "no"}', f'set certificate_file="{door.ca_file}"',
             'set record=""', f'set from="{door.mailbox}"', "set use_from=yes", "set use_envelope_from=yes",
             "set move=no", "set confirmappend=no", "set confirmcreate=no", "set pop_delete=no", "set pop_last=no"]
    if program == "mutt":
        lines.append('set header_cache=""')
    return lines


def _mutt(program, door):
    scheme = {"imap": "imap", "pop3": "pop", "smtp": "smtp"}[door.protocol] + ("s" if door.tls == "implicit" else "")
    url = f"{scheme}://{door.user}@{door.host}:{door.port}"
    lines = _settings(program, door)
    if door.protocol == "smtp":
        lines += [f'set smtp_url="{url}"', f'set smtp_pass="{door.password}"', 'set smtp_authenticators="login"']
        rc = door.file("rc", "\n".join(lines) + "\n")
        return door.run(program, "-F", rc, "-s", door.subject, "--", door.mailbox, input=b"A line\n")
    got = door.directory / "got"
    lines += [f'set {scheme.rstrip("s")}_pass="{door.password}"', f'set folder="{door.directory}"',
              "set mbox_type=mbox",
              f'set spoolfile="{url}"', "set wait_key=no", "set quit=yes",
              f'push "<tag-pattern>~s {door.subject}<enter><tag-prefix><copy-message><kill-line>{got}<enter><exit>"']
    rc = door.file("rc", "\n".join(lines) + "\n")

    def copied():
        return got.exists() and door.subject.encode() in got.read_bytes()

    on_a_terminal(door, [program, "-F", rc, "-f", url + ("/INBOX" if door.protocol == "imap" else "")], copied)
    return got.read_bytes()


def mutt(door):
    return _mutt("mutt", door)


def neomutt(door):
    return _mutt("neomutt", door)


def _at(door):
    """As alpine names a server."""
    tls = {"off": "notls", "starttls": "tls", "implicit": "ssl"}[door.tls]
    service = "submit" if door.protocol == "smtp" else door.protocol
    return f"{{{door.host}:{door.port}/{service}/{tls}/user={door.user}}}"


def alpine(door):
    got = door.directory / "got"
    features = ("send-without-confirm", "allow-changing-from", "quell-user-lookup-in-passwd-file",
                "disable-password-file-saving")
    lines = [f"system-certs-file={door.ca_file}", f"feature-list={','.join(features)}", "user-domain=example.test",
             f"customized-hdrs=From: {door.mailbox}", f"default-fcc={got}", "index-format=SUBJECT(80%)",
             "last-version-used=9.99"]
    lines += ([f"smtp-server={_at(door)[1:-1]}", f"inbox-path={door.directory}/inbox"] if door.protocol == "smtp" else
              [f"inbox-path={_at(door)}INBOX"])
    program = ["alpine", "-p", door.file("rc", "\n".join(lines) + "\n")]
    password = (b"ASSWORD", f"{door.password}\r".encode())
    if door.protocol == "smtp":
        got.touch()
        program += ["-url", f"mailto:{door.mailbox}?subject={door.subject}&body=A%20line"]
        keys = [(b"A line", b"\x18"), password]  # ^X sends
    else:
        program.append("-i")
        keys = [password, (b"matrix-", f"W{door.subject}\rE".encode()), (b"EXPORT", f"{got}\r".encode())]
    on_a_terminal(door, program, lambda: got.exists() and door.subject.encode() in got.read_bytes(), keys)
    return got.read_bytes()
