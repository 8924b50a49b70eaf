// A mail server that says anything while we log in, by each of the three protocols. The first byte chooses protocol and
// settings.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "proxy/imap/server_side.h"
#include "proxy/pop3/server_side.h"
#include "proxy/smtp/server_side.h"
#include "subject.h"

using namespace saslift;

namespace {

constexpr std::size_t longest_input = 2 * 1024;

bool is_over(const std::vector<std::string>& lines) {
  return std::ranges::any_of(
      lines, [](const std::string& line) { return line.starts_with("! logged-in") || line.starts_with("! refused"); });
}

dialogues::Transcript transcript_of(const dialogues::Script& script, dialogues::MakeServerSide make,
                                    std::string_view bytes, std::size_t piece) {
  const auto subject = dialogues::make_subject(script, make);
  subject->start();
  std::size_t seen = 0;
  while (!bytes.empty()) {
    subject->receive(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    const auto lines = subject->transcript().lines();
    if (is_over(lines)) break;
    const bool is_new = std::exchange(seen, lines.size()) != lines.size();
    if (is_new && lines.back().starts_with("! start-tls")) subject->happen({{"tls-started"}});
  }
  if (!is_over(subject->transcript().lines())) subject->cut(1);
  return subject->transcript();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > longest_input) return 0;
  const dialogues::MakeServerSide makes[] = {proxy::imap::make_server_side, proxy::pop3::make_server_side,
                                             proxy::smtp::make_server_side};
  dialogues::Script script;
  script.settings = {{"mailbox", "box@example.com"}, {"token", std::string(60, 'x')}, {"ehlo_word", "here"}};
  const bool with_tls = (data[0] & 0x80U) != 0;
  script.settings["tls"] = with_tls ? "starttls" : "implicit";
  if ((data[0] & 0x40U) != 0) script.settings["mechanism"] = "oauthbearer";
  const auto make = makes[data[0] % 3];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto at_once = transcript_of(script, make, bytes, bytes.size());
  const auto byte_by_byte = transcript_of(script, make, bytes, 1);
  if (!with_tls && !(at_once == byte_by_byte)) std::abort();
  return 0;
}
