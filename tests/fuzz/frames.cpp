// A worker that strangers have taken over writes anything into the keeper's pipe.
#include "auth/frames.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace saslift;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(auth::decode_to_worker(bytes));
  if (const auto message = auth::decode_from_worker(bytes)) {
    // What was understood can be said again.
    if (!auth::decode_from_worker(auth::encode(*message).reveal().substr(4))) std::abort();
  }
  auth::FrameReader reader;
  reader.append(bytes);
  for (auto next = reader.next(); next && *next; next = reader.next())
    static_cast<void>(auth::decode_from_worker(**next));
  return 0;
}
