#include "proxy/fetch/messages.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "auth/plain_cbor.h"

namespace saslift::proxy::fetch {
namespace {

using nlohmann::json;

constexpr std::size_t longest_id = 128;
constexpr std::size_t most_headers = 8;
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

// The secrets of a request, in the order in which both sides name them.
class SecretsOut {
 public:
  void add(const config::Secret& secret) { parts_.push_back(secret.reveal()); }
  [[nodiscard]] json sizes() const {
    json sizes = json::array();
    for (const auto part : parts_) sizes.push_back(part.size());
    return sizes;
  }
  [[nodiscard]] config::Secret joined() const {
    std::size_t size = 0;
    for (const auto part : parts_) size += part.size();
    if (size > largest_request - 2 - largest_cbor) throw std::length_error("a token request's secrets are too long");
    std::string bytes;
    bytes.reserve(size + 1);
    for (const auto part : parts_) bytes += part;
    return config::Secret::taken_from(bytes);
  }

 private:
  std::vector<std::string_view> parts_;
};

class SecretsIn {
 public:
  SecretsIn(const json& head, std::string_view bytes) : bytes_(bytes) {
    const auto found = head.find("sizes");
    if (found != head.end() && found->is_array()) sizes_ = *found;
  }
  [[nodiscard]] std::optional<config::Secret> next() {
    if (next_ >= sizes_.size() || !sizes_[next_].is_number_unsigned()) return std::nullopt;
    const auto size = sizes_[next_++].get<std::size_t>();
    if (size > bytes_.size()) return std::nullopt;
    config::Secret secret(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return secret;
  }
  [[nodiscard]] bool at_end() const { return next_ == sizes_.size() && bytes_.empty(); }

 private:
  json sizes_ = json::array();
  std::size_t next_ = 0;
  std::string_view bytes_;
};

json to_json(const auth::Assertion& assertion, SecretsOut& secrets) {
  if (const auto* file = std::get_if<auth::AssertionInFile>(&assertion.source))
    return {{"field", assertion.field}, {"path", file->path}};
  const auto& unsigned_one = std::get<auth::AssertionToSign>(assertion.source);
  secrets.add(unsigned_one.key_pem);
  return {{"field", assertion.field},
          {"input", unsigned_one.signing_input},
          {"algorithm", static_cast<int>(unsigned_one.algorithm)},
          {"key_store", unsigned_one.key_store}};
}

std::optional<auth::Assertion> read_assertion(const json& head, SecretsIn& secrets) {
  const auto field = text(head, "field");
  if (!field) return std::nullopt;
  if (auto path = text(head, "path")) return auth::Assertion{*field, auth::AssertionInFile{*std::move(path)}};
  auto input = text(head, "input");
  auto key_store = text(head, "key_store");
  const auto algorithm = number(head, "algorithm");
  auto key = secrets.next();
  if (!input || !key_store || !algorithm || *algorithm < 0 || *algorithm > 1 || !key) return std::nullopt;
  return auth::Assertion{*field, auth::AssertionToSign{.signing_input = *std::move(input),
                                                       .algorithm = static_cast<config::AssertionAlgorithm>(*algorithm),
                                                       .key_pem = *std::move(key),
                                                       .key_store = *std::move(key_store)}};
}

std::optional<config::HttpProxy> read_proxy(const json& head, SecretsIn& secrets) {
  auto host = text(head, "host");
  auto user = text(head, "user");
  const auto port = number(head, "port");
  auto password = secrets.next();
  if (!host || !user || !port || *port < 1 || *port > 65535 || !password) return std::nullopt;
  return config::HttpProxy{.host = *std::move(host),
                           .port = static_cast<std::uint16_t>(*port),
                           .user = *std::move(user),
                           .password = *std::move(password)};
}

std::optional<std::vector<std::string>> texts(const json& head, const char* key) {
  const auto found = head.find(key);
  if (found == head.end() || !found->is_array()) return std::nullopt;
  std::vector<std::string> result;
  for (const json& one : *found) {
    if (!one.is_string()) return std::nullopt;
    result.push_back(one.get<std::string>());
  }
  return result;
}

std::optional<config::TokenCommand> read_command(const json& head) {
  auto words = texts(head, "words");
  auto environment = texts(head, "environment");
  const auto time = number(head, "time");
  if (!words || words->empty() || !environment || !time || *time < 0) return std::nullopt;
  return config::TokenCommand{
      .words = *std::move(words), .environment = *std::move(environment), .time = std::chrono::milliseconds(*time)};
}

// The parts that stand in the head where there are any: read with `read`. False: malformed.
template <class Part, class Read>
bool take(const json& head, const char* key, std::optional<Part>& part, const Read& read) {
  const auto found = head.find(key);
  if (found == head.end()) return true;
  if (found->is_object()) part = read(*found);
  return part.has_value();
}

bool read_headers(const json& head, auth::TokenRequest& request, SecretsIn& secrets) {
  auto names = texts(head, "headers");
  if (!names || names->size() > most_headers) return false;
  for (std::string& name : *names) {
    auto value = secrets.next();
    if (!value) return false;
    request.headers.push_back({std::move(name), *std::move(value)});
  }
  return true;
}

}  // namespace

config::Secret encode(const auth::TokenRequest& request) {
  json head{{"url", request.url},
            {"ca_file", request.ca_file},
            {"service_ca_file", request.service_ca_file},
            {"method", static_cast<int>(request.method)}};
  SecretsOut secrets;
  secrets.add(request.body);
  json names = json::array();
  for (const auto& header : request.headers) {
    names.push_back(header.name);
    secrets.add(header.value);
  }
  head["headers"] = std::move(names);
  if (request.assertion) head["assertion"] = to_json(*request.assertion, secrets);
  if (request.http_proxy) {
    head["proxy"] = {
        {"host", request.http_proxy->host}, {"port", request.http_proxy->port}, {"user", request.http_proxy->user}};
    secrets.add(request.http_proxy->password);
  }
  if (request.command) {
    head["command"] = {{"words", request.command->words},
                       {"environment", request.command->environment},
                       {"time", request.command->time.count()}};
  }
  head["sizes"] = secrets.sizes();
  return join(head, secrets.joined().reveal());
}

config::Secret encode(const auth::FetchOutcome& outcome) {
  if (!outcome) {
    return join({{"failure", static_cast<int>(outcome.error().kind)},
                 {"detail", printable(outcome.error().detail, longest_detail)}},
                {});
  }
  json head{{"status", outcome->status},
            {"trace_id", printable(outcome->trace_id, longest_id)},
            {"correlation_id", printable(outcome->correlation_id, longest_id)},
            {"received", std::chrono::system_clock::to_time_t(outcome->received)},
            {"answerer", static_cast<int>(outcome->answerer)}};
  if (outcome->retry_after) head["retry_after"] = outcome->retry_after->count();
  if (outcome->clock_ahead) head["clock_ahead"] = outcome->clock_ahead->count();
  return join(head, outcome->body.reveal());
}

std::expected<auth::TokenRequest, MalformedMessage> decode_request(std::string_view message) {
  const auto parts = split(message);
  if (!parts) return std::unexpected(parts.error());
  const json& head = parts->head;
  SecretsIn secrets(head, parts->body);
  auto url = text(head, "url");
  auto ca_file = text(head, "ca_file");
  auto service_ca_file = text(head, "service_ca_file");
  const auto method = number(head, "method");
  auto body = secrets.next();
  const std::unexpected malformed(MalformedMessage{"not a token request"});
  if (!url || !ca_file || !service_ca_file || !method || *method < 0 || *method > 1 || !body) return malformed;
  auth::TokenRequest request{.url = *std::move(url),
                             .body = *std::move(body),
                             .ca_file = *std::move(ca_file),
                             .service_ca_file = *std::move(service_ca_file),
                             .method = static_cast<auth::HttpMethod>(*method)};
  const bool whole =
      read_headers(head, request, secrets) &&
      take(head, "assertion", request.assertion, [&](const json& one) { return read_assertion(one, secrets); }) &&
      take(head, "proxy", request.http_proxy, [&](const json& one) { return read_proxy(one, secrets); }) &&
      take(head, "command", request.command, read_command) && secrets.at_end();
  if (!whole) return malformed;
  return request;
}

std::expected<auth::FetchOutcome, MalformedMessage> decode_outcome(std::string_view message) {
  const auto parts = split(message);
  if (!parts) return std::unexpected(parts.error());
  if (const auto failure = number(parts->head, "failure")) {
    if (*failure < 0 || *failure > static_cast<int>(auth::FetchFailure::command_failed)) {
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
  reply.received = std::chrono::system_clock::from_time_t(number(parts->head, "received").value_or(0));
  if (number(parts->head, "answerer") == static_cast<int>(auth::Answerer::platform))
    reply.answerer = auth::Answerer::platform;
  reply.trace_id = printable(text(parts->head, "trace_id").value_or(""), longest_id);
  reply.correlation_id = printable(text(parts->head, "correlation_id").value_or(""), longest_id);
  if (const auto after = number(parts->head, "retry_after")) {
    reply.retry_after = auth::Duration(std::clamp<std::int64_t>(*after, 0, longest_retry_after));
  }
  if (const auto ahead = number(parts->head, "clock_ahead")) reply.clock_ahead = std::chrono::seconds(*ahead);
  reply.body = config::Secret(parts->body);
  return auth::FetchOutcome(std::move(reply));
}

}  // namespace saslift::proxy::fetch
