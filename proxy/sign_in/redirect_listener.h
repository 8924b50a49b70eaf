// Waits on the loopback for a browser to come back from a sign-in. Every connection has 10 s and 16 KiB; whatever is
// not the awaited redirect is turned away and changes nothing. Blocks.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/clock.h"
#include "proxy/keeper/descriptor.h"
#include "proxy/sign_in/redirect_request.h"

namespace saslift::proxy::sign_in {

class RedirectListener {
 public:
  static constexpr std::size_t most_connections = 32;

  // On 127.0.0.1 and, where there is one, ::1; port 0: any that is free on both.
  [[nodiscard]] static std::expected<RedirectListener, std::string> open(RedirectTarget wanted);

  [[nodiscard]] std::uint16_t port() const { return target_.port; }

  // nullopt: the query is the awaited one; else why not, for the page.
  using Judge = std::function<std::optional<std::string>(std::string_view query)>;
  // Until the awaited redirect has come, whose browser then waits for answer(); false: it has not, by then.
  [[nodiscard]] bool wait(const Judge& judge, auth::Instant until);
  void answer(const Page& page);

 private:
  struct Connection {
    keeper::Descriptor socket;
    config::Secret received;  // of which the query may be the awaited one
    auth::Instant until;
    bool answered = false;  // what it still sends is read and thrown away, so that it gets the answer
    bool ended = false;
  };

  void accept_from(const keeper::Descriptor& listener);
  // True: it is the awaited one.
  [[nodiscard]] bool read_from(Connection& connection, const Judge& judge);
  static void send_page(Connection& connection, const Page& page);

  RedirectTarget target_;
  std::vector<keeper::Descriptor> listeners_;
  std::vector<Connection> connections_;
  std::optional<keeper::Descriptor> awaited_;
};

}  // namespace saslift::proxy::sign_in
