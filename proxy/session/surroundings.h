// What a session needs of the world: time, the keeper, connections, TLS. The worker gives the real ones, the
// tests a hand clock and in-memory streams. All outlive the session.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/clock.h"
#include "auth/login.h"
#include "proxy/net/byte_stream.h"

namespace saslift::proxy {

// One alarm a session; setting it again replaces it.
class Alarm {
 public:
  virtual ~Alarm() = default;
  virtual void set(auth::Instant when) = 0;
};

class Clock {
 public:
  [[nodiscard]] virtual auth::Instant now() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Alarm> make_alarm(std::function<void()> rang) = 0;
  // On the next turn of the loop: for freeing what is still on the call stack.
  virtual void later(std::function<void()> task) = 0;

 protected:
  ~Clock() = default;
};

// The worker's end of the pipe. A question's answer reaches the session by Session::answered().
class Keeper {
 public:
  // Overloaded: too many questions are open; away: the keeper is gone.
  enum class Line : std::uint8_t { open, overloaded, away };
  [[nodiscard]] virtual Line line() const = 0;
  virtual void send(auth::FromWorker message) = 0;

 protected:
  ~Keeper() = default;
};

// A connection being made; destroying it gives up.
class Dialing {
 public:
  virtual ~Dialing() = default;
};

class Dialer {
 public:
  using Result = std::expected<std::unique_ptr<net::ByteStream>, std::string>;
  // `done` is called once, on a later turn.
  [[nodiscard]] virtual std::unique_ptr<Dialing> dial(const std::vector<std::string>& addresses, std::uint16_t port,
                                                      std::function<void(Result)> done) = 0;

 protected:
  ~Dialer() = default;
};

// Wraps a stream in TLS; its reader hears secured() once it stands. `early` is what has been read of a
// handshake before it was known to be one.
class Tls {
 public:
  [[nodiscard]] virtual std::unique_ptr<net::ByteStream> to_provider(std::unique_ptr<net::ByteStream> stream,
                                                                     const auth::Granted& granted) = 0;
  [[nodiscard]] virtual std::unique_ptr<net::ByteStream> to_client(std::unique_ptr<net::ByteStream> stream,
                                                                   std::uint32_t listener, std::string early) = 0;

 protected:
  ~Tls() = default;
};

struct Surroundings {
  Clock& clock;
  Keeper& keeper;
  Dialer& dialer;
  Tls& tls;
};

}  // namespace saslift::proxy
