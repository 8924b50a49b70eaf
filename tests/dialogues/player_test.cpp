// The player itself: each way in which a dialogue can break its script must be told.
#include "player.h"

#include "catch.h"

namespace saslift::dialogues {
namespace {

using namespace saslift::proxy;

enum class Flaw {
  none,
  says_more,
  says_less,
  sends_secret,
  speaks_after_close,
  forgets_bytes,
  minds_splits,
  no_farewell,
  no_early_farewell,
  greets_when_spoken_to
};

// Greets, repeats each line, ends at "bye", logs in at "login".
class Parrot : public ClientSide {
 public:
  explicit Parrot(Flaw flaw) : flaw_(flaw) {}

  ClientActions greet() override {
    greeted_ = flaw_ != Flaw::greets_when_spoken_to;
    return greeted_ ? said("hello\r\n") : ClientActions();
  }
  ClientActions receive(std::string_view bytes) override {
    if (closed_ && flaw_ != Flaw::speaks_after_close) return {};
    if (flaw_ == Flaw::minds_splits && !bytes.ends_with('\n')) return said("what?\r\n");
    buffer_ += bytes;
    ClientActions actions = greeted_ ? ClientActions() : said("hello\r\n");
    greeted_ = true;
    while (!waiting_ && buffer_.find('\n') != std::string::npos) {
      const std::string line = buffer_.substr(0, buffer_.find('\n') + 1);
      buffer_.erase(0, line.size());
      if (line == "login\r\n") {
        waiting_ = true;
        actions.emplace_back(AttemptLogin{.login = "user", .authzid = {}, .password = config::Secret("Sesame7")});
      } else if (line == "bye\r\n") {
        closed_ = true;
        actions.emplace_back(Close{CloseReason::logged_out});
        return actions;
      } else if (flaw_ != Flaw::says_less) {
        actions.emplace_back(Send{.bytes = line});
        if (flaw_ == Flaw::says_more) actions.emplace_back(Send{.bytes = "so there\r\n"});
      }
    }
    return actions;
  }
  ClientActions tls_started() override { return {}; }
  ClientActions login_accepted() override {
    return said(flaw_ == Flaw::sends_secret ? "welcome AHVzZXIAU2VzYW1lNw==\r\n" : "welcome\r\n");
  }
  ClientActions login_refused(auth::LoginFailure, std::string_view, std::string_view) override {
    return said("no\r\n");
  }
  ClientActions dismiss(Dismissal) override {
    ClientActions actions;
    closed_ = true;
    const bool is_early = flaw_ == Flaw::no_early_farewell && !greeted_;
    if (flaw_ != Flaw::no_farewell && !is_early) actions.emplace_back(Close{CloseReason::dismissed});
    return actions;
  }
  std::size_t unread_size() const override { return buffer_.size(); }
  config::Secret take_unread() override {
    if (flaw_ == Flaw::forgets_bytes && !buffer_.empty()) buffer_.pop_back();
    return config::Secret::taken_from(buffer_);
  }
  bool lf_may_follow() const override { return false; }

 private:
  static ClientActions said(std::string_view text) {
    ClientActions actions;
    actions.emplace_back(Send{.bytes = std::string(text)});
    return actions;
  }

  Flaw flaw_;
  std::string buffer_;
  bool greeted_ = false;
  bool waiting_ = false;
  bool closed_ = false;
};

template <Flaw flaw>
std::unique_ptr<ClientSide> make_parrot(ClientSideSettings) {
  return std::make_unique<Parrot>(flaw);
}

constexpr std::string_view login_script = R"(# a comment

S: hello
C: one
C: {b64:two}
S: one
S: dHdv
C: login
! attempt-login login_command user "" Sesame7
C: three
? accepted
S: welcome
! unread "three\r\n"
)";

constexpr std::string_view bye_script = R"(
S: hello
C: bye
! close logged_out
C: one
)";

constexpr std::string_view early_script = R"(
C: one
C: login
S: hello
S: one
! attempt-login login_command user "" Sesame7
? accepted
S: welcome
! unread ""
)";

// Whether any of the replays fails.
bool fails(std::string_view text, MakeClientSide make) {
  const Script script = parse_script("test", text, Playing::client_side);
  bool failed = false;
  for (const Replay replay : all_replays) {
    const auto failure = play(script, replay, [&] { return make_subject(script, make); });
    if (failure) {
      CHECK(failure->starts_with("test:"));
      failed = true;
    }
  }
  return failed;
}

TEST_CASE("a dialogue that keeps to its script passes in every replay", "[player]") {
  CHECK_FALSE(fails(login_script, &make_parrot<Flaw::none>));
  CHECK_FALSE(fails(bye_script, &make_parrot<Flaw::none>));
  CHECK_FALSE(fails(early_script, &make_parrot<Flaw::none>));
}

TEST_CASE("a dialogue that breaks its script is told", "[player]") {
  CHECK(fails(login_script, &make_parrot<Flaw::says_more>));
  CHECK(fails(login_script, &make_parrot<Flaw::says_less>));
  CHECK(fails(login_script, &make_parrot<Flaw::sends_secret>));
  CHECK(fails(bye_script, &make_parrot<Flaw::speaks_after_close>));
  CHECK(fails(login_script, &make_parrot<Flaw::forgets_bytes>));
  CHECK(fails(login_script, &make_parrot<Flaw::minds_splits>));
  CHECK(fails(login_script, &make_parrot<Flaw::no_farewell>));
  CHECK(fails(bye_script, &make_parrot<Flaw::no_early_farewell>));
  CHECK(fails(early_script, &make_parrot<Flaw::greets_when_spoken_to>));
  CHECK(fails(early_script, &make_parrot<Flaw::says_less>));
}

TEST_CASE("a script's mistakes are told with their line", "[player]") {
  for (const std::string_view text :
       {"colour: red\n\nS: x\n", "S: x\n", "\nX: y\n", "\n! close \"open\n", "\nC: \\q\n", "\nC: {b64:x\n", "\n? \n",
        "# nothing else\n", "\nC: x\n", "\nC: x\n? accepted\nS: x\n"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_script("test", text, Playing::client_side), std::runtime_error);
  }
}

TEST_CASE("the tests' own base64, RFC 4648 section 10", "[player]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foobar") == "Zm9vYmFy");
}

}  // namespace
}  // namespace saslift::dialogues
