// Certificates made in memory, good and bad ones.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace saslift::proxy::net::testing {

struct Leaf {
  std::string common_name = "mail.test";
  // OpenSSL's notation: "DNS:mail.test", "IP:127.0.0.1"; none: no subjectAltName at all.
  std::vector<std::string> alternative_names = {"DNS:mail.test"};
  std::string raw_dns_name;  // put in as is, for names no tool would write
  long starts_in_seconds = -3600;
  long ends_in_seconds = 3600;
  int rsa_bits = 0;  // 0: an EC key
  enum class Signer { authority, itself } signer = Signer::authority;
};

class Authority {
 public:
  explicit Authority(const std::string& name = "Test authority");
  // Chain and key as PEM.
  [[nodiscard]] std::string issue(const Leaf& leaf) const;
  [[nodiscard]] std::string certificate_pem() const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  Key key_;
  Certificate certificate_;
};

}  // namespace saslift::proxy::net::testing
