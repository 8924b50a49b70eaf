// The certificate and key with which an identity signs for itself, out of PEM, PKCS#12 or a service account's
// key file.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace saslift::config {

struct SigningKeyRefused {
  std::string text;  // what, and what to do
};

struct SigningKeyParts {
  std::string_view certificate;  // PEM or PKCS#12, with the key in it where no other place is given
  std::string_view key;          // PEM; empty: none of its own
  std::string_view password;     // of PKCS#12 or of an encrypted key
};
// `pem` and `certificate_der` of the result are filled in; of a key that stays in a store the certificate alone.
[[nodiscard]] std::expected<SigningKey, SigningKeyRefused> read_signing_key(const SigningKeyParts& parts);
[[nodiscard]] std::expected<SigningKey, SigningKeyRefused> read_certificate_alone(std::string_view pem_or_der);
// A private key without any certificate.
[[nodiscard]] std::expected<SigningKey, SigningKeyRefused> read_key_alone(std::string_view pem);

struct CertificateFacts {
  std::chrono::sys_seconds not_after;
  std::string sha1;    // the bytes of the thumbprint
  std::string sha256;  // the same
};
// nullopt: no certificate.
[[nodiscard]] std::optional<CertificateFacts> facts_of_certificate(const std::string& der);

}  // namespace saslift::config
