// A mail program that logs in, asks for one proof that the mailbox is there, and leaves: what an operator would type
// by hand. Sans-IO: lines of the server in, lines of its own out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace saslift::proxy::trial {

// Nobody checks them: the login is granted beforehand.
inline constexpr std::string_view login_name = "trial";

class Device {
 public:
  explicit Device(config::Protocol protocol);

  // What it sends for what came.
  [[nodiscard]] std::string receive(std::string_view bytes);

  [[nodiscard]] bool logged_in() const { return logged_in_; }
  [[nodiscard]] bool proven() const { return proven_; }
  // The server's answer to the proof: folders of IMAP, the count of POP3, the last line of SMTP; or its refusal.
  [[nodiscard]] const std::vector<std::string>& proof() const { return proof_; }

 private:
  enum class Step : std::uint8_t { greeting, hello, name, password, proof, leaving };

  [[nodiscard]] std::string line_came(std::string_view line);
  [[nodiscard]] std::string first_command();
  [[nodiscard]] std::string prove();
  [[nodiscard]] std::string leave();
  [[nodiscard]] bool ends_reply(std::string_view line) const;
  [[nodiscard]] bool is_success(std::string_view line) const;
  void keep(std::string_view line);

  config::Protocol protocol_;
  Step step_ = Step::greeting;
  std::string unread_;
  std::vector<std::string> proof_;
  bool logged_in_ = false;
  bool proven_ = false;
};

}  // namespace saslift::proxy::trial
