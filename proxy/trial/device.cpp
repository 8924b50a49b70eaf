#include "proxy/trial/device.h"

#include <fmt/format.h>

#include "proxy/dialogue/printable.h"
#include "proxy/sasl/base64.h"
#include "proxy/sasl/bearer.h"

namespace saslift::proxy::trial {
namespace {

constexpr std::size_t most_kept = 200;
constexpr std::size_t longest_line = 64 * 1024;

}  // namespace

Device::Device(config::Protocol protocol) : protocol_(protocol) {}

std::string Device::receive(std::string_view bytes) {
  std::string answers;
  unread_ += bytes;
  for (std::size_t end = 0; (end = unread_.find('\n')) != std::string::npos;) {
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    answers += line_came(line);
  }
  if (unread_.size() > longest_line) unread_.clear();
  return answers;
}

// IMAP: the tagged one; POP3: each; SMTP: the one without '-' behind its code.
bool Device::ends_reply(std::string_view line) const {
  if (protocol_ == config::Protocol::imap) return step_ == Step::greeting || !line.starts_with("* ");
  if (protocol_ == config::Protocol::smtp) return line.size() < 4 || line[3] != '-';
  return true;
}

bool Device::is_success(std::string_view line) const {
  switch (protocol_) {
    case config::Protocol::imap:
      return line.find(" OK") != std::string_view::npos && line.find(" OK") <= 2;
    case config::Protocol::pop3:
      return line.starts_with("+OK");
    case config::Protocol::smtp:
      return line.starts_with('2');
  }
  return false;
}

std::string Device::first_command() {
  switch (protocol_) {
    case config::Protocol::imap:
      step_ = Step::password;
      return fmt::format("a LOGIN {0} {0}\r\n", login_name);
    case config::Protocol::pop3:
      step_ = Step::name;
      return fmt::format("USER {}\r\n", login_name);
    case config::Protocol::smtp:
      step_ = Step::hello;
      return fmt::format("EHLO {}\r\n", login_name);
  }
  return {};
}

std::string Device::leave() {
  step_ = Step::leaving;
  return protocol_ == config::Protocol::imap ? "c LOGOUT\r\n" : "QUIT\r\n";
}

std::string Device::prove() {
  step_ = Step::proof;
  switch (protocol_) {
    case config::Protocol::imap:
      return "b LIST \"\" \"*\"\r\n";
    case config::Protocol::pop3:
      return "STAT\r\n";
    case config::Protocol::smtp:
      return "NOOP\r\n";
  }
  return {};
}

void Device::keep(std::string_view line) {
  if (proof_.size() < most_kept) proof_.push_back(printable(line));
}

std::string Device::line_came(std::string_view line) {
  if (step_ == Step::proof) keep(line);
  if (!ends_reply(line)) return {};
  switch (step_) {
    case Step::greeting:
      return first_command();
    case Step::hello:
      step_ = Step::password;
      return fmt::format("AUTH PLAIN {}\r\n",
                         sasl::encode_base64(fmt::format("{0}{1}{0}{1}", std::string(1, '\0'), login_name)));
    case Step::name:
      step_ = Step::password;
      return fmt::format("PASS {}\r\n", login_name);
    case Step::password:
      logged_in_ = is_success(line);
      return logged_in_ ? prove() : leave();
    case Step::proof:
      proven_ = is_success(line);
      return leave();
    case Step::leaving:
      break;
  }
  return {};
}

}  // namespace saslift::proxy::trial
