// [service] state_key.
#include "tests/config/refusals.h"

namespace saslift::config {
namespace {

using namespace test;

constexpr std::string_view good_key = "0123456789abcdef0123456789abcdef";

TEST_CASE("a state key comes from a file, a variable or a credential, without its line end") {
  const TemporaryDirectory directory;
  directory.write("state.secret", std::string(good_key) + "\n");
  const std::string path = (directory.path() / "saslift.toml").string();
  const auto key_of = [&](const std::string& source) {
    const auto loaded = load_text("[service]\nstate_key = \"" + source + "\"\n", path);
    REQUIRE(loaded);
    return std::string(loaded->settings.service.state_key.reveal());
  };
  CHECK(key_of("file:state.secret") == good_key);
  ::setenv("CREDENTIALS_DIRECTORY", directory.path().c_str(), 1);
  CHECK(key_of("credential:state.secret") == good_key);
  ::unsetenv("CREDENTIALS_DIRECTORY");

  ::setenv("SASLIFT_TEST_STATE_KEY", std::string(good_key).c_str(), 1);
  const char* in_environment = ::getenv("SASLIFT_TEST_STATE_KEY");
  CHECK(key_of("env:SASLIFT_TEST_STATE_KEY") == good_key);
  CHECK(std::string_view(in_environment).empty());  // FAULTS 53: overwritten where it stood
  CHECK(load_text("", path)->settings.service.state_key.empty());
}

TEST_CASE("a state key in the configuration itself, and a short one, are refused") {
  const RefusalFixture fixture;
  const std::string apart = "2:13: 'state_key' names where the key is: file:, env: or credential:";
  const auto said = [&](const std::string& source) {
    return fixture.problems("[service]\nstate_key = \"" + source + "\"\n");
  };
  CHECK(said(std::string(good_key)) == std::vector{apart});
  CHECK(said("command:cat key") == std::vector{apart});
  CHECK(said("file:office.secret") ==
        std::vector<std::string>{"2:13: 'state_key': the place it names holds fewer than 32 bytes; make a key by: "
                                 "openssl rand -hex 32"});
  CHECK(said("file:none").size() == 1);
}

}  // namespace
}  // namespace saslift::config
