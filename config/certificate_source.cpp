#include "config/certificate_source.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "config/secret_sources.h"

namespace saslift::config {
namespace {

constexpr std::string_view file_prefix = "file:";
constexpr std::string_view credential_prefix = "credential:";

bool has_block(std::string_view pem, std::string_view kind) {
  const std::string begin = fmt::format("-----BEGIN {}-----", kind);
  const auto found = pem.find(begin);
  return found != std::string_view::npos &&
         pem.find(fmt::format("-----END {}-----", kind), found) != std::string_view::npos;
}

bool has_certificate(std::string_view pem) { return has_block(pem, "CERTIFICATE"); }

std::string wrong_with_key(std::string_view pem, CertificatePart part) {
  const std::string_view name = part == CertificatePart::chain ? "certificate" : "certificate_key";
  if (has_block(pem, "ENCRYPTED PRIVATE KEY") || pem.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos) {
    return fmt::format("the key in '{}' needs a passphrase; store it without: openssl pkey -in ... -out ...", name);
  }
  if (has_block(pem, "PRIVATE KEY") || has_block(pem, "RSA PRIVATE KEY") || has_block(pem, "EC PRIVATE KEY")) return {};
  return fmt::format("'{}' holds no private key (-----BEGIN PRIVATE KEY-----); {}", name,
                     part == CertificatePart::chain ? "it goes into the same file, or into 'certificate_key'"
                                                    : "'certificate' is for the chain");
}

std::unexpected<CertificateRefused> refuse(CertificatePart part, std::string text) {
  return std::unexpected(CertificateRefused{part, std::move(text)});
}

// Where the chain has a file of its own, that is no secret: certbot leaves it readable by all.
SecretResult read_chain(const CertificateSource& source) {
  const bool is_own_file = !source.key.empty() && source.chain.starts_with(file_prefix);
  if (!is_own_file) return read_secret(source.chain, source.directory);
  return read_public_file(std::filesystem::path(source.directory) / source.chain.substr(file_prefix.size()));
}

Secret joined(const Secret& chain, const Secret& key) {
  std::string both;
  both.reserve(chain.size() + 1 + key.size());  // never moved while it fills: no stray copy of the key
  both.append(chain.reveal()).append("\n").append(key.reveal());
  Secret made = Secret::guarded(both);
  wipe(both);
  return made;
}

}  // namespace

std::expected<ReadCertificate, CertificateRefused> read_certificate(const CertificateSource& source) {
  auto chain = read_chain(source);
  if (!chain) return refuse(CertificatePart::chain, fmt::format("'certificate': {}", chain.error().text));
  if (!has_certificate(chain->bytes.reveal())) {
    return refuse(CertificatePart::chain, "'certificate' holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
  }
  ReadCertificate read;
  for (const std::string& warning : chain->warnings) read.warnings.push_back("'certificate': " + warning);
  if (source.key.empty()) {
    if (auto wrong = wrong_with_key(chain->bytes.reveal(), CertificatePart::chain); !wrong.empty()) {
      return refuse(CertificatePart::chain, std::move(wrong));
    }
    read.pem = std::move(chain->bytes);
    return read;
  }
  const auto key = read_secret(source.key, source.directory);
  if (!key) return refuse(CertificatePart::key, fmt::format("'certificate_key': {}", key.error().text));
  if (auto wrong = wrong_with_key(key->bytes.reveal(), CertificatePart::key); !wrong.empty()) {
    return refuse(CertificatePart::key, std::move(wrong));
  }
  for (const std::string& warning : key->warnings) read.warnings.push_back("'certificate_key': " + warning);
  read.pem = joined(chain->bytes, key->bytes);
  return read;
}

std::vector<std::string> files_of(const CertificateSource& source) {
  std::vector<std::string> files;
  for (const std::string& written : {source.chain, source.key}) {
    if (written.starts_with(file_prefix)) {
      files.push_back((std::filesystem::path(source.directory) / written.substr(file_prefix.size())).string());
    } else if (const std::filesystem::path directory = credentials_directory();
               written.starts_with(credential_prefix) && !directory.empty()) {
      files.push_back((directory / written.substr(credential_prefix.size())).string());
    }
  }
  return files;
}

}  // namespace saslift::config
