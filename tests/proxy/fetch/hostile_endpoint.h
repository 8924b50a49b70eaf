// A token endpoint that does as a test tells it: TLS on 127.0.0.1 with a certificate of its own making, one
// thread, one connection at a time. Destroying it stops it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace saslift::tests {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

// A directory that goes away with its owner.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = "/tmp/saslift-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    for (const auto& file : files_) ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  // The path of a file in it, removed with it.
  [[nodiscard]] std::string file(const std::string& name) {
    files_.push_back(path_ + "/" + name);
    return files_.back();
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

class HostileEndpoint {
 public:
  struct Certified {
    std::string subject_alt_name = "IP:127.0.0.1,DNS:localhost";
    std::string common_name = "localhost";
    int newest_tls = TLS1_3_VERSION;
  };
  // Writes to the client; false once it is gone or the endpoint is stopped.
  using Write = std::function<bool(std::string_view bytes)>;
  // What comes after the request has been read.
  using Behaviour = std::function<void(const Write& write)>;

  explicit HostileEndpoint(Behaviour behaviour) : HostileEndpoint(std::move(behaviour), Certified{}) {}
  HostileEndpoint(Behaviour behaviour, const Certified& certified) : behaviour_(std::move(behaviour)) {
    ::signal(SIGPIPE, SIG_IGN);
    make_context(certified);
    listen();
    thread_ = std::thread([this] { serve(); });
  }
  HostileEndpoint(const HostileEndpoint&) = delete;
  HostileEndpoint& operator=(const HostileEndpoint&) = delete;
  ~HostileEndpoint() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }

  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(port_) + "/tenant/token";
  }
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }
  [[nodiscard]] std::string last_request() const {
    const std::lock_guard lock(mutex_);
    return request_;
  }

 private:
  void make_context(const Certified& certified) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(certified.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    add(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    if (!certified.subject_alt_name.empty()) {
      add(certificate.get(), NID_subject_alt_name, certified.subject_alt_name.c_str());
    }
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    ca_file_ = directory_.file("ca.pem");
    FILE* file = std::fopen(ca_file_.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);

    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), certified.newest_tls);
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }

  static void add(X509* certificate, int extension, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, extension, value);
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
  }

  void listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("listen");
    }
    port_ = ntohs(address.sin_port);
  }

  void serve() {
    while (!stop_) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      // A client under sanitizers on a busy machine reads the system's certificates for a while first.
      const timeval patience{10, 0};
      ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      converse(connection);
      ::close(connection);
    }
  }

  void converse(int connection) {
    const Session session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), connection);
    if (SSL_accept(session.get()) != 1) return;
    read_request(session.get());
    behaviour_([&](std::string_view bytes) {
      return !stop_ && SSL_write(session.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    });
    SSL_shutdown(session.get());
  }

  void read_request(SSL* session) {
    std::string request;
    char chunk[4096];
    std::size_t expected = std::string::npos;
    while (!stop_ && request.size() < expected) {
      const int size = SSL_read(session, chunk, sizeof chunk);
      if (size <= 0) break;
      request.append(chunk, static_cast<std::size_t>(size));
      const auto end = request.find("\r\n\r\n");
      const auto length = request.find("Content-Length: ");
      if (end != std::string::npos && length != std::string::npos) {
        expected = end + 4 + std::stoul(request.substr(length + 16));
      }
    }
    const std::lock_guard lock(mutex_);
    request_ = request;
  }

  Behaviour behaviour_;
  TemporaryDirectory directory_;
  std::string ca_file_;
  Context context_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::string request_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace saslift::tests
