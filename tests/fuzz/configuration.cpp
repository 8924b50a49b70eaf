// A configuration of any bytes is good, or each of its problems is told (FAULTS 82).
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.h"

using namespace saslift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.find("command") != std::string_view::npos) return 0;  // it would be run
  const auto loaded = config::load_text(bytes, "/nowhere/saslift.toml");
  if (loaded) return 0;
  if (loaded.error().empty()) std::abort();
  for (const auto& problem : loaded.error()) {
    if (problem.message().empty()) std::abort();
  }
  return 0;
}
