#include "proxy/fetch/exchange.h"

#include <httplib.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <new>
#include <string>

#include "config/network.h"
#include "proxy/fetch/assertion.h"
#include "proxy/fetch/http_date.h"
#include "proxy/fetch/url.h"

namespace saslift::proxy::fetch {
namespace {

constexpr auto connect_timeout = std::chrono::seconds(5);
// For each read, and longer than the process around us lives: its end at 10 s is the one deadline, and is named as
// such.
constexpr auto read_timeout = std::chrono::seconds(30);
constexpr int proxy_authentication_required = 407;

auth::FetchOutcome failed(auth::FetchFailure kind, std::string detail) {
  return std::unexpected(auth::FetchError{kind, std::move(detail)});
}

// The library asks for the chain alone and matches names by rules of its own, common names included:
// OpenSSL's check of the host becomes part of the chain's verification.
bool demand_host(SSL_CTX* context, const Url& url) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (config::IpAddress::parse(url.host)) return X509_VERIFY_PARAM_set1_ip_asc(wanted, url.host.c_str()) == 1;
  return X509_VERIFY_PARAM_set1_host(wanted, url.host.c_str(), url.host.size()) == 1;
}

// The system's own are added by the library.
std::string untrusted_file(SSL_CTX* context, const auth::TokenRequest& request) {
  for (const std::string& file : {request.ca_file, request.service_ca_file}) {
    if (!file.empty() && SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) return file;
  }
  return {};
}

std::string place_of(const Url& url) { return url.host + ":" + std::to_string(url.port); }

std::string way_of(const auth::TokenRequest& request) {
  const auto& proxy = request.http_proxy;
  return proxy ? " through " + proxy->host + ":" + std::to_string(proxy->port) : "";
}

auth::FetchOutcome tls_failure(const httplib::SSLClient& client, const auth::TokenRequest& request, const Url& url,
                               httplib::Error error) {
  const long verdict = client.get_openssl_verify_result();
  if (verdict != X509_V_OK) {
    return failed(auth::FetchFailure::tls,
                  "certificate of " + place_of(url) + ": " + X509_verify_cert_error_string(verdict));
  }
  return failed(auth::FetchFailure::tls,
                "TLS with " + place_of(url) + way_of(request) + ": " + httplib::to_string(error));
}

auth::FetchOutcome failure_of(httplib::Error error, const auth::TokenRequest& request, const Url& url) {
  if (error == httplib::Error::ConnectionTimeout)
    return failed(auth::FetchFailure::timeout,
                  place_of(url) + way_of(request) + " did not take the connection in time");
  return failed(auth::FetchFailure::unreachable, place_of(url) + way_of(request) + ": " + httplib::to_string(error));
}

httplib::Request to_http(const auth::TokenRequest& request, const Url& url, const config::Secret& body) {
  httplib::Request http;
  http.method = request.method == auth::HttpMethod::get ? "GET" : "POST";
  http.path = url.path;
  http.headers = {{"Accept", "application/json"},
                  {"Accept-Encoding", "identity"},
                  {"Connection", "close"},
                  {"User-Agent", "saslift/" SASLIFT_VERSION}};
  for (const auto& header : request.headers) http.headers.emplace(header.name, header.value.reveal());
  if (request.method == auth::HttpMethod::post) {
    http.headers.emplace("Content-Type", "application/x-www-form-urlencoded");
    http.body = body.reveal();
  }
  // The library would say the proxy's password to the endpoint too, unless a header of this name is there.
  if (request.http_proxy && !request.http_proxy->user.empty()) http.headers.emplace("Proxy-Authorization", "");
  return http;
}

void wipe(httplib::Request& http) {
  config::wipe(http.body);
  for (auto& [name, value] : http.headers) config::wipe(value);
}

void set_up(httplib::ClientImpl& client) {
  client.set_follow_location(false);
  client.set_decompress(false);
  client.set_url_encode(false);
  client.set_keep_alive(false);
  client.set_connection_timeout(connect_timeout);
  client.set_read_timeout(read_timeout);
}

auth::TokenReply to_reply(const httplib::Response& response) {
  auth::TokenReply reply;
  reply.status = response.status;
  reply.received = std::chrono::system_clock::now();
  const std::time_t now = std::chrono::system_clock::to_time_t(reply.received);
  reply.retry_after = read_retry_after(response.get_header_value("Retry-After"), now);
  if (const auto theirs = read_http_date(response.get_header_value("Date")))
    reply.clock_ahead = std::chrono::seconds(now - *theirs);
  reply.trace_id = response.get_header_value("x-ms-request-id");
  reply.correlation_id = response.get_header_value("client-request-id");
  return reply;
}

// What the library says when nothing came back.
using Explained = std::function<auth::FetchOutcome(httplib::Error)>;

auth::FetchOutcome send(httplib::ClientImpl& client, const Url& url, httplib::Request http, const Explained& explain) {
  std::string body;
  body.reserve(auth::largest_token_reply);
  bool too_long = false;
  http.content_receiver = [&](const char* bytes, std::size_t size, std::uint64_t, std::uint64_t) {
    too_long = body.size() + size > auth::largest_token_reply;
    if (!too_long) body.append(bytes, size);
    return !too_long;
  };
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  const bool answered = client.send(http, response, error);
  wipe(http);
  if (too_long) {
    config::wipe(body);
    return failed(auth::FetchFailure::too_long, "the reply of " + url.host + " is longer than 64 KiB");
  }
  if (!answered) return explain(error);
  auth::TokenReply reply = to_reply(response);
  reply.body = config::Secret::taken_from(body);
  return reply;
}

auth::FetchOutcome send_by_tls(const auth::TokenRequest& request, const Url& url, httplib::Request http) {
  httplib::SSLClient client(url.host, url.port);
  client.enable_server_certificate_verification(true);
  set_up(client);
  if (const auto& proxy = request.http_proxy) {
    client.set_proxy(proxy->host, proxy->port);
    if (!proxy->user.empty()) client.set_proxy_basic_auth(proxy->user, std::string(proxy->password.reveal()));
  }
  if (!client.is_valid() || !demand_host(client.ssl_context(), url)) {
    return failed(auth::FetchFailure::tls, "cannot set up TLS for " + url.host);
  }
  if (const auto file = untrusted_file(client.ssl_context(), request); !file.empty()) {
    return failed(auth::FetchFailure::tls, "no certificates can be read from " + file);
  }
  auto outcome = send(client, url, std::move(http), [&](httplib::Error error) {
    const bool at_tls = error == httplib::Error::SSLServerVerification || error == httplib::Error::SSLConnection ||
                        error == httplib::Error::SSLLoadingCerts;
    return at_tls ? tls_failure(client, request, url, error) : failure_of(error, request, url);
  });
  // The library hands on what the proxy says to CONNECT (RFC 9110 15.5.8).
  if (outcome && request.http_proxy && outcome->status == proxy_authentication_required) {
    return failed(auth::FetchFailure::unreachable,
                  place_of(url) + way_of(request) + ": the proxy wants a user and password, or others; see http_proxy");
  }
  return outcome;
}

// A managed identity's endpoint; never through a proxy (EXCHANGE 1.10).
auth::FetchOutcome send_in_clear(const auth::TokenRequest& request, const Url& url, httplib::Request http) {
  httplib::ClientImpl client(url.host, url.port);
  set_up(client);
  auto outcome =
      send(client, url, std::move(http), [&](httplib::Error error) { return failure_of(error, request, url); });
  if (outcome) outcome->answerer = auth::Answerer::platform;
  return outcome;
}

}  // namespace

auth::FetchOutcome exchange(const auth::TokenRequest& request) {
  const auto url = parse_url(request.url);
  const bool in_clear = url && url->scheme == UrlScheme::http;
  if (!url || (in_clear && request.method == auth::HttpMethod::post))
    return failed(auth::FetchFailure::unreachable, "not an https URL: " + request.url);
  const auto body = whole_body(request);
  if (!body) return failed(auth::FetchFailure::no_assertion, body.error().why);
  try {
    httplib::Request http = to_http(request, *url, *body);
    return in_clear ? send_in_clear(request, *url, std::move(http)) : send_by_tls(request, *url, std::move(http));
  } catch (const std::bad_alloc&) {
    return failed(auth::FetchFailure::too_long, "the reply of " + url->host + " did not fit into memory");
  }
}

}  // namespace saslift::proxy::fetch
