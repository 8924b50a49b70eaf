// Replays a script against a dialogue. Whatever the dialogue gives that the script does not declare, or the
// other way round, is a failure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "script.h"
#include "subject.h"

namespace saslift::dialogues {

enum class Replay {
  lines,    // every C: or S: of input by itself
  bytes,    // every byte by itself
  bursts,   // neighbouring input in one piece
  at_once,  // client side: all that the client says up to a change to TLS in one piece, before any answer to it
  cut,      // ended before the start, after every step and every byte, in every way there is; see Subject::cut()
};
inline constexpr Replay all_replays[] = {Replay::lines, Replay::bytes, Replay::bursts, Replay::at_once, Replay::cut};
[[nodiscard]] std::string name_of(Replay replay);
// Whether the script's `replay:` setting, where it has one, names this way.
[[nodiscard]] bool wants(const Script& script, Replay replay);

using MakeSubject = std::function<std::unique_ptr<Subject>()>;

// What went wrong, with the script's name and line; nullopt: all as declared.
[[nodiscard]] std::optional<std::string> play(const Script& script, Replay replay, const MakeSubject& make);

}  // namespace saslift::dialogues
