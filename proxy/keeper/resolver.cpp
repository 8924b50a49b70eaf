#include "proxy/keeper/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "config/network.h"

namespace saslift::proxy::keeper {
namespace {

constexpr std::size_t most_addresses = 16;

// In the resolver's order (RFC 6724), each once.
std::vector<std::string> numeric(const addrinfo* first) {
  std::vector<std::string> addresses;
  for (const addrinfo* info = first; info != nullptr && addresses.size() < most_addresses; info = info->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(info->ai_addr, info->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    std::string address(text.data());
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  return addresses;
}

}  // namespace

struct Resolver::Lookup {
  uv_getaddrinfo_t request{};
  Resolver* resolver = nullptr;  // null once that is gone
  std::string host;
};

Resolver::Resolver(net::Loop& loop, Resolved resolved)
    : loop_(loop), resolved_(std::move(resolved)), known_alarm_(loop, [this] { report_known(); }) {}

Resolver::~Resolver() {
  for (Lookup* lookup : running_) {
    lookup->resolver = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup->request));  // those that still wait for a thread
  }
}

void Resolver::resolve(const std::string& host) {
  // AI_ADDRCONFIG would refuse an address of a family that only loopback has.
  if (const auto address = config::IpAddress::parse(host)) {
    known_.emplace_back(host, std::vector<std::string>{address->text()});
    return known_alarm_.set(auth::Duration{0});
  }
  auto lookup = std::make_unique<Lookup>();
  lookup->resolver = this;
  lookup->host = host;
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  const int error = uv_getaddrinfo(
      loop_.raw(), &lookup->request,
      [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
        const std::unique_ptr<Lookup> done(static_cast<Lookup*>(request->data));
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(found, &uv_freeaddrinfo);
        if (done->resolver == nullptr) return;
        auto addresses = numeric(found);
        if (status == 0 && addresses.empty()) status = UV_EAI_NODATA;
        if (status != 0)
          return done->resolver->finished(*done, std::unexpected(auth::ResolveError{uv_strerror(status)}));
        done->resolver->finished(*done, std::move(addresses));
      },
      host.c_str(), nullptr, &hints);
  if (error != 0) {
    known_.emplace_back(host, std::unexpected(auth::ResolveError{uv_strerror(error)}));
    return known_alarm_.set(auth::Duration{0});
  }
  running_.push_back(lookup.release());
}

void Resolver::finished(Lookup& lookup, auth::ResolveOutcome outcome) {
  std::erase(running_, &lookup);
  resolved_(lookup.host, std::move(outcome));
}

void Resolver::report_known() {
  for (auto& [host, outcome] : std::exchange(known_, {})) resolved_(host, std::move(outcome));
}

}  // namespace saslift::proxy::keeper
