// What anybody may send first: an HTTP request's head, a load balancer's PROXY header.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/dialogue/proxy_header.h"
#include "proxy/http/request_head.h"

using namespace saslift::proxy;

namespace {

constexpr std::size_t longest = 1024;

void read_http(std::string_view bytes) {
  const auto whole = http::read_request_head(bytes, longest);
  if (!whole || !*whole) return;
  // Once it is whole, nothing behind it matters.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto part = http::read_request_head(bytes.substr(0, size), longest);
    if (!part) std::abort();
    if (*part && ((*part)->path != (*whole)->path || (*part)->fields.size() != (*whole)->fields.size())) std::abort();
  }
}

void read_proxy(std::string_view bytes) {
  ProxyHeaderReader reader;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t wanted = reader.wanted();
    if (wanted == 0) std::abort();
    const std::string_view piece = bytes.substr(at, wanted);
    at += piece.size();
    const auto outcome = reader.receive(piece);
    if (!outcome || *outcome) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_http(bytes);
  read_proxy(bytes);
  return 0;
}
