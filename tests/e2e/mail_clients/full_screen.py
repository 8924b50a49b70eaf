"""Programs that are made for a person at a terminal, driven through a pseudo-terminal."""

import os
import pty
import subprocess
import time


def on_a_terminal(door, arguments, done, keys=(), seconds=20):
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


def _mutt(program, door):
    url = f"{door.protocol.replace('pop3', 'pop')}{'s' if door.tls == 'implicit' else ''}://{door.user}@{door.host}:{door.port}"
    common = (f'set ssl_force_tls={"yes" if door.tls != "off" else "no"}\nset ssl_starttls={"yes" if door.tls == "starttls" else "no"}\n'
              f'set certificate_file="{door.ca_file}"\nset header_cache=""\nset record=""\n'
              f'set from="{door.mailbox}"\nset use_from=yes\nset use_envelope_from=yes\nset move=no\nset confirmappend=no\nset confirmcreate=no\n'
              f'set pop_delete=no\nset pop_last=no\n')
    if program == "neomutt":
        common = common.replace('set header_cache=""\n', "")
    if door.protocol == "smtp":
        rc = door.file("rc", common + f'set smtp_url="{url}"\nset smtp_pass="{door.password}"\n'
                                      'set smtp_authenticators="login"\n')
        return door.run(program, "-F", rc, "-s", door.subject, "--", door.mailbox, input=b"A line\n")
    name = "imap" if door.protocol == "imap" else "pop"
    got = door.directory / "got"
    rc = door.file("rc", common + f'set {name}_pass="{door.password}"\nset folder="{door.directory}"\nset spoolfile="{url}"\n'
                                  'set mbox_type=mbox\nset wait_key=no\nset quit=yes\n'
                                  f'push "<tag-pattern>~s {door.subject}<enter><tag-prefix><copy-message><kill-line>{got}<enter><exit>"\n')

    def copied():
        return got.exists() and door.subject.encode() in got.read_bytes()

    on_a_terminal(door, [program, "-F", rc, "-f", url + ("/INBOX" if door.protocol == "imap" else "")], copied)
    return got.read_bytes()


def mutt(door):
    return _mutt("mutt", door)


def neomutt(door):
    return _mutt("neomutt", door)
