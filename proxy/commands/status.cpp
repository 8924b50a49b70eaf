#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>

#include "proxy/commands/configuration.h"
#include "proxy/commands/readiness_lines.h"
#include "proxy/commands/status_table.h"
#include "proxy/commands/subcommands.h"
#include "proxy/keeper/control_requests.h"
#include "proxy/keeper/control_socket.h"

namespace saslift::proxy::commands {
namespace {

struct Told {
  std::string text;
  int answer = yes;
};

std::optional<Told> told_to_people(StatusQuestion question, const std::string& reply) {
  if (question == StatusQuestion::readiness) {
    const auto readiness = told_readiness(reply);
    if (!readiness) return std::nullopt;
    return Told{readiness_lines(*readiness), readiness->ready ? yes : no};
  }
  auto table = status_table(reply);
  if (!table) return std::nullopt;
  return Told{*std::move(table), yes};
}

}  // namespace

int status(const StatusOptions& options) {
  const auto service = load_service(options.config);
  if (!service) {
    print_problems(service.error());
    return wrong_use;
  }
  const std::string path = keeper::control_path(*service);
  const auto reply = keeper::ask_keeper(path, keeper::status_request());
  if (!reply) {
    fmt::print(stderr, "saslift is not running, or out of reach: {}: {}\n", path, reply.error().detail);
    return no;
  }
  const auto told = told_to_people(options.question, *reply);
  if (!told) {
    fmt::print(stderr, "the keeper's answer is not understood; is it of another version?\n");
    return no;
  }
  fmt::print(stdout, "{}", options.output == Output::json ? *reply + "\n" : told->text);
  return told->answer;
}

}  // namespace saslift::proxy::commands
