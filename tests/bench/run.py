#!/usr/bin/python3
"""Measures saslift beside HAProxy, which relays but does no login, and beside going direct. Needs root, for Dovecot."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import measure
import servers
import subjects as under_test
from processes import Failed

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("cmake", "dovecot", "haproxy", "openssl")
IN_MEMORY = pathlib.Path("/dev/shm")
ROOM_BYTES = 3_000_000_000


@dataclasses.dataclass(frozen=True)
class Row:
    figure: str
    title: str
    aim: float | None = None
    aim_is_ratio: bool = True


ROWS = (
    Row("login_cpu_ms", "CPU per login, ms", 1.00),
    Row("login_p50_ms", "login p50, ms"),
    Row("login_over_direct_ms", "login p50 over direct, ms"),
    Row("down_cpu_s_gb", "CPU s per GB down", 0.85),
    Row("up_cpu_s_gb", "CPU s per GB up", 0.90),
    Row("idle_kib", "KiB per idle session", 1.00),
    Row("rest_mb", "at rest, MB PSS", 20, aim_is_ratio=False),
    Row("start_up_ms", "start-up, ms"),
    Row("login_p95_ms", "login p95, ms"),
    Row("down_mb_s", "MB/s down"),
    Row("up_mb_s", "MB/s up"),
)


def tell(text):
    print(text, file=sys.stderr, flush=True)


def build(directory, targets):
    configure = ["cmake", "--preset", "release", "-B", str(directory)]
    for command in (configure, ["cmake", "--build", str(directory), "--target", *targets]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=sys.stderr)


def work_directory():
    """In memory where there is room, so that no disk is measured."""
    roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM_BYTES
    path = tempfile.mkdtemp(prefix="saslift-bench-", dir=IN_MEMORY if roomy else None)
    os.chmod(path, 0o755)
    return pathlib.Path(path)


@contextlib.contextmanager
def many_sessions():
    """Descriptors and inotify instances for hundreds of sessions and Dovecot processes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16384
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    path = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
    before = path.read_text()
    raised = False
    if int(before) < 4096:
        with contextlib.suppress(OSError):
            path.write_text("4096")
            raised = True
    try:
        yield
    finally:
        if raised:
            path.write_text(before)


class Benchmark:
    def __init__(self, size, driver, directory):
        self.size = size
        self.driver = driver
        self.directory = directory
        self.figures = {}  # {subject: {figure: [one value per round]}}
        self.failures = []

    def run(self, saslift_binary, record_bytes):
        key = secrets.token_bytes(32)
        token = servers.make_token(key)
        certificates = servers.Certificates(self.directory / "certificates")
        upstream_port = servers.free_port(servers.localhost_addresses())
        with contextlib.ExitStack() as stack:
            subjects = [under_test.HaproxyRelay(self.directory / "haproxy", upstream_port, certificates, token)]
            if saslift_binary:
                endpoint = servers.TokenEndpoint(certificates, token)
                stack.callback(endpoint.stop)
                subjects.append(under_test.Saslift(self.directory / "saslift", saslift_binary, upstream_port,
                                                   certificates, endpoint.url))
            for subject in subjects:
                stack.callback(subject.end)
            self._alone(subjects)

            dovecot = servers.Dovecot(self.directory / "dovecot", key)
            stack.callback(dovecot.stop)
            dovecot.deliver(self.driver.message(measure.DOWN_MESSAGE))
            far_end = servers.HaproxyTlsEnd(self.directory / "far", upstream_port, certificates, dovecot, record_bytes)
            stack.callback(far_end.stop)
            self._under_load(under_test.Direct(upstream_port, certificates, token), subjects, dovecot)

    def _alone(self, subjects):
        """Before anything else runs: a library that other processes use as well counts only in part."""
        for turn in self._rounds(subjects):
            for subject in turn:
                self._take("at rest", subject, measure.at_rest)

    def _under_load(self, direct, subjects, dovecot):
        size, driver = self.size, self.driver
        message = driver.message(measure.UP_MESSAGE)
        steps = {
            "login": lambda subject: measure.login(driver, subject, size),
            "down": lambda subject: measure.down(driver, subject, size),
            "up": lambda subject: measure.up(driver, subject, size, dovecot, message),
        }
        for turn in self._rounds(subjects):
            for subject in turn:
                self._take("start", subject, lambda one: one.start())
            if "idle" in size.steps:
                for subject in turn:
                    self._take("idle", subject, lambda one: measure.idle(driver, one, size))
            for name, step in steps.items():
                if name not in size.steps:
                    continue
                for subject in (direct, *turn):
                    self._take(name, subject, step)
            for subject in turn:
                self._take("stop", subject, lambda one: one.stop())

    def _rounds(self, subjects):
        for number in range(self.size.rounds):
            tell(f"round {number + 1} of {self.size.rounds}")
            yield subjects[::-1] if number % 2 else subjects  # nobody always goes first

    def _take(self, name, subject, step):
        """A figure that cannot be taken does not keep the others from being taken."""
        tell(f"  {name}: {subject.name}")
        try:
            figures = step(subject) or {}
        except (Failed, subprocess.SubprocessError) as failure:
            tell(f"  failed: {failure}")
            self.failures.append(f"{name}, {subject.name}: {failure}")
            return
        for figure, value in figures.items():
            self.figures.setdefault(subject.name, {}).setdefault(figure, []).append(value)


def summary(benchmark):
    medians = {name: {figure: statistics.median(values) for figure, values in figures.items()}
               for name, figures in benchmark.figures.items()}
    haproxy, saslift = medians.get("haproxy", {}), medians.get("saslift", {})
    ratios = {figure: value / haproxy[figure] for figure, value in saslift.items() if haproxy.get(figure, 0) > 0}
    direct_p50 = medians.get("direct", {}).get("login_p50_ms")
    for figures in (haproxy, saslift):
        if direct_p50 is not None and "login_p50_ms" in figures:
            figures["login_over_direct_ms"] = figures["login_p50_ms"] - direct_p50
    aims = {row.figure: {"at_most": row.aim, "of": "ratio" if row.aim_is_ratio else "value"} for row in ROWS if row.aim}
    return {"medians": medians, "ratios_to_haproxy": ratios, "aims": aims, "rounds": benchmark.figures,
            "failures": benchmark.failures}


def table(found):
    def cell(value, digits=2):
        return "-" if value is None else f"{value:.{digits}f}"

    columns = "{:<26}{:>10}{:>10}{:>10}{:>8}  {}"
    lines = [columns.format("median", "direct", "haproxy", "saslift", "ratio", "aim")]
    for row in ROWS:
        values = [found["medians"].get(name, {}).get(row.figure) for name in ("direct", "haproxy", "saslift")]
        aim = "" if row.aim is None else f"ratio <= {row.aim:.2f}" if row.aim_is_ratio else f"< {row.aim:g}"
        ratio = found["ratios_to_haproxy"].get(row.figure)
        lines.append(columns.format(row.title, *map(cell, values), cell(ratio), aim).rstrip())
    return "\n".join(lines)


def check_machine():
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    if os.geteuid() != 0:
        sys.exit("needs root: Dovecot's processes change users")
    version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True).stdout
    if not version.startswith("2.3."):
        sys.exit(f"needs Dovecot 2.3, whose configuration it writes; here is {version.strip()}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--quick", action="store_true", help="one round, little load: whether it works, not how fast")
    parser.add_argument("--without-saslift", action="store_true", help="HAProxy and direct only")
    parser.add_argument("--rounds", type=int, help="instead of three")
    parser.add_argument("--steps", default="idle,login,down,up", help="some of idle,login,down,up")
    parser.add_argument("--record-bytes", type=int, help="largest TLS record of the far end (default: HAProxy's own)")
    parser.add_argument("--build-dir", type=pathlib.Path, default=SOURCE / "build" / "release")
    parser.add_argument("--saslift", type=pathlib.Path, help="this program instead of the one built")
    return parser.parse_args()


def main():
    arguments = parse()
    check_machine()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is stopped
    ours = not arguments.without_saslift and not arguments.saslift
    build(arguments.build_dir, ["bench_driver"] + (["saslift"] if ours else []))
    binary = None if arguments.without_saslift else (arguments.saslift or arguments.build_dir / "saslift").resolve()
    size = measure.QUICK if arguments.quick else measure.FULL
    if arguments.rounds:
        size = dataclasses.replace(size, rounds=arguments.rounds)
    size = dataclasses.replace(size, steps=tuple(arguments.steps.split(",")))

    directory = work_directory()
    try:
        with many_sessions():
            driver = measure.Driver(arguments.build_dir / "tests" / "bench" / "bench_driver")
            benchmark = Benchmark(size, driver, directory)
            benchmark.run(binary, arguments.record_bytes)
    except Failed as failure:
        sys.exit(f"not measured: {failure}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    found = summary(benchmark)
    print(json.dumps(found, indent=2) if arguments.json else table(found))
    return 1 if benchmark.failures else 0


if __name__ == "__main__":
    sys.exit(main())
