"""Containers of one image, by docker, by podman, or by runc on what buildah has built. All of them have a read-only root,
no capability, no new privileges and this machine's network."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


def output_of(*words):
    ran = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {ran.stderr.strip()}")
    return ran.stdout


@dataclass
class Wish:
    """How a container is wanted: as which user, with which files of ours, with which empty writable directories."""

    name: str
    user: str
    files: dict         # ours -> its path in there
    writable: tuple = ()


class Engine:
    """docker or podman."""

    def __init__(self, name, image, base):
        """base: what the image was built on."""
        self.name, self.image, self.base = name, image, base
        self.enforced_by = f"{name} run --read-only --cap-drop ALL --security-opt no-new-privileges --user"

    def close(self):
        """Its containers are gone when they end."""

    def facts(self):
        inspected = json.loads(output_of(self.name, "image", "inspect", self.image))[0]
        return {**inspected["Config"], "Healthcheck": inspected["Config"].get("Healthcheck") or
                inspected.get("Healthcheck")}

    @contextlib.contextmanager
    def root_filesystem(self):
        """Of the image: in a container an engine adds files of its own."""
        with tempfile.TemporaryDirectory(prefix="saslift-image-") as directory:
            saved, root = Path(directory, "saved"), Path(directory, "root")
            saved.mkdir()
            root.mkdir()
            output_of("sh", "-c", f"{self.name} save {self.image} | tar -x -C {saved}")
            [manifest] = json.loads((saved / "manifest.json").read_text())
            for layer in manifest["Layers"]:
                output_of("tar", "-x", "-f", saved / layer, "-C", root)
            yield root

    def run_words(self, wish, arguments):
        words = [self.name, "run", "--rm", "--name", wish.name, "--network", "host", "--user", wish.user, "--read-only",
                 "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        if self.name == "podman":
            words += ["--read-only-tmpfs=false", "--image-volume=tmpfs"]
        for ours, theirs in wish.files.items():
            words += ["--volume", f"{ours}:{theirs}:ro"]
        for directory in wish.writable:
            words += ["--tmpfs", f"{directory}:mode=1777"]
        return [*words, self.image, *arguments]

    def exec_words(self, name, arguments):
        return [self.name, "exec", name, self.facts()["Entrypoint"][0], *arguments]

    def pid(self, name):
        return int(output_of(self.name, "inspect", "--format", "{{.State.Pid}}", name))


class Runc:
    """What buildah has built, run by runc: the program that docker runs containers with."""

    def __init__(self, image):
        self.name, self.image = "runc", image
        self.enforced_by = "runc, which docker uses too: root.readonly, no capabilities, noNewPrivileges, process.user"
        self._container = output_of("buildah", "from", "--pull-never", image).strip()
        self._root = Path(output_of("buildah", "mount", self._container).strip())
        self._bundles = tempfile.mkdtemp(prefix="saslift-bundles-")

    def close(self):
        output_of("buildah", "umount", self._container)
        output_of("buildah", "rm", self._container)
        shutil.rmtree(self._bundles)

    def facts(self):
        return json.loads(output_of("buildah", "inspect", "--type", "image", self.image))["Docker"]["config"]

    @contextlib.contextmanager
    def root_filesystem(self):
        yield self._root

    def run_words(self, wish, arguments):
        facts = self.facts()
        bundle = Path(tempfile.mkdtemp(dir=self._bundles))
        output_of("runc", "spec", "--bundle", bundle)
        settings = json.loads((bundle / "config.json").read_text())
        user, _, group = wish.user.partition(":")
        settings["root"] = {"path": str(self._root), "readonly": True}
        settings["process"] |= {
            "terminal": False, "user": {"uid": int(user), "gid": int(group or 0)}, "noNewPrivileges": True,
            "args": [*facts["Entrypoint"], *arguments], "env": facts["Env"],
            "capabilities": {kind: [] for kind in settings["process"]["capabilities"]}, "rlimits": []}
        settings["linux"]["namespaces"] = [one for one in settings["linux"]["namespaces"] if one["type"] != "network"]
        # An engine gives a container these three.
        of_engine = {f"/etc/{name}": f"/etc/{name}" for name in ("hosts", "hostname", "resolv.conf")}
        files = {theirs: ours for ours, theirs in of_engine.items()} | {
            theirs: ours for ours, theirs in wish.files.items()}
        settings["mounts"] += [{"destination": theirs, "source": str(ours), "type": "bind", "options": ["bind", "ro"]}
                               for theirs, ours in files.items()]
        # So it does with the volumes that the image declares.
        settings["mounts"] += [{"destination": place, "source": "tmpfs", "type": "tmpfs",
                                "options": ["nosuid", "nodev", "noexec", "mode=1777"]}
                               for place in {*wish.writable, *(facts.get("Volumes") or {})}]
        (bundle / "config.json").write_text(json.dumps(settings))
        return ["runc", "run", "--bundle", str(bundle), wish.name]

    def exec_words(self, name, arguments):
        return ["runc", "exec", name, self.facts()["Entrypoint"][0], *arguments]

    def pid(self, name):
        return json.loads(output_of("runc", "state", name))["pid"]


class Container:
    """Where the program runs, as demo.Saslift wants it: in a container of its own, which sees each file of ours under
    /etc/saslift."""

    def __init__(self, engine, name, user, writable=(), more_files=()):
        self._engine = engine
        self.wish = Wish(f"{name}-{os.getpid()}", user, dict(more_files), writable)

    def sees(self, path):
        theirs = f"/etc/saslift/{Path(path).name}"
        self.wish.files[str(path)] = theirs
        # What only its owner may read has to be the container's user's.
        if Path(path).stat().st_mode & 0o004 == 0:
            owner, _, group = self.wish.user.partition(":")
            os.chown(path, int(owner), int(group or 0))
        return theirs

    def words(self, *arguments):
        return self._engine.run_words(self.wish, arguments)

    def execute(self, *arguments):
        return subprocess.run(self._engine.exec_words(self.wish.name, arguments), capture_output=True, text=True)

    @property
    def pid(self):
        return self._engine.pid(self.wish.name)
