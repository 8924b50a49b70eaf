"""The stand-in's token endpoint."""

import gzip
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from exchange import replies
from exchange.clients import Raw


def ask_for_token(exchange, trust, **changes):
    endpoint = changes.pop("endpoint", exchange.token_endpoint)
    form = {"client_id": exchange.client_id, "scope": exchange.scope, "client_secret": exchange.client_secret,
            "grant_type": "client_credentials"} | changes
    body = urllib.parse.urlencode({name: value for name, value in form.items() if value is not None}).encode()
    with urllib.request.urlopen(endpoint, body, timeout=5, context=trust) as reply:
        return reply.status, reply.read()


def refusal_of(exchange, trust, **changes):
    with pytest.raises(urllib.error.HTTPError) as failed:
        ask_for_token(exchange, trust, **changes)
    with failed.value as error:
        return error.code, error.headers, error.read()


def test_token_reply_is_shaped_as_entra_shapes_it(exchange, trust):
    status, body = ask_for_token(exchange, trust)
    reply = json.loads(body)
    assert status == 200
    assert (reply["token_type"], reply["expires_in"], reply["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert set(reply) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert exchange.tokens.find(reply["access_token"]).client_id == exchange.client_id
    request, = exchange.requests
    assert (request.method, request.status, request.error) == ("POST", 200, 0)
    assert request.form["client_secret"] == [exchange.client_secret]


@pytest.mark.parametrize("changes, status, error, code", [
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_id": "11111111-2222-3333-4444-555555555555"}, 400, "unauthorized_client", 700016),
    ({"scope": "https://outlook.office365.com/SMTP.Send"}, 400, "invalid_scope", 70011),
    ({"scope": "https://graph.example/.default"}, 400, "invalid_resource", 500011),
    ({"scope": None}, 400, "invalid_request", 900144),
    ({"grant_type": "implicit"}, 400, "unsupported_grant_type", 70003),
    ({"grant_type": "password"}, 400, "invalid_request", 900144),
    ({"grant_type": "refresh_token", "refresh_token": "stolen"}, 400, "invalid_grant", 70000),
    ({"resource": "x"}, 400, "invalid_request", 900144),
    ({"client_assertion": "a.b.c"}, 401, "invalid_client", 7000218),
])
def test_wrong_token_request_is_refused_with_its_code(exchange, trust, changes, status, error, code):
    got, _, body = refusal_of(exchange, trust, **changes)
    told = json.loads(body)
    assert (got, told["error"], told["error_codes"]) == (status, error, [code])
    assert told["error_description"].startswith(f"AADSTS{code}: ")
    assert "Trace ID: " in told["error_description"] and told["error_uri"].endswith(f"={code}")
    assert exchange.requests[-1].error == code


def test_unknown_tenant_is_90002(exchange, trust):
    endpoint = exchange.token_endpoint.replace(exchange.tenant, "elsewhere.example")
    assert json.loads(refusal_of(exchange, trust, endpoint=endpoint)[2])["error_codes"] == [90002]


def test_secret_that_was_not_encoded_is_refused(exchange, trust):
    body = (f"client_id={exchange.client_id}&scope={exchange.scope}&client_secret={exchange.client_secret}"
            "&grant_type=client_credentials").encode()
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(exchange.token_endpoint, body, timeout=5, context=trust)
    with failed.value as error:
        assert json.load(error)["error_codes"] == [7000215]


@pytest.mark.parametrize("expires_in", [7, "3599", None])
def test_life_of_a_token_is_told_as_the_switch_says(exchange, trust, expires_in):
    exchange.entra.expires_in = expires_in
    assert json.loads(ask_for_token(exchange, trust)[1]).get("expires_in") == expires_in


def test_endpoint_misbehaves_on_demand_and_recovers(exchange, trust):
    exchange.entra.next(replies.unavailable(), replies.throttled(7), replies.html(), replies.empty(),
                        replies.ok_with_error(), replies.gzip_bomb(1),
                        replies.refusal("invalid_grant", 50173, "Revoked."))
    assert refusal_of(exchange, trust)[0] == 503
    status, headers, body = refusal_of(exchange, trust)
    assert (status, headers["Retry-After"], body) == (429, "7", b"Too Many Requests")
    assert ask_for_token(exchange, trust)[1].startswith(b"<!DOCTYPE html>")
    assert ask_for_token(exchange, trust)[1] == b""
    assert json.loads(ask_for_token(exchange, trust)[1])["error"] == "invalid_grant"
    assert len(gzip.decompress(ask_for_token(exchange, trust)[1])) == 1 << 20
    assert json.loads(refusal_of(exchange, trust)[2])["error_codes"] == [50173]
    assert json.loads(ask_for_token(exchange, trust)[1])["access_token"]
    assert len(exchange.requests) == 8


def test_endpoint_drips_never_ends_cuts_and_hangs(exchange, trust):
    def begun(reply, seconds=0.1):
        exchange.entra.next(reply)
        with Raw(exchange.ports["entra"], trust) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            client.socket.settimeout(seconds)
            try:
                return len(client.read(1 << 21))
            except TimeoutError:
                return -1

    assert begun(replies.endless(), 5) >= 1 << 21
    assert begun(replies.huge_header(), 5) > 1 << 20
    assert begun(replies.cut(), 5) < 1000
    assert begun(replies.hung()) == -1
    assert begun(replies.dripping(10)) == -1
