// Signatures here are verified by openssl's command; end to end by PyJWT (tests/e2e/test_grants.py).
#include "proxy/fetch/assertion.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include <fstream>

#include "auth/grants/base64url.h"
#include "catch.h"
#include "hostile_endpoint.h"
#include "proxy/fetch/command.h"

using namespace saslift;
using namespace saslift::proxy::fetch;

namespace {

struct KeyFile {
  KeyFile() : path(directory.file("key.pem")) {
    const tests::Key key(EVP_RSA_gen(2048));
    FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    std::ifstream in(path);
    pem.assign(std::istreambuf_iterator<char>(in), {});
  }

  // By openssl dgst, with the padding of RFC 7518.
  bool verifies(std::string_view jwt, config::AssertionAlgorithm algorithm) {
    const auto dot = jwt.rfind('.');
    const std::string signature = directory.file("signature");
    const std::string input = directory.file("input");
    std::ofstream(signature, std::ios::binary) << auth::from_base64url(jwt.substr(dot + 1)).value();
    std::ofstream(input, std::ios::binary) << jwt.substr(0, dot);
    const std::string options =
        algorithm == config::AssertionAlgorithm::rs256
            ? ""
            : " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256";
    const std::string command = "openssl dgst -sha256 -prverify " + path + options + " -signature " + signature + " " +
                                input + " > /dev/null 2>&1";
    return std::system(command.c_str()) == 0;
  }

  tests::TemporaryDirectory directory;
  std::string path;
  std::string pem;
};

auth::TokenRequest request_with(std::variant<auth::AssertionToSign, auth::AssertionInFile> source) {
  auth::TokenRequest request;
  request.body = config::Secret("a=b");
  request.assertion = auth::Assertion{.field = "client_assertion", .source = std::move(source)};
  return request;
}

}  // namespace

TEST_CASE("assertions are signed as RFC 7518 says, by a key here or in a store") {
  KeyFile key;
  for (const auto algorithm : {config::AssertionAlgorithm::ps256, config::AssertionAlgorithm::rs256}) {
    for (const bool stored : {false, true}) {
      CAPTURE(static_cast<int>(algorithm), stored);
      auth::AssertionToSign assertion{.signing_input = "aGVhZA.Y2xhaW1z", .algorithm = algorithm};
      if (stored) {
        assertion.key_store = "file:" + key.path;
      } else {
        assertion.key_pem = config::Secret(key.pem);
      }
      const auto jwt = signed_jwt(assertion);
      REQUIRE(jwt);
      CHECK(jwt->reveal().starts_with("aGVhZA.Y2xhaW1z."));
      CHECK(key.verifies(jwt->reveal(), algorithm));
      const auto other = algorithm == config::AssertionAlgorithm::ps256 ? config::AssertionAlgorithm::rs256
                                                                        : config::AssertionAlgorithm::ps256;
      CHECK_FALSE(key.verifies(jwt->reveal(), other));
    }
  }
}

TEST_CASE("a key that cannot be had is told without a byte of it") {
  CHECK_FALSE(signed_jwt({.signing_input = "a.b", .key_pem = config::Secret("canary")}));
  const auto absent = signed_jwt({.signing_input = "a.b", .key_store = "file:/nonexistent/key.pem"});
  REQUIRE_FALSE(absent);
  CHECK(absent.error().why.find("certificate_key") != std::string::npos);
  CHECK_FALSE(signed_jwt({.signing_input = "a.b", .key_store = "nosuchscheme:x"}));
}

TEST_CASE("the platform's token is read anew for each request, and is nothing but a JWT") {
  tests::TemporaryDirectory directory;
  const std::string path = directory.file("token");
  for (const std::string token : {"aaa.bbb.ccc", "ddd.eee.fff"}) {
    std::ofstream(path) << token << "\n";
    const auto body = whole_body(request_with(auth::AssertionInFile{.path = path}));
    REQUIRE(body);
    CHECK(body->reveal() == "a=b&client_assertion=" + token);
  }
  for (const std::string& unfit : {std::string(), std::string("a.b.c&client_id=other"), std::string("a b"),
                                   std::string(40'000, 'a'), std::string("a\nb")}) {
    std::ofstream(path, std::ios::trunc) << unfit;
    CHECK_FALSE(whole_body(request_with(auth::AssertionInFile{.path = path})));
  }
  CHECK_FALSE(whole_body(request_with(auth::AssertionInFile{.path = "/nonexistent"})));
}

TEST_CASE("a command's output is a token alone or JSON, and never a shell's business") {
  const auto run = [](std::vector<std::string> words) {
    return run_command(
        {.words = std::move(words), .environment = {"PATH=/usr/bin:/bin"}, .time = std::chrono::seconds(9)});
  };
  const auto bare = run({"printf", "%s\n", "token;$(x)"});
  REQUIRE(bare);
  CHECK(bare->body.reveal() == R"json({"access_token":"token;$(x)"})json");
  const auto json = run({"echo", R"({"access_token":"t","expires_in":60})"});
  REQUIRE(json);
  CHECK(json->body.reveal() == R"({"access_token":"t","expires_in":60})");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"false"}, {"true"}, {"/nonexistent/program"}, {"echo", "two words"}, {"echo", "quo\"te"}}) {
    const auto failed = run(words);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().kind == auth::FetchFailure::command_failed);
  }
}
