#include "proxy/net/tls_engine.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace saslift::proxy::net {

// The BIO between OpenSSL and the buffers of the call under way.
struct MemoryBio {
  static TlsEngine* engine(BIO* bio) { return static_cast<TlsEngine*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, int size) {
    BIO_clear_retry_flags(bio);
    auto& input = engine(bio)->input_;
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t count = std::min(input.size(), static_cast<std::size_t>(size));
    std::memcpy(to, input.data(), count);
    input = input.subspan(count);
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    std::string* output = engine(bio)->output_;
    if (output == nullptr) return -1;
    output->append(from, static_cast<std::size_t>(size));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "buffers of the call");
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    return made;
  }

  // Binds the buffers for the length of one call.
  class Call {
   public:
    Call(TlsEngine& engine, std::span<const char> input, std::string* output) : engine_(engine) {
      engine_.input_ = input;
      engine_.output_ = output;
      ERR_clear_error();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      engine_.input_ = {};
      engine_.output_ = nullptr;
    }

   private:
    TlsEngine& engine_;
  };
};

void TlsEngine::Deleter::operator()(ssl_st* ssl) const {
  // SSL_free of a connection without close_notify marks its session as not resumable.
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl);
}

TlsEngine::TlsEngine(Handle ssl, std::string peer) : peer_(std::move(peer)), ssl_(std::move(ssl)) {
  BIO* bio = BIO_new(MemoryBio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  watch(ssl_.get(), conduct_);
}

TlsEngine::~TlsEngine() = default;

TlsEngine::Received TlsEngine::start(std::string& out) { return receive({}, {}, out); }

TlsEngine::Received TlsEngine::receive(std::span<const char> ciphertext, std::span<char> plaintext, std::string& out) {
  if (failure_) return std::unexpected(*failure_);
  const MemoryBio::Call call(*this, ciphertext, &out);
  Progress progress;
  if (!secured_) {
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) return std::unexpected(error());
    progress.consumed = ciphertext.size() - input_.size();
    if (result != 1) return progress;
    secured_ = progress.secured = true;
  }
  while (progress.plaintext < plaintext.size()) {
    if (conduct_.turns > most_turns) {
      failure_ = {StreamFailure::tls_record,
                  fmt::format("TLS with {}: it keeps asking for new keys or a new handshake", peer_)};
      return std::unexpected(*failure_);
    }
    const auto space = plaintext.subspan(progress.plaintext);
    std::size_t count = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), space.data(), space.size(), &count);
    progress.consumed = ciphertext.size() - input_.size();
    progress.plaintext += count;
    if (result == 1) continue;
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ) return progress;
    if (why != SSL_ERROR_ZERO_RETURN) {
      failure_ = error();
      if (progress.plaintext == 0 && !progress.secured) return std::unexpected(*failure_);
      progress.more = true;
      return progress;
    }
    progress.peer_finished = true;
    return progress;
  }
  progress.more = !input_.empty() || SSL_has_pending(ssl_.get()) == 1;
  return progress;
}

std::expected<void, StreamError> TlsEngine::encrypt(std::string_view plaintext, std::string& out) {
  if (plaintext.empty()) return {};
  const MemoryBio::Call call(*this, {}, &out);
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written) == 1) return {};
  return std::unexpected(error());
}

void TlsEngine::finish(std::string& out) {
  if (!secured_) return;
  const MemoryBio::Call call(*this, {}, &out);
  SSL_shutdown(ssl_.get());
}

HalfClose TlsEngine::half_close() const {
  return SSL_version(ssl_.get()) >= TLS1_3_VERSION ? HalfClose::possible : HalfClose::closes_all;
}

StreamError TlsEngine::error() const {
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (!secured_ && verdict != X509_V_OK) {
    return {StreamFailure::tls_certificate,
            fmt::format("certificate of {}: {}", peer_, X509_verify_cert_error_string(verdict))};
  }
  std::string reason = "unexpected end";
  if (const unsigned long code = ERR_peek_error(); code != 0) {
    if (const auto old = too_old(ERR_GET_REASON(code)); old && !secured_) return *old;
    const char* text = ERR_reason_error_string(code);
    if (text != nullptr) {
      reason = text;
    } else {
      std::array<char, 128> buffer{};
      ERR_error_string_n(code, buffer.data(), buffer.size());
      reason = buffer.data();
    }
  }
  return {secured_ ? StreamFailure::tls_record : StreamFailure::tls_handshake,
          fmt::format("TLS with {}: {}", peer_, reason)};
}

std::optional<StreamError> TlsEngine::too_old(int reason) const {
  if (conduct_.newest_offered == 0) return std::nullopt;
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL) {
    return StreamError{StreamFailure::tls_too_old, version_name(conduct_.newest_offered)};
  }
  if (reason == SSL_R_NO_SHARED_CIPHER) return StreamError{StreamFailure::tls_too_old, "old ciphers only"};
  return std::nullopt;
}

}  // namespace saslift::proxy::net
