// Certificates of listeners while the keeper runs: looked at, brought to the workers, told before they end.
#include <utility>

#include "proxy/keeper/keeper_loop.h"

namespace saslift::proxy::keeper {
namespace {

constexpr auth::Duration look_every{2'000};

}  // namespace

void KeeperLoop::use_certificates(ListenerCertificates certificates) {
  certificates_.emplace(std::move(certificates));
  look_at_certificates();
}

void KeeperLoop::look_at_certificates() {
  certificates_alarm_.set(look_every);
  if (draining_) return;
  auto look = certificates_->look(std::chrono::system_clock::now());
  for (const auto& event : look.events) log_.write(event);
  for (std::uint32_t index = 0; index < listeners_.size(); ++index) {
    listeners_[index].certificate_ends = certificates_->ends(index);
  }
  if (look.changed.empty()) return;
  // Those that are started later begin with it.
  if (auto plan = plan_workers(settings_, listeners_, *certificates_)) workers_->configure_later_ones(std::move(*plan));
  for (auto& [listener, pem] : look.changed) workers_->send_to_present(auth::NewCertificate{listener, std::move(pem)});
}

}  // namespace saslift::proxy::keeper
