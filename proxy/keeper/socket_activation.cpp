#include "proxy/keeper/socket_activation.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace saslift::proxy::keeper {
namespace {

constexpr int first_descriptor = 3;
constexpr int most_descriptors = 1024;

std::string take(const char* name) {
  const char* value = ::secure_getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

int number_in(std::string_view text) {
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() ? number : 0;
}

int option_of(int socket, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// nullopt: not a TCP socket that listens.
std::optional<config::SocketAddress> listening_address(int socket) {
  if (option_of(socket, SO_TYPE) != SOCK_STREAM || option_of(socket, SO_ACCEPTCONN) != 1) return std::nullopt;
  return bound_address(socket);
}

// The names, one a descriptor, with colons between them.
std::string name_number(std::string_view names, int index) {
  for (; index > 0; --index) {
    const auto colon = names.find(':');
    if (colon == std::string_view::npos) return "unknown";
    names.remove_prefix(colon + 1);
  }
  return std::string(names.substr(0, names.find(':')));
}

}  // namespace

Inherited take_inherited_listeners() {
  const bool ours = number_in(take("LISTEN_PID")) == ::getpid();
  const int count = number_in(take("LISTEN_FDS"));
  const std::string names = take("LISTEN_FDNAMES");
  Inherited inherited;
  if (!ours) return inherited;
  for (int i = 0; i < std::min(count, most_descriptors); ++i) {
    Descriptor socket(first_descriptor + i);
    if (const auto address = listening_address(socket.get())) {
      inherited.listeners.push_back({std::move(socket), nullptr, *address, {}});
    } else {
      inherited.unusable.push_back(
          fmt::format("{} (descriptor {}) is no TCP socket that listens", name_number(names, i), socket.get()));
    }
  }
  return inherited;
}

}  // namespace saslift::proxy::keeper
