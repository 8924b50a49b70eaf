#include "script.h"

#include <optional>
#include <set>
#include <stdexcept>

namespace saslift::dialogues {
namespace {

const std::set<std::string, std::less<>> client_side_settings = {
    "hostname", "starttls", "plaintext_logins", "tls", "smtp_extensions", "auth_equals", "trust", "secret", "replay"};
const std::set<std::string, std::less<>> server_side_settings = {"mailbox",   "token", "mechanism", "tls",
                                                                 "ehlo_word", "host",  "port",      "replay"};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Turns a script's text into bytes: escapes and {macros}.
class Expansion {
 public:
  Expansion(const Script& script, std::string_view text) : script_(script), text_(text) {}

  std::string all() {
    std::string bytes;
    while (at_ < text_.size()) take_one(bytes);
    return bytes;
  }

  // A bare or quoted word; nullopt: no more.
  std::optional<std::string> word() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size()) return std::nullopt;
    std::string bytes;
    if (text_[at_] == '"') {
      ++at_;
      while (at_ < text_.size() && text_[at_] != '"') take_one(bytes);
      if (at_ == text_.size()) throw std::runtime_error("quote is not closed");
      ++at_;
    } else {
      while (at_ < text_.size() && text_[at_] != ' ') take_one(bytes);
    }
    return bytes;
  }

 private:
  void take_one(std::string& bytes) {
    if (text_[at_] == '\\') {
      take_escape(bytes);
    } else if (text_[at_] == '{') {
      take_brace(bytes);
    } else {
      bytes += text_[at_++];
    }
  }

  void take_escape(std::string& bytes) {
    if (at_ + 1 >= text_.size()) throw std::runtime_error("nothing behind the backslash");
    const char kind = text_[at_ + 1];
    at_ += 2;
    switch (kind) {
      case 'r':
        bytes += '\r';
        return;
      case 'n':
        bytes += '\n';
        return;
      case 't':
        bytes += '\t';
        return;
      case 'x':
        bytes += static_cast<char>(std::stoi(std::string(text_.substr(at_, 2)), nullptr, 16));
        at_ += 2;
        return;
      case '\\':
      case '"':
      case ',':
      case '{':
      case '}':
        bytes += kind;
        return;
      default:
        throw std::runtime_error(std::string("unknown escape \\") + kind);
    }
  }

  void take_brace(std::string& bytes) {
    for (const std::string_view name : {"b64", "plain", "xoauth2", "oauthbearer", "repeat"}) {
      const std::string opening = "{" + std::string(name) + ":";
      if (!text_.substr(at_).starts_with(opening)) continue;
      at_ += opening.size();
      bytes += macro(name);
      return;
    }
    bytes += text_[at_++];
  }

  // One argument, up to `end` or the closing brace.
  std::string argument(char end) {
    std::string bytes;
    while (at_ < text_.size() && text_[at_] != end && text_[at_] != '}') take_one(bytes);
    if (at_ == text_.size() || text_[at_] != end) throw std::runtime_error(std::string("expected ") + end);
    ++at_;
    return bytes;
  }

  std::string macro(std::string_view name) {
    if (name == "repeat") {
      const std::string piece = argument(',');
      const int count = std::stoi(argument('}'));
      std::string bytes;
      for (int i = 0; i < count; ++i) bytes += piece;
      return bytes;
    }
    if (name == "plain") {
      const std::string authzid = argument(',');
      const std::string login = argument(',');
      const std::string password = argument('}');
      return base64(authzid + '\0' + login + '\0' + password);
    }
    const std::string text = argument('}');
    const std::string bearer = "auth=Bearer " + script_.setting("token", "") + "\x01\x01";
    if (name == "xoauth2") return base64("user=" + text + "\x01" + bearer);
    if (name == "oauthbearer") {
      return base64("n,a=" + text + ",\x01host=" + script_.setting("host", "") +
                    "\x01port=" + script_.setting("port", "") + "\x01" + bearer);
    }
    return base64(text);
  }

  const Script& script_;
  std::string_view text_;
  std::size_t at_ = 0;
};

std::vector<std::string> words_of(const Script& script, std::string_view text) {
  Expansion expansion(script, text);
  std::vector<std::string> words;
  while (auto word = expansion.word()) words.push_back(std::move(*word));
  if (words.empty()) throw std::runtime_error("nothing behind ! or ?");
  return words;
}

void parse_setting(Script& script, std::string_view line, Playing playing) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) throw std::runtime_error("a setting is written key: value");
  const std::string key(trimmed(line.substr(0, colon)));
  const auto& known = playing == Playing::client_side ? client_side_settings : server_side_settings;
  if (!known.contains(key)) throw std::runtime_error("unknown setting " + key);
  script.settings[key] = Expansion(script, trimmed(line.substr(colon + 1))).all();
}

Step parse_step(const Script& script, std::string_view line, Playing playing) {
  const std::string_view mark = line.substr(0, 2);
  const std::string_view rest = line.size() > 3 ? line.substr(3) : std::string_view();
  if (mark == "! ") {
    auto words = words_of(script, line.substr(2));
    if (words.front() == "unread" && words.size() == 2) return {0, Unread{words[1]}};
    return {0, Action{std::move(words)}};
  }
  if (mark == "? ") return {0, Event{words_of(script, line.substr(2))}};
  if (mark != "C:" && mark != "S:" && mark != "C<" && mark != "S<") throw std::runtime_error("not a step");
  if (line.size() > 2 && line[2] != ' ') throw std::runtime_error("a space belongs behind " + std::string(mark));
  std::string bytes = Expansion(script, rest).all();
  if (mark[1] == ':') bytes += "\r\n";
  if ((mark[0] == 'C') == (playing == Playing::client_side)) return {0, Input{std::move(bytes)}};
  return {0, Output{std::move(bytes)}};
}

// The greeting waits for nobody and for nothing; only a client may speak ahead of it.
void check_start(const Script& script) {
  for (const auto& step : script.steps) {
    if (std::holds_alternative<Output>(step.what)) return;
    if (!std::holds_alternative<Input>(step.what)) {
      throw std::runtime_error(script.name + ":" + std::to_string(step.line) +
                               ": ahead of the greeting only C: can be");
    }
  }
  throw std::runtime_error(script.name + ": no greeting");
}

}  // namespace

std::string Script::setting(const std::string& key, std::string_view otherwise) const {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string(otherwise) : found->second;
}

Script parse_script(std::string name, std::string_view text, Playing playing) {
  Script script;
  script.name = std::move(name);
  if (playing == Playing::server_side) {
    script.settings = {{"mailbox", "box@example.com"},
                       {"token", "EwBAAl3BAAUFFpUA"},
                       {"host", "mail.example.com"},
                       {"port", "993"},
                       {"ehlo_word", "proxy.example.com"}};
  }
  bool in_settings = true;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.starts_with('#')) continue;
    if (line.empty()) {
      in_settings = false;
      continue;
    }
    try {
      if (in_settings) {
        parse_setting(script, line, playing);
        continue;
      }
      script.steps.push_back(parse_step(script, line, playing));
      script.steps.back().line = number;
    } catch (const std::exception& error) {
      throw std::runtime_error(script.name + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (script.steps.empty()) throw std::runtime_error(script.name + ": no steps; is a blank line missing?");
  if (playing == Playing::client_side) check_start(script);
  return script;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = i; j < i + 3; ++j) {
      group = (group << 8U) | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : alphabet[(group >> (18U - 6U * j)) & 63U];
    }
  }
  return text;
}

std::string escaped(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\\' || c == '"') {
      text += {'\\', c};
    } else if (byte < 0x20 || byte > 0x7e) {
      text += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace saslift::dialogues
