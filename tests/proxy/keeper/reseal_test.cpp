#include "proxy/keeper/reseal.h"

#include <filesystem>
#include <fstream>

#include "../../config/temporary_directory.h"
#include "catch.h"
#include "proxy/keeper/state_file.h"

using namespace saslift;
using namespace saslift::proxy::keeper;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view one_key = "a key of the operator's own, long enough";
constexpr std::string_view other_key = "another key of the operator's, long enough";

// A state_dir in which two sign-ins have been kept with the key of `service`.
struct Kept {
  explicit Kept(std::string_view key = {}) {
    service.state_dir = directory.path() / "state_dir";
    service.state_key = config::Secret(key);
    StateFile file(service.state_dir);
    auth::OpenedState opened = file.open(service.state_key);
    for (int save = 1; save <= 2; ++save) {
      auth::KeptState state;
      state.generation = static_cast<std::uint64_t>(save);
      for (const char* identity : {"office", "plant"}) {
        auth::KeptGrant& grant = state.grants.emplace_back();
        grant.identity = identity;
        grant.refresh_token = config::Secret::guarded("r" + std::to_string(save));
      }
      REQUIRE(file.save(seal(state, opened.key)));
    }
  }
  void configure(std::string_view key) { service.state_key = config::Secret(key); }
  std::string opens_with(std::string_view key) const {
    const auto opened = StateFile(service.state_dir).open(config::Secret(key));
    if (!opened.unreadable.empty() || !opened.suspect.empty()) return opened.unreadable + opened.suspect;
    return std::string(opened.kept.grants.at(0).refresh_token.reveal());
  }
  bool has(const std::string& name) const { return fs::exists(fs::path(service.state_dir) / name); }
  std::string read(const std::string& name) const {
    std::ifstream stream(fs::path(service.state_dir) / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  config::test::TemporaryDirectory directory;
  config::Service service;
};

}  // namespace

TEST_CASE("reseal: saslift's own key is replaced by a new one") {
  Kept kept;
  const std::string before = kept.read("state.key");
  const auto done = reseal(kept.service, {});
  REQUIRE(done);
  CHECK(done->sign_ins == 2);
  CHECK(kept.read("state.key") != before);
  CHECK(kept.opens_with("") == "r2");
  CHECK_FALSE(kept.has("state.previous"));  // it was sealed with the old key
  CHECK_FALSE(kept.has("state.key.new"));
}

TEST_CASE("reseal: from saslift's own key to a configured one, to another, and back") {
  Kept kept;
  kept.configure(one_key);
  REQUIRE(reseal(kept.service, {}));
  CHECK(kept.opens_with(one_key) == "r2");
  CHECK_FALSE(kept.has("state.key"));

  kept.configure(other_key);
  REQUIRE(reseal(kept.service, config::Secret(one_key)));
  CHECK(kept.opens_with(other_key) == "r2");
  CHECK(kept.opens_with(one_key).contains("is sealed with another key"));

  kept.configure("");
  REQUIRE(reseal(kept.service, config::Secret(other_key)));
  CHECK(kept.opens_with("") == "r2");
  CHECK(kept.read("state.key").size() == 64);
}

TEST_CASE("reseal: with the wrong old key, and while saslift runs, nothing is touched") {
  Kept kept(one_key);
  const std::string before = kept.read("state");
  kept.configure(other_key);
  CHECK(reseal(kept.service, config::Secret(other_key))
            .error()
            .ends_with("--from SOURCE names the key it is sealed with"));
  CHECK(reseal(kept.service, {}).error().ends_with("--from SOURCE names the key it is sealed with"));
  {
    StateFile keeper(kept.service.state_dir);
    REQUIRE(keeper.lock());
    CHECK(reseal(kept.service, config::Secret(one_key)).error().contains("in use by another saslift"));
  }
  CHECK(kept.read("state") == before);
  REQUIRE(reseal(kept.service, config::Secret(one_key)));
  CHECK(kept.opens_with(other_key) == "r2");
}

TEST_CASE("reseal: where nothing is kept there is nothing to do") {
  const config::test::TemporaryDirectory directory;
  config::Service service;
  service.state_dir = directory.path() / "state_dir";
  const auto done = reseal(service, {});
  REQUIRE(done);
  CHECK(done->note == "nothing is kept yet");
}
