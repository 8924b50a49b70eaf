// A mail program that sends anything, to each of the three protocols. The first byte chooses protocol and settings,
// the second how logins end.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "proxy/imap/client_side.h"
#include "proxy/pop3/client_side.h"
#include "proxy/smtp/client_side.h"
#include "subject.h"

using namespace saslift;

namespace {

constexpr std::size_t longest_input = 2 * 1024;

struct Play {
  dialogues::Script script;
  dialogues::MakeClientSide make;
  bool logins_succeed;
};

bool has_bare_cr(std::string_view bytes) {
  for (auto cr = bytes.find('\r'); cr != std::string_view::npos; cr = bytes.find('\r', cr + 1)) {
    if (!bytes.substr(cr + 1).starts_with('\n')) return true;
  }
  return false;
}

bool last_is(const dialogues::Subject& subject, std::string_view action) {
  const auto lines = subject.transcript().lines();
  return !lines.empty() && lines.back().starts_with(action);
}

// What the session answers to the dialogue's orders; true: it is over.
bool respond(dialogues::Subject& subject, const Play& play, std::size_t& seen) {
  for (;;) {
    const std::size_t lines = subject.transcript().lines().size();
    if (std::exchange(seen, lines) == lines) return false;
    if (last_is(subject, "! close")) return true;
    if (last_is(subject, "! start-tls")) {
      subject.happen({{"tls-started"}});
      return false;
    }
    if (last_is(subject, "! attempt-login") && play.logins_succeed) {
      subject.happen({{"accepted"}});
      return true;
    }
    if (!last_is(subject, "! attempt-login") && !last_is(subject, "! login-in-clear")) return false;
    subject.happen({{"refused", "bad_credentials", "", "7f3a"}});
  }
}

dialogues::Transcript transcript_of(const Play& play, std::string_view bytes, std::size_t piece) {
  const auto subject = dialogues::make_subject(play.script, play.make);
  subject->start();
  std::size_t seen = 0;  // lines of the transcript
  for (bool over = false; !over && !bytes.empty();) {
    subject->receive(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    over = respond(*subject, play, seen);
  }
  return subject->transcript();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > longest_input) return 0;
  const dialogues::MakeClientSide makes[] = {proxy::imap::make_client_side, proxy::pop3::make_client_side,
                                             proxy::smtp::make_client_side};
  Play play{.script = {}, .make = makes[data[0] % 3], .logins_succeed = (data[1] & 1U) != 0};
  const bool with_tls = (data[0] & 0x80U) != 0;
  if (with_tls) play.script.settings["starttls"] = "offered";
  if ((data[0] & 0x40U) != 0) play.script.settings["plaintext_logins"] = "refused";
  if ((data[0] & 0x20U) != 0) play.script.settings["trust"] = "yes";
  if ((data[0] & 0x10U) != 0) play.script.settings["auth_equals"] = "listed";
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto at_once = transcript_of(play, bytes, bytes.size());
  const auto byte_by_byte = transcript_of(play, bytes, 1);
  // What stands behind STARTTLS in one packet ends the session; what comes after it does not. A CR alone ends a line
  // unless a LF has come.
  const bool depends_on_cuts = with_tls || has_bare_cr(bytes);
  if (!depends_on_cuts && !(at_once == byte_by_byte)) std::abort();
  return 0;
}
