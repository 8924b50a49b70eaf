#include "proxy/worker/real_surroundings.h"

#include "proxy/net/timer.h"
#include "proxy/net/tls_stream.h"

namespace saslift::proxy {
namespace {

class LoopAlarm final : public Alarm {
 public:
  LoopAlarm(net::Loop& loop, std::function<void()> rang) : loop_(loop), timer_(loop, std::move(rang)) {}
  void set(auth::Instant when) override { timer_.set(when - loop_.now()); }

 private:
  net::Loop& loop_;
  net::Timer timer_;
};

class Connecting final : public Dialing {
 public:
  Connecting(net::Loop& loop, const std::vector<std::string>& addresses, std::uint16_t port,
             std::function<void(Dialer::Result)> done)
      : connector_(loop, addresses, port,
                   [done = std::move(done)](net::Connector::Result result) { done(std::move(result)); }) {}

 private:
  net::Connector connector_;
};

net::ListenerTlsRules rules_of(const auth::WorkerListener& listener) {
  return {std::string(name_of(listener.protocol)),
          listener.legacy_tls ? net::TlsVersions::legacy : net::TlsVersions::current};
}

}  // namespace

std::unique_ptr<Alarm> RealClock::make_alarm(std::function<void()> rang) {
  return std::make_unique<LoopAlarm>(loop_, std::move(rang));
}

std::unique_ptr<Dialing> RealDialer::dial(const std::vector<std::string>& addresses, std::uint16_t port,
                                          std::function<void(Result)> done) {
  return std::make_unique<Connecting>(loop_, addresses, port, std::move(done));
}

RealTls::RealTls(net::Loop& loop, const auth::Configure& order) : loop_(loop) {
  for (const auto& file : order.trust_files) {
    providers_.push_back(std::make_unique<net::UpstreamTlsContext>(file, order.ca_file));
  }
  for (std::size_t i = 0; i < order.listeners.size(); ++i) {
    const auto& listener = order.listeners[i];
    listeners_.push_back(listener.tls == config::ListenerTls::off
                             ? nullptr
                             : std::make_unique<net::ListenerTlsContext>(order.certificates.at(i), rules_of(listener)));
  }
}

std::unique_ptr<net::ByteStream> RealTls::to_provider(std::unique_ptr<net::ByteStream> stream,
                                                      const auth::Granted& granted) {
  return std::make_unique<net::TlsStream>(loop_, std::move(stream),
                                          providers_.at(granted.trust)->connect({granted.host, granted.port}));
}

std::unique_ptr<net::ByteStream> RealTls::to_client(std::unique_ptr<net::ByteStream> stream, std::uint32_t listener,
                                                    std::string early) {
  return std::make_unique<net::TlsStream>(loop_, std::move(stream), listeners_.at(listener)->accept(),
                                          std::move(early));
}

void RealTls::renew(const auth::NewCertificate& order) {
  if (auto& context = listeners_.at(order.listener)) context->renew(order.pem);
}

}  // namespace saslift::proxy
