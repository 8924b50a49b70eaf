"""docker/compose.yaml brought up by Compose as its readers do it, with the image under trial as the sidecar."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from .containers import output_of
from .trial import demand, wait_until

FILE = Path(__file__).resolve().parents[2] / "docker/compose.yaml"
LEAST_VERSION = 2  # the one before it knows neither `name` nor `configs`


def compose_here():
    """The words that call it: docker's, or the program of its own that Debian has; nothing where neither is."""
    for words in (["docker", "compose"], ["docker-compose"]):
        try:
            ran = subprocess.run([*words, "version", "--short"], capture_output=True, text=True)
        except OSError:
            continue
        if ran.returncode == 0 and int(ran.stdout.strip().lstrip("v").split(".")[0]) >= LEAST_VERSION:
            return words
    return []


class Project:
    """base: what the two other services are built on."""

    def __init__(self, compose, image, base, directory):
        name = f"saslift-image-{os.getpid()}"
        here = Path(directory, "here.json")
        here.write_text(json.dumps({"services": {"saslift": {"image": image}}}))
        self._words = [*compose, "--project-name", name, "--file", str(FILE), "--file", str(here)]
        self._base = base

    def up(self):
        self._do("build", "--quiet", "--build-arg", f"BASE={self._base}", "exchange", "application")
        self._do("up", "--detach", "--no-build")

    def down(self):
        self._do("down", "--volumes", "--rmi", "local", "--timeout", "10")

    def stop(self):
        self._do("stop")

    def log(self, service):
        return subprocess.run(["docker", "logs", self._container(service)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True).stdout

    def state(self, service):
        return json.loads(output_of("docker", "inspect", "--format", "{{json .State}}", self._container(service)))

    def _container(self, service):
        return self._do("ps", "--all", "--quiet", service).strip()

    def _do(self, *arguments):
        return output_of(*self._words, *arguments)


def application_sends(compose, image, base):
    with tempfile.TemporaryDirectory(prefix="saslift-image-") as directory:
        project = Project(compose, image, base, directory)
        try:
            project.up()
            wait_until(lambda: " 250 2.0.0 OK" in project.log("application"), "a message of the application's", 120)
            wait_until(lambda: project.state("saslift")["Health"]["Status"] == "healthy", "the sidecar is healthy", 120)
            project.stop()
            ended = project.state("saslift")
            demand(ended["ExitCode"] == 0, f"the sidecar's exit code is {ended['ExitCode']}\n{project.log('saslift')}")
            accepted = [line for line in project.log("application").splitlines() if " 250 2.0.0 OK" in line][0].strip()
        finally:
            project.down()
    version = output_of(*compose, "version", "--short").strip()
    return (f"Compose {version} brought it up: the application's swaks gets {accepted}; the sidecar is healthy and stops with "
            "exit code 0 inside its grace period")
