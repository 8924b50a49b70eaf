#include "proxy/fetch/command.h"

#include <cstdlib>
#include <string>

#include "config/secret_sources.h"

namespace saslift::proxy::fetch {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  while (!text.empty() && blanks.contains(text.back())) text.remove_suffix(1);
  return text;
}

auth::FetchOutcome failed(std::string detail) {
  return std::unexpected(auth::FetchError{auth::FetchFailure::command_failed, std::move(detail)});
}

}  // namespace

auth::FetchOutcome run_command(const config::TokenCommand& command) {
  clearenv();
  for (const std::string& variable : command.environment) {
    const auto equals = variable.find('=');
    setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
  }
  const auto output =
      config::run_secret_command(command.words, {.time = command.time, .output = auth::largest_token_reply});
  if (!output) return failed(output.error().text);
  const std::string_view text = trimmed(output->reveal());
  auth::TokenReply reply;
  reply.status = 200;
  reply.received = std::chrono::system_clock::now();
  if (text.starts_with('{')) {
    reply.body = config::Secret(text);
    return reply;
  }
  if (text.empty() || text.find_first_of("\"\\ \t\r\n") != std::string_view::npos)
    return failed("the command printed neither a token alone nor a JSON object with access_token");
  std::string body;
  body.reserve(text.size() + 32);
  body.append(R"({"access_token":")").append(text).append("\"}");
  reply.body = config::Secret::taken_from(body);
  return reply;
}

}  // namespace saslift::proxy::fetch
