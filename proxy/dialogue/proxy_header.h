// The PROXY protocol of HAProxy, versions 1 and 2: what a load balancer says first about its client. Sans-IO.
// Taken from listed load balancers alone, since whoever may send it chooses his address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy {

struct ProxyHeader {
  // Numeric; empty where the balancer speaks for itself (LOCAL, UNKNOWN): then its own address counts.
  std::string client_address;
};

struct ProxyHeaderFault {
  std::string_view what;
};

class ProxyHeaderReader {
 public:
  using Outcome = std::expected<std::optional<ProxyHeader>, ProxyHeaderFault>;

  // How many bytes the header has at least still to come: reading no more than these leaves the client's own
  // bytes where they are.
  [[nodiscard]] std::size_t wanted() const;
  // nullopt: it goes on.
  [[nodiscard]] Outcome receive(std::string_view bytes);

 private:
  [[nodiscard]] Outcome read_line() const;
  [[nodiscard]] Outcome read_binary() const;

  std::string bytes_;
};

// Whether these first bytes of a connection are such a header, which nobody asked for.
[[nodiscard]] bool is_proxy_header(std::string_view first_bytes);

}  // namespace saslift::proxy
