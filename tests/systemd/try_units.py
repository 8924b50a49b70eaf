"""Tries docker/systemd with a systemd: the units are installed in a Debian of their own that systemd-nspawn boots, and each
thing said of them is seen to happen. Runs as root in a network namespace of its own; ./dev systemd makes both."""

import argparse
import contextlib
import imaplib
import json
import os
import poplib
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exchange import Exchange  # noqa: E402
from exchange.demo import Failed  # noqa: E402
from image.trial import Sender, demand, state_of, wait_until  # noqa: E402
from systemd.machine import Machine  # noqa: E402
from systemd.service import Password, Service  # noqa: E402
from systemd.sign_in import IDENTITY, PERSON, sign_in_service, signs_in, tables  # noqa: E402
from systemd.site import BY_COMMAND, BY_PERSON, LOGIN, MAILBOX, METRICS, OWN_PORT, PORTS, Site  # noqa: E402

DYNAMIC_USERS = range(61184, 65520)  # systemd.exec(5), DynamicUser=
SOON = "WatchdogSec=3"               # as WatchdogSec=30, with less waiting


def say(text=""):
    print(text, flush=True)


def imap_login(site, login):
    with imaplib.IMAP4("127.0.0.1", PORTS["imap"], timeout=60) as client:
        client.login(login, site.password.text)
        demand(client.select("INBOX")[0] == "OK", f"{login} cannot open its mailbox")


def pop3_login(site):
    client = poplib.POP3("127.0.0.1", PORTS["pop3"], timeout=60)
    client.user(LOGIN)
    client.pass_(site.password.text)
    client.quit()


def smtp_login(site, port):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.login(LOGIN, site.password.text)


def everybody_logs_in(site):
    """By each protocol, and with each kind of secret: one of systemd's, one that a command prints, a sign-in."""
    for login in (LOGIN, BY_COMMAND, BY_PERSON):
        imap_login(site, login)
    pop3_login(site)
    smtp_login(site, PORTS["smtp"])
    smtp_login(site, OWN_PORT)


def starts_when_somebody_connects(site):
    service = site.service
    service.systemctl("start", "saslift.socket")
    demand(not service.is_active(), "the service runs before anybody came")
    with Sender(PORTS["smtp"]) as sender:
        sender.log_in(site.password.text)
        sender.quit()
    service.wait_until(service.is_active, "active")
    say(f"saslift.socket alone was started; a client on port {PORTS['smtp']} was answered by a saslift that systemd started "
        f"for it: Type={service.show('Type')}, {service.show('ActiveState')}, \"{service.show('StatusText')}\"")
    inherited = [event["address"] for event in service.events("listening")]
    demand(sorted(inherited) == sorted(f"127.0.0.1:{port}" for port in (*PORTS.values(), OWN_PORT)), f"{inherited}")
    demand(not service.events("inherited_socket_unused"), "a socket of systemd's was not used")
    say(f"ports {', '.join(map(str, PORTS.values()))} are systemd's; {OWN_PORT} it opened by itself, by CAP_NET_BIND_SERVICE")


def carries_mail(site):
    mailbox, before = site.exchange.mailbox(MAILBOX), len(site.exchange.mailbox(MAILBOX).messages)
    sent = subprocess.run(["swaks", "--server", f"127.0.0.1:{PORTS['smtp']}", "--auth", "LOGIN", "--auth-user", LOGIN,
                           "--auth-password", site.password.text, "--from", MAILBOX, "--to", MAILBOX],
                          capture_output=True, text=True)
    demand(sent.returncode == 0 and len(mailbox.messages) == before + 1, f"swaks: {sent.stdout}{sent.stderr}")
    say("swaks: " + [line for line in sent.stdout.splitlines() if " 250 " in line][-1].strip())
    everybody_logs_in(site)
    with urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/readyz", timeout=30) as answer:
        say(f"/readyz: {answer.status} {answer.read().decode().strip()}")
    say("logged in: by IMAP, POP3 and SMTP; with a secret of LoadCredential=, one that a command prints, a refresh token")


def is_shut_in(site):
    service, machine = site.service, site.service.machine
    pids = service.pids()
    demand(len(pids) >= 2, f"processes: {pids}")
    users = {int(state_of(pid)["Uid"].split()[0]) for pid in pids}
    demand(len(users) == 1 and users <= set(DYNAMIC_USERS), f"users {users}")
    bind_only = 1 << 10  # CAP_NET_BIND_SERVICE
    for state in map(state_of, pids):
        demand(int(state["CapBnd"], 16) == bind_only and state["NoNewPrivs"] == "1" and int(state["Seccomp_filters"]) >= 2,
               f"{state}")
    workers = service.events("worker_confined")
    demand(workers and all((one["seccomp"], one["landlock"]) == ("enforced", "enforced") for one in workers), f"{workers}")
    say(f"{len(pids)} processes, all of the user {users.pop()} that systemd made up; CapBnd has CAP_NET_BIND_SERVICE alone, "
        f"NoNewPrivs 1; a worker's own filter and Landlock are enforced inside systemd's")
    state = machine.path("/var/lib/private/saslift").stat()
    kept = sorted(path.name for path in machine.path("/var/lib/private/saslift").iterdir())
    demand(state.st_mode & 0o777 == 0o700 and state.st_uid in DYNAMIC_USERS and "state" in kept, f"{state} {kept}")
    say(f"StateDirectory, mode 700, of that user: {' '.join(kept)}")
    for name in ("office.secret", "jane.token"):
        secret = machine.path(f"/etc/saslift/{name}").stat()
        demand((secret.st_uid, secret.st_mode & 0o777) == (0, 0o600), f"{name} may be read by others")
    say("the secrets are root's, mode 600: it has them of systemd")


def answers_its_administrator(site):
    machine = site.service.machine
    said = {verb: machine.must("saslift", *verb.split()) for verb in ("status --ready", "status", f"kick {LOGIN}")}
    demand("identities" in said["status"], said["status"])
    machine.must("saslift", "check")
    credentials = [f"--property=LoadCredential={name}:/etc/saslift/{name}" for name in ("office.secret", "jane.token")]
    machine.must("systemd-run", "--pipe", *credentials, "saslift", "check")
    say("root's `saslift check` finds the credentials of the service, and one by systemd-run its own")
    say(f"root's `saslift status --ready`: {said['status --ready'].strip()}; `saslift kick {LOGIN}`: "
        f"{said[f'kick {LOGIN}'].strip()}")


def reloads(site):
    service, pid = site.service, site.service.main_pid
    with Sender(PORTS["smtp"]) as sender:
        sender.log_in(site.password.text)
        site.write(site.account("added", "office", MAILBOX))
        service.systemctl("reload")
        sender.begin(MAILBOX)
        sender.device.say_block(b"Subject: through a reload\r\n\r\n.\r\n")
        sender.device.expect(b"250 ")
        sender.quit()
    imap_login(site, "added")
    say("systemctl reload: the account that was added logs in, the session before it has sent its message")
    site.write("[account.]\n")
    failed = service.machine.run("systemctl", "reload", "saslift.service")
    demand(failed.returncode != 0, "a broken file was taken")
    demand(service.is_active() and service.main_pid == pid, "it did not go on as it was")
    imap_login(site, "added")
    site.write()
    service.systemctl("reload")
    say("a broken file: systemctl reload fails, and the same process goes on as it was")


def keeps_a_sign_in(site):
    service = site.service
    with sign_in_service() as people:
        service.file("people.pem", people.ca_file.read_text(), 0o644)
        site.write(tables(people, site.exchange.ports["imap"]) + site.account("people", IDENTITY, PERSON))
        service.systemctl("reload")
        signs_in(people, service.machine.words("saslift", "sign-in", IDENTITY))
        service.systemctl("restart")
        with contextlib.suppress(imaplib.IMAP4.error):
            imap_login(site, "people")  # the stand-in does not know tokens of others
        demand([one for one in service.events("token_fetched") if one["identity"] == IDENTITY], "no token by what is kept")
        say("root's `saslift sign-in`: what it brought was handed to the service, and is there after a restart")
    site.write()
    service.systemctl("reload")


def is_restarted(site, what, harm, result):
    """harm(pid): what happens to the keeper."""
    service = site.service
    service.forget_starts()
    before, pid = int(service.show("NRestarts")), service.main_pid
    harm(service.seen_from_here(pid))
    service.wait_until(lambda: int(service.show("NRestarts")) > before and service.is_active(), f"restarted: {what}")
    demand(service.main_pid != pid, "the same process")
    smtp_login(site, PORTS["smtp"])
    journal = service.machine.must("journalctl", "--no-pager", "--output=cat", "_PID=1")
    seen = re.findall(r"saslift\.service: (Failed with result '[\w-]+')", journal)[-1]
    demand(result in seen, f"{what}: {seen}")
    say(f"{what}: \"{seen}\", restarted, serves again")


class Callers:
    """Somebody connects, is greeted and leaves, again and again, for as long as the block lasts."""

    def __init__(self, port):
        self._port, self._over = port, threading.Event()
        self.greeted, self.refused = 0, []
        self._thread = threading.Thread(target=self._call, daemon=True)

    def _call(self):
        while not self._over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=60) as connection:
                    self._note(connection.recv(100))
            except OSError as refusal:
                self.refused.append(refusal)
            self._over.wait(0.005)

    def _note(self, greeting):
        if greeting.startswith(b"220 "):
            self.greeted += 1
        else:
            self.refused.append(greeting)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def refuses_nobody_meanwhile(site):
    site.service.forget_starts()
    with Callers(PORTS["smtp"]) as callers:
        site.service.systemctl("restart")
        wait_until(lambda: callers.greeted, "a greeting")
        smtp_login(site, PORTS["smtp"])
    demand(not callers.refused, f"{len(callers.refused)} connections failed, {callers.greeted} did not: {callers.refused[:1]}")
    say(f"systemctl restart: {callers.greeted} connections meanwhile, each of them greeted")


def survives(site):
    service = site.service
    refuses_nobody_meanwhile(site)
    is_restarted(site, "the keeper is killed", lambda pid: os.kill(pid, signal.SIGKILL), "signal")
    service.drop_in("watchdog", SOON)
    service.systemctl("restart")
    is_restarted(site, f"the keeper stands still, {SOON}", lambda pid: os.kill(pid, signal.SIGSTOP), "watchdog")
    service.drop_in("watchdog", "")
    service.systemctl("restart")
    worker = json.loads(service.machine.must("saslift", "status", "--json"))["workers"][0]["pid"]
    os.kill(service.seen_from_here(worker), signal.SIGKILL)
    service.wait_until(lambda: any(event["pid"] == worker for event in service.events("worker_died")), "the worker's end")
    smtp_login(site, PORTS["smtp"])
    say("a worker is killed: saslift starts another, systemd has nothing to do")


def stays_down_when_it_is_configured_wrongly(site):
    service = site.service
    service.forget_starts()
    service.systemctl("stop", "saslift.socket")
    site.write("[account.]\n")
    failed = service.machine.run("systemctl", "restart", "saslift.service")
    demand(failed.returncode != 0, "it started")
    code, restarts = service.show("ExecMainStatus"), int(service.show("NRestarts"))
    demand((code, restarts) == ("2", 0) and service.show("ActiveState") == "failed",
           f"exit {code}, {restarts} restarts, {service.show('ActiveState')}")
    site.write()
    service.systemctl("start")
    say(f"a broken file: exit {code}, failed, {restarts} restarts")


def asks_for_nothing_forbidden(site):
    """With the filter's answer EPERM a call that it forbids could go unnoticed."""
    service = site.service
    service.forget_starts()
    service.drop_in("deadly", "SystemCallErrorNumber=kill")
    service.systemctl("restart")
    pid = service.main_pid
    everybody_logs_in(site)
    service.systemctl("reload")
    worker = json.loads(service.machine.must("saslift", "status", "--json"))["workers"][0]["pid"]
    os.kill(service.seen_from_here(worker), signal.SIGKILL)
    service.wait_until(lambda: any(event["pid"] == worker for event in service.events("worker_died")), "the worker's end")
    everybody_logs_in(site)
    demand(service.main_pid == pid and service.is_active(), "it was killed")
    service.systemctl("stop")
    demand(service.show("Result") == "success", f"result {service.show('Result')}")
    fetched = len(service.events("token_fetched"))
    service.drop_in("deadly", "")
    service.systemctl("start")
    say(f"with SystemCallErrorNumber=kill: workers, fetch processes ({fetched} tokens so far), commands, reload, a new worker, "
        "the end: nothing was killed")


def stops_in_good_order(site):
    service = site.service
    mailbox = site.exchange.mailbox(MAILBOX)
    with Sender(PORTS["smtp"]) as sender:
        sender.log_in(site.password.text)
        sender.begin(MAILBOX)
        sender.device.say_block(b"Subject: the last\r\n\r\nhalf\r\n")
        pids = service.pids()
        stopping = subprocess.Popen(service.machine.words("systemctl", "stop", "saslift.socket", "saslift.service"))
        service.wait_until(lambda: service.show("ActiveState") == "deactivating", "stopping")
        status = service.show("StatusText")
        sender.device.say_block(b"and half\r\n.\r\n")
        sender.device.expect(b"250 ")
        sender.quit()
    demand(stopping.wait(120) == 0, "systemctl stop failed")
    demand(mailbox.messages[-1].endswith(b"half\r\nand half\r\n"), "not the message that was sent")
    ended = {name: service.show(name) for name in ("ActiveState", "Result", "ExecMainStatus")}
    demand(ended == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}, f"{ended}")
    demand(not any(map(state_of, pids)), "a process is left")
    say(f"systemctl stop in the middle of a message (\"{status}\"): it arrives whole; {ended}, no process left")


CLAIMS = (("It starts", starts_when_somebody_connects), ("Mail goes through it", carries_mail), ("It is shut in", is_shut_in),
          ("root can talk to it", answers_its_administrator), ("It reloads", reloads),
          ("It keeps a sign-in", keeps_a_sign_in), ("It survives", survives),
          ("It stays down when the configuration is wrong", stays_down_when_it_is_configured_wrongly),
          ("It asks for nothing that the filter forbids", asks_for_nothing_forbidden),
          ("It stops in good order", stops_in_good_order))


@contextlib.contextmanager
def site_on(machine):
    service = Service(machine)
    service.install()
    service.drop_in("jane", "LoadCredential=jane.token:/etc/saslift/jane.token")
    with Exchange(pace=0.1) as exchange:
        site = Site(service, exchange, Password.made_on(machine))
        site.write()
        yield site


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--root", required=True, help="a Debian with systemd and the libraries of saslift")
    arguments.add_argument("--saslift", required=True)
    chosen = arguments.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    machine = None
    try:
        machine = Machine(chosen.root, {chosen.saslift: "/usr/bin/saslift"})
        say(machine.must("systemctl", "--version").splitlines()[0] + f" is process 1 and says: {machine.state}")
        with site_on(machine) as site:
            for number, (title, claim) in enumerate(CLAIMS, 1):
                say(f"\n{number}. {title}\n")
                try:
                    claim(site)
                except Exception:
                    print(site.service.log(), file=sys.stderr)
                    raise
        say(f"\nsystemd: all {len(CLAIMS)} claims hold")
    except (Failed, OSError, RuntimeError, imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException) as failure:
        print(f"systemd: {failure!r}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    finally:
        if machine:
            machine.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
