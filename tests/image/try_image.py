"""Tries the image that ./dev image has built: what it holds, and each claim made for it by the deed that it should bear or
withstand. Runs as root, because it looks into containers from outside. --keep leaves the last one running."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exchange import Exchange  # noqa: E402
from exchange.demo import MAILBOX, Failed, Show, free_port, keep_running, show_all, USUAL_PORTS  # noqa: E402
from image.compose import application_sends, compose_here  # noqa: E402
from image.composition import sidecar_carries_mail  # noqa: E402
from image.containers import Engine, Runc  # noqa: E402
from image.content import faults, files_in, listing, total_bytes  # noqa: E402
from image.name_server import NameServer  # noqa: E402
from image.trial import Sender, Trial, demand, state_of, wait_until  # noqa: E402

ANOTHER_USER = "4711:4712"
SITE, SITE_ADDRESS, NAME_SERVER = "mail.test", "127.0.0.1", "127.53.0.1"


def say(text=""):
    print(text, flush=True)


def holds_one_program(engine):
    with engine.root_filesystem() as root:
        found = list(faults(root))
        demand(not found, "; ".join(found))
        say(f"{total_bytes(root):,} bytes in {len(list(files_in(root)))} files; one program, no shell, no package manager")
        for line in listing(root):
            say(f"  {line}")
    facts = engine.facts()
    user = facts["User"].partition(":")[0]
    demand(user.isdigit() and user != "0", f"user {facts['User']}")
    demand(facts["Healthcheck"]["Test"][-2:] == ["status", "--ready"], f"HEALTHCHECK {facts['Healthcheck']}")
    for label in ("title", "description", "licenses", "version"):
        demand(facts["Labels"].get(f"org.opencontainers.image.{label}"), f"no label {label}")
    say(f"user {facts['User']}; {' '.join(facts['Entrypoint'] + facts['Cmd'])}; "
        f"HEALTHCHECK {' '.join(facts['Healthcheck']['Test'])}")
    for name, value in sorted(facts["Labels"].items()):
        say(f"{name}: {value}")


def carries_mail(engine):
    with Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        with (trial := Trial(engine, exchange, "demo", engine.facts()["User"])).running() as saslift:
            show_all(Show(exchange, saslift))
            is_healthy(trial)


def is_healthy(trial):
    ready = trial.container.execute("status", "--ready")
    demand(ready.returncode == 0, f"HEALTHCHECK's command: {ready.stdout}{ready.stderr}")
    say(f"HEALTHCHECK's command, run in the container: exit 0 {ready.stdout.strip()}")


def is_confined(engine):
    with Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        with (trial := Trial(engine, exchange, "confined", ANOTHER_USER)).running() as saslift:
            with Sender(saslift.ports["smtp"]) as sender:
                sender.log_in(saslift.password)
                seen = trial.processes()
                sender.quit()
            demand(len(seen) >= 2, f"processes: {seen}")
            for state in filter(None, map(state_of, seen)):
                demand((set(state["Uid"].split()), set(state["Gid"].split())) == ({"4711"}, {"4712"}), f"{state['Uid']}")
                for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    demand(int(state[kind], 16) == 0, f"{kind} {state[kind]}")
                demand(state["NoNewPrivs"] == "1", "new privileges are possible")
            say(f"user {ANOTHER_USER}, the root read-only, no capability, no new privileges: a login went through")
            say(f"  enforced by {engine.enforced_by}")
            say(f"  seen in /proc of each of its {len(seen)} processes: that user and group, five empty sets, NoNewPrivs 1")
            say("  tried through /proc/PID/root, as root of this machine: " + "; ".join(refused_writes(trial.pid)))


def refused_writes(pid):
    for place in ("etc/saslift/new", "usr/bin/new", "var/lib/saslift/new", "new"):
        try:
            with open(f"/proc/{pid}/root/{place}", "x"):
                raise Failed(f"/{place} could be written")
        except OSError as refusal:
            yield f"/{place}: {refusal.strerror}"


def finishes_what_is_under_way(engine):
    page = b"Subject: long\r\n\r\n" + b"".join(b"%076d\r\n" % number for number in range(20_000))
    half = len(page) // 78 // 2 * 78
    with Exchange(pace=0.1) as exchange:
        mailbox = exchange.add_mailbox(MAILBOX)
        trial = Trial(engine, exchange, "drained", ANOTHER_USER, service='drain = "60s"')
        with trial.running() as saslift, Sender(saslift.ports["smtp"]) as sender:
            sender.log_in(saslift.password)
            sender.begin(MAILBOX)
            sender.device.say_block(page[:half])
            saslift.terminate()
            wait_until(lambda: any(event["event"] == "draining" for event in list(saslift.events)), "SIGTERM in the log")
            wait_until(lambda: not answers(saslift.ports["smtp"]), "its port closed")
            sender.device.say_block(page[half:] + b".\r\n")
            sender.device.expect(b"250 ")
            sender.quit()
            code = saslift.wait(60)
        demand(code == 0, f"exit code {code}")
        demand(mailbox.messages == [page], "not the message that was sent")
        say(f"SIGTERM to process 1 after half of {len(page):,} bytes: no new connection is taken, the message arrives "
            f"whole, exit code {code}")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


def leaves_no_zombies(engine):
    with Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        with (trial := Trial(engine, exchange, "parent", ANOTHER_USER)).running():
            # A shell from outside, in the container's process numbers, that leaves its children behind.
            subprocess.run(["nsenter", "--pid", "--target", str(trial.pid), "sh", "-c", "sleep 600 & sleep 600 &"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            left = wait_until(lambda: two(orphans_of(trial)), "two orphans whose parent is process 1")
            for pid in left:
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not any(map(state_of, left)), "orphans waited for")
            say(f"{len(left)} orphans became children of saslift, process 1, and left no zombie")


def orphans_of(trial):
    states = {pid: state_of(pid) for pid in trial.processes()}
    return [pid for pid, state in states.items() if state.get("Name") == "sleep" and int(state["PPid"]) == trial.pid]


def two(pids):
    return pids if len(pids) == 2 else None


def finds_names(engine):
    """Without a file of names: glibc's resolver and what it needs are in the image."""
    with tempfile.TemporaryDirectory(prefix="saslift-image-") as directory, Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        resolver = Path(directory, "resolv.conf")
        resolver.write_text(f"nameserver {NAME_SERVER}\n")
        resolver.chmod(0o644)
        server = NameServer(SITE, SITE_ADDRESS, NAME_SERVER)
        try:
            trial = Trial(engine, exchange, "names", ANOTHER_USER, host=SITE,
                          more_files={str(resolver): "/etc/resolv.conf"})
            with trial.running() as saslift, Sender(saslift.ports["smtp"]) as sender:
                sender.log_in(saslift.password)
                sender.quit()
        finally:
            server.close()
        demand(server.questions > 0, "nobody asked the name server")
        say(f"{SITE} came from a name server, asked {server.questions} times, for the token endpoint and the mail server")


def composition_works(engine):
    """As it is where there is Docker's Compose, else one service after the other."""
    compose = compose_here() if engine.name == "docker" else []
    if compose:
        say(application_sends(compose, engine.image, engine.base))
    else:
        with contextlib.closing(NameServer(SITE, SITE_ADDRESS, NAME_SERVER)):
            say(sidecar_carries_mail(engine, NAME_SERVER))


def answers_probes(engine):
    port = unused_port()
    with Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        with Trial(engine, exchange, "probed", ANOTHER_USER, service=f'metrics = "127.0.0.1:{port}"').running():
            for path in ("healthz", "readyz", "metrics"):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
                    say(f"/{path}: {answer.status}, {len(answer.read())} bytes")


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def keep(engine):
    with Exchange(pace=0.1) as exchange:
        exchange.add_mailbox(MAILBOX)
        ports = {name: free_port(port) for name, port in USUAL_PORTS.items()}
        with Trial(engine, exchange, "kept", engine.facts()["User"], ports=ports).running() as saslift:
            keep_running(Show(exchange, saslift))


CLAIMS = (("What it holds", holds_one_program), ("Mail goes through it", carries_mail),
          ("Any user, nothing to write to, no rights", is_confined), ("It stops in good order", finishes_what_is_under_way),
          ("It is a good process 1", leaves_no_zombies), ("It finds names", finds_names),
          ("It answers probes", answers_probes), ("compose.yaml", composition_works))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--builder", required=True, choices=("docker", "podman", "buildah"))
    arguments.add_argument("--image", required=True)
    arguments.add_argument("--base", required=True, help="the Debian that it was built on")
    arguments.add_argument("--keep", action="store_true")
    chosen = arguments.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    engine = Runc(chosen.image) if chosen.builder == "buildah" else Engine(chosen.builder, chosen.image, chosen.base)
    try:
        for number, (title, claim) in enumerate(CLAIMS, 1):
            say(f"\n{number}. {title}\n")
            claim(engine)
        say(f"\nimage: all {len(CLAIMS)} claims hold for {chosen.image}")
        if chosen.keep:
            keep(engine)
    except (Failed, OSError, RuntimeError) as failure:
        print(f"image: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
