#include "proxy/net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <stdexcept>

#include "proxy/net/peer_conduct.h"

namespace saslift::proxy::net {
namespace {

// Exchange: a TLS 1.3 server sends two tickets a connection; more than a burst of logins needs is stale anyway.
constexpr std::size_t tickets_kept = 8;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct CertificateDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

[[noreturn]] void give_up(std::string_view what) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  throw std::runtime_error(reason == nullptr ? std::string(what) : fmt::format("{}: {}", what, reason));
}

// Where keep_ticket finds the stack that a connection's tickets go to.
int tickets_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ContextHandle make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  ContextHandle context(SSL_CTX_new(method));
  if (!context) give_up("cannot set up TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_security_level(context.get(), 2);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection keeps no 16 KiB record buffer.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

void trust_file(SSL_CTX* context, const std::string& file) {
  if (file.empty()) return;
  if (SSL_CTX_load_verify_file(context, file.c_str()) != 1)
    give_up(fmt::format("cannot read certificates from {}", file));
}

// OpenSSL's own would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

// A client that offers protocols, but not this listener's, is not a mail client (ALPACA, RFC 7301 3.2).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                    void* name) {
  const std::string_view offers(reinterpret_cast<const char*>(in), in_size);
  for (std::size_t at = 0; at < offers.size();) {
    const auto size = static_cast<unsigned char>(offers[at]);
    if (offers.substr(at + 1, size) == *static_cast<const std::string*>(name)) {
      *out = in + at + 1;
      *out_size = size;
      return SSL_TLSEXT_ERR_OK;
    }
    at += 1U + size;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

constexpr const char* current_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
// Behind those of today, what TLS 1.0 has that is neither anonymous nor broken outright.
constexpr const char* legacy_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE:DHE:RSA:!aNULL:!eNULL:!PSK:!SRP:!RC4:!EXPORT";

// Level 0, because TLS 1.0 and 1.1 sign with MD5 and SHA-1.
void allow_old_clients(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_dh_auto(context, 1);
}

void use_certificate(SSL_CTX* context, const config::Secret& pem) {
  const auto open = [&pem] {
    return std::unique_ptr<BIO, BioDeleter>(
        BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
  };
  const auto chain = open();
  const std::unique_ptr<X509, CertificateDeleter> own(PEM_read_bio_X509_AUX(chain.get(), nullptr, nullptr, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) give_up("certificate: no certificate in the file");
  while (X509* next = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      give_up("certificate: the chain cannot be used");
    }
  }
  // The end of the file reads as an error; one within a certificate is a file half-written.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) give_up("certificate: the chain cannot be read");
  ERR_clear_error();
  const auto keys = open();
  const std::unique_ptr<EVP_PKEY, KeyDeleter> key(
      PEM_read_bio_PrivateKey(keys.get(), nullptr, &no_passphrase, nullptr));
  if (!key) give_up("certificate: no private key in the file");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    give_up("certificate: key and certificate do not fit together");
  }
}

}  // namespace

void ContextDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

void UpstreamTlsContext::SessionDeleter::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

UpstreamTlsContext::UpstreamTlsContext(const std::string& ca_file, const std::string& more_ca_file)
    : context_(make_context(TLS_client_method())) {
  SSL_CTX* context = context_.get();
  // The bundle as one file, because a worker may open nothing later; a missing one is no error by itself.
  if (SSL_CTX_load_verify_file(context, X509_get_default_cert_file()) != 1) {
    static_cast<void>(SSL_CTX_load_verify_file(context, "/etc/ssl/certs/ca-certificates.crt"));
    ERR_clear_error();
  }
  trust_file(context, ca_file);
  trust_file(context, more_ca_file);
  if (sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))) == 0) {
    give_up("no certificate authority is trusted; install ca-certificates or set ca_file");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &keep_ticket);
  // TLS 1.2: a session that was resumed brings no new ticket, the old one serves again (RFC 5077 3.3).
  SSL_CTX_set_info_callback(context, [](const SSL* ssl, int where, int) {
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0 || SSL_version(ssl) >= TLS1_3_VERSION || SSL_session_reused(ssl) != 1)
      return;
    SSL* connection = const_cast<SSL*>(ssl);
    SSL_SESSION* session = SSL_get1_session(connection);
    if (keep_ticket(connection, session) == 0) SSL_SESSION_free(session);
  });
}

UpstreamTlsContext::~UpstreamTlsContext() = default;

int UpstreamTlsContext::keep_ticket(ssl_st* ssl, ssl_session_st* session) {
  auto* tickets = static_cast<Tickets*>(SSL_get_ex_data(ssl, tickets_index()));
  if (tickets == nullptr || SSL_SESSION_is_resumable(session) != 1) return 0;
  if (tickets->size() == tickets_kept) tickets->erase(tickets->begin());
  tickets->emplace_back(session);
  return 1;  // ours to free now
}

std::unique_ptr<TlsEngine> UpstreamTlsContext::connect(const Server& server) {
  ERR_clear_error();
  TlsEngine::Handle ssl(SSL_new(context_.get()));
  if (!ssl) give_up("cannot start TLS");
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl.get());
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, server.host.c_str()) != 1) {
    ERR_clear_error();
    std::string name = server.host;
    if (SSL_set1_host(ssl.get(), name.c_str()) != 1 ||
        SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) {
      give_up(fmt::format("'{}' is not a host name", server.host));
    }
  }
  Tickets& tickets = tickets_[fmt::format("{}:{}", server.host, server.port)];
  SSL_set_ex_data(ssl.get(), tickets_index(), &tickets);
  if (!tickets.empty()) {
    SSL_set_session(ssl.get(), tickets.back().get());
    tickets.pop_back();
  }
  SSL_set_connect_state(ssl.get());
  return std::make_unique<TlsEngine>(std::move(ssl), server.host);
}

ListenerTlsContext::ListenerTlsContext(const config::Secret& pem, ListenerTlsRules rules) : rules_(std::move(rules)) {
  renew(pem);
}

void ListenerTlsContext::renew(const config::Secret& pem) {
  auto made = make_context(TLS_server_method());
  SSL_CTX* context = made.get();
  if (rules_.versions == TlsVersions::legacy) allow_old_clients(context);
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, &rules_.alpn);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_cipher_list(context, rules_.versions == TlsVersions::legacy ? legacy_ciphers : current_ciphers);
  watch_clients(context);
  use_certificate(context, pem);
  context_ = std::move(made);
}

ListenerTlsContext::~ListenerTlsContext() = default;

std::unique_ptr<TlsEngine> ListenerTlsContext::accept() {
  ERR_clear_error();
  TlsEngine::Handle ssl(SSL_new(context_.get()));
  if (!ssl) give_up("cannot start TLS");
  SSL_set_accept_state(ssl.get());
  return std::make_unique<TlsEngine>(std::move(ssl), "client");
}

}  // namespace saslift::proxy::net
