// Every script of the folder, in every way of replaying it. One protocol alone: test_dialogues "[imap]";
// one script: test_dialogues "[imap]" -c login_quoted.script
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "catch.h"
#include "player.h"
#include "proxy/imap/client_side.h"
#include "proxy/imap/server_side.h"
#include "proxy/pop3/client_side.h"
#include "proxy/pop3/server_side.h"
#include "proxy/smtp/client_side.h"
#include "proxy/smtp/server_side.h"

namespace saslift::dialogues {
namespace {

std::vector<std::filesystem::path> scripts_in(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  const auto place = std::filesystem::path(SASLIFT_TESTS_DIR) / "dialogues" / folder;
  if (!std::filesystem::is_directory(place)) return paths;
  for (const auto& entry : std::filesystem::directory_iterator(place)) {
    if (entry.path().extension() == ".script") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <class Make>
void play_all(const std::string& folder, Playing playing, Make make) {
  const auto paths = scripts_in(folder);
  REQUIRE_FALSE(paths.empty());
  for (const auto& path : paths) {
    DYNAMIC_SECTION(path.filename().string()) {
      const Script script = parse_script(folder + "/" + path.filename().string(), contents(path), playing);
      for (const Replay replay : all_replays) {
        if (!wants(script, replay)) continue;
        // A server that answers what it was not asked is no replay but a fault.
        if (replay == Replay::at_once && playing == Playing::server_side) continue;
        const auto failure = play(script, replay, [&] { return make_subject(script, make); });
        CHECK(failure.value_or("") == "");
      }
    }
  }
}

TEST_CASE("IMAP with the mail program", "[imap][client_side]") {
  play_all("imap/client_side", Playing::client_side, &proxy::imap::make_client_side);
}
TEST_CASE("IMAP with the provider", "[imap][server_side]") {
  play_all("imap/server_side", Playing::server_side, &proxy::imap::make_server_side);
}
TEST_CASE("POP3 with the mail program", "[pop3][client_side]") {
  play_all("pop3/client_side", Playing::client_side, &proxy::pop3::make_client_side);
}
TEST_CASE("POP3 with the provider", "[pop3][server_side]") {
  play_all("pop3/server_side", Playing::server_side, &proxy::pop3::make_server_side);
}
TEST_CASE("SMTP with the mail program", "[smtp][client_side]") {
  play_all("smtp/client_side", Playing::client_side, &proxy::smtp::make_client_side);
}
TEST_CASE("SMTP with the provider", "[smtp][server_side]") {
  play_all("smtp/server_side", Playing::server_side, &proxy::smtp::make_server_side);
}

}  // namespace
}  // namespace saslift::dialogues
