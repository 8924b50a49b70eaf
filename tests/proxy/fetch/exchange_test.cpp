#include "proxy/fetch/exchange.h"

#include <string>

#include "catch.h"
#include "hostile_endpoint.h"

using namespace saslift;
using auth::FetchFailure;
using tests::HostileEndpoint;

namespace {

std::string http(const std::string& head, const std::string& body) {
  return "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

HostileEndpoint::Behaviour says(const std::string& text) {
  return [text](const HostileEndpoint::Write& write) { write(text); };
}

auth::TokenRequest request_to(const HostileEndpoint& endpoint, const std::string& host = "127.0.0.1") {
  return {endpoint.url(host), config::Secret("grant_type=client_credentials&client_secret=s3"), endpoint.ca_file(), ""};
}

// The failure of an exchange that must fail.
auth::FetchError error_of(const auth::TokenRequest& request) {
  auto outcome = proxy::fetch::exchange(request);
  REQUIRE_FALSE(outcome);
  return outcome.error();
}

}  // namespace

TEST_CASE("a good reply comes back whole, and the request is what an endpoint expects") {
  const HostileEndpoint endpoint(says(http(
      "200 OK\r\nx-ms-request-id: abc-1\r\nclient-request-id: def-2\r\nRetry-After: 3", R"({"access_token":"t"})")));
  const auto outcome = proxy::fetch::exchange(request_to(endpoint));
  INFO((outcome ? std::string() : outcome.error().detail));
  REQUIRE(outcome);
  CHECK(outcome->status == 200);
  CHECK(outcome->body.reveal() == R"({"access_token":"t"})");
  CHECK(outcome->trace_id == "abc-1");
  CHECK(outcome->correlation_id == "def-2");
  CHECK(outcome->retry_after == auth::Duration{3'000});
  const auto sent = endpoint.last_request();
  CHECK(sent.starts_with("POST /tenant/token HTTP/1.1\r\n"));
  CHECK(sent.find("Accept-Encoding: identity\r\n") != std::string::npos);
  CHECK(sent.find("Content-Type: application/x-www-form-urlencoded\r\n") != std::string::npos);
  CHECK(sent.ends_with("\r\n\r\ngrant_type=client_credentials&client_secret=s3"));
}

TEST_CASE("an error status is a reply, and a redirect is not followed") {
  const HostileEndpoint refusal(says(http("400 Bad Request", R"({"error":"invalid_client"})")));
  const auto refused = proxy::fetch::exchange(request_to(refusal));
  REQUIRE(refused);
  CHECK(refused->status == 400);
  const HostileEndpoint redirect(says(http("302 Found\r\nLocation: " + refusal.url(), "")));
  const auto redirected = proxy::fetch::exchange(request_to(redirect));
  REQUIRE(redirected);
  CHECK(redirected->status == 302);
}

TEST_CASE("either of the two certificate files is enough") {
  const HostileEndpoint endpoint(says(http("200 OK", "{}")));
  auto request = request_to(endpoint);
  std::swap(request.ca_file, request.service_ca_file);
  CHECK(proxy::fetch::exchange(request));
  request.service_ca_file = "/nonexistent/ca.pem";
  CHECK(error_of(request).kind == FetchFailure::tls);
}

TEST_CASE("FAULTS 37: a body without end is cut at 64 KiB") {
  const std::string block(16 * 1024, 'x');
  for (const std::string& head :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")}) {
    CAPTURE(head);
    const bool chunked = head.find("chunked") != std::string::npos;
    const HostileEndpoint endpoint([&](const HostileEndpoint::Write& write) {
      bool there = write(head);
      while (there) there = write(chunked ? "4000\r\n" + block + "\r\n" : block);
    });
    CHECK(error_of(request_to(endpoint)).kind == FetchFailure::too_long);
  }
}

TEST_CASE("FAULTS 37: what claims to be compressed is handed on as it came") {
  const HostileEndpoint endpoint(says(http("200 OK\r\nContent-Encoding: gzip", "\x1f\x8b no gzip at all")));
  const auto outcome = proxy::fetch::exchange(request_to(endpoint));
  REQUIRE(outcome);
  CHECK(outcome->body.reveal() == "\x1f\x8b no gzip at all");
}

TEST_CASE("a certificate that does not fit is refused before the secret goes out") {
  struct Row {
    const char* what;
    HostileEndpoint::Certified certified;
    const char* host;
    const char* reason;
  };
  for (const Row& row :
       {Row{"another host's", {"DNS:other.example", "other.example", TLS1_3_VERSION}, "localhost", "ostname mismatch"},
        Row{"another address's", {"IP:127.0.0.2", "x", TLS1_3_VERSION}, "127.0.0.1", "IP address mismatch"},
        Row{"the name as common name only", {"", "localhost", TLS1_3_VERSION}, "localhost", "ostname mismatch"}}) {
    CAPTURE(row.what);
    const HostileEndpoint endpoint(says(http("200 OK", "{}")), row.certified);
    const auto error = error_of(request_to(endpoint, row.host));
    CHECK(error.kind == FetchFailure::tls);
    CHECK(error.detail.find(row.reason) != std::string::npos);
    CHECK(error.detail.find(row.host) != std::string::npos);
    CHECK(endpoint.last_request().empty());
  }
}

TEST_CASE("an unknown authority and TLS 1.1 are refused") {
  const HostileEndpoint endpoint(says(http("200 OK", "{}")));
  auto request = request_to(endpoint);
  request.ca_file.clear();
  const auto unknown = error_of(request);
  CHECK(unknown.kind == FetchFailure::tls);
  CHECK(unknown.detail.find("self-signed") != std::string::npos);

  HostileEndpoint::Certified old;
  old.newest_tls = TLS1_1_VERSION;
  const HostileEndpoint ancient(says(http("200 OK", "{}")), old);
  CHECK(error_of(request_to(ancient)).kind == FetchFailure::tls);
  CHECK(ancient.last_request().empty());
}

TEST_CASE("nobody there, no HTTP, no URL") {
  std::string url;
  {
    const HostileEndpoint gone(says(""));
    url = gone.url();
  }
  CHECK(error_of({url, config::Secret("b"), "", ""}).kind == FetchFailure::unreachable);
  const HostileEndpoint smtp(says("220 mail.example ESMTP\r\n"));
  CHECK(error_of(request_to(smtp)).kind == FetchFailure::unreachable);
  CHECK(error_of({"http://127.0.0.1/", config::Secret("b"), "", ""}).kind == FetchFailure::unreachable);
}
