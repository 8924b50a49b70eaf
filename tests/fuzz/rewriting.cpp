// A device that sends anything through the rewriter, to a server that takes every command and message. What reaches the
// server does not depend on how the device's bytes are cut, and the rewriter never loses count of the replies.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/smtp/rewriting/rewriter.h"

using namespace saslift;
using namespace saslift::proxy::smtp::rewriting;

namespace {

constexpr std::size_t longest_input = 16 * 1024;

// Reads what it gets as RFC 5321 has it, and replies to each command and each message.
class Server {
 public:
  std::string receive(std::string_view bytes) {
    unread_ += bytes;
    std::string replies;
    for (std::size_t end = next_end(); end != std::string::npos; end = next_end()) {
      const std::string taken = unread_.substr(0, end);
      unread_.erase(0, end);
      got.push_back(taken);
      replies += reply_to(taken);
    }
    return replies;
  }
  std::vector<std::string> got;

 private:
  [[nodiscard]] std::size_t next_end() const {
    if (!in_message_) return unread_.find("\r\n") == std::string::npos ? std::string::npos : unread_.find("\r\n") + 2;
    if (unread_.starts_with(".\r\n")) return 3;
    const auto end = unread_.find("\r\n.\r\n");
    return end == std::string::npos ? end : end + 5;
  }
  std::string reply_to(const std::string& taken) {
    if (in_message_) {
      in_message_ = false;
      return "250 2.0.0 taken\r\n";
    }
    std::string verb = taken.substr(0, 4);
    std::ranges::transform(verb, verb.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    if (verb == "DATA" && taken.size() == 6) {
      in_message_ = true;
      return "354 go on\r\n";
    }
    return verb == "EHLO" ? "250-here\r\n250-CHUNKING\r\n250 SIZE 100\r\n" : "250 2.1.0 ok\r\n";
  }
  std::string unread_;
  bool in_message_ = false;
};

struct Run {
  std::vector<std::string> got;
  std::string why_over;
};

Run run(std::string_view bytes, std::size_t piece, config::RewriteFrom from) {
  const auto stage = make_rewriter({.from = from,
                                    .mailbox = "scans@contoso.com",
                                    .date = [] { return std::string("Tue, 24 Nov 2026 15:00:00 +0000"); },
                                    .message_id = [] { return std::string("<made@contoso.com>"); }});
  Server server;
  while (!bytes.empty() && stage->why_over().empty()) {
    proxy::Stage::Output output = stage->from_client(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (!output.to_server.empty()) {
      const std::string replies = server.receive(output.to_server);
      if (replies.empty()) break;
      output = stage->from_server(replies);
    }
  }
  if (stage->why_over().empty() && stage->keeps_client_waiting()) std::abort();  // every DATA was answered
  return {server.got, std::string(stage->why_over())};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > longest_input) return 0;
  const auto from = (data[0] & 1U) != 0 ? config::RewriteFrom::both : config::RewriteFrom::envelope;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Run at_once = run(bytes, bytes.size(), from);
  const Run byte_by_byte = run(bytes, 1, from);
  if (at_once.why_over != byte_by_byte.why_over) std::abort();
  if (at_once.got != byte_by_byte.got) std::abort();
  return 0;
}
