"""What an image holds, and what it must not."""

import os
import stat
from pathlib import Path

MOST_BYTES = 60_000_000
# By what they are called everywhere: a shell, or what installs things.
UNWANTED = {"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "toybox", "perl", "python3", "apt", "apt-get", "dpkg",
            "rpm", "apk", "dnf", "curl", "wget"}


def files_in(root):
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if not path.is_symlink() and path.is_file():
                yield path


def total_bytes(root):
    return sum(path.stat().st_size for path in files_in(root))


def faults(root):
    """Of a root file system that should hold one program."""
    programs = set()
    for path in files_in(root):
        mode = path.stat().st_mode
        inside = path.relative_to(root).as_posix()
        if mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"{inside} runs as somebody else"
        if mode & 0o022:
            yield f"{inside} may be written by others"
        if path.name in UNWANTED:
            yield f"{inside} has no business here"
        if mode & 0o111 and ".so" not in path.name:
            programs.add(inside)
    if programs != {"usr/bin/saslift"}:
        yield f"the programs are {sorted(programs)}"
    if total_bytes(root) > MOST_BYTES:
        yield f"{total_bytes(root)} bytes are more than {MOST_BYTES}"


def listing(root):
    """One line a directory, but for time zones and documents one for all: bytes, files, names."""
    groups = {}
    for path in files_in(root):
        parts = path.relative_to(root).parent.parts
        place = "/".join(parts[:3] if parts[:2] == ("usr", "share") else parts)
        groups.setdefault(place, []).append(path)
    for place, paths in sorted(groups.items()):
        names = sorted({path.name for path in paths})
        size = sum(path.stat().st_size for path in paths)
        shown = " ".join(names) if len(paths) == len(names) <= 20 else f"{len(paths)} files"
        yield f"{size:>10}  /{place}: {shown}"
