// The metrics process: answers scrapers and probes over HTTP, with what the keeper says. It holds no secret and can
// do nothing else; floods and half requests are its own affair, the keeper hears one question a second at most.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "auth/clock.h"
#include "proxy/http/response.h"
#include "proxy/metrics/messages.h"
#include "proxy/net/frame_pipe.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::metrics {

class Responder {
 public:
  static constexpr std::size_t most_connections = 64;
  static constexpr std::size_t longest_head = 8 * 1024;
  static constexpr auth::Duration patience_for_request{5'000};
  static constexpr auth::Duration patience_for_keeper{2'000};
  static constexpr auth::Duration answers_keep{1'000};

  struct Descriptors {
    int pipe;
    int listening;
  };
  explicit Responder(Descriptors given);
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  // Until the keeper is gone.
  void run();

 private:
  class Connection;
  struct Known {
    std::optional<Answer> answer;
    auth::Instant at{};
    bool asked = false;
  };

  void accepted(std::unique_ptr<net::TcpStream> stream);
  // nullopt: the keeper has been asked, answer() will follow.
  [[nodiscard]] std::optional<http::Response> respond_to(Question question);
  void answer_came(std::string_view frame);
  void reap();

  net::Loop loop_;
  std::array<Known, question_count> known_;
  AnswerReader reader_;
  std::unique_ptr<net::FramePipe> pipe_;
  std::vector<std::unique_ptr<Connection>> connections_;
  net::Timer reap_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace saslift::proxy::metrics
