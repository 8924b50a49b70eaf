#include "proxy/fetch/messages.h"

#include <stdexcept>
#include <string>

#include "catch.h"

using namespace saslift;
using proxy::fetch::decode_outcome;
using proxy::fetch::decode_request;
using proxy::fetch::encode;

namespace {

auth::TokenReply sample_reply() {
  auth::TokenReply reply;
  reply.status = 503;
  reply.retry_after = auth::Duration{7'000};
  reply.correlation_id = "0f1e";
  reply.body = config::Secret("{\"error\":\"temporarily_unavailable\"}");
  return reply;
}

}  // namespace

TEST_CASE("a token request survives the pipe, secret and all") {
  auth::TokenRequest request{"https://login.example/token", config::Secret(std::string_view("a=\0b", 4)), "/ca.pem",
                             ""};
  const auto back = decode_request(encode(request).reveal());
  REQUIRE(back);
  CHECK(back->url == request.url);
  CHECK(back->body.reveal() == request.body.reveal());
  CHECK(back->ca_file == "/ca.pem");
  CHECK(back->service_ca_file.empty());
}

TEST_CASE("a reply survives the pipe") {
  const auto back = decode_outcome(encode(auth::FetchOutcome(sample_reply())).reveal());
  REQUIRE(back);
  REQUIRE(*back);
  CHECK((*back)->status == 503);
  CHECK((*back)->retry_after == auth::Duration{7'000});
  CHECK((*back)->correlation_id == "0f1e");
  CHECK((*back)->body.reveal() == "{\"error\":\"temporarily_unavailable\"}");
}

TEST_CASE("every failure survives the pipe, its detail made printable and cut") {
  using auth::FetchFailure;
  for (const auto kind : {FetchFailure::unreachable, FetchFailure::tls, FetchFailure::timeout, FetchFailure::too_long,
                          FetchFailure::died}) {
    const auth::FetchOutcome outcome = std::unexpected(auth::FetchError{kind, "a\x1b\xff" + std::string(1000, 'x')});
    const auto back = decode_outcome(encode(outcome).reveal());
    REQUIRE(back);
    REQUIRE_FALSE(*back);
    CHECK(back->error().kind == kind);
    CHECK(back->error().detail == "a??" + std::string(509, 'x'));
  }
}

TEST_CASE("a server's Retry-After and request id are bounded on the keeper's side") {
  auto reply = sample_reply();
  reply.retry_after = auth::Duration{1'000'000'000'000};
  reply.correlation_id = std::string(4000, 'i') + "\xff";
  const auto back = decode_outcome(encode(auth::FetchOutcome(std::move(reply))).reveal());
  REQUIRE(back);
  CHECK((*back)->retry_after == auth::Duration{24LL * 3600 * 1000});
  CHECK((*back)->correlation_id == std::string(128, 'i'));
}

TEST_CASE("malformed messages are refused, whatever they are") {
  const std::string good(encode(auth::FetchOutcome(sample_reply())).reveal());
  const std::string deep = std::string("\xa0\x0f", 2) + std::string(4000, '\x81');
  for (const std::string& bytes : {std::string(), std::string("\x01", 1),
                                   std::string("\xff\xff"
                                               "abc",
                                               5),
                                   deep, std::string("\x01\x00\x05", 3), std::string("\x01\x00\xa0", 3),
                                   good.substr(0, 10), std::string("\x00\x00", 2)}) {
    CHECK_FALSE(decode_outcome(bytes));
    CHECK_FALSE(decode_request(bytes));
  }
  auth::TokenReply huge;
  huge.status = 200;
  huge.body = config::Secret(std::string(auth::largest_token_reply + 1, 'x'));
  CHECK_FALSE(decode_outcome(encode(auth::FetchOutcome(std::move(huge))).reveal()));
}

TEST_CASE("a request whose names do not fit is not encoded") {
  const auth::TokenRequest request{"https://h/" + std::string(5000, 'p'), config::Secret("b"), "", ""};
  CHECK_THROWS_AS(encode(request), std::length_error);
}
