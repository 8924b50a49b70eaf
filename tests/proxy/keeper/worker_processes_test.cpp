#include "proxy/keeper/worker_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "auth/frames.h"
#include "catch.h"
#include "on_loop.h"
#include "proxy/keeper/descriptor.h"
#include "proxy/keeper/process_limits.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using tests::run_until;

namespace {

constexpr int channel = WorkerProcesses::pipe_descriptor;

void tell(const config::Secret& frame) {
  ::fcntl(channel, F_SETFL, 0);
  if (::write(channel, frame.reveal().data(), frame.size()) < 0) std::_Exit(99);
}

std::string open_descriptors() {
  std::set<int> open;
  for (int i = 0; i < 200; ++i) {
    if (::fcntl(i, F_GETFD) >= 0) open.insert(i);
  }
  std::string list;
  for (const int descriptor : open) list += std::to_string(descriptor) + " ";
  return list;
}

std::string whole_environment() {
  std::string text;
  for (char** variable = environ; *variable != nullptr; ++variable) text.append(*variable).append(" ");
  return text;
}

// What a stand-in worker does is told by the host name it is configured with.
void act(const auth::ToWorker& message) {
  static bool has_sessions = false;
  if (std::holds_alternative<auth::Drain>(message)) std::_Exit(0);
  if (std::holds_alternative<auth::Retire>(message) && !has_sessions) std::_Exit(0);
  const auto* configure = std::get_if<auth::Configure>(&message);
  if (configure == nullptr) return;
  has_sessions = configure->hostname == "has sessions";
  if (configure->hostname == "dies") std::_Exit(7);
  if (configure->hostname == "babbles") tell(config::Secret(std::string_view("\x04\0\0\0\xff\0\0x", 8)));
  if (configure->hostname == "overflows") tell(config::Secret(std::string(16, '\xff')));
  if (configure->hostname == "closes") ::close(channel);
  tell(auth::encode(auth::FromWorker(auth::Ready{})));
  auth::WorkerEvent event;
  event.event = "told";
  event.fields = {{"descriptors", open_descriptors()}, {"environment", whole_environment()}};
  tell(auth::encode(auth::FromWorker(event)));
}

struct Workers {
  explicit Workers(const std::string& behaviour, unsigned count = 1)
      : listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    WorkerProcesses::Events events;
    events.message = [this](auth::WorkerId id, auth::FromWorker message) {
      senders.insert(id);
      messages.push_back(std::move(message));
    };
    events.gone = [this](auth::WorkerId id) { gone.push_back(id); };
    events.log = [this](const auth::LogEvent& event) { log.push_back(event); };
    events.all_ended = [this] { ended = true; };
    workers.emplace(loop, plan(behaviour), std::move(events));
    workers->start(count);
  }
  [[nodiscard]] WorkerProcesses::Plan plan(const std::string& behaviour) const {
    auth::Configure configure;
    configure.hostname = behaviour;
    WorkerProcesses::Plan made;
    made.program.arguments = {"[.worker_process]", "-o", "/dev/null"};
    made.listening = {listening.get()};
    made.configure = auth::encode(auth::ToWorker(std::move(configure)));
    return made;
  }
  void replace(const std::string& behaviour) { workers->replace(plan(behaviour), 1, auth::Duration{5'000}); }
  [[nodiscard]] long retired() const {
    const auto all = workers->status();
    return std::count_if(all.begin(), all.end(), [](const auto& one) { return one.retired; });
  }
  [[nodiscard]] long logged(const std::string& name) const {
    return std::count_if(log.begin(), log.end(), [&](const auto& event) { return event.event == name; });
  }
  [[nodiscard]] std::string field(const std::string& event, const std::string& name) const {
    for (const auto& line : log) {
      if (line.event != event) continue;
      for (const auto& [key, value] : line.fields) {
        if (key == name && std::holds_alternative<std::string>(value)) return std::get<std::string>(value);
      }
    }
    return {};
  }

  proxy::net::Loop loop;
  Descriptor listening;
  std::set<auth::WorkerId> senders;
  std::vector<auth::FromWorker> messages;
  std::vector<auth::WorkerId> gone;
  std::vector<auth::LogEvent> log;
  bool ended = false;
  std::optional<WorkerProcesses> workers;
};

}  // namespace

TEST_CASE("the stand-in worker", "[.worker_process]") {
  auth::FrameReader reader;
  ::fcntl(channel, F_SETFL, 0);
  std::array<char, 4096> chunk{};
  for (ssize_t size = 0; (size = ::read(channel, chunk.data(), chunk.size())) > 0;) {
    reader.append({chunk.data(), static_cast<std::size_t>(size)});
    for (auto frame = reader.next(); frame && *frame; frame = reader.next()) act(*auth::decode_to_worker(**frame));
  }
  std::_Exit(0);
}

TEST_CASE("a worker starts with its pipe, the listeners, every library bound and nothing else") {
  const Descriptor stray(::open("/dev/null", O_RDONLY));
  close_on_exec_from(3);  // what the test program inherited, and the stray
  Workers workers("serves", 2);
  run_until(workers.loop, [&] { return workers.messages.size() == 2; });
  CHECK(workers.logged("worker_started") == 2);
  CHECK(workers.senders.size() == 2);
  for (const auto& message : workers.messages) {
    const auto& told = std::get<auth::WorkerEvent>(message);
    CHECK(told.fields.at(0).second == "0 1 2 3 4 5 ");  // 5 is opened by Catch
    CHECK(told.fields.at(1).second == "LD_BIND_NOW=1 ");
  }
  CHECK(workers.workers->status().size() == 2);
  CHECK(workers.workers->status().front().pid > 0);

  workers.workers->drain(auth::Duration{5'000});
  run_until(workers.loop, [&] { return workers.ended; });
  CHECK(workers.logged("worker_died") == 0);
  CHECK(workers.gone.size() == 2);
  CHECK(workers.workers->status().front().pid == 0);
}

TEST_CASE("FAULTS 77: a worker that is killed is back at once, as another") {
  Workers workers("serves");
  run_until(workers.loop, [&] { return workers.messages.size() == 1; });
  const auto first = workers.workers->status().front().pid;
  ::kill(first, SIGKILL);
  run_until(workers.loop, [&] { return workers.messages.size() == 2; });
  CHECK(workers.gone == std::vector<auth::WorkerId>{1});
  CHECK(workers.senders == std::set<auth::WorkerId>{1, 2});
  CHECK(workers.field("worker_died", "status") == "signal 9");
  CHECK(workers.workers->status().front().restarts == 1);
  CHECK(workers.workers->status().front().pid != first);
  workers.workers->send(1, auth::ToWorker(auth::Drain{}));  // reaches nobody
  CHECK_FALSE(workers.ended);
}

TEST_CASE("a worker that dies again and again is started ever later") {
  Workers workers("dies");
  run_until(workers.loop, [&] { return workers.logged("worker_died") == 4; });
  CHECK(workers.field("worker_died", "status") == "status 7");
  std::vector<std::int64_t> pauses;
  for (const auto& event : workers.log) pauses.push_back(std::get<std::int64_t>(event.fields.back().second));
  CHECK(pauses == std::vector<std::int64_t>{0, 100, 200, 400});
}

TEST_CASE("a worker that talks nonsense or closes its pipe is killed and replaced") {
  struct Row {
    const char* behaviour;
    const char* reason;
  };
  for (const Row& row : {Row{"babbles", "malformed frame"}, Row{"overflows", ""}, Row{"closes", ""}}) {
    CAPTURE(row.behaviour);
    Workers workers(row.behaviour);
    run_until(workers.loop, [&] { return workers.logged("worker_died") == 1; });
    CHECK(workers.field("worker_died", "reason").find(row.reason) != std::string::npos);
    CHECK(workers.gone.size() <= 1);
    CHECK(workers.messages.empty());
  }
}

TEST_CASE("kill ends them all without a restart") {
  Workers workers("serves", 2);
  run_until(workers.loop, [&] { return workers.messages.size() == 2; });
  workers.workers->kill();
  run_until(workers.loop, [&] { return workers.ended; });
  CHECK(workers.logged("worker_started") == 2);
}

TEST_CASE("another plan starts another generation, and the one before ends when it has nothing left") {
  Workers workers("serves", 2);
  run_until(workers.loop, [&] { return workers.messages.size() == 2; });
  CHECK(workers.workers->has(workers.plan("serves"), 2));
  CHECK_FALSE(workers.workers->has(workers.plan("serves"), 1));
  CHECK_FALSE(workers.workers->has(workers.plan("serves otherwise"), 2));
  workers.replace("serves otherwise");
  CHECK(workers.retired() == 0);  // nobody of the new ones accepts yet
  run_until(workers.loop, [&] { return workers.workers->status().size() == 1; });
  CHECK(workers.logged("workers_replaced") == 1);
  CHECK(workers.logged("worker_died") == 0);
  run_until(workers.loop, [&] { return workers.senders == std::set<auth::WorkerId>{1, 2, 3}; });
  CHECK(workers.workers->has(workers.plan("serves otherwise"), 1));
  CHECK_FALSE(workers.ended);
}

TEST_CASE("two generations live on for their last sessions, a third one is drained") {
  Workers workers("has sessions");
  for (std::size_t generation = 1; generation <= 4; ++generation) {
    run_until(workers.loop, [&] { return workers.messages.size() == generation; });
    const auto expected = static_cast<long>(std::min<std::size_t>(generation - 1, 2));
    run_until(workers.loop, [&] { return workers.retired() == expected; });
    CHECK(workers.workers->generation_of(static_cast<auth::WorkerId>(generation)) == generation);
    if (generation < 4) workers.replace("has sessions");
  }
  CHECK(workers.logged("worker_died") == 0);
  workers.workers->drain(auth::Duration{5'000});
  run_until(workers.loop, [&] { return workers.ended; });
}

TEST_CASE("a plan that no worker can carry out retires nobody") {
  Workers workers("serves");
  run_until(workers.loop, [&] { return workers.messages.size() == 1; });
  workers.replace("dies");
  run_until(workers.loop, [&] { return workers.logged("worker_died") == 2; });
  CHECK(workers.workers->status().size() == 2);
  CHECK(workers.retired() == 0);
  CHECK(workers.workers->replacing());
  workers.replace("serves");
  CHECK(workers.workers->replacing());
  run_until(workers.loop, [&] { return workers.messages.size() == 2; });
  CHECK_FALSE(workers.workers->replacing());
  run_until(workers.loop, [&] { return workers.workers->status().size() == 1; });
}

TEST_CASE("of a retired worker that dies nobody takes the place") {
  Workers workers("has sessions");
  run_until(workers.loop, [&] { return workers.messages.size() == 1; });
  const int old = workers.workers->status().front().pid;
  workers.replace("serves");
  run_until(workers.loop, [&] { return workers.retired() == 1; });
  ::kill(old, SIGKILL);
  run_until(workers.loop, [&] { return workers.workers->status().size() == 1; });
  CHECK(workers.field("worker_died", "status") == "signal 9");
  run_until(workers.loop, [&] { return workers.messages.size() == 2; });
  CHECK(workers.logged("worker_started") == 2);
}
