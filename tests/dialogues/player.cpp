#include "player.h"

#include <algorithm>
#include <stdexcept>

namespace saslift::dialogues {
namespace {

bool is_stimulus(const Step& step) {
  return std::holds_alternative<Input>(step.what) || std::holds_alternative<Event>(step.what);
}

bool starts_tls(const Step& step) {
  const auto* action = std::get_if<Action>(&step.what);
  return action != nullptr && action->words[0] == "start-tls";
}

// Steps [begin, end) whose stimuli are all given before what is expected is looked at.
struct Scene {
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::size_t end_of_scene(const std::vector<Step>& steps, std::size_t at, Replay replay) {
  if (replay == Replay::at_once) {
    while (at < steps.size() && !starts_tls(steps[at])) ++at;
  } else {
    while (at < steps.size() && is_stimulus(steps[at])) ++at;
  }
  while (at < steps.size() && !is_stimulus(steps[at])) ++at;
  return at;
}

void feed(Subject& subject, const std::string& bytes, Replay replay) {
  if (replay != Replay::bytes) return subject.receive(bytes);
  for (const char byte : bytes) subject.receive(std::string_view(&byte, 1));
}

void give_stimuli(Subject& subject, const std::vector<Step>& steps, Scene scene, Replay replay) {
  std::string waiting;
  const auto flush = [&] {
    if (!waiting.empty()) feed(subject, waiting, replay);
    waiting.clear();
  };
  if (replay == Replay::at_once) {
    for (std::size_t i = scene.begin; i < scene.end; ++i) {
      if (const auto* input = std::get_if<Input>(&steps[i].what)) waiting += input->bytes;
    }
    // What starts a scene is not pipelined before it: the change to TLS, and its bytes behind it.
    if (scene.begin < scene.end && std::holds_alternative<Event>(steps[scene.begin].what)) {
      subject.happen(std::get<Event>(steps[scene.begin].what));
      ++scene.begin;
    }
    flush();
  }
  for (std::size_t i = scene.begin; i < scene.end; ++i) {
    if (const auto* event = std::get_if<Event>(&steps[i].what)) {
      flush();
      subject.happen(*event);
    } else if (const auto* input = std::get_if<Input>(&steps[i].what); input != nullptr && replay != Replay::at_once) {
      waiting += input->bytes;
      if (replay != Replay::bursts) flush();
    }
  }
  flush();
}

std::string shown(const Transcript& transcript, std::size_t from) {
  const auto lines = transcript.lines();
  std::string text;
  for (std::size_t i = std::min(from, lines.size()); i < lines.size(); ++i) text += "    " + lines[i] + "\n";
  return text.empty() ? "    (nothing)\n" : text;
}

// Compares from the first line that differs on.
void compare(const Transcript& declared, const Transcript& given) {
  if (declared == given) return;
  const auto left = declared.lines();
  const auto right = given.lines();
  std::size_t same = 0;
  while (same < left.size() && same < right.size() && left[same] == right[same]) ++same;
  throw std::runtime_error("declared:\n" + shown(declared, same) + "  given:\n" + shown(given, same));
}

void play_whole(const Script& script, Replay replay, const MakeSubject& make, int& line) {
  const auto& steps = script.steps;
  const auto subject = make();
  Transcript declared;
  subject->start();
  for (std::size_t at = 0; at < steps.size();) {
    // What the dialogue says first, unasked, is a scene without stimulus.
    const bool opens = at == 0 && !is_stimulus(steps[0]);
    std::size_t end = end_of_scene(steps, at, opens ? Replay::lines : replay);
    line = steps[at].line;
    give_stimuli(*subject, steps, {at, end}, replay);
    for (std::size_t i = at; i < end; ++i) {
      if (const auto* output = std::get_if<Output>(&steps[i].what)) declared.bytes(output->bytes);
      if (const auto* action = std::get_if<Action>(&steps[i].what)) declared.action(action->words);
    }
    compare(declared, subject->transcript());
    for (std::size_t i = at; i < end; ++i) {
      const auto* unread = std::get_if<Unread>(&steps[i].what);
      if (unread == nullptr) continue;
      line = steps[i].line;
      if (i + 1 != steps.size()) throw std::runtime_error("unread must be the last step");
      const std::string given = subject->take_unread();
      if (given != unread->bytes) {
        throw std::runtime_error("declared unread \"" + escaped(unread->bytes) + "\", given \"" + escaped(given) +
                                 "\"");
      }
    }
    at = end;
  }
}

// Ends the dialogue after the steps before `end` and the first `more` bytes of the input behind them.
void cut_at(const Script& script, const MakeSubject& make, std::size_t end, std::size_t more) {
  for (int way = 0; way < make()->ways_to_cut(); ++way) {
    const auto subject = make();
    subject->start();
    give_stimuli(*subject, script.steps, {0, end}, Replay::lines);
    if (more > 0) subject->receive(std::string_view(std::get<Input>(script.steps[end].what).bytes).substr(0, more));
    subject->cut(way);
  }
}

// A client may leave, or be dismissed, while it is still found out whether it starts TLS: not greeted yet.
void cut_before_start(const MakeSubject& make) {
  for (int way = 0; way < make()->ways_to_cut(); ++way) make()->cut(way);
}

void play_cut(const Script& script, const MakeSubject& make, int& line) {
  // Longer input is filler, and each of its bytes would cost as much as all those before it.
  constexpr std::size_t longest_cut_input = 512;
  const auto& steps = script.steps;
  line = steps[0].line;
  cut_before_start(make);
  for (std::size_t end = 0; end <= steps.size(); ++end) {
    line = steps[end == 0 ? 0 : end - 1].line;
    if (end == 0 || is_stimulus(steps[end - 1])) cut_at(script, make, end, 0);
    if (end == steps.size()) break;
    const auto* input = std::get_if<Input>(&steps[end].what);
    if (input == nullptr || input->bytes.size() > longest_cut_input) continue;
    line = steps[end].line;
    for (std::size_t more = 1; more < input->bytes.size(); ++more) cut_at(script, make, end, more);
  }
}

}  // namespace

std::string name_of(Replay replay) {
  switch (replay) {
    case Replay::lines:
      return "lines";
    case Replay::bytes:
      return "bytes";
    case Replay::bursts:
      return "bursts";
    case Replay::at_once:
      return "at_once";
    case Replay::cut:
      return "cut";
  }
  return "?";
}

bool wants(const Script& script, Replay replay) {
  const std::string wanted = script.setting("replay", "");
  return wanted.empty() || (", " + wanted + ",").find(" " + name_of(replay) + ",") != std::string::npos;
}

std::optional<std::string> play(const Script& script, Replay replay, const MakeSubject& make) {
  int line = 0;
  try {
    if (replay == Replay::cut) {
      play_cut(script, make, line);
    } else {
      play_whole(script, replay, make, line);
    }
  } catch (const std::exception& error) {
    return script.name + ":" + std::to_string(line) + ": (" + name_of(replay) + ") " + error.what();
  }
  return std::nullopt;
}

}  // namespace saslift::dialogues
