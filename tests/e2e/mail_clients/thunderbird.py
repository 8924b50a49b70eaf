"""Thunderbird without a window, told what to do through Marionette, the remote control of its own tests."""

import json
import pathlib
import socket
import subprocess

from servers.process import wait_until

HERE = pathlib.Path(__file__).resolve().parent
SETTINGS = {
    "marionette.port": 0,  # any; it is then told in the profile
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.shell.checkDefaultClient": False,
    "mailnews.start_page.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
}


class _Marionette:
    """Messages are JSON with the length before it: [0, number, command, parameters] and [1, number, error, result]."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=90)
        self.stream = self.socket.makefile("rb")
        self._next()
        self.number = 0

    def _next(self):
        length = b""
        while byte := self.stream.read(1).rstrip(b":"):
            length += byte
        assert length, "Thunderbird has ended"
        return json.loads(self.stream.read(int(length)))

    def call(self, command, **parameters):
        self.number += 1
        text = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, number, error, result = self._next()
        assert number == self.number and not error, error["message"]
        return result

    def close(self):
        self.stream.close()
        self.socket.close()


def _port(profile, child, log):
    told = profile / "MarionetteActivePort"

    def listening():
        assert child.poll() is None, f"it ended: {log.read_text()[-500:]}"
        return told.exists() and told.read_text()

    return int(wait_until(listening, "Marionette's port", seconds=60))


def _told(door):
    names = ("protocol", "tls", "host", "port", "user", "password", "mailbox", "subject")
    return {name: getattr(door, name) for name in names} | {"certificate": door.ca_file.read_text()}


def thunderbird(door):
    profile, log = door.directory / "profile", door.directory / "log"
    profile.mkdir()
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in SETTINGS.items())
    (profile / "user.js").write_text("".join(lines))
    environment = {"HOME": str(door.directory), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    with open(log, "wb") as output:
        child = subprocess.Popen(["thunderbird", "--headless", "--no-remote", "--profile", profile, "--marionette",
                                  "--remote-allow-system-access"], stdout=output, stderr=output, env=environment,
                                 cwd=door.directory)
    try:
        marionette = _Marionette(_port(profile, child, log))
        marionette.call("WebDriver:NewSession")
        marionette.call("WebDriver:SetTimeouts", script=60000)
        marionette.call("Marionette:SetContext", value="chrome")
        script = (HERE / "thunderbird.js").read_text()
        got = marionette.call("WebDriver:ExecuteScript", script=script, args=[_told(door)])["value"]
        marionette.call("Marionette:Quit", flags=["eForceQuit"])
        marionette.close()
        child.wait(30)
        return (got or "").encode()
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(10)
