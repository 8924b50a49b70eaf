// The load of the benchmark: speaks IMAP as a client to whatever listens on a port, checks what comes
// back and prints one JSON object. The secret comes by SASLIFT_BENCH_SECRET.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "tests/bench/driver/crowd.h"
#include "tests/bench/driver/message.h"

namespace saslift::bench {
namespace {

struct Arguments {
  std::string mode;
  std::string ca_file;
  std::size_t message_bytes = 50'000'000;
  unsigned seconds = 120;
  Order order;
};

double percentile(const std::vector<double>& sorted, double share) {
  const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted.at(place);
}

void print(const Arguments& arguments, Outcome outcome) {
  std::sort(outcome.login_ms.begin(), outcome.login_ms.end());
  const auto& script = arguments.order.script;
  const bool carries = script.work == Work::down || script.work == Work::up;
  fmt::print(R"({{"mode": "{}", "logins": {}, "p50_ms": {:.3f}, "p95_ms": {:.3f}, "bytes": {}, "seconds": {:.3f}}})"
             "\n",
             arguments.mode, outcome.login_ms.size(), percentile(outcome.login_ms, 0.50),
             percentile(outcome.login_ms, 0.95), carries ? script.message.size() * script.repeats : 0, outcome.seconds);
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  Order& order = arguments.order;
  const std::map<std::string, Authentication> authentications = {{"login", Authentication::login},
                                                                 {"xoauth2", Authentication::xoauth2}};
  CLI::App app{"A bounded IMAP load that checks every byte."};
  app.add_option("mode", arguments.mode, "login, down, up, idle; or message: writes the message")
      ->required()
      ->check(CLI::IsMember({"login", "down", "up", "idle", "message"}));
  app.add_option("--address", order.target.address)->default_val("127.0.0.1");
  app.add_option("--port", order.target.port);
  app.add_option("--ca", arguments.ca_file, "speak TLS and trust this file");
  app.add_option("--server-name", order.target.server_name)->default_val("localhost");
  app.add_option("--authentication", order.script.authentication)->transform(CLI::CheckedTransformer(authentications));
  app.add_option("--user", order.user, "% becomes the number of the connection");
  app.add_option("--count", order.count, "connections")->check(CLI::Range(1, 100'000));
  app.add_option("--at-once", order.at_once, "connections that log in at once")->check(CLI::Range(1, 1'000));
  app.add_option("--repeats", order.script.repeats, "messages on a connection")->check(CLI::Range(1, 100'000));
  app.add_option("--message-bytes", arguments.message_bytes)->check(CLI::Range(1024, 1'000'000'000));
  app.add_option("--seconds", arguments.seconds, "give up after")->check(CLI::Range(1, 3'600));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  order.time = std::chrono::seconds(arguments.seconds);
  return arguments;
}

int run_mode(Arguments& arguments) {
  const std::map<std::string, Work> works = {
      {"login", Work::login}, {"down", Work::down}, {"up", Work::up}, {"idle", Work::idle}};
  Order& order = arguments.order;
  std::string message =
      arguments.mode == "login" || arguments.mode == "idle" ? "" : make_message(arguments.message_bytes);
  if (arguments.mode == "message")
    return std::fwrite(message.data(), 1, message.size(), stdout) == message.size() ? 0 : 1;

  const std::size_t size = message.size();
  message += "\r\n";
  order.script.message_and_crlf = message;
  order.script.message = order.script.message_and_crlf.substr(0, size);
  order.script.work = works.at(arguments.mode);
  const char* secret = std::getenv("SASLIFT_BENCH_SECRET");
  order.script.secret = secret != nullptr ? secret : "";
  order.all_idle = [&order] {
    fmt::print("{{\"mode\": \"idle\", \"open\": {}}}\n", order.count);
    std::fflush(stdout);
  };
  std::optional<ClientTls> tls;
  if (!arguments.ca_file.empty()) order.target.tls = &tls.emplace(arguments.ca_file);
  print(arguments, run(order));
  return 0;
}

}  // namespace
}  // namespace saslift::bench

int main(int argc, char** argv) {
  using namespace saslift::bench;
  Arguments arguments = parse(argc, argv);
  try {
    return run_mode(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_driver: {}\n", error.what());
    return 1;
  }
}
