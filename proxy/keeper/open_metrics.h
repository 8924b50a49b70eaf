// The metrics as text: OpenMetrics 1.0, or Prometheus' older format that says the same with other words. No mailbox,
// no login, no address is in it.
#pragma once

#include <string>

#include "proxy/keeper/status_report.h"
#include "proxy/keeper/tally.h"

namespace saslift::proxy::keeper {

enum class MetricsFormat { prometheus, openmetrics };

[[nodiscard]] std::string metrics_text(const StatusFacts& facts, const Tally& tally, MetricsFormat format);

}  // namespace saslift::proxy::keeper
