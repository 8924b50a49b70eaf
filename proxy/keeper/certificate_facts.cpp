#include "proxy/keeper/certificate_facts.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

#include "config/network.h"
#include "config/released_by.h"

namespace saslift::proxy::keeper {
namespace {

using Bio = std::unique_ptr<BIO, config::ReleasedBy<BIO_free>>;
using Certificate = std::unique_ptr<X509, config::ReleasedBy<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, config::ReleasedBy<GENERAL_NAMES_free>>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string subject_of(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return text_of(bio.get());
}

std::string fingerprint(X509* certificate, const EVP_MD* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (X509_digest(certificate, digest, bytes.data(), &size) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", bytes.at(i));
  return text;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::string address_of(std::string_view bytes) {
  constexpr std::size_t v4_size = 4;
  if (bytes.size() == v4_size) {
    std::string text;
    for (const char byte : bytes) {
      text += fmt::format("{}{}", text.empty() ? "" : ".", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    }
    return text;
  }
  std::string groups;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    groups +=
        fmt::format("{}{:02x}{:02x}", at == 0 ? "" : ":", static_cast<unsigned>(static_cast<unsigned char>(bytes[at])),
                    static_cast<unsigned>(static_cast<unsigned char>(bytes[at + 1])));
  }
  const auto address = config::IpAddress::parse(groups);
  return address ? address->text() : groups;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> found;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < (names ? sk_GENERAL_NAME_num(names.get()) : 0); ++i) {
    int kind = 0;
    const auto* value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind));
    if (kind != GEN_DNS && kind != GEN_IPADD) continue;
    const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                 static_cast<std::size_t>(ASN1_STRING_length(value)));
    found.push_back(kind == GEN_DNS ? std::string(bytes) : address_of(bytes));
  }
  return found;
}

std::string der_of(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  i2d_X509_bio(bio.get(), certificate);
  return text_of(bio.get());
}

}  // namespace

std::optional<CertificateFacts> read_facts(std::string_view pem) {
  const Bio source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Bio chain(BIO_new(BIO_s_mem()));
  const Certificate own(PEM_read_bio_X509_AUX(source.get(), nullptr, nullptr, nullptr));
  if (!own) {
    ERR_clear_error();
    return std::nullopt;
  }
  PEM_write_bio_X509(chain.get(), own.get());
  while (const Certificate next{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)}) {
    PEM_write_bio_X509(chain.get(), next.get());
  }
  ERR_clear_error();  // the end of the text reads as an error
  return CertificateFacts{.subject = subject_of(own.get()),
                          .names = names_of(own.get()),
                          .not_before = time_of(X509_get0_notBefore(own.get())),
                          .not_after = time_of(X509_get0_notAfter(own.get())),
                          .sha256 = fingerprint(own.get(), EVP_sha256()),
                          .sha1 = fingerprint(own.get(), EVP_sha1()),
                          .pem = text_of(chain.get()),
                          .der = der_of(own.get())};
}

}  // namespace saslift::proxy::keeper
