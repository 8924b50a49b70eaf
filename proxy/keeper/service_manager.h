// What the keeper tells the service manager that started it, if one did: systemd's notification protocol, spoken by
// ourselves (sd_notify(3)). Without one every call does nothing.
#pragma once

#include <string>
#include <string_view>

#include "auth/clock.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer.h"

namespace saslift::proxy::keeper {

// As the environment has it at the start; taking it removes it, so that no child finds it.
struct ServiceManagerAddress {
  std::string socket;          // a path, or "@name" in the abstract namespace; empty: nobody wants to know
  auth::Duration watchdog{0};  // killed when silent for so long; 0: never
};
[[nodiscard]] ServiceManagerAddress take_service_manager_address();

class ServiceManager {
 public:
  ServiceManager(net::Loop& loop, ServiceManagerAddress address);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  ~ServiceManager() = default;

  // From the first call on the watchdog is fed too, by the loop: while it stands still, nobody feeds it.
  void ready();
  void reloading();
  void stopping();

 private:
  void feed_watchdog();
  void tell(std::string_view text) const;

  ServiceManagerAddress address_;
  net::Timer feeding_;
};

}  // namespace saslift::proxy::keeper
