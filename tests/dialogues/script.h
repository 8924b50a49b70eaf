// A dialogue as data: tests/dialogues/{imap,pop3,smtp}/{client_side,server_side}/*.script. The folder says
// which side we play; C: and S: are the client and the server of the RFC.
//
//   # RFC 9051 6.2.3: a password as literal, FAULTS 8       comments: what is shown, and its source
//   starttls: offered                                       settings, then a blank line
//
//   S: * OK IMAP ready                                      a line; CRLF is appended
//   C: a1 LOGIN user {9}
//   S: + ready
//   C< pass                                                 bytes; nothing is appended
//   C:  word
//   ! attempt-login login_command user "" "pass word"       what the dialogue has to do
//   ? refused bad_credentials "" 7f3a                       what happens to it
//   S: a1 NO ...
//
// client_side: C is input, S is expected.  Settings: hostname, starttls (none, offered), plaintext_logins (accepted,
//   refused), tls (none, active), smtp_extensions (comma separated), auth_equals (none, listed), trust (no, yes),
//   secret (must never be sent). C: ahead of the first S: is a client that does not wait for the greeting.
//   ! attempt-login MECHANISM LOGIN AUTHZID PASSWORD   ! start-tls   ! close REASON   ! unread BYTES (the last step)
//   ? accepted   ? refused FAILURE SENTENCE REFERENCE  ? tls-started ? dismiss
//   idle_before_login|session_cap|shutting_down
// server_side: S is input, C is expected.  Settings: mailbox, token, mechanism (xoauth2, oauthbearer), tls (implicit,
//   starttls), ehlo_word, host, port.
//   ! start-tls   ! logged-in   ! refused KIND JSON_STATUS WORDS   ! unread BYTES   ? tls-started   ? ended
//
// Text may hold \r \n \t \\ \" \xHH and {b64:TEXT} {plain:AUTHZID,LOGIN,PASSWORD} {xoauth2:MAILBOX}
// {oauthbearer:MAILBOX} (with the token, host and port of the settings) {repeat:TEXT,COUNT}; other braces are
// themselves. Words of ! and ? are bare or quoted. How a script is replayed: player.h; `replay: lines, cut` keeps it to
// some ways.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace saslift::dialogues {

enum class Playing { client_side, server_side };

struct Input {
  std::string bytes;
};
struct Output {
  std::string bytes;
};
struct Event {
  std::vector<std::string> words;
};
struct Action {
  std::vector<std::string> words;
};
struct Unread {
  std::string bytes;
};

struct Step {
  int line = 0;
  std::variant<Input, Output, Event, Action, Unread> what;
};

struct Script {
  std::string name;
  std::map<std::string, std::string> settings;
  std::vector<Step> steps;

  [[nodiscard]] std::string setting(const std::string& key, std::string_view otherwise) const;
};

// Throws std::runtime_error with name and line.
[[nodiscard]] Script parse_script(std::string name, std::string_view text, Playing playing);

// Base64 of the tests' own, so that the product's is judged by another.
[[nodiscard]] std::string base64(std::string_view bytes);
// Bytes as a script would write them.
[[nodiscard]] std::string escaped(std::string_view bytes);

}  // namespace saslift::dialogues
