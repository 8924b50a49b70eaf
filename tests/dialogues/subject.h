// A dialogue under test, with the two kinds of side made alike: bytes and events in, a transcript out.
// What holds for every dialogue is checked here: nothing follows the end, no secret leaves unmarked.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/dialogue/client_side.h"
#include "proxy/dialogue/server_side.h"
#include "script.h"

namespace saslift::dialogues {

// What a dialogue gave, in order; neighbouring Sends are one entry.
class Transcript {
 public:
  void bytes(std::string_view sent);
  void action(const std::vector<std::string>& words);
  // One line for each line sent and each action.
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] bool operator==(const Transcript& other) const = default;

 private:
  struct Entry {
    bool is_action = false;
    std::string text;
    bool operator==(const Entry& other) const = default;
  };
  std::vector<Entry> entries_;
};

class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  virtual void start() = 0;
  virtual void receive(std::string_view bytes) = 0;
  virtual void happen(const Event& event) = 0;
  [[nodiscard]] virtual std::string take_unread() = 0;
  // The ways the session may end the dialogue at this point, each on a fresh subject: forgotten; the client
  // dismissed, which gets words and a close; the server gone, which refuses the login.
  [[nodiscard]] virtual int ways_to_cut() const = 0;
  virtual void cut(int way) = 0;

  [[nodiscard]] const Transcript& transcript() const { return transcript_; }

 protected:
  Transcript transcript_;
};

using MakeClientSide = std::unique_ptr<proxy::ClientSide> (*)(proxy::ClientSideSettings);
using MakeServerSide = std::unique_ptr<proxy::ServerSide> (*)(proxy::ServerLogin);

[[nodiscard]] std::unique_ptr<Subject> make_subject(const Script& script, MakeClientSide make);
[[nodiscard]] std::unique_ptr<Subject> make_subject(const Script& script, MakeServerSide make);

}  // namespace saslift::dialogues
