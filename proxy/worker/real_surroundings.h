// A session's surroundings in a worker: libuv's time and sockets, OpenSSL's TLS.
#pragma once

#include <memory>
#include <vector>

#include "auth/login.h"
#include "proxy/net/connector.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls_context.h"
#include "proxy/session/surroundings.h"

namespace saslift::proxy {

class RealClock final : public Clock {
 public:
  explicit RealClock(net::Loop& loop) : loop_(loop) {}
  [[nodiscard]] auth::Instant now() const override { return loop_.now(); }
  [[nodiscard]] std::unique_ptr<Alarm> make_alarm(std::function<void()> rang) override;
  void later(std::function<void()> task) override { loop_.later(std::move(task)); }

 private:
  net::Loop& loop_;
};

class RealDialer final : public Dialer {
 public:
  explicit RealDialer(net::Loop& loop) : loop_(loop) {}
  [[nodiscard]] std::unique_ptr<Dialing> dial(const std::vector<std::string>& addresses, std::uint16_t port,
                                              std::function<void(Result)> done) override;

 private:
  net::Loop& loop_;
};

class RealTls final : public Tls {
 public:
  // Throws std::runtime_error when trust or a certificate cannot be used.
  RealTls(net::Loop& loop, const auth::Configure& order);
  [[nodiscard]] std::unique_ptr<net::ByteStream> to_provider(std::unique_ptr<net::ByteStream> stream,
                                                             const auth::Granted& granted) override;
  [[nodiscard]] std::unique_ptr<net::ByteStream> to_client(std::unique_ptr<net::ByteStream> stream,
                                                           std::uint32_t listener, std::string early) override;
  // Throws std::runtime_error when it cannot be used.
  void renew(const auth::NewCertificate& order);

 private:
  net::Loop& loop_;
  std::vector<std::unique_ptr<net::UpstreamTlsContext>> providers_;  // by Granted::trust
  std::vector<std::unique_ptr<net::ListenerTlsContext>> listeners_;  // by listener; null where TLS is off
};

}  // namespace saslift::proxy
