#include "proxy/keeper/state_file.h"

#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "../../config/temporary_directory.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using config::test::TemporaryDirectory;

namespace {

namespace fs = std::filesystem;

auth::KeptState state_with(const std::string& token, std::uint64_t generation) {
  auth::KeptState state;
  state.generation = generation;
  auth::KeptGrant grant;
  grant.identity = "office";
  grant.refresh_token = config::Secret::guarded(token);
  state.grants.push_back(std::move(grant));
  return state;
}

struct Disk {
  TemporaryDirectory parent;
  fs::path directory = parent.path() / "state_dir";

  fs::path file(const std::string& name) const { return directory / name; }
  std::string read(const std::string& name) const {
    std::ifstream stream(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory)) found.insert(entry.path().filename());
    return found;
  }
  // As a keeper does it: opened, then one save for each token.
  void save(const std::vector<std::string>& tokens, const config::Secret& key = {}) const {
    StateFile state(directory);
    auto opened = state.open(key);
    std::uint64_t generation = opened.kept.generation;
    for (const std::string& token : tokens) {
      const auto saved = state.save(seal(state_with(token, ++generation), opened.key));
      INFO(token);
      REQUIRE(saved.has_value());
    }
  }
  auth::OpenedState open(const config::Secret& key = {}) const { return StateFile(directory).open(key); }
};

std::string token_in(const auth::OpenedState& opened) {
  return opened.kept.grants.empty() ? "none" : std::string(opened.kept.grants.front().refresh_token.reveal());
}

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

const config::Secret configured("a key of the operator's own, long enough");

}  // namespace

TEST_CASE("opening touches nothing; the first save makes directory, key and state, for the owner alone") {
  const Disk disk;
  const auto opened = disk.open();
  CHECK(opened.unreadable.empty());
  CHECK(token_in(opened) == "none");
  CHECK_FALSE(fs::exists(disk.directory));

  disk.save({"r1"});
  CHECK(disk.names() == std::set<std::string>{"state", "state.key", "state.lock"});
  CHECK(mode_of(disk.directory) == 0700);
  for (const char* name : {"state", "state.key"}) CHECK(mode_of(disk.file(name)) == 0600);
  CHECK(disk.read("state.key").size() == 64);
  CHECK(token_in(disk.open()) == "r1");
}

TEST_CASE("one generation before is kept, and nothing else is left behind") {
  const Disk disk;
  disk.save({"r1", "r2", "r3"});
  CHECK(disk.names() == std::set<std::string>{"state", "state.previous", "state.key", "state.lock"});
  CHECK(mode_of(disk.file("state.previous")) == 0600);
  CHECK(token_in(disk.open()) == "r3");
  CHECK(disk.open().suspect.empty());
  fs::remove(disk.file("state"));
  CHECK(token_in(disk.open()) == "r2");
  CHECK(disk.open().suspect == disk.file("state").string() + " is missing");
}

TEST_CASE("a configured key seals, and no other is made") {
  const Disk disk;
  disk.save({"r1"}, configured);
  CHECK(disk.names() == std::set<std::string>{"state", "state.lock"});
  CHECK(token_in(disk.open(configured)) == "r1");
  CHECK(disk.open().unreadable.ends_with("state.key is missing, and with it the key of " + disk.file("state").string() +
                                         "; restore it from a backup"));
  const config::Secret other("another key of the operator's own, long enough");
  CHECK(disk.open(other).unreadable.contains("is sealed with another key"));
}

TEST_CASE("FAULTS 43: a second keeper is refused in words, and the first one's end lets it in") {
  const Disk disk;
  auto first = std::make_unique<StateFile>(disk.directory);
  REQUIRE(first->lock());
  CHECK(first->lock().has_value());
  StateFile second(disk.directory);
  const auto refused = second.lock();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == LockFailure::in_use);
  CHECK(refused.error().detail ==
        disk.directory.string() +
            " is in use by another saslift; stop that one, or give this one a state_dir of its own");
  CHECK(second.save("bytes").error() == refused.error().detail);
  first.reset();
  CHECK(second.lock().has_value());
}

TEST_CASE("FAULTS 43: a child that outlives its keeper does not hold the lock") {
  const Disk disk;
  auto first = std::make_unique<StateFile>(disk.directory);
  REQUIRE(first->lock());
  std::array<const char*, 3> words{"sleep", "600", nullptr};
  pid_t child = 0;
  REQUIRE(::posix_spawnp(&child, words[0], nullptr, nullptr, const_cast<char**>(words.data()), environ) == 0);
  first.reset();
  StateFile second(disk.directory);
  CHECK(second.lock().has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("FAULTS 44: each byte of a small state flipped: the generation before is used, and that is told") {
  const Disk disk;
  disk.save({"r1", "r2"});
  const std::string good = disk.read("state");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    disk.write("state", bad);
    const auto opened = disk.open();
    CHECK(opened.unreadable.empty());
    CHECK_FALSE(opened.suspect.empty());
    CHECK(token_in(opened) == "r1");
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    disk.write("state", good.substr(0, size));
    CHECK(token_in(disk.open()) == "r1");
  }
}

TEST_CASE("FAULTS 44: each byte flipped and no generation before: named, never empty, never overwritten") {
  const Disk disk;
  disk.save({"r1"});
  const std::string good = disk.read("state");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x80);
    disk.write("state", bad);
    const auto opened = disk.open();
    CHECK(opened.unreadable.starts_with(disk.file("state").string() + " "));
  }
  const std::string bad = disk.read("state");
  disk.save({"r9"});
  CHECK(token_in(disk.open()) == "r9");
  std::string aside;
  for (const std::string& name : disk.names())
    if (name.starts_with("state.unreadable-")) aside = name;
  CHECK(disk.read(aside) == bad);
  CHECK(disk.names() == std::set<std::string>{"state", aside, "state.key", "state.lock"});
}

TEST_CASE("FAULTS 44: each byte of the key flipped, cut or gone: named, never empty") {
  const Disk disk;
  disk.save({"r1", "r2"});
  const std::string good = disk.read("state.key");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    disk.write("state.key", bad);
    CHECK(disk.open().unreadable.contains("is sealed with another key"));
    disk.write("state.key", good.substr(0, at));
    CHECK_FALSE(disk.open().unreadable.empty());
  }
  disk.write("state.key", "short");
  CHECK(disk.open().unreadable.starts_with(disk.file("state.key").string() + " holds no key"));
  disk.save({"r3"});
  CHECK(token_in(disk.open()) == "r3");
  int aside = 0;
  for (const std::string& name : disk.names()) aside += name.contains(".unreadable-") ? 1 : 0;
  CHECK(aside == 3);  // the key, the state, the generation before
  fs::remove(disk.file("state.key"));
  CHECK(disk.open().unreadable.starts_with(disk.file("state.key").string() + " is missing"));
}

TEST_CASE("FAULTS 44: a state that was rolled back is told, and the newer generation used") {
  const Disk disk;
  disk.save({"r1"});
  const std::string old = disk.read("state");
  disk.save({"r2", "r3"});
  disk.write("state", old);
  const auto opened = disk.open();
  CHECK(token_in(opened) == "r2");
  CHECK(opened.suspect == disk.file("state").string() + " is older than state.previous");
}

TEST_CASE("what is no file of ours is named, and left alone") {
  const Disk disk;
  fs::create_directory(disk.directory);
  SECTION("a directory") { fs::create_directory(disk.file("state")); }
  SECTION("someone's text") { disk.write("state", "dear diary"); }
  SECTION("an empty file") { disk.write("state", ""); }
  CHECK_FALSE(disk.open().unreadable.empty());
}

TEST_CASE("FAULTS 42: a directory that cannot be made is what the disk said, and no more") {
  const Disk disk;
  std::ofstream(disk.directory) << "a file in its place";
  StateFile state(disk.directory);
  CHECK(state.open({}).unreadable.empty());
  CHECK(state.lock().error().kind == LockFailure::impossible);
  CHECK(state.save("bytes").error().ends_with("Not a directory"));
}

TEST_CASE("a new key takes the place of the old one, whatever it is interrupted by") {
  const Disk disk;
  disk.save({"r1", "r2"});
  const std::string old_key = disk.read("state.key");
  const config::Secret material = auth::StateKey::new_material();
  const auto key = auth::StateKey::made_from(material.reveal()).value();
  {
    StateFile state(disk.directory);
    const auto opened = state.open({});
    REQUIRE(state.save_with_new_key(seal(state_with("r3", opened.kept.generation + 1), key), material));
    REQUIRE(state.forget_previous());
  }
  CHECK(disk.names() == std::set<std::string>{"state", "state.key", "state.lock"});
  CHECK(disk.read("state.key") == material.reveal());
  CHECK(token_in(disk.open()) == "r3");

  // Killed between the state and its key: the key lies beside, and the next save puts it into its place.
  fs::rename(disk.file("state.key"), disk.file("state.key.new"));
  disk.write("state.key", old_key);
  CHECK(token_in(disk.open()) == "r3");
  disk.save({"r4"});
  CHECK(disk.read("state.key") == material.reveal());
  CHECK(token_in(disk.open()) == "r4");

  // Killed before the state: the new key opens nothing and is forgotten.
  disk.write("state.key.new", std::string(64, 'a'));
  CHECK(token_in(disk.open()) == "r4");
}
