// A LF that comes behind the login still belongs to the CR before it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "proxy/imap/client_side.h"
#include "proxy/pop3/client_side.h"
#include "proxy/smtp/client_side.h"

namespace saslift {
namespace {

struct Login {
  std::unique_ptr<proxy::ClientSide> (*make)(proxy::ClientSideSettings);
  std::vector<std::string> lines;
};

TEST_CASE("each dialogue tells whether the LF of its login's end may still come") {
  const Login logins[] = {
      {proxy::imap::make_client_side, {"a LOGIN scanner Sesame7"}},
      {proxy::imap::make_client_side, {"a AUTHENTICATE PLAIN", "AHNjYW5uZXIAU2VzYW1lNw=="}},
      {proxy::pop3::make_client_side, {"USER scanner", "PASS Sesame7"}},
      {proxy::pop3::make_client_side, {"AUTH PLAIN", "AHNjYW5uZXIAU2VzYW1lNw=="}},
      {proxy::smtp::make_client_side, {"EHLO me", "AUTH PLAIN", "AHNjYW5uZXIAU2VzYW1lNw=="}},
  };
  struct End {
    std::vector<std::string> packets;
    bool lf_may_follow;
  };
  const End ends[] = {{{"\r"}, true}, {{"\r", "\n"}, false}, {{"\r\n"}, false}, {{"\n"}, false}};
  for (const auto& login : logins) {
    for (const auto& end : ends) {
      CAPTURE(login.lines, end.packets);
      const auto dialogue = login.make({});
      (void)dialogue->greet();
      proxy::ClientActions last;
      for (const auto& line : login.lines) {
        for (auto packet = end.packets.begin(); packet != end.packets.end(); ++packet) {
          auto said = dialogue->receive(packet == end.packets.begin() ? line + *packet : *packet);
          if (!said.empty()) last = std::move(said);
        }
      }
      REQUIRE_FALSE(last.empty());
      REQUIRE(std::holds_alternative<proxy::AttemptLogin>(last.back()));
      (void)dialogue->login_accepted();
      CHECK(dialogue->lf_may_follow() == end.lf_may_follow);
      CHECK(dialogue->take_unread().reveal().empty());
    }
  }
}

}  // namespace
}  // namespace saslift
