// As much of HTTP/1.1 (RFC 9112) as answering a scraper takes: one GET, its path and what it accepts. Sans-IO.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace saslift::proxy::metrics {

inline constexpr std::size_t longest_head = 8 * 1024;

struct Request {
  std::string method;
  std::string path;    // without its query
  std::string accept;  // empty: anything
};

enum class RequestFault { malformed, too_long };

class RequestReader {
 public:
  void receive(std::string_view bytes);
  // Of these at most one ever comes, and stays.
  [[nodiscard]] const std::optional<Request>& request() const { return request_; }
  [[nodiscard]] const std::optional<RequestFault>& fault() const { return fault_; }

 private:
  void read(std::string_view head);

  std::string head_;
  std::optional<Request> request_;
  std::optional<RequestFault> fault_;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};
// Of a connection that is closed behind it.
[[nodiscard]] std::string text_of(const Response& response);

}  // namespace saslift::proxy::metrics
