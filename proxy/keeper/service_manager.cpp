#include "proxy/keeper/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include "proxy/keeper/descriptor.h"

namespace saslift::proxy::keeper {
namespace {

std::string take(const char* name) {
  const char* value = ::secure_getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() ? number : 0;
}

std::int64_t monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

ServiceManagerAddress take_service_manager_address() {
  ServiceManagerAddress address;
  address.socket = take("NOTIFY_SOCKET");
  const std::int64_t microseconds = number_in(take("WATCHDOG_USEC"));
  const std::string pid = take("WATCHDOG_PID");
  const bool ours = pid.empty() || number_in(pid) == ::getpid();
  if (ours && microseconds > 0) address.watchdog = auth::Duration{microseconds / 1'000};
  return address;
}

ServiceManager::ServiceManager(net::Loop& loop, ServiceManagerAddress address)
    : address_(std::move(address)), feeding_(loop, [this] { feed_watchdog(); }) {}

void ServiceManager::ready() {
  tell("READY=1\nSTATUS=serving");
  feed_watchdog();
}

void ServiceManager::reloading() {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading the configuration", monotonic_microseconds()));
}

void ServiceManager::stopping() { tell("STOPPING=1\nSTATUS=waiting for transfers to end"); }

void ServiceManager::feed_watchdog() {
  if (address_.watchdog <= auth::Duration{0}) return;
  tell("WATCHDOG=1");
  feeding_.set(address_.watchdog / 3);
}

void ServiceManager::tell(std::string_view text) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (address_.socket.empty() || address_.socket.size() >= sizeof address.sun_path) return;
  address_.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.socket.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // A manager that does not listen is its own affair.
  static_cast<void>(::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size));
}

}  // namespace saslift::proxy::keeper
