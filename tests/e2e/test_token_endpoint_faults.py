"""A token endpoint that is away, drips, floods or refuses: the device's answer, the number of requests, the memory."""

import base64
import concurrent.futures
import contextlib
import itertools
import json
import threading
import time
from dataclasses import dataclass

import pytest

from exchange import Reset, Stage, replies
from exchange.replies import Reply
from exchange_lab import ExchangeLab, Office
from running_saslift import resident_bytes
from test_refused_logins import PERMANENT, PROTOCOLS, TEMPORARY, connect, is_yes, login, said_and_logged

SECONDS_FOR_A_LOGIN = 4
SLACK = 1.5  # of a busy machine

# What the log calls it, and the reply.
PASSING = {
    "unavailable": ("not_json", replies.unavailable()),
    "server_error": ("not_json", replies.server_error()),
    "throttled": ("not_json", Reply(429, b"Too Many Requests")),
    "html": ("not_json", replies.html()),
    "html_with_503": ("not_json", replies.html(503)),
    "empty": ("not_json", replies.empty()),
    "temporarily_unavailable_with_200": ("temporarily_unavailable",
                                         replies.raw_json({"error": "temporarily_unavailable"})),
    "error_of_no_known_name_with_400": ("strange", replies.raw_json({"error": "strange"}, 400)),
    "json_without_a_token": ("no_token", replies.raw_json({"token_type": "Bearer"})),
    "token_with_a_line_end": ("unfit_token", replies.raw_json({"access_token": "x\r\na1 LOGOUT"})),
    "json_that_is_no_object": ("not_json", replies.raw_json(["access_token", "x"])),
    "cut": ("unreachable", replies.cut()),
}
# Those that would go on for ever; no event of theirs is due before the login's answer.
WITHOUT_END = {
    "hung": (None, replies.hung()),
    "dripping": (None, replies.dripping()),
    "endless_body": ("too_long", replies.endless()),
    "gzip_bomb": (None, replies.gzip_bomb()),
    "megabyte_of_header": (None, replies.huge_header()),
}


class ReplyByApp:
    """Every identity has an app of its own, so that each can meet its own fault at the same time."""

    def __init__(self, exchange, monkeypatch):
        self.exchange, self.replies = exchange, {}
        monkeypatch.setattr(exchange.entra, "take_reply", self._take)

    def _take(self):
        [client_id] = self.exchange.requests[-1].form["client_id"]
        return self.replies.get(client_id)


@pytest.fixture(scope="module")
def hasty(binary, directory, password, exchange_site):
    """(a saslift whose logins have four seconds, its offices)"""
    lab = ExchangeLab(binary, directory, password, exchange_site)
    count = len(PASSING) + len(WITHOUT_END) + 1
    configuration, numbered = lab.at(lab.ports(), offices=count, login_timeout=f"{SECONDS_FOR_A_LOGIN}s")
    yield lab.run(configuration), numbered
    lab.stop()


class Sampled:
    """The highest value seen while the block ran."""

    def __init__(self, sample):
        self._sample, self.before, self.highest = sample, sample(), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._over.wait(0.01):
            self.highest = max(self.highest, self._sample())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def check_password_only(saslift, user, secret):
    """The password is right and remembered, which costs argon2id's memory; nobody is asked for a token."""
    with connect(saslift, "smtp") as client:
        client.send(b"AUTH PLAIN " + base64.b64encode(f"other\0{user}\0{secret}".encode()) + b"\r\n")
        assert client.line().startswith(b"535 5.7.8")


@dataclass(frozen=True)
class Told:
    office: Office
    protocol: str
    answer: str
    seconds: float
    requests: list


@pytest.fixture(scope="module")
def told(hasty, exchange_site, password):
    """One login for each fault, all at once: ({fault: Told}, the keeper's memory meanwhile)"""
    saslift, offices = hasty
    faults = PASSING | WITHOUT_END
    boxes = [office.mailbox() for office in offices]
    for box in boxes:
        check_password_only(saslift, box, password.text)

    def one(name, office, box, protocol):
        started = time.monotonic()
        answer = login(saslift, protocol, box, password.text)
        return name, Told(office, protocol, answer, time.monotonic() - started,
                          [request.time for request in office.requests])

    with contextlib.ExitStack() as stack:
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        by_app = ReplyByApp(exchange_site, monkeypatch)
        by_app.replies = {office.app.client_id: reply for office, (_, reply) in zip(offices, faults.values())}
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(faults)))
        with Sampled(lambda: resident_bytes(saslift.pid)) as keeper:
            return dict(pool.map(one, faults, offices, boxes, itertools.cycle(PROTOCOLS))), keeper


@pytest.mark.parametrize("fault", PASSING | WITHOUT_END)
def test_an_endpoint_that_answers_no_sense_is_temporary_and_told_in_time(hasty, told, fault):
    """FAULTS 36, 37"""
    saslift, _ = hasty
    one = told[0][fault]
    said_and_logged(saslift, one.answer, TEMPORARY[one.protocol], "token_unavailable")
    assert one.seconds < SECONDS_FOR_A_LOGIN + SLACK
    assert one.office.name in one.answer and "HTTP" not in one.answer and "<" not in one.answer


@pytest.mark.parametrize("fault", [name for name, (reason, _) in (PASSING | WITHOUT_END).items() if reason])
def test_the_log_names_what_was_wrong_with_the_reply(hasty, told, fault):
    """FAULTS 36, 37"""
    saslift, _ = hasty
    office = told[0][fault].office
    event = saslift.wait_for_event("token_fetch_failed", identity=office.name)
    assert saslift.events("token_fetch_failed", identity=office.name)[0]["reason"] == (PASSING | WITHOUT_END)[fault][0]
    assert event["pause_seconds"] <= 8 and event["detail"]


@pytest.mark.parametrize("fault", ["unavailable", "empty", "cut", "gzip_bomb", "megabyte_of_header"])
def test_an_endpoint_that_fails_is_asked_again_with_growing_pauses(told, fault):
    """FAULTS 36"""
    asked = told[0][fault].requests
    assert 2 <= len(asked) <= 4
    assert all(later - earlier >= 0.5 for earlier, later in zip(asked, asked[1:]))


def test_the_keeper_stays_small_whatever_the_endpoint_sends(told):
    """FAULTS 37"""
    keeper = told[1]
    assert keeper.highest - keeper.before < 4 << 20


def test_a_token_in_hand_is_used_while_the_endpoint_is_down(exchange, at_exchange, office, password):
    """FAULTS 36"""
    assert is_yes("imap", login(at_exchange, "imap", office.mailbox(), password.text))
    exchange.entra.always(replies.unavailable())
    exchange.entra_port.faults.instead(Stage.tls, Reset())
    for protocol in PROTOCOLS:
        assert is_yes(protocol, login(at_exchange, protocol, office.mailbox(), password.text))
    assert len(office.requests) == 1


@pytest.mark.parametrize("reply", [replies.throttled(60), Reply(503, b"", {"Retry-After": "60"})],
                         ids=["429", "503"])
def test_logins_before_retry_after_is_over_are_told_at_once_and_ask_nobody(exchange, at_exchange, office, password,
                                                                         reply):
    """FAULTS 36"""
    exchange.entra.next(reply)
    for protocol in PROTOCOLS * 3:
        started = time.monotonic()
        said_and_logged(at_exchange, login(at_exchange, protocol, office.mailbox(), password.text),
                        TEMPORARY[protocol], "token_unavailable")
        assert time.monotonic() - started < 5
    assert len(office.requests) == 1
    assert 60 <= at_exchange.wait_for_event("token_fetch_failed", identity=office.name)["pause_seconds"] <= 66


def test_a_login_waits_for_a_short_retry_after_and_gets_in(exchange, at_exchange, office, password):
    """FAULTS 36"""
    exchange.entra.next(replies.throttled(2))
    assert is_yes("imap", login(at_exchange, "imap", office.mailbox(), password.text))
    first, second = (request.time for request in office.requests)
    assert 2 <= second - first < 5


INVALID_GRANT = replies.refusal("invalid_grant", 50173, "The provided grant has expired.")
REFUSALS = {
    "expired_secret": (None, "7000222", "secret has expired"),
    "invalid_grant": (INVALID_GRANT, "50173", "grant was revoked"),
    "invalid_grant_with_200": (replies.ok_with_error(), "50173", "grant was revoked"),
    "unknown_app": (replies.refusal("unauthorized_client", 700016, "Application was not found."), "700016",
                    "not known in this tenant"),
    "bare_invalid_client": (replies.raw_json({"error": "invalid_client"}, 401), "HTTP status 401",
                            "does not accept client_id"),
    "access_denied": (replies.raw_json({"error": "access_denied", "error_description": "no"}, 403), "no",
                      "denied access"),
}


@pytest.mark.parametrize("reply, number, cause", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_identity_is_permanent_and_ten_logins_make_one_request(exchange, at_exchange, office, password, reply,
                                                                       number, cause):
    """FAULTS 38"""
    if reply:
        exchange.entra.always(reply)
    else:
        office.app.secret_expired = True
    wanted = [PROTOCOLS[count % 3] for count in range(10)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda protocol: login(at_exchange, protocol, office.mailbox(), password.text), wanted))
    for protocol, answer in zip(wanted, answers):
        event = said_and_logged(at_exchange, answer, PERMANENT[protocol], "identity_refused")
        assert event["identity"] == office.name and cause in event["cause"] and event["remedy"]
        assert office.name in answer and "AADSTS" not in answer and "Trace" not in answer
    assert len(office.requests) == 1
    [failed] = at_exchange.events("token_fetch_failed", identity=office.name)
    assert number in failed["detail"] and cause in failed["cause"] and failed["remedy"]
    assert failed["level"] == "error" and failed["pause_seconds"] >= 60
    assert exchange.logins == []


def test_a_wrong_secret_is_permanent_and_stays_out_of_the_log(exchange, at_exchange, office, password):
    """FAULTS 38, 53: an endpoint that echoes the request does not bring the secret into the log."""
    echo = {"error": "invalid_client", "error_description": f"AADSTS7000215: bad {office.app.client_secret}"}
    exchange.entra.always(replies.raw_json(echo, 401))
    answer = login(at_exchange, "smtp", office.mailbox(), password.text)
    said_and_logged(at_exchange, answer, PERMANENT["smtp"], "identity_refused")
    assert office.app.client_secret not in at_exchange.process.log()


def test_status_tells_the_last_error_of_an_identity(exchange, at_exchange, office, password):
    """FAULTS 38"""
    office.app.secret_expired = True
    login(at_exchange, "imap", office.mailbox(), password.text)
    told = json.dumps(at_exchange.status())
    assert "AADSTS7000222" in told and office.app.client_secret not in told


@pytest.fixture
def stranger_at_the_endpoint(exchange):
    exchange.entra_port.certificate = exchange.authority.self_signed("not-entra")
    yield
    exchange.entra_port.certificate = None


def test_an_endpoint_that_cannot_be_trusted_is_temporary_and_gets_no_secret(exchange, stranger_at_the_endpoint,
                                                                           hasty, password):
    """FAULTS 58"""
    saslift, offices = hasty
    office = offices[-1]
    event = said_and_logged(saslift, login(saslift, "imap", office.mailbox(), password.text), TEMPORARY["imap"],
                            "token_unavailable")
    assert "certificate" in event["cause"], event
    assert office.requests == []
    assert all(record.received == b"" for record in exchange.entra_port.records)


def test_an_endpoint_that_comes_back_is_found_again(exchange, at_exchange, office, password):
    """FAULTS 36"""
    exchange.entra.next(replies.unavailable(), replies.html())
    assert is_yes("imap", login(at_exchange, "imap", office.mailbox(), password.text))
    assert len(office.requests) == 3


@pytest.mark.parametrize("expires_in", ["3599", None, 3599.9, "soon", -5, 1e300])
def test_a_lifetime_in_any_shape_is_understood(exchange, at_exchange, office, password, expires_in):
    exchange.entra.expires_in = expires_in
    assert is_yes("imap", login(at_exchange, "imap", office.mailbox(), password.text))
    assert is_yes("pop3", login(at_exchange, "pop3", office.mailbox(), password.text))
    assert len(office.requests) == 1


@pytest.mark.parametrize("fault", ["hung", "dripping"])
def test_a_fetch_that_would_never_end_is_over_after_ten_seconds(hasty, told, fault):
    """FAULTS 37: last in this file, so that they have passed by now."""
    saslift, _ = hasty
    event = saslift.wait_for_event("token_fetch_failed", identity=told[0][fault].office.name, seconds=12)
    assert event["milliseconds"] < 11_500
    assert event["reason"] == "timeout" and "in time" in event["cause"], event
