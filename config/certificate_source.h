// A listener's certificate and key from where the configuration says they are; read at the start and again
// whenever the files change.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/secret.h"
#include "config/settings.h"

namespace saslift::config {

enum class CertificatePart { chain, key };

struct CertificateRefused {
  CertificatePart part = CertificatePart::chain;
  std::string text;  // what, and what to do
};

struct ReadCertificate {
  Secret pem;  // chain, then key; guarded
  std::vector<std::string> warnings;
};

// PEM blocks of the right kinds are there; whether they fit together is OpenSSL's to say. A chain in a file of its own
// may be read by everybody, a key may not.
[[nodiscard]] std::expected<ReadCertificate, CertificateRefused> read_certificate(const CertificateSource& source);

// The files it comes from; none: from elsewhere, and not watched.
[[nodiscard]] std::vector<std::string> files_of(const CertificateSource& source);

}  // namespace saslift::config
