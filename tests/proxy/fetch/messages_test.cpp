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
  reply.trace_id = "7a";
  reply.clock_ahead = std::chrono::seconds(-301);
  reply.received = std::chrono::system_clock::from_time_t(1'790'000'000);
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
  CHECK(back->method == auth::HttpMethod::post);
  CHECK(back->headers.empty());
  CHECK_FALSE(back->assertion);
  CHECK_FALSE(back->http_proxy);
  CHECK_FALSE(back->command);
}

TEST_CASE("what a request takes besides a body survives the pipe, each secret in its place") {
  auth::TokenRequest request{.url = "http://127.0.0.1/token", .method = auth::HttpMethod::get};
  request.headers.push_back({.name = "X-IDENTITY-HEADER", .value = config::Secret("h1")});
  request.headers.push_back({.name = "Metadata", .value = config::Secret("true")});
  request.assertion =
      auth::Assertion{"client_assertion", auth::AssertionToSign{.signing_input = "a.b",
                                                                .algorithm = config::AssertionAlgorithm::rs256,
                                                                .key_pem = config::Secret("key"),
                                                                .key_store = "pkcs11:x"}};
  request.http_proxy =
      config::HttpProxy{.host = "proxy.example", .port = 3128, .user = "u", .password = config::Secret("p")};
  request.command = config::TokenCommand{
      .words = {"/bin/echo", "t"}, .environment = {"HOME=/"}, .time = std::chrono::milliseconds(700)};
  const auto back = decode_request(encode(request).reveal());
  REQUIRE(back);
  CHECK(back->method == auth::HttpMethod::get);
  CHECK(back->body.empty());
  REQUIRE(back->headers.size() == 2);
  CHECK(back->headers.at(0).value.reveal() == "h1");
  CHECK(back->headers.at(1).name == "Metadata");
  CHECK(back->headers.at(1).value.reveal() == "true");
  const auto& assertion = std::get<auth::AssertionToSign>(back->assertion.value().source);
  CHECK(back->assertion->field == "client_assertion");
  CHECK(assertion.signing_input == "a.b");
  CHECK(assertion.algorithm == config::AssertionAlgorithm::rs256);
  CHECK(assertion.key_pem.reveal() == "key");
  CHECK(assertion.key_store == "pkcs11:x");
  CHECK(back->http_proxy.value().host == "proxy.example");
  CHECK(back->http_proxy->port == 3128);
  CHECK(back->http_proxy->user == "u");
  CHECK(back->http_proxy->password.reveal() == "p");
  CHECK(back->command.value().words == std::vector<std::string>{"/bin/echo", "t"});
  CHECK(back->command->environment == std::vector<std::string>{"HOME=/"});
  CHECK(back->command->time == std::chrono::milliseconds(700));

  request.assertion = auth::Assertion{"client_assertion", auth::AssertionInFile{.path = "/run/token"}};
  const auto from_file = decode_request(encode(request).reveal());
  REQUIRE(from_file);
  CHECK(std::get<auth::AssertionInFile>(from_file->assertion.value().source).path == "/run/token");
}

TEST_CASE("a request cut off anywhere is refused") {
  auth::TokenRequest request{"https://login.example/token", config::Secret("body"), "", ""};
  request.http_proxy =
      config::HttpProxy{.host = "proxy.example", .port = 3128, .user = "u", .password = config::Secret("p")};
  const auto whole = encode(request);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(decode_request(whole.reveal().substr(0, size)).has_value());
  CHECK_FALSE(decode_request(std::string(whole.reveal()) + "x").has_value());
}

TEST_CASE("a reply survives the pipe") {
  const auto back = decode_outcome(encode(auth::FetchOutcome(sample_reply())).reveal());
  REQUIRE(back);
  REQUIRE(*back);
  CHECK((*back)->status == 503);
  CHECK((*back)->retry_after == auth::Duration{7'000});
  CHECK((*back)->correlation_id == "0f1e");
  CHECK((*back)->trace_id == "7a");
  CHECK((*back)->clock_ahead == std::chrono::seconds(-301));
  CHECK((*back)->received == std::chrono::system_clock::from_time_t(1'790'000'000));
  CHECK((*back)->body.reveal() == "{\"error\":\"temporarily_unavailable\"}");
}

TEST_CASE("every failure survives the pipe, its detail made printable and cut") {
  using auth::FetchFailure;
  for (const auto kind : {FetchFailure::unreachable, FetchFailure::tls, FetchFailure::timeout, FetchFailure::too_long,
                          FetchFailure::died, FetchFailure::no_assertion, FetchFailure::command_failed}) {
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

TEST_CASE("a request that does not fit is not encoded") {
  const auth::TokenRequest long_name{"https://h/" + std::string(20'000, 'p'), config::Secret("b"), "", ""};
  CHECK_THROWS_AS(encode(long_name), std::length_error);
  const auth::TokenRequest long_body{"https://h/", config::Secret(std::string(600'000, 'b')), "", ""};
  CHECK_THROWS_AS(encode(long_body), std::length_error);
}
