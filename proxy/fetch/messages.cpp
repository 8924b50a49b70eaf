#include "proxy/fetch/messages.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "auth/plain_cbor.h"

namespace saslift::proxy::fetch {
namespace {

using nlohmann::json;

constexpr std::size_t longest_correlation_id = 128;
constexpr std::int64_t longest_retry_after = 24LL * 3600 * 1000;

config::Secret join(const json& head, std::string_view body) {
  const std::vector<std::uint8_t> cbor = json::to_cbor(head);
  if (cbor.size() > largest_cbor) throw std::length_error("a token request's names are too long");
  std::string message;
  message.reserve(2 + cbor.size() + body.size());
  message += static_cast<char>(cbor.size() & 0xff);
  message += static_cast<char>(cbor.size() >> 8);
  message.append(cbor.begin(), cbor.end());
  message += body;
  return config::Secret::taken_from(message);
}

struct Parts {
  json head;
  std::string_view body;
};

std::expected<Parts, MalformedMessage> split(std::string_view message) {
  if (message.size() < 2) return std::unexpected(MalformedMessage{"shorter than its length"});
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(message[i])); };
  const std::size_t size = byte(0) | byte(1) << 8;
  message.remove_prefix(2);
  if (size > largest_cbor || size > message.size()) return std::unexpected(MalformedMessage{"wrong length"});
  const std::string_view cbor = message.substr(0, size);
  if (!auth::is_plain_cbor(cbor)) return std::unexpected(MalformedMessage{"not plain CBOR"});
  json head = json::from_cbor(cbor.begin(), cbor.end(), true, false);
  if (!head.is_object()) return std::unexpected(MalformedMessage{"not a CBOR map"});
  return Parts{std::move(head), message.substr(size)};
}

std::optional<std::string> text(const json& head, const char* key) {
  const auto found = head.find(key);
  if (found == head.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::int64_t> number(const json& head, const char* key) {
  const auto found = head.find(key);
  if (found == head.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

// What a server sent may be no UTF-8, which CBOR's text is.
std::string printable(std::string_view text, std::size_t longest) {
  std::string result(text.substr(0, longest));
  std::replace_if(result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return result;
}

}  // namespace

config::Secret encode(const auth::TokenRequest& request) {
  return join({{"url", request.url}, {"ca_file", request.ca_file}, {"service_ca_file", request.service_ca_file}},
              request.body.reveal());
}

config::Secret encode(const auth::FetchOutcome& outcome) {
  if (!outcome) {
    return join({{"failure", static_cast<int>(outcome.error().kind)},
                 {"detail", printable(outcome.error().detail, longest_detail)}},
                {});
  }
  json head{{"status", outcome->status},
            {"correlation_id", printable(outcome->correlation_id, longest_correlation_id)}};
  if (outcome->retry_after) head["retry_after"] = outcome->retry_after->count();
  return join(head, outcome->body.reveal());
}

std::expected<auth::TokenRequest, MalformedMessage> decode_request(std::string_view message) {
  const auto parts = split(message);
  if (!parts) return std::unexpected(parts.error());
  const auto url = text(parts->head, "url");
  const auto ca_file = text(parts->head, "ca_file");
  const auto service_ca_file = text(parts->head, "service_ca_file");
  if (!url || !ca_file || !service_ca_file) return std::unexpected(MalformedMessage{"not a token request"});
  return auth::TokenRequest{*url, config::Secret(parts->body), *ca_file, *service_ca_file};
}

std::expected<auth::FetchOutcome, MalformedMessage> decode_outcome(std::string_view message) {
  const auto parts = split(message);
  if (!parts) return std::unexpected(parts.error());
  if (const auto failure = number(parts->head, "failure")) {
    if (*failure < 0 || *failure > static_cast<int>(auth::FetchFailure::died)) {
      return std::unexpected(MalformedMessage{"unknown failure"});
    }
    return auth::FetchOutcome(
        std::unexpected(auth::FetchError{static_cast<auth::FetchFailure>(*failure),
                                         printable(text(parts->head, "detail").value_or(""), longest_detail)}));
  }
  const auto status = number(parts->head, "status");
  if (!status || *status < 100 || *status > 999) return std::unexpected(MalformedMessage{"no HTTP status"});
  if (parts->body.size() > auth::largest_token_reply) return std::unexpected(MalformedMessage{"body too long"});
  auth::TokenReply reply;
  reply.status = static_cast<int>(*status);
  reply.correlation_id = printable(text(parts->head, "correlation_id").value_or(""), longest_correlation_id);
  if (const auto after = number(parts->head, "retry_after")) {
    reply.retry_after = auth::Duration(std::clamp<std::int64_t>(*after, 0, longest_retry_after));
  }
  reply.body = config::Secret(parts->body);
  return auth::FetchOutcome(std::move(reply));
}

}  // namespace saslift::proxy::fetch
