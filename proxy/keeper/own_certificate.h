// The self-signed certificate where it is kept: state_dir/tls.pem. Devices may trust exactly this one, so it stays
// until its last day, whatever becomes of our names.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/settings.h"
#include "proxy/keeper/log_line.h"
#include "proxy/keeper/self_signed.h"

namespace saslift::proxy::keeper {

inline constexpr std::chrono::hours own_certificate_renewed_before{24};

[[nodiscard]] std::string own_certificate_path(const config::Service& service);

// The host's names, and the addresses that its listeners have: of 0.0.0.0 and [::] those of every interface.
[[nodiscard]] OwnNames own_names(const config::Settings& settings);

struct OwnCertificate {
  std::string path;
  OwnNames names;
};

// What is kept, or one made and kept now where there is none or its end has come.
[[nodiscard]] std::expected<config::Secret, std::string> own_certificate(const OwnCertificate& own, WallTime now);

// Of our names, those that it does not have.
[[nodiscard]] std::vector<std::string> names_missing_in(std::string_view pem, const OwnNames& names);

}  // namespace saslift::proxy::keeper
