#include "proxy/net/connector.h"

#include <algorithm>
#include <utility>

namespace saslift::proxy::net {
namespace {

constexpr auth::Duration next_address_after{250};
constexpr auth::Duration address_timeout{10'000};

struct ConnectRequest {
  uv_connect_t request{};
};

}  // namespace

struct Connector::Attempt {
  Attempt(Connector& connector, std::string numeric)
      : owner(connector),
        address(std::move(numeric)),
        handle([&](uv_tcp_t* tcp) { return uv_tcp_init(connector.loop_.raw(), tcp); }),
        timeout(connector.loop_, [this] { owner.attempt_failed(*this, "no answer within 10 s"); }) {
    handle.set_owner(this);
  }

  Connector& owner;
  std::string address;
  UvHandle<uv_tcp_t> handle;
  Timer timeout;
  bool over = false;
};

Connector::Connector(Loop& loop, std::vector<std::string> addresses, std::uint16_t port,
                     std::function<void(Result)> done)
    : loop_(loop), addresses_(std::move(addresses)), port_(port), done_(std::move(done)), stagger_(loop, [this] {
        start_next();
      }) {
  stagger_.set(auth::Duration{0});
}

Connector::~Connector() = default;

void Connector::start_next() {
  if (next_ == addresses_.size()) return;
  attempts_.push_back(std::make_unique<Attempt>(*this, addresses_[next_++]));
  Attempt& attempt = *attempts_.back();
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  const bool known = uv_ip4_addr(attempt.address.c_str(), port_, reinterpret_cast<sockaddr_in*>(&storage)) == 0 ||
                     uv_ip6_addr(attempt.address.c_str(), port_, reinterpret_cast<sockaddr_in6*>(&storage)) == 0;
  if (!known) return attempt_failed(attempt, "not an address");

  auto request = std::make_unique<ConnectRequest>();
  request->request.data = request.get();
  const int error = uv_tcp_connect(&request->request, attempt.handle.get(), address, [](uv_connect_t* r, int status) {
    const std::unique_ptr<ConnectRequest> done(static_cast<ConnectRequest*>(r->data));
    auto* self = static_cast<Attempt*>(r->handle->data);
    if (self == nullptr || self->over) return;
    if (status < 0) return self->owner.attempt_failed(*self, uv_strerror(status));
    auto stream = std::make_unique<TcpStream>(self->owner.loop_, std::move(self->handle));
    self->owner.finish(std::move(stream));
  });
  if (error != 0) return attempt_failed(attempt, uv_strerror(error));
  static_cast<void>(request.release());
  attempt.timeout.set(address_timeout);
  stagger_.set(next_address_after);
}

void Connector::attempt_failed(Attempt& attempt, std::string_view why) {
  if (attempt.over) return;
  attempt.over = true;
  attempt.timeout.cancel();
  attempt.handle.close();
  if (!failures_.empty()) failures_ += "; ";
  failures_ += attempt.address;
  failures_ += ": ";
  failures_ += why;
  const bool waiting = std::ranges::any_of(attempts_, [](const auto& other) { return !other->over; });
  if (next_ < addresses_.size()) {
    stagger_.set(auth::Duration{0});
  } else if (!waiting) {
    finish(std::unexpected(failures_));
  }
}

void Connector::finish(Result result) {
  stagger_.cancel();
  for (auto& attempt : attempts_) {
    attempt->over = true;
    attempt->timeout.cancel();
    attempt->handle.close();
  }
  if (auto done = std::exchange(done_, nullptr)) done(std::move(result));
}

}  // namespace saslift::proxy::net
