// A rewriter between a scripted client and server: what each of them gets, however the bytes are cut.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/smtp/rewriting/rewriter.h"

namespace saslift::proxy::smtp::rewriting {

inline Rewriting test_rewriting(config::RewriteFrom from = config::RewriteFrom::both) {
  return {.from = from,
          .mailbox = "scans@contoso.com",
          .date = [] { return std::string("Tue, 24 Nov 2026 15:00:00 +0000"); },
          .message_id = [] { return std::string("<made@contoso.com>"); }};
}

// How bytes are handed over: all in one go, one by one, or cut at places that a seed decides.
class Cuts {
 public:
  enum class Way { in_one_go, by_byte, at_random };
  explicit Cuts(Way way, unsigned seed = 0) : way_(way), random_(seed) {}

  [[nodiscard]] std::vector<std::string> operator()(std::string_view bytes) {
    std::vector<std::string> pieces;
    while (!bytes.empty()) {
      std::size_t size = bytes.size();
      if (way_ == Way::by_byte) size = 1;
      if (way_ == Way::at_random) size = 1 + random_() % std::min<std::size_t>(bytes.size(), 1 + random_() % 200);
      pieces.emplace_back(bytes.substr(0, size));
      bytes.remove_prefix(size);
    }
    return pieces;
  }

 private:
  Way way_;
  std::mt19937 random_;
};

class StageBench {
 public:
  explicit StageBench(Rewriting rewriting = test_rewriting(), Cuts cuts = Cuts(Cuts::Way::in_one_go))
      : stage(make_rewriter(std::move(rewriting))), cuts_(cuts) {}

  void client(std::string_view bytes) {
    for (const std::string& piece : cuts_(bytes)) take(stage->from_client(piece));
  }
  void server(std::string_view bytes) {
    for (const std::string& piece : cuts_(bytes)) take(stage->from_server(piece));
  }
  std::string to_server() { return std::exchange(to_server_, {}); }
  std::string to_client() { return std::exchange(to_client_, {}); }
  // One whole message; what the server got of it, its end included.
  std::string message(std::string_view wire) {
    client("MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n");
    server("250 ok\r\n250 ok\r\n354 go\r\n");
    to_server();
    client(wire);
    server("250 2.0.0 taken\r\n");
    to_client();
    return to_server();
  }

  std::unique_ptr<Stage> stage;

 private:
  void take(Stage::Output output) {
    to_server_ += output.to_server;
    to_client_ += output.to_client;
  }

  Cuts cuts_;
  std::string to_server_;
  std::string to_client_;
};

}  // namespace saslift::proxy::smtp::rewriting
