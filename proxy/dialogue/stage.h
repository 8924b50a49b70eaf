// What may stand in a relay where a session is not to be blind. Sans-IO: bytes of one side in, bytes for both out.
// A relay without one passes every byte as it is.
#pragma once

#include <string>
#include <string_view>

namespace saslift::proxy {

class Stage {
 public:
  struct Output {
    std::string to_server;
    std::string to_client;
  };

  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  [[nodiscard]] virtual Output from_client(std::string_view bytes) = 0;
  [[nodiscard]] virtual Output from_server(std::string_view bytes) = 0;
  // Bytes of the client's are kept until the server has answered; no more of them is to be read meanwhile.
  [[nodiscard]] virtual bool keeps_client_waiting() const = 0;
  // Not empty: the session ends once what was said is flushed, for this reason.
  [[nodiscard]] virtual std::string_view why_over() const = 0;
};

}  // namespace saslift::proxy
