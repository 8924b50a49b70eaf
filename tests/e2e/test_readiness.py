"""`saslift status --ready`, which health checks go by."""

import json

from servers.process import wait_until
from test_refused_logins import attempt, connect, is_yes, login


def readiness(saslift):
    ran = saslift.command("status", "--ready")
    return ran.returncode, ran.stdout.splitlines()


def test_ready_before_and_after_the_first_login(exchange, exchange_lab, password):
    saslift, office = exchange_lab.run_at(exchange_lab.ports())
    wait_until(lambda: readiness(saslift) == (0, ["ready"]), lambda: str(readiness(saslift)))
    assert is_yes("smtp", login(saslift, "smtp", office.mailbox(), password.text))
    assert readiness(saslift) == (0, ["ready"])
    ran = saslift.command("status", "--ready", "--json")
    assert ran.returncode == 0 and json.loads(ran.stdout)["ready"] is True


def test_an_identity_without_a_token_is_named_and_one_usable_is_enough(exchange, exchange_lab, password):
    configuration, [good, bad] = exchange_lab.at(exchange_lab.ports(), offices=2)
    saslift = exchange_lab.run(configuration)
    bad.app.secret_expired = True
    assert not is_yes("smtp", login(saslift, "smtp", bad.mailbox(), password.text))
    code, [first, named] = readiness(saslift)
    assert (code, first) == (0, "ready")
    assert named.startswith(f"identity {bad.name}: ") and "AADSTS7000222" in named
    good.app.secret_expired = True
    assert not is_yes("smtp", login(saslift, "smtp", good.mailbox(), password.text))
    code, [first, *named] = readiness(saslift)
    assert (code, first) == (1, "not ready")
    assert [line.split(":")[0] for line in named] == [f"identity {good.name}", f"identity {bad.name}"]


def test_not_ready_while_draining_and_when_gone(exchange, exchange_lab, password):
    saslift, office = exchange_lab.run_at(exchange_lab.ports(), drain="60s")
    with connect(saslift, "smtp") as client:
        assert is_yes("smtp", attempt(client, "smtp", office.mailbox(), password.text))
        saslift.terminate()
        saslift.wait_for_event("draining")
        code, [first, *named] = readiness(saslift)
        assert (code, first) == (1, "not ready")
        assert named and all(line.startswith("listener ") and line.endswith(": closed") for line in named)
        client.send(b"QUIT\r\n")
        client.until(b"221")
    assert saslift.process.child.wait(30) == 0
    assert readiness(saslift)[0] == 1
