// What a fetch process is asked to do for one token: a request over HTTP, or a program to run. What takes a file
// or a key to complete is completed there.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "auth/clock.h"
#include "config/secret.h"
#include "config/settings.h"

namespace saslift::auth {

enum class HttpMethod : std::uint8_t { post, get };

struct SecretHeader {
  std::string name;
  config::Secret value;
};

// A JWT (RFC 7519) that lacks its signature.
struct AssertionToSign {
  std::string signing_input;  // base64url(header) "." base64url(claims)
  config::AssertionAlgorithm algorithm = config::AssertionAlgorithm::ps256;
  config::Secret key_pem;
  std::string key_store;  // an OSSL_STORE URI, where key_pem is empty
};
// A JWT of somebody else, who writes a new one there from time to time.
struct AssertionInFile {
  std::string path;
};
struct Assertion {
  std::string field;  // of the form: "client_assertion" (RFC 7523 2.2), "assertion" (2.1)
  std::variant<AssertionToSign, AssertionInFile> source;
};

struct TokenRequest {
  std::string url;      // https; http for a managed identity alone, whose endpoint is on this host
  config::Secret body;  // application/x-www-form-urlencoded; of a GET: empty
  std::string ca_file;  // trusted in addition to the system's; empty: none
  std::string service_ca_file;
  HttpMethod method = HttpMethod::post;
  std::vector<SecretHeader> headers;
  std::optional<Assertion> assertion;  // ends the body
  std::optional<config::HttpProxy> http_proxy;
  std::optional<config::TokenCommand> command;  // nothing is requested, this is run instead
};

}  // namespace saslift::auth
