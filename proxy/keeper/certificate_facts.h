// What people want to know of a certificate.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/keeper/log_line.h"

namespace saslift::proxy::keeper {

struct CertificateFacts {
  std::string subject;             // "CN=mail.example"
  std::vector<std::string> names;  // "mail.example", "192.0.2.1"
  WallTime not_before;
  WallTime not_after;
  std::string sha256;  // "AB:CD:..."
  std::string sha1;    // what old devices show
  std::string pem;     // the chain, without the key
  std::string der;     // the certificate alone
};

// Of the first certificate in the text; nullopt: there is none that can be read.
[[nodiscard]] std::optional<CertificateFacts> read_facts(std::string_view pem);

}  // namespace saslift::proxy::keeper
