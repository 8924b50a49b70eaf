#include "proxy/fetch/exchange.h"

#include <httplib.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <new>
#include <string>

#include "config/network.h"
#include "proxy/fetch/retry_after.h"
#include "proxy/fetch/url.h"

namespace saslift::proxy::fetch {
namespace {

constexpr auto connect_timeout = std::chrono::seconds(5);
// For each read, and longer than the process around us lives: its end at 10 s is the one deadline, and is named as
// such.
constexpr auto read_timeout = std::chrono::seconds(30);

auth::FetchOutcome failed(auth::FetchFailure kind, std::string detail) {
  return std::unexpected(auth::FetchError{kind, std::move(detail)});
}

// The library asks for the chain alone and matches names by rules of its own, common names included:
// OpenSSL's check of the host becomes part of the chain's verification.
bool demand_host(SSL_CTX* context, const HttpsUrl& url) {
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

auth::FetchOutcome failure_of(httplib::Error error, const httplib::SSLClient& client, const HttpsUrl& url) {
  const std::string host = url.host + ":" + std::to_string(url.port);
  switch (error) {
    case httplib::Error::SSLServerVerification:
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts: {
      const long verdict = client.get_openssl_verify_result();
      if (verdict != X509_V_OK) {
        return failed(auth::FetchFailure::tls,
                      "certificate of " + host + ": " + X509_verify_cert_error_string(verdict));
      }
      return failed(auth::FetchFailure::tls, "TLS with " + host + ": " + httplib::to_string(error));
    }
    case httplib::Error::ConnectionTimeout:
      return failed(auth::FetchFailure::timeout, host + " did not take the connection in time");
    default:
      return failed(auth::FetchFailure::unreachable, host + ": " + httplib::to_string(error));
  }
}

httplib::Request to_http(const auth::TokenRequest& request, const HttpsUrl& url) {
  httplib::Request http;
  http.method = "POST";
  http.path = url.path;
  http.headers = {{"Accept", "application/json"},
                  {"Accept-Encoding", "identity"},
                  {"Connection", "close"},
                  {"Content-Type", "application/x-www-form-urlencoded"},
                  {"User-Agent", "saslift/" SASLIFT_VERSION}};
  http.body = request.body.reveal();
  return http;
}

auth::FetchOutcome post(const auth::TokenRequest& request, const HttpsUrl& url) {
  httplib::SSLClient client(url.host, url.port);
  client.enable_server_certificate_verification(true);
  client.set_follow_location(false);
  client.set_decompress(false);
  client.set_url_encode(false);
  client.set_keep_alive(false);
  client.set_connection_timeout(connect_timeout);
  client.set_read_timeout(read_timeout);
  if (!client.is_valid() || !demand_host(client.ssl_context(), url)) {
    return failed(auth::FetchFailure::tls, "cannot set up TLS for " + url.host);
  }
  if (const auto file = untrusted_file(client.ssl_context(), request); !file.empty()) {
    return failed(auth::FetchFailure::tls, "no certificates can be read from " + file);
  }

  httplib::Request http = to_http(request, url);
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
  config::wipe(http.body);
  if (too_long) {
    config::wipe(body);
    return failed(auth::FetchFailure::too_long, "the reply of " + url.host + " is longer than 64 KiB");
  }
  if (!answered) return failure_of(error, client, url);

  auth::TokenReply reply;
  reply.status = response.status;
  reply.retry_after = read_retry_after(response.get_header_value("Retry-After"), std::time(nullptr));
  for (const char* name : {"x-ms-request-id", "client-request-id"}) {
    if (reply.correlation_id.empty()) reply.correlation_id = response.get_header_value(name);
  }
  reply.body = config::Secret::taken_from(body);
  return reply;
}

}  // namespace

auth::FetchOutcome exchange(const auth::TokenRequest& request) {
  const auto url = parse_url(request.url);
  if (!url) return failed(auth::FetchFailure::unreachable, "not an https URL: " + request.url);
  try {
    return post(request, *url);
  } catch (const std::bad_alloc&) {
    return failed(auth::FetchFailure::too_long, "the reply of " + url->host + " did not fit into memory");
  }
}

}  // namespace saslift::proxy::fetch
