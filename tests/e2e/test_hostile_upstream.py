"""A mail server that lies, babbles or refuses: what the device is told, and what the server never gets."""


import pytest

from exchange import Access, Close, Say, Stage, Style, endless_reply, long_line
from exchange_lab import ExchangeLab, connection_of, session_end
from running_saslift import forms, reference_in, resident_bytes
from servers.by_hand import ByHand
from servers.process import wait_until
from test_refused_logins import PERMANENT, PROTOCOLS, TEMPORARY, attempt, connect, is_yes, login, said_and_logged


def no_token_reached(exchange):
    """No login was tried, and no form of a token is in anything that was received."""
    assert exchange.logins == []
    for record in exchange.connections:
        if record.service != "entra":
            for token in exchange.tokens.issued:
                assert not any(form in record.received for form in forms(token.text))


@pytest.fixture(scope="module")
def starttls(binary, directory, password, exchange_site):
    """saslift with IMAP and SMTP by STARTTLS, and the office at it."""
    lab = ExchangeLab(binary, directory, password, exchange_site)
    ports = {"imap": exchange_site.imap_starttls.port, "smtp": exchange_site.smtp.port}
    yield lab.run_at(ports, protocols=("imap", "smtp"), tls={"imap": "starttls", "smtp": "starttls"})
    lab.stop()


def service_by_starttls(exchange, protocol):
    return {"imap": exchange.imap_starttls, "smtp": exchange.smtp}[protocol]


@pytest.mark.parametrize("how", ["stripped", "refused"])
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_a_server_without_starttls_gets_no_token(exchange, starttls, password, protocol, how):
    """FAULTS 4"""
    saslift, office = starttls
    service_by_starttls(exchange, protocol).faults.starttls = how
    event = said_and_logged(saslift, login(saslift, protocol, office.mailbox(), password.text), TEMPORARY[protocol],
                            "server_protocol_error")
    assert "no_starttls" in event["detail"], event
    no_token_reached(exchange)
    asked = [command.split()[-1].upper() for command in connection_of(service_by_starttls(exchange, protocol)).commands]
    assert asked.count("STARTTLS") == (how == "refused")
    assert "AUTHENTICATE" not in str(asked) and "AUTH" not in asked


INJECTED = {"imap": b"C OK CAPABILITY done\r\n* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR\r\n",
            "smtp": b"250-injected\r\n250 AUTH XOAUTH2\r\n"}


@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_lines_injected_behind_the_starttls_go_ahead_end_the_login(exchange, starttls, password, protocol):
    """FAULTS 3"""
    saslift, office = starttls
    service_by_starttls(exchange, protocol).faults.behind_go_ahead = INJECTED[protocol]
    event = said_and_logged(saslift, login(saslift, protocol, office.mailbox(), password.text), TEMPORARY[protocol],
                            "server_protocol_error")
    assert "unclean_tls" in event["detail"], event
    no_token_reached(exchange)


@pytest.mark.parametrize("answer, detail", [(b"-ERR unknown command\r\n", "no_starttls"),
                                            (b"+OK begin\r\n+OK injected\r\n", "unclean_tls")])
def test_a_pop3_server_without_a_clean_stls_gets_no_token(exchange, exchange_lab, password, answer, detail):
    """FAULTS 3, 4"""
    def serve(connection):
        connection.send(b"+OK ready\r\n")
        connection.line()
        connection.send(answer)
        connection.line()

    with ByHand(exchange.certificate, serve, tls="starttls") as server:
        saslift, office = exchange_lab.run_at({"pop3": server.port}, protocols=["pop3"], tls={"pop3": "starttls"})
        event = said_and_logged(saslift, login(saslift, "pop3", office.mailbox(), password.text), TEMPORARY["pop3"],
                                "server_protocol_error")
        assert detail in event["detail"], event
        assert server.wait_for_one().received == b"STLS\r\n"


GREETINGS = {
    "imap_preauth": ("imap", b"* PREAUTH you are the postmaster\r\n"),
    "imap_bye": ("imap", b"* BYE go away\r\n"),
    "imap_referral": ("imap", b"* NO [REFERRAL imap://elsewhere.test/] not here\r\n"),
    "imap_bye_with_referral": ("imap", b"* BYE [REFERRAL imap://elsewhere.test/] not here\r\n"),
    "imap_pop3": ("imap", b"+OK POP3 ready\r\n"),
    "pop3_error": ("pop3", b"-ERR [SYS/TEMP] go away\r\n"),
    "pop3_imap": ("pop3", b"* OK IMAP ready\r\n"),
    "smtp_421": ("smtp", b"421 4.3.2 go away\r\n"),
    "smtp_554": ("smtp", b"554 5.3.2 go away\r\n"),
    "smtp_redirect": ("smtp", b"551 5.1.6 try <elsewhere.test>\r\n"),
}


@pytest.mark.parametrize("protocol, greeting", GREETINGS.values(), ids=GREETINGS)
def test_a_greeting_that_is_no_invitation_gets_no_token(exchange, at_exchange, office, password, protocol, greeting):
    """FAULTS 5"""
    service = getattr(exchange, protocol)
    service.faults.instead(Stage.greeting, Say(greeting))
    answer = login(at_exchange, protocol, office.mailbox(), password.text)
    assert answer.startswith(TEMPORARY[protocol]) and "elsewhere" not in answer and "go away" not in answer
    at_exchange.wait_for_event("login_refused", session=reference_in(answer))
    no_token_reached(exchange)
    assert len(service.records) == 1


NOISE = {"imap": Say(b"* OK [ALERT] Call 555-NOISE\r\n* 7 EXISTS\r\n* CAPABILITY IMAP4rev1 NOISE\r\n"),
         "smtp": Say(b"220-Call 555-NOISE\r\n")}


def test_untagged_data_before_login_never_reaches_the_device(exchange, at_exchange, office, password):
    """FAULTS 6"""
    faults = exchange.imap.faults
    faults.after(Stage.greeting, NOISE["imap"])
    faults.after(Stage.capabilities, NOISE["imap"])
    faults.instead(Stage.token, NOISE["imap"], Say(b"{tag} OK [ALERT] Call 555-NOISE\r\n"))
    with connect(at_exchange, "imap") as client:
        client.send(f'a LOGIN "{office.mailbox()}" "{password.text}"\r\n')
        heard = client.until(b"a ")
        client.send(b"b NOOP\r\n")
        heard += client.until(b"b ")
    assert heard[-1] == b"b OK NOOP completed.\r\n"
    assert len(heard) == 2 and heard[0].startswith(b"a OK") and b"NOISE" not in heard[0]


def test_chatter_in_replies_before_login_never_reaches_the_device(exchange, at_exchange, office, password):
    """FAULTS 6"""
    exchange.smtp.faults.instead(Stage.greeting, NOISE["smtp"], Say(b"220 Call 555-NOISE\r\n"))
    exchange.smtp.faults.instead(Stage.token, Say(b"235-2.7.0 Call 555-NOISE\r\n235 2.7.0 Call 555-NOISE\r\n"))
    exchange.pop3.faults.instead(Stage.greeting, Say(b"+OK [ALERT] Call 555-NOISE\r\n"))
    exchange.pop3.faults.instead(Stage.token, Say(b"+OK Call 555-NOISE\r\n"))
    for protocol in ("smtp", "pop3"):
        answer = login(at_exchange, protocol, office.mailbox(), password.text)
        assert is_yes(protocol, answer) and "NOISE" not in answer


def test_what_follows_the_yes_in_the_same_segment_reaches_the_device(exchange, at_exchange, office, password):
    """FAULTS 18, downwards: the line after the tagged OK belongs to the session."""
    exchange.imap.faults.instead(Stage.token, Say(b"{tag} OK done\r\n* 5 EXISTS\r\n"))
    with connect(at_exchange, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", office.mailbox(), password.text))
        assert client.line() == b"* 5 EXISTS\r\n"


SECOND_LOGINS = {
    "imap_login": ("imap", b"b LOGIN someone secret\r\n", b"b NO Basic authentication is disabled.\r\n"),
    "imap_authenticate": ("imap", b"b AUTHENTICATE XOAUTH2 eA==\r\n", b"b BAD Command Argument Error. 11\r\n"),
    "pop3_user": ("pop3", b"USER someone\r\n", b"-ERR Command is not valid in this state.\r\n"),
    "pop3_auth": ("pop3", b"AUTH XOAUTH2\r\n", b"-ERR Command is not valid in this state.\r\n"),
    "smtp_plain": ("smtp", b"AUTH PLAIN AHgAeA==\r\n", b"503 5.5.1 Already authenticated\r\n"),
    "smtp_login": ("smtp", b"AUTH LOGIN\r\n", b"503 5.5.1 Already authenticated\r\n"),
}


@pytest.mark.parametrize("protocol, command, answer", SECOND_LOGINS.values(), ids=SECOND_LOGINS)
def test_a_second_login_is_answered_by_the_provider(exchange, at_exchange, office, password, protocol, command, answer):
    """FAULTS 20"""
    with connect(at_exchange, protocol) as client:
        assert is_yes(protocol, attempt(client, protocol, office.mailbox(), password.text))
        client.send(command)
        assert client.line() == answer
    assert connection_of(getattr(exchange, protocol)).received.endswith(command)
    assert office.requests and len(office.requests) == 1


def test_auth_inside_a_mail_transaction_is_answered_by_the_provider_and_the_mail_goes_on(exchange, at_exchange, office,
                                                                                       password):
    """FAULTS 20"""
    address = office.mailbox()
    with connect(at_exchange, "smtp") as client:
        assert is_yes("smtp", attempt(client, "smtp", address, password.text))
        for command, code in ((f"MAIL FROM:<{address}>", b"250"), ("AUTH PLAIN AHgAeA==", b"503 5.5.1"),
                              (f"RCPT TO:<{address}>", b"250"), ("DATA", b"354"),
                              (f"From: {address}\r\nSubject: on\r\n\r\nAUTH PLAIN AHgAeA==\r\n.", b"250")):
            client.send(command + "\r\n")
            assert client.line().startswith(code)
    [message] = exchange.mailbox(address).messages
    assert message.endswith(b"\r\n\r\nAUTH PLAIN AHgAeA==\r\n")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_challenge_that_holds_json_is_never_shown_to_the_device(exchange, at_exchange, office, password, protocol):
    """FAULTS 21"""
    service = getattr(exchange, protocol)
    service.style = Style.gmail
    blob = service.gmail_challenge()
    with connect(at_exchange, protocol) as client:
        answer = attempt(client, protocol, office.mailbox(access=Access.refused), password.text)
        client.send({"imap": "z LOGOUT\r\n"}.get(protocol, "QUIT\r\n"))
        told = answer.encode() + client.rest()
    event = said_and_logged(at_exchange, answer, PERMANENT[protocol], "identity_refused")
    assert event["cause"] and event["remedy"]
    for leaked in (blob, b"status", b"schemes", b"mail.google.com", b"334", b"{"):
        assert leaked not in told
    assert connection_of(service).received.endswith(b"\r\n\r\n")  # the empty response


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_token_refused_with_json_400_is_tried_once_more_with_a_newer_one(exchange, at_exchange, office, password,
                                                                         protocol):
    """FAULTS 40: two requests in all, however many devices call."""
    service = getattr(exchange, protocol)
    service.style, service.refuse_logins = Style.gmail, 1
    assert is_yes(protocol, login(at_exchange, protocol, office.mailbox(), password.text))
    assert len(office.requests) == 2
    tokens = [attempt.token for attempt in service.logins]
    assert len(tokens) == 2 and tokens[0] != tokens[1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tokens_that_are_always_refused_with_json_400_cost_two_requests_in_all(exchange, at_exchange, office, password,
                                                                             protocol):
    """FAULTS 40"""
    service = getattr(exchange, protocol)
    service.style, service.refuse_logins = Style.gmail, 1000
    for _ in range(4):
        said_and_logged(at_exchange, login(at_exchange, protocol, office.mailbox(), password.text),
                        PERMANENT[protocol], "identity_refused")
    assert len(office.requests) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_mailbox_that_exchange_refuses_costs_no_second_request_and_no_second_call(exchange, at_exchange, office,
                                                                                  password, protocol):
    """FAULTS 40: the refusal is remembered, and only for this mailbox."""
    refused, good = office.mailbox(access=Access.refused), office.mailbox()
    for _ in range(3):
        said_and_logged(at_exchange, login(at_exchange, protocol, refused, password.text), PERMANENT[protocol],
                        "identity_refused")
    assert is_yes(protocol, login(at_exchange, protocol, good, password.text))
    assert len(office.requests) == 1
    assert [attempt.user for attempt in getattr(exchange, protocol).logins] == [refused, good]


WORDS = {"imap": b"* OK ", "pop3": b"+OK ", "smtp": b"220 "}
BABBLE = {
    "greeting": (PROTOCOLS, Stage.greeting, WORDS),
    "capabilities": (("imap", "smtp"), Stage.capabilities, {"imap": b"* CAPABILITY ", "smtp": b"250 "}),
    "auth": (("pop3", "smtp"), Stage.auth, {"pop3": b"+ ", "smtp": b"334 "}),
    "token": (PROTOCOLS, Stage.token, {"imap": b"* OK ", "pop3": b"+ ", "smtp": b"235-"}),
}


@pytest.mark.parametrize("protocols, stage, start", BABBLE.values(), ids=BABBLE)
@pytest.mark.parametrize("how", ["endless_reply", "long_line"])
def test_a_reply_without_end_is_cut_and_memory_stays_flat(exchange, at_exchange, office, password, protocols, stage,
                                                          start, how):
    """FAULTS 22"""
    [worker] = at_exchange.workers()
    for protocol in protocols:
        assert is_yes(protocol, login(at_exchange, protocol, office.mailbox(), password.text))
    before = resident_bytes(worker)
    for protocol in protocols:
        service = getattr(exchange, protocol)
        babble = endless_reply(protocol) if how == "endless_reply" else long_line(1 << 20, start[protocol])
        service.faults.instead(stage, babble)
        said_and_logged(at_exchange, login(at_exchange, protocol, office.mailbox(), password.text),
                        TEMPORARY[protocol], "server_protocol_error")
        wait_until(lambda: service.records[-1].closed, f"the connection to {protocol} closed")
        assert service.records[-1].recorded < 16 << 20
    assert resident_bytes(worker) - before < 2 << 20
    assert at_exchange.workers() == [worker]


# What Exchange Online does (EXCHANGE 2.2 to 2.4)


def test_authenticated_but_not_connected_passes_unchanged(exchange, at_exchange, office, password):
    address = office.mailbox(access=Access.not_connected)
    with connect(at_exchange, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", address, password.text))
        client.send(b'b LIST "" *\r\n')
        assert client.rest() == b"b BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n"
    assert session_end(at_exchange, address)["reason"].startswith("server_closed")


def test_throttling_passes_unchanged(exchange, at_exchange, office, password):
    exchange.imap.throttled = True
    with connect(at_exchange, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", office.mailbox(), password.text))
        client.send(b"b SELECT INBOX\r\n")
        assert client.rest() == (b"b BAD Request is throttled. Suggested Backoff Time: 89117 milliseconds\r\n"
                                 b"* BYE Connection closed. 14\r\n")


def test_the_end_of_a_token_in_mid_session_passes_unchanged(exchange, at_exchange, office, password):
    address = office.mailbox()
    with connect(at_exchange, "imap") as client:
        assert is_yes("imap", attempt(client, "imap", address, password.text))
        client.send(b"b SELECT INBOX\r\nc IDLE\r\n")
        client.until(b"+ ")
        exchange.tokens.expire_all()
        assert client.rest() == b"* BYE Session invalidated - AccessTokenExpired\r\n"
    assert session_end(at_exchange, address)["reason"].startswith("token_expired")


@pytest.fixture
def one_session_per_mailbox(exchange):
    usual = exchange.smtp.sessions_per_mailbox
    exchange.smtp.sessions_per_mailbox = 1
    yield
    exchange.smtp.sessions_per_mailbox = usual


def test_too_many_sessions_at_once_are_temporary(exchange, at_exchange, office, password, one_session_per_mailbox):
    address = office.mailbox()
    with connect(at_exchange, "smtp") as first:
        assert is_yes("smtp", attempt(first, "smtp", address, password.text))
        answer = login(at_exchange, "smtp", address, password.text)
        assert answer.startswith("4"), answer
        event = at_exchange.wait_for_event("login_refused", session=reference_in(answer))
        assert "432 4.3.2" in event["detail"] and event["cause"] and event["remedy"]
        first.send("NOOP\r\n")
        assert first.line().startswith(b"250")
    exchange.wait_until(lambda: exchange.smtp.sessions[address] == 0)
    assert is_yes("smtp", login(at_exchange, "smtp", address, password.text))


REMEDIES = {"imap": "IMAP.AccessAsApp", "pop3": "POP.AccessAsApp", "smtp": "SMTP.SendAsApp"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_token_that_does_not_open_the_mailbox_is_permanent_and_the_log_says_what_to_do(exchange, at_exchange, office,
                                                                                       password, protocol):
    """POP3's refusal comes after a pause, as Exchange's does after nine seconds."""
    address = office.mailbox(access=Access.refused)
    answer = login(at_exchange, protocol, address, password.text)
    event = said_and_logged(at_exchange, answer, PERMANENT[protocol], "identity_refused")
    assert (event["identity"], event["mailbox"]) == (office.name, address)
    assert protocol.upper() in event["cause"] and REMEDIES[protocol] in event["remedy"]
    assert office.name in answer and address not in answer
    assert "AUTHENTICATE failed" not in answer and "Authentication unsuccessful" not in answer


@pytest.mark.parametrize("where, command", [("Tenant", "Set-TransportConfig"), ("Mailbox", "Set-CASMailbox")])
def test_smtp_auth_that_is_switched_off_is_permanent_and_the_log_names_the_switch(exchange, at_exchange, office,
                                                                                password, where, command):
    exchange.smtp.switched_off = where
    answer = login(at_exchange, "smtp", office.mailbox(), password.text)
    event = said_and_logged(at_exchange, answer, PERMANENT["smtp"], "identity_refused")
    assert "switched off" in answer and command in event["remedy"]


def test_a_server_that_closes_at_any_step_of_the_login_is_temporary(exchange, at_exchange, office, password):
    """FAULTS 69: told at once, not after the login's time."""
    for protocol in PROTOCOLS:
        for stage in (Stage.tls, Stage.greeting, Stage.capabilities, Stage.auth, Stage.token):
            if (protocol, stage) in (("pop3", Stage.capabilities), ("imap", Stage.auth)):
                continue
            getattr(exchange, protocol).faults.clear()
            getattr(exchange, protocol).faults.instead(stage, Close())
            answer = login(at_exchange, protocol, office.mailbox(), password.text)
            assert answer.startswith(TEMPORARY[protocol]), (protocol, stage, answer)
