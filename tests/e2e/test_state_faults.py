"""Refresh tokens outlive whatever happens to a save: a thousand of them, killed or failed at every call to the file
system in turn (FAULTS 41, 42). The provider's rule is Entra's: an older refresh token stays valid."""

import os
import re
import subprocess
from dataclasses import dataclass, field

import pytest

SAVER = os.environ["STATE_SAVER"]
SAVES = 1000
ERRORS = ("ENOSPC", "EIO", "EROFS")
CALLS = ("openat", "read", "write", "fsync", "close", "unlink", "link", "rename", "mkdir", "flock", "newfstatat", "fstat")
LINE = re.compile(r"^(?:\d+ )?(\w+)\((.*)$")
NAME = re.compile(r"""[</"]((?:state(?:\.[a-z]+)*)|state_dir)[>"]""")


@dataclass(frozen=True)
class Point:
    """A call to the file system that a save makes."""
    call: str
    file: str


@dataclass
class Tally:
    saves: int = 0
    refused: int = 0
    killed: int = 0
    hit: set = field(default_factory=set)  # (fault, Point)


def points_of(trace):
    """[(Point, whether it was tampered with)]"""
    found = []
    for line in trace.splitlines():
        call = LINE.match(line)
        if call and call[1] in CALLS:
            file = NAME.search(call[2])
            found.append((Point(call[1], file[1] if file else "?"), "(INJECTED)" in line))
    return found


class Keeping:
    """A state directory, and saves into it under strace."""

    def __init__(self, directory):
        self.directory = directory / "state_dir"
        self.trace = directory / "trace"
        self.least = 0  # saved for sure

    def run(self, saves, *injections):
        """What the saver said, and the trace."""
        watched = [f"{self.directory}/{name}" for name in
                   ("state", "state.new", "state.previous", "state.previous.new", "state.key", "state.key.new",
                    "state.lock")]
        command = ["strace", "-y", "-o", self.trace, "-e", "signal=none", "-e", "trace=" + ",".join(CALLS)]
        for path in (str(self.directory), *watched):
            command += ["-P", path]
        for injection in injections:
            command += ["-e", f"inject={injection}"]
        ended = subprocess.run([*command, SAVER, self.directory, str(saves)], capture_output=True, text=True, timeout=60)
        assert ended.returncode in (0, -9, 137), (ended.returncode, ended.stderr)
        return ended.stdout.splitlines(), self.trace.read_text()

    def check(self, said, context):
        """The state opens by itself and holds a token that the provider takes: none older than what was saved."""
        tried = [int(line.split()[1]) for line in said if line.startswith("trying ")]
        saved = [int(line.split()[1]) for line in said if line.startswith("saved ")]
        self.least = max([self.least, *saved])
        now = subprocess.run([SAVER, self.directory], capture_output=True, text=True, timeout=60).stdout.splitlines()
        assert len(now) == 1 and now[0].startswith("holds "), (context, now, said, self.trace.read_text())
        held = int(now[0].split()[1])
        assert self.least <= held <= max([self.least, *tried]), (context, now, said, self.trace.read_text())
        self.least = held
        return len(tried), len(tried) - len(saved)


@pytest.fixture(scope="module")
def tally():
    return Tally()


@pytest.fixture
def keeping(tmp_path):
    return Keeping(tmp_path)


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """The calls of three saves from nothing on, in order."""
    keeping = Keeping(tmp_path_factory.mktemp("clean"))
    said, trace = keeping.run(3)
    assert said == ["holds 0", "trying 1", "saved 1", "trying 2", "saved 2", "trying 3", "saved 3"]
    return [point for point, _ in points_of(trace)]


def note(tally, keeping, said, trace, fault, context):
    saves, without = keeping.check(said, context)
    tally.saves += saves
    hit = {(fault, point) for point, tampered in points_of(trace) if tampered}
    if fault == "SIGKILL":
        tally.killed += without
    else:
        tally.refused += without
    tally.hit |= hit
    return hit


def test_a_save_makes_the_calls_that_make_it_safe(points):
    """What is failed below is all of it: written beside, forced to disk, renamed, and the directory forced."""
    last = points
    for save in range(2):
        last = last[last.index(Point("rename", "state.new")):]
        last = last[last.index(Point("fsync", "state_dir")) + 1:]
    for point in (Point("write", "state.new"), Point("fsync", "state.new"), Point("link", "state"),
                  Point("rename", "state.previous.new"), Point("rename", "state.new"), Point("fsync", "state_dir")):
        assert point in last, (point, last)
    order = [last.index(Point(*pair)) for pair in (("write", "state.new"), ("fsync", "state.new"),
                                                   ("rename", "state.new"), ("fsync", "state_dir"))]
    assert order == sorted(order), last


@pytest.mark.parametrize("fault", (*ERRORS, "SIGKILL"))
def test_every_call_of_the_first_saves_fails_once(fault, points, tmp_path, tally):
    """In turn, each in a directory of its own."""
    seen = {}
    for at, point in enumerate(points):
        seen[point.call] = seen.get(point.call, 0) + 1
        how = "signal=KILL" if fault == "SIGKILL" else f"error={fault}"
        one = tmp_path / str(at)
        one.mkdir()
        keeping = Keeping(one)
        said, trace = keeping.run(3, f"{point.call}:{how}:when={seen[point.call]}")
        if fault == "SIGKILL":
            assert trace.rstrip().endswith("= ?"), (point, trace)  # the call that never came back
            tally.hit.add((fault, point))
        hit = note(tally, keeping, said, trace, fault, point)
        assert fault == "SIGKILL" or (fault, point) in hit, (point, trace)


@pytest.mark.parametrize("fault", ERRORS)
def test_saves_one_after_another_while_the_disk_fails_again_and_again(fault, keeping, points, tally):
    """The same directory all along: what one failure leaves behind is what the next save finds."""
    calls = sorted({point.call for point in points})
    for step in (2, 3, 5):
        for call in calls:
            said, trace = keeping.run(12, f"{call}:error={fault}:when=1+{step}")
            note(tally, keeping, said, trace, fault, (call, step))


def test_a_thousand_saves(tally, keeping, points):
    """Topped up with kills at each call again, in one directory."""
    at = 0
    while tally.saves < SAVES:
        point = points[at % len(points)]
        said, trace = keeping.run(6, f"{point.call}:signal=KILL:when={1 + at % 7}")
        note(tally, keeping, said, trace, "SIGKILL", (point, at))
        at += 1
    faults = {fault: len([point for name, point in tally.hit if name == fault]) for fault in (*ERRORS, "SIGKILL")}
    print(f"\n{tally.saves} saves: {tally.refused} refused by the disk, {tally.killed} killed; "
          f"calls hit: {faults}; no grant lost, every state opened")
    assert all(count >= len(set(points)) for count in faults.values()), faults
